/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <lauxlib.h>
#include <lualib.h>

#include "script/state.h"
#include "util.h"

#define MAX_CAPTURES 32
#define MAX_DEPTH 200           /* Of recursion. */
#define STEPS_PER_CHARGE 256

/* Lengths of captures that are not finished, or have none. */
#define CAPTURE_OPEN -1
#define CAPTURE_POSITION -2

struct capture {
    const char *start;
    ptrdiff_t len;              /* Or CAPTURE_*. */
};

/* One subject and one pattern.  All pointers go into Lua strings that the
 * caller keeps on its stack. */
struct matcher {
    lua_State *L;
    const char *subject, *subject_end;
    const char *pattern_end;
    unsigned int steps;         /* Not charged yet. */
    int depth;                  /* Of the recursion. */
    int n_captures;
    struct capture captures[MAX_CAPTURES];
};

static const char *do_match(struct matcher *, const char *s, const char *p);

static void
step(struct matcher *m, size_t n)
{
    m->steps += MIN(n, STEPS_PER_CHARGE);
    if (m->steps >= STEPS_PER_CHARGE) {
        m->steps = 0;
        sg_state_charge(m->L, MAX(n, STEPS_PER_CHARGE));
    }
}

/* Single characters. */

/* Returns the end of the single-character item that begins at 'p'. */
static const char *
item_end(struct matcher *m, const char *p)
{
    char c = *p++;

    if (c == '%') {
        if (p == m->pattern_end) {
            luaL_error(m->L, "malformed pattern (ends with '%%')");
        }
        return p + 1;
    } else if (c != '[') {
        return p;
    }

    if (p < m->pattern_end && *p == '^') {
        p++;
    }
    do {                        /* A ']' in first place is a member. */
        if (p == m->pattern_end) {
            luaL_error(m->L, "malformed pattern (missing ']')");
        }
        c = *p++;
        if (c == '%' && p < m->pattern_end) {
            p++;                /* Skip escapes, such as "%]". */
        }
    } while (p >= m->pattern_end || *p != ']');
    return p + 1;
}

static bool
match_class(unsigned char c, unsigned char class)
{
    bool match;

    switch (tolower(class)) {
    case 'a': match = isalpha(c); break;
    case 'c': match = iscntrl(c); break;
    case 'd': match = isdigit(c); break;
    case 'g': match = isgraph(c); break;
    case 'l': match = islower(c); break;
    case 'p': match = ispunct(c); break;
    case 's': match = isspace(c); break;
    case 'u': match = isupper(c); break;
    case 'w': match = isalnum(c); break;
    case 'x': match = isxdigit(c); break;
    default: return class == c;
    }
    return isupper(class) ? !match : match;
}

/* 'p' is at the '[' of a set and 'end' at its ']'. */
static bool
match_set(unsigned char c, const char *p, const char *end)
{
    bool found = true;

    if (p[1] == '^') {
        found = false;
        p++;
    }
    while (++p < end) {
        if (*p == '%') {
            p++;
            if (match_class(c, *p)) {
                return found;
            }
        } else if (p[1] == '-' && p + 2 < end) {
            unsigned char lo = p[0], hi = p[2];

            if (lo <= c && c <= hi) {
                return found;
            }
            p += 2;
        } else if ((unsigned char) *p == c) {
            return found;
        }
    }
    return !found;
}

/* Does the item from 'p' to 'end' match the character at 's'? */
static bool
match_item(struct matcher *m, const char *s, const char *p, const char *end)
{
    step(m, end - p);
    if (s >= m->subject_end) {
        return false;
    }

    unsigned char c = *s;
    switch (*p) {
    case '.': return true;
    case '%': return match_class(c, p[1]);
    case '[': return match_set(c, p, end - 1);
    default: return (unsigned char) *p == c;
    }
}

/* Items that are more than a character. */

/* "%bxy": 'p' is at the x. */
static const char *
match_balance(struct matcher *m, const char *s, const char *p)
{
    if (m->pattern_end - p < 2) {
        luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    }
    if (s >= m->subject_end || *s != p[0]) {
        return NULL;
    }

    int nesting = 1;
    while (++s < m->subject_end) {
        step(m, 1);
        if (*s == p[1]) {
            if (!--nesting) {
                return s + 1;
            }
        } else if (*s == p[0]) {
            nesting++;
        }
    }
    return NULL;
}

