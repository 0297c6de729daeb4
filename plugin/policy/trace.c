/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* `trace FROM TO PROTO [PORT]': the operator's words, resolved, evaluated,
 * and the answer shown. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "packets.h"
#include "policy/diag.h"
#include "policy/eval.h"
#include "policy/icmp.h"
#include "util.h"

/* Protocol and port. */

static const struct {
    const char *name;
    int proto;
} protocols[] = {
    { "tcp", IPPROTO_TCP },
    { "udp", IPPROTO_UDP },
    { "sctp", IPPROTO_SCTP },
    { "icmp", IPPROTO_ICMP },
    { "icmp6", IPPROTO_ICMPV6 },
};

static const char *
proto_name(int proto)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (protocols[i].proto == proto) {
            return protocols[i].name;
        }
    }
    return NULL;
}

/* Parses 's' as a decimal number of at most 'max'; -1 if it is none. */
static int
parse_number(const char *s, int max)
{
    size_t n = strlen(s);
    int value;

    if (!n || n > 5 || strspn(s, "0123456789") != n) {
        return -1;
    }
    value = atoi(s);
    return value <= max ? value : -1;
}

static char *
parse_proto(const char *s, int *proto)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (!strcmp(protocols[i].name, s)) {
            *proto = protocols[i].proto;
            return NULL;
        }
    }
    *proto = parse_number(s, 255);
    if (*proto < 0) {
        return xasprintf("\"%s\" is no protocol; write tcp, udp, sctp, icmp, "
                         "icmp6 or a number from 0 to 255", s);
    }
    return NULL;
}

/* Parses "8", "3/4" or "echo-request". */
static char *
parse_icmp(const char *s, struct sg_trace *trace)
{
    const char *slash = strchr(s, '/');
    char *type = slash ? xmemdup0(s, slash - s) : xstrdup(s);
    struct sg_icmp icmp;
    char *error = NULL;

    trace->type_or_port = parse_number(type, 255);
    if (slash) {
        trace->code = parse_number(slash + 1, 255);
    }
    if (!slash && sg_icmp_from_name(trace->proto, s, &icmp)) {
        trace->type_or_port = icmp.type;
        trace->code = icmp.code;
    } else if (trace->type_or_port < 0 || (slash && trace->code < 0)) {
        error = xasprintf("\"%s\" is no type of %s; write a number from 0 to "
                          "255, TYPE/CODE, or a name such as echo-request",
                          s, proto_name(trace->proto));
    }
    free(type);
    return error;
}

static char *
parse_port(const char *s, struct sg_trace *trace)
{
    switch (trace->proto) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
        trace->type_or_port = parse_number(s, 65535);
        if (trace->type_or_port < 1) {
            return xasprintf("\"%s\" is no port; ports are 1 to 65535", s);
        }
        return NULL;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        return parse_icmp(s, trace);
    default:
        return xasprintf("protocol %d has no ports; leave out \"%s\"",
                         trace->proto, s);
    }
}

/* Sides.  First each is looked up by itself, then the two agree on a family
 * and on networks. */

struct party {
    const char *typed;          /* By the operator. */
    const struct sg_port *port; /* NULL: outside. */
    const struct sg_port *trusted;  /* Outside, by the name of this one. */
    bool by_address;            /* 'address' was typed. */
    struct sg_prefix address;
};

/* The longest prefix among the addresses that 'port' may use, link-local ones
 * too, that contains 'address'; its length, or -1. */
static int
best_match(const struct sg_port *port, const struct sg_prefix *address)
{
    struct sg_prefix own;
    int best = -1;

    for (size_t i = 0; sg_port_address(port, i, &own); i++) {
        if (sg_prefix_contains(&own, address)) {
            best = MAX(best, own.plen);
        }
    }
    return best;
}

/* Of two guarded ports that have an address with the same length: one that
 * works before one in error, then by name, so that the answer is stable. */
static bool
is_better(const struct sg_port *a, const struct sg_port *b)
{
    return (!a->error != !b->error ? !a->error
            : strcmp(a->name, b->name) < 0);
}

static const char *
network_of(const struct sg_port *port)
{
    return port->n_endpoints ? port->endpoints[0].network : port->bridge;
}

/* The sentence about an address that 'a' has in one network and 'b' in
 * another. */
static char *
two_networks(const char *typed, const struct sg_port *a,
             const struct sg_port *b)
{
    if (strcmp(a->name, b->name) > 0) {
        const struct sg_port *tmp = a;

        a = b;
        b = tmp;
    }
    return xasprintf("address %s is known in two networks, %s (interface %s) "
                     "and %s (interface %s); name the interface instead",
                     typed, network_of(a), a->name, network_of(b), b->name);
}

/* Finds the guarded port that has 'address'.  An address in two networks is
 * two hosts, and nobody said which one is meant. */
static char *
find_owner(const struct sg_ports *ports, const struct sg_prefix *address,
           const char *typed, const struct sg_port **owner)
{
    const struct sg_port *port;
    int best = -1;

    *owner = NULL;
    HMAP_FOR_EACH (port, node, &ports->ports) {
        int match = port->guarded ? best_match(port, address) : -1;

        if (match < 0) {
            continue;
        }
        if (*owner && strcmp(network_of(port), network_of(*owner))) {
            return two_networks(typed, *owner, port);
        }
        if (match > best || (match == best && is_better(port, *owner))) {
            *owner = port;
            best = match;
        }
    }
    return NULL;
}

static char *
unknown_party(const struct sg_ports *ports, const char *typed)
{
    const char **names = xcalloc(hmap_count(&ports->ports) + 1,
                                 sizeof *names);
    const struct sg_port *port;
    const char *guess;
    char *error;
    size_t n = 0;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        if (port->guarded) {
            names[n++] = port->name;
        }
    }
    guess = sg_did_you_mean(typed, names, n);
    error = xasprintf("\"%s\" is neither an interface known here nor an "
                      "address%s%s%s", typed, guess ? "; did you mean \"" : "",
                      guess ? guess : "", guess ? "\"?" : "");
    free(names);
    return error;
}

static char *
find_party(const struct sg_ports *ports, const char *typed, struct party *p)
{
    char *error;

    memset(p, 0, sizeof *p);
    p->typed = typed;
    p->port = sg_ports_find(ports, typed);
    if (p->port) {
        if (!p->port->guarded) {
            p->trusted = p->port;
            p->port = NULL;
        }
        return NULL;
    }
    error = sg_prefix_parse(typed, &p->address);
    if (error) {
        free(error);
        return unknown_party(ports, typed);
    }
    if (!sg_prefix_is_host(&p->address)) {
        return xasprintf("\"%s\" is a prefix; name one address of it", typed);
    }
    p->by_address = true;
    return find_owner(ports, &p->address, typed, &p->port);
}

static bool
has_family(const struct party *p, bool ipv4)
{
    if (p->trusted) {
        return true;
    }
    if (p->by_address) {
        return sg_prefix_is_ipv4(&p->address) == ipv4;
    }
    for (size_t i = 0; i < p->port->n_addresses; i++) {
        if (sg_prefix_is_ipv4(&p->port->addresses[i]) == ipv4) {
            return true;
        }
    }
    return false;
}

/* Fills in the address that 'p' uses: one that is an address rather than a
 * prefix, if there is one. */
static void
choose_address(struct party *p, bool ipv4)
{
    const struct sg_prefix *chosen = NULL;

    if (p->trusted) {
        if (ipv4) {
            sg_prefix_from_ipv4(0, 32, &p->address);
        } else {
            sg_prefix_from_ipv6(&in6addr_any, 128, &p->address);
        }
        return;
    }
    if (p->by_address) {
        return;
    }
    for (size_t i = 0; i < p->port->n_addresses; i++) {
        const struct sg_prefix *a = &p->port->addresses[i];

        if (sg_prefix_is_ipv4(a) == ipv4
            && (!chosen || (sg_prefix_is_host(a)
                            && !sg_prefix_is_host(chosen)))) {
            chosen = a;
        }
    }
    p->address = *chosen;
    p->address.plen = 128;
}

/* The families in which 'from' and 'to' can speak 'proto': SG_IPV4 and
 * SG_IPV6. */
static char *
common_families(const struct party *from, const struct party *to, int proto,
                uint8_t *families)
{
    const struct party *parties[] = { from, to };

    *families = 0;
    for (size_t i = 0; i < ARRAY_SIZE(parties); i++) {
        const struct party *p = parties[i];

        if (p->port && !p->by_address && !p->port->n_addresses) {
            return xasprintf("no address of interface %s is known; set its "
                             "external_ids:sg-addresses", p->typed);
        }
    }
    if (proto != IPPROTO_ICMPV6
        && has_family(from, true) && has_family(to, true)) {
        *families |= SG_IPV4;
    }
    if (proto != IPPROTO_ICMP
        && has_family(from, false) && has_family(to, false)) {
        *families |= SG_IPV6;
    }
    return NULL;
}

/* The parties speak one of 'families', IPv4 if they can. */
static char *
choose_family(struct party *from, struct party *to, int proto,
              uint8_t families)
{
    uint8_t common;
    char *error = common_families(from, to, proto, &common);

    if (error) {
        return error;
    }
    families &= common;
    if (!families) {
        return xasprintf("%s and %s do not both have an %s address",
                         from->typed, to->typed,
                         proto == IPPROTO_ICMPV6 ? "IPv6"
                         : proto == IPPROTO_ICMP ? "IPv4"
                         : "IPv4 or both an IPv6");
    }
    choose_address(from, families & SG_IPV4);
    choose_address(to, families & SG_IPV4);
    return NULL;
}

/* Chooses the endpoint of 'p': the only one; or of several (a trunk), one in
 * a network that 'other' has as well. */
static char *
choose_endpoint(const struct party *p, const struct party *other,
                const struct sg_endpoint **endpoint)
{
    const struct sg_port *port = p->port;
    size_t n = 0;

    *endpoint = port->n_endpoints ? &port->endpoints[0] : NULL;
    for (size_t i = 1; i < port->n_endpoints; i++) {
        n += strcmp(port->endpoints[i].network, (*endpoint)->network) != 0;
    }
    if (!n) {
        return NULL;
    }
    for (size_t i = 0; i < port->n_endpoints && other->port; i++) {
        for (size_t j = 0; j < other->port->n_endpoints; j++) {
            if (!strcmp(port->endpoints[i].network,
                        other->port->endpoints[j].network)) {
                *endpoint = &port->endpoints[i];
                return NULL;
            }
        }
    }
    return xasprintf("interface %s carries several VLANs, in different "
                     "networks, and %s does not say which one is meant",
                     port->name, other->typed);
}

static char *
depends_on_address(const char *typed)
{
    return xasprintf("interface %s is not guarded, so its addresses are not "
                     "known; name an address instead", typed);
}

/* The verdict of one side.  A port in error is closed. */
static char *
judge(const struct sg_policy *policy, const struct sg_ports *ports,
      const struct sg_trace *trace, enum sg_direction dir,
      struct sg_trace_side *side, const struct sg_trace_side *other)
{
    struct sg_flowspec flow = {
        .remote = other->address,
        .proto = trace->proto,
        .port = trace->type_or_port,
        .code = trace->code,
    };

    if (!side->port || !side->endpoint || side->port->error) {
        return NULL;
    } else if (!other->trusted) {
        side->rule = sg_eval(policy, ports, side->port, side->endpoint, dir,
                             &flow);
        return NULL;
    }
    return (sg_eval_anybody(policy, side->port, side->endpoint, dir, &flow,
                            &side->rule) == SG_PERHAPS
            ? depends_on_address(other->trusted->name) : NULL);
}

static bool
is_allowed(const struct sg_trace_side *side)
{
    return !side->port || side->rule;
}

static char *
find_parties(const struct sg_ports *ports, const char *from_word,
             const char *to_word, struct party *from, struct party *to)
{
    char *error = find_party(ports, from_word, from);

    if (!error) {
        error = find_party(ports, to_word, to);
    }
    if (!error && !from->port && !to->port) {
        error = xasprintf("neither %s nor %s is guarded here", from_word,
                          to_word);
    }
    return error;
}

static char *
resolve(const struct sg_ports *ports, const char *from_word,
        const char *to_word, uint8_t families, struct sg_trace *trace)
{
    struct party from, to;
    char *error = find_parties(ports, from_word, to_word, &from, &to);

    if (!error) {
        error = choose_family(&from, &to, trace->proto, families);
    }
    if (!error && from.port) {
        error = choose_endpoint(&from, &to, &trace->from.endpoint);
    }
    if (!error && to.port) {
        error = choose_endpoint(&to, &from, &trace->to.endpoint);
    }
    if (!error) {
        trace->from.port = from.port;
        trace->from.trusted = from.trusted;
        trace->from.address = from.address;
        trace->to.port = to.port;
        trace->to.trusted = to.trusted;
        trace->to.address = to.address;
    }
    return error;
}

char *
sg_trace_families(const struct sg_ports *ports, const char *from_word,
                  const char *to_word, const char *proto_word,
                  uint8_t *families)
{
    struct party from, to;
    int proto;
    char *error = parse_proto(proto_word, &proto);

    *families = 0;
    if (!error) {
        error = find_parties(ports, from_word, to_word, &from, &to);
    }
    if (!error && (from.trusted || to.trusted)) {
        error = depends_on_address(from.trusted ? from_word : to_word);
    }
    return error ? error : common_families(&from, &to, proto, families);
}

char *
sg_trace_family(const struct sg_policy *policy, const struct sg_ports *ports,
                const char *from, const char *to, const char *proto,
                const char *port, uint8_t families, struct sg_trace *trace)
{
    char *error;

    memset(trace, 0, sizeof *trace);
    trace->type_or_port = trace->code = -1;
    error = parse_proto(proto, &trace->proto);
    if (!error && port) {
        error = parse_port(port, trace);
    }
    if (!error) {
        error = resolve(ports, from, to, families, trace);
    }
    if (!error) {
        error = judge(policy, ports, trace, SG_EGRESS, &trace->from,
                      &trace->to);
    }
    if (!error) {
        error = judge(policy, ports, trace, SG_INGRESS, &trace->to,
                      &trace->from);
    }
    trace->allowed = is_allowed(&trace->from) && is_allowed(&trace->to);
    return error;
}

char *
sg_trace(const struct sg_policy *policy, const struct sg_ports *ports,
         const char *from, const char *to, const char *proto,
         const char *port, struct sg_trace *trace)
{
    return sg_trace_family(policy, ports, from, to, proto, port, SG_IP_ANY,
                           trace);
}

/* What rules do not decide. */

/* Does 'side' let it pass only if that needs no rule? */
static bool
lacks_rule(const struct sg_trace_side *side)
{
    return side->port && !side->port->error && !side->rule;
}

/* Neighbor discovery, but for router advertisements of guests. */
static bool
is_discovery(const struct sg_trace *trace)
{
    int type = trace->type_or_port;

    return (trace->proto == IPPROTO_ICMPV6
            && (type == 133 || type == 135 || type == 136
                || (type == 134 && !lacks_rule(&trace->from))));
}

/* A question or an answer of DHCP, as far as one port can tell. */
static bool
is_dhcp(const struct sg_trace *trace)
{
    bool ipv4 = sg_prefix_is_ipv4(&trace->to.address);
    int port = trace->type_or_port;

    return (trace->proto == IPPROTO_UDP
            && ((port == (ipv4 ? 67 : 547) && !lacks_rule(&trace->to))
                || (port == (ipv4 ? 68 : 546) && !lacks_rule(&trace->from))));
}

static bool
is_closed(const struct sg_trace_side *side)
{
    return side->port && side->port->error;
}

static bool
is_multicast(const struct sg_prefix *p)
{
    return (sg_prefix_is_ipv4(p) ? sg_prefix_ipv4(p) == htonl(INADDR_BROADCAST)
                                   || ip_is_multicast(sg_prefix_ipv4(p))
            : IN6_IS_ADDR_MULTICAST(&p->addr));
}

const char *
sg_trace_exception(const struct sg_trace *trace)
{
    bool icmp = (trace->proto == IPPROTO_ICMP
                 || trace->proto == IPPROTO_ICMPV6);

    if (trace->type_or_port < 0 || is_closed(&trace->from)
        || is_closed(&trace->to)) {
        return NULL;
    } else if (is_discovery(trace)) {
        return (trace->allowed ? NULL
                : "neighbor discovery that is as it should be passes without "
                  "a rule");
    } else if (is_dhcp(trace) && !trace->allowed) {
        return "DHCP passes without a rule: from the client's port to the "
               "server's, and the answers";
    } else if (icmp && trace->allowed && trace->type_or_port != 134
               && !is_multicast(&trace->to.address)
               && !sg_icmp_begins(trace->proto, trace->type_or_port)) {
        return "no connection begins with this type: such a packet passes as "
               "an answer, as an error about a connection, or not at all";
    }
    return NULL;
}

/* The answer. */

static struct json *
nullable_string(const char *s)
{
    return s ? json_string_create(s) : json_null_create();
}

static struct json *
side_to_json(const struct sg_trace_side *side)
{
    const struct sg_rule *rule = side->rule;
    struct json *json;

    if (!side->port) {
        return json_null_create();
    }
    json = json_object_create();
    json_object_put(json, "allowed", json_boolean_create(rule != NULL));
    json_object_put(json, "group",
                    nullable_string(rule ? rule->group->name : NULL));
    json_object_put(json, "rule", nullable_string(rule ? rule->text : NULL));
    json_object_put(json, "file",
                    nullable_string(rule ? rule->place.file : NULL));
    json_object_put(json, "line", (rule ? json_integer_create(rule->place.line)
                                   : json_null_create()));
    return json;
}

struct json *
sg_trace_to_json(const struct sg_trace *trace)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "verdict",
                           trace->allowed ? "allow" : "deny");
    json_object_put(json, "egress", side_to_json(&trace->from));
    json_object_put(json, "ingress", side_to_json(&trace->to));
    return json;
}

static void
format_address(const struct sg_trace_side *side, struct ds *s)
{
    if (side->trusted) {
        ds_put_cstr(s, side->trusted->name);
        return;
    }
    if (side->port) {
        ds_put_format(s, "%s (", side->port->name);
    }
    sg_prefix_format(&side->address, s);
    if (side->port) {
        ds_put_char(s, ')');
    }
}

static void
format_side(const struct sg_trace_side *side, enum sg_direction dir,
            struct ds *s)
{
    ds_put_format(s, "  %s: ", sg_direction_name(dir));
    if (!side->port) {
        ds_put_cstr(s, "not guarded here\n");
    } else if (side->port->error) {
        ds_put_format(s, "%s is closed: %s\n", side->port->name,
                      side->port->error);
    } else if (!side->rule) {
        ds_put_cstr(s, "no rule\n");
    } else {
        ds_put_format(s, "%s (", side->rule->text);
        sg_rule_format_place(side->rule, s);
        ds_put_cstr(s, ")\n");
    }
}

void
sg_trace_format(const struct sg_trace *trace, struct ds *s)
{
    const char *name = proto_name(trace->proto);

    ds_put_format(s, "%s: ", trace->allowed ? "allow" : "deny");
    format_address(&trace->from, s);
    ds_put_cstr(s, " -> ");
    format_address(&trace->to, s);
    if (name) {
        ds_put_format(s, " %s", name);
    } else {
        ds_put_format(s, " protocol %d", trace->proto);
    }
    if (trace->type_or_port >= 0) {
        ds_put_format(s, " %d", trace->type_or_port);
    }
    if (trace->code >= 0) {
        ds_put_format(s, "/%d", trace->code);
    }
    ds_put_char(s, '\n');
    format_side(&trace->from, SG_EGRESS, s);
    format_side(&trace->to, SG_INGRESS, s);
}
