/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* What a file or a web server says: the first line is how it is read
 * ("lines", "json" or anything, then path and field, by blanks), the rest is
 * the text.  And the same bytes as the memory of an earlier agent. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "openvswitch/json.h"
#include "policy/addresses.h"
#include "resolve/memory.h"
#include "resolve/parse.h"
#include "util.h"

static void
check_prefixes(const struct sg_prefix *prefixes, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        ovs_assert(sg_prefix_compare(&prefixes[i - 1], &prefixes[i]) < 0);
    }
}

static void
check_memory(const struct sg_memory *memory, void *aux OVS_UNUSED)
{
    check_prefixes(memory->prefixes, memory->n);
    json_destroy(sg_memory_to_json(memory));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *end = size ? memchr(data, '\n', size) : NULL;
    size_t len = end ? (size_t) (end + 1 - (const char *) data) : 0;
    char *first = xmemdup0((const char *) data, len ? len - 1 : 0);
    char *save = NULL;
    char *word = strtok_r(first, " ", &save);
    struct sg_addresses how = {
        .format = (!word ? SG_FORMAT_ANY
                   : !strcmp(word, "lines") ? SG_FORMAT_LINES
                   : !strcmp(word, "json") ? SG_FORMAT_JSON
                   : SG_FORMAT_ANY),
        .path = word ? strtok_r(NULL, " ", &save) : NULL,
        .field = word ? strtok_r(NULL, " ", &save) : NULL,
    };
    struct sg_prefix *prefixes;
    size_t n;
    char *error = sg_parse_addresses((const char *) data + len, size - len,
                                     &how, &prefixes, &n);

    ovs_assert(!error || (!prefixes && !n));
    check_prefixes(prefixes, n);
    free(prefixes);
    free(error);
    free(first);

    struct json *json = fuzz_json(data, size);
    sg_memory_read(json, check_memory, NULL);
    json_destroy(json);
    return 0;
}
