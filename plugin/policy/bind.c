/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* `bind { groups, where }': reading one, and asking it about an interface.
 *
 * All that `where' says must hold.  What may be a list holds if one of it
 * does. */

#include <config.h>

#include <ctype.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "packets.h"
#include "policy/load.h"
#include "policy/port.h"
#include "smap.h"
#include "util.h"

/* The keys that take patterns, in the order of enum sg_bind_glob. */
static const char *const glob_keys[SG_BIND_N_GLOBS] = {
    "name", "bridge", "type", "mac"
};

void
sg_bind_destroy(struct sg_bind *bind)
{
    for (size_t i = 0; i < bind->n_groups; i++) {
        free(bind->groups[i]);
    }
    free(bind->groups);
    for (int i = 0; i < SG_BIND_N_GLOBS; i++) {
        svec_destroy(&bind->globs[i]);
    }
    if (bind->external_ids) {
        smap_destroy(bind->external_ids);
        free(bind->external_ids);
    }
    free(bind->tags);
    free(bind->addresses);
    sg_place_destroy(&bind->place);
}

/* Reading. */

static void
load_groups(struct sg_load *load, const struct sg_where *where,
            const struct json *json, struct sg_bind *bind)
{
    struct sg_doc_list list = SG_DOC_LIST_INITIALIZER;

    sg_doc_flatten(sg_doc_get(json, "groups"), &list);
    bind->groups = xcalloc(MAX(list.n, 1), sizeof *bind->groups);
    for (size_t i = 0; i < list.n; i++) {
        const struct json *elem = list.elems[i];
        const char *name = (elem->type == JSON_STRING ? json_string(elem)
                            : sg_doc_string(elem, "group"));
        if (name) {
            bind->groups[bind->n_groups++] = xstrdup(name);
        } else {
            char *given = sg_doc_describe(elem);

            sg_load_error(load, where, "groups of bind holds %s; write the "
                          "names of groups in quotes", given);
            free(given);
        }
    }
    if (!list.n && !sg_doc_get(json, "bad")) {
        sg_load_error(load, where, "bind names no groups; write groups = { "
                      "\"NAME\", ... }");
    }
    sg_doc_list_destroy(&list);
}

static void
bad_value(struct sg_load *load, const struct sg_where *where,
          const char *key, const struct json *value, const char *must_be)
{
    char *given = sg_doc_describe(value);

    sg_load_error(load, where, "%s of bind is %s; it must be %s", key, given,
                  must_be);
    free(given);
}

/* Reads the value or the values of 'key' into 'list'.  An empty list would
 * match nothing, which nobody means.  False if there is no such key. */
static bool
load_list(struct sg_load *load, const struct sg_where *where,
          const struct json *json, const char *key, struct sg_doc_list *list)
{
    const struct json *value = sg_doc_get(json, key);

    if (value && (!sg_doc_flatten(value, list) || !list->n)) {
        sg_load_error(load, where, "%s of bind is an empty list; leave it out "
                      "if all are meant", key);
    }
    return value != NULL;
}

/* MACs are compared as they are printed: in lower case, with colons. */
static void
load_mac_glob(struct sg_load *load, const struct sg_where *where,
              const char *s, struct svec *globs)
{
    char *glob = xstrdup(s);

    for (char *p = glob; *p; p++) {
        *p = tolower((unsigned char) *p);
    }
    if (glob[strspn(glob, "0123456789abcdef:*?[]!^-")]
        || (!strchr(glob, ':') && (strchr(glob, '-')
                                   || !strpbrk(glob, "*?[")))) {
        sg_load_error(load, where, "mac of bind is \"%s\"; write it with "
                      "colons, as in \"52:54:00:*\"", s);
    }
    svec_add_nocopy(globs, glob);
}

static bool
load_globs(struct sg_load *load, const struct sg_where *where,
           const struct json *json, struct sg_bind *bind)
{
    bool any = false;

    for (int i = 0; i < SG_BIND_N_GLOBS; i++) {
        struct sg_doc_list list = SG_DOC_LIST_INITIALIZER;
        const char *key = glob_keys[i];

        any |= load_list(load, where, json, key, &list);
        for (size_t j = 0; j < list.n; j++) {
            const struct json *elem = list.elems[j];

            if (elem->type != JSON_STRING) {
                bad_value(load, where, key, elem, "a text in quotes");
            } else if (i == SG_BIND_MAC) {
                load_mac_glob(load, where, json_string(elem),
                              &bind->globs[i]);
            } else {
                svec_add(&bind->globs[i], json_string(elem));
            }
        }
        sg_doc_list_destroy(&list);
    }
    return any;
}

