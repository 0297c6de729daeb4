/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "policy/seen.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "packets.h"
#include "policy/eval.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "util.h"

#define MAX_LEARNED 16          /* Addresses a port; as in learn/table.h. */

void
sg_seen_init(struct sg_seen *seen)
{
    memset(seen, 0, sizeof *seen);
}

void
sg_seen_destroy(struct sg_seen *seen)
{
    for (size_t i = 0; i < seen->n; i++) {
        free(CONST_CAST(char *, seen->all[i].from));
        free(CONST_CAST(char *, seen->all[i].to));
    }
    free(seen->all);
}

/* What passes without a rule, or is judged by other rules than these. */

static bool
is_dhcp(const struct sg_sighting *s)
{
    int client = s->family == SG_IPV4 ? 68 : 546;
    int server = s->family == SG_IPV4 ? 67 : 547;

    return (s->proto == IPPROTO_UDP
            && ((s->sport == client && s->dport == server)
                || (s->sport == server && s->dport == client)));
}

static bool
is_neighbor_talk(const struct sg_sighting *s)
{
    return (s->proto == IPPROTO_ICMPV6
            && ((s->dport >= 130 && s->dport <= 137) || s->dport == 143));
}

static bool
is_to_many(const struct sg_sighting *s)
{
    return ((s->has_macs && eth_addr_is_multicast(s->dst_mac))
            || (s->has_dst
                && (IN6_IS_ADDR_MULTICAST(&s->dst)
                    || (s->family == SG_IPV4
                        && ip_is_multicast(in6_addr_get_mapped_ipv4(
                                               &s->dst))))));
}

void
sg_seen_add(struct sg_seen *seen, const struct sg_sighting *s)
{
    struct sg_sighting *copy;

    if (is_dhcp(s) || is_neighbor_talk(s) || is_to_many(s)) {
        seen->n_left_out++;
        return;
    }
    if (seen->n >= seen->allocated) {
        seen->all = x2nrealloc(seen->all, &seen->allocated,
                               sizeof *seen->all);
    }
    copy = &seen->all[seen->n++];
    *copy = *s;
    copy->from = xstrdup(s->from ? s->from : "");
    copy->to = xstrdup(s->to ? s->to : "");
}

/* From JSON. */

static const struct json *
get(const struct json *object, const char *name, enum json_type type)
{
    const struct json *json = shash_find_data(json_object(object), name);

    return json && json->type == type ? json : NULL;
}

static const char *
get_string(const struct json *object, const char *name)
{
    const struct json *json = get(object, name, JSON_STRING);

    return json ? json_string(json) : NULL;
}

static int
get_int(const struct json *object, const char *name, int max)
{
    const struct json *json = get(object, name, JSON_INTEGER);

    return (json && json_integer(json) >= 0 && json_integer(json) <= max
            ? json_integer(json) : -1);
}

static bool
get_address(const struct json *object, const char *name, uint8_t *family,
            struct in6_addr *address)
{
    const char *text = get_string(object, name);
    struct sg_prefix prefix;
    char *error = text ? sg_prefix_parse(text, &prefix) : xstrdup("");

    if (error || !sg_prefix_is_host(&prefix)) {
        free(error);
        return false;
    }
    *family = sg_prefix_is_ipv4(&prefix) ? SG_IPV4 : SG_IPV6;
    *address = prefix.addr;
    return true;
}

static bool
sighting_from_json(const struct json *object, struct sg_sighting *s)
{
    const char *src_mac, *dst_mac;
    uint8_t family;

    if (object->type != JSON_OBJECT
        || !get_address(object, "src", &s->family, &s->src)
        || !get_address(object, "dst", &family, &s->dst)
        || family != s->family) {
        return false;
    }
    s->has_src = s->has_dst = true;
    s->from = get_string(object, "from");
    s->to = get_string(object, "to");
    src_mac = get_string(object, "src_mac");
    dst_mac = get_string(object, "dst_mac");
    s->has_macs = (src_mac && dst_mac
                   && eth_addr_from_string(src_mac, &s->src_mac)
                   && eth_addr_from_string(dst_mac, &s->dst_mac));
    s->proto = get_int(object, "proto", UINT8_MAX);
    s->sport = get_int(object, "sport", UINT16_MAX);
    s->dport = get_int(object, "dport", UINT16_MAX);
    s->code = get_int(object, "code", UINT8_MAX);
    s->began = get(object, "began", JSON_TRUE) != NULL;
    s->packets = MAX(get_int(object, "packets", INT_MAX), 0);
    s->source = "packets";
    return true;
}

