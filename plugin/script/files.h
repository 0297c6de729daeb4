/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_FILES_H
#define SG_SCRIPT_FILES_H 1

/* Policy files on disk. */

#include <stddef.h>

struct sg_diags;
struct svec;

/* Appends to 'files' the files that 'path' names: itself, or, if it is a
 * folder, its *.lua in lexical order, each as "PATH/NAME".  Names that begin
 * with a dot are not taken (editors leave such).  What cannot be read is an
 * error in 'diags'. */
void sg_files_expand(const char *path, struct svec *files,
                     struct sg_diags *diags);

/* Reads 'file', which must be a regular file of sensible size (a FIFO or a
 * device would block us, or never end).  Returns NULL and stores the text,
 * which the caller frees, and its length; or returns a sentence, which the
 * caller frees. */
char *sg_file_read(const char *file, char **text, size_t *len)
    __attribute__((warn_unused_result));

#endif /* script/files.h */
