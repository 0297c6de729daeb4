/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* What a change brings under review, and what it must not. */

#include <config.h>

#include "compile/review.h"

#include <stdlib.h>

#include "compile/compile.h"
#include "compile/flow.h"
#include "compile/pipeline.h"
#include "compile/slice.h"
#include "judge.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "tap.h"
#include "util.h"
#include "world.h"

/* A bridge with an agent. */
struct agent {
    struct sg_compiler *compiler;
    struct sg_flows installed;
    struct sg_reviews reviews;
};

static void
agent_init(struct agent *a)
{
    a->compiler = test_compiler();
    sg_flows_init(&a->installed);
    sg_reviews_init(&a->reviews);
}

static void
agent_destroy(struct agent *a)
{
    sg_compiler_destroy(a->compiler);
    sg_flows_destroy(&a->installed);
    sg_reviews_destroy(&a->reviews);
}

/* The agent is killed, and another one started beside what it left. */
static void
agent_restart(struct agent *a)
{
    sg_compiler_destroy(a->compiler);
    a->compiler = test_compiler();
    sg_compiler_recover(a->compiler, &a->installed);
    sg_reviews_clear(&a->reviews);
    sg_reviews_recover(&a->reviews, &a->installed, 1);
}

/* A pass, as agent/bridge.c does it.  The plan is the caller's; the pass does
 * not end, so that the numbers of before have names yet. */
static struct sg_plan *
agent_begin(struct agent *a, const struct world *w, const char *bridge)
{
    struct sg_changes changes;
    struct sg_flows desired;
    struct sg_plan *plan;

    sg_compiler_begin(a->compiler);
    plan = sg_plan_create(a->compiler, w->policy, &w->ports, bridge);
    sg_flows_init(&desired);
    sg_plan_emit(plan, &desired);
    sg_changes_init(&changes);
    sg_flows_diff(&a->installed, &desired, &changes);
    sg_reviews_note(&a->reviews, plan, &changes, 2);
    sg_changes_destroy(&changes);
    sg_reviews_emit(&a->reviews, &desired);
    hmap_swap(&a->installed.flows, &desired.flows);
    sg_flows_destroy(&desired);
    return plan;
}

static void
agent_pass(struct agent *a, const struct world *w, const char *bridge)
{
    struct sg_plan *plan = agent_begin(a, w, bridge);

    sg_compiler_end(a->compiler);
    sg_plan_destroy(plan);
}

/* Reviews in words. */

static const char *
port_of_zone(const struct sg_plan *plan, uint32_t zone)
{
    const struct sg_plan_endpoint *ep = sg_plan_endpoint(plan, zone);

    return ep ? ep->port->name : "nobody";
}

static char *
review_text(const struct sg_compiler *c, const struct sg_plan *plan,
            const struct sg_review *r)
{
    const struct sg_id *id;
    struct ds s = DS_EMPTY_INITIALIZER;

    switch (r->kind) {
    case SG_REVIEW_NUMBER:
        id = sg_ids_by_id(&c->numbers, r->value & SG_MARK_ID);
        ds_put_format(&s, "number of %s", id ? id->key : "?");
        break;
    case SG_REVIEW_ADDRESS:
        id = sg_ids_by_id(&c->networks, r->value);
        ds_put_format(&s, "%s: ", id ? id->key : "?");
        sg_prefix_format(&r->prefix, &s);
        break;
    case SG_REVIEW_ZONE:
        ds_put_format(&s, "zone of %s", port_of_zone(plan, r->value));
        break;
    case SG_REVIEW_OWN:
        ds_put_format(&s, "own of %s: ", port_of_zone(plan, r->value));
        sg_prefix_format(&r->prefix, &s);
        break;
    }
    return ds_steal_cstr(&s);
}

