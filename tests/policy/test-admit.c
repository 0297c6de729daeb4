/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Which ports are guarded, with what; which are in error, and why. */

#include <config.h>

#include <stdlib.h>

#include "fixture.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "packets.h"
#include "svec.h"
#include "tap.h"
#include "util.h"

static const char policy_text[] =
    "{'groups':[{'name':'web'},{'name':'db'}],"
    "'binds':[{'groups':['db'],'name':'db*'},"
    "{'groups':['web'],'external_ids':{'role':'front-*','x':'*'}}]}";

static const char bridges[] =
    "'bridges':{'br0':{},"
    "'on':{'external_ids':{'sg-enable':'true'}},"
    "'off':{'external_ids':{'sg-enable':'false'}},"
    "'ovn':{'ovn':true},'neutron':{'neutron':true},"
    "'open':{'fail_mode':''},"
    "'p13':{'protocols':['OpenFlow13']},"
    "'p1015':{'protocols':['OpenFlow10','OpenFlow15']},"
    "'worst':{'fail_mode':'standalone','protocols':['OpenFlow10']}}";

static void
format_port(const struct sg_port *port, struct ds *s)
{
    ds_put_cstr(s, port->guarded ? "guarded" : "trusted");
    for (size_t i = 0; i < port->n_groups; i++) {
        ds_put_format(s, "%s%s", i ? "," : " groups=", port->groups[i]);
    }
    for (size_t i = 0; i < port->n_macs; i++) {
        ds_put_format(s, "%s"ETH_ADDR_FMT, i ? "," : " macs=",
                      ETH_ADDR_ARGS(port->macs[i]));
    }
    for (size_t i = 0; i < port->n_addresses; i++) {
        ds_put_cstr(s, i ? "," : " addresses=");
        sg_prefix_format(&port->addresses[i], s);
    }
    for (size_t i = 0; i < port->n_endpoints; i++) {
        const struct sg_endpoint *e = &port->endpoints[i];

        ds_put_format(s, "%s%s%s%d@%s", i ? "," : " vlans=",
                      e->tagged ? "t" : "u", e->native ? "n" : "", e->vlan,
                      e->network);
    }
    if (!port->port_security) {
        ds_put_cstr(s, " spoofs");
    }
    if (port->error) {
        ds_put_format(s, " error: %s", port->error);
    }
}

/* Admits the port of JSON 'port' (without name) under the name "tap". */
static char *
admit(const struct sg_policy *policy, const struct sg_binder *binder,
      const char *port)
{
    char *text = xasprintf("{%s,'ports':[{'name':'tap'%s%s}]}", bridges,
                           port[0] ? "," : "", port);
    struct ds s = DS_EMPTY_INITIALIZER;
    struct sg_facts facts;
    struct sg_port *p;

    facts_from_text(text, &facts);
    p = sg_port_admit(policy, binder, sg_facts_find_iface(&facts, "tap"));
    format_port(p, &s);
    sg_port_destroy(p);
    sg_facts_destroy(&facts);
    free(text);
    return ds_steal_cstr(&s);
}

struct admission {
    const char *port;           /* Facts. */
    const char *outcome;
};

static void
expect(const char *title, const struct admission *cases, size_t n)
{
    struct sg_policy *policy = policy_from_text(policy_text, NULL);

    for (size_t i = 0; i < n; i++) {
        char *outcome = admit(policy, NULL, cases[i].port);

        is_str(outcome, cases[i].outcome, "%s %"PRIuSIZE, title, i + 1);
        free(outcome);
    }
    sg_policy_unref(policy);
}

#define EXPECT(TITLE, CASES) expect(TITLE, CASES, ARRAY_SIZE(CASES))
#define IDS(...) "'external_ids':{" __VA_ARGS__ "}"

