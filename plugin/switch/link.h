/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SWITCH_LINK_H
#define SG_SWITCH_LINK_H 1

/* An OpenFlow connection to a local switch that comes back by itself.
 *
 * rconn can do that, too, but waits a second before the first attempt and
 * warns of each one that fails, and a switch that restarts is nothing to warn
 * of: meanwhile its ports are closed, so it is to be found again soon.  And
 * rconn hangs up on a switch that does not greet within a second or two; one
 * that has much to do would never be reached. */

#include <stdint.h>

struct sg_link {
    struct rconn *rconn;        /* Never reliable. */
    char *target;               /* Name of the vconn. */
    char *name;                 /* For the log. */
    uint32_t versions;          /* Allowed OpenFlow versions. */
    long long int attempt_at;   /* Of the next attempt to connect, msec. */
    int backoff;                /* After that, msec. */
    struct vconn *greeting;     /* Connected, but not yet agreed on a version,
                                 * or NULL. */
};

void sg_link_init(struct sg_link *, const char *target, const char *name,
                  uint32_t versions);
void sg_link_destroy(struct sg_link *);
void sg_link_run(struct sg_link *);
/* The next attempt to connect is not put off: there is a reason to think that
 * it succeeds. */
void sg_link_retry(struct sg_link *);
void sg_link_flush(struct sg_link *);   /* At the end of each turn. */
void sg_link_wait(struct sg_link *);

#endif /* switch/link.h */
