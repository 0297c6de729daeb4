/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/unit.h"

#include "compile/flow.h"
#include "compile/slice.h"
#include "util.h"

void
sg_units_init(struct sg_units *units)
{
    ovs_list_init(&units->dirty);
    ovs_list_init(&units->bare);
    units->dropped = NULL;
}

void
sg_unit_init(struct sg_unit *unit, enum sg_unit_kind kind)
{
    ovs_list_init(&unit->node);
    unit->flows = NULL;
    unit->kind = kind;
}

void
sg_unit_touch(struct sg_units *units, struct sg_unit *unit)
{
    if (ovs_list_is_empty(&unit->node)) {
        ovs_list_push_back(&units->dirty, &unit->node);
    }
}

void
sg_unit_drop(struct sg_units *units, struct sg_unit *unit)
{
    ovs_list_remove(&unit->node);
    ovs_list_init(&unit->node);
    if (unit->flows) {
        struct sg_flow *last = unit->flows;

        while (last->sibling) {
            last = last->sibling;
        }
        last->sibling = units->dropped;
        units->dropped = unit->flows;
        unit->flows = NULL;
    }
}

/* Takes the first of the flows at '*list' out of 'desired'. */
static void
withdraw_first(struct sg_flow **list, struct sg_flows *desired,
               struct sg_flows *touched)
{
    struct sg_flow *flow = *list;

    *list = flow->sibling;
    flow->sibling = NULL;
    hmap_remove(&desired->flows, &flow->node);
    if (touched && !sg_flows_find(touched, flow)) {
        hmap_insert(&touched->flows, &flow->node, flow->node.hash);
    } else {
        sg_flow_free(flow);
    }
}

static bool
withdraw(struct sg_flow **list, struct sg_flows *desired,
         struct sg_flows *touched, struct sg_slice *slice)
{
    while (*list) {
        if (sg_slice_over(slice)) {
            return false;
        }
        withdraw_first(list, desired, touched);
    }
    return true;
}

bool
sg_units_withdraw(struct sg_units *units, struct sg_flows *desired,
                  struct sg_flows *touched, struct sg_slice *slice)
{
    struct sg_unit *unit;

    if (!withdraw(&units->dropped, desired, touched, slice)) {
        return false;
    }
    LIST_FOR_EACH_SAFE (unit, node, &units->dirty) {
        if (sg_slice_over(slice)
            || !withdraw(&unit->flows, desired, touched, slice)) {
            return false;
        }
        ovs_list_remove(&unit->node);
        ovs_list_push_back(&units->bare, &unit->node);
    }
    return true;
}

bool
sg_units_are_settled(const struct sg_units *units)
{
    return (!units->dropped && ovs_list_is_empty(&units->dirty)
            && ovs_list_is_empty(&units->bare));
}

struct sg_unit *
sg_units_pop(struct sg_units *units)
{
    struct sg_unit *unit = NULL;

    if (!ovs_list_is_empty(&units->bare)) {
        unit = CONTAINER_OF(ovs_list_pop_front(&units->bare),
                            struct sg_unit, node);
        ovs_list_init(&unit->node);
    }
    return unit;
}
