/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fatal-signal.h"
#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "policy/diag.h"
#include "script/channel.h"
#include "script/install.h"
#include "script/process.h"
#include "script/sources.h"
#include "script/wire.h"
#include "util.h"

/* Lines of scripts go to the log under a name of their own. */
VLOG_DEFINE_THIS_MODULE(sg_policy_file);

/* Messages handled in one turn, and calls that the child holds at once. */
#define MAX_MESSAGES 50
#define MAX_SENT 32

/* The most that a document, or an answer, may have in JSON. */
#define MAX_DOCUMENT (32 * 1024 * 1024)
#define MAX_ANSWER (4 * 1024 * 1024)

/* Lines for the log and questions, per file and per call. */
#define MAX_SAID 5000

/* Time by the clock (milliseconds).  Only a machine that is far too busy
 * comes near it: whoever works runs out of processor time first. */
#define MAX_LOAD_MS 60000
#define MAX_CALL_MS 10000

/* How far a load has come.  Each step is a request that was sent. */
enum load_step {
    LOAD_OPEN,
    LOAD_RUN,
    LOAD_FINISH,
    LOAD_DONE                   /* Calls can be made. */
};

struct sg_script {
    struct sg_sources sources;
    char *program;
    char *language;
    struct sg_budgets budgets;
    struct sg_channel *channel; /* NULL: no child is there. */

    /* The load under way. */
    enum load_step step;
    size_t file;                /* LOAD_RUN: number of the file. */
    bool complete;              /* All files so far ran to their end. */
    struct sg_diags found;      /* What is wrong. */

    /* The first load, whose outcome is that of the script. */
    bool loaded;                /* It is over. */
    bool taken;                 /* sg_script_take() has handed it out. */
    bool usable;                /* Functions can be called. */
    struct json *document;      /* Until it is taken. */
    struct sg_diags diags;      /* The same. */
    size_t hash;                /* Of 'document'. */

    struct ovs_list calls;      /* struct sg_script_call, in order. */
    size_t n_sent;              /* How many at the front were sent. */
};

struct sg_script_call {
    struct ovs_list node;       /* In sg_script.calls, until answered. */
    struct sg_script *script;   /* NULL once answered. */
    char *name;
    int function;
    struct json *argument;
    struct json *answer;        /* NULL: none yet. */
    bool cancelled;             /* Nobody waits for it. */
};

/* Limits that are held from outside.  The child stops itself when it has used
 * the budget; half as much again, and a constant for its start and for the
 * conversion of what it made, means that it cannot. */
static struct sg_channel_limits
sg_script_limits(const struct sg_script *script, bool call)
{
    uint64_t ms = call ? script->budgets.max_call_ms : script->budgets.max_ms;

    return (struct sg_channel_limits) {
        .cpu_ms = ms + ms / 2 + (call ? 250 : 1000),
        .ms = call ? MAX_CALL_MS : MAX_LOAD_MS,
        .bytes = call ? MAX_ANSWER : MAX_DOCUMENT,
        .messages = MAX_SAID,
    };
}

static void
send_request(struct sg_script *script, const char *method,
             struct json *params)
{
    sg_channel_request(script->channel, method, params);
}

/* Calls. */

static void
call_destroy(struct sg_script_call *call)
{
    json_destroy(call->argument);
    json_destroy(call->answer);
    free(call->name);
    free(call);
}

static struct sg_script_call *
first_call(const struct sg_script *script)
{
    return CONTAINER_OF(ovs_list_front(&script->calls),
                        struct sg_script_call, node);
}

/* Ends the first call.  Takes over 'answer'. */
static void
answer_call(struct sg_script *script, struct json *answer)
{
    struct sg_script_call *call = first_call(script);

    ovs_list_remove(&call->node);
    script->n_sent -= MIN(script->n_sent, 1);
    call->script = NULL;
    call->answer = answer;
    if (call->cancelled) {
        call_destroy(call);
    }
}

static void
fail_call(struct sg_script *script, const char *why, bool again)
{
    struct json *answer = json_object_create();

    json_object_put_string(answer, "error", why);
    if (again) {
        json_object_put(answer, "again", json_boolean_create(true));
    }
    answer_call(script, answer);
}

static void
fail_all_calls(struct sg_script *script, const char *why, bool again)
{
    while (!ovs_list_is_empty(&script->calls)) {
        fail_call(script, why, again);
    }
}