static char *
reviews_text(const struct agent *a, const struct sg_plan *plan)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    const struct sg_review *r;
    char *text;

    HMAP_FOR_EACH (r, node, &a->reviews.reviews) {
        svec_add_nocopy(&lines, review_text(a->compiler, plan, r));
    }
    svec_sort(&lines);
    text = svec_join(&lines, "; ", "");
    svec_destroy(&lines);
    return text;
}

/* A site: ports "a" in group g, "b" in g and h.  The two halves of a world,
 * of which a test varies one. */
#define GROUPS(RULES, EGRESS, MORE) \
    "{'groups':[{'name':'g','ingress':[" RULES "],'egress':[" EGRESS "]}," \
    "{'name':'h','ingress':[]}" MORE "]"
#define MEMBERS(LIST) ",'members':[{'group':'m','entries':[" LIST "]}]}"
#define NO_MEMBERS "}"
#define M ",{'name':'m'}"

#define PORT_A(GROUPS, ADDRESSES) \
    "{'name':'a','ofport':1,'external_ids':{'sg-groups':'" GROUPS "'," \
    "'attached-mac':'02:00:00:00:00:01','sg-addresses':'" ADDRESSES "'}}"
#define PORTS "{'ports':[" PORT_A("g", "192.0.2.1") "]}"

#define TCP(PORTS, FROM) \
    "{'word':'tcp','values':['" PORTS "'],'from':" FROM "}"
#define FROM_M "{'group':'m'}"
#define FROM_ANY "{'any':true}"

/* From one world to another: the reviews must be 'want'. */
static void
is_change(const char *policy, const char *facts, const char *new_policy,
          const char *new_facts, const char *want, const char *what)
{
    struct world old, new;
    struct agent a;
    char *got;

    agent_init(&a);
    world_init(&old, policy, facts);
    world_init(&new, new_policy, new_facts);
    agent_pass(&a, &old, "br0");
    is_int(hmap_count(&a.reviews.reviews), 0, "%s: nothing at first", what);

    struct sg_plan *plan = agent_begin(&a, &new, "br0");
    got = reviews_text(&a, plan);
    is_str(got, want, "%s", what);
    free(got);
    sg_compiler_end(a.compiler);
    sg_plan_destroy(plan);

    world_destroy(&old);
    world_destroy(&new);
    agent_destroy(&a);
}

static void
is_policy_change(const char *policy, const char *new_policy,
                 const char *want, const char *what)
{
    is_change(policy, PORTS, new_policy, PORTS, want, what);
}

