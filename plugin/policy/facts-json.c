/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Facts from a JSON file instead of a database.  See port.h for the form. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "packets.h"
#include "policy/diag.h"
#include "policy/port.h"
#include "simap.h"
#include "util.h"
#include "uuid.h"

/* Reading goes on until the first error, which is kept here. */
struct reader {
    char *what;                 /* `port "tap1"': what is being read. */
    char *error;                /* First one, or NULL. */
};

static void
fail(struct reader *r, const char *key, const char *must_be)
{
    if (!r->error) {
        r->error = xasprintf("%s: \"%s\" must be %s", r->what, key, must_be);
    }
}

static const struct json *
get(const struct json *object, const char *key)
{
    const struct json *value = shash_find_data(object->object, key);

    return value && value->type != JSON_NULL ? value : NULL;
}

/* Replaces '*s' by member 'key', if there is one. */
static void
read_string(struct reader *r, const struct json *object, const char *key,
            char **s)
{
    const struct json *value = get(object, key);

    if (!value) {
        return;
    }
    if (value->type != JSON_STRING) {
        fail(r, key, "a string");
        return;
    }
    free(*s);
    *s = xstrdup(json_string(value));
}

static bool
read_integer(struct reader *r, const struct json *object, const char *key,
             long long int min, long long int max, long long int *n)
{
    const struct json *value = get(object, key);

    if (!value) {
        return false;
    }
    if (value->type != JSON_INTEGER || value->integer < min
        || value->integer > max) {
        char *must_be = xasprintf("a number from %lld to %lld", min, max);

        fail(r, key, must_be);
        free(must_be);
        return false;
    }
    *n = value->integer;
    return true;
}

static void
read_external_ids(struct reader *r, const struct json *object,
                  struct smap *ids)
{
    const struct json *value = get(object, "external_ids");
    const struct shash_node *node;

    if (!value) {
        return;
    }
    if (value->type != JSON_OBJECT) {
        fail(r, "external_ids", "an object of strings");
        return;
    }
    SHASH_FOR_EACH (node, value->object) {
        const struct json *id = node->data;

        if (id->type == JSON_STRING) {
            smap_replace(ids, node->name, json_string(id));
        } else {
            fail(r, "external_ids", "an object of strings");
        }
    }
}

static void
read_uuid(struct reader *r, const struct json *object, struct uuid *uuid)
{
    const struct json *value = get(object, "uuid");

    if (value && (value->type != JSON_STRING
                  || !uuid_from_string(uuid, json_string(value)))) {
        fail(r, "uuid", "a UUID");
    }
}

static void
check_keys(struct reader *r, const struct json *object,
           const char *const known[], size_t n)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, object->object) {
        const char *guess;
        size_t i = 0;

        while (i < n && strcmp(known[i], node->name)) {
            i++;
        }
        if (i < n || r->error) {
            continue;
        }
        guess = sg_did_you_mean(node->name, known, n);
        r->error = (guess
                    ? xasprintf("%s: unknown key \"%s\"; did you mean "
                                "\"%s\"?", r->what, node->name, guess)
                    : xasprintf("%s: unknown key \"%s\"", r->what,
                                node->name));
    }
}

/* Bridges. */

static void
read_protocols(struct reader *r, const struct json *object,
               struct sg_bridge *bridge)
{
    const struct json *value = get(object, "protocols");

    if (!value) {
        return;
    }
    if (value->type != JSON_ARRAY) {
        fail(r, "protocols", "a list of strings");
        return;
    }
    bridge->protocols = xcalloc(MAX(value->array.n, 1),
                                sizeof *bridge->protocols);
    for (size_t i = 0; i < value->array.n; i++) {
        if (value->array.elems[i]->type != JSON_STRING) {
            fail(r, "protocols", "a list of strings");
            return;
        }
        bridge->protocols[bridge->n_protocols++]
            = xstrdup(json_string(value->array.elems[i]));
    }
}

