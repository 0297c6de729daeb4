/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "learn/claim.h"

#include <netinet/icmp6.h>
#include <string.h>

#include "dhcp.h"
#include "dp-packet.h"
#include "lib/flow.h"
#include "packets.h"
#include "unaligned.h"
#include "util.h"

#define DHCP_COOKIE 0x63825363
#define DHCP_OPT_LEASE 51

#define DHCP6_HEADER 4          /* Message type and transaction. */
#define DHCP6_REPLY 7
#define DHCP6_OPT_IA_NA 3
#define DHCP6_OPT_IA_TA 4
#define DHCP6_OPT_IAADDR 5

static bool
is_guest_mac(const struct eth_addr mac)
{
    return !eth_addr_is_multicast(mac) && !eth_addr_is_zero(mac);
}

/* 0.0.0.0/8, 127.0.0.0/8, and from 224.0.0.0 on are nobody's. */
static bool
is_ipv4_host(ovs_be32 ip)
{
    uint8_t first = ntohl(ip) >> 24;

    return first && first != 127 && first < 224;
}

static bool
is_ipv6_host(const struct in6_addr *ip)
{
    return (!ipv6_addr_is_multicast(ip) && !IN6_IS_ADDR_UNSPECIFIED(ip)
            && !IN6_IS_ADDR_LOOPBACK(ip) && !IN6_IS_ADDR_V4MAPPED(ip));
}

static struct sg_claim *
add_claim(struct sg_claims *claims, enum sg_learn_source source)
{
    struct sg_claim *c = &claims->list[claims->n++];

    c->source = source;
    c->lease = 0;
    return c;
}

static void
claim_ipv4(struct sg_claims *claims, enum sg_learn_source source, ovs_be32 ip,
           uint32_t lease)
{
    if (claims->n < SG_MAX_CLAIMS && is_ipv4_host(ip)) {
        struct sg_claim *c = add_claim(claims, source);

        sg_prefix_from_ipv4(ip, 32, &c->address);
        c->lease = lease == UINT32_MAX ? 0 : lease;
    }
}

static void
claim_ipv6(struct sg_claims *claims, enum sg_learn_source source,
           const struct in6_addr *ip, uint32_t lease)
{
    if (claims->n < SG_MAX_CLAIMS && is_ipv6_host(ip)) {
        struct sg_claim *c = add_claim(claims, source);

        sg_prefix_from_ipv6(ip, 128, &c->address);
        c->lease = lease == UINT32_MAX ? 0 : lease;
    }
}

/* A link-layer option is not there, or that of the sender. */
static bool
is_own_option(const struct eth_addr option, const struct flow *flow)
{
    return (eth_addr_is_zero(option)
            || eth_addr_equals(option, flow->dl_src));
}

static void
read_nd(const struct flow *flow, struct sg_claims *claims)
{
    /* A lower hop limit has come through a router (RFC 4861, 7.1). */
    if (flow->nw_ttl != 255 || flow->nw_frag || flow->tp_dst) {
        return;
    }
    if (flow->tp_src == htons(ND_NEIGHBOR_SOLICIT)
        && is_own_option(flow->arp_sha, flow)) {
        claim_ipv6(claims, SG_LEARN_ND,
                   (IN6_IS_ADDR_UNSPECIFIED(&flow->ipv6_src)
                    ? &flow->nd_target : &flow->ipv6_src), 0);
    } else if (flow->tp_src == htons(ND_NEIGHBOR_ADVERT)
               && is_own_option(flow->arp_tha, flow)) {
        claim_ipv6(claims, SG_LEARN_ND, &flow->nd_target, 0);
    }
}

bool
sg_claims_from_guest(const void *frame, size_t size, struct sg_claims *claims)
{
    struct dp_packet packet;
    struct flow flow;

    memset(claims, 0, sizeof *claims);
    dp_packet_use_const(&packet, frame, size);
    flow_extract(&packet, &flow);
    if (size < ETH_HEADER_LEN || !is_guest_mac(flow.dl_src)) {
        return false;
    }
    claims->mac = flow.dl_src;
    if (flow.dl_type == htons(ETH_TYPE_ARP)) {
        if (eth_addr_equals(flow.arp_sha, flow.dl_src)) {
            claim_ipv4(claims, SG_LEARN_ARP, flow.nw_src, 0);
        }
    } else if (is_nd(&flow, NULL)) {
        read_nd(&flow, claims);
    }
    return true;
}

