/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/interpreter.h"

#include <stdlib.h>
#include <string.h>
#include <lauxlib.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/diag.h"
#include "script/chunk.h"
#include "script/host.h"
#include "script/lua-json.h"
#include "script/sandbox.h"
#include "script/state.h"
#include "util.h"

/* Most values in a document, and in the answer of a call. */
#define MAX_DOCUMENT 5000000
#define MAX_ANSWER 100000

struct sg_interpreter {
    struct sg_state *state;
    struct sg_host host;
    struct sg_budgets budgets;
};

/* Registry key of the table that the language's main module returns. */
static const char language_key = 'l';

struct sg_interpreter *
sg_interpreter_create(const struct sg_budgets *budgets,
                      const struct sg_interpreter_owner *owner)
{
    struct sg_interpreter *i = xzalloc(sizeof *i);

    i->budgets = *budgets;
    sg_budgets_fill_in(&i->budgets);
    i->host.owner = *owner;
    i->state = sg_state_create(i->budgets.max_memory);
    return i;
}

void
sg_interpreter_destroy(struct sg_interpreter *i)
{
    if (i) {
        sg_state_destroy(i->state);
        sg_host_clear(&i->host);
        free(i);
    }
}

static void
begin_load(struct sg_interpreter *i)
{
    sg_state_begin(i->state, i->budgets.max_instructions, i->budgets.max_ms);
}

bool
sg_interpreter_is_stopped(const struct sg_interpreter *i)
{
    return i->state->stop != SG_RUNNING;
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

/* The language. */

struct open {
    struct sg_interpreter *interpreter;
    const char *language;       /* Name of its main module. */
};

static int
open_language(lua_State *L)
{
    struct open *open = lua_touserdata(L, 1);
    struct sg_host *host = &open->interpreter->host;

    sg_sandbox_open(L);
    sg_host_push(L, host);
    sg_host_import(L, host, open->language);
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

bool
sg_interpreter_open(struct sg_interpreter *i, const char *language,
                    struct sg_diags *diags)
{
    struct open open = { i, language };

    begin_load(i);
    if (!sg_state_call(i->state, open_language, &open)) {
        report_fault(i->state, NULL, diags);
        return false;
    }
    return true;
}

/* Files. */

/* A file while it is loaded. */
struct load {
    const char *file;
    const char *text;
    char *syntax_error;         /* Of Lua's parser; NULL if none. */
};

static int
run_file(lua_State *L)
{
    struct load *load = lua_touserdata(L, 1);
    int status = sg_chunk_load(L, load->file, load->text);

    if (status == LUA_ERRSYNTAX) {
        load->syntax_error = xstrdup(lua_tostring(L, -1));
        return 0;
    } else if (status != LUA_OK) {
        return lua_error(L);
    }
    push_member(L, "env");
    lua_setupvalue(L, -2, 1);   /* A main chunk's first is _ENV. */
    lua_call(L, 0, 0);
    return 0;
}

static void
report_syntax_error(const struct load *load, struct sg_diags *diags)
{
    struct sg_place place = { CONST_CAST(char *, load->file), 0 };
    char *sentence = sg_chunk_explain(load->syntax_error, &place.line);

    sg_error(diags, &place, "%s", sentence);
    free(sentence);
}

bool
sg_interpreter_run(struct sg_interpreter *i, const char *file,
                   const char *text, struct sg_diags *diags)
{
    struct load load = { .file = file, .text = text };
    bool ok = false;

    if (!sg_state_call(i->state, run_file, &load)) {
        report_fault(i->state, file, diags);
    } else if (load.syntax_error) {
        report_syntax_error(&load, diags);
    } else {
        ok = true;
    }
    free(load.syntax_error);
    sg_host_clear(&i->host);
    return ok;
}

/* The document. */

static int
finish_document(lua_State *L)
{
    const bool *complete = lua_touserdata(L, 1);

    push_member(L, "finish");
    lua_pushboolean(L, *complete);
    lua_call(L, 1, 1);
    return 1;
}

struct json *
sg_interpreter_finish(struct sg_interpreter *i, bool complete,
                      struct sg_diags *diags)
{
    struct sg_state *state = i->state;
    struct json *document = NULL;

    /* What a stopped script got so far is worth reporting, too. */
    if (state->stop) {
        begin_load(i);
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
    if (!document) {
        document = json_object_create();
        json_object_put(document, "incomplete", json_boolean_create(true));
    }
    return document;
}

/* Calls. */

struct call {
    const char *name;           /* Of a member of the language. */
    int function;               /* As in the document. */
    const struct json *argument;
};

static int
run_call(lua_State *L)
{
    const struct call *call = lua_touserdata(L, 1);

    push_member(L, call->name);
    lua_pushinteger(L, call->function);
    sg_json_push(L, call->argument);
    lua_call(L, 2, 1);
    return 1;
}

/* What the author's function did wrong, as a sentence with its place. */
static struct json *
answer_fault(const struct sg_state *state)
{
    struct json *answer = json_object_create();
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_place_format(&state->fault.place, &s);
    ds_put_format(&s, "%s%s", s.length ? ": " : "",
                  state->fault.message ? state->fault.message
                  : "the function returned too much");
    json_object_put_string(answer, "error", ds_cstr(&s));
    ds_destroy(&s);
    return answer;
}

struct json *
sg_interpreter_call(struct sg_interpreter *i, const char *name, int function,
                    const struct json *argument)
{
    struct call call = { name, function, argument };
    struct sg_state *state = i->state;
    struct json *answer = NULL;

    sg_state_begin(state, i->budgets.max_call_instructions,
                   i->budgets.max_call_ms);
    if (sg_state_call(state, run_call, &call)) {
        answer = sg_json_from_lua(state->L, 1, MAX_ANSWER);
        lua_settop(state->L, 0);
    }
    return answer ? answer : answer_fault(state);
}
