/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `ovs-sgctl compile PATH... --ports=FILE [--bridge=BRIDGE] [--stage=STAGE]'
 *
 * The same passes that the agent runs, on facts from a file in place of the
 * database: one can see what a policy costs, and where a flow comes from,
 * without any switch. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/compile.h"
#include "ctl/facts-file.h"
#include "ctl/policy-loader.h"
#include "ctl/render.h"
#include "ctl/sgctl.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "script/answers.h"
#include "script/script.h"
#include "util.h"
#include "uuid.h"

#define DEFAULT_STAGE "counts"

/* Conntrack zones of a switch that is nobody else's. */
#define ZONE_MIN 1
#define ZONE_MAX UINT16_MAX

/* Stages of our own: what goes into the compiler. */
#define STAGE_POLICY "policy"
#define STAGE_PORTS "ports"

static bool
is_stage(const char *name)
{
    if (!strcmp(name, STAGE_POLICY) || !strcmp(name, STAGE_PORTS)) {
        return true;
    }
    for (const char *const *s = sg_plan_stages; *s; s++) {
        if (!strcmp(name, *s)) {
            return true;
        }
    }
    return false;
}

static void
complain_about_stage(const char *name)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (const char *const *p = sg_plan_stages; *p; p++) {
        ds_put_format(&s, ", %s", *p);
    }
    ovs_error(0, "--stage=%s: the stages are %s, %s%s", name, STAGE_POLICY,
              STAGE_PORTS, ds_cstr(&s));
    ds_destroy(&s);
}

static bool
check_usage(const struct sgctl *ctl)
{
    if (ctl->stage && !is_stage(ctl->stage)) {
        complain_about_stage(ctl->stage);
        return false;
    }
    if (ctl->json) {
        ovs_error(0, "'compile' prints text only; leave out --format");
        return false;
    }
    return true;
}

/* The file, and the bridge that was asked for, if any. */
static bool
read_facts(const char *file, const char *bridge, struct sg_facts *facts)
{
    if (!facts_file_read(file, facts)) {
        return false;
    }
    if (bridge && !shash_find(&facts->bridges, bridge)) {
        ovs_error(0, "%s: no port is on bridge %s", file, bridge);
        return false;
    }
    return true;
}

static void
print_rule(const struct sg_rule *rule)
{
    struct ds place = DS_EMPTY_INITIALIZER;

    sg_rule_format_place(rule, &place);
    printf(UUID_FMT" %s%s%s\n", UUID_ARGS(&rule->id), rule->text,
           place.length ? "  # " : "", ds_cstr(&place));
    ds_destroy(&place);
}

/* Each rule's identity, canonical text and place, sorted by text. */
static void
print_policy(const struct sg_policy *policy)
{
    struct shash by_text = SHASH_INITIALIZER(&by_text);
    const struct shash_node **nodes;
    const struct sg_rule *rule;

    HMAP_FOR_EACH (rule, id_node, &policy->rules_by_id) {
        shash_add(&by_text, rule->text, rule);
    }
    nodes = shash_sort(&by_text);
    for (size_t i = 0; i < shash_count(&by_text); i++) {
        print_rule(nodes[i]->data);
    }
    free(nodes);
    shash_destroy(&by_text);
}

static void
put_strings(struct ds *s, const char *label, char **strings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ds_put_format(s, "%s%s", i ? "," : label, strings[i]);
    }
}

static void
print_port(const struct sg_port *port)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "%s %s", port->name,
                  !port->guarded ? "trusted"
                  : port->error ? "error" : "guarded");
    ds_put_format(&s, " bridge=%s ofport=%lld", port->bridge,
                  (long long int) port->ofport);
    put_strings(&s, " groups=", port->groups, port->n_groups);
    for (size_t i = 0; i < port->n_addresses; i++) {
        ds_put_cstr(&s, i ? "," : " addresses=");
        sg_prefix_format(&port->addresses[i], &s);
    }
    for (size_t i = 0; i < port->n_endpoints; i++) {
        ds_put_format(&s, "%s%s", i ? "," : " networks=",
                      port->endpoints[i].network);
    }
    if (port->error) {
        ds_put_format(&s, " error=%s", port->error);
    }
    puts(ds_cstr(&s));
    ds_destroy(&s);
}

/* What admission made of each interface, sorted by name. */
static void
print_ports(const struct sg_ports *ports)
{
    struct shash by_name = SHASH_INITIALIZER(&by_name);
    const struct shash_node **nodes;
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        shash_add(&by_name, port->name, port);
    }
    nodes = shash_sort(&by_name);
    for (size_t i = 0; i < shash_count(&by_name); i++) {
        print_port(nodes[i]->data);
    }
    free(nodes);
    shash_destroy(&by_name);
}

/* Compiles for each bridge (or the one that was asked for) and prints. */
static void
print_plans(const struct sgctl *ctl, const struct sg_policy *policy,
            const struct sg_ports *ports, const struct sg_facts *facts)
{
    struct sg_compiler *compiler = sg_compiler_create(ZONE_MIN, ZONE_MAX);
    const struct shash_node **bridges = shash_sort(&facts->bridges);
    size_t n = shash_count(&facts->bridges);

    sg_compiler_begin(compiler);
    for (size_t i = 0; i < n; i++) {
        const char *name = bridges[i]->name;

        if (!ctl->bridge || !strcmp(name, ctl->bridge)) {
            struct sg_plan *plan = sg_plan_create(compiler, policy, ports,
                                                  name);
            struct ds s = DS_EMPTY_INITIALIZER;

            if (n > 1 && !ctl->bridge) {
                printf("# bridge %s\n", name);
            }
            sg_plan_format(plan, ctl->stage ? ctl->stage : DEFAULT_STAGE, &s);
            fputs(ds_cstr(&s), stdout);
            ds_destroy(&s);
            sg_plan_destroy(plan);
        }
    }
    sg_compiler_end(compiler);
    sg_compiler_destroy(compiler);
    free(bridges);
}

static void
print_stage(const struct sgctl *ctl, const struct loaded_policy *loaded,
            const struct sg_facts *facts)
{
    struct sg_binder binder = { sg_answers_block, loaded->script };
    struct sg_ports ports;

    sg_ports_init(&ports);
    sg_ports_admit_all(&ports, loaded->policy, &binder, facts);
    if (ctl->stage && !strcmp(ctl->stage, STAGE_POLICY)) {
        print_policy(loaded->policy);
    } else if (ctl->stage && !strcmp(ctl->stage, STAGE_PORTS)) {
        print_ports(&ports);
    } else {
        print_plans(ctl, loaded->policy, &ports, facts);
    }
    sg_ports_destroy(&ports);
}

enum sgctl_status
sgctl_compile(const struct sgctl *ctl)
{
    enum sgctl_status status = SGCTL_FAILED;
    struct loaded_policy loaded;
    struct sg_facts facts;

    if (!check_usage(ctl)) {
        return SGCTL_USAGE;
    }
    sg_facts_init(&facts);
    loaded_policy_init(&loaded, ctl->args, ctl->n_args);
    loaded_policy_print_diags(&loaded);
    if (loaded.policy && (!ctl->ports
                          || read_facts(ctl->ports, ctl->bridge, &facts))) {
        print_stage(ctl, &loaded, &facts);
        status = SGCTL_OK;
    }
    loaded_policy_destroy(&loaded);
    sg_facts_destroy(&facts);
    return status;
}
