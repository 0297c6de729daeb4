/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The table of what was learned: bounds, conflicts, ageing. */

#include <config.h>

#include <stdlib.h>

#include "fixture.h"
#include "learn/table.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "tap.h"
#include "util.h"

#define IDLE 100

static const char policy_text[] =
    "{'groups':[{'name':'a'},{'name':'b'}],"
    "'members':[{'group':'b','entries':['192.0.2.200','2001:db8:b::/48']}]}";

/* 'more' are the external_ids of p3. */
static const char facts_text[] =
    "{'bridges':{'br0':{},'br1':{}},'ports':["
    "{'name':'p1','external_ids':{'sg-groups':'a'}},"
    "{'name':'p2','external_ids':{'sg-groups':'b'}},"
    "{'name':'p3','external_ids':{'sg-groups':'a',"
    "'attached-mac':'52:54:00:00:00:03','sg-addresses':'%s'}},"
    "{'name':'p4','bridge':'br1','external_ids':{'sg-groups':'a'}},"
    "{'name':'router','external_ids':{'sg-groups':'a',"
    "'attached-mac':'52:54:00:00:00:05','sg-addresses':'0.0.0.0/0'}},"
    "{'name':'p6','ofport':%d,'tag':%d,'external_ids':{'sg-groups':'a',"
    "'sg-port-security':'%s'}}]}";

struct world {
    struct sg_policy *policy;
    struct sg_ports ports;
    struct sg_learn learn;
    struct ds said;
    uint32_t now;
};

static void
admit(struct world *w, const char *p3, int ofport, int tag,
      const char *security)
{
    struct sg_facts facts;
    char *text = xasprintf(facts_text, p3, ofport, tag, security);

    facts_from_text(text, &facts);
    sg_ports_admit_all(&w->ports, w->policy, NULL, &facts);
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    sg_facts_destroy(&facts);
    free(text);
}

static void
world_init(struct world *w)
{
    w->policy = policy_from_text(policy_text, NULL);
    sg_ports_init(&w->ports);
    sg_learn_init(&w->learn);
    ds_init(&w->said);
    w->now = 1000;
    admit(w, "192.0.2.3", 6, 0, "true");
}

static void
world_destroy(struct world *w)
{
    sg_learn_destroy(&w->learn);
    sg_ports_destroy(&w->ports);
    sg_policy_unref(w->policy);
    ds_destroy(&w->said);
}

/* 'port' claims 'address' (NULL: none) with the MAC 52:54:00:00:00:MAC. */
static bool
claim_as(struct world *w, const char *port, int mac, const char *address,
         enum sg_learn_source source, uint32_t lease)
{
    struct sg_port *p = sg_ports_find(&w->ports, port);
    struct sg_claims claims = { .n = address != NULL };

    claims.mac = (struct eth_addr) ETH_ADDR_C(52,54,00,00,00,00);
    claims.mac.ea[5] = mac;
    if (address) {
        char *error = sg_prefix_parse(address, &claims.list[0].address);

        ovs_assert(!error);
        claims.list[0].source = source;
        claims.list[0].lease = lease;
    }
    ds_clear(&w->said);
    bool learned = sg_learn_claim(&w->learn, w->policy, &w->ports, p,
                                  &claims, w->now, &w->said);
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    return learned;
}

static bool
claim(struct world *w, const char *port, int mac, const char *address)
{
    return claim_as(w, port, mac, address, SG_LEARN_ARP, 0);
}

/* "01: 192.0.2.1,192.0.2.2" */
static void
check(struct world *w, const char *name, const char *expected,
      const char *what)
{
    const struct sg_port *port = sg_ports_find(&w->ports, name);
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < port->n_macs; i++) {
        ds_put_format(&s, "%02x", port->macs[i].ea[5]);
    }
    ds_put_char(&s, ':');
    for (size_t i = 0; i < port->n_addresses; i++) {
        ds_put_cstr(&s, i ? "," : " ");
        sg_prefix_format(&port->addresses[i], &s);
    }
    is_str(ds_cstr(&s), expected, "%s: %s", name, what);
    ds_destroy(&s);
}

