/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Flows as the switch gives them back: the body of an OpenFlow 1.5 flow stats
 * reply, through the decoding of a dump, to what an agent that starts beside
 * these flows learns from them. */

#include <config.h>

#include <string.h>

#include "compile/compile.h"
#include "compile/flow.h"
#include "compile/pipeline.h"
#include "compile/read.h"
#include "fuzz.h"
#include "openflow/openflow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "policy/diag.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "switch/switch-private.h"
#include "util.h"

static const char policy_text[] =
    "{\"groups\":[{\"name\":\"web\",\"ingress\":[{\"word\":\"tcp\","
    "\"values\":[80],\"from\":{\"group\":\"web\"}},{\"word\":\"tcp\","
    "\"values\":[443],\"from\":{\"any\":true}}],\"egress\":[]}],"
    "\"members\":[{\"group\":\"web\",\"entries\":[\"10.0.0.0/8\"]}]}";

static const char facts_text[] =
    "{\"ports\":[{\"name\":\"tap0\",\"external_ids\":{\"sg-groups\":\"web\","
    "\"sg-addresses\":\"192.0.2.1\",\"attached-mac\":\"02:00:00:00:00:01\""
    "}},{\"name\":\"up0\"}]}";

static struct sg_policy *policy;
static struct sg_ports ports;

static void
init(void)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct json *json = json_from_string(policy_text);
    struct sg_facts facts;

    policy = sg_policy_from_document(json, &diags);
    ovs_assert(policy);
    json_destroy(json);

    json = json_from_string(facts_text);
    sg_facts_init(&facts);
    char *error = sg_facts_from_json(json, &facts);
    ovs_assert(!error);
    sg_ports_init(&ports);
    sg_ports_admit_all(&ports, policy, NULL, &facts);
    json_destroy(json);
    sg_facts_destroy(&facts);
    sg_diags_destroy(&diags);
}

static bool
is_our_table(uint8_t table_id)
{
    return table_id != SG_T_INPUT && sg_table_name(table_id);
}

/* Puts 'data' behind the headers of a reply of which more is to come: the end
 * of a dump would go on to a connection, and there is none. */
static struct ofpbuf *
make_reply(ovs_be32 xid, const uint8_t *data, size_t size)
{
    struct ofpbuf *msg = ofpraw_alloc_xid(OFPRAW_OFPST15_FLOW_REPLY,
                                          OFP15_VERSION, xid, size);
    const size_t flags_ofs = sizeof(struct ofp_header) + 2;
    ovs_be16 more = htons(OFPSF_REPLY_MORE);

    memcpy((char *) msg->data + flags_ofs, &more, sizeof more);
    ofpbuf_put(msg, data, size);
    ofpmsg_update_length(msg);
    return msg;
}

static void
read_all(const struct sg_flows *flows)
{
    const struct sg_flow *flow;

    HMAP_FOR_EACH (flow, node, &flows->flows) {
        uint64_t first, second;
        struct sg_prefix p;
        uint32_t a, b;

        for (int reg = SG_R_SRC; reg <= SG_R_VOTES; reg++) {
            sg_flow_get_load(flow, reg, &a);
            sg_flow_get_match_reg(flow, reg, &a);
        }
        sg_flow_get_note(flow, &first, &second);
        sg_flow_get_match_mark(flow, &a, &b);
        sg_flow_get_match_src(flow, &p);
        sg_flow_get_match_dst(flow, &p);
        sg_cookie_kind_name(sg_cookie_get_kind(flow->cookie));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_switch s = {
        .bridge = CONST_CAST(char *, "br0"),
        .lowest_priority = SG_PRIO_UNKNOWN,
        .is_our_table = is_our_table,
        .version = OFP15_VERSION,
        .state = S_DUMP,
    };
    struct ds text = DS_EMPTY_INITIALIZER;

    if (!policy) {
        init();
    }
    sg_dump_init(&s.dump);
    s.dump.xid = htonl(1);
    struct ofpbuf *msg = make_reply(s.dump.xid, data, MIN(size, 60000));
    sg_dump_handle(&s, msg->data);
    ofpbuf_delete(msg);

    read_all(&s.dump.ours);
    sg_flows_format(&s.dump.ours, &text);
    sg_flows_format(&s.dump.foreign, &text);
    fuzz_compile(policy, &ports, &s.dump.ours);
    sg_dump_destroy(&s.dump);
    ds_destroy(&text);
    return 0;
}
