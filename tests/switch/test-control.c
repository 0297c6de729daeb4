/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The connection table: parsing, reading, flushing. */

#include <config.h>

#include "switch-lab.h"

#include <stdlib.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "packets.h"
#include "switch/conntrack-parse.h"
#include "switch/control.h"
#include "switch/megaflow.h"
#include "tap.h"
#include "unixctl.h"

/* 'conn' in one line, or "-". */
static char *
describe(const struct sg_conn *conn)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "%d ", conn->proto);
    ipv6_format_mapped(&conn->src, &s);
    ds_put_format(&s, " %d > ", conn->sport);
    ipv6_format_mapped(&conn->dst, &s);
    ds_put_format(&s, " %d zone %d mark %#x", conn->dport, conn->zone,
                  conn->mark);
    return ds_steal_cstr(&s);
}

static void
check_parse(const char *line, const char *expected)
{
    struct sg_conn conn;
    char *got = sg_conn_parse(line, &conn) ? describe(&conn) : xstrdup("-");

    is_str(got, expected, "parse %.*s", (int) strcspn(line, "\n"), line);
    free(got);
}

static void
test_parse(void)
{
    check_parse("tcp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=1,dport=2),"
                "reply=(src=10.1.1.2,dst=10.1.1.1,sport=2,dport=1),zone=5,"
                "mark=2147483648,protoinfo=(state=ESTABLISHED)",
                "6 10.1.1.1 1 > 10.1.1.2 2 zone 5 mark 0x80000000");
    check_parse("icmp,orig=(src=10.1.1.1,dst=10.1.1.2,id=77,type=8,code=1),"
                "reply=(src=10.1.1.2,dst=10.1.1.1,id=77,type=0,code=0)",
                "1 10.1.1.1 77 > 10.1.1.2 2049 zone 0 mark 0");
    check_parse("udp,orig=(src=fe80::1,dst=ff02::fb,sport=5353,dport=5353),"
                "reply=(src=ff02::fb,dst=fe80::1,sport=5353,dport=5353),"
                "zone=65535,labels=0x1,mark=7,timeout=12",
                "17 fe80::1 5353 > ff02::fb 5353 zone 65535 mark 0x7");
    check_parse("47,orig=(src=10.1.1.1,dst=10.1.1.2,sport=0,dport=0),"
                "reply=(src=10.1.1.2,dst=10.1.1.1,sport=0,dport=0),zone=9",
                "47 10.1.1.1 0 > 10.1.1.2 0 zone 9 mark 0");
    check_parse("sctp,orig=(src=10.1.1.1,dst=10.1.1.2),reply=(),zone=9\ntcp,",
                "132 10.1.1.1 0 > 10.1.1.2 0 zone 9 mark 0");
    check_parse("udp,orig=(src=0.0.0.0,dst=255.255.255.255,sport=68,dport=67"
                ",packets=1,bytes=328),reply=(src=1.1.1.1,dst=1.1.1.2),zone=1",
                "17 0.0.0.0 68 > 255.255.255.255 67 zone 1 mark 0");
    check_parse("", "-");
    check_parse("tcp", "-");
    check_parse("tcp,zone=5", "-");
    check_parse("tcp,reply=(src=10.1.1.2,dst=10.1.1.1)", "-");
    check_parse("tcp,orig=(src=10.1.1.1", "-");
    check_parse("tcp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=65536)", "-");
    check_parse("tcp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=-1)", "-");
    check_parse("tcp,orig=(src=10.1.1,dst=10.1.1.2)", "-");
    check_parse("tcp,orig=(src=(10.1.1.1),dst=10.1.1.2)", "-");
    check_parse("tcp,orig=(src=10.1.1.1,dst=10.1.1.2),zone=65536", "-");
    check_parse("256,orig=(src=10.1.1.1,dst=10.1.1.2)", "-");
    check_parse("tcp,orig=(src=10.1.1.1,dst=10.1.1.2))", "-");
    check_parse("orig=(src=10.1.1.1,dst=10.1.1.2)", "-");
    check_parse("Unsupported address family: 0. HEX:", "-");
}

