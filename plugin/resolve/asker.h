/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_RESOLVE_ASKER_H
#define SG_RESOLVE_ASKER_H 1

/* What the files of the loop's thread share.  Nothing in here is called from
 * any other thread.
 *
 * An asker is a question and what is known of it between two rounds.  In a
 * *round* its source asks once:
 *
 *            timer, order, inotify
 *     IDLE ------------------------> ASKING ---> sg_asker_answer() ---> IDLE
 *
 * A source's ask() gets exactly one sg_asker_answer(), at once or later, or
 * its cancel() is called. */

#include <stdbool.h>
#include <stdint.h>
#include <event2/event.h>

#include "openvswitch/hmap.h"
#include "policy/addresses.h"

struct sg_answer;
struct sg_asker;

struct sg_source_class {
    void (*ask)(struct sg_asker *);
    void (*cancel)(struct sg_asker *);  /* Ends a round without answer. */
    void (*forget)(struct sg_asker *);  /* Before the end; may be NULL. */
};

extern const struct sg_source_class sg_dns_source;
extern const struct sg_source_class sg_http_source;
extern const struct sg_source_class sg_file_source;

struct sg_asker {
    struct hmap_node node;      /* In sg_thread.askers, by 'id'. */
    struct sg_thread *thread;
    uint64_t id;
    struct sg_addresses *question;
    const struct sg_source_class *class;
    struct event *timer;        /* The next round. */
    void *round;                /* The source's, while ASKING; else NULL. */
    bool again;                 /* Another round when this one ends. */
    uint64_t ordered;           /* The last order to ask, and the last one */
    uint64_t order;             /* that the round has heard of. */
    unsigned int failures;      /* In a row. */
    char *etag;                 /* HTTP: of the last good answer, or NULL. */
    struct sg_file_state *file; /* FILE: what it watches, or NULL. */
};

struct sg_thread {
    struct event_base *base;
    struct hmap askers;         /* struct sg_asker. */
    struct event *collector;    /* Frees what is in 'garbage'. */
    struct sg_garbage *garbage;
    struct sg_watcher *watcher; /* file.c's inotify, or NULL. */
    void (*send)(struct sg_thread *, struct sg_answer *);
};

/* Ends a round.  'families' says which part of the value 'prefixes' (taken
 * over) are all of; 'error' (taken over) is a sentence or NULL.  'ttl' is
 * how many seconds the answer is good for; 0: the question's interval. */
void sg_asker_answer(struct sg_asker *, uint8_t families,
                     struct sg_prefix *prefixes, size_t n, char *error,
                     int ttl);
/* Begins a round soon, or another one when the present one has ended. */
void sg_asker_hurry(struct sg_asker *, int msec);

/* Calls destroy(p) when no callback is running any more: libevent's things
 * are not to be freed in a callback of their own. */
void sg_thread_discard(struct sg_thread *, void (*destroy)(void *), void *p);

void sg_thread_collect(struct sg_thread *);

void sg_watcher_destroy(struct sg_watcher *);

#endif /* resolve/asker.h */
