/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_SCRIPT_H
#define SG_SCRIPT_SCRIPT_H 1

/* The Lua host
 * ============
 *
 * sg_script_load() runs policy files in a fresh, sandboxed Lua 5.4 state and
 * returns the policy document (policy/document.h) that they describe.  It
 * knows nothing of the model, the compiler or OpenFlow.  The state is kept,
 * because `bind(function ...)' needs it again; destroying the script ends
 * it.
 *
 * The words of the language are Lua (lua/sg/), loaded from 'luadir', not
 * pasted into C.  The host gives them what Lua cannot do for itself: the
 * place of a call, the budgets, and the hand-over of the document.
 *
 * Budgets: instructions, processor time and memory, per load and per
 * callback (state.h).  A script that exceeds one is stopped, whatever it
 * catches (`pcall' cannot swallow it).
 *
 * Thread: all calls from the thread that loaded.  What crosses this interface
 * is paths, the document, and the facts and the answer of a callback; inside,
 * these are JSON, so that the Lua state can move to a thread or a process of
 * its own without anything above noticing. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script/budgets.h"

struct json;
struct sg_diags;
struct sg_iface;
struct sg_script;
struct svec;

struct sg_script_options {
    const char *luadir;             /* Has sg/lang/ in it.  NULL:
                                     * $OVS_SG_LUADIR, the installed one, or
                                     * one beside the program. */
    const char *language;           /* Module of sg/lang/ that files are
                                     * written in; NULL: "init", the words of
                                     * a policy. */
    struct sg_budgets budgets;      /* 0: the default. */
};

/* Loads 'paths' (files, or folders whose *.lua load in lexical order) into a
 * new script.  On return '*document' is the document, which the caller
 * destroys with json_destroy(); errors that no document can carry (a file
 * that cannot be read or parsed, a script that was stopped) are in 'diags'.
 * Always returns a script, also after errors; then '*document' is what could
 * be read, so that its errors can be reported together with the others. */
struct sg_script *sg_script_load(const char *const paths[], size_t n_paths,
                                 const struct sg_script_options *,
                                 struct json **document,
                                 struct sg_diags *diags);
void sg_script_destroy(struct sg_script *);

/* An sg_bind_function (policy/port.h); 'aux' is the script. */
char *sg_script_bind(void *script, int function, const struct sg_iface *,
                     bool *matched, struct svec *groups);

#endif /* script/script.h */