/* Any damage to a good line must be harmless. */
static void
check_flow(const char *line, const char *expected)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct sg_megaflow f;

    if (!sg_megaflow_parse(line, &f)) {
        ds_put_cstr(&s, "-");
    } else {
        ds_put_format(&s, "%s > %s %#x ", f.in_port, f.out_port, f.eth_type);
        if (f.has_src) {
            ipv6_format_mapped(&f.src, &s);
        }
        ds_put_cstr(&s, " > ");
        if (f.has_dst) {
            ipv6_format_mapped(&f.dst, &s);
        }
        ds_put_format(&s, " %d %d %d %d %llu", f.proto, f.sport, f.dport,
                      f.code, (unsigned long long int) f.packets);
    }
    is_str(ds_cstr(&s), expected, "parse %.60s", line);
    ds_destroy(&s);
}

#define ETH "eth(src=52:54:00:00:00:01,dst=52:54:00:00:00:02),"

static void
test_megaflows(void)
{
    check_flow("recirc_id(0),in_port(tap1)," ETH "eth_type(0x0800),"
               "ipv4(frag=no), packets:17, bytes:1, used:0.5s, "
               "actions:uplink\nrecirc_id(0),in_port(x)",
               "tap1 > uplink 0x800  >  -1 -1 -1 -1 17");
    check_flow("ufid:01-02,recirc_id(0x1),ct_state(+est),in_port(tap1)," ETH
               "eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0800),"
               "ipv4(src=192.0.2.1,dst=192.0.2.2,proto=6,frag=no),"
               "tcp(src=40000,dst=80)), packets:3, actions:pop_vlan,tap2",
               "tap1 > tap2 0x800 192.0.2.1 > 192.0.2.2 6 40000 80 -1 3");
    check_flow("in_port(tap1),eth_type(0x86dd),ipv6(src=2001:db8::/32,"
               "dst=2001:db8::2,proto=58),icmpv6(type=128,code=0), "
               "packets:0, actions:ct(commit,zone=1),recirc(0x2)",
               "tap1 >  0x86dd  > 2001:db8::2 58 -1 128 0 0");
    check_flow("in_port(a),eth_type(0x0800),ipv4(proto=6),"
               "tcp(dst=80/0xfff0), packets:1, actions:b,c",
               "a >  0x800  >  6 -1 -1 -1 1");
    check_flow("in_port(a),eth_type(0x0806), packets:1, actions:drop",
               "a >  0x806  >  -1 -1 -1 -1 1");
    check_flow("flow-dump from the main thread:", "-");
    check_flow("in_port()", "-");
    check_flow("", "-");
    check_flow("in_port(a),ipv4(src=", "a >  0  >  -1 -1 -1 -1 0");
}

static void
test_versions(void)
{
    static const char *const mended[] = { "2.17.8", "2.17.12", "3.0.5",
                                          "3.1.3", "3.1.10", "3.2.0",
                                          "3.2.0-rc1", "4.0.0" };
    static const char *const others[] = { "2.16.9", "2.17.7", "3.0.4",
                                          "3.1.0", "3.1.2", "3.1", "new" };

    for (size_t i = 0; i < ARRAY_SIZE(mended); i++) {
        char *answer = xasprintf("ovs-vswitchd (Open vSwitch) %s\nmore\n",
                                 mended[i]);

        ok(sg_megaflows_follow_changes(answer), "%s is mended", mended[i]);
        free(answer);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        char *answer = xasprintf("ovs-vswitchd (Open vSwitch) %s\nmore\n",
                                 others[i]);

        ok(!sg_megaflows_follow_changes(answer), "%s is not", others[i]);
        free(answer);
    }
    ok(!sg_megaflows_follow_changes("4.0.0"), "nor who is not Open vSwitch");
}

