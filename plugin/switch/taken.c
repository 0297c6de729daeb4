/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/switch-private.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "lib/flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "util.h"

/* What the switch takes
 * ---------------------
 *
 * A switch that cannot read a flow mod refuses it for what it is made of: the
 * table, fields and masks, values on which others depend (protocols), kinds of
 * actions and what fields those name.  It does not for an address, or for the
 * number in a register.  Two flows that differ in such values only are of one
 * kind, and once the switch has taken one of a kind it takes them all, on the
 * same connection, which stands for the switch as it was then and for the
 * version of OpenFlow.  (When a bundle is carried out is another matter: it
 * may fail then, for want of room say, and fails as a whole.)
 *
 * So of bundles of such flows we need not wait to hear that all was read. */

#define MAX_KINDS 4096

struct kind {
    struct hmap_node node;      /* In sg_taken.kinds. */
    ovs_u128 id;
};

/* All of the match that may be a reason to refuse it.  That is whatever is not
 * known to be none. */
static void
put_match(struct ofpbuf *key, const struct minimatch *mini)
{
    struct match match;
    struct flow *flow = &match.flow;

    minimatch_expand(mini, &match);
    memset(flow->regs, 0, sizeof flow->regs);
    flow->in_port.ofp_port = 0;
    flow->vlans[0].tci &= htons(VLAN_CFI);
    flow->dl_src = flow->dl_dst = eth_addr_zero;
    flow->arp_sha = flow->arp_tha = eth_addr_zero;
    flow->nw_src = flow->nw_dst = htonl(0);
    flow->ipv6_src = flow->ipv6_dst = flow->nd_target = in6addr_any;
    flow->ct_tp_src = flow->ct_tp_dst = htons(0);
    flow->ct_mark = flow->ct_zone = 0;
    ofpbuf_put(key, flow, sizeof *flow);
    ofpbuf_put(key, &match.wc, sizeof match.wc);
}

/* Is 'action' among those from 'begin' on already? */
static bool
is_there(const struct ofpbuf *key, size_t begin, const struct ofpact *action)
{
    const char *p = (const char *) key->data + begin;

    for (; p < (const char *) action; p += OFPACT_ALIGN(
             ((const struct ofpact *) p)->len)) {
        if (((const struct ofpact *) p)->len == action->len
            && !memcmp(p, action, action->len)) {
            return true;
        }
    }
    return false;
}

/* All of 'set' that may be a reason to refuse it, to 'copy', which is zeros
 * (there are others, of any value, between its own bytes). */
static void
copy_set_field(const struct ofpact_set_field *set, struct ofpact *action)
{
    size_t n = set->field->n_bytes;

    memcpy(action, set, sizeof *set);

    struct ofpact_set_field *copy = ofpact_get_SET_FIELD(action);

    memcpy(ofpact_set_field_mask(copy), ofpact_set_field_mask(set), n);
    if (!mf_is_register(set->field->id)) {
        memcpy(copy->value, set->value, n);
    }
}

/* The same of an action, one of those from 'begin' on.  How often there is an
 * output, or a resubmit, makes no difference: lists of ports are of one kind,
 * however long. */
static void
put_action(struct ofpbuf *key, size_t begin, const struct ofpact *action)
{
    size_t end = key->size;
    struct ofpact *copy = ofpbuf_put_zeros(key, OFPACT_ALIGN(action->len));

    if (action->type == OFPACT_SET_FIELD) {
        copy_set_field(ofpact_get_SET_FIELD(action), copy);
    } else {
        memcpy(copy, action, action->len);
        if (action->type == OFPACT_OUTPUT) {
            ofpact_get_OUTPUT(copy)->port = 0;
        }
    }
    if ((action->type == OFPACT_SET_FIELD || action->type == OFPACT_OUTPUT
         || action->type == OFPACT_RESUBMIT) && is_there(key, begin, copy)) {
        key->size = end;
    }
}

static ovs_u128
kind_of(const struct sg_flow *flow)
{
    uint64_t stub[512];
    struct ofpbuf key = OFPBUF_STUB_INITIALIZER(stub);
    const struct ofpact *action;
    ovs_u128 id;

    put_match(&key, &flow->match);

    size_t begin = key.size;

    OFPACT_FOR_EACH (action, flow->ofpacts, flow->ofpacts_len) {
        put_action(&key, begin, action);
    }
    hash_bytes128(key.data, key.size, flow->table_id, &id);
    ofpbuf_uninit(&key);
    return id;
}

static bool
find(const struct sg_taken *taken, ovs_u128 id)
{
    const struct kind *kind;

    HMAP_FOR_EACH_WITH_HASH (kind, node, id.u32[0], &taken->kinds) {
        if (ovs_u128_equals(kind->id, id)) {
            return true;
        }
    }
    return false;
}

void
sg_taken_init(struct sg_taken *taken)
{
    hmap_init(&taken->kinds);
}

void
sg_taken_clear(struct sg_taken *taken)
{
    struct kind *kind;

    HMAP_FOR_EACH_POP (kind, node, &taken->kinds) {
        free(kind);
    }
}

void
sg_taken_destroy(struct sg_taken *taken)
{
    sg_taken_clear(taken);
    hmap_destroy(&taken->kinds);
}

/* Has the switch taken one of its kind? */
bool
sg_taken_has(const struct sg_taken *taken, const struct sg_flow *flow)
{
    return find(taken, kind_of(flow));
}

/* The switch has taken 'flow'. */
void
sg_taken_add(struct sg_taken *taken, const struct sg_flow *flow)
{
    ovs_u128 id = kind_of(flow);

    if (!find(taken, id)) {
        struct kind *kind = xmalloc(sizeof *kind);

        if (hmap_count(&taken->kinds) >= MAX_KINDS) {
            sg_taken_clear(taken);
        }
        kind->id = id;
        hmap_insert(&taken->kinds, &kind->node, id.u32[0]);
    }
}
