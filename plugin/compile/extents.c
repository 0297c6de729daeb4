/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* What peers stand for
 * ====================
 *
 * An *extent* is a named, counted set of prefixes: the members of a group in
 * one network, those it has in every network, a prefix list, the value of an
 * `addresses' set.  Ports and `members' statements add to it and take away
 * what they added.
 *
 *   count becomes 1  \                                 peer of a network
 *                     > sg_plan.changed -- settle -->  that subscribes:
 *   count becomes 0  /                                 sg_plan_claim()
 *
 * Lists of prefixes are sorted.  A list that takes the place of another one is
 * compared with it, side by side, and only the difference is counted: the one
 * look at all of a long list is the shortest there can be.
 *
 * Who begins to name an extent claims all of it, in slices and before anything
 * is settled, and hears of changes from then on. */

#include "compile/compile.h"
#include "compile/plan-private.h"

#include <string.h>

#include "hash.h"
#include "openvswitch/shash.h"
#include "policy/addresses.h"
#include "svec.h"
#include "util.h"

struct sg_extent {
    struct hmap_node node;      /* In sg_plan.extents. */
    enum sg_peer_type type;     /* GROUP, PREFIX_LIST or ADDRESSES. */
    char *name;
    char *network;              /* Of a group; NULL: in every network. */
    struct hmap prefixes;       /* struct sg_extent_prefix. */
    struct sg_net_peer **subscribers;
    size_t n_subscribers, allocated_subscribers;
    size_t refs;                /* Differences that are to be counted, and
                                 * those who are about to claim it. */
    struct sg_prefix *value;    /* ADDRESSES: a copy. */
    size_t n_value;
    uint64_t version;           /* Of the value; 0: there is none. */
};

struct sg_extent_prefix {
    struct hmap_node node;      /* In sg_extent.prefixes. */
    struct sg_extent *extent;
    struct sg_prefix prefix;
    uint32_t count;             /* How many say so. */
    bool told;                  /* Subscribers take it for a part of it. */
    struct ovs_list changed;    /* In sg_plan.changed, or empty. */
};

/* Two lists for one extent, the second in place of the first. */
struct extent_diff {
    struct ovs_list node;       /* In sg_plan.diffs. */
    struct sg_extent *extent;
    const struct sg_prefix *old, *new;
    size_t n_old, n_new;
    size_t i, j;                /* How far they have been compared. */
    struct sg_prefix *garbage;  /* To be freed then, or NULL. */
};

static uint32_t
hash_extent(enum sg_peer_type type, const char *name, const char *network)
{
    return hash_string(name, hash_string(network ? network : "", type));
}

static struct sg_extent *
find_extent(const struct sg_plan *plan, enum sg_peer_type type,
            const char *name, const char *network)
{
    struct sg_extent *ext;

    HMAP_FOR_EACH_WITH_HASH (ext, node, hash_extent(type, name, network),
                             &plan->extents) {
        if (ext->type == type && !strcmp(ext->name, name)
            && nullable_string_is_equal(ext->network, network)) {
            return ext;
        }
    }
    return NULL;
}

static struct sg_extent *
get_extent(struct sg_plan *plan, enum sg_peer_type type, const char *name,
           const char *network)
{
    struct sg_extent *ext = find_extent(plan, type, name, network);

    if (!ext) {
        ext = xzalloc(sizeof *ext);
        ext->type = type;
        ext->name = xstrdup(name);
        ext->network = nullable_xstrdup(network);
        hmap_init(&ext->prefixes);
        hmap_insert(&plan->extents, &ext->node,
                    hash_extent(type, name, network));
    }
    return ext;
}

/* It has no prefixes. */
static void
destroy_extent(struct sg_plan *plan, struct sg_extent *ext)
{
    hmap_destroy(&ext->prefixes);
    hmap_remove(&plan->extents, &ext->node);
    free(ext->subscribers);
    free(ext->value);
    free(ext->network);
    free(ext->name);
    free(ext);
}

