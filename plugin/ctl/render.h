/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_RENDER_H
#define SG_CTL_RENDER_H 1

/* The agent's JSON as text for people
 * ===================================
 *
 * Lists become tables, in the look of `ovs-vsctl --format=table'.  Members
 * that an answer lacks are shown as empty, so that a newer or an older agent
 * can be talked to.  All goes to stdout, unless it says otherwise. */

#include <stdbool.h>

struct json;

void render_groups(const struct json *groups);
void render_ports(const struct json *ports);
void render_all_addresses(const struct json *sets);

/* The answer of `observe', without its JSON; 'sampled' if packets were looked
 * at. */
void render_observation(const struct json *observation, bool sampled);
/* A flow of it: "tap1 (192.0.2.1) -> uplink tcp 25"; and the member 'name' of
 * 'object'.  The caller frees them. */
char *render_talk(const struct json *flow);
char *render_value(const struct json *object, const char *name);

/* Any answer of `show', by its member "kind". */
void render_thing(const struct json *thing);

/* The strings of 'array', a line each. */
void render_lines(const struct json *array);

/* The strings in the member 'name' of 'answer', each behind 'prefix', a line
 * each; to stderr, after what was printed before. */
void render_notes(const struct json *answer, const char *name,
                  const char *prefix);
/* 'json' as it is, in one line. */
void render_json(const struct json *json);

#endif /* ctl/render.h */
