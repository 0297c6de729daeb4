/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* Plans: their life, ports and endpoints.
 *
 * What is made with a port is shared by counted references: see update.c for
 * the order in which ports come and go. */

#include "compile/compile.h"
#include "compile/plan-private.h"

#include <stdlib.h>
#include <string.h>

#include "compile/pipeline.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "sset.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(sg_plan);

static char *
zone_key(const struct sg_port *port, const struct sg_endpoint *endpoint)
{
    return xasprintf("zone "UUID_FMT".%"PRIu16, UUID_ARGS(&port->uuid),
                     endpoint->vlan);
}

uint64_t
sg_endpoint_identity(const struct sg_port *port,
                     const struct sg_endpoint *endpoint)
{
    char *key = zone_key(port, endpoint);
    uint64_t identity = sg_identity(key);

    free(key);
    return identity;
}

uint16_t
sg_compiler_zone(const struct sg_compiler *c, const struct sg_port *port,
                 const struct sg_endpoint *endpoint)
{
    char *key = zone_key(port, endpoint);
    const struct sg_id *id = sg_ids_find(&c->zones, key);

    free(key);
    return id ? id->id : 0;
}

/* Networks. */

static struct sg_plan_network *
get_network(struct sg_plan *plan, const char *name)
{
    struct sg_plan_network *net = shash_find_data(&plan->networks, name);

    if (!net) {
        char *key = xasprintf("net %s", name);
        const struct sg_id *id = sg_ids_get(&plan->compiler->networks, key);

        net = xzalloc(sizeof *net);
        net->name = xstrdup(name);
        net->id = id->id;
        net->identity = id->identity;
        sg_plan_network_init(net);
        sg_unit_init(&net->unit, SG_UNIT_NETWORK);
        sg_unit_touch(&plan->units, &net->unit);
        shash_add(&plan->networks, name, net);
        free(key);
    }
    net->refs++;
    return net;
}

/* Those that have no endpoint any more, when their addresses are gone. */
void
sg_plan_forget_networks(struct sg_plan *plan)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &plan->networks) {
        struct sg_plan_network *net = node->data;

        if (!net->refs) {
            shash_delete(&plan->networks, node);
            sg_ids_put(&plan->compiler->networks, net->id);
            sg_unit_drop(&plan->units, &net->unit);
            sg_plan_network_destroy(net);
            free(net->name);
            free(net);
        }
    }
}

/* Endpoints. */

static struct sg_plan_endpoint *
create_endpoint(struct sg_plan *plan, const struct sg_policy *policy,
                const struct sg_port *port,
                const struct sg_endpoint *endpoint)
{
    char *key = zone_key(port, endpoint);
    const struct sg_id *zone = sg_ids_get(&plan->compiler->zones, key);

    free(key);
    if (!zone) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_ERR_RL(&rl, "%s: no conntrack zone is left for %s, which stays "
                    "closed", port->bridge, port->name);
        return NULL;
    }

    struct sg_plan_endpoint *ep = xzalloc(sizeof *ep);
    ep->port = port;
    ep->endpoint = endpoint;
    ep->zone = zone->id;
    ep->identity = zone->identity;
    ep->limit = (port->conntrack_limit ? port->conntrack_limit
                 : plan->compiler->default_limit);
    ep->network = get_network(plan, endpoint->network);
    ep->profile = sg_plan_get_profile(plan, port, endpoint, policy);
    sg_plan_enter_profile(plan, ep->network, ep->profile);
    sg_unit_init(&ep->unit, SG_UNIT_ENDPOINT);
    sg_unit_touch(&plan->units, &ep->unit);
    hmap_insert(&plan->endpoints, &ep->node, hash_int(ep->zone, 0));
    ovs_list_push_back(&plan->fresh, &ep->fresh);
    sg_floods_add(plan, ep);
    return ep;
}

static void
destroy_endpoint(struct sg_plan *plan, struct sg_plan_endpoint *ep)
{
    sg_floods_remove(plan, ep);
    sg_unit_drop(&plan->units, &ep->unit);
    hmap_remove(&plan->endpoints, &ep->node);
    ovs_list_remove(&ep->fresh);
    sg_plan_leave_profile(plan, ep->network, ep->profile);
    sg_plan_put_profile(plan, ep->profile);
    ep->network->refs--;
    sg_ids_put(&plan->compiler->zones, ep->zone);
    free(ep);
}

