/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/compile.h"
#include "compile/plan-private.h"

#include "bitmap.h"
#include "compile/pipeline.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "uuid.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_plan);

static char *
zone_key(const struct sg_port *port, const struct sg_endpoint *endpoint)
{
    return xasprintf("zone "UUID_FMT".%"PRIu16, UUID_ARGS(&port->uuid),
                     endpoint->vlan);
}

uint64_t
sg_endpoint_identity(const struct sg_port *port,
                     const struct sg_endpoint *endpoint)
{
    char *key = zone_key(port, endpoint);
    uint64_t identity = sg_identity(key);

    free(key);
    return identity;
}

uint16_t
sg_compiler_zone(const struct sg_compiler *c, const struct sg_port *port,
                 const struct sg_endpoint *endpoint)
{
    char *key = zone_key(port, endpoint);
    const struct sg_id *id = sg_ids_find(&c->zones, key);

    free(key);
    return id ? id->id : 0;
}

/* Pass 1: the ports of this bridge. */

static int
compare_endpoints(const void *a_, const void *b_)
{
    const struct sg_plan_endpoint *a = a_, *b = b_;

    return (a->port->ofport != b->port->ofport
            ? (a->port->ofport < b->port->ofport ? -1 : 1)
            : a->endpoint->vlan < b->endpoint->vlan ? -1
            : a->endpoint->vlan > b->endpoint->vlan);
}

static int
compare_trusted(const void *a_, const void *b_)
{
    const struct sg_port *const *a = a_, *const *b = b_;

    return ((*a)->ofport < (*b)->ofport ? -1
            : (*a)->ofport > (*b)->ofport);
}

static struct sg_plan_network *
plan_get_network(struct sg_plan *plan, const char *name)
{
    struct sg_plan_network *net = shash_find_data(&plan->networks, name);

    if (!net) {
        char *key = xasprintf("net %s", name);
        const struct sg_id *id = sg_ids_get(&plan->compiler->networks, key);

        net = xzalloc(sizeof *net);
        net->name = xstrdup(name);
        net->id = id->id;
        net->identity = id->identity;
        shash_add(&plan->networks, name, net);
        free(key);
    }
    return net;
}

static struct sg_plan_profile *
plan_get_profile(struct sg_plan *plan, const struct sg_port *port,
                 const struct sg_endpoint *endpoint)
{
    const struct sg_group **groups = xcalloc(port->n_groups, sizeof *groups);
    struct ds key = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    ds_put_cstr(&key, "profile ");
    for (size_t i = 0; i < port->n_groups; i++) {
        const struct sg_group *group = sg_policy_group(plan->policy,
                                                       port->groups[i],
                                                       endpoint->network);

        if (group) {
            ds_put_format(&key, "%s%s", n ? "," : "", group->key);
            groups[n++] = group;
        }
    }

    struct sg_plan_profile *profile = shash_find_data(&plan->profiles,
                                                      ds_cstr(&key));
    if (profile) {
        free(groups);
    } else {
        const struct sg_id *id = sg_ids_get(&plan->compiler->profiles,
                                            ds_cstr(&key));

        profile = xzalloc(sizeof *profile);
        profile->key = ds_steal_cstr(&key);
        profile->id = id->id;
        profile->identity = id->identity;
        profile->groups = groups;
        profile->n_groups = n;
        shash_add(&plan->profiles, profile->key, profile);
    }
    ds_destroy(&key);
    return profile;
}

static void
network_add_profile(struct sg_plan_network *net,
                    struct sg_plan_profile *profile)
{
    for (size_t i = 0; i < net->n_profiles; i++) {
        if (net->profiles[i] == profile) {
            return;
        }
    }
    net->profiles = xrealloc(net->profiles,
                             (net->n_profiles + 1) * sizeof *net->profiles);
    net->profiles[net->n_profiles++] = profile;
}

static void
plan_add_endpoint(struct sg_plan *plan, const struct sg_port *port,
                  const struct sg_endpoint *endpoint, size_t *allocated)
{
    char *key = zone_key(port, endpoint);
    const struct sg_id *zone = sg_ids_get(&plan->compiler->zones, key);

    free(key);
    if (!zone) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_ERR_RL(&rl, "%s: no conntrack zone is left for %s, which stays "
                    "closed", port->bridge, port->name);
        return;
    }

    if (plan->n_endpoints >= *allocated) {
        plan->endpoints = x2nrealloc(plan->endpoints, allocated,
                                     sizeof *plan->endpoints);
    }

    struct sg_plan_endpoint *ep = &plan->endpoints[plan->n_endpoints++];
    ep->port = port;
    ep->endpoint = endpoint;
    ep->zone = zone->id;
    ep->identity = zone->identity;
    ep->limit = (port->conntrack_limit ? port->conntrack_limit
                 : plan->compiler->default_limit);
    ep->network = plan_get_network(plan, endpoint->network);
    ep->profile = plan_get_profile(plan, port, endpoint);
    network_add_profile(ep->network, ep->profile);
}

