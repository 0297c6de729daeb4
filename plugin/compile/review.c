/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/review.h"

#include "bitmap.h"
#include "compile/compile.h"
#include "compile/emit.h"
#include "compile/flow.h"
#include "compile/pipeline.h"
#include "compile/read.h"
#include "hash.h"
#include "packets.h"
#include "util.h"

#define REVIEW_PRIORITY 110
#define OWN_PRIORITY 140        /* Above what is judged in any case: cut
                                 * connections, those of fragments, SCTP. */

void
sg_reviews_init(struct sg_reviews *reviews)
{
    hmap_init(&reviews->reviews);
}

void
sg_reviews_clear(struct sg_reviews *reviews)
{
    struct sg_review *r;

    HMAP_FOR_EACH_POP (r, node, &reviews->reviews) {
        free(r);
    }
}

void
sg_reviews_destroy(struct sg_reviews *reviews)
{
    sg_reviews_clear(reviews);
    hmap_destroy(&reviews->reviews);
}

bool
sg_reviews_add(struct sg_reviews *reviews, enum sg_review_kind kind,
               uint32_t value, const struct sg_prefix *prefix,
               long long int now)
{
    static const struct sg_prefix none;
    uint32_t hash;
    struct sg_review *r;

    prefix = prefix ? prefix : &none;
    hash = sg_prefix_hash(prefix, hash_2words(kind, value));
    HMAP_FOR_EACH_WITH_HASH (r, node, hash, &reviews->reviews) {
        if (r->kind == kind && r->value == value
            && sg_prefix_equals(&r->prefix, prefix)) {
            r->since = now;
            return false;
        }
    }
    r = xmalloc(sizeof *r);
    *r = (struct sg_review) { .kind = kind, .value = value,
                              .prefix = *prefix, .since = now };
    hmap_insert(&reviews->reviews, &r->node, hash);
    return true;
}

void
sg_reviews_remove(struct sg_reviews *reviews, struct sg_review *r)
{
    hmap_remove(&reviews->reviews, &r->node);
    free(r);
}

/* Emission and recovery: the second reads what the first wrote. */

static void
emit_review_flow(struct emitter *e, uint8_t table, uint8_t then)
{
    emit_resubmit(e, then);
    emit_flow(e, table, REVIEW_PRIORITY, sg_cookie(SG_COOKIE_REVIEW, table));
}

static void
emit_number(struct emitter *e, const struct sg_review *r)
{
    emit_begin(e);
    emit_match_mark(e, r->value, UINT32_MAX);
    emit_load(e, SG_R_CLASS, 1);
    emit_review_flow(e, SG_T_EG_CT, SG_T_EG_REVIEW);
    emit_begin(e);
    emit_match_mark(e, r->value, UINT32_MAX);
    emit_load(e, SG_R_CLASS, 1);
    emit_review_flow(e, SG_T_IN_CT, SG_T_IN_REVIEW);
}

/* What drains is not to be touched but by the end of its rule. */
static void
emit_address(struct emitter *e, const struct sg_review *r)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_NET, r->value);
    emit_match_mark(e, 0, SG_MARK_DRAIN);
    emit_match_ip_dst(e, &r->prefix);
    emit_review_flow(e, SG_T_EG_CT, SG_T_EG_REVIEW);
    emit_begin(e);
    emit_match_reg(e, SG_R_NET, r->value);
    emit_match_mark(e, 0, SG_MARK_DRAIN);
    emit_match_ip_src(e, &r->prefix);
    emit_review_flow(e, SG_T_IN_CT, SG_T_IN_REVIEW);
}

static void
emit_zone(struct emitter *e, const struct sg_review *r)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_SRC, r->value);
    emit_match_mark(e, 0, SG_MARK_DRAIN);
    emit_review_flow(e, SG_T_EG_CT, SG_T_EG_REVIEW);
    emit_begin(e);
    emit_match_reg(e, SG_R_DST, r->value);
    emit_match_mark(e, 0, SG_MARK_DRAIN);
    emit_review_flow(e, SG_T_IN_CT, SG_T_IN_REVIEW);
}

/* The guest cannot send from the address any more (SPOOF_L3); this stops
 * what others go on sending to it. */
