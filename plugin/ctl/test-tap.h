/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_TEST_TAP_H
#define SG_CTL_TEST_TAP_H 1

/* Output in the Test Anything Protocol (https://testanything.org). */

#include <stdbool.h>

struct sg_diags;

struct tap {
    unsigned int n_points;      /* Test points so far. */
    unsigned int n_failed;
};

/* Prints a test point.  'why' says, in lines, what is wrong; it may be "". */
void tap_point(struct tap *, bool good, const char *name, const char *why);

/* Prints errors and warnings, as comments. */
void tap_diags(const struct sg_diags *);

/* Ends the stream. */
void tap_plan(const struct tap *);

#endif /* ctl/test-tap.h */
