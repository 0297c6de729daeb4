/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SWITCH_CONNTRACK_PARSE_H
#define SG_SWITCH_CONNTRACK_PARSE_H 1

/* One line of `ovs-appctl dpctl/dump-conntrack', such as
 *
 *   tcp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=1,dport=2),reply=(src=...),
 *   zone=5,mark=2147483648,protoinfo=(state=ESTABLISHED)
 *
 * (in one line). */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct sg_conn {
    struct in6_addr src, dst;   /* Original direction; IPv4-mapped. */
    uint16_t sport, dport;      /* Ports; ICMP: id and type<<8|code. */
    uint8_t proto;
    uint16_t zone;
    uint32_t mark;
};

/* Parses 'line', up to its end or a line feed, into '*conn'.  Returns false
 * if it is anything else than a connection with an original direction; then
 * '*conn' is undefined.  Reads nothing behind the line and takes any input. */
bool sg_conn_parse(const char *line, struct sg_conn *conn);

#endif /* switch/conntrack-parse.h */
