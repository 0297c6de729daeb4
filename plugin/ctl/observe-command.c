/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* `observe', and what `enable' says before it changes anything. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/observe-command.h"
#include "ctl/render.h"
#include "ctl/sample.h"
#include "openvswitch/json.h"
#include "svec.h"
#include "util.h"

#define MAX_WARNINGS 20         /* Of a kind; `observe' has them all. */

static size_t
count(const struct json *list)
{
    return list && list->type == JSON_ARRAY ? json_array(list)->n : 0;
}

static const struct json *
element(const struct json *list, size_t i)
{
    return json_array(list)->elems[i];
}

static const char *
text(const struct json *object, const char *name)
{
    const struct json *json = client_member(object, name);

    return json && json->type == JSON_STRING ? json_string(json) : "";
}

static bool
is_true(const struct json *object, const char *name)
{
    const struct json *json = client_member(object, name);

    return json && json->type == JSON_TRUE;
}

/* Asking. */

static struct json *
ask_once(const struct sgctl *ctl, const char *bridge, const struct json *seen)
{
    char *seen_text = seen ? json_to_string(seen, 0) : NULL;
    const char *args[] = { bridge ? bridge : "", seen_text };
    struct json *answer;
    char *error;

    client_call(ctl->target, ctl->timeout, "sg/observe", args,
                seen_text ? 2 : 1, &answer, &error);
    if (error) {
        ovs_error(0, "%s", error);
        free(error);
    }
    free(seen_text);
    return answer;
}

/* The interfaces that would be guarded and are not yet. */
static void
get_names(const struct json *answer, struct svec *names)
{
    const struct json *ports = client_member(answer, "ports");

    for (size_t i = 0; i < count(ports); i++) {
        if (!is_true(element(ports, i), "enforced")) {
            svec_add(names, text(element(ports, i), "name"));
        }
    }
}

struct json *
observe_ask(const struct sgctl *ctl, const char *bridge)
{
    struct json *answer = ask_once(ctl, bridge, NULL);
    struct svec names = SVEC_EMPTY_INITIALIZER;
    struct svec troubles = SVEC_EMPTY_INITIALIZER;
    struct json *seen;

    if (!answer || !ctl->sample) {
        return answer;
    }
    get_names(answer, &names);
    json_destroy(answer);
    seen = sample_packets(&names, ctl->sample, &troubles);
    answer = ask_once(ctl, bridge, seen);
    for (size_t i = 0; answer && i < troubles.n; i++) {
        json_array_add(CONST_CAST(struct json *,
                                  client_member(answer, "notes")),
                       json_string_create(troubles.names[i]));
    }
    json_destroy(seen);
    svec_destroy(&names);
    svec_destroy(&troubles);
    return answer;
}

/* `observe'. */

enum sgctl_status
sgctl_observe(const struct sgctl *ctl)
{
    struct json *answer = observe_ask(ctl, ctl->n_args ? ctl->args[0] : NULL);

    if (!answer) {
        return SGCTL_FAILED;
    }
    if (ctl->json) {
        render_json(answer);
    } else {
        render_observation(answer, ctl->sample > 0);
    }
    render_notes(answer, "notes", "note: ");
    json_destroy(answer);
    return SGCTL_OK;
}

/* `enable'. */

static void
warn_of_ports(const char *bridge, const struct json *ports)
{
    size_t n = 0;

    for (size_t i = 0; i < count(ports); i++) {
        const struct json *port = element(ports, i);
        const char *remark = text(port, "remark");

        if (is_true(port, "enforced") || ++n > MAX_WARNINGS) {
            continue;
        }
        char *groups = render_value(port, "groups");
        fprintf(stderr, "warning: %s: %s will be guarded, in %s%s%s\n", bridge,
                text(port, "name"), groups, *remark ? "; " : "", remark);
        free(groups);
    }
    if (n > MAX_WARNINGS) {
        fprintf(stderr, "warning: %s: and %"PRIuSIZE" more ports\n", bridge,
                n - MAX_WARNINGS);
    }
}

static void
warn_of_flows(const char *bridge, const struct json *flows, bool sampled)
{
    size_t n_denied = 0, n_unknown = 0;

    for (size_t i = 0; i < count(flows); i++) {
        const struct json *flow = element(flows, i);

        n_unknown += !strcmp(text(flow, "verdict"), "unknown");
        if (!strcmp(text(flow, "verdict"), "deny")
            && ++n_denied <= MAX_WARNINGS) {
            char *talk = render_talk(flow);

            fprintf(stderr, "warning: %s: will be cut: %s (%s)\n", bridge,
                    talk, text(flow, "why"));
            free(talk);
        }
    }
    if (n_denied > MAX_WARNINGS) {
        fprintf(stderr, "warning: %s: and %"PRIuSIZE" more; `ovs-sgctl "
                "observe %s' has them\n", bridge, n_denied - MAX_WARNINGS,
                bridge);
    }
    if (n_unknown && !sampled) {
        fprintf(stderr, "warning: %s: of %"PRIuSIZE" flows the switch does "
                "not show addresses or ports, so it cannot be told whether "
                "they will be cut; `ovs-sgctl observe --sample=10 %s' looks "
                "at packets\n", bridge, n_unknown, bridge);
    }
}

bool
observe_warn(const struct sgctl *ctl, const char *bridge)
{
    struct json *answer = observe_ask(ctl, bridge);

    if (!answer) {
        return false;
    }
    warn_of_ports(bridge, client_member(answer, "ports"));
    warn_of_flows(bridge, client_member(answer, "flows"), ctl->sample > 0);
    render_notes(answer, "notes", "warning: ");
    json_destroy(answer);
    return true;
}
