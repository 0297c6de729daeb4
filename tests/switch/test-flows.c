/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Desired and installed flows of one bridge, with a real switch. */

#include <config.h>

#include "switch-lab.h"

#include <stdlib.h>

#include "lib/flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "tap.h"

/* The log must be empty but for lines with 'expected' (NULL: none). */
static void
check_log(const char *expected, const char *when)
{
    char *log = lab_log();
    bool good = !log[0];

    if (expected) {
        good = strstr(log, expected) && strchr(log, '\n')[1] == '\0';
    }
    ok(good, "%s: the log has %s", when, expected ? expected : "no warning");
    if (!good) {
        tap_show("log", log);
    }
    free(log);
}

/* Flows of all the kinds that the compiler makes. */
static void
make_flows(struct sg_flows *flows)
{
    lab_add_flow(flows, 1, "priority=50,actions=drop");
    lab_add_flow(flows, 2, "priority=200,in_port=1,dl_src=00:00:00:00:00:01,"
                 "actions=set_field:0x1->reg0,resubmit(,1)");
    lab_add_flow(flows, 2, "priority=200,in_port=2,vlan_tci=0/0x1fff,"
                 "actions=set_field:0x2/0xffff->reg0,"
                 "set_field:ANY->in_port,push_vlan:0x8100,"
                 "set_field:4106->vlan_vid,NORMAL");
    lab_add_flow(flows, 3, "table=1,priority=200,ip,ct_state=-trk,"
                 "actions=ct(table=2,zone=NXM_NX_REG0[0..15])");
    lab_add_flow(flows, 3, "table=1,priority=200,ipv6,ct_state=-trk,"
                 "actions=ct(table=2,zone=5)");
    lab_add_flow(flows, 4, "table=2,priority=100,ct_state=+new+trk-inv,tcp,"
                 "tcp_dst=80/0xfff0,nw_dst=10.0.0.0/8,actions="
                 "ct(commit,zone=5,exec(set_field:0x7->ct_mark),table=3)");
    lab_add_flow(flows, 5, "table=2,priority=90,ct_state=+est+trk,"
                 "ct_mark=0x80000000/0x80000000,ip,ct_nw_src=10.1.1.1,"
                 "actions=push:NXM_OF_IP_SRC[],"
                 "move:NXM_NX_CT_NW_SRC[]->NXM_OF_IP_SRC[],resubmit(,3),"
                 "pop:NXM_OF_IP_SRC[]");
    lab_add_flow(flows, 6, "table=3,priority=7,arp,arp_spa=10.0.0.1,"
                 "arp_sha=00:00:00:00:00:01,actions=output:1,output:2,LOCAL");
    lab_add_flow(flows, 7, "table=3,priority=7,icmp6,icmp_type=136,"
                 "nd_target=fe80::1,nd_tll=00:00:00:00:00:01,actions=normal");
    lab_add_flow(flows, 8, "table=3,priority=7,dl_vlan=10,"
                 "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,"
                 "reg1=0x5/0xff,metadata=0x3,actions=pop_vlan,in_port,"
                 "note:01.02.03.00.00.00");
    lab_add_flow(flows, 9, "table=4,priority=65535,udp6,udp_src=547,"
                 "ipv6_src=fe80::/10,nw_frag=first,actions="
                 "learn(table=9,cookie=0x1,dl_src,output:in_port),"
                 "clone(drop),ct_clear,controller(reason=action)");
}

static void
test_install(struct sg_switch *s, const struct sg_flows *flows)
{
    struct sg_switch_stats stats;

    ok(UNTIL(s, sg_switch_installed(s)), "the installed flows get known");
    is_int(sg_flows_count(sg_switch_installed(s)), 0, "none at first");
    is_int(sg_switch_n_foreign(s), 1, "one flow of others");
    is_int(sg_switch_n_bypassing(s), 0, "which does not bypass ours");

    is_int(lab_commit(s, flows), sg_flows_count(flows), "all are to be added");
    ok(sg_switch_busy(s), "busy with a bundle");
    ok(UNTIL(s, !sg_switch_busy(s)), "the bundle ends");
    is_str(sg_switch_error(s), NULL, "without an error");
    ok(lab_bridge_has("br0", flows), "the switch has the flows");
    is_int(lab_commit(s, flows), 0, "nothing is left to do");
    ok(!sg_switch_busy(s), "an empty set of changes does nothing");

    sg_switch_get_stats(s, &stats);
    is_int(stats.bundles, 1, "one bundle");
    is_int(stats.flow_mods, sg_flows_count(flows), "a flow mod for each flow");
    check_log(NULL, "install");
}

