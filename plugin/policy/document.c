/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "policy/addresses.h"
#include "policy/load.h"
#include "util.h"

/* The name of the group that exists without being defined. */
#define DEFAULT_GROUP "default"

/* Reads the name of a 'what' ("group", ...).  Returns NULL, after an error,
 * if it is none; else a string borrowed from the document. */
static const char *
load_name(struct sg_load *load, const struct sg_where *where,
          const char *what, const struct json *object, const char *key)
{
    const char *name = sg_doc_string(object, key);
    char *error;

    if (!name) {
        char *given = sg_doc_describe(sg_doc_get(object, key));

        sg_load_error(load, where, "the name of a %s must be a string, not "
                      "%s", what, given);
        free(given);
        return NULL;
    }
    error = sg_check_name(what, name);
    if (error) {
        sg_load_error(load, where, "%s", error);
        free(error);
        return NULL;
    }
    return name;
}

static void
defined_twice(struct sg_load *load, const struct sg_where *where,
              const char *what, const char *name,
              const struct sg_place *first)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_place_format(first, &s);
    sg_load_error(load, where, "%s \"%s\" is defined twice; the first time at "
                  "%s", what, name, ds_cstr(&s));
    ds_destroy(&s);
}

/* Reads "network" of 'object', if it has one.  False, after an error, if it is
 * no name. */
static bool
load_network(struct sg_load *load, const struct sg_where *where,
             const struct json *object, const char **network)
{
    *network = (sg_doc_get(object, "network")
                ? load_name(load, where, "network", object, "network")
                : NULL);
    return *network || !sg_doc_get(object, "network");
}

/* Groups. */

static void
load_revocation(struct sg_load *load, const struct sg_where *where,
                const struct json *object, struct sg_group *group)
{
    const struct json *value = sg_doc_get(object, "revocation");
    const char *s = sg_doc_string(object, "revocation");
    char *given;

    if (!value || (s && !strcmp(s, "cut"))) {
        return;
    }
    if (s && !strcmp(s, "drain")) {
        group->drain = true;
        return;
    }
    given = sg_doc_describe(value);
    sg_load_error(load, where, "revocation of group \"%s\" is %s; it must be "
                  "\"cut\" or \"drain\"", group->name, given);
    free(given);
}

static void
load_rules(struct sg_load *load, const struct sg_where *where,
           const struct json *object, enum sg_direction dir,
           struct sg_group *group)
{
    const char *key = sg_direction_name(dir);
    struct sg_doc_list list = SG_DOC_LIST_INITIALIZER;

    if (!sg_doc_flatten(sg_doc_get(object, key), &list)) {
        sg_load_error(load, where, "the lists in %s of group \"%s\" nest too "
                      "deeply", key, group->name);
    }
    for (size_t i = 0; i < list.n; i++) {
        struct sg_rule *rule = sg_load_rule(load, group, dir, list.elems[i]);

        if (rule) {
            sg_group_add_rule(group, rule);
        }
    }
    sg_doc_list_destroy(&list);
}

static void
add_implicit(struct sg_group *group, enum sg_direction dir,
             enum sg_peer_type type, const char *peer_name)
{
    struct sg_peer peer = {
        .type = type,
        .name = nullable_xstrdup(peer_name),
    };

    sg_group_add_rule(group, sg_rule_implicit(group, dir, &peer));
}

static void
load_group_body(struct sg_load *load, const struct sg_where *where,
                const struct json *json, struct sg_group *group)
{
    static const char *const known[] = {
        "description", "revocation", "ingress", "egress"
    };
    char *what = xasprintf("group \"%s\"", group->name);

    sg_load_unknown_keys(load, where, json, what, known, ARRAY_SIZE(known));
    group->description = sg_load_text(load, where, json, what, "description");
    free(what);

    load_revocation(load, where, json, group);
    load_rules(load, where, json, SG_INGRESS, group);
    if (sg_doc_get(json, "egress")) {
        load_rules(load, where, json, SG_EGRESS, group);
    } else {
        add_implicit(group, SG_EGRESS, SG_PEER_ANY, NULL);
    }
}

/* The group that leaves no room for 'group': in a network where one of them
 * is, the name would stand for both. */
