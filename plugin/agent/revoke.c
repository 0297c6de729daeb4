/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* When a review may end
 * =====================
 *
 * A review (compile/review.h) stays as long as the connection table holds a
 * connection that it concerns and that no packet has come along for yet: one
 * that carries a number of which the policy of now would not say that it
 * allows it.  If the review went earlier, the first late packet would revive
 * it; and if another rule allows it for now, nobody would notice when that
 * rule goes.
 *
 * So while there are reviews the table is read now and then, seldomer each
 * time, and not before the datapath has followed the tables: by its flows of
 * before a connection may still begin, with a number that is revoked, and
 * nobody would look at it later.
 *
 * TCP connections that must go are also removed from the table: a new one must
 * begin with a SYN, so nothing can revive them, and their ports are free for a
 * new attempt at once.  Others must stay and carry the cut bit: without their
 * entry, an answer would begin a connection the other way round.
 *
 * As long as no policy has loaded nobody can say what is allowed, nor what a
 * guest is: all reviews stay, and what they found stays in the table. */

#include "agent/core-private.h"

#include "compile/pipeline.h"
#include "coverage.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "policy/eval.h"
#include "switch/control.h"
#include "switch/switch.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_revoke);
COVERAGE_DEFINE(sg_review_looked_at);

#define FIRST_DUMP 500          /* Milliseconds after a revocation. */
#define LONGEST_PAUSE 30000

void
sg_core_revoke_soon(struct sg_core *core)
{
    core->dump_interval = FIRST_DUMP;
    core->next_dump = MIN(core->next_dump, time_msec() + FIRST_DUMP);
}

static bool
core_has_reviews(const struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        if (!hmap_is_empty(&b->reviews.reviews)) {
            return true;
        }
    }
    return false;
}

/* A connection, from the point of view of the port whose zone it is in. */
struct view {
    const struct sg_plan_endpoint *ep;
    enum sg_direction dir;      /* Who began. */
    bool numbered;              /* Its number told 'dir'; */
    bool sure;                  /* that, or an address did. */
    struct sg_prefix own, remote;
};

/* The number knows in which direction the rule was; failing that, the
 * addresses must say.  They cannot if neither is the guest's own: it has lost
 * it, or may send from any (no port security). */
static void
view_find_direction(struct view *view, const struct sg_core *core,
                    const struct sg_conn *conn, const struct sg_prefix *src,
                    const struct sg_prefix *dst)
{
    uint32_t number = conn->mark & SG_MARK_ID;
    const struct sg_id *id = sg_ids_by_id(&core->compiler->numbers, number);
    bool from_here = sg_port_owns(view->ep->port, src);

    view->numbered = id != NULL;
    view->sure = id || from_here || sg_port_owns(view->ep->port, dst);
    if (id) {
        from_here = !strncmp(id->key, "egress ", 7);
    }
    view->dir = from_here ? SG_EGRESS : SG_INGRESS;
}

static bool
conn_view(const struct sg_core *core, const struct sg_core_bridge *b,
          const struct sg_conn *conn, struct view *view)
{
    struct sg_prefix src, dst;

    view->ep = sg_plan_endpoint(b->plan, conn->zone);
    if (!view->ep) {
        return false;
    }
    sg_prefix_from_ipv6(&conn->src, 128, &src);
    sg_prefix_from_ipv6(&conn->dst, 128, &dst);
    view_find_direction(view, core, conn, &src, &dst);
    view->own = view->dir == SG_EGRESS ? src : dst;
    view->remote = view->dir == SG_EGRESS ? dst : src;
    return true;
}

static bool
conn_is_allowed(const struct sg_core *core, const struct sg_conn *conn,
                const struct view *view)
{
    bool icmp = (conn->proto == IPPROTO_ICMP
                 || conn->proto == IPPROTO_ICMPV6);
    struct sg_flowspec spec = {
        .remote = view->remote,
        .proto = conn->proto,
        .port = icmp ? conn->dport >> 8 : conn->dport,
        .code = icmp ? conn->dport & 0xff : -1,
    };

    return sg_eval(core->loaded->policy, &core->ports, view->ep->port,
                   view->ep->endpoint, view->dir, &spec) != NULL;
}

