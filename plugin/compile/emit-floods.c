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

#include "compile/compile.h"
#include "compile/flow.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_floods);

#define VLAN_PRESENT 0x1000
#define CHUNK 512               /* Ports a flow: 8 kB of outputs. */
#define JUDGES 512              /* Profiles a flow: 48 kB of loads. */
#define TURN 3500               /* Resubmits; there are some before them. */
#define MAX_TURNS 5

/* Endpoints that get a frame. */
struct list {
    const struct sg_plan_endpoint **eps;
    size_t n, allocated;
};

static void
list_add(struct list *list, const struct sg_plan_endpoint *ep)
{
    if (list->n >= list->allocated) {
        list->eps = x2nrealloc(list->eps, &list->allocated,
                               sizeof *list->eps);
    }
    list->eps[list->n++] = ep;
}

static void
lists_destroy(struct shash *lists)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, lists) {
        struct list *list = node->data;

        free(list->eps);
    }
    shash_destroy_free_data(lists);
}

static void
lists_add(struct shash *lists, const char *key,
          const struct sg_plan_endpoint *ep)
{
    struct list *list = shash_find_data(lists, key);

    if (!list) {
        list = xzalloc(sizeof *list);
        shash_add(lists, key, list);
    }
    list_add(list, ep);
}

static uint16_t
vlan_of(const struct sg_plan_endpoint *ep)
{
    return ep->endpoint->vlan ? VLAN_PRESENT | ep->endpoint->vlan : 0;
}

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
                emit_load_tci(e, tagged ? vlan_of(eps[i]) : 0);
                first = false;
            }
            emit_output(e, eps[i]->port->ofport);
        }
    }
}

/* Adds the flows of a list, with 'match' for a match, chained by FRAG. */
static void
emit_list(struct emitter *e, const struct list *list, const char *key,
          const struct match *match, uint8_t table, uint16_t priority)
{
    for (size_t i = 0; i < list->n; i += CHUNK) {
        size_t n = MIN(CHUNK, list->n - i);

        emit_begin(e);
        e->match = *match;
        if (table != SG_T_FLOOD) {
            emit_match_reg(e, SG_R_FRAG, i / CHUNK);
        }
        put_outputs(e, &list->eps[i], n, false);
        put_outputs(e, &list->eps[i], n, true);
        if (i + n < list->n) {
            emit_load(e, SG_R_FRAG, i / CHUNK + 1);
            emit_resubmit(e, table);
        }
        emit_flow(e, table, priority, cookie_of(key));
        if (table == SG_T_FLOOD) {
            break;              /* An address has few owners. */
        }
    }
}

/* Every guarded port of a VLAN. */

static void
emit_vlans(struct emitter *e, const struct sg_plan *plan)
{
    struct shash lists = SHASH_INITIALIZER(&lists);
    struct shash_node *node;

    for (size_t i = 0; i < plan->n_endpoints; i++) {
        char key[32];

        snprintf(key, sizeof key, "vlan %d", vlan_of(&plan->endpoints[i]));
        lists_add(&lists, key, &plan->endpoints[i]);
    }
    SHASH_FOR_EACH (node, &lists) {
        const struct list *list = node->data;

        emit_begin(e);
        emit_match_reg(e, SG_R_VLAN, vlan_of(list->eps[0]));
        struct match match = e->match;
        emit_list(e, list, node->name, &match, SG_T_FLOOD_ALL, 100);
    }
    lists_destroy(&lists);
}

/* The ports of one VLAN, network and profile. */

/* What it takes to judge a profile. */
struct effort {
    struct hmap_node node;
    const struct sg_plan_profile *profile;
    size_t longest;             /* Fragments of its longest cell. */
    bool multicast;             /* It has a rule that may allow multicast. */
};

static struct effort *
effort_get(struct hmap *efforts, const struct sg_plan_profile *profile)
{
    uint32_t hash = hash_pointer(profile, 0);
    struct effort *effort;

    HMAP_FOR_EACH_WITH_HASH (effort, node, hash, efforts) {
        if (effort->profile == profile) {
            return effort;
        }
    }
    effort = xzalloc(sizeof *effort);
    effort->profile = profile;
    hmap_insert(efforts, &effort->node, hash);
    return effort;
}

static void
effort_add(struct effort *effort, const struct sg_fragment *const *fragments,
           size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < fragments[i]->n_entries; j++) {
            effort->multicast |= (fragments[i]->entries[j].proto
                                  != IPPROTO_TCP);
        }
    }
}

