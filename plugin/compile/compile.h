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
 *       sg_plan_update(plan, policy, ports, changed);
 *       sg_plan_emit_changes(plan, &desired, &touched, &slice);
 *   sg_compiler_end(c);                        // forgets unused numbers
 *
 * No I/O, no sockets, no Lua. */

#include <stdbool.h>
#include <stdint.h>

#include "compile/ids.h"
#include "compile/l4.h"
#include "compile/slice.h"
#include "compile/unit.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "sset.h"

struct ds;
struct sg_flow;
struct sg_flows;

struct sg_compiler {
    struct sg_ids networks;     /* "net NAME" */
    struct sg_ids profiles;     /* "profile blue/db,web" */
    struct sg_ids classes;      /* "ingress: group web, 10.0.0.0/8" */
    struct sg_ids fragments;    /* sg_fragment.key */
    struct sg_ids numbers;      /* sg_entry.key */
    struct sg_ids zones;        /* "zone UUID.VLAN", "multicast BRIDGE" */
    uint16_t waiting_zone;      /* Where fragments wait.  Nothing is ever
                                 * committed in it. */
    uint32_t default_limit;     /* Connections per zone; 0: no limit. */
};

/* Conntrack zones are taken from zone_min...zone_max, inclusive; the last one
 * is for fragments. */
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
void sg_compiler_recover_flow(struct sg_compiler *, const struct sg_flow *);

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

/* A plan lives as long as its bridge is looked after.  sg_plan_update() brings
 * it up to date with what is wanted now, and touches the units (unit.h) of
 * what has changed by that; work and flows are in proportion to it.  It keeps
 * copies of the ports and a reference to the policy, so it depends on nobody.
 *
 * How it is held together:
 *
 *   port ---> endpoint ---> network, profile          counted references:
 *                              |        |             what nobody needs any
 *                              |        v             more goes
 *                              |     groups --> fragments --> peers
 *                              v                                |
 *        extents ------> (network, peer) <----------------------'
 *        what each peer        |
 *        stands for            v
 *                          addresses --> classes --> cells <-- profiles
 *
 * An extent (extents.c) is the counted set of prefixes that a group, a list or
 * a set stands for, whoever put them there: ports, `members', ... */

struct skiplist;
struct sg_extent;
struct sg_plan;
struct sg_plan_network;
struct sg_plan_update;

struct sg_class {
    struct hmap_node node;      /* In sg_plan.by_peers[dir]. */
    char *key;                  /* Name in sg_plan.classes[]. */
    uint64_t identity;
    uint32_t id;
    unsigned long *peers;       /* Bitmap over sg_plan.peers[dir]. */
    size_t n_peers;
    size_t refs;                /* Addresses that have it. */
};

/* That a peer stands for a prefix. */
struct sg_address_peer {
    uint32_t peer;              /* Index in sg_plan.peers[dir]. */
    uint32_t refs;              /* From how many extents. */
};

/* One line of the table from address to class. */
struct sg_address {
    struct hmap_node node;      /* In sg_plan_network.addresses[dir]. */
    struct sg_prefix prefix;
    enum sg_direction dir;
    struct sg_plan_network *network;
    struct sg_address_peer *claims;    /* Its own. */
    size_t n_claims;
    struct sg_class *set;       /* With those of the prefixes around it. */
    const struct sg_class *class;   /* The same; NULL: as the prefix around
                                     * it, so no flow is needed. */
    struct ovs_list stale;      /* In sg_plan.stale, or empty. */
    struct sg_unit unit;
};

struct sg_plan_profile {
    char *key;
    uint64_t identity;
    uint32_t id;
    size_t refs;                /* Endpoints. */
    struct sg_plan_group **groups;      /* As the port's. */
    size_t n_groups;
    /* By direction: the fragments with peer `any', and whether there are
     * others, for which the address must be classified. */
    const struct sg_fragment **any[SG_N_DIRECTIONS];
    size_t n_any[SG_N_DIRECTIONS];
    bool classify[SG_N_DIRECTIONS];
    bool multicast;             /* It has a rule that may allow multicast. */
    size_t *lengths;            /* Number of ingress cells, by fragments. */
    size_t n_lengths;
    struct ovs_list cells[SG_N_DIRECTIONS];     /* struct sg_cell. */
    struct ovs_list floods;     /* struct sg_plan_flood. */
    struct sg_unit unit;
};

