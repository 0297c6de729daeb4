/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ports/ovsdb-private.h"

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "unicode.h"
#include "util.h"
#include "uuid.h"
#include "vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(sg_port_state);

/* Rows in one transaction.  A thousand keep the main loop for 10 ms, and for
 * as long again when they come back. */
#define BATCH 200

/* What is wanted for one Interface row.
 *
 * An entry is on one of the lists `unsynced' and `written' from the moment
 * that it may differ from the database until it is seen to agree.  That a
 * write has worked is never assumed: it is done when the row shows it, and
 * what others delete is put back. */
struct state_entry {
    struct hmap_node node;          /* In sg_states.entries, by 'uuid'. */
    struct ovs_list list_node;      /* In one of these lists, or empty. */
    struct uuid uuid;               /* Of the Interface row. */
    char *state;                    /* NULL: neither key. */
    char *error;                    /* NULL: no sg-error. */
};

static struct state_entry *
find_entry(const struct sg_states *states, const struct uuid *uuid)
{
    struct state_entry *e;
    HMAP_FOR_EACH_WITH_HASH (e, node, uuid_hash(uuid), &states->entries) {
        if (uuid_equals(&e->uuid, uuid)) {
            return e;
        }
    }
    return NULL;
}

static struct state_entry *
add_entry(struct sg_states *states, const struct uuid *uuid)
{
    struct state_entry *e = xzalloc(sizeof *e);
    e->uuid = *uuid;
    ovs_list_init(&e->list_node);
    hmap_insert(&states->entries, &e->node, uuid_hash(uuid));
    return e;
}

static void
destroy_entry(struct sg_states *states, struct state_entry *e)
{
    hmap_remove(&states->entries, &e->node);
    ovs_list_remove(&e->list_node);
    free(e->state);
    free(e->error);
    free(e);
}

static void
mark_unsynced(struct sg_states *states, struct state_entry *e)
{
    if (ovs_list_is_empty(&e->list_node)) {
        ovs_list_push_back(&states->unsynced, &e->list_node);
    }
}

void
sg_states_init(struct sg_states *states)
{
    hmap_init(&states->entries);
    ovs_list_init(&states->unsynced);
    ovs_list_init(&states->written);
}

void
sg_states_destroy(struct sg_states *states)
{
    struct state_entry *e;
    HMAP_FOR_EACH_SAFE (e, node, &states->entries) {
        destroy_entry(states, e);
    }
    hmap_destroy(&states->entries);
    sg_write_destroy(&states->write);
}

void
sg_states_row_changed(struct sg_states *states, const struct uuid *uuid)
{
    struct state_entry *e = find_entry(states, uuid);
    if (e) {
        mark_unsynced(states, e);
    }
}

/* Wanted against there. */

static bool
key_agrees(const struct ovsrec_interface *row, const char *key,
           const char *wanted)
{
    return nullable_string_is_equal(smap_get(&row->external_ids, key), wanted);
}

static bool
entry_agrees(const struct state_entry *e, const struct ovsrec_interface *row)
{
    return (key_agrees(row, SG_KEY_STATE, e->state)
            && key_agrees(row, SG_KEY_ERROR, e->error));
}

/* Takes 'e' off the list if there is nothing (left) to write for it. */
static void
settle_entry(struct sg_ovsdb *db, struct state_entry *e)
{
    const struct ovsrec_interface *row = sg_rows_find_row(db, &e->uuid);

    if (!row) {
        destroy_entry(&db->states, e);
    } else if (entry_agrees(e, row)) {
        if (!e->state) {
            destroy_entry(&db->states, e);
        } else {
            ovs_list_remove(&e->list_node);
            ovs_list_init(&e->list_node);
        }
    }
}

/* The write is over: what does not show is written again. */
static void
settle_written(struct sg_ovsdb *db)
{
    struct sg_states *states = &db->states;
    struct state_entry *e;

    LIST_FOR_EACH_SAFE (e, list_node, &states->written) {
        settle_entry(db, e);
    }
    ovs_list_push_back_all(&states->unsynced, &states->written);
}

static void
write_key(const struct ovsrec_interface *row, const char *key,
          const char *wanted)
{
    if (key_agrees(row, key, wanted)) {
        return;
    } else if (wanted) {
        ovsrec_interface_update_external_ids_setkey(row, key, wanted);
    } else {
        ovsrec_interface_update_external_ids_delkey(row, key);
    }
}

