/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Addresses to classes, and cells
 * ===============================
 *
 * For one network and direction, each peer that a rule names stands for some
 * prefixes.  All of them together, sorted so that a prefix comes right before
 * those it contains, are walked once with a stack of the prefixes around the
 * current one: its peers are its own and those of all around it.  What the
 * longest match in the switch finds is therefore the whole set.
 *
 * A prefix that belongs to the same peers as the one around it needs no flow.
 */

#include "compile/compile.h"
#include "compile/plan-private.h"

#include <stdlib.h>

#include "bitmap.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "policy/addresses.h"
#include "util.h"

/* The prefixes that peers stand for, with repetitions. */
struct claim {
    struct sg_prefix prefix;
    size_t peer;                /* Index in sg_plan.peers[dir]. */
};

struct claims {
    struct claim *list;
    size_t n, allocated;
};

static void
claims_add(struct claims *claims, const struct sg_prefix *prefix, size_t peer)
{
    if (claims->n >= claims->allocated) {
        claims->list = x2nrealloc(claims->list, &claims->allocated,
                                  sizeof *claims->list);
    }
    claims->list[claims->n].prefix = *prefix;
    claims->list[claims->n++].peer = peer;
}

/* 'peer' may be SIZE_MAX: no rule names it. */
static void
claims_add_all(struct claims *claims, const struct sg_prefix *prefixes,
               size_t n, size_t peer)
{
    for (size_t i = 0; peer != SIZE_MAX && i < n; i++) {
        claims_add(claims, &prefixes[i], peer);
    }
}

/* The peer that is 'group' of the network that is judged. */
static size_t
find_group_peer(const struct sg_plan *plan, enum sg_direction dir,
                const char *group)
{
    struct sg_peer peer = { .type = SG_PEER_GROUP,
                            .name = CONST_CAST(char *, group) };
    const struct sg_plan_peer *pp;

    HMAP_FOR_EACH_WITH_HASH (pp, node, sg_peer_hash(&peer, 0),
                             &plan->peers_by_value[dir]) {
        if (sg_peer_equals(pp->peer, &peer)) {
            return pp->index;
        }
    }
    return SIZE_MAX;
}

static bool
port_is_in_network(const struct sg_port *port, const char *network)
{
    for (size_t i = 0; i < port->n_endpoints; i++) {
        if (!strcmp(port->endpoints[i].network, network)) {
            return true;
        }
    }
    return false;
}

/* Members that are ports, on whatever bridge they are. */
static void
claim_ports(const struct sg_plan *plan, enum sg_direction dir,
            const struct sg_plan_network *net, struct claims *claims)
{
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &plan->ports->ports) {
        if (!port->guarded || port->error
            || !port_is_in_network(port, net->name)) {
            continue;
        }
        for (size_t i = 0; i < port->n_groups; i++) {
            size_t peer = find_group_peer(plan, dir, port->groups[i]);

            claims_add_all(claims, port->addresses, port->n_addresses, peer);
        }
    }
}

/* The value that a set of `addresses' has now. */
static void
claim_set(const struct sg_plan *plan, const char *name, size_t peer,
          struct claims *claims)
{
    const struct sg_set *set = sg_sets_find(plan->ports->sets, name);

    for (size_t i = 0; set && i < set->n; i++) {
        claims_add(claims, &set->prefixes[i], peer);
    }
}

/* What a `members' statement lists. */
static void
claim_listed(const struct sg_plan *plan, const struct sg_members *m,
             size_t peer, struct claims *claims)
{
    claims_add_all(claims, m->prefixes, m->n, peer);
    for (size_t i = 0; i < m->n_sets; i++) {
        claim_set(plan, m->sets[i], peer, claims);
    }
}

static bool
port_has_group(const struct sg_port *port, const char *group)
{
    for (size_t i = 0; i < port->n_groups; i++) {
        if (!strcmp(port->groups[i], group)) {
            return true;
        }
    }
    return false;
}

/* Members of 'peer', a group of the network that it names, whichever network
 * its rule is in. */
