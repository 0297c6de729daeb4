/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* A zone that is to be flushed is, also if the switch goes before it has read
 * that: its conntrack may be the kernel's, which stays.  The switch is nothing
 * but a socket and what this says on it. */

#include <config.h>

#include "switch/switch.h"

#include "compile/flow.h"
#include "lab.h"
#include "openflow/openflow.h"
#include "openvswitch/ofp-ct.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vconn.h"
#include "openflow/nicira-ext.h"
#include "socket-util.h"
#include "tap.h"
#include "util.h"

static struct pvconn *listener;
static struct vconn *peer;      /* The main connection, or NULL. */
static struct vconn *stranger;  /* Does not know our version (yet). */
static bool reading = true;     /* Does the switch? */
static int n_flushed[10];       /* By zone: what it has read. */

static bool
is_our_table(uint8_t table_id OVS_UNUSED)
{
    return false;
}

static void
answer(const struct ofp_header *oh, enum ofpraw raw)
{
    vconn_send(peer, ofpraw_alloc_reply(raw, oh, 0));
}

static void
read_flush_zone(const struct ofp_header *oh)
{
    struct ofpbuf b = ofpbuf_const_initializer(oh, ntohs(oh->length));
    const struct nx_zone_id *nzi;

    ofpraw_pull_assert(&b);
    nzi = ofpbuf_pull(&b, sizeof *nzi);
    n_flushed[ntohs(nzi->zone_id) % ARRAY_SIZE(n_flushed)]++;
}

static void
read_message(const struct ofp_header *oh)
{
    enum ofptype type;

    if (ofptype_decode(&type, oh)) {
        return;
    }
    if (type == OFPTYPE_FLOW_STATS_REQUEST) {
        answer(oh, OFPRAW_OFPST15_FLOW_REPLY);
    } else if (type == OFPTYPE_BARRIER_REQUEST) {
        answer(oh, OFPRAW_OFPT11_BARRIER_REPLY);
    } else if (type == OFPTYPE_CT_FLUSH_ZONE) {
        read_flush_zone(oh);
    }
}

/* What the switch does in a turn. */
static void
run_peer(void)
{
    struct ofpbuf *msg;

    if (!stranger) {
        pvconn_accept(listener, &stranger);
    }
    if (stranger) {
        int error = vconn_connect(stranger);

        if (!error) {
            vconn_close(peer);
            peer = stranger;
        } else if (error != EAGAIN) {
            vconn_close(stranger);
        }
        stranger = error == EAGAIN ? stranger : NULL;
    }
    while (peer && reading && !vconn_recv(peer, &msg)) {
        read_message(msg->data);
        ofpbuf_delete(msg);
    }
    if (peer) {
        vconn_run(peer);
    }
}

static void
run(struct sg_switch *s)
{
    run_peer();
    sg_switch_run(s);
}

static void
wait_for(struct sg_switch *s)
{
    sg_switch_wait(s);
    pvconn_wait(listener);
    if (stranger) {
        vconn_connect_wait(stranger);
    }
    if (peer && reading) {
        vconn_recv_wait(peer);
    }
}

#define UNTIL(S, CONDITION, MSEC) \
    LAB_UNTIL(run, wait_for, S, CONDITION, MSEC)

static void
hang_up(void)
{
    vconn_close(peer);
    peer = NULL;
}

static void
test_flush(struct sg_switch *s)
{
    ok(UNTIL(s, sg_switch_installed(s), LAB_PATIENCE), "no flows");
    sg_switch_flush_zone(s, 1);
    ok(UNTIL(s, n_flushed[1], LAB_PATIENCE), "a zone is flushed");

    reading = false;
    sg_switch_flush_zone(s, 2);
    ok(!UNTIL(s, false, LAB_QUIET), "the switch is told, and does not read");
    hang_up();
    ok(UNTIL(s, !sg_switch_installed(s), LAB_PATIENCE), "it goes");
    reading = true;
    ok(UNTIL(s, sg_switch_installed(s), LAB_PATIENCE), "it is back");
    ok(UNTIL(s, n_flushed[2], LAB_PATIENCE), "the zone is flushed");

    hang_up();
    ok(UNTIL(s, !sg_switch_installed(s), LAB_PATIENCE), "it goes once more");
    ok(UNTIL(s, sg_switch_installed(s), LAB_PATIENCE), "it is back");
    ok(!UNTIL(s, false, LAB_QUIET) && n_flushed[1] == 1 && n_flushed[2] == 1,
       "what it has confirmed is not flushed again (%d, %d)", n_flushed[1],
       n_flushed[2]);

    hang_up();
    sg_switch_flush_zone(s, 3);
    ok(UNTIL(s, n_flushed[3], LAB_PATIENCE), "asked for while it is away");
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_create(argv[0]);

    char *socket = xasprintf("unix:%s/br0.mgmt", lab_dir());
    char *name = xasprintf("p%s", socket);
    int error = pvconn_open(name, 1u << OFP15_VERSION, DSCP_DEFAULT,
                            &listener);

    if (error) {
        lab_bail_out("%s: %s", name, ovs_strerror(error));
    }

    struct sg_switch *s = sg_switch_create("br0", socket, 100, is_our_table);

    test_flush(s);
    sg_switch_destroy(s);
    hang_up();
    vconn_close(stranger);
    pvconn_close(listener);
    free(name);
    free(socket);
    lab_destroy();
    return done_testing();
}
