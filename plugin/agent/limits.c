/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* How many connections a guest may have
 * =====================================
 *
 * The flows refuse a connection that its zone has no room for
 * (compile/pipeline.h); the size of the zone is the datapath's
 * affair, told over the switch's control socket.  What the switch knows is
 * kept here; the difference to what is wanted is told it, all zones in one
 * question, again after each restart of the switch, which forgets. */

#include "agent/core-private.h"

#include "coverage.h"
#include "hash.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "switch/control.h"
#include "switch/switch.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_limits);

COVERAGE_DEFINE(sg_limit_looked_at);

#define RETRY 2000              /* Milliseconds. */

struct limit {
    struct hmap_node node;      /* In sg_core.limits, by zone. */
    struct sg_zone_limit value;
    bool told;                  /* In the question under way. */
};

void
sg_core_limits_init(struct sg_core *core)
{
    hmap_init(&core->limits);
    core->limits_control = sg_control_create(core->switch_unixctl);
}

static void
forget_all(struct sg_core *core)
{
    struct limit *limit;

    HMAP_FOR_EACH_POP (limit, node, &core->limits) {
        free(limit);
    }
}

/* 'ep' is to be looked at again. */
static void
refresh(struct sg_plan *plan, struct sg_plan_endpoint *ep)
{
    if (ovs_list_is_empty(&ep->fresh)) {
        ovs_list_push_back(&plan->fresh, &ep->fresh);
    }
}

void
sg_core_limits_forget(struct sg_core *core)
{
    const struct shash_node *node;

    forget_all(core);
    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;
        struct sg_plan_endpoint *ep;

        if (b->plan) {
            HMAP_FOR_EACH (ep, node, &b->plan->endpoints) {
                refresh(b->plan, ep);
            }
        }
    }
}

void
sg_core_limits_destroy(struct sg_core *core)
{
    forget_all(core);
    hmap_destroy(&core->limits);
    sg_control_destroy(core->limits_control);
}

static struct limit *
find_limit(const struct sg_core *core, uint16_t zone)
{
    struct limit *limit;

    HMAP_FOR_EACH_WITH_HASH (limit, node, hash_int(zone, 0), &core->limits) {
        if (limit->value.zone == zone) {
            return limit;
        }
    }
    return NULL;
}

/* Does the switch have 'ep''s limit?  A zone that we know nothing of may have
 * one from an earlier owner, so it is told "none", too; but that is not worth
 * waiting for. */
static bool
is_missing(const struct sg_core *core, const struct sg_plan_endpoint *ep)
{
    const struct limit *limit = find_limit(core, ep->zone);

    return !limit || limit->value.limit != ep->limit;
}

static void
remember(struct sg_core *core, const struct sg_zone_limit *value)
{
    struct limit *limit = find_limit(core, value->zone);

    if (!limit) {
        limit = xzalloc(sizeof *limit);
        hmap_insert(&core->limits, &limit->node, hash_int(value->zone, 0));
    }
    limit->value = *value;
    limit->told = true;
}

/* The limits of a bridge that the switch does not have yet: those that are
 * to be set, or those that are to be taken away.  Endpoints whose limit it has
 * are looked at no more. */
static struct sg_zone_limit *
bridge_missing(const struct sg_core *core, const struct sg_core_bridge *b,
               bool limited, size_t *n)
{
    struct sg_zone_limit *list = NULL;
    struct sg_plan_endpoint *ep;
    size_t allocated = 0;

    *n = 0;
    if (!b->plan || !sg_switch_installed(b->sw)) {
        return NULL;
    }
    LIST_FOR_EACH_SAFE (ep, fresh, &b->plan->fresh) {
        COVERAGE_INC(sg_limit_looked_at);
        if (!is_missing(core, ep)) {
            ovs_list_remove(&ep->fresh);
            ovs_list_init(&ep->fresh);
        } else if ((ep->limit > 0) == limited) {
            if (*n >= allocated) {
                list = x2nrealloc(list, &allocated, sizeof *list);
            }
            list[(*n)++] = (struct sg_zone_limit) { ep->zone, ep->limit };
        }
    }
    return list;
}

static bool
bridge_set_limits(struct sg_core *core, const struct sg_core_bridge *b)
{
    size_t n;
    struct sg_zone_limit *missing = bridge_missing(core, b, true, &n);

    for (size_t i = 0; i < n; i++) {
        remember(core, &missing[i]);
    }
    if (n) {
        sg_control_start_limits(core->limits_control, b->datapath_type,
                                missing, n);
    }
    free(missing);
    return n > 0;
}

static bool
bridge_take_limits(struct sg_core *core, const struct sg_core_bridge *b)
{
    size_t n;
    struct sg_zone_limit *missing = bridge_missing(core, b, false, &n);
    uint16_t *zones = xmalloc((n + 1) * sizeof *zones);

    for (size_t i = 0; i < n; i++) {
        remember(core, &missing[i]);
        zones[i] = missing[i].zone;
    }
    if (n) {
        sg_control_start_no_limits(core->limits_control, b->datapath_type,
                                   zones, n);
    }
    free(zones);
    free(missing);
    return n > 0;
}

/* The switch did not take the limit of 'zone'. */
static void
refresh_zone(struct sg_core *core, uint16_t zone)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;
        const struct sg_plan_endpoint *ep = (b->plan
                                             ? sg_plan_endpoint(b->plan, zone)
                                             : NULL);

        if (ep) {
            refresh(b->plan, CONST_CAST(struct sg_plan_endpoint *, ep));
        }
    }
}

/* The answer to the last question is there: what it told counts, or not. */
static void
finish(struct sg_core *core, bool done)
{
    struct limit *limit;
    bool failed = false;

    HMAP_FOR_EACH_SAFE (limit, node, &core->limits) {
        if (limit->told && !done && limit->value.limit) {
            refresh_zone(core, limit->value.zone);
            hmap_remove(&core->limits, &limit->node);
            free(limit);
            failed = true;
        } else {
            limit->told = false;
        }
    }
    if (failed) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_INFO_RL(&rl, "cannot set limits of connections (%s); trying "
                     "again", sg_control_error(core->limits_control));
        core->limits_retry = time_msec() + RETRY;
    }
}

void
sg_core_limits_run(struct sg_core *core)
{
    enum sg_control_status status = sg_control_run(core->limits_control);
    const struct shash_node *node;

    if (status == SG_CONTROL_PENDING || core->observe) {
        return;
    }
    if (status != SG_CONTROL_IDLE) {
        finish(core, status == SG_CONTROL_DONE);
        sg_control_reset(core->limits_control);
    }
    if (time_msec() < core->limits_retry) {
        return;
    }
    SHASH_FOR_EACH (node, &core->bridges) {
        if (bridge_set_limits(core, node->data)
            || bridge_take_limits(core, node->data)) {
            return;
        }
    }
}

void
sg_core_limits_wait(struct sg_core *core)
{
    sg_control_wait(core->limits_control);
    if (core->limits_retry > time_msec()) {
        poll_timer_wait_until(core->limits_retry);
    }
}

bool
sg_core_limits_synced(const struct sg_core *core)
{
    const struct shash_node *node;

    if (sg_control_is_pending(core->limits_control)) {
        return false;
    }
    SHASH_FOR_EACH (node, &core->bridges) {
        size_t n;

        free(bridge_missing(core, node->data, true, &n));
        if (n) {
            return false;
        }
    }
    return true;
}
