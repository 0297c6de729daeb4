/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Do sg-state and sg-error end up in the database as wanted, and nothing else
 * with them? */

#include <config.h>

#include "ports-lab.h"

#include "openvswitch/dynamic-string.h"
#include "policy/port.h"
#include "tap.h"
#include "util.h"

static struct sg_ovsdb *db;

static const struct uuid *
uuid_of(const char *name)
{
    return &sg_facts_find_iface(sg_ovsdb_facts(db), name)->uuid;
}

static bool
known(const char *name)
{
    return sg_facts_find_iface(sg_ovsdb_facts(db), name) != NULL;
}

static const char *
key(const char *name, const char *which)
{
    return vsget("--if-exists get interface %s external_ids:%s", name, which);
}

static const char *
ids(const char *name)
{
    return vsget("get interface %s external_ids", name);
}

static bool
synced(void)
{
    return UNTIL(db, sg_ovsdb_states_synced(db));
}

static void
add_ports(int from, int to)
{
    for (int i = from; i <= to; i++) {
        vsctl("add-port br0 p%d", i);
    }
    char *last = xasprintf("p%d", to);
    ok(UNTIL(db, known(last)), "ports are there");
    free(last);
}

static void
test_keys(void)
{
    vsctl("set interface p1 external_ids:sg-groups=web");
    SETTLE(db);
    sg_ovsdb_set_state(db, uuid_of("p1"), "pending", NULL);
    ok(!sg_ovsdb_states_synced(db), "a new state is not synced yet");
    ok(synced(), "it will be");
    is_str(key("p1", "sg-state"), "pending", "sg-state");
    is_str(key("p1", "sg-error"), "", "no sg-error");

    sg_ovsdb_set_state(db, uuid_of("p1"), "error",
                       "p1: the group \"wbe\" is not defined; say `web'");
    ok(synced(), "an error");
    is_str(key("p1", "sg-state"), "error", "sg-state=error");
    is_str(key("p1", "sg-error"),
       "p1: the group \\\"wbe\\\" is not defined; say `web'", "the sentence");

    sg_ovsdb_set_state(db, uuid_of("p1"), "active", NULL);
    ok(synced(), "the error is over");
    is_str(ids("p1"), "{sg-groups=web, sg-state=active}",
       "sg-error is gone, other keys are untouched");

    int n = lab_n_transactions();
    sg_ovsdb_set_state(db, uuid_of("p1"), "active", NULL);
    ok(sg_ovsdb_states_synced(db), "the same again is synced at once");
    SETTLE(db);
    ok(lab_n_transactions() == n, "and is not written");

    sg_ovsdb_clear_state(db, uuid_of("p1"));
    ok(synced(), "not guarded any more");
    is_str(ids("p1"), "{sg-groups=web}", "our keys are gone, others are not");
    n = lab_n_transactions();
    sg_ovsdb_clear_state(db, uuid_of("p1"));
    SETTLE(db);
    ok(lab_n_transactions() == n, "clearing what is clear writes nothing");
}

static void
test_leftovers(void)
{
    vsctl("set interface p2 external_ids:sg-state=error "
          "external_ids:sg-error=old");
    SETTLE(db);
    sg_ovsdb_clear_state(db, uuid_of("p2"));
    ok(synced(), "what an earlier agent left");
    is_str(ids("p2"), "{}", "goes");

    vsctl("set interface p2 external_ids:sg-state=active");
    SETTLE(db);
    int n = lab_n_transactions();
    sg_ovsdb_set_state(db, uuid_of("p2"), "active", NULL);
    ok(synced(), "what is right already");
    ok(lab_n_transactions() == n, "is not written again");
}

static void
test_others(void)
{
    sg_ovsdb_set_state(db, uuid_of("p1"), "active", NULL);
    synced();
    vsctl("clear interface p1 external_ids");
    ok(UNTIL(db, !sg_ovsdb_states_synced(db)), "someone clears external_ids");
    synced();
    is_str(ids("p1"), "{sg-state=active}", "sg-state is put back");

    /* A key that comes between our reading and our writing. */
    sg_ovsdb_set_state(db, uuid_of("p1"), "pending", NULL);
    vsctl("set interface p1 external_ids:attached-mac=aa-bb");
    ok(synced(), "another writer at the same time");
    is_str(ids("p1"), "{attached-mac=aa-bb, sg-state=pending}",
           "loses nothing");

    /* A row that goes before we write. */
    sg_ovsdb_set_state(db, uuid_of("p3"), "active", NULL);
    vsctl("del-port p3");
    ok(synced(), "a row that goes takes its wish along");
}

static void
test_text(void)
{
    sg_ovsdb_set_state(db, uuid_of("p1"), "error", "gro\xc3\x9f");
    ok(synced(), "an error in UTF-8");
    is_str(key("p1", "sg-error"), "gro\xc3\x9f", "as it is");
    sg_ovsdb_set_state(db, uuid_of("p1"), "error", "gro\xdf");
    ok(synced(), "an error that is no UTF-8");
    is_str(key("p1", "sg-error"), "gro?", "without what is none");
    sg_ovsdb_set_state(db, uuid_of("p1"), "error", "");
    ok(synced(), "an empty error");
}

static void
set_states(int from, int to, const char *state)
{
    for (int i = from; i <= to; i++) {
        char *name = xasprintf("p%d", i);

        sg_ovsdb_set_state(db, uuid_of(name), state, NULL);
        free(name);
    }
}

