/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Warnings about a policy that is valid: rules that can never match, rules
 * that another rule covers, prefix lists that nothing uses.
 *
 * A warning that is wrong teaches people to ignore the others, so these are
 * few, and sure.  A group that no rule and no `bind' names is no cause for
 * one: ports name their groups in the switch's database. */

#include <config.h>

#include "openvswitch/dynamic-string.h"
#include "policy/addresses.h"
#include "policy/load.h"
#include "util.h"

/* Comparing each rule with each takes quadratic time; groups with more rules
 * than this come out of a generator. */
#define MAX_COMPARED 512

/* Does 'a' contain every address of 'b', whatever happens to groups? */
static bool
peer_covers(const struct sg_peer *a, const struct sg_peer *b)
{
    if (a->type == SG_PEER_ANY) {
        return true;
    }
    if (a->type == SG_PEER_PREFIX && b->type == SG_PEER_PREFIX) {
        return sg_prefix_contains(&a->prefix, &b->prefix);
    }
    return sg_peer_equals(a, b);
}

static bool
peers_cover(const struct sg_rule *a, const struct sg_rule *b)
{
    for (size_t i = 0; i < b->n_peers; i++) {
        size_t j = 0;

        while (j < a->n_peers && !peer_covers(&a->peers[j], &b->peers[i])) {
            j++;
        }
        if (j == a->n_peers) {
            return false;
        }
    }
    return true;
}

static bool
ranges_cover(const struct sg_rule *a, const struct sg_rule *b)
{
    size_t j = 0;

    if (!a->n_ranges) {
        return true;
    }
    for (size_t i = 0; i < b->n_ranges; i++) {
        while (j < a->n_ranges && a->ranges[j].hi < b->ranges[i].lo) {
            j++;
        }
        if (j == a->n_ranges || a->ranges[j].lo > b->ranges[i].lo
            || a->ranges[j].hi < b->ranges[i].hi) {
            return false;
        }
    }
    return b->n_ranges > 0;
}

static bool
icmps_cover(const struct sg_rule *a, const struct sg_rule *b)
{
    if (!a->n_icmps) {
        return true;
    }
    for (size_t i = 0; i < b->n_icmps; i++) {
        size_t j = 0;

        while (j < a->n_icmps
               && (a->icmps[j].type != b->icmps[i].type
                   || (a->icmps[j].code >= 0
                       && a->icmps[j].code != b->icmps[i].code))) {
            j++;
        }
        if (j == a->n_icmps) {
            return false;
        }
    }
    return b->n_icmps > 0;
}

/* True if 'a' allows everything that 'b' does. */
static bool
rule_covers(const struct sg_rule *a, const struct sg_rule *b)
{
    return ((a->proto < 0 || a->proto == b->proto)
            && !(b->families & ~a->families)
            && !(b->names & ~a->names)
            && ranges_cover(a, b)
            && icmps_cover(a, b)
            && peers_cover(a, b));
}

static void
warn_covered(struct sg_load *load, const struct sg_rule *rule,
             const struct sg_rule *by)
{
    struct sg_where where = { rule->place, rule->chain };
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_rule_format_place(by, &s);
    sg_load_warning(load, &where, "this rule allows nothing that the one at "
                    "%s does not allow already", ds_cstr(&s));
    ds_destroy(&s);
}

static void
find_covered(struct sg_load *load, const struct sg_group *group,
             enum sg_direction dir)
{
    struct sg_rule **rules = group->rules[dir];
    size_t n = group->n_rules[dir];

    if (n > MAX_COMPARED) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            /* Of two that cover each other the later one is the idle one. */
            if (i != j && rule_covers(rules[j], rules[i])
                && (j < i || !rule_covers(rules[i], rules[j]))) {
                warn_covered(load, rules[i], rules[j]);
                break;
            }
        }
    }
}

/* The families that 'list' has addresses of. */
static uint8_t
list_families(const struct sg_prefix_list *list)
{
    uint8_t families = 0;

    for (size_t i = 0; i < list->n; i++) {
        families |= (sg_prefix_is_ipv4(&list->prefixes[i])
                     ? SG_IPV4 : SG_IPV6);
    }
    return families;
}

/* Only prefix lists decide this: prefixes of the wrong family are errors
 * already, and groups may get any member. */
static void
find_never(struct sg_load *load, const struct sg_rule *rule)
{
    struct sg_where where = { rule->place, rule->chain };

    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct sg_peer *peer = &rule->peers[i];
        const struct sg_prefix_list *list;

        list = (peer->type == SG_PEER_PREFIX_LIST
                ? sg_policy_prefix_list(load->policy, peer->name)
                : NULL);
        if (!list || list_families(list) & rule->families) {
            return;
        }
    }
    sg_load_warning(load, &where, "this rule can never match: its prefix "
                    "lists hold no %saddresses",
                    rule->families == SG_IPV4 ? "IPv4 "
                    : rule->families == SG_IPV6 ? "IPv6 " : "");
}

static void
lint_group(struct sg_load *load, const struct sg_group *group)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        for (size_t i = 0; i < group->n_rules[dir]; i++) {
            find_never(load, group->rules[dir][i]);
        }
        find_covered(load, group, dir);
    }
}

void
sg_load_lint(struct sg_load *load)
{
    const struct sg_addresses *addresses;
    const struct sg_prefix_list *list;
    const struct sg_group *group;

    HMAP_FOR_EACH (group, node, &load->policy->groups) {
        lint_group(load, group);
    }
    HMAP_FOR_EACH (list, node, &load->policy->prefix_lists) {
        if (!sset_contains(&load->used_lists, list->name)) {
            struct sg_where where = { list->place, NULL };

            sg_load_warning(load, &where, "prefix_list \"%s\" is not used",
                            list->name);
        }
    }
    HMAP_FOR_EACH (addresses, node, &load->policy->addresses) {
        if (!sset_contains(&load->used_sets, addresses->name)) {
            struct sg_where where = { addresses->place, NULL };

            sg_load_warning(load, &where, "addresses \"%s\" is not used",
                            addresses->name);
        }
    }
}
