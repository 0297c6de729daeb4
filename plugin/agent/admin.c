/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `enable' and `disable'.  The database part is ports/'s; before that,
 * `disable' takes our flows and flags off the bridge, also if we have not
 * looked after it: an agent that was killed may have left some there.  If the
 * switch is down, that waits until it is back.
 *
 * The answer comes when packets meet what the database part changed: until
 * ovs-vswitchd has configured it, a bridge that has nothing of ours may still
 * be `fail_mode=secure', and forward nothing. */

#include "agent/core-private.h"

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ports/ports.h"
#include "sset.h"
#include "switch/switch.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_admin);

struct sg_admin {
    struct ovs_list node;       /* In sg_core.admins. */
    char *bridge;
    bool disable;
    bool ours;                  /* We look after it, or flows of ours are
                                 * there. */
    bool clear_fail_mode;       /* Nobody else has flows that forward. */
    struct sg_ovsdb_admin *db;  /* The database part, once it has begun. */
    char *error;                /* What prevented it. */
    char *report;               /* Set once the database has it. */
    unsigned int sync;          /* From then on: sg_ovsdb_sync_start(). */
    struct sg_barrier *barrier; /* From when that is done. */
    bool begun;                 /* Looked at the database. */
    long long int deadline;     /* To reach it, and then for ovs-vswitchd to
                                 * follow (time_msec()). */
};

#define PATIENCE 5000           /* Milliseconds: an agent may just start, and a
                                 * switch may be down. */

static struct sg_admin *
admin_create(struct sg_core *core, const char *bridge, bool disable)
{
    struct sg_admin *admin = xzalloc(sizeof *admin);

    admin->bridge = xstrdup(bridge);
    admin->disable = disable;
    admin->deadline = time_msec() + PATIENCE;
    ovs_list_push_back(&core->admins, &admin->node);
    return admin;
}

struct sg_admin *
sg_core_enable_start(struct sg_core *core, const char *bridge)
{
    return admin_create(core, bridge, false);
}

struct sg_admin *
sg_core_disable_start(struct sg_core *core, const char *bridge)
{
    return admin_create(core, bridge, true);
}

static bool
database_is_ready(const struct sg_core *core)
{
    return (sg_ovsdb_facts(core->db) && sg_ovsdb_is_alive(core->db)
            && (core->observe || sg_ovsdb_has_lock(core->db)));
}

/* Why it cannot be done, or NULL. */
static char *
admin_check(const struct sg_core *core, const struct sg_admin *admin)
{
    const struct sg_facts *facts = sg_ovsdb_facts(core->db);

    if (!facts || !sg_ovsdb_is_alive(core->db)) {
        return sg_ovsdb_explain_dead(core->db);
    } else if (core->observe) {
        return xstrdup("this agent only observes (--observe)");
    } else if (!sg_ovsdb_has_lock(core->db)) {
        return xstrdup("another ovs-sgd is in charge of this database; stop "
                       "it first");
    } else if (!shash_find(&facts->bridges, admin->bridge)) {
        return xasprintf("there is no bridge named %s", admin->bridge);
    }
    return NULL;
}

static void
admin_begin_enable(struct sg_core *core, struct sg_admin *admin)
{
    const struct sg_bridge *facts
        = shash_find_data(&sg_ovsdb_facts(core->db)->bridges, admin->bridge);
    struct sg_core_bridge *b = shash_find_data(&core->bridges, admin->bridge);

    if (b && strcmp(facts->fail_mode, "secure")) {
        sg_switch_expect_flush(b->sw);
    }
    admin->db = sg_ovsdb_enable(core->db, admin->bridge);
}

static void
admin_begin_disable(struct sg_core *core, struct sg_admin *admin)
{
    const struct sg_bridge *facts
        = shash_find_data(&sg_ovsdb_facts(core->db)->bridges, admin->bridge);
    const struct sg_core_bridge *b = shash_find_data(&core->bridges,
                                                     admin->bridge);

    admin->ours = b != NULL;
    admin->clear_fail_mode = b && b->known && !sg_switch_n_foreign(b->sw);
    if (facts->manager == SG_MANAGER_NONE && sg_bridge_may_close(facts)) {
        /* There may be flows of ours even if nothing is guarded now. */
        sg_core_get_bridge(core, facts)->wanted = true;
    }
    sset_add(core->disabling, admin->bridge);
    core->bridges_stale = core->dirty = true;
}

