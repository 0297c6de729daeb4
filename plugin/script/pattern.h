/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_PATTERN_H
#define SG_SCRIPT_PATTERN_H 1

/* string.find, match, gmatch and gsub, on a budget
 * ================================================
 *
 * Lua's own matcher backtracks inside one C call, which no hook can stop:
 * `("x"):rep(60000):find(".-.-b")' runs for minutes.  No limit on the length
 * of the subject helps much, because the time grows with its power.  This
 * one gives the same answers (Lua 5.4 reference manual, section 6.4.1) and
 * charges every step to the budget of the script. */

#include <lua.h>

/* Replaces the four functions in the `string' library.  May raise. */
void sg_pattern_open(lua_State *);

#endif /* script/pattern.h */
