/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_INTERPRETER_H
#define SG_SCRIPT_INTERPRETER_H 1

/* The policy language, at work
 * ============================
 *
 * An interpreter is a fresh, sandboxed Lua 5.4 state with the words of the
 * language (lua/sg/lang/).  It runs policy files one after the other, then
 * gives the policy document (policy/document.h) that they describe, and then
 * answers calls of functions that they left behind (`bind(function ...)').
 *
 * It reads and writes nothing by itself: texts come from, and lines for the
 * log go to, whoever owns it (struct sg_interpreter_owner).  In ovs-sg-script
 * that is the channel to the agent (child.h).
 *
 * Budgets: instructions, processor time and memory, per load and per call
 * (state.h).  A script that exceeds one is stopped, whatever it catches
 * (`pcall' cannot swallow it).
 *
 * Thread: one at a time, always the same. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script/budgets.h"
#include "script/sources.h"

struct json;
struct sg_diags;
struct sg_interpreter;

struct sg_interpreter_owner {
    /* Fills 'source' with what sg_sources_get() gives; the members are the
     * interpreter's then. */
    void (*read)(void *aux, enum sg_source_kind, const char *name,
                 struct sg_source *source);
    /* A line for the log, from line 'line' of 'file'. */
    void (*log)(void *aux, bool warn, const char *file, int line,
                const char *text);
    void *aux;
};

/* 'owner' is copied. */
struct sg_interpreter *sg_interpreter_create(
    const struct sg_budgets *, const struct sg_interpreter_owner *owner);
void sg_interpreter_destroy(struct sg_interpreter *);

/* Begins a load: opens the language whose main module is 'language' ("init" is
 * that of policies).  False: it failed, and 'diags' says why. */
bool sg_interpreter_open(struct sg_interpreter *, const char *language,
                         struct sg_diags *);

/* Runs 'text' of 'file'; true if it came to its end. */
bool sg_interpreter_run(struct sg_interpreter *, const char *file,
                        const char *text, struct sg_diags *);
/* The budget of the load is used up: nothing more can be run. */
bool sg_interpreter_is_stopped(const struct sg_interpreter *);

/* Ends the load and returns the document, for the caller to destroy.
 * 'complete' is false if some file did not run to its end. */
struct json *sg_interpreter_finish(struct sg_interpreter *, bool complete,
                                   struct sg_diags *);

/* Calls member 'name' of the language with 'function', the number of a
 * function as in the document, and 'argument'.  Returns its answer, or an
 * object with "error" (a sentence), for the caller to destroy. */
struct json *sg_interpreter_call(struct sg_interpreter *, const char *name,
                                 int function, const struct json *argument);

#endif /* script/interpreter.h */
