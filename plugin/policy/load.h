/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_LOAD_H
#define SG_POLICY_LOAD_H 1

/* From a policy document to a policy: what the passes share
 * =========================================================
 *
 * Internal to policy/.  sg_policy_from_document() (document.c) walks the
 * document once and lets rule.c, rule-layer4.c and rule-peers.c read their
 * parts of it.  None of them stops at an error: each reports what it finds
 * and goes on, so that an author sees everything at once.  Then come the
 * passes that need everything to be there: references, identities
 * (identity.c), and the warnings (lint.c).
 *
 * A document may hold any JSON anywhere.  All reading therefore goes through
 * the sg_doc_ functions, which take whatever they are given, NULL included. */

#include <stdbool.h>
#include <stddef.h>

#include "openvswitch/shash.h"
#include "policy/policy.h"
#include "sset.h"

struct json;

/* Where something was written; strings are borrowed from the document. */
struct sg_where {
    struct sg_place place;
    const char *chain;          /* "called from site.lua:3" or NULL. */
};

struct sg_load {
    struct sg_policy *policy;   /* In the making. */
    struct sg_diags *diags;
    struct sset undefined;      /* "KIND NAME" already reported. */
    struct sset used_lists;     /* Names of prefix lists that were used. */
    struct sset used_sets;      /* Names of `addresses' that were used. */
    struct shash scoped;        /* Name -> the first struct sg_group that
                                 * exists in one network alone. */
};

/* Reports something, with the chain of callers behind the message. */
void sg_load_error(struct sg_load *, const struct sg_where *,
                   const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sg_load_warning(struct sg_load *, const struct sg_where *,
                     const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reading (reader.c). */

/* The member 'key' of 'object'; NULL if there is none, if it is null, or if
 * 'object' is no object. */
const struct json *sg_doc_get(const struct json *object, const char *key);
/* The same, if it is a string; else NULL. */
const char *sg_doc_string(const struct json *object, const char *key);
/* The "place" of 'object'; 'fallback' (may be NULL) if it has none. */
struct sg_where sg_doc_where(const struct json *object,
                             const struct sg_where *fallback);
/* Was some of the source not read? */
bool sg_doc_is_incomplete(const struct json *document);
/* What the author wrote, in words: `"http"', `80', `a list', `a group'.  The
 * caller frees it. */
char *sg_doc_describe(const struct json *);
/* True if 'json' is a whole number (80.0 is one), which goes to '*n'. */
bool sg_doc_integer(const struct json *, long long int *n);

/* What nested lists hold, in order.  Elements are borrowed. */
struct sg_doc_list {
    const struct json **elems;
    size_t n, allocated;
};

#define SG_DOC_LIST_INITIALIZER { NULL, 0, 0 }

/* Appends 'json' to 'list': a list by its elements, anything else as it is,
 * NULL not at all.  An empty table, which Lua cannot tell from an empty list,
 * is one.  False if it nests too deeply. */
bool sg_doc_flatten(const struct json *, struct sg_doc_list *list);
void sg_doc_list_destroy(struct sg_doc_list *);

/* Reports each key that 'object' has in its "unknown" list.  'what' has the
 * 'n' keys 'known'. */
void sg_load_unknown_keys(struct sg_load *, const struct sg_where *,
                          const struct json *object, const char *what,
                          const char *const known[], size_t n);
/* Reads an optional text such as a description: NULL, or a copy. */
char *sg_load_text(struct sg_load *, const struct sg_where *,
                   const struct json *object, const char *what,
                   const char *key);
/* The words `; did you mean "X"?', or none.  The caller frees them. */
char *sg_load_guess(const char *typed, const char *const names[], size_t n);

/* Parts of a rule. */

/* Reads one rule of 'group'.  Returns NULL if it has errors, or if it is
 * empty in a way that deserves only a warning. */
struct sg_rule *sg_load_rule(struct sg_load *, struct sg_group *,
                             enum sg_direction, const struct json *);
/* A rule that nobody wrote: all traffic with 'peer', which it takes over. */
struct sg_rule *sg_rule_implicit(struct sg_group *, enum sg_direction,
                                 struct sg_peer *peer);
void sg_rule_destroy(struct sg_rule *);

/* rule-peers.c: reads 'peers', the value of 'key', into 'rule'. */
void sg_load_peers(struct sg_load *, const struct sg_where *,
                   const char *key, const struct json *peers,
                   struct sg_rule *rule);

/* rule-layer4.c: read the ports (tcp, udp, sctp), or the types and codes
 * (icmp, icmp6), of rule 'object', which begins with 'word', into 'rule'. */
void sg_load_ports(struct sg_load *, const struct sg_where *,
                   const char *word, const struct json *object,
                   struct sg_rule *rule);
void sg_load_icmp(struct sg_load *, const struct sg_where *,
                  const char *word, const struct json *object,
                  struct sg_rule *rule);

/* Reads the number of an IP protocol, or another number of one byte; -1 with
 * an error if it is none. */
int sg_load_byte(struct sg_load *, const struct sg_where *, const char *what,
                 const struct json *);

/* addresses.c: reads the definition of the `addresses' set 'name'. */
struct sg_addresses *sg_load_addresses(struct sg_load *,
                                       const struct sg_where *,
                                       const struct json *,
                                       const char *name);

/* bind.c: reads a bind by patterns; and frees what one holds. */
void sg_load_bind_where(struct sg_load *, const struct sg_where *,
                        const struct json *, struct sg_bind *);
void sg_bind_destroy(struct sg_bind *);

/* Later passes. */

/* Sets 'text' and 'id' of 'rule' (identity.c). */
void sg_rule_identify(struct sg_rule *);
/* Reports every name that is used and not defined (reference.c). */
void sg_load_references(struct sg_load *, const struct json *document);
/* Warns of what is surely not meant (lint.c). */
void sg_load_lint(struct sg_load *);

/* 'network' NULL: of every network. */
struct sg_group *sg_group_create(const char *name, const char *network,
                                 const struct sg_place *);
void sg_group_add_rule(struct sg_group *, struct sg_rule *);
void sg_policy_add_group(struct sg_policy *, struct sg_group *);
/* The group that was defined with just this name and network. */
const struct sg_group *sg_policy_own_group(const struct sg_policy *,
                                           const char *name,
                                           const char *network);
struct sg_policy *sg_policy_create(void);

#endif /* policy/load.h */
