/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "resolve/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "socket-util.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_memory);

struct json *
sg_memory_to_json(const struct sg_memory *memory)
{
    struct json *json = json_object_create();
    struct json *prefixes = json_array_create_empty();

    for (size_t i = 0; i < memory->n; i++) {
        struct ds s = DS_EMPTY_INITIALIZER;

        sg_prefix_format(&memory->prefixes[i], &s);
        json_array_add(prefixes,
                       json_string_create_nocopy(ds_steal_cstr(&s)));
    }
    json_object_put_string(json, "set", memory->set);
    json_object_put_string(json, "source", memory->source);
    json_object_put(json, "fetched", json_integer_create(memory->fetched));
    json_object_put(json, "prefixes", prefixes);
    return json;
}

static const struct json *
get(const struct json *json, const char *key, enum json_type type)
{
    const struct json *value
        = (json->type == JSON_OBJECT ? shash_find_data(json->object, key)
           : NULL);

    return value && value->type == type ? value : NULL;
}

static bool
read_prefixes(const struct json *array, struct sg_prefix *prefixes)
{
    for (size_t i = 0; i < array->array.n; i++) {
        const struct json *elem = array->array.elems[i];
        char *error = (elem->type == JSON_STRING
                       ? sg_prefix_parse(json_string(elem), &prefixes[i])
                       : xstrdup("no string"));

        free(error);
        if (error) {
            return false;
        }
    }
    return true;
}

static void
read_one(const struct json *json,
         void (*cb)(const struct sg_memory *, void *aux), void *aux)
{
    const struct json *set = get(json, "set", JSON_STRING);
    const struct json *source = get(json, "source", JSON_STRING);
    const struct json *fetched = get(json, "fetched", JSON_INTEGER);
    const struct json *array = get(json, "prefixes", JSON_ARRAY);

    if (set && source && fetched && array) {
        struct sg_prefix *prefixes = xcalloc(MAX(array->array.n, 1),
                                             sizeof *prefixes);

        if (read_prefixes(array, prefixes)) {
            size_t n = array->array.n;
            struct sg_memory memory = {
                json_string(set), json_string(source), fetched->integer,
                prefixes, n ? sg_prefixes_sort_unique(prefixes, n) : 0
            };

            cb(&memory, aux);
        }
        free(prefixes);
    }
}

void
sg_memory_read(const struct json *json,
               void (*cb)(const struct sg_memory *, void *aux), void *aux)
{
    if (json && json->type == JSON_ARRAY) {
        for (size_t i = 0; i < json->array.n; i++) {
            read_one(json->array.elems[i], cb, aux);
        }
    }
}

struct json *
sg_memory_load(const char *file)
{
    struct json *json;

    if (access(file, F_OK)) {
        return NULL;
    }
    json = json_from_file(file);
    if (json->type != JSON_ARRAY) {
        VLOG_WARN("%s: the last values of addresses cannot be read%s%s; all "
                  "sources are asked", file,
                  json->type == JSON_STRING ? ": " : "",
                  json->type == JSON_STRING ? json_string(json) : "");
        json_destroy(json);
        return NULL;
    }
    return json;
}

/* To be looked up. */

static char *
key_of(const char *set, const char *source)
{
    return xasprintf("%s\n%s", set, source);
}

/* What a copy belongs to is its key in 'all'. */
static void
keep(const struct sg_memory *memory, void *memories_)
{
    struct sg_memories *memories = memories_;
    struct sg_memory *copy = xmemdup(memory, sizeof *memory);
    char *key = key_of(memory->set, memory->source);

    copy->set = copy->source = NULL;
    copy->prefixes = xmemdup(memory->prefixes,
                             memory->n * sizeof *memory->prefixes);
    if (!shash_add_once(&memories->all, key, copy)) {
        free(CONST_CAST(struct sg_prefix *, copy->prefixes));
        free(copy);
    }
    free(key);
}

void
sg_memories_init(struct sg_memories *memories, const char *file)
{
    struct json *json = file ? sg_memory_load(file) : NULL;

    shash_init(&memories->all);
    sg_memory_read(json, keep, memories);
    json_destroy(json);
}

void
sg_memories_clear(struct sg_memories *memories)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &memories->all) {
        const struct sg_memory *memory = node->data;

        free(CONST_CAST(struct sg_prefix *, memory->prefixes));
    }
    shash_clear_free_data(&memories->all);
}

void
sg_memories_destroy(struct sg_memories *memories)
{
    sg_memories_clear(memories);
    shash_destroy(&memories->all);
}

const struct sg_memory *
sg_memories_find(const struct sg_memories *memories, const char *set,
                 const char *source)
{
    char *key = key_of(set, source);
    const struct sg_memory *memory = shash_find_data(&memories->all, key);

    free(key);
    return memory;
}

/* Writing. */

static int
write_file(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    size_t written;
    int error;

    if (fd < 0) {
        return errno;
    }
    error = write_fully(fd, text, strlen(text), &written);
    return close(fd) && !error ? errno : error;
}

void
sg_memory_save(const char *file, const struct json *json)
{
    char *tmp = xasprintf("%s.tmp", file);
    char *text = json_to_string(json, JSSF_SORT);
    int error = write_file(tmp, text);

    if (!error && rename(tmp, file)) {
        error = errno;
    }
    if (error) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 1);

        VLOG_WARN_RL(&rl, "%s cannot be written (%s): after a restart, sets "
                     "of addresses are empty until their sources answer",
                     file, ovs_strerror(error));
    }
    free(text);
    free(tmp);
}
