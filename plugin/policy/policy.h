/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_POLICY_H
#define SG_POLICY_POLICY_H 1

/* The policy model
 * ================
 *
 * A `struct sg_policy' is what a policy source said, validated: groups with
 * rules, prefix lists, members that are not ports here, and bindings of
 * ports to groups.  It does no I/O and knows neither Lua nor OpenFlow.  It
 * never changes once it is made: a reload makes a new one and the old one is
 * dropped when its last user lets go, so that "all or nothing" needs no
 * undo.
 *
 * Sources
 * -------
 *
 * Every source (Lua today; a shared OVSDB database later) hands over a
 * *policy document*, a JSON object whose form is given in document.h.
 * sg_policy_from_document() is the one place that validates: what comes out
 * of it is whole and consistent, or it is not there at all.
 *
 * Identities
 * ----------
 *
 * A rule is identified by a UUID of version 5 (RFC 4122 section 4.3) over its
 * canonical text, for example
 *
 *     web ingress tcp 80,443 from any
 *
 * so the same rule has the same identity in every load, on every hypervisor,
 * wherever its line has moved.  Description and place are no part of it.
 * A group that exists in one network alone is called "blue/web" there; '/' can
 * be in no name.
 *
 * Networks
 * --------
 *
 * A group is defined for every network, or for one (`network "blue" { ... }').
 * In any one network a name stands for at most one group: it is an error to
 * define a group for a network and for all.  So what a port or a rule calls
 * "web" is looked up in the network of the endpoint that is judged, and a port
 * on a trunk may have one "web" per VLAN.  Only `default', which nobody needs
 * to define, gives way to a network's own.
 *
 * (The UUID is kept as OVS's `struct uuid': <uuid/uuid.h> and OVS's uuid.h
 * declare functions of the same names and cannot meet in one file.) */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/uuid.h"
#include "policy/diag.h"
#include "policy/prefix.h"
#include "svec.h"

struct ds;
struct json;
struct sg_addresses;
struct smap;
struct sset;

enum sg_direction {
    SG_INGRESS,                 /* Towards the guest. */
    SG_EGRESS                   /* From the guest. */
};
#define SG_N_DIRECTIONS 2

const char *sg_direction_name(enum sg_direction);   /* "ingress"/"egress" */

/* Families of addresses, as a bit set. */
#define SG_IPV4 1
#define SG_IPV6 2
#define SG_IP_ANY (SG_IPV4 | SG_IPV6)

/* Peers. */

enum sg_peer_type {
    SG_PEER_ANY,                /* Everyone, IPv4 and IPv6. */
    SG_PEER_PREFIX,             /* An address or a prefix. */
    SG_PEER_GROUP,              /* Whoever is a member now. */
    SG_PEER_PREFIX_LIST,        /* A named, static list. */
    SG_PEER_ADDRESSES           /* A named set that changes while we run. */
};

struct sg_peer {
    enum sg_peer_type type;
    struct sg_prefix prefix;    /* SG_PEER_PREFIX only. */
    char *name;                 /* The three named kinds; else NULL. */
    char *network;              /* SG_PEER_GROUP: whose members, or NULL, those
                                 * of the network that is judged. */
};

void sg_peer_clone(struct sg_peer *dst, const struct sg_peer *src);
void sg_peer_destroy(struct sg_peer *);     /* Not the structure itself. */
bool sg_peer_equals(const struct sg_peer *, const struct sg_peer *);
int sg_peer_compare(const struct sg_peer *, const struct sg_peer *);
uint32_t sg_peer_hash(const struct sg_peer *, uint32_t basis);
/* "any", "192.0.2.0/24", "group web", "prefix_list office", ... */
void sg_peer_format(const struct sg_peer *, struct ds *);

/* Rules. */

/* Ports of tcp, udp and sctp, inclusive at both ends. */
struct sg_range {
    uint16_t lo, hi;
};

/* An ICMP or ICMPv6 type and code; -1 is "all". */
struct sg_icmp {
    int16_t type, code;
};

struct sg_rule {
    struct hmap_node id_node;   /* In sg_policy.rules_by_id. */
    struct uuid id;             /* Version 5, of 'text'. */
    char *text;                 /* Canonical text. */
    struct sg_group *group;     /* Whose rule this is. */
    enum sg_direction dir;
    int proto;                  /* IP protocol number; -1: all. */
    uint8_t families;           /* Of SG_IPV4, SG_IPV6; never 0. */
    struct sg_range *ranges;    /* Sorted, merged; none: all ports. */
    size_t n_ranges;
    uint8_t names;              /* Bits of enum sg_named; egress only. */
    struct sg_icmp *icmps;      /* Sorted; none: all types. */
    size_t n_icmps;
    struct sg_peer *peers;      /* Sorted, unique, at least one; if one is
                                 * SG_PEER_ANY it is the only one. */
    size_t n_peers;
    char *description;          /* NULL if the author gave none. */
    struct sg_place place;      /* Of the constructor. */
    char *chain;                /* "called from web.lua:5, ..." or NULL. */
    bool implicit;              /* Not written by anybody: the egress of a
                                 * group without `egress', or a rule of the
                                 * built-in group `default'. */
};

/* What an egress rule must name before a guest may do it (sg_rule.names).
 * A port is named when the author wrote it by itself ("68"): ranges, rules
 * for all ports and `ip { protocol = 17 }' do not count.  So the bit can be
 * set where 'ranges' no longer shows it (67 and 68 merge to 67-68). */
enum sg_named {
    SG_NAMED_DHCP_SERVER = 1 << 0,      /* udp 68 */
    SG_NAMED_DHCPV6_SERVER = 1 << 1,    /* udp 546 */
    SG_NAMED_ROUTER_ADVERT = 1 << 2     /* icmp6 type 134 */
};

