/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "policy/addresses.h"
#include "policy/load.h"
#include "sset.h"
#include "util.h"

#define MAX_NAME 63

const char *
sg_direction_name(enum sg_direction dir)
{
    return dir == SG_INGRESS ? "ingress" : "egress";
}

char *
sg_check_name(const char *what, const char *name)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz"
                                   "0123456789_.-";
    size_t len = strlen(name);

    if (!len) {
        return xasprintf("the name of a %s must not be empty", what);
    }
    if (len > MAX_NAME) {
        return xasprintf("the name of a %s has at most %d characters; "
                         "\"%.20s...\" has %"PRIuSIZE, what, MAX_NAME, name,
                         len);
    }
    if (name[0] == '-' || name[0] == '.'
        || strspn(name, alphabet) != len) {
        return xasprintf("\"%s\" is no name for a %s; names are made of "
                         "letters, digits, '_', '.' and '-', and do not "
                         "begin with '.' or '-'", name, what);
    }
    return NULL;
}

/* Groups. */

struct sg_group *
sg_group_create(const char *name, const char *network,
                const struct sg_place *place)
{
    struct sg_group *group = xzalloc(sizeof *group);

    group->ref_count = 1;
    group->name = xstrdup(name);
    group->network = nullable_xstrdup(network);
    group->key = (network ? xasprintf("%s/%s", network, name)
                  : xstrdup(name));
    sg_place_clone(&group->place, place);
    return group;
}

struct sg_group *
sg_group_ref(const struct sg_group *group_)
{
    struct sg_group *group = CONST_CAST(struct sg_group *, group_);

    if (group) {
        group->ref_count++;
    }
    return group;
}

void
sg_group_unref(struct sg_group *group)
{
    if (!group || --group->ref_count) {
        return;
    }
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        for (size_t i = 0; i < group->n_rules[dir]; i++) {
            sg_rule_destroy(group->rules[dir][i]);
        }
        free(group->rules[dir]);
    }
    free(group->name);
    free(group->network);
    free(group->key);
    free(group->description);
    sg_place_destroy(&group->place);
    free(group);
}

static bool
rules_say_same(const struct sg_rule *a, const struct sg_rule *b)
{
    if (memcmp(&a->id, &b->id, sizeof a->id) || a->names != b->names
        || a->n_peers != b->n_peers) {
        return false;
    }
    for (size_t i = 0; i < a->n_peers; i++) {
        if (!sg_peer_equals(&a->peers[i], &b->peers[i])) {
            return false;
        }
    }
    return true;
}

bool
sg_group_says_same(const struct sg_group *a, const struct sg_group *b)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        if (a->n_rules[dir] != b->n_rules[dir]) {
            return false;
        }
        for (size_t i = 0; i < a->n_rules[dir]; i++) {
            if (!rules_say_same(a->rules[dir][i], b->rules[dir][i])) {
                return false;
            }
        }
    }
    return a->drain == b->drain;
}

void
sg_group_add_rule(struct sg_group *group, struct sg_rule *rule)
{
    size_t *n = &group->n_rules[rule->dir];
    struct sg_rule ***rules = &group->rules[rule->dir];

    if (!(*n & (*n - 1))) {     /* Full: sizes are powers of two. */
        *rules = xrealloc(*rules, MAX(*n * 2, 1) * sizeof **rules);
    }
    (*rules)[(*n)++] = rule;
}

/* Policies. */

struct sg_policy *
sg_policy_create(void)
{
    struct sg_policy *policy = xzalloc(sizeof *policy);

    policy->ref_count = 1;
    hmap_init(&policy->groups);
    hmap_init(&policy->prefix_lists);
    hmap_init(&policy->addresses);
    hmap_init(&policy->rules_by_id);
    return policy;
}

struct sg_policy *
sg_policy_ref(const struct sg_policy *policy_)
{
    struct sg_policy *policy = CONST_CAST(struct sg_policy *, policy_);

    if (policy) {
        policy->ref_count++;
    }
    return policy;
}

static void
destroy_prefix_lists(struct sg_policy *policy)
{
    struct sg_prefix_list *list;

    HMAP_FOR_EACH_POP (list, node, &policy->prefix_lists) {
        free(list->name);
        free(list->prefixes);
        sg_place_destroy(&list->place);
        free(list);
    }
    hmap_destroy(&policy->prefix_lists);
}

static void
destroy_addresses(struct sg_policy *policy)
{
    struct sg_addresses *addresses;

    HMAP_FOR_EACH_POP (addresses, node, &policy->addresses) {
        sg_addresses_destroy(addresses);
    }
    hmap_destroy(&policy->addresses);
}

