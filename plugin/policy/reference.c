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

/* A name that was used, and where it must be defined. */
struct use {
    enum sg_peer_type type;
    const char *name;
    const char *network;        /* Of a group, NULL: in any network. */
};

static bool
is_defined(const struct sg_load *load, const struct use *use)
{
    switch (use->type) {
    case SG_PEER_GROUP:
        return (sg_policy_group(load->policy, use->name, use->network)
                || (!use->network
                    && shash_find(&load->scoped, use->name)));
    case SG_PEER_PREFIX_LIST:
        return sg_policy_prefix_list(load->policy, use->name) != NULL;
    case SG_PEER_ADDRESSES:
        return sg_policy_addresses(load->policy, use->name) != NULL;
    case SG_PEER_ANY:
    case SG_PEER_PREFIX:
    default:
        return false;
    }
}

/* The defined name that is nearest to what was typed, or NULL. */
static const char *
guess_name(const struct sg_policy *policy, const struct use *use)
{
    const char **names;
    const char *guess;
    size_t n = 0;

    names = xcalloc(hmap_count(&policy->groups)
                    + hmap_count(&policy->prefix_lists)
                    + hmap_count(&policy->addresses) + 1, sizeof *names);
    if (use->type == SG_PEER_GROUP) {
        const struct sg_group *group;

        HMAP_FOR_EACH (group, node, &policy->groups) {
            if (!use->network || sg_group_is_in(policy, group,
                                                use->network)) {
                names[n++] = group->name;
            }
        }
    } else if (use->type == SG_PEER_PREFIX_LIST) {
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
    guess = sg_did_you_mean(use->name, names, n);
    free(names);
    return guess;
}

/* Appends what the author may have meant. */
static void
put_remedy(const struct sg_load *load, const struct use *use, struct ds *s)
{
    const struct sg_group *elsewhere = (use->type == SG_PEER_GROUP
                                        ? shash_find_data(&load->scoped,
                                                          use->name)
                                        : NULL);
    const char *guess = guess_name(load->policy, use);

    if (elsewhere) {
        ds_put_format(s, "; network \"%s\" has one, which is network \"%s\""
                      ".group \"%s\" in a rule", elsewhere->network,
                      elsewhere->network, use->name);
        return;
    }
    if (guess) {
        ds_put_format(s, "; did you mean \"%s\"?", guess);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct use other = { kinds[i].type, use->name, NULL };

        if (other.type != use->type && is_defined(load, &other)) {
            ds_put_format(s, "; did you mean %s \"%s\"?", kinds[i].kind,
                          use->name);
            return;
        }
    }
    ds_put_format(s, "; define it with %s \"%s\" { ... }",
                  kind_name(use->type), use->name);
}

/* "group web", "group red/web": what is in sg_load.undefined. */
static char *
use_key(const struct use *use)
{
    return xasprintf("%s %s%s%s", kind_name(use->type),
                     use->network ? use->network : "",
                     use->network ? "/" : "", use->name);
}

static bool
was_reported(const struct sg_load *load, const struct use *use)
{
    char *key = use_key(use);
    bool reported = sset_contains(&load->undefined, key);

    free(key);
    return reported;
}

static void
report_undefined(struct sg_load *load, const struct sg_where *where,
                 const struct use *use)
{
    const char *kind = kind_name(use->type);
    char *error = sg_check_name(kinds[kind_index(use->type)].noun, use->name);

    sset_add_and_free(&load->undefined, use_key(use));
    if (!error) {
        struct ds s = DS_EMPTY_INITIALIZER;

        ds_put_format(&s, "%s \"%s\" is not defined", kind, use->name);
        if (use->network) {
            ds_put_format(&s, " in network \"%s\"", use->network);
        }
        put_remedy(load, use, &s);
        error = ds_steal_cstr(&s);
    }
    sg_load_error(load, where, "%s", error);
    free(error);
}

static void
check_ref_name(struct sg_load *load, const struct sg_where *where,
               const struct use *use)
{
    if (!is_defined(load, use)) {
        report_undefined(load, where, use);
    } else if (use->type == SG_PEER_PREFIX_LIST) {
        sset_add(&load->used_lists, use->name);
    } else if (use->type == SG_PEER_ADDRESSES) {
        sset_add(&load->used_sets, use->name);
    }
}

/* Networks are not defined: they are what ports are in. */
static void
check_network_name(struct sg_load *load, const struct sg_where *where,
                   const char *name)
{
    char *error = sg_check_name("network", name);

    if (error) {
        sg_load_error(load, where, "%s", error);
        free(error);
    }
}

/* Checks one use that the source has noted. */
static void
check_ref(struct sg_load *load, const struct json *json)
{
    struct sg_where where = sg_doc_where(json, NULL);
    const char *kind = sg_doc_string(json, "kind");
    const char *name = sg_doc_string(json, "name");

    if (kind && !strcmp(kind, "network") && name) {
        check_network_name(load, &where, name);
        return;
    }
    for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++) {
        struct use use = { kinds[i].type, name,
                           sg_doc_string(json, "network") };

        if (strcmp(kinds[i].kind, kind)) {
            continue;
        }
        if (name) {
            check_ref_name(load, &where, &use);
        } else {
            char *given = sg_doc_describe(sg_doc_get(json, "name"));

            sg_load_error(load, &where, "the name of a %s must be a string, "
                          "not %s", kinds[i].noun, given);
            free(given);
        }
    }
}

static void
check_peer(struct sg_load *load, const struct sg_where *where,
           const struct sg_group *group, const struct sg_peer *peer)
{
    struct use plain = { peer->type, peer->name, peer->network };
    struct use use = plain;

    if (use.type == SG_PEER_GROUP && !use.network) {
        use.network = group->network;
    }
    if (!is_defined(load, &use) && !was_reported(load, &plain)) {
        report_undefined(load, where, &use);
    }
}

/* A source notes every use of a name in "refs", with its own place.  One that
 * does not is checked by its rules all the same; and only here is it known in
 * which network a rule is. */
static void
check_peers(struct sg_load *load, const struct sg_rule *rule)
{
    struct sg_where where = { rule->place, rule->chain };

    for (size_t i = 0; i < rule->n_peers; i++) {
        if (rule->peers[i].name) {
            check_peer(load, &where, rule->group, &rule->peers[i]);
        }
    }
}

/* Likewise the sets that are members. */
static void
check_member_sets(struct sg_load *load, const struct sg_members *members)
{
    struct sg_where where = { members->place, NULL };

    for (size_t i = 0; i < members->n_sets; i++) {
        struct use use = { SG_PEER_ADDRESSES, members->sets[i], NULL };

        if (!is_defined(load, &use) && !was_reported(load, &use)) {
            report_undefined(load, &where, &use);
        }
    }
}

static void
check_group_name(struct sg_load *load, const struct sg_place *place,
                 const char *name, const char *network)
{
    struct sg_where where = { *place, NULL };
    struct use use = { SG_PEER_GROUP, name, network };

    if (!is_defined(load, &use)) {
        report_undefined(load, &where, &use);
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
                         policy->members[i].group,
                         policy->members[i].network);
        check_member_sets(load, &policy->members[i]);
    }
    for (size_t i = 0; i < policy->n_binds; i++) {
        const struct sg_bind *bind = &policy->binds[i];

        for (size_t j = 0; j < bind->n_groups; j++) {
            check_group_name(load, &bind->place, bind->groups[j], NULL);
        }
    }
}
