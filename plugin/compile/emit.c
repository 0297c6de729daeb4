/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/emit.h"

#include "compile/compile.h"
#include "compile/flow.h"
#include "lib/flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofp-protocol.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_emit);

void
emit_init(struct emitter *e, struct sg_flows *flows)
{
    e->flows = flows;
    e->touched = NULL;
    e->unit = NULL;
    e->multicast = NULL;
    e->waiting_zone = 0;
    ofpbuf_init(&e->actions, 256);
    ofpbuf_init(&e->back, 256);
}

void
emit_destroy(struct emitter *e)
{
    ofpbuf_uninit(&e->actions);
    ofpbuf_uninit(&e->back);
}

void
emit_begin(struct emitter *e)
{
    match_init_catchall(&e->match);
    ofpbuf_clear(&e->actions);
}

/* A unit's flow goes in beside one of the same identity that is another
 * unit's: either may go before the other. */
static void
add_flow(struct emitter *e, struct sg_flow *flow)
{
    if (sg_flows_find(e->flows, flow)) {
        VLOG_ERR("table %s: a flow was made twice",
                 sg_table_name(flow->table_id));
    }
    if (e->touched) {
        sg_flows_note(e->touched, flow);
    }
    if (e->unit) {
        flow->sibling = e->unit->flows;
        e->unit->flows = flow;
        hmap_insert(&e->flows->flows, &flow->node, flow->node.hash);
    } else {
        sg_flows_insert(e->flows, flow);
    }
}

/* Takes the flow through a message and back: the switch does the same, and
 * what it dumps is what has been through it.  Returns NULL if it is no
 * flow. */
static struct sg_flow *
pass_through_message(struct emitter *e, uint8_t table, uint16_t priority,
                     uint64_t cookie)
{
    struct ofputil_flow_mod fm = {
        .priority = priority,
        .new_cookie = htonll(cookie),
        .table_id = table,
        .command = OFPFC_ADD,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .ofpacts = e->actions.data,
        .ofpacts_len = e->actions.size,
    };
    minimatch_init(&fm.match, &e->match);

    struct ofpbuf *msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    struct ofputil_flow_mod back;
    minimatch_destroy(&fm.match);

    if (msg->size > UINT16_MAX) {
        VLOG_ERR("table %s: a flow would not fit a message (%"PRIu32" bytes) "
                 "and was left out", sg_table_name(table), msg->size);
        ofpbuf_delete(msg);
        return NULL;
    }
    ofpbuf_clear(&e->back);
    enum ofperr error = ofputil_decode_flow_mod(&back, msg->data,
                                                OFPUTIL_P_OF15_OXM, NULL,
                                                NULL, &e->back,
                                                OFPP_MAX, UINT8_MAX);
    ofpbuf_delete(msg);
    if (error) {
        VLOG_ERR("table %s: a flow of our own making is not valid (%s)",
                 sg_table_name(table), ofperr_get_name(error));
        return NULL;
    }

    struct match match;
    minimatch_expand(&back.match, &match);
    minimatch_destroy(&back.match);
    return sg_flow_create(table, priority, cookie, &match, back.ofpacts,
                          back.ofpacts_len);
}

void
emit_flow(struct emitter *e, uint8_t table, uint16_t priority,
          uint64_t cookie)
{
    struct sg_flow *flow = emit_from_row(e, table, priority, cookie);

    if (!flow) {
        flow = pass_through_message(e, table, priority, cookie);
        if (!flow) {
            return;
        }
        emit_note_row(e, flow);
    }
    add_flow(e, flow);
}

uint16_t
emit_vlan_of(uint16_t vlan)
{
    return vlan ? EMIT_VLAN_PRESENT | vlan : 0;
}

/* Matches. */

void
emit_match_reg(struct emitter *e, enum sg_register reg, uint32_t value)
{
    match_set_reg(&e->match, reg, value);
}

void
emit_match_in_port(struct emitter *e, int64_t ofport)
{
    match_set_in_port(&e->match, u16_to_ofp(ofport));
}

