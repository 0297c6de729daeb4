/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ports-lab.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

const char *
lab_remote(void)
{
    static char *remote;

    free(remote);
    remote = xasprintf("unix:%s/db.sock", lab_dir());
    return remote;
}

/* Runs it; returns its output, which the caller frees. */
static char *
vsctl__(const char *arguments, va_list args)
{
    char *tail = xvasprintf(arguments, args);
    char *output = lab_get("ovs-vsctl --timeout=10 --no-wait %s", tail);

    free(tail);
    return output;
}

void
vsctl(const char *arguments, ...)
{
    va_list args;

    va_start(args, arguments);
    free(vsctl__(arguments, args));
    va_end(args);
}

const char *
vsget(const char *arguments, ...)
{
    static char line[1024];
    va_list args;

    va_start(args, arguments);
    char *output = vsctl__(arguments, args);
    va_end(args);

    ovs_strlcpy(line, output, sizeof line);
    free(output);
    line[strcspn(line, "\n")] = '\0';
    size_t n = strlen(line);
    if (n >= 2 && line[0] == '"' && line[n - 1] == '"') {
        memmove(line, line + 1, n - 2);
        line[n - 2] = '\0';
    }
    return line;
}

int
lab_n_transactions(void)
{
    char *count = lab_get("ovsdb-tool show-log '%s/conf.db' "
                          "| grep -c '^record'", lab_dir());
    int n = atoi(count);

    free(count);
    return n;
}