static void
test_rules(void)
{
    static const char one[] = GROUPS(TCP("80", FROM_M), "", M)
                              MEMBERS("'10.0.0.1'");

    is_policy_change(one, one, "", "no change");
    is_policy_change(one,
                     GROUPS(TCP("80", FROM_M) "," TCP("22", FROM_ANY), "", M)
                     MEMBERS("'10.0.0.1'"), "", "a rule comes");
    is_policy_change(one,
                     GROUPS(TCP("80", FROM_M) "," TCP("90", FROM_M), "", M)
                     MEMBERS("'10.0.0.1'"), "",
                     "a rule comes beside one with the same peer");
    is_policy_change(one,
                     GROUPS("{'word':'tcp','values':[80],'from':" FROM_M ","
                            "'place':{'file':'x.lua','line':7}}", "", M)
                     MEMBERS("'10.0.0.1'"), "", "a line moves");
    is_policy_change(one,
                     GROUPS("{'word':'tcp','values':[80],'from':" FROM_M ","
                            "'description':'x'}", "", M)
                     MEMBERS("'10.0.0.1'"), "", "a description changes");
    is_policy_change(GROUPS(TCP("80", FROM_M) "," TCP("80", FROM_M), "", M)
                     MEMBERS("'10.0.0.1'"), one, "",
                     "one of two equal rules goes");
    is_policy_change(GROUPS(TCP("80-90", FROM_M) "," TCP("85", FROM_M), "", M)
                     NO_MEMBERS,
                     GROUPS(TCP("80-90", FROM_M), "", M) NO_MEMBERS, "",
                     "a rule goes whose ports another has");
    is_policy_change(GROUPS(TCP("80-90", FROM_M), "", M) NO_MEMBERS,
                     GROUPS(TCP("80-85", FROM_M) "," TCP("86-90", FROM_M), "",
                            M) NO_MEMBERS, "",
                     "two rules say what one said");
    is_policy_change(GROUPS(TCP("80", FROM_M) "," TCP("443", FROM_M), "", M)
                     MEMBERS("'10.0.0.1'"), one,
                     "number of ingress g group m: tcp 443 (ipv4); "
                     "number of ingress g group m: tcp 443 (ipv6)",
                     "a rule goes");
    is_policy_change(one, GROUPS("", "", M) MEMBERS("'10.0.0.1'"),
                     "number of ingress g group m: tcp 80 (ipv4); "
                     "number of ingress g group m: tcp 80 (ipv6)",
                     "the last rule of a peer goes");
    is_policy_change(GROUPS("", "{'word':'udp','to':" FROM_ANY "}", "")
                     NO_MEMBERS, GROUPS("", "", "") NO_MEMBERS,
                     "number of egress g any: udp (ipv4); "
                     "number of egress g any: udp (ipv6)",
                     "an egress rule goes");
    is_policy_change(GROUPS(TCP("80-90", FROM_ANY), "", "") NO_MEMBERS,
                     GROUPS(TCP("80-85", FROM_ANY), "", "") NO_MEMBERS,
                     "number of ingress g any: tcp 80-90 (ipv4); "
                     "number of ingress g any: tcp 80-90 (ipv6)",
                     "a range shrinks: judged again by what is left");
}

static void
test_members(void)
{
#define TWO GROUPS(TCP("80", FROM_M), "", M) MEMBERS("'10.0.0.1','10.0.0.2'")
#define ONE GROUPS(TCP("80", FROM_M), "", M) MEMBERS("'10.0.0.1'")
    is_policy_change(ONE, TWO, "", "a member comes");
    is_policy_change(TWO, ONE, "net br0: 10.0.0.2", "a member leaves");
    is_policy_change(TWO, GROUPS(TCP("80", FROM_M), "", M)
                     MEMBERS("'10.0.0.0/24'"), "",
                     "a prefix takes the place of members");
    is_policy_change(GROUPS(TCP("80", FROM_M), "", M)
                     MEMBERS("'10.0.0.0/24'"), ONE, "net br0: 10.0.0.0/24",
                     "a member takes the place of a prefix");
    is_policy_change(GROUPS(TCP("80", FROM_M) "," TCP("80", "'10.0.0.0/8'"),
                            "", M) MEMBERS("'10.0.0.2'"),
                     GROUPS(TCP("80", FROM_M) "," TCP("80", "'10.0.0.0/8'"),
                            "", M) NO_MEMBERS, "net br0: 10.0.0.2",
                     "a member leaves, and a prefix has it still");
    is_policy_change(GROUPS(TCP("80", FROM_ANY), "", M) MEMBERS("'10.0.0.1'"),
                     GROUPS(TCP("80", FROM_ANY), "", M) NO_MEMBERS, "",
                     "a member leaves that no rule names");
    is_policy_change(TWO, GROUPS(TCP("80", FROM_M) ","
                                 TCP("22", "'10.0.0.0/8'"), "", M)
                     MEMBERS("'10.0.0.1','10.0.0.2'"), "",
                     "members come into another peer, too");
    is_policy_change(GROUPS(TCP("80", FROM_M) "," TCP("22", "'10.0.0.0/8'"),
                            "", M) MEMBERS("'10.0.0.1'"), ONE,
                     "number of ingress g 10.0.0.0/8: tcp 22 (ipv4)",
                     "a peer goes: its number, no address");
}

