/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_CHILD_H
#define SG_SCRIPT_CHILD_H 1

/* ovs-sg-script: an interpreter at the other end of the channel
 * =============================================================
 *
 * Answers the requests of channel.h on descriptor SG_PROCESS_FD with an
 * interpreter (interpreter.h), until the agent closes it.  Before it sees the
 * first line of a policy it gives up everything it does not need
 * (lockdown.h). */

/* Returns the exit status. */
int sg_child_run(void);

#endif /* script/child.h */
