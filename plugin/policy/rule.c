/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* One rule of a policy document. */

#include <config.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/load.h"
#include "util.h"

/* What a rule word takes beside peers, family and description. */
enum word_kind {
    WORD_PORTS,                 /* Ports. */
    WORD_ICMP,                  /* Types and codes. */
    WORD_NUMBER,                /* A protocol number. */
    WORD_ALL                    /* Nothing. */
};

struct word {
    const char *name;
    enum word_kind kind;
    int proto;                  /* -1: all, or given by `protocol'. */
    uint8_t families;           /* That the word implies. */
};

static const struct word words[] = {
    { "tcp", WORD_PORTS, IPPROTO_TCP, SG_IP_ANY },
    { "udp", WORD_PORTS, IPPROTO_UDP, SG_IP_ANY },
    { "sctp", WORD_PORTS, IPPROTO_SCTP, SG_IP_ANY },
    { "icmp", WORD_ICMP, IPPROTO_ICMP, SG_IPV4 },
    { "icmp6", WORD_ICMP, IPPROTO_ICMPV6, SG_IPV6 },
    { "ip", WORD_NUMBER, -1, SG_IP_ANY },
    { "all", WORD_ALL, -1, SG_IP_ANY },
};

static const struct word *
find_word(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(words[i].name, name)) {
            return &words[i];
        }
    }
    return NULL;
}

void
sg_rule_destroy(struct sg_rule *rule)
{
    if (!rule) {
        return;
    }
    for (size_t i = 0; i < rule->n_peers; i++) {
        sg_peer_destroy(&rule->peers[i]);
    }
    free(rule->peers);
    free(rule->ranges);
    free(rule->icmps);
    free(rule->text);
    free(rule->description);
    free(rule->chain);
    sg_place_destroy(&rule->place);
    free(rule);
}

static struct sg_rule *
rule_create(struct sg_group *group, enum sg_direction dir,
            const struct sg_place *place)
{
    struct sg_rule *rule = xzalloc(sizeof *rule);

    rule->group = group;
    rule->dir = dir;
    rule->proto = -1;
    rule->families = SG_IP_ANY;
    sg_place_clone(&rule->place, place);
    return rule;
}

struct sg_rule *
sg_rule_implicit(struct sg_group *group, enum sg_direction dir,
                 struct sg_peer *peer)
{
    struct sg_rule *rule = rule_create(group, dir, &group->place);

    rule->implicit = true;
    rule->peers = xmemdup(peer, sizeof *peer);
    rule->n_peers = 1;
    return rule;
}

/* Something that is no rule where a rule belongs. */
static void
not_a_rule(struct sg_load *load, const struct sg_where *where,
           const struct sg_group *group, enum sg_direction dir,
           const struct json *json)
{
    const char *name = sg_doc_string(json, "word");
    char *given = sg_doc_describe(json);

    if (name) {
        const char *names[ARRAY_SIZE(words)];
        char *guess;

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
            names[i] = words[i].name;
        }
        guess = sg_load_guess(name, names, ARRAY_SIZE(words));
        sg_load_error(load, where, "\"%s\" is no kind of rule%s", name,
                      guess);
        free(guess);
    } else {
        sg_load_error(load, where, "%s of group \"%s\" holds %s where a rule "
                      "belongs; write for example tcp { 22, %s = any }",
                      sg_direction_name(dir), group->name, given,
                      dir == SG_INGRESS ? "from" : "to");
    }
    free(given);
}

/* Keys. */

static void
check_keys(struct sg_load *load, const struct sg_where *where,
           const struct word *word, const struct json *object)
{
    const char *known[8] = { "from", "to", "family", "description" };
    size_t n = 4;

    if (word->kind == WORD_ICMP) {
        known[n++] = "type";
        known[n++] = "code";
    } else if (word->kind == WORD_NUMBER) {
        known[n++] = "protocol";
    }
    sg_load_unknown_keys(load, where, object, word->name, known, n);

    if (word->kind != WORD_ICMP
        && (sg_doc_get(object, "type") || sg_doc_get(object, "code"))) {
        sg_load_error(load, where, "%s has no type and no code; those belong "
                      "to icmp and icmp6", word->name);
    }
    if (word->kind != WORD_NUMBER && sg_doc_get(object, "protocol")) {
        sg_load_error(load, where, "%s takes no protocol; write ip { "
                      "protocol = N, ... } for a protocol by its number",
                      word->name);
    }
}

/* Protocol. */

static void
refuse_values(struct sg_load *load, const struct sg_where *where,
              const struct word *word, const struct json *object)
{
    const struct json *values = sg_doc_get(object, "values");
    struct sg_doc_list list = SG_DOC_LIST_INITIALIZER;

    if (!sg_doc_flatten(values, &list) || list.n) {
        sg_load_error(load, where, "%s takes no ports; write tcp, udp or sctp "
                      "for those", word->name);
    }
    sg_doc_list_destroy(&list);
}

static void
load_protocol(struct sg_load *load, const struct sg_where *where,
              const struct json *object, struct sg_rule *rule)
{
    const struct json *protocol = sg_doc_get(object, "protocol");

    if (!protocol) {
        sg_load_error(load, where, "ip without a protocol; write ip { "
                      "protocol = N, ... } with a number from 0 to 255, or "
                      "all { ... } for every protocol");
        return;
    }
    rule->proto = sg_load_byte(load, where, "protocol", protocol);
}