static void
emit_own(struct emitter *e, const struct sg_review *r)
{
    emit_begin(e);
    emit_match_reg(e, SG_R_DST, r->value);
    emit_match_ip_dst(e, &r->prefix);
    emit_flow(e, SG_T_IN_CT, OWN_PRIORITY,
              sg_cookie(SG_COOKIE_REVIEW, SG_T_IN_CT));
}

void
sg_reviews_emit(const struct sg_reviews *reviews, struct sg_flows *flows)
{
    const struct sg_review *r;
    struct emitter e;

    emit_init(&e, flows);
    HMAP_FOR_EACH (r, node, &reviews->reviews) {
        switch (r->kind) {
        case SG_REVIEW_NUMBER:
            emit_number(&e, r);
            break;
        case SG_REVIEW_ADDRESS:
            emit_address(&e, r);
            break;
        case SG_REVIEW_ZONE:
            emit_zone(&e, r);
            break;
        case SG_REVIEW_OWN:
            emit_own(&e, r);
            break;
        }
    }
    emit_destroy(&e);
}

static bool
is_review(const struct sg_flow *flow)
{
    return sg_cookie_get_kind(flow->cookie) == SG_COOKIE_REVIEW;
}

/* Every review has a flow in IN_CT. */
static void
recover_flow(struct sg_reviews *reviews, const struct sg_flow *flow,
             long long int now)
{
    uint32_t value, mask;
    struct sg_prefix p;

    if (flow->table_id != SG_T_IN_CT || !is_review(flow)) {
        return;
    }
    if (sg_flow_get_match_reg(flow, SG_R_DST, &value)) {
        if (sg_flow_get_match_dst(flow, &p)) {
            sg_reviews_add(reviews, SG_REVIEW_OWN, value, &p, now);
        } else {
            sg_reviews_add(reviews, SG_REVIEW_ZONE, value, NULL, now);
        }
    } else if (sg_flow_get_match_reg(flow, SG_R_NET, &value)) {
        if (sg_flow_get_match_src(flow, &p)) {
            sg_reviews_add(reviews, SG_REVIEW_ADDRESS, value, &p, now);
        }
    } else if (sg_flow_get_match_mark(flow, &value, &mask)) {
        sg_reviews_add(reviews, SG_REVIEW_NUMBER, value, NULL, now);
    }
}

void
sg_reviews_recover(struct sg_reviews *reviews,
                   const struct sg_flows *installed, long long int now)
{
    const struct sg_flow *flow;

    HMAP_FOR_EACH (flow, node, &installed->flows) {
        recover_flow(reviews, flow, now);
    }
}

/* From changes to reviews. */

struct noting {
    struct sg_reviews *reviews;
    const struct sg_plan *plan;
    const struct sg_flows *desired;
    long long int now;
};

static bool
plan_has_number(const struct sg_plan *plan, uint32_t number)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->groups) {
        const struct sg_plan_group *pg = node->data;

        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            for (size_t i = 0; i < pg->n_fragments[dir]; i++) {
                const struct sg_fragment *frag = pg->fragments[dir][i];

                for (size_t j = 0; j < frag->n_entries; j++) {
                    if (frag->entries[j].number == number) {
                        return true;
                    }
                }
            }
        }
    }
    return false;
}

static void
note_l4(struct noting *n, const struct sg_flow *old)
{
    uint64_t frag, entry;
    uint32_t number;

    if (sg_flow_get_load(old, SG_R_NUMBER, &number)
        && !(number & SG_MARK_DRAIN)
        && !plan_has_number(n->plan, number)
        && !(sg_flow_get_note(old, &frag, &entry)
             && sg_policy_has_entry(n->plan->policy, entry))) {
        sg_reviews_add(n->reviews, SG_REVIEW_NUMBER, number, NULL, n->now);
    }
}

static const struct sg_plan_network *
plan_network_by_id(const struct sg_plan *plan, uint32_t id)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->networks) {
        const struct sg_plan_network *net = node->data;

        if (net->id == id) {
            return net;
        }
    }
    return NULL;
}

