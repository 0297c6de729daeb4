/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The two threads: orders, answers, and what is under way when it ends.  What
 * servers say is for tests/e2e/addresses.t; here, at most one answers, and as
 * late as it has to be. */

#include <config.h>

#include "resolve/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "coverage.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "policy/fixture.h"
#include "policy/policy.h"
#include "resolve/saver.h"
#include "socket-util.h"
#include "tap.h"
#include "timeval.h"
#include "util.h"

/* So many seconds the wall's clock, as this program sees it, is ahead. */
static time_t wall_offset;

int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int retval = syscall(SYS_clock_gettime, id, ts);

    if (!retval && id == CLOCK_REALTIME) {
        ts->tv_sec += wall_offset;
    }
    return retval;
}

/* On a busy machine (milliseconds). */
#define PATIENCE 60000

static char *folder;

static void
write_list(const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", folder, name);
    char *tmp = xasprintf("%s.new", path);
    FILE *file = fopen(tmp, "w");

    fputs(text, file);
    fclose(file);
    rename(tmp, path);
    free(tmp);
    free(path);
}

/* A policy with these sets, whose files are in 'folder'. */
static void
configure(struct sg_resolver *r, const char *format)
{
    char *sets = xasprintf(format, folder);
    char *document = xasprintf("{'addresses':[%s]}", sets);
    char *said;
    struct sg_policy *policy = policy_from_text(document, &said);

    if (!policy) {
        ovs_fatal(0, "%s", said);
    }
    sg_resolver_configure(r, policy);
    sg_policy_unref(policy);
    free(said);
    free(document);
    free(sets);
}

static bool
is_waiting(const struct sg_resolver *r)
{
    return sg_resolver_waits_for(r, UINT64_MAX) != NULL;
}

static size_t
count(const struct sg_resolver *r, const char *name)
{
    const struct sg_set *set = sg_sets_find(sg_resolver_sets(r), name);

    return set ? set->n : 0;
}

/* Not run() first: after what may be all that we wait for, there may be
 * nothing to wake us. */
static void
turn(struct sg_resolver *r, long long int deadline)
{
    sg_resolver_wait(r);
    poll_timer_wait_until(deadline);
    poll_block();
    sg_resolver_run(r);
}

/* Is 'address' all that 'name' stands for? */
static bool
is_address(const struct sg_resolver *r, const char *name,
           const char *address)
{
    const struct sg_set *set = sg_sets_find(sg_resolver_sets(r), name);
    struct sg_prefix prefix;

    free(sg_prefix_parse(address, &prefix));
    return set && set->n == 1 && sg_prefix_equals(&set->prefixes[0], &prefix);
}

static bool
wait_count(struct sg_resolver *r, const char *name, size_t n)
{
    long long int deadline = time_msec() + PATIENCE;

    while (count(r, name) != n && time_msec() < deadline) {
        turn(r, deadline);
    }
    return count(r, name) == n;
}

static bool
wait_settled(struct sg_resolver *r)
{
    long long int deadline = time_msec() + PATIENCE;

    while (is_waiting(r) && time_msec() < deadline) {
        turn(r, deadline);
    }
    return !is_waiting(r);
}

#define FILE_SET(NAME, MORE) \
    "{'name':'" NAME "','file':'%s/" NAME "'" MORE "}"

