/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/read.h"

#include "compile/flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "packets.h"
#include "util.h"

bool
sg_flow_get_load(const struct sg_flow *flow, enum sg_register reg,
                 uint32_t *value)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, flow->ofpacts, flow->ofpacts_len) {
        if (a->type == OFPACT_SET_FIELD) {
            const struct ofpact_set_field *sf = ofpact_get_SET_FIELD(a);

            if (sf->field->id == (enum mf_field_id) (MFF_REG0 + reg)) {
                *value = ntohl(sf->value->be32);
                return true;
            }
        }
    }
    return false;
}

static uint64_t
get_48_bits(const uint8_t *p)
{
    uint64_t value = 0;

    for (int i = 0; i < 6; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

bool
sg_flow_get_note(const struct sg_flow *flow, uint64_t *first,
                 uint64_t *second)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, flow->ofpacts, flow->ofpacts_len) {
        if (a->type == OFPACT_NOTE) {
            const struct ofpact_note *note = ofpact_get_NOTE(a);

            if (note->length >= 12) {
                *first = get_48_bits(note->data);
                *second = get_48_bits(note->data + 6);
                return true;
            }
        }
    }
    return false;
}

bool
sg_flow_get_learned(const struct sg_flow *flow, struct sg_learned *how)
{
    uint64_t first, second;

    if (!sg_flow_get_note(flow, &first, &second)
        || first >> 32 <= SG_LEARN_NONE || first >> 32 > SG_LEARN_DHCP
        || second > UINT32_MAX) {
        return false;
    }
    how->source = first >> 32;
    how->since = first;
    how->until = second;
    return true;
}

bool
sg_flow_get_match_reg(const struct sg_flow *flow, enum sg_register reg,
                      uint32_t *value)
{
    struct match match;

    minimatch_expand(&flow->match, &match);
    *value = match.flow.regs[reg];
    return match.wc.masks.regs[reg] == UINT32_MAX;
}

bool
sg_flow_get_match_mark(const struct sg_flow *flow, uint32_t *value,
                       uint32_t *mask)
{
    struct match match;

    minimatch_expand(&flow->match, &match);
    *value = match.flow.ct_mark;
    *mask = match.wc.masks.ct_mark;
    return *mask != 0;
}

static bool
get_prefix(const struct match *match, ovs_be32 nw, ovs_be32 nw_mask,
           const struct in6_addr *ipv6, const struct in6_addr *ipv6_mask,
           struct sg_prefix *p)
{
    if (match->flow.dl_type == htons(ETH_TYPE_IP)) {
        sg_prefix_from_ipv4(nw, ip_count_cidr_bits(nw_mask), p);
        return true;
    } else if (match->flow.dl_type == htons(ETH_TYPE_IPV6)) {
        sg_prefix_from_ipv6(ipv6, ipv6_count_cidr_bits(ipv6_mask), p);
        return true;
    }
    return false;
}

bool
sg_flow_get_match_src(const struct sg_flow *flow, struct sg_prefix *p)
{
    struct match match;

    minimatch_expand(&flow->match, &match);
    return get_prefix(&match, match.flow.nw_src, match.wc.masks.nw_src,
                      &match.flow.ipv6_src, &match.wc.masks.ipv6_src, p);
}

bool
sg_flow_get_match_dst(const struct sg_flow *flow, struct sg_prefix *p)
{
    struct match match;

    minimatch_expand(&flow->match, &match);
    return get_prefix(&match, match.flow.nw_dst, match.wc.masks.nw_dst,
                      &match.flow.ipv6_dst, &match.wc.masks.ipv6_dst, p);
}
