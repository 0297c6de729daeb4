/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/answers.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "script/facts.h"
#include "script/script.h"
#include "script/wire.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

/* When to ask again after the child was killed (milliseconds). */
#define RETRY_MIN 30000
#define RETRY_MAX 600000

/* What one function says of one interface. */
struct answer {
    struct hmap_node node;      /* In sg_answers.all. */
    struct uuid iface;          /* Its row. */
    int function;
    unsigned int round;         /* When it was last asked for. */

    char *facts;                /* That 'json' is the answer to, or will be,
                                 * if there is a 'call'. */
    struct json *json;          /* NULL: none so far. */
    struct sg_script_call *call;    /* NULL: none is under way. */

    long long int retry;        /* When to ask the same again; 0: never. */
    int backoff;                /* How long that took last time. */
};

void
sg_answers_init(struct sg_answers *answers, struct sg_script *script)
{
    answers->script = script;
    hmap_init(&answers->all);
    answers->round = 0;
    answers->n_calls = 0;
}

static void
cancel(struct sg_answers *answers, struct answer *a)
{
    answers->n_calls -= a->call != NULL;
    sg_script_call_cancel(a->call);
    a->call = NULL;
}

static void
answer_destroy(struct sg_answers *answers, struct answer *a)
{
    hmap_remove(&answers->all, &a->node);
    cancel(answers, a);
    json_destroy(a->json);
    free(a->facts);
    free(a);
}

void
sg_answers_destroy(struct sg_answers *answers)
{
    struct answer *a;

    HMAP_FOR_EACH_SAFE (a, node, &answers->all) {
        answer_destroy(answers, a);
    }
    hmap_destroy(&answers->all);
}

/* Asking. */

static uint32_t
hash_key(const struct uuid *iface, int function)
{
    return hash_int(function, uuid_hash(iface));
}

static struct answer *
find(struct sg_answers *answers, const struct uuid *iface, int function)
{
    uint32_t hash = hash_key(iface, function);
    struct answer *a;

    HMAP_FOR_EACH_WITH_HASH (a, node, hash, &answers->all) {
        if (uuid_equals(&a->iface, iface) && a->function == function) {
            return a;
        }
    }
    a = xzalloc(sizeof *a);
    a->iface = *iface;
    a->function = function;
    hmap_insert(&answers->all, &a->node, hash);
    return a;
}

static void
ask(struct sg_answers *answers, struct answer *a)
{
    struct json *facts = json_from_string(a->facts);

    cancel(answers, a);
    a->call = sg_script_call(answers->script, "call", a->function, facts);
    answers->n_calls++;
    a->retry = 0;
}

/* What an answer means to admission.  The child is not trusted. */
static char *
read_answer(const struct json *json, enum sg_bind_answer *answer,
            struct svec *groups)
{
    const struct json *error = sg_wire_get(json, "error", JSON_STRING);
    const struct json *names = sg_wire_get(json, "groups", JSON_ARRAY);

    *answer = SG_BIND_NO;
    if (error) {
        char *sentence = xstrdup(json_string(error));

        sg_wire_clean(sentence);
        return sentence;
    } else if (names) {
        *answer = SG_BIND_YES;
        for (size_t i = 0; i < names->array.n; i++) {
            const char *name = sg_wire_string(names, i);

            svec_add(groups, name ? name : "");
        }
    } else if (!sg_wire_get(json, "mine", JSON_FALSE)) {
        return xstrdup("the interpreter gave no answer");
    }
    return NULL;
}

char *
sg_answers_ask(void *answers_, int function, const struct sg_iface *iface,
               enum sg_bind_answer *answer, struct svec *groups)
{
    struct sg_answers *answers = answers_;

    if (!answers->script) {
        *answer = SG_BIND_NO;
        return xstrdup("the policy has no functions");
    }

    struct answer *a = find(answers, &iface->uuid, function);
    struct json *json = sg_iface_to_json(iface);
    char *facts = json_to_string(json, JSSF_SORT);

    json_destroy(json);
    a->round = answers->round;
    if (a->facts && !strcmp(a->facts, facts)) {
        free(facts);
    } else {
        free(a->facts);
        a->facts = facts;
        a->backoff = 0;
        ask(answers, a);
    }
    if (!a->json) {
        *answer = SG_BIND_PENDING;
        return NULL;
    }
    return read_answer(a->json, answer, groups);
}

char *
sg_answers_block(void *script, int function, const struct sg_iface *iface,
                 enum sg_bind_answer *answer, struct svec *groups)
{
    *answer = SG_BIND_NO;
    if (!script) {
        return xstrdup("the policy has no functions");
    }

    struct json *json = sg_script_call_block(script, "call", function,
                                             sg_iface_to_json(iface));
    char *error = read_answer(json, answer, groups);
    json_destroy(json);
    return error;
}

/* Answers. */

static void
schedule_retry(struct answer *a)
{
    a->backoff = (a->backoff ? MIN(a->backoff * 2, RETRY_MAX) : RETRY_MIN);
    a->retry = time_msec() + a->backoff;
}

/* Returns true if there is another answer than before. */
static bool
take_answer(struct sg_answers *answers, struct answer *a)
{
    struct json *json = a->call ? sg_script_call_take(a->call) : NULL;

    if (!json) {
        return false;
    }
    a->call = NULL;
    answers->n_calls--;
    bool changed = !a->json || !json_equal(a->json, json);
    json_destroy(a->json);
    a->json = json;
    if (sg_wire_get(json, "again", JSON_TRUE)) {
        schedule_retry(a);
    }
    return changed;
}

bool
sg_answers_run(struct sg_answers *answers)
{
    bool changed = false;
    struct answer *a;

    HMAP_FOR_EACH (a, node, &answers->all) {
        changed |= take_answer(answers, a);
        if (a->retry && time_msec() >= a->retry) {
            ask(answers, a);
        }
    }
    return changed;
}

void
sg_answers_wait(struct sg_answers *answers)
{
    struct answer *a;

    HMAP_FOR_EACH (a, node, &answers->all) {
        if (a->retry) {
            poll_timer_wait_until(a->retry);
        }
    }
}

bool
sg_answers_is_pending(const struct sg_answers *answers)
{
    return answers->n_calls > 0;
}

void
sg_answers_begin(struct sg_answers *answers)
{
    answers->round++;
}

void
sg_answers_end(struct sg_answers *answers)
{
    struct answer *a;

    HMAP_FOR_EACH_SAFE (a, node, &answers->all) {
        if (a->round != answers->round) {
            answer_destroy(answers, a);
        }
    }
}
