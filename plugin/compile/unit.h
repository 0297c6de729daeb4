/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_UNIT_H
#define SG_COMPILE_UNIT_H 1

/* Units: what flows are made for, and made again
 * ==============================================
 *
 * Everything in a plan that has flows of its own (an endpoint, an address, a
 * cell, a fragment, ...) has a `struct sg_unit', which knows these flows.
 *
 *   something changes  ->  sg_unit_touch()    its flows are to be made again
 *   something goes     ->  sg_unit_drop()     its flows are to go
 *
 * sg_units_withdraw() takes the flows of all such units out of the desired
 * set, then the emitter makes those of the touched ones (emit.h).  So what a
 * change costs is the flows of what it touches.
 *
 * The identities of all flows that were taken out or put in are collected in
 * a third set, "touched", so that desired and installed flows need to be
 * compared there only (sg_diff_run()).
 *
 * The flows belong to the desired set: whoever owns both the units and the
 * set destroys the units first. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/list.h"

struct sg_flow;
struct sg_flows;
struct sg_slice;

enum sg_unit_kind {
    SG_UNIT_STATIC,             /* struct sg_plan, .static_unit */
    SG_UNIT_TRUSTED,            /* struct sg_plan_port */
    SG_UNIT_ENDPOINT,           /* struct sg_plan_endpoint */
    SG_UNIT_NETWORK,            /* struct sg_plan_network */
    SG_UNIT_PROFILE,            /* struct sg_plan_profile */
    SG_UNIT_ADDRESS,            /* struct sg_address */
    SG_UNIT_CELL,               /* struct sg_cell */
    SG_UNIT_FRAGMENT,           /* struct sg_fragment */
    SG_UNIT_VLAN,               /* struct sg_plan_vlan, .unit */
    SG_UNIT_JUDGES,             /* struct sg_plan_vlan, .judges */
    SG_UNIT_FLOOD,              /* struct sg_plan_flood */
    SG_UNIT_OWNERS,             /* struct sg_plan_owners */
    SG_UNIT_REVIEW,             /* struct sg_review (review.h) */
    SG_UNIT_GRACE               /* struct sg_core_bridge */
};

struct sg_unit {
    struct ovs_list node;       /* In sg_units.dirty or .bare, or empty. */
    struct sg_flow *flows;      /* In the desired set; by sg_flow.sibling. */
    uint8_t kind;               /* enum sg_unit_kind. */
};

struct sg_units {
    struct ovs_list dirty;      /* struct sg_unit: touched. */
    struct ovs_list bare;       /* struct sg_unit: its flows are out. */
    struct sg_flow *dropped;    /* Of units that are gone; by .sibling. */
};

void sg_units_init(struct sg_units *);
void sg_unit_init(struct sg_unit *, enum sg_unit_kind);
void sg_unit_touch(struct sg_units *, struct sg_unit *);
void sg_unit_drop(struct sg_units *, struct sg_unit *);

/* Takes the flows of all touched and dropped units out of 'desired'; their
 * identities go to 'touched', unless that is NULL.  False if it is to be
 * called again (slice.h). */
bool sg_units_withdraw(struct sg_units *, struct sg_flows *desired,
                       struct sg_flows *touched, struct sg_slice *);
/* Is there nothing to take out or to make? */
bool sg_units_are_settled(const struct sg_units *);
/* The next unit whose flows are to be made, or NULL. */
struct sg_unit *sg_units_pop(struct sg_units *);

#endif /* compile/unit.h */
