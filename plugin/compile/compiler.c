/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/compile.h"

#include <stdlib.h>

#include "compile/flow.h"
#include "compile/pipeline.h"
#include "compile/read.h"
#include "coverage.h"
#include "util.h"

COVERAGE_DEFINE(sg_policy_listed_late);

struct sg_compiler *
sg_compiler_create(uint16_t zone_min, uint16_t zone_max)
{
    struct sg_compiler *c = xmalloc(sizeof *c);

    /* 0 is "none" everywhere. */
    sg_ids_init(&c->networks, 1, UINT32_MAX);
    sg_ids_init(&c->profiles, 1, UINT32_MAX);
    sg_ids_init(&c->classes, 1, UINT32_MAX);
    sg_ids_init(&c->fragments, 1, UINT32_MAX);
    sg_ids_init(&c->numbers, 1, SG_MARK_ID);
    sg_ids_init(&c->zones, zone_min, zone_max - 1);
    c->waiting_zone = zone_max;
    c->default_limit = 0;
    return c;
}

void
sg_compiler_destroy(struct sg_compiler *c)
{
    if (c) {
        sg_ids_destroy(&c->networks);
        sg_ids_destroy(&c->profiles);
        sg_ids_destroy(&c->classes);
        sg_ids_destroy(&c->fragments);
        sg_ids_destroy(&c->numbers);
        sg_ids_destroy(&c->zones);
        free(c);
    }
}

void
sg_compiler_set_default_limit(struct sg_compiler *c, uint32_t limit)
{
    c->default_limit = limit;
}

void
sg_compiler_begin(struct sg_compiler *c)
{
    sg_ids_begin(&c->networks);
    sg_ids_begin(&c->profiles);
    sg_ids_begin(&c->classes);
    sg_ids_begin(&c->fragments);
    sg_ids_begin(&c->numbers);
    sg_ids_begin(&c->zones);
}

void
sg_compiler_end(struct sg_compiler *c)
{
    sg_ids_end(&c->networks);
    sg_ids_end(&c->profiles);
    sg_ids_end(&c->classes);
    sg_ids_end(&c->fragments);
    sg_ids_end(&c->numbers);
    sg_ids_end(&c->zones);
}

void
sg_compiler_leave_room(struct sg_compiler *c)
{
    sg_ids_leave_room(&c->networks);
    sg_ids_leave_room(&c->profiles);
    sg_ids_leave_room(&c->classes);
    sg_ids_leave_room(&c->fragments);
    sg_ids_leave_room(&c->numbers);
    sg_ids_leave_room(&c->zones);
}

static bool
is_of_kind(const struct sg_flow *flow, enum sg_cookie_kind kind)
{
    return sg_cookie_get_kind(flow->cookie) == kind;
}

/* A flow of an entry: the numbers of both it and its fragment. */
static void
recover_l4(struct sg_compiler *c, const struct sg_flow *flow)
{
    uint64_t frag, entry;
    uint32_t value;

    if (!sg_flow_get_note(flow, &frag, &entry)) {
        return;
    }
    if (sg_flow_get_match_reg(flow, SG_R_FRAG, &value)) {
        sg_ids_hint(&c->fragments, frag, value);
    }
    if (sg_flow_get_load(flow, SG_R_NUMBER, &value)) {
        sg_ids_hint(&c->numbers, entry, value & SG_MARK_ID);
    }
}

/* A number under review (review.h) is gone and still in use.  So may be any,
 * also one that came later, if all connections of a port are: it had to do
 * with rules that it left behind, and nothing tells their numbers. */
static void
skip_reviewed(struct sg_compiler *c, const struct sg_flow *flow)
{
    uint32_t value, mask;

    if (!is_of_kind(flow, SG_COOKIE_REVIEW)) {
        return;
    }
    if (sg_flow_get_match_reg(flow, SG_R_DST, &value)) {
        sg_ids_leave_gap(&c->numbers);
    } else if (sg_flow_get_match_mark(flow, &value, &mask)
               && mask == UINT32_MAX) {
        sg_ids_skip(&c->numbers, value & SG_MARK_ID);
    }
}

