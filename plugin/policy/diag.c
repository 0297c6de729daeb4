/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "policy/diag.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Longest word that gets a "did you mean": the distance takes quadratic
 * time. */
#define MAX_GUESS 64

void
sg_place_init(struct sg_place *place, const char *file, int line)
{
    place->file = nullable_xstrdup(file);
    place->line = line;
}

void
sg_place_clone(struct sg_place *dst, const struct sg_place *src)
{
    sg_place_init(dst, src->file, src->line);
}

void
sg_place_destroy(struct sg_place *place)
{
    if (place) {
        free(place->file);
        place->file = NULL;
    }
}

void
sg_place_format(const struct sg_place *place, struct ds *s)
{
    if (place->file) {
        ds_put_cstr(s, place->file);
        if (place->line > 0) {
            ds_put_format(s, ":%d", place->line);
        }
    }
}

void
sg_diags_init(struct sg_diags *diags)
{
    *diags = (struct sg_diags) SG_DIAGS_INITIALIZER;
}

void
sg_diags_destroy(struct sg_diags *diags)
{
    if (!diags) {
        return;
    }
    for (size_t i = 0; i < diags->n; i++) {
        sg_place_destroy(&diags->list[i].place);
        free(diags->list[i].message);
    }
    free(diags->list);
    sg_diags_init(diags);
}

/* A message may quote what the author wrote, and the author may have written
 * a line feed: one diagnostic is one line all the same. */
static void
flatten_to_one_line(char *message)
{
    for (char *p = message; *p; p++) {
        if (iscntrl((unsigned char) *p)) {
            *p = ' ';
        }
    }
}

static void
add_diag(struct sg_diags *diags, const struct sg_place *place, bool warning,
         const char *format, va_list args)
{
    struct sg_diag *d;

    if (diags->n >= diags->allocated) {
        diags->list = x2nrealloc(diags->list, &diags->allocated,
                                 sizeof *diags->list);
    }
    d = &diags->list[diags->n++];
    sg_place_init(&d->place, place ? place->file : NULL,
                  place ? place->line : 0);
    d->message = xvasprintf(format, args);
    flatten_to_one_line(d->message);
    d->warning = warning;
    diags->n_errors += !warning;
}

void
sg_error(struct sg_diags *diags, const struct sg_place *place,
         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_diag(diags, place, false, format, args);
    va_end(args);
}

void
sg_warning(struct sg_diags *diags, const struct sg_place *place,
           const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_diag(diags, place, true, format, args);
    va_end(args);
}

static int
compare_diags(const void *a_, const void *b_)
{
    const struct sg_diag *a = a_;
    const struct sg_diag *b = b_;
    int cmp = strcmp(a->place.file ? a->place.file : "",
                     b->place.file ? b->place.file : "");

    if (!cmp) {
        cmp = (a->place.line > b->place.line) - (a->place.line
                                                 < b->place.line);
    }
    if (!cmp) {
        cmp = a->warning - b->warning;
    }
    return cmp ? cmp : strcmp(a->message, b->message);
}

void
sg_diags_sort(struct sg_diags *diags)
{
    size_t n = 0;

    if (diags->n) {
        qsort(diags->list, diags->n, sizeof *diags->list, compare_diags);
    }
    diags->n_errors = 0;
    for (size_t i = 0; i < diags->n; i++) {
        struct sg_diag *d = &diags->list[i];

        if (n && !compare_diags(d, &diags->list[n - 1])) {
            sg_place_destroy(&d->place);
            free(d->message);
        } else {
            diags->n_errors += !d->warning;
            diags->list[n++] = *d;
        }
    }
    diags->n = n;
}

void
sg_diags_format(const struct sg_diags *diags, bool warnings, struct ds *s)
{
    for (size_t i = 0; i < diags->n; i++) {
        const struct sg_diag *d = &diags->list[i];

        if (d->warning != warnings) {
            continue;
        }
        sg_place_format(&d->place, s);
        ds_put_format(s, "%s%s%s\n", d->place.file ? ": " : "",
                      d->warning ? "warning: " : "", d->message);
    }
}

static bool
is_same_letter(char a, char b)
{
    return tolower((unsigned char) a) == tolower((unsigned char) b);
}

/* Damerau-Levenshtein distance (insertions, deletions, changes, and swaps of
 * neighbours) of 'a' and 'b', both at most MAX_GUESS long, whatever their
 * case. */
static size_t
edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][MAX_GUESS + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= nb; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        size_t *unused = before;

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            row[j] = MIN(last[j - 1] + !is_same_letter(a[i - 1], b[j - 1]),
                         MIN(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && is_same_letter(a[i - 1], b[j - 2])
                && is_same_letter(a[i - 2], b[j - 1])) {
                row[j] = MIN(row[j], before[j - 2] + 1);
            }
        }
        before = last;
        last = row;
        row = unused;
    }
    return last[nb];
}

const char *
sg_did_you_mean(const char *typed, const char *const names[], size_t n)
{
    size_t len = strlen(typed);
    size_t best = MAX(len / 3, 1) + 1;
    const char *found = NULL;

    if (!len || len > MAX_GUESS) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        size_t name_len = strlen(names[i]);
        size_t least = name_len > len ? name_len - len : len - name_len;
        size_t distance;

        if (least >= best || name_len > MAX_GUESS
            || !strcmp(typed, names[i])) {
            continue;
        }
        distance = edit_distance(typed, len, names[i], name_len);
        if (distance < best) {
            best = distance;
            found = names[i];
        }
    }
    /* "a" is not a misspelling of every name of one letter. */
    return found && best < MAX(len, strlen(found)) ? found : NULL;
}
