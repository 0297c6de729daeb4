/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `ovs-sgctl check PATH... [--ports=FILE]' */

#include "ctl/facts-file.h"
#include "ctl/policy-loader.h"
#include "ctl/render.h"
#include "ctl/sgctl.h"
#include "openvswitch/json.h"
#include "policy/lint.h"
#include "policy/port.h"
#include "script/answers.h"
#include "script/files.h"
#include "svec.h"
#include "util.h"

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

/* The folder above the policy, say.  (An agent may have none.) */
static void
warn_of_empty_folders(const struct sgctl *ctl, struct sg_diags *diags)
{
    for (size_t i = 0; i < ctl->n_args; i++) {
        const struct sg_place place
            = { .file = CONST_CAST(char *, ctl->args[i]) };
        struct svec files = SVEC_EMPTY_INITIALIZER;
        struct sg_diags known;

        sg_diags_init(&known);
        sg_files_expand(ctl->args[i], &files, &known);
        if (!files.n && !known.n_errors) {
            sg_warning(diags, &place, "this folder holds no *.lua, so nothing "
                       "was checked");
        }
        sg_diags_destroy(&known);
        svec_destroy(&files);
    }
}

/* Each closes itself alone, so that is no error of the policy. */
static void
warn_of_ports_in_error(const char *file, const struct sg_ports *ports,
                       struct sg_diags *diags)
{
    const struct sg_place place = { .file = CONST_CAST(char *, file) };
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        if (port->error) {
            sg_warning(diags, &place, "%s would be in error: %s", port->name,
                       port->error);
        }
    }
}

/* Adds the warnings that need ports.  False: there are no ports. */
static bool
check_with_ports(struct loaded_policy *loaded, const char *file)
{
    struct sg_binder binder = { sg_answers_block, loaded->script };
    struct sg_facts facts;
    struct sg_ports ports;
    bool ok;

    sg_facts_init(&facts);
    sg_ports_init(&ports);
    ok = facts_file_read(file, &facts);
    if (ok && loaded->policy) {
        sg_ports_admit_all(&ports, loaded->policy, &binder, &facts);
        warn_of_ports_in_error(file, &ports, &loaded->diags);
        sg_lint_ports(loaded->policy, &ports, &loaded->diags);
    }
    sg_ports_destroy(&ports);
    sg_facts_destroy(&facts);
    return ok;
}

enum sgctl_status
sgctl_check(const struct sgctl *ctl)
{
    struct loaded_policy loaded;
    enum sgctl_status status;
    bool ok = true;

    loaded_policy_init(&loaded, ctl->args, ctl->n_args);
    warn_of_empty_folders(ctl, &loaded.diags);
    if (ctl->ports) {
        ok = check_with_ports(&loaded, ctl->ports);
    }
    if (ctl->json) {
        print_diags_as_json(&loaded.diags);
    } else {
        loaded_policy_print_diags(&loaded);
    }
    status = ok && !loaded.diags.n_errors ? SGCTL_OK : SGCTL_FAILED;
    loaded_policy_destroy(&loaded);
    return status;
}
