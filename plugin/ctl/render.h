/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_RENDER_H
#define SG_CTL_RENDER_H 1

/* The agent's JSON as text for people
 * ===================================
 *
 * Lists become tables, in the look of `ovs-vsctl --format=table'.  Members
 * that an answer lacks are shown as empty, so that a newer or an older agent
 * can be talked to. */

struct json;

void render_groups(const struct json *groups);
void render_ports(const struct json *ports);
void render_all_addresses(const struct json *sets);

/* Any answer of `show', by its member "kind". */
void render_thing(const struct json *thing);

/* The strings of 'array', a line each. */
void render_lines(const struct json *array);

/* 'json' as it is, in one line. */
void render_json(const struct json *json);

#endif /* ctl/render.h */