static void
test_file(void)
{
    struct sg_resolver *r = sg_resolver_create(NULL);

    write_list("a", "192.0.2.1\n192.0.2.2\n");
    configure(r, FILE_SET("a", ""));
    ok(is_waiting(r) && !sg_resolver_has_values(r),
       "nothing is known at first");
    ok(wait_count(r, "a", 2), "a file is read");
    ok(wait_settled(r) && sg_resolver_has_values(r), "then all is known");
    write_list("a", "192.0.2.1\n192.0.2.2\n192.0.2.3\n");
    ok(wait_count(r, "a", 3), "and again when it changes");

    /* Whatever is asked of it, it is the same file. */
    configure(r, FILE_SET("a", ",'max_change':0"));
    ok(!is_waiting(r), "it is not asked again for max_change");
    configure(r, FILE_SET("a", ",'interval':5"));
    ok(is_waiting(r) && count(r, "a") == 3,
       "it is asked in another way, and the value stays");
    ok(wait_settled(r), "it answers");

    configure(r, FILE_SET("b", ""));
    ok(!count(r, "a"), "a set that is not defined any more has no value");
    configure(r, "{'name':'b','file':'%s/a'}");
    ok(wait_count(r, "b", 3), "another name");
    write_list("a", "# none\n");
    ok(wait_count(r, "b", 0), "an empty file is an empty set");
    sg_resolver_destroy(r);
}

/* Other files come and go in the folder of one that is not there. */
static void
test_absent_file(void)
{
    struct sg_resolver *r = sg_resolver_create(NULL);
    struct sg_source_status status;
    long long int deadline, next;
    int n = 0;

    configure(r, FILE_SET("absent", ",'interval':3600"));
    ok(wait_settled(r), "a file that is not there");
    do {                        /* It is tried again, and more seldom. */
        turn(r, time_msec() + 100);
        sg_resolver_source_status(r, "absent", 0, &status);
    } while (status.next < time_wall_msec() + 1500);
    next = status.next;
    deadline = time_msec() + 500;
    while (time_msec() < deadline) {
        write_list("other", "192.0.2.1\n");
        turn(r, MIN(time_msec() + 10, deadline));
        sg_resolver_source_status(r, "absent", 0, &status);
        n += status.next != next;
        next = status.next;
    }
    ok(!n, "it is not tried because others change (%d times)", n);
    write_list("absent", "192.0.2.1\n");
    ok(wait_count(r, "absent", 1), "it is read when it comes");

    char *path = xasprintf("%s/absent", folder);
    unlink(path);
    free(path);
    sg_resolver_destroy(r);
}

static void
test_held(void)
{
    struct sg_resolver *r = sg_resolver_create(NULL);
    struct sg_set_status status;

    write_list("a", "192.0.2.1\n192.0.2.2\n");
    configure(r, FILE_SET("a", ""));
    ok(wait_count(r, "a", 2), "a value");
    configure(r, "{'name':'a','file':'%s/absent'}");
    ok(sg_resolver_status(r, "a", &status) && status.held
       && count(r, "a") == 2, "it is held for another file");
    ok(wait_count(r, "a", 0), "until that has said that it fails");
    ok(!sg_resolver_status(r, "x", &status), "no such set");
    ok(!sg_resolver_refresh(r, "x", true), "no such set to refresh");
    sg_resolver_destroy(r);
}

static void
test_memory(void)
{
    char *memory = xasprintf("%s/memory", folder);
    struct sg_resolver *r = sg_resolver_create(memory);
    struct sg_source_status status;

    write_list("a", "192.0.2.1\n192.0.2.2\n");
    configure(r, FILE_SET("a", ""));
    ok(wait_count(r, "a", 2), "a value");
    sg_resolver_save(r);
    sg_resolver_destroy(r);

    char *path = xasprintf("%s/a", folder);
    unlink(path);
    r = sg_resolver_create(memory);
    configure(r, FILE_SET("a", ""));
    ok(count(r, "a") == 2 && sg_resolver_has_values(r),
       "the next one has it at once");
    ok(wait_settled(r) && count(r, "a") == 2, "and keeps it");
    ok(sg_resolver_source_status(r, "a", 0, &status) && status.error
       && status.fetched, "although the source fails");
    configure(r, FILE_SET("a", ",'on_error':'empty'"));
    ok(!count(r, "a"), "unless the author wants it otherwise");
    sg_resolver_destroy(r);
    free(path);
    free(memory);
}

/* Waits until all is saved. */
static void
save(struct sg_resolver *r)
{
    long long int deadline = time_msec() + 2 * 1000;

    while (time_msec() < deadline) {
        sg_resolver_save(r);
        sg_resolver_save_wait(r);
        poll_timer_wait_until(deadline);
        poll_block();
    }
}

