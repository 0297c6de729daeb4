/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Ranges to masks, rules to entries. */

#include <config.h>

#include "compile/l4.h"

#include <stdlib.h>

#include "compile/ids.h"
#include "openvswitch/dynamic-string.h"
#include "policy/fixture.h"
#include "tap.h"
#include "util.h"
#include "world.h"

/* Masks. */

/* The fewest aligned blocks that make up lo...hi, by definition: a block is
 * taken whole, or not at all, or its halves are asked. */
static size_t
fewest_blocks(uint32_t lo, uint32_t hi, uint32_t begin, uint32_t size)
{
    uint32_t end = begin + size - 1;

    if (end < lo || begin > hi) {
        return 0;
    } else if (begin >= lo && end <= hi) {
        return 1;
    }
    return (fewest_blocks(lo, hi, begin, size / 2)
            + fewest_blocks(lo, hi, begin + size / 2, size / 2));
}

/* Every port of lo...hi is in exactly one mask and no other port is in any. */
static bool
covers_exactly(uint16_t lo, uint16_t hi, const struct sg_port_mask *masks,
               size_t n)
{
    for (uint32_t port = 0; port <= UINT16_MAX; port++) {
        size_t hits = 0;

        for (size_t i = 0; i < n; i++) {
            hits += (port & masks[i].mask) == masks[i].value;
        }
        if (hits != (port >= lo && port <= hi)) {
            printf("# %d-%d: port %u is in %zu masks\n", lo, hi, port, hits);
            return false;
        }
    }
    return true;
}

static bool
masks_are_right(uint16_t lo, uint16_t hi)
{
    struct sg_port_mask masks[32];
    size_t n = sg_range_to_masks(lo, hi, masks, ARRAY_SIZE(masks));

    if (n > 30 || n != fewest_blocks(lo, hi, 0, 65536)) {
        printf("# %d-%d: %zu masks\n", lo, hi, n);
        return false;
    }
    return covers_exactly(lo, hi, masks, n);
}

static void
test_masks(void)
{
    static const uint16_t edges[][2] = {
        { 0, 0 }, { 0, 1 }, { 0, 65535 }, { 1, 65535 }, { 0, 65534 },
        { 1, 65534 }, { 65535, 65535 }, { 32767, 32768 }, { 1024, 2047 },
    };
    struct dice d = { 1 };
    bool good = true;

    for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
        good &= masks_are_right(edges[i][0], edges[i][1]);
    }
    ok(good, "masks of ranges at the edges");

    good = true;
    for (uint16_t lo = 0; lo < 24; lo++) {
        for (uint16_t hi = lo; hi < 24; hi++) {
            good &= masks_are_right(lo, hi)
                    && masks_are_right(65535 - hi, 65535 - lo);
        }
    }
    ok(good, "masks of all short ranges at both ends");

    good = true;
    for (int i = 0; i < 300; i++) {
        uint16_t a = dice_roll(&d, 65536), b = dice_roll(&d, 65536);

        good &= masks_are_right(MIN(a, b), MAX(a, b));
    }
    ok(good, "masks of 300 random ranges: exact, disjoint, fewest");

    struct sg_port_mask few[2] = { { 7, 7 }, { 7, 7 } };
    is_int(sg_range_to_masks(1, 65534, few, 1), 30, "as many as there can be");
    ok(few[0].value == 1 && few[0].mask == 0xffff && few[1].value == 7,
       "no more are stored than there is room for");
}

/* Fragments. */

/* The entries of the fragment of group "g" and the peer that the first rule
 * of 'dir' names first, a line each; "-" if there is no fragment.  'rules' is
 * a JSON list; the rest of the group is in 'group'. */
static char *
entries(enum sg_direction dir, const char *group, const char *rules)
{
    char *text = xasprintf("{'groups':[{'name':'g'%s,'%s':[%s]}]}", group,
                           sg_direction_name(dir), rules);
    char *said;
    struct sg_policy *policy = policy_from_text(text, &said);
    struct ds s = DS_EMPTY_INITIALIZER;

    if (!policy) {
        ovs_fatal(0, "%s in: %s", said, text);
    }

    const struct sg_group *g = sg_policy_group(policy, "g", NULL);
    struct sg_fragment *frag
        = sg_fragment_create(dir, g, &g->rules[dir][0]->peers[0]);
    for (size_t i = 0; frag && i < frag->n_entries; i++) {
        const struct sg_entry *entry = &frag->entries[i];

        ds_put_cstr(&s, i ? "; " : "");
        sg_entry_format(entry, &s);
        ds_put_cstr(&s, entry->named ? " named" : "");
        ds_put_format(&s, " x%zu", entry->n_rules);
        if (entry->identity != sg_identity(entry->key)) {
            ds_put_cstr(&s, " BAD IDENTITY");
        }
    }
    ds_put_cstr(&s, frag ? "" : "-");

    sg_fragment_destroy(frag);
    sg_policy_unref(policy);
    free(said);
    free(text);
    return ds_steal_cstr(&s);
}