/* A profile that endpoints in a network have. */
struct sg_net_profile {
    struct hmap_node node;      /* In sg_plan_network.profiles. */
    struct sg_plan_profile *profile;
    size_t refs;                /* Endpoints. */
};

/* A peer that rules of the profiles in a network name. */
struct sg_net_peer {
    struct hmap_node node;      /* In sg_plan_network.peers[dir]. */
    struct ovs_list idle;       /* In sg_plan.idle_peers, or empty. */
    struct sg_plan_network *network;
    enum sg_direction dir;
    struct sg_plan_peer *peer;
    size_t refs;                /* (profile, fragment). */
    struct sg_extent *extents[2];   /* What it stands for. */
    size_t n_extents;
    struct ovs_list claiming;   /* In sg_plan.claiming, or empty. */
    size_t n_claimed;           /* Extents that are, or are not any more, */
    struct hmap_position place; /* and how far the next one is. */
};

/* A class that addresses of a network have. */
struct sg_net_class {
    struct hmap_node node;      /* In sg_plan_network.classes[dir]. */
    const struct sg_class *class;
    size_t refs;                /* Addresses with a flow. */
};

struct sg_plan_network {
    char *name;
    uint32_t id;
    uint64_t identity;
    size_t refs;                /* Endpoints. */
    struct hmap profiles;       /* struct sg_net_profile. */
    struct hmap peers[SG_N_DIRECTIONS];         /* struct sg_net_peer. */
    struct hmap addresses[SG_N_DIRECTIONS];     /* struct sg_address. */
    struct skiplist *sorted[SG_N_DIRECTIONS];   /* The same; a prefix right
                                                 * before those in it. */
    size_t lengths[SG_N_DIRECTIONS][129];   /* How many there are of each. */
    struct hmap classes[SG_N_DIRECTIONS];       /* struct sg_net_class. */
    struct sg_unit unit;
};

struct sg_cell {
    struct hmap_node node;      /* In sg_plan.cells[dir]. */
    struct ovs_list of_profile; /* In sg_plan_profile.cells[dir]. */
    struct sg_plan_profile *profile;
    const struct sg_class *class;
    enum sg_direction dir;
    size_t refs;                /* Networks that have both. */
    const struct sg_fragment **fragments;   /* None: it has no flow. */
    size_t n_fragments;
    struct sg_unit unit;
};

/* What the cookies of flows stand for: 44 bits of a rule's UUID, a cell. */
uint64_t sg_rule_identity(const struct sg_rule *);
uint64_t sg_cell_identity(const struct sg_cell *);

/* An endpoint of a guarded port of this bridge that can be enforced. */
struct sg_plan_endpoint {
    struct hmap_node node;      /* In sg_plan.endpoints, by zone. */
    struct ovs_list fresh;      /* In sg_plan.fresh, or empty. */
    const struct sg_port *port;
    const struct sg_endpoint *endpoint;
    uint16_t zone;
    uint64_t identity;
    uint32_t limit;             /* Connections of the zone; 0: no limit. */
    struct sg_plan_network *network;
    struct sg_plan_profile *profile;
    struct sg_unit unit;
};

/* A port, of whatever bridge. */
struct sg_plan_port {
    struct sg_port *port;       /* Our copy; the name is in sg_plan.ports. */
    bool here;                  /* On this bridge, with a number. */
    bool incomplete;            /* There was no zone for an endpoint. */
    struct sg_plan_endpoint **endpoints;
    size_t n_endpoints;
    struct sg_unit trusted;     /* If it is here, and not guarded. */
};

/* A peer that rules of groups here name. */
struct sg_plan_peer {
    struct hmap_node node;      /* In sg_plan.peers_by_value[dir]. */
    struct sg_peer peer;        /* A copy. */
    size_t index;               /* In sg_plan.peers[dir]. */
    size_t refs;                /* Fragments, struct sg_net_peer. */
};

/* A group that a profile here has. */
struct sg_plan_group {
    struct sg_group *group;     /* Of the policy, or of an older one in which
                                 * it says the same. */
    size_t refs;                /* Profiles. */
    struct sg_fragment **fragments[SG_N_DIRECTIONS];
    size_t *peer_index[SG_N_DIRECTIONS];    /* Of each; SIZE_MAX: any. */
    size_t n_fragments[SG_N_DIRECTIONS];
};