struct sg_group {
    int ref_count;              /* sg_group_ref(), _unref(). */
    struct hmap_node node;      /* In sg_policy.groups, by name and network. */
    char *name;
    char *network;              /* The only one where it is, or NULL. */
    char *key;                  /* "web", or "blue/web": unique. */
    char *description;          /* Or NULL. */
    bool drain;                 /* revocation = "drain" */
    bool builtin;               /* `default', which nobody defined. */
    struct sg_place place;
    struct sg_rule **rules[SG_N_DIRECTIONS];    /* In the order written. */
    size_t n_rules[SG_N_DIRECTIONS];
};

/* A `prefix_list'. */
struct sg_prefix_list {
    struct hmap_node node;      /* In sg_policy.prefix_lists, by name. */
    char *name;
    struct sg_prefix *prefixes; /* Sorted, unique. */
    size_t n;
    struct sg_place place;
};

/* `members "g" { ... }': members that are not ports here.  All statements for
 * the same group and network are one of these. */
struct sg_members {
    char *group;
    char *network;              /* NULL: every network. */
    struct sg_prefix *prefixes; /* Sorted, unique. */
    size_t n;
    char **sets;                /* Names of `addresses' whose values are
                                 * members, too; unique. */
    size_t n_sets;
    struct sg_place place;      /* Of the first statement. */
};

/* What of an interface a bind compares with patterns. */
enum sg_bind_glob {
    SG_BIND_NAME,
    SG_BIND_BRIDGE,
    SG_BIND_TYPE,
    SG_BIND_MAC,                /* Each that it declares. */
    SG_BIND_N_GLOBS
};

/* `bind': groups for interfaces that carry no `sg-groups' of their own. */
struct sg_bind {
    char **groups;              /* NULL for a function. */
    size_t n_groups;
    /* What must hold; of several, one. */
    struct svec globs[SG_BIND_N_GLOBS];     /* fnmatch(3) patterns. */
    struct smap *external_ids;  /* key -> glob; NULL if none. */
    uint16_t *tags;             /* Access VLANs. */
    size_t n_tags;
    struct sg_prefix *addresses;    /* Which contain one of its own. */
    size_t n_addresses;
    int function;               /* Handle of the source, or -1. */
    struct sg_place place;
};

struct sg_policy {
    int ref_count;              /* sg_policy_ref(), _unref(). */
    bool none;                  /* It stands for one that has not loaded. */
    struct hmap groups;         /* struct sg_group, `default' included. */
    struct hmap prefix_lists;   /* struct sg_prefix_list. */
    struct hmap addresses;      /* struct sg_addresses (addresses.h). */
    struct sg_members *members;
    size_t n_members;
    struct sg_bind *binds;      /* In the order written. */
    size_t n_binds;
    size_t n_rules;             /* Of all groups, implicit ones too. */
    struct hmap rules_by_id;    /* struct sg_rule, by UUID. */
    uint64_t *entries;          /* The compiler's sg_policy_list_entries(), */
    size_t n_entries;           /* or NULL. */
};

/* Makes a policy of 'document' (document.h).  All errors and warnings are
 * added to 'diags'.  Returns NULL if there was any error; a policy with one
 * reference otherwise.  'document' stays the caller's. */
struct sg_policy *sg_policy_from_document(const struct json *document,
                                          struct sg_diags *diags);
/* A policy that holds nothing but the built-in group `default'. */
struct sg_policy *sg_policy_empty(void);
struct sg_policy *sg_policy_ref(const struct sg_policy *);
void sg_policy_unref(struct sg_policy *);           /* NULL is fine. */

/* A group outlives its policy if somebody refers to it. */
struct sg_group *sg_group_ref(const struct sg_group *);
void sg_group_unref(struct sg_group *);             /* NULL is fine. */
/* Do two groups of the same key have the same rules, in the same order?
 * Where they were written, and how they are described, is no part of it. */
bool sg_group_says_same(const struct sg_group *, const struct sg_group *);

/* What two policies have in common: do they bind the same interfaces to the
 * same groups?  (If a function has a word in it, nobody can tell: no.)  Which
 * groups has only one of them?  Their names go to 'names'. */
bool sg_policy_same_binds(const struct sg_policy *, const struct sg_policy *);
void sg_policy_find_moved_groups(const struct sg_policy *,
                                 const struct sg_policy *,
                                 struct sset *names);
/* Does `bind' ask functions? */
bool sg_policy_has_functions(const struct sg_policy *);

/* These return NULL if there is none. */

/* The group that is called 'name' in 'network'.  If 'network' is NULL: the one
 * that exists in every network. */
const struct sg_group *sg_policy_group(const struct sg_policy *,
                                       const char *name,
                                       const char *network);
/* Is that group the one that 'network' calls by its name? */
bool sg_group_is_in(const struct sg_policy *, const struct sg_group *,
                    const char *network);
const struct sg_prefix_list *sg_policy_prefix_list(const struct sg_policy *,
                                                   const char *name);
const struct sg_addresses *sg_policy_addresses(const struct sg_policy *,
                                               const char *name);
const struct sg_rule *sg_policy_rule(const struct sg_policy *,
                                     const struct uuid *id);

/* "FILE:LINE" plus the chain of callers, for people. */
void sg_rule_format_place(const struct sg_rule *, struct ds *);

/* Largest and smallest names a group, list or network may have: 1 to 63
 * of [A-Za-z0-9_.-], not beginning with '-' or '.'.  Returns NULL or a
 * sentence the caller frees. */
char *sg_check_name(const char *what, const char *name)
    __attribute__((warn_unused_result));

#endif /* policy/policy.h */
