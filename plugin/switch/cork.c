/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/cork.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stream.h"
#include "lib/vconn-provider.h"
#include "openflow/openflow.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vconn.h"
#include "socket-util.h"
#include "util.h"

/* Bytes. */
#define ENOUGH 16384            /* To send before the end of a turn. */
#define MOST 65536              /* To keep if the switch does not read. */
#define AT_ONCE 65536           /* To read. */

struct cork {
    struct vconn vconn;
    struct stream *stream;
    struct ofpbuf tx;           /* To be sent. */
    struct ofpbuf rx;           /* Received, but not handed out. */
    int error;                  /* Of sending: a positive errno value. */
};

static const struct vconn_class cork_class;

static struct cork *
cork_cast(struct vconn *vconn)
{
    vconn_assert_class(vconn, &cork_class);
    return CONTAINER_OF(vconn, struct cork, vconn);
}

int
sg_cork_open(const char *target, uint32_t versions, struct vconn **vconnp)
{
    struct stream *stream;
    int error = stream_open_with_default_port(target, OFP_PORT, &stream,
                                              DSCP_DEFAULT);

    *vconnp = NULL;
    if (error) {
        return error;
    }
    error = stream_connect(stream);
    if (error && error != EAGAIN) {
        stream_close(stream);
        return error;
    }

    struct cork *c = xzalloc(sizeof *c);

    vconn_init(&c->vconn, &cork_class, error, target, versions);
    c->stream = stream;
    ofpbuf_init(&c->tx, 0);
    ofpbuf_init(&c->rx, 0);
    *vconnp = &c->vconn;
    return 0;
}

static void
cork_close(struct vconn *vconn)
{
    struct cork *c = cork_cast(vconn);

    stream_close(c->stream);
    ofpbuf_uninit(&c->tx);
    ofpbuf_uninit(&c->rx);
    free(c);
}

static int
cork_connect(struct vconn *vconn)
{
    return stream_connect(cork_cast(vconn)->stream);
}

/* Takes 'n' bytes from the front of 'b'. */
static void
drop_front(struct ofpbuf *b, size_t n)
{
    ofpbuf_pull(b, n);
    if (!b->size) {
        ofpbuf_clear(b);
    }
}

/* What the message in front of what was received says about its length; 0 if
 * not even that has come.  It may lie at any address. */
static size_t
said_size(const struct cork *c)
{
    struct ofp_header oh;

    if (c->rx.size < sizeof oh) {
        return 0;
    }
    memcpy(&oh, c->rx.data, sizeof oh);
    return ntohs(oh.length);
}

/* How long that message is; 0 if more of it has to come. */
static size_t
message_size(const struct cork *c)
{
    size_t size = said_size(c);

    return size <= c->rx.size ? size : 0;
}

static int
receive(struct cork *c)
{
    size_t moved = ofpbuf_headroom(&c->rx);

    if (moved) {
        ofpbuf_shift(&c->rx, -(int) moved);
    }
    ofpbuf_prealloc_tailroom(&c->rx, AT_ONCE);

    int n = stream_recv(c->stream, ofpbuf_tail(&c->rx), AT_ONCE);

    if (n <= 0) {
        return n ? -n : c->rx.size ? EPROTO : EOF;
    }
    c->rx.size += n;
    return 0;
}

static int
cork_recv(struct vconn *vconn, struct ofpbuf **msgp)
{
    struct cork *c = cork_cast(vconn);
    size_t size = message_size(c);

    *msgp = NULL;
    if (!size) {
        int error = receive(c);

        if (error) {
            return error;
        }
        size = message_size(c);
    }
    if (c->rx.size >= sizeof(struct ofp_header)
        && said_size(c) < sizeof(struct ofp_header)) {
        return EPROTO;
    } else if (!size) {
        return EAGAIN;
    }
    *msgp = ofpbuf_clone_data(c->rx.data, size);
    drop_front(&c->rx, size);
    return 0;
}

/* Sends as much as the switch takes. */
static void
flush(struct cork *c)
{
    while (c->tx.size) {
        int n = stream_send(c->stream, c->tx.data, c->tx.size);

        if (n < 0) {
            if (n != -EAGAIN) {
                c->error = -n;
                ofpbuf_clear(&c->tx);
            }
            return;
        }
        drop_front(&c->tx, n);
    }
}

static int
cork_send(struct vconn *vconn, struct ofpbuf *msg)
{
    struct cork *c = cork_cast(vconn);

    if (c->tx.size >= ENOUGH) {
        flush(c);
    }
    if (c->error) {
        return c->error;
    } else if (c->tx.size >= MOST) {
        return EAGAIN;
    }
    if (c->tx.size && ofpbuf_headroom(&c->tx) >= MOST) {
        ofpbuf_shift(&c->tx, -(int) ofpbuf_headroom(&c->tx));
    }
    ofpbuf_put(&c->tx, msg->data, msg->size);
    ofpbuf_delete(msg);
    return 0;
}

static void
cork_run(struct vconn *vconn)
{
    struct cork *c = cork_cast(vconn);

    stream_run(c->stream);
    flush(c);
}

static void
cork_run_wait(struct vconn *vconn)
{
    struct cork *c = cork_cast(vconn);

    stream_run_wait(c->stream);
    if (c->tx.size) {
        stream_send_wait(c->stream);
    }
}

static void
cork_wait(struct vconn *vconn, enum vconn_wait_type type)
{
    struct cork *c = cork_cast(vconn);

    switch (type) {
    case WAIT_CONNECT:
        stream_connect_wait(c->stream);
        break;
    case WAIT_SEND:
        if (c->tx.size < MOST) {
            poll_immediate_wake();
        }                       /* Else cork_run_wait() waits for that. */
        break;
    case WAIT_RECV:
        if (message_size(c)) {
            poll_immediate_wake();
        } else {
            stream_recv_wait(c->stream);
        }
        break;
    default:
        OVS_NOT_REACHED();
    }
}

static const struct vconn_class cork_class = {
    "cork", NULL, cork_close, cork_connect, cork_recv, cork_send, cork_run,
    cork_run_wait, cork_wait
};