static void
test_garbage(void)
{
    const char good[] = "tcp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=1,dport=2),"
                        "reply=(src=10.1.1.2),zone=5,mark=1";
    const char bad[] = "(),=\n\0x0:";
    size_t n = 0;

    for (size_t i = 0; i < sizeof good; i++) {
        for (size_t j = 0; j < sizeof bad; j++) {
            /* A block of its own, so that a sanitizer sees every overrun. */
            char *line = xmemdup(good, sizeof good);
            struct sg_conn conn;

            line[i] = bad[j];
            line[sizeof good - 1] = '\0';
            n += sg_conn_parse(line, &conn);
            free(line);
        }
    }
    ok(n > 0, "%d damaged lines were parsed without harm", (int) n);

    char *text = xmalloc(100001);
    struct sg_conn conn;

    memset(text, 'a', 100000);
    text[100000] = '\0';
    ok(!sg_conn_parse(text, &conn), "a long token");
    memset(text, '(', 100000);
    ok(!sg_conn_parse(text, &conn), "many parentheses");
    memset(text, ',', 100000);
    ok(!sg_conn_parse(text, &conn), "many commas");
    free(text);
}

static enum sg_control_status
finish(struct sg_control *ct)
{
    enum sg_control_status status;

    while ((status = sg_control_run(ct)) == SG_CONTROL_PENDING) {
        sg_control_wait(ct);
        poll_block();
    }
    return status;
}

/* Sends UDP from 10.0.0.1, port 'sport', into port p1 of the bridge. */
static void
send_packet(int sport)
{
    lab_run("ovs-appctl netdev-dummy/receive p1 'in_port(1),"
            "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),"
            "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,"
            "ttl=64,frag=no),udp(src=%d,dst=53)'", sport);
}

/* The entries of 'zone', sorted. */
static char *
entries(struct sg_control *ct, int zone)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    size_t n;

    sg_control_start_connections(ct, "dummy", zone);
    if (finish(ct) != SG_CONTROL_DONE) {
        return xstrdup(sg_control_error(ct));
    }
    const struct sg_conn *conns = sg_control_connections(ct, &n);

    for (int port = 0; port < 10; port++) {
        for (size_t i = 0; i < n; i++) {
            if (conns[i].sport == port) {
                char *text = describe(&conns[i]);

                ds_put_format(&s, "%s\n", text);
                free(text);
            }
        }
    }
    return ds_steal_cstr(&s);
}

static void
check_entries(struct sg_control *ct, int zone, const char *expected,
              const char *what)
{
    char *got = NULL;

    for (int i = 0; i < 100; i++) { /* Packets take their time. */
        free(got);
        got = entries(ct, zone);
        if (!strcmp(got, expected)) {
            break;
        }
        usleep(20 * 1000);
    }
    is_str(got, expected, "%s", what);
    free(got);
}

#define CONN(PORT, ZONE) \
    "17 10.0.0.1 " PORT " > 10.0.0.2 53 zone " ZONE " mark 0x9\n"

static void
test_live(struct sg_control *ct)
{
    struct sg_switch *s = lab_connect("br0");
    size_t n;

    ok(UNTIL(s, sg_switch_installed(s)), "connected");
    check_entries(ct, -1, "", "no connection at first");
    for (int port = 1; port <= 3; port++) {
        send_packet(port);
    }
    check_entries(ct, 5, CONN("1", "5") CONN("2", "5") CONN("3", "5"),
                  "three connections in one zone");
    check_entries(ct, 6, CONN("1", "6") CONN("2", "6") CONN("3", "6"),
                  "and in the other");
    check_entries(ct, 7, "", "and in no third");

    sg_control_start_connections(ct, "dummy", 5);
    is_int(finish(ct), SG_CONTROL_DONE, "asked again");

    const struct sg_conn *conns = sg_control_connections(ct, &n);

    for (size_t i = 0; i < n; i++) {
        if (conns[i].sport == 2) {
            sg_switch_flush_conn(s, &conns[i]);
        }
    }
    SETTLE(s);
    check_entries(ct, 5, CONN("1", "5") CONN("3", "5"), "one is flushed");
    check_entries(ct, 6, CONN("1", "6") CONN("2", "6") CONN("3", "6"),
                  "the other zone is as it was");
    sg_switch_flush_zone(s, 6);
    SETTLE(s);
    check_entries(ct, -1, CONN("1", "5") CONN("3", "5"), "a zone is flushed");
    sg_switch_destroy(s);
}

