/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "resolve/parse.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "policy/addresses.h"
#include "util.h"

/* Characters of an entry that a message quotes. */
#define MAX_QUOTE 60

struct list {
    struct sg_prefix *prefixes;
    size_t n, allocated;
};

/* 's', which came over the network, as it may stand in a log. */
static char *
quote(const char *s)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; s[i] && i < MAX_QUOTE; i++) {
        ds_put_char(&ds, s[i] >= ' ' && s[i] < 0x7f ? s[i] : '?');
    }
    return ds_steal_cstr(&ds);
}

static char *
add(struct list *list, const char *s)
{
    struct sg_prefix prefix;
    char *shown, *error = sg_prefix_parse(s, &prefix);

    if (error) {
        free(error);
        shown = quote(s);
        error = xasprintf("\"%s\" is no address or prefix", shown);
        free(shown);
        return error;
    }
    if (!sg_prefix_text_len(&prefix)) {
        return xasprintf("%s is everybody; for that write any in the policy",
                         s);
    }
    if (list->n >= list->allocated) {
        list->prefixes = x2nrealloc(list->prefixes, &list->allocated,
                                    sizeof *list->prefixes);
    }
    list->prefixes[list->n++] = prefix;
    return NULL;
}

/* Lines. */

#define BLANKS " \t\r"

/* Adds the entry of 'line', if it has one.  Changes 'line'. */
static char *
add_line(struct list *list, char *line)
{
    char *end;

    line[strcspn(line, "#")] = '\0';
    line += strspn(line, BLANKS);
    end = line + strlen(line);
    while (end > line && strchr(BLANKS, end[-1])) {
        *--end = '\0';
    }
    return line[0] ? add(list, line) : NULL;
}

static char *
parse_lines(char *text, struct list *list)
{
    char *next = text;

    for (int number = 1; next; number++) {
        char *line = strsep(&next, "\n");
        char *error = add_line(list, line);

        if (error) {
            char *longer = xasprintf("line %d: %s", number, error);

            free(error);
            return longer;
        }
    }
    return NULL;
}

/* JSON. */

static const struct json *
member(const struct json *json, const char *key)
{
    const struct json *value
        = (json->type == JSON_OBJECT ? shash_find_data(json->object, key)
           : NULL);

    return value && value->type != JSON_NULL ? value : NULL;
}

/* What is under "a.b" in 'json', or NULL. */
static const struct json *
follow(const struct json *json, const char *path)
{
    char *copy = xstrdup(path), *next = copy;

    while (json && next) {
        json = member(json, strsep(&next, "."));
    }
    free(copy);
    return json;
}

static char *
add_value(struct list *list, const struct json *value)
{
    if (value->type != JSON_STRING) {
        return xasprintf("is %s; an address is a string",
                         json_type_to_string(value->type));
    }
    return add(list, json_string(value));
}

static char *
add_values(struct list *list, const struct json *value)
{
    char *error = NULL;

    if (value->type != JSON_ARRAY) {
        return add_value(list, value);
    }
    for (size_t i = 0; i < value->array.n && !error; i++) {
        error = add_value(list, value->array.elems[i]);
    }
    return error;
}

/* Adds what 'elem' of the list says.  '*found' gets true if it had the
 * field. */
static char *
add_element(struct list *list, const struct json *elem, const char *field,
            bool *found)
{
    const struct json *value = elem;

    if (elem->type == JSON_OBJECT && !field) {
        return xstrdup("is an object; say with field = \"KEY\" which of its "
                       "members is the address");
    }
    if (field) {
        value = follow(elem, field);
        *found = *found || value;
    }
    return value ? add_values(list, value) : NULL;
}

static char *
add_elements(const struct json *array, const char *field, struct list *list)
{
    bool found = false;

    for (size_t i = 0; i < array->array.n; i++) {
        char *error = add_element(list, array->array.elems[i], field,
                                  &found);

        if (error) {
            char *longer = xasprintf("element %"PRIuSIZE": %s", i + 1,
                                     error);

            free(error);
            return longer;
        }
    }
    if (field && array->array.n && !found) {
        return xasprintf("no element of the list has the field \"%s\"",
                         field);
    }
    return NULL;
}

static char *
parse_json(const char *text, const struct sg_addresses *how,
           struct list *list)
{
    struct json *json = json_from_string(text);
    const struct json *array = how->path ? follow(json, how->path) : json;
    char *error;

    if (json->type == JSON_STRING) {
        /* That is also how json_from_string() reports errors. */
        error = xasprintf("this is no JSON (%s)", json_string(json));
    } else if (!array) {
        error = xasprintf("there is nothing under the path \"%s\"",
                          how->path);
    } else if (array->type != JSON_ARRAY) {
        error = xasprintf("what is there is %s, not a list; say with path = "
                          "\"KEY\" where the list is",
                          json_type_to_string(array->type));
    } else {
        error = add_elements(array, how->field, list);
    }
    json_destroy(json);
    return error;
}

/* Both. */

static bool
is_json(const char *text, const struct sg_addresses *how)
{
    char first = text[strspn(text, BLANKS "\n")];

    return (how->format == SG_FORMAT_JSON
            || (how->format == SG_FORMAT_ANY
                && (how->path || how->field || first == '['
                    || first == '{')));
}

char *
sg_parse_addresses(const char *bytes, size_t len,
                   const struct sg_addresses *how,
                   struct sg_prefix **prefixes, size_t *n)
{
    struct list list = { NULL, 0, 0 };
    char *text, *error;

    *prefixes = NULL;
    *n = 0;
    if (memchr(bytes, '\0', len)) {
        return xstrdup("this is not text: it has a byte of zero");
    }
    text = xmemdup0(bytes, len);
    error = (is_json(text, how) ? parse_json(text, how, &list)
             : parse_lines(text, &list));
    free(text);
    if (error) {
        free(list.prefixes);
        return error;
    }
    *prefixes = list.prefixes;
    *n = list.n ? sg_prefixes_sort_unique(list.prefixes, list.n) : 0;
    return NULL;
}
