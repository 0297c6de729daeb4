/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ports/ovsdb-private.h"

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "util.h"
#include "vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(sg_sync);

/* How a sync works
 * ----------------
 *
 * The same way as `ovs-vsctl' without --no-wait.  We add one to
 * Open_vSwitch:next_cfg, and the server tells the sum.  ovs-vswitchd, each
 * time that it has configured what it saw, copies next_cfg to cur_cfg in the
 * same transaction in which it writes ofports.  Transactions have an order;
 * so once we see a cur_cfg that is no less than our sum, everything that was
 * in the database before our increment is configured, and its outcome is in
 * the facts. */

/* An increment that the server has carried out. */
struct sync_target {
    struct ovs_list node;       /* In sg_syncs.pending. */
    unsigned int last;          /* It proves all syncs up to this one. */
    int64_t cfg;                /* What it made of next_cfg. */
};

void
sg_syncs_init(struct sg_syncs *syncs)
{
    ovs_list_init(&syncs->pending);
}

static void
clear_pending(struct sg_syncs *syncs)
{
    struct sync_target *t;
    LIST_FOR_EACH_POP (t, node, &syncs->pending) {
        free(t);
    }
}

void
sg_syncs_destroy(struct sg_syncs *syncs)
{
    clear_pending(syncs);
    sg_write_destroy(&syncs->write);
}

unsigned int
sg_ovsdb_sync_start(struct sg_ovsdb *db)
{
    return ++db->syncs.requested;
}

bool
sg_ovsdb_sync_done(const struct sg_ovsdb *db, unsigned int sync)
{
    return (int) (db->syncs.done - sync) >= 0;
}

static void
poll_write(struct sg_syncs *syncs)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
    struct sg_write_result result;

    switch (sg_write_poll(&syncs->write, &result)) {
    case SG_WRITE_DONE: {
        struct sync_target *t = xmalloc(sizeof *t);
        t->last = syncs->sent;
        t->cfg = result.increment;
        ovs_list_push_back(&syncs->pending, &t->node);
        break;
    }

    case SG_WRITE_FAILED:
        VLOG_WARN_RL(&rl, "the database refused to count next_cfg up (%s); "
                     "trying again when it changes", result.error);
        free(result.error);
        syncs->sent = syncs->done;
        break;

    case SG_WRITE_AGAIN:
        syncs->sent = syncs->done;
        break;

    case SG_WRITE_NONE:
    case SG_WRITE_BUSY:
    default:
        break;
    }
}

/* Has the database been replaced by one that never saw our increments? */
static bool
counter_went_back(const struct sg_syncs *syncs,
                  const struct ovsrec_open_vswitch *ovs)
{
    if (ovs_list_is_empty(&syncs->pending)) {
        return false;
    }
    const struct sync_target *last = CONTAINER_OF(
        ovs_list_back(&syncs->pending), struct sync_target, node);
    return ovs->next_cfg < last->cfg;
}

static void
check_pending(struct sg_syncs *syncs, const struct ovsrec_open_vswitch *ovs)
{
    if (counter_went_back(syncs, ovs)) {
        clear_pending(syncs);
        syncs->sent = syncs->done;
        return;
    }

    struct sync_target *t;
    LIST_FOR_EACH_SAFE (t, node, &syncs->pending) {
        if (ovs->cur_cfg < t->cfg) {
            break;
        }
        syncs->done = t->last;
        ovs_list_remove(&t->node);
        free(t);
    }
}

static bool
may_send(const struct sg_ovsdb *db)
{
    return (db->syncs.requested != db->syncs.sent
            && sg_write_may_begin(db, &db->syncs.write)
            && ovsrec_open_vswitch_first(db->idl));
}

static void
send_increment(struct sg_ovsdb *db)
{
    struct sg_syncs *syncs = &db->syncs;
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(db->idl);

    sg_write_begin(db, &syncs->write, "wait for ovs-vswitchd");
    ovsdb_idl_txn_increment(syncs->write.txn, &ovs->header_,
                            &ovsrec_open_vswitch_col_next_cfg, true);
    sg_write_commit(&syncs->write);
    syncs->sent = syncs->requested;
}

void
sg_syncs_run(struct sg_ovsdb *db)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(db->idl);

    poll_write(&db->syncs);
    if (ovs) {
        check_pending(&db->syncs, ovs);
    }
    if (may_send(db)) {
        send_increment(db);
    }
}

void
sg_syncs_wait(const struct sg_ovsdb *db)
{
    sg_write_wait(&db->syncs.write);
    if (may_send(db)) {
        poll_immediate_wake();
    }
}
