/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ctl/test-world.h"

#include <stdlib.h>
#include <string.h>

#include "compile/compile.h"
#include "compile/flow.h"
#include "compile/judge.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/eval.h"
#include "policy/policy.h"
#include "script/answers.h"
#include "script/script.h"
#include "util.h"

/* What the compiler makes of the ports of one bridge. */
struct test_bridge {
    struct sg_plan *plan;
    struct sg_flows flows;
    struct sg_judge *judge;     /* Of 'flows'. */
};

void
test_world_init(struct test_world *world)
{
    memset(world, 0, sizeof *world);
    shash_init(&world->port_facts);
    sg_facts_init(&world->facts);
    sg_sets_init(&world->sets);
    sg_ports_init(&world->ports);
    shash_init(&world->bridges);
}

/* What was made for answers. */
static void
forget_answers(struct test_world *world)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &world->bridges) {
        struct test_bridge *bridge = node->data;

        sg_judge_destroy(bridge->judge);
        sg_plan_destroy(bridge->plan);
        sg_flows_destroy(&bridge->flows);
        free(bridge);
        shash_delete(&world->bridges, node);
    }
    sg_compiler_destroy(world->compiler);
    world->compiler = NULL;
    sg_ports_destroy(&world->ports);
    sg_ports_init(&world->ports);
    world->stale = true;
}

static void
forget_ports(struct test_world *world)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &world->port_facts) {
        json_destroy(node->data);
        shash_delete(&world->port_facts, node);
    }
    sg_facts_destroy(&world->facts);
    sg_facts_init(&world->facts);
}

static void
forget_policy(struct test_world *world)
{
    sg_sets_destroy(&world->sets);
    sg_sets_init(&world->sets);
    sg_policy_unref(world->policy);
    world->policy = NULL;
    json_destroy(world->document);
    world->document = NULL;
    sg_script_destroy(world->script);
    world->script = NULL;
}

void
test_world_destroy(struct test_world *world)
{
    if (world) {
        forget_answers(world);
        forget_ports(world);
        forget_policy(world);
        shash_destroy(&world->bridges);
        sg_sets_destroy(&world->sets);
        sg_ports_destroy(&world->ports);
        sg_facts_destroy(&world->facts);
        shash_destroy(&world->port_facts);
    }
}

/* Policy. */

static void
read_document(struct test_world *world, struct sg_diags *diags)
{
    forget_answers(world);
    sg_policy_unref(world->policy);
    world->policy = sg_policy_from_document(world->document, diags);
    sg_diags_sort(diags);
    if (diags->n_errors) {
        /* A file that could not be read left a hole in the document. */
        sg_policy_unref(world->policy);
        world->policy = NULL;
    }
}

void
test_world_load(struct test_world *world, const char *const paths[],
                size_t n_paths, struct sg_diags *diags)
{
    static const struct sg_script_options defaults;

    forget_answers(world);
    forget_ports(world);
    forget_policy(world);
    world->script = sg_script_load(paths, n_paths, &defaults,
                                   &world->document, diags);
    read_document(world, diags);
}

void
test_world_add_members(struct test_world *world, const struct json *members,
                       struct sg_diags *diags)
{
    struct json *list = shash_find_data(json_object(world->document),
                                        "members");

    if (!list) {
        list = json_array_create_empty();
        json_object_put(world->document, "members", list);
    }
    json_array_add(list, json_deep_clone(members));
    read_document(world, diags);
}

/* Ports. */

static struct json *
facts_to_json(const struct shash *port_facts)
{
    const struct shash_node **nodes = shash_sort(port_facts);
    struct json *json = json_object_create();
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < shash_count(port_facts); i++) {
        json_array_add(array, json_deep_clone(nodes[i]->data));
    }
    json_object_put(json, "ports", array);
    free(nodes);
    return json;
}

/* Takes 'array' into 'all', ports by name. */
static void
put_ports(struct shash *all, const struct json *array)
{
    for (size_t i = 0; i < array->array.n; i++) {
        const struct json *port = array->array.elems[i];
        const char *name = json_string(shash_find_data(json_object(port),
                                                       "name"));

        json_destroy(shash_replace(all, name, json_deep_clone(port)));
    }
}

char *
test_world_add_ports(struct test_world *world, const struct json *array)
{
    struct shash all = SHASH_INITIALIZER(&all);
    struct shash_node *node;
    struct sg_facts facts;
    struct json *json;
    char *error;

    SHASH_FOR_EACH (node, &world->port_facts) {
        shash_add(&all, node->name, json_deep_clone(node->data));
    }
    put_ports(&all, array);
    json = facts_to_json(&all);
    sg_facts_init(&facts);
    error = sg_facts_from_json(json, &facts);
    json_destroy(json);
    if (!error) {
        forget_answers(world);
        shash_swap(&world->port_facts, &all);
        shash_swap(&world->facts.bridges, &facts.bridges);
        hmap_swap(&world->facts.ifaces, &facts.ifaces);
    }
    sg_facts_destroy(&facts);
    SHASH_FOR_EACH (node, &all) {
        json_destroy(node->data);
    }
    shash_destroy(&all);
    return error;
}

/* Values of `addresses'. */

static char *
unknown_set(const struct sg_policy *policy, const char *name)
{
    size_t n = 0;
    const char **names = xcalloc(hmap_count(&policy->addresses) + 1,
                                 sizeof *names);
    const struct sg_addresses *set;

    HMAP_FOR_EACH (set, node, &policy->addresses) {
        names[n++] = set->name;
    }
    const char *guess = sg_did_you_mean(name, names, n);
    char *error = xasprintf("the policy has no addresses \"%s\"%s%s%s", name,
                            guess ? "; did you mean \"" : "",
                            guess ? guess : "", guess ? "\"?" : "");
    free(names);
    return error;
}

