/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Names that are used must be defined.  Asked when the whole document has
 * been read, because order does not matter. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/addresses.h"
#include "policy/load.h"
#include "util.h"

/* What a name can stand for. */
static const struct {
    const char *kind;           /* As the author writes it. */
    const char *noun;           /* For messages about its name. */
    enum sg_peer_type type;
} kinds[] = {
    { "group", "group", SG_PEER_GROUP },
    { "prefix_list", "prefix_list", SG_PEER_PREFIX_LIST },
    { "addresses", "set of addresses", SG_PEER_ADDRESSES },
};

static size_t
kind_index(enum sg_peer_type type)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].type == type) {
            return i;
        }
    }
    OVS_NOT_REACHED();
}

static const char *
kind_name(enum sg_peer_type type)
{
    return kinds[kind_index(type)].kind;
}

static bool
is_defined(const struct sg_policy *policy, enum sg_peer_type type,
           const char *name)
{
    return (type == SG_PEER_GROUP ? sg_policy_group(policy, name) != NULL
            : type == SG_PEER_PREFIX_LIST
            ? sg_policy_prefix_list(policy, name) != NULL
            : sg_policy_addresses(policy, name) != NULL);
}

/* The defined name of 'type' that is nearest to 'typed', or NULL. */
static const char *
guess_name(const struct sg_policy *policy, enum sg_peer_type type,
           const char *typed)
{
    const char **names;
    const char *guess;
    size_t n = 0;

    names = xcalloc(hmap_count(&policy->groups)
                    + hmap_count(&policy->prefix_lists)
                    + hmap_count(&policy->addresses) + 1, sizeof *names);
    if (type == SG_PEER_GROUP) {
        const struct sg_group *group;

        HMAP_FOR_EACH (group, node, &policy->groups) {
            names[n++] = group->name;
        }
    } else if (type == SG_PEER_PREFIX_LIST) {
        const struct sg_prefix_list *list;

        HMAP_FOR_EACH (list, node, &policy->prefix_lists) {
            names[n++] = list->name;
        }
    } else {
        const struct sg_addresses *addresses;

        HMAP_FOR_EACH (addresses, node, &policy->addresses) {
            names[n++] = addresses->name;
        }
    }
    guess = sg_did_you_mean(typed, names, n);
    free(names);
    return guess;
}

static char *
undefined_sentence(const struct sg_policy *policy, enum sg_peer_type type,
                   const char *name)
{
    const char *kind = kind_name(type);
    const char *guess = guess_name(policy, type, name);
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "%s \"%s\" is not defined", kind, name);
    if (guess) {
        ds_put_format(&s, "; did you mean \"%s\"?", guess);
        return ds_steal_cstr(&s);
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].type != type && is_defined(policy, kinds[i].type, name)) {
            ds_put_format(&s, "; did you mean %s \"%s\"?", kinds[i].kind,
                          name);
            return ds_steal_cstr(&s);
        }
    }
    ds_put_format(&s, "; define it with %s \"%s\" { ... }", kind, name);
    return ds_steal_cstr(&s);
}

static void
report_undefined(struct sg_load *load, const struct sg_where *where,
                 enum sg_peer_type type, const char *name)
{
    char *error = sg_check_name(kinds[kind_index(type)].noun, name);

    sset_add_and_free(&load->undefined,
                      xasprintf("%s %s", kind_name(type), name));
    if (!error) {
        error = undefined_sentence(load->policy, type, name);
    }
    sg_load_error(load, where, "%s", error);
    free(error);
}

/* Checks one use that the source has noted. */
static void
check_ref(struct sg_load *load, const struct json *json)
{
    struct sg_where where = sg_doc_where(json, NULL);
    const char *kind = sg_doc_string(json, "kind");
    const char *name = sg_doc_string(json, "name");

    for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].kind, kind)) {
            continue;
        }
        if (!name) {
            char *given = sg_doc_describe(sg_doc_get(json, "name"));

            sg_load_error(load, &where, "the name of a %s must be a string, "
                          "not %s", kinds[i].noun, given);
            free(given);
        } else if (!is_defined(load->policy, kinds[i].type, name)) {
            report_undefined(load, &where, kinds[i].type, name);
        } else if (kinds[i].type == SG_PEER_PREFIX_LIST) {
            sset_add(&load->used_lists, name);
        } else if (kinds[i].type == SG_PEER_ADDRESSES) {
            sset_add(&load->used_sets, name);
        }
    }
}

/* A source notes every use of a name in "refs", with its own place.  One that
 * does not is checked by its rules all the same. */
static void
check_peers(struct sg_load *load, const struct sg_rule *rule)
{
    struct sg_where where = { rule->place, rule->chain };

    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct sg_peer *peer = &rule->peers[i];
        char *key;

        if (!peer->name || is_defined(load->policy, peer->type, peer->name)) {
            continue;
        }
        key = xasprintf("%s %s", kind_name(peer->type), peer->name);
        if (!sset_contains(&load->undefined, key)) {
            report_undefined(load, &where, peer->type, peer->name);
        }
        free(key);
    }
}

/* Likewise the sets that are members. */
static void
check_member_sets(struct sg_load *load, const struct sg_members *members)
{
    struct sg_where where = { members->place, NULL };

    for (size_t i = 0; i < members->n_sets; i++) {
        const char *name = members->sets[i];
        char *key = xasprintf("%s %s", kind_name(SG_PEER_ADDRESSES), name);

        if (!is_defined(load->policy, SG_PEER_ADDRESSES, name)
            && !sset_contains(&load->undefined, key)) {
            report_undefined(load, &where, SG_PEER_ADDRESSES, name);
        }
        free(key);
    }
}

static void
check_group_name(struct sg_load *load, const struct sg_place *place,
                 const char *name)
{
    struct sg_where where = { *place, NULL };

    if (!is_defined(load->policy, SG_PEER_GROUP, name)) {
        report_undefined(load, &where, SG_PEER_GROUP, name);
    }
}

void
sg_load_references(struct sg_load *load, const struct json *document)
{
    const struct sg_policy *policy = load->policy;
    const struct json *refs = sg_doc_get(document, "refs");
    const struct sg_group *group;

    if (sg_doc_is_incomplete(document)) {
        return;
    }
    if (refs && refs->type == JSON_ARRAY) {
        for (size_t i = 0; i < refs->array.n; i++) {
            check_ref(load, refs->array.elems[i]);
        }
    }
    HMAP_FOR_EACH (group, node, &policy->groups) {
        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            for (size_t i = 0; i < group->n_rules[dir]; i++) {
                check_peers(load, group->rules[dir][i]);
            }
        }
    }
    for (size_t i = 0; i < policy->n_members; i++) {
        check_group_name(load, &policy->members[i].place,
                         policy->members[i].group);
        check_member_sets(load, &policy->members[i]);
    }
    for (size_t i = 0; i < policy->n_binds; i++) {
        const struct sg_bind *bind = &policy->binds[i];

        for (size_t j = 0; j < bind->n_groups; j++) {
            check_group_name(load, &bind->place, bind->groups[j]);
        }
    }
}