static void
test_guarded(void)
{
    static const struct admission cases[] = {
        { "", "trusted" },
        { IDS("'sg-groups':'web'"), "guarded groups=web vlans=u0@br0" },
        { IDS("'sg-groups':''"), "guarded groups=default vlans=u0@br0" },
        { IDS("'sg-groups':' web,db  web '"),
          "guarded groups=db,web vlans=u0@br0" },
        { IDS("'iface-id':'x'"), "trusted" },
        { IDS("'iface-id':'x'") ",'bridge':'on'",
          "guarded groups=default vlans=u0@on" },
        { "'bridge':'on'", "trusted" },
        { IDS("'sg-groups':'web'") ",'bridge':'off'", "trusted" },
        { IDS("'sg-groups':'web'") ",'bridge':'ovn'", "trusted" },
        { IDS("'sg-groups':'web'") ",'bridge':'neutron'", "trusted" },
        { IDS("'role':'front-1','x':''"), "guarded groups=web vlans=u0@br0" },
        { IDS("'role':'front-1'"), "trusted" },
        { IDS("'role':'front-1','x':'','sg-groups':'db'"),
          "guarded groups=db vlans=u0@br0" },
        { IDS("'role':'front-1','x':'','sg-groups':''"),
          "guarded groups=default vlans=u0@br0" },
        { IDS("'sg-groups':'wbe'"), "guarded groups=wbe vlans=u0@br0 error: "
          "group \"wbe\" is not defined by the policy; did you mean "
          "\"web\"?" },
        { IDS("'sg-groups':'a/b'"), "guarded groups=a/b vlans=u0@br0 error: "
          "\"a/b\" is no name for a group; names are made of letters, "
          "digits, '_', '.' and '-', and do not begin with '.' or '-'" },
    };

    EXPECT("guarded", cases);
}

static void
test_plumbing(void)
{
#define SAYS "trusted error: tap joins the bridge to the host or to another " \
             "bridge and cannot be guarded; it stays trusted: remove sg-groups"
    static const struct admission cases[] = {
        { "'type':'patch'", "trusted" },
        { "'type':'patch'," IDS("'sg-groups':''"), SAYS },
        { "'ofport':65534," IDS("'sg-groups':''"), SAYS },
        { "'bridge':'tap'," IDS("'sg-groups':''"), SAYS },
        { "'ofport':65534," IDS("'role':'front-1','x':''"), "trusted" },
        { "'type':'vxlan'," IDS("'sg-groups':'web'"),
          "guarded groups=web vlans=u0@br0" },
    };
#undef SAYS

    EXPECT("plumbing", cases);
}

