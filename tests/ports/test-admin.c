/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The database part of `enable' and `disable'. */

#include <config.h>

#include "ports-lab.h"

#include "policy/port.h"
#include "tap.h"
#include "util.h"

static struct sg_ovsdb *db;
static char *report;            /* Of the last run_admin(). */
static char *error;

static void
run_admin(struct sg_ovsdb_admin *a)
{
    free(report);
    free(error);
    report = error = NULL;
    ok(UNTIL(db, sg_ovsdb_admin_finish(db, a, &report, &error)),
       "comes to an end");
}

static void
enable(const char *bridge)
{
    run_admin(sg_ovsdb_enable(db, bridge));
}

static void
disable(const char *bridge, bool clear)
{
    run_admin(sg_ovsdb_disable(db, bridge, clear));
}

static bool
says(const char *text, const char *part)
{
    bool found = text && strstr(text, part);
    if (!found) {
        printf("# \"%s\" is not in: %s\n", part, text ? text : "(null)");
    }
    return found;
}

/* What the bridge is like, as "fail_mode external_ids". */
static void
looks(const char *bridge, const char *wanted)
{
    char *mode = xstrdup(vsget("get bridge %s fail_mode", bridge));
    char *got = xasprintf("%s %s", mode,
                          vsget("get bridge %s external_ids", bridge));
    is_str(got, wanted, "the bridge in the database");
    free(got);
    free(mode);
}

static void
test_unset(void)
{
    vsctl("add-br br0 -- br-set-external-id br0 other key");
    enable("br0");
    ok(!error, "enable");
    ok(says(report, "br0: external_ids:sg-enable=true (was unset)\n")
       && says(report, "br0: fail_mode is secure (was unset"),
       "says what it changed");
    looks("br0", "secure {other=key, sg-enable=\"true\", "
          "sg-fail-mode-before=unset}");
    enable("br0");
    is_str(report, "br0: nothing to change\n", "enable again");

    disable("br0", false);
    ok(!error, "disable");
    ok(says(report, "br0: external_ids:sg-enable=false (was true)\n")
       && says(report, "br0: fail_mode is unset (was secure)\n"),
       "says what it changed");
    looks("br0", "[] {other=key, sg-enable=\"false\"}");
    disable("br0", false);
    is_str(report, "br0: nothing to change\n", "disable again");
}

static void
test_modes(void)
{
    vsctl("set-fail-mode br0 standalone");
    enable("br0");
    looks("br0", "secure {other=key, sg-enable=\"true\", "
          "sg-fail-mode-before=standalone}");
    disable("br0", true);
    looks("br0", "standalone {other=key, sg-enable=\"false\"}");

    vsctl("set-fail-mode br0 secure");
    enable("br0");
    looks("br0", "secure {other=key, sg-enable=\"true\"}");
    disable("br0", false);
    ok(says(report, "fail_mode stays secure"), "secure before, secure after");
    ok(says(report, "only what flows of others say is forwarded"),
       "and what that means");
    looks("br0", "secure {other=key, sg-enable=\"false\"}");
    enable("br0");
    disable("br0", true);
    looks("br0", "[] {other=key, sg-enable=\"false\"}");

    /* What the operator changed in between is his. */
    enable("br0");
    vsctl("set-fail-mode br0 standalone");
    disable("br0", false);
    looks("br0", "standalone {other=key, sg-enable=\"false\"}");
}

static void
test_states(void)
{
    vsctl("add-port br0 p1 -- add-port br0 p2 -- set interface p2 "
          "external_ids:a=b");
    SETTLE(db);
    const struct sg_facts *facts = sg_ovsdb_facts(db);
    struct uuid p1 = sg_facts_find_iface(facts, "p1")->uuid;
    struct uuid p2 = sg_facts_find_iface(facts, "p2")->uuid;
    sg_ovsdb_set_state(db, &p1, "active", NULL);
    sg_ovsdb_set_state(db, &p2, "error", "why");
    ok(UNTIL(db, sg_ovsdb_states_synced(db)), "states");

    disable("br0", false);
    ok(says(report, "removed sg-state and sg-error of 2 interfaces\n"),
       "disable removes states");
    is_str(vsget("get interface p1 external_ids"), "{}", "of p1");
    is_str(vsget("get interface p2 external_ids"), "{a=b}", "of p2");
    SETTLE(db);
    is_str(vsget("get interface p1 external_ids"), "{}", "for good");

    /* Both are sent by the same run, the state first. */
    sg_ovsdb_set_state(db, &p1, "active", NULL);
    disable("br0", false);
    SETTLE(db);
    is_str(vsget("get interface p1 external_ids"), "{}",
       "a state that is on its way goes as well");
}

static void
test_errors(void)
{
    enable("br9");
    ok(says(error, "no bridge \"br9\"") && !report, "no such bridge");
    disable("br9", false);
    ok(says(error, "no bridge \"br9\""), "the same for disable");

    vsctl("add-br br-int "
          "-- set open . external_ids:ovn-remote=tcp:192.0.2.1:6642");
    SETTLE(db);
    enable("br-int");
    ok(says(error, "OVN"), "OVN's bridge");
    disable("br-int", false);
    ok(says(error, "OVN"), "the same for disable");
    looks("br-int", "[] {}");

    vsctl("set bridge br0 protocols=OpenFlow13");
    SETTLE(db);
    enable("br0");
    ok(says(error, "ovs-vsctl") && says(error, "protocols"),
       "protocols: says how to mend it");
    disable("br0", false);
    ok(!error, "disable does not mind");
    vsctl("clear bridge br0 protocols");
    SETTLE(db);
}

static void
test_restart(void)
{
    lab_stop_server();
    UNTIL(db, !sg_ovsdb_is_alive(db));
    struct sg_ovsdb_admin *a = sg_ovsdb_enable(db, "br0");
    SETTLE(db);
    ok(!sg_ovsdb_admin_finish(db, a, &report, &error), "no server: it waits");
    lab_start_server();
    run_admin(a);
    ok(!error && says(report, "sg-enable=true"), "and then it is done");

    sg_ovsdb_admin_cancel(db, sg_ovsdb_disable(db, "br0", false));
    SETTLE(db);
    is_str(vsget("br-get-external-id br0 sg-enable"), "true",
           "cancelled in time");
    sg_ovsdb_disable(db, "br0", false);
}

static void
test_lock(void)
{
    struct sg_ovsdb *other = sg_ovsdb_create(lab_remote());
    UNTIL(other, sg_ovsdb_is_alive(other));
    SETTLE(other);
    struct sg_ovsdb_admin *a = sg_ovsdb_enable(other, "br0");

    free(report);
    free(error);
    ok(UNTIL(other, sg_ovsdb_admin_finish(other, a, &report, &error)),
       "a passive agent answers");
    ok(says(error, "another agent"), "that it is the wrong one");
    sg_ovsdb_destroy(other);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_create(argv[0]);
    lab_start_server();
    db = sg_ovsdb_create(lab_remote());
    ok(UNTIL(db, sg_ovsdb_is_alive(db) && sg_ovsdb_has_lock(db)), "alive");
    vsctl("--may-exist add-br br0 -- del-br br0");
    test_unset();
    test_modes();
    test_states();
    test_errors();
    test_restart();
    test_lock();
    sg_ovsdb_destroy(db);
    free(report);
    free(error);
    lab_destroy();
    return done_testing();
}
