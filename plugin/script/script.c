/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/script.h"

#include <stdlib.h>

#include "openvswitch/json.h"
#include "openvswitch/vlog.h"
#include "policy/diag.h"
#include "policy/port.h"
#include "script/facts.h"
#include "script/interpreter.h"
#include "svec.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_policy_file);

struct sg_script {
    struct sg_sources sources;
    struct sg_interpreter *interpreter;
    bool open;                  /* The language could be loaded. */
};

static void
read_source(void *script_, enum sg_source_kind kind, const char *name,
            struct sg_source *copy)
{
    struct sg_script *script = script_;
    const struct sg_source *source = sg_sources_get(&script->sources, kind,
                                                    name);

    copy->file = nullable_xstrdup(source->file);
    copy->text = nullable_xstrdup(source->text);
    copy->error = nullable_xstrdup(source->error);
}

static void
log_line(void *aux OVS_UNUSED, bool warn, const char *file, int line,
         const char *text)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(600, 600);

    if (warn) {
        VLOG_WARN_RL(&rl, "%s:%d: %.512s", file, line, text);
    } else {
        VLOG_INFO_RL(&rl, "%s:%d: %.512s", file, line, text);
    }
}

static void
report_unread(const char *file, const char *why, struct sg_diags *diags)
{
    struct sg_place place = { CONST_CAST(char *, file), 0 };

    sg_error(diags, &place, "%s", why);
}

/* Loads the files in order; true if all of them ran to their end. */
static bool
load_files(struct sg_script *script, struct sg_diags *diags)
{
    const char *file, *culprit = NULL;
    bool complete = true;
    size_t i;

    SVEC_FOR_EACH (i, file, &script->sources.files) {
        const struct sg_source *source = sg_sources_get(
            &script->sources, SG_SOURCE_POLICY, file);

        if (culprit) {
            char *why = xasprintf("was not read, because %s used up the "
                                  "budget of the load", culprit);
            report_unread(file, why, diags);
            free(why);
            return false;
        } else if (source->error) {
            report_unread(file, source->error, diags);
            complete = false;
        } else {
            complete &= sg_interpreter_run(script->interpreter, file,
                                           source->text, diags);
            if (sg_interpreter_is_stopped(script->interpreter)) {
                culprit = file;
            }
        }
    }
    return complete;
}

struct sg_script *
sg_script_load(const char *const paths[], size_t n_paths,
               const struct sg_script_options *options,
               struct json **document, struct sg_diags *diags)
{
    static const struct sg_script_options defaults;
    struct sg_script *script = xzalloc(sizeof *script);
    struct sg_interpreter_owner owner = { read_source, log_line, script };
    size_t n_errors = diags->n_errors;

    options = options ? options : &defaults;
    sg_sources_init(&script->sources, options->luadir, paths, n_paths, diags);
    script->interpreter = sg_interpreter_create(&options->budgets, &owner);
    script->open = sg_interpreter_open(
        script->interpreter, options->language ? options->language : "init",
        diags);
    if (!script->open) {
        *document = json_object_create();
        json_object_put(*document, "incomplete", json_boolean_create(true));
        return script;
    }
    bool complete = diags->n_errors == n_errors;
    complete &= load_files(script, diags);
    *document = sg_interpreter_finish(script->interpreter, complete, diags);
    return script;
}

void
sg_script_destroy(struct sg_script *script)
{
    if (script) {
        sg_interpreter_destroy(script->interpreter);
        sg_sources_destroy(&script->sources);
        free(script);
    }
}

/* Callbacks. */

char *
sg_script_bind(void *script_, int function, const struct sg_iface *iface,
               bool *matched, struct svec *groups)
{
    struct sg_script *script = script_;
    char *error = NULL;

    *matched = false;
    if (!script || !script->open) {
        return xstrdup("the policy has no functions");
    }

    struct json *port = sg_iface_to_json(iface);
    struct json *answer = sg_interpreter_call(script->interpreter, "call",
                                              function, port);
    const struct json *e = shash_find_data(json_object(answer), "error");
    const struct json *names = shash_find_data(json_object(answer), "groups");
    if (e) {
        error = xstrdup(json_string(e));
    } else if (names) {
        *matched = true;
        for (size_t i = 0; i < names->array.n; i++) {
            svec_add(groups, json_string(names->array.elems[i]));
        }
    }
    json_destroy(answer);
    json_destroy(port);
    return error;
}
