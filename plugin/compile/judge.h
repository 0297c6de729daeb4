/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_JUDGE_H
#define SG_COMPILE_JUDGE_H 1

/* What flows would do, without a switch
 * =====================================
 *
 * As much of a switch as judging needs: looks up the first packet of a
 * connection in the tables that judge, and does what the best flow says,
 * which may only be loads, notes and resubmits.  Policy tests hold it against
 * the rules (policy/eval.h), and so do our own.
 *
 * The flows are sorted once, by table and priority; a lookup then walks
 * through one table to the first match.  That is for questions by the
 * thousand, not for traffic. */

#include <stdint.h>

#include "policy/policy.h"

struct sg_flows;
struct sg_flowspec;
struct sg_plan_endpoint;

/* Flows that do what judging has no business with. */
#define SG_JUDGE_BROKEN UINT32_MAX

/* 'flows' must not change before the judge is destroyed. */
struct sg_judge *sg_judge_create(const struct sg_flows *flows);
void sg_judge_destroy(struct sg_judge *);

/* The number with which the flows, those of the endpoint's plan, let a
 * connection through: towards the endpoint (SG_INGRESS) or from it
 * (SG_EGRESS).  0 if they do not. */
uint32_t sg_judge_ask(const struct sg_judge *,
                      const struct sg_plan_endpoint *, enum sg_direction,
                      const struct sg_flowspec *);

#endif /* compile/judge.h */