static void
test_ports(void)
{
    static const char policy[] = GROUPS(TCP("80", "{'group':'h'}"), "", "")
                                 NO_MEMBERS;
#define PEER ",{'name':'b','ofport':2,'external_ids':{'sg-groups':'h'," \
             "'sg-addresses':'192.0.2.2'}}"
#define SITE(PORT, MORE) "{'ports':[" PORT MORE "]}"

    is_change(policy, SITE(PORT_A("g", "192.0.2.1"), ""),
              policy, SITE(PORT_A("g h", "192.0.2.1"), ""), "",
              "a port joins a group");
    is_change(policy, SITE(PORT_A("g h", "192.0.2.1"), ""),
              policy, SITE(PORT_A("g", "192.0.2.1"), ""),
              "net br0: 192.0.2.1; zone of a", "a port leaves a group");
    is_change(policy, SITE(PORT_A("g", "192.0.2.1"), PEER),
              policy, SITE(PORT_A("g", "192.0.2.1"), ""),
              "net br0: 192.0.2.2", "a port that is a peer goes");
    is_change(policy, SITE(PORT_A("g", "192.0.2.1"), ""),
              policy, SITE(PORT_A("g", "192.0.2.1"), PEER), "",
              "a port comes");
    is_change(policy, SITE(PORT_A("g", "192.0.2.1"), ""),
              policy, SITE(PORT_A("g", "192.0.2.1 192.0.2.3"), ""), "",
              "a port gets an address");
    is_change(policy, SITE(PORT_A("g", "192.0.2.1 192.0.2.3"), ""),
              policy, SITE(PORT_A("g", "192.0.2.1"), ""),
              "own of a: 192.0.2.3", "a port loses an address");
    is_change(policy, SITE(PORT_A("g", "192.0.2.1 2001:db8::1"), ""),
              policy, SITE(PORT_A("g", "192.0.2.1"), ""),
              "own of a: 2001:db8::1", "... of IPv6");
    is_change(policy, SITE(PORT_A("g", "192.0.2.1 192.0.2.3"), ""),
              policy, SITE(PORT_A("g", "192.0.2.0/24"), ""), "",
              "a prefix takes the place of its addresses");
    is_change(policy, SITE(PORT_A("g", "192.0.2.0/30"), ""),
              policy, SITE(PORT_A("g", "192.0.2.1"), ""),
              "own of a: 192.0.2.0; own of a: 192.0.2.2/31",
              "a prefix shrinks to one of its addresses, which is kept");
    is_change(policy, SITE(PORT_A("g", "::/0"), ""),
              policy, SITE(PORT_A("g", "8000::/1"), ""),
              "own of a: ::/1", "... from all addresses to half of them");
    is_change(policy, SITE(PORT_A("g", "192.0.2.1"), PEER),
              policy, SITE(PORT_A("g", "192.0.2.1"),
                           ",{'name':'b','ofport':2,'external_ids':{"
                           "'sg-groups':'g','sg-addresses':'192.0.2.2'}}"),
              "net br0: 192.0.2.2; zone of b",
              "a port changes its group: for its peers, and for itself");
    is_change(policy, SITE(PORT_A("g", "192.0.2.1"), ""), policy,
              "{'ports':[{'name':'a','ofport':1,'external_ids':{'sg-groups':"
              "'g','attached-mac':'02:00:00:00:00:01','sg-addresses':"
              "'192.0.2.1','sg-network':'blue'}}]}", "zone of a",
              "a port changes its network");
    is_change(policy, SITE(PORT_A("g", "192.0.2.1"), PEER),
              policy, "{'ports':[]}", "", "all ports go");
}

