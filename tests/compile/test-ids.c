/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Numbers for names. */

#include <config.h>

#include "compile/ids.h"

#include <stdlib.h>

#include "compile/pipeline.h"
#include "tap.h"
#include "util.h"

/* The number of 'key', held. */
static uint32_t
get(struct sg_ids *ids, const char *key)
{
    const struct sg_id *id = sg_ids_get(ids, key);

    return id ? id->id : 0;
}

static void
put(struct sg_ids *ids, const char *key)
{
    sg_ids_put(ids, sg_ids_find(ids, key)->id);
}

static void
test_get(void)
{
    struct sg_ids ids;

    sg_ids_init(&ids, 1, 10);
    sg_ids_begin(&ids);
    is_int(get(&ids, "a"), 1, "the first number");
    is_int(get(&ids, "b"), 2, "the next one");
    is_int(get(&ids, "a"), 1, "the same key, the same number");
    ok(sg_ids_find(&ids, "b") == sg_ids_by_id(&ids, 2), "found by number");
    ok(sg_ids_find(&ids, "b")
       == sg_ids_by_identity(&ids, sg_identity("b")), "found by identity");
    ok(!sg_ids_find(&ids, "c") && !sg_ids_by_id(&ids, 3)
       && !sg_ids_by_identity(&ids, sg_identity("c")),
       "looking for a key gives no number");
    ok(sg_ids_find(&ids, "a")->fresh, "a new number is fresh");
    sg_ids_end(&ids);
    sg_ids_begin(&ids);
    ok(!sg_ids_find(&ids, "a")->fresh, "and then it is not any more");
    sg_ids_end(&ids);
    sg_ids_destroy(&ids);
}

static void
test_holding(void)
{
    struct sg_ids ids;

    sg_ids_init(&ids, 1, 100);
    sg_ids_begin(&ids);
    get(&ids, "a");
    get(&ids, "b");
    get(&ids, "b");
    sg_ids_end(&ids);
    sg_ids_begin(&ids);
    put(&ids, "a");
    put(&ids, "b");
    ok(sg_ids_find(&ids, "a"), "until the end all keys are there");
    is_int(get(&ids, "a"), 1, "and can be had again");
    put(&ids, "a");
    sg_ids_end(&ids);
    ok(!sg_ids_find(&ids, "a") && !sg_ids_by_id(&ids, 1)
       && !sg_ids_by_identity(&ids, sg_identity("a")),
       "what nobody holds is forgotten");
    is_int(get(&ids, "b"), 2, "what somebody holds is not");
    is_int(get(&ids, "a"), 3, "a number that was given up waits");
    sg_ids_destroy(&ids);
}

static void
test_exhaustion(void)
{
    struct sg_ids ids;

    sg_ids_init(&ids, 5, 7);
    sg_ids_begin(&ids);
    is_int(get(&ids, "a") + get(&ids, "b") + get(&ids, "c"), 5 + 6 + 7,
           "all numbers there are");
    ok(!sg_ids_get(&ids, "d"), "no more");
    is_int(get(&ids, "b"), 6, "but those that are there");
    sg_ids_end(&ids);

    sg_ids_begin(&ids);
    put(&ids, "b");
    put(&ids, "b");
    ok(!sg_ids_get(&ids, "d"), "a number is in use until the end");
    sg_ids_end(&ids);
    sg_ids_begin(&ids);
    is_int(get(&ids, "d"), 6, "the only one left");
    sg_ids_end(&ids);
    sg_ids_destroy(&ids);

    sg_ids_init(&ids, UINT32_MAX - 1, UINT32_MAX);
    sg_ids_begin(&ids);
    ok(get(&ids, "a") == UINT32_MAX - 1 && get(&ids, "b") == UINT32_MAX
       && !sg_ids_get(&ids, "c"), "the end of all numbers");
    sg_ids_destroy(&ids);
}

/* One key after the other: the numbers go round. */
static void
test_reuse(void)
{
    struct sg_ids ids;
    bool good = true;

    sg_ids_init(&ids, 1, 50);
    for (uint32_t i = 0; i < 200; i++) {
        char *key = xasprintf("key %u", i);

        sg_ids_begin(&ids);
        good &= get(&ids, key) == 1 + i % 50;
        put(&ids, key);
        sg_ids_end(&ids);
        free(key);
    }
    ok(good, "a number comes again after all others had their turn");
    sg_ids_destroy(&ids);
}

