/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ctl/client.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "dirs.h"
#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "packets.h"
#include "stream.h"
#include "timeval.h"
#include "util.h"

#define DEFAULT_TARGET "ovs-sgd"
#define SWITCH "ovs-vswitchd"   /* May have loaded ovs-sg.so. */

/* What to do about 'error', unless that is only for others to do. */
static const char *
remedy(int error, const char *otherwise)
{
    return (error == EACCES || error == EPERM
            ? "Only the user that it runs as may do this; root, as a rule"
            : otherwise);
}

/* Where the daemon called 'name' listens, by its pidfile. */
static char *
path_by_pidfile(const char *name, char **path)
{
    char *pidfile = xasprintf("%s/%s.pid", ovs_rundir(), name);
    const char *what_now;
    char *error = NULL;
    pid_t pid;

    *path = NULL;
    if (access(pidfile, F_OK)) {
        pid = -errno;
        what_now = "Is it running?  If it was started with another "
                   "OVS_RUNDIR or without --pidfile, give its control socket "
                   "with --target";
    } else {
        pid = read_pidfile(pidfile);
        what_now = "It is not running any more";
    }
    if (pid < 0) {
        error = xasprintf("cannot reach %s: %s: %s.  %s", name, pidfile,
                          ovs_strerror(-pid), remedy(-pid, what_now));
    } else {
        *path = xasprintf("%s/%s.%ld.ctl", ovs_rundir(), name,
                          (long int) pid);
    }
    free(pidfile);
    return error;
}

/* The agent of this host, whichever host it runs in.  If it can only be the
 * switch, '*why_not' is why it is not ovs-sgd. */
static char *
find_agent(char **path, char **why_not)
{
    char *error = path_by_pidfile(DEFAULT_TARGET, path);

    if (error) {
        char *no_switch = path_by_pidfile(SWITCH, path);

        if (!no_switch) {
            *why_not = error;
            return NULL;
        }
        free(no_switch);
    }
    return error;
}

static char *
find_socket(const char *target, char **path, char **why_not)
{
    *why_not = NULL;
    if (!target) {
        return find_agent(path, why_not);
    }
    if (strchr(target, '/')) {
        *path = abs_file_name(NULL, target);
        return NULL;
    }
    if (target[0] && target[strspn(target, "0123456789")] == '\0') {
        *path = xasprintf("%s/%s.%s.ctl", ovs_rundir(), DEFAULT_TARGET,
                          target);
        return NULL;
    }
    return path_by_pidfile(target, path);
}

static char *
connect_to(const char *path, long long int deadline, struct jsonrpc **rpc)
{
    char *name = xasprintf("unix:%s", path);
    long long int timeout = (deadline == LLONG_MAX ? -1
                             : MAX(0, deadline - time_msec()));
    struct stream *stream;
    int error = stream_open_block(stream_open(name, &stream, DSCP_DEFAULT),
                                  timeout, &stream);

    free(name);
    if (error) {
        *rpc = NULL;
        return xasprintf("cannot reach the agent at %s: %s.  %s", path,
                         ovs_retval_to_string(error),
                         remedy(error, "Is it running?"));
    }
    *rpc = jsonrpc_open(stream);
    return NULL;
}

static struct jsonrpc_msg *
make_request(const char *command, const char *args[], size_t n_args)
{
    struct json *params = json_array_create_empty();

    for (size_t i = 0; i < n_args; i++) {
        json_array_add(params, json_string_create(args[i]));
    }
    return jsonrpc_create_request(command, params, NULL);
}