static void
test_learning(struct world *w)
{
    ok(claim(w, "p1", 1, NULL), "the first frame");
    check(w, "p1", "01:", "a MAC");
    ok(!claim(w, "p1", 9, "192.0.2.1"), "another MAC claims nothing");
    ok(claim(w, "p1", 1, "192.0.2.10") && claim(w, "p1", 1, "192.0.2.1")
       && claim(w, "p1", 1, "2001:db8::1"), "addresses");
    ok(!claim(w, "p1", 1, "192.0.2.1"), "nothing new");
    check(w, "p1", "01: 192.0.2.1,192.0.2.10,2001:db8::1", "sorted");
    ok(!claim(w, "p1", 1, "fe80::5054:ff:fe00:1"),
       "its link-local address is known");
    ok(claim(w, "p1", 1, "fe80::1"), "another is not");
    ok(!claim(w, "p3", 3, "192.0.2.33"), "what is declared is all");
}

static void
test_conflicts(struct world *w)
{
    ok(!claim(w, "p2", 1, NULL), "MAC that was learned elsewhere");
    is_str(ds_cstr(&w->said), "p2: not learned: MAC 52:54:00:00:00:01 (first "
           "frame): it is that of p1\n", "said");
    ok(!claim(w, "p2", 3, NULL), "MAC that is declared elsewhere");
    ok(!claim(w, "p6", 3, NULL), "the same in a network that it shares");
    ok(claim(w, "p2", 2, NULL) && !claim(w, "p2", 2, "192.0.2.1"),
       "address that was learned elsewhere");
    is_str(ds_cstr(&w->said), "p2: not learned: 192.0.2.1 (ARP): it is that "
           "of p1\n", "said");
    ok(!claim(w, "p2", 2, "192.0.2.3"), "address that is declared elsewhere");
    ok(!claim(w, "p2", 2, "fe80::5054:ff:fe00:1"),
       "another's link-local address");
    ok(claim(w, "p2", 2, "192.0.2.200"), "member of its own group");
    ok(claim(w, "p1", 1, "192.0.2.201"), "an address nearby");
    ok(!claim(w, "p1", 1, "2001:db8:b::7"), "member of another group");
    is_str(ds_cstr(&w->said), "p1: not learned: 2001:db8:b::7 (ARP): it is "
           "that of the policy (members of \"b\")\n", "said");
    ok(claim(w, "p4", 1, "192.0.2.1"), "another network");
    check(w, "p2", "02: 192.0.2.200", "p1 declares nothing, and keeps it");

    const struct sg_learner *l = sg_learn_find(
        &w->learn, &sg_ports_find(&w->ports, "p2")->uuid);
    is_int(l->n_refused, 5, "refused claims");
}

static void
test_declarations(struct world *w)
{
    admit(w, "192.0.2.1", 6, 0, "true");
    check(w, "p1", "01: 192.0.2.10,192.0.2.201,2001:db8::1,fe80::1",
          "a declaration elsewhere wins");
    check(w, "p4", "01: 192.0.2.1", "but not in another network");
    admit(w, "192.0.2.0/25", 6, 0, "true");
    check(w, "p1", "01: 192.0.2.201,2001:db8::1,fe80::1", "a prefix, too");
    admit(w, "192.0.2.3", 6, 0, "true");
}

static void
test_bound(struct world *w)
{
    const struct sg_port *port;

    for (int i = 0; i < SG_LEARN_MAX + 4; i++) {
        char *address = xasprintf("192.0.2.%d", 100 + i);

        claim(w, "p6", 6, address);
        free(address);
    }
    port = sg_ports_find(&w->ports, "p6");
    is_int(port->n_addresses, SG_LEARN_MAX, "no more than that");
    ok(!port->listens_addresses && !port->listens_mac, "it does not listen");
    is_str(ds_cstr(&w->said), "p6: not learned: 192.0.2.119 (ARP): it has "
           "learned 16 already\n", "said");
}

static void
test_places(struct world *w)
{
    admit(w, "192.0.2.3", 6, 7, "true");
    check(w, "p6", ":", "another VLAN: forgotten");
    claim(w, "p6", 6, "192.0.2.100");
    admit(w, "192.0.2.3", 6, 7, "nonsense");
    admit(w, "192.0.2.3", 6, 7, "true");
    check(w, "p6", "06: 192.0.2.100", "an error in between forgets nothing");
    admit(w, "192.0.2.3", -1, 7, "true");
    admit(w, "192.0.2.3", 6, 7, "true");
    check(w, "p6", ":", "gone from the switch: forgotten");
    claim(w, "p6", 6, "192.0.2.100");
    admit(w, "192.0.2.3", 6, 7, "false");
    check(w, "p6", ":", "no port security: nothing");
    admit(w, "192.0.2.3", 6, 7, "true");
    check(w, "p6", ":", "and it was forgotten");
}