static void
test_change(struct sg_switch *s)
{
    struct sg_flows flows;

    sg_flows_init(&flows);
    make_flows(&flows);
    lab_add_flow(&flows, 1, "priority=50,actions=normal");    /* Actions. */
    lab_add_flow(&flows, 99, "table=3,priority=7,arp,arp_spa=10.0.0.1,"
                 "arp_sha=00:00:00:00:00:01,actions=output:1,output:2,LOCAL");
    lab_add_flow(&flows, 8, "table=5,actions=drop");          /* New. */
    is_int(lab_commit(s, &flows), 3, "three changes");
    ok(UNTIL(s, !sg_switch_busy(s)), "are carried out");
    ok(lab_bridge_has("br0", &flows), "the switch has them");

    sg_flows_clear(&flows);
    make_flows(&flows);
    is_int(lab_commit(s, &flows), 3, "and three changes back");
    ok(UNTIL(s, !sg_switch_busy(s)), "are carried out");
    ok(lab_bridge_has("br0", &flows), "the switch has them");
    sg_flows_destroy(&flows);
    check_log(NULL, "change");
}

/* The same actions, written in another form. */
static void
test_forms(struct sg_switch *s)
{
    struct sg_flows other;

    sg_flows_init(&other);
    make_flows(&other);
    lab_add_flow(&other, 2, "priority=200,in_port=2,vlan_tci=0/0x1fff,"
                 "actions=load:0x2->NXM_NX_REG0[0..15],"
                 "load:0xffff->NXM_OF_IN_PORT[],push_vlan:0x8100,"
                 "mod_vlan_vid:10,NORMAL");
    lab_add_flow(&other, 8, "table=3,priority=7,dl_vlan=10,"
                 "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,"
                 "reg1=0x5/0xff,metadata=0x3,actions=strip_vlan,in_port,"
                 "note:01.02.03");
    is_int(lab_commit(s, &other), 0, "another form of an action is no change");
    sg_flows_destroy(&other);
}

/* A second client finds the flows exactly as the first one sent them. */
static void
test_recovery(const struct sg_flows *flows)
{
    struct sg_switch *s = lab_connect("br0");

    ok(UNTIL(s, sg_switch_installed(s)), "a new client reads the flows");
    is_int(lab_commit(s, flows), 0, "and finds nothing to do");
    sg_switch_destroy(s);
    check_log(NULL, "recovery");
}

/* A bridge that speaks no OpenFlow 1.5. */
static void
test_openflow14(const struct sg_flows *flows)
{
    struct sg_flows none;

    lab_run("ovs-vsctl add-br br1 -- set bridge br1 fail_mode=secure "
            "datapath_type=dummy protocols=OpenFlow10,OpenFlow14");

    struct sg_switch *s = lab_connect("br1");

    size_t n = sg_flows_count(flows);

    sg_flows_init(&none);
    ok(UNTIL(s, sg_switch_installed(s)), "connected with OpenFlow 1.4");
    lab_commit(s, flows);
    ok(UNTIL(s, !sg_switch_busy(s)), "flows are installed");
    is_str(sg_switch_error(s), NULL, "without an error");
    sg_switch_destroy(s);

    s = lab_connect("br1");
    ok(UNTIL(s, sg_switch_installed(s)), "a new client reads the flows");
    is_int(lab_commit(s, flows), 0, "and finds nothing to do");
    lab_run("ovs-ofctl --strict del-flows br1 priority=50");
    ok(UNTIL(s, sg_flows_count(sg_switch_installed(s)) == n - 1),
       "the monitor works, too");
    is_int(lab_commit(s, flows), 1, "one flow is to be repaired");
    ok(UNTIL(s, !sg_switch_busy(s)), "repaired");
    is_int(lab_commit(s, &none), n, "delete all");
    ok(UNTIL(s, !sg_switch_busy(s)), "done");
    sg_switch_destroy(s);
    lab_run("ovs-vsctl del-br br1");
    check_log("changed 1 of our flows", "OpenFlow 1.4");
}

