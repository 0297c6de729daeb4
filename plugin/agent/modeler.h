/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_AGENT_MODELER_H
#define SG_AGENT_MODELER_H 1

/* From a document to a policy, beside the main loop
 * =================================================
 *
 * To make a policy of 50,000 members takes longer than a turn of the main loop
 * may.  It is a function without side effects (policy/policy.h): a document
 * goes in, a policy and what is wrong with it comes out.  So it is called in a
 * thread of its own, which owns all that it works on: the document, which the
 * main thread has given away, and what it makes of it, which the main thread
 * takes when the thread has ended.  Nothing is ever seen by both.  What the
 * policy says, which the compiler will want to know when a rule goes
 * (sg_policy_list_entries()), is listed there, too.
 *
 *     modeler = sg_modeler_start(document, diags);
 *     ...
 *     if (sg_modeler_finish(modeler, &policy, &errors, &warnings)) {
 *         ...it is over, and 'modeler' is gone...
 *     }
 *     sg_modeler_wait(modeler);
 *     poll_block(); */

#include <stdbool.h>

struct json;
struct sg_diags;
struct sg_modeler;
struct sg_policy;

/* Takes over 'document', of which nobody else may have a part (a reference is
 * not counted atomically), and what is in 'diags'. */
struct sg_modeler *sg_modeler_start(struct json *document,
                                    struct sg_diags *diags);
/* '*policy' is NULL if there are errors; these and the warnings are lines, or
 * NULL; the caller frees both. */
bool sg_modeler_finish(struct sg_modeler *, struct sg_policy **policy,
                       char **errors, char **warnings);
void sg_modeler_wait(const struct sg_modeler *);    /* NULL is fine. */
/* Waits for the end.  NULL is fine. */
void sg_modeler_destroy(struct sg_modeler *);

#endif /* agent/modeler.h */