/* A set that comes back long after the start. */
static void
test_old_memory(void)
{
    char *memory = xasprintf("%s/memory", folder);
    struct sg_resolver *r = sg_resolver_create(memory);

    write_list("a", "192.0.2.1\n192.0.2.2\n");
    write_list("b", "192.0.2.3\n");
    configure(r, FILE_SET("a", ""));
    ok(wait_count(r, "a", 2), "a value");
    save(r);
    sg_resolver_destroy(r);

    r = sg_resolver_create(memory);
    write_list("a", "192.0.2.1\n");
    configure(r, FILE_SET("a", ""));
    ok(wait_count(r, "a", 1), "another one in the next life");
    configure(r, FILE_SET("b", ""));
    ok(wait_count(r, "b", 1), "the set is taken out");
    save(r);

    char *path = xasprintf("%s/a", folder);
    unlink(path);
    configure(r, FILE_SET("a", ""));
    ok(wait_settled(r) && !count(r, "a"),
       "it comes back without what the life before last knew");
    sg_resolver_destroy(r);
    unlink(memory);
    free(path);
    free(memory);
}

/* A disk that does not come to an end.  Inside ovs-vswitchd, where the main
 * thread waits for RCU whenever a port comes or goes, that must not hold up
 * the switch. */
static void
test_slow_disk(void)
{
    char *file = xasprintf("%s/slow", folder);
    char *fifo = xasprintf("%s.tmp", file);

    if (mkfifo(fifo, 0600)) {
        ovs_fatal(errno, "%s", fifo);
    }

    struct sg_saver *saver = sg_saver_start(file, NULL, 0);
    poll_timer_wait(200);       /* It is under way. */
    poll_block();
    alarm(60);
    ovsrcu_synchronize();
    alarm(0);
    ok(!sg_saver_finish(saver), "RCU does not wait for a file");

    int fd = open(fifo, O_RDONLY);
    sg_saver_destroy(saver);
    close(fd);
    unlink(file);
    free(fifo);
    free(file);
}

/* A function of the policy whose answer is slow. */

static void
answer(struct sg_resolver *r, uint64_t source, const char *text)
{
    struct json *list = json_from_string(text);

    sg_resolver_function_answered(r, source, list, NULL);
    json_destroy(list);
}

static void
test_function(void)
{
    struct sg_resolver *r = sg_resolver_create(NULL);
    uint64_t source, order;
    int function;

    configure(r, "{'name':'f','resolve':0,'max_change':0}");
    ok(sg_resolver_next_function(r, &source, &function), "it is due");
    answer(r, source, "[\"192.0.2.1\"]");
    ok(!is_waiting(r) && count(r, "f") == 1, "it has answered");
    ok(!sg_resolver_next_function(r, &source, &function), "that is enough");

    sg_resolver_refresh(r, "f", false);
    order = sg_resolver_last_order(r);
    ok(sg_resolver_next_function(r, &source, &function), "it is asked again");
    sg_resolver_refresh(r, "f", true);
    ok(!sg_resolver_next_function(r, &source, &function),
       "not twice at a time");
    answer(r, source, "[\"192.0.2.1\"]");
    ok(!sg_resolver_waits_for(r, order), "an answer for who asked first");
    ok(is_waiting(r), "and none for who asked meanwhile");
    ok(sg_resolver_next_function(r, &source, &function),
       "so it is asked at once");
    answer(r, source, "[\"192.0.2.1\", \"192.0.2.2\"]");
    ok(!is_waiting(r) && count(r, "f") == 2,
       "and by force, whatever it says now");
    sg_resolver_refresh(r, "f", false);
    ok(sg_resolver_next_function(r, &source, &function), "once more");
    answer(r, source, "[\"192.0.2.1\"]");
    ok(!is_waiting(r) && count(r, "f") == 2, "the force was for one answer");
    sg_resolver_destroy(r);
}

/* Somebody sets the clock, by a day. */

