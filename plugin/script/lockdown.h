/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_LOCKDOWN_H
#define SG_SCRIPT_LOCKDOWN_H 1

/* What ovs-sg-script gives up
 * ===========================
 *
 * The interpreter should offer a script nothing but the language.  This is
 * for the case that it does: a process that needs no more than the memory it
 * has and one socket is left with these.
 *
 *   - it dies with the agent, and dumps no core;
 *   - it is nobody, if it was root, and never gains a privilege;
 *   - it makes no file, no process, and no more than a few descriptors;
 *   - its memory and its processor time are bounded;
 *   - of the system calls, it has those for memory, time and open files
 *     (seccomp).  Others fail.
 *
 * In a build with sanitizers only the first of these: they need the rest. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All that does not depend on the budgets, but the system calls. */
void sg_lockdown_begin(void);

/* Memory, for a script that may have 'max_memory' bytes, and the system
 * calls.  Returns NULL, or a sentence that the caller frees. */
char *sg_lockdown_finish(size_t max_memory)
    __attribute__((warn_unused_result));

/* Is this a build with sanitizers? */
bool sg_lockdown_is_partial(void);

/* Allows processor time for one more request with a budget of 'ms'.  The agent
 * kills us earlier, if it lives. */
void sg_lockdown_time(uint64_t ms);

#endif /* script/lockdown.h */
