/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Addresses to classes, and cells
 * ===============================
 *
 * For one network and direction, each peer that a rule there names stands for
 * some prefixes.  The class of a prefix is the set of its own peers and those
 * of all prefixes around it: what the longest match in the switch finds is
 * therefore the whole set.
 *
 * When a prefix gets or loses a peer it is *stale*; if its set becomes another
 * one then so are those inside it, which follow it in the sorted list.
 *
 * A prefix that belongs to the same peers as the one around it needs no flow.
 *
 * There is a cell for each class that has a flow in some network where there
 * is also the profile, if the profile looks at addresses at all.
 */

#include "compile/compile.h"
#include "compile/plan-private.h"

#include <stdlib.h>

#include "bitmap.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "skiplist.h"
#include "util.h"

/* One family after the other: IPv4-mapped addresses lie in the midst of
 * IPv6's, and what is inside ::/0 must follow it. */
static int
compare_prefixes(const struct sg_prefix *a, const struct sg_prefix *b)
{
    bool a_ipv4 = sg_prefix_is_ipv4(a);
    bool b_ipv4 = sg_prefix_is_ipv4(b);

    return (a_ipv4 != b_ipv4 ? (a_ipv4 ? -1 : 1) : sg_prefix_compare(a, b));
}

static int
compare_addresses(const void *a_, const void *b_, const void *conf OVS_UNUSED)
{
    const struct sg_address *a = a_, *b = b_;

    return compare_prefixes(&a->prefix, &b->prefix);
}

/* Networks. */

void
sg_plan_network_init(struct sg_plan_network *net)
{
    hmap_init(&net->profiles);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        hmap_init(&net->peers[dir]);
        hmap_init(&net->addresses[dir]);
        hmap_init(&net->classes[dir]);
        net->sorted[dir] = skiplist_create(compare_addresses, NULL);
    }
}

void
sg_plan_network_destroy(struct sg_plan_network *net)
{
    hmap_destroy(&net->profiles);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        hmap_destroy(&net->peers[dir]);
        hmap_destroy(&net->addresses[dir]);
        hmap_destroy(&net->classes[dir]);
        skiplist_destroy(net->sorted[dir], NULL);
    }
}

/* Cells. */

static struct sg_cell *
find_cell(const struct sg_plan *plan, enum sg_direction dir,
          const struct sg_plan_profile *profile,
          const struct sg_class *class)
{
    struct sg_cell *cell;

    HMAP_FOR_EACH_WITH_HASH (cell, node, hash_2words(profile->id, class->id),
                             &plan->cells[dir]) {
        if (cell->profile == profile && cell->class == class) {
            return cell;
        }
    }
    return NULL;
}

size_t
sg_plan_longest_cell(const struct sg_plan_profile *profile)
{
    size_t n = profile->n_lengths;

    while (n && !profile->lengths[n - 1]) {
        n--;
    }
    return n;
}

/* A cell of the profile had 'old' fragments and has 'new' now. */
static void
profile_count_cell(struct sg_plan *plan, struct sg_plan_profile *profile,
                   size_t old, size_t new)
{
    size_t longest = sg_plan_longest_cell(profile);
    size_t n = profile->n_lengths;

    if (new > n) {
        profile->lengths = xrealloc(profile->lengths,
                                    new * sizeof *profile->lengths);
        for (; n < new; n++) {
            profile->lengths[n] = 0;
        }
        profile->n_lengths = new;
    }
    if (old) {
        profile->lengths[old - 1]--;
    }
    if (new) {
        profile->lengths[new - 1]++;
    }
    if (sg_plan_longest_cell(profile) != longest) {
        sg_floods_profile_changed(plan, profile);
    }
}

static void
cell_set(struct sg_plan *plan, struct sg_cell *cell,
         const struct sg_fragment **list, size_t n)
{
    if (n == cell->n_fragments
        && (!n || !memcmp(list, cell->fragments, n * sizeof *list))) {
        free(list);
        return;
    }
    if (cell->dir == SG_INGRESS) {
        profile_count_cell(plan, cell->profile, cell->n_fragments, n);
    }
    free(cell->fragments);
    cell->fragments = list;
    cell->n_fragments = n;
    sg_unit_touch(&plan->units, &cell->unit);
}

