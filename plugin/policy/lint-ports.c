/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Warnings that need ports: who is in a group is said in the switch's
 * database, so that a policy alone does not show which groups stand for
 * nobody. */

#include <config.h>

#include "policy/lint.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "policy/diag.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "sset.h"
#include "util.h"

struct lint {
    const struct sg_policy *policy;
    const struct sg_ports *ports;
    struct sg_diags *diags;
    struct sset named;          /* What rules name: "NETWORK/GROUP", or
                                 * "/GROUP" in whatever network. */
};

static bool
in_network(const struct sg_port *port, const char *network)
{
    for (size_t i = 0; i < port->n_endpoints; i++) {
        if (!network || !strcmp(port->endpoints[i].network, network)) {
            return true;
        }
    }
    return false;
}

/* Has the group that is called 'group' in 'network' (NULL: in any) a port, or
 * members by a statement?  A set of addresses may get some at any time. */
static bool
has_members(const struct lint *lint, const char *group, const char *network)
{
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &lint->ports->ports) {
        if (port->guarded && !port->error && sg_port_has_group(port, group)
            && in_network(port, network)) {
            return true;
        }
    }
    for (size_t i = 0; i < lint->policy->n_members; i++) {
        const struct sg_members *m = &lint->policy->members[i];

        if (!strcmp(m->group, group)
            && (!network || !m->network || !strcmp(m->network, network))) {
            return true;
        }
    }
    return false;
}

/* What a rule of a group of 'own' network (or NULL) means by 'peer'. */
static const char *
peer_network(const struct sg_peer *peer, const char *own)
{
    return peer->network ? peer->network : own;
}

static void
warn_at_rule(const struct lint *lint, const struct sg_rule *rule,
             const struct sg_peer *peer)
{
    struct ds name = DS_EMPTY_INITIALIZER;

    sg_peer_format(peer, &name);
    sg_warning(lint->diags, &rule->place, "%s has no members: no port is in "
               "it and no \"members\" names it%s%s%s", ds_cstr(&name),
               rule->chain ? " (" : "", rule->chain ? rule->chain : "",
               rule->chain ? ")" : "");
    ds_destroy(&name);
}

/* Warns once of each group without members, where a rule first names it. */
static void
lint_rule(struct lint *lint, const struct sg_rule *rule)
{
    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct sg_peer *peer = &rule->peers[i];

        if (peer->type == SG_PEER_GROUP && !rule->implicit) {
            const char *network = peer_network(peer, rule->group->network);
            char *key = xasprintf("%s/%s", network ? network : "",
                                  peer->name);

            if (sset_add(&lint->named, key)
                && !has_members(lint, peer->name, network)) {
                warn_at_rule(lint, rule, peer);
            }
            free(key);
        }
    }
}

/* Does a rule name 'group', or may it?  A rule without a network means the
 * group of each network in which it is. */
static bool
is_named(const struct lint *lint, const struct sg_group *group)
{
    const char *key;

    SSET_FOR_EACH (key, &lint->named) {
        const char *slash = strchr(key, '/');

        if (!strcmp(slash + 1, group->name)
            && (!group->network || slash == key
                || !strcmp(key, group->key))) {
            return true;
        }
    }
    return false;
}

static void
lint_group(const struct lint *lint, const struct sg_group *group)
{
    if (!group->builtin && !is_named(lint, group)
        && !has_members(lint, group->name, group->network)) {
        sg_warning(lint->diags, &group->place, "group \"%s\" is not used: no "
                   "port is in it and no rule names it", group->key);
    }
}

static int
compare_rules(const void *a_, const void *b_)
{
    const struct sg_rule *const *a = a_;
    const struct sg_rule *const *b = b_;
    int cmp = strcmp((*a)->place.file ? (*a)->place.file : "",
                     (*b)->place.file ? (*b)->place.file : "");

    return (cmp ? cmp
            : (*a)->place.line != (*b)->place.line
            ? ((*a)->place.line > (*b)->place.line ? 1 : -1)
            : strcmp((*a)->text, (*b)->text));
}

static void
lint_rules(struct lint *lint)
{
    size_t n = 0;
    const struct sg_rule **rules = xcalloc(lint->policy->n_rules + 1,
                                           sizeof *rules);
    const struct sg_rule *rule;

    HMAP_FOR_EACH (rule, id_node, &lint->policy->rules_by_id) {
        rules[n++] = rule;
    }
    qsort(rules, n, sizeof *rules, compare_rules);
    for (size_t i = 0; i < n; i++) {
        lint_rule(lint, rules[i]);
    }
    free(rules);
}

void
sg_lint_ports(const struct sg_policy *policy, const struct sg_ports *ports,
              struct sg_diags *diags)
{
    struct lint lint = {
        .policy = policy,
        .ports = ports,
        .diags = diags,
        .named = SSET_INITIALIZER(&lint.named),
    };
    const struct sg_group *group;

    lint_rules(&lint);
    HMAP_FOR_EACH (group, node, &policy->groups) {
        lint_group(&lint, group);
    }
    sset_destroy(&lint.named);
    sg_diags_sort(diags);
}
