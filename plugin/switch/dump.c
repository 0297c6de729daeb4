/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/switch-private.h"

#include "byte-order.h"
#include "openflow/openflow.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-protocol.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_dump);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

/* One request for all flows of all tables: ours and those of others that
 * matter come out of one consistent answer.  It arrives in messages of up to
 * 64 kB, a few hundred flows each, and each is taken apart in about a
 * millisecond, so that switch.c can stop between two of them. */

void
sg_dump_init(struct sg_dump *dump)
{
    *dump = (struct sg_dump) { .xid = 0 };
    sg_flows_init(&dump->ours);
    sg_flows_init(&dump->foreign);
}

void
sg_dump_destroy(struct sg_dump *dump)
{
    sg_flows_discard(&dump->ours);
    sg_flows_discard(&dump->foreign);
    sg_flows_destroy(&dump->ours);
    sg_flows_destroy(&dump->foreign);
}

void
sg_dump_start(struct sg_switch *s)
{
    struct ofputil_flow_stats_request request = {
        .table_id = OFPTT_ALL,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct ofpbuf *msg;

    if (s->state == S_READY) {
        s->seqno++;             /* sg_switch_installed() turns to NULL. */
    }
    s->state = S_DUMP;
    s->redump = false;
    s->dump.begun = s->dump.stale = false;
    sg_flows_discard(&s->dump.ours);
    sg_flows_discard(&s->dump.foreign);

    match_init_catchall(&request.match);
    msg = ofputil_encode_flow_stats_request(
        &request, ofputil_protocol_from_ofp_version(s->version));
    s->dump.xid = sg_switch_xid(msg);
    sg_switch_send(s, msg);
}

static void
take_flow(struct sg_switch *s, const struct ofputil_flow_stats *fs)
{
    bool ours = sg_switch_is_ours(fs->cookie);

    if (ours || sg_foreign_matters(s, fs->table_id)) {
        sg_flows_add(ours ? &s->dump.ours : &s->dump.foreign,
                     fs->table_id, fs->priority, ntohll(fs->cookie),
                     &fs->match, fs->ofpacts, fs->ofpacts_len);
    }
}

static void
finish(struct sg_switch *s)
{
    if (s->dump.stale || s->redump) {
        sg_dump_start(s);
        return;
    }

    VLOG_INFO("%s: found %"PRIuSIZE" flows of ours and %"PRIuSIZE" of others "
              "in table 0 and in our tables", s->bridge,
              sg_flows_count(&s->dump.ours), sg_flows_count(&s->dump.foreign));
    hmap_swap(&s->installed.flows, &s->dump.ours.flows);
    sg_flows_discard(&s->dump.ours);
    sg_foreign_replace(s, &s->dump.foreign);
    s->state = S_READY;
    s->generation++;
    s->seqno++;
}

/* Handles a flow stats reply. */
void
sg_dump_handle(struct sg_switch *s, const struct ofp_header *oh)
{
    struct ofpbuf msg = ofpbuf_const_initializer(oh, ntohs(oh->length));
    uint64_t stub[1024 / 8];
    struct ofpbuf ofpacts;
    int retval;

    if (s->state != S_DUMP || oh->xid != s->dump.xid) {
        return;                 /* Of a dump that was given up. */
    }
    s->dump.begun = true;

    ofpbuf_use_stub(&ofpacts, stub, sizeof stub);
    for (;;) {
        struct ofputil_flow_stats fs;

        retval = ofputil_decode_flow_stats_reply(&fs, &msg, false, &ofpacts);
        if (retval) {
            break;
        }
        take_flow(s, &fs);
    }
    ofpbuf_uninit(&ofpacts);

    if (retval != EOF) {
        VLOG_ERR_RL(&rl, "%s: cannot read a flow that the switch sent (%s); "
                    "reading all flows again", s->bridge,
                    ovs_retval_to_string(retval));
        s->dump.stale = true;
    }
    if (!ofpmp_more(oh)) {
        finish(s);
    }
}