static void
send_calls(struct sg_script *script)
{
    struct sg_script_call *call;
    size_t i = 0;

    LIST_FOR_EACH (call, node, &script->calls) {
        if (i == MAX_SENT) {
            break;
        } else if (i++ < script->n_sent) {
            continue;
        }
        if (!script->n_sent++) {
            struct sg_channel_limits limits = sg_script_limits(script, true);

            sg_channel_expect(script->channel, &limits);
        }
        send_request(script, "call", json_array_create_3(
            json_string_create(call->name),
            json_integer_create(call->function),
            call->argument ? json_clone(call->argument)
                           : json_null_create()));
    }
}

struct sg_script_call *
sg_script_call(struct sg_script *script, const char *name, int function,
               struct json *argument)
{
    struct sg_script_call *call = xzalloc(sizeof *call);

    call->script = script;
    call->name = xstrdup(name);
    call->function = function;
    call->argument = argument;
    ovs_list_push_back(&script->calls, &call->node);
    poll_immediate_wake();
    return call;
}

struct json *
sg_script_call_take(struct sg_script_call *call)
{
    struct json *answer = call->answer;

    if (answer) {
        call->answer = NULL;
        call_destroy(call);
    }
    return answer;
}

/* One that was sent will be answered, and must stay in the list till then. */
void
sg_script_call_cancel(struct sg_script_call *call)
{
    if (!call) {
        return;
    }
    call->cancelled = true;
    if (!call->script) {
        call_destroy(call);
    }
}

/* The end of a load. */

static const char *
current_file(const struct sg_script *script)
{
    return (script->step == LOAD_RUN
            ? script->sources.files.names[script->file] : NULL);
}

/* Is there a function in 'document' that somebody may call? */
static bool
has_functions(const struct json *document)
{
    static const char *const lists[] = { "binds", "addresses" };

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const struct json *list = sg_wire_get(document, lists[i], JSON_ARRAY);

        for (size_t j = 0; list && j < list->array.n; j++) {
            const struct json *item = list->array.elems[j];

            if (sg_wire_get(item, "function", JSON_INTEGER)
                || sg_wire_get(item, "resolve", JSON_INTEGER)) {
                return true;
            }
        }
    }
    return false;
}

static void
close_channel(struct sg_script *script)
{
    sg_channel_destroy(script->channel);
    script->channel = NULL;
    script->n_sent = 0;
}

static void
end_first_load(struct sg_script *script, struct json *document)
{
    /* Half a policy that has no errors would come into force. */
    if ((!document || !script->complete) && !script->found.n_errors) {
        sg_error(&script->found, NULL, "the policy was not read to its end, "
                 "and the interpreter does not say why");
    }
    script->loaded = true;
    sg_sources_complete(&script->sources);
    script->document = document ? document : json_object_create();
    script->usable = document && has_functions(document);
    script->hash = script->usable ? json_hash(document, 0) : 0;
    if (!document) {
        json_object_put(script->document, "incomplete",
                        json_boolean_create(true));
    }
    script->diags = script->found;
    sg_diags_init(&script->found);
    if (!script->usable) {
        close_channel(script);
    }
}

/* The same text was loaded again, for the sake of its functions.  They are
 * called by number, so it must have come to the same. */
static void
end_repeated_load(struct sg_script *script, struct json *document)
{
    if (!document || json_hash(document, 0) != script->hash) {
        fail_all_calls(script, "the policy does not come to the same when it "
                       "is loaded a second time, so its functions cannot be "
                       "used; run `ovs-sgctl reload'", true);
        close_channel(script);
    }
    json_destroy(document);
    sg_diags_destroy(&script->found);
    sg_diags_init(&script->found);
}

/* Takes over 'document', which is NULL if there is none. */
static void
end_load(struct sg_script *script, struct json *document)
{
    script->step = LOAD_DONE;
    if (script->loaded) {
        end_repeated_load(script, document);
    } else {
        end_first_load(script, document);
    }
}

/* The steps of a load. */

static void
report_unread(struct sg_script *script, const char *file, int line,
              const char *why)
{
    struct sg_place place = { CONST_CAST(char *, file), line };

    sg_error(&script->found, &place, "%s", why);
    script->complete = false;
}

static void
send_finish(struct sg_script *script)
{
    script->step = LOAD_FINISH;
    send_request(script, "finish", json_array_create_1(
        json_boolean_create(script->complete)));
}

