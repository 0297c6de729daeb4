/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/core-private.h"

#include "compile/compile.h"
#include "compile/flow.h"
#include "compile/review.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* What a plan made from nothing wants on 'b' now.  The numbers are those that
 * the plan in force holds. */
static void
desire_anew(const struct sg_core *core, const struct sg_core_bridge *b,
            struct sg_flows *flows)
{
    struct sg_plan *plan = sg_plan_create(core->compiler,
                                          core->loaded->policy, &core->ports,
                                          b->name);

    sg_plan_emit(plan, flows);
    sg_reviews_emit(&b->reviews, flows);
    for (size_t i = 0; i < b->n_graces; i++) {
        sg_emit_midstream(NULL, flows, NULL, &b->graces[i].zone, 1);
    }
    sg_plan_destroy(plan);
}

static void
format_change(const struct sg_core_bridge *b, const struct sg_change *change,
              struct ds *s)
{
    if (change->old) {
        ds_put_format(s, "%s: has   ", b->name);
        sg_flow_format(change->old, s);
        ds_put_char(s, '\n');
    }
    if (change->new) {
        ds_put_format(s, "%s: wants ", b->name);
        sg_flow_format(change->new, s);
        ds_put_char(s, '\n');
    }
}

static void
compare_bridge(const struct sg_core *core, const struct sg_core_bridge *b,
               struct ds *s)
{
    struct sg_changes changes;
    struct sg_flows flows;

    sg_flows_init(&flows);
    desire_anew(core, b, &flows);
    sg_changes_init(&changes);
    sg_flows_diff(&b->desired, &flows, &changes);
    for (size_t i = 0; i < changes.n; i++) {
        format_change(b, &changes.list[i], s);
    }
    sg_changes_destroy(&changes);
    sg_flows_destroy(&flows);
}

bool
sg_core_compare(struct sg_core *core, struct ds *s)
{
    const struct shash_node *node;

    /* A pass that is due knows of what is not in 'desired' yet: of reviews
     * that have just ended, say. */
    if (core->passing || core->dirty) {
        return false;
    }
    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        if (b->plan && b->holding == SG_HOLD_ALL) {
            compare_bridge(core, b, s);
        }
    }
    return true;
}
