/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/switch-private.h"

#include <inttypes.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"

VLOG_DEFINE_THIS_MODULE(sg_foreign);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

void
sg_foreign_init(struct sg_foreign *foreign)
{
    *foreign = (struct sg_foreign) { .n_table0 = 0 };
    sg_flows_init(&foreign->flows);
}

void
sg_foreign_destroy(struct sg_foreign *foreign)
{
    sg_flows_destroy(&foreign->flows);
}

bool
sg_foreign_matters(const struct sg_switch *s, uint8_t table_id)
{
    return table_id == 0 || s->is_our_table(table_id);
}

static bool
bypasses(const struct sg_switch *s, const struct sg_flow *flow)
{
    return flow->table_id == 0 && flow->priority >= s->lowest_priority;
}

static void
count(struct sg_switch *s, const struct sg_flow *flow, int n)
{
    s->foreign.n_table0 += flow->table_id == 0 ? n : 0;
    s->foreign.n_bypassing += bypasses(s, flow) ? n : 0;
}

static void
warn(const struct sg_switch *s, const struct sg_flow *flow)
{
    if ((flow->table_id == 0 && !bypasses(s, flow)) || VLOG_DROP_WARN(&rl)) {
        return;
    }

    struct ds text = DS_EMPTY_INITIALIZER;

    sg_flow_format(flow, &text);
    if (flow->table_id == 0) {
        VLOG_WARN("%s: flow \"%s\" of somebody else in table 0 wins over ours "
                  "(priority %"PRIu16" and up): packets that it matches "
                  "bypass the security groups",
                  s->bridge, ds_cstr(&text), s->lowest_priority);
    } else {
        VLOG_WARN("%s: flow \"%s\" of somebody else is in table %"PRIu8", "
                  "which belongs to the security groups: it may change what "
                  "they let pass; move it to another table",
                  s->bridge, ds_cstr(&text), flow->table_id);
    }
    ds_destroy(&text);
}

/* Takes 'flow', a flow of somebody else that is in the switch now.  'quiet' if
 * the log says enough about it already. */
void
sg_foreign_put(struct sg_switch *s, struct sg_flow *flow, bool quiet)
{
    const struct sg_flow *old = sg_flows_find(&s->foreign.flows, flow);

    if (!old) {
        count(s, flow, 1);
    }
    if (!quiet && (!old || !sg_flow_same(old, flow))) {
        warn(s, flow);
    }
    sg_flows_insert(&s->foreign.flows, flow);
}

/* Forgets the flow of somebody else that is like 'identity', if any. */
bool
sg_foreign_remove(struct sg_switch *s, const struct sg_flow *identity)
{
    struct sg_flow *flow = sg_flows_find(&s->foreign.flows, identity);

    if (flow) {
        count(s, flow, -1);
        sg_flows_remove(&s->foreign.flows, flow);
    }
    return flow != NULL;
}

/* The foreign flows were read anew: 'new', which the function empties.  Only
 * those that were not there before are worth a word in the log. */
void
sg_foreign_replace(struct sg_switch *s, struct sg_flows *new)
{
    const struct sg_flow *flow;

    s->foreign.n_table0 = s->foreign.n_bypassing = 0;
    HMAP_FOR_EACH (flow, node, &new->flows) {
        const struct sg_flow *old = sg_flows_find(&s->foreign.flows, flow);

        count(s, flow, 1);
        if (!old || !sg_flow_same(old, flow)) {
            warn(s, flow);
        }
    }
    hmap_swap(&s->foreign.flows.flows, &new->flows);
    sg_flows_clear(new);
}
