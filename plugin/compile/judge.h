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
 * Every lookup walks through all flows: this is for questions by the
 * hundred, not for traffic. */

#include <stdint.h>

#include "policy/policy.h"

struct sg_flows;
struct sg_flowspec;
struct sg_plan_endpoint;

/* Flows that do what judging has no business with. */
#define SG_JUDGE_BROKEN UINT32_MAX

/* The number with which 'flows', those of the endpoint's plan, let a
 * connection through: towards the endpoint (SG_INGRESS) or from it
 * (SG_EGRESS).  0 if they do not. */
uint32_t sg_flows_judge(const struct sg_flows *,
                        const struct sg_plan_endpoint *, enum sg_direction,
                        const struct sg_flowspec *);

#endif /* compile/judge.h */
