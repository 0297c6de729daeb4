/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/turns.h"

#include <stdbool.h>
#include <time.h>

#include "openvswitch/json.h"
#include "timeval.h"
#include "util.h"

static struct sg_instant
now(void)
{
    struct timespec cpu;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return (struct sg_instant) {
        time_usec(), cpu.tv_sec * 1000000LL + cpu.tv_nsec / 1000
    };
}

static void
note(struct sg_instant *longest, const struct sg_instant *from,
     const struct sg_instant *to)
{
    longest->clock = MAX(longest->clock, to->clock - from->clock);
    longest->cpu = MAX(longest->cpu, to->cpu - from->cpu);
}

void
sg_turn_begin(struct sg_turns *t)
{
    t->n++;
    t->begin = t->part = now();
}

void
sg_turn_part(struct sg_turns *t, enum sg_part part)
{
    struct sg_instant instant = now();

    note(&t->longest_part[part], &t->part, &instant);
    t->part = instant;
}

/* Comes right behind the last part. */
void
sg_turn_end(struct sg_turns *t)
{
    note(&t->longest, &t->begin, &t->part);
}

void
sg_turns_clear(struct sg_turns *t)
{
    *t = (struct sg_turns) { .n = 0 };
}

static struct json *
json_time(const struct sg_instant *span, bool cpu)
{
    return json_integer_create(cpu ? span->cpu : span->clock);
}

static void
put_longest(const struct sg_turns *t, bool cpu, struct json *json)
{
    static const char *const names[] = {
#define SG_PART(ENUM, NAME) NAME,
        SG_PARTS
#undef SG_PART
    };
    struct json *parts = json_object_create();

    for (int i = 0; i < SG_N_PARTS; i++) {
        json_object_put(parts, names[i],
                        json_time(&t->longest_part[i], cpu));
    }
    json_object_put(json, "longest_us", json_time(&t->longest, cpu));
    json_object_put(json, "parts", parts);
}

struct json *
sg_turns_to_json(const struct sg_turns *t)
{
    struct json *json = json_object_create();
    struct json *cpu = json_object_create();

    json_object_put(json, "turns", json_integer_create(t->n));
    put_longest(t, false, json);
    put_longest(t, true, cpu);
    json_object_put(json, "cpu", cpu);
    return json;
}