/* Which number a flow carries, and what for: see the emit-*.c files. */
void
sg_compiler_recover_flow(struct sg_compiler *c, const struct sg_flow *flow)
{
    uint64_t identity = flow->cookie & SG_COOKIE_ID_MASK;
    uint32_t value;

    switch ((enum sg_table) flow->table_id) {
    case SG_T_INPUT:
        if (is_of_kind(flow, SG_COOKIE_PORT)
            && sg_flow_get_load(flow, SG_R_SRC, &value)) {
            sg_ids_hint(&c->zones, identity, value);
        }
        break;
    case SG_T_EG_WHO:
        if (is_of_kind(flow, SG_COOKIE_PORT)
            && sg_flow_get_match_reg(flow, SG_R_SRC, &value)) {
            sg_ids_hint(&c->zones, identity, value);
        }
        break;
    case SG_T_IN_PROFILE:
    case SG_T_EG_PROFILE:
        if (sg_flow_get_match_reg(flow, SG_R_PROFILE, &value)) {
            sg_ids_hint(&c->profiles, identity, value);
        }
        break;
    case SG_T_IN_CLASS:
    case SG_T_EG_CLASS:
        if (sg_flow_get_load(flow, SG_R_CLASS, &value)) {
            sg_ids_hint(&c->classes, identity, value);
        }
        break;
    case SG_T_IN_L4:
    case SG_T_EG_L4:
        recover_l4(c, flow);
        break;
    case SG_T_NAMES:
        if (sg_flow_get_match_reg(flow, SG_R_NET, &value)) {
            sg_ids_hint(&c->networks, identity, value);
        } else if (sg_flow_get_match_reg(flow, SG_R_SRC, &value)) {
            sg_ids_hint(&c->zones, identity, value);
        }
        break;
    case SG_T_IN_CT:
        skip_reviewed(c, flow);
        break;
    default:
        break;
    }
}

void
sg_compiler_recover(struct sg_compiler *c, const struct sg_flows *installed)
{
    const struct sg_flow *flow;

    HMAP_FOR_EACH (flow, node, &installed->flows) {
        sg_compiler_recover_flow(c, flow);
    }
}

void
sg_compiler_fresh_zones(const struct sg_compiler *c,
                        void (*cb)(uint16_t zone, void *aux), void *aux)
{
    const struct sg_id *id;

    LIST_FOR_EACH (id, fresh_node, &c->zones.fresh) {
        if (id->fresh) {
            cb(id->id, aux);
        }
    }
}

struct identities {
    uint64_t *list;
    size_t n, allocated;
};

static void
add_identities(struct identities *ids, const struct sg_group *group,
               enum sg_direction dir, const struct sg_peer *peer)
{
    struct sg_fragment *frag = sg_fragment_create(dir, group, peer);

    for (size_t i = 0; frag && i < frag->n_entries; i++) {
        if (ids->n >= ids->allocated) {
            ids->list = x2nrealloc(ids->list, &ids->allocated,
                                   sizeof *ids->list);
        }
        ids->list[ids->n++] = frag->entries[i].identity;
    }
    sg_fragment_destroy(frag);
}

/* Has one of the first 'n' rules 'peer', too? */
static bool
rules_have_peer(struct sg_rule *const rules[], size_t n,
                const struct sg_peer *peer)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < rules[i]->n_peers; j++) {
            if (sg_peer_equals(&rules[i]->peers[j], peer)) {
                return true;
            }
        }
    }
    return false;
}

/* A fragment has what all rules say of its peer. */
static void
add_group(struct identities *ids, const struct sg_group *group,
          enum sg_direction dir)
{
    for (size_t i = 0; i < group->n_rules[dir]; i++) {
        const struct sg_rule *rule = group->rules[dir][i];

        for (size_t j = 0; j < rule->n_peers; j++) {
            if (!rules_have_peer(group->rules[dir], i, &rule->peers[j])) {
                add_identities(ids, group, dir, &rule->peers[j]);
            }
        }
    }
}

static int
compare_identities(const void *a_, const void *b_)
{
    const uint64_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

void
sg_policy_list_entries(struct sg_policy *policy)
{
    struct identities ids = { xmalloc(sizeof *ids.list), 0, 1 };
    const struct sg_group *group;

    HMAP_FOR_EACH (group, node, &policy->groups) {
        add_group(&ids, group, SG_INGRESS);
        add_group(&ids, group, SG_EGRESS);
    }
    qsort(ids.list, ids.n, sizeof *ids.list, compare_identities);
    free(policy->entries);
    policy->entries = ids.list;
    policy->n_entries = ids.n;
}

bool
sg_policy_has_entry(struct sg_policy *policy, uint64_t identity)
{
    if (!policy->entries) {
        COVERAGE_INC(sg_policy_listed_late);
        sg_policy_list_entries(policy);
    }
    return bsearch(&identity, policy->entries, policy->n_entries,
                   sizeof *policy->entries, compare_identities) != NULL;
}
