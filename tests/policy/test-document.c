/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* What is said about policy documents, good and bad. */

#include <config.h>

#include <stdlib.h>

#include "fixture.h"
#include "openvswitch/json.h"
#include "policy/addresses.h"
#include "smap.h"
#include "tap.h"
#include "util.h"

#define PLACE(LINE) "'place':{'file':'p.lua','line':" #LINE "}"
#define GROUP(BODY) "{'groups':[{'name':'g'," PLACE(1) "," BODY "}]}"
#define INGRESS(RULE) GROUP("'ingress':[{" PLACE(2) "," RULE "}]")
#define EGRESS(RULE) GROUP("'egress':[{" PLACE(2) "," RULE "}]")
#define TCP(VALUES) \
    INGRESS("'word':'tcp','values':" VALUES ",'from':{'any':true}")
#define FROM(PEERS) INGRESS("'word':'tcp','values':[22],'from':" PEERS)

struct expectation {
    const char *document;
    const char *said;           /* All diagnostics, a line each. */
};

static void
expect(const char *title, const struct expectation *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *said;
        struct sg_policy *policy = policy_from_text(cases[i].document, &said);
        bool failed = strstr(said, "p.lua") && !strstr(said, "warning: ");

        is_str(said, cases[i].said, "%s %"PRIuSIZE, title, i + 1);
        ok(!policy == failed, "%s %"PRIuSIZE": %s", title, i + 1,
           failed ? "no policy" : "a policy");
        sg_policy_unref(policy);
        free(said);
    }
}

#define EXPECT(TITLE, CASES) expect(TITLE, CASES, ARRAY_SIZE(CASES))

static void
test_ports(void)
{
    static const struct expectation cases[] = {
        { TCP("[80,[443,'8000-8080']]"), "" },
        { TCP("[80.0]"), "" },
        { TCP("['80',1,65535]"), "" },
        { TCP("['0-65535', '0-22']"), "" },
        { TCP("[0]"), "p.lua:2: port 0 of tcp is out of range; ports are 1 to "
          "65535\n" },
        { TCP("[65536]"), "p.lua:2: port 65536 of tcp is out of range; ports "
          "are 1 to 65535\n" },
        { TCP("[-1]"), "p.lua:2: port -1 of tcp is out of range; ports are 1 "
          "to 65535, and a range stands in quotes, as in \"80-90\"\n" },
        { TCP("['-1']"), "p.lua:2: \"-1\" is no port of tcp; write a number "
          "such as 80 or a range such as \"8080-8089\"\n" },
        { TCP("['1-70000']"), "p.lua:2: port \"1-70000\" of tcp is out of "
          "range; ports are 1 to 65535\n" },
        { TCP("['90-80']"), "p.lua:2: port range \"90-80\" of tcp is "
          "reversed; write \"80-90\"\n" },
        { TCP("[80.5]"), "p.lua:2: 80.5 is no port of tcp; write a number "
          "such as 80 or a range such as \"8080-8089\"\n" },
        { TCP("['http']"), "p.lua:2: \"http\" is no port of tcp; write a "
          "number such as 80 or a range such as \"8080-8089\"\n" },
        { TCP("['80-']"), "p.lua:2: \"80-\" is no port of tcp; write a number "
          "such as 80 or a range such as \"8080-8089\"\n" },
        { TCP("['80 - 90']"), "p.lua:2: \"80 - 90\" is no port of tcp; write "
          "a number such as 80 or a range such as \"8080-8089\"\n" },
        { TCP("[true,{'bad':'a function'}]"),
          "p.lua:2: a function is no port of tcp; write a number such as 80 "
          "or a range such as \"8080-8089\"\n"
          "p.lua:2: true is no port of tcp; write a number such as 80 or a "
          "range such as \"8080-8089\"\n" },
        { TCP("[[]]"), "p.lua:2: the list of ports of tcp is empty; leave it "
          "out if all ports are meant\n" },
    };

    EXPECT("ports", cases);
}

