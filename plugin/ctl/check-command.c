/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `ovs-sgctl check PATH...' */

#include "ctl/policy-loader.h"
#include "ctl/render.h"
#include "ctl/sgctl.h"
#include "openvswitch/json.h"

static struct json *
diag_to_json(const struct sg_diag *diag)
{
    struct json *json = json_object_create();

    json_object_put(json, "file", (diag->place.file
                                   ? json_string_create(diag->place.file)
                                   : json_null_create()));
    json_object_put(json, "line", (diag->place.line > 0
                                   ? json_integer_create(diag->place.line)
                                   : json_null_create()));
    json_object_put_string(json, "severity",
                           diag->warning ? "warning" : "error");
    json_object_put_string(json, "message", diag->message);
    return json;
}

static void
print_diags_as_json(const struct sg_diags *diags)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < diags->n; i++) {
        json_array_add(array, diag_to_json(&diags->list[i]));
    }
    render_json(array);
    json_destroy(array);
}

enum sgctl_status
sgctl_check(const struct sgctl *ctl)
{
    struct loaded_policy loaded;
    enum sgctl_status status;

    loaded_policy_init(&loaded, ctl->args, ctl->n_args);
    if (ctl->json) {
        print_diags_as_json(&loaded.diags);
    } else {
        loaded_policy_print_diags(&loaded);
    }
    status = loaded.diags.n_errors ? SGCTL_FAILED : SGCTL_OK;
    loaded_policy_destroy(&loaded);
    return status;
}
