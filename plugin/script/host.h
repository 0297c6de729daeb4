/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_HOST_H
#define SG_SCRIPT_HOST_H 1

/* What the language's Lua side gets from C
 * ========================================
 *
 * The words of the language are Lua (lua/sg/lang/).  Its modules see the
 * sandboxed standard library and one table `host':
 *
 *   host.import(NAME)       the value of module lua/sg/lang/NAME.lua
 *   host.word(F)            a C function that calls F(PLACE, ...), where
 *                           PLACE is that of the call in the policy file:
 *                           { file =, line =, chain = }.  Everything that a
 *                           policy file can call directly is made by it: a
 *                           tail call of a Lua function would overwrite the
 *                           caller's frame, and with it the place
 *   host.suggest(S, NAMES)  which of NAMES one meant who wrote S, or nil
 *   host.log(LEVEL, PLACE, S)   writes to the log; LEVEL "info" or "warn"
 *   host.module(NAME, ENV)  the module that `require "NAME"' means, as a
 *                           function with the environment ENV, and its file;
 *                           or nil, a sentence, the file and the line, where
 *                           these are known
 */

#include <lua.h>

#include "script/interpreter.h"
#include "script/sources.h"

struct sg_host {
    struct sg_interpreter_owner owner;
    /* What was read last, and a sentence: here, so that a Lua error leaks
     * nothing. */
    struct sg_source source;
    char *sentence;
};

/* Frees what was read last. */
void sg_host_clear(struct sg_host *);

/* Pushes the table `host'.  May raise. */
void sg_host_push(lua_State *, struct sg_host *);

/* Runs module 'name' of the language and pushes its value.  May raise. */
void sg_host_import(lua_State *, struct sg_host *, const char *name);

#endif /* script/host.h */
