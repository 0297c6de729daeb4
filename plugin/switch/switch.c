/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/switch-private.h"

#include <stdlib.h>

#include "byte-order.h"
#include "openflow/openflow.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/rconn.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_switch);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 10);

/* How long one turn of the main loop may spend on one bridge. */
#define SLICE 5000              /* usec */

struct sg_switch *
sg_switch_create(const char *bridge, const char *target,
                 uint16_t lowest_priority, bool (*is_our_table)(uint8_t))
{
    struct sg_switch *s = xzalloc(sizeof *s);

    s->bridge = xstrdup(bridge);
    s->lowest_priority = lowest_priority;
    s->is_our_table = is_our_table;

    sg_link_init(&s->link, target, target,
                 (1u << OFP15_VERSION) | (1u << OFP14_VERSION));
    s->link_seqno = rconn_get_connection_seqno(s->link.rconn);
    sg_flows_init(&s->installed);
    sg_foreign_init(&s->foreign);
    sg_dump_init(&s->dump);
    sg_taken_init(&s->taken);
    ovs_list_init(&s->shown);
    s->noflood = sg_noflood_create(bridge, target);
    return s;
}

void
sg_switch_destroy(struct sg_switch *s)
{
    struct sg_shown *shown;

    if (s) {
        sg_link_destroy(&s->link);
        sg_noflood_destroy(s->noflood);
        sg_bundle_destroy(s->bundle);
        sg_taken_destroy(&s->taken);
        sg_dump_destroy(&s->dump);
        sg_foreign_destroy(&s->foreign);
        sg_flows_discard(&s->installed);
        sg_flows_destroy(&s->installed);
        sg_flush_destroy(s);
        while ((shown = sg_switch_next_shown(s)) != NULL) {
            sg_shown_destroy(shown);
        }
        free(s->monitor.example);
        free(s->error);
        free(s->bridge);
        free(s);
    }
}

bool
sg_switch_is_ours(ovs_be64 cookie)
{
    return (ntohll(cookie) & SG_COOKIE_MASK) == SG_COOKIE_MAGIC;
}

ovs_be32
sg_switch_xid(const struct ofpbuf *msg)
{
    return ((const struct ofp_header *) msg->data)->xid;
}

/* Takes 'msg'.  If the connection is lost it is lost, too; the new connection
 * begins with a dump, so that does not matter. */
void
sg_switch_send(struct sg_switch *s, struct ofpbuf *msg)
{
    rconn_send(s->link.rconn, msg, NULL);
}

/* Forgets all that was under way on a connection that is gone. */
static void
connection_lost(struct sg_switch *s)
{
    if (s->state != S_CONNECTING) {
        VLOG_INFO("%s: connection lost", s->bridge);
        s->state = S_CONNECTING;
        s->seqno++;
    }
    sg_bundle_destroy(s->bundle);
    s->bundle = NULL;
    sg_taken_clear(&s->taken);
    sg_flush_connection_lost(s);
    s->redump = false;
    s->uses_xid = 0;
}

static void
check_connection(struct sg_switch *s)
{
    unsigned int seqno = rconn_get_connection_seqno(s->link.rconn);

    if (seqno != s->link_seqno) {
        s->link_seqno = seqno;
        connection_lost(s);
    }
    if (s->state == S_CONNECTING && rconn_is_connected(s->link.rconn)) {
        s->version = rconn_get_version(s->link.rconn);
        VLOG_INFO("%s: connected with OpenFlow version 0x%02x", s->bridge,
                  s->version);
        sg_shown_start(s);
        sg_monitor_start(s);    /* First, so that the dump misses nothing. */
        sg_dump_start(s);
    }
}

static void
handle_error(struct sg_switch *s, const struct ofp_header *oh)
{
    if (!sg_bundle_handle(s, oh) && !sg_monitor_handle_error(s, oh)) {
        VLOG_WARN_RL(&rl, "%s: the switch refused a request (%s)", s->bridge,
                     ofperr_to_string(ofperr_decode_msg(oh, NULL)));
    }
}

