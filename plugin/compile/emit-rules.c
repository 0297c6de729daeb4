/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Profiles, classes, cells and L4: the same for both directions but for the
 * tables, and for which end of the packet is the peer. */

#include "compile/emit.h"

#include "compile/compile.h"
#include "compile/flow.h"
#include "openvswitch/ofp-actions.h"
#include "packets.h"
#include "util.h"

struct side {
    uint8_t profile, class, cell, l4;
    void (*match_peer)(struct emitter *, const struct sg_prefix *);
};

static const struct side sides[SG_N_DIRECTIONS] = {
    [SG_INGRESS] = { SG_T_IN_PROFILE, SG_T_IN_CLASS, SG_T_IN_CELL,
                     SG_T_IN_L4, emit_match_ip_src },
    [SG_EGRESS] = { SG_T_EG_PROFILE, SG_T_EG_CLASS, SG_T_EG_CELL,
                    SG_T_EG_L4, emit_match_ip_dst },
};

uint64_t
sg_rule_identity(const struct sg_rule *rule)
{
    return (uint64_t) rule->id.parts[0] << 12 | rule->id.parts[1] >> 20;
}

static void
emit_chain(struct emitter *e, const struct side *side,
           const struct sg_fragment *const *fragments, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        emit_load(e, SG_R_FRAG, fragments[i]->id);
        emit_resubmit(e, side->l4);
    }
}

/* Asks the fragments with peer `any' first.  The class table matches only
 * packets that these left undecided, so that a packet that needs no look at
 * its address does not get one. */
void
sg_emit_profile(struct emitter *e, const struct sg_plan_profile *profile,
                enum sg_direction dir)
{
    const struct side *side = &sides[dir];

    emit_begin(e);
    emit_match_reg(e, SG_R_PROFILE, profile->id);
    emit_chain(e, side, profile->any[dir], profile->n_any[dir]);
    if (profile->classify[dir]) {
        emit_resubmit(e, side->class);
    }
    emit_flow(e, side->profile, 100,
              sg_cookie(SG_COOKIE_PROFILE, profile->identity));
}

void
sg_emit_address(struct emitter *e, const struct sg_address *address)
{
    const struct side *side = &sides[address->dir];

    if (!address->class) {
        return;                 /* As the prefix around it. */
    }
    emit_begin(e);
    emit_match_reg(e, SG_R_NET, address->network->id);
    emit_match_reg(e, SG_R_NUMBER, 0);
    side->match_peer(e, &address->prefix);
    emit_load(e, SG_R_CLASS, address->class->id);
    emit_resubmit(e, side->cell);
    /* The longest prefix wins. */
    emit_flow(e, side->class, 1 + sg_prefix_text_len(&address->prefix),
              sg_cookie(SG_COOKIE_CLASS, address->class->identity));
}

uint64_t
sg_cell_identity(const struct sg_cell *cell)
{
    return cell->profile->identity * 31 ^ cell->class->identity;
}

void
sg_emit_cell(struct emitter *e, const struct sg_cell *cell)
{
    const struct side *side = &sides[cell->dir];

    if (!cell->n_fragments) {
        return;
    }
    emit_begin(e);
    emit_match_reg(e, SG_R_PROFILE, cell->profile->id);
    emit_match_reg(e, SG_R_CLASS, cell->class->id);
    emit_chain(e, side, cell->fragments, cell->n_fragments);
    emit_flow(e, side->cell, 100,
              sg_cookie(SG_COOKIE_CELL, sg_cell_identity(cell)));
}

/* SCTP's ports conntrack does not see, and router advertisements do not pass
 * it. */
static bool
is_tracked(const struct sg_entry *entry)
{
    return (entry->proto != IPPROTO_SCTP
            && !(entry->named && entry->proto == IPPROTO_ICMPV6));
}

/* The protocol, like all below, is that of the connection: of an ICMP error
 * it is not the packet's. */
static void
match_protocol(struct emitter *e, const struct sg_entry *entry)
{
    if (is_tracked(entry)) {
        match_set_ct_state_masked(&e->match, CS_TRACKED,
                                  CS_TRACKED | CS_INVALID);
        match_set_ct_nw_proto(&e->match, entry->proto);
    } else {
        match_set_nw_proto(&e->match, entry->proto);
    }
}

