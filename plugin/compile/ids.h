/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_IDS_H
#define SG_COMPILE_IDS_H 1

/* Numbers for names, that survive
 * ===============================
 *
 * Registers and conntrack hold numbers, policies hold names.  A `struct
 * sg_ids' gives each name (a "key") a number and keeps it for as long as
 * somebody holds it, so that a change of one thing does not renumber others.
 *
 * Recovery.  An agent that starts beside installed flows must go on with
 * their numbers.  The flows carry the key's identity (44 bits of a hash, in
 * the cookie or in a note) beside the number; sg_ids_hint() takes both from
 * each flow, and sg_ids_get() prefers a hint to a new number.  Nothing else
 * needs to be stored anywhere.
 *
 * Numbers that were given up are not used again before all others had their
 * turn: a number may live on in the connection table. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"

struct sg_ids {
    uint32_t min, max;          /* Inclusive. */
    uint32_t next;              /* Where the search for a free one begins, */
    bool gap;                   /* or well behind it: sg_ids_leave_gap(). */
    struct ovs_list idle;       /* struct sg_id that nobody holds. */
    struct ovs_list fresh;      /* struct sg_id, see sg_ids_begin(). */
    struct shash by_key;        /* key -> struct sg_id. */
    struct hmap by_id;          /* struct sg_id, by number. */
    struct hmap by_identity;    /* struct sg_id, by identity. */
    struct hmap hints;          /* struct sg_id_hint, by identity. */
    struct hmap hinted_ids;     /* struct sg_id_hint, by number. */
};

struct sg_id {
    struct hmap_node id_node;       /* In sg_ids.by_id. */
    struct hmap_node identity_node; /* In sg_ids.by_identity. */
    const char *key;                /* The name in sg_ids.by_key. */
    uint64_t identity;              /* sg_identity(key). */
    uint32_t id;
    size_t refs;                    /* sg_ids_get() less sg_ids_put(). */
    struct ovs_list idle_node;      /* In sg_ids.idle, or empty. */
    struct ovs_list fresh_node;     /* In sg_ids.fresh, or empty. */
    bool fresh;                     /* Given since the last sg_ids_begin(). */
};

/* 44 bits that stand for 'key'. */
uint64_t sg_identity(const char *key);

void sg_ids_init(struct sg_ids *, uint32_t min, uint32_t max);
void sg_ids_destroy(struct sg_ids *);

/* The number of 'key', a new one if it has none, to be held until
 * sg_ids_put().  Returns NULL if all numbers are in use. */
const struct sg_id *sg_ids_get(struct sg_ids *, const char *key);
void sg_ids_put(struct sg_ids *, uint32_t id);
/* NULL if nothing has it. */
const struct sg_id *sg_ids_find(const struct sg_ids *, const char *key);
const struct sg_id *sg_ids_by_id(const struct sg_ids *, uint32_t id);
const struct sg_id *sg_ids_by_identity(const struct sg_ids *,
                                       uint64_t identity);

/* An installed flow says that 'identity' has number 'id'.  The first word on
 * a number or an identity counts. */
void sg_ids_hint(struct sg_ids *, uint64_t identity, uint32_t id);

/* 'id' is not to be given out soon: nothing has it any more, but connections
 * may still carry it. */
void sg_ids_skip(struct sg_ids *, uint32_t id);

/* Connections may carry numbers that were given up and that no flow tells any
 * more: new ones shall come well behind those that hints tell. */
void sg_ids_leave_gap(struct sg_ids *);

/* Flows that we cannot read yet may have more numbers than hints tell: new
 * ones shall come from where those are not likely to be. */
void sg_ids_leave_room(struct sg_ids *);

/* A key that nobody holds any more keeps its number until the end of the
 * pass, so that one that is given up and asked for again has the same.
 * sg_ids_end() forgets those that nobody holds then, and the hints. */
void sg_ids_begin(struct sg_ids *);
void sg_ids_end(struct sg_ids *);

#endif /* compile/ids.h */