/* A bridge that speaks nothing with bundles, until that is mended. */
static void
test_no_version(void)
{
    lab_run("ovs-vsctl add-br br2 -- set bridge br2 datapath_type=dummy "
            "protocols=OpenFlow13");

    struct sg_switch *s = lab_connect("br2");

    ok(!UNTIL_MSEC(s, sg_switch_installed(s), 2000), "no common version");

    char *log = lab_log();
    int n = 0;

    for (const char *p = log; (p = strstr(p, "|WARN|")); p++) {
        n++;
    }
    if (!ok(n > 0 && n <= 8, "%d warnings, neither none nor many", n)) {
        tap_show("log", log);
    }
    free(log);
    lab_run("ovs-vsctl clear bridge br2 protocols");
    ok(UNTIL(s, sg_switch_installed(s)), "mended");
    sg_switch_destroy(s);
    lab_run("ovs-vsctl del-br br2");
    free(lab_log());
}

static void
test_switch_restart(struct sg_switch *s, const struct sg_flows *flows)
{
    unsigned int generation = sg_switch_generation(s);

    lab_stop_switch();
    ok(UNTIL(s, !sg_switch_installed(s)), "the switch crashes: nothing known");
    SETTLE(s);
    SETTLE(s);
    lab_start_switch();
    ok(UNTIL(s, sg_switch_installed(s)), "it is back");
    ok(sg_switch_generation(s) != generation, "this is a new generation");
    is_int(sg_flows_count(sg_switch_installed(s)), 0, "without flows");
    lab_commit(s, flows);
    ok(UNTIL(s, !sg_switch_busy(s)), "they are installed again");
    ok(lab_bridge_has("br0", flows), "the switch has them");
    check_log(NULL, "restart of the switch");
}

/* Somebody else does 'command': the monitor must show 'n' changes to undo. */
static void
test_repair(struct sg_switch *s, const struct sg_flows *flows, size_t n,
            const char *expected, const char *command)
{
    unsigned int generation = sg_switch_generation(s);

    lab_run("%s", command);
    ok(UNTIL(s, sg_switch_generation(s) != generation
             && sg_switch_installed(s)), "noticed: %s", command);
    is_int(lab_commit(s, flows), n, "changes to repair that");
    ok(UNTIL(s, !sg_switch_busy(s)), "repaired");
    ok(lab_bridge_has("br0", flows), "the switch has its flows");
    is_int(sg_switch_n_bypassing(s), 0, "no flow bypasses ours");
    check_log(expected, "repair");
}

static void
test_repairs(struct sg_switch *s, const struct sg_flows *flows)
{
    test_repair(s, flows, 1, "changed 1 of our flows (removed",
                "ovs-ofctl --strict del-flows br0 "
                "priority=200,in_port=1,dl_src=00:00:00:00:00:01");
    test_repair(s, flows, 1, "(replaced",
                "ovs-ofctl --strict mod-flows br0 "
                "'table=3,priority=7,icmp6,icmp_type=136,"
                "nd_target=fe80::1,nd_tll=00:00:00:00:00:01,actions=drop'");
    test_repair(s, flows, 1, "(added", "ovs-ofctl add-flow br0 "
                "cookie=0x5347000000000001,table=2,actions=normal");
    test_repair(s, flows, 2, "changed 2 of our flows",
                "ovs-ofctl del-flows br0 cookie=0x5347000000000002/-1");

    /* Whether there is a controller makes the switch flush all flows. */
    test_repair(s, flows, 11, "changed 11 of our flows",
                "ovs-vsctl set-controller br0 tcp:127.0.0.1:1");
    test_repair(s, flows, 11, "changed 11 of our flows",
                "ovs-vsctl del-controller br0");

    /* This puts a foreign flow in the place of ours. */
    unsigned int generation = sg_switch_generation(s);

    lab_run("ovs-ofctl add-flow br0 priority=50,actions=normal");
    ok(UNTIL(s, sg_switch_generation(s) != generation), "flow replaced");
    is_int(lab_commit(s, flows), 1, "one change puts it back");
    ok(UNTIL(s, !sg_switch_busy(s)), "repaired");
    ok(lab_bridge_has("br0", flows), "the switch has its flows");
    is_int(sg_switch_n_foreign(s), 0, "the foreign flow is gone");
    free(lab_log());
}

