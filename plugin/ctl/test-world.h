/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_TEST_WORLD_H
#define SG_CTL_TEST_WORLD_H 1

/* What a policy test is about: a policy and ports, without a switch
 * =================================================================
 *
 * `ovs-sgctl test' builds a world step by step and asks it questions.  Each
 * answer comes from two places that share no code: the rules as they are
 * written (policy/eval.h), and the flows that the compiler would install
 * (compile/judge.h).  Should the two differ, that is an answer, too: a bug,
 * and no test passes. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/shash.h"
#include "policy/addresses.h"
#include "policy/diag.h"
#include "policy/port.h"

struct ds;
struct json;
struct sg_compiler;
struct sg_policy;
struct sg_script;

struct test_world {
    /* The policy. */
    struct sg_script *script;   /* NULL until a policy is loaded. */
    struct json *document;      /* With the members that the test added. */
    struct sg_policy *policy;   /* NULL if there were errors. */

    /* The ports. */
    struct shash port_facts;    /* name -> struct json *. */
    struct sg_facts facts;      /* The same, read. */

    struct sg_sets sets;        /* Values of `addresses'. */

    /* What is made of them when somebody asks. */
    bool stale;                 /* To be made again. */
    struct sg_ports ports;
    struct sg_compiler *compiler;
    struct shash bridges;       /* name -> struct test_bridge *. */
};

void test_world_init(struct test_world *);
void test_world_destroy(struct test_world *);

/* Replaces the policy; ports, members and values of the world before are
 * gone.  Errors and warnings are added to 'diags'. */
void test_world_load(struct test_world *, const char *const paths[],
                     size_t n_paths, struct sg_diags *diags);

/* Adds a statement of the document's form, MEMBERS in policy/document.h. */
void test_world_add_members(struct test_world *, const struct json *members,
                            struct sg_diags *diags);

/* Adds the ports in 'array', which are as those of `ovs-sgctl compile
 * --ports'; one that is there already is replaced.  Returns NULL or a
 * sentence, which the caller frees; then nothing has changed. */
char *test_world_add_ports(struct test_world *, const struct json *array)
    __attribute__((warn_unused_result));

/* Makes the 'n' addresses and prefixes in 'words' the value of the `addresses'
 * set 'name'.  Returns NULL or a sentence, which the caller frees; then
 * nothing has changed. */
char *test_world_set_addresses(struct test_world *, const char *name,
                               const char *const words[], size_t n)
    __attribute__((warn_unused_result));

/* A question: may FROM connect to TO?  Words as in `trace'. */
struct test_question {
    const char *from, *to;
    const char *proto;
    const char *port;           /* Or NULL. */
    uint8_t families;           /* Each of these that both sides have. */
};

enum test_answer {
    TEST_EXPECTED,              /* 'allowed' in every family. */
    TEST_OTHERWISE,             /* Not so, or there is no answer: 'why' says
                                 * it, in lines. */
    TEST_NOT_ASKED              /* They have no family in common that PROTO
                                 * has; 'why' says so. */
};

/* Asks the world, which has a policy. */
enum test_answer test_world_ask(struct test_world *,
                                const struct test_question *, bool allowed,
                                struct ds *why);

/* The port as admission judged it, NULL if there is none. */
const struct sg_port *test_world_port(struct test_world *, const char *name);

#endif /* ctl/test-world.h */