static struct sg_resolver *
answered(const char *definition)
{
    struct sg_resolver *r = sg_resolver_create(NULL);
    uint64_t source;
    int function;

    configure(r, definition);
    ok(sg_resolver_next_function(r, &source, &function), "it is due");
    answer(r, source, "[\"192.0.2.1\"]");
    return r;
}

static void
test_clock(void)
{
    long long int deadline = time_msec() + PATIENCE;
    struct sg_resolver *r;
    uint64_t source;
    int function;
    bool due;

    r = answered("{'name':'f','resolve':0,'interval':3600}");
    wall_offset = 24 * 60 * 60;
    ok(!sg_resolver_next_function(r, &source, &function),
       "put forward: it is not asked sooner");
    wall_offset = 0;
    sg_resolver_destroy(r);

    r = answered("{'name':'f','resolve':0,'interval':1}");
    wall_offset = -24 * 60 * 60;
    while (!(due = sg_resolver_next_function(r, &source, &function))
           && time_msec() < deadline) {
        sg_resolver_wait(r);
        poll_timer_wait_until(deadline);
        poll_block();
    }
    ok(due, "put back: it is asked when its interval is over");
    wall_offset = 0;
    sg_resolver_destroy(r);
}

/* A name server that answers late. */

/* A socket on 127.0.0.1, and its port. */
static int
open_server(uint16_t *port)
{
    struct sockaddr_in sin = { .sin_family = AF_INET };
    socklen_t len = sizeof sin;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *) &sin, sizeof sin)
        || getsockname(fd, (struct sockaddr *) &sin, &len)
        || set_nonblocking(fd)) {
        ovs_fatal(errno, "no socket for a name server");
    }
    *port = ntohs(sin.sin_port);
    return fd;
}

struct query {
    struct sockaddr_in from;
    uint8_t data[512];          /* Room for the answer behind it. */
    ssize_t len;
};

static bool
receive_query(int fd, struct query *q)
{
    socklen_t len = sizeof q->from;

    q->len = recvfrom(fd, q->data, 256, 0, (struct sockaddr *) &q->from,
                      &len);
    return q->len > 12;
}

/* Answers an A query with 192.0.2.'last', and one for AAAA with nothing. */
static void
answer_query(int fd, struct query *q, uint8_t last)
{
    const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4,
                               192, 0, 2, last };
    bool is_a = q->data[q->len - 3] == 1;

    q->data[2] |= 0x80;                 /* A response, */
    q->data[7] = is_a;                  /* with so many answers. */
    if (is_a) {
        memcpy(&q->data[q->len], record, sizeof record);
        q->len += sizeof record;
    }
    sendto(fd, q->data, q->len, 0, (struct sockaddr *) &q->from,
           sizeof q->from);
}

/* A turn, in which queries are received into 'q' if there are 'n' or less. */
static void
serve_turn(struct sg_resolver *r, int fd, struct query q[2], size_t *n)
{
    sg_resolver_run(r);
    while (*n < 2 && receive_query(fd, &q[*n])) {
        ++*n;
    }
    if (*n < 2 && is_waiting(r)) {
        sg_resolver_wait(r);
        poll_fd_wait(fd, POLLIN);
        poll_timer_wait(PATIENCE);
        poll_block();
    }
}

static void
test_late_answer(void)
{
    struct sg_resolver *r = sg_resolver_create(NULL);
    struct sg_source_status status;
    struct query q[2];
    uint16_t port;
    int fd = open_server(&port);
    char *set = xasprintf("{'name':'d','dns':'a.example','timeout':60,"
                          "'nameservers':'127.0.0.1:%d'}", port);
    size_t n = 0, rounds = 0;

    configure(r, set);
    while (is_waiting(r) && rounds < 2) {
        serve_turn(r, fd, q, &n);
        if (n == 2) {
            if (!rounds++) {
                sg_resolver_refresh(r, "d", false);
            }
            answer_query(fd, &q[0], rounds);
            answer_query(fd, &q[1], rounds);
            n = 0;
        }
    }
    ok(wait_settled(r), "a refresh is answered");
    is_int(rounds, 2, "by a round of its own");
    ok(is_address(r, "d", "192.0.2.2"), "and not by the one under way");
    /* The answer "no IPv6" is good for no time at all. */
    ok(sg_resolver_source_status(r, "d", 0, &status)
       && status.next > status.fetched + 50 * 1000,
       "it is asked again when the addresses have had their time");
    sg_resolver_destroy(r);
    close(fd);
    free(set);
}

