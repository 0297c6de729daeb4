/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Two clients change the same flows at the same time, each believing that
 * they are its own.  Whatever the order in which the switch carries that out,
 * each must know in the end exactly what is installed. */

#include <config.h>

#include "switch-lab.h"

#include <stdlib.h>

#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "flow.h"
#include "random.h"
#include "tap.h"

#define N_ROUNDS 20
#define N_IDENTITIES 40

/* Adds flow number 'id' with one of a few cookies and one of a few actions. */
static void
add_flow(struct sg_flows *flows, unsigned int id)
{
    uint64_t stub[64 / 8];
    struct ofpbuf ofpacts;
    struct match match;

    match_init_catchall(&match);
    match_set_reg(&match, 0, id);
    ofpbuf_use_stack(&ofpacts, stub, sizeof stub);
    ofpact_put_OUTPUT(&ofpacts)->port = u16_to_ofp(1 + random_range(3));
    sg_flows_add(flows, id % 10, 100, SG_COOKIE_MAGIC | random_range(3),
                 &match, ofpacts.data, ofpacts.size);
    ofpbuf_uninit(&ofpacts);
}

/* Removes flow number 'id' of those that add_flow() makes. */
static void
remove_flow(struct sg_flows *flows, unsigned int id)
{
    struct sg_flows one;
    struct sg_flow *identity, *flow;

    sg_flows_init(&one);
    add_flow(&one, id);
    HMAP_FOR_EACH (identity, node, &one.flows) {
        flow = sg_flows_find(flows, identity);
        if (flow) {
            sg_flows_remove(flows, flow);
        }
    }
    sg_flows_destroy(&one);
}

static void
copy_flows(const struct sg_flows *src, struct sg_flows *dst)
{
    const struct sg_flow *flow;

    HMAP_FOR_EACH (flow, node, &src->flows) {
        sg_flows_put(dst, flow);
    }
}

/* Commits about 'n' changes of 'n_identities' flows, if 's' is not busy.  What
 * is committed stays in 'desired' until the next time. */
static void
change_at_random(struct sg_switch *s, struct sg_flows *desired,
                 unsigned int n_identities, unsigned int n)
{
    if (!sg_switch_installed(s) || sg_switch_busy(s)) {
        return;
    }
    sg_flows_clear(desired);
    copy_flows(sg_switch_installed(s), desired);
    while (n--) {
        unsigned int id = random_range(n_identities);

        if (random_range(2)) {
            add_flow(desired, id);
        } else {
            remove_flow(desired, id);
        }
    }
    lab_commit(s, desired);
}

static bool
same_flows(const struct sg_flows *a, const struct sg_flows *b)
{
    struct sg_changes changes;
    bool same;

    if (!a || !b) {
        return false;
    }
    sg_changes_init(&changes);
    sg_flows_diff(a, b, &changes);
    same = !changes.n;
    sg_changes_destroy(&changes);
    return same;
}

/* Somebody else puts a flow in the place of one of ours. */
static void
replace_at_random(void)
{
    unsigned int id = random_range(N_IDENTITIES);

    lab_run("ovs-ofctl add-flow br0 table=%u,priority=100,reg0=%u,"
            "actions=drop", id % 10, id);
}

/* One turn of both; waits at most 'msec' for something to do. */
static void
turn(struct sg_switch *a, struct sg_switch *b, int msec)
{
    sg_switch_run(a);
    sg_switch_run(b);
    sg_switch_wait(a);
    sg_switch_wait(b);
    poll_timer_wait(msec);
    poll_block();
}

static bool
is_settled(const struct sg_switch *s)
{
    return sg_switch_installed(s) && !sg_switch_busy(s);
}

/* Runs both until nothing has happened for a while. */
static void
settle(struct sg_switch *a, struct sg_switch *b)
{
    long long int deadline = time_msec() + LAB_PATIENCE;
    long long int quiet = time_msec() + LAB_QUIET;

    while (time_msec() < MIN(quiet, deadline)) {
        unsigned int seqno = sg_switch_seqno(a) + sg_switch_seqno(b);

        turn(a, b, LAB_QUIET);
        if (seqno != sg_switch_seqno(a) + sg_switch_seqno(b)
            || !is_settled(a) || !is_settled(b)) {
            quiet = time_msec() + LAB_QUIET;
        }
    }
}

/* Whether both come to know what the switch has.  On a busy machine they are
 * quiet for a while before they do; one that got it wrong stays so. */
static bool
agree(struct sg_switch *a, struct sg_switch *b)
{
    long long int deadline = time_msec() + LAB_PATIENCE;

    do {
        settle(a, b);
        if (same_flows(sg_switch_installed(a), sg_switch_installed(b))
            && lab_bridge_has("br0", sg_switch_installed(a))) {
            return true;
        }
    } while (time_msec() < deadline);
    return false;
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_start(argv[0]);
    lab_run("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure "
            "datapath_type=dummy");
    random_set_seed(1);

    struct sg_switch *a = lab_connect("br0");
    struct sg_switch *b = lab_connect("br0");
    struct sg_flows a_flows, b_flows;
    int n_bad = 0;

    sg_flows_init(&a_flows);
    sg_flows_init(&b_flows);
    ok(UNTIL(a, sg_switch_installed(a)), "one client");
    ok(UNTIL(b, sg_switch_installed(b)), "another client");
    for (int i = 0; i < N_ROUNDS; i++) {
        /* Some rounds have more changes than a flow monitor can take. */
        bool big = i % 10 == 9;
        unsigned int n = big ? 15000 : N_IDENTITIES;

        for (int j = 0; j < (big ? 2 : 30); j++) {
            change_at_random(a, &a_flows, n,
                             big ? n : (unsigned int) random_range(n));
            if (big) {
                /* While 'b' does not listen, so that its monitor pauses. */
                ok(UNTIL(a, !sg_switch_busy(a)), "a big change");
            }
            change_at_random(b, &b_flows, n, random_range(n));
            for (int k = random_range(4); k >= 0; k--) {
                turn(a, b, 1);
            }
            if (!random_range(5)) {
                replace_at_random();
            }
        }
        if (!agree(a, b)) {
            printf("# round %d: the two do not agree with the switch\n", i);
            n_bad++;
        }
    }
    is_int(n_bad, 0, "rounds in which a client got it wrong");

    struct sg_switch_stats stats;

    sg_switch_get_stats(a, &stats);
    printf("# %llu bundles, %llu flow mods, %llu repairs\n", stats.bundles,
           stats.flow_mods, stats.repairs);
    ok(stats.repairs > 0, "they did get in each other's way");
    sg_switch_destroy(a);
    sg_switch_destroy(b);
    sg_flows_destroy(&a_flows);
    sg_flows_destroy(&b_flows);
    lab_destroy();
    return done_testing();
}
