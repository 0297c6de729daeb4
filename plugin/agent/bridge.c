/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/core-private.h"

#include "compile/pipeline.h"
#include "dirs.h"
#include "lib/flow.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "switch/switch.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_bridge);

static bool
is_our_table(uint8_t table_id)
{
    return table_id != SG_T_INPUT && sg_table_name(table_id);
}

struct sg_core_bridge *
sg_core_bridge_create(struct sg_core *core, const char *name,
                      const char *datapath_type)
{
    struct sg_core_bridge *b = xzalloc(sizeof *b);
    char *target = xasprintf("unix:%s/%s.mgmt", ovs_rundir(), name);

    b->name = xstrdup(name);
    b->datapath_type = xstrdup(datapath_type);
    b->sw = sg_switch_create(name, target, SG_PRIO_UNKNOWN, is_our_table);
    b->seqno = sg_switch_seqno(b->sw) - 1;
    b->generation = sg_switch_generation(b->sw);
    sg_flows_init(&b->desired);
    sg_flows_init(&b->touched);
    sg_reviews_init(&b->reviews);
    sg_unit_init(&b->grace_unit, SG_UNIT_GRACE);
    sg_inputs_init(&b->inputs);
    sg_core_learn_add_bridge(core, b);
    free(target);
    return b;
}

void
sg_core_bridge_destroy(struct sg_core_bridge *b)
{
    if (b) {
        sg_core_learn_drop_frames(b);
        sg_core_bridge_drop_diff(b);
        sg_switch_destroy(b->sw);
        sg_core_discard_plan(b->core, b->plan);
        sg_flows_discard(&b->desired);
        sg_flows_discard(&b->touched);
        sg_flows_destroy(&b->desired);
        sg_flows_destroy(&b->touched);
        sg_reviews_destroy(&b->reviews);
        sg_inputs_destroy(&b->inputs);
        free(b->flush);
        free(b->graces);
        free(b->datapath_type);
        free(b->name);
        free(b);
    }
}

void
sg_core_bridge_set_datapath(struct sg_core_bridge *b, const char *type)
{
    if (strcmp(b->datapath_type, type)) {
        free(b->datapath_type);
        b->datapath_type = xstrdup(type);
        sg_core_limits_forget(b->core);
    }
}

/* What the switch says. */

/* The port with 'zone' has, or has lost, a flow in the first table. */
static void
bridge_restate_zone(uint16_t ofport OVS_UNUSED, uint16_t zone, void *b_)
{
    struct sg_core_bridge *b = b_;
    const struct sg_plan_endpoint *ep = (b->plan
                                         ? sg_plan_endpoint(b->plan, zone)
                                         : NULL);

    if (ep) {
        sset_add(&b->core->restate, ep->port->name);
    }
}

/* Is the bundle that was under way in force, or refused? */
static void
bridge_follow_commit(struct sg_core_bridge *b)
{
    struct sg_switch_stats stats;

    if (!b->committing || (sg_switch_busy(b->sw)
                           && !sg_switch_is_backing_off(b->sw))) {
        return;
    }
    b->committing = false;
    sg_switch_get_stats(b->sw, &stats);
    if (stats.bundles > b->n_committed) {
        sg_inputs_committed(&b->inputs, bridge_restate_zone, b);
        b->ours_there = sg_flows_count(sg_switch_installed(b->sw)) > 0;
        b->applied_pass = b->committed_pass;
        b->unsent = false;
        sg_core_stale_note(b->core, b->datapath_type);
    } else {
        sg_inputs_refused(&b->inputs);
        b->compare_all = true;
    }
    /* What is refused is an error of all ports that wait for it. */
    b->restate |= sg_switch_error(b->sw) || b->had_error;
    b->had_error = sg_switch_error(b->sw) != NULL;
}

/* What an earlier agent guarded has `no-flood' from it.  Says so to the
 * switch side, which takes the flag off again where it is wanted no more. */
static void
bridge_learn_no_flood(const struct sg_core *core, struct sg_core_bridge *b)
{
    const struct sg_facts *facts = sg_core_facts(core);
    struct sg_switch_port *list = xmalloc(hmap_count(&facts->ifaces)
                                          * sizeof *list);
    const struct sg_iface *iface;
    size_t n = 0;

    HMAP_FOR_EACH (iface, node, &facts->ifaces) {
        if (sg_inputs_guard(&b->inputs, iface->ofport)
            && !strcmp(iface->bridge->name, b->name)) {
            list[n].ofport = u16_to_ofp(iface->ofport);
            list[n++].name = iface->name;
        }
    }
    sg_switch_set_no_flood(b->sw, list, n);
    free(list);
}

/* The flows were read anew: their numbers are ours again, before any others
 * are given out. */
static void
bridge_begin_learning(struct sg_core_bridge *b)
{
    b->generation = sg_switch_generation(b->sw);
    b->learning = true;
    b->learned = (struct hmap_position) { .bucket = 0 };
    sg_inputs_clear(&b->inputs);
}

static bool
bridge_learn_flows(struct sg_core *core, struct sg_core_bridge *b,
                   const struct sg_flows *installed, struct sg_slice *slice)
{
    while (!sg_slice_over(slice)) {
        struct hmap_node *node = hmap_at_position(&installed->flows,
                                                  &b->learned);
        const struct sg_flow *flow;

        if (!node) {
            return true;
        }
        flow = CONTAINER_OF(node, struct sg_flow, node);
        sg_compiler_recover_flow(core->compiler, flow);
        sg_reviews_recover_flow(&b->reviews, flow, time_msec());
        sg_inputs_read(&b->inputs, flow);
    }
    return false;
}