static void
test_ageing(struct world *w)
{
    const struct sg_port *port = sg_ports_find(&w->ports, "p6");
    struct sg_prefix p;
    bool paused;

    claim(w, "p6", 6, "192.0.2.100");
    claim(w, "p6", 6, "192.0.2.101");
    claim_as(w, "p6", 6, "192.0.2.102", SG_LEARN_DHCP, 250);
    is_int(sg_learn_next(&w->learn, w->now), w->now + 250, "the lease ends");
    w->now += IDLE - 1;
    ok(!sg_learn_age(&w->learn, IDLE, w->now), "not yet");
    ok(!sg_prefix_parse("192.0.2.101", &p), "an address");
    sg_learn_note_use(&w->learn, port, &p, 5, w->now);
    w->now += 2;
    ok(sg_learn_age(&w->learn, IDLE, w->now), "now");
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    check(w, "p6", "06: 192.0.2.101,192.0.2.102", "used, leased");
    w->now += IDLE;
    sg_learn_note_use(&w->learn, port, &p, 5, w->now);
    sg_learn_age(&w->learn, IDLE, w->now);
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    check(w, "p6", "06: 192.0.2.102", "the same count is no use");
    claim_as(w, "p6", 6, "192.0.2.102", SG_LEARN_DHCP, 500);
    w->now += 250;
    sg_learn_age(&w->learn, IDLE, w->now);
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    check(w, "p6", "06: 192.0.2.102", "renewed");
    w->now += 250;
    sg_learn_age(&w->learn, IDLE, w->now);
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    check(w, "p6", ":", "ended, and the MAC with it");

    for (int i = 0; i < SG_LEARN_BURST * 10; i++) {
        if (!sg_learn_may_look(&w->learn, port, w->now, &paused)) {
            break;
        }
    }
    ok(paused, "too much: a pause");
    ok(!sg_learn_may_look(&w->learn, port, w->now, &paused) && !paused,
       "it goes on");
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    ok(!port->listens_mac && !port->listens_addresses, "nothing is shown");
    w->now += SG_LEARN_PAUSE;
    ok(sg_learn_age(&w->learn, IDLE, w->now), "it ends");
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    ok(port->listens_mac && port->listens_addresses, "shown again");
    ok(sg_learn_may_look(&w->learn, port, w->now, &paused), "and looked at");

    /* Somebody sets the clock back in the midst of a pause. */
    while (sg_learn_may_look(&w->learn, port, w->now, &paused)) {
        continue;
    }
    uint32_t earlier = w->now - 600;
    ok(paused && sg_learn_next(&w->learn, earlier) <= earlier
       && sg_learn_age(&w->learn, UINT32_MAX, earlier),
       "a pause does not last until the clock is there again");
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    ok(port->listens_mac && port->listens_addresses, "shown once more");
}

static void
test_restore(struct world *w)
{
    struct sg_learned how = { SG_LEARN_DHCP, 5, w->now + 50 };
    const struct sg_port *port = sg_ports_find(&w->ports, "p6");
    struct sg_prefix p;

    ok(!sg_prefix_parse("192.0.2.150", &p), "an address");
    sg_learn_restore_address(&w->learn, port, &p, &how, w->now);
    sg_learn_restore_address(&w->learn, port, &p, &how, w->now);
    ok(!sg_prefix_parse("192.0.2.0/24", &p), "a prefix");
    sg_learn_restore_address(&w->learn, port, &p, &how, w->now);
    how.source = SG_LEARN_FRAME;
    sg_learn_restore_mac(&w->learn, port,
                         (struct eth_addr) ETH_ADDR_C(52,54,00,00,00,06),
                         &how, w->now);
    sg_learn_fill(&w->learn, w->policy, &w->ports, NULL, NULL);
    check(w, "p6", "06: 192.0.2.150", "restored");
    is_int(port->addresses_learned[0].since, 5, "since when");
}

int
main(void)
{
    struct world w;

    world_init(&w);
    test_learning(&w);
    test_conflicts(&w);
    test_declarations(&w);
    test_bound(&w);
    test_places(&w);
    test_ageing(&w);
    test_restore(&w);
    world_destroy(&w);
    return done_testing();
}
