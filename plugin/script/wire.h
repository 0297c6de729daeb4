/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_WIRE_H
#define SG_SCRIPT_WIRE_H 1

/* What goes over the channel (channel.h), as JSON, and back.
 *
 * Whoever reads trusts nothing: a member that is missing or of another type
 * is absent. */

#include <stdbool.h>
#include <stddef.h>

#include "openvswitch/json.h"

struct sg_budgets;
struct sg_diags;
struct sg_source;

/* Member 'name' of 'json', if that is an object and the member has 'type';
 * else NULL. */
const struct json *sg_wire_get(const struct json *, const char *name,
                               enum json_type type);

/* Element 'i' of 'array', if it is of that type; else NULL, 0, false. */
const char *sg_wire_string(const struct json *array, size_t i);
int sg_wire_integer(const struct json *array, size_t i);
bool sg_wire_boolean(const struct json *array, size_t i);

/* Replaces what would disturb a line of the log or of a message. */
void sg_wire_clean(char *);

/* Adds the errors in 'result' to 'diags'. */
void sg_wire_take_diags(const struct json *result, struct sg_diags *);
struct json *sg_wire_from_diags(const struct sg_diags *);

struct json *sg_wire_from_source(const struct sg_source *);
void sg_wire_take_source(const struct json *, struct sg_source *);

/* The parameters of "open".  The first is our version; the reader returns
 * false if it has another one. */
struct json *sg_wire_from_open(const char *language,
                               const struct sg_budgets *);
bool sg_wire_take_open(const struct json *, const char **language,
                       struct sg_budgets *);

#endif /* script/wire.h */
