/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/facts.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "policy/port.h"
#include "util.h"

/* The words of 'text', which stand between spaces or commas. */
static struct json *
words_to_json(const char *text)
{
    struct json *array = json_array_create_empty();
    char *copy = xstrdup(text);
    char *save = NULL;

    for (char *word = strtok_r(copy, ", \t\n", &save); word;
         word = strtok_r(NULL, ", \t\n", &save)) {
        json_array_add(array, json_string_create(word));
    }
    free(copy);
    return array;
}

static struct json *
numbers_to_json(const uint16_t *numbers, size_t n)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        json_array_add(array, json_integer_create(numbers[i]));
    }
    return array;
}

static void
put_vlans(struct json *port, const struct sg_iface *iface)
{
    if (iface->tag >= 0) {
        json_object_put(port, "tag", json_integer_create(iface->tag));
    }
    if (iface->vlan_mode && iface->vlan_mode[0]) {
        json_object_put_string(port, "vlan_mode", iface->vlan_mode);
    }
    if (iface->n_trunks) {
        json_object_put(port, "trunks",
                        numbers_to_json(iface->trunks, iface->n_trunks));
    }
}

static void
put_addresses(struct json *port, const struct smap *ids)
{
    struct json *macs = words_to_json(smap_get_def(ids, "attached-mac", ""));

    if (macs->array.n) {
        json_object_put(port, "mac", json_clone(macs->array.elems[0]));
    }
    json_object_put(port, "macs", macs);
    json_object_put(port, "addresses",
                    words_to_json(smap_get_def(ids, "sg-addresses", "")));
}

/* What the agent itself writes there is no fact, and would make every change
 * of state a new question. */
static struct json *
ids_to_json(const struct smap *external_ids)
{
    struct json *ids = smap_to_json(external_ids);

    json_destroy(shash_find_and_delete(json_object(ids), "sg-state"));
    json_destroy(shash_find_and_delete(json_object(ids), "sg-error"));
    return ids;
}

struct json *
sg_iface_to_json(const struct sg_iface *iface)
{
    struct json *port = json_object_create();

    json_object_put_string(port, "name", iface->name);
    if (iface->bridge) {
        json_object_put_string(port, "bridge", iface->bridge->name);
    }
    json_object_put_string(port, "type", iface->type ? iface->type : "");
    if (iface->ofport != SG_OFPORT_NONE) {
        json_object_put(port, "ofport", json_integer_create(iface->ofport));
    }
    json_object_put(port, "external_ids",
                    ids_to_json(&iface->external_ids));
    put_vlans(port, iface);
    put_addresses(port, &iface->external_ids);
    return port;
}
