/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The two threads: orders, answers, and what is under way when it ends.  What
 * servers say is for tests/e2e/addresses.t; here, nobody answers. */

#include <config.h>

#include "resolve/resolver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "policy/fixture.h"
#include "policy/policy.h"
#include "tap.h"
#include "timeval.h"
#include "util.h"

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

static size_t
count(const struct sg_resolver *r, const char *name)
{
    const struct sg_set *set = sg_sets_find(sg_resolver_sets(r), name);

    return set ? set->n : 0;
}

static void
turn(struct sg_resolver *r, long long int deadline)
{
    sg_resolver_run(r);
    sg_resolver_wait(r);
    poll_timer_wait_until(deadline);
    poll_block();
    sg_resolver_run(r);
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

    while (sg_resolver_waits_for(r) && time_msec() < deadline) {
        turn(r, deadline);
    }
    return !sg_resolver_waits_for(r);
}

#define FILE_SET(NAME, MORE) \
    "{'name':'" NAME "','file':'%s/" NAME "'" MORE "}"

static void
test_file(void)
{
    struct sg_resolver *r = sg_resolver_create(NULL);

    write_list("a", "192.0.2.1\n192.0.2.2\n");
    configure(r, FILE_SET("a", ""));
    ok(sg_resolver_waits_for(r) && !sg_resolver_has_values(r),
       "nothing is known at first");
    ok(wait_count(r, "a", 2), "a file is read");
    ok(wait_settled(r) && sg_resolver_has_values(r), "then all is known");
    write_list("a", "192.0.2.1\n192.0.2.2\n192.0.2.3\n");
    ok(wait_count(r, "a", 3), "and again when it changes");

    /* Whatever is asked of it, it is the same file. */
    configure(r, FILE_SET("a", ",'max_change':0"));
    ok(!sg_resolver_waits_for(r), "it is not asked again for max_change");
    configure(r, FILE_SET("a", ",'interval':5"));
    ok(sg_resolver_waits_for(r) && count(r, "a") == 3,
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
    test_held();
    test_memory();
    test_ends();
    free(folder);
    return done_testing();
}
