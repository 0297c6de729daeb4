/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ctl/policy-loader.h"

#include <stdio.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/policy.h"
#include "script/script.h"

void
loaded_policy_init(struct loaded_policy *loaded, const char *const paths[],
                   size_t n_paths)
{
    static const struct sg_script_options defaults;
    struct json *document;

    sg_diags_init(&loaded->diags);
    loaded->script = sg_script_load(paths, n_paths, &defaults, &document,
                                    &loaded->diags);
    loaded->policy = sg_policy_from_document(document, &loaded->diags);
    json_destroy(document);
    sg_diags_sort(&loaded->diags);
    if (loaded->diags.n_errors) {
        /* A file that could not be read left a hole in the document. */
        sg_policy_unref(loaded->policy);
        loaded->policy = NULL;
    }
}

void
loaded_policy_destroy(struct loaded_policy *loaded)
{
    sg_policy_unref(loaded->policy);
    sg_script_destroy(loaded->script);
    sg_diags_destroy(&loaded->diags);
}

void
loaded_policy_print_diags(const struct loaded_policy *loaded)
{
    struct ds errors = DS_EMPTY_INITIALIZER;
    struct ds warnings = DS_EMPTY_INITIALIZER;

    sg_diags_format(&loaded->diags, false, &errors);
    sg_diags_format(&loaded->diags, true, &warnings);
    fputs(ds_cstr(&errors), stdout);
    fputs(ds_cstr(&warnings), stderr);
    ds_destroy(&errors);
    ds_destroy(&warnings);
}
