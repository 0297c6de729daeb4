/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_RESOLVE_QUESTION_H
#define SG_RESOLVE_QUESTION_H 1

/* Questions and answers: all that the two threads tell each other
 * ===============================================================
 *
 * A *question* is one file, one DNS name or one URL, asked again and again.
 * It is a definition with one target and is told the other thread as a copy
 * of its own.  Questions have numbers; answers carry them.
 *
 * Nothing in here is shared: who gets a message owns it. */

#include <stdint.h>

#include "openvswitch/list.h"
#include "policy/addresses.h"

struct sg_answer {
    struct ovs_list node;       /* In the queue to the main thread. */
    uint64_t question;          /* Its number. */
    uint64_t order;             /* The last order to ask it that had come when
                                 * the round began. */
    uint8_t families;           /* Of SG_IPV4, SG_IPV6: what 'prefixes' are
                                 * all of.  What is not in here stays as it
                                 * was: nothing new, or an error. */
    struct sg_prefix *prefixes; /* Sorted, unique. */
    size_t n;
    char *error;                /* A sentence, or NULL.  A DNS name may have
                                 * an error for one family alone. */
    int next;                   /* Seconds until it is asked again. */
};

void sg_answer_destroy(struct sg_answer *);

/* A copy of 'a' that has target number 'i' alone. */
struct sg_addresses *sg_question_create(const struct sg_addresses *a,
                                        size_t i);
/* What is asked, "dns crm.example.net": a value belongs to that.  The caller
 * frees it. */
char *sg_question_source(const struct sg_addresses *);
/* Seconds until it is asked again, after 'failures' in a row; 'ttl' is how
 * long the answer is good for, 0 if it does not say. */
int sg_question_pause(const struct sg_addresses *, unsigned int failures,
                      int ttl);
/* All that decides how it is asked, as a text that the caller frees. */
char *sg_question_options(const struct sg_addresses *);

#endif /* resolve/question.h */
