/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/sandbox.h"

#include <stdbool.h>
#include <lauxlib.h>
#include <lualib.h>

#include "script/pattern.h"
#include "script/state.h"
#include "util.h"

/* Longest string that one call may make. */
#define MAX_STRING (1024 * 1024)

/* Most elements that one call may move, pass or return. */
#define MAX_SPAN 100000

/* Bytes that a C function handles in about the time of one instruction. */
#define BYTES_PER_STEP 16

/* Guards.  Each runs with the arguments of the call on the stack, leaves them
 * as they are, and raises if the call must not happen. */

static void
charge_bytes(lua_State *L, lua_Integer n)
{
    sg_state_charge(L, n / BYTES_PER_STEP);
}

/* For functions whose work is bounded by the lengths of their strings. */
static void
guard_strings(lua_State *L)
{
    lua_Integer n = 0;

    for (int i = 1; i <= lua_gettop(L); i++) {
        if (lua_type(L, i) == LUA_TSTRING) {
            n += lua_rawlen(L, i);
        }
    }
    charge_bytes(L, n);
}

static void
guard_rep(lua_State *L)
{
    size_t len, sep;
    luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &sep);

    /* Both lengths are bounded by memory, so the sum cannot overflow. */
    lua_Integer unit = MAX(len + sep, 1);
    if (n > 0) {
        if (n > MAX_STRING / unit) {
            luaL_error(L, "string.rep would make more than %d bytes",
                       MAX_STRING);
        }
        charge_bytes(L, n * unit);
    }
}

/* string.byte(s, i, j): one value per byte. */
static void
guard_byte(lua_State *L)
{
    size_t len;

    luaL_checklstring(L, 1, &len);
    if (len > MAX_SPAN) {
        luaL_error(L, "string.byte takes at most %d bytes", MAX_SPAN);
    }
    sg_state_charge(L, len / BYTES_PER_STEP);
}

/* The functions of `table' take a table whose length is the real one: a
 * `__len' that lies makes them loop for ever, and so do metamethods that are
 * C functions, which no hook counts. */
static lua_Integer
check_plain_table(lua_State *L, int arg)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    if (lua_getmetatable(L, arg)) {
        static const char *const events[] = { "__len", "__index",
                                              "__newindex" };
        for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
            lua_pushstring(L, events[i]);
            lua_rawget(L, -2);
            if (!lua_isnil(L, -1)) {
                luaL_argerror(L, arg, "a table without metamethods is "
                              "needed");
            }
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    return lua_rawlen(L, arg);
}

/* table.insert and table.remove move what is behind the position in argument
 * 2; nothing, where they work at the end. */
static void
guard_shift(lua_State *L, bool at_end)
{
    lua_Integer n = check_plain_table(L, 1);

    if (!at_end) {
        lua_Integer pos = luaL_checkinteger(L, 2);
        sg_state_charge(L, pos > 0 && pos <= n ? (n - pos) / 4 : 0);
    }
}

static void
guard_insert(lua_State *L)
{
    guard_shift(L, lua_gettop(L) != 3);
}

static void
guard_remove(lua_State *L)
{
    guard_shift(L, lua_isnoneornil(L, 2));
}

/* Comparisons: n log n. */
static void
guard_sort(lua_State *L)
{
    lua_Integer n = check_plain_table(L, 1);

    sg_state_charge(L, n * (log_2_ceil(MAX(n, 1)) + 1));
}

/* Checks and charges the span 'lo'...'hi'. */
static void
charge_span(lua_State *L, lua_Integer lo, lua_Integer hi)
{
    if (lo <= hi) {
        lua_Unsigned n = (lua_Unsigned) hi - lo;

        if (n >= MAX_SPAN) {
            luaL_error(L, "more than %d elements in one call", MAX_SPAN);
        }
        sg_state_charge(L, n + 1);
    }
}

static void
guard_concat(lua_State *L)
{
    lua_Integer n = check_plain_table(L, 1);
    size_t sep;

    luaL_optlstring(L, 2, "", &sep);
    charge_span(L, luaL_optinteger(L, 3, 1), luaL_optinteger(L, 4, n));
    charge_bytes(L, n * (lua_Integer) sep);
}