static void
test_icmp(void)
{
#define ICMP(REST) INGRESS("'word':'icmp','from':{'any':true}," REST)
    static const struct expectation cases[] = {
        { ICMP("'values':['echo-request',13]"), "" },
        { ICMP("'type':3,'code':4"), "" },
        { ICMP("'type':['echo-reply',3]"), "" },
        { ICMP("'values':['echo-reqest']"), "p.lua:2: \"echo-reqest\" is no "
          "type of icmp; did you mean \"echo-request\"?\n" },
        { ICMP("'values':['packet-too-big']"), "p.lua:2: \"packet-too-big\" "
          "is no type of icmp; write a number from 0 to 255 or a name such as "
          "\"echo-request\" (icmp has types, not ports)\n" },
        { ICMP("'values':['80-90']"), "p.lua:2: icmp takes no ports and no "
          "ranges (\"80-90\"); write types one by one, 0 to 255 or by name\n"
        },
        { ICMP("'values':[443]"), "p.lua:2: 443 is no type of icmp; write a "
          "number from 0 to 255 or a name such as \"echo-request\" (icmp has "
          "types, not ports)\n" },
        { ICMP("'code':4"), "p.lua:2: code without a type; write icmp { type "
          "= N, code = N, ... }\n" },
        { ICMP("'type':3,'code':256"), "p.lua:2: code is 256; it must be a "
          "number from 0 to 255\n" },
        { ICMP("'type':'port-unreachable','code':1"), "p.lua:2: code = 1 "
          "contradicts a type whose name stands for code 3; write the type "
          "as a number\n" },
        { ICMP("'type':[]"), "p.lua:2: the list of types of icmp is empty; "
          "leave it out if all types are meant\n" },
    };
#undef ICMP

    EXPECT("icmp", cases);
}

static void
test_words(void)
{
    static const struct expectation cases[] = {
        { INGRESS("'word':'ip','protocol':47,'from':{'any':true}"), "" },
        { INGRESS("'word':'all','from':{'any':true}"), "" },
        { INGRESS("'word':'tpc','from':{'any':true}"), "p.lua:2: \"tpc\" is "
          "no kind of rule; did you mean \"tcp\"?\n" },
        { INGRESS("'word':'ip','from':{'any':true}"), "p.lua:2: ip without a "
          "protocol; write ip { protocol = N, ... } with a number from 0 to "
          "255, or all { ... } for every protocol\n" },
        { INGRESS("'word':'ip','protocol':'gre','from':{'any':true}"),
          "p.lua:2: protocol is \"gre\"; it must be a number from 0 to 255\n"
        },
        { INGRESS("'word':'ip','protocol':256,'from':{'any':true}"),
          "p.lua:2: protocol is 256; it must be a number from 0 to 255\n" },
        { INGRESS("'word':'all','values':[22],'from':{'any':true}"),
          "p.lua:2: all takes no ports; write tcp, udp or sctp for those\n" },
        { INGRESS("'word':'udp','type':8,'from':{'any':true}"), "p.lua:2: udp "
          "has no type and no code; those belong to icmp and icmp6\n" },
        { INGRESS("'word':'tcp','protocol':6,'from':{'any':true}"),
          "p.lua:2: tcp takes no protocol; write ip { protocol = N, ... } for "
          "a protocol by its number\n" },
        { INGRESS("'word':'tcp','unknown':['form','port'],"
                  "'from':{'any':true}"),
          "p.lua:2: tcp has no key \"form\"; did you mean \"from\"?\n"
          "p.lua:2: tcp has no key \"port\"; it takes from, to, family and "
          "description\n" },
        { INGRESS("'word':'tcp','description':5,'from':{'any':true}"),
          "p.lua:2: description of tcp is 5; it must be a text in quotes\n" },
        { INGRESS("'bad':'a string'"), "p.lua:2: ingress of group \"g\" holds "
          "a string where a rule belongs; write for example tcp { 22, from = "
          "any }\n" },
        { GROUP("'egress':[5]"), "p.lua:1: egress of group \"g\" holds 5 "
          "where a rule belongs; write for example tcp { 22, to = any }\n" },
    };

    EXPECT("words", cases);
}

