/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/switch-private.h"

#include <stdlib.h>

#include "byte-order.h"
#include "openflow/openflow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-protocol.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/rconn.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_bundle);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 10);

/* One bundle
 * ----------
 *
 *   we send              the switch answers
 *   -------------------  ---------------------------------------
 *   OPEN                 reply (not waited for)
 *   ADD flow mod ...     nothing, or an error
 *   CLOSE                reply: all ADDs were good
 *   COMMIT, BARRIER      reply, barrier reply: everything is in force
 *
 * The wait for the reply to CLOSE is needed: a flow mod that the switch cannot
 * read is left out, with an error, and the COMMIT would carry out the rest.
 * But if it has taken flows of the same kinds before (taken.c) it can read
 * these, and if they are few nobody waits: all goes at once, and the switch is
 * asked once, not twice.  Should it refuse one after all, it has carried out
 * part of a change, which must not stay so: all flows are read anew, and what
 * is missing then goes by a bundle of which all or nothing is carried out.
 *
 * On the first error the bundle is discarded, followed by a barrier, too, so
 * that each bundle ends with a barrier reply.  Flow mods are encoded in
 * slices, while the queue of the connection is short.
 *
 * One flow mod alone is atomic by itself, and goes without a bundle: the
 * switch is asked once, not twice.
 *
 *   flow mod, BARRIER    the flow monitor's word that it was carried out (its
 *                        place among what others do), or an error; barrier
 *                        reply */

#define MAX_QUEUE 500           /* Messages. */
#define FEW 256                 /* Flow mods that may go in one turn. */
#define MIN_BACKOFF 1000        /* msec */
#define MAX_BACKOFF 30000       /* msec */

enum bundle_state {
    B_ADDING,                   /* 'n_sent' of the flow mods are on the way. */
    B_CLOSING,                  /* All are; waiting for the reply to CLOSE. */
    B_COMMITTING,               /* Waiting for the reply to COMMIT. */
    B_APPLYING,                 /* Bringing 'installed' up to date. */
    B_ALONE,                    /* One flow mod, and its barrier, are sent. */
    B_COMMITTED,                /* Waiting for the barrier. */
    B_FAILED                    /* Waiting for the barrier after DISCARD. */
};

struct flow_mod {
    const struct sg_flow *flow; /* To delete: the installed one.  To add: the
                                 * owner's.  NULL once it is carried out. */
    bool delete;
    ovs_be32 xid;               /* Once it is sent. */
};

struct sg_bundle {
    enum bundle_state state;
    uint32_t id;                /* Of the bundle, for the switch. */
    struct flow_mod *mods;
    size_t n, n_sent, n_applied;
    bool at_once;               /* Without a wait for the reply to CLOSE. */
    bool torn;                  /* Carried out, but for what was refused. */
    struct sg_flows retired;    /* Flows that others took out of the installed
                                 * ones meanwhile: 'mods' may name them. */
    ovs_be32 open_xid, close_xid, commit_xid, barrier_xid;
    char *error;                /* The first one. */
};

void
sg_bundle_destroy(struct sg_bundle *b)
{
    if (b) {
        sg_flows_destroy(&b->retired);
        free(b->mods);
        free(b->error);
        free(b);
    }
}

static ovs_be32
send_control(struct sg_switch *s, uint16_t type)
{
    struct ofputil_bundle_ctrl_msg control = {
        .bundle_id = s->bundle->id,
        .type = type,
        .flags = OFPBF_ATOMIC | OFPBF_ORDERED,
    };
    struct ofpbuf *msg = ofputil_encode_bundle_ctrl_request(s->version,
                                                            &control);
    ovs_be32 xid = sg_switch_xid(msg);

    sg_switch_send(s, msg);
    return xid;
}

static void
send_barrier(struct sg_switch *s)
{
    struct ofpbuf *msg = ofputil_encode_barrier_request(s->version);

    s->bundle->barrier_xid = sg_switch_xid(msg);
    sg_switch_send(s, msg);
}

/* A flow of somebody else may be just where one of ours belongs.  An ADD will
 * replace it, which must not happen in silence. */