/* Sends the first file from number 'i' on that can be read. */
static void
send_file(struct sg_script *script, size_t i)
{
    script->step = LOAD_RUN;
    for (; i < script->sources.files.n; i++) {
        const char *file = script->sources.files.names[i];
        const struct sg_source *source = sg_sources_get(
            &script->sources, SG_SOURCE_POLICY, file);

        if (source->text) {
            script->file = i;
            send_request(script, "run", json_array_create_2(
                json_string_create(file), json_string_create(source->text)));
            return;
        }
        report_unread(script, file, source->line, source->error);
    }
    send_finish(script);
}

static void
after_run(struct sg_script *script, const struct json *result)
{
    size_t next = script->file + 1;

    script->complete &= sg_wire_get(result, "complete", JSON_TRUE) != NULL;
    if (!sg_wire_get(result, "stopped", JSON_TRUE)) {
        send_file(script, next);
        return;
    }
    if (next < script->sources.files.n) {
        char *why = xasprintf("was not read, because %s used up the budget "
                              "of the load", current_file(script));

        report_unread(script, script->sources.files.names[next], 0, why);
        free(why);
    }
    send_finish(script);
}

static void
handle_result(struct sg_script *script, struct json *result)
{
    struct json *document;

    if (script->step != LOAD_DONE) {
        sg_wire_take_diags(result, &script->found);
    }
    switch (script->step) {
    case LOAD_OPEN:
        if (sg_wire_get(result, "complete", JSON_TRUE)) {
            send_file(script, 0);
        } else {
            end_load(script, NULL);
        }
        break;
    case LOAD_RUN:
        after_run(script, result);
        break;
    case LOAD_FINISH:
        VLOG_DBG("loaded in %"PRIu64" ms, with %"PRIu64" ms of processor time "
                 "of its own", sg_channel_ms(script->channel),
                 sg_channel_cpu_ms(script->channel));
        document = CONST_CAST(struct json *, sg_wire_get(result, "document",
                                                         JSON_OBJECT));
        end_load(script, document ? json_clone(document) : NULL);
        break;
    case LOAD_DONE:
    default:
        answer_call(script, json_clone(result));
        if (script->n_sent) {
            struct sg_channel_limits limits = sg_script_limits(script, true);

            sg_channel_expect(script->channel, &limits);
        }
        break;
    }
}

static void
start_load(struct sg_script *script)
{
    struct sg_channel_limits limits = sg_script_limits(script, false);

    script->channel = sg_channel_create(script->program);
    script->step = LOAD_OPEN;
    script->complete = !script->found.n_errors;
    sg_channel_expect(script->channel, &limits);
    send_request(script, "open", sg_wire_from_open(script->language,
                                                   &script->budgets));
}

/* The child is gone, or was killed, in the middle of something. */
static void
handle_broken(struct sg_script *script)
{
    char *why = xstrdup(sg_channel_broken(script->channel));

    close_channel(script);
    if (script->step == LOAD_DONE) {
        if (!ovs_list_is_empty(&script->calls)) {
            fail_call(script, why, true);
        }
    } else if (script->loaded) {
        fail_all_calls(script, why, true);
        script->step = LOAD_DONE;
    } else {
        report_unread(script, current_file(script), 0, why);
        end_load(script, NULL);
    }
    free(why);
}

/* What the child asks and says. */

static void
answer_read(struct sg_script *script, const struct jsonrpc_msg *msg)
{
    const char *kind = sg_wire_string(msg->params, 0);
    const char *name = sg_wire_string(msg->params, 1);

    sg_channel_reply(script->channel, msg, sg_wire_from_source(
        sg_sources_get(&script->sources,
                       kind && !strcmp(kind, "language") ? SG_SOURCE_LANGUAGE
                       : SG_SOURCE_MODULE, name ? name : "")));
}

static void
log_line(const struct jsonrpc_msg *msg)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(600, 600);
    const char *file = sg_wire_string(msg->params, 1);
    const char *text = sg_wire_string(msg->params, 3);
    char *line = xasprintf("%s:%d: %.512s", file ? file : "?",
                           sg_wire_integer(msg->params, 2),
                           text ? text : "?");

    sg_wire_clean(line);
    if (sg_wire_boolean(msg->params, 0)) {
        VLOG_WARN_RL(&rl, "%s", line);
    } else {
        VLOG_INFO_RL(&rl, "%s", line);
    }
    free(line);
}