static void
test_drain(void)
{
#define DRAIN(RULES) "{'groups':[{'name':'g','revocation':'drain'," \
    "'ingress':[" RULES "],'egress':[]},{'name':'h','ingress':[]}]}"
#define CUT(RULES) GROUPS(RULES, "", "") NO_MEMBERS

    is_policy_change(DRAIN(TCP("80", FROM_ANY)), DRAIN(""), "",
                     "a rule of a group that drains goes");
    is_policy_change(DRAIN(TCP("80", FROM_ANY)), CUT(""), "",
                     "... also when the group does not drain any more");
    is_policy_change(CUT(TCP("80", FROM_ANY)), DRAIN(TCP("80", FROM_ANY)),
                     "number of ingress g any: tcp 80 (ipv4); "
                     "number of ingress g any: tcp 80 (ipv6)",
                     "a group begins to drain: old connections get the new "
                     "number");
}

/* An address goes with a prefix and comes back by itself. */
static void
test_comes_back(void)
{
    static const char *const sites[] = {
        SITE(PORT_A("g", "192.0.2.0/30"), ""),
        SITE(PORT_A("g", "10.9.9.9"), ""),
        SITE(PORT_A("g", "10.9.9.9 192.0.2.1"), ""),
        SITE(PORT_A("g", "10.9.9.9 192.0.2.0/30"), ""),
    };
    static const char *const want[] = {
        "", "own of a: 192.0.2.0/30",
        "own of a: 192.0.2.0; own of a: 192.0.2.2/31", "",
    };
    struct agent a;

    agent_init(&a);
    for (size_t i = 0; i < ARRAY_SIZE(sites); i++) {
        struct world w;

        world_init(&w, GROUPS("", "", "") NO_MEMBERS, sites[i]);
        struct sg_plan *plan = agent_begin(&a, &w, "br0");
        char *got = reviews_text(&a, plan);
        is_str(got, want[i], "an address comes and goes, step %zu", i);
        free(got);
        sg_compiler_end(a.compiler);
        sg_plan_destroy(plan);
        world_destroy(&w);
    }
    agent_destroy(&a);
}

/* A review is in the switch, and nowhere else. */
static void
test_recover(void)
{
    struct sg_reviews reviews, back;
    const struct sg_review *r;
    struct sg_flows flows;
    struct sg_prefix p;
    size_t n = 0;

    sg_reviews_init(&reviews);
    sg_reviews_init(&back);
    sg_flows_init(&flows);
    static const char *const prefixes[] = {
        "10.0.0.1", "10.0.0.0/8", "2001:db8::1", "2001:db8::/32", "0.0.0.0/0",
        "::/0"
    };
    for (uint32_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        char *error = sg_prefix_parse(prefixes[i], &p);

        ok(!error, "%s", prefixes[i]);
        sg_reviews_add(&reviews, SG_REVIEW_ADDRESS, 7, &p, 1);
        sg_reviews_add(&reviews, SG_REVIEW_OWN, 8, &p, 1);
        sg_reviews_add(&reviews, SG_REVIEW_NUMBER, 9 + i, NULL, 1);
        sg_reviews_add(&reviews, SG_REVIEW_ZONE, 8 + i, NULL, 1);
    }
    is_int(hmap_count(&reviews.reviews), 24, "24 reviews");
    ok(!sg_reviews_add(&reviews, SG_REVIEW_OWN, 8, &p, 2), "no more");

    sg_reviews_emit(&reviews, &flows);
    sg_reviews_recover(&back, &flows, 3);
    is_int(hmap_count(&back.reviews), 24, "all come back");
    HMAP_FOR_EACH (r, node, &reviews.reviews) {
        n += sg_reviews_add(&back, r->kind, r->value, &r->prefix, 4);
    }
    is_int(n, 0, "and they are the same");

    struct sg_flows again;
    struct sg_changes changes;
    sg_flows_init(&again);
    sg_changes_init(&changes);
    sg_reviews_emit(&back, &again);
    sg_flows_diff(&flows, &again, &changes);
    is_int(changes.n, 0, "their flows too");

    sg_changes_destroy(&changes);
    sg_flows_destroy(&again);
    sg_flows_destroy(&flows);
    sg_reviews_destroy(&back);
    sg_reviews_destroy(&reviews);
}

