/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_PLAN_PRIVATE_H
#define SG_COMPILE_PLAN_PRIVATE_H 1

/* The parts of a plan, in the order in which update.c runs them.
 *
 *   1. extents.c    what `members', lists and sets stand for
 *   2. groups.c     groups, fragments, peers of a new policy
 *   3. plan.c       ports and endpoints, and profiles: new ones first, so that
 *                   what they share with those that go stays
 *   4. extents.c    what changed goes to the addresses of who names it
 *   5. classify.c   peers that nobody names any more go; classes of addresses
 *                   that are stale; cells
 *
 * Everything that there may be tens of thousands of is done in slices, from
 * lists, or in order with a place that is kept (slice.h).
 *
 * floods.c keeps the lists of who gets broadcast and multicast. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/slice.h"
#include "policy/policy.h"

struct hmap_position;
struct sg_endpoint;
struct sg_net_peer;
struct sg_plan;
struct sg_plan_endpoint;
struct sg_plan_network;
struct sg_plan_peer;
struct sg_plan_port;
struct sg_plan_profile;
struct sg_port;
struct sg_prefix;
struct sg_sets;

/* plan.c */
struct sg_plan_port *sg_plan_port_create(struct sg_plan *,
                                         const struct sg_policy *,
                                         const struct sg_port *);
void sg_plan_port_destroy(struct sg_plan *, struct sg_plan_port *);
/* Do the endpoints have other profiles under 'policy'? */
bool sg_plan_profiles_differ(const struct sg_plan_port *,
                             const struct sg_policy *);
void sg_plan_forget_networks(struct sg_plan *);

/* extents.c */
void sg_extents_add_port(struct sg_plan *, const struct sg_port *);
void sg_extents_remove_port(struct sg_plan *, const struct sg_port *);
/* Note what differs.  The first comes first; both before the plan has the new
 * policy. */
void sg_extents_set_sets(struct sg_plan *, const struct sg_sets *);
void sg_extents_set_policy(struct sg_plan *, const struct sg_policy *);
/* Count what was noted. */
bool sg_extents_count(struct sg_plan *, struct sg_slice *);
/* Those who name an extent now claim what is in it. */
bool sg_extents_claim(struct sg_plan *, struct sg_slice *);
/* Tells those who name an extent of what has changed in it. */
bool sg_extents_settle(struct sg_plan *, struct sg_slice *);
void sg_extents_subscribe(struct sg_plan *, struct sg_net_peer *);
bool sg_extents_unsubscribe(struct sg_plan *, struct sg_net_peer *,
                            struct sg_slice *);
/* Takes out all of them. */
bool sg_extents_dismantle(struct sg_plan *, struct sg_slice *);

/* groups.c */
struct sg_plan_profile *sg_plan_get_profile(struct sg_plan *,
                                            const struct sg_port *,
                                            const struct sg_endpoint *,
                                            const struct sg_policy *);
void sg_plan_put_profile(struct sg_plan *, struct sg_plan_profile *);
char *sg_plan_profile_key(const struct sg_policy *, const struct sg_port *,
                          const struct sg_endpoint *);
/* The groups of 'policy' take the place of those of the old one, from 'place'
 * on. */
bool sg_plan_set_groups(struct sg_plan *, const struct sg_policy *,
                        struct hmap_position *place, struct sg_slice *);
struct sg_plan_peer *sg_plan_get_peer(struct sg_plan *, enum sg_direction,
                                      const struct sg_peer *);
void sg_plan_put_peer(struct sg_plan *, enum sg_direction,
                      struct sg_plan_peer *);

/* classify.c */
void sg_plan_enter_profile(struct sg_plan *, struct sg_plan_network *,
                           struct sg_plan_profile *);
void sg_plan_leave_profile(struct sg_plan *, struct sg_plan_network *,
                           struct sg_plan_profile *);
void sg_net_peer_get(struct sg_plan *, struct sg_plan_network *,
                     enum sg_direction, size_t peer);
void sg_net_peer_put(struct sg_plan *, struct sg_plan_network *,
                     enum sg_direction, size_t peer);
/* 'delta' is 1 or -1. */
void sg_plan_claim(struct sg_plan *, struct sg_net_peer *,
                   const struct sg_prefix *, int delta);
/* The groups of 'profile' have other fragments than before. */
void sg_plan_profile_changed(struct sg_plan *, struct sg_plan_profile *,
                             enum sg_direction);
/* The most fragments of an ingress cell of the profile. */
size_t sg_plan_longest_cell(const struct sg_plan_profile *);
bool sg_plan_forget_peers(struct sg_plan *, struct sg_slice *);
bool sg_plan_classify(struct sg_plan *, struct sg_slice *);
void sg_plan_network_init(struct sg_plan_network *);
void sg_plan_network_destroy(struct sg_plan_network *);

/* floods.c */
/* A flow of a list has the ports whose numbers lie in one range of this size,
 * so that a port that comes or goes changes one flow of it. */
#define SG_LIST_CHUNK 512
void sg_floods_add(struct sg_plan *, struct sg_plan_endpoint *);
void sg_floods_remove(struct sg_plan *, struct sg_plan_endpoint *);
/* What it takes to judge 'profile' is another thing than before. */
void sg_floods_profile_changed(struct sg_plan *, struct sg_plan_profile *);
size_t sg_plan_list_chunks(const struct sg_plan_list *);

#endif /* compile/plan-private.h */
