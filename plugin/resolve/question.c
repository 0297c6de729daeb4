/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "resolve/question.h"

#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* After a failure the pause doubles from one second to this. */
#define MAX_PAUSE 30

void
sg_answer_destroy(struct sg_answer *answer)
{
    if (answer) {
        free(answer->prefixes);
        free(answer->error);
        free(answer);
    }
}

struct sg_addresses *
sg_question_create(const struct sg_addresses *a, size_t i)
{
    struct sg_addresses *q = xmemdup(a, sizeof *a);

    q->name = xstrdup(a->name);
    sg_place_clone(&q->place, &a->place);
    q->n_targets = i < a->n_targets;
    q->targets = xcalloc(1, sizeof *q->targets);
    if (q->n_targets) {
        q->targets[0] = xstrdup(a->targets[i]);
    }
    q->nameservers = xcalloc(MAX(a->n_nameservers, 1),
                             sizeof *q->nameservers);
    for (size_t j = 0; j < a->n_nameservers; j++) {
        q->nameservers[j] = xstrdup(a->nameservers[j]);
    }
    q->path = nullable_xstrdup(a->path);
    q->field = nullable_xstrdup(a->field);
    q->ca = nullable_xstrdup(a->ca);
    return q;
}

char *
sg_question_source(const struct sg_addresses *q)
{
    return sg_addresses_describe(q);
}

char *
sg_question_options(const struct sg_addresses *q)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    if (q->type == SG_SOURCE_HTTP) {
        /* What was refused is not sent again to who has its ETag. */
        ds_put_format(&s, "%d%d ", q->max_change, q->max_change_percent);
    }
    ds_put_format(&s, "%d %d %d %d %d %"PRIuSIZE" %d %s|%s|%s", q->function,
                  q->interval, q->timeout, q->min_ttl, q->max_ttl,
                  q->max_size, q->format, q->path ? q->path : "",
                  q->field ? q->field : "", q->ca ? q->ca : "");
    for (size_t i = 0; i < q->n_nameservers; i++) {
        ds_put_format(&s, " %s", q->nameservers[i]);
    }
    return ds_steal_cstr(&s);
}

int
sg_question_pause(const struct sg_addresses *q, unsigned int failures,
                  int ttl)
{
    int interval = q->interval ? q->interval : MAX_PAUSE;

    if (failures) {
        int pause = 1 << MIN(failures - 1, 5);

        return MIN(pause, MIN(MAX_PAUSE, interval));
    }
    return ttl && (!q->interval || ttl < q->interval) ? ttl : interval;
}