/* What a host meets is found without a look at the others. */
static void
test_around(void)
{
    static const char *const prefixes[] = {
        "10.0.0.1", "10.0.0.0/8", "11.0.0.0/8", "2001:db8::/32", "::/0"
    };
    struct sg_reviews reviews;
    struct sg_prefix p, host;
    const struct sg_review *r;
    int plen = -1, n = 0;

    sg_reviews_init(&reviews);
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        ok(!sg_prefix_parse(prefixes[i], &p), "%s", prefixes[i]);
        sg_reviews_add(&reviews, SG_REVIEW_ADDRESS, 7, &p, 1);
        sg_reviews_add(&reviews, SG_REVIEW_OWN, 8, &p, 1);
    }
    ok(!sg_prefix_parse("10.0.0.1", &host), "10.0.0.1");
    while ((r = sg_reviews_next_around(&reviews, SG_REVIEW_ADDRESS, 7, &host,
                                       &plen))) {
        ok(r->kind == SG_REVIEW_ADDRESS && r->value == 7
           && sg_prefix_contains(&r->prefix, &host), "one is around it");
        n++;
    }
    is_int(n, 2, "no more of IPv4, and none of ::/0");
    plen = -1;
    ok(!sg_reviews_next_around(&reviews, SG_REVIEW_ADDRESS, 8, &host, &plen),
       "nothing of another network");
    ok(!sg_reviews_find(&reviews, SG_REVIEW_ADDRESS, 8, &host)
       && sg_reviews_find(&reviews, SG_REVIEW_OWN, 8, &host), "by its name");
    while (!ovs_list_is_empty(&reviews.in_order)) {
        sg_reviews_remove(&reviews, CONTAINER_OF(
                              ovs_list_front(&reviews.in_order),
                              struct sg_review, in_order));
    }
    plen = -1;
    ok(hmap_is_empty(&reviews.reviews) && !reviews.n_own
       && !sg_reviews_next_around(&reviews, SG_REVIEW_OWN, 8, &host, &plen),
       "all gone");
    sg_reviews_destroy(&reviews);
}

/* However short the slices are, the flows are those of one piece; and a slice
 * that is over makes no more than a few. */
static void
test_slices(void)
{
    struct sg_flows whole, sliced, touched;
    struct sg_changes changes;
    struct sg_reviews reviews;
    size_t before, most = 0;
    bool done;

    sg_reviews_init(&reviews);
    sg_flows_init(&whole);
    sg_flows_init(&sliced);
    sg_flows_init(&touched);
    sg_changes_init(&changes);
    for (uint32_t i = 0; i < 500; i++) {
        sg_reviews_add(&reviews, SG_REVIEW_ZONE, i + 1, NULL, 1);
    }
    sg_reviews_emit(&reviews, &whole);
    do {
        struct sg_slice slice = SG_SLICE_UNTIL(0);

        before = sg_flows_count(&sliced);
        done = sg_reviews_emit_changes(&reviews, &sliced, &touched, &slice);
        most = MAX(most, sg_flows_count(&sliced) - before);
    } while (!done);
    sg_flows_diff(&whole, &sliced, &changes);
    is_int(changes.n, 0, "slices make what one piece makes");
    is_int(sg_flows_count(&touched), sg_flows_count(&whole), "all is touched");
    ok(most <= 32, "a slice made %"PRIuSIZE" flows at most", most);

    sg_changes_destroy(&changes);
    sg_reviews_destroy(&reviews);
    sg_flows_destroy(&touched);
    sg_flows_destroy(&sliced);
    sg_flows_destroy(&whole);
}

/* Soundness, at random: a connection that the old state allowed and the new
 * one does not is under review, whatever changed. */

/* A connection of before. */
struct connection {
    char port[8];
    uint16_t vlan;
    struct question q;
    uint32_t number;
};

static size_t
open_connections(const struct sg_plan *plan, const struct sg_flows *flows,
                 struct dice *d, struct connection **conns)
{
    size_t n = 0;

