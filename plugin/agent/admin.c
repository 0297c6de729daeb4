/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `enable' and `disable'.  The database part is ports/'s; before that,
 * `disable' takes our flows and flags off the bridge. */

#include "agent/core-private.h"

#include "openvswitch/vlog.h"
#include "ports/ports.h"
#include "sset.h"
#include "switch/switch.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_admin);

struct sg_admin {
    struct ovs_list node;       /* In sg_core.admins. */
    char *bridge;
    bool disable;
    bool clear_fail_mode;       /* Nobody else has flows that forward. */
    struct sg_ovsdb_admin *db;  /* The database part, once it has begun. */
    char *error;                /* Refused, before it began. */
};

static struct sg_admin *
admin_create(struct sg_core *core, const char *bridge, bool disable)
{
    const struct sg_facts *facts = sg_ovsdb_facts(core->db);
    struct sg_admin *admin = xzalloc(sizeof *admin);

    admin->bridge = xstrdup(bridge);
    admin->disable = disable;
    ovs_list_push_back(&core->admins, &admin->node);
    if (!facts || !sg_ovsdb_is_alive(core->db)) {
        admin->error = xstrdup("the database cannot be reached");
    } else if (!sg_ovsdb_has_lock(core->db)) {
        admin->error = xstrdup("another ovs-sgd is in charge of this "
                               "database; stop it first");
    } else if (!shash_find(&facts->bridges, bridge)) {
        admin->error = xasprintf("there is no bridge named %s", bridge);
    } else if (core->observe) {
        admin->error = xstrdup("this agent only observes (--observe)");
    }
    return admin;
}

struct sg_admin *
sg_core_enable_start(struct sg_core *core, const char *bridge)
{
    struct sg_admin *admin = admin_create(core, bridge, false);
    struct sg_core_bridge *b = shash_find_data(&core->bridges, bridge);

    if (!admin->error) {
        const struct sg_bridge *facts
            = shash_find_data(&sg_ovsdb_facts(core->db)->bridges, bridge);

        if (b && strcmp(facts->fail_mode, "secure")) {
            sg_switch_expect_flush(b->sw);
        }
        admin->db = sg_ovsdb_enable(core->db, bridge);
    }
    return admin;
}

struct sg_admin *
sg_core_disable_start(struct sg_core *core, const char *bridge)
{
    struct sg_admin *admin = admin_create(core, bridge, true);
    struct sg_core_bridge *b = shash_find_data(&core->bridges, bridge);

    if (!admin->error) {
        if (b) {
            admin->clear_fail_mode = !sg_switch_n_foreign(b->sw);
            /* There may be flows of ours even if nothing is guarded now. */
            b->wanted = true;
        }
        sset_add(core->disabling, bridge);
        core->dirty = true;
    }
    return admin;
}

static void
admin_destroy(struct sg_core *core, struct sg_admin *admin)
{
    ovs_list_remove(&admin->node);
    if (admin->disable) {
        sset_find_and_delete(core->disabling, admin->bridge);
    }
    free(admin->bridge);
    free(admin->error);
    free(admin);
}

bool
sg_core_admin_finish(struct sg_core *core, struct sg_admin *admin,
                     char **report, char **error)
{
    *report = *error = NULL;
    if (admin->error) {
        *error = xstrdup(admin->error);
        admin_destroy(core, admin);
        return true;
    }
    if (admin->disable && !admin->db) {
        const struct sg_core_bridge *b = shash_find_data(&core->bridges,
                                                         admin->bridge);
        if (b) {
            /* core_leave_bridge() destroys it once it is stripped. */
            admin->clear_fail_mode = !sg_switch_n_foreign(b->sw);
            return false;
        }
        admin->db = sg_ovsdb_disable(core->db, admin->bridge,
                                     admin->clear_fail_mode);
    }
    if (!sg_ovsdb_admin_finish(core->db, admin->db, report, error)) {
        return false;
    }
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
