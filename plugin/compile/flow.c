/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/flow.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "util.h"

/* A flow is one block for the structure, one for the match and one for the
 * actions, each of its exact size: a set of 50,000 flows is about 15 MB. */

static uint32_t
flow_hash(const struct sg_flow *flow)
{
    return minimatch_hash(&flow->match,
                          hash_2words(flow->table_id, flow->priority));
}

static void
set_actions(struct sg_flow *flow, const struct ofpact *ofpacts, size_t len)
{
    flow->ofpacts = len ? xmemdup(ofpacts, len) : NULL;
    flow->ofpacts_len = len;
}

/* Brings 'match' into the form in which the switch gives it back, or a flow
 * that was sent would not be recognized when it is read again: fields whose
 * prerequisites are missing are dropped on the way, and a match on any field
 * of the frame implies a match on the Ethernet packet type. */
static void
canonicalize(struct match *match)
{
    const struct flow *mask = &match->wc.masks;

    ofputil_normalize_match_quiet(match);
    if (mask->dl_type || mask->vlans[0].qtag
        || !eth_addr_is_zero(mask->dl_src)
        || !eth_addr_is_zero(mask->dl_dst)) {
        match_set_default_packet_type(match);
    }
}

struct sg_flow *
sg_flow_create(uint8_t table_id, uint16_t priority, uint64_t cookie,
               const struct match *match_,
               const struct ofpact *ofpacts, size_t ofpacts_len)
{
    struct sg_flow *flow = xmalloc(sizeof *flow);
    struct match match = *match_;

    canonicalize(&match);
    minimatch_init(&flow->match, &match);
    flow->cookie = cookie;
    flow->priority = priority;
    flow->table_id = table_id;
    flow->sibling = NULL;
    set_actions(flow, ofpacts, ofpacts_len);
    flow->node = (struct hmap_node) { .hash = flow_hash(flow) };
    return flow;
}

struct sg_flow *
sg_flow_clone(const struct sg_flow *src)
{
    struct sg_flow *dst = xmalloc(sizeof *dst);

    dst->node = (struct hmap_node) { .hash = src->node.hash };
    dst->cookie = src->cookie;
    dst->priority = src->priority;
    dst->table_id = src->table_id;
    dst->sibling = NULL;
    set_actions(dst, src->ofpacts, src->ofpacts_len);
    minimatch_clone(&dst->match, &src->match);
    return dst;
}

void
sg_flow_free(struct sg_flow *flow)
{
    if (flow) {
        minimatch_destroy(&flow->match);
        free(flow->ofpacts);
        free(flow);
    }
}

/* Compares what the switch gets to see.  The same action has several forms
 * (`load:1->reg0' and `set_field:1->reg0'), of which the switch gives back
 * only one. */
static bool
actions_equal_on_the_wire(const struct sg_flow *a, const struct sg_flow *b)
{
    uint64_t stub_a[512 / 8], stub_b[512 / 8];
    struct ofpbuf wire_a, wire_b;
    bool equal;

    ofpbuf_use_stub(&wire_a, stub_a, sizeof stub_a);
    ofpbuf_use_stub(&wire_b, stub_b, sizeof stub_b);
    ofpacts_put_openflow_instructions(a->ofpacts, a->ofpacts_len, &wire_a,
                                      OFP15_VERSION);
    ofpacts_put_openflow_instructions(b->ofpacts, b->ofpacts_len, &wire_b,
                                      OFP15_VERSION);
    equal = ofpbuf_equal(&wire_a, &wire_b);
    ofpbuf_uninit(&wire_a);
    ofpbuf_uninit(&wire_b);
    return equal;
}

bool
sg_flow_same(const struct sg_flow *a, const struct sg_flow *b)
{
    /* The bytes are equal nearly always, and much faster to compare. */
    return a->cookie == b->cookie
           && (ofpacts_equal(a->ofpacts, a->ofpacts_len,
                             b->ofpacts, b->ofpacts_len)
               || actions_equal_on_the_wire(a, b));
}

void
sg_flows_init(struct sg_flows *flows)
{
    hmap_init(&flows->flows);
}

void
sg_flows_clear(struct sg_flows *flows)
{
    struct sg_flow *flow;

    HMAP_FOR_EACH_POP (flow, node, &flows->flows) {
        sg_flow_free(flow);
    }
}

void
sg_flows_destroy(struct sg_flows *flows)
{
    if (flows) {
        sg_flows_clear(flows);
        hmap_destroy(&flows->flows);
    }
}

size_t
sg_flows_count(const struct sg_flows *flows)
{
    return hmap_count(&flows->flows);
}

struct sg_flow *
sg_flows_find(const struct sg_flows *flows, const struct sg_flow *identity)
{
    struct sg_flow *flow;

    HMAP_FOR_EACH_WITH_HASH (flow, node, identity->node.hash, &flows->flows) {
        if (flow->table_id == identity->table_id
            && flow->priority == identity->priority
            && minimatch_equal(&flow->match, &identity->match)) {
            return flow;
        }
    }
    return NULL;
}

