/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The evaluator, and `trace' on top of it. */

#include <config.h>

#include <stdlib.h>

#include "fixture.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/addresses.h"
#include "policy/eval.h"
#include "tap.h"
#include "util.h"

/* One group per thing to look at: each rule is alone in the group that the
 * port "t" is in. */
static bool
allows(const char *dir, const char *rule, const char *remote, int proto,
       int port, int code)
{
    bool out = !strcmp(dir, "egress");
    char *document = xasprintf(
        "{'groups':[{'name':'g','ingress':[],'egress':[],'%s':[{%s,"
        "'%s':['0.0.0.0/0','::/0']}]}]}", dir, rule, out ? "to" : "from");
    struct sg_flowspec flow = { .proto = proto, .port = port, .code = code };
    char *error = sg_prefix_parse(remote, &flow.remote);
    char *said;
    struct sg_policy *policy = policy_from_text(document, &said);
    struct sg_facts facts;
    struct sg_ports ports;
    const struct sg_port *t;
    bool allowed;

    if (error || !policy) {
        ovs_fatal(0, "%s", error ? error : said);
    }
    facts_from_text("{'ports':[{'name':'t','external_ids':"
                    "{'sg-groups':'g'}}]}", &facts);
    sg_ports_init(&ports);
    sg_ports_admit_all(&ports, policy, NULL, &facts);
    t = sg_ports_find(&ports, "t");
    allowed = sg_eval(policy, &ports, t, t->endpoints,
                      out ? SG_EGRESS : SG_INGRESS, &flow) != NULL;

    sg_ports_destroy(&ports);
    sg_facts_destroy(&facts);
    sg_policy_unref(policy);
    free(said);
    free(document);
    return allowed;
}

static void
test_layer4(void)
{
    static const struct {
        const char *dir, *rule, *remote;
        int proto, port, code;
        bool allowed;
    } cases[] = {
        { "ingress", "'word':'tcp','values':['80-81']", "::1", 6, 79, -1,
          false },
        { "ingress", "'word':'tcp','values':['80-81']", "::1", 6, 80, -1,
          true },
        { "ingress", "'word':'tcp','values':['80-81']", "1.1.1.1", 6, 81, -1,
          true },
        { "ingress", "'word':'tcp','values':['80-81']", "::1", 6, 82, -1,
          false },
        { "ingress", "'word':'tcp','values':[80]", "::1", 17, 80, -1, false },
        { "ingress", "'word':'tcp','values':[80]", "::1", 6, -1, -1, false },
        { "ingress", "'word':'tcp'", "::1", 6, -1, -1, true },
        { "ingress", "'word':'sctp','values':[80]", "::1", 132, 80, -1,
          true },
        { "ingress", "'word':'tcp','family':'ipv4'", "::1", 6, 1, -1,
          false },
        { "ingress", "'word':'tcp','family':'ipv4'", "1.1.1.1", 6, 1, -1,
          true },
        { "ingress", "'word':'all'", "1.1.1.1", 47, -1, -1, true },
        { "ingress", "'word':'ip','protocol':47", "1.1.1.1", 47, -1, -1,
          true },
        { "ingress", "'word':'ip','protocol':47", "1.1.1.1", 46, -1, -1,
          false },
        { "ingress", "'word':'icmp','type':8", "1.1.1.1", 1, 8, 0, true },
        { "ingress", "'word':'icmp','type':8", "1.1.1.1", 1, 0, 0, false },
        { "ingress", "'word':'icmp','type':3,'code':4", "1.1.1.1", 1, 3, 4,
          true },
        { "ingress", "'word':'icmp','type':3,'code':4", "1.1.1.1", 1, 3, 3,
          false },
        { "ingress", "'word':'icmp','type':3,'code':4", "1.1.1.1", 1, 3, -1,
          false },
        { "ingress", "'word':'icmp'", "1.1.1.1", 1, -1, -1, true },
        { "ingress", "'word':'icmp6'", "::1", 58, 128, 0, true },
        { "ingress", "'word':'icmp6'", "::1", 1, 8, 0, false },

        /* A guest is a server or a router only if a rule names it. */
        { "egress", "'word':'all'", "1.1.1.1", 17, 67, -1, true },
        { "egress", "'word':'all'", "1.1.1.1", 17, 68, -1, false },
        { "egress", "'word':'udp'", "1.1.1.1", 17, 68, -1, false },
        { "egress", "'word':'udp','values':['67-68']", "1.1.1.1", 17, 68, -1,
          false },
        { "egress", "'word':'udp','values':[67,68]", "1.1.1.1", 17, 68, -1,
          true },
        { "egress", "'word':'udp','values':[67,68]", "1.1.1.1", 17, 67, -1,
          true },
        { "egress", "'word':'udp'", "::1", 17, 68, -1, true },
        { "egress", "'word':'udp'", "::1", 17, 546, -1, false },
        { "egress", "'word':'udp','values':[546]", "::1", 17, 546, -1, true },
        { "egress", "'word':'udp'", "1.1.1.1", 17, 546, -1, true },
        { "egress", "'word':'tcp'", "1.1.1.1", 6, 68, -1, true },
        { "egress", "'word':'icmp6'", "::1", 58, 134, 0, false },
        { "egress", "'word':'icmp6','type':134", "::1", 58, 134, 0, true },
        { "egress", "'word':'all'", "::1", 58, 134, 0, false },
        { "ingress", "'word':'all'", "1.1.1.1", 17, 68, -1, true },
        { "ingress", "'word':'all'", "::1", 58, 134, 0, true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ok(allows(cases[i].dir, cases[i].rule, cases[i].remote,
                  cases[i].proto, cases[i].port, cases[i].code)
           == cases[i].allowed, "%s %s: %s %d %d/%d is %s", cases[i].dir,
           cases[i].rule, cases[i].remote, cases[i].proto, cases[i].port,
           cases[i].code, cases[i].allowed ? "allowed" : "refused");
    }
}

/* A small site for peers and traces. */

#define PLACE(LINE) "'place':{'file':'p.lua','line':" #LINE "}"

static const char site_policy[] =
    "{'groups':["
    "{'name':'web'," PLACE(1) ",'ingress':[{" PLACE(2) ",'word':'tcp',"
    "'values':[80],'from':{'any':true}}]},"
    "{'name':'db'," PLACE(4) ",'ingress':[{" PLACE(5) ",'word':'tcp',"
    "'values':[5432],'from':{'group':'web'}},"
    "{" PLACE(6) ",'word':'icmp','from':[{'prefix_list':'office'},"
    "'192.0.2.0/24']},"
    "{" PLACE(7) ",'word':'icmp6','values':['echo-request'],"
    "'from':{'group':'web'}}],'egress':[]}],"
    "'prefix_lists':[{'name':'office'," PLACE(9) ",'entries':"
    "['203.0.113.0/24']}],"
    "'addresses':[{'name':'crm'," PLACE(12) ",'dns':'crm.example'}],"
    "'members':[{'group':'web'," PLACE(10) ",'entries':['198.51.100.0/24']},"
    "{'group':'web'," PLACE(11) ",'network':'blue','entries':"
    "['10.9.9.9',{'addresses':'crm'}]}]}";

#define PORT(NAME, GROUPS, ADDRESSES, MORE) \
    "{'name':'" NAME "','external_ids':{'sg-groups':'" GROUPS "'," \
    "'sg-addresses':'" ADDRESSES "'" MORE "}}"

static const char site_ports[] =
    "{'ports':["
    PORT("web1", "web", "10.0.0.1 fd00::1", "") ","
    PORT("web2", "web", "10.0.0.2", "") ","
    PORT("db1", "db", "10.0.1.1 fd00::2", "") ","
    PORT("both", "db web", "10.0.0.8", "") ","
    PORT("router", "web", "10.7.0.0/16", "") ","
    PORT("blue-web", "web", "10.0.0.1 10.0.0.99", ",'sg-network':'blue'") ","
    PORT("blue-db", "db", "10.0.0.50", ",'sg-network':'blue'") ","
    PORT("broken", "wbe", "10.0.0.66", "") ","
    PORT("mute", "web", "", "") ","
    "{'name':'trunk','trunks':[1,2],'external_ids':{'sg-groups':'db',"
    "'sg-addresses':'10.1.1.1'}},"
    "{'name':'vlan2','tag':2,'external_ids':{'sg-groups':'web',"
    "'sg-addresses':'10.2.2.2'}},"
    "{'name':'eth0'}]}";

static struct sg_policy *site;
static struct sg_ports site_of_ports;

/* The values that the `addresses' sets have now. */
static struct sg_sets site_sets;

