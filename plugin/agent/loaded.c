/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/core-private.h"

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "script/script.h"
#include "util.h"

static char *
format_diags(struct sg_diags *diags, bool warnings)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_diags_format(diags, warnings, &s);
    if (!s.length) {
        ds_destroy(&s);
        return NULL;
    }
    return ds_steal_cstr(&s);
}

struct sg_loaded *
sg_loaded_create(const char *const paths[], size_t n, char **errors,
                 char **warnings)
{
    static const struct sg_script_options options;
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct json *document = NULL;
    struct sg_loaded *loaded = NULL;

    struct sg_script *script = sg_script_load(paths, n, &options, &document,
                                              &diags);
    /* Always read on: all errors of a load are shown at once. */
    struct sg_policy *policy = sg_policy_from_document(document, &diags);
    json_destroy(document);

    sg_diags_sort(&diags);
    *errors = diags.n_errors ? format_diags(&diags, false) : NULL;
    *warnings = format_diags(&diags, true);
    if (policy && !diags.n_errors) {
        loaded = xzalloc(sizeof *loaded);
        loaded->policy = policy;
        loaded->script = script;
        loaded->binder.call = sg_script_bind;
        loaded->binder.aux = script;
    } else {
        sg_policy_unref(policy);
        sg_script_destroy(script);
    }
    sg_diags_destroy(&diags);
    return loaded;
}

struct sg_loaded *
sg_loaded_empty(void)
{
    struct sg_loaded *loaded = xzalloc(sizeof *loaded);

    loaded->policy = sg_policy_empty();
    return loaded;
}

void
sg_loaded_destroy(struct sg_loaded *loaded)
{
    if (loaded) {
        sg_policy_unref(loaded->policy);
        sg_script_destroy(loaded->script);
        free(loaded);
    }
}
