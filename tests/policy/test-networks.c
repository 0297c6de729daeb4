/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Groups that exist in one network alone: what a name stands for where. */

#include <config.h>

#include <stdlib.h>

#include "fixture.h"
#include "openvswitch/dynamic-string.h"
#include "policy/eval.h"
#include "tap.h"
#include "util.h"

#define PLACE(LINE) "'place':{'file':'p.lua','line':" #LINE "}"
#define TCP(PORT, PEERS) \
    "{'word':'tcp','values':[" #PORT "],'from':" PEERS "}"
#define RULES(...) ",'ingress':[" __VA_ARGS__ "]}"
#define IN(NETWORK) ",'network':'" NETWORK "'"

/* Two tenants with groups of the same names, and other rules; and one for
 * all. */
static const char policy_text[] =
    "{'groups':["
    "{'name':'web'" IN("blue") "," PLACE(1)
    RULES(TCP(80, "{'any':true}") "," TCP(1, "{'group':'web'}") ","
          TCP(2, "{'group':'web','network':'blue'}")) ","
    "{'name':'web'" IN("red") "," PLACE(2)
    RULES(TCP(81, "{'any':true}") "," TCP(1, "{'group':'web'}") ","
          TCP(2, "{'group':'web','network':'blue'}")) ","
    "{'name':'mon'," PLACE(3)
    RULES(TCP(1, "{'group':'web'}") ","
          TCP(2, "{'group':'web','network':'blue'}") ","
          TCP(3, "{'group':'default'}")) ","
    "{'name':'default'" IN("red") "," PLACE(4)
    RULES(TCP(90, "{'any':true}")) "],"
    "'members':["
    "{'group':'web','entries':['10.9.0.0/16']},"
    "{'group':'web'" IN("blue") ",'entries':['10.8.0.1']},"
    "{'group':'mon'" IN("red") ",'entries':['10.8.0.2']}]}";

#define PORT(NAME, GROUPS, ADDRESSES, MORE) \
    "{'name':'" NAME "','external_ids':{'sg-groups':'" GROUPS "'," \
    "'sg-addresses':'" ADDRESSES "','sg-network':'" MORE "'}}"

static const char ports_text[] =
    "{'ports':["
    PORT("bw1", "web", "10.0.0.1", "blue") ","
    PORT("bw2", "web", "10.0.0.2", "blue") ","
    PORT("rw1", "web", "10.0.0.1", "red") ","
    PORT("rw3", "web", "10.0.0.3", "red") ","
    PORT("bm", "mon", "10.0.1.1", "blue") ","
    PORT("rm", "mon", "10.0.1.1", "red") ","
    PORT("gm", "mon", "10.0.1.1", "green") ","
    PORT("gw", "web", "10.0.0.7", "green") ","
    PORT("bd", "", "10.0.2.1", "blue") ","
    PORT("rd", "", "10.0.2.2", "red") ","
    "{'name':'trunk','trunks':[1,2],'external_ids':{'sg-groups':'web'}}]}";

static struct sg_policy *policy;
static struct sg_ports ports;

static void
init(void)
{
    struct sg_facts facts;

    policy = policy_from_text(policy_text, NULL);
    facts_from_text(ports_text, &facts);
    sg_ports_init(&ports);
    sg_ports_admit_all(&ports, policy, NULL, &facts);
    sg_facts_destroy(&facts);
}

/* The canonical text of the rule by which 'name' lets TCP from 'remote' in. */
static const char *
rule_for(const char *name, const char *remote, int tcp)
{
    struct sg_flowspec flow = { .proto = 6, .port = tcp, .code = -1 };
    const struct sg_port *port = sg_ports_find(&ports, name);
    char *error = sg_prefix_parse(remote, &flow.remote);
    const struct sg_rule *rule;

    if (error || !port || port->error) {
        ovs_fatal(0, "%s: %s", name, error ? error : port->error);
    }
    rule = sg_eval(policy, &ports, port, port->endpoints, SG_INGRESS, &flow);
    return rule ? rule->text : "-";
}