/* More changes at once than the switch reports one by one. */
static void
test_flood(struct sg_switch *s, const struct sg_flows *flows)
{
    unsigned int generation;

    lab_run("i=0; while [ $i -lt 8000 ]; do "
            "echo \"add cookie=0x5347000000000009,table=1,reg5=$i,"
            "actions=drop\"; i=$((i + 1)); done "
            "| ovs-ofctl -O OpenFlow15 --bundle add-flows br0 -");
    generation = sg_switch_generation(s);
    ok(UNTIL(s, sg_switch_generation(s) != generation
             && sg_switch_installed(s)
             && (sg_flows_count(sg_switch_installed(s))
                 == sg_flows_count(flows) + 8000)),
       "8,000 flows added by others are seen");
    SETTLE(s);
    is_int(lab_commit(s, flows), 8000, "to be deleted");
    ok(UNTIL(s, !sg_switch_busy(s)), "deleted");
    ok(lab_bridge_has("br0", flows), "the switch has its flows");
    free(lab_log());
}

static void
test_foreign(struct sg_switch *s, const struct sg_flows *flows)
{
    lab_run("ovs-ofctl add-flow br0 priority=40000,in_port=1,actions=normal");
    ok(UNTIL(s, sg_switch_n_bypassing(s) == 1), "a bypass is seen");
    check_log("br0: flow \"priority=40000,in_port=1 actions=NORMAL\" of "
              "somebody else in table 0 wins over ours", "bypass");
    lab_run("ovs-ofctl add-flow br0 priority=4,in_port=1,actions=normal");
    ok(UNTIL(s, sg_switch_n_foreign(s) == 2), "another one is below ours");
    is_int(sg_switch_n_bypassing(s), 1, "and counts not as a bypass");
    check_log(NULL, "low priority");
    lab_run("ovs-ofctl add-flow br0 table=3,actions=normal");
    SETTLE(s);
    check_log("is in table 3, which belongs to the security groups",
              "our table");
    is_int(sg_switch_n_misplaced(s), 1, "and is counted");
    lab_run("ovs-ofctl add-flow br0 table=33,actions=normal");
    SETTLE(s);
    is_int(sg_switch_n_misplaced(s), 1, "others are not");
    check_log(NULL, "table of others");
    is_int(lab_commit(s, flows), 0, "nothing of that is for us to repair");

    lab_run("ovs-ofctl del-flows br0 table=3,cookie=0/-1");
    lab_run("ovs-ofctl del-flows br0 table=0,cookie=0/-1");
    ok(UNTIL(s, !sg_switch_n_foreign(s)), "they are gone");
    is_int(sg_switch_n_bypassing(s), 0, "and nothing bypasses ours");
    is_int(sg_switch_n_misplaced(s), 0, "nor is anything in our tables");
    check_log(NULL, "others deleted");
}

static void
test_refused(struct sg_switch *s, const struct sg_flows *flows)
{
    struct sg_flows bad;

    sg_flows_init(&bad);
    make_flows(&bad);
    lab_add_flow(&bad, 1, "table=6,actions=normal");
    lab_add_flow(&bad, 1, "table=6,priority=77,actions=group:4711");
    is_int(lab_commit(s, &bad), 2, "a change with a group that is not there");
    ok(UNTIL(s, sg_switch_error(s)), "is refused");
    ok(strstr(sg_switch_error(s), "table=6, priority=77"),
       "the error names the flow");
    ok(sg_switch_busy(s), "it backs off");
    ok(lab_bridge_has("br0", flows), "the switch has the old flows");
    check_log("the switch refused a change of flows", "refused");
    ok(UNTIL(s, !sg_switch_busy(s)), "until it may try again");
    is_int(lab_commit(s, &bad), 2, "the installed flows are the old ones");
    ok(UNTIL(s, !sg_switch_busy(s)), "refused again");
    free(lab_log());
    sg_flows_destroy(&bad);

    struct sg_flows good;

    sg_flows_init(&good);
    make_flows(&good);
    lab_add_flow(&good, 1, "table=6,actions=normal");
    lab_commit(s, &good);
    ok(UNTIL(s, !sg_switch_busy(s)), "a good change");
    is_str(sg_switch_error(s), NULL, "ends the error");
    ok(lab_bridge_has("br0", &good), "the switch has it");
    lab_commit(s, flows);
    ok(UNTIL(s, !sg_switch_busy(s)), "back");
    sg_flows_destroy(&good);
    check_log(NULL, "good again");
}

/* Adds a flow to an address that sets a register and sends to 'port', which
 * may be one that ovs-ofctl would not take. */
