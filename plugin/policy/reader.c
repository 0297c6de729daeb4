/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "policy/load.h"
#include "util.h"

/* Deepest nesting of lists that is followed. */
#define MAX_DEPTH 64

/* Longest string that is quoted in full. */
#define MAX_QUOTE 64

static char *
with_chain(const struct sg_where *where, const char *format, va_list args)
{
    char *message = xvasprintf(format, args);

    if (where && where->chain) {
        char *longer = xasprintf("%s (%s)", message, where->chain);

        free(message);
        message = longer;
    }
    return message;
}

static void
report(struct sg_load *load, const struct sg_where *where,
       void (*add)(struct sg_diags *, const struct sg_place *,
                   const char *format, ...),
       const char *format, va_list args)
{
    char *message = with_chain(where, format, args);

    add(load->diags, where ? &where->place : NULL, "%s", message);
    free(message);
}

void
sg_load_error(struct sg_load *load, const struct sg_where *where,
              const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(load, where, sg_error, format, args);
    va_end(args);
}

void
sg_load_warning(struct sg_load *load, const struct sg_where *where,
                const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(load, where, sg_warning, format, args);
    va_end(args);
}

const struct json *
sg_doc_get(const struct json *object, const char *key)
{
    const struct json *value;

    if (!object || object->type != JSON_OBJECT) {
        return NULL;
    }
    value = shash_find_data(object->object, key);
    return value && value->type != JSON_NULL ? value : NULL;
}

const char *
sg_doc_string(const struct json *object, const char *key)
{
    const struct json *value = sg_doc_get(object, key);

    return value && value->type == JSON_STRING ? json_string(value) : NULL;
}

bool
sg_doc_is_incomplete(const struct json *document)
{
    const struct json *value = sg_doc_get(document, "incomplete");

    return value && value->type == JSON_TRUE;
}

struct sg_where
sg_doc_where(const struct json *object, const struct sg_where *fallback)
{
    const struct json *place = sg_doc_get(object, "place");
    const char *file = sg_doc_string(place, "file");
    struct sg_where where = { { NULL, 0 }, NULL };
    long long int line;

    if (!file) {
        return fallback ? *fallback : where;
    }
    where.place.file = CONST_CAST(char *, file);
    if (sg_doc_integer(sg_doc_get(place, "line"), &line)
        && line > 0 && line <= INT_MAX) {
        where.place.line = line;
    }
    where.chain = sg_doc_string(place, "chain");
    return where;
}

/* Quotes 's', cut to a length that fits a message.  Does not cut UTF-8
 * characters in two. */
static char *
quote(const char *s)
{
    size_t n = strlen(s);

    if (n <= MAX_QUOTE) {
        return xasprintf("\"%s\"", s);
    }
    n = MAX_QUOTE - 3;
    while (n > 0 && ((unsigned char) s[n] & 0xc0) == 0x80) {
        n--;
    }
    return xasprintf("\"%.*s...\"", (int) n, s);
}

/* The keys by which sg_doc_describe() knows an object, and its words. */
static const struct {
    const char *key;
    const char *words;
} object_words[] = {
    { "any", "any" },
    { "group", "a group" },
    { "prefix_list", "a prefix list" },
    { "addresses", "an addresses set" },
    { "word", "a rule" },
};

static char *
describe_object(const struct json *json)
{
    const char *bad = sg_doc_string(json, "bad");

    if (bad) {
        return xstrdup(bad);
    }
    for (size_t i = 0; i < ARRAY_SIZE(object_words); i++) {
        if (sg_doc_get(json, object_words[i].key)) {
            return xstrdup(object_words[i].words);
        }
    }
    return xstrdup("a table");
}

char *
sg_doc_describe(const struct json *json)
{
    switch (json ? json->type : JSON_NULL) {
    case JSON_FALSE:
        return xstrdup("false");
    case JSON_TRUE:
        return xstrdup("true");
    case JSON_INTEGER:
        return xasprintf("%lld", json->integer);
    case JSON_REAL:
        return xasprintf("%.15g", json->real);
    case JSON_STRING:
        return quote(json_string(json));
    case JSON_ARRAY:
        return xstrdup("a list");
    case JSON_OBJECT:
        return describe_object(json);
    case JSON_NULL:
    case JSON_N_TYPES:
    case JSON_SERIALIZED_OBJECT:
    default:
        return xstrdup("nothing");
    }
}

