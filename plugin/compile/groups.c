/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Profiles, groups, fragments and peers
 * =====================================
 *
 * All of these are the bridge's, whatever the network.  They are counted: a
 * profile goes with its last endpoint, a group with its last profile, its
 * fragments with it, a peer with the last fragment that names it.
 *
 * A new policy is taken over group by group.  One that says the same stays the
 * one that it was, however old its policy.  Else the fragments of the new
 * group take the place of those of the old one, so that what points to a
 * fragment stays as it is; those that say the same as before are not
 * touched. */

#include "compile/compile.h"
#include "compile/plan-private.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "compile/pipeline.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"
#include "uuid.h"

/* Peers. */

static struct sg_plan_peer *
find_peer(const struct sg_plan *plan, enum sg_direction dir,
          const struct sg_peer *peer)
{
    struct sg_plan_peer *pp;

    HMAP_FOR_EACH_WITH_HASH (pp, node, sg_peer_hash(peer, 0),
                             &plan->peers_by_value[dir]) {
        if (sg_peer_equals(&pp->peer, peer)) {
            return pp;
        }
    }
    return NULL;
}

/* Doubles the places of peers, and with them the bitmaps of classes. */
static void
grow_peers(struct sg_plan *plan, enum sg_direction dir)
{
    size_t old = plan->n_peers[dir], new = old ? old * 2 : BITMAP_ULONG_BITS;
    struct sg_class *class;
    struct hmap again;

    plan->peers[dir] = xrealloc(plan->peers[dir],
                                new * sizeof *plan->peers[dir]);
    memset(&plan->peers[dir][old], 0, (new - old) * sizeof *plan->peers[dir]);
    plan->n_peers[dir] = new;

    hmap_init(&again);
    HMAP_FOR_EACH_POP (class, node, &plan->by_peers[dir]) {
        unsigned long *peers = bitmap_allocate(new);

        memcpy(peers, class->peers, bitmap_n_bytes(old));
        free(class->peers);
        class->peers = peers;
        hmap_insert(&again, &class->node,
                    hash_bytes(peers, bitmap_n_bytes(new), 0));
    }
    hmap_swap(&again, &plan->by_peers[dir]);
    hmap_destroy(&again);
}

static size_t
find_place(struct sg_plan *plan, enum sg_direction dir)
{
    size_t *place = &plan->n_full[dir];

    while (*place < plan->n_peers[dir] && plan->peers[dir][*place]) {
        ++*place;
    }
    if (*place == plan->n_peers[dir]) {
        grow_peers(plan, dir);
    }
    return *place;
}

struct sg_plan_peer *
sg_plan_get_peer(struct sg_plan *plan, enum sg_direction dir,
                 const struct sg_peer *peer)
{
    struct sg_plan_peer *pp = find_peer(plan, dir, peer);

    if (!pp) {
        pp = xzalloc(sizeof *pp);
        sg_peer_clone(&pp->peer, peer);
        pp->index = find_place(plan, dir);
        plan->peers[dir][pp->index] = pp;
        hmap_insert(&plan->peers_by_value[dir], &pp->node,
                    sg_peer_hash(peer, 0));
    }
    pp->refs++;
    return pp;
}

void
sg_plan_put_peer(struct sg_plan *plan, enum sg_direction dir,
                 struct sg_plan_peer *pp)
{
    if (!--pp->refs) {
        hmap_remove(&plan->peers_by_value[dir], &pp->node);
        plan->peers[dir][pp->index] = NULL;
        plan->n_full[dir] = MIN(plan->n_full[dir], pp->index);
        sg_peer_destroy(&pp->peer);
        free(pp);
    }
}

/* Numbers. */

struct sg_plan_number {
    struct hmap_node node;      /* In sg_plan.numbers. */
    uint32_t number;            /* With flags. */
    size_t refs;                /* Entries. */
};

static struct sg_plan_number *
find_number(const struct sg_plan *plan, uint32_t number)
{
    struct sg_plan_number *n;

    HMAP_FOR_EACH_WITH_HASH (n, node, hash_int(number, 0), &plan->numbers) {
        if (n->number == number) {
            return n;
        }
    }
    return NULL;
}

