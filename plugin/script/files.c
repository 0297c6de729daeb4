/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/diag.h"
#include "socket-util.h"
#include "svec.h"
#include "util.h"

/* A policy of 20,000 rules has about 2 MiB. */
#define MAX_FILE (16 * 1024 * 1024)

static bool
is_policy_name(const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' && len > 4 && !strcmp(name + len - 4, ".lua");
}

/* Reads the names in folder 'path' that are for us, sorted.  Returns 0 or an
 * errno value. */
static int
list_folder(const char *path, struct svec *names)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir) {
        return errno;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (is_policy_name(entry->d_name)) {
            svec_add(names, entry->d_name);
        }
    }
    closedir(dir);
    svec_sort(names);
    return 0;
}

void
sg_files_expand(const char *path, struct svec *files, struct sg_diags *diags)
{
    struct svec names = SVEC_EMPTY_INITIALIZER;
    int error = list_folder(path, &names);

    if (error == ENOTDIR) {
        svec_add(files, path);
    } else if (error) {
        struct sg_place place = { .file = CONST_CAST(char *, path) };
        sg_error(diags, &place, "cannot be read: %s", ovs_strerror(error));
    }

    size_t len = strlen(path);
    const char *slash = len && path[len - 1] == '/' ? "" : "/";
    const char *name;
    size_t i;
    SVEC_FOR_EACH (i, name, &names) {
        svec_add_nocopy(files, xasprintf("%s%s%s", path, slash, name));
    }
    svec_destroy(&names);
}

/* Reads all of 'fd' into a new buffer of 'size' bytes or less. */
static char *
read_whole(int fd, size_t size, char **text, size_t *len)
{
    char *buffer = xmalloc(size + 1);
    int error = read_fully(fd, buffer, size, len);

    if (error && error != EOF) {
        free(buffer);
        return xasprintf("cannot be read: %s", ovs_strerror(error));
    }
    buffer[*len] = '\0';
    *text = buffer;
    return NULL;
}

char *
sg_file_read(const char *file, char **text, size_t *len)
{
    /* O_NONBLOCK: opening a FIFO would wait for a writer. */
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    char *error;

    *text = NULL;
    *len = 0;
    if (fd < 0) {
        return xasprintf("cannot be read: %s", ovs_strerror(errno));
    } else if (fstat(fd, &st)) {
        error = xasprintf("cannot be read: %s", ovs_strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        error = xstrdup("is no regular file");
    } else if (st.st_size > MAX_FILE) {
        error = xasprintf("is larger than %d MiB; split the policy into "
                          "several files", MAX_FILE / (1024 * 1024));
    } else {
        error = read_whole(fd, st.st_size, text, len);
    }
    close(fd);
    return error;
}
