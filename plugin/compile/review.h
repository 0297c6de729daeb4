/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_REVIEW_H
#define SG_COMPILE_REVIEW_H 1

/* Revocation: established connections that must be judged again
 * =============================================================
 *
 * Established packets pass without any rule (table EG_CT, IN_CT).  When a
 * change takes something away, flows at priority 110 there send the packets
 * concerned through the rules once more: what another rule still allows gets
 * that rule's number and goes on without loss, the rest gets the cut bit.
 *
 * What to review is derived from the difference of the installed flows and
 * the desired ones, not from the policies, so that an agent that was killed
 * in the middle, or was not there when the policy changed, does the same:
 *
 *   an L4 flow goes, its number with it, and the policy
 *   says no such thing any more                  -> the number
 *   an address leaves a class for one with less  -> network, address
 *   a port's profile is not a superset           -> zone of the port
 *   a port's own address goes                    -> zone, address: cut
 *
 * Reviews live in the switch as flows and are recovered from there.  They end
 * when the connection table holds nothing that needs them (agent/revoke.c).
 */

#include <stdbool.h>
#include <stdint.h>

#include "compile/unit.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "policy/prefix.h"

struct sg_changes;
struct sg_flow;
struct sg_flows;
struct sg_noting;
struct sg_plan;
struct sg_slice;

enum sg_review_kind {
    SG_REVIEW_NUMBER,           /* Connections that carry 'value'. */
    SG_REVIEW_ADDRESS,          /* With remote 'prefix' in network 'value'. */
    SG_REVIEW_ZONE,             /* All of zone 'value'. */
    SG_REVIEW_OWN               /* Of zone 'value' with own 'prefix'. */
};

struct sg_review {
    struct hmap_node node;      /* In sg_reviews.reviews. */
    struct ovs_list in_order;   /* In sg_reviews.in_order. */
    enum sg_review_kind kind;
    uint32_t value;
    struct sg_prefix prefix;    /* All zeros if the kind has none. */
    long long int since;        /* time_msec() of the last reason. */
    long long int needed;       /* For whoever ends it. */
    struct sg_unit unit;        /* Its flows. */
};

struct sg_reviews {
    struct hmap reviews;        /* struct sg_review. */
    struct ovs_list in_order;   /* The same. */
    size_t n_own;               /* Of kind SG_REVIEW_OWN. */
    size_t lengths[129];        /* How many prefixes there are of each. */
    struct sg_units units;      /* Those whose flows are to be made. */
};

void sg_reviews_init(struct sg_reviews *);
void sg_reviews_destroy(struct sg_reviews *);
/* Their flows are gone with the desired set, or soon will be. */
void sg_reviews_clear(struct sg_reviews *);
/* A reason for a review, at 'now' (time_msec()); the prefix is NULL for a kind
 * that has none.  False if there is such a review already, which has a new
 * reason then. */
bool sg_reviews_add(struct sg_reviews *, enum sg_review_kind, uint32_t value,
                    const struct sg_prefix *, long long int now);
/* Frees the review; its flows go with sg_reviews_emit_changes(). */
void sg_reviews_remove(struct sg_reviews *, struct sg_review *);
/* NULL if there is none; 'prefix' NULL as above. */
struct sg_review *sg_reviews_find(const struct sg_reviews *,
                                  enum sg_review_kind, uint32_t value,
                                  const struct sg_prefix *prefix);
/* Goes through those whose prefix contains 'host': '*plen' begins as -1; NULL
 * at the end. */
struct sg_review *sg_reviews_next_around(const struct sg_reviews *,
                                         enum sg_review_kind, uint32_t value,
                                         const struct sg_prefix *host,
                                         int *plen);

/* Takes over the reviews that 'installed' flows stand for. */
void sg_reviews_recover(struct sg_reviews *, const struct sg_flows *installed,
                        long long int now);
void sg_reviews_recover_flow(struct sg_reviews *, const struct sg_flow *,
                             long long int now);

/* Adds what 'changes', from installed to what 'plan' wants, must bring under
 * review. */
void sg_reviews_note(struct sg_reviews *, struct sg_plan *plan,
                     const struct sg_changes *changes, long long int now);
/* The same in two parts.  First, what is the guest's own again needs no review
 * any more, which needs no changes; then these, in slices (slice.h). */
void sg_reviews_forget_own(struct sg_reviews *, struct sg_plan *plan,
                           long long int now);
struct sg_noting *sg_noting_begin(struct sg_reviews *, struct sg_plan *,
                                  long long int now);
bool sg_noting_run(struct sg_noting *, const struct sg_changes *,
                   struct sg_slice *);
void sg_noting_end(struct sg_noting *);         /* NULL is fine. */

/* Adds the flows of all reviews. */
void sg_reviews_emit(const struct sg_reviews *, struct sg_flows *);
/* Are there any that began or ended since their flows were brought up to
 * date? */
bool sg_reviews_have_changed(const struct sg_reviews *);
/* Brings their flows into 'desired', or takes them out of it (unit.h).  False
 * if it is to be called again (slice.h). */
bool sg_reviews_emit_changes(struct sg_reviews *, struct sg_flows *desired,
                             struct sg_flows *touched, struct sg_slice *);
/* The desired set was emptied: all flows are to be made again. */
void sg_reviews_emit_again(struct sg_reviews *);

#endif /* compile/review.h */
