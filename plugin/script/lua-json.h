/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_LUA_JSON_H
#define SG_SCRIPT_LUA_JSON_H 1

/* Values between Lua and JSON.
 *
 * A Lua error unwinds the C stack with longjmp(), and nobody would free the
 * JSON under construction.  So sg_json_from_lua() uses only functions of
 * Lua's API that raise nothing, and sg_json_push() makes nothing but Lua
 * values. */

#include <stddef.h>
#include <lua.h>

struct json;

/* The value at 'index' as JSON, for the caller to free.  A table with a
 * string as key is an object, any other an array; an integer is an integer.
 * Returns NULL if it is no such value, or has more than 'max_values' values,
 * counted each time that they are reached.  Raises nothing. */
struct json *sg_json_from_lua(lua_State *, int index, size_t max_values);

/* Pushes 'json' as a Lua value; null is nil.  May raise. */
void sg_json_push(lua_State *, const struct json *);

#endif /* script/lua-json.h */