static void
add_output(struct sg_flows *flows, unsigned int number, uint16_t port)
{
    struct match match = MATCH_CATCHALL_INITIALIZER;
    const struct mf_field *reg = mf_from_id(MFF_REG2);
    ovs_be32 value = htonl(number);
    struct ofpbuf actions;

    match_set_reg(&match, 1, number);
    match_set_dl_type(&match, htons(ETH_TYPE_IP));
    match_set_nw_dst(&match, htonl(0x0a000000 + number));
    ofpbuf_init(&actions, 0);
    ofpact_put_set_field(&actions, reg, &value, NULL);
    ofpact_put_OUTPUT(&actions)->port = u16_to_ofp(1);
    ofpact_put_OUTPUT(&actions)->port = u16_to_ofp(port);
    sg_flows_add(flows, 6, 5, SG_COOKIE_MAGIC | 1, &match, actions.data,
                 actions.size);
    ofpbuf_uninit(&actions);
}

static void
copy_flows(const struct sg_flows *flows, struct sg_flows *copy)
{
    const struct sg_flow *flow;

    sg_flows_init(copy);
    HMAP_FOR_EACH (flow, node, &flows->flows) {
        sg_flows_put(copy, flow);
    }
}

/* Commits 'flows' and two more, the second of them to 'port'; returns how many
 * bundles have not been waited with. */
static unsigned long long int
commit_outputs(struct sg_switch *s, const struct sg_flows *flows,
               unsigned int number, uint16_t port)
{
    struct sg_switch_stats stats;
    struct sg_flows some;

    copy_flows(flows, &some);
    add_output(&some, number, 1);
    add_output(&some, number + 1, port);
    lab_commit(s, &some);
    ok(UNTIL(s, !sg_switch_busy(s) && sg_switch_installed(s)), "it ends");
    sg_switch_get_stats(s, &stats);
    ok(lab_bridge_has("br0", sg_switch_installed(s)), "as we know it");
    is_int(sg_flows_count(sg_switch_installed(s)),
           sg_flows_count(&some) - (port != 1), "what is installed");
    sg_flows_destroy(&some);
    return stats.at_once;
}

/* Flows of kinds that the switch has taken go without a wait. */
static void
test_at_once(struct sg_switch *s, const struct sg_flows *flows)
{
    unsigned long long int before = commit_outputs(s, flows, 1, 1);
    struct sg_flows other;

    is_int(commit_outputs(s, flows, 3, 1) - before, 1, "known kinds: at once");
    copy_flows(flows, &other);
    lab_add_flow(&other, 1, "table=6,priority=5,ip,nw_dst=10.1.0.0/16,"
                 "actions=output:1");
    is_int(commit_outputs(s, &other, 5, 1) - before, 1, "another mask: not");
    sg_flows_destroy(&other);
    is_int(commit_outputs(s, flows, 7, 1) - before, 2, "known kinds again");
    check_log(NULL, "at once");

    /* No port has such a number, but only the switch knows. */
    commit_outputs(s, flows, 9, 0xff10);
    check_log("the rest was changed", "refused too late");
    ok(sg_switch_error(s) != NULL, "there is an error");
    lab_commit(s, flows);
    ok(UNTIL(s, !sg_switch_busy(s)), "back");
    is_str(sg_switch_error(s), NULL, "which ends the error");
    ok(lab_bridge_has("br0", flows), "the switch has the old flows");
    check_log(NULL, "back");
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    struct sg_flows flows;

    lab_start(argv[0]);
    lab_run("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure "
            "datapath_type=dummy -- add-port br0 p1 -- set interface p1 "
            "type=dummy ofport_request=1 -- add-port br0 p2 "
            "-- set interface p2 type=dummy ofport_request=2");
    lab_run("ovs-ofctl add-flow br0 priority=0,actions=normal");

    struct sg_switch *s = lab_connect("br0");

    sg_flows_init(&flows);
    make_flows(&flows);
    test_install(s, &flows);
    test_change(s);
    test_forms(s);
    test_recovery(&flows);
    test_openflow14(&flows);
    test_no_version();
    test_switch_restart(s, &flows);
    test_repairs(s, &flows);
    test_flood(s, &flows);
    test_foreign(s, &flows);
    test_refused(s, &flows);
    test_at_once(s, &flows);
    sg_switch_destroy(s);
    sg_flows_destroy(&flows);
    lab_destroy();
    return done_testing();
}
