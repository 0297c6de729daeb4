/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Frames that the switch shows the agent: the first byte says whether it is a
 * guest's (even) or a DHCP server's, the rest is the frame.  What it claims is
 * learned by a port, and compiled. */

#include <config.h>

#include <string.h>

#include "compile/compile.h"
#include "fuzz.h"
#include "learn/table.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "util.h"

static const char facts_text[] =
    "{\"ports\":[{\"name\":\"p\",\"external_ids\":{\"sg-groups\":\"\"}},"
    "{\"name\":\"q\",\"external_ids\":{\"sg-groups\":\"\","
    "\"attached-mac\":\"52:54:00:00:00:02\","
    "\"sg-addresses\":\"192.0.2.50\"}}]}";

static void
admit(const struct sg_policy *policy, struct sg_ports *ports)
{
    struct sg_facts facts;
    struct json *json = json_from_string(facts_text);

    sg_facts_init(&facts);
    ovs_assert(!sg_facts_from_json(json, &facts));
    sg_ports_init(ports);
    sg_ports_admit_all(ports, policy, NULL, &facts);
    sg_facts_destroy(&facts);
    json_destroy(json);
}

static void
learn(const struct sg_claims *claims)
{
    struct sg_policy *policy = sg_policy_empty();
    struct ds said = DS_EMPTY_INITIALIZER;
    struct sg_learn table;
    struct sg_ports ports;

    admit(policy, &ports);
    sg_learn_init(&table);
    sg_learn_claim(&table, policy, &ports, sg_ports_find(&ports, "p"), claims,
                   1, &said);
    sg_learn_fill(&table, policy, &ports, NULL, NULL);
    fuzz_compile(policy, &ports, NULL);
    sg_learn_destroy(&table);
    sg_ports_destroy(&ports);
    sg_policy_unref(policy);
    ds_destroy(&said);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_claims claims;

    if (!size) {
        return 0;
    }
    /* A copy of the very size, so that reading behind it is noticed. */
    uint8_t *frame = xmalloc(size - 1);

    memcpy(frame, data + 1, size - 1);
    bool any = (*data & 1 ? sg_claims_from_dhcp(frame, size - 1, &claims)
                : sg_claims_from_guest(frame, size - 1, &claims));

    ovs_assert(claims.n <= SG_MAX_CLAIMS);
    for (size_t i = 0; i < claims.n; i++) {
        ovs_assert(sg_prefix_is_host(&claims.list[i].address));
    }
    if (any) {
        learn(&claims);
    }
    free(frame);
    return 0;
}