static void
test_errors(struct sg_control *ct)
{
    sg_control_start_wait(ct);
    is_int(finish(ct), SG_CONTROL_DONE, "revalidator/wait");

    sg_control_start_connections(ct, "no-such-type", -1);
    is_int(finish(ct), SG_CONTROL_FAILED, "a datapath that is not there");
    printf("# %s\n", sg_control_error(ct));

    lab_stop_switch();
    sg_control_start_connections(ct, "dummy", -1);
    is_int(finish(ct), SG_CONTROL_FAILED, "no switch");
    printf("# %s\n", sg_control_error(ct));
    lab_start_switch();
    sg_control_start_wait(ct);
    is_int(finish(ct), SG_CONTROL_DONE, "another switch, another socket");

    struct sg_control *other = sg_control_create("no-such-socket");

    is_int(sg_control_run(other), SG_CONTROL_IDLE, "nothing asked yet");
    sg_control_start_wait(other);
    ok(sg_control_is_pending(other), "its answer is to come");
    sg_control_wait(other);
    poll_block();               /* It has come, or this would be for ever. */
    is_int(sg_control_run(other), SG_CONTROL_FAILED,
           "a socket that is not there");
    printf("# %s\n", sg_control_error(other));
    sg_control_destroy(other);
}

static void
end_round(struct unixctl_conn *conn, int argc OVS_UNUSED,
          const char *argv[] OVS_UNUSED, void *n_)
{
    int *n = n_;

    ++*n;
    unixctl_command_reply(conn, NULL);
}

/* A round that is under way when it is asked for may have begun before. */
static void
test_wait_is_two_rounds(void)
{
    char *path = xasprintf("%s/rounds.ctl", getenv("TMPDIR"));
    struct sg_control *ct = sg_control_create(path);
    struct unixctl_server *server;
    int n = 0;

    unixctl_command_register("revalidator/wait", "", 0, 0, end_round, &n);
    if (unixctl_server_create(path, &server)) {
        ovs_fatal(0, "%s: cannot listen", path);
    }
    for (int i = 0; i < 2; i++) {
        n = 0;
        sg_control_start_wait(ct);
        while (sg_control_run(ct) == SG_CONTROL_PENDING) {
            unixctl_server_run(server);
            unixctl_server_wait(server);
            sg_control_wait(ct);
            poll_block();
        }
        is_int(sg_control_run(ct), SG_CONTROL_DONE, "the switch has waited");
        is_int(n, 2, "for the round after the one under way");
    }
    unixctl_server_destroy(server);
    sg_control_destroy(ct);
    free(path);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_start(argv[0]);
    lab_run("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure "
            "datapath_type=dummy -- add-port br0 p1 -- set interface p1 "
            "type=dummy ofport_request=1");
    lab_run("ovs-ofctl add-flow br0 'ip,actions="
            "ct(commit,zone=5,exec(set_field:9->ct_mark)),"
            "ct(commit,zone=6,exec(set_field:9->ct_mark))'");

    struct sg_control *ct = sg_control_create(NULL);

    test_parse();
    test_megaflows();
    test_versions();
    test_garbage();
    test_live(ct);
    test_errors(ct);
    test_wait_is_two_rounds();
    sg_control_destroy(ct);
    lab_destroy();
    return done_testing();
}
