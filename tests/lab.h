/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_LAB_H
#define TESTS_LAB_H 1

/* A private Open vSwitch for tests in C
 * =====================================
 *
 * lab_create() makes a temporary folder with an empty Open_vSwitch database
 * in it, and makes it the run directory, for this process and for the
 * programs that it starts.  The test then runs what it needs of it:
 *
 *     lab_create(argv[0]);
 *     lab_start_server();
 *     lab_start_switch();
 *     lab_run("ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy");
 *     ...
 *     lab_destroy();
 *
 * Everything goes when the program ends, however it does ($SG_KEEP set: the
 * folder stays).  What does not work ends the program with "Bail out!". */

#include <stdbool.h>

#include "openvswitch/compiler.h"
#include "openvswitch/poll-loop.h"
#include "timeval.h"

void lab_create(const char *program);
void lab_destroy(void);
const char *lab_dir(void);              /* The folder. */

/* ovsdb-server, and ovs-vswitchd with dummy datapaths and ports.  Both are
 * there when the function returns, and end as in a crash: by SIGKILL. */
void lab_start_server(void);
void lab_stop_server(void);
void lab_start_switch(void);
void lab_stop_switch(void);

/* Runs a command in the shell.  lab_get() returns what it printed, which the
 * caller frees. */
void lab_run(const char *command, ...) OVS_PRINTF_FORMAT(1, 2);
char *lab_get(const char *command, ...) OVS_PRINTF_FORMAT(1, 2);

void lab_bail_out(const char *format, ...)
    OVS_NO_RETURN OVS_PRINTF_FORMAT(1, 2);

#define LAB_PATIENCE 10000      /* In ms: for what must come. */
#define LAB_QUIET 200           /* In ms: for what must not come. */

/* Calls RUN(ARG) and WAIT(ARG) in turn until CONDITION, or until MSEC have
 * passed; evaluates to CONDITION. */
#define LAB_UNTIL(RUN, WAIT, ARG, CONDITION, MSEC)                      \
    ({                                                                  \
        long long int deadline__ = time_msec() + (MSEC);                \
        bool answer__;                                                  \
        for (;;) {                                                      \
            RUN(ARG);                                                   \
            answer__ = (CONDITION);                                     \
            if (answer__ || time_msec() >= deadline__) {                \
                break;                                                  \
            }                                                           \
            WAIT(ARG);                                                  \
            poll_timer_wait_until(deadline__);                          \
            poll_block();                                               \
        }                                                               \
        answer__;                                                       \
    })

#endif /* tests/lab.h */
