/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* From changes to reviews (review.h).
 *
 * All guests of a hypervisor may go at once, or a peer of 50,000 addresses
 * change: nothing here may take longer than its part of the changes. */

#include "compile/review.h"

#include <string.h>

#include "bitmap.h"
#include "compile/compile.h"
#include "compile/emit.h"
#include "compile/flow.h"
#include "compile/pipeline.h"
#include "compile/read.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "util.h"

struct sg_noting {
    struct sg_reviews *reviews;
    struct sg_plan *plan;
    long long int now;
    struct hmap covers;         /* struct covering. */
    size_t n_noted;             /* Changes so far. */
};

/* A bridge whose flows were read late may find that others have given a new
 * number to the same meanwhile. */
static bool
is_renumbered(const struct sg_noting *n, uint64_t entry, uint32_t number)
{
    const struct sg_id *id = sg_ids_by_identity(&n->plan->compiler->numbers,
                                                entry);

    return id && id->id != (number & SG_MARK_ID);
}

static void
note_l4(struct sg_noting *n, const struct sg_flow *old)
{
    uint64_t frag, entry;
    uint32_t number;

    if (sg_flow_get_load(old, SG_R_NUMBER, &number)
        && !(number & SG_MARK_DRAIN)
        && !sg_plan_has_number(n->plan, number)
        && !(sg_flow_get_note(old, &frag, &entry)
             && sg_policy_has_entry(n->plan->policy, entry)
             && !is_renumbered(n, entry, number))) {
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

/* True if the peers in class key 'old' ("ingress: group a, 10.0.0.0/8") that
 * rules in 'net' still name are all in 'new' (NULL: the empty class). */
static bool
class_covers(enum sg_direction dir, const struct sg_plan_network *net,
             const struct sg_class *new, const char *old)
{
    char *copy = xstrdup(strchr(old, ':') + 1);
    char *save = NULL;
    bool covers = true;

    for (char *name = strtok_r(copy, ",", &save); name && covers;
         name = strtok_r(NULL, ",", &save)) {
        size_t peer;

        name += strspn(name, " ");
        peer = sg_plan_find_peer(net, dir, name);
        covers = (peer == SIZE_MAX
                  || (new && bitmap_is_set(new->peers, peer)));
    }
    free(copy);
    return covers;
}

/* Answers of class_covers(): a thousand addresses that change are of few
 * classes. */
struct covering {
    struct hmap_node node;      /* In noting.covers. */
    const struct sg_plan_network *net;
    const struct sg_id *old;
    const struct sg_class *new;
    bool covers;
};

static bool
class_covers_memo(struct sg_noting *n, enum sg_direction dir,
                  const struct sg_plan_network *net,
                  const struct sg_class *new, const struct sg_id *old)
{
    uint32_t hash = hash_pointer(old, hash_pointer(new,
                                                   hash_pointer(net, 0)));
    struct covering *c;

    HMAP_FOR_EACH_WITH_HASH (c, node, hash, &n->covers) {
        if (c->old == old && c->new == new && c->net == net) {
            return c->covers;
        }
    }
    c = xmalloc(sizeof *c);
    c->net = net;
    c->old = old;
    c->new = new;
    c->covers = class_covers(dir, net, new, old->key);
    hmap_insert(&n->covers, &c->node, hash);
    return c->covers;
}

static void
note_class(struct sg_noting *n, const struct sg_flow *old)
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
    const struct sg_class *is = sg_plan_lookup(net, dir, &prefix);
    if (!was || !class_covers_memo(n, dir, net, is, was)) {
        sg_reviews_add(n->reviews, SG_REVIEW_ADDRESS, net_id, &prefix,
                       n->now);
    }
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
            covers |= !strcmp(new->groups[i]->group->key, name);
        }
    }
    free(copy);
    return covers;
}

static void
note_who(struct sg_noting *n, const struct sg_flow *old)
{
    const struct sg_plan_endpoint *ep;
    uint32_t zone, profile, net;

    if (sg_flow_get_match_reg(old, SG_R_SRC, &zone)
        && sg_flow_get_load(old, SG_R_PROFILE, &profile)
        && sg_flow_get_load(old, SG_R_NET, &net)
        && (ep = sg_plan_endpoint(n->plan, zone))
        && (ep->network->id != net
            || (ep->profile->id != profile
                && !profile_covers(n->plan, ep->profile, profile)))) {
        sg_reviews_add(n->reviews, SG_REVIEW_ZONE, zone, NULL, n->now);
    }
}