static void
claim_foreign(const struct sg_plan *plan, const struct sg_plan_peer *pp,
              struct claims *claims)
{
    const struct sg_peer *peer = pp->peer;
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &plan->ports->ports) {
        if (port->guarded && !port->error && port_has_group(port, peer->name)
            && port_is_in_network(port, peer->network)) {
            claims_add_all(claims, port->addresses, port->n_addresses,
                           pp->index);
        }
    }
    for (size_t i = 0; i < plan->policy->n_members; i++) {
        const struct sg_members *m = &plan->policy->members[i];

        if (!strcmp(m->group, peer->name)
            && (!m->network || !strcmp(m->network, peer->network))) {
            claim_listed(plan, m, pp->index, claims);
        }
    }
}

/* Members that are not ports here. */
static void
claim_members(const struct sg_plan *plan, enum sg_direction dir,
              const struct sg_plan_network *net, struct claims *claims)
{
    for (size_t i = 0; i < plan->policy->n_members; i++) {
        const struct sg_members *m = &plan->policy->members[i];

        if (!m->network || !strcmp(m->network, net->name)) {
            size_t peer = find_group_peer(plan, dir, m->group);

            if (peer != SIZE_MAX) {
                claim_listed(plan, m, peer, claims);
            }
        }
    }
}

