/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_RESOLVE_SAVER_H
#define SG_RESOLVE_SAVER_H 1

/* Values go to their file (memory.h) beside the main loop
 * =======================================================
 *
 * 50,000 addresses in JSON, and a disk that is slow, take longer than a turn
 * of the main loop may.  So a thread of its own writes them.  It owns copies
 * of all that it writes, and the main thread sees nothing of it but that it
 * has ended.
 *
 *     saver = sg_saver_start(file, values, n);
 *     ...
 *     if (sg_saver_finish(saver)) {
 *         ...it is over, and 'saver' is gone...
 *     }
 *     sg_saver_wait(saver);
 *     poll_block(); */

#include <stdbool.h>
#include <stddef.h>

struct sg_memory;
struct sg_saver;

/* Begins to write the 'n' 'values' to 'file', both of which it copies. */
struct sg_saver *sg_saver_start(const char *file,
                                const struct sg_memory *values, size_t n);
bool sg_saver_finish(struct sg_saver *);
void sg_saver_wait(const struct sg_saver *);    /* NULL is fine. */
/* Waits until the file is written.  NULL is fine. */
void sg_saver_destroy(struct sg_saver *);

#endif /* resolve/saver.h */
