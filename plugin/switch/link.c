/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/link.h"

#include <errno.h>
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
    link->greeting = NULL;
    link->backoff = MIN_BACKOFF;
}

void
sg_link_destroy(struct sg_link *link)
{
    vconn_close(link->greeting);
    rconn_destroy(link->rconn);
    free(link->target);
    free(link->name);
}

static void
connect_again(struct sg_link *link)
{
    int error = sg_cork_open(link->target, link->versions, &link->greeting);

    if (error) {
        VLOG_DBG_RL(&rl, "%s: cannot connect (%s)", link->name,
                    ovs_strerror(error));
    }
    link->attempt_at = time_msec() + link->backoff;
    link->backoff = MIN(2 * link->backoff, MAX_BACKOFF);
}

/* There is no hurry: if the switch ends instead of answering, this fails. */
static void
greet(struct sg_link *link)
{
    int error = vconn_connect(link->greeting);

    if (!error) {
        rconn_connect_unreliably(link->rconn, link->greeting, link->name);
        rconn_run(link->rconn);
        link->greeting = NULL;
        link->backoff = MIN_BACKOFF;
    } else if (error != EAGAIN) {
        VLOG_DBG_RL(&rl, "%s: no greeting (%s)", link->name,
                    ovs_strerror(error));
        /* It has greeted, or said something else, of which vconn warns. */
        if (error == EPROTO || vconn_get_version(link->greeting) > 0) {
            link->attempt_at = time_msec() + VERSION_BACKOFF;
        }
        vconn_close(link->greeting);
        link->greeting = NULL;
    }
}

void
sg_link_retry(struct sg_link *link)
{
    link->attempt_at = 0;
    link->backoff = MIN_BACKOFF;
}

void
sg_link_run(struct sg_link *link)
{
    rconn_run(link->rconn);
    if (rconn_is_alive(link->rconn)) {
        return;
    }
    if (!link->greeting && time_msec() >= link->attempt_at) {
        connect_again(link);
    }
    if (link->greeting) {
        vconn_run(link->greeting);
        greet(link);
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
    if (link->greeting) {
        vconn_run_wait(link->greeting);
        vconn_connect_wait(link->greeting);
    } else if (!rconn_is_alive(link->rconn)) {
        poll_timer_wait_until(link->attempt_at);
    }
}