static struct sg_bridge *
add_bridge(struct sg_facts *facts, const char *name)
{
    struct sg_bridge *bridge = sg_facts_add_bridge(facts, name);

    free(bridge->fail_mode);
    bridge->fail_mode = xstrdup("secure");
    bridge->uuid.parts[3] = shash_count(&facts->bridges);
    return bridge;
}

static void
read_bridge(struct reader *r, const char *name, const struct json *object,
            struct sg_facts *facts)
{
    static const char *const known[] = {
        "datapath_type", "fail_mode", "protocols", "external_ids", "ovn",
        "neutron",
        "uuid"
    };
    struct sg_bridge *bridge = add_bridge(facts, name);
    const struct json *ovn, *neutron;

    if (object->type != JSON_OBJECT) {
        fail(r, name, "an object");
        return;
    }
    check_keys(r, object, known, ARRAY_SIZE(known));
    read_string(r, object, "datapath_type", &bridge->datapath_type);
    read_string(r, object, "fail_mode", &bridge->fail_mode);
    read_protocols(r, object, bridge);
    read_external_ids(r, object, &bridge->external_ids);
    read_uuid(r, object, &bridge->uuid);
    ovn = get(object, "ovn");
    neutron = get(object, "neutron");
    bridge->manager = (ovn && ovn->type == JSON_TRUE ? SG_MANAGER_OVN
                       : neutron && neutron->type == JSON_TRUE
                       ? SG_MANAGER_NEUTRON : SG_MANAGER_NONE);
}

static char *
read_bridges(const struct json *bridges, struct sg_facts *facts)
{
    const struct shash_node **nodes;
    char *error = NULL;
    size_t n;

    if (bridges->type != JSON_OBJECT) {
        return xstrdup("\"bridges\" must be an object: a bridge per name");
    }
    nodes = shash_sort(bridges->object);
    n = shash_count(bridges->object);
    for (size_t i = 0; i < n && !error; i++) {
        struct reader r = { xasprintf("bridge \"%s\"", nodes[i]->name),
                            NULL };

        read_bridge(&r, nodes[i]->name, nodes[i]->data, facts);
        free(r.what);
        error = r.error;
    }
    free(nodes);
    return error;
}

/* Ports. */

static int
compare_vlans(const void *a_, const void *b_)
{
    const uint16_t *a = a_;
    const uint16_t *b = b_;

    return *a - *b;
}

static void
read_trunks(struct reader *r, const struct json *object,
            struct sg_iface *iface)
{
    const struct json *value = get(object, "trunks");

    if (!value) {
        return;
    }
    if (value->type != JSON_ARRAY) {
        fail(r, "trunks", "a list of VLANs");
        return;
    }
    iface->trunks = xcalloc(MAX(value->array.n, 1), sizeof *iface->trunks);
    for (size_t i = 0; i < value->array.n; i++) {
        const struct json *vlan = value->array.elems[i];

        if (vlan->type != JSON_INTEGER || vlan->integer < 0
            || vlan->integer > 4095) {
            fail(r, "trunks", "a list of VLANs, 0 to 4095");
            return;
        }
        iface->trunks[iface->n_trunks++] = vlan->integer;
    }
    qsort(iface->trunks, iface->n_trunks, sizeof *iface->trunks,
          compare_vlans);
}

static void
read_mac(struct reader *r, const struct json *object, struct sg_iface *iface)
{
    const struct json *value = get(object, "mac_in_use");

    if (value && (value->type != JSON_STRING
                  || !eth_addr_from_string(json_string(value),
                                           &iface->mac_in_use))) {
        fail(r, "mac_in_use", "an Ethernet address");
    }
}

static void
read_iface(struct reader *r, const struct json *object,
           struct sg_iface *iface)
{
    static const char *const known[] = {
        "name", "bridge", "port", "type", "ofport", "tag", "vlan_mode",
        "trunks", "external_ids", "mac_in_use", "uuid"
    };
    long long int n;

