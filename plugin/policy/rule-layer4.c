/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The part of a rule that is about layer 4: ports of tcp, udp and sctp, types
 * and codes of icmp and icmp6. */

#include <config.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "policy/icmp.h"
#include "policy/load.h"
#include "util.h"

#define ND_ROUTER_ADVERT_TYPE 134
#define DHCP_CLIENT_PORT 68
#define DHCPV6_CLIENT_PORT 546

/* Ports. */

/* Parses "80" or "8080-8089" into '*lo' and '*hi', whatever their size. */
static bool
parse_range(const char *s, long long int *lo, long long int *hi)
{
    const char *digits = "0123456789";
    size_t n = strspn(s, digits);
    size_t m;

    if (!n || n > 9) {
        return false;
    }
    *lo = *hi = atoi(s);
    if (!s[n]) {
        return true;
    }
    m = s[n] == '-' ? strspn(s + n + 1, digits) : 0;
    if (!m || m > 9 || s[n + 1 + m]) {
        return false;
    }
    *hi = atoi(s + n + 1);
    return true;
}

/* Adds lo-hi to 'rule'; a single port may be one that has to be named. */
static void
add_range(struct sg_rule *rule, uint16_t lo, uint16_t hi)
{
    rule->ranges = xrealloc(rule->ranges,
                            (rule->n_ranges + 1) * sizeof *rule->ranges);
    rule->ranges[rule->n_ranges++] = (struct sg_range) { lo, hi };

    if (rule->dir == SG_EGRESS && rule->proto == IPPROTO_UDP && lo == hi) {
        rule->names |= (lo == DHCP_CLIENT_PORT ? SG_NAMED_DHCP_SERVER
                        : lo == DHCPV6_CLIENT_PORT ? SG_NAMED_DHCPV6_SERVER
                        : 0);
    }
}

static void
load_port(struct sg_load *load, const struct sg_where *where,
          const char *word, const struct json *value, struct sg_rule *rule)
{
    long long int lo, hi;
    char *given = sg_doc_describe(value);

    if (sg_doc_integer(value, &lo)) {
        hi = lo;
    } else if (value->type != JSON_STRING
               || !parse_range(json_string(value), &lo, &hi)) {
        sg_load_error(load, where, "%s is no port of %s; write a number such "
                      "as 80 or a range such as \"8080-8089\"", given, word);
        free(given);
        return;
    }
    /* AWS's "all ports" is 0-65535: a range may begin with 0, though nobody
     * listens there (RFC 6335 section 6). */
    if (lo < (lo != hi ? 0 : 1) || lo > 65535 || hi < 1 || hi > 65535) {
        /* `80-90' without quotes is -10. */
        sg_load_error(load, where, "port %s of %s is out of range; ports are "
                      "1 to 65535%s", given, word,
                      lo == hi && lo < 0 ? ", and a range stands in quotes, "
                      "as in \"80-90\"" : "");
    } else if (lo > hi) {
        sg_load_error(load, where, "port range %s of %s is reversed; write "
                      "\"%lld-%lld\"", given, word, hi, lo);
    } else {
        add_range(rule, lo, hi);
    }
    free(given);
}

static int
compare_ranges(const void *a_, const void *b_)
{
    const struct sg_range *a = a_;
    const struct sg_range *b = b_;

    return a->lo != b->lo ? a->lo - b->lo : a->hi - b->hi;
}

/* Sorts the ranges of 'rule' and joins those that overlap or touch. */
static void
merge_ranges(struct sg_rule *rule)
{
    size_t n = 0;

    if (rule->n_ranges) {
        qsort(rule->ranges, rule->n_ranges, sizeof *rule->ranges,
              compare_ranges);
    }
    for (size_t i = 0; i < rule->n_ranges; i++) {
        struct sg_range r = rule->ranges[i];

        if (n && r.lo <= rule->ranges[n - 1].hi + 1) {
            rule->ranges[n - 1].hi = MAX(rule->ranges[n - 1].hi, r.hi);
        } else {
            rule->ranges[n++] = r;
        }
    }
    rule->n_ranges = n;
}

/* Collects the positional arguments of rule 'object'. */
static struct sg_doc_list
positional_values(struct sg_load *load, const struct sg_where *where,
                  const char *word, const struct json *object)
{
    struct sg_doc_list values = SG_DOC_LIST_INITIALIZER;

    if (!sg_doc_flatten(sg_doc_get(object, "values"), &values)) {
        sg_load_error(load, where, "the lists in %s nest too deeply", word);
    }
    return values;
}

/* True if the author wrote a list and left it empty: `tcp { {}, ... }' must
 * not turn into "all ports". */
static bool
is_empty_list(const struct json *object, size_t n_values)
{
    const struct json *values = sg_doc_get(object, "values");

    return !n_values && values && values->type == JSON_ARRAY
           && values->array.n > 0;
}

void
sg_load_ports(struct sg_load *load, const struct sg_where *where,
              const char *word, const struct json *object,
              struct sg_rule *rule)
{
    struct sg_doc_list values = positional_values(load, where, word, object);

