/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Flows of ports, and what must hold for all flows. */

#include <config.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "byte-order.h"
#include "compile/compile.h"
#include "compile/flow.h"
#include "compile/pipeline.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofp-protocol.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "svec.h"
#include "tap.h"
#include "util.h"
#include "world.h"

#define NO_RULES "{'groups':[{'name':'g','ingress':[],'egress':[]}]}"

/* Sorts the lines of 'text', which it frees; drops those that have a table,
 * or not "in_port=1", and what comes before the priority. */
static char *
input_lines(char *text)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        const char *match = strstr(line, "priority=");

        if (!strstr(line, "table=") && strstr(line, "in_port=1")) {
            svec_add(&lines, match ? match + strlen("priority=") : line);
        }
    }
    svec_sort(&lines);
    free(text);
    text = svec_join(&lines, "\n", "");
    svec_destroy(&lines);
    return text;
}

/* The flows of table 0 for one port. */
static char *
inputs(const char *port)
{
    char *facts = xasprintf("{'ports':[{'name':'a','ofport':1%s}]}", port);
    struct sg_compiler *c = test_compiler();
    struct world w;

    world_init(&w, NO_RULES, facts);
    char *text = input_lines(world_flows_text(&w, c, "br0"));
    sg_compiler_destroy(c);
    world_destroy(&w);
    free(facts);
    return text;
}

static void
is_inputs(const char *port, const char *want_, const char *what)
{
    char *got = inputs(port);
    char *want = input_lines(xstrdup(want_));

    is_str(got, want, "%s", what);
    free(got);
    free(want);
}

#define TRUSTED "30002,in_port=1 actions="
#define TRUSTED_TAG "30002,in_port=1,vlan_tci=0x1000/0x1000 actions="
#define TAGGED "move:NXM_OF_VLAN_TCI[0..12]->NXM_NX_REG3[0..12]," \
               "resubmit(,120)"
#define UNTAGGED "30003,in_port=1,vlan_tci=0x0000/0x1fff actions="
#define VLAN(N) "30003,in_port=1,dl_vlan=" #N " actions="

static void
test_trusted(void)
{
    is_inputs("", TRUSTED TAGGED, "a plain trusted port carries every VLAN");
    is_inputs(",'tag':10",
              UNTAGGED "set_field:0x100a->reg3,resubmit(,120)\n"
              TRUSTED "NORMAL",
              "an access port: its VLAN; tags are for NORMAL to drop");
    is_inputs(",'vlan_mode':'trunk','tag':10", TRUSTED TAGGED,
              "a trunk of every VLAN has no use for a tag");
    is_inputs(",'trunks':[10,20]",
              VLAN(10) "set_field:0x100a->reg3,resubmit(,120)\n"
              VLAN(20) "set_field:0x1014->reg3,resubmit(,120)\n"
              TRUSTED "NORMAL",
              "a trunk of some VLANs: the rest is for NORMAL to drop, "
              "untagged frames as well");
    is_inputs(",'trunks':[0,10]",
              VLAN(10) "set_field:0x100a->reg3,resubmit(,120)\n"
              UNTAGGED "resubmit(,120)\n"
              TRUSTED "NORMAL",
              "VLAN 0 of a trunk is what has no tag");
    is_inputs(",'vlan_mode':'native-tagged','tag':10,'trunks':[20]",
              VLAN(10) "set_field:0x100a->reg3,resubmit(,120)\n"
              VLAN(20) "set_field:0x1014->reg3,resubmit(,120)\n"
              UNTAGGED "set_field:0x100a->reg3,resubmit(,120)\n"
              TRUSTED "NORMAL",
              "the native VLAN is one of the trunk's");
    is_inputs(",'vlan_mode':'native-untagged','tag':10,'trunks':[10,20]",
              VLAN(10) "set_field:0x100a->reg3,resubmit(,120)\n"
              VLAN(20) "set_field:0x1014->reg3,resubmit(,120)\n"
              UNTAGGED "set_field:0x100a->reg3,resubmit(,120)\n"
              TRUSTED "NORMAL",
              "and is not made twice");
    is_inputs(",'vlan_mode':'native-untagged','tag':10",
              UNTAGGED "set_field:0x100a->reg3,resubmit(,120)\n"
              TRUSTED_TAG TAGGED, "a native VLAN and every other");
    is_inputs(",'vlan_mode':'dot1q-tunnel','tag':10",
              UNTAGGED "set_field:0x100a->reg3,resubmit(,120)\n"
              TRUSTED "NORMAL", "a tunnel of VLANs");
}

