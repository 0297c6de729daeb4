/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Learning MACs and addresses: between the switch and the table
 * =============================================================
 *
 * learn/table.h says what is learned and when it is forgotten,
 * compile/emit-learning.c which frames come here.
 *
 *   frame --> endpoint, by the flow's cookie --> claims --> table
 *     |                                                      |
 *     '-- once the new flows are in force: back into the     pass
 *         switch, as if it came in now
 *
 * What was learned is nowhere but in the flows: those of learned MACs and
 * addresses carry a note of how and when.  The first pass over a bridge reads
 * them back, so that a restart touches no flow.
 *
 * Whether an address is in use is what its anti-spoofing flows count.  They
 * are asked a few times in the span after which an unused one is forgotten. */

#include "agent/core-private.h"

#include "compile/pipeline.h"
#include "compile/read.h"
#include "learn/table.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "switch/switch.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_learn);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 20);

#define LOOKS 3                 /* At the counters, before one is unused. */
#define MAX_HELD 64             /* Frames, on a bridge. */

/* A frame that goes back once what it taught is in force. */
struct held {
    struct ovs_list node;       /* In sg_core_bridge.held. */
    struct sg_shown *shown;
    unsigned int pass;          /* That is in it. */
};

static uint32_t
now_of(const struct sg_core *core)
{
    return time_wall() + core->learn_advance;
}

/* Does 'port' have an endpoint on 'bridge' with 'identity' in its cookies? */
static bool
has_identity(const struct sg_port *port, const char *bridge,
             uint64_t identity)
{
    for (size_t i = 0; port->guarded && !port->error
         && i < port->n_endpoints; i++) {
        uint64_t id = sg_endpoint_identity(port, &port->endpoints[i]);

        if ((id & SG_COOKIE_ID_MASK) == identity) {
            return !strcmp(port->bridge, bridge);
        }
    }
    return false;
}

/* The port that has the zone with 'identity' in the plan of 'b', or NULL. */
static struct sg_port *
find_planned_port(const struct sg_core *core, const struct sg_core_bridge *b,
                  uint64_t identity)
{
    const struct sg_id *zone = sg_ids_by_identity(&core->compiler->zones,
                                                  identity);
    const struct sg_plan_endpoint *ep
        = zone && b->plan ? sg_plan_endpoint(b->plan, zone->id) : NULL;

    return ep ? sg_ports_find(&core->ports, ep->port->name) : NULL;
}

/* The port that has an endpoint with 'identity' in its cookies.  Asked for
 * every frame, and for every flow that counts packets: the plan knows nearly
 * all of them. */
static struct sg_port *
find_port(const struct sg_core *core, const struct sg_core_bridge *b,
          uint64_t identity)
{
    struct sg_port *port = find_planned_port(core, b, identity);

    if (port && has_identity(port, b->name, identity)) {
        return port;
    }
    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        if (has_identity(port, b->name, identity)) {
            return port;
        }
    }
    return NULL;
}

/* The port in 'vlan' (in the form of SG_R_VLAN) that has 'mac'. */
static struct sg_port *
find_client(const struct sg_core *core, const char *bridge, uint32_t vlan,
            const struct eth_addr mac)
{
    struct sg_port *port;

    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        bool here = false;

        for (size_t i = 0; i < port->n_endpoints; i++) {
            here |= port->endpoints[i].vlan == (vlan & 0xfff);
        }
        for (size_t i = 0; i < port->n_macs && here && port->guarded
             && !port->error && port->learns_addresses; i++) {
            if (eth_addr_equals(port->macs[i], mac)
                && !strcmp(port->bridge, bridge)) {
                return port;
            }
        }
    }
    return NULL;
}

/* Frames. */

static void
hold(struct sg_core *core, struct sg_core_bridge *b, struct sg_shown *shown)
{
    if (!shown->whole || ovs_list_size(&b->held) >= MAX_HELD) {
        sg_shown_destroy(shown);
        return;
    }

    struct held *held = xmalloc(sizeof *held);
    held->shown = shown;
    held->pass = core->pass + 1;
    ovs_list_push_back(&b->held, &held->node);
}

