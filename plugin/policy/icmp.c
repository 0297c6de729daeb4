/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "policy/icmp.h"

#include <netinet/in.h>
#include <string.h>

#include "util.h"

struct icmp_name {
    const char *name;
    struct sg_icmp icmp;
};

/* IANA's names, and where people's habits differ from them, those of nft(8)
 * and iptables(8) too. */
static const struct icmp_name icmp4_names[] = {
    { "echo-reply",                 { 0, -1 } },
    { "destination-unreachable",    { 3, -1 } },
    { "network-unreachable",        { 3, 0 } },
    { "host-unreachable",           { 3, 1 } },
    { "protocol-unreachable",       { 3, 2 } },
    { "port-unreachable",           { 3, 3 } },
    { "fragmentation-needed",       { 3, 4 } },
    { "source-quench",              { 4, -1 } },
    { "redirect",                   { 5, -1 } },
    { "echo-request",               { 8, -1 } },
    { "router-advertisement",       { 9, -1 } },
    { "router-solicitation",        { 10, -1 } },
    { "time-exceeded",              { 11, -1 } },
    { "ttl-exceeded",               { 11, 0 } },
    { "parameter-problem",          { 12, -1 } },
    { "timestamp-request",          { 13, -1 } },
    { "timestamp-reply",            { 14, -1 } },
    { "info-request",               { 15, -1 } },
    { "info-reply",                 { 16, -1 } },
    { "address-mask-request",       { 17, -1 } },
    { "address-mask-reply",         { 18, -1 } },
};

static const struct icmp_name icmp6_names[] = {
    { "destination-unreachable",    { 1, -1 } },
    { "no-route",                   { 1, 0 } },
    { "communication-prohibited",   { 1, 1 } },
    { "address-unreachable",        { 1, 3 } },
    { "port-unreachable",           { 1, 4 } },
    { "packet-too-big",             { 2, -1 } },
    { "time-exceeded",              { 3, -1 } },
    { "ttl-exceeded",               { 3, 0 } },
    { "parameter-problem",          { 4, -1 } },
    { "echo-request",               { 128, -1 } },
    { "echo-reply",                 { 129, -1 } },
    { "mld-listener-query",         { 130, -1 } },
    { "mld-listener-report",        { 131, -1 } },
    { "mld-listener-done",          { 132, -1 } },
    { "router-solicitation",        { 133, -1 } },
    { "nd-router-solicit",          { 133, -1 } },
    { "router-advertisement",       { 134, -1 } },
    { "nd-router-advert",           { 134, -1 } },
    { "neighbour-solicitation",     { 135, -1 } },
    { "neighbor-solicitation",      { 135, -1 } },
    { "nd-neighbor-solicit",        { 135, -1 } },
    { "neighbour-advertisement",    { 136, -1 } },
    { "neighbor-advertisement",     { 136, -1 } },
    { "nd-neighbor-advert",         { 136, -1 } },
    { "redirect",                   { 137, -1 } },
    { "nd-redirect",                { 137, -1 } },
    { "mld2-listener-report",       { 143, -1 } },
};

static const struct icmp_name *
names_of(int proto, size_t *n)
{
    bool v6 = proto == IPPROTO_ICMPV6;

    *n = v6 ? ARRAY_SIZE(icmp6_names) : ARRAY_SIZE(icmp4_names);
    return v6 ? icmp6_names : icmp4_names;
}

bool
sg_icmp_from_name(int proto, const char *name, struct sg_icmp *icmp)
{
    size_t n;
    const struct icmp_name *names = names_of(proto, &n);

    for (size_t i = 0; i < n; i++) {
        if (!strcmp(names[i].name, name)) {
            *icmp = names[i].icmp;
            return true;
        }
    }
    return false;
}

const char *
sg_icmp_guess(int proto, const char *typed)
{
    const char *list[MAX(ARRAY_SIZE(icmp4_names), ARRAY_SIZE(icmp6_names))];
    size_t n;
    const struct icmp_name *names = names_of(proto, &n);

    for (size_t i = 0; i < n; i++) {
        list[i] = names[i].name;
    }
    return sg_did_you_mean(typed, list, n);
}

bool
sg_icmp_begins(int proto, int type)
{
    return (proto == IPPROTO_ICMPV6 ? type == 128 || type == 139
            : type == 8 || type == 13 || type == 15 || type == 17);
}