static const struct sg_group *
find_rival(const struct sg_load *load, const struct sg_group *group)
{
    const struct sg_group *rival = sg_policy_group(load->policy, group->name,
                                                   group->network);

    return (rival || group->network ? rival
            : shash_find_data(&load->scoped, group->name));
}

static void
report_rival(struct sg_load *load, const struct sg_where *where,
             const struct sg_group *group, const struct sg_group *rival)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    if (nullable_string_is_equal(group->network, rival->network)) {
        defined_twice(load, where, "group", group->key, &rival->place);
        return;
    }
    sg_place_format(&rival->place, &s);
    sg_load_error(load, where, "group \"%s\" is defined twice: for network "
                  "\"%s\" and for every network, the first time at %s; "
                  "rename one, or define it in each network that needs it",
                  group->name,
                  group->network ? group->network : rival->network,
                  ds_cstr(&s));
    ds_destroy(&s);
}

static void
add_group(struct sg_load *load, struct sg_group *group)
{
    sg_policy_add_group(load->policy, group);
    if (group->network) {
        shash_add_once(&load->scoped, group->name, group);
    }
}

static void
load_group(struct sg_load *load, const struct json *json)
{
    struct sg_where where = sg_doc_where(json, NULL);
    const char *name = load_name(load, &where, "group", json, "name");
    const struct sg_group *rival;
    struct sg_group *group;
    const char *network;
    bool keep;

    keep = load_network(load, &where, json, &network) && name;
    group = sg_group_create(name ? name : "?", network, &where.place);

    /* A group that cannot be kept is read nevertheless, for its errors. */
    load_group_body(load, &where, json, group);
    rival = keep ? find_rival(load, group) : NULL;
    if (rival) {
        report_rival(load, &where, group, rival);
    }
    if (keep && !rival) {
        add_group(load, group);
    } else {
        sg_group_unref(group);
    }
}

/* CONTRACT section 3: `default' exists without being defined. */
static void
add_default_group(struct sg_policy *policy)
{
    struct sg_place place = { CONST_CAST(char *, "(built-in)"), 0 };
    struct sg_group *group;

    if (sg_policy_group(policy, DEFAULT_GROUP, NULL)) {
        return;
    }
    group = sg_group_create(DEFAULT_GROUP, NULL, &place);
    group->builtin = true;
    group->description = xstrdup("everything from its own members, and out");
    add_implicit(group, SG_INGRESS, SG_PEER_GROUP, DEFAULT_GROUP);
    add_implicit(group, SG_EGRESS, SG_PEER_ANY, NULL);
    sg_policy_add_group(policy, group);
}

/* Prefix lists and members. */

/* Adds the value of `addresses' set 'name' to 'members'. */
static void
members_add_set(struct sg_load *load, struct sg_members *members,
                const char *name)
{
    sset_add(&load->used_sets, name);
    for (size_t i = 0; i < members->n_sets; i++) {
        if (!strcmp(members->sets[i], name)) {
            return;
        }
    }
    members->sets = xrealloc(members->sets, (members->n_sets + 1)
                                            * sizeof *members->sets);
    members->sets[members->n_sets++] = xstrdup(name);
}

/* Reads "entries" of 'object', a list of addresses and prefixes, and appends
 * them to '*prefixes'.  'what' is for messages.  Sets of addresses, which not
 * every list can have, go to 'members'; NULL if they cannot. */
static void
load_prefixes(struct sg_load *load, const struct sg_where *where,
              const struct json *object, const char *what,
              struct sg_prefix **prefixes, size_t *n,
              struct sg_members *members)
{
    struct sg_doc_list list = SG_DOC_LIST_INITIALIZER;

    if (!sg_doc_flatten(sg_doc_get(object, "entries"), &list)) {
        sg_load_error(load, where, "the lists in %s nest too deeply", what);
    }
    *prefixes = xrealloc(*prefixes, MAX(*n + list.n, 1) * sizeof **prefixes);
    for (size_t i = 0; i < list.n; i++) {
        const char *set = sg_doc_string(list.elems[i], "addresses");
        char *error;

        if (set && members) {
            members_add_set(load, members, set);
            continue;
        }
        if (list.elems[i]->type == JSON_STRING) {
            error = sg_prefix_parse(json_string(list.elems[i]),
                                    &(*prefixes)[*n]);
        } else {
            char *given = sg_doc_describe(list.elems[i]);

            error = xasprintf("%s is no address or prefix; write those in "
                              "quotes", given);
            free(given);
        }
        if (error) {
            sg_load_error(load, where, "%s: %s", what, error);
            free(error);
        } else {
            (*n)++;
        }
    }
    sg_doc_list_destroy(&list);
}