static bool
claim(struct sg_core *core, struct sg_port *port,
      const struct sg_claims *claims)
{
    struct ds said = DS_EMPTY_INITIALIZER;
    bool learned = sg_learn_claim(&core->learn, core->loaded->policy,
                                  &core->ports, port, claims, now_of(core),
                                  &said);

    if (said.length) {
        ds_chomp(&said, '\n');
        VLOG_INFO_RL(&rl, "%s", ds_cstr(&said));
    }
    ds_destroy(&said);
    if (learned) {
        VLOG_DBG("%s: learned something", port->name);
        sset_add(&core->changed, port->name);   /* It has it already. */
        core->learn_changed = true;
    }
    return learned;
}

/* A frame of a guest.  Takes 'shown'. */
static void
look_at_guest(struct sg_core *core, struct sg_core_bridge *b,
              struct sg_shown *shown)
{
    struct sg_port *port = find_port(core, b,
                                     shown->cookie & SG_COOKIE_ID_MASK);
    struct sg_claims claims;
    bool paused = false;

    if (port && (port->learns_mac || port->learns_addresses)
        && sg_learn_may_look(&core->learn, port, now_of(core), &paused)
        && sg_claims_from_guest(shown->frame, shown->size, &claims)
        && claim(core, port, &claims)) {
        hold(core, b, shown);
    } else {
        sg_shown_destroy(shown);
    }
    if (paused) {
        /* What was refused must not hide it. */
        static struct vlog_rate_limit pause_rl = VLOG_RATE_LIMIT_INIT(20, 20);

        VLOG_INFO_RL(&pause_rl, "%s: it claims too many addresses; "
                     "nothing is learned from it for %d seconds", port->name,
                     SG_LEARN_PAUSE);
        core->learn_changed = true;
    }
}

static void
look_at_answer(struct sg_core *core, const struct sg_core_bridge *b,
               const struct sg_shown *shown)
{
    struct sg_claims claims;

    if (sg_claims_from_dhcp(shown->frame, shown->size, &claims)) {
        struct sg_port *port = find_client(core, b->name, shown->vlan,
                                           claims.mac);

        if (port) {
            claim(core, port, &claims);
        }
    }
}

static void
look(struct sg_core *core, struct sg_core_bridge *b, struct sg_shown *shown)
{
    if (!core->have_policy || core->observe || b->leaving
        || sg_cookie_get_kind(shown->cookie) != SG_COOKIE_LEARN) {
        sg_shown_destroy(shown);
    } else if (shown->table_id == SG_T_FLOOD
               || shown->table_id == SG_T_IN_DHCP) {
        look_at_answer(core, b, shown);
        sg_shown_destroy(shown);
    } else {
        look_at_guest(core, b, shown);
    }
}

void
sg_core_learn_release(struct sg_core_bridge *b)
{
    struct held *held;

    LIST_FOR_EACH_SAFE (held, node, &b->held) {
        if ((int) (b->applied_pass - held->pass) >= 0 && b->applied_pass) {
            sg_switch_send_frame(b->sw, held->shown);
            ovs_list_remove(&held->node);
            sg_shown_destroy(held->shown);
            free(held);
        }
    }
}

void
sg_core_learn_drop_frames(struct sg_core_bridge *b)
{
    struct held *held;

    LIST_FOR_EACH_POP (held, node, &b->held) {
        sg_shown_destroy(held->shown);
        free(held);
    }
}

/* Recovery. */

/* The endpoints of a bridge by what their cookies say: there is no plan yet
 * that would know, and there may be a thousand, with some flows each. */
struct known {
    struct hmap_node node;      /* By 'identity'. */
    uint64_t identity;
    const struct sg_port *port;
};

static void
know_ports(const struct sg_core *core, const struct sg_core_bridge *b,
           struct hmap *all)
{
    const struct sg_port *port;

    hmap_init(all);
    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        bool here = (port->guarded && !port->error
                     && !strcmp(port->bridge, b->name));

        for (size_t i = 0; here && i < port->n_endpoints; i++) {
            struct known *known = xmalloc(sizeof *known);

            known->port = port;
            known->identity = (sg_endpoint_identity(port, &port->endpoints[i])
                               & SG_COOKIE_ID_MASK);
            hmap_insert(all, &known->node, hash_uint64(known->identity));
        }
    }
}

