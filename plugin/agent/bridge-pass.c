/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* A bridge in a pass
 * ==================
 *
 *   BEGIN --> PLAN --> EMIT --> DIFF --> NOTE --> REVIEW --> DIFF --> done
 *
 * PLAN brings the plan up to date, EMIT the desired flows, DIFF finds out in
 * what they and the installed ones differ, NOTE what of that revokes something
 * (compile/review.h), and REVIEW makes the flows for that, with which DIFF
 * begins anew.  Each goes on for a slice of a turn.  What DIFF has found is
 * committed when the whole pass is over (bridge.c): nothing of it is seen
 * before.
 *
 * A pass begins when no bundle is on its way to any bridge, so DIFF compares
 * with what is there.  Should others change that meanwhile, it begins anew. */

#include "agent/core-private.h"

#include "compile/pipeline.h"
#include "lib/flow.h"
#include "switch/switch.h"
#include "timeval.h"
#include "util.h"

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
 * had it before.  Without a policy, too, some endpoints get one (those of the
 * group `default'), and when a policy loads it is not new any more. */
static void
bridge_flush_fresh(uint16_t zone, void *b_)
{
    struct sg_core_bridge *b = b_;

    if (sg_plan_endpoint(b->plan, zone)) {
        bridge_add_flush(b, zone);
    }
}

/* What there is to do it with. */

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

/* A plan that another one takes the place of is one without a policy, which is
 * small; and the other wants its numbers. */
static void
bridge_drop_plan(struct sg_core_bridge *b, enum sg_holding holding)
{
    if (holding == SG_HOLD_NOTHING) {
        sg_core_discard_plan(b->core, b->plan);
    } else {
        sg_plan_destroy(b->plan);
    }
    b->plan = NULL;
}

/* Whatever is desired will be made from nothing. */
static void
bridge_desire_nothing(struct sg_core_bridge *b, enum sg_holding holding)
{
    bridge_drop_plan(b, holding);
    sg_flows_discard(&b->desired);
    sg_flows_discard(&b->touched);
    sg_reviews_emit_again(&b->reviews);
    sg_unit_init(&b->grace_unit, SG_UNIT_GRACE);
    b->compare_all = true;
    b->holding = SG_HOLD_NOTHING;
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

/* Finding what differs. */

void
sg_core_bridge_drop_diff(struct sg_core_bridge *b)
{
    sg_noting_end(b->noting);
    b->noting = NULL;
    sg_diff_destroy(&b->diff);
    b->diffed = false;
}

bool
sg_core_bridge_diff(struct sg_core_bridge *b,
                    const struct sg_flows *installed, struct sg_slice *slice)
{
    if (b->diff_generation != sg_switch_generation(b->sw)) {
        sg_core_bridge_drop_diff(b);
        b->diff_generation = sg_switch_generation(b->sw);
        b->compare_all |= b->generation != b->diff_generation;
    }
    if (!b->diffed) {
        b->diffed = sg_diff_run(&b->diff, installed, &b->desired,
                                sg_core_bridge_touched(b), slice);
    }
    return b->diffed;
}

/* The flag `no-flood': at the end of a pass as it should be. */

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

void
sg_core_bridge_flag_all(const struct sg_core *core, struct sg_core_bridge *b)
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
        sg_core_bridge_flag_all(core, b);
        return;
    }
    SSET_FOR_EACH (name, names) {
        const struct sg_port *port = sg_ports_find(&core->ports, name);

        sg_switch_want_no_flood(b->sw, name, bridge_guards(b, port)
                                ? u16_to_ofp(port->ofport) : OFPP_NONE);
    }
}

/* The steps.  Each returns true when it is done. */

/* Where no flow of ours is yet, ports get the flag as soon as it is known that
 * they are guarded: to see to it takes the switch a while, in which the flows
 * can be made. */
static void
bridge_flag_soon(const struct sg_core *core, struct sg_core_bridge *b)
{
    const struct sg_port *port;

    if (b->ours_there || core->observe) {
        return;
    }
    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        if (bridge_guards(b, port)) {
            sg_switch_want_no_flood(b->sw, port->name,
                                    u16_to_ofp(port->ofport));
        }
    }
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

static bool
step_begin(struct sg_core *core, struct sg_core_bridge *b,
           struct sg_slice *slice OVS_UNUSED)
{
    enum sg_holding holding = bridge_holding(core, b);
    const struct sset *names = core->pass_all ? NULL : &core->passed;

    sg_core_bridge_drop_diff(b);
    if (!core->have_policy) {
        bridge_hold_guarded(core, b);
    }
    if (holding != b->holding || holding != SG_HOLD_ALL) {
        bridge_desire_nothing(b, holding);
        b->n_graces = 0;
    }
    names = b->plan ? names : NULL;
    b->flag_all = !names;
    if (sg_switch_installed(b->sw)) {
        sg_core_forget_note(core, b, names);
    }
    b->holding = holding;
    if (holding != SG_HOLD_NOTHING) {
        if (!b->plan) {
            b->plan = sg_plan_new(core->compiler, b->name);
        }
        sg_plan_update_begin(b->plan, core->loaded->policy, &core->ports,
                             names);
        bridge_flag_soon(core, b);
    } else if (b->leaving) {
        sg_reviews_clear(&b->reviews);
    }
    return true;
}

