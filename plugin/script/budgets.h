/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_BUDGETS_H
#define SG_SCRIPT_BUDGETS_H 1

/* What a script may use up. */

#include <stdint.h>

struct sg_budgets {
    uint64_t max_instructions;      /* Per load. */
    uint64_t max_call_instructions; /* Per call of a function. */
    uint64_t max_ms;                /* Processor time per load. */
    uint64_t max_call_ms;           /* Per call of a function. */
    uint64_t max_memory;            /* Bytes that Lua holds. */
};

/* Gives each member that is 0 its default. */
void sg_budgets_fill_in(struct sg_budgets *);

#endif /* script/budgets.h */
