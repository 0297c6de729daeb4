/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_POLICY_LOADER_H
#define SG_CTL_POLICY_LOADER_H 1

/* Loading a policy without an agent, for `check' and `compile'. */

#include <stddef.h>

#include "policy/diag.h"

struct sg_policy;
struct sg_script;

struct loaded_policy {
    struct sg_script *script;   /* `bind' functions need it. */
    struct sg_policy *policy;   /* NULL if there were errors. */
    struct sg_diags diags;      /* Errors and warnings, sorted. */
};

void loaded_policy_init(struct loaded_policy *, const char *const paths[],
                        size_t n_paths);
void loaded_policy_destroy(struct loaded_policy *);

/* Errors to stdout, warnings to stderr, a line each. */
void loaded_policy_print_diags(const struct loaded_policy *);

#endif /* ctl/policy-loader.h */