static void
test_peers(void)
{
    static const struct expectation cases[] = {
        { FROM("['192.0.2.1',['2001:db8::/32'],{'group':'g'}]"), "" },
        { INGRESS("'word':'tcp','to':{'any':true}"), "p.lua:2: \"to\" does "
          "not belong in ingress; write \"from\"\n" },
        { EGRESS("'word':'tcp','from':{'any':true}"), "p.lua:2: \"from\" does "
          "not belong in egress; write \"to\"\n" },
        { INGRESS("'word':'tcp'"), "p.lua:2: tcp has no \"from\"; write from "
          "= any if everyone is meant\n" },
        { EGRESS("'word':'tcp'"), "p.lua:2: tcp has no \"to\"; write to = any "
          "if everyone is meant\n" },
        { FROM("'10.0.0.5/8'"), "p.lua:2: \"10.0.0.5/8\" has bits set behind "
          "its length; write 10.0.0.0/8 for the prefix or 10.0.0.5 for the "
          "address alone\n" },
        { FROM("'web'"), "p.lua:2: \"web\" is no address or prefix; write for "
          "example 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32 (for the group "
          "write group \"web\")\n" },
        { FROM("'any'"), "p.lua:2: \"any\" is no address or prefix; write for "
          "example 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32 (for everyone "
          "write any, without quotes)\n" },
        { FROM("7"), "p.lua:2: from cannot be 7; write any, an address or "
          "prefix in quotes, group \"NAME\", a prefix list, or a list of "
          "those\n" },
        { FROM("{'word':'tcp'}"), "p.lua:2: from cannot be a rule; write any, "
          "an address or prefix in quotes, group \"NAME\", a prefix list, or "
          "a list of those\n" },
        { FROM("[]"), "p.lua:2: warning: \"from\" is an empty list, so the "
          "rule can never match and is left out\n" },
    };

    EXPECT("peers", cases);
}

static void
test_families(void)
{
#define FAMILY(WORD, REST) INGRESS("'word':'" WORD "'," REST)
    static const struct expectation cases[] = {
        { FAMILY("tcp", "'family':'ipv4','from':'10.0.0.0/8'"), "" },
        { FAMILY("tcp", "'family':'ipv6','from':['10.0.0.0/8','::1']"), "" },
        { FAMILY("tcp", "'family':'ip4','from':{'any':true}"), "p.lua:2: "
          "family is \"ip4\"; it must be \"ipv4\" or \"ipv6\"\n" },
        { FAMILY("tcp", "'family':'ipv6','from':'10.0.0.0/8'"), "p.lua:2: "
          "10.0.0.0/8 is an IPv4 peer, but tcp with family = \"ipv6\" is for "
          "IPv6 only, so the rule can never match\n" },
        { FAMILY("icmp6", "'from':'10.0.0.0/8'"), "p.lua:2: 10.0.0.0/8 is an "
          "IPv4 peer, but icmp6 is for IPv6 only, so the rule can never "
          "match\n" },
        { FAMILY("icmp", "'from':'::1'"), "p.lua:2: ::1 is an IPv6 peer, but "
          "icmp is for IPv4 only, so the rule can never match\n" },
        { FAMILY("icmp", "'family':'ipv6','from':{'any':true}"), "p.lua:2: "
          "family = \"ipv6\" contradicts icmp; write icmp6, or leave family "
          "out\n" },
    };
#undef FAMILY

    EXPECT("families", cases);
}

