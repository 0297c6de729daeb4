/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_PLAN_PRIVATE_H
#define SG_COMPILE_PLAN_PRIVATE_H 1

/* The passes that make a plan, in the order in which sg_plan_create() runs
 * them.  Each reads only what those before it made. */

struct sg_plan;
struct sg_plan_network;
struct sg_policy;

/* classify.c: addresses of all networks to classes, and cells. */
void sg_plan_classify(struct sg_plan *);
void sg_plan_classify_destroy(struct sg_plan *);

#endif /* compile/plan-private.h */
