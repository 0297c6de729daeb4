/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/script.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <lauxlib.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/vlog.h"
#include "policy/diag.h"
#include "policy/port.h"
#include "script/facts.h"
#include "script/files.h"
#include "script/host.h"
#include "script/lua-json.h"
#include "script/sandbox.h"
#include "script/state.h"
#include "svec.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_script);

/* A policy of 1,000 groups and 20,000 rules takes about a tenth of each. */
#define DEFAULT_INSTRUCTIONS 100000000
#define DEFAULT_MS 5000
#define DEFAULT_MEMORY (256 * 1024 * 1024)

#define DEFAULT_CALL_INSTRUCTIONS 1000000
#define DEFAULT_CALL_MS 100

/* Most values in a document, and in the answer of a callback. */
#define MAX_DOCUMENT 5000000
#define MAX_ANSWER 10000

struct sg_script {
    struct sg_state *state;
    struct sg_host host;
    struct sg_script_options options;   /* Defaults filled in; no luadir. */
    bool open;                  /* The language could be loaded. */
};

/* Registry key of the table that lua/sg/lang/init.lua returns. */
static const char language_key = 'l';

/* A file while it is loaded. */
struct load {
    struct sg_script *script;
    const char *file;
    char *text;
    size_t len;
    char *syntax_error;         /* Of Lua's parser; NULL if none. */
};

/* The language. */

static int
open_language(lua_State *L)
{
    struct sg_script *script = lua_touserdata(L, 1);

    sg_sandbox_open(L);
    sg_host_push(L, &script->host);
    sg_host_import(L, &script->host, script->options.language);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &language_key);
    return 0;
}

/* Pushes member 'name' of the language. */
static void
push_member(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &language_key);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

/* Files. */