static bool
load_tags(struct sg_load *load, const struct sg_where *where,
          const struct json *json, struct sg_bind *bind)
{
    struct sg_doc_list list = SG_DOC_LIST_INITIALIZER;
    bool any = load_list(load, where, json, "tag", &list);

    bind->tags = xcalloc(MAX(list.n, 1), sizeof *bind->tags);
    for (size_t i = 0; i < list.n; i++) {
        long long int tag;

        if (sg_doc_integer(list.elems[i], &tag) && tag >= 0 && tag <= 4095) {
            bind->tags[bind->n_tags++] = tag;
        } else {
            bad_value(load, where, "tag", list.elems[i],
                      "the number of a VLAN, 0 to 4095");
        }
    }
    sg_doc_list_destroy(&list);
    return any;
}

static bool
load_addresses(struct sg_load *load, const struct sg_where *where,
               const struct json *json, struct sg_bind *bind)
{
    struct sg_doc_list list = SG_DOC_LIST_INITIALIZER;
    bool any = load_list(load, where, json, "address", &list);

    bind->addresses = xcalloc(MAX(list.n, 1), sizeof *bind->addresses);
    for (size_t i = 0; i < list.n; i++) {
        const struct json *elem = list.elems[i];
        char *error;

        if (elem->type != JSON_STRING) {
            bad_value(load, where, "address", elem,
                      "an address or prefix in quotes");
            continue;
        }
        error = sg_prefix_parse(json_string(elem),
                                &bind->addresses[bind->n_addresses]);
        if (error) {
            sg_load_error(load, where, "address of bind: %s", error);
            free(error);
        } else {
            bind->n_addresses++;
        }
    }
    sg_doc_list_destroy(&list);
    return any;
}

static bool
load_external_ids(struct sg_load *load, const struct sg_where *where,
                  const struct json *json, struct sg_bind *bind)
{
    const struct json *ids = sg_doc_get(json, "external_ids");
    struct shash_node *node;

    if (!ids) {
        return false;
    }
    if (ids->type != JSON_OBJECT) {
        sg_load_error(load, where, "external_ids of bind must be a table of "
                      "KEY = \"PATTERN\"");
        return true;
    }
    bind->external_ids = xmalloc(sizeof *bind->external_ids);
    smap_init(bind->external_ids);
    SHASH_FOR_EACH (node, ids->object) {
        const char *glob = sg_doc_string(ids, node->name);

        if (glob) {
            smap_add(bind->external_ids, node->name, glob);
        } else {
            sg_load_error(load, where, "the pattern for external_ids key "
                          "\"%s\" of bind must be a string", node->name);
        }
    }
    return !smap_is_empty(bind->external_ids);
}

void
sg_load_bind_where(struct sg_load *load, const struct sg_where *where,
                   const struct json *json, struct sg_bind *bind)
{
    static const char *const known[] = {
        "groups", "where", "name", "bridge", "type", "tag", "mac", "address",
        "external_ids"
    };
    bool any;

    bind->function = -1;
    sg_load_unknown_keys(load, where, json, "bind", known,
                         ARRAY_SIZE(known));
    load_groups(load, where, json, bind);
    any = load_globs(load, where, json, bind);
    any |= load_tags(load, where, json, bind);
    any |= load_addresses(load, where, json, bind);
    any |= load_external_ids(load, where, json, bind);
    if (!any && !sg_doc_get(json, "bad")) {
        /* It would guard the uplinks, too. */
        sg_load_error(load, where, "bind says for no interface; write where = "
                      "{ name = \"PATTERN\" } or where = { external_ids = { "
                      "KEY = \"PATTERN\" } }");
    }
}

/* Comparing. */

static bool
lists_equal(const struct sg_bind *a, const struct sg_bind *b)
{
    if (a->n_tags != b->n_tags || a->n_addresses != b->n_addresses) {
        return false;
    }
    for (size_t i = 0; i < a->n_tags; i++) {
        if (a->tags[i] != b->tags[i]) {
            return false;
        }
    }
    for (size_t i = 0; i < a->n_addresses; i++) {
        if (!sg_prefix_equals(&a->addresses[i], &b->addresses[i])) {
            return false;
        }
    }
    return true;
}

