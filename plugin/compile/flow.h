/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_FLOW_H
#define SG_COMPILE_FLOW_H 1

/* Flows and sets of flows, away from any switch
 * =============================================
 *
 * The compiler makes a `struct sg_flows', "desired"; the switch side reads
 * another one back from the switch, "installed".  What must be done is their
 * difference:
 *
 *      desired ---.
 *                  >--- sg_flows_diff() ---> adds, deletes ---> one bundle
 *      installed -'
 *
 * A flow is identified by table, priority and match.  Two flows with the same
 * identity are equal if their cookie and actions are equal, too.
 *
 * Identities are compared bit by bit, so each match is kept in the form in
 * which a switch gives it back: fields without their prerequisites dropped,
 * the Ethernet packet type added where a field of the frame is matched. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/match.h"

struct ds;
struct ofpact;
struct sg_flow_body;
struct sg_slice;

/* Cookies: CONTRACT section 4, point 7 fixes the top 16 bits.  Below them
 * come 4 bits of kind (enum sg_cookie_kind in pipeline.h) and 44 bits of the
 * identity of what the flow was made for. */
#define SG_COOKIE_MAGIC  UINT64_C(0x5347000000000000)
#define SG_COOKIE_MASK   UINT64_C(0xffff000000000000)

/* Match and actions, which are most of a flow, are shared by its copies in the
 * sets of desired and installed flows and in a bundle, and never change. */
struct sg_flow {
    struct hmap_node node;      /* In sg_flows.flows; the hash of the identity
                                 * is there also while it is in no set. */
    uint64_t cookie;
    uint16_t priority;
    uint8_t table_id;
    uint32_t ofpacts_len;       /* Bytes. */
    const struct ofpact *ofpacts;   /* In 'body'. */
    struct sg_flow *sibling;    /* Of the same unit (unit.h), or NULL. */
    struct minimatch match;     /* The body's. */
    struct sg_flow_body *body;  /* Counts who shares it. */
};

struct sg_flows {
    struct hmap flows;          /* struct sg_flow. */
};

void sg_flows_init(struct sg_flows *);
void sg_flows_clear(struct sg_flows *);
void sg_flows_destroy(struct sg_flows *);
size_t sg_flows_count(const struct sg_flows *);
/* Leaves 'flows' empty at once.  What was in it is freed by calls of the
 * second, in slices (slice.h); that returns true when all of it is.  For the
 * main thread, which has one heap of these for all sets. */
void sg_flows_discard(struct sg_flows *flows);
bool sg_flows_free_discarded(struct sg_slice *);

/* Adds a flow, copying 'match' (in its canonical form) and 'ofpacts'.  If
 * there is one with the same identity it is replaced and the function returns
 * false: for the compiler that is a bug, which a test can see. */
bool sg_flows_add(struct sg_flows *, uint8_t table_id, uint16_t priority,
                  uint64_t cookie, const struct match *,
                  const struct ofpact *, size_t ofpacts_len);
struct sg_flow *sg_flows_find(const struct sg_flows *,
                              const struct sg_flow *identity);
void sg_flows_remove(struct sg_flows *, struct sg_flow *);  /* Frees it. */
/* Takes a copy of 'flow', replacing one of the same identity. */
void sg_flows_put(struct sg_flows *, const struct sg_flow *);
/* Makes sure that the identity of 'flow' is there. */
void sg_flows_note(struct sg_flows *, const struct sg_flow *flow);
/* Takes 'flow' itself; else as sg_flows_add(). */
bool sg_flows_insert(struct sg_flows *, struct sg_flow *flow);
/* A flow that is in no set yet. */
struct sg_flow *sg_flow_create(uint8_t table_id, uint16_t priority,
                               uint64_t cookie, const struct match *,
                               const struct ofpact *, size_t ofpacts_len);
struct sg_flow *sg_flow_clone(const struct sg_flow *);
/* 'flow' is the same as 'other', which sg_flow_same() has said: it shares what
 * that has. */
void sg_flow_share(struct sg_flow *flow, const struct sg_flow *other);
void sg_flow_free(struct sg_flow *);
/* Same cookie and actions (the identities are taken to be equal). */
bool sg_flow_same(const struct sg_flow *, const struct sg_flow *);

/* One change of the installed flows.  The pointers are into the two sets
 * that were compared. */
struct sg_change {
    const struct sg_flow *old;  /* NULL: a new flow. */
    const struct sg_flow *new;  /* NULL: a flow to delete. */
};

struct sg_changes {
    struct sg_change *list;
    size_t n, allocated;
};

void sg_changes_init(struct sg_changes *);
void sg_changes_destroy(struct sg_changes *);
void sg_flows_diff(const struct sg_flows *installed,
                   const struct sg_flows *desired, struct sg_changes *);
/* The same in slices (slice.h): begins all zeros, and is at its end once that
 * returns true.  The two differ at most in the identities in 'touched'; NULL:
 * anywhere.  Meanwhile no set may change. */
struct sg_diff {
    struct sg_changes changes;  /* So far. */
    bool have_old;              /* All of 'installed' was looked at. */
    struct hmap_position place; /* Where to go on. */
};
bool sg_diff_run(struct sg_diff *, const struct sg_flows *installed,
                 const struct sg_flows *desired,
                 const struct sg_flows *touched, struct sg_slice *);
void sg_diff_destroy(struct sg_diff *);     /* Leaves all zeros. */

/* "cookie=0x5347..., table=0, priority=..,in_port=1 actions=..." as
 * `ovs-ofctl dump-flows --no-stats' prints it, without a line feed. */
void sg_flow_format(const struct sg_flow *, struct ds *);
/* All flows, sorted by table, descending priority and text, a line each. */
void sg_flows_format(const struct sg_flows *, struct ds *);

#endif /* compile/flow.h */