static void
put_set(const char *name, const char *prefix)
{
    struct sg_prefix p;
    char *error = sg_prefix_parse(prefix, &p);

    ovs_assert(!error);
    sg_sets_put(&site_sets, name, &p, 1);
}

static void
site_init(void)
{
    struct sg_facts facts;

    sg_sets_init(&site_sets);
    put_set("crm", "10.8.0.0/24");

    site = policy_from_text(site_policy, NULL);
    facts_from_text(site_ports, &facts);
    sg_ports_init(&site_of_ports);
    sg_ports_admit_all(&site_of_ports, site, NULL, &facts);
    site_of_ports.sets = &site_sets;
    sg_facts_destroy(&facts);
}

static void
test_members(void)
{
    static const struct {
        const char *group, *network, *address;
        bool member;
    } cases[] = {
        { "web", "br0", "10.0.0.1", true },
        { "web", "br0", "10.0.0.2", true },
        { "web", "br0", "fd00::1", true },
        { "web", "br0", "10.0.0.99", false },
        { "web", "blue", "10.0.0.99", true },
        { "web", "blue", "10.0.0.2", false },
        { "web", "br0", "10.0.1.1", false },
        { "db", "br0", "10.0.1.1", true },
        { "db", "br0", "10.0.0.8", true },
        { "web", "br0", "10.0.0.8", true },
        { "web", "br0", "10.7.255.255", true },
        { "web", "br0", "198.51.100.7", true },
        { "web", "blue", "198.51.100.7", true },
        { "web", "br0", "10.9.9.9", false },
        { "web", "blue", "10.9.9.9", true },
        { "web", "blue", "10.8.0.5", true },    /* addresses "crm" */
        { "web", "blue", "10.8.1.5", false },
        { "web", "br0", "10.8.0.5", false },
        { "default", "br0", "10.0.0.1", false },
        { "db", "br0.1", "10.1.1.1", true },
        { "db", "br0.2", "10.1.1.1", true },
        { "db", "br0", "10.1.1.1", false },
        { "wbe", "br0", "10.0.0.66", false },   /* A port in error. */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sg_prefix address;
        char *error = sg_prefix_parse(cases[i].address, &address);

        ok(!error && sg_is_member(site, &site_of_ports, cases[i].group,
                                  cases[i].network, &address)
           == cases[i].member, "%s is %s member of %s in %s",
           cases[i].address, cases[i].member ? "a" : "no", cases[i].group,
           cases[i].network);
        free(error);
    }
}

