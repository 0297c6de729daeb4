/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/child.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "policy/diag.h"
#include "script/interpreter.h"
#include "script/lockdown.h"
#include "script/process.h"
#include "script/wire.h"
#include "socket-util.h"
#include "stream-fd.h"
#include "util.h"

/* Lines for the log that are passed on, per request.  Nobody reads more. */
#define MAX_LINES 1000

struct child {
    struct jsonrpc *rpc;
    struct sg_interpreter *interpreter;     /* NULL until "open". */
    struct sg_budgets budgets;
    int lines;                  /* Lines for the log since the request. */
};

/* The owner of the interpreter. */

static void
child_read(void *child_, enum sg_source_kind kind, const char *name,
           struct sg_source *source)
{
    struct child *child = child_;
    struct jsonrpc_msg *reply = NULL;
    struct json *params = json_array_create_2(
        json_string_create(kind == SG_SOURCE_LANGUAGE ? "language"
                           : "module"),
        json_string_create(name));
    int error = jsonrpc_send_block(child->rpc, jsonrpc_create_request(
                                       "read", params, NULL));

    /* The agent may have sent more requests; but it answers first. */
    if (!error) {
        error = jsonrpc_recv_block(child->rpc, &reply);
    }
    if (error || reply->type != JSONRPC_REPLY) {
        exit(EXIT_FAILURE);     /* The agent is gone. */
    }
    sg_wire_take_source(reply->result, source);
    jsonrpc_msg_destroy(reply);
}

static void
child_log(void *child_, bool warn, const char *file, int line,
          const char *text)
{
    struct child *child = child_;

    if (child->lines++ > MAX_LINES) {
        return;
    }
    bool last = child->lines > MAX_LINES;
    struct json *params = json_array_create_empty();
    json_array_add(params, json_boolean_create(warn));
    json_array_add(params, json_string_create(file));
    json_array_add(params, json_integer_create(line));
    json_array_add(params, json_string_create_nocopy(
        last ? xstrdup("more lines are not shown")
             : xasprintf("%.512s", text)));
    jsonrpc_send_block(child->rpc, jsonrpc_create_notify("log", params));
}

/* Requests. */

static struct json *
result_with(struct sg_diags *diags, bool complete)
{
    struct json *result = json_object_create();

    json_object_put(result, "errors", sg_wire_from_diags(diags));
    json_object_put(result, "complete", json_boolean_create(complete));
    sg_diags_destroy(diags);
    return result;
}

static struct json *
child_open(struct child *child, const struct json *params)
{
    struct sg_interpreter_owner owner = { child_read, child_log, child };
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    const char *language;
    bool ok = false;

    if (!sg_wire_take_open(params, &language, &child->budgets)) {
        sg_error(&diags, NULL, "ovs-sg-script is of another version than this "
                 "program; install ovs-sg again");
    } else if (!child->interpreter) {
        char *error = sg_lockdown_finish(child->budgets.max_memory);

        if (error) {
            sg_error(&diags, NULL, "ovs-sg-script %s", error);
            free(error);
        } else {
            child->interpreter = sg_interpreter_create(&child->budgets,
                                                       &owner);
            ok = sg_interpreter_open(child->interpreter, language, &diags);
        }
    }
    return result_with(&diags, ok);
}

static struct json *
child_run_file(struct child *child, const struct json *params)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    const char *file = sg_wire_string(params, 0);
    const char *text = sg_wire_string(params, 1);
    bool complete = sg_interpreter_run(child->interpreter, file, text,
                                       &diags);
    struct json *result = result_with(&diags, complete);

    json_object_put(result, "stopped", json_boolean_create(
        sg_interpreter_is_stopped(child->interpreter)));
    return result;
}

static struct json *
child_finish(struct child *child, const struct json *params)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct json *document = sg_interpreter_finish(
        child->interpreter, sg_wire_boolean(params, 0), &diags);
    struct json *result = result_with(&diags, true);

    json_object_put(result, "document", document);
    return result;
}

static struct json *
child_call(struct child *child, const struct json *params)
{
    return sg_interpreter_call(child->interpreter, sg_wire_string(params, 0),
                               sg_wire_integer(params, 1),
                               params->array.elems[2]);
}

static const struct method {
    const char *name;
    size_t n_params;
    struct json *(*run)(struct child *, const struct json *params);
    bool call;                  /* On the budget of a call, not of a load. */
} methods[] = {
    { "open", 3, child_open, false },
    { "run", 2, child_run_file, false },
    { "finish", 1, child_finish, false },
    { "call", 3, child_call, true },
};

static const struct method *
find_method(const struct child *child, const struct jsonrpc_msg *msg)
{
    for (size_t i = 0; msg->type == JSONRPC_REQUEST && i < ARRAY_SIZE(methods);
         i++) {
        const struct method *m = &methods[i];

        if (!strcmp(msg->method, m->name)
            && json_array(msg->params)->n == m->n_params
            && (child->interpreter || m->run == child_open)) {
            return m;
        }
    }
    return NULL;
}

static bool
answer(struct child *child, const struct jsonrpc_msg *msg)
{
    const struct method *method = find_method(child, msg);

    if (!method) {
        return false;
    }
    child->lines = 0;
    sg_lockdown_time(method->call ? child->budgets.max_call_ms
                     : child->budgets.max_ms);
    return !jsonrpc_send_block(child->rpc, jsonrpc_create_reply(
                                   method->run(child, msg->params), msg->id));
}

int
sg_child_run(void)
{
    struct child child = { .interpreter = NULL };
    struct jsonrpc_msg *msg;
    struct stream *stream;

    sg_lockdown_begin();
    if (set_nonblocking(SG_PROCESS_FD)
        || new_fd_stream(xstrdup("agent"), SG_PROCESS_FD, 0, AF_UNIX,
                         &stream)) {
        ovs_fatal(0, "this program is run by ovs-sgd and ovs-sgctl");
    }
    child.rpc = jsonrpc_open(stream);
    while (!jsonrpc_recv_block(child.rpc, &msg)) {
        bool ok = answer(&child, msg);

        jsonrpc_msg_destroy(msg);
        if (!ok) {
            break;
        }
    }
    sg_interpreter_destroy(child.interpreter);
    jsonrpc_close(child.rpc);
    return EXIT_SUCCESS;
}
