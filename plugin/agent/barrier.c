/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `wait': what was asked for is in force
 * ======================================
 *
 *   SYNC --> SCRIPT --> PASS --> APPLY --> STATES --> CONTROL --> DATAPATH
 *                                                                   |
 *                                                       REACHED <---'
 *
 * SYNC waits until ovs-vswitchd has configured, and we have seen, everything
 * that was in the database.  SCRIPT waits for a load that was under way, and
 * for `bind' functions that were asked about a port.  PASS finds out which
 * pass compiles all that, APPLY waits for it and for the barrier reply of
 * every bridge, STATES until sg-state is in the database, CONTROL for what
 * goes by the switch's control socket (limits.c, forget.c, stale.c).  After
 * that the OpenFlow tables are right, but packets may still be forwarded by
 * datapath flows that the revalidators have not looked at: DATAPATH asks the
 * switch to do so (`revalidator/wait').  That is not needed where stale.c has
 * taken all datapath flows away. */

#include "agent/core-private.h"

#include <stdlib.h>

#include "dirs.h"
#include "openvswitch/dynamic-string.h"
#include "ports/ports.h"
#include "resolve/resolver.h"
#include "switch/control.h"
#include "switch/switch.h"
#include "util.h"

enum stage {
    STAGE_SYNC,
    STAGE_SCRIPT,
    STAGE_PASS,
    STAGE_APPLY,
    STAGE_STATES,
    STAGE_CONTROL,
    STAGE_DATAPATH,
    STAGE_REACHED
};

struct sg_barrier {
    struct ovs_list node;       /* In sg_core.barriers. */
    enum stage stage;
    unsigned int sync;          /* Of sg_ovsdb_sync_start(). */
    unsigned int load;          /* The load that must be over. */
    uint64_t order;             /* Up to this, sources of `addresses' must have
                                 * answered (resolver.h). */
    unsigned int pass;          /* The pass that must be in force. */
    struct sg_control *control; /* Asks for `revalidator/wait'. */
};

struct sg_barrier *
sg_core_barrier_start(struct sg_core *core)
{
    struct sg_barrier *barrier = xzalloc(sizeof *barrier);

    barrier->sync = sg_ovsdb_sync_start(core->db);
    barrier->load = core->loads_asked;
    ovs_list_push_back(&core->barriers, &barrier->node);
    return barrier;
}

void
sg_core_barrier_destroy(struct sg_core *core OVS_UNUSED,
                        struct sg_barrier *barrier)
{
    if (barrier) {
        ovs_list_remove(&barrier->node);
        sg_control_destroy(barrier->control);
        free(barrier);
    }
}

/* The operator may have mended why the switch refused a bundle before. */
static void
core_retry_bridges(struct sg_core *core)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        sg_switch_retry(b->sw);
    }
}

/* A bundle that the switch refuses, also when it is asked again, is an error
 * of its ports, not a thing to wait for. */
static bool
bridge_reached(const struct sg_core_bridge *b, unsigned int pass)
{
    return (b->applied_pass >= pass
            ? sg_switch_no_flood_all_confirmed(b->sw)
            : sg_switch_is_backing_off(b->sw));
}

/* Where the bridge's protocols keep us out all its ports are in error. */
static const struct sg_core_bridge *
first_behind(const struct sg_core *core, unsigned int pass)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        if ((b->wanted || b->leaving) && !b->barred
            && !bridge_reached(b, pass)) {
            return b;
        }
    }
    return NULL;
}

/* Asks, if that has not been done, and returns true once there is an answer.
 * A switch that has no such command is as good as it gets. */
static bool
datapath_answers(struct sg_core *core, struct sg_barrier *barrier)
{
    if (sg_core_stale_purged_all(core)) {
        return true;
    }
    if (!barrier->control) {
        barrier->control = sg_control_create(core->switch_unixctl);
        sg_control_start_wait(barrier->control);
    }
    if (sg_control_run(barrier->control) == SG_CONTROL_PENDING) {
        return false;
    }
    sg_control_destroy(barrier->control);
    barrier->control = NULL;
    return true;
}

