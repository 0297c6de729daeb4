/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/flow.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "compile/slice.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "util.h"

/* A flow is a block for the structure and, shared by all its copies, one for
 * the match and one for the actions, each of its exact size. */

struct sg_flow_body {
    unsigned int ref_count;
    uint64_t ofpacts[];         /* Aligned for struct ofpact. */
};

static uint32_t
flow_hash(const struct sg_flow *flow)
{
    return minimatch_hash(&flow->match,
                          hash_2words(flow->table_id, flow->priority));
}

static void
set_actions(struct sg_flow *flow, const struct ofpact *ofpacts, size_t len)
{
    flow->body = xmalloc(sizeof *flow->body + len);
    flow->body->ref_count = 1;
    flow->ofpacts = (const struct ofpact *) flow->body->ofpacts;
    flow->ofpacts_len = len;
    if (len) {
        memcpy(flow->body->ofpacts, ofpacts, len);
    }
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
    struct sg_flow *dst = xmemdup(src, sizeof *src);

    dst->node = (struct hmap_node) { .hash = src->node.hash };
    dst->sibling = NULL;
    dst->body->ref_count++;
    return dst;
}

static void
release_body(struct sg_flow *flow)
{
    if (!--flow->body->ref_count) {
        minimatch_destroy(&flow->match);
        free(flow->body);
    }
}

void
sg_flow_free(struct sg_flow *flow)
{
    if (flow) {
        release_body(flow);
        free(flow);
    }
}

void
sg_flow_share(struct sg_flow *flow, const struct sg_flow *other)
{
    /* The same on the wire may still be other bytes. */
    if (flow->body != other->body
        && flow->ofpacts_len == other->ofpacts_len
        && !memcmp(flow->ofpacts, other->ofpacts, flow->ofpacts_len)) {
        other->body->ref_count++;
        release_body(flow);
        flow->body = other->body;
        flow->match = other->match;
        flow->ofpacts = other->ofpacts;
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
           && (a->body == b->body
               || ofpacts_equal(a->ofpacts, a->ofpacts_len,
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
    hmap_shrink(&flows->flows); /* Who goes through it looks at all of it. */
}

/* What was discarded. */
struct discarded {
    struct ovs_list node;       /* In 'discarded'. */
    struct hmap flows;          /* What is left of it. */
};

static struct ovs_list discarded = OVS_LIST_INITIALIZER(&discarded);

void
sg_flows_discard(struct sg_flows *flows)
{
    if (sg_flows_count(flows)) {
        struct discarded *d = xmalloc(sizeof *d);

        hmap_init(&d->flows);
        hmap_swap(&d->flows, &flows->flows);
        ovs_list_push_back(&discarded, &d->node);
    }
}

/* False if the slice is over: it may still have been the last one. */
static bool
free_flows(struct discarded *d, struct sg_slice *slice)
{
    struct sg_flow *flow;

    HMAP_FOR_EACH_POP (flow, node, &d->flows) {
        sg_flow_free(flow);
        if (sg_slice_over(slice)) {
            return false;
        }
    }
    return true;
}

bool
sg_flows_free_discarded(struct sg_slice *slice)
{
    struct discarded *d;

    LIST_FOR_EACH_SAFE (d, node, &discarded) {
        if (!free_flows(d, slice)) {
            return false;
        }
        ovs_list_remove(&d->node);
        hmap_destroy(&d->flows);
        free(d);
    }
    return true;
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
        struct sg_flow *note = sg_flow_clone(flow);

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

/* 'flow' is installed, and goes if it is not desired. */
static void
diff_installed(struct sg_diff *diff, const struct sg_flow *flow,
               const struct sg_flows *desired)
{
    if (!sg_flows_find(desired, flow)) {
        append_change(&diff->changes, flow, NULL);
    }
}

/* 'flow' is desired, and comes if it is not installed.  Two units may want the
 * same flow for a moment, as when a port number has a new owner and the row of
 * the old one is still there: the one that is found is what is wanted. */
static void
diff_desired(struct sg_diff *diff, const struct sg_flow *flow,
             const struct sg_flows *installed, const struct sg_flows *desired)
{
    struct sg_flow *old = sg_flows_find(installed, flow);

    if (old && sg_flow_same(old, flow)) {
        sg_flow_share(old, flow);
    } else if (sg_flows_find(desired, flow) == flow) {
        append_change(&diff->changes, old, flow);
    }
}

static void
diff_touched(struct sg_diff *diff, const struct sg_flow *identity,
             const struct sg_flows *installed, const struct sg_flows *desired)
{
    const struct sg_flow *old = sg_flows_find(installed, identity);
    const struct sg_flow *new = sg_flows_find(desired, identity);

    if (old && new ? !sg_flow_same(old, new) : old || new) {
        append_change(&diff->changes, old, new);
    }
}

/* The next flow of 'flows'; NULL at their end, and for the next time at their
 * beginning. */
static const struct sg_flow *
next_flow(struct sg_diff *diff, const struct sg_flows *flows)
{
    struct hmap_node *node = hmap_at_position(&flows->flows, &diff->place);

    if (!node) {
        diff->place = (struct hmap_position) { .bucket = 0 };
        return NULL;
    }
    return CONTAINER_OF(node, struct sg_flow, node);
}

bool
sg_diff_run(struct sg_diff *diff, const struct sg_flows *installed,
            const struct sg_flows *desired, const struct sg_flows *touched,
            struct sg_slice *slice)
{
    while (!sg_slice_over(slice)) {
        const struct sg_flow *flow = next_flow(diff, touched ? touched
                                               : diff->have_old ? desired
                                               : installed);

        if (!flow && (touched || diff->have_old)) {
            return true;
        } else if (!flow) {
            diff->have_old = true;
        } else if (touched) {
            diff_touched(diff, flow, installed, desired);
        } else if (diff->have_old) {
            diff_desired(diff, flow, installed, desired);
        } else {
            diff_installed(diff, flow, desired);
        }
    }
    return false;
}

void
sg_diff_destroy(struct sg_diff *diff)
{
    sg_changes_destroy(&diff->changes);
    *diff = (struct sg_diff) { .have_old = false };
}

void
sg_flows_diff(const struct sg_flows *installed, const struct sg_flows *desired,
              struct sg_changes *changes)
{
    struct sg_slice slice = SG_SLICE_WHOLE;
    struct sg_diff diff = { .changes = *changes };

    sg_diff_run(&diff, installed, desired, NULL, &slice);
    *changes = diff.changes;
}

void
sg_flow_format(const struct sg_flow *flow, struct ds *s)
{
    struct ofputil_flow_stats fs = {
        .cookie = htonll(flow->cookie),
        .table_id = flow->table_id,
        .priority = flow->priority,
        .ofpacts = CONST_CAST(struct ofpact *, flow->ofpacts),
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