static void
forget_known(struct hmap *all)
{
    struct known *known;

    HMAP_FOR_EACH_POP (known, node, all) {
        free(known);
    }
    hmap_destroy(all);
}

static const struct sg_port *
find_known(const struct hmap *all, uint64_t identity)
{
    const struct known *known;

    HMAP_FOR_EACH_WITH_HASH (known, node, hash_uint64(identity), all) {
        if (known->identity == identity) {
            return known->port;
        }
    }
    return NULL;
}

static void
recover_flow(struct sg_core *core, const struct hmap *known,
             const struct sg_flow *flow)
{
    const struct sg_port *port;
    struct sg_learned how;
    struct sg_prefix p;

    if (sg_cookie_get_kind(flow->cookie) != SG_COOKIE_PORT
        || (flow->table_id != SG_T_SPOOF_L2
            && flow->table_id != SG_T_SPOOF_L3)
        || !sg_flow_get_learned(flow, &how)) {
        return;
    }
    port = find_known(known, flow->cookie & SG_COOKIE_ID_MASK);
    if (port && flow->table_id == SG_T_SPOOF_L2) {
        struct match match;

        minimatch_expand(&flow->match, &match);
        sg_learn_restore_mac(&core->learn, port, match.flow.dl_src, &how,
                             now_of(core));
    } else if (port && sg_flow_get_match_src(flow, &p)) {
        sg_learn_restore_address(&core->learn, port, &p, &how, now_of(core));
    }
}

static void
bridge_recover(struct sg_core *core, const struct sg_core_bridge *b,
               const struct sg_flows *installed)
{
    const struct sg_flow *flow;
    struct hmap known;

    know_ports(core, b, &known);
    HMAP_FOR_EACH (flow, node, &installed->flows) {
        recover_flow(core, &known, flow);
    }
    forget_known(&known);
}

void
sg_core_learn_recover(struct sg_core *core)
{
    const struct shash_node *node;
    bool recovered = false;

    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;
        const struct sg_flows *installed = sg_switch_installed(b->sw);

        if (b->recovered || !installed || !core->have_policy) {
            continue;
        }
        b->recovered = recovered = true;
        bridge_recover(core, b, installed);
    }
    if (recovered) {
        sg_core_learn_fill(core, NULL);
    }
}

/* Until a policy has loaded we do not know who learns, and forget nothing. */

static void
tell_changed(struct sg_core *core, struct sset *changed)
{
    if (!sset_is_empty(changed)) {
        sg_core_ports_changed(core, changed);
    }
    sset_destroy(changed);
}

void
sg_core_learn_fill(struct sg_core *core, const struct sset *admitted)
{
    struct sset changed = SSET_INITIALIZER(&changed);

    if (core->have_policy) {
        sg_learn_fill(&core->learn, core->loaded->policy, &core->ports,
                      admitted, &changed);
    }
    tell_changed(core, &changed);
}

/* What age and pauses have changed. */
static void
learn_refresh(struct sg_core *core)
{
    struct sset changed = SSET_INITIALIZER(&changed);

    if (core->have_policy) {
        sg_learn_refresh(&core->learn, &core->ports, &changed);
    }
    tell_changed(core, &changed);
}

/* Ageing. */

static void
on_use(void *bridge_, const struct sg_flow *flow, uint64_t packets)
{
    struct sg_core_bridge *b = bridge_;
    struct sg_core *core = b->core;
    const struct sg_port *port;
    struct sg_learned how;
    struct sg_prefix p;

    if (!flow) {
        core->learn_changed |= sg_learn_age(&core->learn, core->learn_idle,
                                            now_of(core));
        return;
    } else if (!sg_flow_get_learned(flow, &how)) {
        return;                 /* It was declared. */
    }
    port = find_port(core, b, flow->cookie & SG_COOKIE_ID_MASK);
    if (port && flow->table_id == SG_T_SPOOF_L2) {
        sg_learn_note_use(&core->learn, port, NULL, packets, now_of(core));
    } else if (port && flow->table_id == SG_T_SPOOF_L3
               && sg_flow_get_match_src(flow, &p)) {
        sg_learn_note_use(&core->learn, port, &p, packets, now_of(core));
    }
}