static void
plan_collect_ports(struct sg_plan *plan)
{
    size_t allocated = 0, allocated_trusted = 0;
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &plan->ports->ports) {
        if (strcmp(port->bridge, plan->bridge)
            || port->ofport == SG_OFPORT_NONE) {
            continue;
        }
        if (!port->guarded) {
            if (plan->n_trusted >= allocated_trusted) {
                plan->trusted = x2nrealloc(plan->trusted, &allocated_trusted,
                                           sizeof *plan->trusted);
            }
            plan->trusted[plan->n_trusted++] = port;
        } else if (!port->error) {
            for (size_t i = 0; i < port->n_endpoints; i++) {
                plan_add_endpoint(plan, port, &port->endpoints[i],
                                  &allocated);
            }
        }
    }
    if (plan->n_endpoints) {
        qsort(plan->endpoints, plan->n_endpoints, sizeof *plan->endpoints,
              compare_endpoints);
    }
    if (plan->n_trusted) {
        qsort(plan->trusted, plan->n_trusted, sizeof *plan->trusted,
              compare_trusted);
    }
}

/* Pass 2: the groups of these ports, their fragments and peers. */

static struct sg_plan_peer *
plan_find_peer(const struct sg_plan *plan, enum sg_direction dir,
               const struct sg_peer *peer)
{
    struct sg_plan_peer *pp;

    HMAP_FOR_EACH_WITH_HASH (pp, node, sg_peer_hash(peer, 0),
                             &plan->peers_by_value[dir]) {
        if (sg_peer_equals(pp->peer, peer)) {
            return pp;
        }
    }
    return NULL;
}

static void
plan_add_peer(struct sg_plan *plan, enum sg_direction dir,
              const struct sg_peer *peer)
{
    if (peer->type != SG_PEER_ANY && !plan_find_peer(plan, dir, peer)) {
        struct sg_plan_peer *pp = xmalloc(sizeof *pp);

        pp->peer = peer;
        hmap_insert(&plan->peers_by_value[dir], &pp->node,
                    sg_peer_hash(peer, 0));
    }
}

static void
group_add_fragment(struct sg_plan *plan, struct sg_plan_group *pg,
                   enum sg_direction dir, const struct sg_peer *peer)
{
    for (size_t i = 0; i < pg->n_fragments[dir]; i++) {
        if (sg_peer_equals(pg->fragments[dir][i]->peer, peer)) {
            return;
        }
    }

    struct sg_fragment *frag = sg_fragment_create(dir, pg->group, peer);
    if (!frag) {
        return;
    }
    frag->id = sg_ids_get(&plan->compiler->fragments, frag->key)->id;
    for (size_t i = 0; i < frag->n_entries; i++) {
        struct sg_entry *entry = &frag->entries[i];

        entry->number = (sg_ids_get(&plan->compiler->numbers, entry->key)->id
                         | SG_MARK_KNOWN);
        if (pg->group->drain) {
            entry->number |= SG_MARK_DRAIN;
        }
    }

    size_t n = pg->n_fragments[dir]++;
    pg->fragments[dir] = xrealloc(pg->fragments[dir],
                                  (n + 1) * sizeof *pg->fragments[dir]);
    pg->fragments[dir][n] = frag;
    plan_add_peer(plan, dir, peer);
}

static void
plan_add_group(struct sg_plan *plan, const struct sg_group *group)
{
    if (shash_find(&plan->groups, group->key)) {
        return;
    }

    struct sg_plan_group *pg = xzalloc(sizeof *pg);
    pg->group = group;
    shash_add(&plan->groups, group->key, pg);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        for (size_t i = 0; i < group->n_rules[dir]; i++) {
            const struct sg_rule *rule = group->rules[dir][i];

            for (size_t j = 0; j < rule->n_peers; j++) {
                group_add_fragment(plan, pg, dir, &rule->peers[j]);
            }
        }
    }
}

static int
compare_plan_peers(const void *a_, const void *b_)
{
    const struct sg_plan_peer *const *a = a_, *const *b = b_;

    return sg_peer_compare((*a)->peer, (*b)->peer);
}

/* Gives the peers their places in the bitmaps, in an order that depends on
 * nothing but the peers. */
static void
plan_index_peers(struct sg_plan *plan, enum sg_direction dir)
{
    struct sg_plan_peer *pp;
    size_t n = 0;

    plan->peers[dir] = xmalloc(hmap_count(&plan->peers_by_value[dir])
                               * sizeof *plan->peers[dir]);
    HMAP_FOR_EACH (pp, node, &plan->peers_by_value[dir]) {
        plan->peers[dir][n++] = pp;
    }
    qsort(plan->peers[dir], n, sizeof *plan->peers[dir], compare_plan_peers);
    for (size_t i = 0; i < n; i++) {
        plan->peers[dir][i]->index = i;
    }
    plan->n_peers[dir] = n;
}

static void
plan_index_group(struct sg_plan *plan, struct sg_plan_group *pg,
                 enum sg_direction dir)
{
    size_t n = pg->n_fragments[dir];