/* Like jsonrpc_transact_block(), but until 'deadline'. */
static int
transact(struct jsonrpc *rpc, struct jsonrpc_msg *request,
         long long int deadline, struct jsonrpc_msg **reply)
{
    int error = jsonrpc_send(rpc, request);

    *reply = NULL;
    while (!error) {
        jsonrpc_run(rpc);
        error = jsonrpc_recv(rpc, reply);
        if (error != EAGAIN) {
            break;
        }
        error = jsonrpc_get_status(rpc);
        if (!error && time_msec() >= deadline) {
            error = ETIMEDOUT;
        }
        if (!error) {
            jsonrpc_wait(rpc);
            jsonrpc_recv_wait(rpc);
            if (deadline != LLONG_MAX) {
                poll_timer_wait_until(deadline);
            }
            poll_block();
        }
    }
    return error;
}

/* unixctl ends each text with a line feed. */
static char *
copy_text(const struct json *json)
{
    char *text = xstrdup(json_string(json));
    size_t len = strlen(text);

    if (len && text[len - 1] == '\n') {
        text[len - 1] = '\0';
    }
    return text;
}

/* An agent answers with JSON; anything else that has a control socket answers
 * that it has no such command. */
static enum client_outcome
interpret(const struct jsonrpc_msg *reply, const char *path,
          struct json **answer, char **error)
{
    if (reply->error && reply->error->type == JSON_STRING) {
        *error = copy_text(reply->error);
        if (strstr(*error, "is not a valid command")) {
            free(*error);
            *error = xasprintf("what listens at %s is no agent, or one of "
                               "another version than ovs-sgctl", path);
            return CLIENT_FAILED;
        }
        return CLIENT_REFUSED;
    }
    if (reply->result && reply->result->type == JSON_STRING) {
        struct json *json = json_from_string(json_string(reply->result));

        if (json->type == JSON_OBJECT || json->type == JSON_ARRAY) {
            *answer = json;
            return CLIENT_OK;
        }
        json_destroy(json);
    }
    *error = xasprintf("%s: an answer that cannot be understood; is the "
                       "agent of the same version as ovs-sgctl?", path);
    return CLIENT_FAILED;
}

static enum client_outcome
ask(const char *path, struct jsonrpc *rpc, struct jsonrpc_msg *request,
    long long int deadline, struct json **answer, char **error)
{
    struct jsonrpc_msg *reply;
    int retval = transact(rpc, request, deadline, &reply);
    enum client_outcome outcome;

    if (retval == ETIMEDOUT) {
        *error = xasprintf("%s: no answer in time; the agent may be busy or "
                           "stopped", path);
        return CLIENT_FAILED;
    }
    if (retval) {
        *error = xasprintf("%s: the agent went away before it answered (%s)",
                           path, ovs_retval_to_string(retval));
        return CLIENT_FAILED;
    }
    outcome = interpret(reply, path, answer, error);
    jsonrpc_msg_destroy(reply);
    return outcome;
}

/* Says both of an agent that is neither here nor there. */
static void
add_why_not(char **error, const char *why_not)
{
    char *both = xasprintf("%s.  Nor is it part of the switch: %s", why_not,
                           *error);

    free(*error);
    *error = both;
}

enum client_outcome
client_call(const char *target, unsigned int timeout, const char *command,
            const char *args[], size_t n_args,
            struct json **answer, char **error)
{
    long long int deadline = (timeout ? time_msec() + timeout * 1000LL
                              : LLONG_MAX);
    enum client_outcome outcome = CLIENT_FAILED;
    struct jsonrpc *rpc;
    char *path, *why_not;

    *answer = NULL;
    *error = find_socket(target, &path, &why_not);
    if (*error) {
        return CLIENT_FAILED;
    }
    *error = connect_to(path, deadline, &rpc);
    if (!*error) {
        outcome = ask(path, rpc, make_request(command, args, n_args),
                      deadline, answer, error);
        jsonrpc_close(rpc);
    }
    if (outcome == CLIENT_FAILED && why_not) {
        add_why_not(error, why_not);
    }
    free(why_not);
    free(path);
    return outcome;
}

const struct json *
client_member(const struct json *json, const char *name)
{
    return (json->type == JSON_OBJECT
            ? shash_find_data(json_object(json), name) : NULL);
}
