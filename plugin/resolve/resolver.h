/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_RESOLVE_RESOLVER_H
#define SG_RESOLVE_RESOLVER_H 1

/* The values of `addresses' sets
 * ==============================
 *
 * This is the main thread's half of plugin/resolve/: it knows the definitions
 * and the last good values, tells the other half (loop.h) what to ask, and
 * takes its answers.  The other half is made when there is something to ask.
 *
 * A value belongs to what was asked (a file, a URL, each DNS name), and the
 * value of a set is the union of those that its definition names now.  So
 *
 *   - a source that fails changes nothing: its last good value stays
 *     (`on_error = "empty"' wants it otherwise);
 *   - a reload keeps the values of all sources that are still named, and asks
 *     again only where it matters how;
 *   - a DNS name that is taken out of a list takes its addresses with it.
 *
 * If a set gets another file or URL, its old value is *held* until the new
 * source has answered, or failed.
 *
 * All last good values are also kept in a file of the run directory
 * (memory.h), because a restart of the agent must not cut what is allowed
 * only because no name server has answered yet.
 *
 *   resolver = sg_resolver_create(file);
 *   sg_resolver_configure(resolver, policy);     // after every load
 *   for (;;) {
 *       if (sg_resolver_run(resolver)) { ... }   // some value has changed
 *       sg_resolver_wait(resolver);
 *       poll_block();
 *   } */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/addresses.h"

struct json;
struct sg_policy;
struct sg_resolver;

/* 'file' keeps the values; NULL: nothing does. */
struct sg_resolver *sg_resolver_create(const char *file);
void sg_resolver_destroy(struct sg_resolver *);

/* Returns true if a value has changed by that. */
bool sg_resolver_configure(struct sg_resolver *, const struct sg_policy *);
bool sg_resolver_run(struct sg_resolver *);
void sg_resolver_wait(struct sg_resolver *);
/* The functions of the policy's (`resolve = function() ... end') are asked by
 * whoever runs its script.  The first of these gives the next one that is due
 * and not being asked; after a configuration all are due, because another
 * script may say something else.  The second takes a list of strings, or an
 * error (taken over), and returns true if a value has changed. */
bool sg_resolver_next_function(struct sg_resolver *, uint64_t *source,
                               int *function);
bool sg_resolver_function_answered(struct sg_resolver *, uint64_t source,
                                   const struct json *list, char *error);

/* Begins to write the file, if there is something new: once a second at most,
 * and beside the main loop (saver.h); whoever destroys the resolver waits for
 * the end of that.  For the one agent that acts; others only read it. */
void sg_resolver_save(struct sg_resolver *);
void sg_resolver_save_wait(const struct sg_resolver *);

/* The present values; the same object for the whole life. */
const struct sg_sets *sg_resolver_sets(const struct sg_resolver *);

/* To configure a source, and to refresh it, is an *order*, by number.  The
 * second gives the name of a set with a source that has not answered yet, or
 * failed, what it was ordered up to 'order'; or NULL.  Answers that were on
 * their way when the order came are none. */
uint64_t sg_resolver_last_order(const struct sg_resolver *);
const char *sg_resolver_waits_for(const struct sg_resolver *, uint64_t order);
/* Has every source a value, maybe from an earlier life, or said that it has
 * none? */
bool sg_resolver_has_values(const struct sg_resolver *);

/* Orders all sources of 'name' to be asked at once.  With 'force', what they
 * answer is taken whatever `max_change' says.  False if there is no such
 * set. */
bool sg_resolver_refresh(struct sg_resolver *, const char *name, bool force);

/* What is known of one source of a set. */
struct sg_source_status {
    const char *source;         /* "dns crm.example.net" */
    size_t n;                   /* Addresses that it stands for now. */
    long long int fetched;      /* time_wall_msec() of the last good answer,
                                 * 0: there was none. */
    long long int next;         /* When it is asked again; 0: now. */
    const char *error;          /* Of the last answer, or NULL. */
    long long int failed;       /* Since when it fails; 0: it does not. */
};

struct sg_set_status {
    const char *refused;        /* Why a refresh was not taken, or NULL. */
    bool held;                  /* The value is that of an older source. */
    size_t n_sources;
};

/* False if there is no such set, or source. */
bool sg_resolver_status(const struct sg_resolver *, const char *name,
                        struct sg_set_status *);
bool sg_resolver_source_status(const struct sg_resolver *, const char *name,
                               size_t i, struct sg_source_status *);

#endif /* resolve/resolver.h */
