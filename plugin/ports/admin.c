/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ports/ovsdb-private.h"

#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "ovsdb-idl.h"
#include "util.h"
#include "vswitch-idl.h"

/* What fail_mode was before `enable' changed it: a mode, or "unset". */
#define KEY_BEFORE "sg-fail-mode-before"
#define UNSET "unset"

struct sg_ovsdb_admin {
    struct ovs_list node;       /* In sg_ovsdb.admins. */
    char *bridge;               /* Name. */
    bool enable;                /* Else disable. */
    bool clear_fail_mode;       /* disable: leave none. */
    struct sg_write write;
    struct ds report;           /* Lines: what the transaction changes. */
    char *error;                /* Set once it cannot be done. */
    bool done;                  /* No more to do: ask for the outcome. */
};

void
sg_admins_init(struct sg_ovsdb *db)
{
    ovs_list_init(&db->admins);
}

static struct sg_ovsdb_admin *
start(struct sg_ovsdb *db, const char *bridge, bool enable)
{
    struct sg_ovsdb_admin *a = xzalloc(sizeof *a);
    a->bridge = xstrdup(bridge);
    a->enable = enable;
    ds_init(&a->report);
    ovs_list_push_back(&db->admins, &a->node);
    return a;
}

struct sg_ovsdb_admin *
sg_ovsdb_enable(struct sg_ovsdb *db, const char *bridge)
{
    return start(db, bridge, true);
}

struct sg_ovsdb_admin *
sg_ovsdb_disable(struct sg_ovsdb *db, const char *bridge, bool clear_fail_mode)
{
    struct sg_ovsdb_admin *a = start(db, bridge, false);
    a->clear_fail_mode = clear_fail_mode;
    return a;
}

static void
destroy(struct sg_ovsdb_admin *a)
{
    ovs_list_remove(&a->node);
    sg_write_destroy(&a->write);
    ds_destroy(&a->report);
    free(a->error);
    free(a->bridge);
    free(a);
}

void
sg_ovsdb_admin_cancel(struct sg_ovsdb *db OVS_UNUSED, struct sg_ovsdb_admin *a)
{
    if (a) {
        destroy(a);
    }
}

void
sg_admins_destroy(struct sg_ovsdb *db)
{
    struct sg_ovsdb_admin *a;
    LIST_FOR_EACH_SAFE (a, node, &db->admins) {
        destroy(a);
    }
}

bool
sg_ovsdb_admin_finish(struct sg_ovsdb *db OVS_UNUSED,
                      struct sg_ovsdb_admin *a, char **report, char **error)
{
    if (!a->done) {
        return false;
    }
    *error = a->error;
    *report = a->error ? NULL : ds_steal_cstr(&a->report);
    a->error = NULL;
    destroy(a);
    return true;
}

/* Composing.  All of it happens in an open transaction; each helper writes
 * only what differs, and a line about it. */

static void
set_key(struct sg_ovsdb_admin *a, const struct ovsrec_bridge *br,
        const char *key, const char *value)
{
    const char *old = smap_get(&br->external_ids, key);
    if (!old || strcmp(old, value)) {
        ds_put_format(&a->report, "%s: external_ids:%s=%s (was %s)\n",
                      br->name, key, value, old ? old : UNSET);
        ovsrec_bridge_update_external_ids_setkey(br, key, value);
    }
}

static void
delete_key(const struct ovsrec_bridge *br, const char *key)
{
    if (smap_get(&br->external_ids, key)) {
        ovsrec_bridge_update_external_ids_delkey(br, key);
    }
}

static bool
is_secure(const struct ovsrec_bridge *br)
{
    return br->fail_mode && !strcmp(br->fail_mode, "secure");
}

/* 'mode' may be NULL.  Setting it changes what 'br' says, so the report comes
 * first. */
static void
set_fail_mode(struct sg_ovsdb_admin *a, const struct ovsrec_bridge *br,
              const char *mode, const char *remark)
{
    ds_put_format(&a->report, "%s: fail_mode is %s (was %s%s)\n",
                  br->name, mode ? mode : UNSET,
                  br->fail_mode ? br->fail_mode : UNSET, remark);
    ds_put_format(&a->report, "%s: if it has no controller, Open vSwitch "
                  "empties its flow tables at this change, and flows of "
                  "others must be added again\n", br->name);
    ovsrec_bridge_set_fail_mode(br, mode);
}

static void
compose_enable(struct sg_ovsdb_admin *a, const struct ovsrec_bridge *br)
{
    set_key(a, br, "sg-enable", "true");
    if (!is_secure(br)) {
        const char *before = br->fail_mode ? br->fail_mode : UNSET;
        ovsrec_bridge_update_external_ids_setkey(br, KEY_BEFORE, before);
        set_fail_mode(a, br, "secure", "; `disable' gives that back");
    }
}

/* Only what is still as we made it is given back. */
static void
give_back_fail_mode(struct sg_ovsdb_admin *a, const struct ovsrec_bridge *br)
{
    const char *before = smap_get(&br->external_ids, KEY_BEFORE);

    if (!is_secure(br)) {
        return;
    } else if (before) {
        bool known = !strcmp(before, "standalone");
        set_fail_mode(a, br, known ? before : NULL, "");
    } else if (a->clear_fail_mode) {
        set_fail_mode(a, br, NULL, "; nobody else's flows would forward");
    } else {
        ds_put_format(&a->report, "%s: fail_mode stays secure, as it was "
                      "before `enable': only what flows of others say is "
                      "forwarded now\n", br->name);
    }
}

