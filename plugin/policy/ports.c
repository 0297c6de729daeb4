/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* All ports together: what only shows between them. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "hash.h"
#include "hmapx.h"
#include "packets.h"
#include "policy/port.h"
#include "sset.h"
#include "util.h"
#include "uuid.h"

COVERAGE_DEFINE(sg_port_admitted);

/* That a port has a MAC for itself in a VLAN of its bridge. */
struct mac_claim {
    struct hmap_node node;      /* In sg_ports.claims. */
    struct eth_addr mac;
    uint16_t vlan;
    struct sg_port *port;
};

void
sg_ports_init(struct sg_ports *ports)
{
    hmap_init(&ports->ports);
    hmap_init(&ports->claims);
    simap_init(&ports->n_guarded);
    ports->sets = NULL;
}

static void
clear(struct sg_ports *ports)
{
    struct mac_claim *claim;
    struct sg_port *port;

    HMAP_FOR_EACH_POP (claim, node, &ports->claims) {
        free(claim);
    }
    HMAP_FOR_EACH_POP (port, node, &ports->ports) {
        sg_port_destroy(port);
    }
    simap_clear(&ports->n_guarded);
}

void
sg_ports_destroy(struct sg_ports *ports)
{
    if (ports) {
        clear(ports);
        hmap_destroy(&ports->ports);
        hmap_destroy(&ports->claims);
        simap_destroy(&ports->n_guarded);
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
sg_port_has_group(const struct sg_port *port, const char *group)
{
    for (size_t i = 0; i < port->n_groups; i++) {
        if (!strcmp(port->groups[i], group)) {
            return true;
        }
    }
    return false;
}

bool
sg_port_has_any_group(const struct sg_port *port, const struct sset *groups)
{
    for (size_t i = 0; i < port->n_groups; i++) {
        if (sset_contains(groups, port->groups[i])) {
            return true;
        }
    }
    return false;
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
 * MACs are claimed, because a frame must have one way to go.  Addresses are
 * not: two guests that share a virtual address (VRRP, say) both declare it.
 *
 * Every guarded port enters its claims, also one that is in error because
 * another holds one of them.  Who gets what is decided among the ports that
 * hang together by claims: first come those that the switch has, before rows
 * that were left behind, then the row UUID decides, not the order of arrival:
 * every start of the agent must come to the same answer.  Each takes all that
 * it claims, or nothing. */

static uint32_t
hash_claim(const struct eth_addr mac, uint16_t vlan, const char *bridge)
{
    return hash_string(bridge, hash_2words(hash_bytes(&mac, sizeof mac, 0),
                                           vlan));
}

static bool
same_claim(const struct mac_claim *a, const struct mac_claim *b)
{
    return (a->vlan == b->vlan && eth_addr_equals(a->mac, b->mac)
            && !strcmp(a->port->bridge, b->port->bridge));
}

/* What was learned is no claim: it gives way to what is declared. */
static bool
may_claim(const struct sg_port *port)
{
    return (port->guarded && (!port->error || port->conflict)
            && !port->learns_mac);
}

static void
enter_claims(struct sg_ports *ports, struct sg_port *port)
{
    for (size_t i = 0; may_claim(port) && i < port->n_endpoints; i++) {
        for (size_t j = 0; j < port->n_macs; j++) {
            struct mac_claim *claim = xmalloc(sizeof *claim);

            claim->mac = port->macs[j];
            claim->vlan = port->endpoints[i].vlan;
            claim->port = port;
            hmap_insert(&ports->claims, &claim->node,
                        hash_claim(claim->mac, claim->vlan, port->bridge));
        }
    }
}

/* Calls 'cb' for each claim of 'port', with 'aux'. */
static void
for_each_claim(struct sg_ports *ports, const struct sg_port *port,
               void (*cb)(struct sg_ports *, struct mac_claim *, void *aux),
               void *aux)
{
    for (size_t i = 0; may_claim(port) && i < port->n_endpoints; i++) {
        for (size_t j = 0; j < port->n_macs; j++) {
            struct mac_claim *claim;

            HMAP_FOR_EACH_WITH_HASH (claim, node,
                                     hash_claim(port->macs[j],
                                                port->endpoints[i].vlan,
                                                port->bridge),
                                     &ports->claims) {
                if (claim->port == port
                    && claim->vlan == port->endpoints[i].vlan
                    && eth_addr_equals(claim->mac, port->macs[j])) {
                    cb(ports, claim, aux);
                    break;
                }
            }
        }
    }
}

static void
withdraw_claim(struct sg_ports *ports, struct mac_claim *claim,
               void *aux OVS_UNUSED)
{
    hmap_remove(&ports->claims, &claim->node);
    free(claim);
}

/* Ports that hang together by claims. */
struct rivals {
    struct hmapx seen;          /* Those in 'list'. */
    struct sg_port **list;
    size_t n, allocated;
};

/* Adds those who claim the same as 'claim' to 'rivals'. */
static void
add_rivals(struct sg_ports *ports, struct mac_claim *claim, void *rivals_)
{
    struct rivals *rivals = rivals_;
    const struct mac_claim *other;

    HMAP_FOR_EACH_WITH_HASH (other, node, claim->node.hash, &ports->claims) {
        if (other->port != claim->port && same_claim(other, claim)
            && hmapx_add(&rivals->seen, other->port)) {
            if (rivals->n >= rivals->allocated) {
                rivals->list = x2nrealloc(rivals->list, &rivals->allocated,
                                          sizeof *rivals->list);
            }
            rivals->list[rivals->n++] = other->port;
        }
    }
}

/* Who holds what 'claim' is about, among those that were given theirs. */
static void
find_holder(struct sg_ports *ports, struct mac_claim *claim, void *port_)
{
    struct sg_port *port = port_;
    const struct mac_claim *other;

    HMAP_FOR_EACH_WITH_HASH (other, node, claim->node.hash, &ports->claims) {
        if (other->port != port && same_claim(other, claim)
            && !other->port->conflict && !port->conflict) {
            port->conflict = true;
            port->error = xasprintf("MAC "ETH_ADDR_FMT" in VLAN %d of bridge "
                                    "%s is already that of interface %s; "
                                    "change one of the two",
                                    ETH_ADDR_ARGS(claim->mac), claim->vlan,
                                    port->bridge, other->port->name);
        }
    }
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

/* Decides again between 'rivals', and all who hang together with them. */
static void
settle_conflicts(struct sg_ports *ports, struct rivals *rivals,
                 struct sset *changed)
{
    for (size_t i = 0; i < rivals->n; i++) {
        for_each_claim(ports, rivals->list[i], add_rivals, rivals);
    }
    for (size_t i = 0; i < rivals->n; i++) {
        struct sg_port *port = rivals->list[i];

        if (changed) {
            sset_add(changed, port->name);
        }
        free(port->error);
        port->error = NULL;
        port->conflict = true;          /* It has nothing before its turn. */
    }
    qsort(rivals->list, rivals->n, sizeof *rivals->list, compare_by_uuid);
    for (size_t i = 0; i < rivals->n; i++) {
        struct sg_port *port = rivals->list[i];

        port->conflict = false;
        for_each_claim(ports, port, find_holder, port);
    }
}

/* Coming and going. */

static void
insert_port(struct sg_ports *ports, struct sg_port *port)
{
    hmap_insert(&ports->ports, &port->node, hash_string(port->name, 0));
    if (port->guarded) {
        simap_increase(&ports->n_guarded, port->bridge, 1);
    }
    enter_claims(ports, port);
}

static void
remove_port(struct sg_ports *ports, struct sg_port *port)
{
    for_each_claim(ports, port, withdraw_claim, NULL);
    if (port->guarded) {
        simap_increase(&ports->n_guarded, port->bridge, -1);
    }
    hmap_remove(&ports->ports, &port->node);
    sg_port_destroy(port);
}

void
sg_ports_admit(struct sg_ports *ports, const struct sg_policy *policy,
               const struct sg_binder *binder, const struct sg_facts *facts,
               const char *name, struct sset *changed)
{
    const struct sg_iface *iface = sg_facts_find_iface(facts, name);
    struct sg_port *old = sg_ports_find(ports, name);
    struct rivals rivals = { .seen = HMAPX_INITIALIZER(&rivals.seen) };

    if (old) {
        for_each_claim(ports, old, add_rivals, &rivals);
        remove_port(ports, old);
    }
    if (iface) {
        struct sg_port *port = sg_port_admit(policy, binder, iface);

        COVERAGE_INC(sg_port_admitted);
        insert_port(ports, port);
        for_each_claim(ports, port, add_rivals, &rivals);
    }
    if (rivals.n) {
        settle_conflicts(ports, &rivals, changed);
    }
    hmapx_destroy(&rivals.seen);
    free(rivals.list);
    if (changed && (old || iface)) {
        sset_add(changed, name);
    }
}

void
sg_ports_admit_all(struct sg_ports *ports, const struct sg_policy *policy,
                   const struct sg_binder *binder,
                   const struct sg_facts *facts)
{
    const struct sg_iface *iface;

    clear(ports);
    HMAP_FOR_EACH (iface, node, &facts->ifaces) {
        sg_ports_admit(ports, policy, binder, facts, iface->name, NULL);
    }
}

void
sg_ports_guard(struct sg_ports *ports, struct sg_port *port)
{
    if (!port->guarded) {
        port->guarded = true;
        simap_increase(&ports->n_guarded, port->bridge, 1);
    }
}
