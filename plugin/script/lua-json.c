/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/lua-json.h"

#include <stdbool.h>
#include <lauxlib.h>

#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "util.h"

/* The document nests about a dozen deep. */
#define MAX_DEPTH 64

static struct json *from_lua(lua_State *, int index, size_t *left, int depth);

/* Is the first key that lua_next() finds in the table at 'index' a string?
 * The language makes no tables that mix keys. */
static bool
is_object(lua_State *L, int index)
{
    lua_pushnil(L);
    if (!lua_next(L, index)) {
        return false;
    }
    bool string = lua_type(L, -2) == LUA_TSTRING;
    lua_pop(L, 2);
    return string;
}

static struct json *
array_from_lua(lua_State *L, int index, size_t *left, int depth)
{
    struct json *array = json_array_create_empty();
    size_t n = lua_rawlen(L, index);

    for (size_t i = 1; i <= n; i++) {
        lua_rawgeti(L, index, i);
        struct json *elem = from_lua(L, lua_gettop(L), left, depth + 1);
        lua_pop(L, 1);
        if (!elem) {
            json_destroy(array);
            return NULL;
        }
        json_array_add(array, elem);
    }
    return array;
}

static struct json *
object_from_lua(lua_State *L, int index, size_t *left, int depth)
{
    struct json *object = json_object_create();

    lua_pushnil(L);
    while (lua_next(L, index)) {
        struct json *value = NULL;

        /* lua_tostring() would change a number in place, and the next
         * lua_next() would raise. */
        if (lua_type(L, -2) == LUA_TSTRING) {
            value = from_lua(L, lua_gettop(L), left, depth + 1);
        }
        if (!value) {
            lua_pop(L, 2);
            json_destroy(object);
            return NULL;
        }
        json_object_put(object, lua_tostring(L, -2), value);
        lua_pop(L, 1);
    }
    return object;
}

static struct json *
from_lua(lua_State *L, int index, size_t *left, int depth)
{
    if (!*left || depth > MAX_DEPTH || !lua_checkstack(L, 4)) {
        return NULL;
    }
    --*left;

    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        return json_boolean_create(lua_toboolean(L, index));
    case LUA_TNUMBER:
        return (lua_isinteger(L, index)
                ? json_integer_create(lua_tointeger(L, index))
                : json_real_create(lua_tonumber(L, index)));
    case LUA_TSTRING:
        return json_string_create(lua_tostring(L, index));
    case LUA_TTABLE:
        return (is_object(L, index)
                ? object_from_lua(L, index, left, depth)
                : array_from_lua(L, index, left, depth));
    default:
        return NULL;
    }
}

struct json *
sg_json_from_lua(lua_State *L, int index, size_t max_values)
{
    return from_lua(L, lua_absindex(L, index), &max_values, 0);
}

static void
push_object(lua_State *L, const struct shash *object)
{
    struct shash_node *node;

    lua_createtable(L, 0, shash_count(object));
    SHASH_FOR_EACH (node, object) {
        sg_json_push(L, node->data);
        lua_setfield(L, -2, node->name);
    }
}

static void
push_array(lua_State *L, const struct json_array *array)
{
    lua_createtable(L, array->n, 0);
    for (size_t i = 0; i < array->n; i++) {
        sg_json_push(L, array->elems[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

void
sg_json_push(lua_State *L, const struct json *json)
{
    luaL_checkstack(L, 4, "JSON nests too deep");
    switch (json->type) {
    case JSON_FALSE:
    case JSON_TRUE:
        lua_pushboolean(L, json->type == JSON_TRUE);
        break;
    case JSON_OBJECT:
        push_object(L, json->object);
        break;
    case JSON_ARRAY:
        push_array(L, &json->array);
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json->integer);
        break;
    case JSON_REAL:
        lua_pushnumber(L, json->real);
        break;
    case JSON_STRING:
        lua_pushstring(L, json->string);
        break;
    case JSON_NULL:
    case JSON_N_TYPES:
    default:
        lua_pushnil(L);
        break;
    }
}
