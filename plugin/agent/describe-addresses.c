/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/describe.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "policy/addresses.h"
#include "resolve/resolver.h"
#include "timeval.h"
#include "util.h"

/* Seconds from 'then' to 'now', null if 'then' is 0. */
static struct json *
seconds_between(long long int then, long long int now)
{
    return (then ? json_integer_create(MAX(now - then, 0) / 1000)
            : json_null_create());
}

/* The members that a source and the whole set have in common. */
static void
put_times(struct json *json, const struct sg_source_status *status)
{
    long long int now = time_wall_msec();

    json_object_put(json, "age", seconds_between(status->fetched, now));
    json_object_put(json, "error", sg_describe_string(status->error));
    json_object_put(json, "failing", seconds_between(status->failed, now));
    json_object_put(json, "next_refresh",
                    (status->next
                     ? json_integer_create(MAX(status->next - now, 0) / 1000)
                     : json_null_create()));
}

static struct json *
describe_source(const struct sg_source_status *status)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "source", status->source);
    json_object_put(json, "addresses", json_integer_create(status->n));
    put_times(json, status);
    return json;
}

/* Of a set with several sources, what an operator has to know first: the
 * oldest value, the failure, the next refresh. */
static void
merge_status(struct sg_source_status *all,
             const struct sg_source_status *one, bool first)
{
    if (first) {
        *all = *one;
        return;
    }
    all->fetched = MIN(all->fetched, one->fetched);
    all->next = MIN(all->next, one->next);
    if (one->error && (!all->error || one->failed < all->failed)) {
        all->error = one->error;
        all->failed = one->failed;
    }
}

static struct json *
describe_sources(const struct sg_resolver *resolver, const char *name,
                 struct sg_source_status *all)
{
    struct json *array = json_array_create_empty();
    struct sg_source_status status;

    memset(all, 0, sizeof *all);
    for (size_t i = 0;
         sg_resolver_source_status(resolver, name, i, &status); i++) {
        merge_status(all, &status, !i);
        json_array_add(array, describe_source(&status));
    }
    return array;
}

static struct json *
describe(const struct sg_core *core, const struct sg_addresses *a,
         const struct sg_set *set)
{
    const struct sg_resolver *resolver = sg_core_resolver(core);
    struct sg_set_status status = { NULL, false, 0 };
    struct json *json = json_object_create();
    char *source = sg_addresses_describe(a);
    struct sg_source_status all;

    sg_resolver_status(resolver, a->name, &status);
    json_object_put_string(json, "name", a->name);
    sg_describe_place(json, &a->place);
    json_object_put_string(json, "source", source);
    json_object_put(json, "addresses", json_integer_create(set ? set->n : 0));
    json_object_put(json, "sources",
                    describe_sources(resolver, a->name, &all));
    put_times(json, &all);
    json_object_put(json, "refused", sg_describe_string(status.refused));
    json_object_put(json, "held", json_boolean_create(status.held));
    free(source);
    return json;
}

struct json *
sg_describe_addresses(const struct sg_core *core,
                      const struct sg_addresses *a)
{
    const struct sg_sets *sets = sg_resolver_sets(sg_core_resolver(core));
    const struct sg_set *set = sg_sets_find(sets, a->name);
    struct json *json = describe(core, a, set);

    json_object_put_string(json, "kind", "addresses");
    json_object_put(json, "prefixes",
                    (set ? sg_describe_prefixes(set->prefixes, set->n)
                     : json_array_create_empty()));
    json_object_put(json, "rules",
                    sg_describe_rules_naming(sg_core_policy(core),
                                             SG_PEER_ADDRESSES, a->name));
    return json;
}

struct json *
sg_describe_all_addresses(const struct sg_core *core)
{
    const struct sg_sets *sets = sg_resolver_sets(sg_core_resolver(core));
    struct json *array = json_array_create_empty();
    struct shash by_name = SHASH_INITIALIZER(&by_name);
    const struct shash_node **nodes;
    const struct sg_addresses *a;

    HMAP_FOR_EACH (a, node, &sg_core_policy(core)->addresses) {
        shash_add(&by_name, a->name, a);
    }
    nodes = shash_sort(&by_name);
    for (size_t i = 0; i < shash_count(&by_name); i++) {
        json_array_add(array, describe(core, nodes[i]->data,
                                       sg_sets_find(sets, nodes[i]->name)));
    }
    free(nodes);
    shash_destroy(&by_name);
    return array;
}