/* A set of many names that answer at the same time. */
#define N_NAMES 50

extern struct coverage_counter counter_sg_set_published;

static uint64_t
n_published(void)
{
    static uint64_t read;       /* What is read is not in the total. */

    read += counter_sg_set_published.count();
    return counter_sg_set_published.total + read;
}

static void
test_many_names(void)
{
    struct sg_resolver *r = sg_resolver_create(NULL);
    struct ds set = DS_EMPTY_INITIALIZER;
    uint64_t n_runs = 0, before;
    uint16_t port;
    int fd = open_server(&port);

    ds_put_format(&set, "{'name':'d','timeout':60,"
                  "'nameservers':'127.0.0.1:%d','dns':['n0.example'", port);
    for (int i = 1; i < N_NAMES; i++) {
        ds_put_format(&set, ",'n%d.example'", i);
    }
    ds_put_cstr(&set, "]}");
    configure(r, ds_cstr(&set));
    before = n_published();

    for (int i = 0; i < 2 * N_NAMES; i++) {
        struct query q;

        while (!receive_query(fd, &q)) {
            poll_fd_wait(fd, POLLIN);
            poll_timer_wait(PATIENCE);
            poll_block();
        }
        answer_query(fd, &q, 1 + i);
    }
    poll_timer_wait(200);       /* So that several come at once. */
    poll_block();
    while (is_waiting(r)) {
        sg_resolver_wait(r);
        poll_timer_wait(PATIENCE);
        poll_block();
        sg_resolver_run(r);
        n_runs++;
    }
    is_int(count(r, "d"), N_NAMES, "many names have answered");
    ok(n_published() - before <= n_runs && n_runs < N_NAMES,
       "the value was made %d times, in %d turns",
       (int) (n_published() - before), (int) n_runs);
    sg_resolver_destroy(r);
    ds_destroy(&set);
    close(fd);
}

/* Threads that end in the midst of everything. */
static void
test_ends(void)
{
    static const char sets[] =
        FILE_SET("a", "") ",{'name':'dns','dns':['a.example','b.example'],"
        "'nameservers':'127.0.0.1:1','timeout':1},"
        "{'name':'http','http':'http://127.0.0.1:1/','timeout':1},"
        "{'name':'https','http':'https://127.0.0.1:1/','timeout':1}";

    write_list("a", "192.0.2.1\n");
    for (int i = 0; i < 40; i++) {
        struct sg_resolver *r = sg_resolver_create(NULL);

        configure(r, sets);
        for (int j = 0; j < i; j++) {
            sg_resolver_refresh(r, j % 2 ? "dns" : "http", false);
            if (j % 10 == 9) {
                configure(r, FILE_SET("a", ""));
                configure(r, sets);
            }
            sg_resolver_run(r);
        }
        if (i == 39) {
            ok(wait_settled(r), "all have failed or answered");
        }
        sg_resolver_destroy(r);
    }
    ok(true, "40 ends");
    sg_resolver_destroy(NULL);
}

int
main(void)
{
    const char *tmp = getenv("TMPDIR");

    folder = xasprintf("%s/resolver-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder)) {
        ovs_fatal(errno, "%s", folder);
    }
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_EMER);
    test_file();
    test_absent_file();
    test_held();
    test_memory();
    test_old_memory();
    test_slow_disk();
    test_function();
    test_clock();
    test_late_answer();
    test_many_names();
    test_ends();
    free(folder);
    return done_testing();
}
