/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Broadcast and multicast towards guarded ports
 * =============================================
 *
 * Guarded ports are not flooded by NORMAL (`no-flood').  Frames that they
 * shall see are sent to them one by one:
 *
 *   - ARP requests and neighbor solicitations to the ports that have the
 *     address; for addresses of nobody here, and for announcements, to every
 *     guarded port of the VLAN, as on any wire;
 *   - multicast IP to the ports of those profiles of the VLAN whose ingress
 *     rules allow it, judged once per profile, not per port.
 *
 * A list of ports is a flow; a long one is a chain of flows, because a flow
 * must fit an OpenFlow message.
 *
 * How many profiles
 * -----------------
 *
 * Open vSwitch gives up on a packet after 4,096 resubmits.  What judges the
 * profiles of a VLAN is therefore cut into turns of at most TURN resubmits,
 * and between two of them the packet goes through ct() in the zone where
 * nothing is committed, because what comes out of it counts from 0 again.
 * Each turn begins when the one before is done, so that no more than one
 * packet waits: the kernel's datapath queues 10 at most, and Open vSwitch's
 * own one goes no deeper than 6 ct(), of which two may be behind the packet
 * when its first turn begins.  Hence MAX_TURNS; profiles beyond get no
 * multicast.  Those whose rules are for TCP alone could not get any, and have
 * no turn. */

#include "compile/emit.h"

#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>

#include "compile/compile.h"
#include "compile/flow.h"
#include "compile/plan-private.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_floods);

#define CHUNK SG_LIST_CHUNK     /* Ports a flow: 8 kB of outputs. */
#define JUDGES 512              /* Profiles a flow: 48 kB of loads. */
#define TURN 3500               /* Resubmits; there are some before them. */
#define MAX_TURNS 5

static uint64_t
cookie_of(const char *key)
{
    return sg_cookie(SG_COOKIE_FLOOD, sg_identity(key));
}

static void
put_outputs(struct emitter *e, const struct sg_plan_endpoint *const *eps,
            size_t n, bool tagged)
{
    bool first = true;

    for (size_t i = 0; i < n; i++) {
        if (eps[i]->endpoint->tagged == tagged) {
            if (first) {
                emit_load_tci(e, (tagged ? emit_vlan_of(eps[i]->endpoint->vlan)
                                  : 0));
                first = false;
            }
            emit_output(e, eps[i]->port->ofport);
        }
    }
}

/* How many endpoints of the list, from 'i' on, belong to one flow. */
static size_t
chunk_size(const struct sg_plan_list *list, size_t i)
{
    size_t j = i;

    while (j < list->n && (list->eps[j]->port->ofport / CHUNK
                           == list->eps[i]->port->ofport / CHUNK)) {
        j++;
    }
    return j - i;
}

static uint32_t
chunk_of(const struct sg_plan_list *list, size_t i)
{
    return list->eps[i]->port->ofport / CHUNK;
}

/* Begins the flow of a list that FRAG stands for. */
static void
begin_chunk(struct emitter *e, const struct match *match, uint32_t chunk)
{
    emit_begin(e);
    e->match = *match;
    emit_match_reg(e, SG_R_FRAG, chunk);
}

/* On to the flow that has the 'i'th port of the list. */
static void
put_next(struct emitter *e, const struct sg_plan_list *list, size_t i,
         uint8_t table)
{
    if (i < list->n) {
        emit_load(e, SG_R_FRAG, chunk_of(list, i));
        emit_resubmit(e, table);
    }
}

/* Adds the flows of a list, with 'match' for a match, chained by FRAG.  Each
 * has the ports of a range of numbers; the first one is for range 0. */
static void
emit_list(struct emitter *e, const struct sg_plan_list *list, const char *key,
          const struct match *match, uint8_t table, uint16_t priority)
{
    if (list->n && chunk_of(list, 0)) {
        begin_chunk(e, match, 0);
        put_next(e, list, 0, table);
        emit_flow(e, table, priority, cookie_of(key));
    }
    for (size_t i = 0; i < list->n;) {
        size_t n = chunk_size(list, i);

        begin_chunk(e, match, chunk_of(list, i));
        put_outputs(e, &list->eps[i], n, false);
        put_outputs(e, &list->eps[i], n, true);
        put_next(e, list, i + n, table);
        emit_flow(e, table, priority, cookie_of(key));
        i += n;
    }
}

/* Every guarded port of a VLAN. */
void
sg_emit_vlan(struct emitter *e, const struct sg_plan_vlan *vlan)
{
    char key[32];

    emit_begin(e);
    emit_match_reg(e, SG_R_VLAN, emit_vlan_of(vlan->vlan));
    struct match match = e->match;
    snprintf(key, sizeof key, "vlan %d", emit_vlan_of(vlan->vlan));
    emit_list(e, &vlan->list, key, &match, SG_T_FLOOD_ALL, 100);
}

/* The ports of one VLAN, network and profile. */

/* The most resubmits that judging 'flood', and sending to its ports, takes. */
static size_t
resubmits_of(const struct sg_plan_flood *flood)
{
    /* IN_PROFILE, IN_CLASS, IN_CELL; and an empty flow of the list. */
    return (3 + flood->profile->n_any[SG_INGRESS]
            + sg_plan_longest_cell(flood->profile) + 1
            + sg_plan_list_chunks(&flood->list));
}

static void
put_who(struct emitter *e, const struct sg_plan_flood *flood)
{
    emit_load(e, SG_R_NET, flood->network->id);
    emit_load(e, SG_R_PROFILE, flood->profile->id);
}

/* Leaves in NUMBER what allows the packet. */
static void
put_question(struct emitter *e, const struct sg_plan_flood *flood)
{
    emit_load(e, SG_R_NUMBER, 0);
    put_who(e, flood);
    emit_resubmit(e, SG_T_IN_PROFILE);
}

/* Sends the packet to the ports of 'flood' if NUMBER allows it. */
static void
put_answer(struct emitter *e)
{
    emit_load(e, SG_R_FRAG, 0);
    emit_resubmit(e, SG_T_FLOOD_OUT);
}

/* The lists of one VLAN that are to be judged, in a fixed order. */
struct judged {
    const struct sg_plan_vlan *vlan;
    const struct sg_plan_flood **floods;
    size_t n;
};

static int
compare_floods(const void *a_, const void *b_)
{
    const struct sg_plan_flood *const *a = a_, *const *b = b_;
    int cmp = strcmp((*a)->network->name, (*b)->network->name);

    return cmp ? cmp : strcmp((*a)->profile->key, (*b)->profile->key);
}

static struct judged
judged_in(const struct sg_plan_vlan *vlan)
{
    struct judged judged = { vlan, NULL, 0 };
    const struct sg_plan_flood *flood;

    judged.floods = xmalloc((hmap_count(&vlan->floods) + 1)
                            * sizeof *judged.floods);
    HMAP_FOR_EACH (flood, node, &vlan->floods) {
        if (flood->profile->multicast) {
            judged.floods[judged.n++] = flood;
        }
    }
    qsort(judged.floods, judged.n, sizeof *judged.floods, compare_floods);
    return judged;
}

/* Where the turn that begins with 'i' ends. */
static size_t
end_of_turn(const struct judged *judged, size_t i)
{
    size_t end = MIN(judged->n, i + JUDGES);
    size_t resubmits = resubmits_of(judged->floods[i]);

    while (++i < end) {
        resubmits += resubmits_of(judged->floods[i]);
        if (resubmits > TURN) {
            break;
        }
    }
    return i;
}

static uint64_t
judge_cookie(const struct judged *judged)
{
    char key[32];

    snprintf(key, sizeof key, "judge %d", emit_vlan_of(judged->vlan->vlan));
    return cookie_of(key);
}

/* One turn: the floods from 'i' to 'end'. */
static void
emit_turn(struct emitter *e, const struct judged *judged, size_t i,
          size_t end, int turn)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_VLAN, emit_vlan_of(judged->vlan->vlan));
    emit_match_reg(e, SG_R_FRAG, turn);
    for (; i < end; i++) {
        put_question(e, judged->floods[i]);
        put_answer(e);
    }
    if (end < judged->n && turn + 1 < MAX_TURNS) {
        emit_load(e, SG_R_FRAG, turn + 1);
        emit_resubmit(e, SG_T_FLOOD_TURN);
    }
    emit_flow(e, SG_T_FLOOD_JUDGE, 100, judge_cookie(judged));
}

/* Datagrams in fragments: the first one votes, for the first turn only, and
 * then all of them go by the votes, in reverse order. */

/* Tells the first 'n' floods from any others. */
static uint32_t
votes_of(const struct judged *judged, size_t n)
{
    uint32_t hash = n;

    for (size_t i = 0; i < n; i++) {
        hash = hash_string(judged->floods[i]->network->name, hash);
        hash = hash_string(judged->floods[i]->profile->key, hash);
    }
    return hash ? hash : 1;
}

static void
set_verdict(struct ofpact_stack *stack)
{
    stack->subfield.field = mf_from_id(MFF_REG0 + SG_R_NUMBER);
    stack->subfield.ofs = ctz32(SG_MARK_KNOWN);
    stack->subfield.n_bits = 1;
}

static void
emit_vote(struct emitter *e, const struct judged *judged, size_t n)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_VLAN, emit_vlan_of(judged->vlan->vlan));
    for (size_t i = 0; i < n; i++) {
        put_question(e, judged->floods[i]);
        set_verdict(ofpact_put_STACK_PUSH(&e->actions));
    }
    emit_load(e, SG_R_VOTES, votes_of(judged, n));
    emit_flow(e, SG_T_FLOOD_VOTE, 100, judge_cookie(judged));
}

static void
emit_voted(struct emitter *e, const struct judged *judged, size_t n)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_VLAN, emit_vlan_of(judged->vlan->vlan));
    emit_match_reg(e, SG_R_VOTES, votes_of(judged, n));
    emit_load(e, SG_R_NUMBER, 0);
    while (n-- > 0) {
        set_verdict(ofpact_put_STACK_POP(&e->actions));
        put_who(e, judged->floods[n]);
        put_answer(e);
    }
    emit_flow(e, SG_T_FLOOD_VOTED, 100, judge_cookie(judged));
}

/* The flows of a VLAN that judge each of its profiles. */
void
sg_emit_judges(struct emitter *e, const struct sg_plan_vlan *vlan)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
    struct judged judged = judged_in(vlan);
    size_t i = 0;

    for (int turn = 0; i < judged.n && turn < MAX_TURNS; turn++) {
        size_t end = end_of_turn(&judged, i);

        emit_turn(e, &judged, i, end, turn);
        if (!turn) {
            emit_vote(e, &judged, end);
            emit_voted(e, &judged, end);
        }
        i = end;
    }
    if (i < judged.n) {
        VLOG_WARN_RL(&rl, "VLAN %d: %"PRIuSIZE" of %"PRIuSIZE" sets of groups "
                     "get no broadcast or multicast IP: judging one frame "
                     "for all of them is too much; use fewer sets",
                     vlan->vlan, judged.n - i, judged.n);
    }
    free(judged.floods);
}

void
sg_emit_flood(struct emitter *e, const struct sg_plan_flood *flood)
{
    uint16_t tag = emit_vlan_of(flood->vlan->vlan);
    char *key;

    if (!flood->profile->multicast) {
        return;
    }
    emit_begin(e);
    emit_match_reg(e, SG_R_VLAN, tag);
    emit_match_reg(e, SG_R_NET, flood->network->id);
    emit_match_reg(e, SG_R_PROFILE, flood->profile->id);
    match_set_reg_masked(&e->match, SG_R_NUMBER, SG_MARK_KNOWN,
                         SG_MARK_KNOWN);
    struct match match = e->match;
    key = xasprintf("vlan %d net %s %s", tag, flood->network->name,
                    flood->profile->key);
    emit_list(e, &flood->list, key, &match, SG_T_FLOOD_OUT, 50);
    free(key);
}

/* The ports that have an address. */

static void
match_request(struct emitter *e, const struct sg_prefix *p)
{
    if (sg_prefix_is_ipv4(p)) {
        match_set_dl_type(&e->match, htons(ETH_TYPE_ARP));
        match_set_nw_dst_masked(&e->match, sg_prefix_ipv4(p),
                                sg_prefix_ipv4_mask(p));
    } else {
        struct in6_addr mask = sg_prefix_ipv6_mask(p);

        match_set_dl_type(&e->match, htons(ETH_TYPE_IPV6));
        match_set_nw_proto(&e->match, IPPROTO_ICMPV6);
        match_set_icmp_type(&e->match, ND_NEIGHBOR_SOLICIT);
        match_set_icmp_code(&e->match, 0);
        match_set_nd_target_masked(&e->match, &p->addr, &mask);
    }
}

/* An address has few owners: one flow is enough. */
static void
emit_owner_list(struct emitter *e, const struct sg_plan_owners *o,
                const struct match *match, const char *key)
{
    size_t n = MIN(CHUNK, o->list.n);

    emit_begin(e);
    e->match = *match;
    put_outputs(e, o->list.eps, n, false);
    put_outputs(e, o->list.eps, n, true);
    /* Prefixes may nest: the longest wins, as everywhere. */
    emit_flow(e, SG_T_FLOOD, 100 + sg_prefix_text_len(&o->prefix),
              cookie_of(key));
}

void
sg_emit_owners(struct emitter *e, const struct sg_plan_owners *o)
{
    struct ds key = DS_EMPTY_INITIALIZER;

    ds_put_format(&key, "vlan %d ", emit_vlan_of(o->vlan));
    sg_prefix_format(&o->prefix, &key);
    emit_begin(e);
    emit_match_reg(e, SG_R_VLAN, emit_vlan_of(o->vlan));
    match_request(e, &o->prefix);
    struct match match = e->match;
    emit_owner_list(e, o, &match, ds_cstr(&key));

    /* Announcing one's own address (RFC 5227 section 3) is for everyone. */
    if (sg_prefix_is_ipv4(&o->prefix) && sg_prefix_is_host(&o->prefix)) {
        emit_begin(e);
        e->match = match;
        match_set_nw_src(&e->match, sg_prefix_ipv4(&o->prefix));
        emit_resubmit(e, SG_T_FLOOD_ALL);
        emit_flow(e, SG_T_FLOOD, 300, cookie_of(ds_cstr(&key)));
    }
    ds_destroy(&key);
}

void
sg_emit_floods(struct emitter *e, const struct sg_plan *plan)
{
    const struct sg_plan_vlan *vlan;
    const struct sg_plan_flood *flood;
    const struct sg_plan_owners *o;

    HMAP_FOR_EACH (vlan, node, &plan->vlans) {
        sg_emit_vlan(e, vlan);
        sg_emit_judges(e, vlan);
        HMAP_FOR_EACH (flood, node, &vlan->floods) {
            sg_emit_flood(e, flood);
        }
    }
    HMAP_FOR_EACH (o, node, &plan->owners) {
        sg_emit_owners(e, o);
    }
}
