/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The definition of an `addresses' set, read from a policy document. */

#include <config.h>

#include "policy/addresses.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/load.h"
#include "util.h"

/* Seconds. */
#define DAY (24 * 60 * 60)
#define DEFAULT_INTERVAL 60
#define DEFAULT_TIMEOUT 5
#define MAX_TIMEOUT 60
#define DEFAULT_MIN_TTL 5
#define DEFAULT_MAX_TTL (60 * 60)

/* Bytes. */
#define DEFAULT_MAX_SIZE (1024 * 1024)
#define MAX_MAX_SIZE (64 * 1024 * 1024)

#define MAX_DNS_NAME 253
#define MAX_DNS_LABEL 63

static const char *const type_names[] = {
    [SG_SOURCE_FILE] = "file",
    [SG_SOURCE_DNS] = "dns",
    [SG_SOURCE_HTTP] = "http",
    [SG_SOURCE_FUNCTION] = "resolve",
};

const char *
sg_source_type_name(enum sg_source_type type)
{
    return type_names[type];
}

static void
free_strings(char **strings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(strings[i]);
    }
    free(strings);
}

void
sg_addresses_destroy(struct sg_addresses *a)
{
    if (a) {
        free_strings(a->targets, a->n_targets);
        free_strings(a->nameservers, a->n_nameservers);
        sg_place_destroy(&a->place);
        free(a->name);
        free(a->path);
        free(a->field);
        free(a->ca);
        free(a);
    }
}

char *
sg_addresses_describe(const struct sg_addresses *a)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&s, sg_source_type_name(a->type));
    for (size_t i = 0; i < a->n_targets; i++) {
        ds_put_format(&s, "%s%s", i ? ", " : " ", a->targets[i]);
    }
    return ds_steal_cstr(&s);
}

/* What the definition being read shares. */
struct reading {
    struct sg_load *load;
    const struct sg_where *where;
    const struct json *json;
    const char *what;           /* `addresses "crm"' */
    struct sg_addresses *a;
};

/* Says that 'value' of 'key' is wrong, and how it should be. */
static void
complain(const struct reading *r, const char *key, const struct json *value,
         const char *should)
{
    char *given = sg_doc_describe(value);

    sg_load_error(r->load, r->where, "%s of %s is %s; %s", key, r->what,
                  given, should);
    free(given);
}

static int
read_number(const struct reading *r, const char *key, const char *unit,
            int lo, int hi, int absent)
{
    const struct json *value = sg_doc_get(r->json, key);
    long long int n;

    if (!value) {
        return absent;
    }
    if (!sg_doc_integer(value, &n) || n < lo || n > hi) {
        char *should = xasprintf("it must be a number of %s from %d to %d",
                                 unit, lo, hi);

        complain(r, key, value, should);
        free(should);
        return absent;
    }
    return n;
}

/* Sources. */

static void
add_string(char ***strings, size_t *n, char *s)
{
    *strings = xrealloc(*strings, (*n + 1) * sizeof **strings);
    (*strings)[(*n)++] = s;
}

/* A path that does not begin with / is seen from the folder of the policy
 * file. */
static char *
absolute_path(const struct reading *r, const char *path)
{
    const char *file = r->where->place.file;
    char *folder, *result;

    if (path[0] == '/' || !file) {
        return xstrdup(path);
    }
    folder = dir_name(file);
    result = xasprintf("%s/%s", folder, path);
    free(folder);
    if (result[0] != '/') {
        char *absolute = abs_file_name(NULL, result);

        free(result);
        result = absolute;
    }
    return result;
}

static char *
read_path(const struct reading *r, const char *key)
{
    const struct json *value = sg_doc_get(r->json, key);

    if (!value) {
        return NULL;
    }
    if (value->type != JSON_STRING || !json_string(value)[0]) {
        complain(r, key, value, "it must be the name of a file");
        return NULL;
    }
    return absolute_path(r, json_string(value));
}

