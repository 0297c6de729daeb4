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
        sg_switch_destroy(b->sw);
        sg_plan_destroy(b->plan);
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

/* What the switch says. */

static void
bridge_read_inputs(struct sg_core_bridge *b, const struct sg_flows *installed)
{
    const struct sg_flow *flow;

    sg_inputs_clear(&b->inputs);
    HMAP_FOR_EACH (flow, node, &installed->flows) {
        sg_inputs_read(&b->inputs, flow);
    }
    b->restate = true;
}

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
    } else {
        sg_inputs_refused(&b->inputs);
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
bridge_learn(struct sg_core *core, struct sg_core_bridge *b,
             const struct sg_flows *installed)
{
    b->generation = sg_switch_generation(b->sw);
    b->ours_there = sg_flows_count(installed) > 0;
    sg_compiler_recover(core->compiler, installed);
    sg_reviews_recover(&b->reviews, installed, time_msec());
    b->emptied |= b->away && !b->ours_there;
    if (b->away) {
        sg_core_limits_forget(core);
    }
    b->away = false;
    bridge_read_inputs(b, installed);
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

bool
sg_core_bridge_run(struct sg_core *core, struct sg_core_bridge *b)
{
    bool pass = false;

    sg_switch_run(b->sw);
    if (b->seqno == sg_switch_seqno(b->sw)) {
        return false;
    }
    b->seqno = sg_switch_seqno(b->sw);
    b->check = true;

    const struct sg_flows *installed = sg_switch_installed(b->sw);
    if (!installed) {
        b->applied_pass = 0;
        b->away = b->known;
        b->committing = false;
        sg_inputs_clear(&b->inputs);
        b->restate = true;
        return false;
    }
    bridge_follow_commit(b);
    if (b->generation != sg_switch_generation(b->sw)) {
        b->applied_pass = 0;
        bridge_learn(core, b, installed);
        b->compare_all = true;
        pass = true;
    }
    return pass;
}

void
sg_core_bridge_wait(struct sg_core_bridge *b)
{
    sg_switch_wait(b->sw);
    if (sg_core_bridge_is_stripped(b)) {
        poll_immediate_wake();          /* The next turn destroys it. */
    }
}

/* What is wanted. */

static void
bridge_add_flush(struct sg_core_bridge *b, uint16_t zone)
{
    if (b->n_flush >= b->allocated_flush) {
        b->flush = x2nrealloc(b->flush, &b->allocated_flush,
                              sizeof *b->flush);
    }
    b->flush[b->n_flush++] = zone;
}

/* A zone that was given to an endpoint now may hold the connections of who
 * had it before. */
static void
bridge_flush_fresh(uint16_t zone, void *b_)
{
    struct sg_core_bridge *b = b_;

    if (sg_plan_endpoint(b->plan, zone)) {
        bridge_add_flush(b, zone);
    }
}

/* Without a policy, trusted ports forward all the same; what is installed for
 * guarded ports stays as it is.  Ports that it shows to be guarded are, also
 * those that only a `bind' of the policy would tell. */
static void
bridge_hold_guarded(struct sg_core *core, const struct sg_core_bridge *b)
{
    struct sg_port *port;

    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        if (sg_inputs_guard(&b->inputs, port->ofport)
            && !strcmp(port->bridge, b->name)) {
            sg_ports_guard(&core->ports, port);
        }
    }
}

/* Whatever is desired will be made from nothing. */
static void
bridge_desire_nothing(struct sg_core_bridge *b)
{
    sg_plan_destroy(b->plan);
    b->plan = NULL;
    sg_flows_clear(&b->desired);
    sg_flows_clear(&b->touched);
    sg_reviews_emit_again(&b->reviews);
    sg_unit_init(&b->grace_unit, SG_UNIT_GRACE);
    b->compare_all = true;
    b->holding = SG_HOLD_NOTHING;
}

static void
bridge_plan(struct sg_core *core, struct sg_core_bridge *b,
            const struct sset *names)
{
    if (!b->plan) {
        b->plan = sg_plan_new(core->compiler, b->name);
        names = NULL;
    }
    sg_plan_update(b->plan, core->loaded->policy, &core->ports, names);
}

static void
bridge_desire_trusted(struct sg_core_bridge *b,
                      const struct sg_flows *installed)
{
    const struct sg_flow *flow;

    sg_plan_emit_trusted(b->plan, &b->desired);
    if (installed) {
        HMAP_FOR_EACH (flow, node, &installed->flows) {
            if (sg_cookie_get_kind(flow->cookie) != SG_COOKIE_TRUSTED
                && !sg_flows_find(&b->desired, flow)) {
                sg_flows_put(&b->desired, flow);
            }
        }
    }
}

struct sg_flows *
sg_core_bridge_touched(struct sg_core_bridge *b)
{
    return b->compare_all ? NULL : &b->touched;
}

static void
bridge_find_changes(const struct sg_core_bridge *b,
                    const struct sg_flows *installed,
                    struct sg_changes *changes)
{
    sg_changes_init(changes);
    if (b->compare_all) {
        sg_flows_diff(installed, &b->desired, changes);
    } else {
        sg_flows_diff_touched(installed, &b->desired, &b->touched, changes);
    }
}

static void
bridge_note_reviews(struct sg_core *core, struct sg_core_bridge *b,
                    const struct sg_flows *installed)
{
    size_t n = hmap_count(&b->reviews.reviews);
    struct sg_changes changes;

    bridge_find_changes(b, installed, &changes);
    sg_reviews_note(&b->reviews, b->plan, &changes, time_msec());
    sg_changes_destroy(&changes);
    if (hmap_count(&b->reviews.reviews) > n) {
        sg_core_revoke_soon(core);
    }
}

static void
bridge_desire_all(struct sg_core *core, struct sg_core_bridge *b,
                  const struct sg_flows *installed)
{
    sg_plan_emit_changes(b->plan, &b->desired, sg_core_bridge_touched(b));
    if (installed) {
        bridge_note_reviews(core, b, installed);
    }
    sg_reviews_emit_changes(&b->reviews, &b->desired,
                            sg_core_bridge_touched(b));
    sg_core_grace_begin(core, b);
    sg_core_grace_emit(b);
}

/* What there is to be desired now. */
static enum sg_holding
bridge_holding(const struct sg_core *core, const struct sg_core_bridge *b)
{
    if (b->leaving) {
        return SG_HOLD_NOTHING;
    } else if (!core->have_policy) {
        return SG_HOLD_TRUSTED;
    }
    return b->wanted || b->ours_there ? SG_HOLD_ALL : SG_HOLD_NOTHING;
}

/* The flag goes last: NORMAL must not flood to guarded ports as long as there
 * is a flow of ours that uses it, or may be. */
static bool
bridge_needs_no_flood(const struct sg_core_bridge *b)
{
    const struct sg_flows *installed = sg_switch_installed(b->sw);

    return !b->leaving || !installed || sg_flows_count(installed);
}

static bool
bridge_guards(const struct sg_core_bridge *b, const struct sg_port *port)
{
    return (port && port->guarded && port->ofport != SG_OFPORT_NONE
            && !strcmp(port->bridge, b->name));
}

static void
bridge_flag_all(const struct sg_core *core, struct sg_core_bridge *b)
{
    bool needed = bridge_needs_no_flood(b);
    struct sg_switch_port *list = NULL;
    size_t n = 0, allocated = 0;
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        if (needed && bridge_guards(b, port)) {
            if (n >= allocated) {
                list = x2nrealloc(list, &allocated, sizeof *list);
            }
            list[n].ofport = u16_to_ofp(port->ofport);
            list[n++].name = port->name;
        }
    }
    sg_switch_set_no_flood(b->sw, list, n);
    free(list);
}