static void
say_if_taken(const struct sg_switch *s, const struct sg_flow *flow)
{
    const struct sg_flow *other = sg_flows_find(&s->foreign.flows, flow);

    if (other && !VLOG_DROP_INFO(&rl)) {
        struct ds text = DS_EMPTY_INITIALIZER;

        sg_flow_format(other, &text);
        VLOG_INFO("%s: replacing flow \"%s\" of somebody else, which has the "
                  "table, priority and match of one of ours",
                  s->bridge, ds_cstr(&text));
        ds_destroy(&text);
    }
}

/* Copies no flow: that would take longer than a turn of the main loop may. */
static struct sg_bundle *
bundle_create(const struct sg_changes *changes)
{
    static uint32_t last_id;
    struct sg_bundle *b = xzalloc(sizeof *b);

    b->state = B_ADDING;
    b->id = ++last_id;
    sg_flows_init(&b->retired);
    b->mods = xmalloc(changes->n * sizeof *b->mods);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < changes->n; i++) {
            const struct sg_change *c = &changes->list[i];

            if (!c->new == !pass) {     /* Deletions go first. */
                b->mods[b->n++] = (struct flow_mod) {
                    .flow = c->new ? c->new : c->old,
                    .delete = !c->new,
                };
            }
        }
    }
    return b;
}

/* Somebody else has deleted or replaced 'flow', which is installed. */
void
sg_bundle_retire(struct sg_switch *s, struct sg_flow *flow)
{
    if (s->bundle) {
        hmap_remove(&s->installed.flows, &flow->node);
        hmap_insert(&s->bundle->retired.flows, &flow->node, flow->node.hash);
    } else {
        sg_flows_remove(&s->installed, flow);
    }
}

/* The message for 'mod'.  A deletion is strict and asks for our cookie, so
 * that nothing of others is hit even if they replaced the flow just now. */
static struct ofpbuf *
encode_flow_mod(const struct sg_switch *s, const struct flow_mod *mod)
{
    struct ofputil_flow_mod fm = {
        .match = mod->flow->match,
        .priority = mod->flow->priority,
        .table_id = mod->flow->table_id,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };

    if (mod->delete) {
        fm.command = OFPFC_DELETE_STRICT;
        fm.cookie = htonll(SG_COOKIE_MAGIC);
        fm.cookie_mask = htonll(SG_COOKIE_MASK);
        fm.new_cookie = OVS_BE64_MAX;
    } else {
        say_if_taken(s, mod->flow);
        fm.command = OFPFC_ADD;
        fm.new_cookie = htonll(mod->flow->cookie);
        fm.ofpacts = CONST_CAST(struct ofpact *, mod->flow->ofpacts);
        fm.ofpacts_len = mod->flow->ofpacts_len;
    }
    return ofputil_encode_flow_mod(
        &fm, ofputil_protocol_from_ofp_version(s->version));
}

static void
send_alone(struct sg_switch *s)
{
    struct flow_mod *mod = &s->bundle->mods[0];
    struct ofpbuf *msg = encode_flow_mod(s, mod);

    mod->xid = sg_switch_xid(msg);
    sg_switch_send(s, msg);
    send_barrier(s);
    s->bundle->n_sent = 1;
    s->bundle->state = B_ALONE;
}

bool
sg_switch_busy(const struct sg_switch *s)
{
    return s->bundle || s->retry_at;
}

const char *
sg_switch_error(const struct sg_switch *s)
{
    return s->error;
}

bool
sg_switch_is_backing_off(const struct sg_switch *s)
{
    return s->retry_at != 0;
}

void
sg_switch_retry(struct sg_switch *s)
{
    if (s->retry_at) {
        s->retry_at = 0;
        s->more = true;
        s->seqno++;
    }
    sg_link_retry(&s->link);
    sg_noflood_retry(s->noflood);
}

static void
send_mod(struct sg_switch *s, struct flow_mod *mod)
{
    struct ofputil_bundle_add_msg add = {
        .bundle_id = s->bundle->id,
        .flags = OFPBF_ATOMIC | OFPBF_ORDERED,
    };
    struct ofpbuf *inner = encode_flow_mod(s, mod);

    add.msg = inner->data;
    mod->xid = sg_switch_xid(inner);    /* Also that of the outer message. */
    sg_switch_send(s, ofputil_encode_bundle_add(s->version, &add));
    ofpbuf_delete(inner);
}

