/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/conntrack.h"

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

VLOG_DEFINE_THIS_MODULE(sg_conntrack);

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

struct sg_conntrack {
    char *unixctl;              /* As given, or NULL. */
    enum sg_conntrack_status status;
    char *error;                /* With SG_CT_FAILED, or about to be. */

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

struct sg_conntrack *
sg_conntrack_create(const char *unixctl)
{
    struct sg_conntrack *ct = xzalloc(sizeof *ct);

    ct->unixctl = nullable_xstrdup(unixctl);
    return ct;
}

static void
hang_up(struct sg_conntrack *ct)
{
    jsonrpc_close(ct->rpc);
    ct->rpc = NULL;
    json_destroy(ct->request_id);
    ct->request_id = NULL;
}

/* Forgets question and answer. */
static void
reset(struct sg_conntrack *ct)
{
    hang_up(ct);
    free(ct->text);
    ct->text = NULL;
    free(ct->error);
    ct->error = NULL;
    free(ct->conns);
    ct->conns = NULL;
    ct->n = ct->allocated = 0;
    ct->as_text = false;
    ct->once_more = false;
    ct->status = SG_CT_IDLE;
}

void
sg_conntrack_destroy(struct sg_conntrack *ct)
{
    if (ct) {
        reset(ct);
        free(ct->unixctl);
        free(ct);
    }
}

static void OVS_PRINTF_FORMAT(2, 3)
fail(struct sg_conntrack *ct, const char *format, ...)
{
    va_list args;

    hang_up(ct);
    va_start(args, format);
    ct->error = xvasprintf(format, args);
    va_end(args);
    ct->status = SG_CT_FAILED;
    VLOG_DBG_RL(&rl, "%s", ct->error);
}

/* The path of the control socket, or NULL after fail(). */
static char *
find_socket(struct sg_conntrack *ct)
{
    if (ct->unixctl) {
        return abs_file_name(ovs_rundir(), ct->unixctl);
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
        fail(ct, "%s: %s; is ovs-vswitchd running?", pidfile,
             ovs_strerror(error ? error : -pid));
    }
    free(pidfile);
    return path;
}

/* A connection to the control socket, or NULL after fail(). */
static struct stream *
connect_to_switch(struct sg_conntrack *ct)
{
    struct stream *stream = NULL;
    char *path = find_socket(ct);

    if (path) {
        char *name = xasprintf("unix:%s", path);
        int error = stream_open(name, &stream, DSCP_DEFAULT);

        if (error) {
            fail(ct, "%s: cannot connect to the switch's control socket (%s)",
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
ask(struct sg_conntrack *ct, const char *command, struct json *args)
{
    struct stream *stream;

    reset(ct);
    stream = connect_to_switch(ct);
    if (stream) {
        ct->rpc = jsonrpc_open(stream);
        /* An error stays in 'rpc' and shows on the first receive. */
        jsonrpc_send(ct->rpc, jsonrpc_create_request(command, args,
                                                     &ct->request_id));
        ct->deadline = time_msec() + TIMEOUT;
    } else {
        json_destroy(args);
    }
    /* That there is nobody to ask is an answer, too, for which run() has to
     * be called. */
    ct->status = SG_CT_PENDING;
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
sg_conntrack_start(struct sg_conntrack *ct, const char *datapath_type,
                   int zone)
{
    struct json *args = datapath_args(datapath_type);

    if (zone >= 0) {
        json_array_add(args, json_string_create_nocopy(
                                 xasprintf("zone=%d", zone)));
    }
    ask(ct, "dpctl/dump-conntrack", args);
}

void
sg_conntrack_start_text(struct sg_conntrack *ct, const char *datapath_type,
                        bool flows)
{
    struct json *args = datapath_args(datapath_type);

    if (flows) {
        /* Options stand in front. */
        struct json *target = json_clone(json_array(args)->elems[0]);

        json_destroy(args);
        args = json_array_create_2(json_string_create("--names"), target);
    }
    ask(ct, flows ? "dpctl/dump-flows" : "dpctl/dump-conntrack", args);
    ct->as_text = true;
}

void
sg_conntrack_start_limits(struct sg_conntrack *ct, const char *datapath_type,
                          const struct sg_zone_limit limits[], size_t n)
{
    struct json *args = datapath_args(datapath_type);

    for (size_t i = 0; i < n; i++) {
        json_array_add(args, json_string_create_nocopy(
                                 xasprintf("zone=%"PRIu16",limit=%"PRIu32,
                                           limits[i].zone,
                                           limits[i].limit)));
    }
    ask(ct, "dpctl/ct-set-limits", args);
}

void
sg_conntrack_start_no_limits(struct sg_conntrack *ct,
                             const char *datapath_type,
                             const uint16_t zones[], size_t n)
{
    struct json *args = datapath_args(datapath_type);
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&s, "%s%"PRIu16, i ? "," : "zone=", zones[i]);
    }
    json_array_add(args, json_string_create_nocopy(ds_steal_cstr(&s)));
    ask(ct, "dpctl/ct-del-limits", args);
}

static void
ask_about_bridge(struct sg_conntrack *ct, const char *command,
                 const char *bridge)
{
    ask(ct, command, json_array_create_1(json_string_create(bridge)));
}

void
sg_conntrack_start_forget_macs(struct sg_conntrack *ct, const char *bridge)
{
    ask_about_bridge(ct, "fdb/flush", bridge);
}

void
sg_conntrack_start_forget_groups(struct sg_conntrack *ct, const char *bridge)
{
    ask_about_bridge(ct, "mdb/flush", bridge);
}

static void
ask_wait(struct sg_conntrack *ct)
{
    ask(ct, "revalidator/wait", json_array_create_empty());
}

/* The answer comes when the round ends that the revalidators are in, and that
 * one may have begun before the tables changed: the next one counts. */
void
sg_conntrack_start_wait(struct sg_conntrack *ct)
{
    ask_wait(ct);
    ct->once_more = true;
}

void
sg_conntrack_start_purge(struct sg_conntrack *ct)
{
    ask(ct, "revalidator/purge", json_array_create_empty());
}

void
sg_conntrack_start_version(struct sg_conntrack *ct)
{
    ask(ct, "version", json_array_create_empty());
    ct->as_text = true;
}

/* Takes the answer, or part of the trouble, out of 'msg', which it frees. */
static void
handle_message(struct sg_conntrack *ct, struct jsonrpc_msg *msg)
{
    if (msg->type == JSONRPC_ERROR && msg->error->type == JSON_STRING) {
        char *reason = xstrdup(json_string(msg->error));

        reason[strcspn(reason, "\n")] = '\0';
        fail(ct, "the switch refused a question on its control socket (%s)",
             reason);
        free(reason);
    } else if (msg->type != JSONRPC_REPLY
               || !json_equal(msg->id, ct->request_id)
               || msg->result->type != JSON_STRING) {
        fail(ct, "the switch's control socket answers nonsense; is it that of "
             "ovs-vswitchd?");
    } else {
        ct->text = xstrdup(json_string(msg->result));
        ct->next = ct->text;
        hang_up(ct);
    }
    jsonrpc_msg_destroy(msg);
}

static void
receive(struct sg_conntrack *ct, long long int slice_end)
{
    while (ct->rpc && time_usec() < slice_end) {
        struct jsonrpc_msg *msg;
        unsigned int before = jsonrpc_get_received_bytes(ct->rpc);
        int error;

        jsonrpc_run(ct->rpc);
        error = jsonrpc_recv(ct->rpc, &msg);
        if (!error) {
            handle_message(ct, msg);
        } else if (error != EAGAIN) {
            fail(ct, "the switch's control socket hung up (%s)",
                 ovs_retval_to_string(error));
        } else if (jsonrpc_get_received_bytes(ct->rpc) == before) {
            if (time_msec() >= ct->deadline) {
                fail(ct, "no answer on the switch's control socket within "
                     "%d seconds", TIMEOUT / 1000);
            }
            return;
        }
    }
}

static void
append(struct sg_conntrack *ct, const struct sg_conn *conn)
{
    if (ct->n >= ct->allocated) {
        ct->conns = x2nrealloc(ct->conns, &ct->allocated, sizeof *ct->conns);
    }
    ct->conns[ct->n++] = *conn;
}

static void
parse(struct sg_conntrack *ct, long long int slice_end)
{
    for (unsigned int i = 1; *ct->next; i++) {
        struct sg_conn conn;

        if (sg_conn_parse(ct->next, &conn) && conn.zone) {
            append(ct, &conn);
        }
        ct->next += strcspn(ct->next, "\n");
        ct->next += *ct->next == '\n';
        if (!(i % 64) && time_usec() >= slice_end) {
            return;
        }
    }
    free(ct->text);
    ct->text = NULL;
    ct->status = SG_CT_DONE;
}

enum sg_conntrack_status
sg_conntrack_run(struct sg_conntrack *ct)
{
    if (ct->status == SG_CT_PENDING && ct->error) {
        ct->status = SG_CT_FAILED;
    } else if (ct->status == SG_CT_PENDING) {
        long long int slice_end = time_usec() + SLICE;

        receive(ct, slice_end);
        if (ct->text && ct->once_more) {
            ask_wait(ct);
        } else if (ct->text && ct->as_text) {
            ct->status = SG_CT_DONE;
        } else if (ct->text) {
            parse(ct, slice_end);
        }
    }
    return ct->status;
}

bool
sg_conntrack_is_pending(const struct sg_conntrack *ct)
{
    return ct->status == SG_CT_PENDING;
}

void
sg_conntrack_reset(struct sg_conntrack *ct)
{
    reset(ct);
}

void
sg_conntrack_wait(struct sg_conntrack *ct)
{
    if (ct->status == SG_CT_PENDING) {
        if (ct->text || ct->error) {
            poll_immediate_wake();
        } else {
            jsonrpc_wait(ct->rpc);
            jsonrpc_recv_wait(ct->rpc);
            poll_timer_wait_until(ct->deadline);
        }
    }
}

const struct sg_conn *
sg_conntrack_entries(const struct sg_conntrack *ct, size_t *n)
{
    *n = ct->n;
    return ct->conns;
}

const char *
sg_conntrack_text(const struct sg_conntrack *ct)
{
    return ct->as_text && ct->text ? ct->text : "";
}

const char *
sg_conntrack_error(const struct sg_conntrack *ct)
{
    return ct->error;
}
