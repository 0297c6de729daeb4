/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ctl/test-step.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/policy.h"
#include "svec.h"
#include "util.h"

/* Reading. */

const struct json *
step_get(const struct json *object, const char *key)
{
    return (object && object->type == JSON_OBJECT
            ? shash_find_data(json_object(object), key) : NULL);
}

const char *
step_string(const struct json *object, const char *key)
{
    const struct json *value = step_get(object, key);

    return value && value->type == JSON_STRING ? json_string(value) : NULL;
}

size_t
step_n(const struct json *array)
{
    return array && array->type == JSON_ARRAY ? array->array.n : 0;
}

const char *
step_elem(const struct json *array, size_t i)
{
    const struct json *value = array->array.elems[i];

    return value->type == JSON_STRING ? json_string(value) : "";
}

struct sg_place
step_place(const struct json *step)
{
    const struct json *place = step_get(step, "place");
    const struct json *line = place ? step_get(place, "line") : NULL;
    const char *file = place ? step_string(place, "file") : NULL;

    return (struct sg_place) {
        .file = CONST_CAST(char *, file),
        .line = line && line->type == JSON_INTEGER ? line->integer : 0,
    };
}

void
step_put_place(const struct json *step, struct ds *what)
{
    struct sg_place place = step_place(step);

    sg_place_format(&place, what);
    ds_put_cstr(what, ": ");
}

void
step_put_list(const struct json *array, struct ds *s)
{
    for (size_t i = 0; i < step_n(array); i++) {
        ds_put_format(s, "%s%s", i ? ", " : "", step_elem(array, i));
    }
}

void
step_put_chain(const struct json *step, struct ds *why)
{
    const struct json *place = step_get(step, "place");
    const char *chain = place ? step_string(place, "chain") : NULL;

    if (chain && why->length) {
        ds_put_format(why, "%s\n", chain);
    }
}

/* Steps. */

bool
test_run_has_policy(const struct test_run *run, struct ds *why)
{
    if (!run->world.policy) {
        ds_put_cstr(why, (run->named_policy ? "the policy did not load\n"
                          : "no policy is named before this; write policy "
                          "\"FILE\"\n"));
    }
    return run->world.policy != NULL;
}

/* 'path' as seen from the folder of the test file, which is NULL if the place
 * is not known (a word that is the body of a coroutine). */
static char *
beside(const char *file, const char *path)
{
    char *folder = file ? dir_name(file) : xstrdup(".");
    char *full = (path[0] == '/' || !strcmp(folder, ".") ? xstrdup(path)
                  : xasprintf("%s/%s", folder, path));

    free(folder);
    return full;
}

static void
run_policy(struct test_run *run, const struct json *step)
{
    const struct json *paths = step_get(step, "paths");
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct svec files = SVEC_EMPTY_INITIALIZER;
    struct ds what = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < step_n(paths); i++) {
        svec_add_nocopy(&files, beside(step_place(step).file,
                                       step_elem(paths, i)));
    }
    run->named_policy = true;
    test_world_load(&run->world, (const char *const *) files.names, files.n,
                    &diags);
    step_put_place(step, &what);
    step_put_list(paths, &what);
    ds_put_format(&what, " load%s", step_n(paths) == 1 ? "s" : "");
    tap_point(&run->tap, run->world.policy != NULL, ds_cstr(&what), "");
    tap_diags(&diags);
    ds_destroy(&what);
    svec_destroy(&files);
    sg_diags_destroy(&diags);
}

/* A step that adds to the world makes a test point only if that fails. */
static void
print_failure(struct test_run *run, const struct json *step,
              const char *what_, const struct ds *why)
{
    struct ds what = DS_EMPTY_INITIALIZER;

    step_put_place(step, &what);
    ds_put_cstr(&what, what_);
    tap_point(&run->tap, false, ds_cstr(&what), ds_cstr_ro(why));
    ds_destroy(&what);
}

static void
run_ports(struct test_run *run, const struct json *step)
{
    struct ds why = DS_EMPTY_INITIALIZER;

    if (test_run_has_policy(run, &why)) {
        char *error = test_world_add_ports(&run->world,
                                           step_get(step, "ports"));

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

    if (test_run_has_policy(run, &why)) {
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
    const struct json *entries = step_get(step, "entries");
    struct svec words = SVEC_EMPTY_INITIALIZER;
    struct ds why = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < step_n(entries); i++) {
        svec_add(&words, step_elem(entries, i));
    }
    if (test_run_has_policy(run, &why)) {
        char *error = test_world_set_addresses(
            &run->world, step_string(step, "name"),
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
    for (size_t i = 0; i < step_n(wanted); i++) {
        svec_add(&wants, step_elem(wanted, i));
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
    const char *name = step_string(step, "port");
    const struct json *wanted = step_get(step, "groups");
    struct ds what = DS_EMPTY_INITIALIZER;
    struct ds why = DS_EMPTY_INITIALIZER;

    step_put_place(step, &what);
    ds_put_format(&what, "%s is %s", name, wanted ? "in " : "not guarded");
    step_put_list(wanted, &what);
    if (test_run_has_policy(run, &why)) {
        const struct sg_port *port = test_world_port(&run->world, name);

        if (port) {
            compare_groups(port, wanted, &why);
        } else {
            ds_put_format(&why, "no port has the name %s\n", name);
        }
    }
    step_put_chain(step, &why);
    tap_point(&run->tap, !why.length, ds_cstr(&what), ds_cstr(&why));
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
    { "allowed", test_assertion_run },
    { "refused", test_assertion_run },
    { "groups", run_groups },
};

void
test_step_run(struct test_run *run, const struct json *step)
{
    const char *kind = step_string(step, "kind");

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(kind, kinds[i].kind)) {
            kinds[i].run(run, step);
            return;
        }
    }
    OVS_NOT_REACHED();
}
