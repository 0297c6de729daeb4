/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ctl/test-step.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/policy.h"
#include "util.h"

/* Connections that are shown of those that an assertion asks for, and of
 * those that are not as expected. */
#define MAX_SHOWN 3

/* "web1, web2 -> db1 tcp 5432, tcp 5433 is refused". */
static void
name_assertion(const struct json *step, struct ds *what)
{
    const struct json *flows = step_get(step, "flows");
    const char *description = step_string(step, "description");
    const char *family = step_string(step, "family");

    step_put_place(step, what);
    if (description) {
        ds_put_format(what, "%s: ", description);
    }
    step_put_list(step_get(step, "from"), what);
    ds_put_cstr(what, " -> ");
    step_put_list(step_get(step, "to"), what);
    for (size_t i = 0; i < MIN(step_n(flows), MAX_SHOWN); i++) {
        const struct json *flow = flows->array.elems[i];
        const char *port = step_string(flow, "port");

        ds_put_format(what, "%s %s%s%s", i ? "," : "",
                      step_string(flow, "proto"), port ? " " : "",
                      port ? port : "");
    }
    if (step_n(flows) > MAX_SHOWN) {
        ds_put_format(what, " and %"PRIuSIZE" more",
                      step_n(flows) - MAX_SHOWN);
    }
    ds_put_format(what, "%s%s %s", family ? " over " : "",
                  family ? family : "", step_string(step, "kind"));
}

static uint8_t
families_of(const struct json *step)
{
    const char *family = step_string(step, "family");

    return (!family ? SG_IP_ANY : !strcmp(family, "ipv4") ? SG_IPV4
            : SG_IPV6);
}

/* The questions of one assertion: each of 'from' to each of 'to' with each of
 * 'flows'.  Pairs without a family in common are left out, but whatever is
 * named must take part in some question, or the test would test nothing. */
struct questions {
    const struct json *step;
    const struct json *lists[3];    /* "from", "to", "flows". */
    bool *asked[3];                 /* Of each element of these. */
    struct ds *why;                 /* Lines about what is not as expected. */
    size_t n_shown, n_more;         /* How many there are in it, and more. */
};

enum { FROM, TO, FLOWS };

static void
questions_init(struct questions *q, const struct json *step, struct ds *why)
{
    static const char *const keys[] = { "from", "to", "flows" };

    *q = (struct questions) { .step = step, .why = why };
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        q->lists[i] = step_get(step, keys[i]);
        q->asked[i] = xcalloc(step_n(q->lists[i]) + 1, sizeof *q->asked[i]);
    }
}

static void
questions_destroy(struct questions *q)
{
    for (size_t i = 0; i < ARRAY_SIZE(q->asked); i++) {
        free(q->asked[i]);
    }
}

/* Adds 'lines' unless they are there already (an unknown name is wrong in
 * every question) or there are enough. */
static void
complain(struct questions *q, const char *lines)
{
    if (strstr(ds_cstr(q->why), lines)) {
        return;
    }
    if (q->n_shown < MAX_SHOWN) {
        ds_put_cstr(q->why, lines);
        q->n_shown++;
    } else {
        q->n_more++;
    }
}

/* Asks the question whose parts have the numbers 'is'.  If it cannot be asked
 * stores the reason in 'not_asked'. */
static void
ask(struct test_run *run, struct questions *q, const size_t is[3],
    struct ds *not_asked)
{
    const struct json *flow = q->lists[FLOWS]->array.elems[is[FLOWS]];
    struct test_question question = {
        .from = step_elem(q->lists[FROM], is[FROM]),
        .to = step_elem(q->lists[TO], is[TO]),
        .proto = step_string(flow, "proto"),
        .port = step_string(flow, "port"),
        .families = families_of(q->step),
    };
    bool allowed = !strcmp(step_string(q->step, "kind"), "allowed");
    struct ds why = DS_EMPTY_INITIALIZER;
    enum test_answer answer;

    answer = test_world_ask(&run->world, &question, allowed, &why);
    if (answer == TEST_NOT_ASKED) {
        ds_clear(not_asked);
        ds_put_cstr(not_asked, ds_cstr(&why));
    } else {
        for (int i = 0; i < 3; i++) {
            q->asked[i][is[i]] = true;
        }
        if (answer == TEST_OTHERWISE) {
            complain(q, ds_cstr(&why));
        }
    }
    ds_destroy(&why);
}

static bool
all_asked(const struct questions *q)
{
    for (int i = 0; i < 3; i++) {
        for (size_t j = 0; j < step_n(q->lists[i]); j++) {
            if (!q->asked[i][j]) {
                return false;
            }
        }
    }
    return true;
}

static void
ask_all(struct test_run *run, const struct json *step, struct ds *why)
{
    struct ds not_asked = DS_EMPTY_INITIALIZER;
    struct questions q;
    size_t is[3];

    questions_init(&q, step, why);
    for (is[FROM] = 0; is[FROM] < step_n(q.lists[FROM]); is[FROM]++) {
        for (is[TO] = 0; is[TO] < step_n(q.lists[TO]); is[TO]++) {
            for (is[FLOWS] = 0; is[FLOWS] < step_n(q.lists[FLOWS]);
                 is[FLOWS]++) {
                ask(run, &q, is, &not_asked);
            }
        }
    }
    if (q.n_more) {
        ds_put_format(why, "and %"PRIuSIZE" more\n", q.n_more);
    }
    if (!all_asked(&q)) {
        ds_put_cstr(why, ds_cstr(&not_asked));
    }
    ds_destroy(&not_asked);
    questions_destroy(&q);
}

void
test_assertion_run(struct test_run *run, const struct json *step)
{
    struct ds what = DS_EMPTY_INITIALIZER;
    struct ds why = DS_EMPTY_INITIALIZER;

    name_assertion(step, &what);
    if (test_run_has_policy(run, &why)) {
        ask_all(run, step, &why);
    }
    step_put_chain(step, &why);
    tap_point(&run->tap, !why.length, ds_cstr(&what), ds_cstr(&why));
    ds_destroy(&what);
    ds_destroy(&why);
}
