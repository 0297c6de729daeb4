/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Our pattern functions against Lua's own: the same answer, or the same
 * error, for random patterns and subjects. */

#include <config.h>

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

#include "random.h"
#include "script/sandbox.h"
#include "script/state.h"
#include "tap.h"
#include "util.h"

#define N_RANDOM 20000

/* Calls string functions in both states and returns all results as one
 * string, an error as its message without the place. */
static const char prober[] =
    "local s, p = ...\n"
    "local function show(...)\n"
    "  local t = table.pack(...)\n"
    "  for i = 1, t.n do t[i] = tostring(t[i]) end\n"
    "  return table.concat(t, '|')\n"
    "end\n"
    "local function all()\n"
    "  local r = {}\n"
    "  for a, b in s:gmatch(p) do r[#r + 1] = show(a, b) end\n"
    "  return table.concat(r, ';')\n"
    "end\n"
    "return table.concat({ show(pcall(s.find, s, p)),\n"
    "  show(pcall(s.find, s, p, 3)), show(pcall(s.find, s, p, -3, true)),\n"
    "  show(pcall(s.match, s, p)), show(pcall(s.match, s, p, -2)),\n"
    "  show(pcall(all)), show(pcall(s.gsub, s, p, '<%0%1>')),\n"
    "  show(pcall(s.gsub, s, p, '%2', 2)),\n"
    "  show(pcall(s.gsub, s, p, function(x) return x == 'a' and 'A' end)),\n"
    "  show(pcall(s.gsub, s, p, { a = 1, b = false, [1] = 'one' }))\n"
    "}, '\\n')\n";

struct probe {
    const char *subject;
    size_t subject_len;
    const char *pattern;
    size_t pattern_len;
};

static int
run_probe(lua_State *L)
{
    const struct probe *probe = lua_touserdata(L, 1);

    if (luaL_loadstring(L, prober) != LUA_OK) {
        return lua_error(L);
    }
    lua_pushlstring(L, probe->subject, probe->subject_len);
    lua_pushlstring(L, probe->pattern, probe->pattern_len);
    lua_call(L, 2, 1);
    return 1;
}

/* Returns what the state answers; the string lives until the next call. */
static const char *
ask(lua_State *L, const struct probe *probe)
{
    lua_settop(L, 0);
    lua_pushcfunction(L, run_probe);
    lua_pushlightuserdata(L, CONST_CAST(struct probe *, probe));
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        return xasprintf("failed: %s", lua_tostring(L, -1));
    }
    return lua_tostring(L, -1);
}

static bool
compare(lua_State *ours, lua_State *theirs, const struct probe *probe)
{
    const char *got = ask(ours, probe);
    const char *want = ask(theirs, probe);

    if (!strcmp(got, want)) {
        return true;
    }
    ok(false, "subject \"%.*s\", pattern \"%.*s\"",
       (int) probe->subject_len, probe->subject,
       (int) probe->pattern_len, probe->pattern);
    tap_show("     got", got);
    tap_show("expected", want);
    return false;
}

static void
test_directed(lua_State *ours, lua_State *theirs)
{
    static const char *const probes[][2] = {
        { "hello world", "o w" }, { "hello", "l+" }, { "hello", "^(h)(.-)o$" },
        { "tap-db-12", "^tap%-(%a+)%-(%d+)$" }, { "", "" }, { "abc", "" },
        { "THE (quick) fox", "%((%a+)%)" }, { "f(a(b)c)d", "%b()" },
        { "THE (quick) fox", "%f[%a]%a+" }, { "aaa", "a-" }, { "aaab", "a-b" },
        { "abab", "(ab)%1" }, { "abc", "()b()" }, { "a.b", "." },
        { "a]b", "[]]" }, { "a-b", "[a%-]" }, { "a^b", "[%^]" },
        { "a^b", "[b^]" }, { "aXb", "[^%l]" }, { "a", "%" }, { "a", "[a" },
        { "a", "[%" }, { "a", "(" }, { "a", ")" }, { "a", "(a" },
        { "a", "%1" }, { "a", "(a%1)" }, { "a", "%b" }, { "a", "%bx" },
        { "a", "%f" }, { "a", "%fa" }, { "a", "[" }, { "a", "[]" },
        { "a", "[^" }, { "a", "[^]" }, { "a$", "a$" }, { "a$b", "a$b" },
        { "ab", "^b" }, { "^b", "^^b" }, { "abc", "[a-c]+" },
        { "a-c", "[a-]+" }, { "aaa", "a?a?a?a" }, { "k=v, x=y", "(%w)=(%w)" },
    };
    bool good = true;

    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        struct probe probe = { probes[i][0], strlen(probes[i][0]),
                               probes[i][1], strlen(probes[i][1]) };
        good &= compare(ours, theirs, &probe);
    }
    ok(good, "%d patterns chosen by hand", (int) ARRAY_SIZE(probes));
}

static size_t
random_string(char *s, size_t max, const char *alphabet)
{
    size_t n = random_range(max);

    for (size_t i = 0; i < n; i++) {
        s[i] = alphabet[random_range(strlen(alphabet) + 1)];    /* NUL too. */
    }
    return n;
}

static void
test_random(lua_State *ours, lua_State *theirs)
{
    bool good = true;

    random_set_seed(1);
    for (int i = 0; i < N_RANDOM && good; i++) {
        char subject[16], pattern[12];
        struct probe probe = { .subject = subject, .pattern = pattern };

        probe.subject_len = random_string(subject, sizeof subject, "aabb1( )");
        probe.pattern_len = random_string(pattern, sizeof pattern,
                                          "aab%%[]()^$*+-?.wdbf12");
        good &= compare(ours, theirs, &probe);
    }
    ok(good, "%d random patterns", N_RANDOM);
}

static int
open_sandbox(lua_State *L)
{
    sg_sandbox_open(L);
    return 0;
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    struct sg_state *state = sg_state_create(64 * 1024 * 1024);
    lua_State *theirs = luaL_newstate();

    set_program_name(argv[0]);
    sg_state_begin(state, UINT64_MAX / 2, 1000 * 1000);
    luaL_openlibs(theirs);
    if (ok(sg_state_call(state, open_sandbox, NULL), "the sandbox opens")) {
        test_directed(state->L, theirs);
        test_random(state->L, theirs);
    }
    lua_close(theirs);
    sg_state_destroy(state);
    return done_testing();
}