    size_t n_eps = hmap_count(&plan->endpoints);
    const struct sg_plan_endpoint **eps = sg_plan_endpoints(plan);

    *conns = xmalloc(n_eps * 40 * sizeof **conns);
    for (size_t i = 0; i < n_eps; i++) {
        const struct sg_plan_endpoint *ep = eps[i];

        for (int j = 0; j < 40; j++) {
            struct connection *conn = &(*conns)[n];

            dice_question(d, &conn->q);
            conn->number = judge(flows, ep, &conn->q);
            if (conn->number) {
                ovs_strlcpy(conn->port, ep->port->name, sizeof conn->port);
                conn->vlan = ep->endpoint->vlan;
                n++;
            }
        }
    }
    free(eps);
    return n;
}

static const struct sg_plan_endpoint *
find_endpoint(const struct sg_plan *plan, const struct connection *conn)
{
    const struct sg_plan_endpoint *ep;

    HMAP_FOR_EACH (ep, node, &plan->endpoints) {
        if (!strcmp(ep->port->name, conn->port)
            && ep->endpoint->vlan == conn->vlan) {
            return ep;
        }
    }
    return NULL;
}

static bool
is_reviewed(const struct agent *a, const struct sg_plan_endpoint *ep,
            const struct connection *conn)
{
    const struct sg_review *r;

    HMAP_FOR_EACH (r, node, &a->reviews.reviews) {
        bool drains = conn->number & SG_MARK_DRAIN;

        if (r->kind == SG_REVIEW_NUMBER ? r->value == conn->number
            : r->kind == SG_REVIEW_ZONE ? !drains && r->value == ep->zone
            : r->kind == SG_REVIEW_ADDRESS
            ? !drains && r->value == ep->network->id
              && sg_prefix_contains(&r->prefix, &conn->q.spec.remote)
            : false) {
            return true;
        }
    }
    return false;
}

/* Returns the number of connections that should be, and are not, under
 * review; adds to '*n_revoked' those that are. */
static size_t
count_missed(const struct agent *a, const struct world *w,
             const struct sg_plan *plan, const struct connection *conns,
             size_t n, size_t *n_revoked)
{
    size_t n_missed = 0;

    for (size_t i = 0; i < n; i++) {
        const struct sg_plan_endpoint *ep = find_endpoint(plan, &conns[i]);

        if (!ep || eval(w, ep, &conns[i].q)
            || conns[i].number & SG_MARK_DRAIN) {
            continue;
        }
        if (is_reviewed(a, ep, &conns[i])) {
            ++*n_revoked;
            continue;
        }
        n_missed++;

        struct ds s = DS_EMPTY_INITIALIZER;
        question_format(&conns[i].q, &s);
        printf("# port %s, number %u, %s: not reviewed\n", conns[i].port,
               conns[i].number, ds_cstr(&s));
        ds_destroy(&s);
    }
    return n_missed;
}

static bool
plan_gives(const struct sg_plan *plan, uint32_t number)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &plan->groups) {
        const struct sg_plan_group *pg = node->data;

        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            for (size_t i = 0; i < pg->n_fragments[dir]; i++) {
                const struct sg_fragment *frag = pg->fragments[dir][i];

                for (size_t j = 0; j < frag->n_entries; j++) {
                    if (frag->entries[j].number == number) {
                        return true;
                    }
                }
            }
        }
    }
    return false;
}

/* What drains is not reviewed, and a number that is reviewed stands for
 * nothing: it is not given to another entry meanwhile. */
static bool
reviews_are_sane(const struct agent *a, const struct sg_plan *plan)
{
    const struct sg_review *r;

    HMAP_FOR_EACH (r, node, &a->reviews.reviews) {
        if (!r->value
            || (r->kind == SG_REVIEW_NUMBER
                && (r->value & (SG_MARK_DRAIN | SG_MARK_CUT)
                    || plan_gives(plan, r->value)))) {
            return false;
        }
    }
    return true;
}

