/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/inputs.h"

#include "compile/flow.h"
#include "compile/pipeline.h"
#include "compile/read.h"
#include "coverage.h"
#include "hash.h"
#include "lib/flow.h"
#include "util.h"

COVERAGE_DEFINE(sg_input_read);

void
sg_inputs_init(struct sg_inputs *in)
{
    *in = (struct sg_inputs) { .changes = NULL };
    hmap_init(&in->inputs);
}

void
sg_inputs_clear(struct sg_inputs *in)
{
    struct sg_input *input;

    HMAP_FOR_EACH_POP (input, node, &in->inputs) {
        free(input);
    }
    in->n_changes = 0;
}

void
sg_inputs_destroy(struct sg_inputs *in)
{
    if (in) {
        sg_inputs_clear(in);
        hmap_destroy(&in->inputs);
        free(in->changes);
    }
}

static struct sg_input *
find_input(const struct sg_inputs *in, uint16_t ofport, uint16_t zone)
{
    struct sg_input *input;

    HMAP_FOR_EACH_WITH_HASH (input, node, hash_int(ofport, 0), &in->inputs) {
        if (input->ofport == ofport && input->zone == zone) {
            return input;
        }
    }
    return NULL;
}

static void
count_input(struct sg_inputs *in, const struct sg_input_change *c)
{
    struct sg_input *input = find_input(in, c->ofport, c->zone);

    if (!input && c->delta > 0) {
        input = xzalloc(sizeof *input);
        input->ofport = c->ofport;
        input->zone = c->zone;
        hmap_insert(&in->inputs, &input->node, hash_int(c->ofport, 0));
    }
    if (input) {
        input->n_flows += c->delta;
        if (!input->n_flows) {
            hmap_remove(&in->inputs, &input->node);
            free(input);
        }
    }
}

/* Which port does 'flow' let in, and as whom?  False if it lets in none. */
static bool
parse_input(const struct sg_flow *flow, struct sg_input_change *c)
{
    enum sg_cookie_kind kind = sg_cookie_get_kind(flow->cookie);
    struct match match;
    uint32_t zone = 0;

    if (flow->table_id != SG_T_INPUT
        || !(kind == SG_COOKIE_TRUSTED
             || (kind == SG_COOKIE_PORT
                 && sg_flow_get_load(flow, SG_R_SRC, &zone)
                 && zone && zone <= UINT16_MAX))) {
        return false;
    }
    COVERAGE_INC(sg_input_read);
    minimatch_expand(&flow->match, &match);
    c->ofport = ofp_to_u16(match.flow.in_port.ofp_port);
    c->zone = zone;
    return true;
}

void
sg_inputs_read(struct sg_inputs *in, const struct sg_flow *flow)
{
    struct sg_input_change c = { .delta = 1 };

    if (parse_input(flow, &c)) {
        count_input(in, &c);
    }
}

static void
note_change(struct sg_inputs *in, const struct sg_flow *flow, int delta)
{
    struct sg_input_change c = { .delta = delta };

    if (flow && parse_input(flow, &c)) {
        if (in->n_changes >= in->allocated_changes) {
            in->changes = x2nrealloc(in->changes, &in->allocated_changes,
                                     sizeof *in->changes);
        }
        in->changes[in->n_changes++] = c;
    }
}

void
sg_inputs_commit(struct sg_inputs *in, const struct sg_changes *changes)
{
    in->n_changes = 0;
    for (size_t i = 0; i < changes->n; i++) {
        note_change(in, changes->list[i].old, -1);
        note_change(in, changes->list[i].new, 1);
    }
}

void
sg_inputs_committed(struct sg_inputs *in,
                    void (*cb)(uint16_t ofport, uint16_t zone, void *aux),
                    void *aux)
{
    for (size_t i = 0; i < in->n_changes; i++) {
        count_input(in, &in->changes[i]);
    }
    for (size_t i = 0; i < in->n_changes; i++) {
        cb(in->changes[i].ofport, in->changes[i].zone, aux);
    }
    in->n_changes = 0;
}

void
sg_inputs_refused(struct sg_inputs *in)
{
    in->n_changes = 0;
}

bool
sg_inputs_have(const struct sg_inputs *in, int64_t ofport, uint16_t zone)
{
    return (ofport != SG_OFPORT_NONE
            && find_input(in, ofport, zone) != NULL);
}

bool
sg_inputs_guard(const struct sg_inputs *in, int64_t ofport)
{
    const struct sg_input *input;

    HMAP_FOR_EACH_WITH_HASH (input, node, hash_int(ofport, 0), &in->inputs) {
        if (input->ofport == ofport && input->zone) {
            return true;
        }
    }
    return false;
}
