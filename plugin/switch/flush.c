/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/switch-private.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "openflow/nicira-ext.h"
#include "openvswitch/ofp-ct.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "switch/control.h"
#include "util.h"

/* Flushes are kept until there is a connection: a zone that was to be empty
 * before its next owner gets it must not be full because the switch happened
 * to restart.  (A switch that restarts empties conntrack only with the
 * userspace datapath.) */
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
    if (s->state == S_CONNECTING) {
        return;
    }
    for (size_t i = 0; i < s->n_flushes; i++) {
        const struct sg_flush *f = &s->flushes[i];

        sg_switch_send(s, f->whole_zone ? encode_zone(f->conn.zone, s->version)
                                        : encode_conn(&f->conn, s->version));
    }
    s->n_flushes = 0;
}

void
sg_flush_destroy(struct sg_switch *s)
{
    free(s->flushes);
}