bool
sg_plan_has_number(const struct sg_plan *plan, uint32_t number)
{
    return find_number(plan, number) != NULL;
}

static void
get_number(struct sg_plan *plan, uint32_t number)
{
    struct sg_plan_number *n = find_number(plan, number);

    if (!n) {
        n = xzalloc(sizeof *n);
        n->number = number;
        hmap_insert(&plan->numbers, &n->node, hash_int(number, 0));
    }
    n->refs++;
}

static void
put_number(struct sg_plan *plan, uint32_t number)
{
    struct sg_plan_number *n = find_number(plan, number);

    if (!--n->refs) {
        hmap_remove(&plan->numbers, &n->node);
        free(n);
    }
}

/* Fragments. */

/* Gives it its numbers. */
static void
adopt_fragment(struct sg_plan *plan, struct sg_fragment *frag)
{
    frag->id = sg_ids_get(&plan->compiler->fragments, frag->key)->id;
    for (size_t i = 0; i < frag->n_entries; i++) {
        struct sg_entry *entry = &frag->entries[i];

        entry->number = (sg_ids_get(&plan->compiler->numbers, entry->key)->id
                         | SG_MARK_KNOWN);
        if (frag->group->drain) {
            entry->number |= SG_MARK_DRAIN;
        }
        get_number(plan, entry->number);
    }
}

static void
abandon_fragment(struct sg_plan *plan, struct sg_fragment *frag)
{
    for (size_t i = 0; i < frag->n_entries; i++) {
        put_number(plan, frag->entries[i].number);
        sg_ids_put(&plan->compiler->numbers,
                   frag->entries[i].number & SG_MARK_ID);
    }
    sg_ids_put(&plan->compiler->fragments, frag->id);
    sg_fragment_destroy(frag);
}

/* Would they have the same flows? */
static bool
fragments_same(const struct sg_fragment *a, const struct sg_fragment *b)
{
    if (a->n_entries != b->n_entries) {
        return false;
    }
    for (size_t i = 0; i < a->n_entries; i++) {
        const struct sg_entry *x = &a->entries[i], *y = &b->entries[i];

        if (x->number != y->number || strcmp(x->key, y->key)
            || x->named != y->named
            || !uuid_equals(&x->rules[0]->id, &y->rules[0]->id)) {
            return false;
        }
    }
    return true;
}

/* 'frag' says what 'new' says, which is consumed. */
static void
replace_fragment(struct sg_plan *plan, struct sg_fragment *frag,
                 struct sg_fragment *new)
{
    struct sg_fragment old = *frag;
    bool same = fragments_same(frag, new);

    plan->stats.fragments++;
    *frag = *new;
    frag->unit = old.unit;
    *new = old;
    /* A list that is not empty must not be moved. */
    sg_unit_init(&new->unit, SG_UNIT_FRAGMENT);
    abandon_fragment(plan, new);
    if (!same) {
        sg_unit_touch(&plan->units, &frag->unit);
    }
}

/* The fragments of a group in one direction. */
struct fragments {
    struct sg_fragment **list;
    size_t n;
};

/* A peer that some rule has had. */
struct seen_peer {
    struct hmap_node node;
    const struct sg_peer *peer;
};

/* Returns true for the first time. */
static bool
see_peer(struct hmap *seen, const struct sg_peer *peer)
{
    uint32_t hash = sg_peer_hash(peer, 0);
    struct seen_peer *sp;

    HMAP_FOR_EACH_WITH_HASH (sp, node, hash, seen) {
        if (sg_peer_equals(sp->peer, peer)) {
            return false;
        }
    }
    sp = xmalloc(sizeof *sp);
    sp->peer = peer;
    hmap_insert(seen, &sp->node, hash);
    return true;
}

static void
forget_peers(struct hmap *seen)
{
    struct seen_peer *sp;

    HMAP_FOR_EACH_POP (sp, node, seen) {
        free(sp);
    }
    hmap_destroy(seen);
}

static void
fragments_add(struct sg_plan *plan, struct fragments *f,
              enum sg_direction dir, const struct sg_group *group,
              const struct sg_peer *peer)
{
    struct sg_fragment *frag = sg_fragment_create(dir, group, peer);

    if (frag) {
        adopt_fragment(plan, frag);
        sg_unit_init(&frag->unit, SG_UNIT_FRAGMENT);
        f->list = xrealloc(f->list, (f->n + 1) * sizeof *f->list);
        f->list[f->n++] = frag;
    }
}

