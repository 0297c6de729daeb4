/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Guarded ports: their own flows
 * ==============================
 *
 * Everything here is one endpoint's own, bounded by its MACs and addresses:
 * a port that comes or goes touches these, the list of its VLAN and profile
 * (emit-floods.c), and its addresses in the class tables. */

#include "compile/emit.h"

#include <netinet/icmp6.h>

#include "compile/compile.h"
#include "compile/flow.h"
#include "openvswitch/ofp-actions.h"
#include "packets.h"
#include "util.h"

static uint16_t
vlan_of(const struct sg_plan_endpoint *ep)
{
    return emit_vlan_of(ep->endpoint->vlan);
}

static uint64_t
cookie_of(const struct sg_plan_endpoint *ep)
{
    return sg_cookie(SG_COOKIE_PORT, ep->identity);
}

static void
begin(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_SRC, ep->zone);
}

static void
match_nd(struct emitter *e, uint8_t type)
{
    match_set_dl_type(&e->match, htons(ETH_TYPE_IPV6));
    match_set_nw_proto(&e->match, IPPROTO_ICMPV6);
    match_set_icmp_type(&e->match, type);
    match_set_icmp_code(&e->match, 0);
}

/* To EG_DISPATCH, as neighbor discovery that is as it should be. */
static void
put_good_nd(struct emitter *e)
{
    emit_load(e, SG_R_FLAGS, SG_FLAG_ND);
    emit_resubmit(e, SG_T_EG_DISPATCH);
}

static void
match_nd_target(struct emitter *e, const struct sg_prefix *p)
{
    struct in6_addr mask = sg_prefix_ipv6_mask(p);

    match_set_nd_target_masked(&e->match, &p->addr, &mask);
}

/* 'vlan' is how the guest tags what belongs to this endpoint. */
static void
emit_input(struct emitter *e, const struct sg_plan_endpoint *ep,
           uint16_t vlan)
{
    emit_begin(e);
    emit_match_in_port(e, ep->port->ofport);
    emit_match_vlan(e, vlan);
    emit_load(e, SG_R_SRC, ep->zone);
    emit_load(e, SG_R_NET, ep->network->id);
    emit_load(e, SG_R_VLAN, vlan_of(ep));
    emit_resubmit(e, ep->port->port_security ? SG_T_SPOOF_L2 : SG_T_SPOOF_ND);
    emit_flow(e, SG_T_INPUT, SG_PRIO_GUARDED, cookie_of(ep));
}

/* How something was learned, for an agent that starts; see
 * sg_flow_get_learned(). */
static void
note_learned(struct emitter *e, const struct sg_learned *how)
{
    if (how && how->source != SG_LEARN_NONE) {
        emit_note(e, (uint64_t) how->source << 32 | how->since, how->until);
    }
}

/* May it send from 0.0.0.0, as one of a prefix?  SPOOF_L3 sends what comes
 * from there to a table of its own. */
static void
emit_no_address(struct emitter *e, const struct sg_plan_endpoint *ep,
                const struct sg_prefix *p)
{
    if (sg_prefix_is_ipv4(p) && !sg_prefix_ipv4(p)) {
        begin(e, ep);
        emit_match_ip_src(e, p);
        emit_resubmit(e, SG_T_EG_DISPATCH);
        emit_flow(e, SG_T_SPOOF_NONE, 50, cookie_of(ep));
    }
}

/* What the guest may send with one of its addresses; 'how' it was learned, or
 * NULL. */
