/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* What a hostile ovs-sg-script may say: the agent's side of the channel, from
 * the start of a load to the answers of functions.
 *
 * Each line of the input is sent as it is, but for the sign @, which stands
 * for the number of the oldest request that was not answered; the agent has a
 * few turns after each.  A line of nothing but "x" is the end of the child:
 * what comes then is said by the next one, if there is a next one. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "policy/diag.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "script/answers.h"
#include "script/process.h"
#include "script/script.h"
#include "socket-util.h"
#include "svec.h"
#include "util.h"

#define TURNS 3
#define MAX_IDS 64

/* The child: in place of script/process.c. */

struct sg_process {
    bool ended;
};

static struct {
    int fd;                     /* Its end of the channel; -1: none. */
    struct sg_process *process; /* NULL once we killed it. */
    struct json_parser *parser; /* Of the agent's messages; or NULL. */
    long long int ids[MAX_IDS]; /* Of requests, oldest first. */
    size_t n_ids;
} child = { .fd = -1 };

static void
child_end(void)
{
    if (child.fd >= 0) {
        close(child.fd);
        child.fd = -1;
    }
    if (child.process) {
        child.process->ended = true;
    }
    json_destroy(child.parser ? json_parser_finish(child.parser) : NULL);
    child.parser = NULL;
    child.n_ids = 0;
}

char *
sg_process_start(const char *program OVS_UNUSED, struct sg_process **processp,
                 int *fd)
{
    int fds[2];

    child_end();
    ovs_assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    xset_nonblocking(fds[0]);
    xset_nonblocking(fds[1]);
    child.fd = fds[1];
    child.process = xzalloc(sizeof *child.process);
    *processp = child.process;
    *fd = fds[0];
    return NULL;
}

void
sg_process_kill(struct sg_process *process)
{
    if (process && process == child.process) {
        child_end();
        child.process = NULL;
    }
    free(process);
}

uint64_t
sg_process_cpu(const struct sg_process *process OVS_UNUSED)
{
    return 0;
}

char *
sg_process_explain(struct sg_process *process)
{
    return process->ended ? xstrdup("ended") : NULL;
}

void
sg_process_run(void)
{
}

void
sg_process_wait(void)
{
}

/* Hearing. */

static void
hear_message(struct json *msg)
{
    const struct json *id = (msg->type == JSON_OBJECT
                             && shash_find(msg->object, "method")
                             ? shash_find_data(msg->object, "id") : NULL);

    /* The agent's own side must always make sense. */
    ovs_assert(msg->type == JSON_OBJECT);
    if (id && id->type == JSON_INTEGER && child.n_ids < MAX_IDS) {
        child.ids[child.n_ids++] = json_integer(id);
    }
    json_destroy(msg);
}

static void
hear(const char *buffer, size_t n)
{
    while (n) {
        if (!child.parser) {
            child.parser = json_parser_create(0);
        }
        size_t used = json_parser_feed(child.parser, buffer, n);

        buffer += used;
        n -= used;
        if (json_parser_is_done(child.parser)) {
            struct json *msg = json_parser_finish(child.parser);

            child.parser = NULL;
            hear_message(msg);
        }
    }
}

static void
child_listen(void)
{
    char buffer[4096];
    ssize_t n;

    while (child.fd >= 0
           && (n = read(child.fd, buffer, sizeof buffer)) > 0) {
        hear(buffer, n);
    }
}

/* Saying. */

static void
child_say(const char *line, size_t size)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < size; i++) {
        if (line[i] == '@') {
            ds_put_format(&s, "%lld", child.n_ids ? child.ids[0] : 0);
        } else {
            ds_put_char(&s, line[i]);
        }
    }
    if (memchr(line, '@', size) && child.n_ids) {
        child.n_ids--;
        memmove(child.ids, child.ids + 1, child.n_ids * sizeof *child.ids);
    }
    /* What does not fit is lost: the agent reads after each line. */
    if (s.length && send(child.fd, s.string, s.length, MSG_NOSIGNAL) < 0) {
        ovs_assert(errno == EAGAIN || errno == EPIPE);
    }
    ds_destroy(&s);
}

/* The agent. */

struct agent {
    struct sg_script *script;
    struct sg_policy *policy;   /* NULL: not loaded. */
    struct sg_answers answers;
    struct sg_facts facts;
    struct sg_ports ports;
};

static void
agent_admit(struct agent *agent)
{
    const struct sg_binder binder = { sg_answers_ask, &agent->answers };

    sg_answers_begin(&agent->answers);
    sg_ports_admit_all(&agent->ports, agent->policy, &binder, &agent->facts);
    sg_answers_end(&agent->answers, NULL);
}

static void
agent_load(struct agent *agent, struct json *document,
           struct sg_diags *diags)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    agent->policy = sg_policy_from_document(document, diags);
    sg_diags_sort(diags);
    sg_diags_format(diags, true, &s);
    ds_destroy(&s);
    ovs_assert(agent->policy || diags->n_errors);
    if (agent->policy && diags->n_errors) {
        sg_policy_unref(agent->policy);
        agent->policy = NULL;
    }
}

static void
agent_run(struct agent *agent)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct json *document = NULL;

    sg_script_run(agent->script);
    sg_script_wait(agent->script);
    poll_immediate_wake();
    poll_block();
    if (sg_script_take(agent->script, &document, &diags) && document) {
        agent_load(agent, document, &diags);
    }
    json_destroy(document);
    sg_diags_destroy(&diags);
    if (agent->policy) {
        sg_answers_run(&agent->answers, NULL);
        agent_admit(agent);
    }
}

static void
agent_init(struct agent *agent)
{
    static const char *const paths[] = { "/dev/null", "/dev/null" };
    struct sg_iface *iface;

    agent->script = sg_script_start(paths, ARRAY_SIZE(paths), NULL);
    agent->policy = NULL;
    sg_answers_init(&agent->answers, agent->script);
    sg_facts_init(&agent->facts);
    iface = sg_facts_add_iface(&agent->facts, "tap0",
                               sg_facts_add_bridge(&agent->facts, "br0"));
    smap_add(&iface->external_ids, "iface-id", "x");
    sg_ports_init(&agent->ports);
}

static void
agent_destroy(struct agent *agent)
{
    sg_answers_destroy(&agent->answers);
    sg_script_destroy(agent->script);
    sg_ports_destroy(&agent->ports);
    sg_facts_destroy(&agent->facts);
    sg_policy_unref(agent->policy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *line = (const char *) data, *end = line + size;
    struct agent agent;

    agent_init(&agent);
    while (line < end) {
        const char *newline = memchr(line, '\n', end - line);
        size_t n = (newline ? newline : end) - line;

        child_listen();
        if (n == 1 && *line == 'x') {
            child_end();
        } else if (child.fd >= 0) {
            child_say(line, n);
        }
        for (int i = 0; i < TURNS; i++) {
            agent_run(&agent);
        }
        line += n + 1;
    }
    child_end();
    agent_run(&agent);
    agent_destroy(&agent);
    child_end();
    return 0;
}