static bool
step_plan(struct sg_core *core OVS_UNUSED, struct sg_core_bridge *b,
          struct sg_slice *slice)
{
    return (b->holding == SG_HOLD_NOTHING
            || sg_plan_update_run(b->plan, slice));
}

static bool
step_emit(struct sg_core *core OVS_UNUSED, struct sg_core_bridge *b,
          struct sg_slice *slice)
{
    if (b->holding == SG_HOLD_TRUSTED) {
        bridge_desire_trusted(b, sg_switch_installed(b->sw));
    }
    return (b->holding != SG_HOLD_ALL
            || sg_plan_emit_changes(b->plan, &b->desired,
                                    sg_core_bridge_touched(b), slice));
}

static bool
step_grace(struct sg_core *core, struct sg_core_bridge *b,
           struct sg_slice *slice OVS_UNUSED)
{
    if (b->holding == SG_HOLD_ALL) {
        sg_core_grace_begin(core, b);
        sg_core_grace_emit(b);
    }
    return true;
}

/* Which of the reviews that began before are still needed. */
static bool
step_keep_reviews(struct sg_core *core OVS_UNUSED, struct sg_core_bridge *b,
                  struct sg_slice *slice OVS_UNUSED)
{
    const struct sg_flows *installed = sg_switch_installed(b->sw);

    if (b->holding == SG_HOLD_ALL) {
        /* What the last pass gave up is in force as long as that is not. */
        if (installed && b->unsent) {
            sg_reviews_recover(&b->reviews, installed, time_msec());
        }
        sg_reviews_forget_own(&b->reviews, b->plan, time_msec());
    }
    return true;
}

static bool
step_emit_reviews(struct sg_core *core OVS_UNUSED, struct sg_core_bridge *b,
                  struct sg_slice *slice)
{
    return (b->holding != SG_HOLD_ALL
            || sg_reviews_emit_changes(&b->reviews, &b->desired,
                                       sg_core_bridge_touched(b), slice));
}

/* Without a connection there is nothing to compare with; when it is back there
 * will be another pass. */
static bool
step_diff(struct sg_core *core OVS_UNUSED, struct sg_core_bridge *b,
          struct sg_slice *slice)
{
    const struct sg_flows *installed = sg_switch_installed(b->sw);

    return (b->holding != SG_HOLD_ALL || !installed
            || sg_core_bridge_diff(b, installed, slice));
}

static bool
step_note(struct sg_core *core OVS_UNUSED, struct sg_core_bridge *b,
          struct sg_slice *slice)
{
    const struct sg_flows *installed = sg_switch_installed(b->sw);

    if (b->holding != SG_HOLD_ALL || !installed) {
        return true;
    }
    if (!sg_core_bridge_diff(b, installed, slice)) {
        return false;
    }
    if (!b->noting) {
        b->noting = sg_noting_begin(&b->reviews, b->plan, time_msec());
    }
    return sg_noting_run(b->noting, &b->diff.changes, slice);
}

/* New reviews have flows of their own, which are part of what differs. */
static bool
step_review(struct sg_core *core, struct sg_core_bridge *b,
            struct sg_slice *slice)
{
    if (b->holding == SG_HOLD_ALL && sg_reviews_have_changed(&b->reviews)) {
        sg_core_revoke_soon(core);
        sg_core_bridge_drop_diff(b);
        return sg_reviews_emit_changes(&b->reviews, &b->desired,
                                       sg_core_bridge_touched(b), slice);
    }
    return true;
}

static bool
step_end(struct sg_core *core, struct sg_core_bridge *b,
         struct sg_slice *slice OVS_UNUSED)
{
    sg_noting_end(b->noting);
    b->noting = NULL;
    if (b->plan) {
        sg_compiler_fresh_zones(core->compiler, bridge_flush_fresh, b);
    }
    bridge_flag_ports(core, b, b->flag_all ? NULL : &core->passed);
    b->desired_pass = core->pass;
    b->unsent = true;
    b->check = true;
    return true;
}

static bool (*const steps[])(struct sg_core *, struct sg_core_bridge *,
                             struct sg_slice *) = {
    step_begin, step_plan, step_emit, step_grace, step_keep_reviews,
    step_emit_reviews, step_diff, step_note, step_review, step_diff, step_end
};

void
sg_core_bridge_pass_begin(struct sg_core_bridge *b)
{
    b->due = true;
    b->step = 0;
}

bool
sg_core_bridge_pass(struct sg_core *core, struct sg_core_bridge *b,
                    struct sg_slice *slice)
{
    while (b->step < ARRAY_SIZE(steps)) {
        if (!steps[b->step](core, b, slice)) {
            return false;
        }
        b->step++;
    }
    b->due = false;
    return true;
}
