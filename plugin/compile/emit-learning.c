/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Frames that teach
 * =================
 *
 * Flows that show the agent what ports that declare no MAC or no address send
 * (learn/table.h).  They stand below those of the MACs and addresses that are
 * known, so only frames come to the agent that would be dropped, and in place
 * of being dropped: nothing passes because of them.  The agent sends the frame
 * on, through table 0, when it has learned from it.  A port that has all that
 * it may learn has none of these flows.
 *
 * What DHCP servers answer is shown beside its way to the guest, and only if
 * it comes from a trusted port. */

#include "compile/emit.h"

#include <netinet/icmp6.h>

#include "compile/compile.h"
#include "packets.h"
#include "util.h"

static uint64_t
cookie_of(const struct sg_plan_endpoint *ep)
{
    return sg_cookie(SG_COOKIE_LEARN, ep->identity);
}

static void
begin(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_SRC, ep->zone);
}

static void
show(struct emitter *e, const struct sg_plan_endpoint *ep, uint8_t table,
     uint16_t priority)
{
    emit_show(e);
    emit_flow(e, table, priority, cookie_of(ep));
}

static void
emit_nd(struct emitter *e, const struct sg_plan_endpoint *ep, uint8_t type,
        uint8_t table, uint16_t priority)
{
    begin(e, ep);
    match_set_dl_type(&e->match, htons(ETH_TYPE_IPV6));
    match_set_nw_proto(&e->match, IPPROTO_ICMPV6);
    match_set_icmp_type(&e->match, type);
    match_set_icmp_code(&e->match, 0);
    show(e, ep, table, priority);
}

/* From the guest, past the check of its MAC. */
static void
emit_claims(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    begin(e, ep);
    match_set_dl_type(&e->match, htons(ETH_TYPE_ARP));
    show(e, ep, SG_T_SPOOF_ARP, 10);

    emit_nd(e, ep, ND_NEIGHBOR_SOLICIT, SG_T_SPOOF_L3, 10);
    emit_nd(e, ep, ND_NEIGHBOR_ADVERT, SG_T_SPOOF_L3, 10);
    /* An advertisement may come from one address, the link-local one say, and
     * be about another. */
    emit_nd(e, ep, ND_NEIGHBOR_ADVERT, SG_T_SPOOF_ND, 60);
}

static void
match_dhcp(struct emitter *e, bool ipv6)
{
    emit_match_reg(e, SG_R_SRC, 0);
    match_set_dl_type(&e->match, htons(ipv6 ? ETH_TYPE_IPV6 : ETH_TYPE_IP));
    match_set_nw_proto(&e->match, IPPROTO_UDP);
    match_set_tp_src(&e->match, htons(ipv6 ? 547 : 67));
    match_set_tp_dst(&e->match, htons(ipv6 ? 546 : 68));
}

/* To the guest alone. */
static void
emit_answer(struct emitter *e, const struct sg_plan_endpoint *ep, bool ipv6)
{
    emit_begin(e);
    match_dhcp(e, ipv6);
    emit_match_reg(e, SG_R_DST, ep->zone);
    emit_show(e);
    emit_resubmit(e, SG_T_COMMIT_SRC);
    emit_flow(e, SG_T_IN_DHCP, 91, cookie_of(ep));
}

/* To every guest of the VLAN. */
static void
emit_broadcast_answer(struct emitter *e, uint16_t vlan)
{
    char key[32];

    emit_begin(e);
    match_dhcp(e, false);
    emit_match_reg(e, SG_R_VLAN, emit_vlan_of(vlan));
    emit_show(e);
    emit_resubmit(e, SG_T_FLOOD_ALL);
    snprintf(key, sizeof key, "dhcp %d", vlan);
    emit_flow(e, SG_T_FLOOD, 21,
              sg_cookie(SG_COOKIE_LEARN, sg_identity(key)));
}

void
sg_emit_learner(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    if (ep->port->listens_mac) {
        begin(e, ep);
        show(e, ep, SG_T_SPOOF_L2, 10);
    }
    if (ep->port->listens_addresses) {
        emit_claims(e, ep);
    }
    /* Leases are renewed, also of a port that has all it may have. */
    if (ep->port->learns_addresses) {
        emit_answer(e, ep, false);
        emit_answer(e, ep, true);
    }
}

void
sg_emit_learning_vlan(struct emitter *e, const struct sg_plan_vlan *vlan)
{
    if (vlan->n_learners) {
        emit_broadcast_answer(e, vlan->vlan);
    }
}

void
sg_emit_learning(struct emitter *e, const struct sg_plan *plan)
{
    const struct sg_plan_endpoint *ep;
    const struct sg_plan_vlan *vlan;

    HMAP_FOR_EACH (ep, node, &plan->endpoints) {
        sg_emit_learner(e, ep);
    }
    HMAP_FOR_EACH (vlan, node, &plan->vlans) {
        sg_emit_learning_vlan(e, vlan);
    }
}