/* Ports, types and codes are matched as conntrack saw them in the original
 * direction: fragments show no others, and answers need not be turned
 * round. */
static void
match_layer4(struct emitter *e, const struct sg_entry *entry,
             const struct sg_port_mask *mask)
{
    bool tracked = is_tracked(entry);

    if (mask && tracked) {
        match_set_ct_tp_dst_masked(&e->match, htons(mask->value),
                                   htons(mask->mask));
    } else if (mask) {
        match_set_tp_dst_masked(&e->match, htons(mask->value),
                                htons(mask->mask));
    } else if (tracked) {
        match_set_ct_tp_src(&e->match, htons(entry->lo));
        if (entry->code >= 0) {
            match_set_ct_tp_dst(&e->match, htons(entry->code));
        }
    } else {
        match_set_icmp_type(&e->match, entry->lo);
    }
}

/* One flow of an entry; 'mask' is NULL if it matches no ports. */
static void
emit_entry_flow(struct emitter *e, const struct sg_fragment *frag,
                const struct sg_entry *entry, const struct sg_port_mask *mask)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_FRAG, frag->id);
    if (frag->dir == SG_EGRESS && !entry->named) {
        emit_match_reg(e, SG_R_FLAGS, 0);
    }
    if (entry->families != SG_IP_ANY) {
        match_set_dl_type(&e->match, htons(entry->families == SG_IPV4
                                           ? ETH_TYPE_IP : ETH_TYPE_IPV6));
    }
    if (entry->proto >= 0) {
        match_protocol(e, entry);
    }
    if (mask || entry->lo >= 0) {
        match_layer4(e, entry, mask);
    }
    emit_load(e, SG_R_NUMBER, entry->number);
    emit_note(e, frag->identity, entry->identity);
    emit_flow(e, sides[frag->dir].l4, entry->named ? 110 : 100,
              sg_cookie(SG_COOKIE_RULE, sg_rule_identity(entry->rules[0])));
}

static bool
has_ports(int proto)
{
    return (proto == IPPROTO_TCP || proto == IPPROTO_UDP
            || proto == IPPROTO_SCTP);
}

/* A group may have rules for a peer that has no members in any network of this
 * bridge, but then a member may come at any moment, so its fragments are kept
 * ready. */
void
sg_emit_fragment(struct emitter *e, const struct sg_fragment *frag)
{
    for (size_t i = 0; i < frag->n_entries; i++) {
        const struct sg_entry *entry = &frag->entries[i];
        struct sg_port_mask masks[32];

        if (entry->lo < 0 || !has_ports(entry->proto)) {
            emit_entry_flow(e, frag, entry, NULL);
            continue;
        }

        size_t n = sg_range_to_masks(entry->lo, entry->hi, masks,
                                     ARRAY_SIZE(masks));
        for (size_t j = 0; j < n; j++) {
            emit_entry_flow(e, frag, entry, &masks[j]);
        }
    }
}

static void
emit_groups(struct emitter *e, const struct sg_plan *plan,
            enum sg_direction dir)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->groups) {
        const struct sg_plan_group *pg = node->data;

        for (size_t i = 0; i < pg->n_fragments[dir]; i++) {
            sg_emit_fragment(e, pg->fragments[dir][i]);
        }
    }
}

static void
emit_direction(struct emitter *e, const struct sg_plan *plan,
               enum sg_direction dir)
{
    struct shash_node *node;
    const struct sg_address *address;
    const struct sg_cell *cell;

    SHASH_FOR_EACH (node, &plan->profiles) {
        sg_emit_profile(e, node->data, dir);
    }
    SHASH_FOR_EACH (node, &plan->networks) {
        const struct sg_plan_network *net = node->data;

        HMAP_FOR_EACH (address, node, &net->addresses[dir]) {
            sg_emit_address(e, address);
        }
    }
    HMAP_FOR_EACH (cell, node, &plan->cells[dir]) {
        sg_emit_cell(e, cell);
    }
    emit_groups(e, plan, dir);
}

void
sg_emit_rules(struct emitter *e, const struct sg_plan *plan)
{
    emit_direction(e, plan, SG_INGRESS);
    emit_direction(e, plan, SG_EGRESS);
}
