/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/megaflow.h"

#include <string.h>

#include "packets.h"
#include "util.h"

/* A piece of the line; 'end' is not part of it. */
struct piece {
    const char *p, *end;
};

static const char *
find_in(struct piece text, const char *needle)
{
    size_t n = strlen(needle);

    for (const char *p = text.p; p + n <= text.end; p++) {
        if (!memcmp(p, needle, n)) {
            return p;
        }
    }
    return NULL;
}

/* Finds what is in the parentheses of the last "NAME(" in 'text'; the last,
 * because an outer header comes before an inner one. */
static bool
find_section(struct piece text, const char *name, struct piece *section)
{
    size_t n = strlen(name);
    bool found = false;

    for (const char *p; (p = find_in(text, name)) != NULL; ) {
        bool begins = p == text.p || strchr(",( ", p[-1]);

        text.p = p + n;
        if (begins && text.p < text.end && *text.p == '(') {
            const char *close = memchr(text.p, ')', text.end - text.p);

            section->p = text.p + 1;
            section->end = close ? close : text.end;
            found = true;
        }
    }
    return found;
}

/* Copies a value that ends at ',', ')' or with the piece.  False if it has a
 * mask, or does not fit. */
static bool
copy_value(struct piece from, char value[SG_MEGAFLOW_NAME])
{
    size_t n = 0;

    while (from.p + n < from.end && !strchr(",)/", from.p[n])) {
        n++;
    }
    if (!n || n >= SG_MEGAFLOW_NAME
        || (from.p + n < from.end && from.p[n] == '/')) {
        return false;
    }
    memcpy(value, from.p, n);
    value[n] = '\0';
    return true;
}

static bool
get_value(struct piece section, const char *key,
          char value[SG_MEGAFLOW_NAME])
{
    size_t n = strlen(key);

    for (const char *p; (p = find_in(section, key)) != NULL; ) {
        bool begins = p == section.p || p[-1] == ',';

        section.p = p + n;
        if (begins && section.p < section.end && *section.p == '=') {
            section.p++;
            return copy_value(section, value);
        }
    }
    return false;
}

static int
get_number(struct piece section, const char *key, unsigned int max)
{
    char value[SG_MEGAFLOW_NAME];
    unsigned int n;

    return (get_value(section, key, value) && str_to_uint(value, 0, &n)
            && n <= max ? (int) n : -1);
}

static void
parse_macs(struct piece match, struct sg_megaflow *f)
{
    char src[SG_MEGAFLOW_NAME], dst[SG_MEGAFLOW_NAME];
    struct piece eth;

    f->has_macs = (find_section(match, "eth", &eth)
                   && get_value(eth, "src", src)
                   && get_value(eth, "dst", dst)
                   && eth_addr_from_string(src, &f->src_mac)
                   && eth_addr_from_string(dst, &f->dst_mac));
}

static bool
get_address(struct piece section, const char *key, bool ipv4,
            struct in6_addr *address)
{
    char value[SG_MEGAFLOW_NAME];
    ovs_be32 ip;

    if (!get_value(section, key, value)) {
        return false;
    } else if (!ipv4) {
        return ipv6_parse(value, address);
    } else if (!ip_parse(value, &ip)) {
        return false;
    }
    in6_addr_set_mapped_ipv4(address, ip);
    return true;
}

static void
parse_ip(struct piece match, struct sg_megaflow *f)
{
    bool ipv4 = f->eth_type == ETH_TYPE_IP;
    struct piece ip;

    if (find_section(match, ipv4 ? "ipv4" : "ipv6", &ip)) {
        f->has_src = get_address(ip, "src", ipv4, &f->src);
        f->has_dst = get_address(ip, "dst", ipv4, &f->dst);
        f->proto = get_number(ip, "proto", UINT8_MAX);
    }
}

