/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The restart promise: an agent that starts beside its own flows goes on as if
 * it had never stopped. */

#include <config.h>

#include "compile/compile.h"

#include <stdlib.h>

#include "compile/flow.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "tap.h"
#include "util.h"
#include "world.h"

#define N_WORLDS 60
#define N_BRIDGES 2

static const char *const bridges[N_BRIDGES] = { "br0", "br1" };

/* What is installed on all bridges. */
struct network {
    struct sg_flows flows[N_BRIDGES];
};

static void
network_init(struct network *n)
{
    for (size_t i = 0; i < N_BRIDGES; i++) {
        sg_flows_init(&n->flows[i]);
    }
}

static void
network_destroy(struct network *n)
{
    for (size_t i = 0; i < N_BRIDGES; i++) {
        sg_flows_destroy(&n->flows[i]);
    }
}

/* A pass over all bridges. */
static void
compile(struct sg_compiler *c, const struct world *w, struct network *n)
{
    struct sg_plan *plans[N_BRIDGES];

    sg_compiler_begin(c);
    for (size_t i = 0; i < N_BRIDGES; i++) {
        plans[i] = sg_plan_create(c, w->policy, &w->ports, bridges[i]);
        sg_flows_clear(&n->flows[i]);
        sg_plan_emit(plans[i], &n->flows[i]);
    }
    sg_compiler_end(c);
    for (size_t i = 0; i < N_BRIDGES; i++) {
        sg_plan_destroy(plans[i]);
    }
}

/* A compiler that knows nothing but what is installed. */
static struct sg_compiler *
recovered(const struct network *n)
{
    struct sg_compiler *c = test_compiler();

    for (size_t i = 0; i < N_BRIDGES; i++) {
        sg_compiler_recover(c, &n->flows[i]);
    }
    return c;
}

static size_t
differences(const struct network *a, const struct network *b)
{
    size_t n = 0;

    for (size_t i = 0; i < N_BRIDGES; i++) {
        struct sg_changes changes;

        sg_changes_init(&changes);
        sg_flows_diff(&a->flows[i], &b->flows[i], &changes);
        n += changes.n;
        for (size_t j = 0; j < MIN(changes.n, 2) && n < 10; j++) {
            struct ds s = DS_EMPTY_INITIALIZER;

            if (changes.list[j].old) {
                sg_flow_format(changes.list[j].old, &s);
            }
            ds_put_cstr(&s, "\n# becomes ");
            if (changes.list[j].new) {
                sg_flow_format(changes.list[j].new, &s);
            }
            printf("# %s\n", ds_cstr(&s));
            ds_destroy(&s);
        }
        sg_changes_destroy(&changes);
    }
    return n;
}

static void
count_zone(uint16_t zone OVS_UNUSED, void *n_)
{
    size_t *n = n_;

    ++*n;
}

static void
test_same(void)
{
    size_t again = 0, restarted = 0, fresh = 0;

    for (uint32_t i = 0; i < N_WORLDS; i++) {
        struct world_seed seed = world_seed(2000 + i);
        struct sg_compiler *c = test_compiler();
        struct network a, b;
        struct world w;

        network_init(&a);
        network_init(&b);
        world_random(&w, &seed);
        compile(c, &w, &a);
        compile(c, &w, &b);
        again += differences(&a, &b);
        sg_compiler_destroy(c);

        c = recovered(&a);
        compile(c, &w, &b);
        restarted += differences(&a, &b);
        sg_compiler_fresh_zones(c, count_zone, &fresh);
        sg_compiler_destroy(c);

        world_destroy(&w);
        network_destroy(&a);
        network_destroy(&b);
    }
    is_int(again, 0, "%d random policies: compiled again, the same flows",
           N_WORLDS);
    is_int(restarted, 0, "... after a restart, the same flows");
    is_int(fresh, 0, "... and no zone that needs to be flushed");
}

static void
change(struct world_seed *seed, struct dice *d)
{
    int n = 1 + dice_roll(d, 4);

    for (int i = 0; i < n; i++) {
        seed->variants[dice_roll(d, WORLD_PARTS)]++;
    }
}

/* The policy changes: an agent that was there and one that was not want the
 * same flows. */
static void
test_changed(void)
{
    struct dice d = { 11 };
    size_t missed = 0;

    for (uint32_t i = 0; i < N_WORLDS; i++) {
        struct world_seed seed = world_seed(3000 + i);
        struct sg_compiler *there = test_compiler();
        struct network a, b, c;
        struct world w;

        network_init(&a);
        network_init(&b);
        network_init(&c);
        world_random(&w, &seed);
        compile(there, &w, &a);
        world_destroy(&w);

        struct sg_compiler *restarted = recovered(&a);
        change(&seed, &d);
        world_random(&w, &seed);
        compile(there, &w, &b);
        compile(restarted, &w, &c);
        missed += differences(&b, &c);
        world_destroy(&w);

        sg_compiler_destroy(there);
        sg_compiler_destroy(restarted);
        network_destroy(&a);
        network_destroy(&b);
        network_destroy(&c);
    }
    is_int(missed, 0, "%d policies that change meanwhile: the same flows",
           N_WORLDS);
}

