/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/judge.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compile/compile.h"
#include "compile/flow.h"
#include "compile/pipeline.h"
#include "lib/flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "packets.h"
#include "policy/eval.h"
#include "util.h"

/* The tables resubmit to each other less deep than this. */
#define MAX_DEPTH 10

#define N_TABLES 256

struct sg_judge {
    const struct sg_flow **flows;   /* By table; the highest priority first. */
    size_t first[N_TABLES + 1];     /* Where each table begins in it. */
};

static int
compare_flows(const void *a_, const void *b_)
{
    const struct sg_flow *const *a = a_;
    const struct sg_flow *const *b = b_;

    return ((*a)->table_id != (*b)->table_id
            ? (*a)->table_id - (*b)->table_id
            : (*b)->priority - (*a)->priority);
}

struct sg_judge *
sg_judge_create(const struct sg_flows *flows)
{
    struct sg_judge *judge = xzalloc(sizeof *judge);
    size_t n = 0;
    const struct sg_flow *flow;

    judge->flows = xcalloc(sg_flows_count(flows) + 1, sizeof *judge->flows);
    HMAP_FOR_EACH (flow, node, &flows->flows) {
        judge->flows[n++] = flow;
        judge->first[flow->table_id + 1]++;
    }
    qsort(judge->flows, n, sizeof *judge->flows, compare_flows);
    for (size_t i = 1; i <= N_TABLES; i++) {
        judge->first[i] += judge->first[i - 1];
    }
    return judge;
}

void
sg_judge_destroy(struct sg_judge *judge)
{
    if (judge) {
        free(judge->flows);
        free(judge);
    }
}

static const struct sg_flow *
lookup(const struct sg_judge *judge, uint8_t table, const struct flow *packet)
{
    for (size_t i = judge->first[table]; i < judge->first[table + 1]; i++) {
        if (minimatch_matches_flow(&judge->flows[i]->match, packet)) {
            return judge->flows[i];
        }
    }
    return NULL;
}

/* False if there is an action that judging does not have. */
static bool
run(const struct sg_judge *judge, uint8_t table, struct flow *packet,
    int depth)
{
    const struct sg_flow *flow = lookup(judge, table, packet);
    const struct ofpact *a;

    if (!flow) {
        return true;
    }
    if (depth > MAX_DEPTH) {
        return false;
    }
    OFPACT_FOR_EACH (a, flow->ofpacts, flow->ofpacts_len) {
        if (a->type == OFPACT_SET_FIELD) {
            const struct ofpact_set_field *sf = ofpact_get_SET_FIELD(a);

            mf_set_flow_value_masked(sf->field, sf->value,
                                     ofpact_set_field_mask(sf), packet);
        } else if (a->type == OFPACT_RESUBMIT) {
            if (!run(judge, ofpact_get_RESUBMIT(a)->table_id, packet,
                     depth + 1)) {
                return false;
            }
        } else if (a->type != OFPACT_NOTE) {
            return false;
        }
    }
    return true;
}

static void
set_remote(enum sg_direction dir, const struct sg_prefix *remote,
           struct flow *packet)
{
    bool in = dir == SG_INGRESS;

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
set_layer4(const struct sg_flowspec *spec, struct flow *packet)
{
    packet->nw_proto = packet->ct_nw_proto = spec->proto;
    packet->ct_state = CS_TRACKED | CS_NEW;
    if (is_icmp(spec->proto)) {
        packet->tp_src = packet->ct_tp_src = htons(spec->port);
        packet->tp_dst = packet->ct_tp_dst = htons(spec->code);
    } else if (spec->port >= 0) {
        packet->tp_dst = packet->ct_tp_dst = htons(spec->port);
    }
    if (spec->proto == IPPROTO_SCTP) {
        packet->ct_tp_dst = 0;      /* Unknown to userspace conntrack. */
    }
}

uint32_t
sg_judge_ask(const struct sg_judge *judge, const struct sg_plan_endpoint *ep,
             enum sg_direction dir, const struct sg_flowspec *spec)
{
    uint8_t table = dir == SG_INGRESS ? SG_T_IN_PROFILE : SG_T_EG_JUDGE;
    struct flow packet;

    memset(&packet, 0, sizeof packet);
    set_remote(dir, &spec->remote, &packet);
    set_layer4(spec, &packet);
    packet.regs[SG_R_NET] = ep->network->id;
    packet.regs[SG_R_PROFILE] = ep->profile->id;
    return (run(judge, table, &packet, 0) ? packet.regs[SG_R_NUMBER]
            : SG_JUDGE_BROKEN);
}
