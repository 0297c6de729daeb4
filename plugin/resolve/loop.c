/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "resolve/loop.h"
#include "resolve/asker.h"
#include "resolve/question.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "latch.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_resolve);

enum order_type {
    ORDER_ADD,
    ORDER_REMOVE,
    ORDER_REFRESH,
    ORDER_END
};

struct order {
    struct ovs_list node;       /* In sg_loop.orders. */
    enum order_type type;
    uint64_t id;
    uint64_t number;            /* ORDER_ADD, ORDER_REFRESH. */
    struct sg_addresses *question;      /* ORDER_ADD. */
};

struct sg_loop {
    pthread_t pthread;
    struct latch ordered;       /* There are orders. */
    struct latch answered;      /* There are answers. */
    struct ovs_mutex mutex;
    struct ovs_list orders OVS_GUARDED;         /* struct order. */
    struct ovs_list answers OVS_GUARDED;        /* struct sg_answer. */
    struct sg_thread thread;    /* The thread's own. */
    struct event *on_order;     /* Likewise. */
};

/* Both threads. */

static void
loop_order(struct sg_loop *loop, enum order_type type, uint64_t id,
           uint64_t number, struct sg_addresses *question)
{
    struct order *order = xmalloc(sizeof *order);

    order->type = type;
    order->id = id;
    order->number = number;
    order->question = question;
    ovs_mutex_lock(&loop->mutex);
    ovs_list_push_back(&loop->orders, &order->node);
    ovs_mutex_unlock(&loop->mutex);
    latch_set(&loop->ordered);
}

static struct order *
loop_next_order(struct sg_loop *loop)
{
    struct order *order = NULL;

    ovs_mutex_lock(&loop->mutex);
    if (!ovs_list_is_empty(&loop->orders)) {
        order = CONTAINER_OF(ovs_list_pop_front(&loop->orders),
                             struct order, node);
    }
    ovs_mutex_unlock(&loop->mutex);
    return order;
}

static void
loop_send(struct sg_thread *thread, struct sg_answer *answer)
{
    struct sg_loop *loop = CONTAINER_OF(thread, struct sg_loop, thread);

    ovs_mutex_lock(&loop->mutex);
    ovs_list_push_back(&loop->answers, &answer->node);
    ovs_mutex_unlock(&loop->mutex);
    latch_set(&loop->answered);
}

struct sg_answer *
sg_loop_next(struct sg_loop *loop)
{
    struct sg_answer *answer = NULL;

    latch_poll(&loop->answered);
    ovs_mutex_lock(&loop->mutex);
    if (!ovs_list_is_empty(&loop->answers)) {
        answer = CONTAINER_OF(ovs_list_pop_front(&loop->answers),
                              struct sg_answer, node);
    }
    ovs_mutex_unlock(&loop->mutex);
    return answer;
}

/* The thread. */

static struct sg_asker *
find_asker(const struct sg_thread *thread, uint64_t id)
{
    struct sg_asker *asker;

    HMAP_FOR_EACH_WITH_HASH (asker, node, id, &thread->askers) {
        if (asker->id == id) {
            return asker;
        }
    }
    return NULL;
}

static void
begin_round(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
            void *asker_)
{
    struct sg_asker *asker = asker_;

    if (!asker->round) {
        asker->order = asker->ordered;
        asker->class->ask(asker);
    }
}

static const struct sg_source_class *
source_class(enum sg_source_type type)
{
    switch (type) {
    case SG_SOURCE_FILE:
        return &sg_file_source;
    case SG_SOURCE_DNS:
        return &sg_dns_source;
    case SG_SOURCE_HTTP:
        return &sg_http_source;
    case SG_SOURCE_FUNCTION:
    default:
        OVS_NOT_REACHED();
    }
}

/* Takes over what is to be asked. */
static void
add_asker(struct sg_thread *thread, struct order *order)
{
    struct sg_asker *asker = xzalloc(sizeof *asker);

    asker->thread = thread;
    asker->id = order->id;
    asker->ordered = order->number;
    asker->question = order->question;
    order->question = NULL;
    asker->class = source_class(asker->question->type);
    asker->timer = evtimer_new(thread->base, begin_round, asker);
    hmap_insert(&thread->askers, &asker->node, asker->id);
    sg_asker_hurry(asker, 0);
}

static void
remove_asker(struct sg_thread *thread, struct sg_asker *asker)
{
    if (asker->round) {
        asker->class->cancel(asker);
    }
    if (asker->class->forget) {
        asker->class->forget(asker);
    }
    hmap_remove(&thread->askers, &asker->node);
    event_free(asker->timer);
    sg_addresses_destroy(asker->question);
    free(asker->etag);
    free(asker);
}

