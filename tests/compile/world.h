/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_COMPILE_WORLD_H
#define TESTS_COMPILE_WORLD_H 1

/* What the compiler is given, from text or at random.
 *
 * A random world is made of parts, each of which depends on nothing but the
 * seed and the variant of that part.  So "the same world, but for one part"
 * is another variant of that part:
 *
 *     struct world_seed seed = world_seed(17);
 *     world_random(&old, &seed);
 *     seed.variants[3]++;
 *     world_random(&new, &seed);
 */

#include <stddef.h>
#include <stdint.h>

#include "compile/compile.h"
#include "compile/flow.h"
#include "policy/addresses.h"
#include "policy/policy.h"
#include "policy/port.h"

struct world {
    struct sg_policy *policy;
    struct sg_facts facts;
    struct sg_ports ports;
    struct sg_sets sets;        /* "s" is 203.0.113.0/24 and 203.0.113.7. */
};

/* Policy document and facts, JSON with ' for ". */
void world_init(struct world *, const char *policy, const char *facts);
void world_destroy(struct world *);

#define WORLD_GROUPS 6          /* g0, g1, ... */
#define WORLD_LISTS 3           /* l0, ... */
#define WORLD_PORTS 10          /* p0, ... */
#define WORLD_PARTS (2 * WORLD_GROUPS + WORLD_LISTS + WORLD_PORTS)

struct world_seed {
    uint32_t seed;
    uint32_t variants[WORLD_PARTS];
};

struct world_seed world_seed(uint32_t seed);
void world_random(struct world *, const struct world_seed *);

/* A sequence of numbers that is the same everywhere: roll once a statement,
 * because compilers differ in the order of what is inside one. */
struct dice {
    uint64_t state;
};

uint32_t dice_roll(struct dice *, uint32_t n);      /* 0...n-1. */
/* An address out of the few that random worlds are about, and around. */
void dice_address(struct dice *, struct sg_prefix *);

/* One pass of the compiler over 'bridge'; the plan is the caller's.  'flows'
 * (may be NULL) is cleared first. */
struct sg_plan *world_plan(const struct world *, struct sg_compiler *,
                           const char *bridge, struct sg_flows *flows);
/* The same, when only the flows matter, as sorted text that the caller
 * frees. */
char *world_flows_text(const struct world *, struct sg_compiler *,
                       const char *bridge);
char *flows_text(const struct sg_flows *);

struct sg_compiler *test_compiler(void);

#endif /* world.h */
