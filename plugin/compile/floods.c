/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Who gets broadcast and multicast
 * ================================
 *
 * The lists of endpoints that emit-floods.c makes flows of: those of a VLAN,
 * those of a VLAN, network and profile, those that have an address.  An
 * endpoint that comes or goes touches the lists that it is on. */

#include "compile/compile.h"
#include "compile/plan-private.h"

#include "hash.h"
#include "util.h"

#define CHUNK SG_LIST_CHUNK

static void
list_add(struct sg_plan_list *list, const struct sg_plan_endpoint *ep)
{
    size_t i = list->n;

    if (list->n >= list->allocated) {
        list->eps = x2nrealloc(list->eps, &list->allocated,
                               sizeof *list->eps);
    }
    for (; i && list->eps[i - 1]->port->ofport > ep->port->ofport; i--) {
        list->eps[i] = list->eps[i - 1];
    }
    list->eps[i] = ep;
    list->n++;
}

static void
list_remove(struct sg_plan_list *list, const struct sg_plan_endpoint *ep)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++) {
        if (list->eps[i] != ep) {
            list->eps[n++] = list->eps[i];
        }
    }
    list->n = n;
}

static bool
list_has(const struct sg_plan_list *list, const struct sg_plan_endpoint *ep)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->eps[i] == ep) {
            return true;
        }
    }
    return false;
}

size_t
sg_plan_list_chunks(const struct sg_plan_list *list)
{
    int64_t last = -1;
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++) {
        int64_t chunk = list->eps[i]->port->ofport / CHUNK;

        if (chunk != last) {
            n++;
            last = chunk;
        }
    }
    return n;
}

/* VLANs. */

static struct sg_plan_vlan *
get_vlan(struct sg_plan *plan, uint16_t number)
{
    struct sg_plan_vlan *vlan;

    HMAP_FOR_EACH_WITH_HASH (vlan, node, hash_int(number, 0), &plan->vlans) {
        if (vlan->vlan == number) {
            return vlan;
        }
    }
    vlan = xzalloc(sizeof *vlan);
    vlan->vlan = number;
    hmap_init(&vlan->floods);
    sg_unit_init(&vlan->unit, SG_UNIT_VLAN);
    sg_unit_init(&vlan->judges, SG_UNIT_JUDGES);
    hmap_insert(&plan->vlans, &vlan->node, hash_int(number, 0));
    return vlan;
}

static void
destroy_vlan(struct sg_plan *plan, struct sg_plan_vlan *vlan)
{
    sg_unit_drop(&plan->units, &vlan->unit);
    sg_unit_drop(&plan->units, &vlan->judges);
    hmap_remove(&plan->vlans, &vlan->node);
    hmap_destroy(&vlan->floods);
    free(vlan->list.eps);
    free(vlan);
}

/* VLAN, network and profile. */

static struct sg_plan_flood *
find_flood(const struct sg_plan_vlan *vlan, const struct sg_plan_endpoint *ep)
{
    struct sg_plan_flood *flood;

    HMAP_FOR_EACH_WITH_HASH (flood, node,
                             hash_pointer(ep->network,
                                          hash_pointer(ep->profile, 0)),
                             &vlan->floods) {
        if (flood->network == ep->network && flood->profile == ep->profile) {
            return flood;
        }
    }
    return NULL;
}

static struct sg_plan_flood *
get_flood(struct sg_plan_vlan *vlan, const struct sg_plan_endpoint *ep)
{
    struct sg_plan_flood *flood = find_flood(vlan, ep);

    if (!flood) {
        flood = xzalloc(sizeof *flood);
        flood->vlan = vlan;
        flood->network = ep->network;
        flood->profile = ep->profile;
        sg_unit_init(&flood->unit, SG_UNIT_FLOOD);
        hmap_insert(&vlan->floods, &flood->node,
                    hash_pointer(ep->network, hash_pointer(ep->profile, 0)));
        ovs_list_push_back(&ep->profile->floods, &flood->of_profile);
    }
    return flood;
}

static void
flood_changed(struct sg_plan *plan, struct sg_plan_flood *flood,
              size_t n_chunks)
{
    sg_unit_touch(&plan->units, &flood->unit);
    if (n_chunks != sg_plan_list_chunks(&flood->list)) {
        sg_unit_touch(&plan->units, &flood->vlan->judges);
    }
}

