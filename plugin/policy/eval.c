/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "policy/eval.h"

#include <string.h>

#include "policy/addresses.h"
#include "util.h"

static bool
port_in_network(const struct sg_port *port, const char *network)
{
    for (size_t i = 0; i < port->n_endpoints; i++) {
        if (!strcmp(port->endpoints[i].network, network)) {
            return true;
        }
    }
    return false;
}

/* Members and lists are sorted, and may be tens of thousands.  So are the
 * addresses of a port, but they are few. */
static bool
port_has_address(const struct sg_port *port, const struct sg_prefix *address)
{
    for (size_t i = 0; i < port->n_addresses; i++) {
        if (sg_prefix_contains(&port->addresses[i], address)) {
            return true;
        }
    }
    return false;
}

/* Is 'address' in the set of `addresses' that is called 'name', now? */
static bool
set_contains(const struct sg_ports *ports, const char *name,
             const struct sg_prefix *address)
{
    const struct sg_set *set = sg_sets_find(ports->sets, name);

    return set && sg_prefixes_contain(set->prefixes, set->n, address);
}

static bool
members_contain(const struct sg_members *m, const struct sg_ports *ports,
                const struct sg_prefix *address)
{
    bool contain = sg_prefixes_contain(m->prefixes, m->n, address);

    for (size_t i = 0; i < m->n_sets && !contain; i++) {
        contain = set_contains(ports, m->sets[i], address);
    }
    return contain;
}

/* Members by the policy's `members' statements. */
static bool
is_listed_member(const struct sg_policy *policy,
                 const struct sg_ports *ports, const char *group,
                 const char *network, const struct sg_prefix *address)
{
    for (size_t i = 0; i < policy->n_members; i++) {
        const struct sg_members *m = &policy->members[i];

        if (!strcmp(m->group, group)
            && (!m->network || !strcmp(m->network, network))
            && members_contain(m, ports, address)) {
            return true;
        }
    }
    return false;
}

bool
sg_is_member(const struct sg_policy *policy, const struct sg_ports *ports,
             const char *group, const char *network,
             const struct sg_prefix *address)
{
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        /* A port in error is closed, and no member of anything. */
        if (port->guarded && !port->error
            && sg_port_has_group(port, group)
            && port_in_network(port, network)
            && port_has_address(port, address)) {
            return true;
        }
    }
    return is_listed_member(policy, ports, group, network, address);
}

static bool
list_contains(const struct sg_policy *policy, const char *name,
              const struct sg_prefix *address)
{
    const struct sg_prefix_list *list = sg_policy_prefix_list(policy, name);

    return list && sg_prefixes_contain(list->prefixes, list->n, address);
}

bool
sg_peer_contains(const struct sg_policy *policy, const struct sg_ports *ports,
                 const struct sg_peer *peer, const char *network,
                 const struct sg_prefix *address)
{
    switch (peer->type) {
    case SG_PEER_ANY:
        return true;
    case SG_PEER_PREFIX:
        return sg_prefix_contains(&peer->prefix, address);
    case SG_PEER_GROUP:
        return sg_is_member(policy, ports, peer->name,
                            peer->network ? peer->network : network,
                            address);
    case SG_PEER_PREFIX_LIST:
        return list_contains(policy, peer->name, address);
    case SG_PEER_ADDRESSES:
        return set_contains(ports, peer->name, address);
    default:
        return false;
    }
}

/* The bit of enum sg_named that an egress rule must have to let 'flow' out;
 * 0 for nearly everything. */
static uint8_t
must_be_named(enum sg_direction dir, const struct sg_flowspec *flow)
{
    bool ipv4 = sg_prefix_is_ipv4(&flow->remote);

    if (dir != SG_EGRESS) {
        return 0;
    }
    if (flow->proto == IPPROTO_UDP && ipv4 && flow->port == 68) {
        return SG_NAMED_DHCP_SERVER;
    }
    if (flow->proto == IPPROTO_UDP && !ipv4 && flow->port == 546) {
        return SG_NAMED_DHCPV6_SERVER;
    }
    if (flow->proto == IPPROTO_ICMPV6 && !ipv4 && flow->port == 134) {
        return SG_NAMED_ROUTER_ADVERT;
    }
    return 0;
}

static bool
layer4_matches(const struct sg_rule *rule, const struct sg_flowspec *flow)
{
    for (size_t i = 0; i < rule->n_ranges; i++) {
        if (flow->port >= rule->ranges[i].lo
            && flow->port <= rule->ranges[i].hi) {
            return true;
        }
    }
    for (size_t i = 0; i < rule->n_icmps; i++) {
        if (flow->port == rule->icmps[i].type
            && (rule->icmps[i].code < 0
                || flow->code == rule->icmps[i].code)) {
            return true;
        }
    }
    return !rule->n_ranges && !rule->n_icmps;
}

/* All but the peers: of 'flow->remote' only the family counts. */
static bool
rule_concerns(const struct sg_rule *rule, const struct sg_flowspec *flow)
{
    uint8_t family = sg_prefix_is_ipv4(&flow->remote) ? SG_IPV4 : SG_IPV6;
    uint8_t named = must_be_named(rule->dir, flow);

    return ((rule->proto < 0 || rule->proto == flow->proto)
            && rule->families & family
            && (rule->names & named) == named
            && layer4_matches(rule, flow));
}