static void
handle_message(struct sg_switch *s, const struct ofp_header *oh)
{
    enum ofptype type;

    if (ofptype_decode(&type, oh)) {
        return;
    }
    switch ((int) type) {
    case OFPTYPE_ECHO_REQUEST:
        sg_switch_send(s, ofputil_encode_echo_reply(oh));
        break;
    case OFPTYPE_ERROR:
        handle_error(s, oh);
        break;
    case OFPTYPE_BARRIER_REPLY:
        if (!sg_flush_handle_barrier(s, oh)) {
            sg_bundle_handle(s, oh);
        }
        break;
    case OFPTYPE_BUNDLE_CONTROL:
        sg_bundle_handle(s, oh);
        break;
    case OFPTYPE_FLOW_STATS_REPLY:
        if (!sg_shown_handle_uses(s, oh)) {
            sg_dump_handle(s, oh);
        }
        break;
    case OFPTYPE_PACKET_IN:
        sg_shown_handle(s, oh);
        break;
    case OFPTYPE_GET_CONFIG_REPLY:
        sg_shown_handle_config(s, oh);
        break;
    case OFPTYPE_FLOW_MONITOR_STATS_REPLY:
        sg_monitor_handle_update(s, oh);
        break;
    default:
        break;                  /* Nothing else concerns us. */
    }
}

static void
receive(struct sg_switch *s, long long int deadline)
{
    while (!sg_bundle_is_applying(s)) {
        if (time_usec() >= deadline) {
            s->more = true;
            return;
        }

        struct ofpbuf *msg = rconn_recv(s->link.rconn);

        if (!msg) {
            return;
        }
        handle_message(s, msg->data);
        ofpbuf_delete(msg);
    }
}

void
sg_switch_run(struct sg_switch *s)
{
    long long int deadline = time_usec() + SLICE;

    s->more = false;
    sg_link_run(&s->link);
    check_connection(s);
    receive(s, deadline);
    check_connection(s);
    sg_bundle_run(s, deadline);
    sg_flush_run(s);
    sg_monitor_run(s);
    if (s->redump && s->state == S_READY && !s->bundle) {
        sg_dump_start(s);
    }
    sg_link_flush(&s->link);
    if (sg_noflood_run(s->noflood, deadline)) {
        s->seqno++;
    }
}

void
sg_switch_wait(struct sg_switch *s)
{
    if (s->more) {
        poll_immediate_wake();
    }
    sg_link_wait(&s->link);
    sg_bundle_wait(s);
    sg_noflood_wait(s->noflood);
}

unsigned int
sg_switch_seqno(const struct sg_switch *s)
{
    return s->seqno;
}

const struct sg_flows *
sg_switch_installed(const struct sg_switch *s)
{
    return s->state == S_READY ? &s->installed : NULL;
}

unsigned int
sg_switch_generation(const struct sg_switch *s)
{
    return s->generation;
}

size_t
sg_switch_n_foreign(const struct sg_switch *s)
{
    return s->foreign.n_table0;
}

size_t
sg_switch_n_bypassing(const struct sg_switch *s)
{
    return s->foreign.n_bypassing;
}

size_t
sg_switch_n_misplaced(const struct sg_switch *s)
{
    return sg_flows_count(&s->foreign.flows) - s->foreign.n_table0;
}

void
sg_switch_set_no_flood(struct sg_switch *s,
                       const struct sg_switch_port *ports, size_t n)
{
    /* What the owner has said before must not keep the main loop from
     * sleeping. */
    if (sg_noflood_set(s->noflood, ports, n)) {
        s->more = true;
    }
}

void
sg_switch_want_no_flood(struct sg_switch *s, const char *name,
                        ofp_port_t ofport)
{
    if (sg_noflood_want(s->noflood, name, ofport)) {
        s->more = true;
    }
}

char *
sg_switch_next_no_flood_news(struct sg_switch *s)
{
    return sg_noflood_next_news(s->noflood);
}

bool
sg_switch_no_flood_confirmed(const struct sg_switch *s, ofp_port_t ofport)
{
    return sg_noflood_confirmed(s->noflood, ofport);
}

bool
sg_switch_no_flood_all_confirmed(const struct sg_switch *s)
{
    return sg_noflood_all_confirmed(s->noflood);
}

const char *
sg_switch_port_name(const struct sg_switch *s, ofp_port_t ofport)
{
    return sg_noflood_port_name(s->noflood, ofport);
}

void
sg_switch_get_stats(const struct sg_switch *s, struct sg_switch_stats *stats)
{
    *stats = s->stats;
}
