/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/channel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "script/process.h"
#include "stream-fd.h"
#include "timeval.h"
#include "util.h"

/* How long a child whose end of the socket is closed may take to end, so that
 * we can say how it did, and how often to look (milliseconds). */
#define END_PATIENCE 2000
#define END_INTERVAL 5

/* A request that was sent and not answered yet. */
struct request {
    struct ovs_list node;       /* In sg_channel.requests, oldest first. */
    struct json *id;
};

struct sg_channel {
    struct sg_process *process; /* NULL once broken. */
    struct jsonrpc *rpc;        /* NULL once broken. */
    char *broken;               /* Why it is. */
    struct ovs_list requests;   /* struct request. */

    /* Until the next answer. */
    struct sg_channel_limits limits;
    uint64_t cpu_start;         /* Processor time of the child at the start. */
    long long int start;        /* time_msec() then. */
    unsigned int received;      /* Bytes that had been received then. */
    size_t messages;            /* Messages since then. */

    long long int ended;        /* When the socket was closed; 0: it is
                                 * open. */
};

/* Life. */

static void
forget_requests(struct sg_channel *channel)
{
    struct request *request;

    LIST_FOR_EACH_POP (request, node, &channel->requests) {
        json_destroy(request->id);
        free(request);
    }
}

/* Ends the child.  Takes over 'why'. */
static void
channel_break(struct sg_channel *channel, char *why)
{
    free(channel->broken);
    channel->broken = why;
    jsonrpc_close(channel->rpc);
    channel->rpc = NULL;
    sg_process_kill(channel->process);
    channel->process = NULL;
    forget_requests(channel);
}

struct sg_channel *
sg_channel_create(const char *program)
{
    struct sg_channel *channel = xzalloc(sizeof *channel);
    struct stream *stream;
    int fd;

    ovs_list_init(&channel->requests);
    channel->broken = sg_process_start(program, &channel->process, &fd);
    if (!channel->broken) {
        int error = new_fd_stream(xstrdup("ovs-sg-script"), fd, 0, AF_UNIX,
                                  &stream);
        ovs_assert(!error);     /* Of an 'fd' that is connected already. */
        channel->rpc = jsonrpc_open(stream);
    }
    return channel;
}

void
sg_channel_destroy(struct sg_channel *channel)
{
    if (channel) {
        channel_break(channel, NULL);
        free(channel);
    }
}

const char *
sg_channel_broken(const struct sg_channel *channel)
{
    return channel->broken;
}

/* Sending. */

void
sg_channel_request(struct sg_channel *channel, const char *method,
                   struct json *params)
{
    if (channel->broken) {
        json_destroy(params);
        return;
    }

    struct request *request = xmalloc(sizeof *request);
    struct jsonrpc_msg *msg = jsonrpc_create_request(method, params,
                                                     &request->id);

    ovs_list_push_back(&channel->requests, &request->node);
    jsonrpc_send(channel->rpc, msg);    /* Errors show when we receive. */
}

void
sg_channel_reply(struct sg_channel *channel,
                 const struct jsonrpc_msg *request, struct json *result)
{
    if (channel->broken) {
        json_destroy(result);
    } else {
        jsonrpc_send(channel->rpc, jsonrpc_create_reply(result, request->id));
    }
}

/* Limits. */

void
sg_channel_expect(struct sg_channel *channel,
                  const struct sg_channel_limits *limits)
{
    if (!channel->broken) {
        channel->limits = *limits;
        channel->cpu_start = sg_process_cpu(channel->process);
        channel->start = time_msec();
        channel->received = jsonrpc_get_received_bytes(channel->rpc);
        channel->messages = 0;
    }
}

uint64_t
sg_channel_cpu_ms(const struct sg_channel *channel)
{
    uint64_t cpu = sg_process_cpu(channel->process);

    return cpu - MIN(cpu, channel->cpu_start);
}

uint64_t
sg_channel_ms(const struct sg_channel *channel)
{
    return MAX(time_msec() - channel->start, 0);
}

