/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "resolve/saver.h"

#include <stdlib.h>

#include "latch.h"
#include "openvswitch/json.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "resolve/memory.h"
#include "util.h"

/* A copy of a struct sg_memory. */
struct value {
    char *set;
    char *source;
    long long int fetched;
    struct sg_prefix *prefixes;
    size_t n;
};

struct sg_saver {
    pthread_t thread;
    struct latch ended;         /* Set by the thread, as the last thing. */

    /* The thread's. */
    char *file;
    struct value *values;
    size_t n;
};

static struct json *
value_to_json(const struct value *value)
{
    struct sg_memory memory = {
        value->set, value->source, value->fetched, value->prefixes, value->n
    };

    return sg_memory_to_json(&memory);
}

static void *
saver_main(void *saver_)
{
    struct sg_saver *saver = saver_;
    struct json *array = json_array_create_empty();

    /* Inside ovs-vswitchd, the main thread waits for RCU. */
    ovsrcu_quiesce_start();
    for (size_t i = 0; i < saver->n; i++) {
        json_array_add(array, value_to_json(&saver->values[i]));
    }
    sg_memory_save(saver->file, array);
    json_destroy(array);
    latch_set(&saver->ended);
    return NULL;
}

static void
copy_value(struct value *dst, const struct sg_memory *src)
{
    *dst = (struct value) {
        xstrdup(src->set), xstrdup(src->source), src->fetched,
        xmemdup(src->prefixes, src->n * sizeof *src->prefixes), src->n
    };
}

struct sg_saver *
sg_saver_start(const char *file, const struct sg_memory *values, size_t n)
{
    struct sg_saver *saver = xzalloc(sizeof *saver);

    saver->file = xstrdup(file);
    saver->values = xcalloc(MAX(n, 1), sizeof *saver->values);
    saver->n = n;
    for (size_t i = 0; i < n; i++) {
        copy_value(&saver->values[i], &values[i]);
    }
    latch_init(&saver->ended);
    saver->thread = ovs_thread_create("sg_saver", saver_main, saver);
    return saver;
}

bool
sg_saver_finish(struct sg_saver *saver)
{
    if (!latch_is_set(&saver->ended)) {
        return false;
    }
    sg_saver_destroy(saver);
    return true;
}

void
sg_saver_wait(const struct sg_saver *saver)
{
    if (saver) {
        latch_wait(&saver->ended);
    }
}

void
sg_saver_destroy(struct sg_saver *saver)
{
    if (saver) {
        xpthread_join(saver->thread, NULL);
        latch_destroy(&saver->ended);
        for (size_t i = 0; i < saver->n; i++) {
            free(saver->values[i].set);
            free(saver->values[i].source);
            free(saver->values[i].prefixes);
        }
        free(saver->values);
        free(saver->file);
        free(saver);
    }
}
