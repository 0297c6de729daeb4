/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* All ports together: what only shows between them. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "policy/port.h"
#include "svec.h"
#include "util.h"
#include "uuid.h"

void
sg_ports_init(struct sg_ports *ports)
{
    hmap_init(&ports->ports);
    ports->sets = NULL;
}

static void
clear(struct sg_ports *ports)
{
    struct sg_port *port;

    HMAP_FOR_EACH_POP (port, node, &ports->ports) {
        sg_port_destroy(port);
    }
}

void
sg_ports_destroy(struct sg_ports *ports)
{
    if (ports) {
        clear(ports);
        hmap_destroy(&ports->ports);
    }
}

struct sg_port *
sg_ports_find(const struct sg_ports *ports, const char *name)
{
    struct sg_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node, hash_string(name, 0),
                             &ports->ports) {
        if (!strcmp(port->name, name)) {
            return port;
        }
    }
    return NULL;
}

bool
sg_port_address(const struct sg_port *port, size_t i, struct sg_prefix *p)
{
    struct in6_addr lla;

    if (i < port->n_addresses) {
        *p = port->addresses[i];
        return true;
    } else if (i - port->n_addresses < port->n_macs) {
        in6_generate_lla(port->macs[i - port->n_addresses], &lla);
        sg_prefix_from_ipv6(&lla, 128, p);
        return true;
    }
    return false;
}

bool
sg_port_owns(const struct sg_port *port, const struct sg_prefix *p)
{
    struct sg_prefix own;

    for (size_t i = 0; sg_port_address(port, i, &own); i++) {
        if (sg_prefix_contains(&own, p)) {
            return true;
        }
    }
    return false;
}

/* Conflicts.
 *
 * A claim is a line of text that says what a port holds alone, in words that
 * can go into the message.  MACs are claimed, because a frame must have one way
 * to go.  Addresses are not: two guests that share a virtual address (VRRP,
 * say) both declare it. */

static void
claim_macs(const struct sg_port *port, const struct sg_endpoint *e,
           struct svec *claims)
{
    for (size_t i = 0; i < port->n_macs; i++) {
        svec_add_nocopy(claims, xasprintf("MAC "ETH_ADDR_FMT" in VLAN %d of "
                                          "bridge %s",
                                          ETH_ADDR_ARGS(port->macs[i]),
                                          e->vlan, port->bridge));
    }
}

/* Enters the claims of 'port' into 'held' (claim -> struct sg_port), all or,
 * if another port holds one, none: then the port is in error. */
static void
hold_claims(struct shash *held, struct sg_port *port)
{
    struct svec claims = SVEC_EMPTY_INITIALIZER;

    for (size_t i = 0; i < port->n_endpoints; i++) {
        claim_macs(port, &port->endpoints[i], &claims);
    }
    svec_sort_unique(&claims);
    for (size_t i = 0; i < claims.n && !port->error; i++) {
        const struct sg_port *holder = shash_find_data(held,
                                                       claims.names[i]);

        if (holder) {
            port->error = xasprintf("%s is already that of interface %s; "
                                    "change one of the two", claims.names[i],
                                    holder->name);
        }
    }
    for (size_t i = 0; i < claims.n && !port->error; i++) {
        shash_add(held, claims.names[i], port);
    }
    svec_destroy(&claims);
}

static int
compare_by_uuid(const void *a_, const void *b_)
{
    const struct sg_port *const *a = a_;
    const struct sg_port *const *b = b_;

    bool a_absent = (*a)->ofport == SG_OFPORT_NONE;
    bool b_absent = (*b)->ofport == SG_OFPORT_NONE;

    return (a_absent != b_absent ? a_absent - b_absent
            : uuid_compare_3way(&(*a)->uuid, &(*b)->uuid));
}

/* A port that the switch has comes before one that it has not (a row that was
 * left behind); then the row UUID decides, not the order of arrival: every
 * start of the agent must come to the same answer. */
static void
find_conflicts(struct sg_ports *ports)
{
    struct shash held = SHASH_INITIALIZER(&held);
    size_t n = 0;
    struct sg_port **sorted = xcalloc(hmap_count(&ports->ports) + 1,
                                      sizeof *sorted);
    struct sg_port *port;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        if (port->guarded && !port->error) {
            sorted[n++] = port;
        }
    }
    qsort(sorted, n, sizeof *sorted, compare_by_uuid);
    for (size_t i = 0; i < n; i++) {
        hold_claims(&held, sorted[i]);
    }
    free(sorted);
    shash_destroy(&held);
}

void
sg_ports_admit_all(struct sg_ports *ports, const struct sg_policy *policy,
                   const struct sg_binder *binder,
                   const struct sg_facts *facts)
{
    const struct sg_iface *iface;

    clear(ports);
    HMAP_FOR_EACH (iface, node, &facts->ifaces) {
        struct sg_port *port = sg_port_admit(policy, binder, iface);

        hmap_insert(&ports->ports, &port->node, hash_string(port->name, 0));
    }
    find_conflicts(ports);
}