void
sg_core_learn_add_bridge(struct sg_core *core, struct sg_core_bridge *b)
{
    b->core = core;
    ovs_list_init(&b->held);
    sg_switch_set_on_use(b->sw, on_use, b);
}

static void
ask_uses(struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        sg_switch_ask_uses(b->sw, sg_cookie(SG_COOKIE_PORT, 0),
                           ~SG_COOKIE_ID_MASK);
    }
}

void
sg_core_learn_advance(struct sg_core *core, uint32_t seconds)
{
    core->learn_advance += seconds;
    core->learn_changed |= sg_learn_age(&core->learn, UINT32_MAX,
                                        now_of(core));
    ask_uses(core);
}

static void
age(struct sg_core *core)
{
    uint32_t now = now_of(core);

    if (now >= sg_learn_next(&core->learn, now)) {
        core->learn_changed |= sg_learn_age(&core->learn, UINT32_MAX, now);
    }
    if (hmap_is_empty(&core->learn.learners)) {
        core->next_look = 0;
    } else if (!core->next_look) {
        core->next_look = now + core->learn_idle / LOOKS;
    } else if (now >= core->next_look) {
        core->next_look = now + core->learn_idle / LOOKS;
        ask_uses(core);
    }
}

/* What there is to tell. */

static void
put_time(struct json *json, const char *key, uint32_t when)
{
    json_object_put(json, key,
                    (when ? json_string_create_nocopy(
                        xastrftime_msec("%Y-%m-%dT%H:%M:%SZ", when * 1000LL,
                                        true))
                     : json_null_create()));
}

static struct json *
json_learned(char *what, const struct sg_learned *how,
             const struct sg_use *use)
{
    struct json *json = json_object_create();

    json_object_put(json, "what", json_string_create_nocopy(what));
    json_object_put_string(json, "from", sg_learn_source_name(how->source));
    put_time(json, "since", how->since);
    put_time(json, "until", how->until);
    put_time(json, "used", use->when);
    return json;
}

struct json *
sg_core_learned(const struct sg_core *core, const struct sg_port *port)
{
    const struct sg_learner *l = sg_learn_find(&core->learn, &port->uuid);
    struct json *array = json_array_create_empty();

    if (l && l->has_mac) {
        json_array_add(array, json_learned(
                           xasprintf(ETH_ADDR_FMT, ETH_ADDR_ARGS(l->mac)),
                           &l->mac_how, &l->mac_use));
    }
    for (size_t i = 0; l && i < l->n; i++) {
        struct ds s = DS_EMPTY_INITIALIZER;

        sg_prefix_format(&l->addresses[i].address, &s);
        json_array_add(array, json_learned(ds_steal_cstr(&s),
                                           &l->addresses[i].how,
                                           &l->addresses[i].use));
    }
    return array;
}

struct json *
sg_core_refused(const struct sg_core *core, const struct sg_port *port)
{
    const struct sg_learner *l = sg_learn_find(&core->learn, &port->uuid);
    struct json *json;

    if (!l || !l->n_refused) {
        return json_null_create();
    }
    json = json_object_create();
    json_object_put(json, "claims", json_integer_create(l->n_refused));
    json_object_put_string(json, "last", l->refused);
    return json;
}

/* The turn. */

void
sg_core_learn_run(struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;
        struct sg_shown *shown;

        while ((shown = sg_switch_next_shown(b->sw)) != NULL) {
            look(core, b, shown);
        }
    }
    age(core);
    if (core->learn_changed && !sg_core_is_admitting(core)) {
        core->learn_changed = false;
        if (core->learn_check) {
            core->learn_check = false;
            sg_core_learn_fill(core, NULL);
        }
        learn_refresh(core);
        core->dirty = true;     /* Frames may be waiting for it. */
    }
}

void
sg_core_learn_wait(struct sg_core *core)
{
    uint32_t now = now_of(core);
    uint32_t next = MIN(sg_learn_next(&core->learn, now),
                        core->next_look ? core->next_look : UINT32_MAX);

    if (next != UINT32_MAX) {
        poll_timer_wait(next > now ? MIN(next - now, 3600) * 1000LL : 0);
    }
}