static void
parse_layer4(struct piece match, struct sg_megaflow *f)
{
    static const struct {
        const char *name;
        int proto;
    } protos[] = {
        { "tcp", IPPROTO_TCP },
        { "udp", IPPROTO_UDP },
        { "sctp", IPPROTO_SCTP },
        { "icmp", IPPROTO_ICMP },
        { "icmpv6", IPPROTO_ICMPV6 },
    };
    struct piece section;

    for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
        if (f->proto != protos[i].proto
            || !find_section(match, protos[i].name, &section)) {
            continue;
        }
        if (f->proto == IPPROTO_ICMP || f->proto == IPPROTO_ICMPV6) {
            f->dport = get_number(section, "type", UINT8_MAX);
            f->code = get_number(section, "code", UINT8_MAX);
        } else {
            f->sport = get_number(section, "src", UINT16_MAX);
            f->dport = get_number(section, "dst", UINT16_MAX);
        }
    }
}

/* Is this action, which has no arguments, an output? */
static bool
is_output(struct piece action)
{
    static const char *const others[] = {
        "drop", "pop_vlan", "ct_clear", "pop_nsh",
    };
    size_t n = action.end - action.p;

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (n == strlen(others[i]) && !memcmp(action.p, others[i], n)) {
            return false;
        }
    }
    return n > 0 && n < SG_MEGAFLOW_NAME;
}

static void
parse_actions(struct piece actions, struct sg_megaflow *f)
{
    size_t n_outputs = 0;
    int depth = 0;

    for (const char *p = actions.p, *begin = p; p <= actions.end; p++) {
        char c = p < actions.end ? *p : ',';

        depth += (c == '(') - (c == ')');
        if (c != ',' || depth > 0) {
            continue;
        }
        struct piece action = { begin, p };

        begin = p + 1;
        if (!memchr(action.p, '(', p - action.p) && is_output(action)
            && !n_outputs++) {
            memcpy(f->out_port, action.p, p - action.p);
            f->out_port[p - action.p] = '\0';
        }
    }
    if (n_outputs != 1) {
        f->out_port[0] = '\0';
    }
}

static uint64_t
parse_packets(struct piece statistics)
{
    const char *p = find_in(statistics, "packets:");
    uint64_t n = 0;

    for (p = p ? p + strlen("packets:") : statistics.end;
         p < statistics.end && *p >= '0' && *p <= '9'
         && n < UINT64_MAX / 10 - 1; p++) {
        n = n * 10 + *p - '0';
    }
    return n;
}

bool
sg_megaflow_parse(const char *line, struct sg_megaflow *f)
{
    struct piece text = { line, line + strcspn(line, "\n") };
    struct piece match = text, section;
    const char *packets = find_in(text, "packets:");
    const char *actions = find_in(text, "actions:");
    char value[SG_MEGAFLOW_NAME];
    unsigned int type;

    memset(f, 0, sizeof *f);
    f->proto = f->sport = f->dport = f->code = -1;
    match.end = packets ? packets : actions ? actions : text.end;
    if (!find_section(match, "in_port", &section)
        || !copy_value(section, f->in_port)) {
        return false;
    }
    parse_macs(match, f);
    if (find_section(match, "eth_type", &section)
        && copy_value(section, value) && str_to_uint(value, 0, &type)
        && type <= UINT16_MAX) {
        f->eth_type = type;
    }
    parse_ip(match, f);
    parse_layer4(match, f);
    if (packets) {
        f->packets = parse_packets((struct piece) { packets, text.end });
    }
    if (actions) {
        parse_actions((struct piece) { actions + strlen("actions:"),
                                       text.end }, f);
    }
    return true;
}

bool
sg_megaflows_follow_changes(const char *answer)
{
    static const struct {
        int major, minor, patch;
    } branches[] = { { 2, 17, 8 }, { 3, 0, 5 }, { 3, 1, 3 } };
    const char *program = "(Open vSwitch) ";
    const char *number = strstr(answer, program);
    int major, minor, patch;

    if (!number || !ovs_scan(number + strlen(program), "%d.%d.%d", &major,
                             &minor, &patch)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(branches); i++) {
        if (major == branches[i].major && minor == branches[i].minor) {
            return patch >= branches[i].patch;
        }
    }
    return major > 3 || (major == 3 && minor >= 2);
}