/* To count the queue is to go through it, so that is done now and then. */
static bool
may_send(struct sg_switch *s, long long int deadline)
{
    if (s->bundle->n_sent % 32) {
        return true;
    } else if (rconn_count_txqlen(s->link.rconn) >= MAX_QUEUE) {
        return false;           /* rconn wakes us when it could send. */
    }
    s->more = time_usec() >= deadline;
    return !s->more;
}

static void
send_commit(struct sg_switch *s)
{
    s->bundle->commit_xid = send_control(s, OFPBCT_COMMIT_REQUEST);
    send_barrier(s);
    s->bundle->state = B_COMMITTING;
}

static void
run_adding(struct sg_switch *s, long long int deadline)
{
    struct sg_bundle *b = s->bundle;

    while (b->n_sent < b->n) {
        if (!may_send(s, deadline)) {
            return;
        }
        send_mod(s, &b->mods[b->n_sent++]);
    }
    b->close_xid = send_control(s, OFPBCT_CLOSE_REQUEST);
    b->state = B_CLOSING;
    if (b->at_once) {
        send_commit(s);
    }
}

/* Can the switch read all of it?  (A deletion has the match of a flow that is
 * there.) */
static bool
is_readable(const struct sg_switch *s, const struct sg_bundle *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (!b->mods[i].delete && !sg_taken_has(&s->taken, b->mods[i].flow)) {
            return false;
        }
    }
    return true;
}

void
sg_switch_commit(struct sg_switch *s, const struct sg_changes *changes)
{
    ovs_assert(s->state == S_READY && !sg_switch_busy(s));
    if (!changes->n) {
        return;
    }

    sg_flush_run(s);
    s->bundle = bundle_create(changes);
    if (s->bundle->n == 1) {
        send_alone(s);
    } else {
        s->bundle->open_xid = send_control(s, OFPBCT_OPEN_REQUEST);
        if (s->bundle->n <= FEW) {
            s->bundle->at_once = is_readable(s, s->bundle);
            run_adding(s, LLONG_MAX);
        }
    }
    sg_link_flush(&s->link);
    s->more = true;
    s->seqno++;
}

static void
bundle_done(struct sg_switch *s)
{
    s->stats.bundles++;
    s->stats.at_once += s->bundle->at_once;
    s->stats.flow_mods += s->bundle->n;
    sg_bundle_destroy(s->bundle);
    s->bundle = NULL;
    free(s->error);
    s->error = NULL;
    s->backoff = 0;
    s->seqno++;
}

/* The switch has carried out 'mod': so must we. */
static void
apply_mod(struct sg_switch *s, struct flow_mod *mod)
{
    if (mod->delete) {
        struct sg_flow *flow = sg_flows_find(&s->installed, mod->flow);

        if (flow) {
            sg_flows_remove(&s->installed, flow);
        }
    } else {
        sg_foreign_remove(s, mod->flow);
        sg_flows_put(&s->installed, mod->flow);
        if (s->bundle->n <= FEW) {
            sg_taken_add(&s->taken, mod->flow);
        }
    }
    mod->flow = NULL;
}

/* At once: behind the reply, and before that to the barrier, may be what
 * others did since. */
static void
run_applying(struct sg_switch *s, long long int deadline)
{
    struct sg_bundle *b = s->bundle;

    while (b->n_applied < b->n) {
        apply_mod(s, &b->mods[b->n_applied++]);
        if (!(b->n_applied % 256) && time_usec() >= deadline) {
            s->more = true;
            return;
        }
    }
    b->state = B_COMMITTED;
    s->more = true;             /* There may be messages to read. */
}

/* The flow monitor says that a message of ours, with 'xid', has changed
 * flows. */
void
sg_bundle_handle_own(struct sg_switch *s, ovs_be32 xid)
{
    struct sg_bundle *b = s->bundle;

    if (b && b->state == B_ALONE && b->mods[0].xid == xid && !b->n_applied) {
        b->n_applied = 1;
        apply_mod(s, &b->mods[0]);
    }
}

/* While this is true no message may be read: what others do after our bundle
 * must come after it in 'installed', too. */
bool
sg_bundle_is_applying(const struct sg_switch *s)
{
    return s->bundle && s->bundle->state == B_APPLYING;
}