char *
sg_seen_add_json(struct sg_seen *seen, const struct json *list)
{
    if (list->type != JSON_ARRAY) {
        return xstrdup("what was seen is no list");
    }
    for (size_t i = 0; i < json_array(list)->n; i++) {
        struct sg_sighting s = { .from = NULL };

        if (!sighting_from_json(json_array(list)->elems[i], &s)) {
            return xasprintf("number %"PRIuSIZE" of what was seen cannot be "
                             "read", i + 1);
        }
        sg_seen_add(seen, &s);
    }
    return NULL;
}

/* Learning. */

static void
teach_mac(struct sg_port *port, const struct sg_sighting *s)
{
    if (port->learns_mac && !port->n_macs && s->has_macs
        && !eth_addr_is_multicast(s->src_mac)) {
        free(port->macs);
        port->macs = xmemdup(&s->src_mac, sizeof s->src_mac);
        port->n_macs = 1;
    }
}

static void
teach_address(struct sg_port *port, const struct sg_sighting *s)
{
    struct sg_prefix address;

    if (!port->learns_addresses || !s->has_src
        || port->n_addresses >= MAX_LEARNED
        || IN6_IS_ADDR_UNSPECIFIED(&s->src)) {
        return;
    }
    sg_prefix_from_ipv6(&s->src, 128, &address);
    if (!sg_port_owns(port, &address)) {
        port->addresses = xrealloc(port->addresses,
                                   (port->n_addresses + 1)
                                   * sizeof *port->addresses);
        port->addresses[port->n_addresses++] = address;
    }
}

void
sg_seen_teach(const struct sg_seen *seen, struct sg_ports *ports)
{
    for (size_t i = 0; i < seen->n; i++) {
        const struct sg_sighting *s = &seen->all[i];
        struct sg_port *port = sg_ports_find(ports, s->from);

        if (port && port->guarded && !port->error) {
            teach_mac(port, s);
            teach_address(port, s);
        }
    }
}

/* Talks. */

struct side {
    const char *name;           /* Of the interface, or "". */
    const struct sg_port *port; /* Guarded, or NULL. */
    bool has_address;
    struct sg_prefix address;
    bool has_mac;
    struct eth_addr mac;
};

struct talk {
    struct side from, to;
    uint8_t family;
    int proto, port, code;
    bool directed;              /* 'from' has begun, or is taken for it. */
    const char *source;
    uint64_t packets;
};

/* The guarded port whose address this is; of several, that of the first
 * name. */
static const struct sg_port *
find_owner(const struct sg_ports *ports, const struct sg_prefix *address)
{
    const struct sg_port *port, *first = NULL;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        if (port->guarded && sg_port_owns(port, address)
            && (!first || strcmp(port->name, first->name) < 0)) {
            first = port;
        }
    }
    return first;
}

static const struct sg_port *
find_by_mac(const struct sg_ports *ports, struct eth_addr mac)
{
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        for (size_t i = 0; port->guarded && i < port->n_macs; i++) {
            if (eth_addr_equals(port->macs[i], mac)) {
                return port;
            }
        }
    }
    return NULL;
}

static void
side_init(struct side *side, const struct sg_ports *ports, const char *name,
          bool has_address, const struct in6_addr *address, bool has_mac,
          struct eth_addr mac)
{
    const struct sg_port *port;

    memset(side, 0, sizeof *side);
    side->name = name;
    side->has_address = has_address;
    side->has_mac = has_mac;
    side->mac = mac;
    if (has_address) {
        sg_prefix_from_ipv6(address, 128, &side->address);
    }
    if (*name) {
        port = sg_ports_find(ports, name);
    } else {
        port = has_mac ? find_by_mac(ports, mac) : NULL;
        if (!port && has_address) {
            port = find_owner(ports, &side->address);
        }
    }
    if (port && port->guarded) {
        side->port = port;
        side->name = port->name;
    }
}

static void
talk_turn(struct talk *t)
{
    struct side from = t->from;

    t->from = t->to;
    t->to = from;
}

/* The request that an answer of this type belongs to, or -1. */
static int
icmp_request(int proto, int type)
{
    return (proto == IPPROTO_ICMP && type == 0 ? 8
            : proto == IPPROTO_ICMPV6 && type == 129 ? 128 : -1);
}

/* Finds out who has begun. */
static void
talk_direct(struct talk *t, const struct sg_sighting *s)
{
    bool icmp = s->proto == IPPROTO_ICMP || s->proto == IPPROTO_ICMPV6;
    int request = icmp ? icmp_request(s->proto, s->dport) : -1;

    t->port = s->dport;
    t->code = s->code;
    t->directed = s->began || (icmp ? s->dport >= 0
                               : s->sport >= 0 && s->dport >= 0);
    if (s->began) {
        return;
    } else if (request >= 0) {
        t->port = request;
        talk_turn(t);
    } else if (!icmp && t->directed && s->sport < s->dport) {
        t->port = s->sport;
        talk_turn(t);
    } else if (!t->directed && strcmp(t->from.name, t->to.name) > 0) {
        t->port = s->sport;
        talk_turn(t);           /* Both ways are one talk. */
    }
}