#define GUARDED ",'external_ids':{'sg-groups':'g'}"
#define LOADS(ZONE, NET, VLAN) "set_field:" ZONE "->reg0,set_field:" NET \
    "->reg1,set_field:" VLAN "->reg3,resubmit(,100)"
#define G_UNTAGGED "30004,in_port=1,vlan_tci=0x0000/0x1fff actions="
#define G_VLAN(N) "30004,in_port=1,dl_vlan=" #N " actions="

static void
test_endpoints(void)
{
    is_inputs(GUARDED, G_UNTAGGED LOADS("0x2", "0x1", "0"),
              "a plain guarded port sends no tags");
    is_inputs(GUARDED ",'tag':10", G_UNTAGGED LOADS("0x2", "0x1", "0x100a"),
              "an access port has a VLAN, the guest does not see it");
    is_inputs(GUARDED ",'trunks':[10,20]",
              G_VLAN(10) LOADS("0x2", "0x1", "0x100a") "\n"
              G_VLAN(20) LOADS("0x3", "0x2", "0x1014"),
              "a trunk has a zone and a network for each VLAN");
    is_inputs(GUARDED ",'trunks':[0,10]",
              G_VLAN(10) LOADS("0x3", "0x2", "0x100a") "\n"
              G_UNTAGGED LOADS("0x2", "0x1", "0"),
              "VLAN 0 of a trunk");
    is_inputs(GUARDED ",'vlan_mode':'native-tagged','tag':10,'trunks':[20]",
              G_VLAN(10) LOADS("0x2", "0x1", "0x100a") "\n"
              G_VLAN(20) LOADS("0x3", "0x2", "0x1014") "\n"
              G_UNTAGGED LOADS("0x2", "0x1", "0x100a"),
              "native-tagged: with a tag and without, one endpoint");
    is_inputs(GUARDED ",'vlan_mode':'native-untagged','tag':10,"
              "'trunks':[10,20]",
              G_VLAN(20) LOADS("0x3", "0x2", "0x1014") "\n"
              G_UNTAGGED LOADS("0x2", "0x1", "0x100a"),
              "native-untagged: the native VLAN has no tag");
    is_inputs(",'external_ids':{'sg-groups':'none'}", "",
              "a port in error is closed");
    is_inputs(",'external_ids':{'sg-groups':'g','sg-port-security':'false'}",
              "30004,in_port=1,vlan_tci=0x0000/0x1fff actions="
              "set_field:0x2->reg0,set_field:0x1->reg1,"
              "set_field:0->reg3,resubmit(,103)",
              "without port security no address is looked at");
}

static size_t
count_table(const struct sg_flows *flows, uint8_t table)
{
    const struct sg_flow *flow;
    size_t n = 0;

    HMAP_FOR_EACH (flow, node, &flows->flows) {
        n += flow->table_id == table;
    }
    return n;
}

/* Those that are a port's own. */
static size_t
count_of_ports(const struct sg_flows *flows, uint8_t table)
{
    const struct sg_flow *flow;
    size_t n = 0;

    HMAP_FOR_EACH (flow, node, &flows->flows) {
        n += (flow->table_id == table
              && sg_cookie_get_kind(flow->cookie) == SG_COOKIE_PORT);
    }
    return n;
}

/* Properties of all flows. */

static bool
resubmit_is_good(const struct sg_flows *flows, const struct sg_flow *flow,
                 uint8_t to)
{
    /* An empty table behind this one only means that nothing is allowed; so
     * does one of ports or profiles, where no port is guarded. */
    return (sg_table_name(to) && to != SG_T_INPUT && to != SG_T_NAMES
            && (to > flow->table_id || count_table(flows, to)
                || to == SG_T_IN_WHO || to == SG_T_IN_PROFILE
                || to == SG_T_EG_PROFILE));
}