static void
destroy_if_unused(struct sg_plan *plan, struct sg_extent *ext)
{
    if (hmap_is_empty(&ext->prefixes) && !ext->n_subscribers
        && !ext->n_value && !ext->refs) {
        destroy_extent(plan, ext);
    }
}

static struct sg_extent_prefix *
get_prefix(struct sg_extent *ext, const struct sg_prefix *p)
{
    uint32_t hash = sg_prefix_hash(p, 0);
    struct sg_extent_prefix *sp;

    HMAP_FOR_EACH_WITH_HASH (sp, node, hash, &ext->prefixes) {
        if (sg_prefix_equals(&sp->prefix, p)) {
            return sp;
        }
    }
    sp = xzalloc(sizeof *sp);
    sp->extent = ext;
    sp->prefix = *p;
    ovs_list_init(&sp->changed);
    hmap_insert(&ext->prefixes, &sp->node, hash);
    return sp;
}

/* 'delta' is 1 or -1. */
static void
count_prefix(struct sg_plan *plan, struct sg_extent *ext,
             const struct sg_prefix *prefix, int delta)
{
    struct sg_extent_prefix *sp = get_prefix(ext, prefix);

    ovs_assert(delta > 0 || sp->count);
    sp->count += delta;
    if ((sp->count > 0) != sp->told && ovs_list_is_empty(&sp->changed)) {
        ovs_list_push_back(&plan->changed, &sp->changed);
    }
}

/* Ports. */

static bool
is_first_in_network(const struct sg_port *port, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (!strcmp(port->endpoints[i].network, port->endpoints[j].network)) {
            return false;
        }
    }
    return true;
}

static void
count_in_group(struct sg_plan *plan, const struct sg_port *port,
               const char *group, const char *network, int delta)
{
    struct sg_extent *ext = get_extent(plan, SG_PEER_GROUP, group, network);

    for (size_t i = 0; i < port->n_addresses; i++) {
        count_prefix(plan, ext, &port->addresses[i], delta);
    }
    destroy_if_unused(plan, ext);       /* It has no addresses. */
}

static void
count_port(struct sg_plan *plan, const struct sg_port *port, int delta)
{
    if (!port->guarded || port->error) {
        return;
    }
    for (size_t i = 0; i < port->n_endpoints; i++) {
        for (size_t j = 0; is_first_in_network(port, i)
             && j < port->n_groups; j++) {
            count_in_group(plan, port, port->groups[j],
                           port->endpoints[i].network, delta);
        }
    }
}

void
sg_extents_add_port(struct sg_plan *plan, const struct sg_port *port)
{
    count_port(plan, port, 1);
}

void
sg_extents_remove_port(struct sg_plan *plan, const struct sg_port *port)
{
    count_port(plan, port, -1);
}

/* Lists. */

#define RUN 1024                /* Entries: some microseconds. */

/* Notes that 'new' takes the place of 'old' in 'ext'.  'garbage' is freed when
 * that, and all that was noted before, has been counted. */
static void
note_diff(struct sg_plan *plan, struct sg_extent *ext,
          const struct sg_prefix *old, size_t n_old,
          const struct sg_prefix *new, size_t n_new,
          struct sg_prefix *garbage)
{
    struct extent_diff *d = xmalloc(sizeof *d);

    *d = (struct extent_diff) {
        .extent = ext, .old = old, .n_old = n_old, .new = new,
        .n_new = n_new, .garbage = garbage
    };
    ext->refs++;
    ovs_list_push_back(&plan->diffs, &d->node);
}

/* Passes over what both lists go on with, up to RUN entries. */
static bool
skip_run(struct extent_diff *d)
{
    size_t n = MIN(RUN, MIN(d->n_old - d->i, d->n_new - d->j));

    n = sg_prefixes_common(&d->old[d->i], &d->new[d->j], n);
    d->i += n;
    d->j += n;
    return n > 0;
}