static void
test_hints(void)
{
    struct sg_ids ids;

    sg_ids_init(&ids, 1, 10);
    sg_ids_hint(&ids, sg_identity("a"), 3);
    sg_ids_hint(&ids, sg_identity("b"), 1);
    sg_ids_hint(&ids, sg_identity("a"), 4);
    sg_ids_hint(&ids, sg_identity("c"), 1);
    sg_ids_hint(&ids, sg_identity("d"), 0);
    sg_ids_hint(&ids, sg_identity("d"), 11);
    sg_ids_begin(&ids);
    is_int(get(&ids, "a"), 3, "the number that was hinted at");
    ok(!sg_ids_find(&ids, "a")->fresh, "it is not fresh");
    is_int(get(&ids, "c"), 4, "the first word on a number counts; others come "
           "behind the hinted ones");
    ok(sg_ids_find(&ids, "c")->fresh, "that one is fresh");
    is_int(get(&ids, "d"), 5, "a hint that is out of range is none");
    sg_ids_end(&ids);
    sg_ids_begin(&ids);
    get(&ids, "a");
    is_int(get(&ids, "b"), 6, "hints end with the pass");
    sg_ids_end(&ids);
    sg_ids_destroy(&ids);
}

/* A number that an installed flow claims is not given to another. */
static void
test_hinted_is_taken(void)
{
    struct sg_ids ids;

    sg_ids_init(&ids, 1, 3);
    sg_ids_hint(&ids, sg_identity("x"), 3);
    sg_ids_begin(&ids);
    is_int(get(&ids, "a"), 1, "one that nobody claims");
    is_int(get(&ids, "b"), 2, "another one");
    ok(!sg_ids_get(&ids, "c"), "the third is claimed");
    is_int(get(&ids, "x"), 3, "for this key");
    sg_ids_end(&ids);

    /* What this process knows is better than what a flow says. */
    sg_ids_hint(&ids, sg_identity("a"), 2);
    sg_ids_begin(&ids);
    is_int(get(&ids, "a"), 1, "a hint does not renumber");
    sg_ids_end(&ids);
    sg_ids_hint(&ids, sg_identity("z"), 1);
    sg_ids_begin(&ids);
    put(&ids, "x");
    sg_ids_end(&ids);
    sg_ids_hint(&ids, sg_identity("z"), 1);
    sg_ids_begin(&ids);
    is_int(get(&ids, "z"), 3, "nor take away what another key has");
    sg_ids_end(&ids);
    sg_ids_destroy(&ids);
}

/* A number that nothing has, but connections still carry. */
static void
test_skip(void)
{
    struct sg_ids ids;

    sg_ids_init(&ids, 1, 10);
    sg_ids_skip(&ids, 4);
    sg_ids_skip(&ids, 2);
    sg_ids_skip(&ids, 11);
    sg_ids_begin(&ids);
    is_int(get(&ids, "a"), 5, "new numbers come behind those to be skipped");
    sg_ids_end(&ids);
    sg_ids_skip(&ids, 10);
    sg_ids_begin(&ids);
    is_int(get(&ids, "b"), 1, "... and go round");
    sg_ids_end(&ids);
    sg_ids_destroy(&ids);
}

/* Numbers that connections carry, and nobody knows which. */
static void
test_gap(void)
{
    struct sg_ids ids;

    sg_ids_init(&ids, 1, 5120);
    sg_ids_leave_gap(&ids);
    sg_ids_hint(&ids, sg_identity("old"), 20);
    sg_ids_begin(&ids);
    is_int(get(&ids, "old"), 20, "what is known keeps its number");
    ok(get(&ids, "a") > 25, "new ones come well behind all that are known");
    ok(get(&ids, "b") == sg_ids_find(&ids, "a")->id + 1, "... once");
    sg_ids_end(&ids);
    sg_ids_skip(&ids, 5118);
    sg_ids_leave_gap(&ids);
    sg_ids_begin(&ids);
    is_int(get(&ids, "c"), 1, "... and go round");
    sg_ids_end(&ids);
    sg_ids_destroy(&ids);
}

static void
test_identity(void)
{
    ok(sg_identity("a") == sg_identity("a"), "an identity is always the same");
    ok(sg_identity("a") != sg_identity("b"), "and another one for another");
    ok(!(sg_identity("a long key") & ~SG_COOKIE_ID_MASK), "it has 44 bits");
}

int
main(void)
{
    test_get();
    test_holding();
    test_exhaustion();
    test_reuse();
    test_hints();
    test_hinted_is_taken();
    test_skip();
    test_gap();
    test_identity();
    return done_testing();
}