/* Can 'conn' be removed from the table because no rule allows it?  If it is
 * not sure what to ask the rules, its next packet tells. */
static bool
conn_may_go(const struct sg_core *core, const struct sg_conn *conn,
            const struct view *view)
{
    return (conn->proto == IPPROTO_TCP && view->sure
            && !conn_is_allowed(core, conn, view));
}

/* Does the number that 'conn' carries stand for what allows it now?  If not,
 * what ends with that number, or begins later with another one, would pass it
 * by. */
static bool
conn_is_attributed(const struct sg_core *core, const struct sg_conn *conn,
                   const struct view *view)
{
    const struct sg_fragment *frag
        = sg_profile_find_number(view->ep->profile,
                                 conn->mark & SG_MARK_NUMBER);

    return frag && sg_peer_contains(core->loaded->policy, &core->ports,
                                    frag->peer, view->ep->network->name,
                                    &view->remote);
}

/* Is the guest's end in 'prefix', which it has lost?  Addresses do not tell
 * which end that is: the guest may have been given its peer's since. */
static bool
has_lost(const struct view *view, const struct sg_prefix *prefix)
{
    return (sg_prefix_contains(prefix, &view->own)
            || (!view->numbered
                && sg_prefix_contains(prefix, &view->remote)));
}

/* Does 'conn' need 'r'?  One that was cut is judged again without it, but by
 * the rules only, which do not know that an address has gone. */
static bool
review_concerns(const struct sg_core *core, const struct sg_review *r,
                const struct sg_conn *conn, const struct view *view)
{
    if (conn->mark & SG_MARK_CUT && r->kind != SG_REVIEW_OWN) {
        return false;
    }
    switch (r->kind) {
    case SG_REVIEW_NUMBER:
        return (conn->mark & SG_MARK_NUMBER) == r->value;
    case SG_REVIEW_OWN:
        return conn->zone == r->value && has_lost(view, &r->prefix);
    case SG_REVIEW_ADDRESS:
        return (view->ep->network->id == r->value
                && !(conn->mark & SG_MARK_DRAIN)
                && sg_prefix_contains(&r->prefix, &view->remote)
                && !conn_is_attributed(core, conn, view));
    case SG_REVIEW_ZONE:
        return (conn->zone == r->value
                && !(conn->mark & SG_MARK_DRAIN)
                && !conn_is_attributed(core, conn, view));
    }
    return false;
}

/* What there is to be found out about one connection. */
struct reading {
    struct sg_core *core;
    struct sg_core_bridge *b;
    const struct sg_conn *conn;
    struct view view;
    bool stop;                  /* It can be removed from the table. */
};

/* 'r' may be about the connection. */
static void
apply_review(struct reading *reading, struct sg_review *r)
{
    if (!r) {
        return;
    }
    COVERAGE_INC(sg_review_looked_at);
    if (review_concerns(reading->core, r, reading->conn, &reading->view)) {
        reading->stop |= (r->kind == SG_REVIEW_OWN
                          || conn_may_go(reading->core, reading->conn,
                                         &reading->view));
        r->needed = reading->core->dump_asked;
    }
}

static void
apply_reviews_around(struct reading *reading, enum sg_review_kind kind,
                     uint32_t value, const struct sg_prefix *host)
{
    const struct sg_reviews *reviews = &reading->b->reviews;
    struct sg_review *r;
    int plen = -1;

    while ((r = sg_reviews_next_around(reviews, kind, value, host, &plen))) {
        apply_review(reading, r);
    }
}

/* There may be tens of thousands of reviews, and of connections: those that
 * may be about one are looked up. */