static void
test_addresses(void)
{
#define GUARDED(...) IDS("'sg-groups':'web'," __VA_ARGS__)
#define WEB "guarded groups=web"
#define NETWORK " vlans=u0@br0"
    static const struct admission cases[] = {
        { GUARDED("'attached-mac':'00:16:3E:00:00:01'"),
          WEB " macs=00:16:3e:00:00:01" NETWORK },
        { GUARDED("'attached-mac':'00:16:3e:00:00:01, 00:16:3e:00:00:02 "
                  "00:16:3e:00:00:01'"),
          WEB " macs=00:16:3e:00:00:01,00:16:3e:00:00:02" NETWORK },
        { GUARDED("'attached-mac':'00:16:3e:00:00'"), WEB NETWORK " error: "
          "attached-mac: \"00:16:3e:00:00\" is no MAC; write for example "
          "00:16:3e:00:00:01" },
        { GUARDED("'attached-mac':'01:00:5e:00:00:01'"), WEB NETWORK
          " error: attached-mac: 01:00:5e:00:00:01 is no MAC that a guest "
          "can have (it is zero, broadcast or multicast)" },
        { GUARDED("'attached-mac':'00:00:00:00:00:00'"), WEB NETWORK
          " error: attached-mac: 00:00:00:00:00:00 is no MAC that a guest "
          "can have (it is zero, broadcast or multicast)" },
        { GUARDED("'sg-addresses':'10.0.0.9 10.0.0.1,2001:db8::/64 "
                  "10.0.0.1'"),
          WEB " addresses=10.0.0.1,10.0.0.9,2001:db8::/64" NETWORK },
        { GUARDED("'sg-addresses':'10.0.0.300 10.0.0.1'"),
          WEB " addresses=10.0.0.1" NETWORK " error: sg-addresses: "
          "\"10.0.0.300\" is no address or prefix; write for example "
          "192.0.2.1, 192.0.2.0/24 or 2001:db8::/32" },
        { GUARDED("'sg-addresses':'224.0.0.1'"), WEB NETWORK " error: "
          "sg-addresses: 224.0.0.1 is no address that a guest can have (it "
          "is unspecified, broadcast or multicast)" },
        { GUARDED("'sg-addresses':'ff02::1 :: 0.0.0.0'"), WEB NETWORK
          " error: sg-addresses: ff02::1 is no address that a guest can have "
          "(it is unspecified, broadcast or multicast); sg-addresses: :: is "
          "no address that a guest can have (it is unspecified, broadcast or "
          "multicast); sg-addresses: 0.0.0.0 is no address that a guest can "
          "have (it is unspecified, broadcast or multicast)" },
        { GUARDED("'sg-port-security':'false'"), WEB NETWORK " spoofs" },
        { GUARDED("'sg-port-security':'no'"), WEB NETWORK " error: "
          "sg-port-security is \"no\"; it must be true or false" },
    };

    EXPECT("addresses", cases);
}

static void
test_vlans(void)
{
    static const struct admission cases[] = {
        { "'tag':10," GUARDED("'x':''"), WEB " vlans=u10@br0.10" },
        { "'tag':10,'vlan_mode':'access','trunks':[5]," GUARDED("'x':''"),
          WEB " vlans=u10@br0.10" },
        { "'tag':10," GUARDED("'sg-network':'blue'"), WEB " vlans=u10@blue" },
        { GUARDED("'sg-network':'a b'"), WEB " vlans=u0@br0 error: "
          "sg-network: \"a b\" is no name for a network; names are made of "
          "letters, digits, '_', '.' and '-', and do not begin with '.' or "
          "'-'" },
        { "'trunks':[20,10]," GUARDED("'x':''"),
          WEB " vlans=t10@br0.10,t20@br0.20" },
        { "'vlan_mode':'trunk','trunks':[0,10]," GUARDED("'x':''"),
          WEB " vlans=u0@br0,t10@br0.10" },
        { "'vlan_mode':'native-untagged','tag':5,'trunks':[5,10],"
          GUARDED("'x':''"), WEB " vlans=u5@br0.5,t10@br0.10" },
        { "'vlan_mode':'native-tagged','tag':5,'trunks':[0,10],"
          GUARDED("'x':''"), WEB " vlans=tn5@br0.5,t10@br0.10" },
        { "'vlan_mode':'trunk'," GUARDED("'x':''"), WEB " error: a guarded "
          "trunk must say its VLANs; run: ovs-vsctl set port tap "
          "trunks=VLAN,..." },
        { "'vlan_mode':'dot1q-tunnel','tag':5," GUARDED("'x':''"), WEB
          " error: vlan_mode=dot1q-tunnel cannot be guarded; use an access "
          "port or a trunk" },
    };

    EXPECT("vlans", cases);
}