static void
is_entries(enum sg_direction dir, const char *group, const char *rules,
           const char *want, const char *what)
{
    char *got = entries(dir, group, rules);

    is_str(got, want, "%s", what);
    free(got);
}

#define V4 "'from':'10.0.0.0/8'"
#define V6 "'from':'2001:db8::/32'"
#define ANY "'from':{'any':true}"
#define WEB "'from':{'group':'g'}"
#define TO_ANY "'to':{'any':true}"

static void
test_merging(void)
{
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':['80-89']," V4 "},"
               "{'word':'tcp','values':['85-99']," V4 "}",
               "tcp 80-99 (ipv4) x2", "overlapping ranges are one");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':['90-99']," V4 "},"
               "{'word':'tcp','values':['80-89']," V4 "}",
               "tcp 80-99 (ipv4) x2", "touching ranges are one");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':['80-89']," V4 "},"
               "{'word':'tcp','values':['91-99']," V4 "}",
               "tcp 80-89 (ipv4) x1; tcp 91-99 (ipv4) x1",
               "a gap of one port keeps them apart");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':['80-99']," V4 "},"
               "{'word':'tcp','values':[85]," V4 "}",
               "tcp 80-99 (ipv4) x2", "a range contains another");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':[80]," V4 "},"
               "{'word':'tcp'," V4 "}",
               "tcp (ipv4) x2", "all ports swallow one");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':['0-65535']," V4 "}",
               "tcp (ipv4) x1", "all ports by their numbers");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':['0-999']," V4 "},"
               "{'word':'tcp','values':['1000-65535']," V4 "}",
               "tcp (ipv4) x2", "all ports in two halves");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':[80]," V4 "},"
               "{'word':'udp','values':[80]," V4 "},"
               "{'word':'sctp','values':[80]," V4 "}",
               "tcp 80 (ipv4) x1; udp 80 (ipv4) x1; sctp 80 (ipv4) x1",
               "protocols do not merge");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':[80]," V4 "},"
               "{'word':'tcp','values':[81]," V6 "}",
               "tcp 80 (ipv4) x1", "another peer's rules are not ours");
}

static void
test_families(void)
{
    is_entries(SG_INGRESS, "", "{'word':'tcp','values':[80]," ANY "}",
               "tcp 80 (ipv4) x1; tcp 80 (ipv6) x1",
               "a peer of both families: an entry each");
    is_entries(SG_INGRESS, "", "{'word':'tcp','values':[80]," V6 "}",
               "tcp 80 (ipv6) x1", "a peer of one family: one entry");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':[80],'family':'ipv4'," ANY "},"
               "{'word':'tcp','values':[81],'family':'ipv6'," ANY "}",
               "tcp 80 (ipv4) x1; tcp 81 (ipv6) x1",
               "families are apart though ports touch");
    is_entries(SG_INGRESS, "", "{'word':'all'," ANY "}", "all x1",
               "all: one entry for both families");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':[80]," ANY "},{'word':'all'," ANY "}",
               "all x1", "all leaves nothing to add");
    is_entries(SG_INGRESS, "",
               "{'word':'tcp','values':[80]," ANY "},"
               "{'word':'all','family':'ipv6'," ANY "}",
               "all (ipv6) x1; tcp 80 (ipv4) x1",
               "all of one family shadows that family only");
    is_entries(SG_INGRESS, "",
               "{'word':'all','family':'ipv4'," ANY "},"
               "{'word':'all','family':'ipv6'," ANY "}",
               "all x2", "all of each family is all");
}

static void
test_icmp(void)
{
    is_entries(SG_INGRESS, "",
               "{'word':'icmp','type':3,'code':4," V4 "},"
               "{'word':'icmp','type':3,'code':1," V4 "}",
               "icmp type 3 code 1 (ipv4) x1; icmp type 3 code 4 (ipv4) x1",
               "codes stay apart");
    is_entries(SG_INGRESS, "",
               "{'word':'icmp','type':3,'code':4," V4 "},"
               "{'word':'icmp','type':3," V4 "}",
               "icmp type 3 (ipv4) x2", "a type swallows its codes");
    is_entries(SG_INGRESS, "",
               "{'word':'icmp','type':3,'code':4," V4 "},"
               "{'word':'icmp','type':4," V4 "}",
               "icmp type 3 code 4 (ipv4) x1; icmp type 4 (ipv4) x1",
               "types that touch do not merge");
    is_entries(SG_INGRESS, "",
               "{'word':'icmp','type':3," V4 "},{'word':'icmp'," V4 "}",
               "icmp (ipv4) x2", "all types swallow one");
    is_entries(SG_INGRESS, "", "{'word':'icmp6','type':128," ANY "}",
               "icmp6 type 128 (ipv6) x1", "ICMPv6 is of IPv6");
    is_entries(SG_INGRESS, "", "{'word':'ip','protocol':47," V4 "}",
               "protocol 47 (ipv4) x1", "a protocol by number");
}

