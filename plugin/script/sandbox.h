/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_SANDBOX_H
#define SG_SCRIPT_SANDBOX_H 1

/* What is taken from Lua's standard library, made safe
 * ====================================================
 *
 * Budgets are counted in instructions, and one call of a C function is one
 * instruction, whatever it does.  So a C function that can work for long
 * must say so: those kept here are *guarded*.  A guard looks at the
 * arguments first, refuses what is out of all proportion, and charges the
 * work to the budget; then the original runs.  The pattern functions cannot
 * be judged beforehand and are our own (pattern.h).
 *
 * sg_sandbox_open() opens the libraries base, string, table, math, utf8 and
 * coroutine in a new state with the guarded functions already in place, and
 * without everything that reads files, loads code or reaches behind the
 * sandbox.  Which of them policy files see, and that they cannot change
 * them, is the business of lua/sg/lang/env.lua. */

#include <lua.h>

void sg_sandbox_open(lua_State *);      /* May raise. */

/* For tests of what holds without them: leaves out the guards, and Lua's own
 * pattern functions in place, in states that are opened later. */
void sg_sandbox_leave_unguarded(void);

#endif /* script/sandbox.h */
