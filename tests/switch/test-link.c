/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* How a connection is made, to a switch that is nothing but a socket and what
 * this says on it. */

#include <config.h>

#include "switch/link.h"

#include <errno.h>

#include "lab.h"
#include "openflow/openflow.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/rconn.h"
#include "openvswitch/vconn.h"
#include "socket-util.h"
#include "tap.h"
#include "util.h"

#define OURS (1u << OFP15_VERSION)
#define OTHERS (1u << OFP10_VERSION)
#define BUSY 2500               /* In ms: more than rconn would wait. */

static struct sg_link link_;
static struct pvconn *listener;
static struct vconn *peer;      /* Accepted last. */

#define UNTIL(CONDITION, MSEC) \
    LAB_UNTIL(run, wait_for, &link_, CONDITION, MSEC)

/* That the switch has gone, whoever reads learns. */
static void
run(struct sg_link *link)
{
    sg_link_run(link);
    ofpbuf_delete(rconn_recv(link->rconn));
}

static void
wait_for(struct sg_link *link)
{
    sg_link_wait(link);
    pvconn_wait(listener);
    if (peer) {
        vconn_connect_wait(peer);
    }
}

static bool
accepted(void)
{
    return !pvconn_accept(listener, &peer);
}

/* 'peer' has agreed on a version, and the link with it. */
static bool
greeted(void)
{
    return !vconn_connect(peer) && rconn_is_connected(link_.rconn);
}

static void
hang_up(void)
{
    vconn_close(peer);
    peer = NULL;
}

static void
listen_with(uint32_t versions)
{
    char *name = xasprintf("punix:%s/br0.mgmt", lab_dir());
    int error;

    pvconn_close(listener);
    error = pvconn_open(name, versions, DSCP_DEFAULT, &listener);
    if (error) {
        lab_bail_out("%s: %s", name, ovs_strerror(error));
    }
    free(name);
}

static void
test_busy(void)
{
    ok(!UNTIL(rconn_is_connected(link_.rconn), BUSY),
       "a switch that is busy answers nothing");
    ok(accepted(), "when it has time, there is somebody");
    ok(UNTIL(greeted(), LAB_PATIENCE), "who is still there");

    struct vconn *second;

    is_int(pvconn_accept(listener, &second), EAGAIN,
           "and has not called again");
}

static void
test_hang_up(void)
{
    hang_up();
    ok(UNTIL(accepted(), LAB_PATIENCE), "the switch goes: called again");
    hang_up();
    ok(UNTIL(accepted(), LAB_PATIENCE), "gone before it has greeted: again");
    ok(UNTIL(greeted(), LAB_PATIENCE), "they agree");
}

static void
test_versions(void)
{
    listen_with(OTHERS);
    hang_up();
    ok(UNTIL(accepted(), LAB_PATIENCE), "a switch of another version");
    ok(!UNTIL(greeted(), LAB_QUIET), "they do not agree");
    hang_up();
    ok(!UNTIL(accepted(), LAB_QUIET), "which is not tried again at once");
    listen_with(OURS);
    ok(UNTIL(accepted(), LAB_PATIENCE), "it has learned ours: called again");
    ok(UNTIL(greeted(), LAB_PATIENCE), "they agree");
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_create(argv[0]);

    char *target = xasprintf("unix:%s/br0.mgmt", lab_dir());

    listen_with(OURS);
    sg_link_init(&link_, target, "br0", OURS);
    free(target);
    test_busy();
    test_hang_up();
    test_versions();
    hang_up();
    ok(UNTIL(!rconn_is_connected(link_.rconn), LAB_PATIENCE), "the end");
    sg_link_destroy(&link_);
    pvconn_close(listener);
    lab_destroy();
    return done_testing();
}
