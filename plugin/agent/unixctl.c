/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/unixctl.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unixctl.h>         /* Open vSwitch's; quotes would find our own. */

#include "agent/core.h"
#include "agent/describe.h"
#include "agent/lookup.h"
#include "agent/turns.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "policy/eval.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "timeval.h"
#include "util.h"

/* A command that is not answered yet: it has one of a barrier, an admin, a
 * load and an observation. */
struct pending {
    struct ovs_list node;           /* In sg_unixctl.pending. */
    struct unixctl_conn *conn;      /* Who asked. */
    long long int deadline;         /* sg/wait: in ms; LLONG_MAX: none. */
    struct sg_barrier *barrier;     /* sg/wait. */
    struct sg_admin *admin;         /* sg/enable, sg/disable. */
    unsigned int load;              /* sg/reload; else 0. */
    struct sg_observation *observation;     /* sg/observe. */
};

struct sg_unixctl {
    struct sg_core *core;
    struct ovs_list pending;        /* struct pending. */
};

/* Commands cannot be unregistered, and a plugin may be started again, so they
 * are registered once, and look here for whom to ask. */
static struct sg_unixctl *instance;

static void
reply_json(struct unixctl_conn *conn, struct json *json)
{
    char *s = json_to_string(json, JSSF_SORT);

    unixctl_command_reply(conn, s);
    free(s);
    json_destroy(json);
}

static void
reply_error_and_free(struct unixctl_conn *conn, char *error)
{
    unixctl_command_reply_error(conn, error);
    free(error);
}

/* An array of the lines of 'text', which may be NULL. */
static struct json *
json_lines(const char *text)
{
    struct json *array = json_array_create_empty();
    char *copy = xstrdup(text ? text : "");
    char *save_ptr = NULL;

    for (char *line = strtok_r(copy, "\n", &save_ptr); line;
         line = strtok_r(NULL, "\n", &save_ptr)) {
        json_array_add(array, json_string_create(line));
    }
    free(copy);
    return array;
}

/* sg/trace. */

/* A verdict is about the rules; a port that is not active is closed whatever
 * they say.  The reader should hear of it. */
static void
note_state(const struct sg_core *core, const struct sg_trace_side *side,
           struct json *notes)
{
    const char *error;
    uint16_t zone;
    enum sg_port_state state;

    if (!side->port) {
        return;
    }
    state = sg_core_port_state(core, side->port, &error, &zone);
    if (state == SG_PORT_ERROR) {
        json_array_add(notes, json_string_create_nocopy(xasprintf(
            "%s is in error, and closed whatever the rules say: %s",
            side->port->name, error ? error : "no reason is known")));
    } else if (sg_core_policy(core)->none) {
        json_array_add(notes, json_string_create_nocopy(xasprintf(
            "no policy is loaded, so %s stays closed, or as it was before "
            "this agent; run `ovs-sgctl reload' to see why",
            side->port->name)));
    } else if (state == SG_PORT_PENDING) {
        json_array_add(notes, json_string_create_nocopy(xasprintf(
            "%s is pending: it is closed until the switch has confirmed "
            "its flows", side->port->name)));
    }
}

/* An agent that only observes closes nothing, either; and one that stands by
 * does not see what is in force. */
static void
note_states(const struct sg_core *core, const struct sg_trace *trace,
            struct json *notes)
{
    if (sg_core_only_observes(core)) {
        json_array_add(notes, json_string_create(
            "this agent only observes, so none of this is its doing yet"));
    } else if (sg_core_stands_by(core)) {
        json_array_add(notes, json_string_create(
            "another agent is in charge of this database: what is in force is "
            "that one's doing"));
    } else {
        note_state(core, &trace->from, notes);
        note_state(core, &trace->to, notes);
    }
}

/* What packets do whatever the rules say. */
static void
note_exception(const struct sg_trace *trace, struct json *notes)
{
    const char *exception = sg_trace_exception(trace);

    if (exception) {
        json_array_add(notes, json_string_create(exception));
    }
}

/* "tcp" alone asks about all its ports at once. */
static void
note_no_port(const struct sg_trace *trace, struct json *notes)
{
    bool has_ports = (trace->proto == IPPROTO_TCP
                      || trace->proto == IPPROTO_UDP
                      || trace->proto == IPPROTO_SCTP);

    if (has_ports && trace->type_or_port < 0 && !trace->allowed) {
        json_array_add(notes, json_string_create(
            "no port was given, so only rules for all ports count"));
    }
}

