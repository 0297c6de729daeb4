/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_PREFIX_H
#define SG_POLICY_PREFIX_H 1

/* Addresses and prefixes of both families as one type.
 *
 * An IPv4 prefix is kept IPv4-mapped (::ffff:a.b.c.d, RFC 4291 section
 * 2.5.5.2) with 96 added to its length, so that everything above the parser
 * can hash, compare and nest prefixes without asking for the family.  Bits
 * behind the length are always zero ("normalized"). */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/types.h"

struct ds;

struct sg_prefix {
    struct in6_addr addr;       /* IPv4-mapped for IPv4; host bits zero. */
    uint8_t plen;               /* 0...128; an IPv4 prefix has 96...128. */
};

/* Parses "192.0.2.1", "192.0.2.0/24", "2001:db8::1" or "2001:db8::/32".
 * Returns NULL and fills '*prefix', or returns a sentence that says what is
 * wrong, which the caller frees.  Host bits behind the length ("10.0.0.1/8")
 * are an error that names the prefix that was probably meant.  An IPv6 text
 * in ::ffff:0:0/96 is refused, because it would be taken for IPv4. */
char *sg_prefix_parse(const char *s, struct sg_prefix *prefix)
    __attribute__((warn_unused_result));

/* 'plen' is 0...32, or 0...128; bits of 'addr' behind it are cleared. */
void sg_prefix_from_ipv4(ovs_be32 addr, int plen, struct sg_prefix *);
void sg_prefix_from_ipv6(const struct in6_addr *, int plen,
                         struct sg_prefix *);

bool sg_prefix_is_ipv4(const struct sg_prefix *);
ovs_be32 sg_prefix_ipv4(const struct sg_prefix *);     /* Address part. */
ovs_be32 sg_prefix_ipv4_mask(const struct sg_prefix *);
struct in6_addr sg_prefix_ipv6_mask(const struct sg_prefix *);
/* Length as people write it: 0...32 for IPv4, 0...128 for IPv6. */
int sg_prefix_text_len(const struct sg_prefix *);
bool sg_prefix_is_host(const struct sg_prefix *);      /* plen == 128. */

/* True if every address of 'inner' is in 'outer' (same family only: an IPv6
 * ::/0 does not contain IPv4). */
bool sg_prefix_contains(const struct sg_prefix *outer,
                        const struct sg_prefix *inner);
bool sg_prefix_equals(const struct sg_prefix *, const struct sg_prefix *);
/* As strcmp(): IPv4 first, then by address, a prefix before those in it. */
int sg_prefix_compare(const struct sg_prefix *, const struct sg_prefix *);
uint32_t sg_prefix_hash(const struct sg_prefix *, uint32_t basis);

/* "192.0.2.1" or "192.0.2.0/24": no length for a single address. */
void sg_prefix_format(const struct sg_prefix *, struct ds *);

/* Sorts 'prefixes' as sg_prefix_compare() says and drops doubles; returns how
 * many are left. */
size_t sg_prefixes_sort_unique(struct sg_prefix *prefixes, size_t n);
/* With how many entries, of 'n', 'a' and 'b' both begin. */
size_t sg_prefixes_common(const struct sg_prefix *a, const struct sg_prefix *b,
                          size_t n);
/* Where 'prefix' is, or would be, in 'prefixes', which are sorted. */
size_t sg_prefixes_lower_bound(const struct sg_prefix *prefixes, size_t n,
                               const struct sg_prefix *prefix);
/* Is 'prefix' in one of 'prefixes', which are sorted?  Looks at few of them,
 * however many there are. */
bool sg_prefixes_contain(const struct sg_prefix *prefixes, size_t n,
                         const struct sg_prefix *prefix);

#endif /* policy/prefix.h */
