/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The canonical text of a rule, and its UUID.
 *
 *     [NETWORK/]GROUP DIRECTION WHAT [FAMILY] from|to PEER[,PEER]...
 *
 * NETWORK is there if the group exists in that network alone.
 * WHAT is `all', a protocol (`tcp', `icmp', `ip 47', ...), and for some the
 * ports or types: `tcp 80,8080-8089', `icmp 3/4,8'.  FAMILY is there if it is
 * narrower than WHAT says by itself.  Everything is sorted and merged, so
 * that two rules that say the same have the same text. */

#include <config.h>

#include <netinet/in.h>
#include <string.h>
#include <uuid/uuid.h>

#include "openvswitch/dynamic-string.h"
#include "policy/load.h"
#include "util.h"

/* The namespace of rules' UUIDs, 962a7e06-e595-4dd8-be99-0c00dc95e2e8.  To
 * change it would give every rule of every installation another identity. */
static const uuid_t namespace = {
    0x96, 0x2a, 0x7e, 0x06, 0xe5, 0x95, 0x4d, 0xd8,
    0xbe, 0x99, 0x0c, 0x00, 0xdc, 0x95, 0xe2, 0xe8
};

/* Appends the word for the protocol of 'rule'; returns the families that the
 * word implies. */
static uint8_t
format_proto(const struct sg_rule *rule, struct ds *s)
{
    switch (rule->proto) {
    case -1:
        ds_put_cstr(s, "all");
        return SG_IP_ANY;
    case IPPROTO_TCP:
        ds_put_cstr(s, "tcp");
        return SG_IP_ANY;
    case IPPROTO_UDP:
        ds_put_cstr(s, "udp");
        return SG_IP_ANY;
    case IPPROTO_SCTP:
        ds_put_cstr(s, "sctp");
        return SG_IP_ANY;
    case IPPROTO_ICMP:
        if (rule->families == SG_IPV4) {
            ds_put_cstr(s, "icmp");
            return SG_IPV4;
        }
        break;
    case IPPROTO_ICMPV6:
        if (rule->families == SG_IPV6) {
            ds_put_cstr(s, "icmp6");
            return SG_IPV6;
        }
        break;
    }
    ds_put_format(s, "ip %d", rule->proto);
    return SG_IP_ANY;
}

static bool
has_single(const struct sg_rule *rule, uint16_t port)
{
    for (size_t i = 0; i < rule->n_ranges; i++) {
        if (rule->ranges[i].lo == port && rule->ranges[i].hi == port) {
            return true;
        }
    }
    return false;
}

/* Says that 'port' was written by itself, where merging has hidden it: such a
 * rule allows more than one that has it in a range. */
static void
format_named(const struct sg_rule *rule, uint8_t bit, uint16_t port,
             struct ds *s)
{
    if (rule->names & bit && !has_single(rule, port)) {
        ds_put_format(s, " naming %d", port);
    }
}

static void
format_layer4(const struct sg_rule *rule, struct ds *s)
{
    for (size_t i = 0; i < rule->n_ranges; i++) {
        const struct sg_range *r = &rule->ranges[i];

        ds_put_format(s, "%c%d", i ? ',' : ' ', r->lo);
        if (r->hi != r->lo) {
            ds_put_format(s, "-%d", r->hi);
        }
    }
    format_named(rule, SG_NAMED_DHCP_SERVER, 68, s);
    format_named(rule, SG_NAMED_DHCPV6_SERVER, 546, s);

    for (size_t i = 0; i < rule->n_icmps; i++) {
        const struct sg_icmp *icmp = &rule->icmps[i];

        ds_put_format(s, "%c%d", i ? ',' : ' ', icmp->type);
        if (icmp->code >= 0) {
            ds_put_format(s, "/%d", icmp->code);
        }
    }
}

static char *
canonical_text(const struct sg_rule *rule)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    uint8_t implied;

    ds_put_format(&s, "%s %s ", rule->group->key,
                  sg_direction_name(rule->dir));
    implied = format_proto(rule, &s);
    format_layer4(rule, &s);
    if (rule->families != implied) {
        ds_put_cstr(&s, rule->families == SG_IPV4 ? " ipv4" : " ipv6");
    }
    ds_put_cstr(&s, rule->dir == SG_INGRESS ? " from " : " to ");
    for (size_t i = 0; i < rule->n_peers; i++) {
        if (i) {
            ds_put_char(&s, ',');
        }
        sg_peer_format(&rule->peers[i], &s);
    }
    return ds_steal_cstr(&s);
}

void
sg_rule_identify(struct sg_rule *rule)
{
    uuid_t id;

    rule->text = canonical_text(rule);
    uuid_generate_sha1(id, namespace, rule->text, strlen(rule->text));
    for (int i = 0; i < 4; i++) {
        const unsigned char *p = id + 4 * i;

        rule->id.parts[i] = ((uint32_t) p[0] << 24 | p[1] << 16
                             | p[2] << 8 | p[3]);
    }
}
