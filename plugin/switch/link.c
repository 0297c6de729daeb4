/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/link.h"

#include <stdlib.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/rconn.h"
#include "openvswitch/vconn.h"
#include "openvswitch/vlog.h"
#include "socket-util.h"
#include "switch/cork.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_link);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

#define MIN_BACKOFF 100         /* msec */
#define MAX_BACKOFF 1000        /* msec */
#define VERSION_BACKOFF 5000    /* msec; the switch speaks none of ours. */

void
sg_link_init(struct sg_link *link, const char *target, const char *name,
             uint32_t versions)
{
    /* No inactivity probes: a local socket does not die in silence, and a
     * switch that is busy for long must not be disturbed. */
    link->rconn = rconn_create(0, 0, DSCP_DEFAULT, versions);
    link->target = xstrdup(target);
    link->name = xstrdup(name);
    link->versions = versions;
    link->attempt_at = 0;
    link->greeting = false;
    link->backoff = MIN_BACKOFF;
}

void
sg_link_destroy(struct sg_link *link)
{
    rconn_destroy(link->rconn);
    free(link->target);
    free(link->name);
}

static void
connect_again(struct sg_link *link)
{
    struct vconn *vconn;
    int error = sg_cork_open(link->target, link->versions, &vconn);

    if (error) {
        VLOG_DBG_RL(&rl, "%s: cannot connect (%s)", link->name,
                    ovs_strerror(error));
    } else {
        rconn_connect_unreliably(link->rconn, vconn, link->name);
    }
    if (link->greeting) {
        link->backoff = VERSION_BACKOFF;    /* vconn warns of each attempt. */
    }
    link->greeting = !error;
    link->attempt_at = time_msec() + link->backoff;
    link->backoff = MIN(2 * link->backoff, MAX_BACKOFF);
}

void
sg_link_run(struct sg_link *link)
{
    rconn_run(link->rconn);
    if (!rconn_is_alive(link->rconn) && time_msec() >= link->attempt_at) {
        connect_again(link);
        rconn_run(link->rconn);
    }
    if (rconn_is_connected(link->rconn)) {
        link->greeting = false;
        link->backoff = MIN_BACKOFF;
    }
}

/* Sends what there is to be sent. */
void
sg_link_flush(struct sg_link *link)
{
    rconn_run(link->rconn);
}

void
sg_link_wait(struct sg_link *link)
{
    rconn_run_wait(link->rconn);
    rconn_recv_wait(link->rconn);
    if (!rconn_is_alive(link->rconn)) {
        poll_timer_wait_until(link->attempt_at);
    }
}
