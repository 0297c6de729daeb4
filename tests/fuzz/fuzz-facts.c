/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Bridges and ports: a document of them (JSON), or one interface in lines
 * KEY=VALUE: its name, type, tag, vlan_mode, trunk, ofport, all else goes to
 * its external_ids, "bridge.KEY" to those of its bridge. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compile/compile.h"
#include "fuzz.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/diag.h"
#include "policy/eval.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "util.h"

static const char policy_text[] =
    "{\"groups\":[{\"name\":\"web\",\"ingress\":[{\"word\":\"tcp\","
    "\"values\":[80],\"from\":{\"group\":\"db\"}}]},"
    "{\"name\":\"db\",\"revocation\":\"drain\",\"egress\":[]}],"
    "\"members\":[{\"group\":\"db\",\"entries\":[\"10.0.0.0/8\"]}],"
    "\"binds\":[{\"name\":\"t*\",\"groups\":[\"web\"]},"
    "{\"external_ids\":{\"k\":\"v*\"},\"groups\":[\"db\"]}]}";

static struct sg_policy *
get_policy(void)
{
    static struct sg_policy *policy;

    if (!policy) {
        struct sg_diags diags = SG_DIAGS_INITIALIZER;
        struct json *document = json_from_string(policy_text);

        policy = sg_policy_from_document(document, &diags);
        ovs_assert(policy);
        sg_diags_destroy(&diags);
        json_destroy(document);
    }
    return policy;
}

static void
set_string(char **field, const char *value)
{
    free(*field);
    *field = xstrdup(value);
}

static void
take_line(struct sg_iface *iface, const char *key, const char *value)
{
    int number = atoi(value);

    if (!strcmp(key, "type")) {
        set_string(&iface->type, value);
    } else if (!strcmp(key, "vlan_mode")) {
        set_string(&iface->vlan_mode, value);
    } else if (!strcmp(key, "fail_mode")) {
        set_string(&iface->bridge->fail_mode, value);
    } else if (!strcmp(key, "tag") && number >= 0 && number < 4096) {
        iface->tag = number;
    } else if (!strcmp(key, "ofport") && number >= -1 && number < 65535) {
        iface->ofport = number;
    } else if (!strcmp(key, "trunk") && number >= 0 && number < 4096
               && (!iface->n_trunks
                   || iface->trunks[iface->n_trunks - 1] < number)) {
        iface->trunks = xrealloc(iface->trunks, (iface->n_trunks + 1)
                                                * sizeof *iface->trunks);
        iface->trunks[iface->n_trunks++] = number;
    } else if (!strncmp(key, "bridge.", 7)) {
        smap_replace(&iface->bridge->external_ids, key + 7, value);
    } else {
        smap_replace(&iface->external_ids, key, value);
    }
}

static void
facts_from_lines(const uint8_t *data, size_t size, struct sg_facts *facts)
{
    char *text = xmemdup0((const char *) data, size);
    struct sg_iface *iface = sg_facts_add_iface(
        facts, "tap0", sg_facts_add_bridge(facts, "br0"));
    char *save = NULL;

    set_string(&iface->bridge->fail_mode, "secure");
    iface->ofport = 1;
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *eq = strchr(line, '=');

        if (eq) {
            *eq = '\0';
            take_line(iface, line, eq + 1);
        }
    }
    free(text);
}

static char *
facts_from_json(const uint8_t *data, size_t size, struct sg_facts *facts)
{
    struct json *json = fuzz_json(data, size);
    char *error = sg_facts_from_json(json, facts);

    json_destroy(json);
    return error;
}

static void
ask(const struct sg_ports *ports)
{
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        struct ds s = DS_EMPTY_INITIALIZER;
        struct sg_trace trace;
        char *error = sg_trace(get_policy(), ports, port->name, "10.0.0.9",
                               "tcp", "80", &trace);

        if (!error) {
            sg_trace_format(&trace, &s);
            json_destroy(sg_trace_to_json(&trace));
        }
        free(error);
        ds_destroy(&s);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_facts facts;
    struct sg_ports ports;
    char *error = NULL;

    sg_facts_init(&facts);
    if (size && data[0] == '{') {
        error = facts_from_json(data, size, &facts);
    } else {
        facts_from_lines(data, size, &facts);
    }
    if (!error) {
        sg_ports_init(&ports);
        sg_ports_admit_all(&ports, get_policy(), NULL, &facts);
        fuzz_compile(get_policy(), &ports, NULL);
        ask(&ports);
        sg_ports_destroy(&ports);
    }
    free(error);
    sg_facts_destroy(&facts);
    return 0;
}