void
emit_match_vlan(struct emitter *e, uint16_t vlan)
{
    match_set_vlan_vid_masked(&e->match, htons(vlan), htons(0x1fff));
}

void
emit_match_ip_src(struct emitter *e, const struct sg_prefix *p)
{
    if (sg_prefix_is_ipv4(p)) {
        match_set_dl_type(&e->match, htons(ETH_TYPE_IP));
        match_set_nw_src_masked(&e->match, sg_prefix_ipv4(p),
                                sg_prefix_ipv4_mask(p));
    } else {
        struct in6_addr mask = sg_prefix_ipv6_mask(p);

        match_set_dl_type(&e->match, htons(ETH_TYPE_IPV6));
        match_set_ipv6_src_masked(&e->match, &p->addr, &mask);
    }
}

void
emit_match_ip_dst(struct emitter *e, const struct sg_prefix *p)
{
    if (sg_prefix_is_ipv4(p)) {
        match_set_dl_type(&e->match, htons(ETH_TYPE_IP));
        match_set_nw_dst_masked(&e->match, sg_prefix_ipv4(p),
                                sg_prefix_ipv4_mask(p));
    } else {
        struct in6_addr mask = sg_prefix_ipv6_mask(p);

        match_set_dl_type(&e->match, htons(ETH_TYPE_IPV6));
        match_set_ipv6_dst_masked(&e->match, &p->addr, &mask);
    }
}

void
emit_match_mark(struct emitter *e, uint32_t value, uint32_t mask)
{
    match_set_ct_mark_masked(&e->match, value, mask);
}

/* Actions. */

void
emit_load(struct emitter *e, enum sg_register reg, uint32_t value)
{
    ovs_be32 be = htonl(value);

    ofpact_put_set_field(&e->actions, mf_from_id(MFF_REG0 + reg), &be, NULL);
}

void
emit_set_bits(struct emitter *e, enum sg_register reg, uint32_t bits)
{
    ovs_be32 be = htonl(bits);

    ofpact_put_set_field(&e->actions, mf_from_id(MFF_REG0 + reg), &be, &be);
}

void
emit_load_tci(struct emitter *e, uint16_t tci)
{
    ovs_be16 be = htons(tci);

    ofpact_put_set_field(&e->actions, mf_from_id(MFF_VLAN_TCI), &be, NULL);
}

static void
set_subfield(struct mf_subfield *sf, enum sg_register reg)
{
    sf->field = mf_from_id(MFF_REG0 + reg);
    sf->ofs = 0;
    sf->n_bits = 32;
}

void
emit_move(struct emitter *e, enum sg_register from, enum sg_register to)
{
    struct ofpact_reg_move *move = ofpact_put_REG_MOVE(&e->actions);

    set_subfield(&move->src, from);
    set_subfield(&move->dst, to);
}

void
emit_resubmit(struct emitter *e, uint8_t table)
{
    struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(&e->actions);

    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = table;
}

void
emit_output(struct emitter *e, int64_t ofport)
{
    ofpact_put_OUTPUT(&e->actions)->port = u16_to_ofp(ofport);
}

void
emit_show(struct emitter *e)
{
    struct ofpact_controller *c = ofpact_put_CONTROLLER(&e->actions);

    c->max_len = UINT16_MAX;
    c->controller_id = SG_CONTROLLER_ID;
    c->reason = OFPR_ACTION;
    c->meter_id = NX_CTLR_NO_METER;
    c->provider_meter_id = UINT32_MAX;
    ofpact_finish_CONTROLLER(&e->actions, &c);
}

void
emit_note(struct emitter *e, uint64_t first, uint64_t second)
{
    struct ofpact_note *note = ofpact_put_NOTE(&e->actions);
    uint8_t data[14] = { 0 };

    for (int i = 0; i < 6; i++) {
        data[i] = first >> (40 - 8 * i);
        data[6 + i] = second >> (40 - 8 * i);
    }
    ofpbuf_put(&e->actions, data, sizeof data);
    note = e->actions.header;
    note->length = sizeof data;
    ofpact_finish_NOTE(&e->actions, &note);
}

