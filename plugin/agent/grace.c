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
        bool there = false;

        for (size_t j = 0; j < b->plan->n_endpoints; j++) {
            there |= b->plan->endpoints[j].zone == b->graces[i].zone;
        }
        if (there && time_msec() < b->graces[i].until) {
            b->graces[n++] = b->graces[i];
        }
    }
    b->n_graces = n;
}

void
sg_core_grace_begin(struct sg_core *core, struct sg_core_bridge *b)
{
    long long int until = time_msec() + core->midstream_grace * 1000LL;

    for (size_t i = 0; core->midstream_grace > 0 && i < b->plan->n_endpoints;
         i++) {
        uint16_t zone = b->plan->endpoints[i].zone;
        const struct sg_id *id = sg_ids_by_id(&core->compiler->zones, zone);

        if (b->emptied || (id && id->fresh)) {
            grace_add(b, zone, until);
        }
    }
    b->emptied = false;
    graces_prune(b);
}

void
sg_core_grace_emit(const struct sg_core_bridge *b, struct sg_flows *flows)
{
    for (size_t i = 0; i < b->n_graces; i++) {
        sg_emit_midstream(flows, &b->graces[i].zone, 1);
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

void
sg_core_grace_wait(struct sg_core *core)
{
    long long int end = first_end(core);

    if (end != LLONG_MAX) {
        poll_timer_wait_until(end);
    }
}
