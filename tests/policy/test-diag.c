/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "openvswitch/dynamic-string.h"
#include "policy/diag.h"
#include "tap.h"
#include "util.h"

static struct sg_place
place(const char *file, int line)
{
    return (struct sg_place) { CONST_CAST(char *, file), line };
}

static void
test_order(void)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct sg_place b2 = place("b.lua", 2), b10 = place("b.lua", 10);
    struct sg_place a = place("a.lua", 0);
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_error(&diags, &b10, "ten");
    sg_error(&diags, &b2, "two");
    sg_error(&diags, &b2, "two");
    sg_warning(&diags, &b2, "mind %d", 7);
    sg_error(&diags, &a, "a line\nand another");
    sg_error(&diags, NULL, "nowhere");
    is_int(diags.n_errors, 5, "errors, counted as they come");

    sg_diags_sort(&diags);
    is_int(diags.n_errors, 4, "errors without doubles");
    sg_diags_format(&diags, false, &s);
    is_str(ds_cstr(&s),
           "nowhere\n"
           "a.lua: a line and another\n"
           "b.lua:2: two\n"
           "b.lua:10: ten\n", "errors by file and line, one line each");
    ds_clear(&s);
    sg_diags_format(&diags, true, &s);
    is_str(ds_cstr(&s), "b.lua:2: warning: mind 7\n", "warnings apart");

    ds_destroy(&s);
    sg_diags_destroy(&diags);
    sg_diags_destroy(NULL);
}

static void
test_guesses(void)
{
    static const char *const names[] = {
        "bastion", "web", "db", "ingress", "description"
    };
    static const struct {
        const char *typed, *guess;
    } cases[] = {
        { "basiton", "bastion" },
        { "wbe", "web" },
        { "Web", "web" },
        { "WEB", "web" },
        { "INGRES", "ingress" },
        { "BASITON", "bastion" },
        { "webb", "web" },
        { "ingres", "ingress" },
        { "descripton", "description" },
        { "egress", "ingress" },
        { "app", NULL },
        { "x", NULL },
        { "", NULL },
        { "web", NULL },        /* Not a misspelling of itself. */
        { "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
          "zzzzzzzzzzzz", NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        is_str(sg_did_you_mean(cases[i].typed, names, ARRAY_SIZE(names)),
               cases[i].guess, "\"%.20s\"", cases[i].typed);
    }
}

int
main(void)
{
    test_order();
    test_guesses();
    return done_testing();
}
