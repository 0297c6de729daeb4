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
 * time.  TCP connections that must go are also removed from it: a new one
 * must begin with a SYN, so nothing can revive them, and their ports are free
 * for a new attempt at once.  Others must stay and carry the cut bit: without
 * their entry, an answer would begin a connection the other way round.
 *
 * As long as no policy has loaded nobody can say what is allowed, nor what a
 * guest is: all reviews stay, and what they found stays in the table. */

#include "agent/core-private.h"

#include "compile/pipeline.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "policy/eval.h"
#include "switch/conntrack.h"
#include "switch/switch.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_revoke);

#define FIRST_DUMP 500          /* Milliseconds after a revocation. */
#define LONGEST_PAUSE 30000

void
sg_core_revoke_soon(struct sg_core *core)
{
    core->dump_interval = FIRST_DUMP;
    core->next_dump = time_msec() + core->dump_interval;
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
    bool sure;                  /* Something told 'dir'. */
    struct sg_prefix own, remote;
};

/* The number knows in which direction the rule was; failing that, the
 * addresses must say.  They cannot if neither is the guest's own: it has lost
 * it, or may send from any (no port security). */
static enum sg_direction
conn_direction(const struct sg_core *core, const struct sg_conn *conn,
               const struct sg_port *port, const struct sg_prefix *src,
               const struct sg_prefix *dst, bool *sure)
{
    uint32_t number = conn->mark & SG_MARK_ID;
    const struct sg_id *id = sg_ids_by_id(&core->compiler->numbers, number);

    *sure = id || sg_port_owns(port, src) || sg_port_owns(port, dst);
    if (id) {
        return !strncmp(id->key, "egress ", 7) ? SG_EGRESS : SG_INGRESS;
    }
    return sg_port_owns(port, src) ? SG_EGRESS : SG_INGRESS;
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
    view->dir = conn_direction(core, conn, view->ep->port, &src, &dst,
                               &view->sure);
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
conn_is_attributed(const struct sg_core *core,
                   const struct sg_core_bridge *b,
                   const struct sg_conn *conn, const struct view *view)
{
    const struct sg_fragment *frag
        = sg_plan_find_number(b->plan, view->ep->profile,
                              conn->mark & SG_MARK_NUMBER);

    return frag && sg_peer_contains(core->loaded->policy, &core->ports,
                                    frag->peer, view->ep->network->name,
                                    &view->remote);
}

/* Is the guest's end in 'prefix', which it has lost?  If nothing else told
 * the ends apart (conn_direction()), it may be the one taken for remote. */
static bool
has_lost(const struct view *view, const struct sg_prefix *prefix)
{
    return (sg_prefix_contains(prefix, &view->own)
            || (!sg_port_owns(view->ep->port, &view->own)
                && sg_prefix_contains(prefix, &view->remote)));
}

/* Does 'conn' need 'r'?  One that was cut is judged again without it, but by
 * the rules only, which do not know that an address has gone. */
static bool
review_concerns(const struct sg_core *core, const struct sg_core_bridge *b,
                const struct sg_review *r, const struct sg_conn *conn,
                const struct view *view)
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
                && !conn_is_attributed(core, b, conn, view));
    case SG_REVIEW_ZONE:
        return (conn->zone == r->value
                && !(conn->mark & SG_MARK_DRAIN)
                && !conn_is_attributed(core, b, conn, view));
    }
    return false;
}

/* Looks at one connection for all reviews of its bridge; returns true if it
 * can be removed from the table. */
