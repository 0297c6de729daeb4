/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* A policy on its way into force
 * ==============================
 *
 *   SCRIPT --> MODEL --> ASK --> READY
 *                |
 *                '--> FAILED
 *
 * SCRIPT: the files are loaded, in a process of their own (script/script.h).
 * MODEL: the document that comes back makes the policy (modeler.h).  ASK: its
 * `bind' functions are asked about every interface, so that no port is between
 * two policies when this one takes over.  All of it happens beside the policy
 * in force, which knows nothing of it. */

#include "agent/core-private.h"

#include "agent/modeler.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "resolve/resolver.h"
#include "script/script.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_load);

/* How long a policy waits for the answers of its functions (milliseconds).
 * Then it comes into force, and ports of which nothing is known are closed. */
#define ASK_PATIENCE 15000

static struct sg_loaded *
loaded_create(struct sg_script *script)
{
    struct sg_loaded *loaded = xzalloc(sizeof *loaded);

    loaded->script = script;
    sg_answers_init(&loaded->answers, script);
    loaded->binder.call = sg_answers_ask;
    loaded->binder.aux = &loaded->answers;
    return loaded;
}

struct sg_loaded *
sg_loaded_start(const char *const paths[], size_t n)
{
    return loaded_create(sg_script_start(paths, n, NULL));
}

struct sg_loaded *
sg_loaded_empty(void)
{
    struct sg_loaded *loaded = loaded_create(NULL);

    loaded->policy = sg_policy_empty();
    loaded->policy->none = true;
    loaded->state = SG_LOADED_READY;
    return loaded;
}

void
sg_loaded_destroy(struct sg_loaded *loaded)
{
    if (loaded) {
        sg_answers_destroy(&loaded->answers);
        sg_modeler_destroy(loaded->modeler);
        sg_policy_unref(loaded->policy);
        sg_script_destroy(loaded->script);
        free(loaded->errors);
        free(loaded->warnings);
        free(loaded);
    }
}

/* Asks the functions, if there are any, about all ports.  What admission makes
 * of them is not of interest yet. */
static void
loaded_ask(struct sg_loaded *loaded, const struct sg_facts *facts)
{
    struct sg_ports ports;

    loaded->asked = time_msec();
    if (!sg_policy_has_functions(loaded->policy)) {
        return;
    }
    sg_ports_init(&ports);
    sg_answers_begin(&loaded->answers);
    sg_ports_admit_all(&ports, loaded->policy, &loaded->binder, facts);
    sg_ports_destroy(&ports);
}

static bool
loaded_is_answered(const struct sg_loaded *loaded)
{
    return (!sg_answers_is_pending(&loaded->answers)
            || time_msec() >= loaded->asked + ASK_PATIENCE);
}

/* The script has been read: a policy is to be made of it. */
static void
loaded_take_document(struct sg_loaded *loaded)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct json *document = NULL;

    if (sg_script_take(loaded->script, &document, &diags)) {
        loaded->modeler = sg_modeler_start(document, &diags);
        loaded->state = SG_LOADED_MODEL;
    }
    sg_diags_destroy(&diags);
}

static void
loaded_take_policy(struct sg_loaded *loaded, const struct sg_facts *facts)
{
    if (!sg_modeler_finish(loaded->modeler, &loaded->policy, &loaded->errors,
                         &loaded->warnings)) {
        return;
    }
    loaded->modeler = NULL;
    loaded->state = (loaded->policy && !loaded->errors
                     ? SG_LOADED_ASK : SG_LOADED_FAILED);
    if (loaded->state == SG_LOADED_ASK && facts) {
        loaded_ask(loaded, facts);
        sg_script_run(loaded->script);
    }
}

void
sg_loaded_run(struct sg_loaded *loaded, const struct sg_facts *facts)
{
    sg_script_run(loaded->script);
    if (loaded->state == SG_LOADED_SCRIPT) {
        loaded_take_document(loaded);
    }
    if (loaded->state == SG_LOADED_MODEL) {
        loaded_take_policy(loaded, facts);
    }
    if (loaded->state == SG_LOADED_ASK) {
        sg_answers_run(&loaded->answers, NULL);
        if (loaded_is_answered(loaded)) {
            loaded->state = SG_LOADED_READY;
        }
    }
}

void
sg_loaded_wait(struct sg_loaded *loaded)
{
    sg_script_wait(loaded->script);
    sg_answers_wait(&loaded->answers);
    sg_modeler_wait(loaded->modeler);
    if (loaded->state == SG_LOADED_ASK) {
        poll_timer_wait_until(loaded->asked + ASK_PATIENCE);
    }
}

/* The core's loads.
 *
 * A load serves those who have asked for one before it began.  Who asks while
 * one is under way is served by the next: files may have changed since. */

unsigned int
sg_core_reload_start(struct sg_core *core)
{
    poll_immediate_wake();
    return ++core->loads_asked;
}

bool
sg_core_reload_finished(const struct sg_core *core, unsigned int load)
{
    return core->loads_done >= load;
}

const char *
sg_core_policy_errors(const struct sg_core *core)
{
    return core->policy_errors;
}

const char *
sg_core_policy_warnings(const struct sg_core *core)
{
    return core->policy_warnings;
}

static void
log_lines(enum vlog_level level, const char *prefix, const char *text)
{
    while (text && *text) {
        size_t n = strcspn(text, "\n");

        VLOG(level, "%s%.*s", prefix, (int) n, text);
        text += n + (text[n] == '\n');
    }
}

/* A start without a policy has nobody to tell but the log. */
static void
log_first_load(const struct sg_core *core)
{
    log_lines(VLL_ERR, "", core->policy_errors);
    if (core->policy_errors) {
        VLOG_ERR("no policy is loaded: guarded ports stay as they are, new "
                 "ones are closed; mend the files and run `ovs-sgctl reload'");
    }
    log_lines(VLL_INFO, "warning: ", core->policy_warnings);
}

