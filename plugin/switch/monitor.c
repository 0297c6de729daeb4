/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/switch-private.h"

#include <stdlib.h>

#include "byte-order.h"
#include "openflow/openflow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-monitor.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-protocol.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_monitor);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 10);

/* What others change
 * ------------------
 *
 * A flow monitor (OpenFlow 1.4) reports every change of a flow in any table.
 * Changes by this connection come abbreviated, because the request does not
 * set OFPFMF_ONLY_OWN (whose sense in Open vSwitch is "mine in full, too"),
 * so whatever comes in full was done by somebody else and is applied to the
 * installed set right away; the owner repairs the difference.
 *
 * When the switch has to report faster than we read, it keeps events back
 * ("paused") and later sends what changed meanwhile ("resumed").  That tells
 * not everything, so all flows are read again.
 */

void
sg_monitor_start(struct sg_switch *s)
{
    struct ofputil_flow_monitor_request request = {
        .id = 1,
        .command = OFPFMC_ADD,
        .flags = (OFPFMF_ADD | OFPFMF_REMOVED | OFPFMF_MODIFY
                  | OFPFMF_INSTRUCTIONS),
        .out_port = OFPP_NONE,
        .out_group = OFPG_ANY,
        .table_id = OFPTT_ALL,
    };
    struct ofpbuf *msg = ofpbuf_new(0);

    s->monitor.paused = false;

    match_init_catchall(&request.match);
    ofputil_append_flow_monitor_request(
        &request, msg, ofputil_protocol_from_ofp_version(s->version));
    ofpmsg_update_length(msg);
    s->monitor.request_xid = sg_switch_xid(msg);
    sg_switch_send(s, msg);
}

/* Notes that somebody else did 'what' to 'flow', which is or was ours. */
static void
note_repair(struct sg_switch *s, const char *what, const struct sg_flow *flow)
{
    if (!s->monitor.n_repairs++) {
        struct ds text = DS_EMPTY_INITIALIZER;

        ds_put_format(&text, "%s \"", what);
        sg_flow_format(flow, &text);
        ds_put_char(&text, '"');
        s->monitor.example = ds_steal_cstr(&text);
    }
}

/* 'flow' with our cookie is in the switch, put there by somebody else. */
static void
apply_ours(struct sg_switch *s, struct sg_flow *flow)
{
    struct sg_flow *old = sg_flows_find(&s->installed, flow);

    note_repair(s, old ? "changed" : "added", flow);
    if (old) {
        sg_bundle_retire(s, old);
    }
    sg_foreign_remove(s, flow);
    sg_flows_insert(&s->installed, flow);
}

/* 'flow' without our cookie is in the switch; perhaps it took the place of
 * one of ours. */
static void
apply_foreign(struct sg_switch *s, struct sg_flow *flow)
{
    struct sg_flow *victim = sg_flows_find(&s->installed, flow);
    bool quiet = victim != NULL;

    if (victim) {
        note_repair(s, "replaced", victim);
        sg_bundle_retire(s, victim);
    }
    if (sg_foreign_matters(s, flow->table_id)) {
        sg_foreign_put(s, flow, quiet);
    } else {
        sg_flow_free(flow);
    }
}

static void
apply_removal(struct sg_switch *s, struct sg_flow *flow)
{
    struct sg_flow *victim = sg_flows_find(&s->installed, flow);

    if (victim) {
        note_repair(s, "removed", victim);
        sg_bundle_retire(s, victim);
    } else {
        sg_foreign_remove(s, flow);
    }
    sg_flow_free(flow);
}

static void
apply(struct sg_switch *s, const struct ofputil_flow_update *fu)
{
    struct sg_flow *flow;

    if (!sg_switch_is_ours(fu->cookie)
        && !sg_foreign_matters(s, fu->table_id)
        && fu->event == OFPFME_REMOVED) {
        return;
    }

    flow = sg_flow_create(fu->table_id, fu->priority, ntohll(fu->cookie),
                          &fu->match, fu->ofpacts, fu->ofpacts_len);
    if (fu->event == OFPFME_REMOVED) {
        apply_removal(s, flow);
    } else if (sg_switch_is_ours(fu->cookie)) {
        apply_ours(s, flow);
    } else {
        apply_foreign(s, flow);
    }
}

/* The switch has sent what it kept back. */
static void
resume(struct sg_switch *s)
{
    VLOG_INFO("%s: the switch had more changes of flows to report than it "
              "could: reading all flows again", s->bridge);
    s->monitor.paused = false;
    s->redump = true;
}

static void
handle_event(struct sg_switch *s, const struct ofputil_flow_update *fu)
{
    switch (fu->event) {
    case OFPFME_ABBREV:
        sg_bundle_handle_own(s, fu->xid);
        break;
    case OFPFME_PAUSED:
        s->monitor.paused = true;
        break;
    case OFPFME_RESUMED:
        resume(s);
        break;
    case OFPFME_INITIAL:
    case OFPFME_ADDED:
    case OFPFME_REMOVED:
    case OFPFME_MODIFIED:
        if (s->state == S_READY && !s->monitor.paused) {
            apply(s, fu);
        } else if (s->dump.begun) {
            s->dump.stale = true;
        }
        break;
    default:
        s->redump = true;       /* Something that we do not know. */
        break;
    }
}

/* Handles a flow monitor reply. */
void
sg_monitor_handle_update(struct sg_switch *s, const struct ofp_header *oh)
{
    struct ofpbuf msg = ofpbuf_const_initializer(oh, ntohs(oh->length));
    uint64_t stub[1024 / 8];
    struct ofpbuf ofpacts;
    int retval;

    ofpbuf_use_stub(&ofpacts, stub, sizeof stub);
    for (;;) {
        struct ofputil_flow_update fu;

        retval = ofputil_decode_flow_update(&fu, &msg, &ofpacts);
        if (retval) {
            break;
        }
        handle_event(s, &fu);
    }
    ofpbuf_uninit(&ofpacts);

    if (retval != EOF) {
        s->redump = true;       /* Something happened that we cannot read. */
    }
}

/* True if 'oh', an error message, was about the request for the monitor. */
bool
sg_monitor_handle_error(struct sg_switch *s, const struct ofp_header *oh)
{
    if (oh->xid != s->monitor.request_xid) {
        return false;
    }
    VLOG_WARN_RL(&rl, "%s: the switch reports no changes of flows (%s): what "
                 "others do to ours is seen only on the next connection",
                 s->bridge, ofperr_to_string(ofperr_decode_msg(oh, NULL)));
    return true;
}

void
sg_monitor_run(struct sg_switch *s)
{
    struct sg_monitor *m = &s->monitor;

    if (m->n_repairs) {
        VLOG_RL(&rl, m->expected ? VLL_INFO : VLL_WARN,
                "%s: somebody else changed %"PRIuSIZE" of our flows "
                "(%s): repairing", s->bridge, m->n_repairs, m->example);
        m->expected = false;
        m->n_repairs = 0;
        free(m->example);
        m->example = NULL;
        s->stats.repairs++;
        s->generation++;
        s->seqno++;
    }
}

void
sg_switch_expect_flush(struct sg_switch *s)
{
    s->monitor.expected = true;
}
