/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Canonical texts and identities of rules. */

#include <config.h>

#include <stdlib.h>

#include "fixture.h"
#include "tap.h"
#include "util.h"
#include "uuid.h"

#define DOCUMENT(RULES) "{'groups':[{'name':'g','ingress':[],'egress':[" \
                        RULES "]}],'prefix_lists':[{'name':'l','entries':" \
                        "['10.0.0.1','::1']}]}"
#define TO_ANY "'to':{'any':true}"

/* The only egress rule that 'rule' makes in group "g". */
static const struct sg_rule *
only_rule(const struct sg_policy *policy)
{
    return sg_policy_group(policy, "g", NULL)->rules[SG_EGRESS][0];
}

static struct sg_policy *
policy_of(const char *rule)
{
    char *document = xasprintf(DOCUMENT("%s"), rule);
    char *said;
    struct sg_policy *policy = policy_from_text(document, &said);

    if (!policy) {
        ovs_fatal(0, "%s", said);
    }
    free(said);
    free(document);
    return policy;
}

static void
test_texts(void)
{
    static const struct {
        const char *rule, *text;
        unsigned int names;
    } cases[] = {
        { "{'word':'all'," TO_ANY "}", "g egress all to any", 0 },
        { "{'word':'tcp'," TO_ANY "}", "g egress tcp to any", 0 },
        { "{'word':'tcp','values':[443,[80,'81-90','85-100']]," TO_ANY "}",
          "g egress tcp 80-100,443 to any", 0 },
        { "{'word':'tcp','values':['1-65534',65535]," TO_ANY "}",
          "g egress tcp 1-65535 to any", 0 },
        { "{'word':'sctp','values':[5],'family':'ipv6'," TO_ANY "}",
          "g egress sctp 5 ipv6 to any", 0 },
        { "{'word':'ip','protocol':6," TO_ANY "}", "g egress tcp to any", 0 },
        { "{'word':'ip','protocol':47," TO_ANY "}", "g egress ip 47 to any",
          0 },
        { "{'word':'ip','protocol':1," TO_ANY "}", "g egress ip 1 to any",
          0 },
        { "{'word':'ip','protocol':1,'family':'ipv4'," TO_ANY "}",
          "g egress icmp to any", 0 },
        { "{'word':'icmp','values':[8,'port-unreachable','echo-request',3],"
          TO_ANY "}", "g egress icmp 3,8 to any", 0 },
        { "{'word':'icmp','type':3,'code':4," TO_ANY "}",
          "g egress icmp 3/4 to any", 0 },
        { "{'word':'icmp6'," TO_ANY "}", "g egress icmp6 to any", 0 },
        { "{'word':'all','to':[{'prefix_list':'l'},'::1',{'group':'g'},"
          "'10.0.0.0/8','::1']}",
          "g egress all to 10.0.0.0/8,::1,group g,prefix_list l", 0 },
        { "{'word':'all','to':['::1',{'any':true}]}", "g egress all to any",
          0 },

        /* What a guest may be only if a rule names it. */
        { "{'word':'udp','values':[68]," TO_ANY "}", "g egress udp 68 to any",
          SG_NAMED_DHCP_SERVER },
        { "{'word':'udp','values':['68-68']," TO_ANY "}",
          "g egress udp 68 to any", SG_NAMED_DHCP_SERVER },
        { "{'word':'udp','values':[67,'68']," TO_ANY "}",
          "g egress udp 67-68 naming 68 to any", SG_NAMED_DHCP_SERVER },
        { "{'word':'udp','values':['67-68']," TO_ANY "}",
          "g egress udp 67-68 to any", 0 },
        { "{'word':'udp','values':[546]," TO_ANY "}",
          "g egress udp 546 to any", SG_NAMED_DHCPV6_SERVER },
        { "{'word':'udp'," TO_ANY "}", "g egress udp to any", 0 },
        { "{'word':'ip','protocol':17," TO_ANY "}", "g egress udp to any",
          0 },
        { "{'word':'tcp','values':[68]," TO_ANY "}", "g egress tcp 68 to any",
          0 },
        { "{'word':'icmp6','values':['router-advertisement']," TO_ANY "}",
          "g egress icmp6 134 to any", SG_NAMED_ROUTER_ADVERT },
        { "{'word':'icmp6','type':134,'code':0," TO_ANY "}",
          "g egress icmp6 134/0 to any", SG_NAMED_ROUTER_ADVERT },
        { "{'word':'icmp','type':134," TO_ANY "}", "g egress icmp 134 to any",
          0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sg_policy *policy = policy_of(cases[i].rule);

        is_str(only_rule(policy)->text, cases[i].text, "%s", cases[i].text);
        is_int(only_rule(policy)->names, cases[i].names, "what it names");
        sg_policy_unref(policy);
    }
}

/* The UUID of a known rule, so that nobody changes all identities without
 * noticing. */
static void
test_uuid(void)
{
    struct sg_policy *a = policy_of("{'word':'tcp','values':[80,443],"
                                    "'description':'x'," TO_ANY "}");
    struct sg_policy *b = policy_of("{'word':'tcp','values':[443,80],"
                                    "'place':{'file':'f','line':7}," TO_ANY
                                    "}");
    struct sg_policy *c = policy_of("{'word':'tcp','values':[80]," TO_ANY
                                    "}");
    const struct uuid *id = &only_rule(a)->id;
    char *text = xasprintf(UUID_FMT, UUID_ARGS(id));

    is_str(text, "4bf0cd8a-55eb-5b49-9f69-531c17b135e5",
           "UUID of \"%s\"", only_rule(a)->text);
    is_int(id->parts[1] >> 12 & 0xf, 5, "it is of version 5");
    is_int(id->parts[2] >> 30, 2, "and of variant 1");
    ok(uuid_equals(id, &only_rule(b)->id),
       "order, description and place do not matter");
    ok(!uuid_equals(id, &only_rule(c)->id), "ports do");
    free(text);
    sg_policy_unref(a);
    sg_policy_unref(b);
    sg_policy_unref(c);
}

/* A rule that stands in a group twice is one rule. */
static void
test_double(void)
{
    struct sg_policy *policy = policy_of(
        "{'word':'udp','values':[53]," TO_ANY "},"
        "{'word':'udp','values':['53']," TO_ANY "}");

    is_int(sg_policy_group(policy, "g", NULL)->n_rules[SG_EGRESS], 1,
           "twice the same rule is one");
    sg_policy_unref(policy);
}

int
main(void)
{
    test_texts();
    test_uuid();
    test_double();
    return done_testing();
}