/* Returns a sentence if the child has exceeded a limit, else NULL. */
static char *
check_limits(const struct sg_channel *channel)
{
    const struct sg_channel_limits *limits = &channel->limits;
    unsigned int received = (jsonrpc_get_received_bytes(channel->rpc)
                             - channel->received);

    if (received > limits->bytes) {
        return xasprintf("the script was stopped because what it made is more "
                         "than %"PRIuSIZE" KiB", limits->bytes / 1024);
    } else if (channel->messages > limits->messages) {
        return xstrdup("the script was stopped because it said or asked too "
                       "much");
    } else if (ovs_list_is_empty(&channel->requests)) {
        return NULL;
    } else if (sg_channel_cpu_ms(channel) > limits->cpu_ms) {
        return xasprintf("the script was stopped after %"PRIu64" ms of "
                         "processor time, in the middle of one operation; "
                         "look for very long strings, lists or patterns",
                         limits->cpu_ms);
    } else if (sg_channel_ms(channel) > limits->ms) {
        return xasprintf("the script was stopped because it had not ended "
                         "after %"PRIu64" s; is the machine overloaded?",
                         limits->ms / 1000);
    }
    return NULL;
}

/* Receiving. */

/* Returns a sentence, or NULL if it is too early for one. */
static char *
explain_end(struct sg_channel *channel, int error)
{
    bool closed = (error == EOF || error == ECONNRESET || error == EPIPE);
    /* What it sent is the cause; that it ends when nobody listens is not. */
    char *how = closed ? sg_process_explain(channel->process) : NULL;

    if (closed && !how) {
        channel->ended = channel->ended ? channel->ended : time_msec();
        if (time_msec() < channel->ended + END_PATIENCE) {
            return NULL;
        }
    }

    char *why = (how ? xasprintf("the interpreter %s; did it need more memory "
                                 "than a script may have?", how)
                 : closed
                 ? xstrdup("the interpreter has closed its channel")
                 : xasprintf("the interpreter cannot be understood: %s",
                             ovs_strerror(error)));

    free(how);
    return why;
}

/* Takes the oldest request off the list if 'msg' is the answer to it. */
static bool
match_answer(struct sg_channel *channel, const struct jsonrpc_msg *msg)
{
    if (ovs_list_is_empty(&channel->requests)) {
        return false;
    }

    struct request *oldest = CONTAINER_OF(ovs_list_front(&channel->requests),
                                          struct request, node);
    if (!json_equal(oldest->id, msg->id)) {
        return false;
    }
    ovs_list_remove(&oldest->node);
    json_destroy(oldest->id);
    free(oldest);
    return true;
}

/* Does 'msg' fit the protocol? */
static bool
accept_message(struct sg_channel *channel, const struct jsonrpc_msg *msg)
{
    switch (msg->type) {
    case JSONRPC_REQUEST:
    case JSONRPC_NOTIFY:
        channel->messages++;
        return (!strcmp(msg->method, msg->type == JSONRPC_REQUEST ? "read"
                        : "log")
                && !ovs_list_is_empty(&channel->requests));
    case JSONRPC_REPLY:
        return match_answer(channel, msg);
    case JSONRPC_ERROR:
    default:
        return false;
    }
}

struct jsonrpc_msg *
sg_channel_recv(struct sg_channel *channel)
{
    struct jsonrpc_msg *msg = NULL;

    if (channel->broken) {
        return NULL;
    }
    jsonrpc_run(channel->rpc);
    int error = jsonrpc_recv(channel->rpc, &msg);
    char *why = check_limits(channel);

    if (!why && error && error != EAGAIN) {
        why = explain_end(channel, error);
    } else if (!why && !error && !accept_message(channel, msg)) {
        why = xstrdup("the interpreter has broken the protocol");
    }
    if (why) {
        jsonrpc_msg_destroy(msg);
        channel_break(channel, why);
        return NULL;
    }
    return msg;
}

/* Two timers: by the clock; and by processor time, of which the child cannot
 * use more than goes by. */
void
sg_channel_wait(struct sg_channel *channel)
{
    if (channel->broken) {
        poll_immediate_wake();  /* From the beginning: nobody knows yet. */
        return;
    } else if (channel->ended) {
        poll_timer_wait(END_INTERVAL);
        return;
    }
    jsonrpc_wait(channel->rpc);
    jsonrpc_recv_wait(channel->rpc);
    if (!ovs_list_is_empty(&channel->requests)) {
        uint64_t cpu = sg_channel_cpu_ms(channel);
        uint64_t left = channel->limits.cpu_ms - MIN(channel->limits.cpu_ms,
                                                     cpu);

        poll_timer_wait_until(time_msec() + left + 1);
        poll_timer_wait_until(channel->start + channel->limits.ms + 1);
    }
}
