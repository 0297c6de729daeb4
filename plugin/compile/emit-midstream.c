/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* TCP that does not begin with a SYN, for the time of grace after a guest has
 * moved here or the switch has lost its connections (`--midstream-grace'):
 * judged as if it were a first packet.  The flows sit above those that drop
 * it, and are there only for endpoints whose grace has not ended. */

#include "compile/emit.h"

#include "compile/compile.h"
#include "compile/flow.h"
#include "packets.h"
#include "util.h"

static void
begin(struct emitter *e, enum sg_register reg, uint16_t zone,
      uint16_t eth_type)
{
    emit_begin(e);
    emit_match_reg(e, reg, zone);
    match_set_dl_type(&e->match, htons(eth_type));
    match_set_nw_proto(&e->match, IPPROTO_TCP);
}

/* The same as the flows of priority 100 in these tables (static.c) do. */
static void
emit_zone(struct emitter *e, uint16_t zone, uint16_t eth_type)
{
    uint64_t cookie = sg_cookie(SG_COOKIE_MIDSTREAM, zone);

    begin(e, SG_R_SRC, zone, eth_type);
    emit_resubmit(e, SG_T_EG_JUDGE);
    emit_move(e, SG_R_NUMBER, SG_R_EGNUM);
    emit_resubmit(e, SG_T_EG_VERDICT);
    emit_flow(e, SG_T_EG_NEW, 95, cookie);

    begin(e, SG_R_DST, zone, eth_type);
    emit_resubmit(e, SG_T_IN_PROFILE);
    emit_resubmit(e, SG_T_IN_VERDICT);
    emit_flow(e, SG_T_IN_NEW, 95, cookie);
}

void
sg_emit_midstream(struct sg_unit *unit, struct sg_flows *desired,
                  struct sg_flows *touched, const uint16_t zones[], size_t n)
{
    struct emitter e;

    emit_init(&e, desired);
    e.unit = unit;
    e.touched = touched;
    for (size_t i = 0; i < n; i++) {
        emit_zone(&e, zones[i], ETH_TYPE_IP);
        emit_zone(&e, zones[i], ETH_TYPE_IPV6);
    }
    emit_destroy(&e);
}