static void
cmd_trace(struct sg_unixctl *u, struct unixctl_conn *conn,
          int argc, const char *argv[])
{
    struct ds words = DS_EMPTY_INITIALIZER;
    struct json *json, *notes;
    struct sg_trace trace;
    char *error = sg_trace(sg_core_policy(u->core), sg_core_ports(u->core),
                           argv[1], argv[2], argv[3],
                           argc > 4 ? argv[4] : NULL, &trace);

    if (error) {
        reply_error_and_free(conn, error);
        return;
    }

    json = json_object_create();
    json_object_put(json, "trace", sg_trace_to_json(&trace));
    sg_trace_format(&trace, &words);
    json_object_put_string(json, "words", ds_cstr(&words));
    ds_destroy(&words);
    notes = json_array_create_empty();
    note_states(u->core, &trace, notes);
    note_exception(&trace, notes);
    note_no_port(&trace, notes);
    json_object_put(json, "notes", notes);
    reply_json(conn, json);
}

/* sg/list-groups, sg/list-ports, sg/show. */

static void
cmd_list_groups(struct sg_unixctl *u, struct unixctl_conn *conn,
                int argc OVS_UNUSED, const char *argv[] OVS_UNUSED)
{
    reply_json(conn, sg_describe_groups(sg_core_policy(u->core),
                                        sg_core_ports(u->core)));
}

static void
cmd_list_ports(struct sg_unixctl *u, struct unixctl_conn *conn,
               int argc OVS_UNUSED, const char *argv[] OVS_UNUSED)
{
    reply_json(conn, sg_describe_ports(u->core));
}

static void
cmd_list_addresses(struct sg_unixctl *u, struct unixctl_conn *conn,
                   int argc OVS_UNUSED, const char *argv[] OVS_UNUSED)
{
    reply_json(conn, sg_describe_all_addresses(u->core));
}

/* sg/refresh NAME [force]. */
static void
cmd_refresh(struct sg_unixctl *u, struct unixctl_conn *conn,
            int argc, const char *argv[])
{
    char *error;

    if (argc > 2 && strcmp(argv[2], "force")) {
        reply_error_and_free(conn, xasprintf("%s: only \"force\" may follow "
                                             "the name", argv[2]));
        return;
    }
    error = sg_core_refresh(u->core, argv[1], argc > 2);
    if (error) {
        reply_error_and_free(conn, error);
    } else {
        unixctl_command_reply(conn, "{}");
    }
}

static void
cmd_show(struct sg_unixctl *u, struct unixctl_conn *conn,
         int argc OVS_UNUSED, const char *argv[])
{
    struct json *json;
    char *error = sg_lookup(u->core, argv[1], &json);

    if (error) {
        reply_error_and_free(conn, error);
    } else {
        reply_json(conn, json);
    }
}

/* Commands that take time. */

static struct pending *
add_pending(struct sg_unixctl *u, struct unixctl_conn *conn)
{
    struct pending *p = xzalloc(sizeof *p);

    p->conn = conn;
    p->deadline = LLONG_MAX;
    ovs_list_push_back(&u->pending, &p->node);
    /* It may be done already. */
    poll_immediate_wake();
    return p;
}

static void
remove_pending(struct sg_unixctl *u, struct pending *p)
{
    if (p->barrier) {
        sg_core_barrier_destroy(u->core, p->barrier);
    }
    if (p->admin) {
        sg_core_admin_cancel(u->core, p->admin);
    }
    sg_core_observe_cancel(p->observation);
    ovs_list_remove(&p->node);
    free(p);
}

static void
cmd_wait(struct sg_unixctl *u, struct unixctl_conn *conn,
         int argc, const char *argv[])
{
    unsigned int timeout = 0;
    struct pending *p;

    if (argc > 1 && !str_to_uint(argv[1], 10, &timeout)) {
        reply_error_and_free(conn, xasprintf("%s: not a number of seconds",
                                             argv[1]));
        return;
    }
    p = add_pending(u, conn);
    p->barrier = sg_core_barrier_start(u->core);
    if (argc > 1) {
        p->deadline = time_msec() + timeout * 1000LL;
    }
}

static void
cmd_reload(struct sg_unixctl *u, struct unixctl_conn *conn,
           int argc OVS_UNUSED, const char *argv[] OVS_UNUSED)
{
    struct pending *p = add_pending(u, conn);

    p->load = sg_core_reload_start(u->core);
}