/* Finds the fragments of a cell anew. */
static void
cell_find_fragments(struct sg_plan *plan, struct sg_cell *cell)
{
    const struct sg_fragment **list = NULL;
    size_t n = 0, allocated = 0;

    plan->stats.cells++;
    for (size_t i = 0; i < cell->profile->n_groups; i++) {
        const struct sg_plan_group *pg = cell->profile->groups[i];

        for (size_t j = 0; j < pg->n_fragments[cell->dir]; j++) {
            size_t peer = pg->peer_index[cell->dir][j];

            if (peer != SIZE_MAX
                && bitmap_is_set(cell->class->peers, peer)) {
                if (n >= allocated) {
                    list = x2nrealloc(list, &allocated, sizeof *list);
                }
                list[n++] = pg->fragments[cell->dir][j];
            }
        }
    }
    cell_set(plan, cell, list, n);
}

static void
cell_get(struct sg_plan *plan, enum sg_direction dir,
         struct sg_plan_profile *profile, const struct sg_class *class)
{
    struct sg_cell *cell = find_cell(plan, dir, profile, class);

    if (!cell) {
        cell = xzalloc(sizeof *cell);
        cell->profile = profile;
        cell->class = class;
        cell->dir = dir;
        sg_unit_init(&cell->unit, SG_UNIT_CELL);
        hmap_insert(&plan->cells[dir], &cell->node,
                    hash_2words(profile->id, class->id));
        ovs_list_push_back(&profile->cells[dir], &cell->of_profile);
        cell_find_fragments(plan, cell);
    }
    cell->refs++;
}

static void
cell_put(struct sg_plan *plan, enum sg_direction dir,
         const struct sg_plan_profile *profile, const struct sg_class *class)
{
    struct sg_cell *cell = find_cell(plan, dir, profile, class);

    if (--cell->refs) {
        return;
    }
    cell_set(plan, cell, NULL, 0);
    sg_unit_drop(&plan->units, &cell->unit);
    hmap_remove(&plan->cells[dir], &cell->node);
    ovs_list_remove(&cell->of_profile);
    free(cell);
}

/* Classes that a network has. */

static struct sg_net_class *
find_net_class(const struct sg_plan_network *net, enum sg_direction dir,
               const struct sg_class *class)
{
    struct sg_net_class *nc;

    HMAP_FOR_EACH_WITH_HASH (nc, node, hash_pointer(class, 0),
                             &net->classes[dir]) {
        if (nc->class == class) {
            return nc;
        }
    }
    return NULL;
}

static void
net_class_get(struct sg_plan *plan, struct sg_plan_network *net,
              enum sg_direction dir, const struct sg_class *class)
{
    struct sg_net_class *nc = find_net_class(net, dir, class);
    const struct sg_net_profile *np;

    if (!nc) {
        nc = xzalloc(sizeof *nc);
        nc->class = class;
        hmap_insert(&net->classes[dir], &nc->node, hash_pointer(class, 0));
        HMAP_FOR_EACH (np, node, &net->profiles) {
            if (np->profile->classify[dir]) {
                cell_get(plan, dir, np->profile, class);
            }
        }
    }
    nc->refs++;
}

static void
net_class_put(struct sg_plan *plan, struct sg_plan_network *net,
              enum sg_direction dir, const struct sg_class *class)
{
    struct sg_net_class *nc = find_net_class(net, dir, class);
    const struct sg_net_profile *np;

    if (!--nc->refs) {
        hmap_remove(&net->classes[dir], &nc->node);
        free(nc);
        HMAP_FOR_EACH (np, node, &net->profiles) {
            if (np->profile->classify[dir]) {
                cell_put(plan, dir, np->profile, class);
            }
        }
    }
}

/* Profiles that a network has. */

static struct sg_net_profile *
find_net_profile(const struct sg_plan_network *net,
                 const struct sg_plan_profile *profile)
{
    struct sg_net_profile *np;

    HMAP_FOR_EACH_WITH_HASH (np, node, hash_pointer(profile, 0),
                             &net->profiles) {
        if (np->profile == profile) {
            return np;
        }
    }
    return NULL;
}

/* The cells of 'profile' with the classes of 'net'. */
static void
net_get_cells(struct sg_plan *plan, struct sg_plan_network *net,
              struct sg_plan_profile *profile, enum sg_direction dir)
{
    const struct sg_net_class *nc;

    HMAP_FOR_EACH (nc, node, &net->classes[dir]) {
        cell_get(plan, dir, profile, nc->class);
    }
}