static void
destroy_members(struct sg_policy *policy)
{
    for (size_t i = 0; i < policy->n_members; i++) {
        struct sg_members *m = &policy->members[i];

        free(m->group);
        free(m->network);
        free(m->prefixes);
        for (size_t j = 0; j < m->n_sets; j++) {
            free(m->sets[j]);
        }
        free(m->sets);
        sg_place_destroy(&m->place);
    }
    free(policy->members);
}

static void
destroy_binds(struct sg_policy *policy)
{
    for (size_t i = 0; i < policy->n_binds; i++) {
        sg_bind_destroy(&policy->binds[i]);
    }
    free(policy->binds);
}

void
sg_policy_unref(struct sg_policy *policy)
{
    struct sg_group *group;

    if (!policy || --policy->ref_count) {
        return;
    }
    hmap_destroy(&policy->rules_by_id);     /* Groups own the rules. */
    HMAP_FOR_EACH_POP (group, node, &policy->groups) {
        sg_group_unref(group);
    }
    hmap_destroy(&policy->groups);
    destroy_prefix_lists(policy);
    destroy_addresses(policy);
    destroy_members(policy);
    destroy_binds(policy);
    free(policy->entries);
    free(policy);
}

static uint32_t
hash_group(const char *name, const char *network)
{
    return hash_string(name, network ? hash_string(network, 0) : 0);
}

void
sg_policy_add_group(struct sg_policy *policy, struct sg_group *group)
{
    hmap_insert(&policy->groups, &group->node,
                hash_group(group->name, group->network));
}

const struct sg_group *
sg_policy_own_group(const struct sg_policy *policy, const char *name,
                    const char *network)
{
    const struct sg_group *group;

    HMAP_FOR_EACH_WITH_HASH (group, node, hash_group(name, network),
                             &policy->groups) {
        if (!strcmp(group->name, name)
            && nullable_string_is_equal(group->network, network)) {
            return group;
        }
    }
    return NULL;
}

static void
find_gone_groups(const struct sg_policy *old, const struct sg_policy *new,
                 struct sset *names)
{
    const struct sg_group *group;

    HMAP_FOR_EACH (group, node, &old->groups) {
        if (!sg_policy_own_group(new, group->name, group->network)) {
            sset_add(names, group->name);
        }
    }
}

void
sg_policy_find_moved_groups(const struct sg_policy *a,
                            const struct sg_policy *b, struct sset *names)
{
    find_gone_groups(a, b, names);
    find_gone_groups(b, a, names);
}

const struct sg_group *
sg_policy_group(const struct sg_policy *policy, const char *name,
                const char *network)
{
    const struct sg_group *own = (network ? sg_policy_own_group(policy, name,
                                                                network)
                                  : NULL);

    return own ? own : sg_policy_own_group(policy, name, NULL);
}

bool
sg_group_is_in(const struct sg_policy *policy, const struct sg_group *group,
               const char *network)
{
    return sg_policy_group(policy, group->name, network) == group;
}

const struct sg_prefix_list *
sg_policy_prefix_list(const struct sg_policy *policy, const char *name)
{
    const struct sg_prefix_list *list;

    HMAP_FOR_EACH_WITH_HASH (list, node, hash_string(name, 0),
                             &policy->prefix_lists) {
        if (!strcmp(list->name, name)) {
            return list;
        }
    }
    return NULL;
}

const struct sg_addresses *
sg_policy_addresses(const struct sg_policy *policy, const char *name)
{
    const struct sg_addresses *addresses;

    HMAP_FOR_EACH_WITH_HASH (addresses, node, hash_string(name, 0),
                             &policy->addresses) {
        if (!strcmp(addresses->name, name)) {
            return addresses;
        }
    }
    return NULL;
}

const struct sg_rule *
sg_policy_rule(const struct sg_policy *policy, const struct uuid *id)
{
    const struct sg_rule *rule;

    HMAP_FOR_EACH_WITH_HASH (rule, id_node, hash_bytes(id, sizeof *id, 0),
                             &policy->rules_by_id) {
        if (!memcmp(&rule->id, id, sizeof *id)) {
            return rule;
        }
    }
    return NULL;
}

void
sg_rule_format_place(const struct sg_rule *rule, struct ds *s)
{
    sg_place_format(&rule->place, s);
    if (rule->chain) {
        ds_put_format(s, " (%s)", rule->chain);
    }
}
