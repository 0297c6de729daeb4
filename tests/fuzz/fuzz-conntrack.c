/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Lines of dpctl/dump-conntrack. */

#include <config.h>

#include <string.h>

#include "fuzz.h"
#include "switch/conntrack-parse.h"
#include "util.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup0((const char *) data, size);

    for (const char *line = text; line;) {
        const char *end = strchr(line, '\n');
        struct sg_conn conn;

        if (sg_conn_parse(line, &conn)) {
            /* A line by itself says the same as one among others. */
            char *copy = end ? xmemdup0(line, end - line) : xstrdup(line);
            struct sg_conn again;

            ovs_assert(sg_conn_parse(copy, &again));
            ovs_assert(!memcmp(&conn, &again, sizeof conn));
            free(copy);
        }
        line = end ? end + 1 : NULL;
    }
    free(text);
    return 0;
}
