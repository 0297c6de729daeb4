/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Bringing a plan up to date
 * ==========================
 *
 * In steps, each of which can be interrupted and goes on where it was
 * (slice.h).  Counts and references make their order matter little: what is
 * needed before and after is counted for the new before it is for the old
 * given up, so it never goes.
 *
 *   COUNT      members, lists, sets: the differences are counted
 *   GROUPS     groups of a new policy take the place of the old ones
 *   COME       ports that are new, or not what they were
 *   GO         those they replace, and those that are no more
 *   CLAIM      peers that are named now claim what they stand for
 *   SETTLE     peers that were hear of what has changed
 *   FORGET     peers that are named no more give up what they claimed
 *   CLASSIFY   addresses whose claims have changed get their class
 *   END        networks without ports go, and the old policy */

#include "compile/compile.h"
#include "compile/plan-private.h"

#include <stdlib.h>

#include "coverage.h"
#include "util.h"

COVERAGE_DEFINE(sg_plan_port_looked_at);

/* What has changed among the ports. */
struct port_change {
    char *name;
    struct sg_plan_port *old;   /* NULL: there was none. */
    const struct sg_port *new;  /* NULL: there is none. */
};

struct port_changes {
    struct port_change *list;
    size_t n, allocated;
};

static void
note_port(struct port_changes *changes, const char *name,
          struct sg_plan_port *old, const struct sg_port *new)
{
    if (changes->n >= changes->allocated) {
        changes->list = x2nrealloc(changes->list, &changes->allocated,
                                   sizeof *changes->list);
    }
    changes->list[changes->n++] = (struct port_change) {
        xstrdup(name), old, new
    };
}

/* Looks at what was, or is, the port 'name'. */
static void
look_at_port(struct sg_plan *plan, const struct sg_policy *policy,
             const struct sg_ports *ports, const char *name,
             bool moved, struct port_changes *changes)
{
    const struct sg_port *new = sg_ports_find(ports, name);
    struct shash_node *node = shash_find(&plan->ports, name);
    struct sg_plan_port *old = node ? node->data : NULL;

    COVERAGE_INC(sg_plan_port_looked_at);
    plan->stats.looked_at++;
    if (new ? (!old || old->incomplete || !sg_port_equal(old->port, new)
               || (moved && sg_plan_profiles_differ(old, policy)))
        : old != NULL) {
        note_port(changes, new ? new->name : node->name, old, new);
    }
}

/* Names of groups that stand for other groups than before. */
static void
find_moved_groups(const struct sg_plan *plan, const struct sg_policy *policy,
                  struct sset *moved)
{
    if (plan->policy && policy != plan->policy) {
        sg_policy_find_moved_groups(plan->policy, policy, moved);
    }
}

static void
look_at_all(struct sg_plan *plan, const struct sg_policy *policy,
            const struct sg_ports *ports, struct port_changes *changes)
{
    const struct shash_node *node;
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        look_at_port(plan, policy, ports, port->name, true, changes);
    }
    SHASH_FOR_EACH (node, &plan->ports) {
        if (!sg_ports_find(ports, node->name)) {
            look_at_port(plan, policy, ports, node->name, true, changes);
        }
    }
}

/* Those that have changed; those that had no zone; those whose groups are
 * others than before. */
static void
find_changes(struct sg_plan *plan, const struct sg_policy *policy,
             const struct sg_ports *ports, const struct sset *changed,
             struct port_changes *changes)
{
    struct sset names, moved = SSET_INITIALIZER(&moved);
    const struct shash_node *node;
    const char *name;

    if (!changed) {
        look_at_all(plan, policy, ports, changes);
        return;
    }
    sset_clone(&names, changed);
    SSET_FOR_EACH (name, &plan->incomplete) {
        sset_add(&names, name);
    }
    find_moved_groups(plan, policy, &moved);
    if (!sset_is_empty(&moved)) {
        SHASH_FOR_EACH (node, &plan->ports) {
            const struct sg_plan_port *pp = node->data;

            if (sg_port_has_any_group(pp->port, &moved)) {
                sset_add(&names, node->name);
            }
        }
    }
    SSET_FOR_EACH (name, &names) {
        look_at_port(plan, policy, ports, name, !sset_is_empty(&moved),
                     changes);
    }
    sset_destroy(&moved);
    sset_destroy(&names);
}