static void
emit_address(struct emitter *e, const struct sg_plan_endpoint *ep,
             const struct sg_prefix *p, const struct sg_learned *how)
{
    begin(e, ep);
    emit_match_ip_src(e, p);
    note_learned(e, how);
    emit_resubmit(e, sg_prefix_is_ipv4(p) ? SG_T_EG_DISPATCH
                                          : SG_T_SPOOF_ND);
    emit_flow(e, SG_T_SPOOF_L3, 50, cookie_of(ep));
    emit_no_address(e, ep, p);

    if (sg_prefix_is_ipv4(p)) {
        begin(e, ep);
        match_set_dl_type(&e->match, htons(ETH_TYPE_ARP));
        match_set_nw_src_masked(&e->match, sg_prefix_ipv4(p),
                                sg_prefix_ipv4_mask(p));
        emit_resubmit(e, SG_T_EG_DISPATCH);
        emit_flow(e, SG_T_SPOOF_ARP, 50, cookie_of(ep));
        return;
    }

    /* Duplicate address detection comes from "::" and has no link-layer
     * option (RFC 4861 section 4.3). */
    struct sg_prefix unspecified;
    sg_prefix_from_ipv6(&in6addr_any, 128, &unspecified);
    begin(e, ep);
    emit_match_ip_src(e, &unspecified);
    match_nd(e, ND_NEIGHBOR_SOLICIT);
    match_nd_target(e, p);
    match_set_arp_sha(&e->match, eth_addr_zero);
    put_good_nd(e);
    emit_flow(e, SG_T_SPOOF_L3, 100, cookie_of(ep));

    begin(e, ep);
    match_nd(e, ND_NEIGHBOR_ADVERT);
    match_nd_target(e, p);
    emit_resubmit(e, SG_T_SPOOF_TLL);
    emit_flow(e, SG_T_SPOOF_ND, 100, cookie_of(ep));
}

static void
emit_arp_mac(struct emitter *e, const struct sg_plan_endpoint *ep,
             const struct eth_addr mac, uint16_t eth_type)
{
    begin(e, ep);
    match_set_dl_type(&e->match, htons(eth_type));
    match_set_arp_sha(&e->match, mac);
    emit_resubmit(e, SG_T_SPOOF_ARP);
    emit_flow(e, SG_T_SPOOF_L3, 50, cookie_of(ep));
}

/* What the guest may send with one of its MACs. */
static void
emit_mac(struct emitter *e, const struct sg_plan_endpoint *ep,
         const struct eth_addr mac)
{
    begin(e, ep);
    match_set_dl_src(&e->match, mac);
    if (ep->port->learns_mac) {
        note_learned(e, &ep->port->mac_learned);
    }
    emit_resubmit(e, SG_T_SPOOF_L3);
    emit_flow(e, SG_T_SPOOF_L2, 50, cookie_of(ep));

    emit_arp_mac(e, ep, mac, ETH_TYPE_ARP);
    emit_arp_mac(e, ep, mac, ETH_TYPE_RARP);

    begin(e, ep);
    match_nd(e, ND_NEIGHBOR_SOLICIT);
    match_set_arp_sha(&e->match, mac);
    put_good_nd(e);
    emit_flow(e, SG_T_SPOOF_ND, 100, cookie_of(ep));

    begin(e, ep);
    match_nd(e, ND_NEIGHBOR_ADVERT);
    match_set_arp_tha(&e->match, mac);
    put_good_nd(e);
    emit_flow(e, SG_T_SPOOF_TLL, 100, cookie_of(ep));
}

/* An ARP probe (RFC 5227) and a RARP request have no sender address yet; an
 * answer has one. */
static void
emit_arp_probe(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    begin(e, ep);
    match_set_dl_type(&e->match, htons(ETH_TYPE_ARP));
    match_set_nw_proto(&e->match, ARP_OP_REQUEST);
    match_set_nw_src(&e->match, htonl(0));
    emit_resubmit(e, SG_T_EG_DISPATCH);
    emit_flow(e, SG_T_SPOOF_ARP, 100, cookie_of(ep));

    begin(e, ep);
    match_set_dl_type(&e->match, htons(ETH_TYPE_RARP));
    match_set_nw_proto(&e->match, ARP_OP_RARP);
    match_set_nw_src(&e->match, htonl(0));
    emit_resubmit(e, SG_T_EG_DISPATCH);
    emit_flow(e, SG_T_SPOOF_ARP, 50, cookie_of(ep));
}

/* The way to the guest. */
static void
emit_l2(struct emitter *e, const struct sg_plan_endpoint *ep,
        const struct eth_addr mac)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_VLAN, vlan_of(ep));
    match_set_dl_dst(&e->match, mac);
    emit_load(e, SG_R_DST, ep->zone);
    emit_load(e, SG_R_OUTPORT, ep->port->ofport
                               | (ep->endpoint->tagged ? 1u << 16 : 0));
    emit_load(e, SG_R_NET, ep->network->id);
    emit_resubmit(e, SG_T_IN);
    emit_flow(e, SG_T_L2, 100, cookie_of(ep));
}

