/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/describe.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "compile/compile.h"
#include "compile/pipeline.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "packets.h"
#include "policy/addresses.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "sset.h"
#include "util.h"
#include "uuid.h"

struct json *
sg_describe_string(const char *s)
{
    return s ? json_string_create(s) : json_null_create();
}

void
sg_describe_place(struct json *object, const struct sg_place *place)
{
    json_object_put(object, "file", sg_describe_string(place->file));
    json_object_put(object, "line", (place->line > 0
                                     ? json_integer_create(place->line)
                                     : json_null_create()));
}

static struct json *
json_prefix(const struct sg_prefix *prefix)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_prefix_format(prefix, &s);
    return json_string_create_nocopy(ds_steal_cstr(&s));
}

struct json *
sg_describe_prefixes(const struct sg_prefix *prefixes, size_t n)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        json_array_add(array, json_prefix(&prefixes[i]));
    }
    return array;
}

static struct json *
json_strings(char **strings, size_t n)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        json_array_add(array, json_string_create(strings[i]));
    }
    return array;
}

/* Sorted lists: answers must not depend on the order of hash maps. */

static int
compare_groups(const void *a_, const void *b_)
{
    const struct sg_group *const *a = a_;
    const struct sg_group *const *b = b_;

    int cmp = strcmp((*a)->name, (*b)->name);

    return cmp ? cmp : strcmp((*a)->key, (*b)->key);
}

static const struct sg_group **
sort_groups(const struct sg_policy *policy, size_t *n)
{
    const struct sg_group **groups = xmalloc(hmap_count(&policy->groups)
                                             * sizeof *groups);
    const struct sg_group *group;

    *n = 0;
    HMAP_FOR_EACH (group, node, &policy->groups) {
        groups[(*n)++] = group;
    }
    qsort(groups, *n, sizeof *groups, compare_groups);
    return groups;
}

static int
compare_ports(const void *a_, const void *b_)
{
    const struct sg_port *const *a = a_;
    const struct sg_port *const *b = b_;

    return strcmp((*a)->name, (*b)->name);
}

static const struct sg_port **
sort_guarded_ports(const struct sg_ports *ports, size_t *n)
{
    const struct sg_port **sorted = xmalloc(hmap_count(&ports->ports)
                                            * sizeof *sorted);
    const struct sg_port *port;

    *n = 0;
    HMAP_FOR_EACH (port, node, &ports->ports) {
        if (port->guarded) {
            sorted[(*n)++] = port;
        }
    }
    qsort(sorted, *n, sizeof *sorted, compare_ports);
    return sorted;
}

/* Rules. */

/* A protocol as a policy names it, or its number. */
static struct json *
json_protocol(int proto)
{
    switch (proto) {
    case -1:
        return json_string_create("all");
    case IPPROTO_TCP:
        return json_string_create("tcp");
    case IPPROTO_UDP:
        return json_string_create("udp");
    case IPPROTO_SCTP:
        return json_string_create("sctp");
    case IPPROTO_ICMP:
        return json_string_create("icmp");
    case IPPROTO_ICMPV6:
        return json_string_create("icmp6");
    default:
        return json_integer_create(proto);
    }
}

/* "80" or "8080-8089". */
static struct json *
json_ranges(const struct sg_rule *rule)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < rule->n_ranges; i++) {
        const struct sg_range *r = &rule->ranges[i];

        json_array_add(array, json_string_create_nocopy(
                           r->lo == r->hi ? xasprintf("%"PRIu16, r->lo)
                           : xasprintf("%"PRIu16"-%"PRIu16, r->lo, r->hi)));
    }
    return array;
}