static void
test_rules(void)
{
    static const struct {
        const char *port, *remote;
        int tcp;
        const char *rule;
    } cases[] = {
        { "bw1", "192.0.2.1", 80, "blue/web ingress tcp 80 from any" },
        { "bw1", "192.0.2.1", 81, "-" },
        { "rw1", "192.0.2.1", 81, "red/web ingress tcp 81 from any" },
        { "rw1", "192.0.2.1", 80, "-" },
        /* A name without a network is that of the port's own. */
        { "bw1", "10.0.0.2", 1, "blue/web ingress tcp 1 from group web" },
        { "bw1", "10.0.0.3", 1, "-" },
        { "rw1", "10.0.0.3", 1, "red/web ingress tcp 1 from group web" },
        { "rw1", "10.0.0.2", 1, "-" },
        /* With one it is that; and the own one written out is the own one. */
        { "rw1", "10.0.0.2", 2, "red/web ingress tcp 2 from group blue/web" },
        { "rw1", "10.0.0.3", 2, "-" },
        { "rw1", "10.8.0.1", 2, "red/web ingress tcp 2 from group blue/web" },
        { "rw1", "10.8.0.1", 1, "-" },
        { "bw1", "10.0.0.2", 2, "blue/web ingress tcp 2 from group web" },
        /* A group of every network has the members that are where it is. */
        { "bm", "10.0.0.2", 1, "mon ingress tcp 1 from group web" },
        { "bm", "10.0.0.3", 1, "-" },
        { "rm", "10.0.0.3", 1, "mon ingress tcp 1 from group web" },
        { "gm", "10.0.0.3", 1, "-" },
        { "gm", "10.0.0.2", 2, "mon ingress tcp 2 from group blue/web" },
        { "gm", "10.9.0.1", 1, "mon ingress tcp 1 from group web" },
        { "rm", "10.9.0.1", 1, "mon ingress tcp 1 from group web" },
        /* A network's own `default' is what the name means there. */
        { "bm", "10.0.2.1", 3, "mon ingress tcp 3 from group default" },
        { "rm", "10.0.2.2", 3, "mon ingress tcp 3 from group default" },
        { "rm", "10.0.2.1", 3, "-" },
        { "rd", "192.0.2.1", 90, "red/default ingress tcp 90 from any" },
        { "bd", "192.0.2.1", 90, "-" },
        { "bd", "10.0.2.1", 90, "default ingress all from group default" },
        { "rd", "10.0.2.2", 91, "-" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        is_str(rule_for(cases[i].port, cases[i].remote, cases[i].tcp),
               cases[i].rule, "%s, from %s, tcp %d", cases[i].port,
               cases[i].remote, cases[i].tcp);
    }
}

static void
test_ports(void)
{
    is_str(sg_ports_find(&ports, "gw")->error, "group \"web\" is not defined "
           "in network \"green\" but in \"blue\"; see external_ids:sg-network "
           "of the interface", "a port in a network that lacks its group");
    is_str(sg_ports_find(&ports, "trunk")->error, "group \"web\" is not "
           "defined in network \"br0.1\" but in \"blue\"; see "
           "external_ids:sg-network of the interface", "and a trunk");
}

static void
test_errors(void)
{
#define WEB(LINE, NETWORK) "{'name':'web'" NETWORK "," PLACE(LINE) "}"
#define USES(NETWORK, PEER) "{'name':'app'" NETWORK "," PLACE(7) \
    ",'ingress':[{'word':'tcp'," PLACE(8) ",'from':" PEER "}]}"
#define REMEDY "; rename one, or define it in each network that needs it\n"
    static const struct {
        const char *document, *said;
    } cases[] = {
        { "{'groups':[" WEB(1, IN("blue")) "," WEB(2, IN("red")) "]}", "" },
        { "{'groups':[" WEB(1, IN("blue")) "," WEB(2, IN("blue")) "]}",
          "p.lua:2: group \"blue/web\" is defined twice; the first time at "
          "p.lua:1\n" },
        { "{'groups':[" WEB(1, IN("blue")) "," WEB(2, "") "]}",
          "p.lua:2: group \"web\" is defined twice: for network \"blue\" and "
          "for every network, the first time at p.lua:1" REMEDY },
        { "{'groups':[" WEB(1, "") "," WEB(2, IN("blue")) "]}",
          "p.lua:2: group \"web\" is defined twice: for network \"blue\" and "
          "for every network, the first time at p.lua:1" REMEDY },
        { "{'groups':[{'name':'default'" IN("blue") "," PLACE(1) "},"
          "{'name':'default'," PLACE(2) "}]}",
          "p.lua:2: group \"default\" is defined twice: for network \"blue\" "
          "and for every network, the first time at p.lua:1" REMEDY },
        { "{'groups':[" WEB(1, ",'network':'a/b'") "]}",
          "p.lua:1: \"a/b\" is no name for a network; names are made of "
          "letters, digits, '_', '.' and '-', and do not begin with '.' or "
          "'-'\n" },
        { "{'groups':[" WEB(1, ",'network':7") "]}",
          "p.lua:1: the name of a network must be a string, not 7\n" },

        { "{'groups':[" WEB(1, IN("red")) ","
          USES(IN("blue"), "{'group':'web'}") "]}",
          "p.lua:8: group \"web\" is not defined in network \"blue\"; network "
          "\"red\" has one, which is network \"red\".group \"web\" in a "
          "rule\n" },
        { "{'groups':[" WEB(1, IN("red")) "," USES("", "{'group':'web'}")
          "]}", "" },
        { "{'groups':[" WEB(1, "") "," USES(IN("blue"), "{'group':'web'}")
          "]}", "" },
        { "{'groups':[" WEB(1, "") ","
          USES("", "{'group':'web','network':'x'}") "]}", "" },
        { "{'groups':[" WEB(1, IN("red")) ","
          USES(IN("blue"), "{'group':'wbe','network':'red'}") "]}",
          "p.lua:8: group \"wbe\" is not defined in network \"red\"; did you "
          "mean \"web\"?\n" },
        { "{'groups':[" WEB(1, IN("red")) "],'members':[{'group':'web',"
          PLACE(3) IN("blue") ",'entries':['10.0.0.1']}]}",
          "p.lua:3: group \"web\" is not defined in network \"blue\"; network "
          "\"red\" has one, which is network \"red\".group \"web\" in a "
          "rule\n" },
        { "{'groups':[" WEB(1, IN("red")) "],'members':[{'group':'web',"
          PLACE(3) ",'entries':['10.0.0.1']}]}", "" },
        { "{'groups':[" WEB(1, IN("red")) "],'binds':[{'groups':['web'],"
          "'name':'x'," PLACE(3) "}]}", "" },
        { "{'refs':[{'kind':'network','name':'-'," PLACE(3) "}]}",
          "p.lua:3: \"-\" is no name for a network; names are made of "
          "letters, digits, '_', '.' and '-', and do not begin with '.' or "
          "'-'\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *said;

        sg_policy_unref(policy_from_text(cases[i].document, &said));
        is_str(said, cases[i].said, "error %"PRIuSIZE, i + 1);
        free(said);
    }
}

int
main(void)
{
    init();
    test_rules();
    test_ports();
    test_errors();
    sg_ports_destroy(&ports);
    sg_policy_unref(policy);
    return done_testing();
}
