/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Policy files, through the Lua host, the words and the model. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/diag.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "script/script.h"
#include "svec.h"
#include "util.h"

/* A file in memory with 'data' in it; its name is good until the next one. */
static const char *
file_with(const uint8_t *data, size_t size)
{
    static char name[32];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("policy.lua", 0);
        ovs_assert(fd >= 0);
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t) size) {
        ovs_fatal(errno, "cannot write");
    }
    return name;
}

/* Asks the functions of `bind' for a port. */
static void
ask(struct sg_script *script, const struct sg_policy *policy)
{
    const struct sg_binder binder = { sg_script_bind, script };
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
    static const struct sg_script_options options = {
        .budgets.max_instructions = 200000, .budgets.max_call_instructions = 20000,
        .budgets.max_ms = 200, .budgets.max_call_ms = 50, .budgets.max_memory = 4 << 20,
    };
    const char *path = file_with(data, size);
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct ds s = DS_EMPTY_INITIALIZER;
    struct json *document = NULL;
    struct sg_script *script = sg_script_load(&path, 1, &options, &document,
                                              &diags);
    struct sg_policy *policy = sg_policy_from_document(document, &diags);

    json_destroy(document);
    sg_diags_sort(&diags);
    sg_diags_format(&diags, false, &s);
    sg_diags_format(&diags, true, &s);
    ovs_assert(policy || diags.n_errors);
    if (policy && !diags.n_errors) {
        ask(script, policy);
    }
    sg_policy_unref(policy);
    sg_script_destroy(script);
    ds_destroy(&s);
    sg_diags_destroy(&diags);
    return 0;
}