/* "8" or, with a code, "3/4". */
static struct json *
json_icmps(const struct sg_rule *rule)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < rule->n_icmps; i++) {
        const struct sg_icmp *icmp = &rule->icmps[i];
        struct ds s = DS_EMPTY_INITIALIZER;

        if (icmp->type >= 0) {
            ds_put_format(&s, "%d", icmp->type);
        } else {
            ds_put_cstr(&s, "any");
        }
        if (icmp->code >= 0) {
            ds_put_format(&s, "/%d", icmp->code);
        }
        json_array_add(array, json_string_create_nocopy(ds_steal_cstr(&s)));
    }
    return array;
}

static struct json *
json_peers(const struct sg_rule *rule)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < rule->n_peers; i++) {
        struct ds s = DS_EMPTY_INITIALIZER;

        sg_peer_format(&rule->peers[i], &s);
        json_array_add(array, json_string_create_nocopy(ds_steal_cstr(&s)));
    }
    return array;
}

static const char *
families_to_string(uint8_t families)
{
    return (families == SG_IPV4 ? "ipv4"
            : families == SG_IPV6 ? "ipv6"
            : NULL);
}

struct json *
sg_describe_rule(const struct sg_rule *rule)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "kind", "rule");
    json_object_put_format(json, "id", UUID_FMT, UUID_ARGS(&rule->id));
    json_object_put_format(json, "cookie", "0x%"PRIx64,
                           sg_cookie(SG_COOKIE_RULE,
                                     sg_rule_identity(rule)));
    json_object_put_string(json, "text", rule->text);
    json_object_put_string(json, "group", rule->group->name);
    json_object_put(json, "network",
                    sg_describe_string(rule->group->network));
    json_object_put_string(json, "direction", sg_direction_name(rule->dir));
    json_object_put(json, "protocol", json_protocol(rule->proto));
    json_object_put(json, "ports", json_ranges(rule));
    json_object_put(json, "icmp", json_icmps(rule));
    json_object_put(json, "family",
                    sg_describe_string(families_to_string(rule->families)));
    json_object_put(json, "peers", json_peers(rule));
    json_object_put(json, "description",
                    sg_describe_string(rule->description));
    sg_describe_place(json, &rule->place);
    json_object_put(json, "chain", sg_describe_string(rule->chain));
    json_object_put(json, "implicit", json_boolean_create(rule->implicit));
    return json;
}

static void
add_rules(const struct sg_group *group, struct json *array)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        for (size_t i = 0; i < group->n_rules[dir]; i++) {
            json_array_add(array, sg_describe_rule(group->rules[dir][i]));
        }
    }
}

/* Groups. */

static struct json *
json_member(const struct sg_prefix *prefix, const char *network,
            const char *port, const struct sg_place *place)
{
    struct json *json = json_object_create();

    json_object_put(json, "address", json_prefix(prefix));
    json_object_put(json, "network", sg_describe_string(network));
    json_object_put(json, "port", sg_describe_string(port));
    sg_describe_place(json, place);
    return json;
}

/* True if 'group' is what one of the networks of 'port' calls by its name. */
static bool
port_meets_group(const struct sg_policy *policy, const struct sg_port *port,
                 const struct sg_group *group)
{
    if (!sg_port_has_group(port, group->name)) {
        return false;
    }
    for (size_t i = 0; i < port->n_endpoints; i++) {
        if (sg_group_is_in(policy, group, port->endpoints[i].network)) {
            return true;
        }
    }
    return !port->n_endpoints && !group->network;
}

/* A port on a trunk is a member in each of its networks. */
static void
add_port_members(const struct sg_policy *policy, const struct sg_port *port,
                 const struct sg_group *group, struct json *members)
{
    static const struct sg_place nowhere;

    for (size_t i = 0; i < port->n_endpoints; i++) {
        if (!sg_group_is_in(policy, group, port->endpoints[i].network)) {
            continue;
        }
        for (size_t j = 0; j < port->n_addresses; j++) {
            json_array_add(members,
                           json_member(&port->addresses[j],
                                       port->endpoints[i].network,
                                       port->name, &nowhere));
        }
    }
}

