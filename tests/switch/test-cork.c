/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* How a connection takes apart what it reads at once.  The switch is nothing
 * but a socket and what this writes to it. */

#include <config.h>

#include "switch/cork.h"

#include <errno.h>
#include <string.h>

#include "lab.h"
#include "lib/stream.h"
#include "openflow/openflow.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vconn.h"
#include "socket-util.h"
#include "tap.h"
#include "util.h"

#define HELLO 0
#define ERROR 1                 /* Of any length. */
#define ECHO 2

static struct pstream *listener;
static struct stream *peer;
static struct vconn *vconn;
static struct ofpbuf out;       /* To be written to it. */
static struct ofpbuf *msg;      /* Received last. */
static int error;               /* Of receiving, or connecting. */

#define UNTIL(CONDITION, MSEC) \
    LAB_UNTIL(run, wait_for, NULL, CONDITION, MSEC)

static void
run(void *aux OVS_UNUSED)
{
    vconn_run(vconn);
}

static void
wait_for(void *aux OVS_UNUSED)
{
    vconn_run_wait(vconn);
    vconn_recv_wait(vconn);
}

static bool
connected(void)
{
    error = vconn_connect(vconn);
    return error != EAGAIN;
}

static bool
received(void)
{
    ofpbuf_delete(msg);
    msg = NULL;
    error = vconn_recv(vconn, &msg);
    return error != EAGAIN;
}

/* A message of 'size' bytes that says it is of 'says' bytes. */
static void
put(uint8_t type, uint32_t xid, size_t size, size_t says)
{
    struct ofp_header oh = { .version = OFP15_VERSION, .type = type,
                             .length = htons(says), .xid = htonl(xid) };
    char *p = ofpbuf_put_zeros(&out, size);

    memcpy(p, &oh, MIN(size, sizeof oh));
}

static void
write_all(void)
{
    if (stream_send(peer, out.data, out.size) != (int) out.size) {
        lab_bail_out("cannot write to the socket");
    }
    ofpbuf_clear(&out);
}

static void
connect_to(const char *target)
{
    char greeting[64];

    error = sg_cork_open(target, 1u << OFP15_VERSION, &vconn);
    if (error || pstream_accept(listener, &peer)) {
        lab_bail_out("%s: cannot connect", target);
    }
    ofpbuf_init(&out, 0);
    put(HELLO, 1, 8, 8);
    write_all();
    ok(UNTIL(connected(), LAB_PATIENCE) && !error, "connected");
    /* What is not read makes another error of the end. */
    while (stream_recv(peer, greeting, sizeof greeting) > 0) {
        continue;
    }
}

static void
disconnect(void)
{
    ofpbuf_uninit(&out);
    ofpbuf_delete(msg);
    msg = NULL;
    vconn_close(vconn);
    stream_close(peer);
}

static bool
got(uint32_t xid, size_t size)
{
    const struct ofp_header *oh;

    if (!UNTIL(received(), LAB_PATIENCE) || error) {
        return false;
    }
    oh = msg->data;
    return msg->size == size && ntohl(oh->xid) == xid;
}

/* Lengths need not be multiples of anything. */
static void
test_messages(const char *target)
{
    connect_to(target);
    put(ERROR, 2, 13, 13);
    put(ECHO, 3, 8, 8);
    put(ECHO, 4, 5, 17);
    write_all();
    ok(got(2, 13), "the first of two messages and a piece");
    ok(got(3, 8), "the second, at an odd address");
    ok(!UNTIL(received(), LAB_QUIET), "the piece is none");
    put(ECHO, 4, 17, 17);
    ofpbuf_pull(&out, 5);
    write_all();
    ok(got(4, 17), "its rest has come");
    disconnect();
}

static void
test_nonsense(const char *target)
{
    for (size_t says = 0; says < 8; says += 7) {
        connect_to(target);
        put(ECHO, 2, 8, says);
        write_all();
        ok(UNTIL(received(), LAB_PATIENCE) && error == EPROTO,
           "a message of %"PRIuSIZE" bytes is none", says);
        disconnect();
    }
}

static void
test_end(const char *target)
{
    connect_to(target);
    put(ECHO, 2, 8, 8);
    put(ECHO, 3, 4, 8);
    write_all();
    stream_close(peer);
    peer = NULL;
    ok(got(2, 8), "what came before the end is there");
    ok(UNTIL(received(), LAB_PATIENCE) && error == EPROTO,
       "a piece before the end is an error");
    disconnect();
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_create(argv[0]);

    char *name = xasprintf("punix:%s/switch", lab_dir());

    if (pstream_open(name, &listener, DSCP_DEFAULT)) {
        lab_bail_out("%s: cannot listen", name);
    }
    test_messages(name + 1);
    test_nonsense(name + 1);
    test_end(name + 1);
    pstream_close(listener);
    free(name);
    lab_destroy();
    return done_testing();
}