static void
destroy_flood(struct sg_plan *plan, struct sg_plan_flood *flood)
{
    sg_unit_drop(&plan->units, &flood->unit);
    hmap_remove(&flood->vlan->floods, &flood->node);
    ovs_list_remove(&flood->of_profile);
    free(flood->list.eps);
    free(flood);
}

void
sg_floods_profile_changed(struct sg_plan *plan,
                          struct sg_plan_profile *profile)
{
    struct sg_plan_flood *flood;

    LIST_FOR_EACH (flood, of_profile, &profile->floods) {
        sg_unit_touch(&plan->units, &flood->unit);
        sg_unit_touch(&plan->units, &flood->vlan->judges);
    }
}

/* Owners of addresses. */

static struct sg_plan_owners *
get_owners(struct sg_plan *plan, const struct sg_prefix *p, uint16_t vlan)
{
    uint32_t hash = sg_prefix_hash(p, vlan);
    struct sg_plan_owners *o;

    HMAP_FOR_EACH_WITH_HASH (o, node, hash, &plan->owners) {
        if (o->vlan == vlan && sg_prefix_equals(&o->prefix, p)) {
            return o;
        }
    }
    o = xzalloc(sizeof *o);
    o->prefix = *p;
    o->vlan = vlan;
    sg_unit_init(&o->unit, SG_UNIT_OWNERS);
    hmap_insert(&plan->owners, &o->node, hash);
    return o;
}

/* A guest's link-local address may be declared as well. */
static void
add_owner(struct sg_plan *plan, const struct sg_prefix *p,
          const struct sg_plan_endpoint *ep)
{
    struct sg_plan_owners *o = get_owners(plan, p, ep->endpoint->vlan);

    if (!list_has(&o->list, ep)) {
        list_add(&o->list, ep);
        sg_unit_touch(&plan->units, &o->unit);
    }
}

static void
remove_owner(struct sg_plan *plan, const struct sg_prefix *p,
             const struct sg_plan_endpoint *ep)
{
    struct sg_plan_owners *o = get_owners(plan, p, ep->endpoint->vlan);

    list_remove(&o->list, ep);
    sg_unit_touch(&plan->units, &o->unit);
    if (!o->list.n) {
        sg_unit_drop(&plan->units, &o->unit);
        hmap_remove(&plan->owners, &o->node);
        free(o->list.eps);
        free(o);
    }
}

void
sg_floods_add(struct sg_plan *plan, struct sg_plan_endpoint *ep)
{
    struct sg_plan_vlan *vlan = get_vlan(plan, ep->endpoint->vlan);
    struct sg_plan_flood *flood = get_flood(vlan, ep);
    size_t n_chunks = sg_plan_list_chunks(&flood->list);
    struct sg_prefix p;

    list_add(&vlan->list, ep);
    vlan->n_learners += ep->port->learns_addresses;
    sg_unit_touch(&plan->units, &vlan->unit);
    list_add(&flood->list, ep);
    flood_changed(plan, flood, n_chunks);
    for (size_t i = 0; sg_port_address(ep->port, i, &p); i++) {
        add_owner(plan, &p, ep);
    }
}

void
sg_floods_remove(struct sg_plan *plan, struct sg_plan_endpoint *ep)
{
    struct sg_plan_vlan *vlan = get_vlan(plan, ep->endpoint->vlan);
    struct sg_plan_flood *flood = find_flood(vlan, ep);
    size_t n_chunks = sg_plan_list_chunks(&flood->list);
    struct sg_prefix p;

    for (size_t i = 0; sg_port_address(ep->port, i, &p); i++) {
        remove_owner(plan, &p, ep);
    }
    list_remove(&flood->list, ep);
    flood_changed(plan, flood, n_chunks);
    if (!flood->list.n) {
        destroy_flood(plan, flood);
    }
    list_remove(&vlan->list, ep);
    vlan->n_learners -= ep->port->learns_addresses;
    sg_unit_touch(&plan->units, &vlan->unit);
    if (!vlan->list.n) {
        destroy_vlan(plan, vlan);
    }
}
