/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "resolve/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "policy/policy.h"
#include "resolve/loop.h"
#include "resolve/memory.h"
#include "resolve/parse.h"
#include "resolve/question.h"
#include "resolve/saver.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_addresses);

COVERAGE_DEFINE(sg_set_published);

/* How often the file is written at most (milliseconds). */
#define SAVE_INTERVAL 1000

/* How long one turn may take answers (microseconds). */
#define MAX_RUN 5000

/* What one question stands for. */
struct source {
    struct hmap_node node;      /* In sg_resolver.sources, by 'id'. */
    struct set *set;
    uint64_t id;                /* Of the question. */
    int function;               /* That is asked instead, or -1. */
    bool asking;                /* 'function' was asked, */
    uint64_t asking_for;        /* for this order. */
    unsigned int failures;      /* Of 'function', in a row. */
    char *name;                 /* sg_question_source(). */
    char *options;              /* sg_question_options(). */
    struct sg_prefix *prefixes; /* The last good value; sorted, unique. */
    size_t n;
    bool valued;                /* There is one. */
    uint64_t ordered;           /* The last order to ask. */
    uint64_t forced;            /* The last one by which the answer is taken
                                 * whatever it is, or 0. */
    uint64_t answered;          /* The last one for which an answer or an error
                                 * came, 0: none since it is asked this way. */
    long long int fetched;      /* As in struct sg_source_status. */
    long long int next;
    long long int due;          /* The same of 'function', as time_msec(): the
                                 * clock of the wall may be set. */
    long long int failed;
    char *error;
};

struct set {
    struct sg_addresses *definition;    /* A copy. */
    struct source **sources;    /* In the order of the definition. */
    size_t n;
    struct sg_prefix *held;     /* Value of older sources, or NULL. */
    size_t n_held;
    char *refused;              /* Why a refresh was not taken, or NULL. */
    bool touched;               /* publish() is due. */
};

struct sg_resolver {
    struct sg_loop *loop;       /* NULL until there is something to ask. */
    bool behind;                /* It has more answers. */
    struct shash sets;          /* name -> struct set. */
    struct hmap sources;        /* struct source. */
    struct sg_sets values;
    uint64_t last_id;
    uint64_t last_order;        /* To ask a source. */
    char *file;                 /* Or NULL. */
    struct sg_memories remembered;  /* What was in it. */
    bool unsaved;
    long long int last_save;    /* time_msec(). */
    struct sg_saver *saver;     /* At work, or NULL. */
};

/* Values. */

struct prefixes {
    struct sg_prefix *list;
    size_t n, allocated;
    size_t n_parts;             /* Lists that were added. */
};

static void
prefixes_add(struct prefixes *p, const struct sg_prefix *list, size_t n)
{
    if (p->n + n > p->allocated) {
        p->allocated = MAX(p->n + n, 2 * p->allocated);
        p->list = xrealloc(p->list, p->allocated * sizeof *p->list);
    }
    if (n) {
        memcpy(&p->list[p->n], list, n * sizeof *list);
        p->n += n;
        p->n_parts++;
    }
}

static void
prefixes_finish(struct prefixes *p)
{
    p->n = p->n ? sg_prefixes_sort_unique(p->list, p->n) : 0;
}

/* Has it answered what it was last asked? */
static bool
source_is_settled(const struct source *source)
{
    return source->answered >= source->ordered;
}

/* Does what 'source' said last count? */
static bool
source_counts(const struct source *source)
{
    return source->valued && !(source->error
                               && source->set->definition->empty_on_error);
}

/* The union of all sources of 'set', with 'list' in place of what 'replaced'
 * (may be NULL) stands for. */
static struct prefixes
set_value(const struct set *set, const struct source *replaced,
          const struct sg_prefix *list, size_t n)
{
    struct prefixes value = { NULL, 0, 0, 0 };

    for (size_t i = 0; i < set->n; i++) {
        const struct source *source = set->sources[i];

        if (source == replaced) {
            prefixes_add(&value, list, n);
        } else if (source_counts(source)) {
            prefixes_add(&value, source->prefixes, source->n);
        }
    }
    prefixes_add(&value, set->held, set->n_held);
    if (value.n_parts > 1) {            /* Each is sorted. */
        prefixes_finish(&value);
    }
    return value;
}