static void
test_named(void)
{
    is_entries(SG_EGRESS, "", "{'word':'udp','values':[68]," TO_ANY "}",
               "udp 68 (ipv4) x1; udp 68 (ipv6) x1; udp 68 (ipv4) named x1",
               "a named DHCP server has an entry of its own");
    is_entries(SG_EGRESS, "",
               "{'word':'udp','values':[546]," TO_ANY "},"
               "{'word':'all'," TO_ANY "}",
               "all x1; udp 546 (ipv6) named x1",
               "... also where all is allowed");
    is_entries(SG_EGRESS, "", "{'word':'icmp6','type':134," TO_ANY "}",
               "icmp6 type 134 (ipv6) x1; icmp6 type 134 (ipv6) named x1",
               "router advertisements");
    is_entries(SG_EGRESS, "", "{'word':'udp','values':['60-70']," TO_ANY "}",
               "udp 60-70 (ipv4) x1; udp 60-70 (ipv6) x1",
               "a range names nothing");
    is_entries(SG_EGRESS, "",
               "{'word':'udp','values':[68],'to':'2001:db8::/32'}",
               "udp 68 (ipv6) x1", "DHCP is not for an IPv6 peer");
    is_entries(SG_INGRESS, "", "{'word':'udp','values':[68]," ANY "}",
               "udp 68 (ipv4) x1; udp 68 (ipv6) x1",
               "nothing need be named on the way in");
}

/* The keys of the entries, a line each. */
static char *
keys(const char *group, const char *rules)
{
    char *text = xasprintf("{'groups':[{'name':'g'%s,'ingress':[%s]}]}",
                           group, rules);
    char *said;
    struct sg_policy *policy = policy_from_text(text, &said);
    const struct sg_group *g = sg_policy_group(policy, "g", NULL);
    const struct sg_peer *peer = &g->rules[SG_INGRESS][0]->peers[0];
    struct sg_fragment *frag = sg_fragment_create(SG_INGRESS, g, peer);
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < frag->n_entries; i++) {
        ds_put_format(&s, "%s\n", frag->entries[i].key);
    }
    sg_fragment_destroy(frag);
    sg_policy_unref(policy);
    free(said);
    free(text);
    return ds_steal_cstr(&s);
}

static void
test_keys(void)
{
    static const char rule[] = "{'word':'tcp','values':[80]," WEB "}";
    static const char twice[] = "{'word':'tcp','values':[80]," WEB "},"
        "{'word':'tcp','values':[80],'description':'again'," WEB "}";
    static const char inside[] = "{'word':'tcp','values':['80-81']," WEB "},"
        "{'word':'tcp','values':[80]," WEB "}";
    static const char outside[] = "{'word':'tcp','values':['80-81']," WEB "}";
    static const char moved[] = "{'word':'tcp','values':[80],"
        "'place':{'file':'x.lua','line':99}," WEB "}";
    char *a = keys("", rule), *b;

    is_str(a, "ingress g group g: tcp 80 (ipv4)\n"
           "ingress g group g: tcp 80 (ipv6)\n", "a key says it all");
    b = keys("", twice);
    is_str(b, a, "a rule that is there twice changes no key");
    free(b);
    b = keys("", moved);
    is_str(b, a, "nor does a moved line");
    free(b);
    b = keys(",'revocation':'drain'", rule);
    ok(strcmp(a, b), "a group that drains has keys of its own");
    free(b);
    free(a);

    a = keys("", outside);
    b = keys("", inside);
    is_str(b, a, "a rule inside another changes no key");
    free(a);
    free(b);
}

static bool
has_entry(struct sg_policy *policy, const char *key)
{
    return sg_policy_has_entry(policy, sg_identity(key));
}

static void
test_no_fragment(void)
{
    struct sg_policy *policy = policy_from_text(
        "{'groups':[{'name':'g','ingress':[{'word':'tcp'," V4 "}]}]}", NULL);
    const struct sg_group *g = sg_policy_group(policy, "g", NULL);
    struct sg_peer any = { .type = SG_PEER_ANY };

    ok(!sg_fragment_create(SG_INGRESS, g, &any), "no rules, no fragment");
    ok(has_entry(policy, "ingress g 10.0.0.0/8: tcp (ipv4)"),
       "an entry that the policy has");
    ok(has_entry(policy, "egress g any: all"),
       "one of an egress that nobody wrote");
    ok(!has_entry(policy, "ingress g 10.0.0.0/8: udp (ipv4)"),
       "an entry that it has not");
    sg_policy_unref(policy);
}

int
main(void)
{
    test_masks();
    test_merging();
    test_families();
    test_icmp();
    test_named();
    test_keys();
    test_no_fragment();
    return done_testing();
}
