/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* The commands that ask the agent. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/client.h"
#include "ctl/observe-command.h"
#include "ctl/render.h"
#include "ctl/sgctl.h"
#include "openvswitch/json.h"
#include "util.h"

/* How much longer than the agent we wait, so that it is the agent that says
 * what `wait' was waiting for. */
#define GRACE_SECONDS 5

/* Asks the agent; says on stderr what went wrong.  Returns NULL then. */
static struct json *
ask(const struct sgctl *ctl, const char *command)
{
    struct json *answer;
    char *error;

    client_call(ctl->target, ctl->timeout, command, ctl->args, ctl->n_args,
                &answer, &error);
    if (error) {
        ovs_error(0, "%s", error);
        free(error);
    }
    return answer;
}

/* As in `check', the errors of a policy are the answer, and go to stdout. */
enum sgctl_status
sgctl_reload(const struct sgctl *ctl)
{
    struct json *answer;
    char *error;

    switch (client_call(ctl->target, ctl->timeout, "sg/reload", NULL, 0,
                        &answer, &error)) {
    case CLIENT_OK:
        render_notes(answer, "warnings", "");
        if (ctl->json) {
            render_json(answer);
        }
        json_destroy(answer);
        return SGCTL_OK;

    case CLIENT_REFUSED:
        puts(error);
        fflush(stdout);         /* Before what follows, also in a file. */
        ovs_error(0, "the policy was not loaded; the old one stays in force");
        break;

    case CLIENT_FAILED:
        ovs_error(0, "%s", error);
        break;
    }
    free(error);
    return SGCTL_FAILED;
}

enum sgctl_status
sgctl_wait(const struct sgctl *ctl)
{
    char *seconds = xasprintf("%u", ctl->timeout);
    const char *args[] = { seconds };
    struct sgctl patient = *ctl;
    struct json *answer;

    if (ctl->timeout) {
        patient.args = args;
        patient.n_args = 1;
        patient.timeout += GRACE_SECONDS;
    }
    answer = ask(&patient, "sg/wait");
    free(seconds);
    if (answer && ctl->json) {
        render_json(answer);
    }
    json_destroy(answer);
    return answer ? SGCTL_OK : SGCTL_FAILED;
}

static void
print_trace(const struct sgctl *ctl, const struct json *answer)
{
    const struct json *trace = client_member(answer, "trace");
    const struct json *words = client_member(answer, "words");

    if (ctl->json && trace) {
        render_json(trace);
    } else if (!ctl->json && words && words->type == JSON_STRING) {
        fputs(json_string(words), stdout);
    }
    render_notes(answer, "notes", "note: ");
}

enum sgctl_status
sgctl_trace(const struct sgctl *ctl)
{
    struct json *answer = ask(ctl, "sg/trace");

    if (!answer) {
        return SGCTL_FAILED;
    }
    print_trace(ctl, answer);
    json_destroy(answer);
    return SGCTL_OK;
}

/* Asks with 'command', and prints the answer as JSON or with 'render'. */
static enum sgctl_status
ask_and_print(const struct sgctl *ctl, const char *command,
              void (*render)(const struct json *))
{
    struct json *answer = ask(ctl, command);

    if (!answer) {
        return SGCTL_FAILED;
    }
    if (ctl->json) {
        render_json(answer);
    } else {
        render(answer);
    }
    json_destroy(answer);
    return SGCTL_OK;
}

static void
print_changes(const struct json *answer)
{
    const struct json *changes = client_member(answer, "changes");

    if (changes && changes->type == JSON_ARRAY && !json_array(changes)->n) {
        puts("nothing to change");
    } else {
        render_lines(changes);
    }
}

/* What it would cut is said before anything changes. */
enum sgctl_status
sgctl_enable(const struct sgctl *ctl)
{
    if (!observe_warn(ctl, ctl->args[0])) {
        return SGCTL_FAILED;
    } else if (ctl->dry_run) {
        return SGCTL_OK;
    }
    return ask_and_print(ctl, "sg/enable", print_changes);
}

enum sgctl_status
sgctl_disable(const struct sgctl *ctl)
{
    return ask_and_print(ctl, "sg/disable", print_changes);
}

enum sgctl_status
sgctl_list_groups(const struct sgctl *ctl)
{
    return ask_and_print(ctl, "sg/list-groups", render_groups);
}

/* The same with a list; one without anything would look like no answer. */
static enum sgctl_status
ask_and_list(const struct sgctl *ctl, const char *command,
             void (*render)(const struct json *), const char *nothing)
{
    struct json *answer = ask(ctl, command);

    if (!answer) {
        return SGCTL_FAILED;
    }
    if (ctl->json) {
        render_json(answer);
    } else if (answer->type == JSON_ARRAY && !json_array(answer)->n) {
        fprintf(stderr, "note: %s\n", nothing);
    } else {
        render(answer);
    }
    json_destroy(answer);
    return SGCTL_OK;
}

enum sgctl_status
sgctl_list_ports(const struct sgctl *ctl)
{
    return ask_and_list(ctl, "sg/list-ports", render_ports,
                        "no interface is guarded; `ovs-sgctl show INTERFACE' "
                        "says why one is not, and `ovs-sgctl observe' what "
                        "enabling a bridge would guard");
}

enum sgctl_status
sgctl_list_addresses(const struct sgctl *ctl)
{
    return ask_and_list(ctl, "sg/list-addresses", render_all_addresses,
                        "the policy in force has no sets of addresses");
}

enum sgctl_status
sgctl_refresh(const struct sgctl *ctl)
{
    const char *args[] = { ctl->args[0], "force" };
    struct sgctl asking = *ctl;
    struct json *answer;

    asking.args = args;
    asking.n_args = ctl->force ? 2 : 1;
    answer = ask(&asking, "sg/refresh");
    json_destroy(answer);
    return answer ? SGCTL_OK : SGCTL_FAILED;
}

enum sgctl_status
sgctl_show(const struct sgctl *ctl)
{
    return ask_and_print(ctl, "sg/show", render_thing);
}