static bool
barrier_step(struct sg_core *core, struct sg_barrier *barrier)
{
    switch (barrier->stage) {
    case STAGE_SYNC:
        return sg_ovsdb_sync_done(core->db, barrier->sync);

    case STAGE_SCRIPT:
        barrier->order = sg_resolver_last_order(core->resolver);
        return (sg_core_reload_finished(core, barrier->load)
                && !sg_answers_is_pending(&core->loaded->answers));

    case STAGE_PASS:
        /* What the sources of `addresses' say, or that they fail, is known
         * soon, and belongs to what was asked for. */
        if (sg_resolver_waits_for(core->resolver, barrier->order)) {
            return false;
        }
        /* Facts of now are in the pass that is due, or in the last one. */
        barrier->pass = core->pass + (core->dirty
                                      || sg_core_is_admitting(core));
        if (core->had_facts) {
            core_retry_bridges(core);
        }
        return core->had_facts;

    case STAGE_APPLY:
        return (core->observe
                || (core->pass >= barrier->pass
                    && !first_behind(core, barrier->pass)));

    case STAGE_STATES:
        return core->observe || sg_ovsdb_states_synced(core->db);

    case STAGE_CONTROL:
        return (core->observe || (sg_core_limits_synced(core)
                                  && sg_core_forget_done(core)
                                  && sg_core_stale_done(core)));

    case STAGE_DATAPATH:
        return datapath_answers(core, barrier);

    case STAGE_REACHED:
        break;
    }
    return false;
}

bool
sg_core_barrier_reached(struct sg_core *core, struct sg_barrier *barrier)
{
    while (barrier->stage != STAGE_REACHED && barrier_step(core, barrier)) {
        barrier->stage++;
    }
    if (barrier->control) {
        sg_control_wait(barrier->control);
    }
    return barrier->stage == STAGE_REACHED;
}

/* What the database has not brought yet. */
static char *
explain_sync(const struct sg_core *core)
{
    if (!sg_ovsdb_is_alive(core->db)) {
        return sg_ovsdb_explain_dead(core->db);
    } else if (!core->observe && !sg_ovsdb_has_lock(core->db)) {
        return xstrdup("another agent is in charge of this database: this "
                       "one does nothing until that one ends");
    }
    return xstrdup("ovs-vswitchd has not configured what is in the database; "
                   "is it running?");
}

/* Which bridge it is that everybody waits for. */
static void
explain_apply(const struct sg_core_bridge *b, struct ds *s)
{
    if (b && !sg_switch_installed(b->sw)) {
        ds_put_format(s, "bridge %s does not answer on %s/%s.mgmt; if "
                      "ovs-vswitchd has another run directory, start the "
                      "agent with OVS_RUNDIR set to that", b->name,
                      ovs_rundir(), b->name);
    } else {
        ds_put_format(s, "bridge %s has not confirmed its flows",
                      b ? b->name : "(none yet)");
    }
}

void
sg_core_barrier_explain(struct sg_core *core, struct sg_barrier *barrier,
                        struct ds *s)
{
    const char *set;
    char *why;

    switch (barrier->stage) {
    case STAGE_SYNC:
        why = explain_sync(core);
        ds_put_cstr(s, why);
        free(why);
        break;
    case STAGE_SCRIPT:
        ds_put_cstr(s, core->loading ? "the policy is still being loaded"
                    : "a function of the policy has not answered yet");
        break;
    case STAGE_PASS:
        set = sg_resolver_waits_for(core->resolver, barrier->order);
        ds_put_format(s, "addresses \"%s\" has not answered",
                      set ? set : "(none)");
        break;
    case STAGE_APPLY:
        explain_apply(first_behind(core, barrier->pass), s);
        break;
    case STAGE_STATES:
        ds_put_cstr(s, "sg-state is not written to the database yet");
        break;
    case STAGE_CONTROL:
        ds_put_cstr(s, "the switch has not answered on its control socket");
        break;
    case STAGE_DATAPATH:
        ds_put_cstr(s, "the datapath has not been revalidated yet");
        break;
    case STAGE_REACHED:
        ds_put_cstr(s, "nothing");
        break;
    }
}
