/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* How many connections were cut
 * =============================
 *
 * Counted is what the agent sees in the connection table while something is
 * under review (revoke.c): a connection that carries the cut bit, and one that
 * it removes.  Each counts once, for the port in whose zone it is, so one
 * between two guarded ports may count at both.  Not seen, and not counted, is
 * one that is cut and times out between two looks. */

#include "agent/core-private.h"

#include "hash.h"
#include "switch/control.h"
#include "openvswitch/hmap.h"
#include "packets.h"
#include "util.h"
#include "uuid.h"

/* A connection that counts already. */
struct counted {
    struct hmap_node node;      /* In sg_core.cut_conns. */
    struct sg_conn conn;        /* But for its mark. */
    bool seen;                  /* In the dump that is being read. */
};

struct cuts {
    struct hmap_node node;      /* In sg_core.cuts, by port. */
    struct uuid port;
    unsigned long long int n;
};

void
sg_core_cuts_init(struct sg_core *core)
{
    hmap_init(&core->cuts);
    hmap_init(&core->cut_conns);
}

void
sg_core_cuts_destroy(struct sg_core *core)
{
    struct counted *c;
    struct cuts *cuts;

    HMAP_FOR_EACH_POP (c, node, &core->cut_conns) {
        free(c);
    }
    HMAP_FOR_EACH_POP (cuts, node, &core->cuts) {
        free(cuts);
    }
    hmap_destroy(&core->cut_conns);
    hmap_destroy(&core->cuts);
}

static struct cuts *
find_cuts(const struct sg_core *core, const struct uuid *port)
{
    struct cuts *cuts;

    HMAP_FOR_EACH_WITH_HASH (cuts, node, uuid_hash(port), &core->cuts) {
        if (uuid_equals(&cuts->port, port)) {
            return cuts;
        }
    }
    return NULL;
}

static bool
same_conn(const struct sg_conn *a, const struct sg_conn *b)
{
    return (a->zone == b->zone && a->proto == b->proto
            && a->sport == b->sport && a->dport == b->dport
            && ipv6_addr_equals(&a->src, &b->src)
            && ipv6_addr_equals(&a->dst, &b->dst));
}

void
sg_core_cuts_begin(struct sg_core *core)
{
    struct counted *c;

    HMAP_FOR_EACH (c, node, &core->cut_conns) {
        c->seen = false;
    }
}

void
sg_core_cuts_count(struct sg_core *core, const struct sg_port *port,
                   const struct sg_conn *conn)
{
    uint32_t hash = hash_bytes(&conn->src, sizeof conn->src, conn->zone);
    struct counted *c;
    struct cuts *cuts;

    hash = hash_2words(hash_bytes(&conn->dst, sizeof conn->dst, hash),
                       (uint32_t) conn->sport << 16 | conn->dport);
    HMAP_FOR_EACH_WITH_HASH (c, node, hash, &core->cut_conns) {
        if (same_conn(&c->conn, conn)) {
            c->seen = true;
            return;
        }
    }
    c = xmalloc(sizeof *c);
    c->conn = *conn;
    c->seen = true;
    hmap_insert(&core->cut_conns, &c->node, hash);

    cuts = find_cuts(core, &port->uuid);
    if (!cuts) {
        cuts = xzalloc(sizeof *cuts);
        cuts->port = port->uuid;
        hmap_insert(&core->cuts, &cuts->node, uuid_hash(&port->uuid));
    }
    cuts->n++;
}

/* What is no more in the table may come again, and be cut again. */
void
sg_core_cuts_end(struct sg_core *core)
{
    struct counted *c;

    HMAP_FOR_EACH_SAFE (c, node, &core->cut_conns) {
        if (!c->seen) {
            hmap_remove(&core->cut_conns, &c->node);
            free(c);
        }
    }
}

unsigned long long int
sg_core_cuts(const struct sg_core *core, const struct sg_port *port)
{
    const struct cuts *cuts = find_cuts(core, &port->uuid);

    return cuts ? cuts->n : 0;
}

unsigned long long int
sg_core_bridge_cuts(const struct sg_core *core, const char *bridge)
{
    unsigned long long int n = 0;
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        n += strcmp(port->bridge, bridge) ? 0 : sg_core_cuts(core, port);
    }
    return n;
}

unsigned long long int
sg_core_group_cuts(const struct sg_core *core, const char *group)
{
    unsigned long long int n = 0;
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &core->ports.ports) {
        n += sg_port_has_group(port, group) ? sg_core_cuts(core, port) : 0;
    }
    return n;
}