static void
load_prefix_list(struct sg_load *load, const struct json *json)
{
    struct sg_where where = sg_doc_where(json, NULL);
    const char *name = load_name(load, &where, "prefix list", json, "name");
    const struct sg_prefix_list *first;
    struct sg_prefix_list *list = xzalloc(sizeof *list);
    char *what = xasprintf("prefix_list \"%s\"", name ? name : "?");

    load_prefixes(load, &where, json, what, &list->prefixes, &list->n, NULL);
    free(what);
    list->n = sg_prefixes_sort_unique(list->prefixes, list->n);
    first = name ? sg_policy_prefix_list(load->policy, name) : NULL;
    if (first) {
        defined_twice(load, &where, "prefix_list", name, &first->place);
    }
    if (!name || first) {
        free(list->prefixes);
        free(list);
        return;
    }
    list->name = xstrdup(name);
    sg_place_clone(&list->place, &where.place);
    hmap_insert(&load->policy->prefix_lists, &list->node,
                hash_string(name, 0));
}

static void
load_addresses(struct sg_load *load, const struct json *json)
{
    struct sg_where where = sg_doc_where(json, NULL);
    const char *name = load_name(load, &where, "set of addresses", json,
                                 "name");
    const struct sg_addresses *first = (name
                                        ? sg_policy_addresses(load->policy,
                                                              name)
                                        : NULL);
    struct sg_addresses *a = sg_load_addresses(load, &where, json,
                                               name ? name : "?");

    if (first) {
        defined_twice(load, &where, "addresses", name, &first->place);
    }
    if (!name || first) {
        sg_addresses_destroy(a);
    } else {
        hmap_insert(&load->policy->addresses, &a->node,
                    hash_string(name, 0));
    }
}

/* The members of 'group' in 'network' (NULL: in all), made if need be. */
static struct sg_members *
find_members(struct sg_policy *policy, const char *group,
             const char *network, const struct sg_place *place)
{
    struct sg_members *m;

    for (size_t i = 0; i < policy->n_members; i++) {
        m = &policy->members[i];
        if (!strcmp(m->group, group)
            && nullable_string_is_equal(m->network, network)) {
            return m;
        }
    }
    policy->members = xrealloc(policy->members, (policy->n_members + 1)
                                                * sizeof *policy->members);
    m = &policy->members[policy->n_members++];
    memset(m, 0, sizeof *m);
    m->group = xstrdup(group);
    m->network = nullable_xstrdup(network);
    sg_place_clone(&m->place, place);
    return m;
}

static void
load_members(struct sg_load *load, const struct json *json)
{
    struct sg_where where = sg_doc_where(json, NULL);
    const char *group = load_name(load, &where, "group", json, "group");
    struct sg_members *m;
    const char *network;
    char *what;

    load_network(load, &where, json, &network);
    what = xasprintf("members \"%s\"", group ? group : "?");
    m = find_members(load->policy, group ? group : "?", network,
                     &where.place);
    load_prefixes(load, &where, json, what, &m->prefixes, &m->n, m);
    free(what);
}

/* Once at the end: an inventory may come as thousands of statements. */
static void
sort_members(struct sg_policy *policy)
{
    for (size_t i = 0; i < policy->n_members; i++) {
        struct sg_members *m = &policy->members[i];

        m->n = sg_prefixes_sort_unique(m->prefixes, m->n);
    }
}

static void
load_bind(struct sg_load *load, const struct json *json)
{
    struct sg_policy *policy = load->policy;
    struct sg_where where = sg_doc_where(json, NULL);
    long long int function;
    struct sg_bind *bind;

    policy->binds = xrealloc(policy->binds, (policy->n_binds + 1)
                                            * sizeof *policy->binds);
    bind = &policy->binds[policy->n_binds++];
    memset(bind, 0, sizeof *bind);
    sg_place_clone(&bind->place, &where.place);
    if (sg_doc_integer(sg_doc_get(json, "function"), &function)
        && function >= 0 && function <= INT_MAX) {
        bind->function = function;
    } else {
        sg_load_bind_where(load, &where, json, bind);
    }
}

