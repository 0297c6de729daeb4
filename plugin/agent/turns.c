/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/turns.h"

#include "openvswitch/json.h"
#include "timeval.h"
#include "util.h"

void
sg_turn_begin(struct sg_turns *t)
{
    t->n++;
    t->begin = t->part = time_usec();
}

void
sg_turn_part(struct sg_turns *t, enum sg_part part)
{
    long long int now = time_usec();

    t->longest_part[part] = MAX(t->longest_part[part], now - t->part);
    t->part = now;
}

void
sg_turn_end(struct sg_turns *t)
{
    t->longest = MAX(t->longest, time_usec() - t->begin);
}

void
sg_turns_clear(struct sg_turns *t)
{
    *t = (struct sg_turns) { .n = 0 };
}

struct json *
sg_turns_to_json(const struct sg_turns *t)
{
    static const char *const names[] = {
#define SG_PART(ENUM, NAME) NAME,
        SG_PARTS
#undef SG_PART
    };
    struct json *json = json_object_create();
    struct json *parts = json_object_create();

    for (int i = 0; i < SG_N_PARTS; i++) {
        json_object_put(parts, names[i],
                        json_integer_create(t->longest_part[i]));
    }
    json_object_put(json, "turns", json_integer_create(t->n));
    json_object_put(json, "longest_us", json_integer_create(t->longest));
    json_object_put(json, "parts", parts);
    return json;
}
