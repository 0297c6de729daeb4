/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "world.h"

#include "openvswitch/dynamic-string.h"
#include "policy/fixture.h"
#include "util.h"

static void
add_set(struct world *w)
{
    struct sg_prefix p[2];

    sg_prefix_from_ipv4(htonl(0xcb007100), 24, &p[0]);
    sg_prefix_from_ipv4(htonl(0xcb007107), 32, &p[1]);
    sg_sets_init(&w->sets);
    sg_sets_put(&w->sets, "s", p, 2);
    w->ports.sets = &w->sets;
}

void
world_init(struct world *w, const char *policy, const char *facts)
{
    char *said;

    w->policy = policy_from_text(policy, &said);
    if (!w->policy) {
        ovs_fatal(0, "%s in: %s", said, policy);
    }
    free(said);
    facts_from_text(facts, &w->facts);
    sg_ports_init(&w->ports);
    sg_ports_admit_all(&w->ports, w->policy, NULL, &w->facts);
    add_set(w);
}

void
world_destroy(struct world *w)
{
    sg_ports_destroy(&w->ports);
    sg_sets_destroy(&w->sets);
    sg_facts_destroy(&w->facts);
    sg_policy_unref(w->policy);
}

struct sg_compiler *
test_compiler(void)
{
    return sg_compiler_create(1, 65535);
}

struct sg_plan *
world_plan(const struct world *w, struct sg_compiler *c, const char *bridge,
           struct sg_flows *flows)
{
    struct sg_plan *plan;

    sg_compiler_begin(c);
    plan = sg_plan_create(c, w->policy, &w->ports, bridge);
    sg_compiler_end(c);
    if (flows) {
        sg_flows_clear(flows);
        sg_plan_emit(plan, flows);
    }
    return plan;
}

char *
flows_text(const struct sg_flows *flows)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_flows_format(flows, &s);
    return ds_steal_cstr(&s);
}

char *
world_flows_text(const struct world *w, struct sg_compiler *c,
                 const char *bridge)
{
    struct sg_flows flows;
    char *text;

    sg_flows_init(&flows);
    sg_plan_destroy(world_plan(w, c, bridge, &flows));
    text = flows_text(&flows);
    sg_flows_destroy(&flows);
    return text;
}

/* Random worlds. */

uint32_t
dice_roll(struct dice *d, uint32_t n)
{
    /* Knuth's MMIX generator; the high bits are the good ones. */
    d->state = d->state * UINT64_C(6364136223846793005)
               + UINT64_C(1442695040888963407);
    return (d->state >> 33) % n;
}

struct world_seed
world_seed(uint32_t seed)
{
    return (struct world_seed) { .seed = seed };
}

static struct dice
part_dice(const struct world_seed *seed, size_t part)
{
    struct dice d = { (uint64_t) seed->seed << 32 | part << 20
                      | seed->variants[part] };

    for (int i = 0; i < 4; i++) {
        dice_roll(&d, 2);
    }
    return d;
}

/* Few enough addresses that prefixes nest and members meet. */
void
dice_address(struct dice *d, struct sg_prefix *p)
{
    if (dice_roll(d, 2)) {
        uint32_t ip = 10;

        ip = ip << 8 | dice_roll(d, 2);
        ip = ip << 8 | dice_roll(d, 2);
        ip = ip << 8 | dice_roll(d, 20);
        sg_prefix_from_ipv4(htonl(ip), 32, p);
    } else {
        struct in6_addr a = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8 } };

        a.s6_addr[5] = dice_roll(d, 2);
        a.s6_addr[15] = dice_roll(d, 20);
        sg_prefix_from_ipv6(&a, 128, p);
    }
}

/* Puts an address, or a prefix around it. */
static void
put_prefix(struct dice *d, bool host, struct ds *s)
{
    static const uint8_t plens4[] = { 0, 8, 15, 16, 23, 24, 28, 31, 32 };
    static const uint8_t plens6[] = { 0, 32, 47, 48, 64, 120, 124, 127, 128 };
    struct sg_prefix p;

    dice_address(d, &p);
    if (!host) {
        size_t i = dice_roll(d, ARRAY_SIZE(plens4));

        if (sg_prefix_is_ipv4(&p)) {
            sg_prefix_from_ipv4(sg_prefix_ipv4(&p), plens4[i], &p);
        } else {
            struct in6_addr a = p.addr;

            sg_prefix_from_ipv6(&a, plens6[i], &p);
        }
    }
    ds_put_char(s, '\'');
    sg_prefix_format(&p, s);
    ds_put_char(s, '\'');
}