static void
apply_reviews(struct reading *reading)
{
    const struct sg_reviews *reviews = &reading->b->reviews;
    const struct sg_conn *conn = reading->conn;
    const struct view *view = &reading->view;

    apply_review(reading, sg_reviews_find(reviews, SG_REVIEW_NUMBER,
                                          conn->mark & SG_MARK_NUMBER, NULL));
    apply_review(reading, sg_reviews_find(reviews, SG_REVIEW_ZONE, conn->zone,
                                          NULL));
    apply_reviews_around(reading, SG_REVIEW_OWN, conn->zone, &view->own);
    apply_reviews_around(reading, SG_REVIEW_OWN, conn->zone, &view->remote);
    apply_reviews_around(reading, SG_REVIEW_ADDRESS, view->ep->network->id,
                         &view->remote);
}

/* Looks at one connection for all reviews of its bridge; returns true if it
 * can be removed from the table. */
static bool
review_conn(struct sg_core *core, struct sg_core_bridge *b,
            const struct sg_conn *conn)
{
    struct reading reading = { .core = core, .b = b, .conn = conn };
    bool cut = conn->mark & SG_MARK_CUT;

    if (!conn_view(core, b, conn, &reading.view)) {
        return false;
    }
    reading.stop = cut && conn_may_go(core, conn, &reading.view);
    apply_reviews(&reading);
    if (reading.stop || cut) {
        sg_core_cuts_count(core, reading.view.ep->port, conn);
    }
    return reading.stop;
}

static bool
bridge_review_conns(struct sg_core *core, struct sg_core_bridge *b,
                    struct sg_slice *slice)
{
    size_t n;
    const struct sg_conn *conns
        = sg_control_connections(core->revoke_control, &n);

    while (b->n_reviewed < n) {
        const struct sg_conn *conn = &conns[b->n_reviewed++];

        if (review_conn(core, b, conn)) {
            sg_switch_flush_conn(b->sw, conn);
            b->n_removed++;
        }
        /* All rules of the port may have been asked about it. */
        if (sg_slice_ends(slice)) {
            return b->n_reviewed == n;
        }
    }
    return true;
}

/* Reviews that no connection needs have done their work. */
static bool
bridge_end_reviews(struct sg_core *core, struct sg_core_bridge *b,
                   struct sg_slice *slice)
{
    struct ovs_list *list = &b->reviews.in_order;

    for (; b->n_unended && !ovs_list_is_empty(list); b->n_unended--) {
        struct sg_review *r = CONTAINER_OF(ovs_list_front(list),
                                           struct sg_review, in_order);

        if (sg_slice_over(slice)) {
            return false;
        }
        if (r->since >= core->dump_asked || r->needed == core->dump_asked) {
            ovs_list_remove(&r->in_order);
            ovs_list_push_back(list, &r->in_order);
        } else {
            sg_reviews_remove(&b->reviews, r);
            core->dump_ended = true;
        }
    }
    return true;
}

/* Is what the last pass found in force there? */
static bool
bridge_is_settled(const struct sg_core *core, const struct sg_core_bridge *b)
{
    return (b->holding == SG_HOLD_ALL && sg_switch_installed(b->sw)
            && !b->learning && b->applied_pass == core->pass);
}

static void
core_begin_reading(struct sg_core *core)
{
    struct shash_node *node;

    sg_core_cuts_begin(core);
    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        b->n_reviewed = b->n_removed = 0;
        b->n_unended = hmap_count(&b->reviews.reviews);
    }
    core->dump_reading = true;
}

/* The connections of 'b' first: a review ends when all of them are known. */
static bool
bridge_read_dump(struct sg_core *core, struct sg_core_bridge *b,
                 struct sg_slice *slice)
{
    if (!bridge_review_conns(core, b, slice)
        || !bridge_end_reviews(core, b, slice)) {
        return false;
    }
    if (b->n_removed) {
        VLOG_INFO("%s: removed %"PRIuSIZE" revoked connections", b->name,
                  b->n_removed);
    }
    return true;
}

static bool
core_read_dump(struct sg_core *core, struct sg_slice *slice)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        if (b->dumped && bridge_is_settled(core, b)
            && !strcmp(b->datapath_type, core->conntrack_type)
            && !bridge_read_dump(core, b, slice)) {
            return false;
        }
        b->dumped = false;
    }
    return true;
}