static void
cmd_enable(struct sg_unixctl *u, struct unixctl_conn *conn,
           int argc OVS_UNUSED, const char *argv[])
{
    struct pending *p = add_pending(u, conn);

    p->admin = sg_core_enable_start(u->core, argv[1]);
}

static void
cmd_disable(struct sg_unixctl *u, struct unixctl_conn *conn,
            int argc OVS_UNUSED, const char *argv[])
{
    struct pending *p = add_pending(u, conn);

    p->admin = sg_core_disable_start(u->core, argv[1]);
}

/* sg/observe [BRIDGE [SEEN]]; an empty BRIDGE is none. */
static void
cmd_observe(struct sg_unixctl *u, struct unixctl_conn *conn,
            int argc, const char *argv[])
{
    const char *bridge = argc > 1 && *argv[1] ? argv[1] : NULL;
    struct json *seen = argc > 2 ? json_from_string(argv[2]) : NULL;
    struct sg_observation *observation;
    char *error = sg_core_observe_start(u->core, bridge, seen, &observation);

    json_destroy(seen);
    if (error) {
        reply_error_and_free(conn, error);
    } else {
        add_pending(u, conn)->observation = observation;
    }
}

static void
reply_timed_out(struct sg_unixctl *u, struct pending *p)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&s, "timed out: ");
    sg_core_barrier_explain(u->core, p->barrier, &s);
    unixctl_command_reply_error(p->conn, ds_cstr(&s));
    ds_destroy(&s);
}

/* Answers 'p' if its barrier was reached, or too late. */
static bool
run_barrier(struct sg_unixctl *u, struct pending *p)
{
    if (sg_core_barrier_reached(u->core, p->barrier)) {
        unixctl_command_reply(p->conn, "{}");
        return true;
    }
    if (time_msec() >= p->deadline) {
        reply_timed_out(u, p);
        return true;
    }
    return false;
}

/* Answers 'p' if its load is over. */
static bool
run_load(struct sg_unixctl *u, struct pending *p)
{
    const char *errors = sg_core_policy_errors(u->core);

    if (!sg_core_reload_finished(u->core, p->load)) {
        return false;
    } else if (errors) {
        unixctl_command_reply_error(p->conn, errors);
    } else {
        const struct sg_policy *policy = sg_core_policy(u->core);
        struct json *json = json_object_create();

        json_object_put(json, "groups",
                        json_integer_create(hmap_count(&policy->groups)));
        json_object_put(json, "rules", json_integer_create(policy->n_rules));
        json_object_put(json, "warnings",
                        json_lines(sg_core_policy_warnings(u->core)));
        reply_json(p->conn, json);
    }
    return true;
}

/* Answers 'p' if its change was made, or refused. */
static bool
run_admin(struct sg_unixctl *u, struct pending *p)
{
    char *report, *error;

    if (!sg_core_admin_finish(u->core, p->admin, &report, &error)) {
        return false;
    }
    p->admin = NULL;            /* The core has destroyed it. */
    if (error) {
        unixctl_command_reply_error(p->conn, error);
    } else {
        struct json *json = json_object_create();

        json_object_put(json, "changes", json_lines(report));
        reply_json(p->conn, json);
    }
    free(report);
    free(error);
    return true;
}

static bool
run_observation(struct sg_unixctl *u, struct pending *p)
{
    struct json *answer;
    char *error;

    if (!sg_core_observe_finish(u->core, p->observation, &answer, &error)) {
        return false;
    }
    p->observation = NULL;      /* The core has destroyed it. */
    if (error) {
        reply_error_and_free(p->conn, error);
    } else {
        reply_json(p->conn, answer);
    }
    return true;
}

void
sg_unixctl_run(struct sg_unixctl *u)
{
    struct pending *p;

    LIST_FOR_EACH_SAFE (p, node, &u->pending) {
        if (p->barrier ? run_barrier(u, p)
            : p->load ? run_load(u, p)
            : p->observation ? run_observation(u, p)
            : run_admin(u, p)) {
            remove_pending(u, p);
        }
    }
}

/* The core wakes up the main loop for whatever can end a command, but for the
 * time-outs. */
void
sg_unixctl_wait(struct sg_unixctl *u)
{
    struct pending *p;

    LIST_FOR_EACH (p, node, &u->pending) {
        if (p->deadline != LLONG_MAX) {
            poll_timer_wait_until(p->deadline);
        }
        if (p->observation) {
            sg_core_observe_wait(p->observation);
        }
    }
}

/* Registration. */

#define MAX_ADVANCE 1000000     /* Seconds. */