static int
run_file(lua_State *L)
{
    struct load *load = lua_touserdata(L, 1);

    lua_pushfstring(L, "@%s", load->file);
    int status = luaL_loadbufferx(L, load->text, load->len,
                                  lua_tostring(L, -1), "t");
    if (status == LUA_ERRSYNTAX) {
        load->syntax_error = sg_script_text(lua_tostring(L, -1));
        return 0;
    } else if (status != LUA_OK) {
        return lua_error(L);
    }
    push_member(L, "env");
    lua_setupvalue(L, -2, 1);   /* A main chunk's first is _ENV. */
    lua_call(L, 0, 0);
    return 0;
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
static void
report_syntax_error(const struct load *load, struct sg_diags *diags)
{
    struct sg_place place = { CONST_CAST(char *, load->file), 0 };
    const char *message = load->syntax_error;

    for (const char *p = message; (p = strchr(p, ':')) != NULL; p++) {
        int n = 0;

        if (isdigit((unsigned char) p[1])
            && ovs_scan(p, ":%d: %n", &place.line, &n) && n) {
            message = p + n;
            break;
        }
    }
    sg_error(diags, &place, "%s%s", message, find_hint(message));
}

/* Puts state->fault into 'diags', at 'file' if it has no place. */
static void
report_fault(const struct sg_state *state, const char *file,
             struct sg_diags *diags)
{
    struct sg_place place = { CONST_CAST(char *, file), 0 };

    sg_error(diags, state->fault.place.file ? &state->fault.place : &place,
             "%s", state->fault.message);
}

/* Lets an editor's byte order mark and a "#!" line be, as `lua' does. */
static void
skip_preamble(char **text, size_t *len)
{
    if (*len >= 3 && !memcmp(*text, "\xef\xbb\xbf", 3)) {
        *text += 3;
        *len -= 3;
    }
    if (*len >= 2 && !memcmp(*text, "#!", 2)) {
        memcpy(*text, "--", 2);
    }
}

/* Returns true if the file was run to its end. */
static bool
load_file(struct sg_script *script, const char *file,
          struct sg_diags *diags)
{
    struct load load = { .script = script, .file = file };
    char *text;
    bool ok = false;

    char *error = sg_file_read(file, &text, &load.len);
    if (!error && text[0] == LUA_SIGNATURE[0]) {
        error = xstrdup("is compiled Lua; policy files are text");
        free(text);
    }
    if (error) {
        struct sg_place place = { CONST_CAST(char *, file), 0 };
        sg_error(diags, &place, "%s", error);
        free(error);
        return false;
    }
    load.text = text;
    skip_preamble(&load.text, &load.len);
    if (!sg_state_call(script->state, run_file, &load)) {
        report_fault(script->state, file, diags);
    } else if (load.syntax_error) {
        report_syntax_error(&load, diags);
    } else {
        ok = true;
    }
    free(load.syntax_error);
    free(text);
    return ok;
}

/* Loads 'files' in order; true if all of them ran to their end. */
static bool
load_files(struct sg_script *script, const struct svec *files,
           struct sg_diags *diags)
{
    const char *file;
    bool complete = true;
    size_t i;

    SVEC_FOR_EACH (i, file, files) {
        complete &= load_file(script, file, diags);
        if (script->state->stop) {
            if (i + 1 < files->n) {
                struct sg_place place = {
                    CONST_CAST(char *, files->names[i + 1]), 0
                };
                sg_error(diags, &place, "was not read, because %s used up "
                         "the budget of the load", file);
            }
            break;
        }
    }
    return complete;
}

/* The document. */

/* For when there is nothing to read. */
static struct json *
no_document(void)
{
    struct json *document = json_object_create();

    json_object_put(document, "incomplete", json_boolean_create(true));
    return document;
}

static int
finish_document(lua_State *L)
{
    const bool *complete = lua_touserdata(L, 1);

    push_member(L, "finish");
    lua_pushboolean(L, *complete);
    lua_call(L, 1, 1);
    return 1;
}

static void
begin_load(struct sg_script *script)
{
    sg_state_begin(script->state, script->options.max_instructions,
                   script->options.max_ms);
}

static struct json *
make_document(struct sg_script *script, bool complete,
              struct sg_diags *diags)
{
    struct sg_state *state = script->state;
    struct json *document = NULL;

    /* What a stopped script got so far is worth reporting, too. */
    if (state->stop) {
        begin_load(script);
        lua_gc(state->L, LUA_GCCOLLECT);
    }
    if (!sg_state_call(state, finish_document, &complete)) {
        report_fault(state, NULL, diags);
    } else {
        document = sg_json_from_lua(state->L, 1, MAX_DOCUMENT);
        if (!document) {
            sg_error(diags, NULL, "the policy has more than %d values; use "
                     "prefixes instead of addresses, or fewer rules",
                     MAX_DOCUMENT);
        }
    }
    lua_settop(state->L, 0);
    lua_gc(state->L, LUA_GCCOLLECT);
    return document ? document : no_document();
}

/* Loading. */

static void
fill_in_defaults(struct sg_script_options *o)
{
#define DEFAULT(MEMBER, VALUE) o->MEMBER = o->MEMBER ? o->MEMBER : (VALUE)
    DEFAULT(max_instructions, DEFAULT_INSTRUCTIONS);
    DEFAULT(max_call_instructions, DEFAULT_CALL_INSTRUCTIONS);
    DEFAULT(max_ms, DEFAULT_MS);
    DEFAULT(max_call_ms, DEFAULT_CALL_MS);
    DEFAULT(max_memory, DEFAULT_MEMORY);
    DEFAULT(language, "init");
#undef DEFAULT
}

static bool
is_luadir(const char *dir)
{
    char *file = xasprintf("%s/sg/lang/init.lua", dir);
    bool is = !access(file, R_OK);

    free(file);
    return is;
}

/* Where the language lies if it is not where it should be installed: beside
 * the program, which may run from its build folder, or from an installation
 * under another root (`make install DESTDIR=...').  NULL if it is not. */
static char *
luadir_beside_program(void)
{
    static const char *const places[] = {
        "lua", "../lua", "../share/ovs-sg/lua"
    };
    char *program = follow_symlinks("/proc/self/exe");
    char *folder = dir_name(program);
    char *dir = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(places) && !dir; i++) {
        dir = xasprintf("%s/%s", folder, places[i]);
        if (!is_luadir(dir)) {
            free(dir);
            dir = NULL;
        }
    }
    free(folder);
    free(program);
    return dir;
}

