/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `ovs-sgctl test FILE...' */

#include <stdlib.h>

#include "ctl/sgctl.h"
#include "ctl/test-step.h"
#include "openvswitch/json.h"
#include "script/files.h"
#include "script/script.h"
#include "svec.h"
#include "util.h"

/* Moves the errors and warnings that the script found to 'diags'. */
static void
take_diags(const struct json *document, const char *key, bool warnings,
           struct sg_diags *diags)
{
    const struct json *array = step_get(document, key);

    for (size_t i = 0; i < step_n(array); i++) {
        const struct json *diag = array->array.elems[i];
        struct sg_place place = step_place(diag);

        (warnings ? sg_warning : sg_error)(diags, &place, "%s",
                                           step_string(diag, "message"));
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
    return diags->n_errors ? NULL : step_get(*document, "steps");
}

static void
run_file(struct test_run *run, const char *file)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct json *document;
    const struct json *steps = read_steps(file, &document, &diags);
    unsigned int n_points = run->tap.n_points;

    test_world_init(&run->world);
    run->named_policy = false;
    for (size_t i = 0; i < step_n(steps); i++) {
        test_step_run(run, steps->array.elems[i]);
    }
    if (diags.n_errors || n_points == run->tap.n_points) {
        char *what = xasprintf("%s: %s", file, (diags.n_errors ? "can be read"
                                                : "tests something"));

        tap_point(&run->tap, false, what, "");
        free(what);
    }
    tap_diags(&diags);
    test_world_destroy(&run->world);
    json_destroy(document);
    sg_diags_destroy(&diags);
}

enum sgctl_status
sgctl_test(const struct sgctl *ctl)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct svec files = SVEC_EMPTY_INITIALIZER;
    struct test_run run = { .tap.n_points = 0 };
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
        tap_point(&run.tap, false, "all files can be read", "");
        tap_diags(&diags);
    }
    tap_plan(&run.tap);
    svec_destroy(&files);
    sg_diags_destroy(&diags);
    return run.tap.n_failed || !run.tap.n_points ? SGCTL_FAILED : SGCTL_OK;
}
