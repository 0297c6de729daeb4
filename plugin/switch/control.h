/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SWITCH_CONTROL_H
#define SG_SWITCH_CONTROL_H 1

/* Questions to the switch's control socket
 * ========================================
 *
 * OpenFlow cannot list connections, nor take datapath flows away, limit zones
 * or make NORMAL forget; the control socket of ovs-vswitchd can
 * (ovs-appctl(8), ovs-vswitchd(8)).  A `struct sg_control' asks it one
 * question at a time, without blocking: a start function sends the question,
 * sg_control_run() reads and parses the answer in slices of at most a few
 * milliseconds.  A question is pending until run() says how it ended, also if
 * nobody was there to be asked, and sg_control_wait() wakes the main loop for
 * it.  Each start forgets the question of before, and its answer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switch/conntrack-parse.h"

enum sg_control_status {
    SG_CONTROL_IDLE,            /* Nothing asked. */
    SG_CONTROL_PENDING,
    SG_CONTROL_DONE,            /* The answer is there until the next start. */
    SG_CONTROL_FAILED           /* No socket, or an error answer. */
};

/* 'unixctl' is the path of the switch's control socket; NULL finds it by the
 * pidfile in the OVS run directory, anew for each question. */
struct sg_control *sg_control_create(const char *unixctl);
void sg_control_destroy(struct sg_control *);

/* Asks for the connections of 'zone' (-1: of all zones) of the datapath that
 * bridges of 'datapath_type' use, e.g. "netdev" or "system"
 * (dpctl/dump-conntrack).  Entries with zone 0 are left out. */
void sg_control_start_connections(struct sg_control *,
                                  const char *datapath_type, int zone);
/* Asks for the lines of `dpctl/dump-flows' (with 'flows') or of
 * `dpctl/dump-conntrack', whatever their zone, as they are: see
 * sg_control_text(), and sg_megaflow_parse() and sg_conn_parse(). */
void sg_control_start_text(struct sg_control *, const char *datapath_type,
                           bool flows);
/* Is done when no packet is forwarded any more by a datapath flow that the
 * tables of now would not make (revalidator/wait). */
void sg_control_start_wait(struct sg_control *);
/* Takes all datapath flows away (revalidator/purge). */
void sg_control_start_purge(struct sg_control *);
/* Asks for the switch's version; see sg_control_text(). */
void sg_control_start_version(struct sg_control *);
/* Sets the number of connections that zones may hold, at least 1, or takes
 * their limits away (dpctl/ct-set-limits, -del-limits; a limit of 0 is none
 * there in the kernel, but "no connection" in 3.1.0's userspace datapath).
 * The switch forgets limits when it restarts. */
struct sg_zone_limit {
    uint16_t zone;
    uint32_t limit;
};
void sg_control_start_limits(struct sg_control *, const char *datapath_type,
                             const struct sg_zone_limit[], size_t n);
void sg_control_start_no_limits(struct sg_control *,
                                const char *datapath_type,
                                const uint16_t zones[], size_t n);
/* Makes NORMAL on 'bridge' forget the MACs, or the multicast groups, that it
 * has learned (fdb/flush, mdb/flush). */
void sg_control_start_forget_macs(struct sg_control *, const char *bridge);
void sg_control_start_forget_groups(struct sg_control *, const char *bridge);

enum sg_control_status sg_control_run(struct sg_control *);
void sg_control_wait(struct sg_control *);
bool sg_control_is_pending(const struct sg_control *);
/* Forgets the question, or its answer: idle again. */
void sg_control_reset(struct sg_control *);

/* The '*n' connections of an answer to sg_control_start_connections() that is
 * done. */
const struct sg_conn *sg_control_connections(const struct sg_control *,
                                             size_t *n);
/* All of an answer to sg_control_start_text() or _version() that is done; ""
 * if it is not, or was asked for by another one. */
const char *sg_control_text(const struct sg_control *);
/* With SG_CONTROL_FAILED: why, a sentence; else NULL. */
const char *sg_control_error(const struct sg_control *);

#endif /* switch/control.h */
