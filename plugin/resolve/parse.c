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

static char
first_char(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len && text[i] && strchr(BLANKS "\n", text[i])) {
        i++;
    }
    return i < len ? text[i] : '\0';
}

static bool
is_json(const char *text, size_t len, const struct sg_addresses *how)
{
    char first = first_char(text, len);

    return (how->format == SG_FORMAT_JSON
            || (how->format == SG_FORMAT_ANY
                && (how->path || how->field || first == '['
                    || first == '{')));
}

/* Adds what 'bytes' say to 'list'. */
static char *
parse(const char *bytes, size_t len, bool json,
      const struct sg_addresses *how, struct list *list)
{
    char *text, *error;

    if (memchr(bytes, '\0', len)) {
        return xstrdup("this is not text: it has a byte of zero");
    }
    text = xmemdup0(bytes, len);
    error = json ? parse_json(text, how, list) : parse_lines(text, list);
    free(text);
    return error;
}

/* Returns false if something was there twice. */
static bool
sort_unique(struct list *list)
{
    size_t n = list->n;

    list->n = n ? sg_prefixes_sort_unique(list->prefixes, n) : 0;
    return list->n == n;
}

char *
sg_parse_addresses(const char *text, size_t len,
                   const struct sg_addresses *how,
                   struct sg_prefix **prefixes, size_t *n)
{
    struct list list = { NULL, 0, 0 };
    char *error = parse(text, len, is_json(text, len, how), how, &list);

    if (error) {
        free(list.prefixes);
        list = (struct list) { NULL, 0, 0 };
    }
    sort_unique(&list);
    *prefixes = list.prefixes;
    *n = list.n;
    return error;
}

/* Texts that are read again. */

void
sg_listing_destroy(struct sg_listing *l)
{
    free(l->text);
    free(l->prefixes);
    *l = (struct sg_listing) { .text = NULL };
}

/* 'text' says 'prefixes', and each once. */
static void
listing_set(struct sg_listing *l, const char *text, size_t len,
            const struct sg_prefix *prefixes, size_t n)
{
    sg_listing_destroy(l);
    l->text = xmemdup0(text, len);
    l->len = len;
    l->prefixes = n ? xmemdup(prefixes, n * sizeof *prefixes) : NULL;
    l->n = n;
}

static bool
begins_line(const char *text, size_t pos)
{
    return !pos || text[pos - 1] == '\n';
}

#define STEP 512                /* Bytes that are compared at a time. */

/* With how many of 'most' bytes 'a' and 'b' both begin. */
static size_t
count_same_begin(const char *a, const char *b, size_t most)
{
    size_t n = 0;

    while (most - n >= STEP && !memcmp(a + n, b + n, STEP)) {
        n += STEP;
    }
    while (n < most && a[n] == b[n]) {
        n++;
    }
    return n;
}

/* With how many of 'most' bytes those before 'a' and 'b' both end. */
static size_t
count_same_end(const char *a, const char *b, size_t most)
{
    size_t n = 0;

    while (most - n >= STEP && !memcmp(a - n - STEP, b - n - STEP, STEP)) {
        n += STEP;
    }
    while (n < most && a[-1 - (ptrdiff_t) n] == b[-1 - (ptrdiff_t) n]) {
        n++;
    }
    return n;
}

/* How many bytes, of whole lines, both texts begin, and end, with. */
static void
find_common(const struct sg_listing *l, const char *text, size_t len,
            size_t *head, size_t *tail)
{
    size_t most = MIN(l->len, len);
    size_t n = count_same_begin(l->text, text, most);

    while (!begins_line(text, n)) {
        n--;
    }
    *head = n;
    n = count_same_end(l->text + l->len, text + len, most - n);
    while (n && !(begins_line(text, len - n)
                  && begins_line(l->text, l->len - n))) {
        n--;
    }
    *tail = n;
}

static void
list_add(struct list *list, const struct sg_prefix *prefixes, size_t n)
{
    if (n) {
        memcpy(&list->prefixes[list->n], prefixes, n * sizeof *prefixes);
        list->n += n;
    }
}

/* Puts the entries of 'l' without 'gone' but with 'new' into 'all'; all are
 * sorted.  Returns false if an entry would be there twice. */
static bool
merge(const struct sg_listing *l, const struct list *gone,
      const struct list *new, struct list *all)
{
    size_t i = 0, g = 0, a = 0;

    all->prefixes = xmalloc((l->n + new->n + 1) * sizeof *all->prefixes);
    while (g < gone->n || a < new->n) {
        bool goes = (a >= new->n
                     || (g < gone->n
                         && sg_prefix_compare(&gone->prefixes[g],
                                              &new->prefixes[a]) <= 0));
        const struct sg_prefix *p = (goes ? &gone->prefixes[g++]
                                     : &new->prefixes[a++]);
        size_t n = sg_prefixes_lower_bound(&l->prefixes[i], l->n - i, p);

        list_add(all, &l->prefixes[i], n);
        i += n;
        if (i < l->n && sg_prefix_equals(&l->prefixes[i], p)) {
            if (!goes) {
                return false;
            }
            i++;
        } else if (!goes) {
            list_add(all, p, 1);
        }
    }
    list_add(all, &l->prefixes[i], l->n - i);
    return true;
}

/* Reads only the lines of 'text' that are not those of 'l', which has some.
 * Returns false if all must be read. */
static bool
parse_difference(const struct sg_listing *l, const char *text, size_t len,
                 const struct sg_addresses *how, struct list *all,
                 size_t *n_read)
{
    struct list gone = { NULL, 0, 0 }, new = { NULL, 0, 0 };
    size_t head, tail;
    char *error;
    bool ok;

    find_common(l, text, len, &head, &tail);
    error = parse(l->text + head, l->len - head - tail, false, how, &gone);
    ovs_assert(!error);
    error = parse(text + head, len - head - tail, false, how, &new);
    *n_read = new.n;
    ok = (sort_unique(&gone) && sort_unique(&new) && !error
          && merge(l, &gone, &new, all));
    free(error);
    free(gone.prefixes);
    free(new.prefixes);
    return ok;
}

/* Reads all of it. */
static char *
parse_whole(struct sg_listing *l, const char *text, size_t len,
            const struct sg_addresses *how, struct sg_prefix **prefixes,
            size_t *n)
{
    struct list list = { NULL, 0, 0 };
    bool json = is_json(text, len, how);
    char *error = parse(text, len, json, how, &list);
    size_t n_read = list.n;

    if (error) {
        free(list.prefixes);
        return error;
    }
    if (sort_unique(&list) && !json) {
        listing_set(l, text, len, list.prefixes, list.n);
    } else {
        sg_listing_destroy(l);
    }
    l->n_read = n_read;
    *prefixes = list.prefixes;
    *n = list.n;
    return NULL;
}

char *
sg_listing_parse(struct sg_listing *l, const char *text, size_t len,
                 const struct sg_addresses *how,
                 struct sg_prefix **prefixes, size_t *n)
{
    struct list list = { NULL, 0, 0 };
    size_t n_read;

    *prefixes = NULL;
    *n = 0;
    if (l->n && !is_json(text, len, how)
        && parse_difference(l, text, len, how, &list, &n_read)) {
        listing_set(l, text, len, list.prefixes, list.n);
        l->n_read = n_read;
        *prefixes = list.prefixes;
        *n = list.n;
        return NULL;
    }
    free(list.prefixes);
    return parse_whole(l, text, len, how, prefixes, n);
}
