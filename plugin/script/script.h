/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_SCRIPT_H
#define SG_SCRIPT_SCRIPT_H 1

/* Policy scripts, run in a process of their own
 * =============================================
 *
 * A script is the Lua of a policy: files, and what they left behind when they
 * were loaded.  It runs in a child process, ovs-sg-script, because nothing
 * that can be done inside a process ends a loop in C, and the caller's main
 * loop must not wait for it.  Here is only the caller's side: it reads the
 * files, feeds them to the child, and takes the policy document
 * (policy/document.h) and the answers of functions.
 *
 *     script = sg_script_start(paths, n, &options);
 *     main loop:
 *         sg_script_run(script);
 *         if (sg_script_take(script, &document, &diags)) { ... }
 *         sg_script_wait(script);
 *         poll_block();
 *
 * Budgets
 * -------
 *
 * The child counts instructions, processor time and memory itself, and stops
 * a script that exceeds one in a way that says where (interpreter.h).  What
 * it cannot stop, we do, from outside: see sg_script_limits() in script.c.
 * Then the child is killed.  If that was in a call, another one is started
 * and loads the *same text* again, whatever is on disk by then; the call
 * that was under way has failed, the others are asked again.
 *
 * A child in whose document is no function ends with its load.
 *
 * SIGPIPE must be ignored, as it is in all daemons of Open vSwitch.
 *
 * Thread: one.  Nothing blocks but what says so. */

#include <stdbool.h>
#include <stddef.h>

#include "script/budgets.h"

struct json;
struct sg_diags;
struct sg_script;
struct sg_script_call;

struct sg_script_options {
    const char *luadir;             /* Has sg/lang/ in it.  NULL: the usual
                                     * one (install.h). */
    const char *program;            /* ovs-sg-script; NULL: the usual one. */
    const char *language;           /* Module of sg/lang/ that files are
                                     * written in; NULL: "init", the words of
                                     * a policy. */
    struct sg_budgets budgets;      /* 0: the default. */
};

/* Reads 'paths' (files, or folders whose *.lua load in lexical order) and
 * begins to load them.  'options' may be NULL. */
struct sg_script *sg_script_start(const char *const paths[], size_t n_paths,
                                  const struct sg_script_options *);
/* Ends the child at once.  Calls end with it. */
void sg_script_destroy(struct sg_script *);

void sg_script_run(struct sg_script *);
void sg_script_wait(struct sg_script *);

/* Once the load is over, returns true, and, the first time, stores the
 * document and appends to 'diags'.  The caller destroys the document.  Errors
 * that no document can carry (a file that cannot be read or parsed, a script
 * that was stopped) are in 'diags'; then the document is what could be read,
 * so that its errors can be reported together with the others. */
bool sg_script_take(struct sg_script *, struct json **document,
                    struct sg_diags *diags);

/* The paths hold no file at all. */
bool sg_script_is_empty(const struct sg_script *);

/* Calls of functions.
 *
 * 'name' is a member of the language (lua/sg/lang/init.lua), 'function' a
 * number out of the document, 'argument' (the script's then; may be NULL) what
 * it gets.  Calls are answered in order. */
struct sg_script_call *sg_script_call(struct sg_script *, const char *name,
                                      int function, struct json *argument);

/* NULL as long as there is no answer; then the answer, which is the caller's,
 * and the call is gone.  If it failed, the answer is an object with "error", a
 * sentence; and with "again", true, if it may be another one next time,
 * because the child was killed. */
struct json *sg_script_call_take(struct sg_script_call *);
/* Forgets the call, whose answer nobody wants any more. */
void sg_script_call_cancel(struct sg_script_call *);

/* For programs that have nothing else to do: these block. */

struct sg_script *sg_script_load(const char *const paths[], size_t n_paths,
                                 const struct sg_script_options *,
                                 struct json **document,
                                 struct sg_diags *diags);
struct json *sg_script_call_block(struct sg_script *, const char *name,
                                  int function, struct json *argument);

#endif /* script/script.h */