static void
efforts_init(struct hmap *efforts, const struct sg_plan *plan)
{
    const struct sg_cell *cell;
    struct shash_node *node;

    hmap_init(efforts);
    SHASH_FOR_EACH (node, &plan->profiles) {
        const struct sg_plan_profile *profile = node->data;

        effort_add(effort_get(efforts, profile), profile->any[SG_INGRESS],
                   profile->n_any[SG_INGRESS]);
    }
    HMAP_FOR_EACH (cell, node, &plan->cells[SG_INGRESS]) {
        struct effort *effort = effort_get(efforts, cell->profile);

        effort_add(effort, cell->fragments, cell->n_fragments);
        effort->longest = MAX(effort->longest, cell->n_fragments);
    }
}

static void
efforts_destroy(struct hmap *efforts)
{
    struct effort *effort;

    HMAP_FOR_EACH_POP (effort, node, efforts) {
        free(effort);
    }
    hmap_destroy(efforts);
}

/* The most resubmits that judging 'list', and sending to its ports, takes. */
static size_t
resubmits_of(struct hmap *efforts, const struct list *list)
{
    const struct sg_plan_profile *profile = list->eps[0]->profile;

    /* IN_PROFILE, IN_CLASS, IN_CELL. */
    return (3 + profile->n_any[SG_INGRESS]
            + effort_get(efforts, profile)->longest + 1 + list->n / CHUNK);
}

static void
put_judge(struct emitter *e, const struct sg_plan_endpoint *ep)
{
    emit_load(e, SG_R_NUMBER, 0);
    emit_load(e, SG_R_NET, ep->network->id);
    emit_load(e, SG_R_PROFILE, ep->profile->id);
    emit_resubmit(e, SG_T_IN_PROFILE);
    emit_load(e, SG_R_FRAG, 0);
    emit_resubmit(e, SG_T_FLOOD_OUT);
}

/* The lists of one VLAN that are to be judged, in a fixed order. */
struct judged {
    const struct list **lists;
    size_t n;
};

static struct judged
judged_in(const struct shash *lists, uint16_t vlan)
{
    const struct shash_node **nodes = shash_sort(lists);
    struct judged judged = { xmalloc(shash_count(lists) * sizeof(void *)), 0 };

    for (size_t i = 0; i < shash_count(lists); i++) {
        const struct list *list = nodes[i]->data;

        if (vlan_of(list->eps[0]) == vlan) {
            judged.lists[judged.n++] = list;
        }
    }
    free(nodes);
    return judged;
}

/* One turn: as many as it may take, from 'i' on.  Returns where the next one
 * begins. */
static size_t
emit_turn(struct emitter *e, struct hmap *efforts,
          const struct judged *judged, size_t i, int turn)
{
    uint16_t vlan = vlan_of(judged->lists[i]->eps[0]);
    size_t end = MIN(judged->n, i + JUDGES);
    size_t resubmits = 0;
    char key[32];

    emit_begin(e);
    emit_match_reg(e, SG_R_VLAN, vlan);
    emit_match_reg(e, SG_R_FRAG, turn);
    do {
        put_judge(e, judged->lists[i]->eps[0]);
        resubmits += resubmits_of(efforts, judged->lists[i]);
    } while (++i < end
             && resubmits + resubmits_of(efforts, judged->lists[i]) <= TURN);
    if (i < judged->n && turn + 1 < MAX_TURNS) {
        emit_load(e, SG_R_FRAG, turn + 1);
        emit_resubmit(e, SG_T_FLOOD_TURN);
    }
    snprintf(key, sizeof key, "judge %d", vlan);
    emit_flow(e, SG_T_FLOOD_JUDGE, 100, cookie_of(key));
    return i;
}

/* The flows of a VLAN that judge each of its profiles. */
static void
emit_judges(struct emitter *e, struct hmap *efforts,
            const struct shash *lists, uint16_t vlan)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
    struct judged judged = judged_in(lists, vlan);
    size_t i = 0;

    for (int turn = 0; i < judged.n && turn < MAX_TURNS; turn++) {
        i = emit_turn(e, efforts, &judged, i, turn);
    }
    if (i < judged.n) {
        VLOG_WARN_RL(&rl, "VLAN %d: %"PRIuSIZE" of %"PRIuSIZE" sets of groups "
                     "get no broadcast or multicast IP: judging one frame "
                     "for all of them is too much; use fewer sets",
                     vlan & ~VLAN_PRESENT, judged.n - i, judged.n);
    }
    free(judged.lists);
}