static void
put_prefixes(struct dice *d, int max, struct ds *s)
{
    int n = 1 + dice_roll(d, max);

    ds_put_char(s, '[');
    for (int i = 0; i < n; i++) {
        ds_put_cstr(s, i ? "," : "");
        put_prefix(d, dice_roll(d, 2), s);
    }
    ds_put_char(s, ']');
}

/* A rule of one family ('mixed') must not be left with prefixes of the other:
 * that would be an error. */
static void
put_peers(struct dice *d, bool mixed, struct ds *s)
{
    static const char *const foreign[] = {
        "}", "}", "}", "}", ",'network':'blue'}", ",'network':'br0.10'}",
    };
    int n = 1 + dice_roll(d, 3);

    ds_put_char(s, '[');
    for (int i = 0; i < n; i++) {
        ds_put_cstr(s, i ? "," : "");
        switch (mixed && !i ? 5 : dice_roll(d, 6)) {
        case 0:
            ds_put_cstr(s, "{'any':true}");
            break;
        case 1:
        case 2:
            put_prefix(d, dice_roll(d, 3) == 0, s);
            break;
        case 3:
            ds_put_format(s, "{'prefix_list':'l%d'}",
                          dice_roll(d, WORLD_LISTS));
            break;
        default:
            ds_put_format(s, "{'group':'g%d'", dice_roll(d, WORLD_GROUPS));
            ds_put_cstr(s, foreign[dice_roll(d, ARRAY_SIZE(foreign))]);
        }
    }
    ds_put_char(s, ']');
}

/* Ports, few and close to each other, so that ranges touch and overlap. */
static void
put_ports(struct dice *d, struct ds *s)
{
    static const uint16_t bases[] = { 0, 60, 540, 1000, 65500 };
    int n = dice_roll(d, 3);

    for (int i = 0; i < n; i++) {
        int base = bases[dice_roll(d, ARRAY_SIZE(bases))];
        int lo = base + dice_roll(d, 20), hi = lo + 1 + dice_roll(d, 16);

        ds_put_cstr(s, i ? "," : ",'values':[");
        ds_put_format(s, dice_roll(d, 2) ? "'%d-%d'" : "%d", MAX(lo, 1), hi);
    }
    if (n) {
        ds_put_cstr(s, "]");
    }
}

static void
put_rule(struct dice *d, enum sg_direction dir, struct ds *s)
{
    static const char *const words[] = { "tcp", "udp", "sctp" };
    static const char *const named[] = {
        "'word':'udp','values':[68]", "'word':'udp','values':[67,546]",
        "'word':'icmp6','type':134", "'word':'udp','values':['60-70']",
    };

    bool mixed = false;

    ds_put_char(s, '{');
    switch (dice_roll(d, 10)) {
    case 0:
        ds_put_cstr(s, "'word':'all'");
        break;
    case 1:
        ds_put_format(s, "'word':'ip','protocol':%d",
                      dice_roll(d, 2) ? 47 : 17);
        break;
    case 2:
        ds_put_format(s, "'word':'%s'", dice_roll(d, 2) ? "icmp" : "icmp6");
        ds_put_format(s, ",'type':%d", dice_roll(d, 4));
        if (dice_roll(d, 2)) {
            ds_put_format(s, ",'code':%d", dice_roll(d, 3));
        }
        mixed = true;
        break;
    case 3:
        ds_put_format(s, "'word':'%s'", dice_roll(d, 2) ? "icmp" : "icmp6");
        mixed = true;
        break;
    case 4:
        ds_put_cstr(s, named[dice_roll(d, ARRAY_SIZE(named))]);
        mixed = true;
        break;
    default:
        ds_put_format(s, "'word':'%s'",
                      words[dice_roll(d, ARRAY_SIZE(words))]);
        put_ports(d, s);
        break;
    }
    ds_put_format(s, ",'%s':", dir == SG_INGRESS ? "from" : "to");
    put_peers(d, mixed, s);
    ds_put_char(s, '}');
}

static void
put_rules(struct dice *d, enum sg_direction dir, struct ds *s)
{
    int n = dice_roll(d, 7);

    ds_put_format(s, ",'%s':[", sg_direction_name(dir));
    for (int i = 0; i < n; i++) {
        ds_put_cstr(s, i ? "," : "");
        put_rule(d, dir, s);
    }
    ds_put_char(s, ']');
}

static void
put_group(struct dice *d, int number, const char *network, struct ds *s)
{
    ds_put_format(s, "%s{'name':'g%d'", s->string[s->length - 1] == '['
                  ? "" : ",", number);
    if (network) {
        ds_put_format(s, ",'network':'%s'", network);
    }
    if (!dice_roll(d, 4)) {
        ds_put_cstr(s, ",'revocation':'drain'");
    }
    put_rules(d, SG_INGRESS, s);
    if (dice_roll(d, 4)) {
        put_rules(d, SG_EGRESS, s);
    }
    ds_put_char(s, '}');
}

