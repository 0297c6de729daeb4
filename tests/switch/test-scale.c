/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* 50,000 flows on one bridge: time, memory, and how long the main loop is
 * held up.  The times are printed, not asserted. */

#include <config.h>

#include "switch-lab.h"

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "byte-order.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "tap.h"

#define N_FLOWS 50000

/* Our own time, in usec: the machine may be busy with other things. */
static long long int
cpu_usec(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* Runs 's' until it is neither busy nor unknown; prints how that went. */
static void
run(struct sg_switch *s, const char *what)
{
    long long int start = time_usec();
    long long int longest = 0;
    int turns = 0;

    do {
        long long int before;

        sg_switch_wait(s);
        poll_block();
        before = cpu_usec();
        sg_switch_run(s);
        longest = MAX(longest, cpu_usec() - before);
        turns++;
    } while (!sg_switch_installed(s) || sg_switch_busy(s));
    printf("# %s: %lld ms in %d turns, the longest %lld us of CPU\n", what,
           (time_usec() - start) / 1000, turns, longest);
}

/* Flows as in the class and cell tables. */
static void
make_flows(struct sg_flows *flows)
{
    uint64_t stub[64 / 8];
    struct ofpbuf ofpacts;

    ofpbuf_use_stack(&ofpacts, stub, sizeof stub);
    ofpact_put_GOTO_TABLE(&ofpacts)->table_id = 3;
    for (uint32_t i = 0; i < N_FLOWS; i++) {
        struct match match;

        match_init_catchall(&match);
        match_set_reg(&match, 1, 1 + i % 50);
        match_set_dl_type(&match, htons(ETH_TYPE_IP));
        match_set_nw_src(&match, htonl(0x0a000000 + i));
        sg_flows_add(flows, 2, 100, SG_COOKIE_MAGIC | i, &match,
                     ofpacts.data, ofpacts.size);
    }
    ofpbuf_uninit(&ofpacts);
}

static size_t
allocated(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void
test_flows(void)
{
    struct sg_switch *s = lab_connect("br0");
    size_t before = allocated();
    struct sg_flows desired, none;

    sg_flows_init(&none);
    sg_flows_init(&desired);
    make_flows(&desired);
    printf("# desired flows: %"PRIuSIZE" kB\n",
           (allocated() - before) / 1024);

    run(s, "connect");
    is_int(lab_commit(s, &desired), N_FLOWS, "flows to be added");
    run(s, "install");
    is_int(lab_commit(s, &desired), 0, "nothing is left to do");
    printf("# desired and installed flows: %"PRIuSIZE" kB\n",
           (allocated() - before) / 1024);
    sg_switch_destroy(s);

    s = lab_connect("br0");
    run(s, "connect and read");
    is_int(sg_flows_count(sg_switch_installed(s)), N_FLOWS, "flows read");
    is_int(lab_commit(s, &desired), 0, "nothing is left to do");
    is_int(lab_commit(s, &none), N_FLOWS, "flows to be deleted");
    run(s, "delete");
    ok(lab_bridge_has("br0", &none), "the switch has none");
    sg_switch_destroy(s);
    sg_flows_destroy(&desired);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_start(argv[0]);
    lab_run("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure "
            "datapath_type=dummy -- add-port br0 p1 -- set interface p1 "
            "type=dummy ofport_request=1");
    test_flows();

    char *log = lab_log();

    is_str(log, "", "the log has no warning");
    free(log);
    lab_destroy();
    return done_testing();
}