static void
test_bridges(void)
{
    static const struct admission cases[] = {
        { "'bridge':'p1015'," GUARDED("'x':''"), WEB " vlans=u0@p1015" },
        { "'bridge':'open'," GUARDED("'x':''"), WEB " vlans=u0@open error: "
          "cannot guard on bridge open: it is not fail_mode=secure, so a "
          "restart of the switch would open it; run: ovs-vsctl set-fail-mode "
          "open secure" },
        { "'bridge':'p13'," GUARDED("'x':''"), WEB " vlans=u0@p13 error: "
          "cannot guard on bridge p13: its protocols lack OpenFlow10, which "
          "no-flood needs, and its protocols lack a version with bundles; "
          "run: ovs-vsctl add bridge p13 protocols OpenFlow10 -- add bridge "
          "p13 protocols OpenFlow15" },
        { "'bridge':'worst'," GUARDED("'x':''"), WEB " vlans=u0@worst error: "
          "cannot guard on bridge worst: it is not fail_mode=secure, so a "
          "restart of the switch would open it, and its protocols lack a "
          "version with bundles; run: ovs-vsctl set-fail-mode worst secure "
          "-- add bridge worst protocols OpenFlow15" },
        { "'bridge':'open'", "trusted" },
    };

    EXPECT("bridges", cases);
}

/* A binder whose functions match, do not match, and fail, by their number. */
static char *
call_function(void *aux, int function, const struct sg_iface *iface,
              enum sg_bind_answer *answer, struct svec *groups)
{
    int *n_calls = aux;

    ++*n_calls;
    if (function == 2) {
        return xasprintf("p.lua:3: attempt to index %s", iface->name);
    }
    *answer = (function == 1 ? SG_BIND_YES
               : function == 3 ? SG_BIND_PENDING : SG_BIND_NO);
    if (*answer == SG_BIND_YES) {
        svec_add(groups, "web");
    }
    return NULL;
}

static void
test_functions(void)
{
    static const struct {
        const char *binds, *port, *outcome;
    } cases[] = {
        { "{'function':0}", "", "trusted" },
        { "{'function':0},{'function':1}", "",
          "guarded groups=web vlans=u0@br0" },
        { "{'function':1},{'groups':['db'],'name':'t*'}", "",
          "guarded groups=db,web vlans=u0@br0" },
        { "{'function':2}", "", "guarded groups=default vlans=u0@br0 error: "
          "p.lua:3: attempt to index tap" },
        { "{'function':2}", IDS("'sg-groups':'db'"),
          "guarded groups=db vlans=u0@br0" },
    };
    int n_calls = 0;
    struct sg_binder binder = { call_function, &n_calls };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = xasprintf("{'groups':[{'name':'web'},{'name':'db'}],"
                               "'binds':[%s]}", cases[i].binds);
        struct sg_policy *policy = policy_from_text(text, NULL);
        char *outcome = admit(policy, &binder, cases[i].port);

        is_str(outcome, cases[i].outcome, "functions %"PRIuSIZE, i + 1);
        free(outcome);
        sg_policy_unref(policy);
        free(text);
    }
    is_int(n_calls, 5, "functions are asked only where they matter");
}

static const char *
error_of(const struct sg_ports *ports, const char *name)
{
    return sg_ports_find(ports, name)->error;
}

