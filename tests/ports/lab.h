/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_PORTS_LAB_H
#define TESTS_PORTS_LAB_H 1

/* A private ovsdb-server for the tests of plugin/ports/
 * =====================================================
 *
 * A test program calls lab_start(), which makes an empty Open_vSwitch
 * database in a temporary folder and serves it, and at the end returns
 * lab_finish(), which stops what was started and prints the plan.  In
 * between it changes the database with vsctl() and looks at what the code
 * under test makes of it:
 *
 *     vsctl("add-br br0");
 *     ok(UNTIL(db, find_bridge(db, "br0")), "a bridge appears");
 */

#include <stdbool.h>

#include "openvswitch/compiler.h"
#include "openvswitch/poll-loop.h"
#include "ports/ports.h"
#include "timeval.h"

/* TAP.  Both return the condition. */
bool ok_at(const char *file, int line, bool, const char *what);
#define ok(CONDITION, WHAT) ok_at(__FILE__, __LINE__, CONDITION, WHAT)
bool is_at(const char *file, int line, const char *got, const char *wanted,
           const char *what);
#define is(GOT, WANTED, WHAT) is_at(__FILE__, __LINE__, GOT, WANTED, WHAT)

/* 'no_server': the database exists, but nobody serves it yet. */
void lab_start(const char *program, bool no_server);
int lab_finish(void);
const char *lab_remote(void);           /* For sg_ovsdb_create(). */

void lab_start_server(void);
void lab_stop_server(void);             /* As a crash: SIGKILL. */
void lab_start_switch(void);            /* ovs-vswitchd with dummy ports. */

/* Runs `ovs-vsctl --no-wait ARGUMENTS' through the shell; bails out if that
 * fails. */
void vsctl(const char *arguments, ...) OVS_PRINTF_FORMAT(1, 2);
/* The same, and returns the first line of its output, without quotes, valid
 * until the next call. */
const char *vsget(const char *arguments, ...) OVS_PRINTF_FORMAT(1, 2);

/* The number of transactions that the database has seen. */
int lab_n_transactions(void);

#define LAB_PATIENCE 10000      /* In ms: for what must come. */
#define LAB_QUIET 150           /* In ms: for what must not come. */

/* Runs 'DB' until CONDITION, or until MSEC have passed; evaluates to
 * CONDITION. */
#define UNTIL_MSEC(DB, CONDITION, MSEC)                                 \
    ({                                                                  \
        long long int deadline__ = time_msec() + (MSEC);                \
        bool answer__;                                                  \
        for (;;) {                                                      \
            sg_ovsdb_run(DB);                                           \
            answer__ = (CONDITION);                                     \
            if (answer__ || time_msec() >= deadline__) {                \
                break;                                                  \
            }                                                           \
            sg_ovsdb_wait(DB);                                          \
            poll_timer_wait_until(deadline__);                          \
            poll_block();                                               \
        }                                                               \
        answer__;                                                       \
    })
#define UNTIL(DB, CONDITION) UNTIL_MSEC(DB, CONDITION, LAB_PATIENCE)

/* Runs 'DB' for a while. */
#define SETTLE(DB) ((void) UNTIL_MSEC(DB, false, LAB_QUIET))

#endif /* tests/ports/lab.h */