static void
test_groups(void)
{
    static const struct expectation cases[] = {
        { GROUP("'revocation':'drain','description':'d'"), "" },
        { GROUP("'revocation':'drian'"), "p.lua:1: revocation of group \"g\" "
          "is \"drian\"; it must be \"cut\" or \"drain\"\n" },
        { GROUP("'unknown':['ingres','rules']"), "p.lua:1: group \"g\" has no "
          "key \"ingres\"; did you mean \"ingress\"?\n"
          "p.lua:1: group \"g\" has no key \"rules\"; it takes description, "
          "revocation, ingress and egress\n" },
        { "{'groups':[{'name':'g'," PLACE(1) "},{'name':'g'," PLACE(9) ","
          "'revocation':1}]}",
          "p.lua:9: group \"g\" is defined twice; the first time at p.lua:1\n"
          "p.lua:9: revocation of group \"g\" is 1; it must be \"cut\" or "
          "\"drain\"\n" },
        { "{'groups':[{'name':'a b'," PLACE(1) "}]}", "p.lua:1: \"a b\" is no "
          "name for a group; names are made of letters, digits, '_', '.' and "
          "'-', and do not begin with '.' or '-'\n" },
        { "{'groups':[{'name':5," PLACE(1) "}]}", "p.lua:1: the name of a "
          "group must be a string, not 5\n" },
        { "{'groups':[{'name':''," PLACE(1) "}]}", "p.lua:1: the name of a "
          "group must not be empty\n" },
        { "{'prefix_lists':[{'name':'l'," PLACE(1) ",'entries':['10.0.0.1']},"
          "{'name':'l'," PLACE(2) ",'entries':['10.0.0.300',8]}]}",
          "p.lua:2: prefix_list \"l\" is defined twice; the first time at "
          "p.lua:1\n"
          "p.lua:2: prefix_list \"l\": \"10.0.0.300\" is no address or "
          "prefix; write for example 192.0.2.1, 192.0.2.0/24 or "
          "2001:db8::/32\n"
          "p.lua:2: prefix_list \"l\": 8 is no address or prefix; write those "
          "in quotes\n" },
        { "{'errors':[{" PLACE(3) ",'message':'from Lua'}],"
          "'warnings':[{" PLACE(4) ",'message':'too'}]}",
          "p.lua:3: from Lua\np.lua:4: warning: too\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *said;

        sg_policy_unref(policy_from_text(cases[i].document, &said));
        is_str(said, cases[i].said, "groups %"PRIuSIZE, i + 1);
        free(said);
    }
}

static void
test_references(void)
{
    static const struct expectation cases[] = {
        { FROM("[{'group':'gg'}]"), "p.lua:2: group \"gg\" is not defined; "
          "did you mean \"g\"?\n" },
        { FROM("[{'group':'backup'}]"), "p.lua:2: group \"backup\" is not "
          "defined; define it with group \"backup\" { ... }\n" },
        { FROM("[{'prefix_list':'g'}]"), "p.lua:2: prefix_list \"g\" is not "
          "defined; did you mean group \"g\"?\n" },
        { FROM("[{'group':'a b'}]"), "p.lua:2: \"a b\" is no name for a "
          "group; names are made of letters, digits, '_', '.' and '-', and do "
          "not begin with '.' or '-'\n" },
        /* A noted use is reported where it is, and only there. */
        { "{'groups':[{'name':'g'," PLACE(1) ",'ingress':[{'word':'tcp',"
          PLACE(2) ",'from':{'group':'wbe'}}]},{'name':'web'," PLACE(9) "}],"
          "'refs':[{'kind':'group','name':'wbe'," PLACE(3) "}]}",
          "p.lua:3: group \"wbe\" is not defined; did you mean \"web\"?\n" },
        { "{'refs':[{'kind':'group'," PLACE(3) "}]}", "p.lua:3: the name of a "
          "group must be a string, not nothing\n" },
        { "{'members':[{'group':'gg'," PLACE(3) ",'entries':['10.0.0.1']}]}",
          "p.lua:3: group \"gg\" is not defined; define it with group \"gg\" "
          "{ ... }\n" },
        { "{'binds':[{" PLACE(3) ",'groups':['defualt'],'name':'tap*'}]}",
          "p.lua:3: group \"defualt\" is not defined; did you mean "
          "\"default\"?\n" },
    };

    EXPECT("references", cases);
}

#define SET(OPTIONS) "{'addresses':[{'name':'s'," PLACE(4) "," OPTIONS \
                     "}],'refs':[{'kind':'addresses','name':'s'}]}"

static void
test_addresses(void)
{
    static const struct expectation cases[] = {
        { SET("'file':'/x','interval':5,'max_change':'50%','on_error':'keep',"
              "'max_size':100,'format':'json','path':'a.b','field':'ip'"),
          "" },
        { SET("'dns':['a.example','B.Example.'],'min_ttl':1,'max_ttl':2,"
              "'nameservers':['192.0.2.53','192.0.2.53:5353','::1',"
              "'[::1]:53'],'max_change':3,'on_error':'empty'"), "" },
        { SET("'http':'https://h/x','timeout':3,'ca':'/ca.pem'"), "" },
        { SET("'interval':5"), "p.lua:4: addresses \"s\" does not say where "
          "its addresses come from; give it file =, dns =, http = or "
          "resolve =\n" },
        { SET("'resolve':1,'interval':5"), "" },
        { SET("'resolve':'x'"), "p.lua:4: resolve of addresses \"s\" is "
          "\"x\"; it must be a function\n" },
        { SET("'resolve':1,'timeout':5"), "p.lua:4: timeout of addresses "
          "\"s\" means nothing for a source of the kind resolve\n" },
        { SET("'file':'/x','dns':'a'"), "p.lua:4: addresses \"s\" has two "
          "sources, file and dns; make two sets of it\n" },
        { SET("'file':5"), "p.lua:4: file of addresses \"s\" is 5; it must "
          "be the name of a file\n" },
        { SET("'dns':[]"), "p.lua:4: dns of addresses \"s\" is an empty "
          "list\n" },
        { SET("'dns':['a b','192.0.2.1','a..b','-.-']"),
          "p.lua:4: dns of addresses \"s\" is \"192.0.2.1\"; that is an "
          "address; put it into a prefix_list\n"
          "p.lua:4: dns of addresses \"s\" is \"a b\"; it must be a name such "
          "as \"crm.example.net\", or a list of names\n"
          "p.lua:4: dns of addresses \"s\" is \"a..b\"; it must be a name "
          "such as \"crm.example.net\", or a list of names\n" },
        { SET("'dns':'a','nameservers':['ns.example','10.0.0.1:99999']"),
          "p.lua:4: nameservers of addresses \"s\" is \"10.0.0.1:99999\"; it "
          "must be an address such as \"192.0.2.53\", with a port if it is "
          "not 53, or a list of those\n"
          "p.lua:4: nameservers of addresses \"s\" is \"ns.example\"; it must "
          "be an address such as \"192.0.2.53\", with a port if it is not "
          "53, or a list of those\n" },
        { SET("'dns':'a','min_ttl':9,'max_ttl':8"), "p.lua:4: min_ttl of "
          "addresses \"s\" is 9, which is more than max_ttl, 8\n" },
        { SET("'http':'ftp://h/'"), "p.lua:4: http of addresses \"s\" is "
          "\"ftp://h/\"; it must begin with \"http://HOST\" or "
          "\"https://HOST\"\n" },
        { SET("'http':'http://u:p@h/'"), "p.lua:4: http of addresses \"s\" is "
          "\"http://u:p@h/\"; a user and a password would be seen in logs; "
          "leave them out\n" },
        { SET("'http':'http://h/a b'"), "p.lua:4: http of addresses \"s\" is "
          "\"http://h/a b\"; it has a character that a URL cannot have; write "
          "it as %HH\n" },
        { SET("'file':'/x','interval':0"), "p.lua:4: interval of addresses "
          "\"s\" is 0; it must be a number of seconds from 1 to 86400\n" },
        { SET("'file':'/x','max_change':'101%'"), "p.lua:4: max_change of "
          "addresses \"s\" is \"101%\"; it must be a number of addresses, or "
          "a part such as \"50%\"\n" },
        { SET("'file':'/x','on_error':'close'"), "p.lua:4: on_error of "
          "addresses \"s\" is \"close\"; it must be \"keep\" or \"empty\"\n" },
        { SET("'file':'/x','format':'xml'"), "p.lua:4: format of addresses "
          "\"s\" is \"xml\"; it must be \"lines\" or \"json\"\n" },
        { SET("'file':'/x','format':'lines','field':'ip'"), "p.lua:4: "
          "addresses \"s\" has path or field, which belong to format = "
          "\"json\"\n" },
        { SET("'file':'/x','min_ttl':3"), "p.lua:4: min_ttl of addresses "
          "\"s\" means nothing for a source of the kind file\n" },
        { SET("'file':'/x','unknown':['intervall']"), "p.lua:4: addresses "
          "\"s\" has no key \"intervall\"; did you mean \"interval\"?\n" },
        { "{'addresses':[{'name':'s'," PLACE(4) ",'file':'/x'}]}",
          "p.lua:4: warning: addresses \"s\" is not used\n" },
        { "{'addresses':[{'name':'s'," PLACE(4) ",'file':'/x'},"
          "{'name':'s'," PLACE(5) ",'file':'/y'}]}",
          "p.lua:5: addresses \"s\" is defined twice; the first time at "
          "p.lua:4\n" },
        { "{'addresses':[{'name':'crm'," PLACE(4) ",'file':'/x'}],"
          "'groups':[{'name':'g'," PLACE(1) ",'ingress':[{'word':'tcp',"
          PLACE(2) ",'from':{'addresses':'cmr'}}]}]}",
          "p.lua:2: addresses \"cmr\" is not defined; did you mean "
          "\"crm\"?\n" },
        { "{'groups':[{'name':'g'," PLACE(1) "}],'members':[{'group':'g',"
          PLACE(3) ",'entries':[{'addresses':'g'}]}]}",
          "p.lua:3: addresses \"g\" is not defined; did you mean group "
          "\"g\"?\n" },
        { "{'prefix_lists':[{'name':'l'," PLACE(3) ",'entries':["
          "{'addresses':'s'}]}]}", "p.lua:3: prefix_list \"l\": an addresses "
          "set is no address or prefix; write those in quotes\n" },
    };

    EXPECT("addresses", cases);
}

/* A path is seen from the folder of the policy file. */
static void
test_paths(void)
{
    struct sg_policy *policy = policy_from_text(
        "{'addresses':[{'name':'s','place':{'file':'/etc/p/p.lua'},"
        "'file':'lists/x'}],'refs':[{'kind':'addresses','name':'s'}]}", NULL);
    const struct sg_addresses *a = sg_policy_addresses(policy, "s");
    char *source = sg_addresses_describe(a);

    is_str(a->targets[0], "/etc/p/lists/x", "a path below the policy's");
    is_str(source, "file /etc/p/lists/x", "a source in words");
    is_int(a->interval, 60, "the default interval");
    free(source);
    sg_policy_unref(policy);
}

static void
test_binds(void)
{
    static const struct expectation cases[] = {
        { "{'binds':[{" PLACE(3) ",'groups':['default'],"
          "'external_ids':{'k':'v*'}}]}", "" },
        { "{'binds':[{" PLACE(3) ",'groups':['default'],'name':'t*'}]}", "" },
        { "{'binds':[{" PLACE(3) ",'function':0}]}", "" },
        { "{'binds':[{" PLACE(3) ",'groups':['default']}]}", "p.lua:3: bind "
          "says for no interface; write where = { name = \"PATTERN\" } or "
          "where = { external_ids = { KEY = \"PATTERN\" } }\n" },
        { "{'binds':[{" PLACE(3) ",'groups':[],'name':'t*'}]}", "p.lua:3: "
          "bind names no groups; write groups = { \"NAME\", ... }\n" },
        { "{'binds':[{" PLACE(3) ",'groups':[4],'name':5,"
          "'external_ids':{'k':6},'unknown':['group']}]}",
          "p.lua:3: bind has no key \"group\"; did you mean \"groups\"?\n"
          "p.lua:3: groups of bind holds 4; write the names of groups in "
          "quotes\n"
          "p.lua:3: name of bind is 5; it must be a text in quotes\n"
          "p.lua:3: the pattern for external_ids key \"k\" of bind must be a "
          "string\n" },
    };

#define BIND(WHERE) \
    "{'binds':[{" PLACE(3) ",'groups':['default']," WHERE "}]}"
    static const struct expectation wheres[] = {
        { BIND("'bridge':'br*','type':['','internal'],'tag':[10,[20]],"
               "'mac':'52:54:00:*','address':['10.0.0.0/8','2001:db8::1']"),
          "" },
        { BIND("'tag':0"), "" },
        { BIND("'tag':4096"), "p.lua:3: tag of bind is 4096; it must be the "
          "number of a VLAN, 0 to 4095\n" },
        { BIND("'tag':'10'"), "p.lua:3: tag of bind is \"10\"; it must be the "
          "number of a VLAN, 0 to 4095\n" },
        { BIND("'mac':'52-54-00-*'"), "p.lua:3: mac of bind is \"52-54-00-*\""
          "; write it with colons, as in \"52:54:00:*\"\n" },
        { BIND("'mac':'525400000001'"), "p.lua:3: mac of bind is "
          "\"525400000001\"; write it with colons, as in \"52:54:00:*\"\n" },
        { BIND("'mac':'52:5G:*'"), "p.lua:3: mac of bind is \"52:5G:*\"; "
          "write it with colons, as in \"52:54:00:*\"\n" },
        { BIND("'bridge':7"), "p.lua:3: bridge of bind is 7; it must be a "
          "text in quotes\n" },
        { BIND("'address':7"), "p.lua:3: address of bind is 7; it must be an "
          "address or prefix in quotes\n" },
        { BIND("'address':'10.0.0.1/8'"), "p.lua:3: address of bind: "
          "\"10.0.0.1/8\" has bits set behind its length; write 10.0.0.0/8 "
          "for the prefix or 10.0.0.1 for the address alone\n" },
        { BIND("'name':[]"), "p.lua:3: name of bind is an empty list; leave "
          "it out if all are meant\n" },
        { BIND("'tag':{}"), "p.lua:3: tag of bind is an empty list; leave it "
          "out if all are meant\n" },
        /* What the source has refused already is not said twice. */
        { "{'binds':[{" PLACE(3) ",'groups':[],'bad':true}]}", "" },
        { "{'binds':[{" PLACE(3) ",'groups':['dbb'],'bad':true}]}",
          "p.lua:3: group \"dbb\" is not defined; define it with group "
          "\"dbb\" { ... }\n" },
    };

    EXPECT("binds", cases);
    EXPECT("where", wheres);
}

static void
test_warnings(void)
{
#define TWO(A, B) GROUP("'ingress':[{'word':'tcp'," PLACE(2) "," A "}," \
                        "{'word':'tcp'," PLACE(3) "," B "}]")
#define COVERED(A, B) "p.lua:" #A ": warning: this rule allows nothing that " \
                      "the one at p.lua:" #B " does not allow already\n"
    static const struct expectation cases[] = {
        { TWO("'values':[22],'from':{'any':true}",
              "'values':['22-22'],'from':[{'any':true},'10.0.0.1']"),
          "p.lua:3: warning: this is the same rule as the one at p.lua:2\n" },
        { TWO("'values':[22],'from':'10.0.0.0/8'",
              "'values':['20-30'],'from':'0.0.0.0/0'"), COVERED(2, 3) },
        { TWO("'from':{'any':true}", "'values':[1],'from':{'group':'g'}"),
          COVERED(3, 2) },
        { TWO("'values':[22],'from':'0.0.0.0/0'",
              "'values':[22],'from':'::1'"), "" },
        { TWO("'values':['22-23'],'from':{'group':'g'}",
              "'values':['23-24'],'from':{'group':'g'}"), "" },
        { TWO("'values':[22],'family':'ipv4','from':{'any':true}",
              "'values':[22],'from':{'any':true}"), COVERED(2, 3) },
        { "{'groups':[{'name':'g'," PLACE(1) ",'ingress':[{'word':'tcp',"
          PLACE(2) ",'family':'ipv6','from':{'prefix_list':'l'}}]}],"
          "'prefix_lists':[{'name':'l'," PLACE(8) ",'entries':['10.0.0.1']},"
          "{'name':'m'," PLACE(9) ",'entries':[]}]}",
          "p.lua:2: warning: this rule can never match: its prefix lists hold "
          "no IPv6 addresses\n"
          "p.lua:9: warning: prefix_list \"m\" is not used\n" },
    };
#undef TWO
#undef COVERED

    EXPECT("warnings", cases);
}

