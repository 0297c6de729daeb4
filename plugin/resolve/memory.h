/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_RESOLVE_MEMORY_H
#define SG_RESOLVE_MEMORY_H 1

/* Last good values, in a file
 * ===========================
 *
 * An agent that starts reads all numbers back from the installed flows, but
 * not the values of sets: a flow of a class knows a hash of the names of all
 * peers that an address belongs to, not which of them said so, and a set that
 * feeds a group leaves no trace of itself at all.  So they are in a file in
 * the run directory, which, like the flows, is gone when the host restarts.
 *
 * It is state and no configuration: an agent without it asks, and waits a
 * little before it changes flows. */

#include "openvswitch/shash.h"
#include "policy/addresses.h"

struct json;

/* One value: what was asked for whom, and what came back. */
struct sg_memory {
    const char *set;            /* The name of the set. */
    const char *source;         /* sg_question_source(). */
    long long int fetched;      /* time_wall_msec(). */
    const struct sg_prefix *prefixes;
    size_t n;
};

/* The caller destroys it. */
struct json *sg_memory_to_json(const struct sg_memory *);

/* Calls 'cb' for each value of 'json', an array; what is no value is left
 * out. */
void sg_memory_read(const struct json *json,
                    void (*cb)(const struct sg_memory *, void *aux),
                    void *aux);

/* The array in 'file', which the caller destroys, or NULL, also if there is no
 * such file; what is wrong with one goes to the log. */
struct json *sg_memory_load(const char *file);

/* All values of a file, to be looked up: there may be a thousand sources, and
 * each asks when it begins. */
struct sg_memories {
    struct shash all;           /* "SET\nSOURCE" -> struct sg_memory. */
};

/* None, if 'file' is NULL or cannot be read. */
void sg_memories_init(struct sg_memories *, const char *file);
void sg_memories_clear(struct sg_memories *);
void sg_memories_destroy(struct sg_memories *);
const struct sg_memory *sg_memories_find(const struct sg_memories *,
                                         const char *set, const char *source);

/* Replaces 'file' by one that holds 'json'.  If that fails it is as it was,
 * and the log says why. */
void sg_memory_save(const char *file, const struct json *json);

#endif /* resolve/memory.h */
