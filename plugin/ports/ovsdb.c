/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ports/ovsdb-private.h"

#include "dirs.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "util.h"
#include "vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(sg_ovsdb);

char *
sg_ovsdb_default_remote(void)
{
    return xasprintf("unix:%s/db.sock", ovs_rundir());
}

static struct ovsdb_idl *
open_idl(const char *remote)
{
    struct ovsdb_idl *idl = ovsdb_idl_create_unconnected(&ovsrec_idl_class,
                                                         false);
    sg_rows_add_columns(idl);
    /* The Open_vSwitch database is this hypervisor's own, never a cluster. */
    ovsdb_idl_set_leader_only(idl, false);
    ovsdb_idl_set_lock(idl, SG_OVSDB_LOCK);
    ovsdb_idl_set_remote(idl, remote, true);
    return idl;
}

struct sg_ovsdb *
sg_ovsdb_create(const char *remote)
{
    struct sg_ovsdb *db = xzalloc(sizeof *db);

    db->remote = remote ? xstrdup(remote) : sg_ovsdb_default_remote();
    db->idl = open_idl(db->remote);
    sg_rows_init(db);
    sg_states_init(&db->states);
    sg_syncs_init(&db->syncs);
    sg_admins_init(db);
    return db;
}

void
sg_ovsdb_observe(struct sg_ovsdb *db)
{
    db->observe = true;
    ovsdb_idl_set_lock(db->idl, NULL);
}

void
sg_ovsdb_destroy(struct sg_ovsdb *db)
{
    if (db) {
        /* Transactions go before the IDL that they belong to. */
        sg_admins_destroy(db);
        sg_syncs_destroy(&db->syncs);
        sg_states_destroy(&db->states);
        sg_rows_destroy(db);
        ovsdb_idl_destroy(db->idl);
        free(db->remote);
        free(db);
    }
}

static void
run_lock(struct sg_ovsdb *db)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

    if (ovsdb_idl_has_lock(db->idl)) {
        if (!db->has_lock) {
            VLOG_INFO_RL(&rl, "got the lock \"%s\": looking after this "
                         "switch from now on", SG_OVSDB_LOCK);
        }
        db->has_lock = true;
    } else if (ovsdb_idl_is_lock_contended(db->idl)) {
        if (db->has_lock || !db->said_contended) {
            VLOG_WARN_RL(&rl, "another agent holds the lock \"%s\" of the "
                         "database: staying passive until it ends",
                         SG_OVSDB_LOCK);
        }
        db->said_contended = true;
        db->has_lock = false;
    }
}

/* Facts come first, because the others compare with them; sync comes after
 * them so that "done" means that the facts are in. */
void
sg_ovsdb_run(struct sg_ovsdb *db)
{
    ovsdb_idl_run(db->idl);
    run_lock(db);
    sg_rows_run(db);
    sg_states_run(db);
    sg_syncs_run(db);
    sg_admins_run(db);
}

void
sg_ovsdb_wait(struct sg_ovsdb *db)
{
    ovsdb_idl_wait(db->idl);
    sg_states_wait(db);
    sg_syncs_wait(db);
    sg_admins_wait(db);
}

bool
sg_ovsdb_is_alive(const struct sg_ovsdb *db)
{
    return db->have_facts && ovsdb_idl_is_connected(db->idl);
}

char *
sg_ovsdb_explain_dead(const struct sg_ovsdb *db)
{
    return xasprintf("the database %s cannot be reached; is ovsdb-server "
                     "running, and listening there?", db->remote);
}

bool
sg_ovsdb_has_lock(const struct sg_ovsdb *db)
{
    return db->has_lock;
}

bool
sg_ovsdb_is_passive(const struct sg_ovsdb *db)
{
    return db->observe || (db->said_contended && !db->has_lock);
}