const struct sg_plan_endpoint *
sg_plan_endpoint(const struct sg_plan *plan, uint32_t zone)
{
    const struct sg_plan_endpoint *ep;

    HMAP_FOR_EACH_WITH_HASH (ep, node, hash_int(zone, 0), &plan->endpoints) {
        if (ep->zone == zone) {
            return ep;
        }
    }
    return NULL;
}

static int
compare_endpoints(const void *a_, const void *b_)
{
    const struct sg_plan_endpoint *const *ap = a_, *const *bp = b_;
    const struct sg_plan_endpoint *a = *ap, *b = *bp;

    return (a->port->ofport != b->port->ofport
            ? (a->port->ofport < b->port->ofport ? -1 : 1)
            : a->endpoint->vlan < b->endpoint->vlan ? -1
            : a->endpoint->vlan > b->endpoint->vlan);
}

const struct sg_plan_endpoint **
sg_plan_endpoints(const struct sg_plan *plan)
{
    const struct sg_plan_endpoint **list
        = xmalloc((hmap_count(&plan->endpoints) + 1) * sizeof *list);
    const struct sg_plan_endpoint *ep;
    size_t n = 0;

    HMAP_FOR_EACH (ep, node, &plan->endpoints) {
        list[n++] = ep;
    }
    qsort(list, n, sizeof *list, compare_endpoints);
    return list;
}

/* Ports. */

bool
sg_plan_port_is_trusted(const struct sg_plan_port *pp)
{
    return pp->here && !pp->port->guarded;
}

struct sg_plan_port *
sg_plan_port_create(struct sg_plan *plan, const struct sg_policy *policy,
                    const struct sg_port *source)
{
    struct sg_plan_port *pp = xzalloc(sizeof *pp);
    const struct sg_port *port = pp->port = sg_port_clone(source);

    plan->stats.ports++;
    sg_unit_init(&pp->trusted, SG_UNIT_TRUSTED);
    pp->here = (!strcmp(port->bridge, plan->bridge)
                && port->ofport != SG_OFPORT_NONE);
    if (sg_plan_port_is_trusted(pp)) {
        sg_unit_touch(&plan->units, &pp->trusted);
    }
    if (!pp->here || !port->guarded || port->error) {
        return pp;
    }
    pp->endpoints = xcalloc(port->n_endpoints + 1, sizeof *pp->endpoints);
    for (size_t i = 0; i < port->n_endpoints; i++) {
        struct sg_plan_endpoint *ep
            = create_endpoint(plan, policy, port, &port->endpoints[i]);

        if (ep) {
            pp->endpoints[pp->n_endpoints++] = ep;
        } else {
            pp->incomplete = true;
        }
    }
    if (pp->incomplete) {
        sset_add(&plan->incomplete, port->name);
    }
    return pp;
}

void
sg_plan_port_destroy(struct sg_plan *plan, struct sg_plan_port *pp)
{
    const struct sg_plan_port *now = shash_find_data(&plan->ports,
                                                     pp->port->name);

    if (pp->incomplete && (!now || !now->incomplete)) {
        sset_find_and_delete(&plan->incomplete, pp->port->name);
    }
    for (size_t i = 0; i < pp->n_endpoints; i++) {
        destroy_endpoint(plan, pp->endpoints[i]);
    }
    sg_unit_drop(&plan->units, &pp->trusted);
    sg_port_destroy(pp->port);
    free(pp->endpoints);
    free(pp);
}

bool
sg_plan_profiles_differ(const struct sg_plan_port *pp,
                        const struct sg_policy *policy)
{
    for (size_t i = 0; i < pp->n_endpoints; i++) {
        const struct sg_plan_endpoint *ep = pp->endpoints[i];
        char *key = sg_plan_profile_key(policy, ep->port, ep->endpoint);
        bool differs = strcmp(key, ep->profile->key) != 0;

        free(key);
        if (differs) {
            return true;
        }
    }
    return false;
}

/* Life. */

/* A frame may come to several bridges in one go, over patch ports, and two
 * ct() of the same zone would take its fragment for a copy of itself: so each
 * bridge has a zone.  If none is left, there is none for ports, either, and
 * the one that conntrack has for everybody will do. */