static void
read_file(const struct reading *r)
{
    char *path = read_path(r, "file");

    if (path) {
        add_string(&r->a->targets, &r->a->n_targets, path);
    }
}

/* "a-b.example.net": letters, digits, '-' and '_' in labels of up to 63. */
static bool
is_dns_name(const char *s)
{
    size_t label = 0;

    if (strlen(s) > MAX_DNS_NAME) {
        return false;
    }
    for (; *s; s++) {
        if (*s == '.') {
            if (!label) {
                return false;
            }
            label = 0;
        } else if ((!isalnum((unsigned char) *s) && *s != '-' && *s != '_')
                   || ++label > MAX_DNS_LABEL) {
            return false;
        }
    }
    return label > 0;
}

static bool
has_target(const struct sg_addresses *a, const char *target)
{
    for (size_t i = 0; i < a->n_targets; i++) {
        if (!strcmp(a->targets[i], target)) {
            return true;
        }
    }
    return false;
}

static void
read_dns_name(const struct reading *r, const struct json *value)
{
    const char *text = (value->type == JSON_STRING ? json_string(value) : "");
    char *name = xstrdup(text);
    size_t len = strlen(name);
    struct sg_prefix prefix;
    char *error = sg_prefix_parse(name, &prefix);

    if (len && name[len - 1] == '.') {
        name[len - 1] = '\0';           /* All names are absolute. */
    }
    for (char *p = name; *p; p++) {
        *p = tolower((unsigned char) *p);
    }
    if (!error) {
        complain(r, "dns", value, "that is an address; put it into a "
                 "prefix_list");
    } else if (!is_dns_name(name)) {
        complain(r, "dns", value, "it must be a name such as "
                 "\"crm.example.net\", or a list of names");
    } else if (!has_target(r->a, name)) {
        add_string(&r->a->targets, &r->a->n_targets, name);
        name = NULL;
    }
    free(error);
    free(name);
}

static bool
is_address(const char *s)
{
    struct sg_prefix prefix;
    char *error = sg_prefix_parse(s, &prefix);

    free(error);
    return !error && !strchr(s, '/');
}

/* "192.0.2.53", "192.0.2.53:5353", "2001:db8::53" or "[2001:db8::53]:53". */
static bool
is_socket_address(const char *s)
{
    const char *colon = strrchr(s, ':');
    unsigned int port;
    char *host;
    bool is;

    if (is_address(s)) {
        return true;
    }
    if (!colon || !str_to_uint(colon + 1, 10, &port) || !port
        || port > UINT16_MAX) {
        return false;
    }
    if (s[0] == '[') {
        is = colon[-1] == ']' && colon - s > 2;
        host = xmemdup0(s + 1, is ? colon - s - 2 : 0);
    } else {
        host = xmemdup0(s, colon - s);
        is = !strchr(host, ':');
    }
    is = is && is_address(host);
    free(host);
    return is;
}

static void
read_nameserver(const struct reading *r, const struct json *value)
{
    const char *text = (value->type == JSON_STRING ? json_string(value) : "");

    if (!is_socket_address(text)) {
        complain(r, "nameservers", value, "it must be an address such as "
                 "\"192.0.2.53\", with a port if it is not 53, or a list of "
                 "those");
        return;
    }
    add_string(&r->a->nameservers, &r->a->n_nameservers, xstrdup(text));
}

static void
read_list(const struct reading *r, const char *key,
          void (*read_one)(const struct reading *, const struct json *))
{
    struct sg_doc_list list = SG_DOC_LIST_INITIALIZER;
    const struct json *value = sg_doc_get(r->json, key);

    if (value && (!sg_doc_flatten(value, &list) || !list.n)) {
        sg_load_error(r->load, r->where, "%s of %s is an empty list", key,
                      r->what);
    }
    for (size_t i = 0; i < list.n; i++) {
        read_one(r, list.elems[i]);
    }
    sg_doc_list_destroy(&list);
}

