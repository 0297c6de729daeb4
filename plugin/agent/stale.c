/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Datapath flows that missed a change
 * ===================================
 *
 * After a change of the tables the revalidators of ovs-vswitchd give the flows
 * of the datapath (megaflows) new actions.  The userspace datapath looks for
 * the one to change by the packet that it was made for.  Where two overlap,
 * that may be the other one.  Then the one that was meant keeps its old
 * actions, while the revalidators believe that it has the new ones, and so it
 * stays, with what it allowed or refused, for as long as it is used.  Two
 * overlap, for example, if one was made when a rule's prefix was narrower:
 *
 *     10.1.2.0/24  made for 10.1.2.2, kept when the rule became 10.1.0.0/16
 *     10.1.0.0/16  made for 10.1.0.2 afterwards
 *
 * Open vSwitch has mended it ("dpif-netdev: Fix dpif_netdev_flow_put.", in
 * 2.17.8, 3.0.5, 3.1.3 and 3.2.0), but Debian 12 has 3.1.0.  The kernel's
 * datapath never had it.
 *
 * So where a bridge of such a switch has a userspace datapath, a change is
 * followed by `revalidator/purge' (ovs-vswitchd(8)): all megaflows go, and the
 * next packets make others by the tables of now.  No packet is lost by it.
 *
 *   due --> VERSION --> WAIT --> PURGE
 *    `--> a first purge
 *
 * The first purge comes when the switch has confirmed the change.  But a
 * revalidator that was at work then, and a packet that had missed before the
 * change, may only afterwards put into the datapath what they made of the old
 * tables.  WAIT, two rounds of the revalidators (`revalidator/wait'), ends
 * when they have, up to a second later, and PURGE takes that away, too.
 *
 * A purge in the middle of a round works, but the switch warns of each
 * megaflow that is gone before it is changed, and makes those in use again.
 * So in a burst of changes not each has a first purge, and another change
 * begins anew with WAIT, for some time.  After a purge of many megaflows the
 * next one comes no sooner than after a multiple of what that took, unless a
 * `wait' wants to be sure. */

#include "agent/core-private.h"

#include <string.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "switch/control.h"
#include "switch/megaflow.h"
#include "switch/switch.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_stale);

#define PAUSE_FACTOR 20         /* Of the time that a purge took. */
#define FIRST_PAUSE 100         /* msec between first purges, at least. */
#define PATIENCE 2000           /* msec for which more changes delay one. */
#define RETRY 2000              /* msec after a failure. */

void
sg_core_stale_init(struct sg_core *core, bool switch_is_sound)
{
    core->stale.control = sg_control_create(core->switch_unixctl);
    core->stale.first = sg_control_create(core->switch_unixctl);
    core->stale.question = SG_STALE_NONE;
    core->stale.version = switch_is_sound ? SG_STALE_SOUND : SG_STALE_UNKNOWN;
    core->stale.always_sound = switch_is_sound;
}

void
sg_core_stale_destroy(struct sg_core *core)
{
    sg_control_destroy(core->stale.control);
    sg_control_destroy(core->stale.first);
}

static bool
is_concerned(const char *datapath_type)
{
    return !strcmp(datapath_type, "netdev");
}

/* The flows of a bridge of 'datapath_type' have changed: not by this agent, if
 * it only observes. */
void
sg_core_stale_note(struct sg_core *core, const char *datapath_type)
{
    if (!core->observe && is_concerned(datapath_type)) {
        core->stale.due = core->stale.version != SG_STALE_SOUND;
        core->stale.first_due = core->stale.due;
    }
}

/* The switch has been away, and may be another one. */
void
sg_core_stale_forget(struct sg_core *core)
{
    if (!core->stale.always_sound) {
        core->stale.version = SG_STALE_UNKNOWN;
    }
}

/* 'answer' is that to `version'. */
static void
stale_learn_version(struct sg_stale *stale, const char *answer)
{
    stale->version = (sg_megaflows_follow_changes(answer)
                      ? SG_STALE_SOUND : SG_STALE_AFFECTED);
    stale->due &= stale->version == SG_STALE_AFFECTED;
    stale->first_due &= stale->due;
}

static void
stale_ask(struct sg_stale *stale, enum sg_stale_question question)
{
    stale->question = question;
    switch (question) {
    case SG_STALE_VERSION:
        sg_control_start_version(stale->control);
        break;
    case SG_STALE_WAIT:
        stale->due = false;     /* What comes from now on is another change. */
        stale->waiting = time_msec();
        sg_control_start_wait(stale->control);
        break;
    case SG_STALE_PURGE:
        stale->first_due &= stale->due;
        stale->asked = time_msec();
        sg_control_start_purge(stale->control);
        break;
    case SG_STALE_NONE:
        sg_control_reset(stale->control);
        break;
    }
}

static bool
is_connected(const struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        if (sg_switch_installed(b->sw)) {
            return true;
        }
    }
    return false;
}