static struct fragments
make_fragments(struct sg_plan *plan, const struct sg_group *group,
               enum sg_direction dir)
{
    struct fragments f = { NULL, 0 };
    struct hmap seen = HMAP_INITIALIZER(&seen);

    for (size_t i = 0; i < group->n_rules[dir]; i++) {
        const struct sg_rule *rule = group->rules[dir][i];

        for (size_t j = 0; j < rule->n_peers; j++) {
            if (see_peer(&seen, &rule->peers[j])) {
                fragments_add(plan, &f, dir, group, &rule->peers[j]);
            }
        }
    }
    forget_peers(&seen);
    return f;
}

/* Where the old fragments have one for the same peer, that one stays.  Returns
 * false if the peers are the same, in the same order. */
static bool
merge_fragments(struct sg_plan *plan, struct sg_plan_group *pg,
                enum sg_direction dir, struct fragments *new)
{
    struct sg_fragment **old = pg->fragments[dir];
    size_t n_old = pg->n_fragments[dir];
    struct shash by_key = SHASH_INITIALIZER(&by_key);
    bool changed = n_old != new->n;

    for (size_t i = 0; i < n_old; i++) {
        shash_add(&by_key, old[i]->key, &old[i]);
    }
    for (size_t i = 0; i < new->n; i++) {
        struct sg_fragment **same = shash_find_data(&by_key,
                                                    new->list[i]->key);

        if (same) {
            changed |= (size_t) (same - old) != i;
            replace_fragment(plan, *same, new->list[i]);
            new->list[i] = *same;
            *same = NULL;
        } else {
            changed = true;
            sg_unit_touch(&plan->units, &new->list[i]->unit);
        }
    }
    shash_destroy(&by_key);
    return changed;
}

static size_t *
index_peers(struct sg_plan *plan, enum sg_direction dir,
            const struct fragments *f)
{
    size_t *index = xmalloc((f->n + 1) * sizeof *index);

    for (size_t i = 0; i < f->n; i++) {
        const struct sg_peer *peer = f->list[i]->peer;

        index[i] = SIZE_MAX;
        if (peer->type != SG_PEER_ANY) {
            index[i] = sg_plan_get_peer(plan, dir, peer)->index;
        }
    }
    return index;
}

/* Calls 'count' for each network that has the profile, and each peer. */
static void
count_peers(struct sg_plan *plan, const struct sg_plan_profile *profile,
            enum sg_direction dir, const size_t *index, size_t n,
            void (*count)(struct sg_plan *, struct sg_plan_network *,
                          enum sg_direction, size_t peer))
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->networks) {
        struct sg_plan_network *net = node->data;
        const struct sg_net_profile *np;

        HMAP_FOR_EACH_WITH_HASH (np, node, hash_pointer(profile, 0),
                                 &net->profiles) {
            for (size_t i = 0; np->profile == profile && i < n; i++) {
                if (index[i] != SIZE_MAX) {
                    count(plan, net, dir, index[i]);
                }
            }
        }
    }
}

static bool
profile_has_group(const struct sg_plan_profile *profile,
                  const struct sg_plan_group *pg)
{
    for (size_t i = 0; i < profile->n_groups; i++) {
        if (profile->groups[i] == pg) {
            return true;
        }
    }
    return false;
}

static void
count_group_peers(struct sg_plan *plan, const struct sg_plan_group *pg,
                  enum sg_direction dir, const size_t *index, size_t n,
                  void (*count)(struct sg_plan *, struct sg_plan_network *,
                                enum sg_direction, size_t peer))
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->profiles) {
        if (profile_has_group(node->data, pg)) {
            count_peers(plan, node->data, dir, index, n, count);
        }
    }
}

static void
profiles_changed(struct sg_plan *plan, const struct sg_plan_group *pg,
                 enum sg_direction dir)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->profiles) {
        if (profile_has_group(node->data, pg)) {
            sg_plan_profile_changed(plan, node->data, dir);
        }
    }
}

