/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_COMPILE_H
#define SG_COMPILE_COMPILE_H 1

/* The compiler: policy and ports to flows
 * =======================================
 *
 * Classify, don't expand (recursive flow classification, Gupta and McKeown,
 * SIGCOMM 1999, laid out over OpenFlow tables).  For one bridge:
 *
 *   policy, ports
 *      |  plan: profiles   sets of groups that ports here have
 *      |        peers      what the rules of those groups name
 *      |        classes    sets of peers that some address belongs to
 *      |        fragments  (direction, group, peer) that have rules (l4.h)
 *      |        cells      (profile, class) -> fragments
 *      v
 *   struct sg_plan --- emit ---> struct sg_flows
 *
 * Profiles, classes and fragments are sets of names, so they mean the same in
 * every network and are shared by all; only the table from address to class
 * is a network's own.
 *
 * A `struct sg_compiler' holds what must survive from one compilation to the
 * next: the numbers (ids.h).  Apart from them the result depends on nothing
 * but policy, ports and bridge.
 *
 *   sg_compiler_begin(c);
 *   for each bridge:
 *       plan = sg_plan_create(c, policy, ports, bridge);
 *       sg_plan_emit(plan, &flows);
 *   sg_compiler_end(c);                        // forgets unused numbers
 *
 * No I/O, no sockets, no Lua. */

#include <stdbool.h>
#include <stdint.h>

#include "compile/ids.h"
#include "compile/l4.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "policy/policy.h"
#include "policy/port.h"

struct ds;
struct sg_flows;

struct sg_compiler {
    struct sg_ids networks;     /* "net NAME" */
    struct sg_ids profiles;     /* "profile blue/db,web" */
    struct sg_ids classes;      /* "ingress: group web, 10.0.0.0/8" */
    struct sg_ids fragments;    /* sg_fragment.key */
    struct sg_ids numbers;      /* sg_entry.key */
    struct sg_ids zones;        /* "zone UUID.VLAN" */
    uint16_t multicast_zone;    /* No endpoint's; nothing is committed. */
    uint32_t default_limit;     /* Connections per zone; 0: no limit. */
};

/* Conntrack zones are taken from zone_min...zone_max, inclusive; the last one
 * is for looking at multicast. */
struct sg_compiler *sg_compiler_create(uint16_t zone_min, uint16_t zone_max);
/* For endpoints of ports that give no limit of their own. */
void sg_compiler_set_default_limit(struct sg_compiler *, uint32_t limit);
void sg_compiler_destroy(struct sg_compiler *);
void sg_compiler_begin(struct sg_compiler *);
void sg_compiler_end(struct sg_compiler *);

/* There are flows of ours that cannot be recovered from yet: see
 * sg_ids_leave_room(). */
void sg_compiler_leave_room(struct sg_compiler *);

/* Takes the numbers that 'installed' flows carry, before the first
 * compilation for their bridge. */
void sg_compiler_recover(struct sg_compiler *,
                         const struct sg_flows *installed);

/* The identity of an endpoint, as its flows' cookies have it. */
uint64_t sg_endpoint_identity(const struct sg_port *,
                              const struct sg_endpoint *);
/* The zone of an endpoint in the last compilation, 0 if it has none. */
uint16_t sg_compiler_zone(const struct sg_compiler *, const struct sg_port *,
                          const struct sg_endpoint *);

/* Calls 'cb' for each zone that was given to an endpoint since
 * sg_compiler_begin(): it must be flushed before it is used. */
void sg_compiler_fresh_zones(const struct sg_compiler *,
                             void (*cb)(uint16_t zone, void *aux), void *aux);

/* The plan. */

/* All members of this have the lifetime of the plan; groups, rules and peers
 * point into the policy, ports into the sg_ports. */

struct sg_class {
    char *key;                  /* Name in sg_plan.classes[]. */
    uint64_t identity;
    uint32_t id;
    unsigned long *peers;       /* Bitmap over sg_plan.peers[dir]. */
    size_t n_peers;
};

/* One line of the table from address to class. */
struct sg_address {
    struct sg_prefix prefix;
    unsigned long *peers;       /* Bitmap, until the class is known. */
    const struct sg_class *class;   /* NULL: as the prefix around it. */
};

struct sg_plan_profile {
    char *key;
    uint64_t identity;
    uint32_t id;
    const struct sg_group **groups;     /* As the port's. */
    size_t n_groups;
    /* By direction: the fragments with peer `any', and whether there are
     * others, for which the address must be classified. */
    const struct sg_fragment **any[SG_N_DIRECTIONS];
    size_t n_any[SG_N_DIRECTIONS];
    bool classify[SG_N_DIRECTIONS];
};

