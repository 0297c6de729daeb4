/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_SEEN_H
#define SG_POLICY_SEEN_H 1

/* Traffic that was seen, judged
 * =============================
 *
 * Before ports are guarded, the operator wants to know what will be refused
 * then.  A *sighting* is what somebody saw of some packets: a flow of the
 * datapath, an entry of the connection table, the headers of packets at an
 * interface.  Much of it may be unknown.  Sightings that say the same of the
 * same two parties become one *talk*, and a talk has a verdict: by the rules
 * of both sides as sg_eval() reads them, and by whose addresses they are.
 *
 *     sg_seen_init(&seen);
 *     sg_seen_add(&seen, &sighting);          any number of times
 *     sg_seen_teach(&seen, &ports);           as learning would
 *     json = sg_seen_judge(&seen, policy, &ports, skip, aux);
 *     sg_seen_destroy(&seen);
 *
 * Who began is known from the connection table and from a SYN.  Else the side
 * with the lower port is taken for the server; if ports are not known either,
 * a talk has a verdict only if it is the same whoever has begun.
 *
 * What needs no rule (ARP, neighbor discovery, DHCP, MLD) is left out, and so
 * is what goes to a broadcast or multicast address. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/types.h"

struct json;
struct sg_policy;
struct sg_port;
struct sg_ports;

struct sg_sighting {
    const char *from, *to;      /* Interfaces; NULL or "": unknown. */
    bool has_macs;
    struct eth_addr src_mac, dst_mac;
    uint8_t family;             /* SG_IPV4 or SG_IPV6. */
    bool has_src, has_dst;
    struct in6_addr src, dst;   /* IPv4-mapped. */
    int proto;                  /* -1: unknown, as all of these. */
    int sport, dport, code;     /* ICMP: -1, type and code. */
    bool began;                 /* 'from' is known to have begun. */
    const char *source;         /* Where it was seen; static. */
    uint64_t packets;
};

struct sg_seen {
    struct sg_sighting *all;    /* The strings in it are ours. */
    size_t n, allocated;
    size_t n_left_out;          /* Because they need no rule. */
};

void sg_seen_init(struct sg_seen *);
void sg_seen_destroy(struct sg_seen *);
/* Copies it. */
void sg_seen_add(struct sg_seen *, const struct sg_sighting *);
/* Reads what `ovs-sgctl observe --sample' has seen: a list of {"from","to",
 * "src_mac","dst_mac","src","dst","proto","sport","dport","code","began",
 * "packets"}; all but the addresses may be missing.  NULL, or a sentence that
 * the caller frees. */
char *sg_seen_add_json(struct sg_seen *, const struct json *)
    __attribute__((warn_unused_result));

/* Ports that learn get what was seen of them. */
void sg_seen_teach(const struct sg_seen *, struct sg_ports *);

/* The talks in which a guarded port takes part that 'skip' does not skip, as a
 * list of {"from","from_address","to","to_address","protocol","port",
 * "packets","seen_in","verdict","egress","ingress","why"}: 'verdict' is
 * "allow", "deny" or "unknown", 'egress' and 'ingress' are the places of the
 * rules or null, 'why' is a sentence or null. */
struct json *sg_seen_judge(const struct sg_seen *, const struct sg_policy *,
                           const struct sg_ports *,
                           bool (*skip)(const struct sg_port *, void *aux),
                           void *aux);

#endif /* policy/seen.h */
