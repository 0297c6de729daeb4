/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Trusted ports: uplinks, tunnels, patch ports, the host.
 *
 * They forward by NORMAL as before.  All that is needed here is the VLAN that
 * NORMAL would put a frame in, so that the L2 step finds the guarded MACs of
 * that VLAN and no others (ovs-vswitchd.conf.db(5), Port table, "VLAN
 * Configuration").  A frame that the port's configuration makes NORMAL drop
 * goes straight to NORMAL, which does. */

#include "compile/emit.h"

#include "compile/compile.h"
#include "compile/flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

static void
add_normal(struct emitter *e)
{
    ofpact_put_OUTPUT(&e->actions)->port = OFPP_NORMAL;
}

/* Frames that belong to 'vlan' (0: none), whatever their tag is. */
static void
admit_as(struct emitter *e, uint16_t vlan)
{
    if (vlan) {
        emit_load(e, SG_R_VLAN, EMIT_VLAN_PRESENT | vlan);
    }
    emit_resubmit(e, SG_T_L2);
}

/* Frames that belong to the VLAN of their own tag. */
static void
admit_tagged(struct emitter *e)
{
    struct ofpact_reg_move *move = ofpact_put_REG_MOVE(&e->actions);

    move->src.field = mf_from_id(MFF_VLAN_TCI);
    move->src.ofs = 0;
    move->src.n_bits = 13;
    move->dst.field = mf_from_id(MFF_REG0 + SG_R_VLAN);
    move->dst.ofs = 0;
    move->dst.n_bits = 13;
    emit_resubmit(e, SG_T_L2);
}

static void
begin(struct emitter *e, const struct sg_port *port)
{
    emit_begin(e);
    emit_match_in_port(e, port->ofport);
}

static uint64_t
cookie_of(const struct sg_port *port)
{
    return sg_cookie(SG_COOKIE_TRUSTED, sg_identity(port->name));
}

/* The VLANs of a trunk that does not carry all; 0 is "no tag". */
static bool
trunk_has(const struct sg_port *port, uint16_t vlan)
{
    for (size_t i = 0; i < port->n_trunks; i++) {
        if (port->trunks[i] == vlan) {
            return true;
        }
    }
    return false;
}

static void
emit_vlan(struct emitter *e, const struct sg_port *port, uint16_t vlan)
{
    begin(e, port);
    emit_match_vlan(e, EMIT_VLAN_PRESENT | vlan);
    admit_as(e, vlan);
    emit_flow(e, SG_T_INPUT, SG_PRIO_TRUSTED_VLAN, cookie_of(port));
}

static void
emit_untagged(struct emitter *e, const struct sg_port *port, uint16_t vlan)
{
    begin(e, port);
    emit_match_vlan(e, 0);
    admit_as(e, vlan);
    emit_flow(e, SG_T_INPUT, SG_PRIO_TRUSTED_VLAN, cookie_of(port));
}

void
sg_emit_trusted_port(struct emitter *e, const struct sg_port *port)
{
    const char *mode = port->vlan_mode;
    bool native = !strncmp(mode, "native-", 7);
    bool trunk = (!strcmp(mode, "trunk") || native
                  || (!mode[0] && port->tag < 0));
    bool some = trunk && port->n_trunks;
    uint16_t untagged = port->tag > 0 && strcmp(mode, "trunk") ? port->tag : 0;

    /* A tag: its own VLAN on a trunk; NORMAL's business elsewhere. */
    begin(e, port);
    if (trunk && !some) {
        if (untagged) {
            match_set_vlan_vid_masked(&e->match, htons(EMIT_VLAN_PRESENT),
                                      htons(EMIT_VLAN_PRESENT));
        }
        admit_tagged(e);
    } else {
        add_normal(e);
    }
    emit_flow(e, SG_T_INPUT, SG_PRIO_TRUSTED, cookie_of(port));

    for (size_t i = 0; some && i < port->n_trunks; i++) {
        if (port->trunks[i]
            && (!i || port->trunks[i] != port->trunks[i - 1])) {
            emit_vlan(e, port, port->trunks[i]);
        }
    }
    /* The native VLAN is always one of the trunk's. */
    if (some && native && untagged && !trunk_has(port, untagged)) {
        emit_vlan(e, port, untagged);
    }

    /* No tag.  The first flow does what is right for it on a trunk of all
     * VLANs, which puts it in VLAN 0, and on one without VLAN 0, where NORMAL
     * drops it. */
    if (some ? native || trunk_has(port, 0) : !trunk || untagged) {
        emit_untagged(e, port, untagged);
    }
}

void
sg_emit_trusted(struct emitter *e, const struct sg_plan *plan)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->ports) {
        const struct sg_plan_port *pp = node->data;

        if (sg_plan_port_is_trusted(pp)) {
            sg_emit_trusted_port(e, pp->port);
        }
    }
}
