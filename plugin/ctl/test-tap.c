/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ctl/test-tap.h"

#include <stdio.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "policy/diag.h"

/* Prints 'text' as comments, a line each. */
static void
print_comments(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");

        printf("# %.*s\n", (int) n, text);
        text += n + (text[n] == '\n');
    }
}

void
tap_point(struct tap *tap, bool good, const char *name, const char *why)
{
    tap->n_failed += !good;
    printf("%sok %u - ", good ? "" : "not ", ++tap->n_points);
    for (const char *p = name; *p; p++) {
        if (*p == '#') {
            putchar('\\');      /* It would begin a directive. */
        }
        putchar(*p);
    }
    putchar('\n');
    print_comments(why);
}

void
tap_diags(const struct sg_diags *diags)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_diags_format(diags, false, &s);
    sg_diags_format(diags, true, &s);
    print_comments(ds_cstr(&s));
    ds_destroy(&s);
}

void
tap_plan(const struct tap *tap)
{
    printf("1..%u\n", tap->n_points);
}