/* 'names' NULL: those of all ports. */
static void
bridge_flag_ports(const struct sg_core *core, struct sg_core_bridge *b,
                  const struct sset *names)
{
    const char *name;

    if (core->observe) {
        return;
    } else if (!names || b->leaving) {
        bridge_flag_all(core, b);
        return;
    }
    SSET_FOR_EACH (name, names) {
        const struct sg_port *port = sg_ports_find(&core->ports, name);

        sg_switch_want_no_flood(b->sw, name, bridge_guards(b, port)
                                ? u16_to_ofp(port->ofport) : OFPP_NONE);
    }
}

void
sg_core_bridge_compile(struct sg_core *core, struct sg_core_bridge *b,
                       const struct sset *names)
{
    const struct sg_flows *installed = sg_switch_installed(b->sw);
    enum sg_holding holding = bridge_holding(core, b);

    if (!core->have_policy) {
        bridge_hold_guarded(core, b);
    }
    if (holding != b->holding || holding != SG_HOLD_ALL) {
        bridge_desire_nothing(b);
    }
    names = b->plan ? names : NULL;
    if (installed) {
        sg_core_forget_note(core, b, names);
    }
    b->holding = holding;
    bridge_plan(core, b, names);
    if (b->leaving || !core->have_policy) {
        b->n_graces = 0;
    }
    if (b->leaving) {
        sg_reviews_clear(&b->reviews);
    } else if (holding == SG_HOLD_TRUSTED) {
        bridge_desire_trusted(b, installed);
    } else if (holding == SG_HOLD_ALL) {
        bridge_desire_all(core, b, installed);
        sg_compiler_fresh_zones(core->compiler, bridge_flush_fresh, b);
    }
    bridge_flag_ports(core, b, names);
    b->desired_pass = core->pass;
    b->check = true;
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

static void
bridge_commit(struct sg_core_bridge *b, const struct sg_changes *changes)
{
    struct sg_switch_stats stats;

    VLOG_DBG("%s: %"PRIuSIZE" changes", b->name, changes->n);
    sg_switch_get_stats(b->sw, &stats);
    b->n_committed = stats.bundles;
    b->committing = true;
    sg_inputs_commit(&b->inputs, changes);
    sg_switch_commit(b->sw, changes);
}

void
sg_core_bridge_apply(struct sg_core *core, struct sg_core_bridge *b)
{
    const struct sg_flows *installed = sg_switch_installed(b->sw);

    if (b->leaving) {
        bridge_flag_all(core, b);
    }
    if (!b->check || !installed || !bridge_may_commit(core, b, installed)) {
        return;
    }
    b->check = false;

    struct sg_changes changes;
    bridge_find_changes(b, installed, &changes);
    if (changes.n) {
        bridge_flush_zones(b);
        bridge_commit(b, &changes);
        b->check = true;
    } else {
        bridge_flush_zones(b);
        sg_flows_clear(&b->touched);
        b->compare_all = false;
        b->applied_pass = b->desired_pass;
        b->ours_there = sg_flows_count(installed) > 0;
    }
    sg_changes_destroy(&changes);
}

bool
sg_core_bridge_is_stripped(const struct sg_core_bridge *b)
{
    const struct sg_flows *installed = sg_switch_installed(b->sw);

    return (b->leaving && installed && !sg_flows_count(installed)
            && !sg_switch_busy(b->sw)
            && sg_switch_no_flood_all_confirmed(b->sw));
}