/* A chain of callers is told with every error of a rule. */
static void
test_chain(void)
{
    char *said;

    sg_policy_unref(policy_from_text(
        GROUP("'ingress':[{'word':'tcp','place':{'file':'t.lua','line':4,"
              "'chain':'called from p.lua:3'}}]"), &said));
    is_str(said, "t.lua:4: tcp has no \"from\"; write from = any if everyone "
           "is meant (called from p.lua:3)\n", "chain of callers");
    free(said);
}

/* All errors of a document come in one go, and none of them stops another. */
static void
test_all_at_once(void)
{
    char *said;

    sg_policy_unref(policy_from_text(
        "{'groups':[{'name':'g'," PLACE(1) ",'revocation':3,'ingress':["
        "{'word':'tcp'," PLACE(2) ",'values':[0,'9-8'],'to':{'any':true}},"
        "{'word':'udp'," PLACE(3) ",'values':['x'],'from':{'group':'h1'}}]}],"
        "'members':[{'group':'g'," PLACE(4) ",'entries':['10.0.0.0/40']}],"
        "'binds':[{" PLACE(5) ",'groups':['h2'],'name':'*'}]}", &said));
    is_str(said,
           "p.lua:1: revocation of group \"g\" is 3; it must be \"cut\" or "
           "\"drain\"\n"
           "p.lua:2: \"to\" does not belong in ingress; write \"from\"\n"
           "p.lua:2: port 0 of tcp is out of range; ports are 1 to 65535\n"
           "p.lua:2: port range \"9-8\" of tcp is reversed; write \"8-9\"\n"
           "p.lua:3: \"x\" is no port of udp; write a number such as 80 or a "
           "range such as \"8080-8089\"\n"
           "p.lua:4: members \"g\": \"10.0.0.0/40\" has a bad prefix length; "
           "it is a number from 0 to 32 for IPv4\n"
           "p.lua:5: group \"h2\" is not defined; define it with group "
           "\"h2\" { ... }\n", "everything at once");
    free(said);
}