static void
core_schedule_dump(struct sg_core *core)
{
    if (!core_has_reviews(core)) {
        core->next_dump = LLONG_MAX;
        return;
    }
    core->dump_interval = MIN(MAX(core->dump_interval, FIRST_DUMP) * 2,
                              LONGEST_PAUSE);
    core->next_dump = time_msec() + core->dump_interval;
}

/* Only a bridge where reviews are in force can be asked about: what they are
 * to find still begins until then, and would not be in the dump. */
static struct sg_core_bridge *
core_mark_dumped(struct sg_core *core)
{
    struct sg_core_bridge *first = NULL;
    struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        b->dumped = bridge_is_settled(core, b);
        if (!first && b->dumped && !hmap_is_empty(&b->reviews.reviews)) {
            first = b;
        }
    }
    return first;
}

/* Does the datapath forward by the tables of when the dump was begun? */
static bool
core_datapath_followed(struct sg_core *core)
{
    /* A switch with datapaths of two types refuses to wait: as it is. */
    return (sg_control_run(core->revoke_control) != SG_CONTROL_PENDING
            && sg_core_stale_followed(core, core->dump_asked));
}

static void
core_ask_for_dump(struct sg_core *core)
{
    if (core_datapath_followed(core)) {
        core->dump_waits = false;
        sg_control_start_connections(core->revoke_control,
                                     core->conntrack_type, -1);
    }
}

static void
core_start_dump(struct sg_core *core)
{
    /* One kind of datapath at a time; nobody has two for long. */
    const struct sg_core_bridge *b = core_mark_dumped(core);

    if (!b) {
        core->next_dump = time_msec() + FIRST_DUMP;
        return;
    }
    free(core->conntrack_type);
    core->conntrack_type = xstrdup(b->datapath_type);
    core->dump_asked = time_msec();
    core->dump_waits = true;
    if (sg_core_stale_purged_all(core)) {
        sg_control_reset(core->revoke_control);
    } else {
        sg_control_start_wait(core->revoke_control);
    }
    core_ask_for_dump(core);
}

/* What a dump was asked for is over, or given up. */
static void
core_end_dump(struct sg_core *core)
{
    core->dirty |= core->dump_ended;
    core->dump_ended = core->dump_reading = false;
    core->dump_asked = 0;
    core_schedule_dump(core);
}

/* A pass that comes between two slices may change what the connections were
 * asked about: then what is left waits for the next dump. */
static void
core_follow_dump(struct sg_core *core, struct sg_slice *slice)
{
    enum sg_control_status status = sg_control_run(core->revoke_control);

    if (status == SG_CONTROL_PENDING) {
        return;
    } else if (status == SG_CONTROL_FAILED) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_INFO_RL(&rl, "cannot read the connection table (%s); revoked "
                     "connections stay under review",
                     sg_control_error(core->revoke_control));
    } else if (status == SG_CONTROL_DONE && !core->dirty && !core->passing) {
        if (!core->dump_reading) {
            core_begin_reading(core);
        }
        if (!core_read_dump(core, slice)) {
            return;
        }
        sg_core_cuts_end(core);
    }
    core_end_dump(core);
}

void
sg_core_revoke_run(struct sg_core *core, struct sg_slice *slice)
{
    if (core->dump_waits) {
        core_ask_for_dump(core);
    } else if (core->dump_asked) {
        core_follow_dump(core, slice);
    } else if (!core->have_policy || !core_has_reviews(core)) {
        core->next_dump = LLONG_MAX;    /* They may have gone otherwise. */
    } else if (core->next_dump == LLONG_MAX) {
        sg_core_revoke_soon(core);
    } else if (time_msec() >= core->next_dump) {
        core_start_dump(core);
    }
}

void
sg_core_revoke_wait(struct sg_core *core)
{
    if (core->dump_reading) {
        poll_immediate_wake();
    } else if (core->dump_asked) {
        sg_control_wait(core->revoke_control);
    } else if (core->next_dump != LLONG_MAX) {
        poll_timer_wait_until(core->next_dump);
    }
}