/* DHCPv4: returns the message type, 0 if it is none; '*lease' is that of
 * option 51. */
static uint8_t
read_dhcp_options(const uint8_t *p, size_t n, uint32_t *lease)
{
    uint8_t type = 0;

    *lease = 0;
    while (n && *p != DHCP_OPT_END) {
        if (*p == DHCP_OPT_PAD) {
            p++;
            n--;
            continue;
        }
        if (n < 2 || n - 2 < p[1]) {
            break;
        }
        if (p[0] == DHCP_OPT_MSG_TYPE && p[1] == 1) {
            type = p[2];
        } else if (p[0] == DHCP_OPT_LEASE && p[1] == 4) {
            *lease = ntohl(get_unaligned_be32((const void *) (p + 2)));
        }
        n -= 2 + p[1];
        p += 2 + p[1];
    }
    return type;
}

static void
read_dhcp(const uint8_t *p, size_t n, struct sg_claims *claims)
{
    struct dhcp_header dhcp;
    ovs_be32 cookie;
    uint32_t lease;

    if (n < sizeof dhcp + sizeof cookie) {
        return;
    }
    memcpy(&dhcp, p, sizeof dhcp);
    memcpy(&cookie, p + sizeof dhcp, sizeof cookie);
    p += sizeof dhcp + sizeof cookie;
    n -= sizeof dhcp + sizeof cookie;
    if (dhcp.op == DHCP_OP_REPLY && dhcp.htype == 1
        && dhcp.hlen == ETH_ADDR_LEN && cookie == htonl(DHCP_COOKIE)
        && read_dhcp_options(p, n, &lease) == DHCP_MSG_ACK) {
        memcpy(&claims->mac, dhcp.chaddr, ETH_ADDR_LEN);
        claim_ipv4(claims, SG_LEARN_DHCP, dhcp.yiaddr, lease);
    }
}

/* Calls itself for the options inside an identity association. */
static void
read_dhcp6_options(const uint8_t *p, size_t n, bool in_ia,
                   struct sg_claims *claims)
{
    while (n >= 4) {
        uint16_t code = ntohs(get_unaligned_be16((const void *) p));
        size_t len = ntohs(get_unaligned_be16((const void *) (p + 2)));

        p += 4;
        n -= 4;
        if (len > n) {
            break;
        }
        if (in_ia && code == DHCP6_OPT_IAADDR && len >= 24) {
            uint32_t valid = ntohl(get_unaligned_be32((const void *)
                                                      (p + 20)));
            struct in6_addr ip;

            memcpy(&ip, p, sizeof ip);
            if (valid) {
                claim_ipv6(claims, SG_LEARN_DHCP, &ip, valid);
            }
        } else if (!in_ia && code == DHCP6_OPT_IA_NA && len >= 12) {
            read_dhcp6_options(p + 12, len - 12, true, claims);
        } else if (!in_ia && code == DHCP6_OPT_IA_TA && len >= 4) {
            read_dhcp6_options(p + 4, len - 4, true, claims);
        }
        p += len;
        n -= len;
    }
}

bool
sg_claims_from_dhcp(const void *frame, size_t size, struct sg_claims *claims)
{
    struct dp_packet packet;
    struct flow flow;

    memset(claims, 0, sizeof *claims);
    dp_packet_use_const(&packet, frame, size);
    flow_extract(&packet, &flow);
    if (size < ETH_HEADER_LEN || !is_ip_any(&flow) || flow.nw_frag
        || flow.nw_proto != IPPROTO_UDP) {
        return false;
    }

    const uint8_t *data = dp_packet_get_udp_payload(&packet);
    if (!data) {
        return false;
    }
    size_t n = dp_packet_l4_size(&packet) - UDP_HEADER_LEN;
    if (flow.dl_type == htons(ETH_TYPE_IP)
        && flow.tp_src == htons(DHCP_SERVER_PORT)
        && flow.tp_dst == htons(DHCP_CLIENT_PORT)) {
        read_dhcp(data, n, claims);
    } else if (flow.dl_type == htons(ETH_TYPE_IPV6) && n >= DHCP6_HEADER
               && flow.tp_src == htons(547) && flow.tp_dst == htons(546)
               && data[0] == DHCP6_REPLY) {
        /* It does not say the client's MAC, but it is sent to it. */
        claims->mac = flow.dl_dst;
        read_dhcp6_options(data + DHCP6_HEADER, n - DHCP6_HEADER, false,
                           claims);
    }
    return claims->n && is_guest_mac(claims->mac);
}