static char *
find_luadir(const struct sg_script_options *options)
{
    const char *env = getenv("OVS_SG_LUADIR");
    char *beside = NULL;

    if (options && options->luadir) {
        return xstrdup(options->luadir);
    } else if (env && env[0]) {
        return xstrdup(env);
    } else if (!is_luadir(SG_LUADIR)) {
        beside = luadir_beside_program();
    }
    return beside ? beside : xstrdup(SG_LUADIR);
}

static struct sg_script *
script_create(const struct sg_script_options *options)
{
    struct sg_script *script = xzalloc(sizeof *script);

    if (options) {
        script->options = *options;
    }
    fill_in_defaults(&script->options);
    script->host.luadir = find_luadir(options);
    script->options.luadir = NULL;
    script->state = sg_state_create(script->options.max_memory);
    return script;
}

struct sg_script *
sg_script_load(const char *const paths[], size_t n_paths,
               const struct sg_script_options *options,
               struct json **document, struct sg_diags *diags)
{
    struct sg_script *script = script_create(options);
    struct svec files = SVEC_EMPTY_INITIALIZER;

    begin_load(script);
    script->open = sg_state_call(script->state, open_language, script);
    free(script->host.text);
    script->host.text = NULL;
    if (!script->open) {
        report_fault(script->state, NULL, diags);
        *document = no_document();
        return script;
    }

    size_t n_errors = diags->n_errors;
    for (size_t i = 0; i < n_paths; i++) {
        sg_files_expand(paths[i], &files, diags);
    }
    bool complete = diags->n_errors == n_errors;
    complete &= load_files(script, &files, diags);
    *document = make_document(script, complete, diags);
    VLOG_DBG("%"PRIuSIZE" files loaded; Lua holds %"PRIuSIZE" bytes",
             files.n, script->state->used);
    svec_destroy(&files);
    return script;
}

void
sg_script_destroy(struct sg_script *script)
{
    if (script) {
        sg_state_destroy(script->state);
        free(script->host.luadir);
        free(script->host.text);
        free(script);
    }
}

/* Callbacks. */

struct bind_call {
    int function;               /* As in the document. */
    const struct json *port;    /* Facts. */
};

static int
run_bind(lua_State *L)
{
    const struct bind_call *call = lua_touserdata(L, 1);

    push_member(L, "call");
    lua_pushinteger(L, call->function);
    sg_json_push(L, call->port);
    lua_call(L, 2, 1);
    return 1;
}

/* Calls 'function' with the facts in 'port'.  Returns the answer, an object
 * with "mine" and "groups" (names), or with "error" (a sentence), which the
 * caller destroys. */
static struct json *
script_call(struct sg_script *script, int function, const struct json *port)
{
    struct sg_state *state = script->state;
    struct bind_call call = { function, port };
    struct json *answer;

    sg_state_begin(state, script->options.max_call_instructions,
                   script->options.max_call_ms);
    if (sg_state_call(state, run_bind, &call)) {
        answer = sg_json_from_lua(state->L, 1, MAX_ANSWER);
        lua_settop(state->L, 0);
        if (answer) {
            return answer;
        }
    }

    struct ds s = DS_EMPTY_INITIALIZER;
    sg_place_format(&state->fault.place, &s);
    ds_put_format(&s, "%s%s", s.length ? ": " : "",
                  state->fault.message ? state->fault.message
                  : "the function returned too many groups");
    answer = json_object_create();
    json_object_put_string(answer, "error", ds_cstr(&s));
    ds_destroy(&s);
    return answer;
}

char *
sg_script_bind(void *script_, int function, const struct sg_iface *iface,
               bool *matched, struct svec *groups)
{
    struct sg_script *script = script_;
    char *error = NULL;

    *matched = false;
    if (!script || !script->open) {
        return xstrdup("the policy has no functions");
    }

    struct json *port = sg_iface_to_json(iface);
    struct json *answer = script_call(script, function, port);
    const struct json *e = shash_find_data(json_object(answer), "error");
    const struct json *names = shash_find_data(json_object(answer), "groups");
    if (e) {
        error = xstrdup(json_string(e));
    } else if (names) {
        *matched = true;
        for (size_t i = 0; i < names->array.n; i++) {
            svec_add(groups, json_string(names->array.elems[i]));
        }
    }
    json_destroy(answer);
    json_destroy(port);
    return error;
}
