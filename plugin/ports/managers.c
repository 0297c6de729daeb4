/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Bridges that somebody else manages.
 *
 * Two agents cannot both own the tables of a bridge, so the bridges of those
 * that we know are left alone.  They are told by what their agents write into
 * the database by themselves, never by the name of a bridge alone. */

#include <config.h>

#include <string.h>

#include "ports/ovsdb-private.h"
#include "util.h"
#include "vswitch-idl.h"

/* OVN.
 *
 * ovn-controller is configured in Open_vSwitch:external_ids, with keys that
 * may be made specific to one of several chassis on a host by appending the
 * system-id.  It leaves its conntrack zones in the bridge's external_ids,
 * which shows also bridges of a chassis that we do not know of. */

static const char *
get_chassis_key(const struct ovsrec_open_vswitch *ovs, const char *key)
{
    const char *system_id = smap_get(&ovs->external_ids, "system-id");
    if (system_id) {
        char *own = xasprintf("%s-%s", key, system_id);
        const char *value = smap_get(&ovs->external_ids, own);
        free(own);
        if (value) {
            return value;
        }
    }
    return smap_get(&ovs->external_ids, key);
}

static bool
is_ovn_bridge(const struct ovsrec_open_vswitch *ovs,
              const struct ovsrec_bridge *br)
{
    const struct smap_node *node;
    SMAP_FOR_EACH (node, &br->external_ids) {
        if (!strncmp(node->key, "ct-zone-", strlen("ct-zone-"))) {
            return true;
        }
    }

    if (!ovs || !get_chassis_key(ovs, "ovn-remote")) {
        return false;
    }
    const char *name = get_chassis_key(ovs, "ovn-bridge");
    return !strcmp(br->name, name ? name : "br-int");
}

/* Neutron.
 *
 * neutron-openvswitch-agent has no keys of its own on a bridge.  It notes the
 * network of each port that it has bound in Port:other_config, from where it
 * reads it back when it starts.  It joins its integration bridge to each
 * bridge of a physical network by a pair of patch ports int-X and phy-X, and
 * to its tunnel bridge by patch-tun and patch-int.  It has flows on all of
 * them. */

static bool
is_bound_by_neutron(const struct ovsrec_port *port)
{
    return (smap_get(&port->other_config, "net_uuid")
            && smap_get(&port->other_config, "network_type"));
}

/* Are 'name' and 'peer' PREFIX_A and PREFIX_B, either way round, with the same
 * behind them? */
static bool
are_paired(const char *name, const char *peer, const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);

    return ((!strncmp(name, a, a_len) && !strncmp(peer, b, b_len)
             && !strcmp(name + a_len, peer + b_len))
            || (!strncmp(name, b, b_len) && !strncmp(peer, a, a_len)
                && !strcmp(name + b_len, peer + a_len)));
}

static bool
is_neutron_patch(const struct ovsrec_interface *iface)
{
    const char *peer = (!strcmp(iface->type, "patch")
                        ? smap_get(&iface->options, "peer") : NULL);

    return peer && (are_paired(iface->name, peer, "int-", "phy-")
                    || are_paired(iface->name, peer, "patch-int",
                                  "patch-tun"));
}

static bool
is_neutron_bridge(const struct ovsrec_bridge *br)
{
    for (size_t i = 0; i < br->n_ports; i++) {
        const struct ovsrec_port *port = br->ports[i];

        if (is_bound_by_neutron(port)) {
            return true;
        }
        for (size_t j = 0; j < port->n_interfaces; j++) {
            if (is_neutron_patch(port->interfaces[j])) {
                return true;
            }
        }
    }
    return false;
}

enum sg_manager
sg_row_manager(const struct ovsrec_open_vswitch *ovs,
               const struct ovsrec_bridge *br)
{
    return (is_ovn_bridge(ovs, br) ? SG_MANAGER_OVN
            : is_neutron_bridge(br) ? SG_MANAGER_NEUTRON
            : SG_MANAGER_NONE);
}
