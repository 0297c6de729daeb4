/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_TEST_STEP_H
#define SG_CTL_TEST_STEP_H 1

/* The steps of a policy test
 * ==========================
 *
 * What a test file says is a list of steps, as JSON; their form is given in
 * lua/sg/lang/test.lua, which has checked it.
 *
 *   test-command.c    reads the files, hands over their steps
 *   test-step.c       steps that make the world, and groups
 *   test-assertion.c  allowed and refused
 *   test-world.c      policy and ports, and the answers
 *   test-tap.c        the output */

#include <stdbool.h>
#include <stddef.h>

#include "ctl/test-tap.h"
#include "ctl/test-world.h"

struct ds;
struct json;

struct test_run {
    struct tap tap;
    struct test_world world;    /* Of the present file. */
    bool named_policy;          /* A policy was named in it. */
};

void test_step_run(struct test_run *, const struct json *step);
/* A step of the kind "allowed" or "refused". */
void test_assertion_run(struct test_run *, const struct json *step);

/* False, with a sentence in 'why', if there is no policy to ask. */
bool test_run_has_policy(const struct test_run *, struct ds *why);

/* Reading.  'object' and 'array' may be anything, also NULL. */

const struct json *step_get(const struct json *object, const char *key);
/* NULL unless it is a string. */
const char *step_string(const struct json *object, const char *key);
/* How many elements 'array' has; and number 'i' of them, a string. */
size_t step_n(const struct json *array);
const char *step_elem(const struct json *array, size_t i);
struct sg_place step_place(const struct json *step);

/* Appends "FILE:LINE: ", the beginning of the name of a test point. */
void step_put_place(const struct json *step, struct ds *);
/* Appends the strings of 'array'. */
void step_put_list(const struct json *array, struct ds *);
/* If something is wrong, appends who called the function that 'step' is in. */
void step_put_chain(const struct json *step, struct ds *why);

#endif /* ctl/test-step.h */
