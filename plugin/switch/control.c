/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "dirs.h"
#include "jsonrpc.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "stream.h"
#include "switch/conntrack-parse.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_control);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

/* One question is one connection to the control socket:
 *
 *   start ---> asking ---> parsing ---> done
 *                |
 *                '--> failed
 *
 * jsonrpc reads at most some 25 kB in one call, so receiving a big answer
 * takes many short turns, and so does parsing it. */

#define SLICE 3000              /* usec */
#define TIMEOUT 60000           /* msec; a busy switch answers late. */

struct sg_control {
    char *unixctl;              /* As given, or NULL. */
    enum sg_control_status status;
    char *error;                /* With SG_CONTROL_FAILED, or about to be. */

    /* The question under way. */
    struct jsonrpc *rpc;        /* NULL once the answer has come. */
    struct json *request_id;
    long long int deadline;     /* msec */
    bool once_more;             /* Another round is to be waited for. */

    /* The answer. */
    char *text;                 /* All of it, or NULL. */
    const char *next;           /* The next line in 'text'. */
    bool as_text;               /* Nothing is parsed. */
    struct sg_conn *conns;
    size_t n, allocated;
};

struct sg_control *
sg_control_create(const char *unixctl)
{
    struct sg_control *c = xzalloc(sizeof *c);

    c->unixctl = nullable_xstrdup(unixctl);
    return c;
}

static void
hang_up(struct sg_control *c)
{
    jsonrpc_close(c->rpc);
    c->rpc = NULL;
    json_destroy(c->request_id);
    c->request_id = NULL;
}

/* Forgets question and answer. */
static void
reset(struct sg_control *c)
{
    hang_up(c);
    free(c->text);
    c->text = NULL;
    free(c->error);
    c->error = NULL;
    free(c->conns);
    c->conns = NULL;
    c->n = c->allocated = 0;
    c->as_text = false;
    c->once_more = false;
    c->status = SG_CONTROL_IDLE;
}

void
sg_control_destroy(struct sg_control *c)
{
    if (c) {
        reset(c);
        free(c->unixctl);
        free(c);
    }
}

static void OVS_PRINTF_FORMAT(2, 3)
fail(struct sg_control *c, const char *format, ...)
{
    va_list args;

    hang_up(c);
    va_start(args, format);
    c->error = xvasprintf(format, args);
    va_end(args);
    c->status = SG_CONTROL_FAILED;
    VLOG_DBG_RL(&rl, "%s", c->error);
}

/* The path of the control socket, or NULL after fail(). */
static char *
find_socket(struct sg_control *c)
{
    if (c->unixctl) {
        return abs_file_name(ovs_rundir(), c->unixctl);
    }

    char *pidfile = xasprintf("%s/ovs-vswitchd.pid", ovs_rundir());
    /* read_pidfile() would warn of a file that is not there, but that the
     * switch is down for a moment is part of life. */
    int error = access(pidfile, F_OK) ? errno : 0;
    pid_t pid = error ? 0 : read_pidfile(pidfile);
    char *path = NULL;

    if (pid > 0) {
        path = xasprintf("%s/ovs-vswitchd.%ld.ctl", ovs_rundir(),
                         (long int) pid);
    } else {
        fail(c, "%s: %s; is ovs-vswitchd running?", pidfile,
             ovs_strerror(error ? error : -pid));
    }
    free(pidfile);
    return path;
}

/* A connection to the control socket, or NULL after fail(). */
static struct stream *
connect_to_switch(struct sg_control *c)
{
    struct stream *stream = NULL;
    char *path = find_socket(c);

    if (path) {
        char *name = xasprintf("unix:%s", path);
        int error = stream_open(name, &stream, DSCP_DEFAULT);

        if (error) {
            fail(c, "%s: cannot connect to the switch's control socket (%s)",
                 path, ovs_strerror(error));
            stream = NULL;
        }
        free(name);
        free(path);
    }
    return stream;
}