    for (size_t i = 0; i < values.n; i++) {
        load_port(load, where, word, values.elems[i], rule);
    }
    if (is_empty_list(object, values.n)) {
        sg_load_error(load, where, "the list of ports of %s is empty; leave "
                      "it out if all ports are meant", word);
    }
    merge_ranges(rule);
    sg_doc_list_destroy(&values);
}

/* ICMP. */

static void
add_icmp(struct sg_rule *rule, struct sg_icmp icmp)
{
    rule->icmps = xrealloc(rule->icmps,
                           (rule->n_icmps + 1) * sizeof *rule->icmps);
    rule->icmps[rule->n_icmps++] = icmp;

    if (rule->dir == SG_EGRESS && rule->proto == IPPROTO_ICMPV6
        && icmp.type == ND_ROUTER_ADVERT_TYPE) {
        rule->names |= SG_NAMED_ROUTER_ADVERT;
    }
}

/* Reports that 'value' is no type of 'word', with what was perhaps meant. */
static void
bad_icmp_type(struct sg_load *load, const struct sg_where *where,
              const char *word, int proto, const struct json *value)
{
    char *given = sg_doc_describe(value);
    const char *guess = (value->type == JSON_STRING
                         ? sg_icmp_guess(proto, json_string(value))
                         : NULL);
    long long int lo, hi;

    if (guess) {
        sg_load_error(load, where, "%s is no type of %s; did you mean "
                      "\"%s\"?", given, word, guess);
    } else if (value->type == JSON_STRING
               && parse_range(json_string(value), &lo, &hi)) {
        sg_load_error(load, where, "%s takes no ports and no ranges (%s); "
                      "write types one by one, 0 to 255 or by name", word,
                      given);
    } else {
        sg_load_error(load, where, "%s is no type of %s; write a number from "
                      "0 to 255 or a name such as \"echo-request\" (%s has "
                      "types, not ports)", given, word, word);
    }
    free(given);
}

static void
load_icmp_type(struct sg_load *load, const struct sg_where *where,
               const char *word, const struct json *value,
               struct sg_rule *rule)
{
    struct sg_icmp icmp = { -1, -1 };
    long long int type;

    if (sg_doc_integer(value, &type) && type >= 0 && type <= 255) {
        icmp.type = type;
        add_icmp(rule, icmp);
    } else if (value->type == JSON_STRING
               && sg_icmp_from_name(rule->proto, json_string(value), &icmp)) {
        add_icmp(rule, icmp);
    } else {
        bad_icmp_type(load, where, word, rule->proto, value);
    }
}

/* Narrows all types of 'rule' to the code that it gives. */
static void
load_icmp_code(struct sg_load *load, const struct sg_where *where,
               const char *word, const struct json *object,
               struct sg_rule *rule)
{
    const struct json *value = sg_doc_get(object, "code");
    int code;

    if (!value) {
        return;
    }
    code = sg_load_byte(load, where, "code", value);
    if (!rule->n_icmps) {
        sg_load_error(load, where, "code without a type; write %s { type = "
                      "N, code = N, ... }", word);
    }
    for (size_t i = 0; code >= 0 && i < rule->n_icmps; i++) {
        struct sg_icmp *icmp = &rule->icmps[i];

        if (icmp->code >= 0 && icmp->code != code) {
            sg_load_error(load, where, "code = %d contradicts a type whose "
                          "name stands for code %d; write the type as a "
                          "number", code, icmp->code);
        }
        icmp->code = code;
    }
}

static int
compare_icmps(const void *a_, const void *b_)
{
    const struct sg_icmp *a = a_;
    const struct sg_icmp *b = b_;

    return a->type != b->type ? a->type - b->type : a->code - b->code;
}

/* Sorts; drops doubles, and codes of a type that is there with all codes
 * (which sorts before them, as -1). */
static void
merge_icmps(struct sg_rule *rule)
{
    size_t n = 0;

    if (rule->n_icmps) {
        qsort(rule->icmps, rule->n_icmps, sizeof *rule->icmps,
              compare_icmps);
    }
    for (size_t i = 0; i < rule->n_icmps; i++) {
        struct sg_icmp icmp = rule->icmps[i];
        const struct sg_icmp *last = n ? &rule->icmps[n - 1] : NULL;

        if (!last || last->type != icmp.type
            || (last->code >= 0 && last->code != icmp.code)) {
            rule->icmps[n++] = icmp;
        }
    }
    rule->n_icmps = n;
}

void
sg_load_icmp(struct sg_load *load, const struct sg_where *where,
             const char *word, const struct json *object,
             struct sg_rule *rule)
{
    struct sg_doc_list values = positional_values(load, where, word, object);
    bool empty = is_empty_list(object, values.n);

    if (!sg_doc_flatten(sg_doc_get(object, "type"), &values)) {
        sg_load_error(load, where, "the lists in %s nest too deeply", word);
    }
    for (size_t i = 0; i < values.n; i++) {
        load_icmp_type(load, where, word, values.elems[i], rule);
    }
    if (!values.n && (empty || sg_doc_get(object, "type"))) {
        sg_load_error(load, where, "the list of types of %s is empty; leave "
                      "it out if all types are meant", word);
    }
    load_icmp_code(load, where, word, object, rule);
    merge_icmps(rule);
    sg_doc_list_destroy(&values);
}
