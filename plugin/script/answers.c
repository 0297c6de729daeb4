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
#include "sset.h"
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
    struct ovs_list list;       /* In sg_answers.asked while there is a
                                 * 'call', .retrying while there is a 'retry';
                                 * else empty. */
    struct uuid iface;          /* Its row, */
    char *name;                 /* and its name. */
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
    ovs_list_init(&answers->asked);
    ovs_list_init(&answers->retrying);
    answers->round = 0;
}

/* It waits for nothing any more. */
static void
cancel(struct answer *a)
{
    ovs_list_remove(&a->list);
    ovs_list_init(&a->list);
    sg_script_call_cancel(a->call);
    a->call = NULL;
    a->retry = 0;
}

static void
answer_destroy(struct sg_answers *answers, struct answer *a)
{
    hmap_remove(&answers->all, &a->node);
    cancel(a);
    json_destroy(a->json);
    free(a->facts);
    free(a->name);
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

static struct answer *
find(struct sg_answers *answers, const struct sg_iface *iface, int function)
{
    uint32_t hash = uuid_hash(&iface->uuid);
    struct answer *a;

    HMAP_FOR_EACH_WITH_HASH (a, node, hash, &answers->all) {
        if (uuid_equals(&a->iface, &iface->uuid) && a->function == function) {
            return a;
        }
    }
    a = xzalloc(sizeof *a);
    a->iface = iface->uuid;
    a->name = xstrdup(iface->name);
    a->function = function;
    ovs_list_init(&a->list);
    hmap_insert(&answers->all, &a->node, hash);
    return a;
}

static void
ask(struct sg_answers *answers, struct answer *a)
{
    struct json *facts = json_from_string(a->facts);

    cancel(a);
    a->call = sg_script_call(answers->script, "call", a->function, facts);
    ovs_list_push_back(&answers->asked, &a->list);
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

    struct answer *a = find(answers, iface, function);
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
schedule_retry(struct sg_answers *answers, struct answer *a)
{
    a->backoff = (a->backoff ? MIN(a->backoff * 2, RETRY_MAX) : RETRY_MIN);
    a->retry = time_msec() + a->backoff;
    ovs_list_push_back(&answers->retrying, &a->list);
}

/* Takes over 'json', the answer to what 'a' asks for; returns true if it is
 * another one than before. */
static bool
take_answer(struct sg_answers *answers, struct answer *a, struct json *json)
{
    bool changed = !a->json || !json_equal(a->json, json);

    a->call = NULL;             /* It has gone with its answer. */
    cancel(a);
    json_destroy(a->json);
    a->json = json;
    if (sg_wire_get(json, "again", JSON_TRUE)) {
        schedule_retry(answers, a);
    }
    return changed;
}

void
sg_answers_run(struct sg_answers *answers, struct sset *changed)
{
    struct answer *a;

    /* A script answers in the order in which it was asked. */
    LIST_FOR_EACH_SAFE (a, list, &answers->asked) {
        struct json *json = sg_script_call_take(a->call);

        if (!json) {
            break;
        }
        if (take_answer(answers, a, json) && changed) {
            sset_add(changed, a->name);
        }
    }
    LIST_FOR_EACH_SAFE (a, list, &answers->retrying) {
        if (time_msec() >= a->retry) {
            ask(answers, a);
        }
    }
}

void
sg_answers_wait(struct sg_answers *answers)
{
    const struct answer *a;

    LIST_FOR_EACH (a, list, &answers->retrying) {
        poll_timer_wait_until(a->retry);
    }
}

bool
sg_answers_is_pending(const struct sg_answers *answers)
{
    return !ovs_list_is_empty(&answers->asked);
}

void
sg_answers_begin(struct sg_answers *answers)
{
    answers->round++;
}

static void
forget_all(struct sg_answers *answers)
{
    struct answer *a;

    HMAP_FOR_EACH_SAFE (a, node, &answers->all) {
        if (a->round != answers->round) {
            answer_destroy(answers, a);
        }
    }
}

static void
forget_of(struct sg_answers *answers, const struct uuid *iface)
{
    struct hmap_node *node = hmap_first_with_hash(&answers->all,
                                                  uuid_hash(iface));

    while (node) {
        struct answer *a = CONTAINER_OF(node, struct answer, node);

        node = hmap_next_with_hash(node);
        if (uuid_equals(&a->iface, iface) && a->round != answers->round) {
            answer_destroy(answers, a);
        }
    }
}

void
sg_answers_end(struct sg_answers *answers, const struct uuid *iface)
{
    if (iface) {
        forget_of(answers, iface);
    } else {
        forget_all(answers);
    }
}