/* Endpoints that get a frame, sorted by port number. */
struct sg_plan_list {
    const struct sg_plan_endpoint **eps;
    size_t n, allocated;
};

/* A VLAN with guarded ports. */
struct sg_plan_vlan {
    struct hmap_node node;      /* In sg_plan.vlans. */
    uint16_t vlan;
    struct sg_plan_list list;
    size_t n_learners;          /* Endpoints that learn addresses. */
    struct hmap floods;         /* struct sg_plan_flood. */
    struct sg_unit unit;
    struct sg_unit judges;
};

/* The endpoints of one VLAN, network and profile. */
struct sg_plan_flood {
    struct hmap_node node;      /* In sg_plan_vlan.floods. */
    struct ovs_list of_profile; /* In sg_plan_profile.floods. */
    struct sg_plan_vlan *vlan;
    struct sg_plan_network *network;
    struct sg_plan_profile *profile;
    struct sg_plan_list list;
    struct sg_unit unit;
};

/* The endpoints of a VLAN that have an address. */
struct sg_plan_owners {
    struct hmap_node node;      /* In sg_plan.owners. */
    struct sg_prefix prefix;
    uint16_t vlan;
    struct sg_plan_list list;
    struct sg_unit unit;
};

struct sg_plan {
    struct sg_compiler *compiler;
    struct sg_policy *policy;
    char *bridge;
    const struct sg_id *multicast;  /* A zone in which nothing is ever
                                     * committed.  NULL: none was left. */
    struct shash ports;         /* name -> struct sg_plan_port. */
    struct sset incomplete;     /* Names of those that are. */
    struct sg_units units;      /* What is to be emitted again. */
    struct sg_unit static_unit;

    struct hmap endpoints;      /* struct sg_plan_endpoint, by zone. */
    struct ovs_list fresh;      /* Those that nobody has taken note of yet:
                                 * the owner of the plan takes them off. */
    struct shash networks;      /* name -> struct sg_plan_network. */
    struct shash profiles;      /* key -> struct sg_plan_profile. */
    struct shash groups;        /* sg_group.key -> struct sg_plan_group. */
    struct sg_plan_peer **peers[SG_N_DIRECTIONS];   /* With holes. */
    size_t n_peers[SG_N_DIRECTIONS];    /* Bits in the bitmaps, too. */
    size_t n_full[SG_N_DIRECTIONS];     /* No hole is before. */
    struct hmap peers_by_value[SG_N_DIRECTIONS];
    struct shash classes[SG_N_DIRECTIONS];  /* key -> struct sg_class. */
    struct hmap by_peers[SG_N_DIRECTIONS];  /* struct sg_class. */
    struct hmap cells[SG_N_DIRECTIONS];     /* struct sg_cell. */
    struct hmap numbers;        /* struct sg_plan_number (groups.c). */

    struct hmap vlans;          /* struct sg_plan_vlan. */
    struct hmap owners;         /* struct sg_plan_owners. */

    struct sg_plan_update *update;  /* Under way (update.c), or NULL. */
    struct hmap extents;        /* struct sg_extent (extents.c). */
    struct ovs_list diffs;      /* struct extent_diff, in order. */
    struct ovs_list claiming;   /* struct sg_net_peer: new ones. */
    struct ovs_list changed;    /* struct sg_extent_prefix. */
    struct ovs_list stale;      /* struct sg_address. */
    struct ovs_list idle_peers; /* struct sg_net_peer. */

    struct sg_plan_stats {      /* How much work there was, for tests. */
        size_t looked_at;       /* Ports that were compared. */
        size_t ports;           /* Ports that were taken anew. */
        size_t addresses;       /* Addresses whose class was looked for. */
        size_t cells;           /* Cells whose fragments were. */
        size_t fragments;       /* Fragments that were compared. */
        size_t units;           /* Units whose flows were made. */
    } stats;
};

/* A plan of nothing, and a plan of something.  The compiler must live longer;
 * of policy and ports, too, the plan keeps what it needs. */