static bool
flow_is_good(const struct sg_flows *flows, const struct sg_flow *flow)
{
    const struct ofpact *a;
    bool good = true;

    good &= (flow->cookie & SG_COOKIE_MASK) == SG_COOKIE_MAGIC;
    good &= sg_cookie_get_kind(flow->cookie) < SG_N_COOKIE_KINDS;
    good &= sg_table_name(flow->table_id) != NULL;
    good &= flow->table_id != SG_T_INPUT
            || (flow->priority >= SG_PRIO_UNKNOWN
                && flow->priority <= SG_PRIO_GUARDED);
    OFPACT_FOR_EACH (a, flow->ofpacts, flow->ofpacts_len) {
        if (a->type == OFPACT_RESUBMIT) {
            good &= resubmit_is_good(flows, flow,
                                     ofpact_get_RESUBMIT(a)->table_id);
        } else if (a->type == OFPACT_CT
                   && ofpact_get_CT(a)->recirc_table
                      != NX_CT_RECIRC_NONE) {
            good &= resubmit_is_good(flows, flow,
                                     ofpact_get_CT(a)->recirc_table);
        }
    }
    if (!good) {
        struct ds s = DS_EMPTY_INITIALIZER;

        sg_flow_format(flow, &s);
        printf("# bad: %s\n", ds_cstr(&s));
        ds_destroy(&s);
    }
    return good;
}

static void
test_properties(void)
{
    static const char *const bridges[] = { "br0", "br1" };
    struct sg_flows flows;
    size_t n = 0;
    bool good = true;

    sg_flows_init(&flows);
    for (uint32_t i = 0; i < 60; i++) {
        struct world_seed seed = world_seed(1000 + i);
        struct sg_compiler *c = test_compiler();
        struct world w;

        world_random(&w, &seed);
        for (size_t j = 0; j < ARRAY_SIZE(bridges); j++) {
            const struct sg_flow *flow;

            sg_plan_destroy(world_plan(&w, c, bridges[j], &flows));
            HMAP_FOR_EACH (flow, node, &flows.flows) {
                good &= flow_is_good(&flows, flow);
            }
            n += sg_flows_count(&flows);
        }
        world_destroy(&w);
        sg_compiler_destroy(c);
    }
    sg_flows_destroy(&flows);
    printf("# %zu flows\n", n);
    ok(good, "cookies, tables, priorities and resubmits of random policies");
}

/* A VLAN with 'n_ports' ports, in groups of their own or all in one. */
static void
init_many(struct world *w, size_t n_ports, bool own_groups)
{
    struct ds policy = DS_EMPTY_INITIALIZER, facts = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&policy, "{'groups':[{'name':'g'}");
    for (size_t i = 0; i < (own_groups ? n_ports : 1); i++) {
        ds_put_format(&policy, ",{'name':'g%zu','ingress':[{'word':'udp',"
                      "'from':{'any':true}}]}", i);
    }
    ds_put_cstr(&policy, "]}");

    ds_put_cstr(&facts, "{'ports':[");
    for (size_t i = 0; i < n_ports; i++) {
        ds_put_format(&facts, "%s{'name':'p%zu','external_ids':{"
                      "'sg-groups':'g%zu','sg-addresses':'192.0.2.1',"
                      "'attached-mac':'02:00:00:00:%02zx:%02zx'}}",
                      i ? "," : "", i, own_groups ? i : 0, i >> 8, i & 255);
    }
    ds_put_cstr(&facts, "]}");
    world_init(w, ds_cstr(&policy), ds_cstr(&facts));
    ds_destroy(&policy);
    ds_destroy(&facts);
}

static size_t
count_resubmits(const struct sg_flows *flows, uint8_t from, uint8_t to)
{
    const struct sg_flow *flow;
    size_t n = 0;

    HMAP_FOR_EACH (flow, node, &flows->flows) {
        const struct ofpact *a;

        OFPACT_FOR_EACH (a, flow->ofpacts, flow->ofpacts_len) {
            n += (flow->table_id == from && a->type == OFPACT_RESUBMIT
                  && ofpact_get_RESUBMIT(a)->table_id == to);
        }
    }
    return n;
}

/* What is sent to all of many ports must still fit messages. */
static void
test_many(size_t n_ports, bool own_groups)
{
    struct sg_compiler *c = test_compiler();
    struct sg_flows flows;
    struct world w;

    init_many(&w, n_ports, own_groups);
    sg_flows_init(&flows);
    sg_plan_destroy(world_plan(&w, c, "br0", &flows));
    is_int(count_resubmits(&flows, SG_T_FLOOD_JUDGE, SG_T_IN_PROFILE),
           own_groups ? n_ports : 1, "%zu ports, %s: profiles judged",
           n_ports, own_groups ? "a group each" : "one group");
    is_int(count_of_ports(&flows, SG_T_L2), n_ports, "... and ways to them");
    sg_flows_destroy(&flows);
    world_destroy(&w);
    sg_compiler_destroy(c);
}

