/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/wire.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "policy/diag.h"
#include "script/budgets.h"
#include "script/sources.h"
#include "util.h"

/* Errors taken from one result, and the longest of them. */
#define MAX_ERRORS 2000
#define MAX_MESSAGE 4000

/* Reading. */

const struct json *
sg_wire_get(const struct json *json, const char *name, enum json_type type)
{
    const struct json *member = (json && json->type == JSON_OBJECT
                                 ? shash_find_data(json->object, name)
                                 : NULL);

    return member && member->type == type ? member : NULL;
}

static const struct json *
element(const struct json *array, size_t i, enum json_type type)
{
    return (array && array->type == JSON_ARRAY && i < array->array.n
            && array->array.elems[i]->type == type
            ? array->array.elems[i] : NULL);
}

const char *
sg_wire_string(const struct json *array, size_t i)
{
    const struct json *json = element(array, i, JSON_STRING);

    return json ? json_string(json) : NULL;
}

static int
to_int(const struct json *json)
{
    return (json && json_integer(json) > 0 && json_integer(json) <= INT_MAX
            ? json_integer(json) : 0);
}

int
sg_wire_integer(const struct json *array, size_t i)
{
    return to_int(element(array, i, JSON_INTEGER));
}

bool
sg_wire_boolean(const struct json *array, size_t i)
{
    return element(array, i, JSON_TRUE) != NULL;
}

static const char *
get_string(const struct json *json, const char *name)
{
    const struct json *member = sg_wire_get(json, name, JSON_STRING);

    return member ? json_string(member) : NULL;
}

void
sg_wire_clean(char *s)
{
    for (; *s; s++) {
        if ((unsigned char) *s < ' ' || *s == '\x7f') {
            *s = '?';
        }
    }
}

static void
put(struct json *json, const char *name, const char *value)
{
    if (value) {
        json_object_put_string(json, name, value);
    }
}

/* Errors. */

void
sg_wire_take_diags(const struct json *result, struct sg_diags *diags)
{
    const struct json *errors = sg_wire_get(result, "errors", JSON_ARRAY);

    for (size_t i = 0; errors && i < MIN(errors->array.n, MAX_ERRORS); i++) {
        const struct json *error = errors->array.elems[i];
        const char *message = get_string(error, "message");
        struct sg_place place = {
            CONST_CAST(char *, get_string(error, "file")),
            to_int(sg_wire_get(error, "line", JSON_INTEGER)),
        };
        char *text = xasprintf("%.*s", MAX_MESSAGE,
                               message ? message : "something is wrong");

        sg_wire_clean(text);
        sg_error(diags, &place, "%s", text);
        free(text);
    }
}

struct json *
sg_wire_from_diags(const struct sg_diags *diags)
{
    struct json *errors = json_array_create_empty();

    for (size_t i = 0; i < diags->n; i++) {
        const struct sg_diag *diag = &diags->list[i];
        struct json *error = json_object_create();

        put(error, "file", diag->place.file);
        json_object_put(error, "line",
                        json_integer_create(diag->place.line));
        put(error, "message", diag->message);
        json_array_add(errors, error);
    }
    return errors;
}

/* Sources. */

struct json *
sg_wire_from_source(const struct sg_source *source)
{
    struct json *json = json_object_create();

    put(json, "file", source->file);
    put(json, "text", source->text);
    put(json, "error", source->error);
    return json;
}

void
sg_wire_take_source(const struct json *json, struct sg_source *source)
{
    source->file = nullable_xstrdup(get_string(json, "file"));
    source->text = nullable_xstrdup(get_string(json, "text"));
    source->error = nullable_xstrdup(get_string(json, "error"));
    if (!source->text && !source->error) {
        source->error = xstrdup("cannot be had");
    }
}

/* "open". */

static const struct {
    const char *name;
    size_t offset;              /* Of a uint64_t in struct sg_budgets. */
} budgets_members[] = {
    { "instructions", offsetof(struct sg_budgets, max_instructions) },
    { "call_instructions",
      offsetof(struct sg_budgets, max_call_instructions) },
    { "ms", offsetof(struct sg_budgets, max_ms) },
    { "call_ms", offsetof(struct sg_budgets, max_call_ms) },
    { "memory", offsetof(struct sg_budgets, max_memory) },
};

static uint64_t *
budget(const struct sg_budgets *budgets, size_t i)
{
    return ALIGNED_CAST(uint64_t *, (char *) budgets
                                    + budgets_members[i].offset);
}

struct json *
sg_wire_from_open(const char *language, const struct sg_budgets *budgets)
{
    struct json *json = json_object_create();

    for (size_t i = 0; i < ARRAY_SIZE(budgets_members); i++) {
        json_object_put(json, budgets_members[i].name,
                        json_integer_create(*budget(budgets, i)));
    }
    return json_array_create_3(json_string_create(SG_VERSION),
                               json_string_create(language), json);
}

bool
sg_wire_take_open(const struct json *params, const char **language,
                  struct sg_budgets *budgets)
{
    const struct json *json = element(params, 2, JSON_OBJECT);
    const char *version = sg_wire_string(params, 0);

    *language = sg_wire_string(params, 1);
    for (size_t i = 0; i < ARRAY_SIZE(budgets_members); i++) {
        const struct json *n = sg_wire_get(json, budgets_members[i].name,
                                           JSON_INTEGER);
        *budget(budgets, i) = n ? json_integer(n) : 0;
    }
    return *language && version && !strcmp(version, SG_VERSION);
}