static bool
port_may_use(const struct sg_port *port, const struct sg_prefix *p)
{
    return sg_port_owns(port, p) || !port->port_security;
}

static bool
port_owns_part(const struct sg_port *port, const struct sg_prefix *p)
{
    struct sg_prefix own;

    for (size_t i = 0; sg_port_address(port, i, &own); i++) {
        if (sg_prefix_contains(p, &own)) {
            return true;
        }
    }
    return false;
}

/* Reviews what of 'p' is not the guest's own (any more), in as few prefixes as
 * possible: a review of this kind drops all that it matches. */
static void
review_own(struct sg_noting *n, const struct sg_plan_endpoint *ep,
           const struct sg_prefix *p)
{
    if (port_may_use(ep->port, p)) {
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
note_own(struct sg_noting *n, const struct sg_flow *old)
{
    const struct sg_plan_endpoint *ep;
    struct sg_prefix p;
    uint32_t zone;

    if (sg_cookie_get_kind(old->cookie) == SG_COOKIE_PORT
        && sg_flow_get_match_reg(old, SG_R_SRC, &zone)
        && sg_flow_get_match_src(old, &p)
        /* "::" is for the detection of duplicates. */
        && !(ipv6_is_zero(&p.addr) && sg_prefix_is_host(&p))
        && (ep = sg_plan_endpoint(n->plan, zone))) {
        review_own(n, ep, &p);
    }
}

/* An address that came back is the guest's own again, and may be part of a
 * prefix that is under review. */
void
sg_reviews_forget_own(struct sg_reviews *reviews, struct sg_plan *plan,
                      long long int now)
{
    struct sg_noting n = { .reviews = reviews, .plan = plan, .now = now };
    struct sg_reviews again;
    struct sg_review *r;

    if (!reviews->n_own) {
        return;
    }
    sg_reviews_init(&again);
    HMAP_FOR_EACH_SAFE (r, node, &reviews->reviews) {
        const struct sg_plan_endpoint *ep;

        if (r->kind != SG_REVIEW_OWN) {
            continue;
        }
        ep = sg_plan_endpoint(plan, r->value);
        if (!ep || port_may_use(ep->port, &r->prefix)) {
            sg_reviews_remove(reviews, r);
        } else if (port_owns_part(ep->port, &r->prefix)) {
            sg_reviews_add(&again, r->kind, r->value, &r->prefix, r->since);
            sg_reviews_remove(reviews, r);
        }
    }
    HMAP_FOR_EACH (r, node, &again.reviews) {
        review_own(&n, sg_plan_endpoint(plan, r->value), &r->prefix);
    }
    sg_reviews_destroy(&again);
}

static void
note(struct sg_noting *n, const struct sg_flow *old)
{
    switch ((enum sg_table) old->table_id) {
    case SG_T_IN_L4:
    case SG_T_EG_L4:
        note_l4(n, old);
        break;
    case SG_T_IN_CLASS:
    case SG_T_EG_CLASS:
        note_class(n, old);
        break;
    case SG_T_EG_WHO:
        note_who(n, old);
        break;
    case SG_T_SPOOF_L3:
        note_own(n, old);
        break;
    default:
        break;
    }
}

struct sg_noting *
sg_noting_begin(struct sg_reviews *reviews, struct sg_plan *plan,
                long long int now)
{
    struct sg_noting *n = xzalloc(sizeof *n);

    n->reviews = reviews;
    n->plan = plan;
    n->now = now;
    hmap_init(&n->covers);
    return n;
}

bool
sg_noting_run(struct sg_noting *n, const struct sg_changes *changes,
              struct sg_slice *slice)
{
    for (; n->n_noted < changes->n; n->n_noted++) {
        if (sg_slice_over(slice)) {
            return false;
        }
        if (changes->list[n->n_noted].old) {
            note(n, changes->list[n->n_noted].old);
        }
    }
    return true;
}

void
sg_noting_end(struct sg_noting *n)
{
    struct covering *c;

    if (n) {
        HMAP_FOR_EACH_POP (c, node, &n->covers) {
            free(c);
        }
        hmap_destroy(&n->covers);
        free(n);
    }
}

void
sg_reviews_note(struct sg_reviews *reviews, struct sg_plan *plan,
                const struct sg_changes *changes, long long int now)
{
    struct sg_noting *n = sg_noting_begin(reviews, plan, now);
    struct sg_slice slice = SG_SLICE_WHOLE;

    sg_reviews_forget_own(reviews, plan, now);
    sg_noting_run(n, changes, &slice);
    sg_noting_end(n);
}