void
sg_plan_emit_trusted(const struct sg_plan *plan, struct sg_flows *flows)
{
    struct emitter e;

    emit_init(&e, flows);
    sg_emit_static_trusted(&e);
    sg_emit_trusted(&e, plan);
    emit_destroy(&e);
}

void
sg_plan_emit(const struct sg_plan *plan, struct sg_flows *flows)
{
    struct emitter e;

    sg_plan_emit_trusted(plan, flows);
    emit_init(&e, flows);
    e.multicast = plan->multicast;
    e.waiting_zone = plan->compiler->waiting_zone;
    sg_emit_static(&e);
    sg_emit_endpoints(&e, plan);
    sg_emit_learning(&e, plan);
    sg_emit_rules(&e, plan);
    sg_emit_floods(&e, plan);
    emit_destroy(&e);
}

/* What a unit is part of. */
#define OF(STRUCT, MEMBER) CONTAINER_OF(e->unit, struct STRUCT, MEMBER)

static void
emit_profile_unit(struct emitter *e)
{
    sg_emit_profile(e, OF(sg_plan_profile, unit), SG_INGRESS);
    sg_emit_profile(e, OF(sg_plan_profile, unit), SG_EGRESS);
}

static void
emit_unit(struct emitter *e)
{
    switch ((enum sg_unit_kind) e->unit->kind) {
    case SG_UNIT_STATIC:
        sg_emit_static_trusted(e);
        sg_emit_static(e);
        break;
    case SG_UNIT_TRUSTED:
        sg_emit_trusted_port(e, OF(sg_plan_port, trusted)->port);
        break;
    case SG_UNIT_ENDPOINT:
        sg_emit_endpoint(e, OF(sg_plan_endpoint, unit));
        sg_emit_learner(e, OF(sg_plan_endpoint, unit));
        break;
    case SG_UNIT_NETWORK:
        sg_emit_network(e, OF(sg_plan_network, unit));
        break;
    case SG_UNIT_PROFILE:
        emit_profile_unit(e);
        break;
    case SG_UNIT_ADDRESS:
        sg_emit_address(e, OF(sg_address, unit));
        break;
    case SG_UNIT_CELL:
        sg_emit_cell(e, OF(sg_cell, unit));
        break;
    case SG_UNIT_FRAGMENT:
        sg_emit_fragment(e, OF(sg_fragment, unit));
        break;
    case SG_UNIT_VLAN:
        sg_emit_vlan(e, OF(sg_plan_vlan, unit));
        sg_emit_learning_vlan(e, OF(sg_plan_vlan, unit));
        break;
    case SG_UNIT_JUDGES:
        sg_emit_judges(e, OF(sg_plan_vlan, judges));
        break;
    case SG_UNIT_FLOOD:
        sg_emit_flood(e, OF(sg_plan_flood, unit));
        break;
    case SG_UNIT_OWNERS:
        sg_emit_owners(e, OF(sg_plan_owners, unit));
        break;
    case SG_UNIT_REVIEW:
    case SG_UNIT_GRACE:
        OVS_NOT_REACHED();      /* Not a plan's. */
    }
}

bool
sg_plan_emit_changes(struct sg_plan *plan, struct sg_flows *desired,
                     struct sg_flows *touched, struct sg_slice *slice)
{
    struct emitter e;

    if (!sg_units_withdraw(&plan->units, desired, touched, slice)) {
        return false;
    }
    emit_init(&e, desired);
    e.touched = touched;
    e.multicast = plan->multicast;
    e.waiting_zone = plan->compiler->waiting_zone;
    while (!sg_slice_over(slice) && (e.unit = sg_units_pop(&plan->units))) {
        plan->stats.units++;
        emit_unit(&e);
    }
    emit_destroy(&e);
    return sg_units_are_settled(&plan->units);
}