/* The whole. */

static void
load_each(struct sg_load *load, const struct json *document, const char *key,
          void (*load_one)(struct sg_load *, const struct json *))
{
    const struct json *array = sg_doc_get(document, key);

    if (array && array->type == JSON_ARRAY) {
        for (size_t i = 0; i < array->array.n; i++) {
            load_one(load, array->array.elems[i]);
        }
    }
}

static void
load_source_error(struct sg_load *load, const struct json *json)
{
    struct sg_where where = sg_doc_where(json, NULL);
    const char *message = sg_doc_string(json, "message");

    sg_load_error(load, &where, "%s", message ? message : "unknown error");
}

static void
load_source_warning(struct sg_load *load, const struct json *json)
{
    struct sg_where where = sg_doc_where(json, NULL);
    const char *message = sg_doc_string(json, "message");

    sg_load_warning(load, &where, "%s", message ? message : "(no text)");
}

/* Gives 'rule' its identity.  False if its group has the same rule already,
 * which is one rule then. */
static bool
index_rule(struct sg_load *load, struct sg_rule *rule)
{
    const struct sg_rule *first;

    sg_rule_identify(rule);
    first = sg_policy_rule(load->policy, &rule->id);
    if (first) {
        struct sg_where where = { rule->place, rule->chain };
        struct ds s = DS_EMPTY_INITIALIZER;

        sg_rule_format_place(first, &s);
        sg_load_warning(load, &where, "this is the same rule as the one at "
                        "%s", ds_cstr(&s));
        ds_destroy(&s);
        return false;
    }
    hmap_insert(&load->policy->rules_by_id, &rule->id_node,
                hash_bytes(&rule->id, sizeof rule->id, 0));
    load->policy->n_rules++;
    return true;
}

static void
index_rules(struct sg_load *load)
{
    struct sg_group *group;

    HMAP_FOR_EACH (group, node, &load->policy->groups) {
        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            struct sg_rule **rules = group->rules[dir];
            size_t n = 0;

            for (size_t i = 0; i < group->n_rules[dir]; i++) {
                if (index_rule(load, rules[i])) {
                    rules[n++] = rules[i];
                } else {
                    sg_rule_destroy(rules[i]);
                }
            }
            group->n_rules[dir] = n;
        }
    }
}

static void
load_document(struct sg_load *load, const struct json *document)
{
    load_each(load, document, "errors", load_source_error);
    load_each(load, document, "warnings", load_source_warning);
    load_each(load, document, "groups", load_group);
    load_each(load, document, "prefix_lists", load_prefix_list);
    load_each(load, document, "addresses", load_addresses);
    load_each(load, document, "members", load_members);
    load_each(load, document, "binds", load_bind);
    sort_members(load->policy);
    add_default_group(load->policy);
    sg_load_references(load, document);
    index_rules(load);
}

struct sg_policy *
sg_policy_from_document(const struct json *document, struct sg_diags *diags)
{
    size_t n_errors = diags->n_errors;
    struct sg_load load = {
        .policy = sg_policy_create(),
        .diags = diags,
        .undefined = SSET_INITIALIZER(&load.undefined),
        .used_lists = SSET_INITIALIZER(&load.used_lists),
        .used_sets = SSET_INITIALIZER(&load.used_sets),
        .scoped = SHASH_INITIALIZER(&load.scoped),
    };

    load_document(&load, document);
    if (diags->n_errors > n_errors || sg_doc_is_incomplete(document)) {
        sg_policy_unref(load.policy);
        load.policy = NULL;
    } else {
        sg_load_lint(&load);
    }
    sset_destroy(&load.undefined);
    sset_destroy(&load.used_lists);
    sset_destroy(&load.used_sets);
    shash_destroy(&load.scoped);
    sg_diags_sort(diags);
    return load.policy;
}

struct sg_policy *
sg_policy_empty(void)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct sg_policy *policy = sg_policy_from_document(NULL, &diags);

    sg_diags_destroy(&diags);
    return policy;
}