/* What is left of a flow without the numbers that the compiler gave. */
static char *
flow_text(const struct sg_flow *flow)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct match match;

    minimatch_expand(&flow->match, &match);
    memset(match.flow.regs, 0, sizeof match.flow.regs);
    memset(match.wc.masks.regs, 0, sizeof match.wc.masks.regs);
    match.flow.ct_zone = match.wc.masks.ct_zone = 0;
    ds_put_format(&s, "%u %u %"PRIx64" %"PRIu32" ", flow->table_id,
                  flow->priority, flow->cookie, flow->ofpacts_len);
    match_format(&match, NULL, &s, OFP_DEFAULT_PRIORITY);
    return ds_steal_cstr(&s);
}

static bool
same_but_for_numbers(const struct network *a, const struct network *b)
{
    bool same = true;

    for (size_t i = 0; i < N_BRIDGES; i++) {
        struct svec lines[2] = { SVEC_EMPTY_INITIALIZER,
                                 SVEC_EMPTY_INITIALIZER };
        const struct sg_flow *flow;

        HMAP_FOR_EACH (flow, node, &a->flows[i].flows) {
            svec_add_nocopy(&lines[0], flow_text(flow));
        }
        HMAP_FOR_EACH (flow, node, &b->flows[i].flows) {
            svec_add_nocopy(&lines[1], flow_text(flow));
        }
        svec_sort(&lines[0]);
        svec_sort(&lines[1]);
        same &= svec_equal(&lines[0], &lines[1]);
        svec_destroy(&lines[0]);
        svec_destroy(&lines[1]);
    }
    return same;
}

/* A long life: many changes, restarts now and then.  At any time a restart
 * changes nothing, and the flows are those of a compilation from nothing,
 * numbers aside. */
static void
test_long_life(void)
{
    struct world_seed seed = world_seed(4000);
    struct sg_compiler *c = test_compiler();
    size_t restarted = 0, others = 0;
    struct dice d = { 12 };
    struct network a, b;

    network_init(&a);
    network_init(&b);
    for (int i = 0; i < 80; i++) {
        struct sg_compiler *other;
        struct world w;

        change(&seed, &d);
        world_random(&w, &seed);
        compile(c, &w, &a);

        other = recovered(&a);
        compile(other, &w, &b);
        restarted += differences(&a, &b);
        if (dice_roll(&d, 3)) {
            sg_compiler_destroy(other);
        } else {
            sg_compiler_destroy(c);
            c = other;
        }

        other = test_compiler();
        compile(other, &w, &b);
        others += !same_but_for_numbers(&a, &b);
        sg_compiler_destroy(other);
        world_destroy(&w);
    }
    is_int(restarted, 0, "80 changes in a row: a restart changes nothing");
    is_int(others, 0, "... and the flows are those of a new compilation");
    sg_compiler_destroy(c);
    network_destroy(&a);
    network_destroy(&b);
}

/* The port keeps its zone, the rule its number, whatever comes and goes
 * beside them. */
static void
test_numbers_stay(void)
{
    struct sg_compiler *c = test_compiler();
    struct network a, b;
    struct world w;

    network_init(&a);
    network_init(&b);
    world_init(&w, "{'groups':[{'name':'g','ingress':[{'word':'udp',"
               "'values':[80],'from':'10.0.0.0/8'}]}]}",
               "{'ports':[{'name':'a','uuid':"
               "'f0000000-0000-0000-0000-000000000001','external_ids':"
               "{'sg-groups':'g'}}]}");
    compile(c, &w, &a);
    world_destroy(&w);

    world_init(&w, "{'groups':[{'name':'a','ingress':[{'word':'udp',"
               "'from':{'group':'g'}}]},{'name':'g','ingress':[{'word':"
               "'tcp','values':[22],'from':{'any':true}},{'word':'udp',"
               "'values':[80],'from':'10.0.0.0/8'}]}]}",
               "{'ports':[{'name':'0','ofport':9,'external_ids':"
               "{'sg-groups':'a g'}},{'name':'a','ofport':1,'uuid':"
               "'f0000000-0000-0000-0000-000000000001','external_ids':"
               "{'sg-groups':'g'}}]}");
    compile(c, &w, &b);
    size_t gone = 0;
    struct sg_changes changes;
    sg_changes_init(&changes);
    sg_flows_diff(&a.flows[0], &b.flows[0], &changes);
    for (size_t i = 0; i < changes.n; i++) {
        gone += changes.list[i].old != NULL;
    }
    /* The ports of the VLAN, its profiles (whole frames, and fragments twice),
     * and the fragments of profile g. */
    is_int(gone, 5, "what is added changes only the lists that it is part of");
    sg_changes_destroy(&changes);
    world_destroy(&w);

    sg_compiler_destroy(c);
    network_destroy(&a);
    network_destroy(&b);
}

int
main(void)
{
    test_same();
    test_changed();
    test_long_life();
    test_numbers_stay();
    return done_testing();
}
