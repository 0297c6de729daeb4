/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_ADDRESSES_H
#define SG_POLICY_ADDRESSES_H 1

/* `addresses' sets: named lists that change while we run
 * ======================================================
 *
 * There are two halves.  The *definition* says where the addresses come from;
 * it is part of the policy and as unchanging as the rest of it.  The *value*
 * is what the source said last.  It is a fact, like the ports, and is kept
 * beside the policy: whoever owns the facts (plugin/resolve/, or a test)
 * keeps a `struct sg_sets', and sg_ports.sets points to it.
 *
 * A set that has no value yet is empty.  Rules only ever allow, so that is
 * the closed side. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "policy/diag.h"
#include "policy/prefix.h"

/* Definitions. */

enum sg_source_type {
    SG_SOURCE_FILE,             /* A file on this host. */
    SG_SOURCE_DNS,              /* Names; their A and AAAA records. */
    SG_SOURCE_HTTP,             /* A document on a web server. */
    SG_SOURCE_FUNCTION          /* A function of the policy's. */
};

const char *sg_source_type_name(enum sg_source_type);   /* "file", ... */

enum sg_format {
    SG_FORMAT_ANY,              /* JSON if it begins with [ or {. */
    SG_FORMAT_LINES,            /* One address or prefix a line. */
    SG_FORMAT_JSON
};

struct sg_addresses {
    struct hmap_node node;      /* In sg_policy.addresses, by name. */
    char *name;
    struct sg_place place;
    enum sg_source_type type;
    char **targets;             /* FILE: one absolute path; HTTP: one URL;
                                 * DNS: names in lower case, at least one;
                                 * FUNCTION: its "FILE:LINE". */
    size_t n_targets;
    int function;               /* FUNCTION: handle of the source; else -1. */
    int interval;               /* Seconds; DNS: 0 if only the TTL counts. */
    int timeout;                /* Seconds that one question may take. */
    bool empty_on_error;        /* A source that fails stands for nothing. */
    int max_change;             /* Most addresses that may come and go in one
                                 * refresh; -1: any number. */
    bool max_change_percent;    /* 'max_change' is a part of the old value. */
    int min_ttl, max_ttl;       /* DNS: bounds of the TTL, in seconds. */
    char **nameservers;         /* DNS: "192.0.2.53", "[2001:db8::53]:5353";
                                 * none: those of resolv.conf. */
    size_t n_nameservers;
    size_t max_size;            /* FILE, HTTP: most bytes that are read. */
    enum sg_format format;      /* FILE, HTTP. */
    char *path;                 /* JSON: keys to the list, "a.b"; or NULL. */
    char *field;                /* JSON: key of the address in the objects
                                 * of the list, "a.b"; or NULL. */
    char *ca;                   /* HTTP: file of certificates to trust; NULL:
                                 * those of the system. */
};

void sg_addresses_destroy(struct sg_addresses *);
/* For people, and part of what tells two sources apart: "dns a.example,
 * b.example".  The caller frees it. */
char *sg_addresses_describe(const struct sg_addresses *);

/* Values. */

struct sg_set {
    struct hmap_node node;      /* In sg_sets.sets, by name. */
    char *name;
    struct sg_prefix *prefixes; /* Sorted, unique. */
    size_t n;
    uint64_t version;           /* No other value of any set has it. */
};

struct sg_sets {
    struct hmap sets;           /* struct sg_set. */
};

void sg_sets_init(struct sg_sets *);
void sg_sets_destroy(struct sg_sets *);
/* Makes 'prefixes', which are copied, the value of 'name'.  Returns true if
 * that is another value than before. */
bool sg_sets_put(struct sg_sets *, const char *name,
                 const struct sg_prefix *prefixes, size_t n);
/* The same, but takes 'prefixes' over, which are sorted, each there once. */
bool sg_sets_take(struct sg_sets *, const char *name,
                  struct sg_prefix *prefixes, size_t n);
void sg_sets_remove(struct sg_sets *, const char *name);
/* NULL if 'name' has no value; 'sets' may be NULL. */
const struct sg_set *sg_sets_find(const struct sg_sets *sets,
                                  const char *name);

#endif /* policy/addresses.h */