/* The same question, before and after a set changes. */
static void
test_sets(void)
{
    struct sg_peer peer = { .type = SG_PEER_ADDRESSES,
                            .name = CONST_CAST(char *, "crm") };
    struct sg_prefix old, new;

    free(sg_prefix_parse("10.8.0.5", &old));
    free(sg_prefix_parse("10.80.0.5", &new));
#define CONTAINS(P) sg_peer_contains(site, &site_of_ports, &peer, "br0", P)
    ok(CONTAINS(&old) && !CONTAINS(&new), "the value of a set");
    put_set("crm", "10.80.0.0/24");
    ok(!CONTAINS(&old) && CONTAINS(&new), "another value");
    sg_sets_remove(&site_sets, "crm");
    ok(!CONTAINS(&old) && !CONTAINS(&new), "a set without a value is empty");
    peer.name = CONST_CAST(char *, "nosuch");
    ok(!CONTAINS(&old), "a set that nobody knows is empty");
    site_of_ports.sets = NULL;
    peer.name = CONST_CAST(char *, "crm");
    ok(!CONTAINS(&old), "where there are no sets, all are empty");
#undef CONTAINS
    site_of_ports.sets = &site_sets;
    put_set("crm", "10.8.0.0/24");
}

static void
test_set_values(void)
{
    struct sg_sets sets;
    struct sg_prefix p[3];

    sg_sets_init(&sets);
    for (size_t i = 0; i < 3; i++) {
        free(sg_prefix_parse(i == 1 ? "10.0.0.1" : "10.0.0.2", &p[i]));
    }
    ok(!sg_sets_put(&sets, "x", NULL, 0), "an empty value is none");
    ok(sg_sets_put(&sets, "x", p, 3), "a value");
    is_int(sg_sets_find(&sets, "x")->n, 2, "doubles are dropped");
    ok(!sg_sets_put(&sets, "x", p, 2), "the same in another order");
    ok(sg_sets_put(&sets, "x", p, 1), "less");
    ok(!sg_sets_find(&sets, "y") && !sg_sets_find(NULL, "x"), "no such set");
    sg_sets_destroy(&sets);
}

