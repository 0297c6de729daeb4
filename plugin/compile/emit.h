/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_EMIT_H
#define SG_COMPILE_EMIT_H 1

/* Building flows: the words that the emit-*.c files are written in.
 *
 * A flow is built in the emitter's scratch match and actions and added:
 *
 *     emit_begin(e);
 *     emit_match_reg(e, SG_R_SRC, zone);
 *     match_set_dl_src(&e->match, mac);
 *     emit_resubmit(e, SG_T_SPOOF_L3);
 *     emit_flow(e, SG_T_SPOOF_L2, 100, cookie);
 *
 * Everything is brought into the form in which the switch gives it back, so
 * that desired and installed flows can be compared byte by byte. */

#include <stdbool.h>
#include <stdint.h>

#include "compile/pipeline.h"
#include "openvswitch/match.h"
#include "openvswitch/ofpbuf.h"
#include "policy/policy.h"
#include "policy/prefix.h"

struct sg_address;
struct sg_cell;
struct sg_flows;
struct sg_fragment;
struct sg_id;
struct sg_plan;
struct sg_plan_endpoint;
struct sg_plan_flood;
struct sg_plan_network;
struct sg_plan_owners;
struct sg_plan_profile;
struct sg_plan_vlan;
struct sg_port;
struct sg_flow;
struct sg_unit;

struct emitter {
    struct sg_flows *flows;     /* Where they go. */
    struct sg_flows *touched;   /* Where their identities go, or NULL. */
    struct sg_unit *unit;       /* Whose they are; NULL: nobody's (unit.h). */
    const struct sg_id *multicast;  /* The plan's zone of multicast. */
    uint16_t waiting_zone;      /* The compiler's. */
    struct match match;         /* Scratch. */
    struct ofpbuf actions;      /* Scratch: ofpacts. */
    struct ofpbuf back;         /* Scratch: they, as a message brings them. */
};

/* rows.c */
struct sg_flow *emit_from_row(const struct emitter *, uint8_t table_id,
                              uint16_t priority, uint64_t cookie);
void emit_note_row(const struct emitter *, const struct sg_flow *);

void emit_init(struct emitter *, struct sg_flows *);
void emit_destroy(struct emitter *);

void emit_begin(struct emitter *);
void emit_flow(struct emitter *, uint8_t table, uint16_t priority,
               uint64_t cookie);

/* VLANs in the form of SG_R_VLAN: with this bit, or 0 for "none". */
#define EMIT_VLAN_PRESENT 0x1000
uint16_t emit_vlan_of(uint16_t vlan);

/* Matches. */
void emit_match_reg(struct emitter *, enum sg_register, uint32_t value);
void emit_match_in_port(struct emitter *, int64_t ofport);
/* 'vlan' in the form of SG_R_VLAN; 0 matches frames without a tag. */
void emit_match_vlan(struct emitter *, uint16_t vlan);
/* Source or destination; sets the Ethernet type, too. */
void emit_match_ip_src(struct emitter *, const struct sg_prefix *);
void emit_match_ip_dst(struct emitter *, const struct sg_prefix *);
void emit_match_mark(struct emitter *, uint32_t value, uint32_t mask);

/* Actions. */
void emit_load(struct emitter *, enum sg_register, uint32_t value);
void emit_set_bits(struct emitter *, enum sg_register, uint32_t bits);
void emit_move(struct emitter *, enum sg_register from, enum sg_register to);
void emit_resubmit(struct emitter *, uint8_t table);
void emit_output(struct emitter *, int64_t ofport);
void emit_load_tci(struct emitter *, uint16_t tci);
/* Sends the frame to the agent, too. */
void emit_show(struct emitter *);
/* A note that nobody executes: two identities, for recovery. */
void emit_note(struct emitter *, uint64_t first, uint64_t second);

/* The parts, each for all of the plan; and for one unit of it. */
void sg_emit_static(struct emitter *);                      /* static.c */
void sg_emit_static_trusted(struct emitter *);
void sg_emit_trusted(struct emitter *, const struct sg_plan *); /* trusted.c */
void sg_emit_trusted_port(struct emitter *, const struct sg_port *);
void sg_emit_endpoints(struct emitter *, const struct sg_plan *);
void sg_emit_endpoint(struct emitter *, const struct sg_plan_endpoint *);
void sg_emit_network(struct emitter *, const struct sg_plan_network *);
void sg_emit_learning(struct emitter *, const struct sg_plan *);
void sg_emit_learner(struct emitter *, const struct sg_plan_endpoint *);
void sg_emit_learning_vlan(struct emitter *, const struct sg_plan_vlan *);
void sg_emit_rules(struct emitter *, const struct sg_plan *);
void sg_emit_profile(struct emitter *, const struct sg_plan_profile *,
                     enum sg_direction);
void sg_emit_address(struct emitter *, const struct sg_address *);
void sg_emit_cell(struct emitter *, const struct sg_cell *);
void sg_emit_fragment(struct emitter *, const struct sg_fragment *);
void sg_emit_floods(struct emitter *, const struct sg_plan *);
void sg_emit_vlan(struct emitter *, const struct sg_plan_vlan *);
void sg_emit_flood(struct emitter *, const struct sg_plan_flood *);
void sg_emit_judges(struct emitter *, const struct sg_plan_vlan *);
void sg_emit_owners(struct emitter *, const struct sg_plan_owners *);

#endif /* compile/emit.h */