/* Anything may stand anywhere, and nothing but an error comes of it. */
static void
test_odd_documents(void)
{
    static const char *const documents[] = {
        "[]", "{}", "{'groups':5}", "{'groups':[5,null,[]]}",
        "{'groups':[{'name':'g','ingress':{'word':'tcp'}}]}",
        "{'groups':[{'name':'g','ingress':[[[[[]]]]]}]}",
        "{'groups':[{'name':'g','place':5,'ingress':[{'word':5}]}]}",
        "{'prefix_lists':[5,{}],'members':[5,{}],'binds':[5,{}],'refs':[5,{}],"
        "'errors':[5],'warnings':[{}]}",
        "{'addresses':[5,{},[],{'name':{},'file':[],'dns':{},'http':[5],"
        "'resolve':-1,'nameservers':5,'max_change':{},'path':5}]}",
        "{'binds':[{'function':-1},{'function':1e300,'external_ids':[]}]}",
        "{'groups':[{'name':'g','place':{'file':'f','line':1e99},"
        "'unknown':[[5],{}]}]}",
    };
    char *deep = xmalloc(1001);

    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        char *said;

        sg_policy_unref(policy_from_text(documents[i], &said));
        ok(true, "odd document %"PRIuSIZE, i + 1);
        free(said);
    }

    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    deep[400] = '\0';
    char *document = xasprintf("{'groups':[{'name':'g'," PLACE(1)
                               ",'ingress':%s}]}", deep);
    char *said;
    sg_policy_unref(policy_from_text(document, &said));
    is_str(said, "p.lua:1: the lists in ingress of group \"g\" nest too "
           "deeply\n", "very deep lists");
    free(said);
    free(document);
    free(deep);
}