/* Counts the entry that comes first of two that differ. */
static void
count_one(struct sg_plan *plan, struct extent_diff *d)
{
    if (d->j >= d->n_new
        || (d->i < d->n_old
            && sg_prefix_compare(&d->old[d->i], &d->new[d->j]) < 0)) {
        count_prefix(plan, d->extent, &d->old[d->i++], -1);
    } else {
        count_prefix(plan, d->extent, &d->new[d->j++], 1);
    }
}

static bool
count_diff(struct sg_plan *plan, struct extent_diff *d,
           struct sg_slice *slice)
{
    while (d->i < d->n_old || d->j < d->n_new) {
        if (sg_slice_over(slice)) {
            return false;
        }
        if (d->i >= d->n_old || d->j >= d->n_new || !skip_run(d)) {
            count_one(plan, d);
        }
    }
    return true;
}

static void
destroy_diff(struct sg_plan *plan, struct extent_diff *d)
{
    ovs_list_remove(&d->node);
    d->extent->refs--;
    destroy_if_unused(plan, d->extent);
    free(d->garbage);
    free(d);
}

bool
sg_extents_count(struct sg_plan *plan, struct sg_slice *slice)
{
    struct extent_diff *d;

    LIST_FOR_EACH_SAFE (d, node, &plan->diffs) {
        if (!count_diff(plan, d, slice)) {
            return false;
        }
        destroy_diff(plan, d);
    }
    return true;
}

/* Policies. */

static bool
members_have_set(const struct sg_members *m, const char *name)
{
    for (size_t i = 0; m && i < m->n_sets; i++) {
        if (!strcmp(m->sets[i], name)) {
            return true;
        }
    }
    return false;
}

/* The values of sets that are members by 'm', and not by 'other', come to
 * 'ext', or go. */
static void
note_member_sets(struct sg_plan *plan, struct sg_extent *ext,
                 const struct sg_members *m, const struct sg_members *other,
                 bool come)
{
    for (size_t i = 0; m && i < m->n_sets; i++) {
        const struct sg_extent *set
            = find_extent(plan, SG_PEER_ADDRESSES, m->sets[i], NULL);

        if (set && !members_have_set(other, m->sets[i])) {
            note_diff(plan, ext, set->value, come ? 0 : set->n_value,
                      set->value, come ? set->n_value : 0, NULL);
        }
    }
}

/* One of 'old' and 'new' may be NULL. */
static void
note_members(struct sg_plan *plan, const struct sg_members *old,
             const struct sg_members *new)
{
    const struct sg_members *m = old ? old : new;
    struct sg_extent *ext = get_extent(plan, SG_PEER_GROUP, m->group,
                                       m->network);

    note_diff(plan, ext, old ? old->prefixes : NULL, old ? old->n : 0,
              new ? new->prefixes : NULL, new ? new->n : 0, NULL);
    note_member_sets(plan, ext, new, old, true);
    note_member_sets(plan, ext, old, new, false);
}

static char *
members_key(const struct sg_members *m)
{
    return xasprintf("%s/%s", m->network ? m->network : "", m->group);
}

static void
note_all_members(struct sg_plan *plan, const struct sg_policy *old,
                 const struct sg_policy *new)
{
    struct shash before = SHASH_INITIALIZER(&before);
    struct shash_node *node;

    for (size_t i = 0; old && i < old->n_members; i++) {
        char *key = members_key(&old->members[i]);

        shash_add_nocopy(&before, key, &old->members[i]);
    }
    for (size_t i = 0; i < new->n_members; i++) {
        char *key = members_key(&new->members[i]);

        note_members(plan, shash_find_and_delete(&before, key),
                     &new->members[i]);
        free(key);
    }
    SHASH_FOR_EACH (node, &before) {
        note_members(plan, node->data, NULL);
    }
    shash_destroy(&before);
}

static void
note_list(struct sg_plan *plan, const struct sg_prefix_list *old,
          const struct sg_prefix_list *new)
{
    note_diff(plan, get_extent(plan, SG_PEER_PREFIX_LIST,
                               old ? old->name : new->name, NULL),
              old ? old->prefixes : NULL, old ? old->n : 0,
              new ? new->prefixes : NULL, new ? new->n : 0, NULL);
}

