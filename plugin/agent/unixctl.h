/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_AGENT_UNIXCTL_H
#define SG_AGENT_UNIXCTL_H 1

/* The agent's side of ovs-sgctl
 * =============================
 *
 * Registers these commands with the unixctl server of the process, which may
 * be ovs-sgd's own or that of an ovs-vswitchd that loaded the plugin:
 *
 *     sg/reload
 *     sg/wait [SECONDS]
 *     sg/trace FROM TO PROTO [PORT]
 *     sg/enable BRIDGE
 *     sg/disable BRIDGE
 *     sg/observe [BRIDGE [SEEN]]
 *     sg/list-groups
 *     sg/list-ports
 *     sg/list-addresses
 *     sg/refresh NAME [force]
 *     sg/show NAME
 *
 * and, for tests and support, sg/learn-advance, sg/turns and sg/compare.
 *
 * Answers are JSON; ovs-sgctl makes tables of them.  Errors are text.
 *
 * sg/reload, sg/wait, sg/enable, sg/disable and sg/observe take time.  They
 * are kept in a list and answered by sg_unixctl_run() once they are done, so
 * that the main loop goes on in the meantime.  If their client has gone, the
 * answer goes nowhere, and that is all.
 *
 * Destroy it before the unixctl server, which frees the connections that the
 * unfinished commands point to, and before the core. */

struct sg_core;

struct sg_unixctl *sg_unixctl_create(struct sg_core *);
void sg_unixctl_run(struct sg_unixctl *);
void sg_unixctl_wait(struct sg_unixctl *);
/* Answers the unfinished commands with an error. */
void sg_unixctl_destroy(struct sg_unixctl *);       /* NULL is fine. */

/* Calls 'cb' with the name of each command.  They stay registered when the
 * last sg_unixctl is gone, as Open vSwitch's unixctl cannot take them back;
 * a host whose unixctl can, and whose code goes away, does so with this. */
void sg_unixctl_each_command(void (*cb)(const char *name));

#endif /* agent/unixctl.h */
