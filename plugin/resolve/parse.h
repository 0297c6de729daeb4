/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_RESOLVE_PARSE_H
#define SG_RESOLVE_PARSE_H 1

/* What a file or a web server said, as a list of prefixes
 * =======================================================
 *
 * Pure, and total: whatever the text is, the answer is a list or a sentence.
 * One bad entry makes the whole text bad: half of an inventory may be worse
 * than the one of a minute ago.
 *
 * As lines: an address or a prefix each; what follows a "#" is a comment.
 *
 * As JSON: a list of strings; of objects, with the address (or a list of
 * addresses) under `field'; or an object with such a list under `path'.  An
 * object of the list without the field, or with null, stands for nothing; but
 * if that is so for all of them, the field is misspelt.
 *
 * "0.0.0.0/0" and "::/0" are refused: what everybody may do is said in the
 * policy, with the word any. */

#include <stddef.h>

struct sg_addresses;
struct sg_prefix;

/* Reads 'len' bytes of 'text' in the format that 'how' gives.  Returns NULL
 * with '*prefixes', which the caller frees, sorted and unique; or a sentence
 * that the caller frees. */
char *sg_parse_addresses(const char *text, size_t len,
                         const struct sg_addresses *how,
                         struct sg_prefix **prefixes, size_t *n)
    __attribute__((warn_unused_result));

/* A text that is read again and again: most of a long list stays as it is.  So
 * that is kept, and of the next text only the lines are read that lie between
 * what both begin and what both end with.  This is the same as to read all of
 * it, and where it might not be (JSON, an entry that is there twice, an error)
 * all of it is read.
 *
 *     struct sg_listing listing = { .text = NULL }; */
struct sg_listing {
    char *text;                 /* The last good one, or NULL. */
    size_t len;
    struct sg_prefix *prefixes; /* Its entries, sorted; each is there once. */
    size_t n;
    size_t n_read;              /* Entries that were read for it, for tests. */
};

/* As sg_parse_addresses(). */
char *sg_listing_parse(struct sg_listing *, const char *text, size_t len,
                       const struct sg_addresses *how,
                       struct sg_prefix **prefixes, size_t *n)
    __attribute__((warn_unused_result));
void sg_listing_destroy(struct sg_listing *);

#endif /* resolve/parse.h */