bool
sg_states_delete_keys(const struct ovsrec_interface *row)
{
    bool any = (smap_get(&row->external_ids, SG_KEY_STATE)
                || smap_get(&row->external_ids, SG_KEY_ERROR));
    write_key(row, SG_KEY_STATE, NULL);
    write_key(row, SG_KEY_ERROR, NULL);
    return any;
}

/* Moves those of the next BATCH entries that there is something to write for
 * to the list `written'. */
static void
gather(struct sg_ovsdb *db)
{
    struct sg_states *states = &db->states;
    struct state_entry *e;
    size_t n = 0;

    LIST_FOR_EACH_SAFE (e, list_node, &states->unsynced) {
        if (n++ == BATCH) {
            break;
        }
        ovs_list_remove(&e->list_node);
        ovs_list_push_back(&states->written, &e->list_node);
        settle_entry(db, e);
    }
}

static void
write_gathered(struct sg_ovsdb *db)
{
    struct sg_states *states = &db->states;
    const struct state_entry *e;

    sg_write_begin(db, &states->write, "port states");
    LIST_FOR_EACH (e, list_node, &states->written) {
        const struct ovsrec_interface *row = sg_rows_find_row(db, &e->uuid);
        write_key(row, SG_KEY_STATE, e->state);
        write_key(row, SG_KEY_ERROR, e->error);
    }
    sg_write_commit(&states->write);
}

static void
poll_write(struct sg_states *states)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
    struct sg_write_result result;

    if (sg_write_poll(&states->write, &result) == SG_WRITE_FAILED) {
        VLOG_WARN_RL(&rl, "the database refused the states of ports (%s); "
                     "trying again when it changes", result.error);
        free(result.error);
    }
}

static bool
may_write(const struct sg_ovsdb *db)
{
    return (!db->observe
            && !ovs_list_is_empty(&db->states.unsynced)
            && sg_write_may_begin(db, &db->states.write));
}

void
sg_states_run(struct sg_ovsdb *db)
{
    if (!db->have_facts) {
        return;
    }
    poll_write(&db->states);
    if (!db->states.write.txn) {
        settle_written(db);
    }
    if (may_write(db)) {
        gather(db);
        if (!ovs_list_is_empty(&db->states.written)) {
            write_gathered(db);
        }
    }
}

void
sg_states_wait(const struct sg_ovsdb *db)
{
    sg_write_wait(&db->states.write);
    if (may_write(db)) {
        poll_immediate_wake();
    }
}

/* What the agent wants. */

static bool
replace(char **dst, char *src)
{
    bool changed = !nullable_string_is_equal(*dst, src);
    free(*dst);
    *dst = src;
    return changed;
}

/* 'error' may quote anything that someone has typed; but ovsdb-server takes
 * offence at what is no UTF-8, and would refuse the states of all ports.  Of
 * such a sentence only the ASCII is kept. */
static char *
clean_error(const char *error)
{
    char *clean = nullable_xstrdup(error);
    char *complaint = clean ? utf8_validate(clean, NULL) : NULL;

    if (complaint) {
        for (char *p = clean; *p; p++) {
            *p = (unsigned char) *p < 0x80 ? *p : '?';
        }
        free(complaint);
    }
    return clean;
}

static void
want(struct sg_ovsdb *db, struct state_entry *e, const char *state,
     const char *error)
{
    bool changed = replace(&e->state, nullable_xstrdup(state));
    changed |= replace(&e->error, clean_error(error));
    if (changed) {
        mark_unsynced(&db->states, e);
        if (!db->states.write.txn) {
            settle_entry(db, e);
        }
    }
}

void
sg_ovsdb_set_state(struct sg_ovsdb *db, const struct uuid *iface,
                   const char *state, const char *error)
{
    struct state_entry *e = find_entry(&db->states, iface);
    want(db, e ? e : add_entry(&db->states, iface), state, error);
}

void
sg_ovsdb_clear_state(struct sg_ovsdb *db, const struct uuid *iface)
{
    struct state_entry *e = find_entry(&db->states, iface);
    if (!e) {
        e = add_entry(&db->states, iface);
        mark_unsynced(&db->states, e);
        settle_entry(db, e);
    } else {
        want(db, e, NULL, NULL);
    }
}

bool
sg_ovsdb_states_synced(const struct sg_ovsdb *db)
{
    return (ovs_list_is_empty(&db->states.unsynced)
            && ovs_list_is_empty(&db->states.written));
}
