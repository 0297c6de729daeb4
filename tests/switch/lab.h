/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_SWITCH_LAB_H
#define TESTS_SWITCH_LAB_H 1

/* A private Open vSwitch for the tests of plugin/switch/
 * ======================================================
 *
 * lab_start() runs ovsdb-server and ovs-vswitchd, with dummy datapath and
 * ports, in a temporary folder; lab_finish() ends both.  In between a test
 * changes the switch from outside with lab_run():
 *
 *     lab_run("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure");
 *     struct sg_switch *s = lab_connect("br0");
 *     ok(UNTIL(s, sg_switch_installed(s)), "the flows are known");
 */

#include <stdbool.h>
#include <stddef.h>

#include "compile/flow.h"
#include "openvswitch/compiler.h"
#include "openvswitch/poll-loop.h"
#include "switch/switch.h"
#include "timeval.h"

void lab_start(const char *program);
void lab_finish(void);
void lab_stop_switch(void);             /* As a crash: SIGKILL. */
void lab_start_switch(void);

/* Runs a command in the shell, with the private switch as the one that the
 * programs of Open vSwitch find; bails out if it fails. */
void lab_run(const char *command, ...) OVS_PRINTF_FORMAT(1, 2);
/* The same, and returns its output, which the caller frees. */
char *lab_get(const char *command, ...) OVS_PRINTF_FORMAT(1, 2);

/* Connects with 100 as the lowest priority and tables 1 to 9 as ours. */
struct sg_switch *lab_connect(const char *bridge);

/* Adds 'text', as ovs-ofctl takes it, to 'flows'.  Its cookie is 'cookie'
 * below SG_COOKIE_MAGIC. */
void lab_add_flow(struct sg_flows *flows, unsigned int cookie,
                  const char *text, ...) OVS_PRINTF_FORMAT(3, 4);
/* Commits the difference between what 's' has and 'desired'; returns the
 * number of changes. */
size_t lab_commit(struct sg_switch *s, const struct sg_flows *desired);
/* True if the dump of the bridge by ovs-ofctl is 'flows'. */
bool lab_bridge_has(const char *bridge, const struct sg_flows *flows);

/* What the code under test logged since the last call, WARN and ERR only; the
 * caller frees it. */
char *lab_log(void);

#define LAB_PATIENCE 10000      /* In ms: for what must come. */
#define LAB_QUIET 200           /* In ms: for what must not come. */

/* Runs the switch 'S' until CONDITION, or until MSEC have passed; evaluates
 * to CONDITION. */
#define UNTIL_MSEC(S, CONDITION, MSEC)                                  \
    ({                                                                  \
        long long int deadline__ = time_msec() + (MSEC);                \
        bool answer__;                                                  \
        for (;;) {                                                      \
            sg_switch_run(S);                                           \
            answer__ = (CONDITION);                                     \
            if (answer__ || time_msec() >= deadline__) {                \
                break;                                                  \
            }                                                           \
            sg_switch_wait(S);                                          \
            poll_timer_wait_until(deadline__);                          \
            poll_block();                                               \
        }                                                               \
        answer__;                                                       \
    })
#define UNTIL(S, CONDITION) UNTIL_MSEC(S, CONDITION, LAB_PATIENCE)
#define SETTLE(S) ((void) UNTIL_MSEC(S, false, LAB_QUIET))

#endif /* tests/switch/lab.h */
