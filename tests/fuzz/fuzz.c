/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "fuzz.h"

#include "compile/compile.h"
#include "compile/emit.h"
#include "compile/flow.h"
#include "compile/review.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/vlog.h"
#include "policy/addresses.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "util.h"

int
LLVMFuzzerInitialize(int *argc OVS_UNUSED, char ***argv)
{
    ovs_set_program_name((*argv)[0], "fuzz");
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return 0;
}

struct json *
fuzz_json(const uint8_t *data, size_t size)
{
    char *text = xmemdup0((const char *) data, size);
    struct json *json = json_from_string(text);

    free(text);
    return json;
}

/* sg_plan_emit() but for the flows that are always the same, which would take
 * most of the time. */
static void
emit(const struct sg_plan *plan, struct sg_flows *desired)
{
    struct emitter e;

    emit_init(&e, desired);
    sg_emit_trusted(&e, plan);
    sg_emit_endpoints(&e, plan);
    sg_emit_rules(&e, plan);
    sg_emit_floods(&e, plan);
    emit_destroy(&e);
}

static void
compile_once(struct sg_compiler *c, const struct sg_policy *policy,
             const struct sg_ports *ports, const struct sg_flows *installed,
             struct sg_flows *desired)
{
    struct sg_changes changes;
    struct sg_reviews reviews;
    struct sg_plan *plan;

    sg_compiler_begin(c);
    plan = sg_plan_create(c, policy, ports, "br0");
    emit(plan, desired);
    if (installed) {
        sg_reviews_init(&reviews);
        sg_reviews_recover(&reviews, installed, 1);
        sg_changes_init(&changes);
        sg_flows_diff(installed, desired, &changes);
        sg_reviews_note(&reviews, plan, &changes, 2);
        sg_reviews_emit(&reviews, desired);
        sg_changes_destroy(&changes);
        sg_reviews_destroy(&reviews);
    }
    sg_compiler_end(c);
    sg_plan_destroy(plan);
}

void
fuzz_compile(const struct sg_policy *policy, const struct sg_ports *ports,
             const struct sg_flows *installed)
{
    /* Few zones, so that they run out. */
    struct sg_compiler *c = sg_compiler_create(1, 8);
    struct sg_flows first, second;
    struct sg_changes changes;

    sg_flows_init(&first);
    sg_flows_init(&second);
    sg_changes_init(&changes);
    if (installed) {
        sg_compiler_recover(c, installed);
    }
    compile_once(c, policy, ports, installed, &first);
    compile_once(c, policy, ports, installed ? &first : NULL, &second);
    sg_flows_diff(&first, &second, &changes);
    ovs_assert(!changes.n);

    sg_changes_destroy(&changes);
    sg_flows_destroy(&first);
    sg_flows_destroy(&second);
    sg_compiler_destroy(c);
}

/* Gives every set the same value. */
static void
fill_sets(const struct sg_policy *policy, struct sg_sets *sets)
{
    const struct sg_addresses *addresses;
    struct sg_prefix prefixes[2];

    sg_prefix_from_ipv4(htonl(0xc0000200), 24, &prefixes[0]);
    sg_prefix_from_ipv4(htonl(0xc0000207), 32, &prefixes[1]);
    HMAP_FOR_EACH (addresses, node, &policy->addresses) {
        char *words = sg_addresses_describe(addresses);

        sg_sets_put(sets, addresses->name, prefixes, 2);
        free(words);
    }
}

void
fuzz_policy(const struct sg_policy *policy)
{
    struct sg_sets sets;
    struct ds groups = DS_EMPTY_INITIALIZER;
    const struct sg_group *group;
    struct sg_facts facts;
    struct sg_ports ports;

    /* All groups that there are in one network, some group's. */
    const char *network = NULL;
    HMAP_FOR_EACH (group, node, &policy->groups) {
        network = network ? network : group->network;
    }
    HMAP_FOR_EACH (group, node, &policy->groups) {
        if (!group->network || !strcmp(group->network, network)) {
            ds_put_format(&groups, " %s", group->name);
        }
    }
    sg_sets_init(&sets);
    sg_facts_init(&facts);
    struct sg_iface *iface = sg_facts_add_iface(
        &facts, "tap0", sg_facts_add_bridge(&facts, "br0"));
    free(iface->bridge->fail_mode);
    iface->bridge->fail_mode = xstrdup("secure");
    iface->ofport = 1;
    smap_add(&iface->external_ids, "sg-groups", ds_cstr(&groups));
    if (network) {
        smap_add(&iface->external_ids, "sg-network", network);
    }
    smap_add(&iface->external_ids, "sg-addresses", "10.0.0.1");
    smap_add(&iface->external_ids, "attached-mac", "02:00:00:00:00:01");

    sg_ports_init(&ports);
    sg_ports_admit_all(&ports, policy, NULL, &facts);
    ovs_assert(!sg_ports_find(&ports, "tap0")->error);
    fill_sets(policy, &sets);
    ports.sets = &sets;
    fuzz_compile(policy, &ports, NULL);

    sg_ports_destroy(&ports);
    sg_sets_destroy(&sets);
    sg_facts_destroy(&facts);
    ds_destroy(&groups);
}
