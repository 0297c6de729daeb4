/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_L4_H
#define SG_COMPILE_L4_H 1

/* Fragments: what one group allows one peer
 * =========================================
 *
 * A *fragment* is a triple (direction, local group, peer) that has rules.  It
 * depends on nothing but those rules: not on members, ports or networks.
 *
 * The rules of a fragment are merged into *entries*, the fewest disjoint
 * statements "family, protocol, contiguous ports" that say the same.  Each
 * entry has a number, which goes into the mark of the connections it allows,
 * and becomes one flow per mask of its port range.
 *
 * An entry's key contains all that it says.  Rules may come and go behind it:
 * as long as the union says the same, the key, the number and the flows stay,
 * and no connection is looked at.  If the union changes, the key is another
 * one, the old number is dead and its connections are judged again. */

#include <stdbool.h>
#include <stdint.h>

#include "compile/unit.h"
#include "policy/policy.h"

struct ds;

struct sg_entry {
    uint8_t families;           /* SG_IPV4, SG_IPV6; both only if proto<0. */
    int16_t proto;              /* IP protocol; -1: all. */
    bool named;                 /* Counts where a rule must name it. */
    int32_t lo, hi;             /* Ports, or ICMP type (lo == hi), or -1. */
    int16_t code;               /* ICMP code or -1. */
    char *key;                  /* Fragment's key and the above, as text. */
    uint64_t identity;          /* sg_identity(key). */
    uint32_t number;            /* Given by the plan; with flags SG_MARK_*. */
    const struct sg_rule **rules;   /* Those that it covers or is part of. */
    size_t n_rules;             /* At least one. */
};

struct sg_fragment {
    enum sg_direction dir;
    const struct sg_group *group;
    const struct sg_peer *peer;
    char *key;                  /* "ingress web any". */
    uint64_t identity;
    uint32_t id;                /* Given by the plan. */
    struct sg_entry *entries;
    size_t n_entries;
    struct sg_unit unit;        /* The plan's: its flows. */
};

/* Builds the fragment of 'group' and 'peer', both of which must live as long
 * as it.  Returns NULL if no rule of 'group' in that direction has the
 * peer. */
struct sg_fragment *sg_fragment_create(enum sg_direction,
                                       const struct sg_group *,
                                       const struct sg_peer *);
void sg_fragment_destroy(struct sg_fragment *);

/* "tcp 8080-8089 (ipv4)". */
void sg_entry_format(const struct sg_entry *, struct ds *);

/* Splits lo...hi into the fewest value/mask pairs (CIDR style).  Stores up to
 * 'max' of them and returns how many there are (at most 30). */
struct sg_port_mask {
    uint16_t value, mask;
};
size_t sg_range_to_masks(uint16_t lo, uint16_t hi,
                         struct sg_port_mask masks[], size_t max);

#endif /* compile/l4.h */