/* Is 'remote', or somebody unknown if that is NULL, a peer of 'rule'? */
static enum sg_chance
peers_chance(const struct sg_policy *policy, const struct sg_ports *ports,
             const struct sg_rule *rule, const char *network,
             const struct sg_prefix *remote)
{
    for (size_t i = 0; i < rule->n_peers; i++) {
        if (remote
            ? sg_peer_contains(policy, ports, &rule->peers[i], network, remote)
            : rule->peers[i].type == SG_PEER_ANY) {
            return SG_ALWAYS;
        }
    }
    return remote ? SG_NEVER : SG_PERHAPS;
}

/* The rules of all groups of a port. */
struct rules {
    const struct sg_policy *policy;
    const struct sg_port *port;
    const char *network;
    enum sg_direction dir;
    const struct sg_group *group;       /* At work, or NULL. */
    size_t next_group, next_rule;
};

static struct rules
rules_of(const struct sg_policy *policy, const struct sg_port *port,
         const struct sg_endpoint *endpoint, enum sg_direction dir)
{
    return (struct rules) {
        .policy = policy, .port = port, .network = endpoint->network,
        .dir = dir
    };
}

/* The next one, or NULL. */
static const struct sg_rule *
rules_next(struct rules *r)
{
    while (!r->group || r->next_rule >= r->group->n_rules[r->dir]) {
        if (r->next_group >= r->port->n_groups) {
            return NULL;
        }
        r->group = sg_policy_group(r->policy, r->port->groups[r->next_group++],
                                   r->network);
        r->next_rule = 0;
    }
    return r->group->rules[r->dir][r->next_rule++];
}

const struct sg_rule *
sg_eval(const struct sg_policy *policy, const struct sg_ports *ports,
        const struct sg_port *port, const struct sg_endpoint *endpoint,
        enum sg_direction dir, const struct sg_flowspec *flow)
{
    struct rules rules = rules_of(policy, port, endpoint, dir);
    const struct sg_rule *rule;

    while ((rule = rules_next(&rules))) {
        if (rule_concerns(rule, flow)
            && peers_chance(policy, ports, rule, endpoint->network,
                            &flow->remote) == SG_ALWAYS) {
            break;
        }
    }
    return rule;
}

/* Connections and packets of which not everything is known. */

enum sg_chance
sg_eval_anybody(const struct sg_policy *policy, const struct sg_port *port,
                const struct sg_endpoint *endpoint, enum sg_direction dir,
                const struct sg_flowspec *flow, const struct sg_rule **rulep)
{
    struct rules rules = rules_of(policy, port, endpoint, dir);
    enum sg_chance chance = SG_NEVER;
    const struct sg_rule *rule;

    *rulep = NULL;
    while (chance != SG_ALWAYS && (rule = rules_next(&rules))) {
        if (rule_concerns(rule, flow)) {
            chance = peers_chance(policy, NULL, rule, endpoint->network, NULL);
            *rulep = chance == SG_ALWAYS ? rule : NULL;
        }
    }
    return chance;
}

static enum sg_chance
proto_chance(const struct sg_rule *rule, const struct sg_partspec *spec)
{
    bool narrow = rule->n_ranges || rule->n_icmps || rule->names;

    if (rule->proto >= 0 && spec->proto >= 0 && rule->proto != spec->proto) {
        return SG_NEVER;
    }
    return (rule->proto < 0 && !narrow ? SG_ALWAYS
            : spec->proto < 0 || narrow ? SG_PERHAPS : SG_ALWAYS);
}

static enum sg_chance
rule_chance(const struct sg_policy *policy, const struct sg_ports *ports,
            const struct sg_rule *rule, const char *network,
            const struct sg_partspec *spec)
{
    return (rule->families & spec->family
            ? MIN(proto_chance(rule, spec),
                  peers_chance(policy, ports, rule, network, spec->remote))
            : SG_NEVER);
}

/* Is so much known that no rule can remain in doubt? */
static bool
is_whole(const struct sg_partspec *spec)
{
    bool has_ports = (spec->proto == IPPROTO_TCP || spec->proto == IPPROTO_UDP
                      || spec->proto == IPPROTO_SCTP
                      || spec->proto == IPPROTO_ICMP
                      || spec->proto == IPPROTO_ICMPV6);

    return (spec->remote && spec->proto >= 0
            && (spec->port >= 0 || !has_ports));
}

enum sg_chance
sg_eval_chance(const struct sg_policy *policy, const struct sg_ports *ports,
               const struct sg_port *port, const struct sg_endpoint *endpoint,
               enum sg_direction dir, const struct sg_partspec *spec,
               const struct sg_rule **rulep)
{
    struct rules rules = rules_of(policy, port, endpoint, dir);
    enum sg_chance best = SG_NEVER;
    const struct sg_rule *rule;

    *rulep = NULL;
    if (is_whole(spec)) {
        struct sg_flowspec flow = { *spec->remote, spec->proto, spec->port,
                                    spec->code };

        *rulep = sg_eval(policy, ports, port, endpoint, dir, &flow);
        return *rulep ? SG_ALWAYS : SG_NEVER;
    }
    while ((rule = rules_next(&rules))) {
        enum sg_chance chance = rule_chance(policy, ports, rule,
                                            endpoint->network, spec);

        if (chance > best) {
            best = chance;
            *rulep = chance == SG_ALWAYS ? rule : NULL;
        }
    }
    return best;
}