static void
refresh_asker(struct sg_asker *asker, uint64_t order)
{
    asker->ordered = order;
    free(asker->etag);
    asker->etag = NULL;
    sg_asker_hurry(asker, 0);
}

static void
carry_out(struct sg_loop *loop, struct order *order)
{
    struct sg_thread *thread = &loop->thread;
    struct sg_asker *asker = find_asker(thread, order->id);

    if (order->type == ORDER_ADD) {
        add_asker(thread, order);
    } else if (order->type == ORDER_REMOVE && asker) {
        remove_asker(thread, asker);
    } else if (order->type == ORDER_REFRESH && asker) {
        refresh_asker(asker, order->number);
    } else if (order->type == ORDER_END) {
        event_base_loopbreak(thread->base);
    }
}

static void
destroy_order(struct order *order)
{
    sg_addresses_destroy(order->question);
    free(order);
}

static void
take_orders(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
            void *loop_)
{
    struct sg_loop *loop = loop_;
    struct order *order;

    latch_poll(&loop->ordered);
    while ((order = loop_next_order(loop))) {
        carry_out(loop, order);
        destroy_order(order);
    }
}

static void
collect_garbage(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
                void *thread)
{
    sg_thread_collect(thread);
}

/* What libevent has to say, mostly of name servers, is in our answers. */
static void
log_libevent(int severity OVS_UNUSED, const char *message)
{
    VLOG_DBG("libevent: %s", message);
}

static void
thread_init(struct sg_loop *loop)
{
    struct sg_thread *thread = &loop->thread;

    event_set_log_callback(log_libevent);
    thread->base = event_base_new();
    thread->send = loop_send;
    hmap_init(&thread->askers);
    thread->collector = evtimer_new(thread->base, collect_garbage, thread);
    loop->on_order = event_new(thread->base, loop->ordered.fds[0],
                               EV_READ | EV_PERSIST, take_orders, loop);
    event_add(loop->on_order, NULL);
}

/* What was cancelled has callbacks that are still to come, and only then
 * lets go of its memory. */
static void
thread_destroy(struct sg_loop *loop)
{
    struct sg_thread *thread = &loop->thread;
    struct sg_asker *asker;

    HMAP_FOR_EACH_SAFE (asker, node, &thread->askers) {
        remove_asker(thread, asker);
    }
    hmap_destroy(&thread->askers);
    event_free(loop->on_order);
    sg_watcher_destroy(thread->watcher);
    for (int i = 0; i < 5; i++) {
        event_base_loop(thread->base, EVLOOP_NONBLOCK);
        sg_thread_collect(thread);
    }
    event_free(thread->collector);
    event_base_free(thread->base);
    event_set_log_callback(NULL);       /* A plugin may be unloaded. */
}

static void *
run_thread(void *loop_)
{
    struct sg_loop *loop = loop_;

    ovsrcu_quiesce_start();
    thread_init(loop);
    event_base_dispatch(loop->thread.base);
    thread_destroy(loop);
    return NULL;
}

/* The main thread. */

struct sg_loop *
sg_loop_create(void)
{
    struct sg_loop *loop = xzalloc(sizeof *loop);
    sigset_t all, old;

    latch_init(&loop->ordered);
    latch_init(&loop->answered);
    ovs_mutex_init(&loop->mutex);
    ovs_list_init(&loop->orders);
    ovs_list_init(&loop->answers);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    loop->pthread = ovs_thread_create("sg_resolve", run_thread, loop);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return loop;
}

void
sg_loop_destroy(struct sg_loop *loop)
{
    struct sg_answer *answer;
    struct order *order;

    if (!loop) {
        return;
    }
    loop_order(loop, ORDER_END, 0, 0, NULL);
    xpthread_join(loop->pthread, NULL);
    while ((order = loop_next_order(loop))) {
        destroy_order(order);
    }
    while ((answer = sg_loop_next(loop))) {
        sg_answer_destroy(answer);
    }
    latch_destroy(&loop->ordered);
    latch_destroy(&loop->answered);
    ovs_mutex_destroy(&loop->mutex);
    free(loop);
}

void
sg_loop_add(struct sg_loop *loop, uint64_t id, uint64_t order,
            struct sg_addresses *question)
{
    loop_order(loop, ORDER_ADD, id, order, question);
}

void
sg_loop_remove(struct sg_loop *loop, uint64_t id)
{
    loop_order(loop, ORDER_REMOVE, id, 0, NULL);
}

void
sg_loop_refresh(struct sg_loop *loop, uint64_t id, uint64_t order)
{
    loop_order(loop, ORDER_REFRESH, id, order, NULL);
}

void
sg_loop_wait(struct sg_loop *loop)
{
    latch_wait(&loop->answered);
}
