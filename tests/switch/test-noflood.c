/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The no-flood flag of ports, with a real switch. */

#include <config.h>

#include "switch-lab.h"

#include <stdlib.h>

#include "flow.h"
#include "tap.h"

static struct sg_switch *s;

/* True if ovs-ofctl shows the flag on 'port'. */
static bool
has_flag(const char *port)
{
    char *line = lab_get("ovs-ofctl show br0 | grep -A1 '(%s):' | tail -n1",
                         port);
    bool has = strstr(line, "NO_FLOOD") != NULL;

    free(line);
    return has;
}

static void
want(const struct sg_switch_port *ports, size_t n)
{
    sg_switch_set_no_flood(s, ports, n);
}

static bool
confirmed(int ofport)
{
    return sg_switch_no_flood_confirmed(s, u16_to_ofp(ofport));
}

#define PORT(OFPORT, NAME) { u16_to_ofp(OFPORT), NAME }

static void
test_set(void)
{
    const struct sg_switch_port ports[] = { PORT(1, "p1"), PORT(2, "p2") };

    want(ports, 2);
    ok(!sg_switch_no_flood_all_confirmed(s), "nothing is confirmed yet");
    ok(UNTIL(s, confirmed(1) && confirmed(2)), "both get the flag");
    ok(sg_switch_no_flood_all_confirmed(s), "that is all");
    ok(has_flag("p1") && has_flag("p2"), "the switch shows it");
    ok(!has_flag("p3") && !confirmed(3), "the third port has it not");
    is_str(sg_switch_port_name(s, u16_to_ofp(3)), "p3", "name of a port");
    is_str(sg_switch_port_name(s, u16_to_ofp(33)), NULL, "no such port");

    want(ports, 1);
    ok(!confirmed(2), "one is not wanted any more");
    ok(UNTIL(s, !has_flag("p2")), "it is cleared");
    ok(has_flag("p1"), "the other stays");
    want(ports, 2);
    ok(UNTIL(s, sg_switch_no_flood_all_confirmed(s)), "wanted again");
    ok(has_flag("p2"), "the switch shows it");
}

static void
test_others(void)
{
    lab_run("ovs-ofctl mod-port br0 p3 no-flood");
    lab_run("ovs-ofctl mod-port br0 p1 flood");
    ok(UNTIL(s, !confirmed(1)), "somebody clears the flag");
    ok(UNTIL(s, confirmed(1)), "it is set again");
    ok(has_flag("p1"), "the switch shows it");
    ok(has_flag("p3"), "a flag that is not ours is left alone");
    lab_run("ovs-ofctl mod-port br0 p3 flood");
}

static void
test_port_comes_back(void)
{
    lab_run("ovs-vsctl del-port p1");
    ok(UNTIL(s, !confirmed(1)), "a port goes");
    ok(sg_switch_no_flood_all_confirmed(s), "what is not there is not missed");
    is_str(sg_switch_port_name(s, u16_to_ofp(1)), NULL, "nor has it a name");
    lab_run("ovs-vsctl add-port br0 p1 -- set interface p1 type=dummy "
            "ofport_request=1");
    ok(UNTIL(s, confirmed(1)), "the port comes back");
    ok(has_flag("p1"), "the switch shows the flag");

    /* Its number goes to another interface, which we were not asked for. */
    lab_run("ovs-vsctl del-port p1 -- add-port br0 q1 -- set interface q1 "
            "type=dummy ofport_request=1");
    ok(UNTIL(s, sg_switch_port_name(s, u16_to_ofp(1))
             && !strcmp(sg_switch_port_name(s, u16_to_ofp(1)), "q1")),
       "its number goes to somebody else");
    SETTLE(s);
    ok(!confirmed(1) && !has_flag("q1"), "who is not touched");

    const struct sg_switch_port ports[] = { PORT(1, "q1"), PORT(2, "p2") };

    want(ports, 2);
    ok(UNTIL(s, confirmed(1)), "until we are asked");
    ok(has_flag("q1"), "the switch shows the flag");
}

static void
test_restart(void)
{
    lab_stop_switch();
    ok(UNTIL(s, !confirmed(2)), "the switch crashes: nothing is confirmed");
    ok(!sg_switch_no_flood_all_confirmed(s), "at all");
    lab_start_switch();
    ok(UNTIL(s, confirmed(1) && confirmed(2)), "it is back, and so is it");
    ok(has_flag("q1") && has_flag("p2"), "the switch shows the flags");
    want(NULL, 0);
    ok(UNTIL(s, !has_flag("q1") && !has_flag("p2")), "all are cleared");
}

static void
test_change_of_mind(void)
{
    const struct sg_switch_port port = PORT(3, "p3");

    SETTLE(s);
    want(&port, 1);
    sg_switch_run(s);           /* The port mod leaves. */
    want(NULL, 0);
    ok(!sg_switch_no_flood_all_confirmed(s),
       "what is on its way must be known first");
    ok(UNTIL(s, sg_switch_no_flood_all_confirmed(s)), "then it is cleared");
    ok(!has_flag("p3"), "the switch does not show it");
}

/* OpenFlow shows only the first 15 bytes of a name. */
static void
test_long_name(void)
{
    const struct sg_switch_port ports[] = { PORT(4, "a-very-long-name-1") };

    lab_run("ovs-vsctl add-port br0 a-very-long-name-1 -- set interface "
            "a-very-long-name-1 type=dummy ofport_request=4");
    want(ports, 1);
    ok(UNTIL(s, confirmed(4)), "a long name");
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_start(argv[0]);
    lab_run("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure "
            "datapath_type=dummy");
    for (int i = 1; i <= 3; i++) {
        lab_run("ovs-vsctl add-port br0 p%d -- set interface p%d type=dummy "
                "ofport_request=%d", i, i, i);
    }
    s = lab_connect("br0");
    test_set();
    test_others();
    test_port_comes_back();
    test_restart();
    test_change_of_mind();
    test_long_name();
    sg_switch_destroy(s);

    char *log = lab_log();

    is_str(log, "", "the log has no warning");
    free(log);
    lab_destroy();
    return done_testing();
}
