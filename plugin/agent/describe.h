/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_AGENT_DESCRIBE_H
#define SG_AGENT_DESCRIBE_H 1

/* What is in force, as JSON
 * =========================
 *
 * The answers of `list-groups', `list-ports' and `show'.  The form of a port
 * is CONTRACT section 1's; the others are described in ovs-sgctl(8).  All
 * functions only read; the caller destroys what they return.
 *
 * The value of something that there is none of is JSON null, not an absent
 * member, so that scripts need not tell the two apart. */

#include <stddef.h>

#include "policy/policy.h"

struct json;
struct sg_addresses;
struct sg_core;
struct sg_group;
struct sg_policy;
struct sg_port;
struct sg_ports;
struct sg_prefix_list;
struct sg_rule;

/* {"kind":"rule","id","text","group","direction","protocol","ports":[...],
 *  "icmp":[...],"family","peers":[...],"description","file","line","chain",
 *  "implicit"} */
struct json *sg_describe_rule(const struct sg_rule *);

/* A line of `list-groups': {"name","description","file","line","ports",
 * "members","rules":{"ingress","egress"}} with numbers of each. */
struct json *sg_describe_groups(const struct sg_policy *,
                                const struct sg_ports *);
/* All of a group: its rules and its members one by one. */
struct json *sg_describe_group(const struct sg_policy *,
                               const struct sg_ports *,
                               const struct sg_group *);
/* {"kind":"prefix_list","name","file","line","prefixes":[...],"rules":[...]}:
 * the rules are those that name it. */
struct json *sg_describe_prefix_list(const struct sg_policy *,
                                     const struct sg_prefix_list *);

/* An `addresses' set: {"kind":"addresses","name","file","line","source",
 * "prefixes":[...],"age","error","failing","next_refresh","refused","held",
 * "sources":[{"source","addresses","age","error","failing","next_refresh"}],
 * "rules":[...]}; ages and the like are in seconds. */
struct json *sg_describe_addresses(const struct sg_core *,
                                   const struct sg_addresses *);
/* All sets, sorted by name, without their prefixes and rules, but with
 * "addresses", the number of them. */
struct json *sg_describe_all_addresses(const struct sg_core *);

/* Parts of the above.  'file' and 'line' become members of the object; a NULL
 * string is JSON null. */
struct json *sg_describe_string(const char *);
struct json *sg_describe_prefixes(const struct sg_prefix *, size_t n);
void sg_describe_place(struct json *, const struct sg_place *);
struct json *sg_describe_rules_naming(const struct sg_policy *,
                                      enum sg_peer_type, const char *name);

/* The guarded ports, sorted by name. */
struct json *sg_describe_ports(const struct sg_core *);
/* All of a port, guarded or trusted. */
struct json *sg_describe_port(const struct sg_core *, const struct sg_port *);

#endif /* agent/describe.h */