/* Members that the `addresses' set 'name' stands for now. */
static void
add_set_members(const struct sg_members *listed, const char *name,
                const struct sg_sets *sets, struct json *members)
{
    const struct sg_set *set = sg_sets_find(sets, name);

    for (size_t i = 0; set && i < set->n; i++) {
        struct json *member = json_member(&set->prefixes[i], listed->network,
                                          NULL, &listed->place);

        json_object_put_string(member, "set", name);
        json_array_add(members, member);
    }
}

static void
add_listed_members(const struct sg_members *listed,
                   const struct sg_sets *sets, struct json *members)
{
    for (size_t i = 0; i < listed->n; i++) {
        struct json *member = json_member(&listed->prefixes[i],
                                          listed->network, NULL,
                                          &listed->place);

        json_array_add(members, member);
    }
    for (size_t i = 0; i < listed->n_sets; i++) {
        add_set_members(listed, listed->sets[i], sets, members);
    }
}

/* Are the members that 'm' lists members of 'group'?  A statement for every
 * network adds to each group of that name. */
static bool
lists_members(const struct sg_policy *policy, const struct sg_members *m,
              const struct sg_group *group)
{
    return (!strcmp(m->group, group->name)
            && (!m->network || sg_group_is_in(policy, group, m->network)));
}

/* Fills '*members' with who is in 'group' now, and '*names' with those of the
 * 'ports' that have it.  A port in error has it, but is nobody's peer. */
static void
find_members(const struct sg_policy *policy, const struct sg_sets *sets,
             const struct sg_port **ports, size_t n_ports,
             const struct sg_group *group,
             struct json **members, struct json **names)
{
    *members = json_array_create_empty();
    *names = json_array_create_empty();
    for (size_t i = 0; i < n_ports; i++) {
        if (port_meets_group(policy, ports[i], group)) {
            json_array_add(*names, json_string_create(ports[i]->name));
            if (!ports[i]->error) {
                add_port_members(policy, ports[i], group, *members);
            }
        }
    }
    for (size_t i = 0; i < policy->n_members; i++) {
        if (lists_members(policy, &policy->members[i], group)) {
            add_listed_members(&policy->members[i], sets, *members);
        }
    }
}

static struct json *
describe_group_briefly(const struct sg_group *group)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "name", group->name);
    json_object_put(json, "network", sg_describe_string(group->network));
    json_object_put(json, "description",
                    sg_describe_string(group->description));
    sg_describe_place(json, &group->place);
    return json;
}

static struct json *
describe_group_line(const struct sg_policy *policy,
                    const struct sg_sets *sets,
                    const struct sg_port **ports, size_t n_ports,
                    const struct sg_group *group)
{
    struct json *json = describe_group_briefly(group);
    struct json *rules = json_object_create();
    struct json *members, *names;

    find_members(policy, sets, ports, n_ports, group, &members, &names);
    json_object_put(json, "members",
                    json_integer_create(json_array(members)->n));
    json_object_put(json, "ports", json_integer_create(json_array(names)->n));
    json_destroy(members);
    json_destroy(names);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        json_object_put(rules, sg_direction_name(dir),
                        json_integer_create(group->n_rules[dir]));
    }
    json_object_put(json, "rules", rules);
    return json;
}

struct json *
sg_describe_groups(const struct sg_policy *policy,
                   const struct sg_ports *ports)
{
    struct json *array = json_array_create_empty();
    size_t n_groups, n_ports;
    const struct sg_group **groups = sort_groups(policy, &n_groups);
    const struct sg_port **sorted = sort_guarded_ports(ports, &n_ports);

    for (size_t i = 0; i < n_groups; i++) {
        json_array_add(array, describe_group_line(policy, ports->sets, sorted,
                                                  n_ports, groups[i]));
    }
    free(sorted);
    free(groups);
    return array;
}