    pg->peer_index[dir] = xmalloc(n * sizeof *pg->peer_index[dir]);
    for (size_t i = 0; i < n; i++) {
        const struct sg_peer *peer = pg->fragments[dir][i]->peer;

        pg->peer_index[dir][i] = (peer->type == SG_PEER_ANY ? SIZE_MAX
                                  : plan_find_peer(plan, dir, peer)->index);
    }
}

static void
plan_collect_fragments(struct sg_plan *plan)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->profiles) {
        const struct sg_plan_profile *profile = node->data;

        for (size_t i = 0; i < profile->n_groups; i++) {
            plan_add_group(plan, profile->groups[i]);
        }
    }
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        plan_index_peers(plan, dir);
        SHASH_FOR_EACH (node, &plan->groups) {
            plan_index_group(plan, node->data, dir);
        }
    }
}

/* Pass 3: what a profile can decide without knowing the address. */

static void
profile_collect_any(struct sg_plan *plan, struct sg_plan_profile *profile,
                    enum sg_direction dir)
{
    profile->any[dir] = xmalloc(profile->n_groups
                                * sizeof *profile->any[dir]);
    for (size_t i = 0; i < profile->n_groups; i++) {
        const struct sg_plan_group *pg
            = shash_find_data(&plan->groups, profile->groups[i]->key);

        for (size_t j = 0; j < pg->n_fragments[dir]; j++) {
            if (pg->peer_index[dir][j] == SIZE_MAX) {
                profile->any[dir][profile->n_any[dir]++]
                    = pg->fragments[dir][j];
            } else {
                profile->classify[dir] = true;
            }
        }
    }
}

static const struct sg_fragment *
group_find_number(const struct sg_plan_group *pg, uint32_t number)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        for (size_t i = 0; i < pg->n_fragments[dir]; i++) {
            const struct sg_fragment *frag = pg->fragments[dir][i];

            for (size_t j = 0; j < frag->n_entries; j++) {
                if (frag->entries[j].number == number) {
                    return frag;
                }
            }
        }
    }
    return NULL;
}

const struct sg_fragment *
sg_plan_find_number(const struct sg_plan *plan,
                    const struct sg_plan_profile *profile, uint32_t number)
{
    const struct sg_fragment *frag = NULL;

    for (size_t i = 0; i < profile->n_groups && !frag; i++) {
        frag = group_find_number(shash_find_data(&plan->groups,
                                                 profile->groups[i]->key),
                                 number);
    }
    return frag;
}

struct sg_plan *
sg_plan_create(struct sg_compiler *compiler, const struct sg_policy *policy,
               const struct sg_ports *ports, const char *bridge)
{
    struct sg_plan *plan = xzalloc(sizeof *plan);
    struct shash_node *node;

    plan->compiler = compiler;
    plan->policy = policy;
    plan->ports = ports;
    plan->bridge = xstrdup(bridge);
    shash_init(&plan->networks);
    shash_init(&plan->profiles);
    shash_init(&plan->groups);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        hmap_init(&plan->peers_by_value[dir]);
        shash_init(&plan->classes[dir]);
        hmap_init(&plan->cells[dir]);
    }

    plan_collect_ports(plan);
    plan_collect_fragments(plan);
    SHASH_FOR_EACH (node, &plan->profiles) {
        profile_collect_any(plan, node->data, SG_INGRESS);
        profile_collect_any(plan, node->data, SG_EGRESS);
    }
    sg_plan_classify(plan);
    return plan;
}

static void
plan_profile_destroy(struct sg_plan_profile *profile)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        free(profile->any[dir]);
    }
    free(profile->groups);
    free(profile->key);
    free(profile);
}

static void
plan_group_destroy(struct sg_plan_group *pg)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        for (size_t i = 0; i < pg->n_fragments[dir]; i++) {
            sg_fragment_destroy(pg->fragments[dir][i]);
        }
        free(pg->fragments[dir]);
        free(pg->peer_index[dir]);
    }
    free(pg);
}

void
sg_plan_destroy(struct sg_plan *plan)
{
    struct shash_node *node;

    if (!plan) {
        return;
    }
    sg_plan_classify_destroy(plan);
    SHASH_FOR_EACH (node, &plan->networks) {
        struct sg_plan_network *net = node->data;

        free(net->profiles);
        free(net->name);
        free(net);
    }
    SHASH_FOR_EACH (node, &plan->profiles) {
        plan_profile_destroy(node->data);
    }
    SHASH_FOR_EACH (node, &plan->groups) {
        plan_group_destroy(node->data);
    }
    shash_destroy(&plan->networks);
    shash_destroy(&plan->profiles);
    shash_destroy(&plan->groups);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        for (size_t i = 0; i < plan->n_peers[dir]; i++) {
            hmap_remove(&plan->peers_by_value[dir],
                        &plan->peers[dir][i]->node);
            free(plan->peers[dir][i]);
        }
        free(plan->peers[dir]);
        hmap_destroy(&plan->peers_by_value[dir]);
        shash_destroy(&plan->classes[dir]);
        hmap_destroy(&plan->cells[dir]);
    }
    free(plan->endpoints);
    free(plan->trusted);
    free(plan->bridge);
    free(plan);
}
