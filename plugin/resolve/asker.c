/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "resolve/asker.h"
#include "resolve/question.h"

#include <stdlib.h>

#include "util.h"

struct sg_garbage {
    struct sg_garbage *next;
    void (*destroy)(void *);
    void *p;
};

void
sg_thread_discard(struct sg_thread *thread, void (*destroy)(void *), void *p)
{
    struct sg_garbage *garbage = xmalloc(sizeof *garbage);
    static const struct timeval now;

    garbage->next = thread->garbage;
    garbage->destroy = destroy;
    garbage->p = p;
    thread->garbage = garbage;
    event_add(thread->collector, &now);
}

void
sg_thread_collect(struct sg_thread *thread)
{
    while (thread->garbage) {
        struct sg_garbage *garbage = thread->garbage;

        thread->garbage = garbage->next;
        garbage->destroy(garbage->p);
        free(garbage);
    }
}

void
sg_asker_answer(struct sg_asker *asker, uint8_t families,
                struct sg_prefix *prefixes, size_t n, char *error, int ttl)
{
    struct sg_answer *answer = xzalloc(sizeof *answer);
    struct timeval tv = { 0, 0 };

    asker->failures = error ? asker->failures + 1 : 0;
    answer->question = asker->id;
    answer->order = asker->order;
    answer->families = families;
    answer->prefixes = prefixes;
    answer->n = n;
    answer->error = error;
    answer->next = sg_question_pause(asker->question, asker->failures, ttl);
    if (!asker->again) {
        tv.tv_sec = answer->next;
    }
    /* From here on the answer is the main thread's. */
    asker->thread->send(asker->thread, answer);
    asker->again = false;
    asker->round = NULL;
    event_add(asker->timer, &tv);
}

void
sg_asker_hurry(struct sg_asker *asker, int msec)
{
    struct timeval tv = { msec / 1000, msec % 1000 * 1000 };
    struct timeval now, due;

    if (asker->round) {
        asker->again = true;
        return;
    }
    evutil_gettimeofday(&now, NULL);
    evutil_timeradd(&now, &tv, &now);
    if (!evtimer_pending(asker->timer, &due)
        || evutil_timercmp(&now, &due, <)) {
        event_add(asker->timer, &tv);
    }
}
