/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_SOURCES_H
#define SG_SCRIPT_SOURCES_H 1

/* The text of a policy, as it was when it was first asked for
 * ===========================================================
 *
 * A load consists of the policy's own files, the modules that they require,
 * and the files of the language.  Each is read at most once, and what was
 * read, or why it could not be, is kept: who loads the same sources a second
 * time loads the same text, whatever has happened to the files since.
 *
 * Modules
 * -------
 *
 * `require "site.common"' means site/common.lua below the folder of a policy
 * path (the path itself if it is a folder), the first that has it.
 * `require "sg.services"' means sg/services.lua below 'luadir', and nothing
 * else is called "sg": the library cannot be replaced from beside a policy.
 * A file counts only if it lies below that folder when all symbolic links
 * are followed, and is no policy file of its own.
 *
 * All text is UTF-8 without NUL.
 *
 * Thread: one at a time. */

#include <stdbool.h>
#include <stddef.h>

#include "openvswitch/shash.h"
#include "svec.h"

struct sg_diags;

/* One file. */
struct sg_source {
    char *file;                 /* Its name, for places. */
    char *text;                 /* NULL: it cannot be had. */
    char *error;                /* Then why: a sentence, */
    int line;                   /* and where; 0: not in one line. */
};

/* Leaves 'source' empty. */
void sg_source_destroy(struct sg_source *source);

enum sg_source_kind {
    SG_SOURCE_POLICY,           /* By its file name, in 'files'. */
    SG_SOURCE_MODULE,           /* By its name in `require'. */
    SG_SOURCE_LANGUAGE          /* By its name in `host.import'. */
};

struct sg_sources {
    char *luadir;               /* Has sg/ in it. */
    struct svec roots;          /* Folders of the policy paths. */
    struct svec files;          /* Policy files, in the order of loading. */
    struct shash read;          /* "KIND NAME" -> struct sg_source. */
    size_t size;                /* Bytes of all text in 'read'. */
    bool complete;              /* Nothing more is read. */
};

/* Reads the policy files.  'luadir' is NULL for the usual one.  A path that
 * cannot be expanded is an error in 'diags'. */
void sg_sources_init(struct sg_sources *, const char *luadir,
                     const char *const paths[], size_t n_paths,
                     struct sg_diags *diags);
void sg_sources_destroy(struct sg_sources *);

/* From now on what was not read before cannot be had: a child that asks for
 * ever new names must not fill our memory with them. */
void sg_sources_complete(struct sg_sources *);

/* Never NULL; valid as long as the sources. */
const struct sg_source *sg_sources_get(struct sg_sources *,
                                       enum sg_source_kind,
                                       const char *name);

#endif /* script/sources.h */