/* Does a group of a profile in 'net' have rules with 'peer'? */
static bool
network_names_peer(const struct sg_plan *plan, enum sg_direction dir,
                   const struct sg_plan_network *net, size_t peer)
{
    for (size_t i = 0; i < net->n_profiles; i++) {
        const struct sg_plan_profile *profile = net->profiles[i];

        for (size_t j = 0; j < profile->n_groups; j++) {
            const struct sg_plan_group *pg
                = shash_find_data(&plan->groups, profile->groups[j]->key);

            for (size_t k = 0; k < pg->n_fragments[dir]; k++) {
                if (pg->peer_index[dir][k] == peer) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* Prefixes, and lists and sets of them; and groups of other networks, only
 * where they are named: what moves in one network is nothing to the others. */
static void
claim_peers(const struct sg_plan *plan, enum sg_direction dir,
            const struct sg_plan_network *net, struct claims *claims)
{
    for (size_t i = 0; i < plan->n_peers[dir]; i++) {
        const struct sg_peer *peer = plan->peers[dir][i]->peer;

        if (peer->type == SG_PEER_PREFIX) {
            claims_add(claims, &peer->prefix, i);
        } else if (peer->network && network_names_peer(plan, dir, net, i)) {
            claim_foreign(plan, plan->peers[dir][i], claims);
        } else if (peer->type == SG_PEER_ADDRESSES) {
            claim_set(plan, peer->name, i, claims);
        } else if (peer->type == SG_PEER_PREFIX_LIST) {
            const struct sg_prefix_list *list
                = sg_policy_prefix_list(plan->policy, peer->name);

            if (list) {
                claims_add_all(claims, list->prefixes, list->n, i);
            }
        }
    }
}

/* One family after the other: IPv4-mapped addresses lie in the midst of
 * IPv6's, and ::/0 must not lose its place on the stack to them. */
static int
compare_prefixes(const struct sg_prefix *a, const struct sg_prefix *b)
{
    bool a_ipv4 = sg_prefix_is_ipv4(a);
    bool b_ipv4 = sg_prefix_is_ipv4(b);

    return (a_ipv4 != b_ipv4 ? (a_ipv4 ? -1 : 1) : sg_prefix_compare(a, b));
}

static int
compare_claims(const void *a_, const void *b_)
{
    const struct claim *a = a_, *b = b_;

    return compare_prefixes(&a->prefix, &b->prefix);
}

/* Classes. */

static char *
class_key(const struct sg_plan *plan, enum sg_direction dir,
          const unsigned long *peers)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    size_t i, n = 0;

    ds_put_format(&s, "%s:", sg_direction_name(dir));
    BITMAP_FOR_EACH_1 (i, plan->n_peers[dir], peers) {
        ds_put_cstr(&s, n++ ? ", " : " ");
        sg_peer_format(plan->peers[dir][i]->peer, &s);
    }
    return ds_steal_cstr(&s);
}

/* Classes by bitmap, while one plan is made: saves making the key for each of
 * a thousand addresses of one class. */
struct class_by_peers {
    struct hmap_node node;
    const struct sg_class *class;
};

static const struct sg_class *
plan_get_class(struct sg_plan *plan, enum sg_direction dir,
               struct hmap *by_peers, const unsigned long *peers)
{
    size_t n_bytes = bitmap_n_bytes(plan->n_peers[dir]);
    uint32_t hash = hash_bytes(peers, n_bytes, 0);
    struct class_by_peers *cbp;

    HMAP_FOR_EACH_WITH_HASH (cbp, node, hash, by_peers) {
        if (!memcmp(cbp->class->peers, peers, n_bytes)) {
            return cbp->class;
        }
    }

    char *key = class_key(plan, dir, peers);
    struct sg_class *class = shash_find_data(&plan->classes[dir], key);
    if (!class) {
        const struct sg_id *id = sg_ids_get(&plan->compiler->classes, key);

        class = xmalloc(sizeof *class);
        class->key = xstrdup(key);
        class->identity = id->identity;
        class->id = id->id;
        class->peers = xmemdup(peers, n_bytes);
        class->n_peers = bitmap_count1(peers, plan->n_peers[dir]);
        shash_add(&plan->classes[dir], key, class);
    }
    free(key);

    cbp = xmalloc(sizeof *cbp);
    cbp->class = class;
    hmap_insert(by_peers, &cbp->node, hash);
    return class;
}

/* Turns the sorted claims into addresses with their own peers. */
static void
merge_claims(const struct sg_plan *plan, enum sg_direction dir,
             struct sg_plan_network *net, const struct claims *claims)
{
    struct sg_address *list = xmalloc(claims->n * sizeof *list);
    size_t n = 0;

    for (size_t i = 0; i < claims->n; i++) {
        const struct claim *claim = &claims->list[i];

        if (!n || !sg_prefix_equals(&list[n - 1].prefix, &claim->prefix)) {
            list[n].prefix = claim->prefix;
            list[n].peers = bitmap_allocate(plan->n_peers[dir]);
            list[n++].class = NULL;
            net->lengths[dir][claim->prefix.plen] = true;
        }
        bitmap_set1(list[n - 1].peers, claim->peer);
    }
    net->addresses[dir] = list;
    net->n_addresses[dir] = n;
}

/* Gives each address its class: see the essay at the top. */
static void
assign_classes(struct sg_plan *plan, enum sg_direction dir,
               struct sg_plan_network *net, struct hmap *by_peers)
{
    struct sg_address *around[130];     /* More than prefixes can nest. */
    size_t depth = 0;

    for (size_t i = 0; i < net->n_addresses[dir]; i++) {
        struct sg_address *a = &net->addresses[dir][i];

        while (depth && !sg_prefix_contains(&around[depth - 1]->prefix,
                                            &a->prefix)) {
            depth--;
        }
        if (depth) {
            bitmap_or(a->peers, around[depth - 1]->peers,
                      plan->n_peers[dir]);
        }
        if (!depth || !bitmap_equal(a->peers, around[depth - 1]->peers,
                                    plan->n_peers[dir])) {
            a->class = plan_get_class(plan, dir, by_peers, a->peers);
        }
        ovs_assert(depth < ARRAY_SIZE(around));
        around[depth++] = a;
    }
}

static void
classify_network(struct sg_plan *plan, enum sg_direction dir,
                 struct sg_plan_network *net, struct hmap *by_peers)
{
    struct claims claims = { NULL, 0, 0 };
    bool wanted = false;

    for (size_t i = 0; i < net->n_profiles; i++) {
        wanted |= net->profiles[i]->classify[dir];
    }
    if (!wanted) {
        return;
    }
    claim_ports(plan, dir, net, &claims);
    claim_members(plan, dir, net, &claims);
    claim_peers(plan, dir, net, &claims);
    if (claims.n) {
        qsort(claims.list, claims.n, sizeof *claims.list, compare_claims);
    }
    merge_claims(plan, dir, net, &claims);
    free(claims.list);
    assign_classes(plan, dir, net, by_peers);

    /* The bitmaps have served. */
    for (size_t i = 0; i < net->n_addresses[dir]; i++) {
        free(net->addresses[dir][i].peers);
        net->addresses[dir][i].peers = NULL;
    }
}

static int
compare_to_address(const void *prefix_, const void *address_)
{
    const struct sg_prefix *prefix = prefix_;
    const struct sg_address *address = address_;

    return compare_prefixes(prefix, &address->prefix);
}

const struct sg_class *
sg_plan_lookup(const struct sg_plan_network *net, enum sg_direction dir,
               const struct sg_prefix *prefix)
{
    int shortest = sg_prefix_is_ipv4(prefix) ? 96 : 0;

    for (int plen = prefix->plen; plen >= shortest; plen--) {
        if (net->lengths[dir][plen]) {
            struct sg_prefix outer;

            sg_prefix_from_ipv6(&prefix->addr, plen, &outer);
            const struct sg_address *a
                = bsearch(&outer, net->addresses[dir], net->n_addresses[dir],
                          sizeof *a, compare_to_address);
            if (a && a->class) {
                return a->class;
            }
        }
    }
    return NULL;
}

/* Cells. */

static bool
plan_has_cell(const struct sg_plan *plan, enum sg_direction dir,
              const struct sg_plan_profile *profile,
              const struct sg_class *class, uint32_t hash)
{
    const struct sg_cell *cell;

    HMAP_FOR_EACH_WITH_HASH (cell, node, hash, &plan->cells[dir]) {
        if (cell->profile == profile && cell->class == class) {
            return true;
        }
    }
    return false;
}

static void
plan_add_cell(struct sg_plan *plan, enum sg_direction dir,
              const struct sg_plan_profile *profile,
              const struct sg_class *class)
{
    uint32_t hash = hash_2words(profile->id, class->id);
    const struct sg_fragment **list = NULL;
    size_t n = 0, allocated = 0;

    if (plan_has_cell(plan, dir, profile, class, hash)) {
        return;
    }
    for (size_t i = 0; i < profile->n_groups; i++) {
        const struct sg_plan_group *pg
            = shash_find_data(&plan->groups, profile->groups[i]->key);

        for (size_t j = 0; j < pg->n_fragments[dir]; j++) {
            size_t peer = pg->peer_index[dir][j];

            if (peer != SIZE_MAX && bitmap_is_set(class->peers, peer)) {
                if (n >= allocated) {
                    list = x2nrealloc(list, &allocated, sizeof *list);
                }
                list[n++] = pg->fragments[dir][j];
            }
        }
    }
    if (n) {
        struct sg_cell *cell = xmalloc(sizeof *cell);

        cell->profile = profile;
        cell->class = class;
        cell->fragments = list;
        cell->n_fragments = n;
        hmap_insert(&plan->cells[dir], &cell->node, hash);
    }
}

/* The classes that addresses of 'net' have, each once. */
static void
network_add_cells(struct sg_plan *plan, enum sg_direction dir,
                  const struct sg_plan_network *net)
{
    struct shash classes = SHASH_INITIALIZER(&classes);
    struct shash_node *node;

    for (size_t i = 0; i < net->n_addresses[dir]; i++) {
        const struct sg_class *class = net->addresses[dir][i].class;

        if (class) {
            shash_add_once(&classes, class->key, class);
        }
    }
    SHASH_FOR_EACH (node, &classes) {
        for (size_t i = 0; i < net->n_profiles; i++) {
            if (net->profiles[i]->classify[dir]) {
                plan_add_cell(plan, dir, net->profiles[i], node->data);
            }
        }
    }
    shash_destroy(&classes);
}

void
sg_plan_classify(struct sg_plan *plan)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        struct hmap by_peers = HMAP_INITIALIZER(&by_peers);
        struct class_by_peers *cbp;
        struct shash_node *node;

        SHASH_FOR_EACH (node, &plan->networks) {
            classify_network(plan, dir, node->data, &by_peers);
            network_add_cells(plan, dir, node->data);
        }
        HMAP_FOR_EACH_POP (cbp, node, &by_peers) {
            free(cbp);
        }
        hmap_destroy(&by_peers);
    }
}

void
sg_plan_classify_destroy(struct sg_plan *plan)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        struct shash_node *node;
        struct sg_cell *cell;

        SHASH_FOR_EACH (node, &plan->networks) {
            struct sg_plan_network *net = node->data;

            free(net->addresses[dir]);
        }
        HMAP_FOR_EACH_POP (cell, node, &plan->cells[dir]) {
            free(cell->fragments);
            free(cell);
        }
        SHASH_FOR_EACH (node, &plan->classes[dir]) {
            struct sg_class *class = node->data;

            free(class->peers);
            free(class->key);
            free(class);
        }
    }
}
