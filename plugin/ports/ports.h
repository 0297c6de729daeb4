/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_PORTS_PORTS_H
#define SG_PORTS_PORTS_H 1

/* The Open_vSwitch database: facts out, states back
 * =================================================
 *
 * `struct sg_ovsdb' is our client of the local Open_vSwitch database, on top
 * of libopenvswitch's IDL.  It does four things:
 *
 *   - it keeps a snapshot of the *facts* about bridges and interfaces
 *     (policy/port.h), and says what changed in it;
 *   - it writes `sg-state' and `sg-error' back into the interfaces'
 *     external_ids;
 *   - it finds out when ovs-vswitchd has caught up with the database
 *     (*sync*, for `ovs-sgctl wait');
 *   - it carries out the database part of `enable' and `disable'.
 *
 * Usage
 * -----
 *
 * As everywhere in Open vSwitch: call sg_ovsdb_run() and sg_ovsdb_wait() in
 * the main loop.  Nothing blocks.  Everything that writes is asked for with
 * one call and carried out by later runs; a transaction that loses a race
 * or the connection is composed anew until it goes through.
 *
 *     sg_ovsdb_run(db);
 *     if (sg_ovsdb_seqno(db) != seqno) {
 *         seqno = sg_ovsdb_seqno(db);
 *         ...look at sg_ovsdb_changed_ifaces(db), sg_ovsdb_facts(db)...
 *         sg_ovsdb_clear_changed(db);
 *     }
 *     ...sg_ovsdb_set_state(db, ...)...
 *     sg_ovsdb_wait(db);
 *     poll_block();
 *
 * All calls come from one thread.
 *
 * Facts
 * -----
 *
 * The snapshot is updated in place, row by row, by sg_ovsdb_run() and by
 * nothing else.  A pointer to a bridge or an interface is valid until the
 * next run; remember names or UUIDs, not pointers.
 *
 * Our own keys `sg-state' and `sg-error' are left out of the facts, so what
 * we write back is never a change.
 *
 * When the connection breaks, the facts of before stay.  When it is back,
 * only what differs counts as changed.
 *
 * States
 * ------
 *
 * The wanted states are kept here, by the UUID of the Interface row.  They
 * are compared with the database whenever either changes, and the difference
 * is written with one transaction of per-key mutations.  Other keys and
 * other writers are never touched, and what is there already is not written
 * again.
 *
 * One agent
 * ---------
 *
 * Two agents on one switch would undo each other's work.  The agent that
 * holds the OVSDB lock "ovs_sg" acts; any other one must stay passive.  All
 * transactions here assert the lock, so a passive agent writes nothing. */

#include <stdbool.h>
#include <stddef.h>

#include "openvswitch/uuid.h"

struct sg_facts;
struct sg_ovsdb;
struct sg_ovsdb_admin;
struct smap;
struct sset;

#define SG_OVSDB_LOCK "ovs_sg"

/* 'remote' is an OVSDB active connection method ("unix:FILE", "tcp:IP:PORT",
 * ...), or NULL for the local database server. */
struct sg_ovsdb *sg_ovsdb_create(const char *remote);
void sg_ovsdb_run(struct sg_ovsdb *);
void sg_ovsdb_wait(struct sg_ovsdb *);
/* Writes nothing: the states in the database stay as they are. */
void sg_ovsdb_destroy(struct sg_ovsdb *);

/* For an agent that only looks (`ovs-sgd --observe'): takes no lock, so that
 * it never keeps a real agent from acting, writes no states and refuses
 * `enable' and `disable'.  Sync works.  Call it before the first run. */
void sg_ovsdb_observe(struct sg_ovsdb *);

/* "unix:" and the usual socket of the run directory (OVS_RUNDIR); the caller
 * frees it. */
char *sg_ovsdb_default_remote(void);

/* Connected, and the contents were seen at least once. */
bool sg_ovsdb_is_alive(const struct sg_ovsdb *);
/* The sentence about one that is not; the caller frees it. */
char *sg_ovsdb_explain_dead(const struct sg_ovsdb *);

