/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_SWITCH_SWITCH_LAB_H
#define TESTS_SWITCH_SWITCH_LAB_H 1

/* The switch of a lab (../lab.h) for the tests of plugin/switch/, which change
 * it from outside with lab_run():
 *
 *     lab_start(argv[0]);
 *     lab_run("ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure");
 *     struct sg_switch *s = lab_connect("br0");
 *     ok(UNTIL(s, sg_switch_installed(s)), "the flows are known"); */

#include <stddef.h>

#include "compile/flow.h"
#include "lab.h"
#include "switch/switch.h"

/* Database and switch, and a log for lab_log(). */
void lab_start(const char *program);

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

#define UNTIL_MSEC(S, CONDITION, MSEC) \
    LAB_UNTIL(sg_switch_run, sg_switch_wait, S, CONDITION, MSEC)
#define UNTIL(S, CONDITION) UNTIL_MSEC(S, CONDITION, LAB_PATIENCE)
#define SETTLE(S) ((void) UNTIL_MSEC(S, false, LAB_QUIET))

#endif /* tests/switch/switch-lab.h */