static void
put_peers(struct sg_plan *plan, enum sg_direction dir, const size_t *index,
          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (index[i] != SIZE_MAX) {
            sg_plan_put_peer(plan, dir, plan->peers[dir][index[i]]);
        }
    }
}

static void
drop_fragments(struct sg_plan *plan, struct sg_fragment **list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i]) {
            sg_unit_drop(&plan->units, &list[i]->unit);
            abandon_fragment(plan, list[i]);
        }
    }
    free(list);
}

/* May the group's rules allow multicast to the guest? */
static bool
group_has_multicast(const struct sg_plan_group *pg)
{
    for (size_t i = 0; i < pg->n_fragments[SG_INGRESS]; i++) {
        const struct sg_fragment *frag = pg->fragments[SG_INGRESS][i];

        for (size_t j = 0; j < frag->n_entries; j++) {
            if (frag->entries[j].proto != IPPROTO_TCP) {
                return true;
            }
        }
    }
    return false;
}

static void
profile_find_multicast(struct sg_plan *plan, struct sg_plan_profile *profile)
{
    bool multicast = false;

    for (size_t i = 0; i < profile->n_groups; i++) {
        multicast |= group_has_multicast(profile->groups[i]);
    }
    if (multicast != profile->multicast) {
        profile->multicast = multicast;
        sg_floods_profile_changed(plan, profile);
    }
}

/* Takes the rules of 'group' in one direction for those of 'pg'. */
static void
group_set_rules(struct sg_plan *plan, struct sg_plan_group *pg,
                const struct sg_group *group, enum sg_direction dir)
{
    struct fragments new = make_fragments(plan, group, dir);
    size_t *old_index = pg->peer_index[dir], n_old = pg->n_fragments[dir];
    struct sg_fragment **old = pg->fragments[dir];
    bool changed = merge_fragments(plan, pg, dir, &new);

    pg->peer_index[dir] = index_peers(plan, dir, &new);
    pg->fragments[dir] = new.list;
    pg->n_fragments[dir] = new.n;
    if (changed) {
        count_group_peers(plan, pg, dir, pg->peer_index[dir], new.n,
                          sg_net_peer_get);
        count_group_peers(plan, pg, dir, old_index, n_old, sg_net_peer_put);
        profiles_changed(plan, pg, dir);
    }
    put_peers(plan, dir, old_index, n_old);
    drop_fragments(plan, old, n_old);
    free(old_index);
}

/* Takes 'group', which says something else, for that of 'pg'. */
static void
group_set(struct sg_plan *plan, struct sg_plan_group *pg,
          const struct sg_group *group)
{
    struct sg_group *old = pg->group;

    pg->group = sg_group_ref(group);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        group_set_rules(plan, pg, group, dir);
    }
    sg_group_unref(old);
}

static struct sg_plan_group *
get_group(struct sg_plan *plan, const struct sg_group *group)
{
    struct sg_plan_group *pg = shash_find_data(&plan->groups, group->key);

    if (!pg) {
        pg = xzalloc(sizeof *pg);
        shash_add(&plan->groups, group->key, pg);
        group_set(plan, pg, group);
    }
    pg->refs++;
    return pg;
}

static void
put_group(struct sg_plan *plan, struct sg_plan_group *pg)
{
    if (--pg->refs) {
        return;
    }
    shash_find_and_delete(&plan->groups, pg->group->key);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        put_peers(plan, dir, pg->peer_index[dir], pg->n_fragments[dir]);
        drop_fragments(plan, pg->fragments[dir], pg->n_fragments[dir]);
        free(pg->peer_index[dir]);
    }
    sg_group_unref(pg->group);
    free(pg);
}

static void
update_group(struct sg_plan *plan, struct sg_plan_group *pg,
             const struct sg_policy *policy)
{
    const struct sg_group *group = sg_policy_group(policy, pg->group->name,
                                                   pg->group->network);
    struct shash_node *node;

    /* One that is gone goes with the profiles that have it. */
    if (!group || strcmp(group->key, pg->group->key)
        || sg_group_says_same(pg->group, group)) {
        return;
    }
    group_set(plan, pg, group);
    SHASH_FOR_EACH (node, &plan->profiles) {
        if (profile_has_group(node->data, pg)) {
            profile_find_multicast(plan, node->data);
        }
    }
}

