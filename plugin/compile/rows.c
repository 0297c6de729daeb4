/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Rows of flows
 * =============
 *
 * A flow goes through a message and back before it is desired (emit.c), which
 * is the most expensive part of making it.  But nearly all flows come in rows
 * that differ in values only: addresses and registers that they match, numbers
 * that they load into registers.  What comes back differs in the same values
 * then, and need not be asked for.
 *
 * For each of some rows that were last seen it is kept here how a flow of it
 * came back.  A row is used only if that is what sg_flow_create() and a look
 * at the loads would have made of it. */

#include "compile/emit.h"

#include <string.h>

#include "compile/flow.h"
#include "hash.h"
#include "lib/flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

#define N_ROWS 64

struct row {
    bool plain;                 /* Flows of it need no message. */
    uint8_t table_id;           /* What they must have in common: */
    ovs_be16 dl_type;
    uint8_t nw_proto;
    struct flow_wildcards wc;
    struct ofpbuf actions;      /* And this, but for what is loaded. */
    struct ofpbuf back;         /* The actions as they came back. */
};

/* By where a hash puts them.  For the main thread, which makes all flows. */
static struct row rows[N_ROWS];

static struct row *
row_of(const struct emitter *e, uint8_t table_id)
{
    uint32_t basis = hash_2words(table_id, e->actions.size);

    return &rows[hash_bytes(&e->match.wc, sizeof e->match.wc, basis)
                 % N_ROWS];
}

/* A load of all bits of a register, or NULL. */
static const struct ofpact_set_field *
load_of(const struct ofpact *action)
{
    const struct ofpact_set_field *set;

    if (action->type != OFPACT_SET_FIELD) {
        return NULL;
    }
    set = ofpact_get_SET_FIELD(action);
    return (mf_is_register(set->field->id)
            && is_all_ones(ofpact_set_field_mask(set), set->field->n_bytes)
            ? set : NULL);
}

/* Are they the same, but for what they load? */
static bool
are_alike(const struct ofpact *a, const struct ofpact *b)
{
    const struct ofpact_set_field *load_a = load_of(a);
    const struct ofpact_set_field *load_b = load_of(b);

    return (load_a && load_b
            ? load_a->field == load_b->field
            : !load_a && !load_b && a->len == b->len && !memcmp(a, b, a->len));
}

static const struct ofpact *
end_of(const struct ofpbuf *actions)
{
    return ofpbuf_tail(actions);
}

static bool
actions_are_alike(const struct ofpbuf *as, const struct ofpbuf *bs)
{
    const struct ofpact *a = as->data, *b = bs->data;

    if (as->size != bs->size) {
        return false;
    }
    for (; a < end_of(as) && b < end_of(bs);
         a = ofpact_next(a), b = ofpact_next(b)) {
        if (!are_alike(a, b)) {
            return false;
        }
    }
    return a == end_of(as) && b == end_of(bs);
}

/* Writes into 'back' what 'actions' load, load by load.  Returns false if they
 * have not the same ones. */
static bool
write_loads(const struct ofpbuf *actions, struct ofpbuf *back)
{
    const struct ofpact *a = actions->data;
    struct ofpact *b = back->data;

    for (; a < end_of(actions) && b < end_of(back);
         a = ofpact_next(a), b = ofpact_next(b)) {
        const struct ofpact_set_field *load = load_of(a);
        const struct ofpact_set_field *load_back = load_of(b);

        if (!load != !load_back || (load && load->field != load_back->field)) {
            return false;
        }
        if (load) {
            memcpy(ofpact_get_SET_FIELD(b)->value, load->value,
                   load->field->n_bytes);
        }
    }
    return a == end_of(actions) && b == end_of(back);
}

/* The flow, if those of its row need no message; else NULL. */
struct sg_flow *
emit_from_row(const struct emitter *e, uint8_t table_id, uint16_t priority,
              uint64_t cookie)
{
    struct row *row = row_of(e, table_id);

    if (!row->plain || row->table_id != table_id
        || row->dl_type != e->match.flow.dl_type
        || row->nw_proto != e->match.flow.nw_proto
        || !flow_wildcards_equal(&row->wc, &e->match.wc)
        || !actions_are_alike(&row->actions, &e->actions)
        || !write_loads(&e->actions, &row->back)) {
        return NULL;
    }
    return sg_flow_create(table_id, priority, cookie, &e->match,
                          row->back.data, row->back.size);
}

/* Notes how 'flow', which has been through a message, came back.  (Of
 * fragments the switch knows two bits, of which messages say what they mean
 * together.) */
void
emit_note_row(const struct emitter *e, const struct sg_flow *flow)
{
    struct row *row = row_of(e, flow->table_id);
    struct sg_flow *same = sg_flow_create(flow->table_id, flow->priority,
                                          flow->cookie, &e->match, NULL, 0);

    row->table_id = flow->table_id;
    row->dl_type = e->match.flow.dl_type;
    row->nw_proto = e->match.flow.nw_proto;
    row->wc = e->match.wc;
    ofpbuf_clear(&row->actions);
    ofpbuf_put(&row->actions, e->actions.data, e->actions.size);
    ofpbuf_clear(&row->back);
    ofpbuf_put(&row->back, flow->ofpacts, flow->ofpacts_len);
    row->plain = (!e->match.wc.masks.nw_frag
                  && minimatch_equal(&same->match, &flow->match)
                  && write_loads(&row->actions, &row->back)
                  && (!row->back.size
                      || !memcmp(row->back.data, flow->ofpacts,
                                 row->back.size)));
    sg_flow_free(same);
}