static void
net_put_cells(struct sg_plan *plan, struct sg_plan_network *net,
              struct sg_plan_profile *profile, enum sg_direction dir)
{
    const struct sg_net_class *nc;

    HMAP_FOR_EACH (nc, node, &net->classes[dir]) {
        cell_put(plan, dir, profile, nc->class);
    }
}

/* Calls 'count' for each peer that the profile's groups have rules for. */
static void
count_peers(struct sg_plan *plan, struct sg_plan_network *net,
            const struct sg_plan_profile *profile, enum sg_direction dir,
            void (*count)(struct sg_plan *, struct sg_plan_network *,
                          enum sg_direction, size_t peer))
{
    for (size_t i = 0; i < profile->n_groups; i++) {
        const struct sg_plan_group *pg = profile->groups[i];

        for (size_t j = 0; j < pg->n_fragments[dir]; j++) {
            if (pg->peer_index[dir][j] != SIZE_MAX) {
                count(plan, net, dir, pg->peer_index[dir][j]);
            }
        }
    }
}

void
sg_plan_enter_profile(struct sg_plan *plan, struct sg_plan_network *net,
                      struct sg_plan_profile *profile)
{
    struct sg_net_profile *np = find_net_profile(net, profile);

    if (!np) {
        np = xzalloc(sizeof *np);
        np->profile = profile;
        hmap_insert(&net->profiles, &np->node, hash_pointer(profile, 0));
        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            count_peers(plan, net, profile, dir, sg_net_peer_get);
            if (profile->classify[dir]) {
                net_get_cells(plan, net, profile, dir);
            }
        }
    }
    np->refs++;
}

void
sg_plan_leave_profile(struct sg_plan *plan, struct sg_plan_network *net,
                      struct sg_plan_profile *profile)
{
    struct sg_net_profile *np = find_net_profile(net, profile);

    if (!--np->refs) {
        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            count_peers(plan, net, profile, dir, sg_net_peer_put);
            if (profile->classify[dir]) {
                net_put_cells(plan, net, profile, dir);
            }
        }
        hmap_remove(&net->profiles, &np->node);
        free(np);
    }
}

/* The fragments with peer `any', which are asked before the address is. */
static bool
profile_find_any(struct sg_plan_profile *profile, enum sg_direction dir)
{
    const struct sg_fragment **any = NULL;
    size_t n = 0, allocated = 0;
    bool classify = false, changed;

    for (size_t i = 0; i < profile->n_groups; i++) {
        const struct sg_plan_group *pg = profile->groups[i];

        for (size_t j = 0; j < pg->n_fragments[dir]; j++) {
            if (pg->peer_index[dir][j] != SIZE_MAX) {
                classify = true;
                continue;
            }
            if (n >= allocated) {
                any = x2nrealloc(any, &allocated, sizeof *any);
            }
            any[n++] = pg->fragments[dir][j];
        }
    }
    changed = (classify != profile->classify[dir]
               || n != profile->n_any[dir]
               || (n && memcmp(any, profile->any[dir], n * sizeof *any)));
    free(profile->any[dir]);
    profile->any[dir] = any;
    profile->n_any[dir] = n;
    profile->classify[dir] = classify;
    return changed;
}

void
sg_plan_profile_changed(struct sg_plan *plan, struct sg_plan_profile *profile,
                        enum sg_direction dir)
{
    bool did = profile->classify[dir];
    struct shash_node *node;
    struct sg_cell *cell;

    if (profile_find_any(profile, dir)) {
        sg_unit_touch(&plan->units, &profile->unit);
        if (dir == SG_INGRESS) {
            sg_floods_profile_changed(plan, profile);
        }
    }
    if (did == profile->classify[dir]) {
        LIST_FOR_EACH (cell, of_profile, &profile->cells[dir]) {
            cell_find_fragments(plan, cell);
        }
        return;
    }
    SHASH_FOR_EACH (node, &plan->networks) {
        struct sg_plan_network *net = node->data;

        if (find_net_profile(net, profile)) {
            if (did) {
                net_put_cells(plan, net, profile, dir);
            } else {
                net_get_cells(plan, net, profile, dir);
            }
        }
    }
}

/* Peers that rules in a network name. */

