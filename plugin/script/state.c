/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <lauxlib.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "unicode.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_state);

/* How many instructions run between two looks of the hook. */
#define HOOK_PERIOD 1000

/* How far up a stack we look for places: lua_getstack() walks from the top
 * each time, and a recursion gone wild has 200,000 frames. */
#define MAX_LEVELS 64

/* Longest message of a script's own that is shown. */
#define MAX_MESSAGE 500

/* Callers named in a chain. */
#define MAX_CHAIN 4

static void count_hook(lua_State *, lua_Debug *);
static void note_place(lua_State *, struct sg_state *);

struct sg_state *
sg_state_from(lua_State *L)
{
    /* Lua copies the extra space of the main thread to each new one. */
    return *(struct sg_state **) lua_getextraspace(L);
}

/* Memory. */

static void *
state_alloc(void *state_, void *ptr, size_t osize, size_t nsize)
{
    struct sg_state *state = state_;
    size_t old = ptr ? osize : 0;   /* Without 'ptr', 'osize' is a type. */

    if (!nsize) {
        free(ptr);
        state->used -= old;
        return NULL;
    }
    /* Lua relies on shrinking never failing. */
    if (nsize > old && nsize - old > state->cap - MIN(state->used,
                                                      state->cap)) {
        /* If collecting garbage does not help, this raises without any
         * handler being called: now is the time to see where we are. */
        if (state->calling) {
            note_place(state->L, state);
        }
        return NULL;
    }

    void *new = realloc(ptr, nsize);
    if (new) {
        state->used += nsize - old;
    }
    return new;
}

static int
state_panic(lua_State *L OVS_UNUSED)
{
    VLOG_FATAL("a Lua error outside of a protected call");
}

struct sg_state *
sg_state_create(size_t max_memory)
{
    struct sg_state *state = xzalloc(sizeof *state);

    state->cap = max_memory;
    state->L = lua_newstate(state_alloc, state);
    if (!state->L) {
        out_of_memory();
    }
    lua_atpanic(state->L, state_panic);
    *(struct sg_state **) lua_getextraspace(state->L) = state;
    return state;
}

static void
fault_clear(struct sg_fault *fault)
{
    sg_place_destroy(&fault->place);
    sg_place_init(&fault->place, NULL, 0);
    free(fault->message);
    fault->message = NULL;
}

void
sg_state_destroy(struct sg_state *state)
{
    if (state) {
        state->cap = SIZE_MAX;  /* lua_close() may allocate. */
        lua_sethook(state->L, NULL, 0, 0);
        lua_close(state->L);
        fault_clear(&state->fault);
        sg_place_destroy(&state->last);
        free(state);
    }
}

/* Budgets. */