bool
sg_flows_insert(struct sg_flows *flows, struct sg_flow *flow)
{
    struct sg_flow *old = sg_flows_find(flows, flow);

    if (old) {
        sg_flows_remove(flows, old);
    }
    hmap_insert(&flows->flows, &flow->node, flow->node.hash);
    return !old;
}

bool
sg_flows_add(struct sg_flows *flows, uint8_t table_id, uint16_t priority,
             uint64_t cookie, const struct match *match,
             const struct ofpact *ofpacts, size_t ofpacts_len)
{
    return sg_flows_insert(flows, sg_flow_create(table_id, priority, cookie,
                                                 match, ofpacts,
                                                 ofpacts_len));
}

void
sg_flows_put(struct sg_flows *flows, const struct sg_flow *flow)
{
    sg_flows_insert(flows, sg_flow_clone(flow));
}

void
sg_flows_note(struct sg_flows *flows, const struct sg_flow *flow)
{
    if (!sg_flows_find(flows, flow)) {
        struct sg_flow *note = xzalloc(sizeof *note);

        note->priority = flow->priority;
        note->table_id = flow->table_id;
        minimatch_clone(&note->match, &flow->match);
        hmap_insert(&flows->flows, &note->node, flow->node.hash);
    }
}

void
sg_flows_remove(struct sg_flows *flows, struct sg_flow *flow)
{
    hmap_remove(&flows->flows, &flow->node);
    sg_flow_free(flow);
}

void
sg_changes_init(struct sg_changes *changes)
{
    *changes = (struct sg_changes) { .list = NULL };
}

void
sg_changes_destroy(struct sg_changes *changes)
{
    if (changes) {
        free(changes->list);
        sg_changes_init(changes);
    }
}

static void
append_change(struct sg_changes *changes, const struct sg_flow *old,
              const struct sg_flow *new)
{
    if (changes->n >= changes->allocated) {
        changes->list = x2nrealloc(changes->list, &changes->allocated,
                                   sizeof *changes->list);
    }
    changes->list[changes->n++] = (struct sg_change) { old, new };
}

void
sg_flows_diff(const struct sg_flows *installed, const struct sg_flows *desired,
              struct sg_changes *changes)
{
    const struct sg_flow *flow;

    HMAP_FOR_EACH (flow, node, &installed->flows) {
        if (!sg_flows_find(desired, flow)) {
            append_change(changes, flow, NULL);
        }
    }
    HMAP_FOR_EACH (flow, node, &desired->flows) {
        const struct sg_flow *old = sg_flows_find(installed, flow);

        /* Two units may want the same flow for a moment, as when a port
         * number has a new owner and the row of the old one is still there:
         * the one that is found is what is wanted. */
        if ((!old || !sg_flow_same(old, flow))
            && sg_flows_find(desired, flow) == flow) {
            append_change(changes, old, flow);
        }
    }
}

void
sg_flows_diff_touched(const struct sg_flows *installed,
                      const struct sg_flows *desired,
                      const struct sg_flows *touched,
                      struct sg_changes *changes)
{
    const struct sg_flow *flow;

    HMAP_FOR_EACH (flow, node, &touched->flows) {
        const struct sg_flow *old = sg_flows_find(installed, flow);
        const struct sg_flow *new = sg_flows_find(desired, flow);

        if (old && new ? !sg_flow_same(old, new) : old || new) {
            append_change(changes, old, new);
        }
    }
}

void
sg_flow_format(const struct sg_flow *flow, struct ds *s)
{
    struct ofputil_flow_stats fs = {
        .cookie = htonll(flow->cookie),
        .table_id = flow->table_id,
        .priority = flow->priority,
        .ofpacts = flow->ofpacts,
        .ofpacts_len = flow->ofpacts_len,
    };

    minimatch_expand(&flow->match, &fs.match);
    ofputil_flow_stats_format(s, &fs, NULL, NULL, false);
}

/* A flow and its text, for sorting. */
struct line {
    const struct sg_flow *flow;
    char *text;
};

static int
compare_lines(const void *a_, const void *b_)
{
    const struct line *a = a_;
    const struct line *b = b_;

    if (a->flow->table_id != b->flow->table_id) {
        return a->flow->table_id < b->flow->table_id ? -1 : 1;
    }
    if (a->flow->priority != b->flow->priority) {
        return a->flow->priority > b->flow->priority ? -1 : 1;
    }
    return strcmp(a->text, b->text);
}

void
sg_flows_format(const struct sg_flows *flows, struct ds *s)
{
    size_t n = sg_flows_count(flows);
    struct line *lines = xmalloc(n * sizeof *lines);
    const struct sg_flow *flow;
    size_t i = 0;

    HMAP_FOR_EACH (flow, node, &flows->flows) {
        struct ds text = DS_EMPTY_INITIALIZER;

        sg_flow_format(flow, &text);
        lines[i++] = (struct line) { flow, ds_steal_cstr(&text) };
    }
    qsort(lines, n, sizeof *lines, compare_lines);
    for (i = 0; i < n; i++) {
        ds_put_format(s, "%s\n", lines[i].text);
        free(lines[i].text);
    }
    free(lines);
}