/* Makes what the sources of 'set' say its value. */
static bool
publish(struct sg_resolver *r, struct set *set)
{
    struct prefixes value = set_value(set, NULL, NULL, 0);
    bool changed = sg_sets_take(&r->values, set->definition->name, value.list,
                                value.n);

    COVERAGE_INC(sg_set_published);
    set->touched = false;
    if (changed) {
        VLOG_INFO("addresses \"%s\": %"PRIuSIZE" addresses and prefixes",
                  set->definition->name, value.n);
    }
    return changed;
}

/* How many prefixes are in one of 'a' and 'b' and not in the other. */
static size_t
count_changes(const struct prefixes *a, const struct sg_set *b)
{
    size_t i = 0, j = 0, same = 0, n = b ? b->n : 0;

    while (i < a->n && j < n) {
        int cmp = sg_prefix_compare(&a->list[i], &b->prefixes[j]);

        same += !cmp;
        i += cmp <= 0;
        j += cmp >= 0;
    }
    return a->n + n - 2 * same;
}

/* NULL, or why `max_change' refuses that 'list' becomes the value of
 * 'source'. */
static char *
check_change(const struct sg_resolver *r, const struct source *source,
             const struct sg_prefix *list, size_t n)
{
    const struct set *set = source->set;
    const struct sg_addresses *a = set->definition;
    const struct sg_set *old = sg_sets_find(&r->values, a->name);

    if (a->max_change < 0 || source->answered < source->forced
        || !source->valued || set->held) {
        return NULL;
    }

    struct prefixes value = set_value(set, source, list, n);
    size_t changes = count_changes(&value, old);
    size_t total = old ? old->n : 0;
    size_t limit = a->max_change;
    char *refused = NULL;

    if (a->max_change_percent) {
        limit = total * limit / 100;
    }
    if (changes > limit) {
        refused = xasprintf(
            "%s changes %"PRIuSIZE" of %"PRIuSIZE" addresses, more than "
            "max_change (%d%s) allows; the old ones stay; if that is right, "
            "run `ovs-sgctl refresh %s --force'", source->name, changes,
            total, a->max_change, a->max_change_percent ? "%" : "", a->name);
    }
    free(value.list);
    return refused;
}

/* Sources. */

/* Takes over 'list', which is sorted. */
static void
source_set(struct source *source, struct sg_prefix *list, size_t n)
{
    free(source->prefixes);
    source->prefixes = list;
    source->n = n;
    source->valued = true;
}

/* Answers to what was asked so far are nobody's from now on. */
static void
source_forget(struct sg_resolver *r, struct source *source)
{
    if (source->function < 0) {
        sg_loop_remove(r->loop, source->id);
    }
    hmap_remove(&r->sources, &source->node);
}

static void
source_destroy(struct sg_resolver *r, struct source *source)
{
    source_forget(r, source);
    free(source->name);
    free(source->options);
    free(source->prefixes);
    free(source->error);
    free(source);
}

static struct source *
find_source(const struct sg_resolver *r, uint64_t id)
{
    struct source *source;

    HMAP_FOR_EACH_WITH_HASH (source, node, hash_uint64(id), &r->sources) {
        if (source->id == id) {
            return source;
        }
    }
    return NULL;
}

/* Begins to ask 'question', which it takes over. */
static void
source_ask(struct sg_resolver *r, struct source *source,
           struct sg_addresses *question)
{
    source->id = ++r->last_id;
    source->function = question->function;
    source->asking = false;
    source->ordered = ++r->last_order;
    source->answered = 0;
    source->next = source->due = 0;
    hmap_insert(&r->sources, &source->node, hash_uint64(source->id));
    if (source->function >= 0) {
        sg_addresses_destroy(question);
        return;
    }
    if (!r->loop) {
        r->loop = sg_loop_create();
    }
    sg_loop_add(r->loop, source->id, source->ordered, question);
}