static struct sg_net_peer *
find_net_peer(const struct sg_plan_network *net, enum sg_direction dir,
              size_t peer)
{
    struct sg_net_peer *np;

    HMAP_FOR_EACH_WITH_HASH (np, node, hash_int(peer, 0), &net->peers[dir]) {
        if (np->peer->index == peer) {
            return np;
        }
    }
    return NULL;
}

void
sg_net_peer_get(struct sg_plan *plan, struct sg_plan_network *net,
                enum sg_direction dir, size_t peer)
{
    struct sg_net_peer *np = find_net_peer(net, dir, peer);

    if (!np) {
        np = xzalloc(sizeof *np);
        np->network = net;
        np->dir = dir;
        np->peer = plan->peers[dir][peer];
        np->peer->refs++;
        ovs_list_init(&np->idle);
        ovs_list_init(&np->claiming);
        hmap_insert(&net->peers[dir], &np->node, hash_int(peer, 0));
        sg_extents_subscribe(plan, np);
    }
    np->refs++;
}

/* It goes at the end: somebody may name it again in the same update. */
void
sg_net_peer_put(struct sg_plan *plan, struct sg_plan_network *net,
                enum sg_direction dir, size_t peer)
{
    struct sg_net_peer *np = find_net_peer(net, dir, peer);

    if (!--np->refs && ovs_list_is_empty(&np->idle)) {
        ovs_list_push_back(&plan->idle_peers, &np->idle);
    }
}

bool
sg_plan_forget_peers(struct sg_plan *plan, struct sg_slice *slice)
{
    struct sg_net_peer *np;

    LIST_FOR_EACH_SAFE (np, idle, &plan->idle_peers) {
        if (!np->refs && !sg_extents_unsubscribe(plan, np, slice)) {
            return false;
        }
        ovs_list_remove(&np->idle);
        ovs_list_init(&np->idle);
        if (!np->refs) {
            hmap_remove(&np->network->peers[np->dir], &np->node);
            sg_plan_put_peer(plan, np->dir, np->peer);
            free(np);
        }
    }
    return true;
}

/* Addresses. */

static struct sg_address *
find_address(const struct sg_plan_network *net, enum sg_direction dir,
             const struct sg_prefix *prefix)
{
    struct sg_address *a;

    HMAP_FOR_EACH_WITH_HASH (a, node, sg_prefix_hash(prefix, 0),
                             &net->addresses[dir]) {
        if (sg_prefix_equals(&a->prefix, prefix)) {
            return a;
        }
    }
    return NULL;
}

/* The longest prefix of at most 'plen' bits that holds 'prefix'. */
static struct sg_address *
find_around(const struct sg_plan_network *net, enum sg_direction dir,
            const struct sg_prefix *prefix, int plen)
{
    int shortest = sg_prefix_is_ipv4(prefix) ? 96 : 0;

    for (; plen >= shortest; plen--) {
        if (net->lengths[dir][plen]) {
            struct sg_prefix outer;
            struct sg_address *a;

            sg_prefix_from_ipv6(&prefix->addr, plen, &outer);
            a = find_address(net, dir, &outer);
            if (a) {
                return a;
            }
        }
    }
    return NULL;
}

const struct sg_class *
sg_plan_lookup(const struct sg_plan_network *net, enum sg_direction dir,
               const struct sg_prefix *prefix)
{
    const struct sg_address *a = find_around(net, dir, prefix, prefix->plen);

    return a ? a->set : NULL;
}

static void
mark_stale(struct sg_plan *plan, struct sg_address *a)
{
    if (ovs_list_is_empty(&a->stale)) {
        ovs_list_push_back(&plan->stale, &a->stale);
    }
}

static void
mark_inside(struct sg_plan *plan, const struct sg_address *outer)
{
    struct skiplist_node *node;

    if (sg_prefix_is_host(&outer->prefix)) {
        return;
    }
    node = skiplist_forward_to(outer->network->sorted[outer->dir], outer);
    for (; node; node = skiplist_next(node)) {
        struct sg_address *a = skiplist_get_data(node);

        if (!sg_prefix_contains(&outer->prefix, &a->prefix)) {
            break;
        }
        if (a != outer) {
            mark_stale(plan, a);
        }
    }
}

static struct sg_address *
create_address(struct sg_plan_network *net, enum sg_direction dir,
               const struct sg_prefix *prefix)
{
    struct sg_address *a = xzalloc(sizeof *a);

    a->prefix = *prefix;
    a->dir = dir;
    a->network = net;
    ovs_list_init(&a->stale);
    sg_unit_init(&a->unit, SG_UNIT_ADDRESS);
    hmap_insert(&net->addresses[dir], &a->node, sg_prefix_hash(prefix, 0));
    skiplist_insert(net->sorted[dir], a);
    net->lengths[dir][prefix->plen]++;
    return a;
}