static void
test_conflicts(void)
{
#define PORT(NAME, UUID, REST) \
    "{'name':'" NAME "','uuid':'00000000-0000-0000-0000-00000000000" UUID \
    "'," REST "}"
    static const char text[] =
        "{'ports':["
        /* The lower UUID keeps the address, whatever the order. */
        PORT("b", "2", GUARDED("'sg-addresses':'10.0.0.1 10.0.0.2'")) ","
        PORT("a", "1", GUARDED("'sg-addresses':'10.0.0.1'")) ","
        /* A loser holds nothing, so this one is fine. */
        PORT("c", "3", GUARDED("'sg-addresses':'10.0.0.2'")) ","
        PORT("d", "4", "'tag':7," GUARDED("'sg-addresses':'10.0.0.1'")) ","
        PORT("e", "5", GUARDED("'sg-addresses':'10.0.0.0/24'")) ","
        PORT("f", "6", GUARDED("'attached-mac':'00:16:3e:00:00:01'")) ","
        PORT("g", "7", GUARDED("'attached-mac':'00:16:3e:00:00:01',"
                               "'sg-network':'other'")) ","
        PORT("h", "8", "'tag':7," GUARDED("'attached-mac':"
                                          "'00:16:3e:00:00:01'")) ","
        PORT("i", "9", IDS("'attached-mac':'00:16:3e:00:00:01'")) ","
        PORT("m", "a", "'port':'bond0'," GUARDED("'x':''")) ","
        PORT("n", "b", "'port':'bond0'") "]}";
    static const char *const fine[] = { "a", "b", "c", "d", "e", "f", "h", "i",
                                        "n" };
    struct sg_policy *policy = policy_from_text(policy_text, NULL);
    struct sg_facts facts;
    struct sg_ports ports;

    facts_from_text(text, &facts);
    sg_ports_init(&ports);
    for (int i = 0; i < 2; i++) {
        sg_ports_admit_all(&ports, policy, NULL, &facts);
        is_int(hmap_count(&ports.ports), 11, "all ports are there, once");
    }

    for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
        is_str(error_of(&ports, fine[i]), NULL, "port %s has no error",
               fine[i]);
    }
    is_str(error_of(&ports, "g"), "MAC 00:16:3e:00:00:01 in VLAN 0 of bridge "
           "br0 is already that of interface f; change one of the two",
           "one MAC in one VLAN of a bridge, whatever the networks");
    is_str(error_of(&ports, "m"), "m is one of several interfaces of the "
           "bond bond0, which cannot be guarded", "a bond");
    ok(!sg_ports_find(&ports, "zz"), "an interface that is not there");

    sg_ports_destroy(&ports);
    sg_facts_destroy(&facts);
    sg_policy_unref(policy);
}

static void
test_facts(void)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "[]", "the top of a file of ports must be an object with "
          "\"ports\"" },
        { "{}", "\"ports\" must be a list of ports" },
        { "{'bridges':[],'ports':[]}", "\"bridges\" must be an object: a "
          "bridge per name" },
        { "{'bridges':{'b':{'fail-mode':'secure'}},'ports':[]}",
          "bridge \"b\": unknown key \"fail-mode\"; did you mean "
          "\"fail_mode\"?" },
        { "{'ports':[5]}", "port number 1: \"name\" must be there, and a "
          "string" },
        { "{'ports':[{'name':'a'},{'name':'a'}]}", "port \"a\" is there "
          "twice" },
        { "{'ports':[{'name':'a','tag':5000}]}", "port \"a\": \"tag\" must "
          "be a number from 0 to 4095" },
        { "{'ports':[{'name':'a','trunks':['x']}]}", "port \"a\": \"trunks\" "
          "must be a list of VLANs, 0 to 4095" },
        { "{'ports':[{'name':'a','external_ids':{'a':1}}]}", "port \"a\": "
          "\"external_ids\" must be an object of strings" },
        { "{'ports':[{'name':'a','uuid':'x'}]}", "port \"a\": \"uuid\" must "
          "be a UUID" },
        { "{'ports':[{'name':'a','mac_in_use':'x'}]}", "port \"a\": "
          "\"mac_in_use\" must be an Ethernet address" },
    };
    struct sg_facts facts;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct json *json = json_from_text(cases[i].text);
        char *error;

        sg_facts_init(&facts);
        error = sg_facts_from_json(json, &facts);
        is_str(error, cases[i].error, "bad facts %"PRIuSIZE, i + 1);
        free(error);
        sg_facts_destroy(&facts);
        json_destroy(json);
    }

    facts_from_text("{'ports':[{'name':'a'},{'name':'b','ofport':7},"
                    "{'name':'c'},{'name':'d','bridge':'br1'},"
                    "{'name':'e','ofport':-1}]}", &facts);
    is_int(sg_facts_find_iface(&facts, "a")->ofport, 8, "numbered");
    is_int(sg_facts_find_iface(&facts, "b")->ofport, 7, "numbered by itself");
    is_int(sg_facts_find_iface(&facts, "c")->ofport, 9, "numbered next");
    is_int(sg_facts_find_iface(&facts, "d")->ofport, 1, "by the bridge");
    is_int(sg_facts_find_iface(&facts, "e")->ofport, SG_OFPORT_NONE,
           "not there yet");
    sg_facts_destroy(&facts);
}