/* For tests: ageing takes half an hour. */
static void
cmd_learn_advance(struct sg_unixctl *u, struct unixctl_conn *conn,
                  int argc OVS_UNUSED, const char *argv[])
{
    unsigned int seconds;

    if (!str_to_uint(argv[1], 10, &seconds) || seconds > MAX_ADVANCE) {
        reply_error_and_free(conn, xasprintf("%s: not a number of seconds "
                                             "from 0 to %d", argv[1],
                                             MAX_ADVANCE));
        return;
    }
    sg_core_learn_advance(u->core, seconds);
    unixctl_command_reply(conn, NULL);
}

/* For tests, and for support: do plans follow changes without a fault? */
static void
cmd_compare(struct sg_unixctl *u, struct unixctl_conn *conn,
            int argc OVS_UNUSED, const char *argv[] OVS_UNUSED)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    if (sg_core_compare(u->core, &s)) {
        unixctl_command_reply(conn, ds_cstr(&s));
    } else {
        unixctl_command_reply_error(conn, "a pass is under way or due; try "
                                    "again in a moment");
    }
    ds_destroy(&s);
}

struct command {
    const char *name;           /* As ovs-appctl calls it. */
    const char *usage;          /* Of the arguments. */
    int min_args, max_args;
    void (*run)(struct sg_unixctl *, struct unixctl_conn *,
                int argc, const char *argv[]);
};

/* sg/turns: how long they were, and with `clear' a new beginning. */
static void
cmd_turns(struct sg_unixctl *u, struct unixctl_conn *conn, int argc,
          const char *argv[])
{
    struct sg_turns *turns = sg_core_turns(u->core);
    bool clear = argc > 1 && !strcmp(argv[1], "clear");

    if (argc > 1 && !clear) {
        reply_error_and_free(conn, xasprintf("%s: not a word of sg/turns, "
                                             "which knows \"clear\"",
                                             argv[1]));
        return;
    }
    reply_json(conn, sg_turns_to_json(turns));
    if (clear) {
        sg_turns_clear(turns);
    }
}

static const struct command commands[] = {
    { "sg/reload",      "",                     0, 0, cmd_reload },
    { "sg/wait",        "[SECONDS]",            0, 1, cmd_wait },
    { "sg/trace",       "FROM TO PROTO [PORT]", 3, 4, cmd_trace },
    { "sg/enable",      "BRIDGE",               1, 1, cmd_enable },
    { "sg/disable",     "BRIDGE",               1, 1, cmd_disable },
    { "sg/observe",     "[BRIDGE [SEEN]]",      0, 2, cmd_observe },
    { "sg/list-groups", "",                     0, 0, cmd_list_groups },
    { "sg/list-ports",  "",                     0, 0, cmd_list_ports },
    { "sg/list-addresses", "",                  0, 0, cmd_list_addresses },
    { "sg/refresh",     "NAME [force]",         1, 2, cmd_refresh },
    { "sg/learn-advance", "SECONDS",            1, 1, cmd_learn_advance },
    { "sg/show",        "NAME",                 1, 1, cmd_show },
    { "sg/turns",       "[clear]",              0, 1, cmd_turns },
    { "sg/compare",     "",                     0, 0, cmd_compare },
};

static void
dispatch(struct unixctl_conn *conn, int argc, const char *argv[],
         void *command_)
{
    const struct command *command = command_;

    if (instance) {
        command->run(instance, conn, argc, argv);
    } else {
        unixctl_command_reply_error(conn, "the security group agent in this "
                                    "process has been stopped");
    }
}

static void
register_commands(void)
{
    static bool registered;

    if (registered) {
        return;
    }
    registered = true;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        const struct command *c = &commands[i];

        unixctl_command_register(c->name, c->usage, c->min_args, c->max_args,
                                 dispatch, CONST_CAST(struct command *, c));
    }
}

struct sg_unixctl *
sg_unixctl_create(struct sg_core *core)
{
    struct sg_unixctl *u = xzalloc(sizeof *u);

    u->core = core;
    ovs_list_init(&u->pending);
    instance = u;
    register_commands();
    return u;
}

void
sg_unixctl_destroy(struct sg_unixctl *u)
{
    struct pending *p;

    if (!u) {
        return;
    }
    LIST_FOR_EACH_SAFE (p, node, &u->pending) {
        unixctl_command_reply_error(p->conn, "the agent is shutting down");
        remove_pending(u, p);
    }
    instance = NULL;
    free(u);
}

void
sg_unixctl_each_command(void (*cb)(const char *name))
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        cb(commands[i].name);
    }
}