static void
recall(const struct sg_resolver *r, struct source *source)
{
    const struct sg_memory *memory = sg_memories_find(
        &r->remembered, source->set->definition->name, source->name);

    if (memory) {
        source_set(source, xmemdup(memory->prefixes,
                                   memory->n * sizeof *memory->prefixes),
                   memory->n);
        source->fetched = memory->fetched;
    }
}

static struct source *
source_create(struct sg_resolver *r, struct set *set,
              struct sg_addresses *question)
{
    struct source *source = xzalloc(sizeof *source);

    source->set = set;
    source->name = sg_question_source(question);
    source->options = sg_question_options(question);
    recall(r, source);
    source_ask(r, source, question);
    return source;
}

/* Sets. */

static void
set_drop_held(struct set *set)
{
    free(set->held);
    set->held = NULL;
    set->n_held = 0;
}

static void
set_destroy(struct sg_resolver *r, struct set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        source_destroy(r, set->sources[i]);
    }
    sg_addresses_destroy(set->definition);
    set_drop_held(set);
    free(set->sources);
    free(set->refused);
    free(set);
}

/* Takes the source that is asked the same out of 'old', which has 'n'. */
static struct source *
take_source(struct source **old, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        struct source *source = old[i];

        if (source && !strcmp(source->name, name)) {
            old[i] = NULL;
            return source;
        }
    }
    return NULL;
}

/* A source that goes on, asked in another way if need be. */
static void
source_continue(struct sg_resolver *r, struct source *source,
                struct sg_addresses *question)
{
    char *options = sg_question_options(question);

    if (strcmp(options, source->options) || question->function >= 0) {
        source_forget(r, source);
        free(source->options);
        source->options = options;
        source_ask(r, source, question);
    } else {
        free(options);
        sg_addresses_destroy(question);
    }
}

/* Another file or URL says nothing of what the old one said. */
static void
hold_old_value(struct sg_resolver *r, struct set *set)
{
    const struct sg_set *old = sg_sets_find(&r->values,
                                            set->definition->name);

    if (old && old->n && !set->held && set->n && !set->sources[0]->valued) {
        set->held = xmemdup(old->prefixes, old->n * sizeof *old->prefixes);
        set->n_held = old->n;
    }
}

static void
set_define(struct sg_resolver *r, struct set *set,
           const struct sg_addresses *definition)
{
    struct source **old = set->sources;
    size_t n_old = set->n;
    bool names = (set->definition && set->definition->type == SG_SOURCE_DNS
                  && definition->type == SG_SOURCE_DNS);

    sg_addresses_destroy(set->definition);
    set->definition = sg_question_create(definition, SIZE_MAX);
    set->n = definition->n_targets;
    set->sources = xmalloc(MAX(set->n, 1) * sizeof *set->sources);
    for (size_t i = 0; i < set->n; i++) {
        struct sg_addresses *question = sg_question_create(definition, i);
        char *name = sg_question_source(question);
        struct source *source = take_source(old, n_old, name);

        if (source) {
            source_continue(r, source, question);
        } else {
            source = source_create(r, set, question);
        }
        set->sources[i] = source;
        free(name);
    }
    for (size_t i = 0; i < n_old; i++) {
        if (old[i]) {
            source_destroy(r, old[i]);
        }
    }
    free(old);
    if (!names) {
        hold_old_value(r, set);
    }
}

