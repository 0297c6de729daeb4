/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/modeler.h"

#include "compile/compile.h"
#include "latch.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "policy/policy.h"
#include "util.h"

struct sg_modeler {
    pthread_t thread;
    struct latch ended;         /* Set by the thread, as the last thing. */

    /* The thread's until it has ended, and then the main thread's. */
    struct json *document;
    struct sg_diags diags;
    struct sg_policy *policy;
    char *errors;
    char *warnings;
};

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

/* Always reads on: all errors of a load are shown at once. */
static void *
modeler_main(void *modeler_)
{
    struct sg_modeler *modeler = modeler_;
    struct sg_diags *diags = &modeler->diags;

    /* Inside ovs-vswitchd, the main thread waits for RCU. */
    ovsrcu_quiesce_start();
    modeler->policy = sg_policy_from_document(modeler->document, diags);
    json_destroy(modeler->document);
    if (modeler->policy) {
        sg_policy_list_entries(modeler->policy);
    }
    sg_diags_sort(diags);
    modeler->errors = diags->n_errors ? format_diags(diags, false) : NULL;
    modeler->warnings = format_diags(diags, true);
    sg_diags_destroy(diags);
    latch_set(&modeler->ended);
    return NULL;
}

struct sg_modeler *
sg_modeler_start(struct json *document, struct sg_diags *diags)
{
    struct sg_modeler *modeler = xzalloc(sizeof *modeler);

    modeler->document = document;
    modeler->diags = *diags;
    sg_diags_init(diags);
    latch_init(&modeler->ended);
    modeler->thread = ovs_thread_create("sg_modeler", modeler_main, modeler);
    return modeler;
}

static void
join(struct sg_modeler *modeler)
{
    xpthread_join(modeler->thread, NULL);
    latch_destroy(&modeler->ended);
}

bool
sg_modeler_finish(struct sg_modeler *modeler, struct sg_policy **policy,
                  char **errors, char **warnings)
{
    if (!latch_is_set(&modeler->ended)) {
        return false;
    }
    join(modeler);
    *policy = modeler->policy;
    *errors = modeler->errors;
    *warnings = modeler->warnings;
    free(modeler);
    return true;
}

void
sg_modeler_wait(const struct sg_modeler *modeler)
{
    if (modeler) {
        latch_wait(&modeler->ended);
    }
}

void
sg_modeler_destroy(struct sg_modeler *modeler)
{
    if (modeler) {
        join(modeler);
        sg_policy_unref(modeler->policy);
        free(modeler->errors);
        free(modeler->warnings);
        free(modeler);
    }
}