/* 'flow' as the switch would dump it. */
static struct sg_flow *
through_message(const struct sg_flow *flow, struct ofpbuf *ofpacts)
{
    struct ofputil_flow_mod back, fm = {
        .match = flow->match,
        .priority = flow->priority,
        .new_cookie = htonll(flow->cookie),
        .table_id = flow->table_id,
        .command = OFPFC_ADD,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .ofpacts = CONST_CAST(struct ofpact *, flow->ofpacts),
        .ofpacts_len = flow->ofpacts_len,
    };
    struct ofpbuf *msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    enum ofperr error = ofputil_decode_flow_mod(
        &back, msg->data, OFPUTIL_P_OF15_OXM, NULL, NULL, ofpacts, OFPP_MAX,
        UINT8_MAX);
    struct match match;

    ovs_assert(!error);
    ofpbuf_delete(msg);
    minimatch_expand(&back.match, &match);
    minimatch_destroy(&back.match);
    return sg_flow_create(back.table_id, back.priority,
                          ntohll(back.new_cookie), &match, back.ofpacts,
                          back.ofpacts_len);
}

/* Flows of many addresses are made like the first of their kind: each must
 * still be what the switch would say that it is. */
static void
test_rows(void)
{
    struct ds policy = DS_EMPTY_INITIALIZER;
    struct sg_compiler *c = test_compiler();
    const struct sg_flow *flow;
    size_t n_wrong = 0;
    struct sg_flows flows;
    struct world w;

    ds_put_cstr(&policy, "{'groups':[{'name':'m'},{'name':'o'},"
                "{'name':'g','ingress':[{'word':'tcp','ports':['80'],"
                "'from':{'group':'m'}},{'word':'udp',"
                "'from':{'group':'o'}}]}],"
                "'members':[{'group':'m','entries':[");
    for (int i = 0; i < 200; i++) {
        ds_put_format(&policy, "'10.0.%d.1','10.1.%d.0/24','2001:db8::%x',"
                      "'2001:db8:%x::/48',", i, i, i + 1, i + 1);
    }
    ds_put_cstr(&policy, "'10.2.0.1']},{'group':'o','entries':['10.0.0.0/8',"
                "'10.0.7.1','2001:db8::/32']}]}");
    world_init(&w, ds_cstr(&policy), "{'ports':[{'name':'p','ofport':1,"
               "'external_ids':{'sg-groups':'g','sg-addresses':'192.0.2.1',"
               "'attached-mac':'02:00:00:00:00:01'}}]}");
    sg_flows_init(&flows);
    sg_plan_destroy(world_plan(&w, c, "br0", &flows));
    HMAP_FOR_EACH (flow, node, &flows.flows) {
        struct ofpbuf ofpacts;

        ofpbuf_init(&ofpacts, 64);
        struct sg_flow *back = through_message(flow, &ofpacts);
        n_wrong += (sg_flows_find(&flows, back) != flow
                    || !sg_flow_same(flow, back));
        sg_flow_free(back);
        ofpbuf_uninit(&ofpacts);
    }
    ok(sg_flows_count(&flows) > 800, "%"PRIuSIZE" flows",
       sg_flows_count(&flows));
    is_int(n_wrong, 0, "all as the switch gives them back");
    sg_flows_destroy(&flows);
    world_destroy(&w);
    ds_destroy(&policy);
    sg_compiler_destroy(c);
}

/* The compiler logs an error when it makes a flow twice, or one that cannot
 * be; so nothing may be logged. */
static char *
catch_log(void)
{
    char *name = xasprintf("%s/sg-test-log-XXXXXX",
                           getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    int fd = mkstemp(name);

    if (fd < 0 || vlog_set_log_file(name)) {
        ovs_fatal(0, "%s: cannot be made", name);
    }
    close(fd);
    vlog_set_levels(NULL, VLF_FILE, VLL_WARN);
    return name;
}

static void
test_log(char *name)
{
    char line[1024];
    size_t n = 0;
    FILE *f = fopen(name, "r");

    while (f && fgets(line, sizeof line, f)) {
        if (!strstr(line, "opened log file")) {
            printf("# %s", line);
            n++;
        }
    }
    ok(f && !n, "no flow was made twice, and none was bad");
    if (f) {
        fclose(f);
    }
    unlink(name);
    free(name);
}

int
main(void)
{
    char *log = catch_log();

    test_trusted();
    test_endpoints();
    test_properties();
    test_many(1500, false);
    test_many(1500, true);
    test_rows();
    test_log(log);
    return done_testing();
}