static void
handle_message(struct sg_script *script, struct jsonrpc_msg *msg)
{
    switch (msg->type) {
    case JSONRPC_REPLY:
        handle_result(script, msg->result);
        break;
    case JSONRPC_REQUEST:
        answer_read(script, msg);
        break;
    case JSONRPC_NOTIFY:
        /* What it says when it is loaded again was said before. */
        if (!script->loaded || script->step == LOAD_DONE) {
            log_line(msg);
        }
        break;
    case JSONRPC_ERROR:
    default:
        OVS_NOT_REACHED();      /* The channel breaks. */
    }
    jsonrpc_msg_destroy(msg);
}

/* The turn. */

static void
receive(struct sg_script *script)
{
    for (int i = 0; i < MAX_MESSAGES && script->channel; i++) {
        struct jsonrpc_msg *msg = sg_channel_recv(script->channel);

        if (msg) {
            handle_message(script, msg);
        } else if (sg_channel_broken(script->channel)) {
            handle_broken(script);
        } else {
            return;
        }
    }
}

void
sg_script_run(struct sg_script *script)
{
    sg_process_run();
    if (!script) {
        return;
    }
    receive(script);
    if (!ovs_list_is_empty(&script->calls) && script->loaded
        && !script->usable) {
        fail_all_calls(script, "the policy has no functions", false);
    }
    if (!script->channel
        && (!script->loaded || !ovs_list_is_empty(&script->calls))) {
        start_load(script);
    }
    if (script->channel && script->step == LOAD_DONE) {
        send_calls(script);
    }
}

void
sg_script_wait(struct sg_script *script)
{
    sg_process_wait();
    if (script && script->channel) {
        sg_channel_wait(script->channel);
    } else if (script && !ovs_list_is_empty(&script->calls)) {
        poll_immediate_wake();
    }
}

/* Life. */

struct sg_script *
sg_script_start(const char *const paths[], size_t n_paths,
                const struct sg_script_options *options)
{
    static const struct sg_script_options defaults;
    struct sg_script *script = xzalloc(sizeof *script);

    options = options ? options : &defaults;
    script->budgets = options->budgets;
    sg_budgets_fill_in(&script->budgets);
    script->program = (options->program ? xstrdup(options->program)
                       : sg_install_interpreter());
    script->language = xstrdup(options->language ? options->language
                               : "init");
    sg_diags_init(&script->found);
    sg_diags_init(&script->diags);
    ovs_list_init(&script->calls);
    sg_sources_init(&script->sources, options->luadir, paths, n_paths,
                    &script->found);
    start_load(script);
    return script;
}

static void
move_errors(const struct sg_diags *from, struct sg_diags *to)
{
    for (size_t i = 0; i < from->n; i++) {
        sg_error(to, &from->list[i].place, "%s", from->list[i].message);
    }
}

bool
sg_script_take(struct sg_script *script, struct json **document,
               struct sg_diags *diags)
{
    if (script->loaded && !script->taken) {
        script->taken = true;
        *document = script->document;
        script->document = NULL;
        move_errors(&script->diags, diags);
    }
    return script->loaded;
}

bool
sg_script_is_empty(const struct sg_script *script)
{
    return svec_is_empty(&script->sources.files);
}

void
sg_script_destroy(struct sg_script *script)
{
    if (script) {
        close_channel(script);
        fail_all_calls(script, "the policy is not in force any more", false);
        sg_sources_destroy(&script->sources);
        sg_diags_destroy(&script->found);
        sg_diags_destroy(&script->diags);
        json_destroy(script->document);
        free(script->program);
        free(script->language);
        free(script);
    }
}

/* Blocking. */

static void
block(struct sg_script *script)
{
    sg_script_wait(script);
    poll_block();
}

struct sg_script *
sg_script_load(const char *const paths[], size_t n_paths,
               const struct sg_script_options *options,
               struct json **document, struct sg_diags *diags)
{
    struct sg_script *script;

    fatal_ignore_sigpipe();     /* The child may die while we write. */
    script = sg_script_start(paths, n_paths, options);
    for (;;) {
        sg_script_run(script);
        if (sg_script_take(script, document, diags)) {
            return script;
        }
        block(script);
    }
}

struct json *
sg_script_call_block(struct sg_script *script, const char *name, int function,
                     struct json *argument)
{
    struct sg_script_call *call = sg_script_call(script, name, function,
                                                 argument);

    for (;;) {
        sg_script_run(script);
        struct json *answer = sg_script_call_take(call);
        if (answer) {
            return answer;
        }
        block(script);
    }
}
