/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_COMPILE_JUDGE_H
#define TESTS_COMPILE_JUDGE_H 1

/* Questions to ask both of the flows (compile/judge.h) and of the rules
 * (policy/eval.h). */

#include <stdbool.h>
#include <stdint.h>

#include "compile/flow.h"
#include "compile/compile.h"
#include "policy/eval.h"
#include "world.h"

/* What is asked: a new connection of an endpoint with 'spec', whose remote end
 * is to allow ('dir' SG_EGRESS) or to be allowed. */
struct question {
    enum sg_direction dir;
    struct sg_flowspec spec;
};

void dice_question(struct dice *, struct question *);
void question_format(const struct question *, struct ds *);

/* The number with which 'flows' let the connection through; 0 if they do not
 * (and exits if they do anything else). */
uint32_t judge(const struct sg_flows *, const struct sg_plan_endpoint *,
               const struct question *);

/* The same by the rules.  NULL: refused. */
const struct sg_rule *eval(const struct world *,
                           const struct sg_plan_endpoint *,
                           const struct question *);

#endif /* judge.h */