struct json *
sg_describe_group(const struct sg_policy *policy,
                  const struct sg_ports *ports, const struct sg_group *group)
{
    struct json *json = describe_group_briefly(group);
    struct json *rules = json_array_create_empty();
    struct json *members, *names;
    size_t n_ports;
    const struct sg_port **sorted = sort_guarded_ports(ports, &n_ports);

    json_object_put_string(json, "kind", "group");
    json_object_put_string(json, "revocation",
                           group->drain ? "drain" : "cut");
    json_object_put(json, "builtin", json_boolean_create(group->builtin));
    add_rules(group, rules);
    json_object_put(json, "rules", rules);
    find_members(policy, ports->sets, sorted, n_ports, group, &members,
                 &names);
    json_object_put(json, "members", members);
    json_object_put(json, "ports", names);
    free(sorted);
    return json;
}

/* Prefix lists. */

static bool
rule_names(const struct sg_rule *rule, enum sg_peer_type type,
           const char *name)
{
    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct sg_peer *peer = &rule->peers[i];

        if (peer->type == type && !strcmp(peer->name, name)) {
            return true;
        }
    }
    return false;
}

/* The rules of 'group' that name 'name', which is of 'type'. */
static void
add_rules_naming(const struct sg_group *group, enum sg_peer_type type,
                 const char *name, struct json *array)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        for (size_t i = 0; i < group->n_rules[dir]; i++) {
            if (rule_names(group->rules[dir][i], type, name)) {
                json_array_add(array, sg_describe_rule(group->rules[dir][i]));
            }
        }
    }
}

struct json *
sg_describe_rules_naming(const struct sg_policy *policy,
                         enum sg_peer_type type, const char *name)
{
    struct json *rules = json_array_create_empty();
    size_t n;
    const struct sg_group **groups = sort_groups(policy, &n);

    for (size_t i = 0; i < n; i++) {
        add_rules_naming(groups[i], type, name, rules);
    }
    free(groups);
    return rules;
}

struct json *
sg_describe_prefix_list(const struct sg_policy *policy,
                        const struct sg_prefix_list *list)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "kind", "prefix_list");
    json_object_put_string(json, "name", list->name);
    sg_describe_place(json, &list->place);
    json_object_put(json, "prefixes",
                    sg_describe_prefixes(list->prefixes, list->n));
    json_object_put(json, "rules",
                    sg_describe_rules_naming(policy, SG_PEER_PREFIX_LIST,
                                             list->name));
    return json;
}

/* Ports. */

static struct json *
json_macs(const struct sg_port *port)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < port->n_macs; i++) {
        json_array_add(array, json_string_create_nocopy(
                           xasprintf(ETH_ADDR_FMT,
                                     ETH_ADDR_ARGS(port->macs[i]))));
    }
    return array;
}

/* What a port has whether it is guarded or not. */
static void
put_identity(struct json *json, const struct sg_port *port)
{
    json_object_put_string(json, "name", port->name);
    json_object_put(json, "bridge", sg_describe_string(port->bridge));
    json_object_put(json, "ofport", (port->ofport > 0
                                     ? json_integer_create(port->ofport)
                                     : json_null_create()));
}

static struct json *
describe_guarded(const struct sg_core *core, const struct sg_port *port)
{
    const char *error;
    uint16_t zone;
    enum sg_port_state state = sg_core_port_state(core, port, &error, &zone);
    const char *network = (port->n_endpoints ? port->endpoints[0].network
                           : NULL);
    struct json *json = json_object_create();

    put_identity(json, port);
    json_object_put(json, "network", sg_describe_string(network));
    json_object_put(json, "zone", (zone ? json_integer_create(zone)
                                   : json_null_create()));
    json_object_put(json, "macs", json_macs(port));
    json_object_put(json, "addresses",
                    sg_describe_prefixes(port->addresses, port->n_addresses));
    json_object_put(json, "groups",
                    json_strings(port->groups, port->n_groups));
    json_object_put_string(json, "state", sg_port_state_name(state));
    json_object_put(json, "error", sg_describe_string(error));
    return json;
}

