/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_DIAG_H
#define SG_POLICY_DIAG_H 1

/* Places in policy files, and what is wrong there.
 *
 * A load collects every error it meets instead of stopping at the first, and
 * shows them sorted by file and line, one line each, as
 * "FILE:LINE: message".  Warnings ("FILE:LINE: warning: message") are kept
 * apart: they never make a load fail. */

#include <stdbool.h>
#include <stddef.h>

struct ds;

struct sg_place {
    char *file;                 /* As the operator named it; NULL: no place. */
    int line;                   /* 1...; 0 if unknown. */
};

/* Copies 'file', which may be NULL. */
void sg_place_init(struct sg_place *, const char *file, int line);
void sg_place_clone(struct sg_place *, const struct sg_place *);
void sg_place_destroy(struct sg_place *);
/* "FILE:LINE", or "FILE" if the line is not known. */
void sg_place_format(const struct sg_place *, struct ds *);

struct sg_diag {
    struct sg_place place;
    char *message;              /* One sentence, no line feed. */
    bool warning;
};

struct sg_diags {
    struct sg_diag *list;
    size_t n, allocated;
    size_t n_errors;            /* Those that are not warnings. */
};

#define SG_DIAGS_INITIALIZER { NULL, 0, 0, 0 }

void sg_diags_init(struct sg_diags *);
void sg_diags_destroy(struct sg_diags *);
/* 'place', which is copied, may be NULL.  A line feed in the message becomes a
 * space. */
void sg_error(struct sg_diags *, const struct sg_place *,
              const char *format, ...) __attribute__((format(printf, 3, 4)));
void sg_warning(struct sg_diags *, const struct sg_place *,
                const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sg_diags_sort(struct sg_diags *);      /* File, line; drops doubles. */
/* Appends the errors (or the warnings), a line each, to 's'. */
void sg_diags_format(const struct sg_diags *, bool warnings, struct ds *s);

/* Of the 'n' 'names', the one that a person who wrote 'typed' most likely
 * meant, or NULL.  (Damerau-Levenshtein distance of at most a third of the
 * length, at least 1; a letter of the other case is no difference.) */
const char *sg_did_you_mean(const char *typed, const char *const names[],
                            size_t n);

#endif /* policy/diag.h */
