/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* What peers stand for
 * ====================
 *
 * An *extent* is a named, counted set of prefixes: the members of a group in
 * one network, those it has in every network, a prefix list, the value of an
 * `addresses' set.  Ports and `members' statements add to it and take away
 * what they added.  A new policy is added before the old one is taken away,
 * so that all that is left in the end are the differences:
 *
 *   count becomes 1  \                                 peer of a network
 *                     > sg_plan.changed -- settle -->  that subscribes:
 *   count becomes 0  /                                 sg_plan_claim()
 */

#include "compile/compile.h"
#include "compile/plan-private.h"

#include <string.h>

#include "hash.h"
#include "policy/addresses.h"
#include "util.h"

struct sg_extent {
    struct hmap_node node;      /* In sg_plan.extents. */
    enum sg_peer_type type;     /* GROUP, PREFIX_LIST or ADDRESSES. */
    char *name;
    char *network;              /* Of a group; NULL: in every network. */
    struct hmap prefixes;       /* struct sg_extent_prefix. */
    struct sg_net_peer **subscribers;
    size_t n_subscribers, allocated_subscribers;
    struct sg_prefix *value;    /* ADDRESSES: a copy, to be compared. */
    size_t n_value;
};

struct sg_extent_prefix {
    struct hmap_node node;      /* In sg_extent.prefixes. */
    struct sg_extent *extent;
    struct sg_prefix prefix;
    uint32_t count;             /* How many say so. */
    bool told;                  /* Subscribers take it for a part of it. */
    struct ovs_list changed;    /* In sg_plan.changed, or empty. */
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

static void
destroy_extent(struct sg_plan *plan, struct sg_extent *ext)
{
    struct sg_extent_prefix *sp;

    HMAP_FOR_EACH_POP (sp, node, &ext->prefixes) {
        ovs_list_remove(&sp->changed);
        free(sp);
    }
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
        && !ext->n_value) {
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
count_prefixes(struct sg_plan *plan, struct sg_extent *ext,
               const struct sg_prefix *prefixes, size_t n, int delta)
{
    for (size_t i = 0; i < n; i++) {
        struct sg_extent_prefix *sp = get_prefix(ext, &prefixes[i]);

        ovs_assert(delta > 0 || sp->count);
        sp->count += delta;
        if ((sp->count > 0) != sp->told && ovs_list_is_empty(&sp->changed)) {
            ovs_list_push_back(&plan->changed, &sp->changed);
        }
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
count_port(struct sg_plan *plan, const struct sg_port *port, int delta)
{
    if (!port->guarded || port->error) {
        return;
    }
    for (size_t i = 0; i < port->n_endpoints; i++) {
        for (size_t j = 0; is_first_in_network(port, i)
             && j < port->n_groups; j++) {
            count_prefixes(plan,
                           get_extent(plan, SG_PEER_GROUP, port->groups[j],
                                      port->endpoints[i].network),
                           port->addresses, port->n_addresses, delta);
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

/* Policies. */

static void
count_members(struct sg_plan *plan, const struct sg_members *m, int delta)
{
    struct sg_extent *ext = get_extent(plan, SG_PEER_GROUP, m->group,
                                       m->network);

    count_prefixes(plan, ext, m->prefixes, m->n, delta);
    for (size_t i = 0; i < m->n_sets; i++) {
        const struct sg_extent *set = find_extent(plan, SG_PEER_ADDRESSES,
                                                  m->sets[i], NULL);

        if (set) {
            count_prefixes(plan, ext, set->value, set->n_value, delta);
        }
    }
}

static void
count_policy(struct sg_plan *plan, const struct sg_policy *policy, int delta)
{
    const struct sg_prefix_list *list;

    for (size_t i = 0; i < policy->n_members; i++) {
        count_members(plan, &policy->members[i], delta);
    }
    HMAP_FOR_EACH (list, node, &policy->prefix_lists) {
        count_prefixes(plan, get_extent(plan, SG_PEER_PREFIX_LIST,
                                        list->name, NULL),
                       list->prefixes, list->n, delta);
    }
}

void
sg_extents_set_policy(struct sg_plan *plan, const struct sg_policy *policy)
{
    count_policy(plan, policy, 1);
    if (plan->policy) {
        count_policy(plan, plan->policy, -1);
    }
}

/* Sets. */

static bool
members_have_set(const struct sg_members *m, const char *name)
{
    for (size_t i = 0; i < m->n_sets; i++) {
        if (!strcmp(m->sets[i], name)) {
            return true;
        }
    }
    return false;
}

/* The value of a set, where it counts: for itself and in groups. */
static void
count_value(struct sg_plan *plan, struct sg_extent *ext,
            const struct sg_prefix *value, size_t n, int delta)
{
    count_prefixes(plan, ext, value, n, delta);
    for (size_t i = 0; plan->policy && i < plan->policy->n_members; i++) {
        const struct sg_members *m = &plan->policy->members[i];

        if (members_have_set(m, ext->name)) {
            count_prefixes(plan, get_extent(plan, SG_PEER_GROUP, m->group,
                                            m->network), value, n, delta);
        }
    }
}

static bool
values_equal(const struct sg_extent *ext, const struct sg_set *set)
{
    size_t n = set ? set->n : 0;

    if (n != ext->n_value) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!sg_prefix_equals(&ext->value[i], &set->prefixes[i])) {
            return false;
        }
    }
    return true;
}

/* 'set' may be NULL: it has no value any more. */
static void
set_value(struct sg_plan *plan, struct sg_extent *ext,
          const struct sg_set *set)
{
    struct sg_prefix *old = ext->value;
    size_t n_old = ext->n_value;

    if (values_equal(ext, set)) {
        return;
    }
    ext->n_value = set ? set->n : 0;
    ext->value = (ext->n_value
                  ? xmemdup(set->prefixes, set->n * sizeof *set->prefixes)
                  : NULL);
    count_value(plan, ext, ext->value, ext->n_value, 1);
    count_value(plan, ext, old, n_old, -1);
    free(old);
}

void
sg_extents_set_sets(struct sg_plan *plan, const struct sg_sets *sets)
{
    const struct sg_set *set;
    struct sg_extent *ext;

    HMAP_FOR_EACH (ext, node, &plan->extents) {
        if (ext->type == SG_PEER_ADDRESSES && ext->n_value
            && !sg_sets_find(sets, ext->name)) {
            set_value(plan, ext, NULL);
        }
    }
    if (sets) {
        HMAP_FOR_EACH (set, node, &sets->sets) {
            set_value(plan, get_extent(plan, SG_PEER_ADDRESSES, set->name,
                                       NULL), set);
        }
    }
}

/* Subscribers. */

void
sg_extents_settle(struct sg_plan *plan)
{
    struct sg_extent_prefix *sp;

    LIST_FOR_EACH_POP (sp, changed, &plan->changed) {
        struct sg_extent *ext = sp->extent;

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
}

static void
claim_extent(struct sg_plan *plan, struct sg_net_peer *np,
             const struct sg_extent *ext, int delta)
{
    const struct sg_extent_prefix *sp;

    HMAP_FOR_EACH (sp, node, &ext->prefixes) {
        if (sp->told) {
            sg_plan_claim(plan, np, &sp->prefix, delta);
        }
    }
}

static void
subscribe(struct sg_plan *plan, struct sg_net_peer *np, enum sg_peer_type type,
          const char *name, const char *network)
{
    struct sg_extent *ext = get_extent(plan, type, name, network);

    if (ext->n_subscribers >= ext->allocated_subscribers) {
        ext->subscribers = x2nrealloc(ext->subscribers,
                                      &ext->allocated_subscribers,
                                      sizeof *ext->subscribers);
    }
    ext->subscribers[ext->n_subscribers++] = np;
    np->extents[np->n_extents++] = ext;
    claim_extent(plan, np, ext, 1);
}

void
sg_extents_subscribe(struct sg_plan *plan, struct sg_net_peer *np)
{
    const struct sg_peer *peer = np->peer->peer;

    if (peer->type == SG_PEER_PREFIX) {
        sg_plan_claim(plan, np, &peer->prefix, 1);
    } else if (peer->type == SG_PEER_GROUP) {
        subscribe(plan, np, peer->type, peer->name,
                  peer->network ? peer->network : np->network->name);
        subscribe(plan, np, peer->type, peer->name, NULL);
    } else {
        subscribe(plan, np, peer->type, peer->name, NULL);
    }
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

void
sg_extents_unsubscribe(struct sg_plan *plan, struct sg_net_peer *np)
{
    const struct sg_peer *peer = np->peer->peer;

    if (peer->type == SG_PEER_PREFIX) {
        sg_plan_claim(plan, np, &peer->prefix, -1);
    }
    for (size_t i = 0; i < np->n_extents; i++) {
        forget_subscriber(np->extents[i], np);
        claim_extent(plan, np, np->extents[i], -1);
        destroy_if_unused(plan, np->extents[i]);
    }
    np->n_extents = 0;
}

void
sg_extents_destroy(struct sg_plan *plan)
{
    struct sg_extent *ext;

    HMAP_FOR_EACH_SAFE (ext, node, &plan->extents) {
        destroy_extent(plan, ext);
    }
    hmap_destroy(&plan->extents);
}
