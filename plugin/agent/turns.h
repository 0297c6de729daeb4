/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_AGENT_TURNS_H
#define SG_AGENT_TURNS_H 1

/* How long the core keeps the main loop
 * =====================================
 *
 * No turn of the core may last longer than 10 ms: whatever is more is done in
 * slices.  So each turn is measured, always, part by part; `ovs-appctl -t
 * ovs-sgd sg/turns' tells the longest of each, and `sg/turns clear' begins
 * anew.  It is measured by the clock and in processor time, because on a busy
 * machine the first is also what others did meanwhile.
 *
 *     sg_turn_begin(&turns);
 *     ...
 *     sg_turn_part(&turns, SG_PART_DATABASE);     // that was the database
 *     ...
 *     sg_turn_end(&turns); */

struct json;

#define SG_PARTS                                \
    SG_PART(RESOLVER, "resolver")               \
    SG_PART(DATABASE, "database")               \
    SG_PART(POLICY, "policy")                   \
    SG_PART(ADMISSION, "admission")             \
    SG_PART(SWITCH, "switch")                   \
    SG_PART(LEARN, "learn")                     \
    SG_PART(PASS, "pass")                       \
    SG_PART(APPLY, "apply")                     \
    SG_PART(CONTROL, "control")                 \
    SG_PART(STATES, "states")                   \
    SG_PART(FREE, "free")

enum sg_part {
#define SG_PART(ENUM, NAME) SG_PART_##ENUM,
    SG_PARTS
#undef SG_PART
    SG_N_PARTS
};

/* By the clock, and in processor time (microseconds). */
struct sg_instant {
    long long int clock, cpu;
};

struct sg_turns {
    unsigned long long int n;   /* Turns so far. */
    struct sg_instant begin;    /* Of this turn, and of */
    struct sg_instant part;     /* its present part. */
    struct sg_instant longest;  /* Turn. */
    struct sg_instant longest_part[SG_N_PARTS];
};

void sg_turn_begin(struct sg_turns *);
void sg_turn_part(struct sg_turns *, enum sg_part);
void sg_turn_end(struct sg_turns *);
void sg_turns_clear(struct sg_turns *);
/* { "turns": N, "longest_us": N, "parts": { "database": N, ... },
 *   "cpu": { "longest_us": N, "parts": { "database": N, ... } } } */
struct json *sg_turns_to_json(const struct sg_turns *);

#endif /* agent/turns.h */
