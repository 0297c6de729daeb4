/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `resolve = function() ... end': the resolver says when a function of the
 * policy in force is to be asked; the script answers later. */

#include "agent/core-private.h"

#include "openvswitch/json.h"
#include "resolve/resolver.h"
#include "script/script.h"
#include "script/wire.h"
#include "util.h"

struct function_call {
    struct ovs_list node;       /* In sg_core.function_calls. */
    uint64_t source;            /* As the resolver counts them. */
    struct sg_script_call *call;
};

static void
call_destroy(struct function_call *call)
{
    ovs_list_remove(&call->node);
    free(call);
}

static void
ask(struct sg_core *core, uint64_t source, int function)
{
    struct function_call *call = xmalloc(sizeof *call);

    call->source = source;
    call->call = sg_script_call(core->loaded->script, "resolve", function,
                                NULL);
    ovs_list_push_back(&core->function_calls, &call->node);
}

/* Hands 'answer' over.  The interpreter is not trusted. */
static bool
take_answer(struct sg_core *core, uint64_t source, const struct json *answer)
{
    const struct json *error = sg_wire_get(answer, "error", JSON_STRING);
    const struct json *list = sg_wire_get(answer, "addresses", JSON_ARRAY);
    char *sentence = NULL;

    if (error) {
        sentence = xstrdup(json_string(error));
        sg_wire_clean(sentence);
    } else if (!list) {
        sentence = xstrdup("the interpreter gave no answer");
    }
    return sg_resolver_function_answered(core->resolver, source, list,
                                         sentence);
}

bool
sg_core_functions_run(struct sg_core *core)
{
    struct function_call *call;
    bool changed = false;
    uint64_t source;
    int function;

    while (sg_resolver_next_function(core->resolver, &source, &function)) {
        ask(core, source, function);
    }
    LIST_FOR_EACH_SAFE (call, node, &core->function_calls) {
        struct json *answer = sg_script_call_take(call->call);

        if (answer) {
            changed |= take_answer(core, call->source, answer);
            json_destroy(answer);
            call_destroy(call);
        }
    }
    return changed;
}

void
sg_core_functions_cancel(struct sg_core *core)
{
    struct function_call *call;

    LIST_FOR_EACH_SAFE (call, node, &core->function_calls) {
        sg_script_call_cancel(call->call);
        call_destroy(call);
    }
}
