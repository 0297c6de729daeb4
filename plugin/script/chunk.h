/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_CHUNK_H
#define SG_SCRIPT_CHUNK_H 1

/* The text of a policy file or module, as a Lua function. */

#include <lua.h>

/* Pushes the function that 'text' of 'file' is, and returns LUA_OK; or pushes
 * Lua's message and returns its status.  Text only, no bytecode. */
int sg_chunk_load(lua_State *, const char *file, const char *text);

/* What to tell the author when the parser has said 'message': a sentence that
 * the caller frees.  Stores the line in '*line', or 0. */
char *sg_chunk_explain(const char *message, int *line);

#endif /* script/chunk.h */
