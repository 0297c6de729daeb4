/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SWITCH_CONNTRACK_H
#define SG_SWITCH_CONNTRACK_H 1

/* Reading the connection table of the switch
 * ==========================================
 *
 * OpenFlow cannot list connections; the switch's control socket can
 * (`ovs-appctl dpctl/dump-conntrack', ovs-vswitchd(8)).  A `struct
 * sg_conntrack' asks it without blocking: sg_conntrack_start() sends the
 * question, sg_conntrack_run() reads and parses the answer in slices of at
 * most a few milliseconds.  A question is pending until run() says how it
 * ended, also if nobody was there to be asked, and sg_conntrack_wait() wakes
 * the main loop for it.
 *
 * It also carries other questions to the same socket, one at a time; each
 * start() forgets the question of before, and its answer. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sg_conn {
    struct in6_addr src, dst;   /* Original direction; IPv4-mapped. */
    uint16_t sport, dport;      /* Ports; ICMP: id and type<<8|code. */
    uint8_t proto;
    uint16_t zone;
    uint32_t mark;
};

enum sg_conntrack_status {
    SG_CT_IDLE,                 /* Nothing asked. */
    SG_CT_PENDING,
    SG_CT_DONE,                 /* The answer is there until the next start. */
    SG_CT_FAILED                /* No socket, or an error answer. */
};

/* 'unixctl' is the path of the switch's control socket; NULL finds it by the
 * pidfile in the OVS run directory, anew for each question. */
struct sg_conntrack *sg_conntrack_create(const char *unixctl);
void sg_conntrack_destroy(struct sg_conntrack *);

/* Asks for the connections of 'zone' (-1: of all zones) of the datapath that
 * bridges of 'datapath_type' use, e.g. "netdev" or "system".  Entries with
 * zone 0 are left out. */
void sg_conntrack_start(struct sg_conntrack *, const char *datapath_type,
                        int zone);
/* Asks for the lines of `dpctl/dump-flows' (with 'flows') or of
 * `dpctl/dump-conntrack', whatever their zone, as they are: see
 * sg_conntrack_text(), and sg_megaflow_parse() and sg_conn_parse(). */
void sg_conntrack_start_text(struct sg_conntrack *, const char *datapath_type,
                             bool flows);
/* Is done when no packet is forwarded any more by a datapath flow that the
 * tables of now would not make (ovs-vswitchd(8): revalidator/wait). */
void sg_conntrack_start_wait(struct sg_conntrack *);
/* Takes all datapath flows away (ovs-vswitchd(8): revalidator/purge). */
void sg_conntrack_start_purge(struct sg_conntrack *);
/* Asks for the switch's version; see sg_conntrack_text(). */
void sg_conntrack_start_version(struct sg_conntrack *);
/* Sets the number of connections that zones may hold, at least 1, or takes
 * their limits away (ovs-vswitchd(8): dpctl/ct-set-limits, -del-limits; a
 * limit of 0 is none there in the kernel, but "no connection" in 3.1.0's
 * userspace datapath).  The switch forgets limits when it restarts. */
struct sg_zone_limit {
    uint16_t zone;
    uint32_t limit;
};
void sg_conntrack_start_limits(struct sg_conntrack *,
                               const char *datapath_type,
                               const struct sg_zone_limit[], size_t n);
void sg_conntrack_start_no_limits(struct sg_conntrack *,
                                  const char *datapath_type,
                                  const uint16_t zones[], size_t n);
enum sg_conntrack_status sg_conntrack_run(struct sg_conntrack *);
/* Makes NORMAL on 'bridge' forget the MACs, or the multicast groups, that it
 * has learned (ovs-vswitchd(8): fdb/flush, mdb/flush). */
void sg_conntrack_start_forget_macs(struct sg_conntrack *,
                                    const char *bridge);
void sg_conntrack_start_forget_groups(struct sg_conntrack *,
                                      const char *bridge);
bool sg_conntrack_is_pending(const struct sg_conntrack *);
/* Forgets the question, or its answer: idle again. */
void sg_conntrack_reset(struct sg_conntrack *);
void sg_conntrack_wait(struct sg_conntrack *);
/* The '*n' connections of an answer to sg_conntrack_start() that is done. */
const struct sg_conn *sg_conntrack_entries(const struct sg_conntrack *,
                                           size_t *n);
/* All of an answer to sg_conntrack_start_text() or _version() that is done; ""
 * if it is not, or was asked for by another one. */
const char *sg_conntrack_text(const struct sg_conntrack *);
/* With SG_CT_FAILED: why, a sentence; else NULL. */
const char *sg_conntrack_error(const struct sg_conntrack *);

#endif /* switch/conntrack.h */
