/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* One row of the database to one fact.  Everything here updates a fact in
 * place and returns true if that made a difference. */

#include <config.h>

#include "ports/ovsdb-private.h"

#include "packets.h"
#include "util.h"
#include "uuid.h"
#include "vswitch-idl.h"

/* Setters.  Each makes '*dst' equal to 'src'. */

static bool
set_string(char **dst, const char *src)
{
    src = src ? src : "";
    if (*dst && !strcmp(*dst, src)) {
        return false;
    }
    free(*dst);
    *dst = xstrdup(src);
    return true;
}

static bool
set_strings(char ***dst, size_t *n_dst, char **src, size_t n_src)
{
    bool same = *n_dst == n_src;
    for (size_t i = 0; same && i < n_src; i++) {
        same = !strcmp((*dst)[i], src[i]);
    }
    if (same) {
        return false;
    }

    for (size_t i = 0; i < *n_dst; i++) {
        free((*dst)[i]);
    }
    free(*dst);
    *dst = xmalloc(n_src * sizeof **dst);
    for (size_t i = 0; i < n_src; i++) {
        (*dst)[i] = xstrdup(src[i]);
    }
    *n_dst = n_src;
    return true;
}

static bool
set_trunks(uint16_t **dst, size_t *n_dst, const int64_t *src, size_t n_src)
{
    bool same = *n_dst == n_src;
    for (size_t i = 0; same && i < n_src; i++) {
        same = (*dst)[i] == src[i];
    }
    if (same) {
        return false;
    }

    free(*dst);
    *dst = xmalloc(n_src * sizeof **dst);
    for (size_t i = 0; i < n_src; i++) {
        (*dst)[i] = src[i];     /* The IDL keeps sets sorted. */
    }
    *n_dst = n_src;
    return true;
}

static bool
is_own_key(const char *key)
{
    return !strcmp(key, SG_KEY_STATE) || !strcmp(key, SG_KEY_ERROR);
}

static bool
external_ids_equal(const struct smap *facts, const struct smap *row)
{
    const struct smap_node *node;
    size_t n = 0;

    SMAP_FOR_EACH (node, row) {
        if (!is_own_key(node->key)) {
            const char *value = smap_get(facts, node->key);
            if (!value || strcmp(value, node->value)) {
                return false;
            }
            n++;
        }
    }
    return n == smap_count(facts);
}

static bool
set_external_ids(struct smap *dst, const struct smap *src)
{
    if (external_ids_equal(dst, src)) {
        return false;
    }

    const struct smap_node *node;
    smap_clear(dst);
    SMAP_FOR_EACH (node, src) {
        if (!is_own_key(node->key)) {
            smap_add(dst, node->key, node->value);
        }
    }
    return true;
}

static bool
set_bool(bool *dst, bool src)
{
    bool changed = *dst != src;
    *dst = src;
    return changed;
}

static bool
set_manager(enum sg_manager *dst, enum sg_manager src)
{
    bool changed = *dst != src;
    *dst = src;
    return changed;
}

bool
sg_row_to_bridge(struct sg_bridge *bridge,
                 const struct ovsrec_open_vswitch *ovs,
                 const struct ovsrec_bridge *row)
{
    const char *type = row->datapath_type[0] ? row->datapath_type : "system";
    bool changed = !uuid_equals(&bridge->uuid, &row->header_.uuid);

    bridge->uuid = row->header_.uuid;
    changed |= set_string(&bridge->datapath_type, type);
    changed |= set_string(&bridge->fail_mode, row->fail_mode);
    changed |= set_strings(&bridge->protocols, &bridge->n_protocols,
                           row->protocols, row->n_protocols);
    changed |= set_external_ids(&bridge->external_ids, &row->external_ids);
    changed |= set_manager(&bridge->manager, sg_row_manager(ovs, row));
    return changed;
}

bool
sg_row_port_to_iface(struct sg_iface *iface, const struct ovsrec_port *row)
{
    int tag = row->n_tag ? row->tag[0] : -1;
    bool changed = iface->tag != tag;

    iface->tag = tag;
    changed |= set_string(&iface->port_name, row->name);
    changed |= set_string(&iface->vlan_mode, row->vlan_mode);
    changed |= set_trunks(&iface->trunks, &iface->n_trunks,
                          row->trunks, row->n_trunks);
    changed |= set_bool(&iface->bonded, row->n_interfaces > 1);
    return changed;
}

bool
sg_row_to_iface(struct sg_iface *iface, const struct ovsrec_interface *row)
{
    /* The switch says -1 where it cannot make the port. */
    int64_t ofport = (row->n_ofport && row->ofport[0] >= 0
                      ? row->ofport[0] : SG_OFPORT_NONE);
    struct eth_addr mac;
    if (!row->mac_in_use || !eth_addr_from_string(row->mac_in_use, &mac)) {
        mac = eth_addr_zero;
    }

    bool changed = (iface->ofport != ofport
                    || !eth_addr_equals(iface->mac_in_use, mac)
                    || !uuid_equals(&iface->uuid, &row->header_.uuid));
    iface->ofport = ofport;
    iface->mac_in_use = mac;
    iface->uuid = row->header_.uuid;
    changed |= set_string(&iface->type, row->type);
    changed |= set_external_ids(&iface->external_ids, &row->external_ids);
    return changed;
}
