/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/host.h"

#include <stdlib.h>
#include <string.h>
#include <lauxlib.h>

#include "policy/diag.h"
#include "script/chunk.h"
#include "script/state.h"
#include "util.h"

/* Registry key of the table of imported modules. */
static const char modules_key = 'm';

/* Registry key of the table `host'. */
static const char host_key = 'h';

/* Words. */

static void
push_place(lua_State *L)
{
    struct sg_script_place where;

    lua_createtable(L, 0, 3);
    if (sg_state_where(L, 1, &where)) {
        lua_pushstring(L, where.file);
        lua_setfield(L, -2, "file");
        lua_pushinteger(L, where.line);
        lua_setfield(L, -2, "line");
        if (where.chain[0]) {
            lua_pushstring(L, where.chain);
            lua_setfield(L, -2, "chain");
        }
    }
}

static int
call_word(lua_State *L)
{
    int n = lua_gettop(L);

    luaL_checkstack(L, 8, "too many arguments");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    push_place(L);
    lua_insert(L, 2);
    lua_call(L, n + 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int
host_word(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushcclosure(L, call_word, 1);
    return 1;
}

/* Suggestions. */

static int
host_suggest(lua_State *L)
{
    const char *typed = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t n = lua_rawlen(L, 2);
    const char **names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);

    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 2, i + 1);
        names[i] = luaL_checkstring(L, -1);     /* The table keeps it. */
        lua_pop(L, 1);
    }
    lua_pushstring(L, sg_did_you_mean(typed, names, n));    /* Or nil. */
    return 1;
}

/* Log. */

/* Upvalue: the host. */
static int
host_log(lua_State *L)
{
    const struct sg_host *host = lua_touserdata(L, lua_upvalueindex(1));
    bool warn = !strcmp(luaL_checkstring(L, 1), "warn");
    const char *text = luaL_checkstring(L, 3);

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    lua_getfield(L, 2, "file");
    lua_getfield(L, 2, "line");
    host->owner.log(host->owner.aux, warn, luaL_optstring(L, 4, "?"),
                    lua_tointeger(L, 5), text);
    return 0;
}

/* Reading. */

void
sg_host_clear(struct sg_host *host)
{
    sg_source_destroy(&host->source);
    free(host->sentence);
    host->sentence = NULL;
}

static const struct sg_source *
read_source(struct sg_host *host, enum sg_source_kind kind, const char *name)
{
    sg_host_clear(host);
    host->owner.read(host->owner.aux, kind, name, &host->source);
    return &host->source;
}

/* Modules of policies. */

/* Upvalue: the host. */
static int
host_module(lua_State *L)
{
    struct sg_host *host = lua_touserdata(L, lua_upvalueindex(1));
    const char *name = luaL_checkstring(L, 1);
    int line = 0;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    const struct sg_source *source = read_source(host, SG_SOURCE_MODULE,
                                                 name);
    const char *error = source->error;
    if (source->text) {
        int status = sg_chunk_load(L, source->file, source->text);

        if (status == LUA_OK) {
            lua_pushvalue(L, 2);
            lua_setupvalue(L, -2, 1);   /* A main chunk's first is _ENV. */
            lua_pushstring(L, source->file);
            return 2;
        } else if (status != LUA_ERRSYNTAX) {
            return lua_error(L);
        }
        error = host->sentence = sg_chunk_explain(lua_tostring(L, -1), &line);
    }
    lua_pushnil(L);
    lua_pushstring(L, error);
    lua_pushstring(L, source->file);    /* Or nil. */
    lua_pushinteger(L, line);
    return 4;
}

/* Modules of the language. */

static void
load_module(lua_State *L, struct sg_host *host, const char *name)
{
    const char *chunk = lua_pushfstring(L, "=sg/lang/%s.lua", name);
    const struct sg_source *source = read_source(host, SG_SOURCE_LANGUAGE,
                                                 name);

    if (!source->text) {
        luaL_error(L, "the policy language cannot be loaded: %s %s; is "
                   "OVS_SG_LUADIR right, or must ovs-sg be installed again?",
                   source->file, source->error);
    }
    if (luaL_loadbufferx(L, source->text, strlen(source->text), chunk, "t")
        != LUA_OK) {
        lua_error(L);
    }
    lua_remove(L, -2);
}

void
sg_host_import(lua_State *L, struct sg_host *host, const char *name)
{
    luaL_checkstack(L, 8, "too many modules");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
    if (lua_getfield(L, -1, name) == LUA_TNIL) {
        lua_pop(L, 1);
        load_module(L, host, name);
        lua_rawgetp(L, LUA_REGISTRYINDEX, &host_key);
        lua_call(L, 1, 1);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, name);
    }
    lua_remove(L, -2);
}

static int
host_import(lua_State *L)
{
    sg_host_import(L, lua_touserdata(L, lua_upvalueindex(1)),
                   luaL_checkstring(L, 1));
    return 1;
}

void
sg_host_push(lua_State *L, struct sg_host *host)
{
    static const luaL_Reg functions[] = {
        { "import", host_import },
        { "log", host_log },
        { "module", host_module },
        { "suggest", host_suggest },
        { "word", host_word },
        { NULL, NULL },
    };

    lua_newtable(L);
    lua_pushlightuserdata(L, host);
    luaL_setfuncs(L, functions, 1);

    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &host_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &modules_key);
}