/* "%f[set]": 'p' is at the '['. */
static bool
match_frontier(struct matcher *m, const char *s, const char *p,
               const char *end)
{
    unsigned char before = s == m->subject ? '\0' : s[-1];
    unsigned char here = s < m->subject_end ? *s : '\0';

    step(m, 2 * (end - p));
    return !match_set(before, p, end - 1) && match_set(here, p, end - 1);
}

/* "%1": what an earlier capture matched. */
static const char *
match_back_reference(struct matcher *m, const char *s, int digit)
{
    int i = digit - '1';

    if (i < 0 || i >= m->n_captures
        || m->captures[i].len == CAPTURE_OPEN) {
        luaL_error(m->L, "invalid capture index %%%d", i + 1);
    }

    const struct capture *c = &m->captures[i];
    if (c->len == CAPTURE_POSITION || m->subject_end - s < c->len) {
        return NULL;
    }
    step(m, c->len / 16 + 1);
    return memcmp(c->start, s, c->len) ? NULL : s + c->len;
}

/* Repetition. */

static const char *
match_longest(struct matcher *m, const char *s, const char *p,
              const char *end)
{
    ptrdiff_t n = 0;

    while (match_item(m, s + n, p, end)) {
        n++;
    }
    for (; n >= 0; n--) {
        const char *result = do_match(m, s + n, end + 1);
        if (result) {
            return result;
        }
    }
    return NULL;
}

static const char *
match_shortest(struct matcher *m, const char *s, const char *p,
               const char *end)
{
    for (;;) {
        const char *result = do_match(m, s, end + 1);
        if (result) {
            return result;
        } else if (!match_item(m, s, p, end)) {
            return NULL;
        }
        s++;
    }
}

/* Captures. */

static const char *
begin_capture(struct matcher *m, const char *s, const char *p, ptrdiff_t len)
{
    if (m->n_captures >= MAX_CAPTURES) {
        luaL_error(m->L, "too many captures");
    }
    m->captures[m->n_captures++] = (struct capture) { s, len };

    const char *result = do_match(m, s, p);
    if (!result) {
        m->n_captures--;        /* Undo. */
    }
    return result;
}

static const char *
end_capture(struct matcher *m, const char *s, const char *p)
{
    int i = m->n_captures - 1;

    while (i >= 0 && m->captures[i].len != CAPTURE_OPEN) {
        i--;
    }
    if (i < 0) {
        luaL_error(m->L, "invalid pattern capture");
    }
    m->captures[i].len = s - m->captures[i].start;

    const char *result = do_match(m, s, p);
    if (!result) {
        m->captures[i].len = CAPTURE_OPEN;  /* Undo. */
    }
    return result;
}

/* The loop. */

/* Matches one item without a capture at '*p', with its repetition.  True: go
 * on at '*s' and '*p'.  False: '*s' is the end of the whole match, or
 * NULL. */
static bool
match_single(struct matcher *m, const char **s, const char **p)
{
    const char *end = item_end(m, *p);
    char suffix = end < m->pattern_end ? *end : '\0';

    switch (suffix) {
    case '?':
        if (match_item(m, *s, *p, end)) {
            const char *result = do_match(m, *s + 1, end + 1);
            if (result) {
                *s = result;
                return false;
            }
        }
        *p = end + 1;
        return true;

    case '+':
        *s = (match_item(m, *s, *p, end)
              ? match_longest(m, *s + 1, *p, end) : NULL);
        return false;

    case '*':
        *s = match_longest(m, *s, *p, end);
        return false;

    case '-':
        *s = match_shortest(m, *s, *p, end);
        return false;

    default:
        if (!match_item(m, *s, *p, end)) {
            *s = NULL;
            return false;
        }
        ++*s;
        *p = end;
        return true;
    }
}

/* As match_single(), for an item that begins with '%'. */
static bool
match_escape(struct matcher *m, const char **s, const char **p)
{
    char c = *p + 1 < m->pattern_end ? (*p)[1] : '\0';

    if (c == 'b') {
        *s = match_balance(m, *s, *p + 2);
        *p += 4;
        return *s != NULL;
    } else if (c == 'f') {
        const char *set = *p + 2;
        if (set >= m->pattern_end || *set != '[') {
            luaL_error(m->L, "missing '[' after '%%f' in pattern");
        }
        *p = item_end(m, set);
        if (!match_frontier(m, *s, set, *p)) {
            *s = NULL;
        }
        return *s != NULL;
    } else if (isdigit((unsigned char) c)) {
        *s = match_back_reference(m, *s, c);
        *p += 2;
        return *s != NULL;
    }
    return match_single(m, s, p);
}

