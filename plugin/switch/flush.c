/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/switch-private.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "openflow/nicira-ext.h"
#include "openvswitch/ofp-ct.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "switch/control.h"
#include "util.h"

/* Flushes are kept until there is a connection, and those of zones until the
 * switch has confirmed them, by a barrier of their own: a zone that was to be
 * empty before its next owner gets it must not be full because the switch
 * happened to restart.  (A switch that restarts empties conntrack only with
 * the userspace datapath.)  What was sent on a connection that is lost is sent
 * again on the next one.
 *
 *   flushes:  [ sent, not confirmed | not sent ]
 *               0 ... n_sent          n_sent ... n_flushes
 *
 * A single connection that was to go, and is still there, is found again by
 * the next look at the connection table. */
struct sg_flush {
    bool whole_zone;            /* 'conn.zone' is all that counts. */
    struct sg_conn conn;
};

static void
append(struct sg_switch *s, const struct sg_flush *flush)
{
    if (s->n_flushes >= s->allocated_flushes) {
        s->flushes = x2nrealloc(s->flushes, &s->allocated_flushes,
                                sizeof *s->flushes);
    }
    s->flushes[s->n_flushes++] = *flush;
    s->more = true;
}

void
sg_switch_flush_zone(struct sg_switch *s, uint16_t zone)
{
    append(s, &(struct sg_flush) { .whole_zone = true, .conn.zone = zone });
}

/* Open vSwitch 3.1 aborts when it is told to flush a connection of ICMPv6: it
 * looks for the type of the answer among those of ICMP (lib/conntrack.c,
 * tuple_to_conn_key()).  These end by themselves within a minute. */
void
sg_switch_flush_conn(struct sg_switch *s, const struct sg_conn *conn)
{
    if (conn->proto == IPPROTO_ICMPV6) {
        return;
    }
    append(s, &(struct sg_flush) { .conn = *conn });
}

static struct ofpbuf *
encode_zone(uint16_t zone, enum ofp_version version)
{
    struct ofpbuf *msg = ofpraw_alloc(OFPRAW_NXT_CT_FLUSH_ZONE, version, 0);
    struct nx_zone_id *nzi = ofpbuf_put_zeros(msg, sizeof *nzi);

    nzi->zone_id = htons(zone);
    return msg;
}

static struct ofpbuf *
encode_conn(const struct sg_conn *conn, enum ofp_version version)
{
    struct ofp_ct_match match = {
        .ip_proto = conn->proto,
        .l3_type = IN6_IS_ADDR_V4MAPPED(&conn->src) ? AF_INET : AF_INET6,
        .tuple_orig = { .src = conn->src, .dst = conn->dst },
    };
    struct ofp_ct_tuple *orig = &match.tuple_orig;
    uint16_t zone = conn->zone;

    orig->src_port = htons(conn->sport);
    if (conn->proto == IPPROTO_ICMP) {
        orig->icmp_type = conn->dport >> 8;
        orig->icmp_code = conn->dport & 0xff;
    } else {
        orig->dst_port = htons(conn->dport);
    }
    return ofp_ct_match_encode(&match, &zone, version);
}

/* Sends what waits, if there is a connection. */
void
sg_flush_run(struct sg_switch *s)
{
    size_t n = s->n_flushes_sent;

    if (s->state == S_CONNECTING || n == s->n_flushes) {
        return;
    }
    for (size_t i = n; i < s->n_flushes; i++) {
        struct sg_flush f = s->flushes[i];

        if (f.whole_zone) {
            sg_switch_send(s, encode_zone(f.conn.zone, s->version));
            s->flushes[n++] = f;
        } else {
            sg_switch_send(s, encode_conn(&f.conn, s->version));
        }
    }
    if (n > s->n_flushes_sent) {
        struct ofpbuf *msg = ofputil_encode_barrier_request(s->version);

        s->flush_xid = sg_switch_xid(msg);
        sg_switch_send(s, msg);
    }
    s->n_flushes = s->n_flushes_sent = n;
}

/* Handles a barrier reply; returns false if it is another's.  It confirms all
 * that was sent before. */
bool
sg_flush_handle_barrier(struct sg_switch *s, const struct ofp_header *oh)
{
    if (!s->flush_xid || oh->xid != s->flush_xid) {
        return false;
    }
    s->n_flushes -= s->n_flushes_sent;
    memmove(s->flushes, &s->flushes[s->n_flushes_sent],
            s->n_flushes * sizeof *s->flushes);
    s->n_flushes_sent = 0;
    s->flush_xid = 0;
    return true;
}

void
sg_flush_connection_lost(struct sg_switch *s)
{
    s->n_flushes_sent = 0;
    s->flush_xid = 0;
}

void
sg_flush_destroy(struct sg_switch *s)
{
    free(s->flushes);
}