struct sg_plan_network {
    char *name;
    uint32_t id;
    uint64_t identity;
    struct sg_plan_profile **profiles;  /* In use here, unique. */
    size_t n_profiles;
    struct sg_address *addresses[SG_N_DIRECTIONS];  /* Sorted. */
    size_t n_addresses[SG_N_DIRECTIONS];
    bool lengths[SG_N_DIRECTIONS][129];     /* Which prefixes there are. */
};

struct sg_cell {
    struct hmap_node node;      /* In sg_plan.cells[dir]. */
    const struct sg_plan_profile *profile;
    const struct sg_class *class;
    const struct sg_fragment **fragments;   /* At least one. */
    size_t n_fragments;
};

/* What the cookies of flows stand for: 44 bits of a rule's UUID, a cell. */
uint64_t sg_rule_identity(const struct sg_rule *);
uint64_t sg_cell_identity(const struct sg_cell *);

/* An endpoint of a guarded port of this bridge that can be enforced. */
struct sg_plan_endpoint {
    const struct sg_port *port;
    const struct sg_endpoint *endpoint;
    uint16_t zone;
    uint64_t identity;
    uint32_t limit;             /* Connections of the zone; 0: no limit. */
    struct sg_plan_network *network;
    struct sg_plan_profile *profile;
};

/* A peer that rules of groups here name. */
struct sg_plan_peer {
    struct hmap_node node;      /* In sg_plan.peers_by_value[dir]. */
    const struct sg_peer *peer;
    size_t index;               /* In sg_plan.peers[dir]. */
};

/* A group that a profile here has. */
struct sg_plan_group {
    const struct sg_group *group;
    struct sg_fragment **fragments[SG_N_DIRECTIONS];
    size_t *peer_index[SG_N_DIRECTIONS];    /* Of each; SIZE_MAX: any. */
    size_t n_fragments[SG_N_DIRECTIONS];
};

struct sg_plan {
    struct sg_compiler *compiler;
    const struct sg_policy *policy;
    const struct sg_ports *ports;
    char *bridge;

    struct sg_plan_endpoint *endpoints;     /* Sorted by port number. */
    size_t n_endpoints;
    const struct sg_port **trusted;         /* Sorted by port number. */
    size_t n_trusted;

    struct shash networks;      /* name -> struct sg_plan_network. */
    struct shash profiles;      /* key -> struct sg_plan_profile. */
    struct shash groups;        /* sg_group.key -> struct sg_plan_group. */
    struct sg_plan_peer **peers[SG_N_DIRECTIONS];   /* Sorted by value. */
    size_t n_peers[SG_N_DIRECTIONS];
    struct hmap peers_by_value[SG_N_DIRECTIONS];
    struct shash classes[SG_N_DIRECTIONS];  /* key -> struct sg_class. */
    struct hmap cells[SG_N_DIRECTIONS];     /* struct sg_cell. */
};

struct sg_plan *sg_plan_create(struct sg_compiler *, const struct sg_policy *,
                               const struct sg_ports *, const char *bridge);
void sg_plan_destroy(struct sg_plan *);

/* The fragment, among those of the groups of 'profile', that has an entry
 * with 'number' (flags included); NULL if none has. */
const struct sg_fragment *sg_plan_find_number(const struct sg_plan *,
                                              const struct sg_plan_profile *,
                                              uint32_t number);

/* Adds the flows of the plan to 'flows'. */
void sg_plan_emit(const struct sg_plan *, struct sg_flows *flows);
/* Part of it: the flows that let trusted ports forward.  They need no policy:
 * the host's own access must not depend on one. */
void sg_plan_emit_trusted(const struct sg_plan *, struct sg_flows *flows);

/* Adds the flows that judge TCP without a SYN as if it were a first packet,
 * for the endpoints with these zones. */
void sg_emit_midstream(struct sg_flows *, const uint16_t zones[], size_t n);

/* Prints one stage, for `ovs-sgctl compile --stage=STAGE': "profiles",
 * "networks", "classes", "fragments", "cells", "flows", "counts".  Returns
 * false if there is no such stage. */
bool sg_plan_format(const struct sg_plan *, const char *stage, struct ds *);
extern const char *const sg_plan_stages[];      /* NULL-terminated. */

/* The class of all of 'prefix' in 'net', NULL if it is in none. */
const struct sg_class *sg_plan_lookup(const struct sg_plan_network *net,
                                      enum sg_direction,
                                      const struct sg_prefix *prefix);

/* The identities of all entries of the rules of 'policy', sorted, whether or
 * not a port here needs them: what an entry allowed is revoked when it is not
 * among them any more.  The caller frees the list. */
uint64_t *sg_policy_entries(const struct sg_policy *, size_t *n);

#endif /* compile/compile.h */
