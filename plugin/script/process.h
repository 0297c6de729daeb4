/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_PROCESS_H
#define SG_SCRIPT_PROCESS_H 1

/* A child process that nobody waits for
 * =====================================
 *
 * It is started with one file descriptor beside the standard ones, number
 * SG_PROCESS_FD, a socket that leads to us, and ended by sg_process_kill(),
 * which does not wait until it is gone: dead children are collected, by their
 * number, in later turns.  This needs no handler of SIGCHLD and takes no child
 * of the host's.
 *
 * Thread: all calls from one. */

#include <stdint.h>
#include <sys/types.h>

struct sg_process;

/* Not 0, which Open vSwitch's poll loop takes for none. */
#define SG_PROCESS_FD 3

/* Runs 'program'.  Returns NULL and stores the process and our end of the
 * socket, or returns a sentence that the caller frees. */
char *sg_process_start(const char *program, struct sg_process **, int *fd)
    __attribute__((warn_unused_result));

/* Ends it at once, and frees it.  NULL is no process. */
void sg_process_kill(struct sg_process *);

/* Processor time that it has used, in milliseconds. */
uint64_t sg_process_cpu(const struct sg_process *);

/* In words, how it ended ("was ended by signal 11"), if it has ended by
 * itself; else NULL.  The caller frees it. */
char *sg_process_explain(struct sg_process *);

/* Collects what was killed; asks to be called again while there is any. */
void sg_process_run(void);
void sg_process_wait(void);
/* Waits for what was killed, a moment at most: before this code is unloaded
 * from a process that goes on without it. */
void sg_process_finish(void);

#endif /* script/process.h */
