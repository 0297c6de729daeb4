/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Policy files, through the Lua host, the words and the model. */

#include <config.h>

#include <stdbool.h>
#include <stdlib.h>

#include "fuzz.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/diag.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "script/facts.h"
#include "script/interpreter.h"
#include "svec.h"
#include "util.h"

/* The owner of the interpreter.  The language's own files are read once; a
 * module of any name is the input itself. */

struct owner {
    struct sg_sources *sources;
    const char *text;
};

static void
owner_read(void *owner_, enum sg_source_kind kind, const char *name,
           struct sg_source *copy)
{
    const struct owner *owner = owner_;

    copy->file = xstrdup(name);
    if (kind == SG_SOURCE_MODULE) {
        copy->text = xstrdup(owner->text);
        return;
    }

    const struct sg_source *source = sg_sources_get(owner->sources, kind,
                                                    name);
    copy->text = nullable_xstrdup(source->text);
    copy->error = nullable_xstrdup(source->error);
}

static void
owner_log(void *aux OVS_UNUSED, bool warn OVS_UNUSED,
          const char *file OVS_UNUSED, int line OVS_UNUSED,
          const char *text OVS_UNUSED)
{
}

static struct sg_sources *
language_sources(void)
{
    static struct sg_sources sources;
    static bool initialized;

    if (!initialized) {
        struct sg_diags diags = SG_DIAGS_INITIALIZER;

        initialized = true;
        sg_sources_init(&sources, NULL, NULL, 0, &diags);
        sg_diags_destroy(&diags);
    }
    return &sources;
}

/* Asks the functions of `bind' for a port. */

static char *
call(void *interpreter, int function, const struct sg_iface *iface,
     enum sg_bind_answer *answer, struct svec *groups OVS_UNUSED)
{
    struct json *port = sg_iface_to_json(iface);

    json_destroy(sg_interpreter_call(interpreter, "call", function, port));
    json_destroy(port);
    *answer = SG_BIND_NO;
    return NULL;
}

static void
ask(struct sg_interpreter *interpreter, const struct sg_policy *policy)
{
    const struct sg_binder binder = { call, interpreter };
    struct sg_facts facts;
    struct sg_ports ports;

    sg_facts_init(&facts);
    struct sg_iface *iface = sg_facts_add_iface(
        &facts, "tap0", sg_facts_add_bridge(&facts, "br0"));
    smap_add(&iface->external_ids, "iface-id", "x");
    sg_ports_init(&ports);
    sg_ports_admit_all(&ports, policy, &binder, &facts);
    sg_ports_destroy(&ports);
    sg_facts_destroy(&facts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sg_budgets budgets = {
        .max_instructions = 200000, .max_call_instructions = 20000,
        .max_ms = 200, .max_call_ms = 50, .max_memory = 4 << 20,
    };
    char *text = xmemdup0((const char *) data, size);
    struct owner owner = { language_sources(), text };
    const struct sg_interpreter_owner callbacks = {
        owner_read, owner_log, &owner
    };
    struct sg_interpreter *interpreter = sg_interpreter_create(&budgets,
                                                               &callbacks);
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct ds s = DS_EMPTY_INITIALIZER;

    bool ok = sg_interpreter_open(interpreter, "init", &diags);
    ovs_assert(ok);
    ok = sg_interpreter_run(interpreter, "policy.lua", text, &diags);
    struct json *document = sg_interpreter_finish(interpreter, ok, &diags);
    struct sg_policy *policy = sg_policy_from_document(document, &diags);

    json_destroy(document);
    sg_diags_sort(&diags);
    sg_diags_format(&diags, false, &s);
    sg_diags_format(&diags, true, &s);
    ovs_assert(policy || diags.n_errors);
    if (policy && !diags.n_errors) {
        ask(interpreter, policy);
    }
    sg_policy_unref(policy);
    sg_interpreter_destroy(interpreter);
    ds_destroy(&s);
    sg_diags_destroy(&diags);
    free(text);
    return 0;
}
