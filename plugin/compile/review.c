/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/review.h"

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
    *reviews = (struct sg_reviews) { .n_own = 0 };
    hmap_init(&reviews->reviews);
    ovs_list_init(&reviews->in_order);
    sg_units_init(&reviews->units);
}

void
sg_reviews_clear(struct sg_reviews *reviews)
{
    sg_reviews_destroy(reviews);
    sg_reviews_init(reviews);
}

void
sg_reviews_destroy(struct sg_reviews *reviews)
{
    struct sg_review *r;

    HMAP_FOR_EACH_POP (r, node, &reviews->reviews) {
        free(r);
    }
    hmap_destroy(&reviews->reviews);
}

/* What stands for "no prefix". */
static const struct sg_prefix *
or_none(const struct sg_prefix *prefix)
{
    static const struct sg_prefix none;

    return prefix ? prefix : &none;
}

static uint32_t
review_hash(enum sg_review_kind kind, uint32_t value,
            const struct sg_prefix *prefix)
{
    return sg_prefix_hash(prefix, hash_2words(kind, value));
}

struct sg_review *
sg_reviews_find(const struct sg_reviews *reviews, enum sg_review_kind kind,
                uint32_t value, const struct sg_prefix *prefix)
{
    struct sg_review *r;

    prefix = or_none(prefix);
    HMAP_FOR_EACH_WITH_HASH (r, node, review_hash(kind, value, prefix),
                             &reviews->reviews) {
        if (r->kind == kind && r->value == value
            && sg_prefix_equals(&r->prefix, prefix)) {
            return r;
        }
    }
    return NULL;
}

struct sg_review *
sg_reviews_next_around(const struct sg_reviews *reviews,
                       enum sg_review_kind kind, uint32_t value,
                       const struct sg_prefix *host, int *plen)
{
    while (++*plen <= 128) {
        if (reviews->lengths[*plen]) {
            struct sg_prefix prefix;
            struct sg_review *r;

            sg_prefix_from_ipv6(&host->addr, *plen, &prefix);
            r = sg_reviews_find(reviews, kind, value, &prefix);
            if (r && sg_prefix_contains(&prefix, host)) {
                return r;       /* ::/0 holds no address of IPv4. */
            }
        }
    }
    return NULL;
}

bool
sg_reviews_add(struct sg_reviews *reviews, enum sg_review_kind kind,
               uint32_t value, const struct sg_prefix *prefix,
               long long int now)
{
    struct sg_review *r = sg_reviews_find(reviews, kind, value, prefix);

    prefix = or_none(prefix);
    if (r) {
        r->since = now;
        return false;
    }
    r = xmalloc(sizeof *r);
    *r = (struct sg_review) { .kind = kind, .value = value,
                              .prefix = *prefix, .since = now };
    sg_unit_init(&r->unit, SG_UNIT_REVIEW);
    sg_unit_touch(&reviews->units, &r->unit);
    hmap_insert(&reviews->reviews, &r->node,
                review_hash(kind, value, prefix));
    ovs_list_push_back(&reviews->in_order, &r->in_order);
    reviews->n_own += kind == SG_REVIEW_OWN;
    reviews->lengths[prefix->plen]++;
    return true;
}

void
sg_reviews_remove(struct sg_reviews *reviews, struct sg_review *r)
{
    hmap_remove(&reviews->reviews, &r->node);
    ovs_list_remove(&r->in_order);
    reviews->n_own -= r->kind == SG_REVIEW_OWN;
    reviews->lengths[r->prefix.plen]--;
    sg_unit_drop(&reviews->units, &r->unit);
    free(r);
}

/* Emission and recovery: the second reads what the first wrote. */

/* New connections come here, too, if they were committed and nobody has
 * answered yet: the others find a flow of a higher priority. */
static void
emit_review_flow(struct emitter *e, uint8_t table, uint8_t then)
{
    match_set_ct_state_masked(&e->match, CS_TRACKED, CS_TRACKED | CS_INVALID);
    emit_resubmit(e, then);
    emit_flow(e, table, REVIEW_PRIORITY, sg_cookie(SG_COOKIE_REVIEW, table));
}

static void
emit_number(struct emitter *e, const struct sg_review *r)
{
    emit_begin(e);
    emit_match_mark(e, r->value, UINT32_MAX);
    emit_review_flow(e, SG_T_EG_CT, SG_T_EG_REVIEW);
    emit_begin(e);
    emit_match_mark(e, r->value, UINT32_MAX);
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

static void
emit_review(struct emitter *e, const struct sg_review *r)
{
    switch (r->kind) {
    case SG_REVIEW_NUMBER:
        emit_number(e, r);
        break;
    case SG_REVIEW_ADDRESS:
        emit_address(e, r);
        break;
    case SG_REVIEW_ZONE:
        emit_zone(e, r);
        break;
    case SG_REVIEW_OWN:
        emit_own(e, r);
        break;
    }
}

void
sg_reviews_emit(const struct sg_reviews *reviews, struct sg_flows *flows)
{
    const struct sg_review *r;
    struct emitter e;

    emit_init(&e, flows);
    HMAP_FOR_EACH (r, node, &reviews->reviews) {
        emit_review(&e, r);
    }
    emit_destroy(&e);
}

bool
sg_reviews_have_changed(const struct sg_reviews *reviews)
{
    return !sg_units_are_settled(&reviews->units);
}

bool
sg_reviews_emit_changes(struct sg_reviews *reviews, struct sg_flows *desired,
                        struct sg_flows *touched, struct sg_slice *slice)
{
    struct emitter e;

    if (!sg_units_withdraw(&reviews->units, desired, touched, slice)) {
        return false;
    }
    emit_init(&e, desired);
    e.touched = touched;
    while (!sg_slice_over(slice) && (e.unit = sg_units_pop(&reviews->units))) {
        emit_review(&e, CONTAINER_OF(e.unit, struct sg_review, unit));
    }
    emit_destroy(&e);
    return sg_units_are_settled(&reviews->units);
}

void
sg_reviews_emit_again(struct sg_reviews *reviews)
{
    struct sg_review *r;

    sg_units_init(&reviews->units);
    HMAP_FOR_EACH (r, node, &reviews->reviews) {
        sg_unit_init(&r->unit, SG_UNIT_REVIEW);
        sg_unit_touch(&reviews->units, &r->unit);
    }
}

static bool
is_review(const struct sg_flow *flow)
{
    return sg_cookie_get_kind(flow->cookie) == SG_COOKIE_REVIEW;
}

/* Every review has a flow in IN_CT. */
void
sg_reviews_recover_flow(struct sg_reviews *reviews,
                        const struct sg_flow *flow, long long int now)
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
        sg_reviews_recover_flow(reviews, flow, now);
    }
}
