/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* What would be guarded, and what would be refused
 * ================================================
 *
 * Answers `observe', also what `enable' says before it changes anything.  The
 * ports are admitted as if the bridges in question were enabled already, and
 * what the switch shows of their traffic now is judged with them
 * (policy/seen.h): the flows of the datapath and the connection table, both
 * read from the switch's control socket, and what `ovs-sgctl' has seen of
 * packets.  Nothing is changed, neither in the switch nor in the database.
 *
 *   begun --> flows, connections of one datapath type, then the next --> done
 *
 * A big answer is parsed in slices, as the connection table is for
 * revoke.c. */

#include "agent/core-private.h"

#include "agent/describe.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "packets.h"
#include "policy/seen.h"
#include "ports/ports.h"
#include "sset.h"
#include "switch/conntrack-parse.h"
#include "switch/control.h"
#include "switch/megaflow.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

#define SLICE 3000              /* usec */
#define PATIENCE 5000           /* Milliseconds: an agent may just start. */

struct sg_observation {
    char *bridge;               /* NULL: all that we may touch. */
    struct sg_seen seen;
    struct sg_control *control;
    struct svec types;          /* Datapath types to ask... */
    size_t next;                /* ...and twice the one that is next, */
    bool asked;                 /* which has been asked about, */
    const char *line;           /* and answered up to here; or NULL. */
    struct svec notes;          /* Sentences: what cannot be seen, and the
                                 * like. */
    long long int deadline;     /* For database and policy (time_msec()). */
    bool begun;                 /* They were looked at. */
    char *error;                /* Why it cannot be done, or NULL. */
};

/* Ports as they would be. */

/* Would 'observe' look at this bridge?  With a name, an explicit
 * sg-enable=false is what would be changed. */
static bool
is_observed(const struct sg_observation *o, const struct sg_bridge *bridge)
{
    bool explicitly;

    return (bridge->manager == SG_MANAGER_NONE
            && (o->bridge ? !strcmp(o->bridge, bridge->name)
                : sg_bridge_may_manage(bridge, &explicitly)));
}

/* 'iface' as it would be admitted if its bridge were enabled. */
static struct sg_port *
admit_enabled(const struct sg_core *core, const struct sg_iface *iface)
{
    char secure[] = "secure";
    struct sg_bridge bridge = *iface->bridge;
    struct sg_iface copy = *iface;
    struct sg_port *port;

    smap_clone(&bridge.external_ids, &iface->bridge->external_ids);
    smap_replace(&bridge.external_ids, "sg-enable", "true");
    bridge.fail_mode = secure;
    copy.bridge = &bridge;
    port = sg_port_admit(core->loaded->policy, &core->loaded->binder, &copy);
    smap_destroy(&bridge.external_ids);
    return port;
}

/* What a port has learned it keeps. */
static void
keep_learned(struct sg_port *port, const struct sg_port *now)
{
    if (now && now->guarded && port->learns_mac && now->n_macs) {
        free(port->macs);
        port->macs = xmemdup(now->macs, now->n_macs * sizeof *now->macs);
        port->n_macs = now->n_macs;
    }
    if (now && now->guarded && port->learns_addresses && now->n_addresses) {
        free(port->addresses);
        port->addresses = xmemdup(now->addresses, (now->n_addresses
                                                   * sizeof *now->addresses));
        port->n_addresses = now->n_addresses;
    }
}

static void
admit_all(const struct sg_core *core, const struct sg_observation *o,
          struct sg_ports *ports)
{
    const struct sg_facts *facts = sg_core_facts(core);
    const struct sg_iface *iface;

    sg_ports_init(ports);
    ports->sets = core->ports.sets;
    HMAP_FOR_EACH (iface, node, &facts->ifaces) {
        const struct sg_port *now = sg_ports_find(&core->ports, iface->name);
        struct sg_port *port;

        if (is_observed(o, iface->bridge)) {
            port = admit_enabled(core, iface);
            keep_learned(port, now);
        } else if (now) {
            port = sg_port_clone(now);
        } else {
            continue;
        }
        hmap_insert(&ports->ports, &port->node, hash_string(port->name, 0));
    }
}

/* Asking the switch. */

static void
add_note(struct sg_observation *o, char *sentence)
{
    svec_add_nocopy(&o->notes, sentence);
}

static bool
is_about_flows(const struct sg_observation *o)
{
    return !(o->next % 2);
}

static void
ask(struct sg_observation *o)
{
    sg_control_start_text(o->control, o->types.names[o->next / 2],
                          is_about_flows(o));
    o->asked = true;
    o->line = NULL;
}

