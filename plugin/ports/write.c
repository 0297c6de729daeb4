/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ports/ovsdb-private.h"

#include "ovsdb-idl.h"
#include "util.h"

void
sg_write_destroy(struct sg_write *w)
{
    if (w->txn) {
        ovsdb_idl_txn_destroy(w->txn);
        w->txn = NULL;
    }
}

/* Is there any point in composing now?  Without connection or lock the IDL
 * would refuse at once, and after a lost transaction it is pointless before
 * what made us lose has been seen. */
bool
sg_write_may_begin(const struct sg_ovsdb *db, const struct sg_write *w)
{
    return (!w->txn
            && db->have_facts
            && ovsdb_idl_is_connected(db->idl)
            && (db->observe || ovsdb_idl_has_lock(db->idl))
            && !(w->again && w->seqno == ovsdb_idl_get_seqno(db->idl)));
}

void
sg_write_begin(struct sg_ovsdb *db, struct sg_write *w, const char *why)
{
    ovs_assert(!w->txn);
    w->seqno = ovsdb_idl_get_seqno(db->idl);
    w->again = false;
    w->txn = ovsdb_idl_txn_create(db->idl);
    ovsdb_idl_txn_add_comment(w->txn, "ovs-sg: %s", why);
}

/* The answer, even one that is there at once, is sg_write_poll()'s. */
void
sg_write_commit(struct sg_write *w)
{
    ovsdb_idl_txn_commit(w->txn);
}

static enum sg_write_status
interpret(struct sg_write *w, enum ovsdb_idl_txn_status status,
          struct sg_write_result *result)
{
    switch (status) {
    case TXN_SUCCESS:
        result->increment = ovsdb_idl_txn_get_increment_new_value(w->txn);
        return SG_WRITE_DONE;

    case TXN_UNCHANGED:
        return SG_WRITE_DONE;

    case TXN_ERROR:
        result->error = xstrdup(ovsdb_idl_txn_get_error(w->txn));
        return SG_WRITE_FAILED;

    case TXN_UNCOMMITTED:
    case TXN_INCOMPLETE:
    case TXN_ABORTED:           /* By the IDL, when the connection broke. */
    case TXN_TRY_AGAIN:
    case TXN_NOT_LOCKED:
    default:
        return SG_WRITE_AGAIN;
    }
}

/* Looks at what became of 'w'.  Fills '*result' when it is over. */
enum sg_write_status
sg_write_poll(struct sg_write *w, struct sg_write_result *result)
{
    *result = (struct sg_write_result) { .error = NULL };
    if (!w->txn) {
        return SG_WRITE_NONE;
    }

    enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit(w->txn);
    if (status == TXN_INCOMPLETE) {
        return SG_WRITE_BUSY;
    }

    enum sg_write_status answer = interpret(w, status, result);
    w->again = answer == SG_WRITE_AGAIN || answer == SG_WRITE_FAILED;
    sg_write_destroy(w);
    return answer;
}

void
sg_write_wait(const struct sg_write *w)
{
    if (w->txn) {
        ovsdb_idl_txn_wait(w->txn);
    }
}