struct tally {
    size_t n_conns;             /* Connections of before a change, */
    size_t n_revoked;           /* those that are under review after it, */
    size_t n_missed;            /* and those that ought to be. */
    bool sane;
};

/* The world changes, and connections of before are looked at. */
static void
live_through(struct agent *a, struct world_seed *seed, bool restart,
             struct dice *d, struct tally *t)
{
    struct connection *conns;
    struct world w;

    world_random(&w, seed);
    struct sg_plan *plan = agent_begin(a, &w, "br0");
    size_t n = open_connections(plan, &a->installed, d, &conns);
    sg_compiler_end(a->compiler);
    sg_plan_destroy(plan);
    world_destroy(&w);

    for (int i = 0; i < 3; i++) {
        seed->variants[dice_roll(d, WORLD_PARTS)]++;
    }
    if (restart) {
        agent_restart(a);
    }
    world_random(&w, seed);
    plan = agent_begin(a, &w, "br0");
    t->n_missed += count_missed(a, &w, plan, conns, n, &t->n_revoked);
    t->sane &= reviews_are_sane(a, plan);
    t->n_conns += n;
    sg_compiler_end(a->compiler);
    sg_plan_destroy(plan);
    free(conns);

    /* With nothing more to change there is nothing more to review. */
    size_t n_reviews = hmap_count(&a->reviews.reviews);
    agent_pass(a, &w, "br0");
    t->sane &= n_reviews == hmap_count(&a->reviews.reviews);
    world_destroy(&w);
}

static void
test_random(bool restart)
{
    struct tally t = { .sane = true };
    struct dice d = { restart ? 21 : 20 };

    for (uint32_t i = 0; i < 40; i++) {
        struct world_seed seed = world_seed(5000 + i);
        struct agent a;

        agent_init(&a);
        for (int j = 0; j < 3; j++) {
            live_through(&a, &seed, restart, &d, &t);
        }
        agent_destroy(&a);
    }
    printf("# %zu connections, %zu revoked\n", t.n_conns, t.n_revoked);
    is_int(t.n_missed, 0, "120 changes%s: what is not allowed any more is "
           "under review", restart ? " behind the agent's back" : "");
    ok(t.sane, "... no review of what drains, none without a reason, no "
       "number that stands for another entry");
    ok(t.n_revoked > 100, "... and these are worth counting");
}

/* What somebody else broke is repaired, not reviewed, as far as we can
 * know. */
static void
test_repair(void)
{
    struct world w;
    struct agent a;

    agent_init(&a);
    world_init(&w, GROUPS(TCP("80", FROM_M), "", M) MEMBERS("'10.0.0.1'"),
               PORTS);
    agent_pass(&a, &w, "br0");
    struct sg_flow *flow;
    HMAP_FOR_EACH_SAFE (flow, node, &a.installed.flows) {
        if (sg_cookie_get_kind(flow->cookie) != SG_COOKIE_STATIC
            && (flow->table_id == SG_T_SPOOF_L3
                || flow->table_id == SG_T_IN_CELL
                || flow->table_id == SG_T_IN_PROFILE)) {
            struct match match;

            minimatch_expand(&flow->match, &match);
            sg_flows_add(&a.installed, flow->table_id, flow->priority,
                         flow->cookie, &match, NULL, 0);
        }
    }

    struct sg_plan *plan = agent_begin(&a, &w, "br0");
    char *got = reviews_text(&a, plan);
    is_str(got, "", "flows that were changed behind our back");
    free(got);
    sg_plan_destroy(plan);
    world_destroy(&w);
    agent_destroy(&a);
}

int
main(void)
{
    test_rules();
    test_members();
    test_ports();
    test_drain();
    test_comes_back();
    test_recover();
    test_around();
    test_slices();
    test_repair();
    test_random(false);
    test_random(true);
    return done_testing();
}
