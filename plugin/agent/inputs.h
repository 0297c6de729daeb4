/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_AGENT_INPUTS_H
#define SG_AGENT_INPUTS_H 1

/* What the first table admits
 * ===========================
 *
 * A guarded port is active once the switch has confirmed the flows of the
 * first table that let its frames in, and what an earlier agent let in tells
 * who was guarded and who was trusted.  This is a map of these flows by port
 * number.  It is read once from all installed flows, and then follows the
 * changes that we commit, each in a constant time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"

struct sg_changes;
struct sg_flow;

/* A port number that the first table lets in. */
struct sg_input {
    struct hmap_node node;      /* In sg_inputs.inputs, by 'ofport'. */
    uint16_t ofport;
    uint16_t zone;              /* As whom; 0: it is trusted. */
    unsigned int n_flows;       /* That say so. */
};

/* A change of it that is on its way to the switch. */
struct sg_input_change {
    uint16_t ofport, zone;
    int delta;                  /* 1 or -1 flow. */
};

struct sg_inputs {
    struct hmap inputs;         /* struct sg_input. */
    struct sg_input_change *changes;    /* Of the bundle under way. */
    size_t n_changes, allocated_changes;
};

void sg_inputs_init(struct sg_inputs *);
void sg_inputs_destroy(struct sg_inputs *);
/* Forgets everything, changes under way too. */
void sg_inputs_clear(struct sg_inputs *);
/* Takes in an installed flow. */
void sg_inputs_read(struct sg_inputs *, const struct sg_flow *);

/* 'changes' are being committed; now they are in force, or were refused.  The
 * second calls 'cb' with each port number and zone that they were about. */
void sg_inputs_commit(struct sg_inputs *, const struct sg_changes *);
void sg_inputs_committed(struct sg_inputs *,
                         void (*cb)(uint16_t ofport, uint16_t zone,
                                    void *aux), void *aux);
void sg_inputs_refused(struct sg_inputs *);

/* Is 'ofport' let in as 'zone' (0: as trusted); as anybody's zone? */
bool sg_inputs_have(const struct sg_inputs *, int64_t ofport, uint16_t zone);
bool sg_inputs_guard(const struct sg_inputs *, int64_t ofport);

#endif /* agent/inputs.h */