static void
emit_profiles(struct emitter *e, const struct sg_plan *plan)
{
    struct shash lists = SHASH_INITIALIZER(&lists);
    struct shash_node *node;
    bool done[4096] = { false };
    struct hmap efforts;

    efforts_init(&efforts, plan);
    for (size_t i = 0; i < plan->n_endpoints; i++) {
        const struct sg_plan_endpoint *ep = &plan->endpoints[i];

        if (effort_get(&efforts, ep->profile)->multicast) {
            char *key = xasprintf("vlan %d net %s %s", vlan_of(ep),
                                  ep->network->name, ep->profile->key);
            lists_add(&lists, key, ep);
            free(key);
        }
    }
    SHASH_FOR_EACH (node, &lists) {
        const struct list *list = node->data;
        const struct sg_plan_endpoint *ep = list->eps[0];

        emit_begin(e);
        emit_match_reg(e, SG_R_VLAN, vlan_of(ep));
        emit_match_reg(e, SG_R_NET, ep->network->id);
        emit_match_reg(e, SG_R_PROFILE, ep->profile->id);
        match_set_reg_masked(&e->match, SG_R_NUMBER, SG_MARK_KNOWN,
                             SG_MARK_KNOWN);
        struct match match = e->match;
        emit_list(e, list, node->name, &match, SG_T_FLOOD_OUT, 50);
        if (!done[ep->endpoint->vlan]) {
            done[ep->endpoint->vlan] = true;
            emit_judges(e, &efforts, &lists, vlan_of(ep));
        }
    }
    lists_destroy(&lists);
    efforts_destroy(&efforts);
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

static void
emit_owners(struct emitter *e, const struct list *list, const char *key,
            const struct sg_prefix *p)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_VLAN, vlan_of(list->eps[0]));
    match_request(e, p);
    struct match match = e->match;
    /* Prefixes may nest: the longest wins, as everywhere. */
    emit_list(e, list, key, &match, SG_T_FLOOD, 100 + sg_prefix_text_len(p));

    /* Announcing one's own address (RFC 5227 section 3) is for everyone. */
    if (sg_prefix_is_ipv4(p) && sg_prefix_is_host(p)) {
        emit_begin(e);
        e->match = match;
        match_set_nw_src(&e->match, sg_prefix_ipv4(p));
        emit_resubmit(e, SG_T_FLOOD_ALL);
        emit_flow(e, SG_T_FLOOD, 300, cookie_of(key));
    }
}

struct owners {
    struct hmap_node node;
    struct sg_prefix prefix;
    uint16_t vlan;
    struct list list;
};

static struct owners *
owners_get(struct hmap *map, const struct sg_prefix *p, uint16_t vlan)
{
    uint32_t hash = sg_prefix_hash(p, vlan);
    struct owners *o;

    HMAP_FOR_EACH_WITH_HASH (o, node, hash, map) {
        if (o->vlan == vlan && sg_prefix_equals(&o->prefix, p)) {
            return o;
        }
    }
    o = xzalloc(sizeof *o);
    o->prefix = *p;
    o->vlan = vlan;
    hmap_insert(map, &o->node, hash);
    return o;
}

static void
owners_add(struct hmap *map, const struct sg_prefix *p,
           const struct sg_plan_endpoint *ep)
{
    struct list *list = &owners_get(map, p, vlan_of(ep))->list;

    /* A guest's link-local address may be declared as well. */
    if (!list->n || list->eps[list->n - 1] != ep) {
        list_add(list, ep);
    }
}

static void
emit_addresses(struct emitter *e, const struct sg_plan *plan)
{
    struct hmap map = HMAP_INITIALIZER(&map);
    struct owners *o;

    for (size_t i = 0; i < plan->n_endpoints; i++) {
        const struct sg_plan_endpoint *ep = &plan->endpoints[i];

        struct sg_prefix p;

        for (size_t j = 0; sg_port_address(ep->port, j, &p); j++) {
            owners_add(&map, &p, ep);
        }
    }
    HMAP_FOR_EACH_POP (o, node, &map) {
        struct ds key = DS_EMPTY_INITIALIZER;

        ds_put_format(&key, "vlan %d ", o->vlan);
        sg_prefix_format(&o->prefix, &key);
        emit_owners(e, &o->list, ds_cstr(&key), &o->prefix);
        ds_destroy(&key);
        free(o->list.eps);
        free(o);
    }
    hmap_destroy(&map);
}

void
sg_emit_floods(struct emitter *e, const struct sg_plan *plan)
{
    emit_vlans(e, plan);
    emit_profiles(e, plan);
    emit_addresses(e, plan);
}
