/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_RESOLVE_LOOP_H
#define SG_RESOLVE_LOOP_H 1

/* The thread that asks
 * ====================
 *
 *      main thread            |   the loop's thread (libevent)
 *                             |
 *   sg_loop_add, _remove, ----+--> orders ---> struct sg_asker: one for each
 *   sg_loop_refresh           |                question, with its timer
 *                             |                    |
 *   sg_loop_next <------------+-- answers <--------'
 *
 * The two lists and their mutex are all that both threads touch; what is in
 * them is copied.  All of libevent is used by the one thread, so it needs
 * none of its locks.  The thread takes no signals, and sleeps outside of
 * Open vSwitch's RCU.
 *
 * Create it after daemonizing: threads do not survive a fork. */

#include <stdbool.h>
#include <stdint.h>

struct sg_addresses;
struct sg_answer;
struct sg_loop;

struct sg_loop *sg_loop_create(void);
/* Ends the thread; what was under way is dropped. */
void sg_loop_destroy(struct sg_loop *);

/* Asks 'question', which the loop takes over, now and then again and again,
 * under the number 'id'.  'order' is the number of this order: answers carry
 * that of the last one that had come when they were asked for. */
void sg_loop_add(struct sg_loop *, uint64_t id, uint64_t order,
                 struct sg_addresses *question);
/* Answers of 'id' that are on their way may still come. */
void sg_loop_remove(struct sg_loop *, uint64_t id);
/* Asks now, and for all of it, whether or not it has changed; if a round is
 * under way, right behind it. */
void sg_loop_refresh(struct sg_loop *, uint64_t id, uint64_t order);

/* The next answer, which is the caller's, or NULL. */
struct sg_answer *sg_loop_next(struct sg_loop *);
void sg_loop_wait(struct sg_loop *);

#endif /* resolve/loop.h */
