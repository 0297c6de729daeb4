/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_STATE_H
#define SG_SCRIPT_STATE_H 1

/* A Lua state that can be stopped
 * ===============================
 *
 * A policy file is trusted but fallible: it may loop for ever, or eat all
 * memory.  A `struct sg_state' is a Lua state with three budgets:
 *
 *   - instructions of the virtual machine, counted by a hook.  C functions
 *     that do much work in one instruction charge it with
 *     sg_state_charge();
 *   - processor time of the calling thread, looked at by the same hook, for
 *     instructions that cost much each;
 *   - memory, counted by the allocator.
 *
 * Who exceeds one is *stopped*.  That is more than a Lua error: from then on
 * the hook raises again at every single instruction, and the `pcall' that
 * scripts get (sandbox.h) passes a stop on, so nothing in the script can
 * catch it.  sg_state_begin() gives fresh budgets and lifts the stop.
 *
 * Errors
 * ------
 *
 * All Lua runs under sg_state_call().  Where that fails it says what was
 * wrong in a `struct sg_fault': the sentence, and the place in the policy
 * file that was being run.
 *
 * Places
 * ------
 *
 * Chunks of policy files are named "@FILE", those of the language itself
 * "=FILE"; a place is always one of a policy file.  sg_state_where() finds it
 * by walking the stack, and the functions around it as a chain of callers.
 *
 * Thread: one at a time, always the same for processor time to count. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <lua.h>

#include "policy/diag.h"


enum sg_stop {
    SG_RUNNING,                 /* Not stopped. */
    SG_STOP_INSTRUCTIONS,
    SG_STOP_TIME,
    SG_STOP_MEMORY
};

struct sg_fault {
    struct sg_place place;      /* In a policy file; or no place. */
    char *message;              /* A sentence; NULL: no fault. */
};

struct sg_state {
    lua_State *L;               /* The main thread. */

    /* Memory. */
    size_t used;                /* Bytes allocated now. */
    size_t cap;                 /* Most that 'used' may be. */
    bool calling;               /* In sg_state_call(). */

    /* Instructions and time, since sg_state_begin(). */
    uint64_t budget;            /* What was granted. */
    uint64_t left;              /* What of it is left. */
    uint64_t time_budget;       /* Nanoseconds of processor time. */
    uint64_t deadline;          /* On the thread's processor clock. */
    enum sg_stop stop;
    struct sg_place last;       /* Where the hook last looked. */

    struct sg_fault fault;      /* Of the sg_state_call() that failed. */
};

struct sg_state *sg_state_create(size_t max_memory);
void sg_state_destroy(struct sg_state *);
struct sg_state *sg_state_from(lua_State *);

/* Grants fresh budgets; 'ms' is processor time in milliseconds. */
void sg_state_begin(struct sg_state *, uint64_t instructions, uint64_t ms);

/* Calls 'function' with 'aux' as a light userdata on top of an empty stack;
 * what it returns (at most one value) is left there.  False: it failed, and
 * state->fault says why. */
bool sg_state_call(struct sg_state *, lua_CFunction function, void *aux);

/* Counts 'work' (in units of about one instruction) as if the script had run
 * as many instructions.  Raises if that stops it. */
void sg_state_charge(lua_State *, uint64_t work);

/* Raises if the script is stopped; 'status' is that of a protected call that
 * just returned. */
void sg_state_pass_on_stop(lua_State *, int status);

/* A copy of a script's or of Lua's own 'message', cut to a sensible length and
 * valid as UTF-8.  The caller frees it. */
char *sg_script_text(const char *message);

/* Where a script is. */

#define SG_CHAIN_MAX 512

struct sg_script_place {
    const char *file;           /* Lives as long as the frame; NULL: none. */
    int line;
    char chain[SG_CHAIN_MAX];   /* "called from web.lua:5, ..." or "". */
};

/* Finds the innermost policy frame at or above stack level 'level'. */
bool sg_state_where(lua_State *, int level, struct sg_script_place *);

#endif /* script/state.h */