static struct sg_address_peer *
find_claim(const struct sg_address *a, size_t peer)
{
    for (size_t i = 0; i < a->n_claims; i++) {
        if (a->claims[i].peer == peer) {
            return &a->claims[i];
        }
    }
    return NULL;
}

static void
add_claim(struct sg_plan *plan, struct sg_address *a, size_t peer)
{
    struct sg_address_peer *claim = find_claim(a, peer);

    if (claim) {
        claim->refs++;
        return;
    }
    a->claims = xrealloc(a->claims, (a->n_claims + 1) * sizeof *a->claims);
    a->claims[a->n_claims++] = (struct sg_address_peer) { peer, 1 };
    mark_stale(plan, a);
}

static void
remove_claim(struct sg_plan *plan, struct sg_address *a, size_t peer)
{
    struct sg_address_peer *claim = find_claim(a, peer);

    if (!--claim->refs) {
        *claim = a->claims[--a->n_claims];
        mark_stale(plan, a);
    }
}

void
sg_plan_claim(struct sg_plan *plan, struct sg_net_peer *np,
              const struct sg_prefix *prefix, int delta)
{
    struct sg_address *a = find_address(np->network, np->dir, prefix);

    if (delta > 0) {
        a = a ? a : create_address(np->network, np->dir, prefix);
        add_claim(plan, a, np->peer->index);
    } else {
        remove_claim(plan, a, np->peer->index);
    }
}

/* Classes. */

static int
compare_peers(const void *a_, const void *b_)
{
    const struct sg_peer *const *a = a_, *const *b = b_;

    return sg_peer_compare(*a, *b);
}

/* Depends on nothing but the peers. */
static char *
class_key(const struct sg_plan *plan, enum sg_direction dir,
          const unsigned long *peers, size_t n)
{
    const struct sg_peer **list = xmalloc(n * sizeof *list);
    struct ds s = DS_EMPTY_INITIALIZER;
    size_t i, j = 0;

    BITMAP_FOR_EACH_1 (i, plan->n_peers[dir], peers) {
        list[j++] = &plan->peers[dir][i]->peer;
    }
    qsort(list, n, sizeof *list, compare_peers);
    ds_put_format(&s, "%s:", sg_direction_name(dir));
    for (i = 0; i < n; i++) {
        ds_put_cstr(&s, i ? ", " : " ");
        sg_peer_format(list[i], &s);
    }
    free(list);
    return ds_steal_cstr(&s);
}

static struct sg_class *
create_class(struct sg_plan *plan, enum sg_direction dir,
             const unsigned long *peers, uint32_t hash)
{
    struct sg_class *class = xzalloc(sizeof *class);
    const struct sg_id *id;

    class->peers = bitmap_clone(peers, plan->n_peers[dir]);
    class->n_peers = bitmap_count1(peers, plan->n_peers[dir]);
    class->key = class_key(plan, dir, peers, class->n_peers);
    id = sg_ids_get(&plan->compiler->classes, class->key);
    class->identity = id->identity;
    class->id = id->id;
    shash_add(&plan->classes[dir], class->key, class);
    hmap_insert(&plan->by_peers[dir], &class->node, hash);
    return class;
}

static struct sg_class *
get_class(struct sg_plan *plan, enum sg_direction dir,
          const unsigned long *peers)
{
    size_t n_bytes = bitmap_n_bytes(plan->n_peers[dir]);
    uint32_t hash = hash_bytes(peers, n_bytes, 0);
    struct sg_class *class;

    HMAP_FOR_EACH_WITH_HASH (class, node, hash, &plan->by_peers[dir]) {
        if (!memcmp(class->peers, peers, n_bytes)) {
            class->refs++;
            return class;
        }
    }
    class = create_class(plan, dir, peers, hash);
    class->refs = 1;
    return class;
}

static void
put_class(struct sg_plan *plan, enum sg_direction dir, struct sg_class *class)
{
    if (class && !--class->refs) {
        shash_find_and_delete(&plan->classes[dir], class->key);
        hmap_remove(&plan->by_peers[dir], &class->node);
        sg_ids_put(&plan->compiler->classes, class->id);
        free(class->peers);
        free(class->key);
        free(class);
    }
}

