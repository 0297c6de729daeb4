/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SWITCH_MEGAFLOW_H
#define SG_SWITCH_MEGAFLOW_H 1

/* One line of `ovs-appctl dpctl/dump-flows --names', such as
 *
 *   recirc_id(0),in_port(tap1),eth(src=52:54:00:00:00:01,dst=...),
 *   eth_type(0x0800),ipv4(src=192.0.2.1,proto=6,frag=no),tcp(dst=80),
 *   packets:3, bytes:180, used:0.5s, actions:tap2
 *
 * (in one line).  It stands for all packets that have what it names; what it
 * leaves out, or gives with a mask, is unknown.  Under NORMAL that is
 * everything above the Ethernet header. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/types.h"

#define SG_MEGAFLOW_NAME 64     /* With the null byte; longer: unknown. */

struct sg_megaflow {
    char in_port[SG_MEGAFLOW_NAME];     /* "": unknown. */
    char out_port[SG_MEGAFLOW_NAME];    /* The only one; "": none, or more. */
    struct eth_addr src_mac, dst_mac;   /* Both, or 'has_macs' is false. */
    bool has_macs;
    uint16_t eth_type;          /* The innermost; 0: unknown. */
    bool has_src, has_dst;
    struct in6_addr src, dst;   /* IPv4-mapped. */
    int proto;                  /* -1: unknown, as all of these. */
    int sport, dport;           /* ICMP: -1 and the type. */
    int code;                   /* ICMP. */
    uint64_t packets;
};

/* Parses 'line', up to its end or a line feed.  Returns false if it is no
 * flow with an input port.  Reads nothing behind the line and takes any
 * input. */
bool sg_megaflow_parse(const char *line, struct sg_megaflow *);

/* Does the userspace datapath of the Open vSwitch that has answered `version'
 * with 'answer' ("ovs-vswitchd (Open vSwitch) 3.1.0", and more lines) always
 * change the flow that its revalidators mean, also where others overlap with
 * it?  If that cannot be told it does not.  It does since "dpif-netdev: Fix
 * dpif_netdev_flow_put.", in 2.17.8, 3.0.5, 3.1.3 and 3.2.0. */
bool sg_megaflows_follow_changes(const char *answer);

#endif /* switch/megaflow.h */
