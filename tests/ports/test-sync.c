/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Is a sync done when, and only when, ovs-vswitchd has caught up? */

#include <config.h>

#include "ports-lab.h"

#include "policy/port.h"
#include "tap.h"
#include "util.h"

static struct sg_ovsdb *db;

static int
next_cfg(void)
{
    return atoi(vsget("get open . next_cfg"));
}

static bool
done(unsigned int sync)
{
    return sg_ovsdb_sync_done(db, sync);
}

/* Plays ovs-vswitchd. */
static void
configure(int cfg)
{
    vsctl("set open . cur_cfg=%d", cfg);
}

static void
test_order(void)
{
    int cfg = next_cfg();
    unsigned int first = sg_ovsdb_sync_start(db);
    SETTLE(db);
    ok(next_cfg() == cfg + 1, "a sync counts next_cfg up");
    ok(!done(first), "not done before the switch is");

    unsigned int second = sg_ovsdb_sync_start(db);
    unsigned int third = sg_ovsdb_sync_start(db);
    SETTLE(db);
    ok(next_cfg() == cfg + 2, "two at a time share one increment");

    configure(cfg + 1);
    ok(UNTIL(db, done(first)), "the switch did the first");
    ok(!done(second) && !done(third), "the others have to wait");
    vsctl("set open . next_cfg=%d cur_cfg=%d", cfg + 5, cfg + 5);
    ok(UNTIL(db, done(second) && done(third)), "more is enough");
    ok(done(first), "done stays done");
}

static void
test_restart(void)
{
    unsigned int sync = sg_ovsdb_sync_start(db);
    lab_stop_server();
    UNTIL(db, !sg_ovsdb_is_alive(db));
    unsigned int away = sg_ovsdb_sync_start(db);
    lab_start_server();
    UNTIL(db, sg_ovsdb_is_alive(db));
    SETTLE(db);
    ok(!done(sync) && !done(away), "the server's restart does nothing");
    configure(next_cfg());
    ok(UNTIL(db, done(sync) && done(away)), "but what was asked for comes");

    sync = sg_ovsdb_sync_start(db);
    SETTLE(db);
    vsctl("set open . next_cfg=0 cur_cfg=0");
    SETTLE(db);
    ok(!done(sync), "the counters start anew");
    ok(next_cfg() == 1, "and so do we");
    configure(1);
    ok(UNTIL(db, done(sync)), "done in the new count");
}

static void
test_switch(void)
{
    unsigned int early = sg_ovsdb_sync_start(db);
    SETTLE(db);
    lab_start_switch();
    ok(UNTIL(db, done(early)), "a real switch starts: done");

    vsctl("add-br br0 -- set bridge br0 datapath_type=dummy");
    for (int i = 0; i < 20; i++) {
        vsctl("add-port br0 p%d -- set interface p%d type=dummy", i, i);
    }
    unsigned int sync = sg_ovsdb_sync_start(db);
    ok(UNTIL(db, done(sync)), "done after ports were added");

    /* No more runs: what "done" promises has to be in the facts by now. */
    const struct sg_facts *facts = sg_ovsdb_facts(db);
    const struct sg_iface *iface;
    int n = 0;
    HMAP_FOR_EACH (iface, node, &facts->ifaces) {
        n += iface->ofport != SG_OFPORT_NONE;
    }
    ok(hmap_count(&facts->ifaces) == 21, "all of them are in the facts");
    ok(n == 21, "with their ofports");
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_create(argv[0]);
    lab_start_server();
    db = sg_ovsdb_create(lab_remote());
    ok(UNTIL(db, sg_ovsdb_is_alive(db) && sg_ovsdb_has_lock(db)), "alive");
    test_order();
    test_restart();
    test_switch();
    sg_ovsdb_destroy(db);
    lab_destroy();
    return done_testing();
}
