/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/judge.h"

#include "latch.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "ovs-thread.h"
#include "policy/policy.h"
#include "util.h"

struct sg_judge {
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
judge_main(void *judge_)
{
    struct sg_judge *judge = judge_;
    struct sg_diags *diags = &judge->diags;

    judge->policy = sg_policy_from_document(judge->document, diags);
    json_destroy(judge->document);
    sg_diags_sort(diags);
    judge->errors = diags->n_errors ? format_diags(diags, false) : NULL;
    judge->warnings = format_diags(diags, true);
    sg_diags_destroy(diags);
    latch_set(&judge->ended);
    return NULL;
}

struct sg_judge *
sg_judge_start(struct json *document, struct sg_diags *diags)
{
    struct sg_judge *judge = xzalloc(sizeof *judge);

    judge->document = document;
    judge->diags = *diags;
    sg_diags_init(diags);
    latch_init(&judge->ended);
    judge->thread = ovs_thread_create("sg_judge", judge_main, judge);
    return judge;
}

static void
join(struct sg_judge *judge)
{
    xpthread_join(judge->thread, NULL);
    latch_destroy(&judge->ended);
}

bool
sg_judge_finish(struct sg_judge *judge, struct sg_policy **policy,
                char **errors, char **warnings)
{
    if (!latch_is_set(&judge->ended)) {
        return false;
    }
    join(judge);
    *policy = judge->policy;
    *errors = judge->errors;
    *warnings = judge->warnings;
    free(judge);
    return true;
}

void
sg_judge_wait(const struct sg_judge *judge)
{
    if (judge) {
        latch_wait(&judge->ended);
    }
}

void
sg_judge_destroy(struct sg_judge *judge)
{
    if (judge) {
        join(judge);
        sg_policy_unref(judge->policy);
        free(judge->errors);
        free(judge->warnings);
        free(judge);
    }
}