static void
read_dns(const struct reading *r)
{
    struct sg_addresses *a = r->a;

    read_list(r, "dns", read_dns_name);
    read_list(r, "nameservers", read_nameserver);
    a->min_ttl = read_number(r, "min_ttl", "seconds", 1, DAY,
                             DEFAULT_MIN_TTL);
    a->max_ttl = read_number(r, "max_ttl", "seconds", 1, DAY,
                             MAX(DEFAULT_MAX_TTL, a->min_ttl));
    if (a->min_ttl > a->max_ttl) {
        sg_load_error(r->load, r->where, "min_ttl of %s is %d, which is more "
                      "than max_ttl, %d", r->what, a->min_ttl, a->max_ttl);
    }
}

/* NULL, or how it should be. */
static const char *
check_url(const char *url)
{
    const char *host = (!strncmp(url, "http://", 7) ? url + 7
                        : !strncmp(url, "https://", 8) ? url + 8
                        : NULL);

    if (!host || !host[0] || strchr("/:?#", host[0])) {
        return "it must begin with \"http://HOST\" or \"https://HOST\"";
    }
    for (const char *p = url; *p; p++) {
        if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7f) {
            return "it has a character that a URL cannot have; write it "
                   "as %HH";
        }
    }
    if (memchr(host, '@', strcspn(host, "/?#"))) {
        return "a user and a password would be seen in logs; leave them out";
    }
    return NULL;
}

static void
read_http(const struct reading *r)
{
    const struct json *value = sg_doc_get(r->json, "http");
    const char *should = (value->type == JSON_STRING
                          ? check_url(json_string(value))
                          : "it must be a URL in quotes");

    if (should) {
        complain(r, "http", value, should);
    } else {
        add_string(&r->a->targets, &r->a->n_targets,
                   xstrdup(json_string(value)));
    }
    r->a->ca = read_path(r, "ca");
}

static void
read_function(const struct reading *r)
{
    long long int n;

    if (!sg_doc_integer(sg_doc_get(r->json, "resolve"), &n) || n < 0
        || n > INT_MAX) {
        complain(r, "resolve", sg_doc_get(r->json, "resolve"),
                 "it must be a function");
        return;
    }
    struct ds place = DS_EMPTY_INITIALIZER;

    sg_place_format(&r->where->place, &place);
    add_string(&r->a->targets, &r->a->n_targets, ds_steal_cstr(&place));
    r->a->function = n;
}

static const struct {
    enum sg_source_type type;
    void (*read)(const struct reading *);
    const char *options;        /* Those that only some sources have. */
} sources[] = {
    { SG_SOURCE_FILE, read_file, " max_size format path field " },
    { SG_SOURCE_DNS, read_dns, " min_ttl max_ttl nameservers timeout " },
    { SG_SOURCE_HTTP, read_http,
      " timeout max_size format path field ca " },
    { SG_SOURCE_FUNCTION, read_function, "" },
};

/* The source that is named, or SIZE_MAX after an error. */
static size_t
find_source(const struct reading *r)
{
    size_t found = SIZE_MAX;

    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        const char *key = sg_source_type_name(sources[i].type);

        if (!sg_doc_get(r->json, key)) {
            continue;
        }
        if (found != SIZE_MAX) {
            sg_load_error(r->load, r->where, "%s has two sources, %s and %s; "
                          "make two sets of it", r->what,
                          sg_source_type_name(sources[found].type), key);
            return found;
        }
        found = i;
    }
    if (found == SIZE_MAX) {
        sg_load_error(r->load, r->where, "%s does not say where its addresses "
                      "come from; give it file =, dns =, http = or "
                      "resolve =", r->what);
    }
    return found;
}

/* An option that means nothing for the source would be thought to work. */
static void
check_options(const struct reading *r, size_t source)
{
    static const char *const some[] = {
        "min_ttl", "max_ttl", "nameservers", "timeout", "max_size", "format",
        "path", "field", "ca"
    };

    for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
        char *word = xasprintf(" %s ", some[i]);

        if (sg_doc_get(r->json, some[i])
            && !strstr(sources[source].options, word)) {
            sg_load_error(r->load, r->where, "%s of %s means nothing for a "
                          "source of the kind %s", some[i], r->what,
                          sg_source_type_name(sources[source].type));
        }
        free(word);
    }
}