bool
sg_resolver_configure(struct sg_resolver *r, const struct sg_policy *policy)
{
    const struct sg_addresses *a;
    struct shash_node *node;
    bool changed = false;

    SHASH_FOR_EACH_SAFE (node, &r->sets) {
        if (!sg_policy_addresses(policy, node->name)) {
            set_destroy(r, node->data);
            sg_sets_remove(&r->values, node->name);
            shash_delete(&r->sets, node);
            r->unsaved = changed = true;
        }
    }
    HMAP_FOR_EACH (a, node, &policy->addresses) {
        struct set *set = shash_find_data(&r->sets, a->name);

        if (!set) {
            set = xzalloc(sizeof *set);
            shash_add(&r->sets, a->name, set);
        }
        set_define(r, set, a);
        changed |= publish(r, set);
    }
    return changed;
}

/* Answers. */

/* Have all sources said something, be it that they fail? */
static bool
set_has_answered(const struct set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        if (!set->sources[i]->answered) {
            return false;
        }
    }
    return true;
}

static void
note_error(struct source *source, char *error)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);
    const struct sg_addresses *a = source->set->definition;

    /* The same again would only fill the log. */
    if (error && !nullable_string_is_equal(error, source->error)) {
        VLOG_WARN_RL(&rl, "addresses \"%s\": %s; %s", a->name, error,
                     a->empty_on_error ? "it stands for nothing now"
                     : source->valued ? "the last good value stays"
                     : "it has no value yet");
    } else if (!error && source->error) {
        VLOG_INFO_RL(&rl, "addresses \"%s\": %s answers again", a->name,
                     source->name);
    }
    if (error && !source->failed) {
        source->failed = time_wall_msec();
    } else if (!error) {
        source->failed = 0;
    }
    free(source->error);
    source->error = error;
}

static void
note_refused(struct set *set, char *refused)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

    if (refused && !nullable_string_is_equal(refused, set->refused)) {
        VLOG_WARN_RL(&rl, "addresses \"%s\": %s", set->definition->name,
                     refused);
    }
    free(set->refused);
    set->refused = refused;
}

/* The part of the old value that 'answer' says nothing about, and what it
 * says, which is taken out of it. */
static struct prefixes
new_value(const struct source *source, struct sg_answer *answer)
{
    struct prefixes value = { NULL, 0, 0, 0 };

    if (answer->families == SG_IP_ANY) {
        value.list = answer->prefixes;
        value.n = answer->n;
        answer->prefixes = NULL;
        answer->n = 0;
        return value;
    }
    for (size_t i = 0; i < source->n; i++) {
        uint8_t family = (sg_prefix_is_ipv4(&source->prefixes[i])
                          ? SG_IPV4 : SG_IPV6);
        if (!(answer->families & family)) {
            prefixes_add(&value, &source->prefixes[i], 1);
        }
    }
    prefixes_add(&value, answer->prefixes, answer->n);
    prefixes_finish(&value);
    return value;
}

static void
take_value(struct sg_resolver *r, struct source *source,
           struct sg_answer *answer)
{
    struct prefixes value = new_value(source, answer);
    char *refused = check_change(r, source, value.list, value.n);

    note_refused(source->set, refused);
    if (refused) {
        free(value.list);
        return;
    }
    source_set(source, value.list, value.n);
    source->fetched = time_wall_msec();
    r->unsaved = true;
}

/* The value of a set is made once for all answers of a turn, of which a set of
 * 1,000 DNS names may have 1,000: each takes a look at all of them. */
static bool
publish_touched(struct sg_resolver *r)
{
    struct shash_node *node;
    bool changed = false;

    SHASH_FOR_EACH (node, &r->sets) {
        struct set *set = node->data;

        if (set->touched) {
            changed |= publish(r, set);
        }
    }
    return changed;
}

/* Returns true if that changed the value of a set, or settled a source.  If
 * that was asked again meanwhile, what comes now may be older than the
 * question, and counts, but settles nothing. */
