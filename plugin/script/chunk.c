/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/chunk.h"

#include <ctype.h>
#include <string.h>
#include <lauxlib.h>

#include "script/state.h"
#include "util.h"

/* Lets an editor's byte order mark and a "#!" line be, as `lua' does. */
static const char *
skip_preamble(const char *text)
{
    if (!strncmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
    }
    if (!strncmp(text, "#!", 2)) {
        text += strcspn(text, "\n");
    }
    return text;
}

int
sg_chunk_load(lua_State *L, const char *file, const char *text)
{
    const char *name = lua_pushfstring(L, "@%s", file);

    text = skip_preamble(text);
    int status = luaL_loadbufferx(L, text, strlen(text), name, "t");
    lua_remove(L, -2);
    return status;
}

/* What Lua's parser says, and what the author of a policy then mostly did.
 * The first that fits counts. */
static const struct {
    const char *message;
    const char *hint;
} hints[] = {
    { "malformed number", "; addresses stand in quotes" },
    { "expected near ':'", "; addresses stand in quotes" },
    { "near <eof>", "; is a '}' or an 'end' missing?" },
    { "'}' expected", "; is a comma missing before it?" },
    { "syntax error near '='",
      "; a definition has no '=': write group \"web\" { ... }" },
    { "syntax error near",
      "; is that a name without quotes? write group \"web\" { ... }" },
};

static const char *
find_hint(const char *message)
{
    for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
        if (strstr(message, hints[i].message)) {
            return hints[i].hint;
        }
    }
    return "";
}

/* Lua's parser says "NAME:LINE: MESSAGE", where NAME may be abbreviated. */
char *
sg_chunk_explain(const char *message, int *line)
{
    *line = 0;
    for (const char *p = message; (p = strchr(p, ':')) != NULL; p++) {
        int n = 0;

        if (isdigit((unsigned char) p[1])
            && ovs_scan(p, ":%d: %n", line, &n) && n) {
            message = p + n;
            break;
        }
    }

    char *text = sg_script_text(message);
    char *sentence = xasprintf("%s%s", text, find_hint(message));
    free(text);
    return sentence;
}