static void
load_layer4(struct sg_load *load, const struct sg_where *where,
            const struct word *word, const struct json *object,
            struct sg_rule *rule)
{
    rule->proto = word->proto;
    switch (word->kind) {
    case WORD_PORTS:
        sg_load_ports(load, where, word->name, object, rule);
        break;
    case WORD_ICMP:
        sg_load_icmp(load, where, word->name, object, rule);
        break;
    case WORD_NUMBER:
        load_protocol(load, where, object, rule);
        refuse_values(load, where, word, object);
        break;
    case WORD_ALL:
        refuse_values(load, where, word, object);
        break;
    }
}

/* Family. */

static void
load_family(struct sg_load *load, const struct sg_where *where,
            const struct word *word, const struct json *object,
            struct sg_rule *rule)
{
    const struct json *value = sg_doc_get(object, "family");
    const char *family = sg_doc_string(object, "family");

    rule->families = word->families;
    if (!value) {
        return;
    }
    if (family && !strcmp(family, "ipv4")) {
        rule->families &= SG_IPV4;
    } else if (family && !strcmp(family, "ipv6")) {
        rule->families &= SG_IPV6;
    } else {
        char *given = sg_doc_describe(value);

        sg_load_error(load, where, "family is %s; it must be \"ipv4\" or "
                      "\"ipv6\"", given);
        free(given);
    }
    if (!rule->families) {
        sg_load_error(load, where, "family = \"%s\" contradicts %s; write "
                      "%s, or leave family out", family, word->name,
                      word->families == SG_IPV4 ? "icmp6" : "icmp");
        rule->families = word->families;
    }
}

static bool
peer_has_family(const struct sg_peer *peer, uint8_t families)
{
    return (peer->type != SG_PEER_PREFIX
            || families & (sg_prefix_is_ipv4(&peer->prefix)
                           ? SG_IPV4 : SG_IPV6));
}

/* Drops the prefixes of a family that 'rule' excludes.  If they were all that
 * it had, the author contradicts himself; else he narrows a common list. */
static void
apply_family(struct sg_load *load, const struct sg_where *where,
             const struct word *word, struct sg_rule *rule)
{
    size_t n = 0;

    for (size_t i = 0; i < rule->n_peers; i++) {
        n += peer_has_family(&rule->peers[i], rule->families);
    }
    if (rule->n_peers && !n) {
        struct ds s = DS_EMPTY_INITIALIZER;
        bool v4 = rule->families == SG_IPV4;

        sg_peer_format(&rule->peers[0], &s);
        sg_load_error(load, where, "%s is an %s peer, but %s%s is for %s "
                      "only, so the rule can never match", ds_cstr(&s),
                      v4 ? "IPv6" : "IPv4", word->name,
                      word->families != SG_IP_ANY ? ""
                      : v4 ? " with family = \"ipv4\""
                      : " with family = \"ipv6\"", v4 ? "IPv4" : "IPv6");
        ds_destroy(&s);
        return;
    }

    n = 0;
    for (size_t i = 0; i < rule->n_peers; i++) {
        if (peer_has_family(&rule->peers[i], rule->families)) {
            rule->peers[n++] = rule->peers[i];
        } else {
            sg_peer_destroy(&rule->peers[i]);
        }
    }
    rule->n_peers = n;
}

/* Peers.  False if the rule has none, and should be left out. */
static bool
load_from_or_to(struct sg_load *load, const struct sg_where *where,
                const struct word *word, const struct json *object,
                struct sg_rule *rule)
{
    bool in = rule->dir == SG_INGRESS;
    const char *key = in ? "from" : "to";
    const char *other = in ? "to" : "from";
    const struct json *peers = sg_doc_get(object, key);
    size_t n_errors = load->diags->n_errors;

    if (sg_doc_get(object, other)) {
        sg_load_error(load, where, "\"%s\" does not belong in %s; write "
                      "\"%s\"", other, sg_direction_name(rule->dir), key);
    } else if (!peers) {
        sg_load_error(load, where, "%s has no \"%s\"; write %s = any if "
                      "everyone is meant", word->name, key, key);
    }
    if (!peers) {
        return false;
    }
    sg_load_peers(load, where, key, peers, rule);
    if (!rule->n_peers && n_errors == load->diags->n_errors) {
        sg_load_warning(load, where, "\"%s\" is an empty list, so the rule "
                        "can never match and is left out", key);
        return false;
    }
    apply_family(load, where, word, rule);
    return true;
}

struct sg_rule *
sg_load_rule(struct sg_load *load, struct sg_group *group,
             enum sg_direction dir, const struct json *json)
{
    struct sg_where group_where = { group->place, NULL };
    struct sg_where where = sg_doc_where(json, &group_where);
    const char *name = sg_doc_string(json, "word");
    const struct word *word = name ? find_word(name) : NULL;
    size_t n_errors = load->diags->n_errors;
    struct sg_rule *rule;
    bool keep;

    if (!word) {
        not_a_rule(load, &where, group, dir, json);
        return NULL;
    }

    rule = rule_create(group, dir, &where.place);
    rule->chain = nullable_xstrdup(where.chain);
    check_keys(load, &where, word, json);
    load_layer4(load, &where, word, json, rule);
    load_family(load, &where, word, json, rule);
    keep = load_from_or_to(load, &where, word, json, rule);
    rule->description = sg_load_text(load, &where, json, word->name,
                                     "description");
    if (!keep || load->diags->n_errors > n_errors) {
        sg_rule_destroy(rule);
        return NULL;
    }
    return rule;
}