static void
note_all_lists(struct sg_plan *plan, const struct sg_policy *old,
               const struct sg_policy *new)
{
    const struct sg_prefix_list *list;

    HMAP_FOR_EACH (list, node, &new->prefix_lists) {
        note_list(plan, old ? sg_policy_prefix_list(old, list->name) : NULL,
                  list);
    }
    if (old) {
        HMAP_FOR_EACH (list, node, &old->prefix_lists) {
            if (!sg_policy_prefix_list(new, list->name)) {
                note_list(plan, list, NULL);
            }
        }
    }
}

void
sg_extents_set_policy(struct sg_plan *plan, const struct sg_policy *policy)
{
    note_all_members(plan, plan->policy, policy);
    note_all_lists(plan, plan->policy, policy);
}

/* Sets. */

/* The value of a set, where it counts: for itself and in groups.  'set' may be
 * NULL: it has no value any more. */
static void
set_value(struct sg_plan *plan, struct sg_extent *ext,
          const struct sg_set *set)
{
    struct sg_prefix *old = ext->value;
    size_t n_old = ext->n_value;

    ext->version = set ? set->version : 0;
    ext->n_value = set ? set->n : 0;
    ext->value = (ext->n_value
                  ? xmemdup(set->prefixes, set->n * sizeof *set->prefixes)
                  : NULL);
    for (size_t i = 0; plan->policy && i < plan->policy->n_members; i++) {
        const struct sg_members *m = &plan->policy->members[i];

        if (members_have_set(m, ext->name)) {
            note_diff(plan, get_extent(plan, SG_PEER_GROUP, m->group,
                                       m->network),
                      old, n_old, ext->value, ext->n_value, NULL);
        }
    }
    note_diff(plan, ext, old, n_old, ext->value, ext->n_value, old);
}

void
sg_extents_set_sets(struct sg_plan *plan, const struct sg_sets *sets)
{
    struct svec gone = SVEC_EMPTY_INITIALIZER;
    const struct sg_set *set;
    struct sg_extent *ext;

    HMAP_FOR_EACH (ext, node, &plan->extents) {
        if (ext->type == SG_PEER_ADDRESSES && ext->version
            && !sg_sets_find(sets, ext->name)) {
            svec_add(&gone, ext->name);
        }
    }
    for (size_t i = 0; i < gone.n; i++) {
        set_value(plan, find_extent(plan, SG_PEER_ADDRESSES, gone.names[i],
                                    NULL), NULL);
    }
    svec_destroy(&gone);
    if (sets) {
        HMAP_FOR_EACH (set, node, &sets->sets) {
            ext = get_extent(plan, SG_PEER_ADDRESSES, set->name, NULL);
            if (ext->version != set->version) {
                set_value(plan, ext, set);
            }
        }
    }
}

/* Subscribers. */

bool
sg_extents_settle(struct sg_plan *plan, struct sg_slice *slice)
{
    struct sg_extent_prefix *sp;

    LIST_FOR_EACH_SAFE (sp, changed, &plan->changed) {
        struct sg_extent *ext = sp->extent;

        if (sg_slice_over(slice)) {
            return false;
        }
        ovs_list_remove(&sp->changed);
        ovs_list_init(&sp->changed);
        if ((sp->count > 0) != sp->told) {
            sp->told = !sp->told;
            for (size_t i = 0; i < ext->n_subscribers; i++) {
                sg_plan_claim(plan, ext->subscribers[i], &sp->prefix,
                              sp->told ? 1 : -1);
            }
        }
        if (!sp->count) {
            hmap_remove(&ext->prefixes, &sp->node);
            free(sp);
            destroy_if_unused(plan, ext);
        }
    }
    return true;
}