/* As match_single(), for any item. */
static bool
match_next(struct matcher *m, const char **s, const char **p)
{
    switch (**p) {
    case '(':
        *s = (*p + 1 < m->pattern_end && (*p)[1] == ')'
              ? begin_capture(m, *s, *p + 2, CAPTURE_POSITION)
              : begin_capture(m, *s, *p + 1, CAPTURE_OPEN));
        return false;

    case ')':
        *s = end_capture(m, *s, *p + 1);
        return false;

    case '$':
        if (*p + 1 == m->pattern_end) {
            *s = *s == m->subject_end ? *s : NULL;
            return false;
        }
        return match_single(m, s, p);

    case '%':
        return match_escape(m, s, p);

    default:
        return match_single(m, s, p);
    }
}

/* Matches the pattern from 'p' on at 's'.  Returns the end of the match, or
 * NULL. */
static const char *
do_match(struct matcher *m, const char *s, const char *p)
{
    if (++m->depth > MAX_DEPTH) {
        luaL_error(m->L, "pattern too complex");
    }
    while (p != m->pattern_end) {
        step(m, 1);
        if (!match_next(m, &s, &p)) {
            break;
        }
    }
    m->depth--;
    return s;
}

/* Searches from 's' on.  If the pattern matches, stores where it begins in
 * '*start' and returns where it ends; else NULL. */
static const char *
search(struct matcher *m, const char *s, const char *p, const char **start)
{
    bool anchored = p < m->pattern_end && *p == '^';

    do {
        m->depth = m->n_captures = 0;
        const char *end = do_match(m, s, p + anchored);
        if (end) {
            *start = s;
            return end;
        }
    } while (s++ < m->subject_end && !anchored);
    return NULL;
}

/* Results. */

/* Pushes capture 'i'; if the pattern has none, capture 0 is the whole
 * match. */
static void
push_capture(struct matcher *m, int i, const char *start, const char *end)
{
    if (i >= m->n_captures) {
        if (i) {
            luaL_error(m->L, "invalid capture index %%%d", i + 1);
        }
        lua_pushlstring(m->L, start, end - start);
        return;
    }

    const struct capture *c = &m->captures[i];
    if (c->len == CAPTURE_OPEN) {
        luaL_error(m->L, "unfinished capture");
    } else if (c->len == CAPTURE_POSITION) {
        lua_pushinteger(m->L, c->start - m->subject + 1);
    } else {
        lua_pushlstring(m->L, c->start, c->len);
    }
}

static int
push_captures(struct matcher *m, const char *start, const char *end)
{
    int n = !m->n_captures && start ? 1 : m->n_captures;

    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++) {
        push_capture(m, i, start, end);
    }
    return n;
}

/* Functions. */

/* Prepares a matcher for arguments 1 and 2; returns the pattern. */
static const char *
matcher_init(struct matcher *m, lua_State *L, int subject, int pattern)
{
    size_t len, pattern_len;

    *m = (struct matcher) { .L = L };
    m->subject = luaL_checklstring(L, subject, &len);
    m->subject_end = m->subject + len;

    const char *p = luaL_checklstring(L, pattern, &pattern_len);
    m->pattern_end = p + pattern_len;
    return p;
}

/* The optional argument 'arg', a position as in string.sub(), as an offset;
 * -1 if it is behind the end of the subject. */
static ptrdiff_t
get_init(const struct matcher *m, int arg)
{
    lua_Integer len = m->subject_end - m->subject;
    lua_Integer init = luaL_optinteger(m->L, arg, 1);

    if (init > 0) {
        return init - 1 > len ? -1 : init - 1;
    }
    return !init || init < -len ? 0 : len + init;
}

static bool
is_plain(const struct matcher *m, const char *p)
{
    for (; p < m->pattern_end; p++) {
        if (*p && strchr("^$*+?.([%-", *p)) {
            return false;
        }
    }
    return true;
}

/* As search(), for a pattern that stands for itself. */
static const char *
search_plain(struct matcher *m, const char *s, const char *p,
             const char **start)
{
    size_t len = m->pattern_end - p;

    sg_state_charge(m->L, (m->subject_end - s + len) / 8);
    *start = memmem(s, m->subject_end - s, p, len);
    return *start ? *start + len : NULL;
}

