/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "host/gate.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "hash.h"
#include "ofproto/ofproto-provider.h"
#include "openvswitch/hmap.h"
#include "openvswitch/vlog.h"
#include "policy/port.h"
#include "ports/ports.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_gate);

#define CLOSED (OFPUTIL_PC_NO_RECV | OFPUTIL_PC_NO_FWD)

/* A port that waits. */
struct held {
    struct hmap_node node;      /* In sg_gate.held, by 'name'. */
    char *bridge;
    char *name;
    ofp_port_t ofport;
    enum ofputil_port_config flags; /* Those that we have set. */
    bool stale;                 /* Our copy of the database may be, until */
    unsigned int sync;          /* this one is done. */
};

struct sg_gate {
    struct ofproto_port_observer observer;
    struct sg_core *core;
    bool opening;               /* Ports that exist are being shown. */
    struct hmap held;           /* struct held. */
};

/* What the database says. */

static const struct sg_iface *
find_iface(const struct sg_gate *gate, const char *bridge, const char *name,
           ofp_port_t ofport)
{
    const struct sg_facts *facts = sg_core_facts(gate->core);
    const struct sg_iface *iface = (facts ? sg_facts_find_iface(facts, name)
                                    : NULL);

    return (iface && !strcmp(iface->bridge->name, bridge)
            && iface->ofport == ofp_to_u16(ofport) ? iface : NULL);
}

/* Can ports be guarded on the bridge of that name, as far as is known? */
static bool
may_guard(const struct sg_gate *gate, const char *name)
{
    const struct sg_facts *facts = sg_core_facts(gate->core);
    const struct sg_bridge *bridge = (facts ? shash_find_data(&facts->bridges,
                                                              name) : NULL);
    bool explicitly;
    char *problem;

    if (!bridge) {
        return true;
    }
    problem = sg_bridge_check(bridge);
    free(problem);
    return !problem && sg_bridge_may_manage(bridge, &explicitly);
}

/* Holding. */

static struct held *
find_held(const struct sg_gate *gate, const char *name)
{
    struct held *held;

    HMAP_FOR_EACH_WITH_HASH (held, node, hash_string(name, 0), &gate->held) {
        if (!strcmp(held->name, name)) {
            return held;
        }
    }
    return NULL;
}

static void
forget(struct sg_gate *gate, struct held *held)
{
    if (held) {
        hmap_remove(&gate->held, &held->node);
        free(held->bridge);
        free(held->name);
        free(held);
    }
}

static void
hold(struct sg_gate *gate, const struct ofproto_port_change *change,
     enum ofputil_port_config *config)
{
    struct held *held = xzalloc(sizeof *held);

    held->bridge = xstrdup(change->bridge);
    held->name = xstrdup(change->name);
    held->ofport = change->pp->port_no;
    held->flags = (CLOSED | OFPUTIL_PC_NO_FLOOD) & ~*config;
    held->stale = find_iface(gate, held->bridge, held->name,
                             held->ofport) != NULL;
    if (held->stale) {
        held->sync = sg_ovsdb_sync_start(sg_core_ovsdb(gate->core));
    }
    hmap_insert(&gate->held, &held->node, hash_string(held->name, 0));
    *config |= held->flags;
    VLOG_DBG("%s: port %s is held", held->bridge, held->name);
}

static void
observe(struct ofproto_port_observer *observer,
        const struct ofproto_port_change *change,
        enum ofputil_port_config *config)
{
    struct sg_gate *gate = CONTAINER_OF(observer, struct sg_gate, observer);

    if (change->event == OFPROTO_PORT_MODIFY || gate->opening) {
        return;
    }
    forget(gate, find_held(gate, change->name));
    if (change->event == OFPROTO_PORT_ADD
        && !sg_ovsdb_is_passive(sg_core_ovsdb(gate->core))
        && may_guard(gate, change->bridge)) {
        hold(gate, change, config);
    }
}

/* Letting go. */

/* The flags that 'held' does not need any more. */
static enum ofputil_port_config
not_needed(const struct sg_gate *gate, const struct held *held)
{
    const struct sg_ports *ports = sg_core_ports(gate->core);
    const struct sg_port *port = sg_ports_find(ports, held->name);
    const char *error;
    uint16_t zone;

    if (sg_ovsdb_is_passive(sg_core_ovsdb(gate->core))
        || !may_guard(gate, held->bridge)) {
        return held->flags;
    } else if (held->stale
               && !sg_ovsdb_sync_done(sg_core_ovsdb(gate->core),
                                      held->sync)) {
        return 0;
    } else if (!sg_core_ports_are_current(gate->core)
               || !find_iface(gate, held->bridge, held->name, held->ofport)
               || !port || port->ofport != ofp_to_u16(held->ofport)) {
        return 0;
    } else if (!port->guarded) {
        return held->flags;
    }
    return (sg_core_port_state(gate->core, port, &error, &zone)
            != SG_PORT_PENDING
            && sg_core_bridge_is_in_force(gate->core, held->bridge)
            ? held->flags & CLOSED : 0);
}

static void
let_go(struct sg_gate *gate, struct held *held,
       enum ofputil_port_config flags)
{
    struct ofproto *ofproto = ofproto_lookup(held->bridge);

    if (ofproto) {
        ofproto_port_mod(ofproto, held->ofport, 0, flags);
    }
    VLOG_DBG("%s: port %s is let go", held->bridge, held->name);
    forget(gate, held);
}

void
sg_gate_run(struct sg_gate *gate)
{
    struct held *held;

    HMAP_FOR_EACH_SAFE (held, node, &gate->held) {
        enum ofputil_port_config flags = not_needed(gate, held);

        if (flags) {
            let_go(gate, held, flags);
        }
    }
}

/* Life. */

struct sg_gate *
sg_gate_create(struct sg_core *core)
{
    struct sg_gate *gate = xzalloc(sizeof *gate);

    gate->core = core;
    gate->observer.cb = observe;
    hmap_init(&gate->held);
    gate->opening = true;
    ofproto_port_observer_add(&gate->observer);
    gate->opening = false;
    return gate;
}

/* Syncs of the old core will not be done. */
void
sg_gate_set_core(struct sg_gate *gate, struct sg_core *core)
{
    struct held *held;

    gate->core = core;
    HMAP_FOR_EACH (held, node, &gate->held) {
        if (held->stale) {
            held->sync = sg_ovsdb_sync_start(sg_core_ovsdb(core));
        }
    }
}

void
sg_gate_destroy(struct sg_gate *gate)
{
    struct held *held;

    if (!gate) {
        return;
    }
    ofproto_port_observer_remove(&gate->observer);
    HMAP_FOR_EACH_SAFE (held, node, &gate->held) {
        const struct sg_port *port = sg_ports_find(sg_core_ports(gate->core),
                                                   held->name);

        let_go(gate, held, (port && port->guarded && !port->pending
                            ? held->flags & CLOSED : held->flags));
    }
    hmap_destroy(&gate->held);
    free(gate);
}
