/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/sources.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/diag.h"
#include "script/files.h"
#include "script/install.h"
#include "unicode.h"
#include "util.h"

/* Most bytes that the files of a load have together. */
#define MAX_SIZE (32 * 1024 * 1024)

/* Longest name of a module. */
#define MAX_NAME 200

void
sg_source_destroy(struct sg_source *source)
{
    free(source->file);
    free(source->text);
    free(source->error);
    memset(source, 0, sizeof *source);
}

/* Reading. */

/* Returns NULL if 'text' is what a policy may consist of, else a sentence
 * about '*linep'.  Changes 'text' in between. */
static char *
check_text(char *text, size_t len, int *linep)
{
    char *end = text + len;
    int line = 1;

    *linep = 1;
    if (text[0] == '\033') {
        return xstrdup("is compiled Lua; policy files are text");
    }
    for (char *p = text; p < end; line++) {
        char *eol = memchr(p, '\n', end - p);
        eol = eol ? eol : end;
        char c = *eol;

        *eol = '\0';
        size_t n = strlen(p);
        char *error = utf8_validate(p, NULL);
        *eol = c;
        free(error);
        *linep = line;
        if (p + n < eol) {
            return xasprintf("has a NUL byte in line %d; policy files are "
                             "text", line);
        } else if (error) {
            return xasprintf("is not UTF-8 in line %d; save it as UTF-8",
                             line);
        }
        p = eol + 1;
    }
    *linep = 0;
    return NULL;
}

static void
read_text(struct sg_sources *sources, const char *path,
          struct sg_source *source)
{
    char *text;
    size_t len;

    source->error = sg_file_read(path, &text, &len);
    if (source->error) {
        return;
    }
    source->error = check_text(text, len, &source->line);
    if (!source->error && sources->size + len > MAX_SIZE) {
        source->error = xasprintf("was not read: the files of the policy have "
                                  "more than %d MiB together",
                                  MAX_SIZE / (1024 * 1024));
    }
    if (source->error) {
        free(text);
        return;
    }
    sources->size += len;
    source->text = text;
}

/* Modules. */

/* Words of letters, digits, '_' and '-', with dots between them. */
static bool
is_module_name(const char *name)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_-";

    if (strlen(name) > MAX_NAME) {
        return false;
    }
    for (;;) {
        size_t n = strspn(name, characters);

        if (!n || (name[n] && name[n] != '.')) {
            return false;
        } else if (!name[n]) {
            return true;
        }
        name += n + 1;
    }
}

/* "site.common" is "site/common.lua". */
static char *
module_file(const char *folder, const char *name)
{
    size_t len = strlen(folder);
    char *file = xasprintf("%s%s%s.lua", folder,
                           len && folder[len - 1] == '/' ? "" : "/", name);

    for (char *p = file + strlen(file) - strlen(name) - 4; *p; p++) {
        if (*p == '.' && p[4]) {    /* Not that of ".lua". */
            *p = '/';
        }
    }
    return file;
}

/* Does 'path' lie below 'folder'?  Both are free of symbolic links. */
static bool
is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    if (len && folder[len - 1] == '/') {
        len--;                  /* The root folder. */
    }
    return !strncmp(path, folder, len) && path[len] == '/';
}

static bool
is_policy_file(const struct sg_sources *sources, const char *path)
{
    const char *file;
    size_t i;

    SVEC_FOR_EACH (i, file, &sources->files) {
        char *real = realpath(file, NULL);
        bool same = real && !strcmp(real, path);

        free(real);
        if (same) {
            return true;
        }
    }
    return false;
}

/* Fills 'source' with the module 'name' if 'folder' has it; else returns
 * false. */
static bool
read_module_in(struct sg_sources *sources, const char *folder,
               const char *name, struct sg_source *source)
{
    char *file = module_file(folder, name);
    char *path = realpath(file, NULL);
    char *top = realpath(folder, NULL);

    if (!path || !top) {
        free(file);
    } else {
        source->file = file;
        if (!is_below(path, top)) {
            source->error = xasprintf("is a link that leads out of %s",
                                      folder);
        } else if (is_policy_file(sources, path)) {
            source->error = xstrdup("is a policy file of its own, and cannot "
                                    "be required; put modules into a folder "
                                    "below the policy");
        } else {
            read_text(sources, path, source);
        }
    }
    free(path);
    free(top);
    return source->file != NULL;
}