/* Claims the rest of 'ext', or gives it up, from where 'np' was. */
static bool
claim_extent(struct sg_plan *plan, struct sg_net_peer *np,
             const struct sg_extent *ext, int delta, struct sg_slice *slice)
{
    while (!sg_slice_over(slice)) {
        struct hmap_node *node = hmap_at_position(&ext->prefixes, &np->place);
        const struct sg_extent_prefix *sp;

        if (!node) {
            np->place = (struct hmap_position) { .bucket = 0 };
            return true;
        }
        sp = CONTAINER_OF(node, struct sg_extent_prefix, node);
        if (sp->told) {
            sg_plan_claim(plan, np, &sp->prefix, delta);
        }
    }
    return false;
}

static void
subscribe(struct sg_plan *plan, struct sg_net_peer *np, enum sg_peer_type type,
          const char *name, const char *network)
{
    struct sg_extent *ext = get_extent(plan, type, name, network);

    ext->refs++;
    np->extents[np->n_extents++] = ext;
}

void
sg_extents_subscribe(struct sg_plan *plan, struct sg_net_peer *np)
{
    const struct sg_peer *peer = &np->peer->peer;

    if (peer->type == SG_PEER_PREFIX) {
        sg_plan_claim(plan, np, &peer->prefix, 1);
        return;
    } else if (peer->type == SG_PEER_GROUP) {
        subscribe(plan, np, peer->type, peer->name,
                  peer->network ? peer->network : np->network->name);
    }
    subscribe(plan, np, peer->type, peer->name, NULL);
    ovs_list_push_back(&plan->claiming, &np->claiming);
}

static void
add_subscriber(struct sg_extent *ext, struct sg_net_peer *np)
{
    if (ext->n_subscribers >= ext->allocated_subscribers) {
        ext->subscribers = x2nrealloc(ext->subscribers,
                                      &ext->allocated_subscribers,
                                      sizeof *ext->subscribers);
    }
    ext->subscribers[ext->n_subscribers++] = np;
    ext->refs--;
}

bool
sg_extents_claim(struct sg_plan *plan, struct sg_slice *slice)
{
    struct sg_net_peer *np;

    LIST_FOR_EACH_SAFE (np, claiming, &plan->claiming) {
        for (; np->n_claimed < np->n_extents; np->n_claimed++) {
            struct sg_extent *ext = np->extents[np->n_claimed];

            if (!claim_extent(plan, np, ext, 1, slice)) {
                return false;
            }
            add_subscriber(ext, np);
        }
        ovs_list_remove(&np->claiming);
        ovs_list_init(&np->claiming);
    }
    return true;
}

static void
forget_subscriber(struct sg_extent *ext, const struct sg_net_peer *np)
{
    for (size_t i = 0; i < ext->n_subscribers; i++) {
        if (ext->subscribers[i] == np) {
            ext->subscribers[i] = ext->subscribers[--ext->n_subscribers];
            return;
        }
    }
}

bool
sg_extents_unsubscribe(struct sg_plan *plan, struct sg_net_peer *np,
                       struct sg_slice *slice)
{
    const struct sg_peer *peer = &np->peer->peer;

    if (peer->type == SG_PEER_PREFIX) {
        sg_plan_claim(plan, np, &peer->prefix, -1);
    }
    for (; np->n_claimed; np->n_claimed--) {
        struct sg_extent *ext = np->extents[np->n_claimed - 1];

        if (!claim_extent(plan, np, ext, -1, slice)) {
            return false;
        }
        forget_subscriber(ext, np);
        destroy_if_unused(plan, ext);
    }
    return true;
}

static bool
remove_prefixes(struct sg_extent *ext, struct sg_slice *slice)
{
    struct sg_extent_prefix *sp;

    HMAP_FOR_EACH_SAFE (sp, node, &ext->prefixes) {
        if (sg_slice_over(slice)) {
            return false;
        }
        hmap_remove(&ext->prefixes, &sp->node);
        ovs_list_remove(&sp->changed);
        free(sp);
    }
    return true;
}

bool
sg_extents_dismantle(struct sg_plan *plan, struct sg_slice *slice)
{
    struct sg_extent *ext;

    HMAP_FOR_EACH_SAFE (ext, node, &plan->extents) {
        if (!remove_prefixes(ext, slice)) {
            return false;
        }
        destroy_extent(plan, ext);
    }
    return true;
}