/* The last group is another one in each network. */
static void
put_groups(const struct world_seed *seed, struct ds *s)
{
    static const char *const networks[] = {
        "blue", "br0", "br0.10", "br0.20", "br1", "br1.10", "br1.20"
    };
    struct dice d;

    for (int i = 0; i < WORLD_GROUPS - 1; i++) {
        d = part_dice(seed, i);
        put_group(&d, i, NULL, s);
    }
    d = part_dice(seed, WORLD_GROUPS - 1);
    for (size_t i = 0; i < ARRAY_SIZE(networks); i++) {
        put_group(&d, WORLD_GROUPS - 1, networks[i], s);
    }
}

static void
put_policy(const struct world_seed *seed, struct ds *s)
{
    struct dice d;

    ds_put_cstr(s, "{'groups':[");
    put_groups(seed, s);
    ds_put_cstr(s, "],'members':[");
    for (int i = 0; i < WORLD_GROUPS; i++) {
        d = part_dice(seed, WORLD_GROUPS + i);
        ds_put_format(s, "%s{'group':'g%d',", i ? "," : "", i);
        if (!dice_roll(&d, 3)) {
            ds_put_cstr(s, "'network':'blue',");
        }
        ds_put_cstr(s, "'entries':");
        put_prefixes(&d, 6, s);
        ds_put_char(s, '}');
    }
    ds_put_cstr(s, "],'prefix_lists':[");
    for (int i = 0; i < WORLD_LISTS; i++) {
        d = part_dice(seed, 2 * WORLD_GROUPS + i);
        ds_put_format(s, "%s{'name':'l%d','entries':", i ? "," : "", i);
        put_prefixes(&d, 4, s);
        ds_put_char(s, '}');
    }
    ds_put_cstr(s, "]}");
}

/* Access ports, trunks, plain ports; some trusted. */
static void
put_vlans(struct dice *d, struct ds *s)
{
    static const char *const vlans[] = {
        "", "", "", ",'tag':10", ",'tag':20", ",'trunks':[10,20]",
        ",'tag':10,'vlan_mode':'native-tagged','trunks':[20]",
        ",'tag':10,'vlan_mode':'native-untagged','trunks':[10,20]",
        ",'vlan_mode':'trunk','trunks':[0,10]",
    };

    ds_put_cstr(s, vlans[dice_roll(d, ARRAY_SIZE(vlans))]);
}

static void
put_port(struct dice *d, int number, struct ds *s)
{
    ds_put_format(s, "%s{'name':'p%d','bridge':'br%d','ofport':%d",
                  number ? "," : "", number, dice_roll(d, 4) == 0,
                  number + 1);
    put_vlans(d, s);
    if (dice_roll(d, 5)) {
        ds_put_format(s, ",'external_ids':{'sg-groups':'g%d ",
                      dice_roll(d, WORLD_GROUPS));
        ds_put_format(s, "g%d'", dice_roll(d, WORLD_GROUPS));
        ds_put_format(s, ",'attached-mac':'02:00:00:00:00:%02x'", number + 1);
        if (!dice_roll(d, 3)) {
            ds_put_cstr(s, ",'sg-network':'blue'");
        }
        if (!dice_roll(d, 4)) {
            ds_put_cstr(s, ",'sg-port-security':'false'");
        }
        if (!dice_roll(d, 4)) {
            ds_put_cstr(s, ",'sg-conntrack-limit':'100'");
        }
        /* An address of its own: two ports may share one, but then both
         * do so whenever they are made. */
        ds_put_format(s, ",'sg-addresses':'10.%d.0.%d", dice_roll(d, 2),
                      20 + number);
        ds_put_cstr(s, dice_roll(d, 2) ? " 2001:db8::7'}" : "'}");
    }
    ds_put_char(s, '}');
}

static void
put_facts(const struct world_seed *seed, struct ds *s)
{
    ds_put_cstr(s, "{'ports':[");
    for (int i = 0; i < WORLD_PORTS; i++) {
        struct dice d = part_dice(seed, 2 * WORLD_GROUPS + WORLD_LISTS + i);

        put_port(&d, i, s);
    }
    ds_put_cstr(s, "]}");
}

void
world_random(struct world *w, const struct world_seed *seed)
{
    struct ds policy = DS_EMPTY_INITIALIZER, facts = DS_EMPTY_INITIALIZER;

    put_policy(seed, &policy);
    put_facts(seed, &facts);
    world_init(w, ds_cstr(&policy), ds_cstr(&facts));
    ds_destroy(&policy);
    ds_destroy(&facts);
}
