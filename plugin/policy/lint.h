/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_LINT_H
#define SG_POLICY_LINT_H 1

/* Warnings about a policy that is valid.
 *
 * What the policy alone shows (shadowed rules, rules that can never match,
 * prefix lists that nothing uses) is among the warnings of each load.  What
 * only shows with the ports of a host is warned of where somebody asks with
 * them. */

struct sg_diags;
struct sg_policy;
struct sg_ports;

/* Warns of groups that rules name as peers and that have no members, and of
 * groups that no port is in and no rule names. */
void sg_lint_ports(const struct sg_policy *, const struct sg_ports *,
                   struct sg_diags *);

#endif /* policy/lint.h */