/* Asks 'command' with 'args', a JSON array, which it takes. */
static void
ask(struct sg_control *c, const char *command, struct json *args)
{
    struct stream *stream;

    reset(c);
    stream = connect_to_switch(c);
    if (stream) {
        c->rpc = jsonrpc_open(stream);
        /* An error stays in 'rpc' and shows on the first receive. */
        jsonrpc_send(c->rpc, jsonrpc_create_request(command, args,
                                                     &c->request_id));
        c->deadline = time_msec() + TIMEOUT;
    } else {
        json_destroy(args);
    }
    /* That there is nobody to ask is an answer, too, for which run() has to
     * be called. */
    c->status = SG_CONTROL_PENDING;
}

/* Arguments that begin with the datapath's name. */
static struct json *
datapath_args(const char *datapath_type)
{
    const char *type = datapath_type[0] ? datapath_type : "system";
    struct json *args = json_array_create_empty();

    json_array_add(args, json_string_create_nocopy(
                             xasprintf("%s@ovs-%s", type, type)));
    return args;
}

void
sg_control_start_connections(struct sg_control *c,
                             const char *datapath_type, int zone)
{
    struct json *args = datapath_args(datapath_type);

    if (zone >= 0) {
        json_array_add(args, json_string_create_nocopy(
                                 xasprintf("zone=%d", zone)));
    }
    ask(c, "dpctl/dump-conntrack", args);
}

void
sg_control_start_text(struct sg_control *c, const char *datapath_type,
                      bool flows)
{
    struct json *args = datapath_args(datapath_type);

    if (flows) {
        /* Options stand in front. */
        struct json *target = json_clone(json_array(args)->elems[0]);

        json_destroy(args);
        args = json_array_create_2(json_string_create("--names"), target);
    }
    ask(c, flows ? "dpctl/dump-flows" : "dpctl/dump-conntrack", args);
    c->as_text = true;
}

void
sg_control_start_limits(struct sg_control *c, const char *datapath_type,
                        const struct sg_zone_limit limits[], size_t n)
{
    struct json *args = datapath_args(datapath_type);

    for (size_t i = 0; i < n; i++) {
        json_array_add(args, json_string_create_nocopy(
                                 xasprintf("zone=%"PRIu16",limit=%"PRIu32,
                                           limits[i].zone,
                                           limits[i].limit)));
    }
    ask(c, "dpctl/ct-set-limits", args);
}

void
sg_control_start_no_limits(struct sg_control *c,
                           const char *datapath_type,
                           const uint16_t zones[], size_t n)
{
    struct json *args = datapath_args(datapath_type);
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&s, "%s%"PRIu16, i ? "," : "zone=", zones[i]);
    }
    json_array_add(args, json_string_create_nocopy(ds_steal_cstr(&s)));
    ask(c, "dpctl/ct-del-limits", args);
}

static void
ask_about_bridge(struct sg_control *c, const char *command,
                 const char *bridge)
{
    ask(c, command, json_array_create_1(json_string_create(bridge)));
}

void
sg_control_start_forget_macs(struct sg_control *c, const char *bridge)
{
    ask_about_bridge(c, "fdb/flush", bridge);
}

void
sg_control_start_forget_groups(struct sg_control *c, const char *bridge)
{
    ask_about_bridge(c, "mdb/flush", bridge);
}

static void
ask_wait(struct sg_control *c)
{
    ask(c, "revalidator/wait", json_array_create_empty());
}

/* The answer comes when the round ends that the revalidators are in, and that
 * one may have begun before the tables changed: the next one counts. */
void
sg_control_start_wait(struct sg_control *c)
{
    ask_wait(c);
    c->once_more = true;
}

void
sg_control_start_purge(struct sg_control *c)
{
    ask(c, "revalidator/purge", json_array_create_empty());
}

void
sg_control_start_version(struct sg_control *c)
{
    ask(c, "version", json_array_create_empty());
    c->as_text = true;
}