static bool
binds_equal(const struct sg_bind *a, const struct sg_bind *b)
{
    for (int i = 0; i < SG_BIND_N_GLOBS; i++) {
        if (!svec_equal(&a->globs[i], &b->globs[i])) {
            return false;
        }
    }
    return (a->function < 0 && b->function < 0
            && !a->external_ids == !b->external_ids
            && (!a->external_ids
                || smap_equal(a->external_ids, b->external_ids))
            && lists_equal(a, b)
            && sg_names_equal(a->groups, a->n_groups, b->groups, b->n_groups));
}

bool
sg_policy_same_binds(const struct sg_policy *a, const struct sg_policy *b)
{
    if (a->n_binds != b->n_binds) {
        return false;
    }
    for (size_t i = 0; i < a->n_binds; i++) {
        if (!binds_equal(&a->binds[i], &b->binds[i])) {
            return false;
        }
    }
    return true;
}

bool
sg_policy_has_functions(const struct sg_policy *policy)
{
    for (size_t i = 0; i < policy->n_binds; i++) {
        if (policy->binds[i].function >= 0) {
            return true;
        }
    }
    return false;
}

/* Asking. */

static bool
globs_match(const struct svec *globs, const char *value)
{
    for (size_t i = 0; i < globs->n; i++) {
        if (!fnmatch(globs->names[i], value, 0)) {
            return true;
        }
    }
    return !globs->n;
}

static bool
tags_match(const struct sg_bind *bind, int tag)
{
    for (size_t i = 0; i < bind->n_tags; i++) {
        if (bind->tags[i] == tag) {
            return true;
        }
    }
    return !bind->n_tags;
}

static bool
external_ids_match(const struct sg_bind *bind, const struct smap *ids)
{
    const struct smap_node *node;

    if (bind->external_ids) {
        SMAP_FOR_EACH (node, bind->external_ids) {
            const char *value = smap_get(ids, node->key);

            if (!value || fnmatch(node->value, value, 0)) {
                return false;
            }
        }
    }
    return true;
}

/* Does a MAC that the interface declares match?  What is no MAC does not; the
 * port will be in error for it. */
static bool
macs_match(const struct sg_bind *bind, const struct svec *words)
{
    const struct svec *globs = &bind->globs[SG_BIND_MAC];
    bool match = !globs->n;

    for (size_t i = 0; i < words->n && !match; i++) {
        struct eth_addr mac;

        if (eth_addr_from_string(words->names[i], &mac)) {
            char *text = xasprintf(ETH_ADDR_FMT, ETH_ADDR_ARGS(mac));

            match = globs_match(globs, text);
            free(text);
        }
    }
    return match;
}

static bool
address_matches(const struct sg_bind *bind, const char *word)
{
    struct sg_prefix own;
    char *error = sg_prefix_parse(word, &own);

    if (error) {
        free(error);
        return false;
    }
    for (size_t i = 0; i < bind->n_addresses; i++) {
        if (sg_prefix_contains(&bind->addresses[i], &own)) {
            return true;
        }
    }
    return false;
}

static bool
addresses_match(const struct sg_bind *bind, const struct svec *words)
{
    for (size_t i = 0; i < words->n; i++) {
        if (address_matches(bind, words->names[i])) {
            return true;
        }
    }
    return !bind->n_addresses;
}

bool
sg_bind_matches(const struct sg_bind *bind, const struct sg_iface *iface)
{
    struct svec macs = SVEC_EMPTY_INITIALIZER;
    struct svec addresses = SVEC_EMPTY_INITIALIZER;
    bool match;

    sg_split_words(smap_get(&iface->external_ids, "attached-mac"), &macs);
    sg_split_words(smap_get(&iface->external_ids, "sg-addresses"),
                   &addresses);
    match = (globs_match(&bind->globs[SG_BIND_NAME], iface->name)
             && globs_match(&bind->globs[SG_BIND_BRIDGE],
                            iface->bridge->name)
             && globs_match(&bind->globs[SG_BIND_TYPE], iface->type)
             && tags_match(bind, iface->tag)
             && external_ids_match(bind, &iface->external_ids)
             && macs_match(bind, &macs)
             && addresses_match(bind, &addresses));
    svec_destroy(&macs);
    svec_destroy(&addresses);
    return match;
}