/* What all sources have. */

static void
read_max_change(const struct reading *r)
{
    const struct json *value = sg_doc_get(r->json, "max_change");
    struct sg_addresses *a = r->a;
    long long int number;
    int n = 0, percent;

    a->max_change = -1;
    if (!value) {
        return;
    }
    if (sg_doc_integer(value, &number) && number >= 0 && number <= INT_MAX) {
        a->max_change = number;
    } else if (value->type == JSON_STRING
               && ovs_scan(json_string(value), "%3d%%%n", &percent, &n)
               && n && !json_string(value)[n]
               && percent >= 0 && percent <= 100) {
        a->max_change = percent;
        a->max_change_percent = true;
    } else {
        complain(r, "max_change", value, "it must be a number of addresses, "
                 "or a part such as \"50%\"");
    }
}

static void
read_on_error(const struct reading *r)
{
    const struct json *value = sg_doc_get(r->json, "on_error");
    const char *s = sg_doc_string(r->json, "on_error");

    if (s && !strcmp(s, "empty")) {
        r->a->empty_on_error = true;
    } else if (value && !(s && !strcmp(s, "keep"))) {
        complain(r, "on_error", value, "it must be \"keep\" or \"empty\"");
    }
}

static void
read_format(const struct reading *r)
{
    const struct json *value = sg_doc_get(r->json, "format");
    const char *s = sg_doc_string(r->json, "format");
    struct sg_addresses *a = r->a;

    if (s && !strcmp(s, "lines")) {
        a->format = SG_FORMAT_LINES;
    } else if (s && !strcmp(s, "json")) {
        a->format = SG_FORMAT_JSON;
    } else if (value) {
        complain(r, "format", value, "it must be \"lines\" or \"json\"");
    }
    a->path = sg_load_text(r->load, r->where, r->json, r->what, "path");
    a->field = sg_load_text(r->load, r->where, r->json, r->what, "field");
    if (a->format == SG_FORMAT_LINES && (a->path || a->field)) {
        sg_load_error(r->load, r->where, "%s has path or field, which belong "
                      "to format = \"json\"", r->what);
    }
}

static void
read_all(const struct reading *r)
{
    static const char *const known[] = {
        "file", "dns", "http", "resolve", "interval", "timeout", "on_error",
        "max_change", "min_ttl", "max_ttl", "nameservers", "max_size",
        "format", "path", "field", "ca"
    };
    size_t source = find_source(r);

    sg_load_unknown_keys(r->load, r->where, r->json, r->what, known,
                         ARRAY_SIZE(known));
    r->a->function = -1;
    if (source != SIZE_MAX) {
        r->a->type = sources[source].type;
        check_options(r, source);
        sources[source].read(r);
    }
    r->a->interval = read_number(r, "interval", "seconds", 1, DAY,
                                 (r->a->type == SG_SOURCE_DNS
                                  ? 0 : DEFAULT_INTERVAL));
    r->a->timeout = read_number(r, "timeout", "seconds", 1, MAX_TIMEOUT,
                                DEFAULT_TIMEOUT);
    r->a->max_size = read_number(r, "max_size", "bytes", 1, MAX_MAX_SIZE,
                                 DEFAULT_MAX_SIZE);
    read_format(r);
    read_max_change(r);
    read_on_error(r);
}

struct sg_addresses *
sg_load_addresses(struct sg_load *load, const struct sg_where *where,
                  const struct json *json, const char *name)
{
    struct sg_addresses *a = xzalloc(sizeof *a);
    char *what = xasprintf("addresses \"%s\"", name);
    struct reading r = { load, where, json, what, a };

    a->name = xstrdup(name);
    sg_place_clone(&a->place, &where->place);
    read_all(&r);
    free(what);
    return a;
}
