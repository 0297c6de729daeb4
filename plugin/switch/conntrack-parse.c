/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/conntrack-parse.h"

#include <string.h>

#include "packets.h"
#include "util.h"

/* The text is NAME,KEY=VALUE,KEY=(KEY=VALUE,...),...  A cursor runs over it
 * and cuts it into tokens of limited length; nesting is one deep. */

#define MAX_TOKEN 64            /* Longer ones are none of ours. */

struct cursor {
    const char *p;              /* The next character. */
    char key[MAX_TOKEN];        /* Before '=', or "". */
    char value[MAX_TOKEN];      /* Behind it, or the whole token; "(" if a
                                 * list in parentheses begins. */
};

static bool
at_end(const struct cursor *c)
{
    return *c->p == '\0' || *c->p == '\n';
}

/* Copies up to the first of 'stop' or the end of the line.  Returns false if
 * that does not fit. */
static bool
copy_until(struct cursor *c, const char *stop, char token[MAX_TOKEN])
{
    size_t n = 0;

    while (!at_end(c) && !strchr(stop, *c->p)) {
        if (n >= MAX_TOKEN - 1) {
            return false;
        }
        token[n++] = *c->p++;
    }
    token[n] = '\0';
    return true;
}

/* Reads KEY=VALUE, VALUE or KEY=( and what separates it from the next. */
static bool
next_token(struct cursor *c)
{
    c->key[0] = '\0';
    if (!copy_until(c, "=,()", c->value)) {
        return false;
    }
    if (*c->p == '=') {
        ovs_strlcpy(c->key, c->value, sizeof c->key);
        c->p++;
        if (*c->p == '(') {
            c->p++;
            ovs_strlcpy(c->value, "(", sizeof c->value);
            return true;
        }
        if (!copy_until(c, ",()", c->value)) {
            return false;
        }
    }
    if (*c->p == ',') {
        c->p++;
    }
    return true;
}

/* Skips the ")" of a list, and the comma behind it. */
static void
end_list(struct cursor *c)
{
    c->p += *c->p == ')';
    c->p += *c->p == ',';
}

static bool
parse_address(const char *text, struct in6_addr *addr)
{
    ovs_be32 ip;

    if (ip_parse(text, &ip)) {
        in6_addr_set_mapped_ipv4(addr, ip);
        return true;
    }
    return ipv6_parse(text, addr);
}

static bool
parse_u16(const char *text, uint16_t *number)
{
    unsigned int n;
    bool ok = str_to_uint(text, 10, &n) && n <= UINT16_MAX;

    *number = ok ? n : 0;
    return ok;
}

static bool
parse_u8(const char *text, uint8_t *number)
{
    uint16_t n;
    bool ok = parse_u16(text, &n) && n <= UINT8_MAX;

    *number = n;
    return ok;
}

/* What parse_orig() collects besides addresses and ports. */
struct orig {
    bool has_src, has_dst;
    uint8_t type, code;         /* Of ICMP. */
};

static bool
parse_orig_member(const struct cursor *c, struct sg_conn *conn,
                  struct orig *orig)
{
    if (!strcmp(c->key, "src")) {
        orig->has_src = true;
        return parse_address(c->value, &conn->src);
    } else if (!strcmp(c->key, "dst")) {
        orig->has_dst = true;
        return parse_address(c->value, &conn->dst);
    } else if (!strcmp(c->key, "sport") || !strcmp(c->key, "id")) {
        return parse_u16(c->value, &conn->sport);
    } else if (!strcmp(c->key, "dport")) {
        return parse_u16(c->value, &conn->dport);
    } else if (!strcmp(c->key, "type")) {
        return parse_u8(c->value, &orig->type);
    } else if (!strcmp(c->key, "code")) {
        return parse_u8(c->value, &orig->code);
    }
    return true;                /* A key that we do not know. */
}

static bool
parse_orig(struct cursor *c, struct sg_conn *conn)
{
    struct orig orig = { .has_src = false };

    while (!at_end(c) && *c->p != ')') {
        const char *start = c->p;

        if (!next_token(c) || c->p == start || !strcmp(c->value, "(")
            || !parse_orig_member(c, conn, &orig)) {
            return false;
        }
    }
    end_list(c);
    if (conn->proto == IPPROTO_ICMP || conn->proto == IPPROTO_ICMPV6) {
        conn->dport = orig.type << 8 | orig.code;
    }
    return orig.has_src && orig.has_dst;
}

/* Skips the rest of a list that is of no interest. */
static void
skip_list(struct cursor *c)
{
    while (!at_end(c) && *c->p != ')') {
        c->p++;
    }
    end_list(c);
}

static bool
parse_member(const struct cursor *c, struct sg_conn *conn)
{
    if (!strcmp(c->key, "zone")) {
        return parse_u16(c->value, &conn->zone);
    } else if (!strcmp(c->key, "mark")) {
        /* "mark=VALUE", or "mark=VALUE/MASK" as some versions have it. */
        char *slash = strchr(c->value, '/');
        char value[MAX_TOKEN];

        ovs_strlcpy(value, c->value,
                    slash ? (size_t) (slash - c->value) + 1 : sizeof value);
        return str_to_uint(value, 0, &conn->mark);
    }
    return true;
}

/* The name at the beginning of the line, or a number for what has none. */
static bool
parse_protocol(const char *name, uint8_t *proto)
{
    static const struct {
        const char *name;
        uint8_t proto;
    } names[] = {
        { "icmp", IPPROTO_ICMP },
        { "tcp", IPPROTO_TCP },
        { "udp", IPPROTO_UDP },
        { "icmpv6", IPPROTO_ICMPV6 },
        { "sctp", IPPROTO_SCTP },
        { "udplite", IPPROTO_UDPLITE },
        { "dccp", IPPROTO_DCCP },
        { "igmp", IPPROTO_IGMP },
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(name, names[i].name)) {
            *proto = names[i].proto;
            return true;
        }
    }
    return parse_u8(name, proto);
}

bool
sg_conn_parse(const char *line, struct sg_conn *conn)
{
    struct cursor c = { .p = line };
    bool has_orig = false;

    memset(conn, 0, sizeof *conn);
    if (!next_token(&c) || c.key[0]
        || !parse_protocol(c.value, &conn->proto)) {
        return false;
    }
    while (!at_end(&c)) {
        const char *start = c.p;

        if (!next_token(&c) || c.p == start) {
            return false;
        }
        if (strcmp(c.value, "(")) {
            if (!parse_member(&c, conn)) {
                return false;
            }
        } else if (!strcmp(c.key, "orig") && !has_orig) {
            if (!parse_orig(&c, conn)) {
                return false;
            }
            has_orig = true;
        } else {
            skip_list(&c);
        }
    }
    return has_orig;
}