static uint64_t
thread_time(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

void
sg_state_begin(struct sg_state *state, uint64_t instructions, uint64_t ms)
{
    state->budget = state->left = instructions;
    state->time_budget = ms * 1000000;
    state->deadline = thread_time() + state->time_budget;
    state->stop = SG_RUNNING;
    sg_place_destroy(&state->last);
    sg_place_init(&state->last, NULL, 0);
    lua_sethook(state->L, count_hook, LUA_MASKCOUNT, HOOK_PERIOD);
}

/* Remembers where the script is, for a stop that comes at a moment when the
 * stack cannot be looked at. */
static void
note_place(lua_State *L, struct sg_state *state)
{
    struct sg_script_place where;

    if (sg_state_where(L, 0, &where)) {
        if (!state->last.file || strcmp(state->last.file, where.file)) {
            sg_place_destroy(&state->last);
            sg_place_init(&state->last, where.file, where.line);
        }
        state->last.line = where.line;
    }
}

/* The error object of a stop allocates nothing: memory may be what ended. */
static void
raise_stop(lua_State *L, struct sg_state *state)
{
    lua_sethook(L, count_hook, LUA_MASKCOUNT, 1);
    lua_pushlightuserdata(L, state);
    lua_error(L);
}

static void
spend(struct sg_state *state, uint64_t work)
{
    if (!state->stop && work >= state->left) {
        state->stop = SG_STOP_INSTRUCTIONS;
    } else {
        state->left -= MIN(work, state->left);
    }
}

static void
count_hook(lua_State *L, lua_Debug *ar OVS_UNUSED)
{
    struct sg_state *state = sg_state_from(L);

    if (!state->stop) {
        note_place(L, state);
        spend(state, lua_gethookcount(L));
        if (!state->stop && thread_time() > state->deadline) {
            state->stop = SG_STOP_TIME;
        }
    }
    if (state->stop) {
        raise_stop(L, state);
    }
}

void
sg_state_charge(lua_State *L, uint64_t work)
{
    struct sg_state *state = sg_state_from(L);

    spend(state, work);
    if (state->stop) {
        note_place(L, state);
        raise_stop(L, state);
    }
}

void
sg_state_pass_on_stop(lua_State *L, int status)
{
    struct sg_state *state = sg_state_from(L);

    if (status == LUA_ERRMEM && !state->stop) {
        state->stop = SG_STOP_MEMORY;
        note_place(L, state);
    }
    if (state->stop) {
        raise_stop(L, state);
    }
}

static char *
stop_sentence(const struct sg_state *state)
{
    switch (state->stop) {
    case SG_STOP_INSTRUCTIONS:
        return xasprintf("the script was stopped after %"PRIu64" "
                         "instructions; look for a loop that does not end",
                         state->budget);
    case SG_STOP_TIME:
        return xasprintf("the script was stopped after %"PRIu64" ms of "
                         "processor time; look for a loop that does not end "
                         "or for very long strings",
                         state->time_budget / 1000000);
    case SG_STOP_MEMORY:
        return xasprintf("the script was stopped because it used more than "
                         "%"PRIuSIZE" MiB of memory; look for a list or a "
                         "string that grows without end",
                         state->cap / (1024 * 1024));
    case SG_RUNNING:
    default:
        OVS_NOT_REACHED();
    }
}

/* Places. */

/* Advances '*level' to the next frame of a policy file; '*ar' describes it.
 * Frame '*level' itself counts. */
static bool
next_policy_frame(lua_State *L, int *level, lua_Debug *ar)
{
    for (; *level < MAX_LEVELS && lua_getstack(L, *level, ar); ++*level) {
        lua_getinfo(L, "Sl", ar);
        if (ar->source[0] == '@' && ar->currentline > 0) {
            return true;
        }
    }
    return false;
}

/* Writes the callers above 'level' to 'chain', a buffer of SG_CHAIN_MAX. */
static void
format_chain(lua_State *L, int level, char *chain)
{
    size_t used = 0;
    lua_Debug ar;

    chain[0] = '\0';
    for (int n = 0; n < MAX_CHAIN; n++, level++) {
        if (!next_policy_frame(L, &level, &ar)) {
            return;
        }
        int len = snprintf(chain + used, SG_CHAIN_MAX - used,
                           "%scalled from %s:%d", n ? ", " : "",
                           ar.source + 1, ar.currentline);
        if (len < 0 || used + len >= SG_CHAIN_MAX) {
            chain[used] = '\0';     /* Half a caller helps nobody. */
            return;
        }
        used += len;
    }
}

bool
sg_state_where(lua_State *L, int level, struct sg_script_place *where)
{
    lua_Debug ar;

    if (!next_policy_frame(L, &level, &ar)) {
        *where = (struct sg_script_place) { .file = NULL };
        return false;
    }
    where->file = ar.source + 1;
    where->line = ar.currentline;
    format_chain(L, level + 1, where->chain);
    return true;
}

/* Faults. */

/* Lua's own messages begin with "SHORT_SRC:LINE: ", where the name may be
 * abbreviated.  If 'message' begins with the position of a frame on the
 * stack, stores that frame's level in '*level' and returns what follows the
 * position; else returns 'message'. */
static const char *
skip_position(lua_State *L, const char *message, int *level)
{
    lua_Debug ar;

    for (int i = 0; next_policy_frame(L, &i, &ar); i++) {
        char prefix[LUA_IDSIZE + 16];
        int len = snprintf(prefix, sizeof prefix, "%s:%d: ", ar.short_src,
                           ar.currentline);

        if (!strncmp(message, prefix, len)) {
            *level = i;
            return message + len;
        }
    }
    return message;
}

char *
sg_script_text(const char *message)
{
    char *text = xasprintf("%.*s", MAX_MESSAGE, message);
    size_t len;
    char *error = utf8_validate(text, &len);

    if (error) {
        for (char *p = text; *p; p++) {
            *p = *p & 0x80 ? '?' : *p;
        }
        free(error);
    }
    return text;
}

static void
fault_set(lua_State *L, struct sg_fault *fault, const char *message)
{
    struct sg_script_place where;
    int level = 0;
    char *text = sg_script_text(skip_position(L, message, &level));

    fault_clear(fault);
    fault->message = text;
    if (sg_state_where(L, level, &where)) {
        sg_place_init(&fault->place, where.file, where.line);
        if (where.chain[0]) {
            fault->message = xasprintf("%s (%s)", text, where.chain);
            free(text);
        }
    }
}

/* The message handler: the last moment at which the stack still shows where
 * the error was.  Nothing here runs a metamethod or allocates from Lua. */
static int
handle_error(lua_State *L)
{
    struct sg_state *state = sg_state_from(L);

    if (state->stop) {
        return 1;
    }
    if (lua_type(L, 1) == LUA_TSTRING) {
        fault_set(L, &state->fault, lua_tostring(L, 1));
    } else {
        char *message = xasprintf("error() was called with a %s instead of "
                                  "a message", luaL_typename(L, 1));
        fault_set(L, &state->fault, message);
        free(message);
    }
    return 1;
}

/* Completes state->fault after a protected call that returned 'status'. */
static void
fault_finish(struct sg_state *state, int status)
{
    if (status == LUA_ERRMEM && !state->stop) {
        state->stop = SG_STOP_MEMORY;
    }
    if (state->stop) {
        fault_clear(&state->fault);
        sg_place_clone(&state->fault.place, &state->last);
        state->fault.message = stop_sentence(state);
    } else if (!state->fault.message) {
        state->fault.message = xstrdup("the error handler itself failed");
    }
}

bool
sg_state_call(struct sg_state *state, lua_CFunction function, void *aux)
{
    lua_State *L = state->L;

    fault_clear(&state->fault);
    lua_settop(L, 0);
    lua_pushcfunction(L, handle_error);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, aux);

    state->calling = true;
    int status = lua_pcall(L, 1, 1, 1);
    state->calling = false;
    if (status != LUA_OK) {
        fault_finish(state, status);
        lua_settop(L, 0);
        return false;
    }
    lua_remove(L, 1);
    return true;
}