static void
see_flow(struct sg_observation *o, const char *line)
{
    struct sg_sighting s = { .source = "datapath flow" };
    struct sg_megaflow f;

    if (!sg_megaflow_parse(line, &f)
        || (f.eth_type != ETH_TYPE_IP && f.eth_type != ETH_TYPE_IPV6)) {
        return;
    }
    s.from = f.in_port;
    s.to = f.out_port;
    s.has_macs = f.has_macs;
    s.src_mac = f.src_mac;
    s.dst_mac = f.dst_mac;
    s.family = f.eth_type == ETH_TYPE_IP ? SG_IPV4 : SG_IPV6;
    s.has_src = f.has_src;
    s.has_dst = f.has_dst;
    s.src = f.src;
    s.dst = f.dst;
    s.proto = f.proto;
    s.sport = f.sport;
    s.dport = f.dport;
    s.code = f.code;
    s.packets = f.packets;
    sg_seen_add(&o->seen, &s);
}

static void
see_connection(struct sg_observation *o, const char *line)
{
    struct sg_sighting s = { .source = "connection table", .began = true };
    struct sg_conn conn;
    bool icmp;

    if (!sg_conn_parse(line, &conn)) {
        return;
    }
    icmp = conn.proto == IPPROTO_ICMP || conn.proto == IPPROTO_ICMPV6;
    s.family = IN6_IS_ADDR_V4MAPPED(&conn.src) ? SG_IPV4 : SG_IPV6;
    s.has_src = s.has_dst = true;
    s.src = conn.src;
    s.dst = conn.dst;
    s.proto = conn.proto;
    s.sport = icmp ? -1 : conn.sport;
    s.dport = icmp ? conn.dport >> 8 : conn.dport;
    s.code = icmp ? conn.dport & 0xff : -1;
    sg_seen_add(&o->seen, &s);
}

/* Returns true when the answer has been read. */
static bool
read_answer(struct sg_observation *o)
{
    long long int slice_end = time_usec() + SLICE;

    o->line = o->line ? o->line : sg_control_text(o->control);
    for (unsigned int i = 1; *o->line; i++) {
        if (is_about_flows(o)) {
            see_flow(o, o->line);
        } else {
            see_connection(o, o->line);
        }
        o->line += strcspn(o->line, "\n");
        o->line += *o->line == '\n';
        if (!(i % 64) && time_usec() >= slice_end) {
            return !*o->line;
        }
    }
    return true;
}

/* Returns true once everything has been asked and read. */
static bool
observation_run(struct sg_observation *o)
{
    while (o->next < 2 * o->types.n) {
        if (!o->asked) {
            ask(o);
        }
        switch (sg_control_run(o->control)) {
        case SG_CONTROL_PENDING:
            return false;

        case SG_CONTROL_DONE:
            if (!read_answer(o)) {
                poll_immediate_wake();
                return false;
            }
            break;

        case SG_CONTROL_FAILED:
            add_note(o, xasprintf(
                "%s of the \"%s\" datapath cannot be seen: %s",
                is_about_flows(o) ? "flows" : "connections",
                o->types.names[o->next / 2],
                sg_control_error(o->control)));
            break;

        case SG_CONTROL_IDLE:
        default:
            break;
        }
        o->asked = false;
        o->next++;
    }
    return true;
}

/* The answer. */

static const struct sg_bridge **
sort_bridges(const struct sg_facts *facts, size_t *n)
{
    const struct shash_node **nodes = shash_sort(&facts->bridges);
    const struct sg_bridge **bridges;

    *n = shash_count(&facts->bridges);
    bridges = xmalloc(MAX(*n, 1) * sizeof *bridges);
    for (size_t i = 0; i < *n; i++) {
        bridges[i] = nodes[i]->data;
    }
    free(nodes);
    return bridges;
}

static void
put_sentence(struct json *object, const char *name, char *sentence)
{
    json_object_put(object, name, (sentence
                                   ? json_string_create_nocopy(sentence)
                                   : json_null_create()));
}

static struct json *
bridge_to_json(const struct sg_observation *o, const struct sg_bridge *bridge)
{
    struct json *object = json_object_create();
    bool explicitly;
    char *refusal = sg_bridge_refuse(bridge);

    sg_bridge_may_manage(bridge, &explicitly);
    if (!refusal && !is_observed(o, bridge)) {
        refusal = xasprintf("bridge \"%s\" has sg-enable=false; name it to "
                            "observe it all the same", bridge->name);
    }
    json_object_put_string(object, "name", bridge->name);
    json_object_put(object, "enabled", json_boolean_create(explicitly));
    json_object_put(object, "secure", json_boolean_create(
                        !strcmp(bridge->fail_mode, "secure")));
    put_sentence(object, "refused", refusal);
    return object;
}

