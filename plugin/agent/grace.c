/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/core-private.h"

#include "openvswitch/poll-loop.h"
#include "timeval.h"
#include "util.h"

static void
grace_add(struct sg_core_bridge *b, uint16_t zone, long long int until)
{
    for (size_t i = 0; i < b->n_graces; i++) {
        if (b->graces[i].zone == zone) {
            b->graces[i].until = until;
            return;
        }
    }
    if (b->n_graces >= b->allocated_graces) {
        b->graces = x2nrealloc(b->graces, &b->allocated_graces,
                               sizeof *b->graces);
    }
    b->graces[b->n_graces++] = (struct sg_grace) { zone, until };
}

/* Drops those that have ended, and those of endpoints that have gone. */
static void
graces_prune(struct sg_core_bridge *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n_graces; i++) {
        if (sg_plan_endpoint(b->plan, b->graces[i].zone)
            && time_msec() < b->graces[i].until) {
            b->graces[n++] = b->graces[i];
        }
    }
    b->n_graces = n;
}

struct grace_zones {
    struct sg_core_bridge *b;
    long long int until;
};

static void
grace_add_fresh(uint16_t zone, void *grace_)
{
    struct grace_zones *grace = grace_;

    if (sg_plan_endpoint(grace->b->plan, zone)) {
        grace_add(grace->b, zone, grace->until);
    }
}

void
sg_core_grace_begin(struct sg_core *core, struct sg_core_bridge *b)
{
    long long int until = time_msec() + core->midstream_grace * 1000LL;

    struct grace_zones aux = { b, until };
    const struct sg_plan_endpoint *ep;

    if (core->midstream_grace > 0) {
        sg_compiler_fresh_zones(core->compiler, grace_add_fresh, &aux);
    }
    if (core->midstream_grace > 0 && b->emptied) {
        HMAP_FOR_EACH (ep, node, &b->plan->endpoints) {
            grace_add(b, ep->zone, until);
        }
    }
    b->emptied = false;
    graces_prune(b);
}

void
sg_core_grace_emit(struct sg_core_bridge *b)
{
    struct sg_flows *touched = sg_core_bridge_touched(b);
    struct sg_slice slice = SG_SLICE_WHOLE;
    struct sg_units units;

    if (!b->n_graces && !b->grace_unit.flows) {
        return;
    }
    sg_units_init(&units);
    sg_unit_touch(&units, &b->grace_unit);
    sg_units_withdraw(&units, &b->desired, touched, &slice);
    sg_units_pop(&units);
    for (size_t i = 0; i < b->n_graces; i++) {
        sg_emit_midstream(&b->grace_unit, &b->desired, touched,
                          &b->graces[i].zone, 1);
    }
}

static long long int
first_end(const struct sg_core *core)
{
    const struct shash_node *node;
    long long int end = LLONG_MAX;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        for (size_t i = 0; i < b->n_graces; i++) {
            end = MIN(end, b->graces[i].until);
        }
    }
    return end;
}

void
sg_core_grace_run(struct sg_core *core)
{
    core->dirty |= time_msec() >= first_end(core);
}

/* If a pass is due already, there is nothing to wake up for: it may have to
 * wait for the switch. */
void
sg_core_grace_wait(struct sg_core *core)
{
    long long int end = core->dirty ? LLONG_MAX : first_end(core);

    if (end != LLONG_MAX) {
        poll_timer_wait_until(end);
    }
}