bool
sg_plan_set_groups(struct sg_plan *plan, const struct sg_policy *policy,
                   struct hmap_position *place, struct sg_slice *slice)
{
    while (!sg_slice_over(slice)) {
        struct hmap_node *node = hmap_at_position(&plan->groups.map, place);

        if (!node) {
            return true;
        }
        update_group(plan, CONTAINER_OF(node, struct shash_node, node)->data,
                     policy);
    }
    return false;
}

/* Profiles. */

static size_t
port_groups(const struct sg_policy *policy, const struct sg_port *port,
            const struct sg_endpoint *endpoint,
            const struct sg_group **groups)
{
    size_t n = 0;

    for (size_t i = 0; i < port->n_groups; i++) {
        const struct sg_group *group = sg_policy_group(policy,
                                                       port->groups[i],
                                                       endpoint->network);

        if (group) {
            groups[n++] = group;
        }
    }
    return n;
}

char *
sg_plan_profile_key(const struct sg_policy *policy,
                    const struct sg_port *port,
                    const struct sg_endpoint *endpoint)
{
    const struct sg_group **groups = xcalloc(port->n_groups + 1,
                                             sizeof *groups);
    size_t n = port_groups(policy, port, endpoint, groups);
    struct ds key = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&key, "profile ");
    for (size_t i = 0; i < n; i++) {
        ds_put_format(&key, "%s%s", i ? "," : "", groups[i]->key);
    }
    free(groups);
    return ds_steal_cstr(&key);
}

static struct sg_plan_profile *
create_profile(struct sg_plan *plan, char *key)
{
    struct sg_plan_profile *profile = xzalloc(sizeof *profile);
    const struct sg_id *id = sg_ids_get(&plan->compiler->profiles, key);

    profile->key = key;
    profile->id = id->id;
    profile->identity = id->identity;
    ovs_list_init(&profile->floods);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        ovs_list_init(&profile->cells[dir]);
    }
    sg_unit_init(&profile->unit, SG_UNIT_PROFILE);
    sg_unit_touch(&plan->units, &profile->unit);
    shash_add(&plan->profiles, key, profile);
    return profile;
}

struct sg_plan_profile *
sg_plan_get_profile(struct sg_plan *plan, const struct sg_port *port,
                    const struct sg_endpoint *endpoint,
                    const struct sg_policy *policy)
{
    char *key = sg_plan_profile_key(policy, port, endpoint);
    struct sg_plan_profile *profile = shash_find_data(&plan->profiles, key);

    if (profile) {
        free(key);
        profile->refs++;
        return profile;
    }

    profile = create_profile(plan, key);
    const struct sg_group **groups = xcalloc(port->n_groups + 1,
                                             sizeof *groups);
    profile->refs = 1;
    profile->n_groups = port_groups(policy, port, endpoint, groups);
    profile->groups = xcalloc(port->n_groups + 1, sizeof *profile->groups);
    for (size_t i = 0; i < profile->n_groups; i++) {
        profile->groups[i] = get_group(plan, groups[i]);
    }
    free(groups);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        sg_plan_profile_changed(plan, profile, dir);
    }
    profile_find_multicast(plan, profile);
    return profile;
}

void
sg_plan_put_profile(struct sg_plan *plan, struct sg_plan_profile *profile)
{
    if (--profile->refs) {
        return;
    }
    shash_find_and_delete(&plan->profiles, profile->key);
    sg_ids_put(&plan->compiler->profiles, profile->id);
    for (size_t i = 0; i < profile->n_groups; i++) {
        put_group(plan, profile->groups[i]);
    }
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        ovs_assert(ovs_list_is_empty(&profile->cells[dir]));
        free(profile->any[dir]);
    }
    sg_unit_drop(&plan->units, &profile->unit);
    free(profile->lengths);
    free(profile->groups);
    free(profile->key);
    free(profile);
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
sg_profile_find_number(const struct sg_plan_profile *profile,
                       uint32_t number)
{
    const struct sg_fragment *frag = NULL;

    for (size_t i = 0; i < profile->n_groups && !frag; i++) {
        frag = group_find_number(profile->groups[i], number);
    }
    return frag;
}