static int
find_or_match(lua_State *L, bool find)
{
    struct matcher m;
    const char *start;
    const char *p = matcher_init(&m, L, 1, 2);
    ptrdiff_t init = get_init(&m, 3);

    if (init < 0) {
        luaL_pushfail(L);
        return 1;
    }
    bool plain = find && (lua_toboolean(L, 4) || is_plain(&m, p));
    const char *end = (plain ? search_plain : search)(&m, m.subject + init,
                                                      p, &start);
    if (!end) {
        luaL_pushfail(L);
        return 1;
    } else if (!find) {
        return push_captures(&m, start, end);
    }
    lua_pushinteger(L, start - m.subject + 1);
    lua_pushinteger(L, end - m.subject);
    return 2 + push_captures(&m, NULL, NULL);
}

static int
pattern_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int
pattern_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* Upvalues: subject, pattern, offset to go on at, end of the last match (-1:
 * none), so that an empty match right behind another is not found twice. */
static int
gmatch_next(lua_State *L)
{
    struct matcher m;
    const char *p = matcher_init(&m, L, lua_upvalueindex(1),
                                 lua_upvalueindex(2));
    const char *s = m.subject + lua_tointeger(L, lua_upvalueindex(3));
    ptrdiff_t last = lua_tointeger(L, lua_upvalueindex(4));

    for (; s <= m.subject_end; s++) {
        m.depth = m.n_captures = 0;
        const char *end = do_match(&m, s, p);
        if (end && end - m.subject != last) {
            lua_pushinteger(L, end - m.subject);
            lua_pushvalue(L, -1);
            lua_replace(L, lua_upvalueindex(3));
            lua_replace(L, lua_upvalueindex(4));
            return push_captures(&m, s, end);
        }
    }
    return 0;
}

static int
pattern_gmatch(lua_State *L)
{
    struct matcher m;

    matcher_init(&m, L, 1, 2);
    ptrdiff_t init = get_init(&m, 3);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushinteger(L, init < 0 ? m.subject_end - m.subject + 1 : init);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

/* Adds the replacement string at index 3 to 'b', captures put in. */
static void
add_string(struct matcher *m, luaL_Buffer *b, const char *start,
           const char *end)
{
    size_t len;
    const char *r = lua_tolstring(m->L, 3, &len);

    for (size_t i = 0; i < len; i++) {
        if (r[i] != '%') {
            luaL_addchar(b, r[i]);
            continue;
        }
        char c = ++i < len ? r[i] : '\0';
        if (c == '%') {
            luaL_addchar(b, c);
        } else if (c == '0') {
            luaL_addlstring(b, start, end - start);
        } else if (isdigit((unsigned char) c)) {
            push_capture(m, c - '1', start, end);
            luaL_tolstring(m->L, -1, NULL);
            lua_remove(m->L, -2);
            luaL_addvalue(b);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
    }
    step(m, len / 16 + 1);
}

/* Adds to 'b' what the match is replaced with, by the type of argument 3. */
static void
add_replacement(struct matcher *m, luaL_Buffer *b, const char *start,
                const char *end)
{
    lua_State *L = m->L;

    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, start, end), 1);
        break;
    case LUA_TTABLE:
        push_capture(m, 0, start, end);
        lua_gettable(L, 3);
        break;
    default:
        add_string(m, b, start, end);
        return;
    }

    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(b, start, end - start);
    } else if (lua_isstring(L, -1)) {
        luaL_addvalue(b);
    } else {
        luaL_error(L, "invalid replacement value (a %s)",
                   luaL_typename(L, -1));
    }
}

static int
pattern_gsub(lua_State *L)
{
    struct matcher m;
    const char *p = matcher_init(&m, L, 1, 2);
    const char *s = m.subject, *last = NULL;
    int type = lua_type(L, 3);
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING
                     || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
                     "string/function/table");
    lua_Integer max = luaL_optinteger(L, 4, m.subject_end - s + 1);
    lua_Integer n = 0;
    bool anchored = p < m.pattern_end && *p == '^';
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    while (n < max) {
        m.depth = m.n_captures = 0;
        const char *end = do_match(&m, s, p + anchored);
        if (end && end != last) {
            n++;
            add_replacement(&m, &b, s, end);
            s = last = end;
        } else if (s < m.subject_end) {
            luaL_addchar(&b, *s++);
        } else {
            break;
        }
        if (anchored) {
            break;
        }
    }
    luaL_addlstring(&b, s, m.subject_end - s);
    luaL_pushresult(&b);
    lua_pushinteger(L, n);
    return 2;
}

void
sg_pattern_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "find", pattern_find },
        { "gmatch", pattern_gmatch },
        { "gsub", pattern_gsub },
        { "match", pattern_match },
        { NULL, NULL },
    };

    lua_getglobal(L, LUA_STRLIBNAME);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