static bool
review_conn(struct sg_core *core, struct sg_core_bridge *b,
            const struct sg_conn *conn, struct sg_reviews *needed)
{
    struct view view;
    struct sg_review *r;
    bool stop;

    if (!conn_view(core, b, conn, &view)) {
        return false;
    }
    stop = conn->mark & SG_MARK_CUT && conn_may_go(core, conn, &view);
    HMAP_FOR_EACH (r, node, &b->reviews.reviews) {
        if (review_concerns(core, b, r, conn, &view)) {
            stop |= (r->kind == SG_REVIEW_OWN
                     || conn_may_go(core, conn, &view));
            sg_reviews_add(needed, r->kind, r->value,
                           &r->prefix, r->since);
        }
    }
    if (stop || conn->mark & SG_MARK_CUT) {
        sg_core_cuts_count(core, view.ep->port, conn);
    }
    return stop;
}

/* Reviews that no connection needs have done their work. */
static void
bridge_end_reviews(struct sg_core *core, struct sg_core_bridge *b,
                   long long int asked, const struct sg_reviews *needed)
{
    struct sg_review *r;

    HMAP_FOR_EACH_SAFE (r, node, &b->reviews.reviews) {
        const struct sg_review *n;
        bool keep = r->since >= asked;

        HMAP_FOR_EACH_WITH_HASH (n, node, r->node.hash, &needed->reviews) {
            keep |= (n->kind == r->kind && n->value == r->value
                     && sg_prefix_equals(&n->prefix, &r->prefix));
        }
        if (!keep) {
            sg_reviews_remove(&b->reviews, r);
            core->dirty = true;
        }
    }
}

static void
bridge_read_dump(struct sg_core *core, struct sg_core_bridge *b)
{
    struct sg_reviews needed;
    size_t n, removed = 0;
    const struct sg_conn *conns = sg_conntrack_entries(core->conntrack, &n);

    sg_reviews_init(&needed);
    for (size_t i = 0; i < n; i++) {
        if (review_conn(core, b, &conns[i], &needed)) {
            sg_switch_flush_conn(b->sw, &conns[i]);
            removed++;
        }
    }
    if (removed) {
        VLOG_INFO("%s: removed %"PRIuSIZE" revoked connections", b->name,
                  removed);
    }
    bridge_end_reviews(core, b, core->dump_asked, &needed);
    sg_reviews_destroy(&needed);
}

/* Is what the last pass found in force there? */
static bool
bridge_is_settled(const struct sg_core *core, const struct sg_core_bridge *b)
{
    return (b->holding == SG_HOLD_ALL && sg_switch_installed(b->sw)
            && b->applied_pass == core->pass);
}

static void
core_read_dump(struct sg_core *core)
{
    struct shash_node *node;

    sg_core_cuts_begin(core);
    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        if (b->dumped && bridge_is_settled(core, b)
            && !strcmp(b->datapath_type, core->conntrack_type)) {
            bridge_read_dump(core, b);
        }
    }
    sg_core_cuts_end(core);
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
    sg_conntrack_start(core->conntrack, b->datapath_type, -1);
}

void
sg_core_revoke_run(struct sg_core *core)
{
    enum sg_conntrack_status status = sg_conntrack_run(core->conntrack);

    if (core->dump_asked && status != SG_CT_PENDING) {
        if (status == SG_CT_DONE && !core->dirty && !core->passing) {
            core_read_dump(core);
        } else if (status == SG_CT_FAILED) {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

            VLOG_INFO_RL(&rl, "cannot read the connection table (%s); "
                         "revoked connections stay under review",
                         sg_conntrack_error(core->conntrack));
        }
        core->dump_asked = 0;
        core_schedule_dump(core);
    } else if (core->have_policy && !core->dump_asked
               && core_has_reviews(core)) {
        if (core->next_dump == LLONG_MAX) {
            sg_core_revoke_soon(core);
        } else if (time_msec() >= core->next_dump) {
            core_start_dump(core);
        }
    }
}

void
sg_core_revoke_wait(struct sg_core *core)
{
    if (core->dump_asked) {
        sg_conntrack_wait(core->conntrack);
    } else if (core->next_dump != LLONG_MAX) {
        poll_timer_wait_until(core->next_dump);
    }
}