static void
bundle_failed(struct sg_switch *s)
{
    VLOG_ERR_RL(&rl, "%s: %s; %s was changed", s->bridge, s->bundle->error,
                s->bundle->torn ? "the rest" : "nothing");
    s->stats.refused++;
    if (s->bundle->torn) {
        sg_taken_clear(&s->taken);
        s->redump = true;
    } else {
        s->backoff = (s->backoff ? MIN(2 * s->backoff, MAX_BACKOFF)
                      : MIN_BACKOFF);
        s->retry_at = time_msec() + s->backoff;
    }
    free(s->error);
    s->error = s->bundle->error;
    s->bundle->error = NULL;
    sg_bundle_destroy(s->bundle);
    s->bundle = NULL;
    s->more = true;
    s->seqno++;
}

static const struct flow_mod *
find_mod(const struct sg_bundle *b, ovs_be32 xid)
{
    for (size_t i = 0; i < b->n_sent; i++) {
        if (b->mods[i].xid == xid) {
            return &b->mods[i];
        }
    }
    return NULL;
}

static char *
describe_error(const char *reason, const struct flow_mod *mod)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "the switch refused a change of flows (%s)", reason);
    if (mod) {
        ds_put_format(&s, " when it was to %s flow \"",
                      mod->delete ? "delete" : "add");
        sg_flow_format(mod->flow, &s);
        ds_put_char(&s, '"');
    }
    return ds_steal_cstr(&s);
}

static bool
handle_error(struct sg_switch *s, const struct ofp_header *oh)
{
    struct sg_bundle *b = s->bundle;
    const struct flow_mod *mod = find_mod(b, oh->xid);

    if (!mod && oh->xid != b->open_xid && oh->xid != b->close_xid
        && oh->xid != b->commit_xid) {
        return false;
    }
    if (!b->error) {
        const char *reason = ofperr_to_string(ofperr_decode_msg(oh, NULL));

        b->error = describe_error(reason, mod);
    }
    if (b->state != B_FAILED) {
        if (b->state < B_COMMITTING) {      /* Else there is a barrier. */
            send_control(s, OFPBCT_DISCARD_REQUEST);
            send_barrier(s);
        }
        b->state = B_FAILED;
    }
    return true;
}

static bool
handle_control(struct sg_switch *s, const struct ofp_header *oh)
{
    struct sg_bundle *b = s->bundle;

    if (b->state == B_CLOSING && oh->xid == b->close_xid) {
        send_commit(s);
    } else if (b->state == B_COMMITTING && oh->xid == b->commit_xid) {
        b->state = B_APPLYING;
    } else if (b->state == B_FAILED && oh->xid == b->commit_xid) {
        b->torn = true;
    }
    return true;
}

static bool
handle_barrier(struct sg_switch *s, const struct ofp_header *oh)
{
    struct sg_bundle *b = s->bundle;

    if (oh->xid != b->barrier_xid) {
        return false;
    }
    if (b->state == B_ALONE && !b->n_applied) {
        apply_mod(s, &b->mods[0]);      /* There was nothing to change. */
    }
    if (b->state == B_COMMITTED || b->state == B_ALONE) {
        bundle_done(s);
    } else if (b->state == B_FAILED) {
        bundle_failed(s);
    }
    return true;
}

/* Handles an error, a bundle control or a barrier reply.  Returns false if it
 * is not about our bundle. */
bool
sg_bundle_handle(struct sg_switch *s, const struct ofp_header *oh)
{
    enum ofptype type;

    if (!s->bundle || ofptype_decode(&type, oh)) {
        return false;
    }
    switch ((int) type) {
    case OFPTYPE_ERROR:
        return handle_error(s, oh);
    case OFPTYPE_BUNDLE_CONTROL:
        return handle_control(s, oh);
    case OFPTYPE_BARRIER_REPLY:
        return handle_barrier(s, oh);
    default:
        return false;
    }
}

void
sg_bundle_run(struct sg_switch *s, long long int deadline)
{
    if (s->retry_at && time_msec() >= s->retry_at) {
        s->retry_at = 0;
        s->seqno++;
    }
    if (s->bundle && s->bundle->state == B_ADDING) {
        run_adding(s, deadline);
    }
    if (sg_bundle_is_applying(s)) {
        run_applying(s, deadline);
    }
}

void
sg_bundle_wait(struct sg_switch *s)
{
    if (s->retry_at) {
        poll_timer_wait_until(s->retry_at);
    }
}