/* Also stops wanting the states, because one may be on its way to the
 * database right now: then it is deleted once it has arrived. */
static void
delete_states(struct sg_ovsdb *db, struct sg_ovsdb_admin *a,
              const struct ovsrec_bridge *br)
{
    size_t n = 0;
    for (size_t i = 0; i < br->n_ports; i++) {
        const struct ovsrec_port *port = br->ports[i];
        for (size_t j = 0; j < port->n_interfaces; j++) {
            const struct ovsrec_interface *iface = port->interfaces[j];
            sg_ovsdb_clear_state(db, &iface->header_.uuid);
            n += sg_states_delete_keys(iface);
        }
    }
    if (n) {
        ds_put_format(&a->report, "%s: removed %s and %s of %"PRIuSIZE" "
                      "interface%s\n", br->name, SG_KEY_STATE, SG_KEY_ERROR,
                      n, n == 1 ? "" : "s");
    }
}

static void
compose_disable(struct sg_ovsdb *db, struct sg_ovsdb_admin *a,
                const struct ovsrec_bridge *br)
{
    set_key(a, br, "sg-enable", "false");
    give_back_fail_mode(a, br);
    delete_key(br, KEY_BEFORE);
    delete_states(db, a, br);
}

/* Judging. */

static const struct ovsrec_bridge *
find_bridge(const struct sg_ovsdb *db, const char *name)
{
    const struct ovsrec_bridge *br;
    OVSREC_BRIDGE_FOR_EACH (br, db->idl) {
        if (!strcmp(br->name, name)) {
            return br;
        }
    }
    return NULL;
}

/* Why the bridge would be no good even after `enable', or NULL. */
static char *
check_enabled(const struct sg_bridge *bridge)
{
    char secure[] = "secure";
    struct sg_bridge enabled = *bridge;
    enabled.fail_mode = secure;
    return sg_bridge_check(&enabled);
}

static char *
why_not(const struct sg_ovsdb *db, const struct sg_ovsdb_admin *a)
{
    const struct sg_bridge *bridge = shash_find_data(&db->facts.bridges,
                                                     a->bridge);
    if (!bridge || !find_bridge(db, a->bridge)) {
        return xasprintf("there is no bridge \"%s\" in the database; "
                         "`ovs-vsctl list-br' shows the bridges", a->bridge);
    } else if (bridge->manager != SG_MANAGER_NONE) {
        return sg_bridge_refuse(bridge);
    } else if (db->observe) {
        return xasprintf("bridge \"%s\" was not changed: this agent only "
                         "observes; start it without --observe", a->bridge);
    } else if (ovsdb_idl_is_lock_contended(db->idl)) {
        return xasprintf("bridge \"%s\" was not changed: another agent looks "
                         "after this switch (it holds the database lock "
                         "\"%s\"); send the command to that one",
                         a->bridge, SG_OVSDB_LOCK);
    }
    return a->enable ? check_enabled(bridge) : NULL;
}

static void
compose(struct sg_ovsdb *db, struct sg_ovsdb_admin *a)
{
    const struct ovsrec_bridge *br = find_bridge(db, a->bridge);

    ds_clear(&a->report);
    sg_write_begin(db, &a->write, a->enable ? "enable" : "disable");
    ovsrec_bridge_verify_fail_mode(br);
    if (a->enable) {
        compose_enable(a, br);
    } else {
        compose_disable(db, a, br);
    }
    if (!a->report.length) {
        ds_put_format(&a->report, "%s: nothing to change\n", br->name);
    }
    sg_write_commit(&a->write);
}

static void
poll_write(struct sg_ovsdb_admin *a)
{
    struct sg_write_result result;

    switch (sg_write_poll(&a->write, &result)) {
    case SG_WRITE_DONE:
        a->done = true;
        break;

    case SG_WRITE_FAILED:
        a->error = xasprintf("bridge \"%s\" was not changed: the database "
                             "refused it (%s)", a->bridge, result.error);
        free(result.error);
        a->done = true;
        break;

    case SG_WRITE_NONE:
    case SG_WRITE_BUSY:
    case SG_WRITE_AGAIN:
    default:
        break;
    }
}

static void
run_admin(struct sg_ovsdb *db, struct sg_ovsdb_admin *a)
{
    poll_write(a);
    if (a->done || a->write.txn || !sg_ovsdb_is_alive(db)) {
        return;
    }

    a->error = why_not(db, a);
    if (a->error) {
        a->done = true;
    } else if (sg_write_may_begin(db, &a->write)) {
        compose(db, a);
    }
}

void
sg_admins_run(struct sg_ovsdb *db)
{
    struct sg_ovsdb_admin *a;
    LIST_FOR_EACH (a, node, &db->admins) {
        run_admin(db, a);
    }
}

void
sg_admins_wait(const struct sg_ovsdb *db)
{
    const struct sg_ovsdb_admin *a;
    LIST_FOR_EACH (a, node, &db->admins) {
        sg_write_wait(&a->write);
        if (a->done || sg_write_may_begin(db, &a->write)) {
            poll_immediate_wake();
        }
    }
}