static void
get_multicast_zone(struct sg_plan *plan)
{
    char *key = xasprintf("multicast %s", plan->bridge);

    plan->multicast = sg_ids_get(&plan->compiler->zones, key);
    free(key);
}

static void
put_multicast_zone(struct sg_plan *plan)
{
    if (plan->multicast) {
        sg_ids_put(&plan->compiler->zones, plan->multicast->id);
    }
}

struct sg_plan *
sg_plan_new(struct sg_compiler *compiler, const char *bridge)
{
    struct sg_plan *plan = xzalloc(sizeof *plan);

    plan->compiler = compiler;
    plan->bridge = xstrdup(bridge);
    get_multicast_zone(plan);
    shash_init(&plan->ports);
    sset_init(&plan->incomplete);
    sg_units_init(&plan->units);
    sg_unit_init(&plan->static_unit, SG_UNIT_STATIC);
    sg_unit_touch(&plan->units, &plan->static_unit);
    hmap_init(&plan->endpoints);
    ovs_list_init(&plan->fresh);
    shash_init(&plan->networks);
    shash_init(&plan->profiles);
    shash_init(&plan->groups);
    hmap_init(&plan->numbers);
    hmap_init(&plan->vlans);
    hmap_init(&plan->owners);
    hmap_init(&plan->extents);
    ovs_list_init(&plan->diffs);
    ovs_list_init(&plan->claiming);
    ovs_list_init(&plan->changed);
    ovs_list_init(&plan->stale);
    ovs_list_init(&plan->idle_peers);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        hmap_init(&plan->peers_by_value[dir]);
        hmap_init(&plan->by_peers[dir]);
        shash_init(&plan->classes[dir]);
        hmap_init(&plan->cells[dir]);
    }
    return plan;
}

struct sg_plan *
sg_plan_create(struct sg_compiler *compiler, const struct sg_policy *policy,
               const struct sg_ports *ports, const char *bridge)
{
    struct sg_plan *plan = sg_plan_new(compiler, bridge);

    sg_plan_update(plan, policy, ports, NULL);
    return plan;
}

static bool
remove_ports(struct sg_plan *plan, struct sg_slice *slice)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &plan->ports) {
        if (sg_slice_over(slice)) {
            return false;
        }
        sg_plan_port_destroy(plan, node->data);
        shash_delete(&plan->ports, node);
    }
    return true;
}

static void
plan_free(struct sg_plan *plan)
{
    sg_plan_forget_networks(plan);
    put_multicast_zone(plan);
    hmap_destroy(&plan->extents);
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        free(plan->peers[dir]);
        hmap_destroy(&plan->peers_by_value[dir]);
        hmap_destroy(&plan->by_peers[dir]);
        shash_destroy(&plan->classes[dir]);
        hmap_destroy(&plan->cells[dir]);
    }
    hmap_destroy(&plan->endpoints);
    hmap_destroy(&plan->numbers);
    hmap_destroy(&plan->vlans);
    hmap_destroy(&plan->owners);
    shash_destroy(&plan->ports);
    sset_destroy(&plan->incomplete);
    shash_destroy(&plan->networks);
    shash_destroy(&plan->profiles);
    shash_destroy(&plan->groups);
    sg_policy_unref(plan->policy);
    free(plan->bridge);
    free(plan);
}

/* One whose update is under way gets to its end first, at once: what it was
 * begun with may change. */
static void
end_update(struct sg_plan *plan)
{
    struct sg_slice slice = SG_SLICE_WHOLE;

    if (plan->update) {
        sg_plan_update_run(plan, &slice);
    }
}

/* Ports go, and everything else with the last one that needs it. */
bool
sg_plan_dismantle(struct sg_plan *plan, struct sg_slice *slice)
{
    end_update(plan);
    if (!remove_ports(plan, slice) || !sg_plan_forget_peers(plan, slice)
        || !sg_plan_classify(plan, slice)
        || !sg_extents_dismantle(plan, slice)) {
        return false;
    }
    plan_free(plan);
    return true;
}

void
sg_plan_destroy(struct sg_plan *plan)
{
    struct sg_slice slice = SG_SLICE_WHOLE;

    if (plan) {
        sg_plan_dismantle(plan, &slice);
    }
}
