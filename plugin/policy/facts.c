/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Facts: what the switch's database says, kept.  See port.h. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "policy/port.h"
#include "sset.h"
#include "util.h"

void
sg_facts_init(struct sg_facts *facts)
{
    shash_init(&facts->bridges);
    hmap_init(&facts->ifaces);
}

void
sg_facts_destroy(struct sg_facts *facts)
{
    struct shash_node *node;
    struct sg_iface *iface;

    if (!facts) {
        return;
    }
    HMAP_FOR_EACH_SAFE (iface, node, &facts->ifaces) {
        sg_facts_remove_iface(facts, iface);
    }
    hmap_destroy(&facts->ifaces);
    SHASH_FOR_EACH_SAFE (node, &facts->bridges) {
        sg_facts_remove_bridge(facts, node->data);
    }
    shash_destroy(&facts->bridges);
}

struct sg_bridge *
sg_facts_add_bridge(struct sg_facts *facts, const char *name)
{
    struct sg_bridge *bridge = xzalloc(sizeof *bridge);

    bridge->name = xstrdup(name);
    bridge->datapath_type = xstrdup("system");
    bridge->fail_mode = xstrdup("");
    smap_init(&bridge->external_ids);
    shash_add(&facts->bridges, name, bridge);
    return bridge;
}

struct sg_iface *
sg_facts_add_iface(struct sg_facts *facts, const char *name,
                   struct sg_bridge *bridge)
{
    struct sg_iface *iface = xzalloc(sizeof *iface);

    iface->name = xstrdup(name);
    iface->port_name = xstrdup(name);
    iface->bridge = bridge;
    iface->type = xstrdup("");
    iface->ofport = SG_OFPORT_NONE;
    iface->tag = -1;
    iface->vlan_mode = xstrdup("");
    smap_init(&iface->external_ids);
    hmap_insert(&facts->ifaces, &iface->node, hash_string(name, 0));
    return iface;
}

struct sg_iface *
sg_facts_find_iface(const struct sg_facts *facts, const char *name)
{
    struct sg_iface *iface;

    HMAP_FOR_EACH_WITH_HASH (iface, node, hash_string(name, 0),
                             &facts->ifaces) {
        if (!strcmp(iface->name, name)) {
            return iface;
        }
    }
    return NULL;
}

void
sg_facts_remove_iface(struct sg_facts *facts, struct sg_iface *iface)
{
    hmap_remove(&facts->ifaces, &iface->node);
    smap_destroy(&iface->external_ids);
    free(iface->name);
    free(iface->port_name);
    free(iface->type);
    free(iface->vlan_mode);
    free(iface->trunks);
    free(iface);
}

void
sg_facts_remove_bridge(struct sg_facts *facts, struct sg_bridge *bridge)
{
    shash_find_and_delete(&facts->bridges, bridge->name);
    for (size_t i = 0; i < bridge->n_protocols; i++) {
        free(bridge->protocols[i]);
    }
    free(bridge->protocols);
    smap_destroy(&bridge->external_ids);
    free(bridge->name);
    free(bridge->datapath_type);
    free(bridge->fail_mode);
    free(bridge);
}

/* Names of Port rows are unique in a database, so they need no bridge. */
void
sg_facts_mark_bonds(struct sg_facts *facts)
{
    struct sset once = SSET_INITIALIZER(&once);
    struct sset bonds = SSET_INITIALIZER(&bonds);
    struct sg_iface *iface;

    HMAP_FOR_EACH (iface, node, &facts->ifaces) {
        if (!sset_add(&once, iface->port_name)) {
            sset_add(&bonds, iface->port_name);
        }
    }
    HMAP_FOR_EACH (iface, node, &facts->ifaces) {
        iface->bonded = sset_contains(&bonds, iface->port_name);
    }
    sset_destroy(&once);
    sset_destroy(&bonds);
}
