/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* The states of ports
 * ===================
 *
 * A port is active once the switch has confirmed the flows that let it in, and
 * `no-flood'.  What may change that says whose state is to be looked at again:
 * an admission, a flow of the first table, a port of the switch, all by name;
 * or a whole bridge, when the connection is lost or a bundle is refused. */

#include "agent/core-private.h"

#include "coverage.h"
#include "lib/flow.h"
#include "ports/ports.h"
#include "sset.h"
#include "switch/switch.h"
#include "util.h"

COVERAGE_DEFINE(sg_state_looked_at);

const char *
sg_port_state_name(enum sg_port_state state)
{
    return (state == SG_PORT_ACTIVE ? "active"
            : state == SG_PORT_PENDING ? "pending"
            : "error");
}

static bool
port_is_in_force(const struct sg_core *core, const struct sg_core_bridge *b,
                 const struct sg_port *port)
{
    for (size_t i = 0; i < port->n_endpoints; i++) {
        uint16_t zone = sg_compiler_zone(core->compiler, port,
                                         &port->endpoints[i]);
        if (!zone || !sg_inputs_have(&b->inputs, port->ofport, zone)) {
            return false;
        }
    }
    return (port->n_endpoints
            && sg_switch_no_flood_confirmed(b->sw,
                                            u16_to_ofp(port->ofport)));
}

/* Why what is wanted on 'b' does not let 'port' in, or NULL. */
static const char *
why_never(const struct sg_core_bridge *b, const struct sg_port *port)
{
    if (b->plan && sset_contains(&b->plan->incomplete, port->name)) {
        return "no conntrack zone is left for it; start the agent with more "
               "(--zones), or guard fewer ports";
    }
    return sg_switch_error(b->sw);
}

enum sg_port_state
sg_core_port_state(const struct sg_core *core, const struct sg_port *port,
                   const char **error, uint16_t *zone)
{
    const struct sg_core_bridge *b = shash_find_data(&core->bridges,
                                                     port->bridge);
    const struct sg_endpoint *first = sg_port_first_endpoint(port);

    *error = port->pending ? NULL : port->error;
    *zone = first ? sg_compiler_zone(core->compiler, port, first) : 0;
    if (port->pending) {
        return SG_PORT_PENDING;
    } else if (port->error) {
        return SG_PORT_ERROR;
    } else if (!b || port->ofport == SG_OFPORT_NONE) {
        return SG_PORT_PENDING;
    } else if (port_is_in_force(core, b, port)) {
        return SG_PORT_ACTIVE;
    }
    *error = why_never(b, port);
    return *error ? SG_PORT_ERROR : SG_PORT_PENDING;
}

static void
write_guarded(struct sg_core *core, const struct sg_port *port)
{
    const struct sg_core_bridge *b = shash_find_data(&core->bridges,
                                                     port->bridge);

    if (port->error || !b || b->known) {
        const char *error;
        uint16_t zone;
        enum sg_port_state state = sg_core_port_state(core, port, &error,
                                                      &zone);

        sg_ovsdb_set_state(core->db, &port->uuid, sg_port_state_name(state),
                           error);
    }
}

static void
write_state(struct sg_core *core, const struct sg_port *port)
{
    COVERAGE_INC(sg_state_looked_at);
    if (sset_contains(core->disabling, port->bridge)) {
        return;                 /* `disable' takes the states back. */
    } else if (port->guarded) {
        write_guarded(core, port);
    } else if (port->error) {
        sg_ovsdb_set_state(core->db, &port->uuid, "error", port->error);
    } else {
        sg_ovsdb_clear_state(core->db, &port->uuid);
    }
}

/* Whole bridges, or all of them, when it is about more than some ports. */
static void
write_bridges(struct sg_core *core)
{
    const struct sg_port *port;
    struct shash_node *node;
    bool any = core->restate_all;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        any |= b->restate;
    }
    if (!any) {
        return;
    }
    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        const struct sg_core_bridge *b = shash_find_data(&core->bridges,
                                                         port->bridge);

        if (core->restate_all || (b && b->restate)) {
            write_state(core, port);
        }
    }
    core->restate_all = false;
    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        b->restate = false;
    }
}

/* What a bridge has seen since the last turn. */
static void
take_news(struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;
        char *name;

        while ((name = sg_switch_next_no_flood_news(b->sw)) != NULL) {
            sset_add(&core->restate, name);
            free(name);
        }
    }
}

/* An agent that may not act, or whose database was away, tells all when it
 * comes to it. */
static bool
may_write(struct sg_core *core)
{
    bool alive = (!core->observe && sg_ovsdb_has_lock(core->db)
                  && sg_ovsdb_is_alive(core->db));

    core->restate_all |= alive && !core->could_write;
    core->could_write = alive;
    return !core->observe && sg_ovsdb_has_lock(core->db);
}

void
sg_core_states_run(struct sg_core *core)
{
    const char *name;

    take_news(core);
    if (!may_write(core)) {
        return;
    }
    write_bridges(core);
    SSET_FOR_EACH (name, &core->restate) {
        const struct sg_port *port = sg_ports_find(&core->ports, name);

        if (port) {
            write_state(core, port);
        }
    }
    sset_clear(&core->restate);
}