/* Takes the answer, or part of the trouble, out of 'msg', which it frees. */
static void
handle_message(struct sg_control *c, struct jsonrpc_msg *msg)
{
    if (msg->type == JSONRPC_ERROR && msg->error->type == JSON_STRING) {
        char *reason = xstrdup(json_string(msg->error));

        reason[strcspn(reason, "\n")] = '\0';
        fail(c, "the switch refused a question on its control socket (%s)",
             reason);
        free(reason);
    } else if (msg->type != JSONRPC_REPLY
               || !json_equal(msg->id, c->request_id)
               || msg->result->type != JSON_STRING) {
        fail(c, "the switch's control socket answers nonsense; is it that of "
             "ovs-vswitchd?");
    } else {
        c->text = xstrdup(json_string(msg->result));
        c->next = c->text;
        hang_up(c);
    }
    jsonrpc_msg_destroy(msg);
}

static void
receive(struct sg_control *c, long long int slice_end)
{
    while (c->rpc && time_usec() < slice_end) {
        struct jsonrpc_msg *msg;
        unsigned int before = jsonrpc_get_received_bytes(c->rpc);
        int error;

        jsonrpc_run(c->rpc);
        error = jsonrpc_recv(c->rpc, &msg);
        if (!error) {
            handle_message(c, msg);
        } else if (error != EAGAIN) {
            fail(c, "the switch's control socket hung up (%s)",
                 ovs_retval_to_string(error));
        } else if (jsonrpc_get_received_bytes(c->rpc) == before) {
            if (time_msec() >= c->deadline) {
                fail(c, "no answer on the switch's control socket within "
                     "%d seconds", TIMEOUT / 1000);
            }
            return;
        }
    }
}

static void
append(struct sg_control *c, const struct sg_conn *conn)
{
    if (c->n >= c->allocated) {
        c->conns = x2nrealloc(c->conns, &c->allocated, sizeof *c->conns);
    }
    c->conns[c->n++] = *conn;
}

static void
parse(struct sg_control *c, long long int slice_end)
{
    for (unsigned int i = 1; *c->next; i++) {
        struct sg_conn conn;

        if (sg_conn_parse(c->next, &conn) && conn.zone) {
            append(c, &conn);
        }
        c->next += strcspn(c->next, "\n");
        c->next += *c->next == '\n';
        if (!(i % 64) && time_usec() >= slice_end) {
            return;
        }
    }
    free(c->text);
    c->text = NULL;
    c->status = SG_CONTROL_DONE;
}

enum sg_control_status
sg_control_run(struct sg_control *c)
{
    if (c->status == SG_CONTROL_PENDING && c->error) {
        c->status = SG_CONTROL_FAILED;
    } else if (c->status == SG_CONTROL_PENDING) {
        long long int slice_end = time_usec() + SLICE;

        receive(c, slice_end);
        if (c->text && c->once_more) {
            ask_wait(c);
        } else if (c->text && c->as_text) {
            c->status = SG_CONTROL_DONE;
        } else if (c->text) {
            parse(c, slice_end);
        }
    }
    return c->status;
}

bool
sg_control_is_pending(const struct sg_control *c)
{
    return c->status == SG_CONTROL_PENDING;
}

void
sg_control_reset(struct sg_control *c)
{
    reset(c);
}

void
sg_control_wait(struct sg_control *c)
{
    if (c->status == SG_CONTROL_PENDING) {
        if (c->text || c->error) {
            poll_immediate_wake();
        } else {
            jsonrpc_wait(c->rpc);
            jsonrpc_recv_wait(c->rpc);
            poll_timer_wait_until(c->deadline);
        }
    }
}

const struct sg_conn *
sg_control_connections(const struct sg_control *c, size_t *n)
{
    *n = c->n;
    return c->conns;
}

const char *
sg_control_text(const struct sg_control *c)
{
    return c->as_text && c->text ? c->text : "";
}

const char *
sg_control_error(const struct sg_control *c)
{
    return c->error;
}