struct json *
sg_describe_ports(const struct sg_core *core)
{
    struct json *array = json_array_create_empty();
    size_t n;
    const struct sg_port **ports = sort_guarded_ports(sg_core_ports(core),
                                                      &n);

    for (size_t i = 0; i < n; i++) {
        json_array_add(array, describe_guarded(core, ports[i]));
    }
    free(ports);
    return array;
}

static struct json *
describe_endpoints(const struct sg_port *port)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < port->n_endpoints; i++) {
        const struct sg_endpoint *e = &port->endpoints[i];
        struct json *json = json_object_create();

        json_object_put(json, "vlan", (e->vlan ? json_integer_create(e->vlan)
                                       : json_null_create()));
        json_object_put(json, "tagged", json_boolean_create(e->tagged));
        json_object_put_string(json, "network", e->network);
        json_array_add(array, json);
    }
    return array;
}

/* Who says that 'port' has its groups? */
static const char *
groups_origin(const struct sg_core *core, const struct sg_port *port)
{
    const struct sg_facts *facts = sg_core_facts(core);
    const struct sg_iface *iface = (facts
                                    ? sg_facts_find_iface(facts, port->name)
                                    : NULL);
    const char *value = (iface ? smap_get(&iface->external_ids, "sg-groups")
                         : NULL);

    if (value && value[strspn(value, " ,")]) {
        return "external_ids:sg-groups";
    }
    return (port->n_groups == 1 && !strcmp(port->groups[0], "default")
            ? "the default" : "bind");
}

static struct json *
describe_port_rules(const struct sg_core *core, const struct sg_port *port)
{
    const struct sg_policy *policy = sg_core_policy(core);
    struct json *array = json_array_create_empty();
    struct sset keys = SSET_INITIALIZER(&keys);

    for (size_t i = 0; i < port->n_groups; i++) {
        for (size_t j = 0; j < port->n_endpoints; j++) {
            const struct sg_group *group
                = sg_policy_group(policy, port->groups[i],
                                  port->endpoints[j].network);

            if (group && sset_add(&keys, group->key)) {
                add_rules(group, array);
            }
        }
    }
    sset_destroy(&keys);
    return array;
}

static void
put_why_trusted(struct json *json, const struct sg_core *core,
                const struct sg_port *port)
{
    const struct sg_facts *facts = sg_core_facts(core);
    const struct sg_iface *iface = (facts ? sg_facts_find_iface(facts,
                                                                port->name)
                                    : NULL);

    json_object_put(json, "why", (port->error ? json_string_create(port->error)
                                  : iface ? json_string_create_nocopy(
                                                sg_iface_explain_trusted(
                                                    iface))
                                  : json_null_create()));
}

struct json *
sg_describe_port(const struct sg_core *core, const struct sg_port *port)
{
    struct json *json;

    if (port->guarded) {
        json = describe_guarded(core, port);
        json_object_put_string(json, "groups_from",
                               groups_origin(core, port));
        json_object_put(json, "conntrack_limit",
                        (port->conntrack_limit
                         ? json_integer_create(port->conntrack_limit)
                         : json_null_create()));
        json_object_put(json, "port_security",
                        json_boolean_create(port->port_security));
        json_object_put(json, "cut",
                        json_integer_create(sg_core_cuts(core, port)));
        json_object_put(json, "learned", sg_core_learned(core, port));
        json_object_put(json, "refused", sg_core_refused(core, port));
        json_object_put(json, "endpoints", describe_endpoints(port));
        json_object_put(json, "rules", describe_port_rules(core, port));
    } else {
        json = json_object_create();
        put_identity(json, port);
        put_why_trusted(json, core, port);
    }
    json_object_put_string(json, "kind", "port");
    json_object_put(json, "guarded", json_boolean_create(port->guarded));
    return json;
}
