/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "policy/addresses.h"

#include <string.h>

#include "hash.h"
#include "util.h"

void
sg_sets_init(struct sg_sets *sets)
{
    hmap_init(&sets->sets);
}

static void
set_destroy(struct sg_set *set)
{
    free(set->name);
    free(set->prefixes);
    free(set);
}

void
sg_sets_destroy(struct sg_sets *sets)
{
    struct sg_set *set;

    if (sets) {
        HMAP_FOR_EACH_POP (set, node, &sets->sets) {
            set_destroy(set);
        }
        hmap_destroy(&sets->sets);
    }
}

static struct sg_set *
find(const struct sg_sets *sets, const char *name)
{
    struct sg_set *set;

    HMAP_FOR_EACH_WITH_HASH (set, node, hash_string(name, 0), &sets->sets) {
        if (!strcmp(set->name, name)) {
            return set;
        }
    }
    return NULL;
}

const struct sg_set *
sg_sets_find(const struct sg_sets *sets, const char *name)
{
    return sets ? find(sets, name) : NULL;
}

bool
sg_sets_take(struct sg_sets *sets, const char *name,
             struct sg_prefix *prefixes, size_t n)
{
    static uint64_t last_version;
    struct sg_set *set = find(sets, name);
    bool same;

    if (!set) {
        set = xzalloc(sizeof *set);
        set->name = xstrdup(name);
        hmap_insert(&sets->sets, &set->node, hash_string(name, 0));
    }
    same = (set->n == n
            && sg_prefixes_common(set->prefixes, prefixes, n) == n);
    free(set->prefixes);
    set->prefixes = prefixes;
    set->n = n;
    if (!same || !set->version) {
        set->version = ++last_version;
    }
    return !same;
}

bool
sg_sets_put(struct sg_sets *sets, const char *name,
            const struct sg_prefix *prefixes, size_t n)
{
    struct sg_prefix *copy = NULL;

    if (n) {
        copy = xmemdup(prefixes, n * sizeof *copy);
        n = sg_prefixes_sort_unique(copy, n);
    }
    return sg_sets_take(sets, name, copy, n);
}

void
sg_sets_remove(struct sg_sets *sets, const char *name)
{
    struct sg_set *set = find(sets, name);

    if (set) {
        hmap_remove(&sets->sets, &set->node);
        set_destroy(set);
    }
}
