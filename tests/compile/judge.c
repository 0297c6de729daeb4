/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "judge.h"

#include <netinet/in.h>

#include "compile/pipeline.h"
#include "lib/flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "packets.h"
#include "util.h"

static const struct sg_flow *
lookup(const struct sg_flows *flows, uint8_t table, const struct flow *packet)
{
    const struct sg_flow *flow, *best = NULL;

    HMAP_FOR_EACH (flow, node, &flows->flows) {
        if (flow->table_id == table
            && (!best || flow->priority > best->priority)
            && minimatch_matches_flow(&flow->match, packet)) {
            best = flow;
        }
    }
    return best;
}

static void
run(const struct sg_flows *flows, uint8_t table, struct flow *packet,
    int depth)
{
    const struct sg_flow *flow = lookup(flows, table, packet);
    const struct ofpact *a;

    if (!flow) {
        return;
    }
    if (depth > 10) {
        ovs_fatal(0, "table %s: resubmitted for ever", sg_table_name(table));
    }
    OFPACT_FOR_EACH (a, flow->ofpacts, flow->ofpacts_len) {
        if (a->type == OFPACT_SET_FIELD) {
            const struct ofpact_set_field *sf = ofpact_get_SET_FIELD(a);

            mf_set_flow_value_masked(sf->field, sf->value,
                                     ofpact_set_field_mask(sf), packet);
        } else if (a->type == OFPACT_RESUBMIT) {
            run(flows, ofpact_get_RESUBMIT(a)->table_id, packet, depth + 1);
        } else if (a->type != OFPACT_NOTE) {
            ovs_fatal(0, "table %s: unexpected action %s",
                      sg_table_name(table), ofpact_name(a->type));
        }
    }
}

static void
set_remote(const struct question *q, struct flow *packet)
{
    const struct sg_prefix *remote = &q->spec.remote;
    bool in = q->dir == SG_INGRESS;

    if (sg_prefix_is_ipv4(remote)) {
        packet->dl_type = htons(ETH_TYPE_IP);
        *(in ? &packet->nw_src : &packet->nw_dst) = sg_prefix_ipv4(remote);
    } else {
        packet->dl_type = htons(ETH_TYPE_IPV6);
        *(in ? &packet->ipv6_src : &packet->ipv6_dst) = remote->addr;
    }
}

static bool
is_icmp(int proto)
{
    return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Ports, types and codes, both as the packet has them and as conntrack would
 * show them for the first packet of a connection. */
static void
set_layer4(const struct question *q, struct flow *packet)
{
    packet->nw_proto = packet->ct_nw_proto = q->spec.proto;
    packet->ct_state = CS_TRACKED | CS_NEW;
    if (is_icmp(q->spec.proto)) {
        packet->tp_src = packet->ct_tp_src = htons(q->spec.port);
        packet->tp_dst = packet->ct_tp_dst = htons(q->spec.code);
    } else if (q->spec.port >= 0) {
        packet->tp_dst = packet->ct_tp_dst = htons(q->spec.port);
    }
    if (q->spec.proto == IPPROTO_SCTP) {
        packet->ct_tp_dst = 0;      /* Unknown to userspace conntrack. */
    }
}

uint32_t
judge(const struct sg_flows *flows, const struct sg_plan_endpoint *ep,
      const struct question *q)
{
    struct flow packet;

    memset(&packet, 0, sizeof packet);
    set_remote(q, &packet);
    set_layer4(q, &packet);
    packet.regs[SG_R_NET] = ep->network->id;
    packet.regs[SG_R_PROFILE] = ep->profile->id;
    run(flows, q->dir == SG_INGRESS ? SG_T_IN_PROFILE : SG_T_EG_JUDGE,
        &packet, 0);
    return packet.regs[SG_R_NUMBER];
}

const struct sg_rule *
eval(const struct world *w, const struct sg_plan_endpoint *ep,
     const struct question *q)
{
    return sg_eval(w->policy, &w->ports, ep->port, ep->endpoint, q->dir,
                   &q->spec);
}

void
dice_question(struct dice *d, struct question *q)
{
    static const int protos[] = {
        IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_SCTP,
        IPPROTO_ICMP, IPPROTO_ICMPV6, 47,
    };
    static const int ports[] = { 0, 60, 67, 540, 1000, 65500, 30000 };
    static const int named[] = { 68, 546 };

    q->dir = dice_roll(d, 2) ? SG_INGRESS : SG_EGRESS;
    dice_address(d, &q->spec.remote);
    q->spec.proto = protos[dice_roll(d, ARRAY_SIZE(protos))];
    q->spec.code = -1;
    if (is_icmp(q->spec.proto)) {
        q->spec.port = dice_roll(d, 5) ? dice_roll(d, 5) : 134;
        q->spec.code = dice_roll(d, 4);
    } else if (q->spec.proto == 47) {
        q->spec.port = -1;
    } else if (dice_roll(d, 5)) {
        q->spec.port = ports[dice_roll(d, ARRAY_SIZE(ports))];
        q->spec.port += dice_roll(d, 36);
    } else {
        q->spec.port = named[dice_roll(d, 2)];
    }
}

void
question_format(const struct question *q, struct ds *s)
{
    ds_put_format(s, "%s ", sg_direction_name(q->dir));
    sg_prefix_format(&q->spec.remote, s);
    ds_put_format(s, " protocol %d port %d code %d", q->spec.proto,
                  q->spec.port, q->spec.code);
}