static void
test_contents(void)
{
    struct sg_policy *policy = policy_from_text(
        "{'groups':[{'name':'g'," PLACE(1) ",'revocation':'drain',"
        "'description':'d'},{'name':'shut'," PLACE(2) ",'egress':[]}],"
        "'members':[{'group':'g'," PLACE(3) ",'entries':['10.0.0.2']},"
        "{'group':'g'," PLACE(4) ",'network':'n','entries':['10.0.0.9']},"
        "{'group':'g'," PLACE(5) ",'entries':['10.0.0.1','10.0.0.2']}],"
        "'binds':[{" PLACE(6) ",'groups':['g','shut'],'name':'tap*',"
        "'external_ids':{'k':'v'}},{" PLACE(7) ",'function':3}]}", NULL);
    const struct sg_group *g = sg_policy_group(policy, "g", NULL);

    ok(g->drain && !strcmp(g->description, "d") && g->place.line == 1,
       "keys of a group");
    is_int(g->n_rules[SG_INGRESS], 0, "nothing comes in");
    ok(g->n_rules[SG_EGRESS] == 1 && g->rules[SG_EGRESS][0]->implicit
       && g->rules[SG_EGRESS][0]->place.line == 1,
       "an absent egress is one implicit rule at the group's place");
    is_int(sg_policy_group(policy, "shut", NULL)->n_rules[SG_EGRESS], 0,
           "an empty egress is none");
    ok(sg_policy_group(policy, "default", NULL)->builtin, "default is there");
    is_int(policy->n_rules, 3, "all rules are counted");

    is_int(policy->n_members, 2, "members by group and network");
    is_int(policy->members[0].n, 2, "statements are joined, without doubles");
    is_str(policy->members[1].network, "n", "members of a network");
    is_int(policy->n_binds, 2, "bindings");
    is_int(policy->binds[0].n_groups, 2, "groups of a binding");
    is_str(smap_get(policy->binds[0].external_ids, "k"), "v", "its pattern");
    is_int(policy->binds[1].function, 3, "a binding by a function");

    ok(sg_policy_rule(policy, &g->rules[SG_EGRESS][0]->id)
       == g->rules[SG_EGRESS][0], "a rule is found by its identity");
    sg_policy_ref(policy);
    sg_policy_unref(policy);
    ok(sg_policy_group(policy, "g", NULL) == g, "a reference keeps a policy");
    sg_policy_unref(policy);
}

static void
test_default_group(void)
{
    struct sg_policy *policy = sg_policy_empty();
    const struct sg_group *group = sg_policy_group(policy, "default", NULL);

    is_str(group->rules[SG_INGRESS][0]->text,
           "default ingress all from group default", "default: in");
    is_str(group->rules[SG_EGRESS][0]->text, "default egress all to any",
           "default: out");
    is_str(group->place.file, "(built-in)", "default: place");
    sg_policy_unref(policy);

    policy = policy_from_text("{'groups':[{'name':'default'," PLACE(1)
                              ",'egress':[]}]}", NULL);
    group = sg_policy_group(policy, "default", NULL);
    ok(!group->builtin && !group->n_rules[SG_INGRESS]
       && !group->n_rules[SG_EGRESS], "defining default replaces it");
    sg_policy_unref(policy);
}

int
main(void)
{
    test_ports();
    test_icmp();
    test_words();
    test_peers();
    test_families();
    test_groups();
    test_references();
    test_addresses();
    test_paths();
    test_binds();
    test_warnings();
    test_chain();
    test_all_at_once();
    test_odd_documents();
    test_contents();
    test_default_group();
    return done_testing();
}