/* The class that 'prefix' has now: that of the longest prefix around it. */
static const struct sg_class *
network_lookup(const struct sg_plan_network *net, enum sg_direction dir,
               const struct sg_prefix *prefix)
{
    const struct sg_class *best = NULL;
    int best_plen = -1;

    for (size_t i = 0; i < net->n_addresses[dir]; i++) {
        const struct sg_address *a = &net->addresses[dir][i];

        if (a->class && a->prefix.plen > best_plen
            && sg_prefix_contains(&a->prefix, prefix)) {
            best = a->class;
            best_plen = a->prefix.plen;
        }
    }
    return best;
}

/* True if the peers in class key 'old' ("ingress: group a, 10.0.0.0/8") that
 * rules still name are all in 'new' (NULL: the empty class). */
static bool
class_covers(const struct sg_plan *plan, enum sg_direction dir,
             const struct sg_class *new, const char *old)
{
    char *copy = xstrdup(strchr(old, ':') + 1);
    char *save = NULL;
    bool covers = true;

    for (char *name = strtok_r(copy, ",", &save); name && covers;
         name = strtok_r(NULL, ",", &save)) {
        name += strspn(name, " ");
        for (size_t i = 0; i < plan->n_peers[dir]; i++) {
            struct ds s = DS_EMPTY_INITIALIZER;

            sg_peer_format(plan->peers[dir][i]->peer, &s);
            if (!strcmp(ds_cstr(&s), name)) {
                covers = new && bitmap_is_set(new->peers, i);
                ds_destroy(&s);
                break;
            }
            ds_destroy(&s);
        }
    }
    free(copy);
    return covers;
}

static void
note_class(struct noting *n, const struct sg_flow *old)
{
    enum sg_direction dir = (old->table_id == SG_T_IN_CLASS
                             ? SG_INGRESS : SG_EGRESS);
    const struct sg_plan_network *net;
    struct sg_prefix prefix;
    uint32_t net_id;

    if (!sg_flow_get_match_reg(old, SG_R_NET, &net_id)
        || !(net = plan_network_by_id(n->plan, net_id))
        || !(dir == SG_INGRESS ? sg_flow_get_match_src(old, &prefix)
                               : sg_flow_get_match_dst(old, &prefix))) {
        return;
    }

    const struct sg_id *was
        = sg_ids_by_identity(&n->plan->compiler->classes,
                             old->cookie & SG_COOKIE_ID_MASK);
    const struct sg_class *is = network_lookup(net, dir, &prefix);
    if (!was || !class_covers(n->plan, dir, is, was->key)) {
        sg_reviews_add(n->reviews, SG_REVIEW_ADDRESS, net_id, &prefix,
                       n->now);
    }
}

static const struct sg_plan_endpoint *
plan_endpoint_by_zone(const struct sg_plan *plan, uint32_t zone)
{
    for (size_t i = 0; i < plan->n_endpoints; i++) {
        if (plan->endpoints[i].zone == zone) {
            return &plan->endpoints[i];
        }
    }
    return NULL;
}

/* True if the profile with number 'old' had no group that 'new' lacks. */
static bool
profile_covers(const struct sg_plan *plan, const struct sg_plan_profile *new,
               uint32_t old)
{
    const struct sg_id *was = sg_ids_by_id(&plan->compiler->profiles, old);
    bool covers = true;

    if (!was) {
        return false;
    }

    char *copy = xstrdup(strchr(was->key, ' ') + 1);
    char *save = NULL;
    for (char *name = strtok_r(copy, ",", &save); name && covers;
         name = strtok_r(NULL, ",", &save)) {
        covers = false;
        for (size_t i = 0; i < new->n_groups; i++) {
            covers |= !strcmp(new->groups[i]->name, name);
        }
    }
    free(copy);
    return covers;
}

static void
note_input(struct noting *n, const struct sg_flow *old)
{
    const struct sg_plan_endpoint *ep;
    uint32_t zone, profile, net;

    if (sg_cookie_get_kind(old->cookie) == SG_COOKIE_PORT
        && sg_flow_get_load(old, SG_R_SRC, &zone)
        && sg_flow_get_load(old, SG_R_PROFILE, &profile)
        && sg_flow_get_load(old, SG_R_NET, &net)
        && (ep = plan_endpoint_by_zone(n->plan, zone))
        && (ep->network->id != net
            || (ep->profile->id != profile
                && !profile_covers(n->plan, ep->profile, profile)))) {
        sg_reviews_add(n->reviews, SG_REVIEW_ZONE, zone, NULL, n->now);
    }
}