/* Takes over the reference to 'set'. */
static void
address_set(struct sg_plan *plan, struct sg_address *a, struct sg_class *set,
            const struct sg_class *class)
{
    struct sg_class *old = a->set;

    a->set = set;
    if (class != a->class) {
        if (class) {
            net_class_get(plan, a->network, a->dir, class);
        }
        if (a->class) {
            net_class_put(plan, a->network, a->dir, a->class);
        }
        a->class = class;
        sg_unit_touch(&plan->units, &a->unit);
    }
    if (set != old) {
        mark_inside(plan, a);
    }
    put_class(plan, a->dir, old);
}

static void
destroy_address(struct sg_plan *plan, struct sg_address *a)
{
    struct sg_plan_network *net = a->network;

    mark_inside(plan, a);
    address_set(plan, a, NULL, NULL);
    sg_unit_drop(&plan->units, &a->unit);
    hmap_remove(&net->addresses[a->dir], &a->node);
    skiplist_delete(net->sorted[a->dir], a);
    net->lengths[a->dir][a->prefix.plen]--;
    free(a->claims);
    free(a);
}

static void settle_address(struct sg_plan *, struct sg_address *);

/* Stale addresses around 'prefix' come first, from the outside. */
static void
settle_around(struct sg_plan *plan, const struct sg_plan_network *net,
              enum sg_direction dir, const struct sg_prefix *prefix)
{
    for (int plen = sg_prefix_is_ipv4(prefix) ? 96 : 0; plen < prefix->plen;
         plen++) {
        if (net->lengths[dir][plen]) {
            struct sg_prefix outer;
            struct sg_address *a;

            sg_prefix_from_ipv6(&prefix->addr, plen, &outer);
            a = find_address(net, dir, &outer);
            if (a && !ovs_list_is_empty(&a->stale)) {
                settle_address(plan, a);
            }
        }
    }
}

/* Finds the class of a stale address. */
static void
settle_address(struct sg_plan *plan, struct sg_address *a)
{
    struct sg_address *around;

    settle_around(plan, a->network, a->dir, &a->prefix);
    ovs_list_remove(&a->stale);
    ovs_list_init(&a->stale);
    plan->stats.addresses++;
    if (!a->n_claims) {
        destroy_address(plan, a);
        return;
    }
    around = find_around(a->network, a->dir, &a->prefix, a->prefix.plen - 1);

    size_t n = plan->n_peers[a->dir];
    unsigned long *peers = (around ? bitmap_clone(around->set->peers, n)
                            : bitmap_allocate(n));
    for (size_t i = 0; i < a->n_claims; i++) {
        bitmap_set1(peers, a->claims[i].peer);
    }
    struct sg_class *set = get_class(plan, a->dir, peers);
    address_set(plan, a, set, around && around->set == set ? NULL : set);
    bitmap_free(peers);
}

/* An address with a new class brings a cell for each profile. */
bool
sg_plan_classify(struct sg_plan *plan, struct sg_slice *slice)
{
    while (!ovs_list_is_empty(&plan->stale)) {
        settle_address(plan, CONTAINER_OF(ovs_list_front(&plan->stale),
                                          struct sg_address, stale));
        if (sg_slice_ends(slice)) {
            return false;
        }
    }
    return true;
}

const struct sg_address **
sg_plan_addresses(const struct sg_plan_network *net, enum sg_direction dir,
                  size_t *n)
{
    const struct sg_address **list
        = xmalloc((hmap_count(&net->addresses[dir]) + 1) * sizeof *list);
    struct skiplist_node *node;

    *n = 0;
    for (node = skiplist_first(net->sorted[dir]); node;
         node = skiplist_next(node)) {
        list[(*n)++] = skiplist_get_data(node);
    }
    return list;
}

size_t
sg_plan_find_peer(const struct sg_plan_network *net, enum sg_direction dir,
                  const char *name)
{
    const struct sg_net_peer *np;
    size_t found = SIZE_MAX;

    HMAP_FOR_EACH (np, node, &net->peers[dir]) {
        struct ds s = DS_EMPTY_INITIALIZER;

        sg_peer_format(&np->peer->peer, &s);
        if (!strcmp(ds_cstr(&s), name)) {
            found = np->peer->index;
        }
        ds_destroy(&s);
    }
    return found;
}