static void
bridge_end_learning(struct sg_core *core, struct sg_core_bridge *b,
                    const struct sg_flows *installed)
{
    b->learning = false;
    b->ours_there = sg_flows_count(installed) > 0;
    b->emptied |= b->away && !b->ours_there;
    if (b->away) {
        sg_core_limits_forget(core);
        sg_core_stale_forget(core);
    }
    b->away = false;
    /* Who changed the flows may have been an agent that was killed since. */
    sg_core_stale_note(core, b->datapath_type);
    b->applied_pass = 0;
    b->unsent = false;          /* The reviews are those of the flows. */
    b->compare_all = true;
    b->restate = true;
    core->dirty = true;
    if (!b->known) {
        b->known = true;
        core->learned = time_msec();
        if (!core->observe) {
            bridge_learn_no_flood(core, b);
        }
        VLOG_INFO("%s: connected, %"PRIuSIZE" flows of ours are installed",
                  b->name, sg_flows_count(installed));
    }
}

/* Flows that somebody else has changed while they are read are read again. */
static void
bridge_learn(struct sg_core *core, struct sg_core_bridge *b,
             const struct sg_flows *installed, struct sg_slice *slice)
{
    if (b->generation != sg_switch_generation(b->sw)) {
        bridge_begin_learning(b);
    }
    if (b->learning && bridge_learn_flows(core, b, installed, slice)) {
        bridge_end_learning(core, b, installed);
    }
}

static void
bridge_lose(struct sg_core_bridge *b)
{
    b->applied_pass = 0;
    b->away = b->known;
    b->committing = b->learning = false;
    b->generation = sg_switch_generation(b->sw) - 1;
    sg_core_bridge_drop_diff(b);
    sg_inputs_clear(&b->inputs);
    b->restate = true;
}

void
sg_core_bridge_run(struct sg_core *core, struct sg_core_bridge *b,
                   struct sg_slice *slice)
{
    const struct sg_flows *installed;

    sg_switch_run(b->sw);
    installed = sg_switch_installed(b->sw);
    if (b->seqno != sg_switch_seqno(b->sw)) {
        b->seqno = sg_switch_seqno(b->sw);
        b->check = true;
        if (!installed) {
            bridge_lose(b);
        } else {
            bridge_follow_commit(b);
        }
    }
    /* Numbers must not come to light in the midst of a pass, and what a bundle
     * is about to change is read when it has. */
    if (installed && !core->passing && !b->committing) {
        bridge_learn(core, b, installed, slice);
    }
}

void
sg_core_bridge_wait(struct sg_core_bridge *b)
{
    sg_switch_wait(b->sw);
    if (sg_core_bridge_is_stripped(b)) {
        poll_immediate_wake();          /* The next turn destroys it. */
    }
    if (b->learning || b->diffing) {
        poll_immediate_wake();
    }
}

/* Bringing the two together. */

static bool
bridge_may_commit(const struct sg_core *core, const struct sg_core_bridge *b,
                  const struct sg_flows *installed)
{
    if (core->observe || sg_switch_busy(b->sw) || !b->desired_pass) {
        return false;
    }
    /* Before any flow uses NORMAL, it must not be able to flood to guarded
     * ports. */
    return (sg_flows_count(installed)
            || sg_switch_no_flood_all_confirmed(b->sw));
}

static void
bridge_flush_zones(struct sg_core_bridge *b)
{
    for (size_t i = 0; i < b->n_flush; i++) {
        sg_switch_flush_zone(b->sw, b->flush[i]);
    }
    b->n_flush = 0;
}

/* From now on 'desired' differs from what will be installed only where it is
 * touched again; unless the switch refuses it. */
static void
bridge_commit(struct sg_core_bridge *b, const struct sg_changes *changes)
{
    struct sg_switch_stats stats;

    VLOG_DBG("%s: %"PRIuSIZE" changes", b->name, changes->n);
    sg_switch_get_stats(b->sw, &stats);
    b->n_committed = stats.bundles;
    b->committed_pass = b->desired_pass;
    b->committing = true;
    sg_inputs_commit(&b->inputs, changes);
    sg_switch_commit(b->sw, changes);
}

/* All that differs is known. */
static void
bridge_apply_diff(struct sg_core_bridge *b, const struct sg_flows *installed)
{
    bridge_flush_zones(b);
    if (b->diff.changes.n) {
        bridge_commit(b, &b->diff.changes);
    } else {
        b->applied_pass = b->desired_pass;
        b->unsent = false;
        b->ours_there = sg_flows_count(installed) > 0;
    }
    sg_flows_discard(&b->touched);
    b->compare_all = false;
    sg_core_bridge_drop_diff(b);
}

void
sg_core_bridge_apply(struct sg_core *core, struct sg_core_bridge *b,
                     struct sg_slice *slice)
{
    const struct sg_flows *installed = sg_switch_installed(b->sw);

    b->diffing = false;
    if (b->leaving) {
        sg_core_bridge_flag_all(core, b);
    }
    if (!b->check || b->due || !installed || b->learning
        || b->generation != sg_switch_generation(b->sw)
        || !bridge_may_commit(core, b, installed)) {
        return;
    }
    if (!sg_core_bridge_diff(b, installed, slice)) {
        b->diffing = true;
        return;
    }
    b->check = false;
    bridge_apply_diff(b, installed);
}

bool
sg_core_bridge_is_stripped(const struct sg_core_bridge *b)
{
    const struct sg_flows *installed = sg_switch_installed(b->sw);

    return (b->leaving && installed && !sg_flows_count(installed)
            && !sg_switch_busy(b->sw)
            && sg_switch_no_flood_all_confirmed(b->sw));
}