/* The addresses that a guest sends from: those it declared, and the link-local
 * ones of its MACs.  Returns false if there is no number 'i'. */
static bool
port_address(const struct sg_port *port, size_t i, struct sg_prefix *p)
{
    if (i < port->n_addresses) {
        *p = port->addresses[i];
        return true;
    } else if (i - port->n_addresses < port->n_macs) {
        sg_link_local(port->macs[i - port->n_addresses], p);
        return true;
    }
    return false;
}

static bool
port_owns(const struct sg_port *port, const struct sg_prefix *p)
{
    struct sg_prefix own;

    for (size_t i = 0; port_address(port, i, &own); i++) {
        if (sg_prefix_contains(&own, p)) {
            return true;
        }
    }
    return !port->port_security;
}

static bool
port_owns_part(const struct sg_port *port, const struct sg_prefix *p)
{
    struct sg_prefix own;

    for (size_t i = 0; port_address(port, i, &own); i++) {
        if (sg_prefix_contains(p, &own)) {
            return true;
        }
    }
    return false;
}

/* Reviews what of 'p' is not the guest's own (any more), in as few prefixes as
 * possible: a review of this kind drops all that it matches. */
static void
review_own(struct noting *n, const struct sg_plan_endpoint *ep,
           const struct sg_prefix *p)
{
    if (port_owns(ep->port, p)) {
        return;
    }
    if (!port_owns_part(ep->port, p)) {
        sg_reviews_add(n->reviews, SG_REVIEW_OWN, ep->zone, p, n->now);
        return;
    }

    struct sg_prefix half = *p;
    half.plen++;
    review_own(n, ep, &half);
    half.addr.s6_addr[p->plen / 8] |= 0x80 >> p->plen % 8;
    review_own(n, ep, &half);
}

static void
note_own(struct noting *n, const struct sg_flow *old)
{
    const struct sg_plan_endpoint *ep;
    struct sg_prefix p;
    uint32_t zone;

    if (sg_flow_get_match_reg(old, SG_R_SRC, &zone)
        && sg_flow_get_match_src(old, &p)
        /* "::" is for the detection of duplicates. */
        && !(ipv6_is_zero(&p.addr) && sg_prefix_is_host(&p))
        && (ep = plan_endpoint_by_zone(n->plan, zone))) {
        review_own(n, ep, &p);
    }
}

/* An address that came back is the guest's own again, and may be part of a
 * prefix that is under review. */
static void
forget_own(struct noting *n)
{
    struct sg_reviews again;
    struct sg_review *r;

    sg_reviews_init(&again);
    HMAP_FOR_EACH_SAFE (r, node, &n->reviews->reviews) {
        const struct sg_plan_endpoint *ep;

        if (r->kind != SG_REVIEW_OWN) {
            continue;
        }
        ep = plan_endpoint_by_zone(n->plan, r->value);
        if (!ep || port_owns(ep->port, &r->prefix)) {
            sg_reviews_remove(n->reviews, r);
        } else if (port_owns_part(ep->port, &r->prefix)) {
            sg_reviews_add(&again, r->kind, r->value, &r->prefix, r->since);
            sg_reviews_remove(n->reviews, r);
        }
    }
    HMAP_FOR_EACH (r, node, &again.reviews) {
        review_own(n, plan_endpoint_by_zone(n->plan, r->value), &r->prefix);
    }
    sg_reviews_destroy(&again);
}

void
sg_reviews_note(struct sg_reviews *reviews, const struct sg_plan *plan,
                const struct sg_changes *changes,
                const struct sg_flows *desired, long long int now)
{
    struct noting n = { reviews, plan, desired, now };

    for (size_t i = 0; i < changes->n; i++) {
        const struct sg_flow *old = changes->list[i].old;

        if (!old) {
            continue;
        }
        switch ((enum sg_table) old->table_id) {
        case SG_T_IN_L4:
        case SG_T_EG_L4:
            note_l4(&n, old);
            break;
        case SG_T_IN_CLASS:
        case SG_T_EG_CLASS:
            note_class(&n, old);
            break;
        case SG_T_INPUT:
            note_input(&n, old);
            break;
        case SG_T_SPOOF_L3:
            note_own(&n, old);
            break;
        default:
            break;
        }
    }
    forget_own(&n);
}
