/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Traffic that was seen, judged. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "openvswitch/json.h"
#include "policy/eval.h"
#include "policy/seen.h"
#include "tap.h"
#include "util.h"

static struct sg_policy *policy;
static struct sg_ports ports;

static void
start(void)
{
    struct sg_facts facts;
    char *said;

    policy = policy_from_text(
        "{'groups':["
        "{'name':'web','ingress':[{'word':'tcp','values':[80],"
        "'from':{'any':true}}]},"
        "{'name':'db','ingress':[{'word':'tcp','values':[5432],"
        "'from':{'group':'web'}}],'egress':[]}]}", &said);
    if (!policy) {
        ovs_fatal(0, "%s", said);
    }
    free(said);
    facts_from_text("{'ports':["
                    "{'name':'web1','external_ids':{'sg-groups':'web',"
                    "'attached-mac':'52:54:00:00:00:01',"
                    "'sg-addresses':'192.0.2.1'}},"
                    "{'name':'db1','external_ids':{'sg-groups':'db',"
                    "'attached-mac':'52:54:00:00:00:02',"
                    "'sg-addresses':'192.0.2.2'}},"
                    "{'name':'new','external_ids':{'sg-groups':'db'}},"
                    "{'name':'uplink'}]}", &facts);
    sg_ports_init(&ports);
    sg_ports_admit_all(&ports, policy, NULL, &facts);
    sg_facts_destroy(&facts);
}

static bool
skip_none(const struct sg_port *port OVS_UNUSED, void *aux OVS_UNUSED)
{
    return false;
}

/* What is made of sightings in JSON: "FROM > TO PROTO PORT VERDICT WHY", more
 * with ", " between. */
static char *
judge(const char *text)
{
    char *copy = xstrdup(text), *error;
    struct json *list, *talks;
    struct sg_seen seen;
    char *said = xstrdup("");

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    list = json_from_string(copy);
    sg_seen_init(&seen);
    error = sg_seen_add_json(&seen, list);
    if (error) {
        free(said);
        said = error;
    } else {
        sg_seen_teach(&seen, &ports);
        talks = sg_seen_judge(&seen, policy, &ports, skip_none, NULL);
        for (size_t i = 0; i < json_array(talks)->n; i++) {
            static const char *const names[] = {
                "from", "to", "protocol", "port", "verdict", "why",
            };

            for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
                const struct json *value = shash_find_data(
                    json_object(json_array(talks)->elems[i]), names[j]);
                char *word = (value->type == JSON_STRING
                              ? xstrdup(json_string(value))
                              : json_to_string(value, 0));
                char *more = xasprintf("%s%s%s", said,
                                       j ? " " : *said ? ", " : "", word);

                free(word);
                free(said);
                said = more;
            }
        }
        json_destroy(talks);
    }
    sg_seen_destroy(&seen);
    json_destroy(list);
    free(copy);
    return said;
}

static void
check(const char *text, const char *expected)
{
    char *got = judge(text);

    is_str(got, expected, "%s", text);
    free(got);
}

#define PAIR(A, B) "'src':'192.0.2." #A "','dst':'192.0.2." #B "'"
#define OUT "'src':'192.0.2.1','dst':'198.51.100.1'"
#define IN "'src':'198.51.100.1','dst':'192.0.2.1'"
#define TCP(S, D) "'proto':6,'sport':" #S ",'dport':" #D

static void
test_talks(void)
{
    check("[{" IN "," TCP(40000, 80) "}]", "null web1 tcp 80 allow null");
    check("[{" IN "," TCP(40000, 22) "}]",
          "null web1 tcp 22 deny ingress of web1 (web): no rule");
    /* The answers say the same. */
    check("[{" OUT "," TCP(22, 40000) "},{" IN "," TCP(40000, 22) "}]",
          "null web1 tcp 22 deny ingress of web1 (web): no rule");
    /* A SYN knows better than the numbers of ports. */
    check("[{" OUT "," TCP(22, 40000) ",'began':true}]",
          "web1 null tcp 40000 allow null");
    check("[{" PAIR(1, 2) "," TCP(40000, 5432) "}]",
          "web1 db1 tcp 5432 allow null");
    check("[{" PAIR(2, 1) "," TCP(40000, 80) "}]",
          "db1 web1 tcp 80 deny egress of db1 (db): no rule");
    /* Both refuse. */
    check("[{" PAIR(2, 1) "," TCP(40000, 23) "}]",
          "db1 web1 tcp 23 deny egress of db1 (db): no rule; "
          "ingress of web1 (web): no rule");
    /* An answer to a ping belongs to the ping. */
    check("[{" PAIR(2, 1) ",'proto':1,'dport':0,'code':0}]",
          "web1 db1 icmp 8 deny ingress of db1 (db): no rule");
}

static void
test_unknown(void)
{
    /* Whatever it is, db sends to nobody outside, and web to everybody. */
    check("[{'src':'192.0.2.2','dst':'198.51.100.1','began':true}]",
          "db1 null null null deny egress of db1 (db): no rule");
    check("[{" OUT ",'began':true}]", "web1 null null null allow null");
    check("[{" OUT "}]", "null web1 null null unknown null");
    check("[{" PAIR(1, 2) ",'proto':6}]", "db1 web1 tcp null unknown null");
}

static void
test_spoofs(void)
{
    check("[{'from':'web1','src':'192.0.2.9','dst':'198.51.100.1',"
          TCP(40000, 443) "}]",
          "web1 null tcp 443 deny 192.0.2.9 is not an address of web1");
    check("[{'from':'web1'," OUT "," TCP(40000, 443) ",'src_mac':"
          "'52:54:00:00:00:99','dst_mac':'52:54:00:00:00:77'}]",
          "web1 null tcp 443 deny 52:54:00:00:00:99 is not a MAC of web1");
    /* What declares nothing learns. */
    check("[{'from':'new','src':'192.0.2.3','dst':'192.0.2.1','src_mac':"
          "'52:54:00:00:00:03','dst_mac':'52:54:00:00:00:01',"
          TCP(40000, 443) "}]",
          "new web1 tcp 443 deny egress of new (db): no rule; "
          "ingress of web1 (web): no rule");
    ok(sg_ports_find(&ports, "new")->n_addresses == 1, "its address is known");
}

static void
test_left_out(void)
{
    check("[{'from':'web1','src':'0.0.0.0','dst':'255.255.255.255',"
          "'proto':17,'sport':68,'dport':67}]", "");
    check("[{'from':'web1','src':'fe80::1','dst':'fe80::2','proto':58,"
          "'dport':135,'code':0}]", "");
    check("[{'from':'web1','src':'192.0.2.1','dst':'224.0.0.251','proto':17,"
          "'sport':5353,'dport':5353}]", "");
    check("[{'from':'uplink','src':'198.51.100.1','dst':'198.51.100.2',"
          TCP(40000, 80) "}]", "");
}

static void
test_garbage(void)
{
    check("{}", "what was seen is no list");
    check("[1]", "number 1 of what was seen cannot be read");
    check("[{" OUT "},{'src':'192.0.2.1','dst':'::1'}]",
          "number 2 of what was seen cannot be read");
    check("[{'src':'192.0.2.0/24','dst':'192.0.2.1'}]",
          "number 1 of what was seen cannot be read");
    check("[{" IN ",'proto':999,'sport':-1,'dport':70000,'packets':-3}]",
          "null web1 null null unknown null");
}

int
main(void)
{
    start();
    test_talks();
    test_unknown();
    test_spoofs();
    test_left_out();
    test_garbage();
    sg_ports_destroy(&ports);
    sg_policy_unref(policy);
    return done_testing();
}