static void
guard_unpack(lua_State *L)
{
    lua_Integer n = check_plain_table(L, 1);

    charge_span(L, luaL_optinteger(L, 2, 1), luaL_optinteger(L, 3, n));
}

static void
guard_move(lua_State *L)
{
    check_plain_table(L, 1);
    if (!lua_isnoneornil(L, 5)) {
        check_plain_table(L, 5);
    }
    charge_span(L, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3));
}

/* Arguments are values on the stack: passing many costs as much. */
static void
guard_arguments(lua_State *L)
{
    sg_state_charge(L, lua_gettop(L));
}

/* A new coroutine may run up to a hook's period uncounted. */
static void
guard_coroutine(lua_State *L)
{
    sg_state_charge(L, 1000);
}

/* A finalizer runs at a moment nobody chose, in the middle of whatever the
 * host does. */
static void
guard_setmetatable(lua_State *L)
{
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        lua_rawget(L, 2);
        if (!lua_isnil(L, -1)) {
            luaL_error(L, "finalizers (__gc) are not available in policy "
                       "files");
        }
        lua_pop(L, 1);
    }
}

struct guarded {
    const char *library;
    const char *name;
    void (*guard)(lua_State *);
};

static const struct guarded guards[] = {
    { LUA_GNAME, "setmetatable", guard_setmetatable },
    { LUA_GNAME, "select", guard_arguments },
    { LUA_GNAME, "tonumber", guard_strings },
    { LUA_STRLIBNAME, "byte", guard_byte },
    { LUA_STRLIBNAME, "char", guard_arguments },
    { LUA_STRLIBNAME, "format", guard_strings },
    { LUA_STRLIBNAME, "lower", guard_strings },
    { LUA_STRLIBNAME, "rep", guard_rep },
    { LUA_STRLIBNAME, "reverse", guard_strings },
    { LUA_STRLIBNAME, "sub", guard_strings },
    { LUA_STRLIBNAME, "upper", guard_strings },
    { LUA_TABLIBNAME, "concat", guard_concat },
    { LUA_TABLIBNAME, "insert", guard_insert },
    { LUA_TABLIBNAME, "move", guard_move },
    { LUA_TABLIBNAME, "pack", guard_arguments },
    { LUA_TABLIBNAME, "remove", guard_remove },
    { LUA_TABLIBNAME, "sort", guard_sort },
    { LUA_TABLIBNAME, "unpack", guard_unpack },
    { LUA_UTF8LIBNAME, "char", guard_arguments },
    { LUA_UTF8LIBNAME, "codepoint", guard_byte },
    { LUA_UTF8LIBNAME, "len", guard_strings },
    { LUA_UTF8LIBNAME, "offset", guard_strings },
    { LUA_COLIBNAME, "create", guard_coroutine },
};

/* Upvalues: the guard and the original, a light C function without upvalues
 * of its own.  Called in place, not through lua_call(): so the frame of the
 * caller is where Lua's messages expect it. */
static int
call_guarded(lua_State *L)
{
    const struct guarded *g = lua_touserdata(L, lua_upvalueindex(1));
    lua_CFunction original = lua_tocfunction(L, lua_upvalueindex(2));

    g->guard(L);
    return original(L);
}

static void
install_guards(lua_State *L)
{
    for (size_t i = 0; i < ARRAY_SIZE(guards); i++) {
        const struct guarded *g = &guards[i];

        lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
        lua_getfield(L, -1, g->library);
        lua_pushlightuserdata(L, CONST_CAST(struct guarded *, g));
        lua_getfield(L, -2, g->name);
        lua_pushcclosure(L, call_guarded, 2);
        lua_setfield(L, -2, g->name);
        lua_pop(L, 2);
    }
}

/* Protected calls that pass a stop on. */

static int
finish_pcall(lua_State *L, int status, lua_KContext extra)
{
    if (status != LUA_OK && status != LUA_YIELD) {
        sg_state_pass_on_stop(L, status);
        lua_pushboolean(L, false);
        lua_pushvalue(L, -2);
        return 2;
    }
    return lua_gettop(L) - (int) extra;
}

static int
safe_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, true);   /* First result if there is no error. */
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0,
                            finish_pcall);
    return finish_pcall(L, status, 0);
}