/* A bind for the group "web" with 'where', and the port that it is asked
 * about. */
static void
test_where(void)
{
#define MACS "'attached-mac':'00:16:3e:00:00:01 52:54:00:AB:00:02'"
#define OWN "'sg-addresses':'192.0.2.1 10.1.0.0/16 2001:db8::1'"
    static const struct {
        const char *where, *port;
        bool match;
    } cases[] = {
        { "'name':'tap'", "", true },
        { "'name':'ta?'", "", true },
        { "'name':'tap?'", "", false },
        { "'name':['x*','[t]*']", "", true },
        { "'name':['x*','y*']", "", false },
        { "'bridge':'b*'", "", true },
        { "'bridge':'br1'", "", false },
        { "'bridge':'o*'", "'bridge':'on'", true },
        { "'type':''", "", true },
        { "'type':''", "'type':'internal'", false },
        { "'type':['dummy','internal']", "'type':'internal'", true },
        { "'tag':10", "'tag':10", true },
        { "'tag':10", "'tag':20", false },
        { "'tag':[10,20]", "'tag':20", true },
        { "'tag':0", "", false },
        { "'mac':'52:54:00:ab:00:02'", IDS(MACS), true },
        { "'mac':'52:54:00:AB:*'", IDS(MACS), true },
        { "'mac':'52:54:*'", "", false },
        { "'mac':'52:54:*'", IDS("'attached-mac':'52:54'"), false },
        { "'mac':'52:55:*'", IDS(MACS), false },
        { "'address':'192.0.2.0/24'", IDS(OWN), true },
        { "'address':'192.0.2.1'", IDS(OWN), true },
        { "'address':'192.0.2.2'", IDS(OWN), false },
        { "'address':'10.0.0.0/8'", IDS(OWN), true },
        { "'address':'10.1.2.0/24'", IDS(OWN), false },
        { "'address':['203.0.113.0/24','2001:db8::/32']", IDS(OWN), true },
        { "'address':'0.0.0.0/0'", IDS("'sg-addresses':'2001:db8::1'"),
          false },
        { "'address':'192.0.2.0/24'", "", false },
        { "'address':'192.0.2.0/24'", IDS("'sg-addresses':'192.0.2'"),
          false },
        { "'external_ids':{'k':'v*'}", IDS("'k':'v1'"), true },
        { "'external_ids':{'k':'v*','l':'*'}", IDS("'k':'v1'"), false },
        /* All must hold. */
        { "'name':'tap','tag':10", "'tag':10", true },
        { "'name':'tap','tag':10", "", false },
        { "'name':'tap','bridge':'x'", "", false },
        { "'name':'tap','mac':'52:*'", IDS(OWN), false },
        { "'mac':'52:*','address':'192.0.2.0/24'", IDS(MACS "," OWN), true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = xasprintf("{'groups':[{'name':'web'}],'binds':[{"
                               "'groups':['web'],%s}]}", cases[i].where);
        struct sg_policy *policy = policy_from_text(text, NULL);
        char *outcome = admit(policy, NULL, cases[i].port);

        ok(!strncmp(outcome, "guarded groups=web", 18) == cases[i].match,
           "where %s is %s of %s", cases[i].where,
           cases[i].match ? "true" : "false",
           cases[i].port[0] ? cases[i].port : "tap");
        free(outcome);
        sg_policy_unref(policy);
        free(text);
    }
}

int
main(void)
{
    test_where();
    test_guarded();
    test_plumbing();
    test_addresses();
    test_vlans();
    test_bridges();
    test_functions();
    test_conflicts();
    test_facts();
    return done_testing();
}