/* An update under way. */
struct sg_plan_update {
    struct sg_policy *policy;
    bool reloaded;              /* It is another one than before. */
    struct port_changes changes;
    size_t n_come, n_gone;      /* Of 'changes'. */
    struct hmap_position group; /* Where GROUPS is. */
    size_t step;
};

static bool
step_groups(struct sg_plan *plan, struct sg_slice *slice)
{
    struct sg_plan_update *u = plan->update;

    return !u->reloaded || sg_plan_set_groups(plan, u->policy, &u->group,
                                              slice);
}

/* A port that has changed is taken anew as a whole; the first one with a group
 * brings all of its rules. */
static void
come(struct sg_plan *plan, const struct port_change *c)
{
    if (c->new) {
        sg_extents_add_port(plan, c->new);
        shash_replace(&plan->ports, c->name,
                      sg_plan_port_create(plan, plan->update->policy, c->new));
    }
}

static void
go(struct sg_plan *plan, const struct port_change *c)
{
    if (!c->new) {
        shash_find_and_delete(&plan->ports, c->name);
    }
    if (c->old) {
        sg_extents_remove_port(plan, c->old->port);
        sg_plan_port_destroy(plan, c->old);
    }
}

static bool
step_come(struct sg_plan *plan, struct sg_slice *slice)
{
    struct sg_plan_update *u = plan->update;

    while (u->n_come < u->changes.n) {
        come(plan, &u->changes.list[u->n_come++]);
        if (sg_slice_ends(slice)) {
            return false;
        }
    }
    return true;
}

static bool
step_go(struct sg_plan *plan, struct sg_slice *slice)
{
    struct sg_plan_update *u = plan->update;

    while (u->n_gone < u->changes.n) {
        go(plan, &u->changes.list[u->n_gone++]);
        if (sg_slice_ends(slice)) {
            return false;
        }
    }
    return true;
}

static void
set_policy(struct sg_plan *plan, const struct sg_policy *policy)
{
    sg_policy_unref(plan->policy);
    plan->policy = sg_policy_ref(policy);
}

static bool
step_end(struct sg_plan *plan, struct sg_slice *slice OVS_UNUSED)
{
    struct sg_plan_update *u = plan->update;

    sg_plan_forget_networks(plan);
    if (u->reloaded) {
        set_policy(plan, u->policy);
    }
    sg_policy_unref(u->policy);
    for (size_t i = 0; i < u->changes.n; i++) {
        free(u->changes.list[i].name);
    }
    free(u->changes.list);
    free(u);
    plan->update = NULL;
    return true;
}

static bool (*const steps[])(struct sg_plan *, struct sg_slice *) = {
    sg_extents_count,
    step_groups,
    step_come,
    step_go,
    sg_extents_claim,
    sg_extents_settle,
    sg_plan_forget_peers,
    sg_plan_classify,
    step_end,                   /* There is no update any more. */
};

bool
sg_plan_update_run(struct sg_plan *plan, struct sg_slice *slice)
{
    while (plan->update) {
        size_t step = plan->update->step;

        if (!steps[step](plan, slice)) {
            return false;
        }
        if (plan->update) {
            plan->update->step++;
        }
    }
    return true;
}

void
sg_plan_update_begin(struct sg_plan *plan, const struct sg_policy *policy,
                     const struct sg_ports *ports, const struct sset *changed)
{
    struct sg_plan_update *u = xzalloc(sizeof *u);

    ovs_assert(!plan->update);
    u->policy = sg_policy_ref(policy);
    u->reloaded = policy != plan->policy;
    find_changes(plan, policy, ports, changed, &u->changes);
    sg_extents_set_sets(plan, ports->sets);
    if (u->reloaded) {
        sg_extents_set_policy(plan, policy);
    }
    plan->update = u;
}

void
sg_plan_update(struct sg_plan *plan, const struct sg_policy *policy,
               const struct sg_ports *ports, const struct sset *changed)
{
    struct sg_slice slice = SG_SLICE_WHOLE;

    sg_plan_update_begin(plan, policy, ports, changed);
    sg_plan_update_run(plan, &slice);
}
