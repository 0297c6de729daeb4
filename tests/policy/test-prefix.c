/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "policy/prefix.h"
#include "random.h"
#include "tap.h"
#include "util.h"

static struct sg_prefix
parse(const char *s)
{
    struct sg_prefix p;
    char *error = sg_prefix_parse(s, &p);

    if (error) {
        ovs_fatal(0, "%s", error);
    }
    return p;
}

static void
test_good(void)
{
    static const struct {
        const char *in, *out;
        bool ipv4, host;
        int len;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", true, true, 32 },
        { "192.0.2.1/32", "192.0.2.1", true, true, 32 },
        { "192.0.2.0/24", "192.0.2.0/24", true, false, 24 },
        { "0.0.0.0/0", "0.0.0.0/0", true, false, 0 },
        { "255.255.255.255", "255.255.255.255", true, true, 32 },
        { "2001:DB8:0:0::1", "2001:db8::1", false, true, 128 },
        { "2001:db8::/32", "2001:db8::/32", false, false, 32 },
        { "::/0", "::/0", false, false, 0 },
        { "::1", "::1", false, true, 128 },
        { "8000::/1", "8000::/1", false, false, 1 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ds s = DS_EMPTY_INITIALIZER;
        struct sg_prefix p = parse(cases[i].in);

        sg_prefix_format(&p, &s);
        is_str(ds_cstr(&s), cases[i].out, "%s: text", cases[i].in);
        ok(sg_prefix_is_ipv4(&p) == cases[i].ipv4
           && sg_prefix_is_host(&p) == cases[i].host
           && sg_prefix_text_len(&p) == cases[i].len,
           "%s: family and length", cases[i].in);
        ds_destroy(&s);
    }
}

static void
test_bad(void)
{
    static const struct {
        const char *in, *error;
    } cases[] = {
        { "10.0.0.5/8", "\"10.0.0.5/8\" has bits set behind its length; write "
          "10.0.0.0/8 for the prefix or 10.0.0.5 for the address alone" },
        { "2001:db8::1/32", "\"2001:db8::1/32\" has bits set behind its "
          "length; write 2001:db8::/32 for the prefix or 2001:db8::1 for the "
          "address alone" },
        { "10.0.0.0/33", "\"10.0.0.0/33\" has a bad prefix length; it is a "
          "number from 0 to 32 for IPv4" },
        { "::/129", "\"::/129\" has a bad prefix length; it is a number from "
          "0 to 128 for IPv6" },
        { "10.0.0.0/255.0.0.0", "\"10.0.0.0/255.0.0.0\" has a bad prefix "
          "length; it is a number from 0 to 32 for IPv4" },
        { "::ffff:192.0.2.1", "\"::ffff:192.0.2.1\" is an IPv4 address "
          "written as IPv6; write the IPv4 address" },
    };
    static const char *const nonsense[] = {
        "", "/", "/8", "10.0.0", "10.0.0.256", "10.0.0.0/", "10.0.0.0/-1",
        "10.0.0.0/ 8", "10.0.0.0/8/8", " 10.0.0.1", "fe80::1%eth0", "web",
        ":::", "10.0.0.0/99999999999999999999",
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sg_prefix p;
        char *error = sg_prefix_parse(cases[i].in, &p);

        is_str(error, cases[i].error, "%s is refused", cases[i].in);
        free(error);
    }
    for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
        struct sg_prefix p;
        char *error = sg_prefix_parse(nonsense[i], &p);

        ok(error != NULL, "\"%s\" is refused", nonsense[i]);
        free(error);
    }
}

