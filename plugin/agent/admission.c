/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Who is admitted again, and when
 * ===============================
 *
 *   a row of the database          .
 *   an answer of a `bind' function  >--> sg_core.admit --> policy/ports.c
 *   a policy                       '                             |
 *                                                  learning .    v
 *                                                            > sg_core.changed
 *                                                  what was '        |
 *                                                  learned           pass
 *
 * All by name: what a change costs is in proportion to the interfaces that it
 * is about.  A new policy is about those whose groups came or went, and, if
 * what `bind' says has changed, about all.
 *
 * It goes on for a slice of each turn, and no pass begins before it has come
 * to its end, nor does it go on while a pass is under way: no pass is made of
 * half of a change. */

#include "agent/core-private.h"

#include "openvswitch/vlog.h"
#include "ports/ports.h"
#include "smap.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(sg_admission);

void
sg_core_admission_init(struct sg_core *core)
{
    sset_init(&core->admit);
    sset_init(&core->admitted);
    sset_init(&core->changed);
    sset_init(&core->passed);
    core->changed_all = true;
}

void
sg_core_admission_destroy(struct sg_core *core)
{
    sset_destroy(&core->admit);
    sset_destroy(&core->admitted);
    sset_destroy(&core->changed);
    sset_destroy(&core->passed);
}

/* Everything there is, and was. */
void
sg_core_admit_all(struct sg_core *core)
{
    const struct sg_facts *facts = sg_ovsdb_facts(core->db);
    const struct sg_iface *iface;
    const struct sg_port *port;

    if (!facts) {
        return;                 /* All is new when they come. */
    }
    HMAP_FOR_EACH (iface, node, &facts->ifaces) {
        sset_add(&core->admit, iface->name);
    }
    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        sset_add(&core->admit, port->name);
    }
    core->admit_whole = true;
    sg_answers_begin(&core->loaded->answers);
}

/* Those whose groups came or went.  What is in error may be so because of a
 * group that was not there, or may say the nearest name. */
static void
admit_by_groups(struct sg_core *core, const struct sset *groups)
{
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        if (port->guarded && (sg_port_has_any_group(port, groups)
                              || (port->error && !port->conflict))) {
            sset_add(&core->admit, port->name);
        }
    }
}

/* The policy has taken the place of 'old', which is NULL if there was none. */
void
sg_core_admit_by_policy(struct sg_core *core, const struct sg_policy *old)
{
    const struct sg_policy *new = core->loaded->policy;
    struct sset groups = SSET_INITIALIZER(&groups);

    core->learn_changed = core->learn_check = true;     /* By `members'. */
    if (!old || !sg_policy_same_binds(old, new)) {
        sg_core_admit_all(core);
        return;
    }
    sg_policy_find_moved_groups(old, new, &groups);
    if (!sset_is_empty(&groups)) {
        admit_by_groups(core, &groups);
    }
    sset_destroy(&groups);
}

/* Guests stay open by it. */
static void
warn_of_enable(const struct sg_bridge *bridge)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);
    char *problem = bridge ? sg_bridge_check_enable(bridge) : NULL;

    if (problem) {
        VLOG_WARN_RL(&rl, "%s", problem);
        free(problem);
    }
}

/* Rows have changed.  What a bridge is decides about all that are on it. */
void
sg_core_admit_rows(struct sg_core *core, const struct sg_facts *facts)
{
    const struct sset *bridges = sg_ovsdb_changed_bridges(core->db);
    const struct sg_iface *iface;
    const char *name;

    SSET_FOR_EACH (name, sg_ovsdb_changed_ifaces(core->db)) {
        sset_add(&core->admit, name);
    }
    SSET_FOR_EACH (name, bridges) {
        warn_of_enable(shash_find_data(&facts->bridges, name));
    }
    if (!sset_is_empty(bridges)) {
        HMAP_FOR_EACH (iface, node, &facts->ifaces) {
            if (sset_contains(bridges, iface->bridge->name)) {
                sset_add(&core->admit, iface->name);
            }
        }
        core->bridges_stale = true;
        core->dirty = true;
    }
    sg_ovsdb_clear_changed(core->db);
}

/* With no policy loaded we do not know what a `bind' would guard: what looks
 * like a guest stays closed, everything else is the host's own. */
static void
hold_guest(struct sg_core *core, const struct sg_facts *facts,
           const char *name)
{
    static const char *const keys[] = { "iface-id", "attached-mac", "vm-id" };
    const struct sg_iface *iface = sg_facts_find_iface(facts, name);
    struct sg_port *port = sg_ports_find(&core->ports, name);

    for (size_t i = 0; iface && port && i < ARRAY_SIZE(keys); i++) {
        if (smap_get(&iface->external_ids, keys[i])) {
            sg_ports_guard(&core->ports, port);
        }
    }
}

static void
admit(struct sg_core *core, const struct sg_facts *facts, const char *name)
{
    struct sg_answers *answers = &core->loaded->answers;
    const struct sg_port *old = sg_ports_find(&core->ports, name);
    struct uuid uuid = old ? old->uuid : UUID_ZERO;

    if (!core->admit_whole) {
        sg_answers_begin(answers);
    }
    sg_ports_admit(&core->ports, core->loaded->policy, &core->loaded->binder,
                   facts, name, &core->admitted);
    if (!core->admit_whole && old) {
        sg_answers_end(answers, &uuid);
    }
    if (!core->have_policy) {
        hold_guest(core, facts, name);
    }
}

/* All that were to be admitted are. */
static void
finish(struct sg_core *core)
{
    if (core->admit_whole) {
        sg_answers_end(&core->loaded->answers, NULL);
        core->admit_whole = false;
    }
    core->first_ask = core->first_ask ? core->first_ask : time_msec();
    sg_core_learn_fill(core, &core->admitted);
    sg_core_ports_changed(core, &core->admitted);
    sset_clear(&core->admitted);
}

/* 'names' are to be looked at by the next pass, and told their state. */
void
sg_core_ports_changed(struct sg_core *core, const struct sset *names)
{
    const char *name;

    SSET_FOR_EACH (name, names) {
        sset_add(&core->changed, name);
        sset_add(&core->restate, name);
    }
    core->bridges_stale = true;
    core->dirty = true;
}

bool
sg_core_is_admitting(const struct sg_core *core)
{
    return !sset_is_empty(&core->admit) || !sset_is_empty(&core->admitted);
}

void
sg_core_admission_run(struct sg_core *core, struct sg_slice *slice)
{
    const struct sg_facts *facts = sg_ovsdb_facts(core->db);
    const char *name;

    if (!facts || !core->loads_done || core->passing
        || !sg_core_is_admitting(core)) {
        return;
    }
    SSET_FOR_EACH_SAFE (name, &core->admit) {
        if (sg_slice_over(slice)) {
            return;
        }
        admit(core, facts, name);
        sset_delete(&core->admit, SSET_NODE_FROM_NAME(name));
    }
    finish(core);
}