struct sg_plan *sg_plan_new(struct sg_compiler *, const char *bridge);
struct sg_plan *sg_plan_create(struct sg_compiler *, const struct sg_policy *,
                               const struct sg_ports *, const char *bridge);
/* 'changed' are the names of the ports that may not be what they were at the
 * last update (NULL: any may be another); no others are looked at. */
void sg_plan_update(struct sg_plan *, const struct sg_policy *,
                    const struct sg_ports *, const struct sset *changed);
/* The same in slices (slice.h): begun, and continued until that returns true.
 * Meanwhile nothing of what it was begun with may change, and the plan is half
 * of one thing and half of the other. */
void sg_plan_update_begin(struct sg_plan *, const struct sg_policy *,
                          const struct sg_ports *,
                          const struct sset *changed);
bool sg_plan_update_run(struct sg_plan *, struct sg_slice *);
void sg_plan_destroy(struct sg_plan *);
/* The same in slices: true when the plan is gone.  The flows that were made of
 * it must be there until then. */
bool sg_plan_dismantle(struct sg_plan *, struct sg_slice *);

/* Does it forward as before, beside the guarded ones of this bridge? */
bool sg_plan_port_is_trusted(const struct sg_plan_port *);
/* The endpoint with 'zone', or NULL. */
const struct sg_plan_endpoint *sg_plan_endpoint(const struct sg_plan *,
                                                uint32_t zone);
/* All endpoints, sorted by port number and VLAN, as many as there are in
 * sg_plan.endpoints; the caller frees the list. */
const struct sg_plan_endpoint **sg_plan_endpoints(const struct sg_plan *);
/* All addresses of 'net', sorted, '*n' of them; the caller frees the list. */
const struct sg_address **sg_plan_addresses(const struct sg_plan_network *,
                                            enum sg_direction, size_t *n);
/* The peer that is written as 'name' in 'net', SIZE_MAX if no rule there has
 * one. */
size_t sg_plan_find_peer(const struct sg_plan_network *net, enum sg_direction,
                         const char *name);
/* Does some entry of the plan have 'number' (flags included)? */
bool sg_plan_has_number(const struct sg_plan *, uint32_t number);

/* The fragment, among those of the groups of 'profile', that has an entry
 * with 'number' (flags included); NULL if none has. */
const struct sg_fragment *sg_profile_find_number(
    const struct sg_plan_profile *, uint32_t number);

/* Adds all flows of the plan to 'flows'. */
void sg_plan_emit(const struct sg_plan *, struct sg_flows *flows);
/* Makes the flows anew of what has changed since the last call: see unit.h.
 * The first call makes all of them.  False if it is to be called again. */
bool sg_plan_emit_changes(struct sg_plan *, struct sg_flows *desired,
                          struct sg_flows *touched, struct sg_slice *);
/* Part of it: the flows that let trusted ports forward.  They need no policy:
 * the host's own access must not depend on one. */
void sg_plan_emit_trusted(const struct sg_plan *, struct sg_flows *flows);

/* Adds the flows that judge TCP without a SYN as if it were a first packet,
 * for the endpoints with these zones; they are those of 'unit'. */
void sg_emit_midstream(struct sg_unit *, struct sg_flows *desired,
                       struct sg_flows *touched, const uint16_t zones[],
                       size_t n);

/* Prints one stage, for `ovs-sgctl compile --stage=STAGE': "profiles",
 * "networks", "classes", "fragments", "cells", "flows", "counts".  Returns
 * false if there is no such stage. */
bool sg_plan_format(const struct sg_plan *, const char *stage, struct ds *);
extern const char *const sg_plan_stages[];      /* NULL-terminated. */

/* The class of all of 'prefix' in 'net', NULL if it is in none. */
const struct sg_class *sg_plan_lookup(const struct sg_plan_network *net,
                                      enum sg_direction,
                                      const struct sg_prefix *prefix);

/* Lists the identities of all entries of the rules of 'policy', whether or not
 * a port here needs them: what an entry allowed is revoked when it is not
 * among them.  The list is a part of the policy from then on.  For a
 * policy of 20,000 rules that takes longer than a turn of the main loop
 * may. */
void sg_policy_list_entries(struct sg_policy *);
/* Is 'identity' among them?  If need be they are listed now. */
bool sg_policy_has_entry(struct sg_policy *, uint64_t identity);

#endif /* compile/compile.h */