/* The message handler of xpcall().  Upvalue: the script's.  When the hook
 * raises, Lua calls handlers with hooks disabled: a script's own would run
 * for ever. */
static int
call_handler(lua_State *L)
{
    if (sg_state_from(L)->stop == SG_RUNNING) {
        lua_settop(L, 1);
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 1);
        lua_call(L, 1, 1);
    }
    return 1;
}

static int
safe_xpcall(lua_State *L)
{
    int n = lua_gettop(L);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, call_handler, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, true);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);        /* Function, handler, true, function, ... */
    int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, finish_pcall);
    return finish_pcall(L, status, 2);
}

/* Upvalue: the original. */
static int
safe_resume(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    int n = lua_tocfunction(L, lua_upvalueindex(1))(L);

    sg_state_pass_on_stop(L, co ? lua_status(co) : LUA_OK);
    return n;
}

/* coroutine.wrap() of Lua's turns an error for lack of memory into an
 * ordinary one.  Upvalue: the coroutine. */
static int
call_wrapped(lua_State *L)
{
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int n = lua_gettop(L);

    if (!lua_checkstack(co, n)) {
        luaL_error(L, "too many arguments to resume");
    }
    lua_xmove(L, co, n);
    int status = lua_resume(co, L, n, &n);
    sg_state_pass_on_stop(L, status);
    if (status != LUA_OK && status != LUA_YIELD) {
        int left = lua_status(co);

        if (left != LUA_OK && left != LUA_YIELD) {
            lua_resetthread(co);    /* Closes variables; keeps the error. */
            lua_xmove(co, L, 1);
            return lua_error(L);
        }
        /* It could not be resumed: one that is running, say. */
        lua_xmove(co, L, 1);
        return luaL_error(L, "%s", lua_tostring(L, -1));
    }
    luaL_checkstack(L, n, "too many results");
    lua_xmove(co, L, n);
    return n;
}

static int
safe_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    guard_coroutine(L);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

static void
install_protected_calls(lua_State *L)
{
    static const luaL_Reg base[] = {
        { "pcall", safe_pcall },
        { "xpcall", safe_xpcall },
        { NULL, NULL },
    };

    lua_pushglobaltable(L);
    luaL_setfuncs(L, base, 0);
    lua_getfield(L, -1, LUA_COLIBNAME);
    lua_getfield(L, -1, "resume");
    lua_pushcclosure(L, safe_resume, 1);
    lua_setfield(L, -2, "resume");
    lua_pushcfunction(L, safe_wrap);
    lua_setfield(L, -2, "wrap");
    lua_pop(L, 2);
}

/* Removal. */

/* Also from the language's own Lua, so that no slip of ours can hand them
 * on. */
static void
remove_dangerous(lua_State *L)
{
    static const char *const base[] = {
        "collectgarbage", "dofile", "load", "loadfile", "rawset",
    };
    static const char *const string[] = {
        "dump", "pack", "packsize", "unpack",
    };

    for (size_t i = 0; i < ARRAY_SIZE(base); i++) {
        lua_pushnil(L);
        lua_setglobal(L, base[i]);
    }
    lua_getglobal(L, LUA_STRLIBNAME);
    for (size_t i = 0; i < ARRAY_SIZE(string); i++) {
        lua_pushnil(L);
        lua_setfield(L, -2, string[i]);
    }
    lua_pop(L, 1);
}

/* `("x").rep' must work, but the table behind it must stay out of reach. */
static void
protect_string_metatable(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

static bool unguarded;

void
sg_sandbox_leave_unguarded(void)
{
    unguarded = true;
}

void
sg_sandbox_open(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        { LUA_GNAME, luaopen_base },
        { LUA_STRLIBNAME, luaopen_string },
        { LUA_TABLIBNAME, luaopen_table },
        { LUA_MATHLIBNAME, luaopen_math },
        { LUA_UTF8LIBNAME, luaopen_utf8 },
        { LUA_COLIBNAME, luaopen_coroutine },
    };

    for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, true);
        lua_pop(L, 1);
    }
    remove_dangerous(L);
    install_protected_calls(L);
    if (!unguarded) {
        install_guards(L);
        sg_pattern_open(L);
    }
    protect_string_metatable(L);
}
