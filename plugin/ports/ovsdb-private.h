/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_PORTS_OVSDB_PRIVATE_H
#define SG_PORTS_OVSDB_PRIVATE_H 1

/* Inside plugin/ports/
 * ====================
 *
 *   ovsdb.c     the connection, the lock, the order of things in a run
 *   monitor.c   which rows came, went or changed: facts from the IDL
 *   rows.c      one row to one fact
 *   managers.c  whose bridge is it?
 *   state.c     sg-state and sg-error, wanted and written
 *   sync.c      has ovs-vswitchd caught up?
 *   admin.c     `enable' and `disable'
 *   write.c     one transaction, until it goes through: used by the last
 *               three
 *
 * The internal headers of libopenvswitch that the IDL needs are included by
 * these files only. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "policy/port.h"
#include "ports/ports.h"
#include "sset.h"

struct ovsdb_idl;
struct ovsdb_idl_txn;
struct ovsrec_bridge;
struct ovsrec_interface;
struct ovsrec_open_vswitch;
struct ovsrec_port;

#define SG_KEY_STATE "sg-state"
#define SG_KEY_ERROR "sg-error"

/* A transaction that is composed again until it goes through.
 *
 *     if (sg_write_may_begin(db, w)) {
 *         sg_write_begin(db, w, "why");
 *         ...ovsrec_*_update_*()...
 *         sg_write_commit(w);
 *     }
 *
 * and in the following runs sg_write_poll().  Several writes may be under way
 * at a time, but between begin and commit there is only one. */
struct sg_write {
    struct ovsdb_idl_txn *txn;  /* Under way, or NULL. */
    unsigned int seqno;         /* Of the IDL when 'txn' was composed. */
    bool again;                 /* Was lost: compose it again once the IDL's
                                 * seqno is not 'seqno' any more. */
};

enum sg_write_status {
    SG_WRITE_NONE,              /* Nothing is under way. */
    SG_WRITE_BUSY,              /* No answer yet. */
    SG_WRITE_DONE,              /* Went through, just now. */
    SG_WRITE_AGAIN,             /* Was lost, just now: compose it again. */
    SG_WRITE_FAILED             /* The server refused it, just now. */
};

struct sg_write_result {
    char *error;                /* If it failed; the caller frees it. */
    int64_t increment;          /* New value of an incremented column. */
};

void sg_write_destroy(struct sg_write *);
bool sg_write_may_begin(const struct sg_ovsdb *, const struct sg_write *);
void sg_write_begin(struct sg_ovsdb *, struct sg_write *, const char *why);
void sg_write_commit(struct sg_write *);
enum sg_write_status sg_write_poll(struct sg_write *,
                                   struct sg_write_result *);
void sg_write_wait(const struct sg_write *);

/* What state.c keeps. */
struct sg_states {
    struct hmap entries;        /* struct state_entry, by Interface UUID. */
    struct ovs_list unsynced;   /* Those that may differ from the database, */
    struct ovs_list written;    /* but for those that 'write' is about. */
    struct sg_write write;
};

/* What sync.c keeps.  Syncs are numbered; several may share one increment of
 * Open_vSwitch:next_cfg.  done <= sent <= requested, all modulo 2**32. */
struct sg_syncs {
    unsigned int requested;     /* The last one asked for. */
    unsigned int sent;          /* The last one whose increment was sent. */
    unsigned int done;          /* The last one that is done. */
    struct ovs_list pending;    /* struct sync_target, in order: sent, but
                                 * ovs-vswitchd is not there yet. */
    struct sg_write write;
};

struct sg_ovsdb {
    struct ovsdb_idl *idl;
    char *remote;               /* Where it is. */
    bool observe;               /* See sg_ovsdb_observe(). */
    bool has_lock;              /* See sg_ovsdb_has_lock(). */
    bool said_contended;        /* Logged that someone else has the lock. */

    /* monitor.c. */
    struct sg_facts facts;
    bool have_facts;            /* Contents seen at least once. */
    unsigned int seqno;         /* Of 'facts'. */
    struct sset changed_ifaces; /* Names; see sg_ovsdb_changed_ifaces(). */
    struct sset changed_bridges;
    struct hmap rows;           /* struct iface_place, by Interface UUID. */
    struct ovs_list touched;    /* Those to be compared with 'facts'. */
    unsigned int walk;          /* Of the tree: how many there were. */

    struct sg_states states;
    struct sg_syncs syncs;
    struct ovs_list admins;     /* struct sg_ovsdb_admin. */
};

void sg_rows_add_columns(struct ovsdb_idl *);
void sg_rows_init(struct sg_ovsdb *);
void sg_rows_run(struct sg_ovsdb *);
void sg_rows_destroy(struct sg_ovsdb *);
/* The row of Interface 'uuid', or NULL; valid until the next run. */
const struct ovsrec_interface *sg_rows_find_row(const struct sg_ovsdb *,
                                                   const struct uuid *uuid);

bool sg_row_to_bridge(struct sg_bridge *, const struct ovsrec_open_vswitch *,
                      const struct ovsrec_bridge *);
enum sg_manager sg_row_manager(const struct ovsrec_open_vswitch *,
                               const struct ovsrec_bridge *);
bool sg_row_to_iface(struct sg_iface *, const struct ovsrec_interface *);
bool sg_row_port_to_iface(struct sg_iface *, const struct ovsrec_port *);

void sg_states_init(struct sg_states *);
void sg_states_run(struct sg_ovsdb *);
void sg_states_wait(const struct sg_ovsdb *);
void sg_states_destroy(struct sg_states *);
/* The row of Interface 'uuid' came, went or changed. */
void sg_states_row_changed(struct sg_states *, const struct uuid *uuid);
/* Deletes both keys of 'row' in the open transaction, where they exist;
 * returns whether there were any. */
bool sg_states_delete_keys(const struct ovsrec_interface *row);

void sg_syncs_init(struct sg_syncs *);
void sg_syncs_run(struct sg_ovsdb *);
void sg_syncs_wait(const struct sg_ovsdb *);
void sg_syncs_destroy(struct sg_syncs *);

void sg_admins_init(struct sg_ovsdb *);
void sg_admins_run(struct sg_ovsdb *);
void sg_admins_wait(const struct sg_ovsdb *);
void sg_admins_destroy(struct sg_ovsdb *);

#endif /* ports/ovsdb-private.h */
