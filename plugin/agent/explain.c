/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* From a flow in `ovs-ofctl dump-flows' back to what it was made for. */

#include "agent/core-private.h"

#include "agent/describe.h"
#include "compile/pipeline.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "switch/switch.h"
#include "util.h"

/* A cookie of kind "rule" has the UUID of the first rule of an entry; the
 * others that the entry stands for are told, too. */

/* A plan may have a rule of an older policy, if that says the same; where it
 * is written now the policy in force knows. */
static void
add_rule(const struct sg_policy *policy, const struct sg_rule *rule,
         struct shash *rules)
{
    const struct sg_rule *now = sg_policy_rule(policy, &rule->id);

    shash_add_once(rules, rule->text, now ? now : rule);
}

static void
add_rules_of_fragment(const struct sg_policy *policy,
                      const struct sg_fragment *frag, uint64_t identity,
                      struct shash *rules)
{
    for (size_t i = 0; i < frag->n_entries; i++) {
        const struct sg_entry *entry = &frag->entries[i];

        if (sg_rule_identity(entry->rules[0]) == identity) {
            for (size_t j = 0; j < entry->n_rules; j++) {
                add_rule(policy, entry->rules[j], rules);
            }
        }
    }
}

static void
add_rules_of_entries(const struct sg_policy *policy,
                     const struct sg_plan *plan, uint64_t identity,
                     struct shash *rules)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->groups) {
        const struct sg_plan_group *pg = node->data;

        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            for (size_t i = 0; i < pg->n_fragments[dir]; i++) {
                add_rules_of_fragment(policy, pg->fragments[dir][i], identity,
                                      rules);
            }
        }
    }
}

static void
add_rule_by_identity(const struct sg_policy *policy, uint64_t identity,
                     struct shash *rules)
{
    const struct sg_group *group;

    HMAP_FOR_EACH (group, node, &policy->groups) {
        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            for (size_t i = 0; i < group->n_rules[dir]; i++) {
                const struct sg_rule *rule = group->rules[dir][i];

                if (sg_rule_identity(rule) == identity) {
                    shash_add_once(rules, rule->text, rule);
                }
            }
        }
    }
}

static struct json *
explain_rules(const struct sg_core *core, uint64_t identity)
{
    struct shash rules = SHASH_INITIALIZER(&rules);
    struct json *array = json_array_create_empty();
    const struct shash_node *node;

    add_rule_by_identity(core->loaded->policy, identity, &rules);
    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        if (b->plan) {
            add_rules_of_entries(core->loaded->policy, b->plan, identity,
                                 &rules);
        }
    }

    const struct shash_node **nodes = shash_sort(&rules);
    for (size_t i = 0; i < shash_count(&rules); i++) {
        json_array_add(array, sg_describe_rule(nodes[i]->data));
    }
    free(nodes);
    shash_destroy(&rules);
    return array;
}

static const char *
explain_port(const struct sg_core *core, uint64_t identity)
{
    const struct sg_id *id = sg_ids_by_identity(&core->compiler->zones,
                                                identity);
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        for (size_t i = 0; id && i < port->n_endpoints; i++) {
            if (sg_compiler_zone(core->compiler, port, &port->endpoints[i])
                == id->id) {
                return port->name;
            }
        }
    }
    return NULL;
}

static const char *
explain_trusted(const struct sg_core *core, uint64_t identity)
{
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        if (!port->guarded && sg_identity(port->name) == identity) {
            return port->name;
        }
    }
    return NULL;
}

static const char *
key_of(const struct sg_ids *ids, uint64_t identity)
{
    const struct sg_id *id = sg_ids_by_identity(ids, identity);

    return id ? id->key : NULL;
}

/* "profile a,b and ingress: group c" */
static char *
explain_cell(const struct sg_core *core, uint64_t identity)
{
    const struct shash_node *node;
    const struct sg_cell *cell;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        for (int dir = 0; b->plan && dir < SG_N_DIRECTIONS; dir++) {
            HMAP_FOR_EACH (cell, node, &b->plan->cells[dir]) {
                if ((sg_cell_identity(cell) & SG_COOKIE_ID_MASK)
                    == identity) {
                    return xasprintf("%s and %s", cell->profile->key,
                                     cell->class->key);
                }
            }
        }
    }
    return NULL;
}

static char *
explain_name(const struct sg_core *core, enum sg_cookie_kind kind,
             uint64_t identity)
{
    switch (kind) {
    case SG_COOKIE_PORT:
    case SG_COOKIE_LEARN:
        return nullable_xstrdup(explain_port(core, identity));
    case SG_COOKIE_TRUSTED:
        return nullable_xstrdup(explain_trusted(core, identity));
    case SG_COOKIE_PROFILE:
        return nullable_xstrdup(key_of(&core->compiler->profiles, identity));
    case SG_COOKIE_CLASS:
        return nullable_xstrdup(key_of(&core->compiler->classes, identity));
    case SG_COOKIE_NETWORK:
        return nullable_xstrdup(key_of(&core->compiler->networks, identity));
    case SG_COOKIE_CELL:
        return explain_cell(core, identity);
    case SG_COOKIE_STATIC:
    case SG_COOKIE_REVIEW:
        return nullable_xstrdup(sg_table_name(identity));
    case SG_COOKIE_RULE:
    case SG_COOKIE_FLOOD:
    case SG_COOKIE_MIDSTREAM:
    case SG_N_COOKIE_KINDS:
        break;
    }
    return NULL;
}

struct json *
sg_core_explain_cookie(const struct sg_core *core, uint64_t cookie)
{
    enum sg_cookie_kind kind = sg_cookie_get_kind(cookie);
    uint64_t identity = cookie & SG_COOKIE_ID_MASK;

    if ((cookie & SG_COOKIE_MASK) != SG_COOKIE_MAGIC
        || kind >= SG_N_COOKIE_KINDS) {
        return NULL;
    }

    struct json *json = json_object_create();
    json_object_put_format(json, "cookie", "0x%"PRIx64, cookie);
    json_object_put_string(json, "kind", sg_cookie_kind_name(kind));
    if (kind == SG_COOKIE_RULE) {
        json_object_put(json, "rules", explain_rules(core, identity));
    } else {
        char *name = explain_name(core, kind, identity);

        json_object_put(json, "name", (name ? json_string_create(name)
                                       : json_null_create()));
        free(name);
    }
    return json;
}

/* A bridge that we have nothing to do with. */
static struct json *
untouched_to_json(const struct sg_core *core, const char *name)
{
    const struct sg_facts *facts = sg_core_facts(core);
    const struct sg_bridge *bridge = (facts ? shash_find_data(&facts->bridges,
                                                              name) : NULL);
    struct json *json;
    bool explicitly;
    char *why;

    if (!bridge) {
        return NULL;
    }
    why = sg_bridge_refuse(bridge);
    json = json_object_create();
    json_object_put_string(json, "name", name);
    json_object_put(json, "untouched", json_string_create_nocopy(
        why ? why : xasprintf(
            "%s; `ovs-sgctl observe %s' says what enabling it would bring",
            sg_bridge_may_manage(bridge, &explicitly)
            ? "nothing is guarded there" : "it has sg-enable=false", name)));
    return json;
}