    check_keys(r, object, known, ARRAY_SIZE(known));
    read_string(r, object, "port", &iface->port_name);
    read_string(r, object, "type", &iface->type);
    read_string(r, object, "vlan_mode", &iface->vlan_mode);
    if (read_integer(r, object, "ofport", -1, 65534, &n)) {
        iface->ofport = n;
    }
    if (read_integer(r, object, "tag", 0, 4095, &n)) {
        iface->tag = n;
    }
    read_trunks(r, object, iface);
    read_external_ids(r, object, &iface->external_ids);
    read_mac(r, object, iface);
    read_uuid(r, object, &iface->uuid);
}

/* Reads the 'i'th port, and its name and bridge first of all. */
static char *
read_port(const struct json *object, size_t i, struct sg_facts *facts)
{
    struct reader r = { xasprintf("port number %"PRIuSIZE, i + 1), NULL };
    char *name = NULL;
    char *bridge_name = xstrdup("br0");

    if (object->type == JSON_OBJECT) {
        read_string(&r, object, "name", &name);
        read_string(&r, object, "bridge", &bridge_name);
    }
    if (!name) {
        fail(&r, "name", "there, and a string");
    } else if (sg_facts_find_iface(facts, name)) {
        r.error = xasprintf("port \"%s\" is there twice", name);
    }
    if (!r.error) {
        struct sg_bridge *bridge = shash_find_data(&facts->bridges,
                                                   bridge_name);
        struct sg_iface *iface;

        iface = sg_facts_add_iface(facts, name, (bridge ? bridge
                                                 : add_bridge(facts,
                                                              bridge_name)));
        iface->uuid.parts[3] = i + 1;
        free(r.what);
        r.what = xasprintf("port \"%s\"", name);
        read_iface(&r, object, iface);
    }
    free(name);
    free(bridge_name);
    free(r.what);
    return r.error;
}

/* Numbers the ports that do not say their number, after the highest that any
 * on the same bridge gives.  All of 'ports' have been read. */
static void
number_ports(const struct json_array *ports, const struct sg_facts *facts)
{
    struct simap highest = SIMAP_INITIALIZER(&highest);
    const struct sg_iface *iface;

    HMAP_FOR_EACH (iface, node, &facts->ifaces) {
        if (iface->ofport > simap_get(&highest, iface->bridge->name)
            && iface->ofport < 65280) {     /* Not a reserved one. */
            simap_put(&highest, iface->bridge->name, iface->ofport);
        }
    }
    for (size_t i = 0; i < ports->n; i++) {
        const struct json *object = ports->elems[i];

        if (!get(object, "ofport")) {
            struct sg_iface *unnumbered
                = sg_facts_find_iface(facts, json_string(get(object,
                                                             "name")));

            unnumbered->ofport = simap_increase(&highest,
                                              unnumbered->bridge->name, 1);
        }
    }
    simap_destroy(&highest);
}

char *
sg_facts_from_json(const struct json *json, struct sg_facts *facts)
{
    const struct json *bridges, *ports;
    char *error = NULL;

    if (json->type == JSON_STRING) {
        return xasprintf("not JSON: %s", json_string(json));
    }
    if (json->type != JSON_OBJECT) {
        return xstrdup("the top of a file of ports must be an object with "
                       "\"ports\"");
    }
    bridges = get(json, "bridges");
    if (bridges) {
        error = read_bridges(bridges, facts);
    }
    ports = get(json, "ports");
    if (!error && (!ports || ports->type != JSON_ARRAY)) {
        error = xstrdup("\"ports\" must be a list of ports");
    }
    for (size_t i = 0; !error && i < ports->array.n; i++) {
        error = read_port(ports->array.elems[i], i, facts);
    }
    if (!error) {
        number_ports(&ports->array, facts);
        sg_facts_mark_bonds(facts);
    }
    return error;
}
