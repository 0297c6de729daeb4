/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "policy/prefix.h"

#include <arpa/inet.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "unaligned.h"
#include "util.h"

/* An IPv4 address is kept in ::ffff:0:0/96. */
#define V4_OFFSET 96

/* Clears the bits of 'prefix' behind its length.  Returns true if there were
 * any. */
static bool
normalize(struct sg_prefix *prefix)
{
    struct in6_addr mask = ipv6_create_mask(prefix->plen);
    struct in6_addr net = ipv6_addr_bitand(&prefix->addr, &mask);
    bool changed = !ipv6_addr_equals(&net, &prefix->addr);

    prefix->addr = net;
    return changed;
}

void
sg_prefix_from_ipv4(ovs_be32 addr, int plen, struct sg_prefix *prefix)
{
    in6_addr_set_mapped_ipv4(&prefix->addr, addr);
    prefix->plen = V4_OFFSET + plen;
    normalize(prefix);
}

void
sg_prefix_from_ipv6(const struct in6_addr *addr, int plen,
                    struct sg_prefix *prefix)
{
    prefix->addr = *addr;
    prefix->plen = plen;
    normalize(prefix);
}

/* Parses the address part into '*addr'. */
static char *
parse_address(const char *s, const char *whole, struct in6_addr *addr)
{
    ovs_be32 ipv4;

    if (inet_pton(AF_INET, s, &ipv4) == 1) {
        in6_addr_set_mapped_ipv4(addr, ipv4);
        return NULL;
    }
    if (inet_pton(AF_INET6, s, addr) != 1) {
        return xasprintf("\"%s\" is no address or prefix; write for example "
                         "192.0.2.1, 192.0.2.0/24 or 2001:db8::/32", whole);
    }
    if (IN6_IS_ADDR_V4MAPPED(addr)) {
        return xasprintf("\"%s\" is an IPv4 address written as IPv6; "
                         "write the IPv4 address", whole);
    }
    return NULL;
}

/* Parses the length part, "24", which may be at most 'max'. */
static char *
parse_length(const char *s, const char *whole, int max, int *plen)
{
    size_t len = strlen(s);

    if (len >= 1 && len <= 3 && strspn(s, "0123456789") == len) {
        *plen = atoi(s);
        if (*plen <= max) {
            return NULL;
        }
    }
    return xasprintf("\"%s\" has a bad prefix length; it is a number from 0 "
                     "to %d for %s", whole, max, max == 32 ? "IPv4" : "IPv6");
}

/* The error for 'whole' = ADDR/LEN with host bits; 'net' is what is left of it
 * without them. */
static char *
host_bits_error(const char *whole, const char *addr,
                const struct sg_prefix *net)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "\"%s\" has bits set behind its length; write ", whole);
    sg_prefix_format(net, &s);
    ds_put_format(&s, " for the prefix or %s for the address alone", addr);
    return ds_steal_cstr(&s);
}

char *
sg_prefix_parse(const char *s, struct sg_prefix *prefix)
{
    const char *slash = strchr(s, '/');
    char *addr = slash ? xmemdup0(s, slash - s) : xstrdup(s);
    struct sg_prefix p;
    char *error;

    error = parse_address(addr, s, &p.addr);
    if (!error) {
        int offset = IN6_IS_ADDR_V4MAPPED(&p.addr) ? V4_OFFSET : 0;
        int plen = 128 - offset;

        if (slash) {
            error = parse_length(slash + 1, s, plen, &plen);
        }
        p.plen = offset + plen;
        if (!error && normalize(&p)) {
            error = host_bits_error(s, addr, &p);
        }
    }
    if (!error) {
        *prefix = p;
    }
    free(addr);
    return error;
}

/* Lists have tens of thousands of entries, and are gone through for a change
 * of one: so what compares them does it by words, in line. */

/* Half of the address, 0 the first, as a number. */
static inline uint64_t
half(const struct sg_prefix *prefix, int i)
{
    return ntohll(get_unaligned_be64(
        ALIGNED_CAST(const ovs_be64 *, &prefix->addr.s6_addr[8 * i])));
}

static inline bool
is_ipv4(const struct sg_prefix *prefix)
{
    return (half(prefix, 1) >> 32 == 0xffff && half(prefix, 0) == 0
            && prefix->plen >= V4_OFFSET);
}

bool
sg_prefix_is_ipv4(const struct sg_prefix *prefix)
{
    return is_ipv4(prefix);
}

ovs_be32
sg_prefix_ipv4(const struct sg_prefix *prefix)
{
    return in6_addr_get_mapped_ipv4(&prefix->addr);
}

ovs_be32
sg_prefix_ipv4_mask(const struct sg_prefix *prefix)
{
    return be32_prefix_mask(prefix->plen - V4_OFFSET);
}

struct in6_addr
sg_prefix_ipv6_mask(const struct sg_prefix *prefix)
{
    return ipv6_create_mask(prefix->plen);
}

int
sg_prefix_text_len(const struct sg_prefix *prefix)
{
    return prefix->plen - (sg_prefix_is_ipv4(prefix) ? V4_OFFSET : 0);
}