static void
take_over(struct sg_core *core, struct sg_loaded *loaded)
{
    VLOG_INFO("policy loaded: %"PRIuSIZE" groups, %"PRIuSIZE" rules",
              hmap_count(&loaded->policy->groups), loaded->policy->n_rules);
    /* Plans and ports point into the old one until the next pass. */
    struct sg_loaded *old = core->loaded;
    bool first = !core->have_policy;

    core->loaded = loaded;
    core->have_policy = true;
    core->loaded_at = time_msec();
    sg_core_functions_cancel(core);
    sg_resolver_configure(core->resolver, loaded->policy);
    sg_core_admit_by_policy(core, first ? NULL : old->policy);
    core->dirty = true;
    sg_loaded_destroy(old);
}

static bool
has_files(const struct sg_loaded *loaded)
{
    return loaded->script && !sg_script_is_empty(loaded->script);
}

/* That there are no files may be meant at a start.  But where there was a
 * policy, more likely somebody has moved them away, or the file system is not
 * mounted: no file is no order to drop all rules. */
static void
judge_no_files(const struct sg_core *core, struct sg_loaded *loaded)
{
    if (core->have_policy ? has_files(core->loaded)
        : core->policy_errors != NULL) {
        loaded->errors = xasprintf(
            "%s: holds no *.lua any more; if there is to be no policy, write "
            "an empty file there\n", core->policy_paths[0]);
        loaded->state = SG_LOADED_FAILED;
    } else {
        VLOG_WARN("%s: holds no *.lua, so there is no policy but the group "
                  "`default'; write one and run `ovs-sgctl reload'",
                  core->policy_paths[0]);
    }
}

static void
end_load(struct sg_core *core)
{
    struct sg_loaded *loaded = core->loading;
    bool first = !core->loads_done;

    if (loaded->state == SG_LOADED_READY && !has_files(loaded)) {
        judge_no_files(core, loaded);
    }
    core->loading = NULL;
    core->loads_done = core->load_serves;
    free(core->policy_errors);
    free(core->policy_warnings);
    core->policy_errors = nullable_xstrdup(loaded->errors);
    core->policy_warnings = nullable_xstrdup(loaded->warnings);
    if (loaded->state == SG_LOADED_READY) {
        take_over(core, loaded);
    } else {
        VLOG_INFO("policy not loaded, %s stays in force",
                  core->have_policy ? "the one of before"
                  : "what was in force before this agent");
        sg_loaded_destroy(loaded);
        core->dirty |= first;
    }
    if (first) {
        log_first_load(core);
    }
    poll_immediate_wake();      /* Somebody may wait for it. */
}

void
sg_core_loads_run(struct sg_core *core)
{
    const struct sg_facts *facts = sg_core_facts(core);

    sg_script_run(core->loaded->script);
    sg_answers_run(&core->loaded->answers, &core->admit);
    if (!core->loading && core->loads_asked > core->loads_done) {
        core->load_serves = core->loads_asked;
        core->loading = sg_loaded_start(
            (const char *const *) core->policy_paths, core->n_policy_paths);
    }
    if (core->loading) {
        sg_loaded_run(core->loading, facts);
        if (!core->passing && (core->loading->state == SG_LOADED_READY
                               || core->loading->state == SG_LOADED_FAILED)) {
            end_load(core);
        }
    }
}

void
sg_core_loads_wait(struct sg_core *core)
{
    sg_loaded_wait(core->loaded);
    if (core->loading) {
        sg_loaded_wait(core->loading);
    } else if (core->loads_asked > core->loads_done) {
        poll_immediate_wake();
    }
}

/* Before its first pass an agent waits for the answers as well: until then
 * what its predecessor enforced stays as it is. */
bool
sg_core_loads_settled(const struct sg_core *core)
{
    return (core->loads_done
            && (!sg_answers_is_pending(&core->loaded->answers)
                || time_msec() >= core->first_ask + ASK_PATIENCE));
}