static struct json *
bridges_to_json(const struct sg_core *core, const struct sg_observation *o)
{
    struct json *list = json_array_create_empty();
    const struct sg_bridge **bridges;
    size_t n;

    bridges = sort_bridges(sg_core_facts(core), &n);
    for (size_t i = 0; i < n; i++) {
        if (!o->bridge || !strcmp(o->bridge, bridges[i]->name)) {
            json_array_add(list, bridge_to_json(o, bridges[i]));
        }
    }
    free(bridges);
    return list;
}

static bool
is_enforced(const struct sg_core *core, const char *name)
{
    const struct sg_port *now = sg_ports_find(&core->ports, name);
    const char *error;
    uint16_t zone;

    return (now && now->guarded
            && sg_core_port_state(core, now, &error, &zone)
               == SG_PORT_ACTIVE);
}

static bool
is_enforced_port(const struct sg_port *port, void *core)
{
    return is_enforced(core, port->name);
}

/* What the operator should know of 'port' before. */
static char *
port_remark(const struct sg_port *port)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    if (port->error) {
        ds_put_cstr(&s, port->error);
    } else if (port->learns_mac && !port->n_macs) {
        ds_put_cstr(&s, "declares no MAC: the first frame's is learned");
    }
    if (!port->error && port->learns_addresses && !port->n_addresses) {
        ds_put_format(&s, "%sdeclares no address: until one is learned, only "
                      "ARP, ND and DHCP pass", s.length ? "; " : "");
    }
    return s.length ? ds_steal_cstr(&s) : NULL;
}

static struct json *
port_to_json(const struct sg_core *core, const struct sg_port *port)
{
    struct json *object = json_object_create();
    struct json *groups = json_array_create_empty();

    for (size_t i = 0; i < port->n_groups; i++) {
        json_array_add(groups, json_string_create(port->groups[i]));
    }
    json_object_put_string(object, "name", port->name);
    json_object_put_string(object, "bridge", port->bridge);
    json_object_put(object, "groups", groups);
    json_object_put(object, "addresses",
                    sg_describe_prefixes(port->addresses, port->n_addresses));
    json_object_put(object, "enforced", json_boolean_create(
                        is_enforced(core, port->name)));
    put_sentence(object, "remark", port_remark(port));
    return object;
}

static struct json *
ports_to_json(const struct sg_core *core, const struct sg_observation *o,
              const struct sg_ports *ports)
{
    struct json *list = json_array_create_empty();
    const struct sg_facts *facts = sg_core_facts(core);
    struct sset names = SSET_INITIALIZER(&names);
    const struct sg_port *port;
    const char **sorted;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        const struct sg_bridge *bridge = shash_find_data(&facts->bridges,
                                                         port->bridge);

        if (port->guarded && bridge && is_observed(o, bridge)) {
            sset_add(&names, port->name);
        }
    }
    sorted = sset_sort(&names);
    for (size_t i = 0; i < sset_count(&names); i++) {
        json_array_add(list, port_to_json(core, sg_ports_find(ports,
                                                              sorted[i])));
    }
    free(sorted);
    sset_destroy(&names);
    return list;
}

/* Has the port groups of its own already, on a bridge where it cannot be
 * guarded?  Then it is closed as soon as an agent acts. */
static bool
is_closed_at_once(const struct sg_core *core, const struct sg_iface *iface)
{
    const struct sg_port *now = sg_ports_find(&core->ports, iface->name);

    return (now && now->guarded
            && strcmp(iface->bridge->fail_mode, "secure"));
}

static void
note_closed_at_once(const struct sg_core *core, struct sg_observation *o,
                    const struct sg_bridge *bridge)
{
    const struct sg_iface *iface;
    size_t n = 0;

    HMAP_FOR_EACH (iface, node, &sg_core_facts(core)->ifaces) {
        n += iface->bridge == bridge && is_closed_at_once(core, iface);
    }
    if (n && core->observe) {
        add_note(o, xasprintf(
            "%"PRIuSIZE" ports of %s have groups without `ovs-sgctl enable', "
            "and the bridge is not fail_mode=secure: an agent without "
            "--observe closes them when it starts; before that, run "
            "`ovs-vsctl br-set-external-id %s sg-enable false'", n,
            bridge->name, bridge->name));
    }
}