static bool
take_answer(struct sg_resolver *r, struct sg_answer *answer)
{
    struct source *source = find_source(r, answer->question);
    struct set *set = source ? source->set : NULL;
    bool changed = false;

    if (!source) {
        return false;           /* Nobody asks that any more. */
    }
    if (set->touched && set->definition->max_change >= 0) {
        changed = publish(r, set);      /* Changes are counted from there. */
    }
    if (answer->families) {
        take_value(r, source, answer);
    } else if (!answer->error && !set->refused) {
        source->fetched = time_wall_msec();     /* Nothing new. */
        r->unsaved = true;
    }
    note_error(source, answer->error);
    answer->error = NULL;

    bool was_settled = source_is_settled(source);
    source->answered = MAX(source->answered, answer->order);
    if (source_is_settled(source)) {
        source->next = time_wall_msec() + answer->next * 1000LL;
        source->due = time_msec() + answer->next * 1000LL;
    } else {
        source->next = source->due = 0;
    }
    if (set_has_answered(set)) {
        set_drop_held(set);
    }
    set->touched = true;
    return changed || (!was_settled && source_is_settled(source));
}

bool
sg_resolver_run(struct sg_resolver *r)
{
    long long int start = time_usec();
    struct sg_answer *answer;
    bool changed = false, any = false;

    r->behind = false;
    while (r->loop && !r->behind && (answer = sg_loop_next(r->loop))) {
        changed |= take_answer(r, answer);
        sg_answer_destroy(answer);
        any = true;
        r->behind = time_usec() - start >= MAX_RUN;
    }
    return (any && publish_touched(r)) || changed;
}

/* Functions. */

static bool
function_is_idle(const struct source *source)
{
    return source->function >= 0 && !source->asking;
}

bool
sg_resolver_next_function(struct sg_resolver *r, uint64_t *id, int *function)
{
    struct source *source;

    HMAP_FOR_EACH (source, node, &r->sources) {
        if (function_is_idle(source) && time_msec() >= source->due) {
            source->asking = true;
            source->asking_for = source->ordered;
            *id = source->id;
            *function = source->function;
            return true;
        }
    }
    return false;
}

/* 'list' in the form of an answer of the other thread. */
static void
read_list(const struct json *list, struct sg_answer *answer)
{
    static const struct sg_addresses json_list = { .format = SG_FORMAT_JSON };
    char *text = json_to_string(list, 0);

    answer->error = sg_parse_addresses(text, strlen(text), &json_list,
                                       &answer->prefixes, &answer->n);
    answer->families = answer->error ? 0 : SG_IP_ANY;
    free(text);
}

bool
sg_resolver_function_answered(struct sg_resolver *r, uint64_t id,
                              const struct json *list, char *error)
{
    struct sg_answer *answer = xzalloc(sizeof *answer);
    struct source *source = find_source(r, id);
    bool changed;

    answer->question = id;
    answer->error = error;
    if (!error) {
        read_list(list, answer);
    }
    if (source) {
        source->asking = false;
        answer->order = source->asking_for;
        source->failures = answer->error ? source->failures + 1 : 0;
        answer->next = sg_question_pause(source->set->definition,
                                         source->failures, 0);
    }
    changed = take_answer(r, answer);
    sg_answer_destroy(answer);
    return publish_touched(r) || changed;
}

void
sg_resolver_wait(struct sg_resolver *r)
{
    const struct source *source;

    if (r->loop) {
        sg_loop_wait(r->loop);
    }
    if (r->behind) {
        poll_immediate_wake();
    }
    HMAP_FOR_EACH (source, node, &r->sources) {
        if (function_is_idle(source)) {
            poll_timer_wait_until(source->due);
        }
    }
}

/* What outlives us. */

/* Copies of the values are written by a thread (saver.h). */
static struct sg_saver *
start_saver(const struct sg_resolver *r)
{
    struct sg_memory *values = xcalloc(MAX(hmap_count(&r->sources), 1),
                                       sizeof *values);
    const struct source *source;
    struct sg_saver *saver;
    size_t n = 0;

    HMAP_FOR_EACH (source, node, &r->sources) {
        if (source->valued) {
            values[n++] = (struct sg_memory) {
                source->set->definition->name, source->name, source->fetched,
                source->prefixes, source->n
            };
        }
    }
    saver = sg_saver_start(r->file, values, n);
    free(values);
    return saver;
}