/* May we act?  True once we held the lock, until someone else was seen to
 * hold it.  A lost connection alone changes nothing: ovsdb-server's restart
 * must not make the agent let go of the switch. */
bool sg_ovsdb_has_lock(const struct sg_ovsdb *);
/* Is somebody else in charge, or were we told only to look? */
bool sg_ovsdb_is_passive(const struct sg_ovsdb *);

/* Facts. */

/* Changes if, and only if, something in the facts has changed. */
unsigned int sg_ovsdb_seqno(const struct sg_ovsdb *);
/* NULL until the contents of the database were seen for the first time. */
const struct sg_facts *sg_ovsdb_facts(const struct sg_ovsdb *);
/* The column other_config of the Open_vSwitch table, or NULL if it is not
 * known; valid until the next run.  Not part of the facts. */
const struct smap *sg_ovsdb_other_config(const struct sg_ovsdb *);

/* Names of interfaces and bridges that were added, removed or changed since
 * the last sg_ovsdb_clear_changed().  A bridge that changed does not mark its
 * interfaces, unless it went and took them along. */
const struct sset *sg_ovsdb_changed_ifaces(const struct sg_ovsdb *);
const struct sset *sg_ovsdb_changed_bridges(const struct sg_ovsdb *);
void sg_ovsdb_clear_changed(struct sg_ovsdb *);

/* States. */

/* Wants `sg-state' of the Interface row 'iface' to be 'state', which is
 * "active", "pending" or "error", and `sg-error' to be 'error', or absent if
 * that is NULL.  Cheap if it is wanted already.  The row's going ends it. */
void sg_ovsdb_set_state(struct sg_ovsdb *, const struct uuid *iface,
                        const char *state, const char *error);
/* Wants neither key on 'iface': it is not guarded.  Also cheap, and also for
 * interfaces that sg_ovsdb_set_state() never heard of: what an earlier run of
 * the agent left there goes. */
void sg_ovsdb_clear_state(struct sg_ovsdb *, const struct uuid *iface);
/* Everything wanted is in the database. */
bool sg_ovsdb_states_synced(const struct sg_ovsdb *);

/* Sync. */

/* Returns a number for sg_ovsdb_sync_done(), which becomes true once
 * ovs-vswitchd has configured everything that was in the database at the time
 * of the call, and we have seen the outcome (ofports, say).  There is nothing
 * to free or to cancel.  Without a running ovs-vswitchd it never comes. */
unsigned int sg_ovsdb_sync_start(struct sg_ovsdb *);
bool sg_ovsdb_sync_done(const struct sg_ovsdb *, unsigned int sync);

/* `enable' and `disable'. */

/* Sets external_ids:sg-enable=true and fail_mode=secure on 'bridge'; what
 * fail_mode was is kept in external_ids:sg-fail-mode-before. */
struct sg_ovsdb_admin *sg_ovsdb_enable(struct sg_ovsdb *, const char *bridge);

/* Sets external_ids:sg-enable=false on 'bridge', removes `sg-state' and
 * `sg-error' of its interfaces and stops wanting them, and gives back the
 * fail_mode of before `enable'.  With 'clear_fail_mode' the bridge is left
 * with no fail_mode even if it was secure then, for when nobody else has
 * flows that would forward.  Take our flows off before. */
struct sg_ovsdb_admin *sg_ovsdb_disable(struct sg_ovsdb *, const char *bridge,
                                        bool clear_fail_mode);

/* False while under way.  Once finished returns true and destroys the handle;
 * '*error' is NULL or a sentence that says why nothing was changed, else
 * '*report' has a line for each thing that was changed.  The caller frees
 * both. */
bool sg_ovsdb_admin_finish(struct sg_ovsdb *, struct sg_ovsdb_admin *,
                           char **report, char **error);
/* Stops caring.  A transaction that is under way may still happen. */
void sg_ovsdb_admin_cancel(struct sg_ovsdb *, struct sg_ovsdb_admin *);

#endif /* ports/ports.h */