bool
sg_doc_integer(const struct json *json, long long int *n)
{
    if (json && json->type == JSON_INTEGER) {
        *n = json->integer;
        return true;
    }
    if (json && json->type == JSON_REAL && fabs(json->real) < 1e15
        && json->real == floor(json->real)) {
        *n = json->real;
        return true;
    }
    return false;
}

static bool
flatten(const struct json *json, struct sg_doc_list *list, int depth)
{
    if (!json || json->type == JSON_NULL
        || (json->type == JSON_OBJECT && shash_is_empty(json->object))) {
        return true;
    }
    if (json->type == JSON_ARRAY) {
        if (depth >= MAX_DEPTH) {
            return false;
        }
        for (size_t i = 0; i < json->array.n; i++) {
            if (!flatten(json->array.elems[i], list, depth + 1)) {
                return false;
            }
        }
        return true;
    }
    if (list->n >= list->allocated) {
        list->elems = x2nrealloc(list->elems, &list->allocated,
                                 sizeof *list->elems);
    }
    list->elems[list->n++] = json;
    return true;
}

bool
sg_doc_flatten(const struct json *json, struct sg_doc_list *list)
{
    return flatten(json, list, 0);
}

void
sg_doc_list_destroy(struct sg_doc_list *list)
{
    free(list->elems);
}

char *
sg_load_guess(const char *typed, const char *const names[], size_t n)
{
    const char *guess = sg_did_you_mean(typed, names, n);

    return guess ? xasprintf("; did you mean \"%s\"?", guess) : xstrdup("");
}

/* "; it takes ingress, egress and description". */
static void
put_known_keys(struct ds *s, const char *const known[], size_t n)
{
    ds_put_cstr(s, n ? "; it takes " : "; it takes none");
    for (size_t i = 0; i < n; i++) {
        ds_put_format(s, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " and ",
                      known[i]);
    }
}

void
sg_load_unknown_keys(struct sg_load *load, const struct sg_where *where,
                     const struct json *object, const char *what,
                     const char *const known[], size_t n)
{
    struct sg_doc_list keys = SG_DOC_LIST_INITIALIZER;

    sg_doc_flatten(sg_doc_get(object, "unknown"), &keys);
    for (size_t i = 0; i < keys.n; i++) {
        char *key = sg_doc_describe(keys.elems[i]);
        struct ds s = DS_EMPTY_INITIALIZER;

        ds_put_format(&s, "%s has no key %s", what, key);
        if (keys.elems[i]->type == JSON_STRING) {
            const char *guess = sg_did_you_mean(json_string(keys.elems[i]),
                                                known, n);
            if (guess) {
                ds_put_format(&s, "; did you mean \"%s\"?", guess);
            } else {
                put_known_keys(&s, known, n);
            }
        }
        sg_load_error(load, where, "%s", ds_cstr(&s));
        ds_destroy(&s);
        free(key);
    }
    sg_doc_list_destroy(&keys);
}

char *
sg_load_text(struct sg_load *load, const struct sg_where *where,
             const struct json *object, const char *what, const char *key)
{
    const struct json *value = sg_doc_get(object, key);
    char *given;

    if (!value) {
        return NULL;
    }
    if (value->type == JSON_STRING) {
        return xstrdup(json_string(value));
    }
    given = sg_doc_describe(value);
    sg_load_error(load, where, "%s of %s is %s; it must be a text in quotes",
                  key, what, given);
    free(given);
    return NULL;
}

int
sg_load_byte(struct sg_load *load, const struct sg_where *where,
             const char *what, const struct json *json)
{
    long long int n;
    char *given;

    if (sg_doc_integer(json, &n) && n >= 0 && n <= 255) {
        return n;
    }
    given = sg_doc_describe(json);
    sg_load_error(load, where, "%s is %s; it must be a number from 0 to 255",
                  what, given);
    free(given);
    return -1;
}