bool
sg_prefix_is_host(const struct sg_prefix *prefix)
{
    return prefix->plen == 128;
}

bool
sg_prefix_contains(const struct sg_prefix *outer,
                   const struct sg_prefix *inner)
{
    struct in6_addr mask, net;

    if (inner->plen < outer->plen
        || sg_prefix_is_ipv4(inner) != sg_prefix_is_ipv4(outer)) {
        return false;
    }
    mask = ipv6_create_mask(outer->plen);
    net = ipv6_addr_bitand(&inner->addr, &mask);
    return ipv6_addr_equals(&net, &outer->addr);
}

static inline bool
equal(const struct sg_prefix *a, const struct sg_prefix *b)
{
    return (half(a, 1) == half(b, 1) && half(a, 0) == half(b, 0)
            && a->plen == b->plen);
}

static inline int
compare(const struct sg_prefix *a, const struct sg_prefix *b)
{
    bool a4 = is_ipv4(a);
    bool b4 = is_ipv4(b);

    if (a4 != b4) {
        return a4 ? -1 : 1;
    }
    for (int i = 0; i < 2; i++) {
        if (half(a, i) != half(b, i)) {
            return half(a, i) < half(b, i) ? -1 : 1;
        }
    }
    return (a->plen > b->plen) - (a->plen < b->plen);
}

bool
sg_prefix_equals(const struct sg_prefix *a, const struct sg_prefix *b)
{
    return equal(a, b);
}

int
sg_prefix_compare(const struct sg_prefix *a, const struct sg_prefix *b)
{
    return compare(a, b);
}

uint32_t
sg_prefix_hash(const struct sg_prefix *prefix, uint32_t basis)
{
    return hash_bytes(&prefix->addr, sizeof prefix->addr,
                      hash_int(prefix->plen, basis));
}

void
sg_prefix_format(const struct sg_prefix *prefix, struct ds *s)
{
    if (sg_prefix_is_ipv4(prefix)) {
        ds_put_format(s, IP_FMT, IP_ARGS(sg_prefix_ipv4(prefix)));
    } else {
        ipv6_format_addr(&prefix->addr, s);
    }
    if (!sg_prefix_is_host(prefix)) {
        ds_put_format(s, "/%d", sg_prefix_text_len(prefix));
    }
}

static int
compare_prefixes_cb(const void *a, const void *b)
{
    return compare(a, b);
}

/* Most lists are: they have been through here before. */
static bool
are_ascending(const struct sg_prefix *prefixes, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (compare(&prefixes[i - 1], &prefixes[i]) >= 0) {
            return false;
        }
    }
    return true;
}

size_t
sg_prefixes_sort_unique(struct sg_prefix *prefixes, size_t n)
{
    size_t m = 0;

    if (are_ascending(prefixes, n)) {
        return n;
    }
    qsort(prefixes, n, sizeof *prefixes, compare_prefixes_cb);
    for (size_t i = 0; i < n; i++) {
        if (!m || !sg_prefix_equals(&prefixes[i], &prefixes[m - 1])) {
            prefixes[m++] = prefixes[i];
        }
    }
    return m;
}

size_t
sg_prefixes_common(const struct sg_prefix *a, const struct sg_prefix *b,
                   size_t n)
{
    size_t i = 0;

    while (i < n && equal(&a[i], &b[i])) {
        i++;
    }
    return i;
}

size_t
sg_prefixes_lower_bound(const struct sg_prefix *prefixes, size_t n,
                        const struct sg_prefix *prefix)
{
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;

        if (compare(&prefixes[middle], prefix) < 0) {
            low = middle + 1;
        } else {
            n = middle;
        }
    }
    return low;
}

/* With how many bits 'a' and 'b' both begin. */
static int
common_bits(const struct sg_prefix *a, const struct sg_prefix *b)
{
    uint64_t differ = half(a, 0) ^ half(b, 0);

    if (differ) {
        return raw_clz64(differ);
    }
    differ = half(a, 1) ^ half(b, 1);
    return differ ? 64 + raw_clz64(differ) : 128;
}

/* What contains 'prefix' stands before it, and contains all that stands
 * between the two: so it is no longer than what 'prefix' has in common with
 * the entry right before it, and the next look is for that. */
bool
sg_prefixes_contain(const struct sg_prefix *prefixes, size_t n,
                    const struct sg_prefix *prefix)
{
    int shortest = is_ipv4(prefix) ? V4_OFFSET : 0;
    struct sg_prefix look_for = *prefix;

    for (;;) {
        size_t i = sg_prefixes_lower_bound(prefixes, n, &look_for);

        if (i < n && equal(&prefixes[i], &look_for)) {
            return true;
        } else if (!i || is_ipv4(&prefixes[i - 1]) != is_ipv4(prefix)) {
            return false;
        } else if (sg_prefix_contains(&prefixes[i - 1], prefix)) {
            return true;
        }

        int plen = MIN(common_bits(&prefixes[i - 1], prefix),
                       look_for.plen - 1);
        if (plen < shortest) {
            return false;
        }
        sg_prefix_from_ipv6(&prefix->addr, plen, &look_for);
        n = i;
    }
}
