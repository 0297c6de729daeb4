/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/unit.h"

#include "compile/flow.h"
#include "util.h"

void
sg_units_init(struct sg_units *units)
{
    ovs_list_init(&units->dirty);
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

static void
withdraw(struct sg_flow *flow, struct sg_flows *desired,
         struct sg_flows *touched)
{
    while (flow) {
        struct sg_flow *next = flow->sibling;

        flow->sibling = NULL;
        hmap_remove(&desired->flows, &flow->node);
        if (touched && !sg_flows_find(touched, flow)) {
            hmap_insert(&touched->flows, &flow->node, flow->node.hash);
        } else {
            sg_flow_free(flow);
        }
        flow = next;
    }
}

void
sg_units_withdraw(struct sg_units *units, struct sg_flows *desired,
                  struct sg_flows *touched)
{
    struct sg_unit *unit;

    withdraw(units->dropped, desired, touched);
    units->dropped = NULL;
    LIST_FOR_EACH (unit, node, &units->dirty) {
        withdraw(unit->flows, desired, touched);
        unit->flows = NULL;
    }
}

struct sg_unit *
sg_units_pop(struct sg_units *units)
{
    struct sg_unit *unit = NULL;

    if (!ovs_list_is_empty(&units->dirty)) {
        unit = CONTAINER_OF(ovs_list_pop_front(&units->dirty),
                            struct sg_unit, node);
        ovs_list_init(&unit->node);
    }
    return unit;
}
