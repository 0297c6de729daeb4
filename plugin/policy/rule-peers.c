/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The part of a rule that says with whom: `from' and `to'. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "policy/load.h"
#include "util.h"

static void
add_peer(struct sg_rule *rule, const struct sg_peer *peer)
{
    rule->peers = xrealloc(rule->peers,
                           (rule->n_peers + 1) * sizeof *rule->peers);
    rule->peers[rule->n_peers++] = *peer;
}

/* A string that is no prefix: perhaps a name without the word before it. */
static char *
peer_name_hint(const char *s)
{
    char *error = sg_check_name("group", s);

    if (error || !s[strspn(s, "0123456789.")]) {
        free(error);
        return xstrdup("");
    }
    return (!strcmp(s, "any")
            ? xstrdup(" (for everyone write any, without quotes)")
            : xasprintf(" (for the group write group \"%s\")", s));
}

static void
load_prefix_peer(struct sg_load *load, const struct sg_where *where,
                 const char *s, struct sg_rule *rule)
{
    struct sg_peer peer = { .type = SG_PEER_PREFIX };
    char *error = sg_prefix_parse(s, &peer.prefix);

    if (error) {
        char *hint = peer_name_hint(s);

        sg_load_error(load, where, "%s%s", error, hint);
        free(hint);
        free(error);
    } else {
        add_peer(rule, &peer);
    }
}

static const struct {
    const char *key;
    enum sg_peer_type type;
} named_peers[] = {
    { "group", SG_PEER_GROUP },
    { "prefix_list", SG_PEER_PREFIX_LIST },
    { "addresses", SG_PEER_ADDRESSES },
};

/* The network that 'json' names, if it is another than that of 'rule'. */
static char *
foreign_network(const struct json *json, const struct sg_rule *rule)
{
    const char *network = sg_doc_string(json, "network");
    const char *own = rule->group->network;

    return (network && !(own && !strcmp(own, network)) ? xstrdup(network)
            : NULL);
}

/* Adds the peer of a handle.  False if 'json' is none.  Whether its name is
 * defined is asked later, when all names are known. */
static bool
load_handle(struct sg_load *load, const struct json *json,
            struct sg_rule *rule)
{
    struct sg_peer peer = { .type = SG_PEER_ANY };

    if (sg_doc_get(json, "any")) {
        add_peer(rule, &peer);
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(named_peers); i++) {
        const char *name = sg_doc_string(json, named_peers[i].key);

        if (name) {
            peer.type = named_peers[i].type;
            peer.name = xstrdup(name);
            peer.network = (peer.type == SG_PEER_GROUP
                            ? foreign_network(json, rule) : NULL);
            add_peer(rule, &peer);
            if (peer.type == SG_PEER_PREFIX_LIST) {
                sset_add(&load->used_lists, name);
            } else if (peer.type == SG_PEER_ADDRESSES) {
                sset_add(&load->used_sets, name);
            }
            return true;
        }
    }
    return false;
}

static void
load_peer(struct sg_load *load, const struct sg_where *where,
          const char *key, const struct json *json, struct sg_rule *rule)
{
    if (json->type == JSON_STRING) {
        load_prefix_peer(load, where, json_string(json), rule);
    } else if (!load_handle(load, json, rule)) {
        char *given = sg_doc_describe(json);

        sg_load_error(load, where, "%s cannot be %s; write any, an address "
                      "or prefix in quotes, group \"NAME\", a prefix list, "
                      "or a list of those", key, given);
        free(given);
    }
}

static int
compare_peers(const void *a, const void *b)
{
    return sg_peer_compare(a, b);
}

/* Sorts; drops doubles, and everything beside `any', which sorts first. */
static void
merge_peers(struct sg_rule *rule)
{
    size_t n = 0;

    if (rule->n_peers) {
        qsort(rule->peers, rule->n_peers, sizeof *rule->peers,
              compare_peers);
    }
    for (size_t i = 0; i < rule->n_peers; i++) {
        struct sg_peer *peer = &rule->peers[i];

        if (n && (rule->peers[0].type == SG_PEER_ANY
                  || sg_peer_equals(peer, &rule->peers[n - 1]))) {
            sg_peer_destroy(peer);
        } else {
            rule->peers[n++] = *peer;
        }
    }
    rule->n_peers = n;
}

void
sg_load_peers(struct sg_load *load, const struct sg_where *where,
              const char *key, const struct json *peers,
              struct sg_rule *rule)
{
    struct sg_doc_list list = SG_DOC_LIST_INITIALIZER;

    if (!sg_doc_flatten(peers, &list)) {
        sg_load_error(load, where, "the lists in %s nest too deeply", key);
    }
    for (size_t i = 0; i < list.n; i++) {
        load_peer(load, where, key, list.elems[i], rule);
    }
    merge_peers(rule);
    sg_doc_list_destroy(&list);
}