static void
test_contains(void)
{
    static const struct {
        const char *outer, *inner;
        bool contains;
    } cases[] = {
        { "10.0.0.0/8", "10.1.2.3", true },
        { "10.0.0.0/8", "10.0.0.0/8", true },
        { "10.0.0.0/8", "10.0.0.0/7", false },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "0.0.0.0/0", "255.255.255.255", true },
        { "::/0", "2001:db8::1", true },
        { "::/0", "10.0.0.1", false },
        { "0.0.0.0/0", "::1", false },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "10.0.0.1", "10.0.0.1", true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sg_prefix outer = parse(cases[i].outer);
        struct sg_prefix inner = parse(cases[i].inner);

        ok(sg_prefix_contains(&outer, &inner) == cases[i].contains,
           "%s %s %s", cases[i].outer,
           cases[i].contains ? "contains" : "does not contain",
           cases[i].inner);
    }
}

static void
test_sort(void)
{
    struct sg_prefix list[] = {
        parse("::1"), parse("10.0.0.1"), parse("10.0.0.0/8"),
        parse("::/0"), parse("10.0.0.1"), parse("9.0.0.0"),
    };
    size_t n = sg_prefixes_sort_unique(list, ARRAY_SIZE(list));
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_char(&s, ' ');
        sg_prefix_format(&list[i], &s);
    }
    is_str(ds_cstr(&s), " 9.0.0.0 10.0.0.0/8 10.0.0.1 ::/0 ::1",
           "sorted: IPv4 first, wide before narrow, no doubles");
    is_int(sg_prefixes_sort_unique(NULL, 0), 0, "nothing to sort");
    ds_destroy(&s);
}

/* A prefix of few possible ones, so that they nest and touch. */
static struct sg_prefix
random_prefix(void)
{
    static const char *const places[] = {
        "10.0.0.0", "10.0.0.128", "0.0.0.0", "255.255.255.255", "::",
        "2001:db8::", "2001:db8:0:8000::1", "ffff::", "::fffe:0:0",
        "::fffe:ffff:ffff", "0:0:0:0:1::",
    };
    struct sg_prefix p = parse(places[random_range(ARRAY_SIZE(places))]);
    int shortest = sg_prefix_is_ipv4(&p) ? 96 : 0;

    p.addr.s6_addr[13 + random_range(3)] ^= 1 << random_range(8);
    sg_prefix_from_ipv6(&p.addr, (random_range(2) ? 128 : shortest
                                  + random_range(129 - shortest)), &p);
    return p;
}

static void
test_contained_in_list(void)
{
    int n_wrong = 0, n_contained = 0;

    random_set_seed(1);
    for (int round = 0; round < 20000; round++) {
        struct sg_prefix list[12], p = random_prefix();
        size_t n = random_range(ARRAY_SIZE(list) + 1);
        bool contained = false;

        for (size_t i = 0; i < n; i++) {
            list[i] = random_prefix();
            contained |= sg_prefix_contains(&list[i], &p);
        }
        n = sg_prefixes_sort_unique(list, n);
        n_contained += contained;
        n_wrong += sg_prefixes_contain(list, n, &p) != contained;
    }
    ok(!n_wrong && n_contained > 2000 && n_contained < 18000,
       "%d in a list, %d of them not seen", n_contained, n_wrong);
}

static void
test_masks(void)
{
    struct sg_prefix v4 = parse("192.0.2.128/25");
    struct sg_prefix v6 = parse("2001:db8::/32");
    struct in6_addr mask = sg_prefix_ipv6_mask(&v6);
    struct sg_prefix made;

    is_int(ntohl(sg_prefix_ipv4(&v4)), 0xc0000280, "IPv4 address");
    is_int(ntohl(sg_prefix_ipv4_mask(&v4)), 0xffffff80, "IPv4 mask");
    ok(mask.s6_addr[3] == 0xff && mask.s6_addr[4] == 0, "IPv6 mask");
    sg_prefix_from_ipv4(htonl(0xc00002ff), 25, &made);
    ok(sg_prefix_equals(&made, &v4), "made of numbers: host bits go");
    ok(sg_prefix_hash(&made, 0) == sg_prefix_hash(&v4, 0), "equal hashes");
}

int
main(void)
{
    test_good();
    test_bad();
    test_contains();
    test_sort();
    test_contained_in_list();
    test_masks();
    return done_testing();
}
