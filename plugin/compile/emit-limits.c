/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Endpoints whose connections are limited: their commits come back to have
 * their success looked at (tables LIMIT_*).  See pipeline.h. */

#include "compile/emit.h"

#include "compile/compile.h"
#include "compile/flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "packets.h"
#include "util.h"

/* One end of a connection. */
struct end {
    enum sg_register zone, number;
    uint8_t commit, limit;
};

static const struct end ends[] = {
    { SG_R_SRC, SG_R_EGNUM, SG_T_COMMIT_SRC, SG_T_LIMIT_SRC },
    { SG_R_DST, SG_R_NUMBER, SG_T_COMMIT_DST, SG_T_LIMIT_DST },
};

/* What the commit leaves in the connection: its number; a fragment that knows
 * none leaves a label, so that one can see that it left anything. */
static void
put_trace(struct emitter *e, const struct end *end, bool judged)
{
    if (judged) {
        struct ofpact_reg_move *move = ofpact_put_REG_MOVE(&e->actions);

        move->src.field = mf_from_id(MFF_REG0 + end->number);
        move->src.ofs = 0;
        move->src.n_bits = 32;
        move->dst.field = mf_from_id(MFF_CT_MARK);
        move->dst.ofs = 0;
        move->dst.n_bits = 32;
    } else {
        static const ovs_be128 one = { .be32 = { 0, 0, 0,
                                                 CONSTANT_HTONL(1) } };

        ofpact_put_set_field(&e->actions, mf_from_id(MFF_CT_LABEL), &one,
                             &one);
    }
}

static void
put_commit(struct emitter *e, const struct end *end, uint16_t zone,
           bool judged)
{
    struct ofpact_conntrack *ct = ofpact_put_CT(&e->actions);

    ct->flags = NX_CT_F_COMMIT;
    ct->zone_imm = zone;
    ct->recirc_table = end->limit;

    /* exec(...) is nested behind the fields of the action. */
    size_t nested = offsetof(struct ofpact_conntrack, actions);
    ofpbuf_pull(&e->actions, nested);
    put_trace(e, end, judged);
    ct = ofpbuf_push_uninit(&e->actions, nested);
    e->actions.header = ct;
    ofpact_finish_CT(&e->actions, &ct);
}

/* 'frag' and 'frag_mask' are of FLOW_NW_FRAG_*. */
static void
emit_commit(struct emitter *e, const struct sg_plan_endpoint *ep,
            const struct end *end, uint16_t eth_type, uint8_t frag,
            uint8_t frag_mask)
{
    emit_begin(e);
    emit_match_reg(e, end->zone, ep->zone);
    match_set_dl_type(&e->match, htons(eth_type));
    if (frag_mask) {
        match_set_nw_frag_masked(&e->match, frag, frag_mask);
    }
    put_commit(e, end, ep->zone, !(frag & FLOW_NW_FRAG_LATER));
    emit_flow(e, end->commit, frag_mask ? 75 : 70,
              sg_cookie(SG_COOKIE_PORT, ep->identity));
}

void
sg_emit_limits(struct emitter *e, const struct sg_plan *plan)
{
    static const uint16_t types[] = { ETH_TYPE_IP, ETH_TYPE_IPV6 };

    for (size_t i = 0; i < plan->n_endpoints; i++) {
        const struct sg_plan_endpoint *ep = &plan->endpoints[i];

        for (size_t j = 0; ep->limit && j < ARRAY_SIZE(ends); j++) {
            for (size_t k = 0; k < ARRAY_SIZE(types); k++) {
                emit_commit(e, ep, &ends[j], types[k], 0, 0);
                emit_commit(e, ep, &ends[j], types[k],
                            FLOW_NW_FRAG_ANY | FLOW_NW_FRAG_LATER,
                            FLOW_NW_FRAG_MASK);
            }
        }
    }
}
