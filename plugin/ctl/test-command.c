/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `ovs-sgctl test FILE...'
 *
 * Runs the steps that test files write down (lua/sg/lang/test.lua), in order,
 * and prints a line of TAP (https://testanything.org) for each that says what
 * is expected. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/sgctl.h"
#include "ctl/test-world.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/policy.h"
#include "script/files.h"
#include "script/script.h"
#include "svec.h"
#include "util.h"

/* Connections that are shown of those that an assertion asks for, and of
 * those that are not as expected. */
#define MAX_SHOWN 3

struct test_run {
    struct test_world world;
    bool named_policy;          /* A policy was named in this file. */
    unsigned int n_points;      /* TAP's test points so far. */
    unsigned int n_failed;
};

/* TAP. */

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

/* A test point: 'why' says, in lines, what is wrong; empty: nothing is. */
static void
print_point(struct test_run *run, bool good, const struct ds *what,
            const struct ds *why)
{
    run->n_failed += !good;
    printf("%sok %u - ", good ? "" : "not ", ++run->n_points);
    for (size_t i = 0; i < what->length; i++) {
        printf(what->string[i] == '#' ? "\\%c" : "%c", what->string[i]);
    }
    putchar('\n');
    print_comments(ds_cstr_ro(why));
}

static void
print_diags(const struct sg_diags *diags)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_diags_format(diags, false, &s);
    sg_diags_format(diags, true, &s);
    print_comments(ds_cstr(&s));
    ds_destroy(&s);
}

/* Reading steps: their form is that of test.lua, which has checked it. */

static const struct json *
get(const struct json *object, const char *key)
{
    return (object->type == JSON_OBJECT
            ? shash_find_data(json_object(object), key) : NULL);
}

static const char *
get_string(const struct json *object, const char *key)
{
    const struct json *value = get(object, key);

    return value && value->type == JSON_STRING ? json_string(value) : NULL;
}

static size_t
n_elems(const struct json *array)
{
    return array && array->type == JSON_ARRAY ? array->array.n : 0;
}

static const char *
elem(const struct json *array, size_t i)
{
    const struct json *value = array->array.elems[i];

    return value->type == JSON_STRING ? json_string(value) : "";
}

static struct sg_place
place_of(const struct json *step)
{
    const struct json *place = get(step, "place");
    const struct json *line = place ? get(place, "line") : NULL;
    const char *file = place ? get_string(place, "file") : NULL;

    return (struct sg_place) {
        .file = CONST_CAST(char *, file),
        .line = line && line->type == JSON_INTEGER ? line->integer : 0,
    };
}

/* Begins the name of a test point with the place of 'step'. */
static void
put_place(const struct json *step, struct ds *what)
{
    struct sg_place place = place_of(step);

    sg_place_format(&place, what);
    ds_put_cstr(what, ": ");
}

static void
put_list(const struct json *array, struct ds *s)
{
    for (size_t i = 0; i < n_elems(array); i++) {
        ds_put_format(s, "%s%s", i ? ", " : "", elem(array, i));
    }
}

/* Steps. */

/* 'path' as seen from the folder of the test file. */
static char *
beside(const char *file, const char *path)
{
    char *folder = dir_name(file);
    char *full = (path[0] == '/' || !strcmp(folder, ".") ? xstrdup(path)
                  : xasprintf("%s/%s", folder, path));

    free(folder);
    return full;
}

static void
run_policy(struct test_run *run, const struct json *step)
{
    const struct json *paths = get(step, "paths");
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct svec files = SVEC_EMPTY_INITIALIZER;
    struct ds what = DS_EMPTY_INITIALIZER;
    struct ds none = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n_elems(paths); i++) {
        svec_add_nocopy(&files, beside(place_of(step).file, elem(paths, i)));
    }
    run->named_policy = true;
    test_world_load(&run->world, (const char *const *) files.names, files.n,
                    &diags);
    put_place(step, &what);
    put_list(paths, &what);
    ds_put_format(&what, " load%s", n_elems(paths) == 1 ? "s" : "");
    print_point(run, run->world.policy != NULL, &what, &none);
    print_diags(&diags);
    ds_destroy(&none);
    ds_destroy(&what);
    svec_destroy(&files);
    sg_diags_destroy(&diags);
}

/* False, with a sentence in 'why', if there is no policy to ask. */
static bool
have_policy(const struct test_run *run, struct ds *why)
{
    if (!run->world.policy) {
        ds_put_cstr(why, (run->named_policy ? "the policy did not load\n"
                          : "no policy is named before this; write policy "
                          "\"FILE\"\n"));
    }
    return run->world.policy != NULL;
}

/* A step that adds to the world makes a test point only if that fails. */
static void
print_failure(struct test_run *run, const struct json *step,
              const char *what_, const struct ds *why)
{
    struct ds what = DS_EMPTY_INITIALIZER;

    put_place(step, &what);
    ds_put_cstr(&what, what_);
    print_point(run, false, &what, why);
    ds_destroy(&what);
}

static void
run_ports(struct test_run *run, const struct json *step)
{
    struct ds why = DS_EMPTY_INITIALIZER;

    if (have_policy(run, &why)) {
        char *error = test_world_add_ports(&run->world, get(step, "ports"));

        if (error) {
            ds_put_cstr(&why, error);
            free(error);
        }
    }
    if (why.length) {
        print_failure(run, step, "ports", &why);
    }
    ds_destroy(&why);
}

static void
run_members(struct test_run *run, const struct json *step)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct ds why = DS_EMPTY_INITIALIZER;

    if (have_policy(run, &why)) {
        test_world_add_members(&run->world, step, &diags);
        sg_diags_format(&diags, false, &why);
    }
    if (why.length) {
        print_failure(run, step, "members", &why);
    }
    ds_destroy(&why);
    sg_diags_destroy(&diags);
}

static void
run_addresses(struct test_run *run, const struct json *step)
{
    const struct json *entries = get(step, "entries");
    struct svec words = SVEC_EMPTY_INITIALIZER;
    struct ds why = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n_elems(entries); i++) {
        svec_add(&words, elem(entries, i));
    }
    if (have_policy(run, &why)) {
        char *error = test_world_set_addresses(
            &run->world, get_string(step, "name"),
            (const char *const *) words.names, words.n);

        if (error) {
            ds_put_cstr(&why, error);
            free(error);
        }
    }
    if (why.length) {
        print_failure(run, step, "addresses", &why);
    }
    ds_destroy(&why);
    svec_destroy(&words);
}

/* "web1, web2 -> db1 tcp 5432, tcp 5433 is refused". */
static void
name_assertion(const struct json *step, struct ds *what)
{
    const struct json *flows = get(step, "flows");
    const char *description = get_string(step, "description");
    const char *family = get_string(step, "family");

    put_place(step, what);
    if (description) {
        ds_put_format(what, "%s: ", description);
    }
    put_list(get(step, "from"), what);
    ds_put_cstr(what, " -> ");
    put_list(get(step, "to"), what);
    for (size_t i = 0; i < MIN(n_elems(flows), MAX_SHOWN); i++) {
        const struct json *flow = flows->array.elems[i];
        const char *port = get_string(flow, "port");

        ds_put_format(what, "%s %s%s%s", i ? "," : "",
                      get_string(flow, "proto"), port ? " " : "",
                      port ? port : "");
    }
    if (n_elems(flows) > MAX_SHOWN) {
        ds_put_format(what, " and %"PRIuSIZE" more",
                      n_elems(flows) - MAX_SHOWN);
    }
    ds_put_format(what, "%s%s %s", family ? " over " : "",
                  family ? family : "", get_string(step, "kind"));
}

static uint8_t
families_of(const struct json *step)
{
    const char *family = get_string(step, "family");

    return (!family ? SG_IP_ANY : !strcmp(family, "ipv4") ? SG_IPV4
            : SG_IPV6);
}

/* The questions of one assertion: each of 'from' to each of 'to' with each of
 * 'flows'.  Pairs without a family in common are left out, but whatever is
 * named must take part in some question, or the test would test nothing. */
struct questions {
    const struct json *step;
    const struct json *lists[3];    /* "from", "to", "flows". */
    bool *asked[3];                 /* Of each element of these. */
    struct ds *why;                 /* Lines about what is not as expected. */
    size_t n_shown, n_more;         /* How many there are in it, and more. */
};

enum { FROM, TO, FLOWS };

static void
questions_init(struct questions *q, const struct json *step, struct ds *why)
{
    static const char *const keys[] = { "from", "to", "flows" };

    *q = (struct questions) { .step = step, .why = why };
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        q->lists[i] = get(step, keys[i]);
        q->asked[i] = xcalloc(n_elems(q->lists[i]) + 1, sizeof *q->asked[i]);
    }
}

static void
questions_destroy(struct questions *q)
{
    for (size_t i = 0; i < ARRAY_SIZE(q->asked); i++) {
        free(q->asked[i]);
    }
}

/* Adds 'lines' unless they are there already (an unknown name is wrong in
 * every question) or there are enough. */
static void
complain(struct questions *q, const char *lines)
{
    if (strstr(ds_cstr(q->why), lines)) {
        return;
    }
    if (q->n_shown < MAX_SHOWN) {
        ds_put_cstr(q->why, lines);
        q->n_shown++;
    } else {
        q->n_more++;
    }
}

/* Asks the question whose parts have the numbers 'is'.  If it cannot be asked
 * stores the reason in 'not_asked'. */
static void
ask(struct test_run *run, struct questions *q, const size_t is[3],
    struct ds *not_asked)
{
    const struct json *flow = q->lists[FLOWS]->array.elems[is[FLOWS]];
    struct test_question question = {
        .from = elem(q->lists[FROM], is[FROM]),
        .to = elem(q->lists[TO], is[TO]),
        .proto = get_string(flow, "proto"),
        .port = get_string(flow, "port"),
        .families = families_of(q->step),
    };
    bool allowed = !strcmp(get_string(q->step, "kind"), "allowed");
    struct ds why = DS_EMPTY_INITIALIZER;
    enum test_answer answer;

    answer = test_world_ask(&run->world, &question, allowed, &why);
    if (answer == TEST_NOT_ASKED) {
        ds_clear(not_asked);
        ds_put_cstr(not_asked, ds_cstr(&why));
    } else {
        for (int i = 0; i < 3; i++) {
            q->asked[i][is[i]] = true;
        }
        if (answer == TEST_OTHERWISE) {
            complain(q, ds_cstr(&why));
        }
    }
    ds_destroy(&why);
}

static bool
all_asked(const struct questions *q)
{
    for (int i = 0; i < 3; i++) {
        for (size_t j = 0; j < n_elems(q->lists[i]); j++) {
            if (!q->asked[i][j]) {
                return false;
            }
        }
    }
    return true;
}

static void
ask_all(struct test_run *run, const struct json *step, struct ds *why)
{
    struct ds not_asked = DS_EMPTY_INITIALIZER;
    struct questions q;
    size_t is[3];

    questions_init(&q, step, why);
    for (is[FROM] = 0; is[FROM] < n_elems(q.lists[FROM]); is[FROM]++) {
        for (is[TO] = 0; is[TO] < n_elems(q.lists[TO]); is[TO]++) {
            for (is[FLOWS] = 0; is[FLOWS] < n_elems(q.lists[FLOWS]);
                 is[FLOWS]++) {
                ask(run, &q, is, &not_asked);
            }
        }
    }
    if (q.n_more) {
        ds_put_format(why, "and %"PRIuSIZE" more\n", q.n_more);
    }
    if (!all_asked(&q)) {
        ds_put_cstr(why, ds_cstr(&not_asked));
    }
    ds_destroy(&not_asked);
    questions_destroy(&q);
}

/* Where a template made the assertion, who called it. */
static void
put_chain(const struct json *step, struct ds *why)
{
    const struct json *place = get(step, "place");
    const char *chain = place ? get_string(place, "chain") : NULL;

    if (chain && why->length) {
        ds_put_format(why, "%s\n", chain);
    }
}

static void
run_assertion(struct test_run *run, const struct json *step)
{
    struct ds what = DS_EMPTY_INITIALIZER;
    struct ds why = DS_EMPTY_INITIALIZER;

    name_assertion(step, &what);
    if (have_policy(run, &why)) {
        ask_all(run, step, &why);
    }
    put_chain(step, &why);
    print_point(run, !why.length, &what, &why);
    ds_destroy(&what);
    ds_destroy(&why);
}

/* Compares the groups of 'port' with the 'wanted' ones (NULL: it is not
 * guarded). */
static void
compare_groups(const struct sg_port *port, const struct json *wanted,
               struct ds *why)
{
    struct svec is = SVEC_EMPTY_INITIALIZER;
    struct svec wants = SVEC_EMPTY_INITIALIZER;

    for (size_t i = 0; i < port->n_groups; i++) {
        svec_add(&is, port->groups[i]);
    }
    for (size_t i = 0; i < n_elems(wanted); i++) {
        svec_add(&wants, elem(wanted, i));
    }
    svec_sort_unique(&wants);
    if (port->error) {
        ds_put_format(why, "it is in error: %s\n", port->error);
    } else if (!port->guarded != !wanted) {
        ds_put_format(why, "it is %sguarded\n", port->guarded ? "" : "not ");
    } else if (wanted && !svec_equal(&is, &wants)) {
        char *names = svec_join(&is, ", ", "");

        ds_put_format(why, "it is in: %s\n", names);
        free(names);
    }
    svec_destroy(&is);
    svec_destroy(&wants);
}

static void
run_groups(struct test_run *run, const struct json *step)
{
    const char *name = get_string(step, "port");
    const struct json *wanted = get(step, "groups");
    struct ds what = DS_EMPTY_INITIALIZER;
    struct ds why = DS_EMPTY_INITIALIZER;

    put_place(step, &what);
    ds_put_format(&what, "%s is %s", name, wanted ? "in " : "not guarded");
    put_list(wanted, &what);
    if (have_policy(run, &why)) {
        const struct sg_port *port = test_world_port(&run->world, name);

        if (port) {
            compare_groups(port, wanted, &why);
        } else {
            ds_put_format(&why, "no port has the name %s\n", name);
        }
    }
    put_chain(step, &why);
    print_point(run, !why.length, &what, &why);
    ds_destroy(&what);
    ds_destroy(&why);
}

static const struct {
    const char *kind;
    void (*run)(struct test_run *, const struct json *step);
} kinds[] = {
    { "policy", run_policy },
    { "ports", run_ports },
    { "members", run_members },
    { "addresses", run_addresses },
    { "allowed", run_assertion },
    { "refused", run_assertion },
    { "groups", run_groups },
};

static void
run_step(struct test_run *run, const struct json *step)
{
    const char *kind = get_string(step, "kind");

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(kind, kinds[i].kind)) {
            kinds[i].run(run, step);
            return;
        }
    }
    OVS_NOT_REACHED();
}

/* Files. */

/* Moves the errors and warnings that the script found to 'diags'. */
static void
take_diags(const struct json *document, const char *key, bool warnings,
           struct sg_diags *diags)
{
    const struct json *array = get(document, key);

    for (size_t i = 0; i < n_elems(array); i++) {
        const struct json *diag = array->array.elems[i];
        struct sg_place place = place_of(diag);

        (warnings ? sg_warning : sg_error)(diags, &place, "%s",
                                           get_string(diag, "message"));
    }
}

/* The steps of 'file', NULL if it has errors.  The caller destroys
 * '*document', which they belong to. */
static const struct json *
read_steps(const char *file, struct json **document, struct sg_diags *diags)
{
    static const struct sg_script_options options = { .language = "test" };

    sg_script_destroy(sg_script_load(&file, 1, &options, document, diags));
    take_diags(*document, "errors", false, diags);
    take_diags(*document, "warnings", true, diags);
    sg_diags_sort(diags);
    return diags->n_errors ? NULL : get(*document, "steps");
}

static void
run_file(struct test_run *run, const char *file)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct json *document;
    const struct json *steps = read_steps(file, &document, &diags);
    unsigned int n_points = run->n_points;

    test_world_init(&run->world);
    run->named_policy = false;
    for (size_t i = 0; i < n_elems(steps); i++) {
        run_step(run, steps->array.elems[i]);
    }
    if (diags.n_errors || n_points == run->n_points) {
        struct ds what = DS_EMPTY_INITIALIZER;
        struct ds none = DS_EMPTY_INITIALIZER;

        ds_put_format(&what, "%s: %s", file, (diags.n_errors ? "can be read"
                                              : "tests something"));
        print_point(run, false, &what, &none);
        ds_destroy(&none);
        ds_destroy(&what);
    }
    print_diags(&diags);
    test_world_destroy(&run->world);
    json_destroy(document);
    sg_diags_destroy(&diags);
}

enum sgctl_status
sgctl_test(const struct sgctl *ctl)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct svec files = SVEC_EMPTY_INITIALIZER;
    struct test_run run = { .n_points = 0 };
    const char *file;
    size_t i;

    if (ctl->json) {
        ovs_error(0, "'test' prints TAP only; leave out --format");
        return SGCTL_USAGE;
    }
    for (i = 0; i < ctl->n_args; i++) {
        sg_files_expand(ctl->args[i], &files, &diags);
    }
    SVEC_FOR_EACH (i, file, &files) {
        run_file(&run, file);
    }
    if (diags.n_errors) {
        struct ds what = DS_EMPTY_INITIALIZER;
        struct ds none = DS_EMPTY_INITIALIZER;

        ds_put_cstr(&what, "all files can be read");
        print_point(&run, false, &what, &none);
        print_diags(&diags);
        ds_destroy(&what);
    }
    printf("1..%u\n", run.n_points);
    svec_destroy(&files);
    sg_diags_destroy(&diags);
    return run.n_failed || !run.n_points ? SGCTL_FAILED : SGCTL_OK;
}