static void
test_batch(void)
{
    add_ports(10, 29);
    SETTLE(db);
    int n = lab_n_transactions();
    set_states(10, 29, "active");
    ok(synced(), "many states");
    ok(lab_n_transactions() == n + 1, "are one transaction");
    is_str(key("p29", "sg-state"), "active", "for all");
}

/* Very many are some transactions, so that none keeps the main loop. */
static void
test_batches(void)
{
    struct ds words = DS_EMPTY_INITIALIZER;

    for (int i = 1000; i < 1500; i++) {
        ds_put_format(&words, "-- add-port br0 p%d ", i);
    }
    vsctl("%s", ds_cstr(&words));
    ds_destroy(&words);
    ok(UNTIL(db, known("p1499")), "five hundred ports");
    SETTLE(db);
    int n = lab_n_transactions();
    set_states(1000, 1499, "pending");
    sg_ovsdb_run(db);
    /* The first of them are on their way, the last are not. */
    set_states(1000, 1009, "active");
    set_states(1490, 1499, "active");
    sg_ovsdb_clear_state(db, uuid_of("p1020"));
    ok(synced(), "have a state");
    n = lab_n_transactions() - n;
    ok(n == 3, "by three transactions (%d)", n);
    is_str(key("p1000", "sg-state"), "active",
           "what changes while it is written is written again");
    is_str(key("p1010", "sg-state"), "pending", "the one after it is not");
    is_str(key("p1020", "sg-state"), "", "what is taken back is gone");
    is_str(key("p1489", "sg-state"), "pending", "a late one");
    is_str(key("p1499", "sg-state"), "active", "the last one");
}

static void
test_restart(void)
{
    sg_ovsdb_set_state(db, uuid_of("p1"), "active", NULL);
    synced();
    SETTLE(db);
    int n = lab_n_transactions();
    lab_stop_server();
    UNTIL(db, !sg_ovsdb_is_alive(db));
    sg_ovsdb_set_state(db, uuid_of("p2"), "error", "while away");
    SETTLE(db);
    ok(!sg_ovsdb_states_synced(db), "no server: not synced");
    lab_start_server();
    ok(synced(), "synced when it is back");
    is_str(key("p2", "sg-error"), "while away", "with what was wanted");
    ok(lab_n_transactions() == n + 1, "and only that was written");

    /* The server dies between our sending and its answer. */
    for (int i = 0; i < 3; i++) {
        char *error = xasprintf("try %d", i);
        sg_ovsdb_set_state(db, uuid_of("p2"), "error", error);
        sg_ovsdb_run(db);
        lab_stop_server();
        lab_start_server();
        ok(synced(), "synced after a crash in the middle");
        is_str(key("p2", "sg-error"), error, "with what was wanted last");
        free(error);
    }
}

static void
test_lock(void)
{
    /* What is written now shows that we are connected and have the lock. */
    sg_ovsdb_set_state(db, uuid_of("p1"), "pending", NULL);
    ok(synced(), "one agent");
    struct sg_ovsdb *other = sg_ovsdb_create(lab_remote());
    ok(UNTIL(other, sg_ovsdb_is_alive(other)), "another agent");
    SETTLE(other);
    ok(!sg_ovsdb_has_lock(other), "has no lock");
    sg_ovsdb_set_state(other, uuid_of("p1"), "error", "from the other");
    SETTLE(other);
    is_str(key("p1", "sg-state"), "pending", "and writes nothing");
    ok(!sg_ovsdb_states_synced(other), "and knows it");

    sg_ovsdb_destroy(db);
    ok(UNTIL(other, sg_ovsdb_has_lock(other)),
       "the first one ends: the other takes over");
    db = other;
    ok(synced(), "and writes");
    is_str(key("p1", "sg-error"), "from the other", "what it wanted");
}

static void
test_observe(void)
{
    struct sg_ovsdb *observer = sg_ovsdb_create(lab_remote());
    sg_ovsdb_observe(observer);
    ok(UNTIL(observer, sg_ovsdb_is_alive(observer)), "an observer");
    sg_ovsdb_set_state(observer, uuid_of("p1"), "active", NULL);
    SETTLE(observer);
    is_str(key("p1", "sg-state"), "error", "writes no state");
    ok(!sg_ovsdb_has_lock(observer), "needs no lock");

    struct sg_ovsdb_admin *a = sg_ovsdb_enable(observer, "br0");
    char *report, *error = NULL;
    ok(UNTIL(observer, sg_ovsdb_admin_finish(observer, a, &report, &error))
       && error, "refuses `enable'");
    free(error);

    unsigned int sync = sg_ovsdb_sync_start(observer);
    SETTLE(observer);
    vsctl("set open . cur_cfg=%d", atoi(vsget("get open . next_cfg")));
    ok(UNTIL(observer, sg_ovsdb_sync_done(observer, sync)), "can wait");

    sg_ovsdb_destroy(db);
    db = sg_ovsdb_create(lab_remote());
    ok(UNTIL(db, sg_ovsdb_has_lock(db)), "an agent gets the lock beside it");
    sg_ovsdb_destroy(observer);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_create(argv[0]);
    lab_start_server();
    vsctl("add-br br0");
    db = sg_ovsdb_create(lab_remote());
    ok(UNTIL(db, sg_ovsdb_is_alive(db) && sg_ovsdb_has_lock(db)), "alive");
    add_ports(1, 3);

    test_keys();
    test_leftovers();
    test_others();
    test_text();
    test_batch();
    test_batches();
    test_restart();
    test_lock();
    test_observe();
    sg_ovsdb_destroy(db);
    lab_destroy();
    return done_testing();
}