/* A switch that is down has no such flows.  But one that speaks OpenFlow, and
 * does not answer twice, has them for good. */
static void
stale_fail(struct sg_core *core)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 60);
    struct sg_stale *stale = &core->stale;
    const char *error = sg_control_error(stale->control);

    if (stale->failed && is_connected(core)) {
        VLOG_WARN_RL(&rl, "flows of the userspace datapath may have missed "
                     "the last change (%s); trying again every %d seconds, "
                     "see \"The userspace datapath\" in operations.md", error,
                     RETRY / 1000);
    } else {
        VLOG_DBG("cannot purge the datapath's flows (%s)", error);
    }
    stale->due = stale->failed = true;
    stale->next = stale->retry = time_msec() + RETRY;
    stale_ask(stale, SG_STALE_NONE);
}

/* There is an answer, or there will be none. */
static void
stale_next(struct sg_core *core, bool answered)
{
    struct sg_stale *stale = &core->stale;

    switch (stale->question) {
    case SG_STALE_VERSION:
        if (answered) {
            stale_learn_version(stale, sg_control_text(stale->control));
            stale_ask(stale, SG_STALE_NONE);
        } else {
            stale_fail(core);
        }
        break;
    case SG_STALE_WAIT:
        /* A switch with datapaths of two types refuses to wait: as it is. */
        stale_ask(stale, (stale->due && time_msec() < stale->since + PATIENCE
                          ? SG_STALE_WAIT : SG_STALE_PURGE));
        break;
    case SG_STALE_PURGE:
        if (answered) {
            long long int now = time_msec();

            stale->failed = false;
            stale->purged = stale->waiting;
            stale->next = now + PAUSE_FACTOR * (now - stale->asked);
            stale_ask(stale, SG_STALE_NONE);
        } else {
            stale_fail(core);
        }
        break;
    case SG_STALE_NONE:
        break;
    }
}

/* When to ask, given that there is a reason. */
static long long int
stale_time(const struct sg_core *core)
{
    return (ovs_list_is_empty(&core->barriers)
            ? core->stale.next : core->stale.retry);
}

/* If that fails, the second purge says so. */
static void
stale_run_first(struct sg_stale *stale)
{
    enum sg_control_status status = sg_control_run(stale->first);
    long long int now = time_msec();

    if (status == SG_CONTROL_PENDING) {
        return;
    }
    if (stale->first_asked) {
        long long int pause = PAUSE_FACTOR * (now - stale->first_asked);

        stale->first_next = now + MAX(pause, FIRST_PAUSE);
        stale->first_asked = 0;
        sg_control_reset(stale->first);
    }
    if (stale->first_due && stale->version == SG_STALE_AFFECTED
        && now >= stale->first_next) {
        stale->first_due = false;
        stale->first_asked = now;
        sg_control_start_purge(stale->first);
    }
}

void
sg_core_stale_run(struct sg_core *core)
{
    struct sg_stale *stale = &core->stale;
    enum sg_control_status status;

    stale_run_first(stale);
    status = sg_control_run(stale->control);
    if (status == SG_CONTROL_PENDING) {
        return;
    }
    stale_next(core, status == SG_CONTROL_DONE);
    if (stale->question == SG_STALE_NONE && stale->due
        && time_msec() >= stale_time(core)) {
        stale->since = time_msec();
        stale_ask(stale, (stale->version == SG_STALE_UNKNOWN
                          ? SG_STALE_VERSION : SG_STALE_WAIT));
    }
}

void
sg_core_stale_wait(struct sg_core *core)
{
    struct sg_stale *stale = &core->stale;

    if (stale->first_asked) {
        sg_control_wait(stale->first);
    } else if (stale->first_due && stale->version == SG_STALE_AFFECTED) {
        poll_timer_wait_until(stale->first_next);
    }
    if (stale->question != SG_STALE_NONE) {
        sg_control_wait(stale->control);
    } else if (stale->due) {
        poll_timer_wait_until(stale_time(core));
    }
}

bool
sg_core_stale_done(const struct sg_core *core)
{
    const struct sg_stale *stale = &core->stale;

    return (stale->failed
            || (!stale->due && stale->question == SG_STALE_NONE));
}

/* The same for the changes before 'since': others may go on. */
bool
sg_core_stale_followed(const struct sg_core *core, long long int since)
{
    return core->stale.purged > since || sg_core_stale_done(core);
}

/* Was every change followed by a purge? */
bool
sg_core_stale_purged_all(const struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        if (!is_concerned(b->datapath_type)) {
            return false;
        }
    }
    return core->stale.version == SG_STALE_AFFECTED && !core->stale.failed;
}
