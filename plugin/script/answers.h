/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_ANSWERS_H
#define SG_SCRIPT_ANSWERS_H 1

/* Answers of the functions given to `bind'
 * ========================================
 *
 * Admission (policy/port.h) asks, for each interface and each function, which
 * groups the interface is to have.  A script answers later.  Here is what is
 * between the two: answers are kept by function and interface, together with
 * the facts that were told.  The same facts have the same answer; only an
 * interface whose facts have changed is asked about again, and has its old
 * answer until then.  One that was never asked about is *pending*.
 *
 *     when a policy comes into force: sg_answers_init(&answers, script)
 *     a turn:
 *         sg_answers_run(&answers, &names);
 *         for each interface that has changed, or is in 'names':
 *             sg_answers_begin(&answers);
 *             sg_ports_admit(..., { sg_answers_ask, &answers }, ...);
 *             sg_answers_end(&answers, uuid);
 *         sg_answers_wait(&answers);
 *
 * What a turn costs is in proportion to the questions that are open, not to
 * those that were answered.
 *
 * A function that fails is not asked about the same again, because it would
 * fail again.  But if the child was killed, which may be the fault of a busy
 * machine, it is: after RETRY_MIN, doubling to RETRY_MAX (answers.c).
 *
 * Thread: that of the script. */

#include <stdbool.h>

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "policy/port.h"

struct sg_script;
struct sset;

struct sg_answers {
    struct sg_script *script;   /* Not ours.  NULL: it has no functions. */
    struct hmap all;            /* struct answer, by interface. */
    struct ovs_list asked;      /* Those that wait for their script. */
    struct ovs_list retrying;   /* Those to be asked for again later. */
    unsigned int round;         /* Counts sg_answers_begin(). */
};

void sg_answers_init(struct sg_answers *, struct sg_script *);
void sg_answers_destroy(struct sg_answers *);

/* Handles answers.  The names of interfaces that have another one now go to
 * 'changed', unless that is NULL. */
void sg_answers_run(struct sg_answers *, struct sset *changed);
void sg_answers_wait(struct sg_answers *);

/* Around an admission.  The second forgets what was not asked for in it: of
 * the interface with this UUID or, if that is NULL, of any. */
void sg_answers_begin(struct sg_answers *);
void sg_answers_end(struct sg_answers *, const struct uuid *iface);

/* Is some question not answered yet? */
bool sg_answers_is_pending(const struct sg_answers *);

/* sg_bind_functions (policy/port.h).  'aux' is a struct sg_answers; or, of
 * the one that blocks, a struct sg_script. */
sg_bind_function sg_answers_ask;
sg_bind_function sg_answers_block;

#endif /* script/answers.h */