/* Returns false as long as it is worth waiting for the database. */
static bool
admin_begin(struct sg_core *core, struct sg_admin *admin)
{
    if (!database_is_ready(core) && time_msec() < admin->deadline) {
        poll_timer_wait_until(MIN(admin->deadline, time_msec() + 100));
        return false;
    }
    admin->begun = true;
    admin->deadline = time_msec() + PATIENCE;
    admin->error = admin_check(core, admin);
    if (!admin->error) {
        if (admin->disable) {
            admin_begin_disable(core, admin);
        } else {
            admin_begin_enable(core, admin);
        }
    }
    return true;
}

static void
admin_destroy(struct sg_core *core, struct sg_admin *admin)
{
    ovs_list_remove(&admin->node);
    if (admin->disable) {
        sset_find_and_delete(core->disabling, admin->bridge);
        core->bridges_stale = core->restate_all = true;
    }
    free(admin->bridge);
    free(admin->error);
    free(admin->report);
    sg_core_barrier_destroy(core, admin->barrier);
    free(admin);
}

/* Is nothing of ours left on the bridge, or is it hopeless to wait for that?
 * core_leave_bridge() destroys a bridge once it is stripped; of a switch that
 * is down it will be when that is back. */
static bool
admin_has_stripped(const struct sg_core *core, struct sg_admin *admin)
{
    const struct sg_core_bridge *b = shash_find_data(&core->bridges,
                                                     admin->bridge);
    const struct sg_flows *installed = b ? sg_switch_installed(b->sw) : NULL;

    if (installed) {
        admin->ours |= sg_flows_count(installed) > 0;
        admin->clear_fail_mode = admin->ours && !sg_switch_n_foreign(b->sw);
    } else if (b && time_msec() < admin->deadline) {
        poll_timer_wait_until(admin->deadline);
    }
    return !b || (!installed && time_msec() >= admin->deadline);
}

/* Returns true once the database has what is wanted, or refused it. */
static bool
admin_write(struct sg_core *core, struct sg_admin *admin)
{
    if (admin->disable && !admin->db) {
        if (!admin_has_stripped(core, admin)) {
            return false;
        }
        admin->db = sg_ovsdb_disable(core->db, admin->bridge,
                                     admin->clear_fail_mode);
    }
    if (!sg_ovsdb_admin_finish(core->db, admin->db, &admin->report,
                               &admin->error)) {
        return false;
    }
    admin->db = NULL;           /* It is gone. */
    admin->sync = sg_ovsdb_sync_start(core->db);
    if (!admin->disable || !shash_find(&core->bridges, admin->bridge)) {
        admin->deadline = time_msec() + PATIENCE;
    }                           /* Else the switch had it already. */
    return true;
}

/* Has ovs-vswitchd configured what was written?  It has changed the flows of
 * the bridge then, if the fail_mode is another. */
static bool
admin_is_configured(struct sg_core *core, struct sg_admin *admin)
{
    if (!admin->barrier && sg_ovsdb_sync_done(core->db, admin->sync)) {
        const struct sg_facts *facts = sg_ovsdb_facts(core->db);
        const struct sg_bridge *bridge
            = facts ? shash_find_data(&facts->bridges, admin->bridge) : NULL;

        if (bridge) {
            sg_core_stale_note(core, bridge->datapath_type);
        }
        admin->barrier = sg_core_barrier_start(core);
    }
    return admin->barrier != NULL;
}

/* Do packets meet what was written, or is it hopeless? */
static bool
admin_is_in_force(struct sg_core *core, struct sg_admin *admin)
{
    if (admin_is_configured(core, admin)
        && sg_core_barrier_reached(core, admin->barrier)) {
        return true;
    } else if (time_msec() < admin->deadline) {
        poll_timer_wait_until(admin->deadline);
        return false;
    }
    char *late = xasprintf("%s%s: the switch has not followed within %d "
                           "seconds; `wait' returns when it has\n",
                           admin->report, admin->bridge, PATIENCE / 1000);
    free(admin->report);
    admin->report = late;
    return true;
}

bool
sg_core_admin_finish(struct sg_core *core, struct sg_admin *admin,
                     char **report, char **error)
{
    *report = *error = NULL;
    if ((!admin->begun && !admin_begin(core, admin))
        || (!admin->error && !admin->report && !admin_write(core, admin))
        || (!admin->error && !admin_is_in_force(core, admin))) {
        return false;
    }
    *error = admin->error;
    *report = admin->report;
    admin->error = admin->report = NULL;
    admin_destroy(core, admin);
    return true;
}

void
sg_core_admin_cancel(struct sg_core *core, struct sg_admin *admin)
{
    if (admin) {
        if (admin->db) {
            sg_ovsdb_admin_cancel(core->db, admin->db);
        }
        admin_destroy(core, admin);
    }
}