void
sg_resolver_save(struct sg_resolver *r)
{
    if (r->saver && sg_saver_finish(r->saver)) {
        r->saver = NULL;
    }
    if (r->file && r->unsaved && !r->saver
        && time_msec() >= r->last_save + SAVE_INTERVAL) {
        r->unsaved = false;
        r->last_save = time_msec();
        r->saver = start_saver(r);
        /* What an earlier life knew of others is old: a set that comes back
         * later must not have it. */
        sg_memories_clear(&r->remembered);
    }
}

void
sg_resolver_save_wait(const struct sg_resolver *r)
{
    if (r->saver) {
        sg_saver_wait(r->saver);
    } else if (r->unsaved && r->file) {
        poll_timer_wait_until(r->last_save + SAVE_INTERVAL);
    }
}

/* Life. */

struct sg_resolver *
sg_resolver_create(const char *file)
{
    struct sg_resolver *r = xzalloc(sizeof *r);

    shash_init(&r->sets);
    hmap_init(&r->sources);
    sg_sets_init(&r->values);
    r->file = nullable_xstrdup(file);
    sg_memories_init(&r->remembered, file);
    r->last_save = LLONG_MIN / 2;
    return r;
}

void
sg_resolver_destroy(struct sg_resolver *r)
{
    struct shash_node *node;

    if (!r) {
        return;
    }
    SHASH_FOR_EACH (node, &r->sets) {
        set_destroy(r, node->data);
    }
    shash_destroy(&r->sets);
    sg_loop_destroy(r->loop);
    sg_saver_destroy(r->saver);
    hmap_destroy(&r->sources);
    sg_sets_destroy(&r->values);
    sg_memories_destroy(&r->remembered);
    free(r->file);
    free(r);
}

/* Questions of others. */

const struct sg_sets *
sg_resolver_sets(const struct sg_resolver *r)
{
    return &r->values;
}

uint64_t
sg_resolver_last_order(const struct sg_resolver *r)
{
    return r->last_order;
}

const char *
sg_resolver_waits_for(const struct sg_resolver *r, uint64_t order)
{
    const struct source *source;

    HMAP_FOR_EACH (source, node, &r->sources) {
        if (source->answered < MIN(source->ordered, order)) {
            return source->set->definition->name;
        }
    }
    return NULL;
}

bool
sg_resolver_has_values(const struct sg_resolver *r)
{
    const struct source *source;

    HMAP_FOR_EACH (source, node, &r->sources) {
        if (!source->valued && !source->answered && !source->set->held) {
            return false;
        }
    }
    return true;
}

bool
sg_resolver_refresh(struct sg_resolver *r, const char *name, bool force)
{
    struct set *set = shash_find_data(&r->sets, name);

    if (!set) {
        return false;
    }
    for (size_t i = 0; i < set->n; i++) {
        struct source *source = set->sources[i];

        source->ordered = ++r->last_order;
        source->forced = force ? source->ordered : source->forced;
        source->next = source->due = 0;
        if (source->function < 0) {
            sg_loop_refresh(r->loop, source->id, source->ordered);
        }
    }
    return true;
}

bool
sg_resolver_status(const struct sg_resolver *r, const char *name,
                   struct sg_set_status *status)
{
    const struct set *set = shash_find_data(&r->sets, name);

    if (!set) {
        return false;
    }
    status->refused = set->refused;
    status->held = set->held != NULL;
    status->n_sources = set->n;
    return true;
}

bool
sg_resolver_source_status(const struct sg_resolver *r, const char *name,
                          size_t i, struct sg_source_status *status)
{
    const struct set *set = shash_find_data(&r->sets, name);

    if (!set || i >= set->n) {
        return false;
    }

    const struct source *source = set->sources[i];
    status->source = source->name;
    status->n = source_counts(source) ? source->n : 0;
    status->fetched = source->valued ? source->fetched : 0;
    status->next = source->next;
    status->error = source->error;
    status->failed = source->failed;
    return true;
}
