/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_SLICE_H
#define SG_COMPILE_SLICE_H 1

/* Work in slices
 * ==============
 *
 * What may be long asks, between two steps, whether its slice is over, keeps
 * its place, and returns false; called again it goes on.  The clock is read
 * for every few steps only, so a step must be short (some microseconds), and
 * some steps are always done: there is progress in every turn.
 *
 *     struct sg_slice slice = SG_SLICE_UNTIL(time_usec() + 4000);
 *
 *     while (there is a step) {
 *         if (sg_slice_over(&slice)) {
 *             return false;
 *         }
 *         ...the step...
 *     }
 *     return true; */

#include <limits.h>
#include <stdbool.h>

#include "timeval.h"

struct sg_slice {
    long long int deadline;     /* time_usec(); LLONG_MAX: there is none. */
    unsigned int n;             /* Steps so far. */
    bool over;
};

#define SG_SLICE_UNTIL(DEADLINE) { (DEADLINE), 0, false }
#define SG_SLICE_WHOLE SG_SLICE_UNTIL(LLONG_MAX)

static inline bool
sg_slice_over(struct sg_slice *slice)
{
    if (!slice->over && slice->deadline != LLONG_MAX && !(++slice->n % 16)) {
        slice->over = time_usec() >= slice->deadline;
    }
    return slice->over;
}

/* The same after a step that may be long: the clock is read each time. */
static inline bool
sg_slice_ends(struct sg_slice *slice)
{
    slice->over |= (slice->deadline != LLONG_MAX
                    && time_usec() >= slice->deadline);
    return slice->over;
}

#endif /* compile/slice.h */