/* Splits 'question' into words and traces.  The answer in one line. */
static char *
trace(const char *question)
{
    char *copy = xstrdup(question), *save = NULL;
    char *words[4] = { NULL, NULL, NULL, NULL };
    struct sg_trace t;
    char *answer;

    for (int i = 0; i < 4; i++) {
        words[i] = strtok_r(i ? NULL : copy, " ", &save);
    }
    answer = sg_trace(site, &site_of_ports, words[0], words[1], words[2],
                      words[3], &t);
    if (!answer) {
        struct ds s = DS_EMPTY_INITIALIZER;

        sg_trace_format(&t, &s);
        answer = ds_steal_cstr(&s);
    }
    free(copy);
    return answer;
}

static void
test_traces(void)
{
#define WEB_OUT "  egress: web egress all to any (p.lua:1)\n"
    static const struct {
        const char *question, *answer;
    } cases[] = {
        { "web1 db1 tcp 5432", "allow: web1 (10.0.0.1) -> db1 (10.0.1.1) tcp "
          "5432\n" WEB_OUT
          "  ingress: db ingress tcp 5432 from group web (p.lua:5)\n" },
        { "web1 db1 tcp 5433", "deny: web1 (10.0.0.1) -> db1 (10.0.1.1) tcp "
          "5433\n" WEB_OUT "  ingress: no rule\n" },
        { "web1 db1 tcp", "deny: web1 (10.0.0.1) -> db1 (10.0.1.1) tcp\n"
          WEB_OUT "  ingress: no rule\n" },
        { "db1 web1 tcp 80", "deny: db1 (10.0.1.1) -> web1 (10.0.0.1) tcp 80"
          "\n  egress: no rule\n"
          "  ingress: web ingress tcp 80 from any (p.lua:2)\n" },
        { "192.0.2.7 web1 6 80", "allow: 192.0.2.7 -> web1 (10.0.0.1) tcp 80"
          "\n  egress: not guarded here\n"
          "  ingress: web ingress tcp 80 from any (p.lua:2)\n" },
        { "web1 2001:db8::1 udp 53", "allow: web1 (fd00::1) -> 2001:db8::1 "
          "udp 53\n" WEB_OUT "  ingress: not guarded here\n" },
        { "203.0.113.4 10.0.1.1 icmp 8", "allow: 203.0.113.4 -> db1 "
          "(10.0.1.1) icmp 8\n  egress: not guarded here\n"
          "  ingress: db ingress icmp from 192.0.2.0/24,prefix_list office "
          "(p.lua:6)\n" },
        { "203.0.114.4 db1 icmp echo-request", "deny: 203.0.114.4 -> db1 "
          "(10.0.1.1) icmp 8\n  egress: not guarded here\n"
          "  ingress: no rule\n" },
        { "web1 db1 icmp6 echo-request", "allow: web1 (fd00::1) -> db1 "
          "(fd00::2) icmp6 128\n" WEB_OUT
          "  ingress: db ingress icmp6 128 from group web (p.lua:7)\n" },
        { "198.51.100.9 db1 tcp 5432", "allow: 198.51.100.9 -> db1 (10.0.1.1) "
          "tcp 5432\n  egress: not guarded here\n"
          "  ingress: db ingress tcp 5432 from group web (p.lua:5)\n" },
        { "10.7.1.2 db1 tcp 5432", "allow: router (10.7.1.2) -> db1 "
          "(10.0.1.1) tcp 5432\n" WEB_OUT
          "  ingress: db ingress tcp 5432 from group web (p.lua:5)\n" },
        { "router db1 47", "deny: router (10.7.0.0) -> db1 (10.0.1.1) "
          "protocol 47\n" WEB_OUT "  ingress: no rule\n" },
        /* Each side resolves groups in its own network. */
        { "blue-web blue-db tcp 5432", "allow: blue-web (10.0.0.1) -> blue-db "
          "(10.0.0.50) tcp 5432\n" WEB_OUT
          "  ingress: db ingress tcp 5432 from group web (p.lua:5)\n" },
        { "web2 blue-db tcp 5432", "deny: web2 (10.0.0.2) -> blue-db "
          "(10.0.0.50) tcp 5432\n" WEB_OUT "  ingress: no rule\n" },
        { "vlan2 trunk tcp 5432", "allow: vlan2 (10.2.2.2) -> trunk "
          "(10.1.1.1) tcp 5432\n" WEB_OUT
          "  ingress: db ingress tcp 5432 from group web (p.lua:5)\n" },
        { "web1 broken tcp 80", "deny: web1 (10.0.0.1) -> broken (10.0.0.66) "
          "tcp 80\n" WEB_OUT "  ingress: broken is closed: group \"wbe\" is "
          "not defined by the policy; did you mean \"web\"?\n" },
        /* Whoever it is behind eth0. */
        { "eth0 web1 tcp 80", "allow: eth0 -> web1 (10.0.0.1) tcp 80\n"
          "  egress: not guarded here\n"
          "  ingress: web ingress tcp 80 from any (p.lua:2)\n" },
        { "web1 eth0 icmp6 128", "allow: web1 (fd00::1) -> eth0 icmp6 128\n"
          WEB_OUT "  ingress: not guarded here\n" },
        { "eth0 db1 tcp 80", "deny: eth0 -> db1 (10.0.1.1) tcp 80\n"
          "  egress: not guarded here\n  ingress: no rule\n" },
        { "db1 eth0 udp 53", "deny: db1 (10.0.1.1) -> eth0 udp 53\n"
          "  egress: no rule\n  ingress: not guarded here\n" },

        { "wbe1 db1 tcp 80", "\"wbe1\" is neither an interface known here nor "
          "an address; did you mean \"web1\"?" },
        { "nobody web1 tcp 80", "\"nobody\" is neither an interface known "
          "here nor an address" },
        { "10.0.0.0/8 web1 tcp 80", "\"10.0.0.0/8\" is a prefix; name one "
          "address of it" },
        { "10.0.0.1 db1 tcp 80", "address 10.0.0.1 is known in two networks, "
          "blue (interface blue-web) and br0 (interface web1); name the "
          "interface instead" },
        { "192.0.2.1 192.0.2.2 tcp 80", "neither 192.0.2.1 nor 192.0.2.2 is "
          "guarded here" },
        { "eth0 db1 tcp 5432", "interface eth0 is not guarded, so its "
          "addresses are not known; name an address instead" },
        { "eth0 web2 icmp6", "eth0 and web2 do not both have an IPv6 address"
        },
        { "eth0 192.0.2.1 tcp 80", "neither eth0 nor 192.0.2.1 is guarded "
          "here" },
        { "mute web1 tcp 80", "no address of interface mute is known; set "
          "its external_ids:sg-addresses" },
        { "web2 2001:db8::1 tcp 80", "web2 and 2001:db8::1 do not both have "
          "an IPv4 or both an IPv6 address" },
        { "web2 web1 icmp6", "web2 and web1 do not both have an IPv6 "
          "address" },
        { "trunk 192.0.2.1 tcp 80", "interface trunk carries several VLANs, "
          "in different networks, and 192.0.2.1 does not say which one is "
          "meant" },
        { "web1 db1 tpc 80", "\"tpc\" is no protocol; write tcp, udp, sctp, "
          "icmp, icmp6 or a number from 0 to 255" },
        { "web1 db1 tcp 65536", "\"65536\" is no port; ports are 1 to 65535"
        },
        { "web1 db1 tcp 0", "\"0\" is no port; ports are 1 to 65535" },
        { "web1 db1 icmp 256", "\"256\" is no type of icmp; write a number "
          "from 0 to 255, TYPE/CODE, or a name such as echo-request" },
        { "web1 db1 47 5", "protocol 47 has no ports; leave out \"5\"" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *answer = trace(cases[i].question);

        is_str(answer, cases[i].answer, "trace %s", cases[i].question);
        free(answer);
    }
}

static void
test_json(void)
{
    static const char expected[] =
        "{\"egress\":{\"allowed\":true,\"file\":\"p.lua\",\"group\":\"web\","
        "\"line\":1,\"rule\":\"web egress all to any\"},"
        "\"ingress\":{\"allowed\":false,\"file\":null,\"group\":null,"
        "\"line\":null,\"rule\":null},\"verdict\":\"deny\"}";
    struct sg_trace t;
    struct json *json;
    char *error, *text;

    error = sg_trace(site, &site_of_ports, "web1", "db1", "tcp", "1", &t);
    is_str(error, NULL, "a trace for JSON");
    json = sg_trace_to_json(&t);
    text = json_to_string(json, JSSF_SORT);
    is_str(text, expected, "its JSON");
    free(text);
    json_destroy(json);

    error = sg_trace(site, &site_of_ports, "web1", "192.0.2.1", "tcp", "1",
                     &t);
    json = sg_trace_to_json(&t);
    ok(!error && json_object(json)
       && ((struct json *) shash_find_data(json_object(json), "ingress"))
          ->type == JSON_NULL, "a side that is not guarded is null");
    json_destroy(json);
}

int
main(void)
{
    test_layer4();
    site_init();
    test_members();
    test_sets();
    test_set_values();
    test_traces();
    test_json();
    sg_ports_destroy(&site_of_ports);
    sg_policy_unref(site);
    sg_sets_destroy(&site_sets);
    return done_testing();
}
