/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/budgets.h"

/* A policy of 1,000 groups and 20,000 rules takes about a tenth of each. */
#define INSTRUCTIONS 100000000
#define MS 5000
#define MEMORY (256 * 1024 * 1024)

#define CALL_INSTRUCTIONS 1000000
#define CALL_MS 100

void
sg_budgets_fill_in(struct sg_budgets *b)
{
#define DEFAULT(MEMBER, VALUE) b->MEMBER = b->MEMBER ? b->MEMBER : (VALUE)
    DEFAULT(max_instructions, INSTRUCTIONS);
    DEFAULT(max_call_instructions, CALL_INSTRUCTIONS);
    DEFAULT(max_ms, MS);
    DEFAULT(max_call_ms, CALL_MS);
    DEFAULT(max_memory, MEMORY);
#undef DEFAULT
}
