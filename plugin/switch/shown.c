/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Frames that flows show us, and how much flows are used
 * ======================================================
 *
 * A management connection gets no packet-ins until it has asked for them by
 * OFPT_SET_CONFIG.  That message also sets how the whole bridge treats
 * fragments, which is none of our business, so its value is asked for first
 * and given back as it was.  By its number our connection is told from the
 * operator's controllers: neither gets the frames of the other.
 *
 * Nothing bounds what comes in but the switch, which keeps at most a hundred
 * frames for a connection, and the queue here, which drops what exceeds it.
 *
 * Counters are asked for by cookie, and gathered until the answer is whole. */

#include "switch/switch-private.h"

#include <stdlib.h>

#include "byte-order.h"
#include "compile/pipeline.h"
#include "openflow/nicira-ext.h"
#include "openflow/openflow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-protocol.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

#define MAX_SHOWN 64
#define MAX_FRAME 2048          /* None that teaches is longer. */

/* Frames. */

void
sg_shown_start(struct sg_switch *s)
{
    struct ofpbuf *msg = ofpraw_alloc(OFPRAW_NXT_SET_CONTROLLER_ID,
                                      s->version, 0);
    struct nx_controller_id *nci = ofpbuf_put_zeros(msg, sizeof *nci);

    nci->controller_id = htons(SG_CONTROLLER_ID);
    sg_switch_send(s, msg);
    sg_switch_send(s, ofpraw_alloc(OFPRAW_OFPT_GET_CONFIG_REQUEST,
                                   s->version, 0));
}

void
sg_shown_handle_config(struct sg_switch *s, const struct ofp_header *oh)
{
    struct ofputil_switch_config config;

    ofputil_decode_get_config_reply(oh, &config);
    if (config.miss_send_len != UINT16_MAX) {
        config.miss_send_len = UINT16_MAX;
        config.invalid_ttl_to_controller = 0;
        sg_switch_send(s, ofputil_encode_set_config(&config, s->version));
    }
}

static struct sg_shown *
shown_create(const struct ofputil_packet_in *pin, bool whole)
{
    struct sg_shown *shown = xmalloc(sizeof *shown);

    shown->cookie = ntohll(pin->cookie);
    shown->table_id = pin->table_id;
    shown->ofport = pin->flow_metadata.flow.in_port.ofp_port;
    shown->vlan = pin->flow_metadata.flow.regs[SG_R_VLAN];
    shown->whole = whole;
    shown->size = pin->packet_len;
    shown->frame = xmemdup(pin->packet, MAX(pin->packet_len, 1));
    return shown;
}

void
sg_shown_handle(struct sg_switch *s, const struct ofp_header *oh)
{
    struct ofputil_packet_in pin;
    uint32_t buffer_id;
    size_t total;

    if (s->state != S_READY || s->n_shown >= MAX_SHOWN
        || ofputil_decode_packet_in(oh, true, NULL, NULL, &pin, &total,
                                    &buffer_id, NULL)) {
        return;
    }
    if (sg_switch_is_ours(pin.cookie) && total <= MAX_FRAME) {
        struct sg_shown *shown = shown_create(&pin, total == pin.packet_len);

        ovs_list_push_back(&s->shown, &shown->node);
        s->n_shown++;
        s->more = true;
    }
}

struct sg_shown *
sg_switch_next_shown(struct sg_switch *s)
{
    struct sg_shown *shown;

    if (ovs_list_is_empty(&s->shown)) {
        return NULL;
    }
    shown = CONTAINER_OF(ovs_list_pop_front(&s->shown), struct sg_shown,
                         node);
    s->n_shown--;
    return shown;
}

void
sg_shown_destroy(struct sg_shown *shown)
{
    if (shown) {
        free(shown->frame);
        free(shown);
    }
}

void
sg_switch_send_frame(struct sg_switch *s, const struct sg_shown *shown)
{
    struct ofputil_packet_out po = {
        .packet = shown->frame,
        .packet_len = shown->size,
        .buffer_id = UINT32_MAX,
    };
    struct ofpbuf ofpacts;

    if (s->state != S_READY) {
        return;
    }
    ofpbuf_init(&ofpacts, 0);
    ofpact_put_OUTPUT(&ofpacts)->port = OFPP_TABLE;
    match_init_catchall(&po.flow_metadata);
    match_set_in_port(&po.flow_metadata, shown->ofport);
    po.ofpacts = ofpacts.data;
    po.ofpacts_len = ofpacts.size;
    sg_switch_send(s, ofputil_encode_packet_out(
                       &po, ofputil_protocol_from_ofp_version(s->version)));
    ofpbuf_uninit(&ofpacts);
}

/* Counters. */

void
sg_switch_ask_uses(struct sg_switch *s, uint64_t cookie, uint64_t mask)
{
    struct ofputil_flow_stats_request request = {
        .table_id = OFPTT_ALL,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .cookie = htonll(cookie),
        .cookie_mask = htonll(mask),
    };
    struct ofpbuf *msg;

    if (s->state != S_READY) {
        return;
    }
    match_init_catchall(&request.match);
    msg = ofputil_encode_flow_stats_request(
        &request, ofputil_protocol_from_ofp_version(s->version));
    s->uses_xid = sg_switch_xid(msg);
    sg_switch_send(s, msg);
}

/* Handles a flow stats reply; returns false if it is another's. */
bool
sg_shown_handle_uses(struct sg_switch *s, const struct ofp_header *oh)
{
    struct ofpbuf msg = ofpbuf_const_initializer(oh, ntohs(oh->length));
    struct ofputil_flow_stats fs;
    struct ofpbuf ofpacts;

    if (!s->uses_xid || oh->xid != s->uses_xid) {
        return false;
    }
    ofpbuf_init(&ofpacts, 256);
    while (!ofputil_decode_flow_stats_reply(&fs, &msg, false, &ofpacts)) {
        if (s->on_use && sg_switch_is_ours(fs.cookie)) {
            struct sg_flow *flow = sg_flow_create(
                fs.table_id, fs.priority, ntohll(fs.cookie), &fs.match,
                fs.ofpacts, fs.ofpacts_len);

            s->on_use(s->on_use_aux, flow, fs.packet_count);
            sg_flow_free(flow);
        }
    }
    ofpbuf_uninit(&ofpacts);
    if (!ofpmp_more(oh)) {
        s->uses_xid = 0;
        if (s->on_use) {
            s->on_use(s->on_use_aux, NULL, 0);
        }
    }
    return true;
}

void
sg_switch_set_on_use(struct sg_switch *s,
                     void (*cb)(void *aux, const struct sg_flow *,
                                uint64_t packets),
                     void *aux)
{
    s->on_use = cb;
    s->on_use_aux = aux;
}