/* To itself a guest sends nothing: no port gets its own frames back, and both
 * commits would go to one zone, the second one over the first.  Twice, like
 * guards[] in static.c. */
static void
emit_not_to_itself(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    for (uint16_t priority = 199; priority <= 200; priority++) {
        begin(e, ep);
        emit_match_reg(e, SG_R_DST, ep->zone);
        emit_flow(e, SG_T_IN, priority, cookie_of(ep));
    }
}

/* A link-local address may be declared as well. */
static bool
is_declared(const struct sg_port *port, const struct sg_prefix *p)
{
    for (size_t i = 0; i < port->n_addresses; i++) {
        if (sg_prefix_equals(&port->addresses[i], p)) {
            return true;
        }
    }
    return false;
}

/* Both of them, so that a port that moves to another network is judged there
 * as soon as its zone is. */
static void
emit_who(struct emitter *e, const struct sg_plan_endpoint *ep,
         enum sg_register zone, uint32_t room, enum sg_table table)
{
    emit_begin(e);
    emit_match_reg(e, zone, ep->zone);
    emit_load(e, SG_R_NET, ep->network->id);
    emit_load(e, SG_R_PROFILE, ep->profile->id);
    if (!ep->limit) {
        emit_set_bits(e, SG_R_ROOM, room);
    }
    emit_flow(e, table, 50, cookie_of(ep));
}

static void
emit_security(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    const struct sg_port *port = ep->port;
    struct sg_prefix p;

    for (size_t i = 0; i < port->n_macs; i++) {
        emit_mac(e, ep, port->macs[i]);
    }
    for (size_t i = 0; sg_port_address(port, i, &p); i++) {
        if (i < port->n_addresses || !is_declared(port, &p)) {
            emit_address(e, ep, &p,
                         (i < port->n_addresses && port->addresses_learned
                          ? &port->addresses_learned[i] : NULL));
        }
    }
    emit_arp_probe(e, ep);
}

/* `sg-port-security=false': neighbor discovery is good as it is. */
static void
emit_no_security(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    static const uint8_t types[] = { ND_NEIGHBOR_SOLICIT,
                                     ND_NEIGHBOR_ADVERT };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        begin(e, ep);
        match_set_dl_type(&e->match, htons(ETH_TYPE_IPV6));
        match_set_nw_proto(&e->match, IPPROTO_ICMPV6);
        match_set_icmp_type(&e->match, types[i]);
        put_good_nd(e);
        emit_flow(e, SG_T_SPOOF_ND, 130, cookie_of(ep));
    }
}

/* Names a network that endpoints here are in. */
void
sg_emit_network(struct emitter *e, const struct sg_plan_network *net)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_NET, net->id);
    emit_flow(e, SG_T_NAMES, 0, sg_cookie(SG_COOKIE_NETWORK, net->identity));
}

void
sg_emit_endpoint(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    if (ep->endpoint->tagged) {
        emit_input(e, ep, vlan_of(ep));
    }
    if (!ep->endpoint->tagged || ep->endpoint->native) {
        emit_input(e, ep, 0);
    }
    emit_who(e, ep, SG_R_SRC, SG_ROOM_SRC, SG_T_EG_WHO);
    emit_who(e, ep, SG_R_DST, SG_ROOM_DST, SG_T_IN_WHO);
    if (ep->port->port_security) {
        emit_security(e, ep);
    } else {
        emit_no_security(e, ep);
    }
    for (size_t i = 0; i < ep->port->n_macs; i++) {
        emit_l2(e, ep, ep->port->macs[i]);
    }
    emit_not_to_itself(e, ep);
}

void
sg_emit_endpoints(struct emitter *e, const struct sg_plan *plan)
{
    const struct sg_plan_endpoint *ep;
    const struct shash_node *node;

    HMAP_FOR_EACH (ep, node, &plan->endpoints) {
        sg_emit_endpoint(e, ep);
    }
    SHASH_FOR_EACH (node, &plan->networks) {
        sg_emit_network(e, node->data);
    }
}