/* What enabling does to what goes on, apart from the rules. */
static void
note_dangers(const struct sg_core *core, struct sg_observation *o,
             const struct sg_ports *ports)
{
    const struct shash_node *node;
    const struct sg_port *port;
    bool any = false;

    SHASH_FOR_EACH (node, &sg_core_facts(core)->bridges) {
        if (is_observed(o, node->data)) {
            note_closed_at_once(core, o, node->data);
        }
    }
    HMAP_FOR_EACH (port, node, &ports->ports) {
        const struct sg_iface *iface
            = sg_facts_find_iface(sg_core_facts(core), port->name);

        any |= (port->guarded && iface && is_observed(o, iface->bridge)
                && !is_enforced(core, port->name));
    }
    if (any && !core->midstream_grace) {
        add_note(o, xstrdup("TCP connections that are open when a port "
                            "becomes guarded are cut, because nobody has seen "
                            "them begin; an agent with --midstream-grace=60 "
                            "lets those go on that the rules allow"));
    }
}

static struct json *
observation_to_json(struct sg_core *core, struct sg_observation *o)
{
    struct json *answer = json_object_create();
    struct json *notes = json_array_create_empty();
    struct sg_ports ports;

    if (!core->have_policy) {
        add_note(o, xstrdup("no policy is loaded: ports that become guarded "
                            "are closed until `ovs-sgctl reload' has loaded "
                            "one (judged here by the built-in group "
                            "\"default\" alone)"));
    }
    admit_all(core, o, &ports);
    sg_seen_teach(&o->seen, &ports);
    note_dangers(core, o, &ports);
    for (size_t i = 0; i < o->notes.n; i++) {
        json_array_add(notes, json_string_create(o->notes.names[i]));
    }
    json_object_put(answer, "bridges", bridges_to_json(core, o));
    json_object_put(answer, "ports", ports_to_json(core, o, &ports));
    json_object_put(answer, "flows",
                    sg_seen_judge(&o->seen, core->loaded->policy, &ports,
                                  is_enforced_port, core));
    json_object_put(answer, "notes", notes);
    sg_ports_destroy(&ports);
    return answer;
}

/* From outside. */

/* Why it cannot be done, or NULL. */
static char *
observe_check(const struct sg_core *core, const char *bridge)
{
    const struct sg_facts *facts = sg_core_facts(core);

    if (!facts) {
        return sg_ovsdb_explain_dead(core->db);
    } else if (bridge && !shash_find(&facts->bridges, bridge)) {
        return xasprintf("there is no bridge \"%s\" in the database; "
                         "`ovs-vsctl list-br' shows the bridges", bridge);
    }
    return NULL;
}

char *
sg_core_observe_start(const struct sg_core *core, const char *bridge,
                      const struct json *seen, struct sg_observation **op)
{
    struct sg_observation *o = xzalloc(sizeof *o);
    char *error;

    sg_seen_init(&o->seen);
    o->bridge = nullable_xstrdup(bridge);
    o->control = sg_control_create(core->switch_unixctl);
    o->deadline = time_msec() + PATIENCE;
    svec_init(&o->types);
    svec_init(&o->notes);
    error = seen ? sg_seen_add_json(&o->seen, seen) : NULL;
    if (error) {
        sg_core_observe_cancel(o);
        o = NULL;
    }
    *op = o;
    return error;
}

/* Returns false as long as it is worth waiting for database and policy. */
static bool
observe_begin(const struct sg_core *core, struct sg_observation *o)
{
    const struct sg_facts *facts = sg_core_facts(core);
    const struct shash_node *node;

    if ((!facts || !sg_core_loads_settled(core))
        && time_msec() < o->deadline) {
        poll_timer_wait_until(MIN(o->deadline, time_msec() + 100));
        return false;
    }
    o->begun = true;
    o->error = observe_check(core, o->bridge);
    if (o->error) {
        return true;
    }
    SHASH_FOR_EACH (node, &facts->bridges) {
        const struct sg_bridge *b = node->data;

        if (is_observed(o, b)) {
            svec_add(&o->types, b->datapath_type);
        }
    }
    svec_sort_unique(&o->types);
    return true;
}

bool
sg_core_observe_finish(struct sg_core *core, struct sg_observation *o,
                       struct json **answer, char **error)
{
    *answer = NULL;
    *error = NULL;
    if ((!o->begun && !observe_begin(core, o)) || !observation_run(o)) {
        return false;
    }
    if (o->error) {
        *error = xstrdup(o->error);
    } else {
        *answer = observation_to_json(core, o);
    }
    sg_core_observe_cancel(o);
    return true;
}

void
sg_core_observe_wait(const struct sg_observation *o)
{
    sg_control_wait(o->control);
}

void
sg_core_observe_cancel(struct sg_observation *o)
{
    if (o) {
        sg_seen_destroy(&o->seen);
        sg_control_destroy(o->control);
        svec_destroy(&o->types);
        svec_destroy(&o->notes);
        free(o->bridge);
        free(o->error);
        free(o);
    }
}