static void
talk_init(struct talk *t, const struct sg_ports *ports,
          const struct sg_sighting *s)
{
    side_init(&t->from, ports, s->from, s->has_src, &s->src, s->has_macs,
              s->src_mac);
    side_init(&t->to, ports, s->to, s->has_dst, &s->dst, s->has_macs,
              s->dst_mac);
    t->family = s->family;
    t->proto = s->proto;
    t->source = s->source;
    t->packets = s->packets;
    talk_direct(t, s);
}

static void
put_address(const struct side *side, struct ds *s)
{
    if (side->has_address) {
        sg_prefix_format(&side->address, s);
    }
}

/* Two sightings with the same key are one talk. */
static char *
talk_key(const struct talk *t)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "%s|", t->from.name);
    put_address(&t->from, &s);
    ds_put_format(&s, "|%s|", t->to.name);
    put_address(&t->to, &s);
    ds_put_format(&s, "|%d %d %d %d %d|%s", t->family, t->proto, t->port,
                  t->code, t->directed, t->source);
    if (!t->from.has_address && t->from.has_mac && !t->from.port) {
        ds_put_format(&s, "|"ETH_ADDR_FMT, ETH_ADDR_ARGS(t->from.mac));
    }
    return ds_steal_cstr(&s);
}

/* Judging. */

struct opinion {                /* Of one side. */
    enum sg_chance chance;
    const struct sg_rule *rule;
    char *why;                  /* Of a refusal, or NULL. */
};

static char *
join_groups(const struct sg_port *port)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < port->n_groups; i++) {
        ds_put_format(&s, "%s%s", i ? ", " : "", port->groups[i]);
    }
    return ds_steal_cstr(&s);
}

/* Why 'side' may not send as it does, or NULL. */
static char *
check_sender(const struct side *side)
{
    const struct sg_port *port = side->port;
    struct ds s = DS_EMPTY_INITIALIZER;

    if (!port->port_security) {
        return NULL;
    }
    if (side->has_mac && port->n_macs) {
        bool own = false;

        for (size_t i = 0; i < port->n_macs; i++) {
            own |= eth_addr_equals(port->macs[i], side->mac);
        }
        if (!own) {
            return xasprintf(ETH_ADDR_FMT" is not a MAC of %s",
                             ETH_ADDR_ARGS(side->mac), port->name);
        }
    }
    if (!side->has_address || sg_port_owns(port, &side->address)) {
        return NULL;
    }
    sg_prefix_format(&side->address, &s);
    ds_put_format(&s, " is not an address of %s", port->name);
    return ds_steal_cstr(&s);
}

/* The address by which 'side' is a peer to the other one. */
static const struct sg_prefix *
peer_address(const struct side *side, uint8_t family)
{
    const struct sg_port *port = side->port;

    if (side->has_address) {
        return &side->address;
    }
    for (size_t i = 0; port && i < port->n_addresses; i++) {
        const struct sg_prefix *p = &port->addresses[i];

        if (sg_prefix_is_host(p)
            && sg_prefix_is_ipv4(p) == (family == SG_IPV4)) {
            return p;
        }
    }
    return NULL;
}

static struct opinion
judge_side(const struct talk *t, const struct sg_policy *policy,
           const struct sg_ports *ports, enum sg_direction dir)
{
    const struct side *own = dir == SG_EGRESS ? &t->from : &t->to;
    const struct side *other = dir == SG_EGRESS ? &t->to : &t->from;
    struct opinion o = { SG_ALWAYS, NULL, NULL };

    if (!own->port) {
        return o;
    }
    if (own->port->error) {
        o.why = xasprintf("%s is in error: %s", own->port->name,
                          own->port->error);
    } else {
        o.why = dir == SG_EGRESS ? check_sender(own) : NULL;
    }
    if (!o.why) {
        struct sg_partspec spec = {
            t->family, peer_address(other, t->family), t->proto, t->port,
            t->code
        };

        o.chance = sg_eval_chance(policy, ports, own->port,
                                  own->port->endpoints, dir, &spec, &o.rule);
    } else {
        o.chance = SG_NEVER;
    }
    if (o.chance == SG_NEVER && !o.why) {
        char *groups = join_groups(own->port);

        o.why = xasprintf("%s of %s (%s): no rule", sg_direction_name(dir),
                          own->port->name, groups);
        free(groups);
    }
    return o;
}

