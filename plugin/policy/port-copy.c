/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Copies of ports, and whether two ports are the same to everybody who reads
 * them: how the compiler notices what has changed. */

#include <string.h>

#include "packets.h"
#include "policy/port.h"
#include "util.h"
#include "uuid.h"

static void *
copy(const void *list, size_t n, size_t size)
{
    return n && list ? xmemdup(list, n * size) : NULL;
}

static void
copy_endpoints(struct sg_port *dst, const struct sg_port *src)
{
    dst->endpoints = copy(src->endpoints, src->n_endpoints,
                          sizeof *src->endpoints);
    for (size_t i = 0; i < src->n_endpoints; i++) {
        dst->endpoints[i].network = xstrdup(src->endpoints[i].network);
    }
}

struct sg_port *
sg_port_clone(const struct sg_port *src)
{
    struct sg_port *dst = xmemdup(src, sizeof *src);

    dst->name = xstrdup(src->name);
    dst->bridge = xstrdup(src->bridge);
    dst->vlan_mode = xstrdup(src->vlan_mode);
    dst->trunks = copy(src->trunks, src->n_trunks, sizeof *src->trunks);
    dst->error = nullable_xstrdup(src->error);
    dst->groups = copy(src->groups, src->n_groups, sizeof *src->groups);
    for (size_t i = 0; i < src->n_groups; i++) {
        dst->groups[i] = xstrdup(src->groups[i]);
    }
    dst->macs = copy(src->macs, src->n_macs, sizeof *src->macs);
    dst->addresses = copy(src->addresses, src->n_addresses,
                          sizeof *src->addresses);
    dst->addresses_learned = copy(src->addresses_learned, src->n_addresses,
                                  sizeof *src->addresses_learned);
    copy_endpoints(dst, src);
    return dst;
}

static bool
learned_equal(const struct sg_learned *a, const struct sg_learned *b)
{
    return (a->source == b->source && a->since == b->since
            && a->until == b->until);
}

static bool
addresses_equal(const struct sg_port *a, const struct sg_port *b)
{
    if (a->n_addresses != b->n_addresses
        || !a->addresses_learned != !b->addresses_learned) {
        return false;
    }
    for (size_t i = 0; i < a->n_addresses; i++) {
        if (!sg_prefix_equals(&a->addresses[i], &b->addresses[i])
            || (a->addresses_learned
                && !learned_equal(&a->addresses_learned[i],
                                  &b->addresses_learned[i]))) {
            return false;
        }
    }
    return true;
}

static bool
endpoints_equal(const struct sg_port *a, const struct sg_port *b)
{
    if (a->n_endpoints != b->n_endpoints) {
        return false;
    }
    for (size_t i = 0; i < a->n_endpoints; i++) {
        const struct sg_endpoint *x = &a->endpoints[i];
        const struct sg_endpoint *y = &b->endpoints[i];

        if (x->vlan != y->vlan || x->tagged != y->tagged
            || x->native != y->native || strcmp(x->network, y->network)) {
            return false;
        }
    }
    return true;
}

bool
sg_names_equal(char *const *a, size_t n_a, char *const *b, size_t n_b)
{
    if (n_a != n_b) {
        return false;
    }
    for (size_t i = 0; i < n_a; i++) {
        if (strcmp(a[i], b[i])) {
            return false;
        }
    }
    return true;
}

static bool
macs_equal(const struct sg_port *a, const struct sg_port *b)
{
    if (a->n_macs != b->n_macs) {
        return false;
    }
    for (size_t i = 0; i < a->n_macs; i++) {
        if (!eth_addr_equals(a->macs[i], b->macs[i])) {
            return false;
        }
    }
    return true;
}

static bool
vlans_equal(const struct sg_port *a, const struct sg_port *b)
{
    if (a->tag != b->tag || strcmp(a->vlan_mode, b->vlan_mode)
        || a->n_trunks != b->n_trunks) {
        return false;
    }
    for (size_t i = 0; i < a->n_trunks; i++) {
        if (a->trunks[i] != b->trunks[i]) {
            return false;
        }
    }
    return true;
}

static bool
flags_equal(const struct sg_port *a, const struct sg_port *b)
{
    return (a->guarded == b->guarded && a->pending == b->pending
            && a->port_security == b->port_security
            && a->conntrack_limit == b->conntrack_limit
            && a->learns_mac == b->learns_mac
            && a->learns_addresses == b->learns_addresses
            && a->listens_mac == b->listens_mac
            && a->listens_addresses == b->listens_addresses
            && learned_equal(&a->mac_learned, &b->mac_learned));
}

bool
sg_port_equal(const struct sg_port *a, const struct sg_port *b)
{
    return (uuid_equals(&a->uuid, &b->uuid)
            && a->ofport == b->ofport
            && !strcmp(a->name, b->name)
            && !strcmp(a->bridge, b->bridge)
            && nullable_string_is_equal(a->error, b->error)
            && flags_equal(a, b)
            && vlans_equal(a, b)
            && sg_names_equal(a->groups, a->n_groups, b->groups, b->n_groups)
            && macs_equal(a, b)
            && addresses_equal(a, b)
            && endpoints_equal(a, b));
}