static void
read_module(struct sg_sources *sources, const char *name,
            struct sg_source *source)
{
    bool library = !strncmp(name, "sg.", 3) || !strcmp(name, "sg");
    const char *root;
    size_t i;

    if (!is_module_name(name)) {
        source->error = xstrdup("is no name of a module; write for example "
                                "require \"site.common\"");
    } else if (!strncmp(name, "sg.lang.", 8)) {
        source->error = xstrdup("is the language itself; its words are there "
                                "without `require'");
    } else if (library) {
        read_module_in(sources, sources->luadir, name, source);
    } else {
        SVEC_FOR_EACH (i, root, &sources->roots) {
            if (read_module_in(sources, root, name, source)) {
                break;
            }
        }
    }
    if (!source->file && !source->error) {
        char *roots = svec_join(&sources->roots, ", ", "");
        source->error = (library
                         ? xstrdup("is not in the library of ovs-sg")
                         : xasprintf("is not there; it was looked for below "
                                     "%s", roots));
        free(roots);
    }
}

/* Language. */

static void
read_language(struct sg_sources *sources, const char *name,
              struct sg_source *source)
{
    source->file = xasprintf("%s/sg/lang/%s.lua", sources->luadir, name);
    if (strchr(name, '/')) {
        source->error = xstrdup("is no file of the language");
    } else {
        read_text(sources, source->file, source);
    }
}

/* All. */

static struct sg_source *
read_source(struct sg_sources *sources, enum sg_source_kind kind,
            const char *name)
{
    struct sg_source *source = xzalloc(sizeof *source);

    switch (kind) {
    case SG_SOURCE_MODULE:
        read_module(sources, name, source);
        break;
    case SG_SOURCE_LANGUAGE:
        read_language(sources, name, source);
        break;
    case SG_SOURCE_POLICY:
    default:
        source->file = xstrdup(name);
        read_text(sources, name, source);
        break;
    }
    return source;
}

void
sg_sources_complete(struct sg_sources *sources)
{
    sources->complete = true;
}

const struct sg_source *
sg_sources_get(struct sg_sources *sources, enum sg_source_kind kind,
               const char *name)
{
    static char too_late[] = "was not read when the policy was loaded";
    static const struct sg_source unread = { .error = too_late };
    char *key = xasprintf("%d %s", kind, name);
    const struct sg_source *source = shash_find_data(&sources->read, key);

    if (!source && sources->complete) {
        source = &unread;
    } else if (!source) {
        source = shash_add(&sources->read, key,
                           read_source(sources, kind, name))->data;
    }
    free(key);
    return source;
}

void
sg_sources_init(struct sg_sources *sources, const char *luadir,
                const char *const paths[], size_t n_paths,
                struct sg_diags *diags)
{
    const char *file;
    size_t i;

    sources->luadir = luadir ? xstrdup(luadir) : sg_install_luadir();
    svec_init(&sources->roots);
    svec_init(&sources->files);
    shash_init(&sources->read);
    sources->size = 0;
    sources->complete = false;
    for (i = 0; i < n_paths; i++) {
        size_t n = sources->files.n;

        sg_files_expand(paths[i], &sources->files, diags);
        bool is_file = (sources->files.n == n + 1
                        && !strcmp(sources->files.names[n], paths[i]));
        svec_add_nocopy(&sources->roots, is_file ? dir_name(paths[i])
                                                 : xstrdup(paths[i]));
    }
    SVEC_FOR_EACH (i, file, &sources->files) {
        sg_sources_get(sources, SG_SOURCE_POLICY, file);
    }
}

void
sg_sources_destroy(struct sg_sources *sources)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &sources->read) {
        sg_source_destroy(node->data);
    }
    shash_destroy_free_data(&sources->read);
    svec_destroy(&sources->files);
    svec_destroy(&sources->roots);
    free(sources->luadir);
}