struct judgment {
    enum sg_chance chance;
    const struct sg_rule *egress, *ingress;
    char *why;
};

static struct judgment
judge_directed(const struct talk *t, const struct sg_policy *policy,
               const struct sg_ports *ports)
{
    struct opinion out = judge_side(t, policy, ports, SG_EGRESS);
    struct opinion in = judge_side(t, policy, ports, SG_INGRESS);
    struct judgment j = { MIN(out.chance, in.chance), out.rule, in.rule,
                          NULL };

    if (out.why && in.why) {
        j.why = xasprintf("%s; %s", out.why, in.why);
        free(out.why);
        free(in.why);
    } else {
        j.why = out.why ? out.why : in.why;
    }
    return j;
}

static struct judgment
judge(const struct talk *t, const struct sg_policy *policy,
      const struct sg_ports *ports)
{
    struct judgment j = judge_directed(t, policy, ports);

    if (!t->directed) {
        struct talk turned = *t;
        struct judgment other;

        talk_turn(&turned);
        other = judge_directed(&turned, policy, ports);
        if (other.chance != j.chance) {
            j.chance = SG_PERHAPS;
        }
        free(other.why);
    }
    return j;
}

/* To JSON. */

static void
put_string(struct json *object, const char *name, const char *s)
{
    json_object_put(object, name, s && *s ? json_string_create(s)
                                          : json_null_create());
}

static void
put_side(struct json *object, const struct side *side, const char *name,
         const char *address_name)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    put_string(object, name, side->name);
    put_address(side, &s);
    put_string(object, address_name, ds_cstr(&s));
    ds_destroy(&s);
}

static void
put_place(struct json *object, const char *name, const struct sg_rule *rule)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    if (rule) {
        sg_rule_format_place(rule, &s);
    }
    put_string(object, name, ds_cstr(&s));
    ds_destroy(&s);
}

static struct json *
json_proto(int proto)
{
    return (proto < 0 ? json_null_create()
            : proto == IPPROTO_TCP ? json_string_create("tcp")
            : proto == IPPROTO_UDP ? json_string_create("udp")
            : proto == IPPROTO_SCTP ? json_string_create("sctp")
            : proto == IPPROTO_ICMP ? json_string_create("icmp")
            : proto == IPPROTO_ICMPV6 ? json_string_create("icmp6")
            : json_string_create_nocopy(xasprintf("%d", proto)));
}

static struct json *
talk_to_json(const struct talk *t, const struct judgment *j)
{
    struct json *object = json_object_create();

    put_side(object, &t->from, "from", "from_address");
    put_side(object, &t->to, "to", "to_address");
    json_object_put(object, "protocol", json_proto(t->proto));
    json_object_put(object, "port", (t->port >= 0
                                     ? json_integer_create(t->port)
                                     : json_null_create()));
    json_object_put(object, "packets", json_integer_create(t->packets));
    json_object_put_string(object, "seen_in", t->source);
    json_object_put_string(object, "verdict",
                           (j->chance == SG_NEVER ? "deny"
                            : j->chance == SG_ALWAYS ? "allow" : "unknown"));
    put_place(object, "egress", j->egress);
    put_place(object, "ingress", j->ingress);
    put_string(object, "why", j->chance == SG_NEVER ? j->why : NULL);
    return object;
}

static bool
talk_counts(const struct talk *t,
            bool (*skip)(const struct sg_port *, void *aux), void *aux)
{
    return ((t->from.port && !skip(t->from.port, aux))
            || (t->to.port && !skip(t->to.port, aux)));
}

struct json *
sg_seen_judge(const struct sg_seen *seen, const struct sg_policy *policy,
              const struct sg_ports *ports,
              bool (*skip)(const struct sg_port *, void *aux), void *aux)
{
    struct shash talks = SHASH_INITIALIZER(&talks);
    struct json *list = json_array_create_empty();
    const struct shash_node **sorted;

    for (size_t i = 0; i < seen->n; i++) {
        struct talk *t = xmalloc(sizeof *t), *known;
        char *key;

        talk_init(t, ports, &seen->all[i]);
        key = talk_key(t);
        known = shash_find_data(&talks, key);
        if (known) {
            known->packets += t->packets;
        } else if (talk_counts(t, skip, aux)) {
            shash_add_nocopy(&talks, key, t);
            continue;
        }
        free(key);
        free(t);
    }
    sorted = shash_sort(&talks);
    for (size_t i = 0; i < shash_count(&talks); i++) {
        const struct talk *t = sorted[i]->data;
        struct judgment j = judge(t, policy, ports);

        json_array_add(list, talk_to_json(t, &j));
        free(j.why);
    }
    free(sorted);
    shash_destroy_free_data(&talks);
    return list;
}