char *
test_world_set_addresses(struct test_world *world, const char *name,
                         const char *const words[], size_t n)
{
    struct sg_prefix *prefixes = xcalloc(n + 1, sizeof *prefixes);
    char *error = NULL;

    if (!sg_policy_addresses(world->policy, name)) {
        error = unknown_set(world->policy, name);
    }
    for (size_t i = 0; i < n && !error; i++) {
        error = sg_prefix_parse(words[i], &prefixes[i]);
    }
    if (!error) {
        forget_answers(world);
        sg_sets_put(&world->sets, name, prefixes, n);
    }
    free(prefixes);
    return error;
}

/* Answers. */

static void
compile_bridge(struct test_world *world, const char *name)
{
    struct test_bridge *bridge = xzalloc(sizeof *bridge);

    bridge->plan = sg_plan_create(world->compiler, world->policy,
                                  &world->ports, name);
    sg_flows_init(&bridge->flows);
    sg_plan_emit(bridge->plan, &bridge->flows);
    bridge->judge = sg_judge_create(&bridge->flows);
    shash_add(&world->bridges, name, bridge);
}

static void
make_answers(struct test_world *world)
{
    struct sg_binder binder = { sg_answers_block, world->script };
    struct shash_node *node;

    if (!world->stale) {
        return;
    }
    sg_ports_admit_all(&world->ports, world->policy, &binder, &world->facts);
    world->ports.sets = &world->sets;
    world->compiler = sg_compiler_create(1, UINT16_MAX);
    sg_compiler_begin(world->compiler);
    SHASH_FOR_EACH (node, &world->facts.bridges) {
        compile_bridge(world, node->name);
    }
    sg_compiler_end(world->compiler);
    world->stale = false;
}

const struct sg_port *
test_world_port(struct test_world *world, const char *name)
{
    make_answers(world);
    return sg_ports_find(&world->ports, name);
}

/* What the flows say to the connection of 'trace', on the side of 'side'. */
static bool
flows_allow(const struct test_world *world, const struct sg_trace *trace,
            enum sg_direction dir, const struct sg_trace_side *side,
            const struct sg_trace_side *other)
{
    const struct test_bridge *bridge = shash_find_data(&world->bridges,
                                                       side->port->bridge);
    struct sg_flowspec spec = {
        .remote = other->address,
        .proto = trace->proto,
        .port = trace->type_or_port,
        .code = trace->code,
    };

    const struct sg_plan_endpoint *ep
        = (bridge ? sg_plan_endpoint(bridge->plan,
                                     sg_compiler_zone(world->compiler,
                                                      side->port,
                                                      side->endpoint))
           : NULL);

    if (!ep) {
        return false;
    }
    uint32_t number = sg_judge_ask(bridge->judge, ep, dir, &spec);

    return number && number != SG_JUDGE_BROKEN;
}

/* False, with a line in 'why', if the flows say other than the rules. */
static bool
flows_agree(const struct test_world *world, const struct sg_trace *trace,
            enum sg_direction dir, struct ds *why)
{
    bool out = dir == SG_EGRESS;
    const struct sg_trace_side *side = out ? &trace->from : &trace->to;
    const struct sg_trace_side *other = out ? &trace->to : &trace->from;

    if (!side->port
        || !side->rule == !flows_allow(world, trace, dir, side, other)) {
        return true;
    }
    ds_put_format(why, "the flows say another thing than the rules (%s of "
                  "%s): this is a bug of ovs-sg, please report it\n",
                  sg_direction_name(dir), side->port->name);
    sg_trace_format(trace, why);
    return false;
}

/* A port in error is closed, so that every `refused' would pass. */
static bool
side_works(const struct sg_trace_side *side, struct ds *why)
{
    if (side->port && side->port->error) {
        ds_put_format(why, "%s is in error: %s\n", side->port->name,
                      side->port->error);
        return false;
    }
    return true;
}

static bool
ask_in_family(struct test_world *world, const struct test_question *q,
              uint8_t family, bool allowed, struct ds *why)
{
    struct sg_trace trace;
    char *error;

    error = sg_trace_family(world->policy, &world->ports, q->from, q->to,
                            q->proto, q->port, family, &trace);
    if (error) {
        ds_put_format(why, "%s\n", error);
        free(error);
        return false;
    }
    if (!side_works(&trace.from, why) || !side_works(&trace.to, why)
        || !flows_agree(world, &trace, SG_EGRESS, why)
        || !flows_agree(world, &trace, SG_INGRESS, why)) {
        return false;
    }
    if (trace.allowed != allowed) {
        sg_trace_format(&trace, why);
        return false;
    }
    return true;
}

enum test_answer
test_world_ask(struct test_world *world, const struct test_question *q,
               bool allowed, struct ds *why)
{
    uint8_t families;
    bool good = true;
    char *error;

    make_answers(world);
    error = sg_trace_families(&world->ports, q->from, q->to, q->proto,
                              &families);
    if (error) {
        ds_put_format(why, "%s\n", error);
        free(error);
        return TEST_OTHERWISE;
    }
    families &= q->families;
    if (!families) {
        ask_in_family(world, q, 0, allowed, why);   /* It says why. */
        return TEST_NOT_ASKED;
    }
    for (uint8_t family = SG_IPV4; family <= SG_IPV6; family <<= 1) {
        if (families & family) {
            good &= ask_in_family(world, q, family, allowed, why);
        }
    }
    return good ? TEST_EXPECTED : TEST_OTHERWISE;
}