struct json *
sg_core_bridge_to_json(const struct sg_core *core, const char *name)
{
    const struct sg_core_bridge *b = shash_find_data(&core->bridges, name);

    if (!b) {
        return untouched_to_json(core, name);
    }

    const struct sg_flows *installed = sg_switch_installed(b->sw);
    const char *error = sg_switch_error(b->sw);
    struct sg_switch_stats stats;
    struct json *json = json_object_create();

    sg_switch_get_stats(b->sw, &stats);
    json_object_put_string(json, "name", name);
    json_object_put(json, "connected", json_boolean_create(installed));
    json_object_put(json, "in_force",
                    json_boolean_create(b->applied_pass == core->pass));
    json_object_put(json, "flows",
                    json_integer_create(installed ? sg_flows_count(installed)
                                        : 0));
    json_object_put(json, "foreign_flows",
                    json_integer_create(sg_switch_n_foreign(b->sw)));
    json_object_put(json, "bypassing_flows",
                    json_integer_create(sg_switch_n_bypassing(b->sw)));
    json_object_put(json, "misplaced_flows",
                    json_integer_create(sg_switch_n_misplaced(b->sw)));
    json_object_put(json, "reviews",
                    json_integer_create(hmap_count(&b->reviews.reviews)));
    json_object_put(json, "cut",
                    json_integer_create(sg_core_bridge_cuts(core, name)));
    json_object_put(json, "bundles", json_integer_create(stats.bundles));
    json_object_put(json, "flow_mods", json_integer_create(stats.flow_mods));
    json_object_put(json, "refused", json_integer_create(stats.refused));
    json_object_put(json, "repairs", json_integer_create(stats.repairs));
    json_object_put(json, "error", (error ? json_string_create(error)
                                    : json_null_create()));
    return json;
}
