/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "learn/table.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "sset.h"
#include "util.h"
#include "uuid.h"

const char *
sg_learn_source_name(enum sg_learn_source source)
{
    return (source == SG_LEARN_FRAME ? "first frame"
            : source == SG_LEARN_ARP ? "ARP"
            : source == SG_LEARN_ND ? "neighbor discovery"
            : source == SG_LEARN_DHCP ? "DHCP"
            : "declaration");
}

void
sg_learn_init(struct sg_learn *learn)
{
    hmap_init(&learn->learners);
}

static void
forget(struct sg_learn *learn, struct sg_learner *l)
{
    hmap_remove(&learn->learners, &l->node);
    free(l->name);
    free(l->where);
    free(l->refused);
    free(l);
}

void
sg_learn_destroy(struct sg_learn *learn)
{
    struct sg_learner *l;

    HMAP_FOR_EACH_SAFE (l, node, &learn->learners) {
        forget(learn, l);
    }
    hmap_destroy(&learn->learners);
}

struct sg_learner *
sg_learn_find(const struct sg_learn *learn, const struct uuid *uuid)
{
    struct sg_learner *l;

    HMAP_FOR_EACH_WITH_HASH (l, node, uuid_hash(uuid), &learn->learners) {
        if (uuid_equals(&l->uuid, uuid)) {
            return l;
        }
    }
    return NULL;
}

/* What was learned belongs to a place in the network. */
static char *
where_is(const struct sg_port *port)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&s, port->bridge);
    for (size_t i = 0; i < port->n_endpoints; i++) {
        ds_put_format(&s, " %d:%s", port->endpoints[i].vlan,
                      port->endpoints[i].network);
    }
    return ds_steal_cstr(&s);
}

static struct sg_learner *
get_learner(struct sg_learn *learn, const struct sg_port *port)
{
    struct sg_learner *l = sg_learn_find(learn, &port->uuid);

    if (!l) {
        l = xzalloc(sizeof *l);
        l->uuid = port->uuid;
        l->name = xstrdup(port->name);
        l->where = where_is(port);
        /* In thousandths of a frame. */
        token_bucket_init(&l->bucket, SG_LEARN_RATE, SG_LEARN_BURST * 1000);
        hmap_insert(&learn->learners, &l->node, uuid_hash(&l->uuid));
    }
    return l;
}

/* Conflicts. */

static bool
share_network(const struct sg_port *a, const struct sg_port *b)
{
    for (size_t i = 0; i < a->n_endpoints; i++) {
        for (size_t j = 0; j < b->n_endpoints; j++) {
            if (!strcmp(a->endpoints[i].network, b->endpoints[j].network)) {
                return true;
            }
        }
    }
    return false;
}

static bool
share_vlan(const struct sg_port *a, const struct sg_port *b)
{
    for (size_t i = 0; i < a->n_endpoints; i++) {
        for (size_t j = 0; j < b->n_endpoints; j++) {
            if (a->endpoints[i].vlan == b->endpoints[j].vlan) {
                return !strcmp(a->bridge, b->bridge);
            }
        }
    }
    return false;
}

/* Does 'port' hold 'p' by declaration or, if 'learned', at all? */
static bool
holds_address(const struct sg_port *port, const struct sg_prefix *p,
              bool learned)
{
    struct sg_prefix own;

    for (size_t i = 0; sg_port_address(port, i, &own); i++) {
        bool declared = (i < port->n_addresses ? !port->learns_addresses
                         : !port->learns_mac);

        if ((learned || declared) && sg_prefix_text_len(&own)
            && sg_prefix_contains(&own, p)) {
            return true;
        }
    }
    return false;
}

static bool
holds_mac(const struct sg_port *port, const struct eth_addr mac, bool learned)
{
    for (size_t i = 0; i < port->n_macs; i++) {
        if ((learned || !port->learns_mac)
            && eth_addr_equals(port->macs[i], mac)) {
            return true;
        }
    }
    return false;
}

static bool
is_member_in(const struct sg_members *m, const struct sg_port *port,
             const struct sg_prefix *p)
{
    bool here = !m->network;

    for (size_t i = 0; i < port->n_endpoints; i++) {
        here |= m->network && !strcmp(m->network, port->endpoints[i].network);
    }
    for (size_t i = 0; here && i < m->n; i++) {
        if (sg_prefix_contains(&m->prefixes[i], p)) {
            return true;
        }
    }
    return false;
}

/* Who has 'p', so that 'port' cannot?  Words that the caller frees, or
 * NULL. */
static char *
address_holder(const struct sg_policy *policy, const struct sg_ports *ports,
               const struct sg_port *port, const struct sg_prefix *p,
               bool learned)
{
    const struct sg_port *other;

    HMAP_FOR_EACH (other, node, &ports->ports) {
        if (other != port && other->guarded && !other->error
            && share_network(other, port)
            && holds_address(other, p, learned)) {
            return xstrdup(other->name);
        }
    }
    for (size_t i = 0; i < policy->n_members; i++) {
        const struct sg_members *m = &policy->members[i];

        if (!sg_port_has_group(port, m->group) && is_member_in(m, port, p)) {
            return xasprintf("the policy (members of \"%s\")", m->group);
        }
    }
    return NULL;
}

static char *
mac_holder(const struct sg_ports *ports, const struct sg_port *port,
           const struct eth_addr mac, bool learned)
{
    const struct sg_port *other;

    HMAP_FOR_EACH (other, node, &ports->ports) {
        if (other != port && other->guarded && !other->error
            && (share_vlan(other, port) || share_network(other, port))
            && holds_mac(other, mac, learned)) {
            return xstrdup(other->name);
        }
    }
    return NULL;
}

/* Completing ports. */

static void
fill_port(const struct sg_learner *l, struct sg_port *port, bool paused)
{
    if (port->learns_mac) {
        port->n_macs = l && l->has_mac;
        if (port->n_macs) {
            port->macs = xrealloc(port->macs, sizeof *port->macs);
            port->macs[0] = l->mac;
            port->mac_learned = l->mac_how;
        }
        port->listens_mac = !port->n_macs && !paused;
    }
    if (port->learns_addresses) {
        size_t n = l ? l->n : 0;

        free(port->addresses);
        free(port->addresses_learned);
        port->addresses = xmalloc((n + 1) * sizeof *port->addresses);
        port->addresses_learned
            = xmalloc((n + 1) * sizeof *port->addresses_learned);
        for (size_t i = 0; i < n; i++) {
            port->addresses[i] = l->addresses[i].address;
            port->addresses_learned[i] = l->addresses[i].how;
        }
        port->n_addresses = n;
        port->listens_addresses = n < SG_LEARN_MAX && !paused;
    }
}

static void
remove_address(struct sg_learner *l, size_t i)
{
    l->n--;
    memmove(&l->addresses[i], &l->addresses[i + 1],
            (l->n - i) * sizeof l->addresses[0]);
}

/* Drops what the port declares now, and what by the word of the operator
 * belongs to somebody else. */
static void
check_learner(struct sg_learner *l, const struct sg_policy *policy,
              const struct sg_ports *ports, const struct sg_port *port)
{
    if (!port->learns_mac) {
        l->has_mac = false;
    }
    if (!port->learns_addresses) {
        l->n = 0;
    }
    if (l->has_mac) {
        char *holder = mac_holder(ports, port, l->mac, false);

        l->has_mac = !holder;
        free(holder);
    }
    for (size_t i = l->n; i-- > 0;) {
        char *holder = address_holder(policy, ports, port,
                                      &l->addresses[i].address, false);

        if (holder) {
            remove_address(l, i);
            free(holder);
        }
    }
}

/* Is 'port' still what 'l' has learned for? */
static bool
is_learner_of(const struct sg_learner *l, const struct sg_port *port)
{
    if (!port || !port->guarded || !uuid_equals(&port->uuid, &l->uuid)) {
        return false;
    } else if (port->error) {
        return true;            /* Closed, but still the same. */
    } else if (!(port->learns_mac || port->learns_addresses)
               || port->ofport == SG_OFPORT_NONE) {
        return false;
    }

    char *where = where_is(port);
    bool same = !strcmp(where, l->where);
    free(where);
    return same;
}

/* Takes from 'l', which is that of 'port', what 'other' declares. */
static bool
yield_to(struct sg_learner *l, const struct sg_port *port,
         const struct sg_port *other)
{
    bool network = share_network(port, other);
    bool lost = false;

    if (l->has_mac && (network || share_vlan(port, other))
        && holds_mac(other, l->mac, false)) {
        l->has_mac = false;
        lost = true;
    }
    for (size_t i = l->n; network && i-- > 0;) {
        if (holds_address(other, &l->addresses[i].address, false)) {
            remove_address(l, i);
            lost = true;
        }
    }
    return lost;
}

static void
note_changed(struct sset *changed, const struct sg_port *port)
{
    if (changed) {
        sset_add(changed, port->name);
    }
}

/* 'port' was not admitted again, but others were. */
static void
yield_to_admitted(struct sg_learner *l, const struct sg_ports *ports,
                  struct sg_port *port, const struct sset *admitted,
                  struct sset *changed)
{
    const char *name;
    bool lost = false;

    SSET_FOR_EACH (name, admitted) {
        const struct sg_port *other = sg_ports_find(ports, name);

        if (other && other->guarded && !other->error) {
            lost |= yield_to(l, port, other);
        }
    }
    if (lost && !port->error) {
        fill_port(l, port, l->paused_until);
        note_changed(changed, port);
    }
}

static void
check_learners(struct sg_learn *learn, const struct sg_policy *policy,
               struct sg_ports *ports, const struct sset *admitted,
               struct sset *changed)
{
    struct sg_learner *l;

    HMAP_FOR_EACH_SAFE (l, node, &learn->learners) {
        struct sg_port *port = sg_ports_find(ports, l->name);

        if (!is_learner_of(l, port)) {
            forget(learn, l);
        } else if (admitted && !sset_contains(admitted, l->name)) {
            yield_to_admitted(l, ports, port, admitted, changed);
        } else if (!port->error) {
            check_learner(l, policy, ports, port);
        }
    }
}

static void
fill(const struct sg_learn *learn, struct sg_port *port)
{
    if (port->guarded && !port->error
        && (port->learns_mac || port->learns_addresses)) {
        const struct sg_learner *l = sg_learn_find(learn, &port->uuid);

        fill_port(l, port, l && l->paused_until);
    }
}

static void
fill_all(const struct sg_learn *learn, struct sg_ports *ports,
         struct sset *changed)
{
    struct sg_port *port;

    HMAP_FOR_EACH (port, node, &ports->ports) {
        if (port->learns_mac || port->learns_addresses) {
            struct sg_port *before = sg_port_clone(port);

            fill(learn, port);
            if (!sg_port_equal(before, port)) {
                note_changed(changed, port);
            }
            sg_port_destroy(before);
        }
    }
}

void
sg_learn_fill(struct sg_learn *learn, const struct sg_policy *policy,
              struct sg_ports *ports, const struct sset *admitted,
              struct sset *changed)
{
    const char *name;

    check_learners(learn, policy, ports, admitted, changed);
    if (!admitted) {
        fill_all(learn, ports, changed);
        return;
    }
    SSET_FOR_EACH (name, admitted) {
        struct sg_port *port = sg_ports_find(ports, name);

        if (port) {
            fill(learn, port);
        }
    }
}

/* Claims. */

bool
sg_learn_may_look(struct sg_learn *learn, const struct sg_port *port,
                  uint32_t now, bool *paused)
{
    struct sg_learner *l = get_learner(learn, port);

    *paused = false;
    if (l->paused_until) {
        return false;           /* Its flows are on the way out. */
    }
    if (!token_bucket_withdraw(&l->bucket, 1000)) {
        l->paused_until = now + SG_LEARN_PAUSE;
        *paused = true;
        return false;
    }
    return true;
}

static void
refuse(struct sg_learner *l, const struct sg_port *port, const char *what,
       const char *source, const char *why, struct ds *said)
{
    l->n_refused++;
    free(l->refused);
    l->refused = xasprintf("%s (%s): %s", what, source, why);
    ds_put_format(said, "%s: not learned: %s\n", port->name, l->refused);
}

static bool
learn_mac(struct sg_learner *l, const struct sg_ports *ports,
          const struct sg_port *port, const struct eth_addr mac,
          uint32_t now, struct ds *said)
{
    char *holder = mac_holder(ports, port, mac, true);

    if (holder) {
        char *what = xasprintf("MAC "ETH_ADDR_FMT, ETH_ADDR_ARGS(mac));
        char *why = xasprintf("it is that of %s", holder);

        refuse(l, port, what, sg_learn_source_name(SG_LEARN_FRAME), why,
               said);
        free(why);
        free(what);
        free(holder);
        return false;
    }
    l->has_mac = true;
    l->mac = mac;
    l->mac_how = (struct sg_learned) { SG_LEARN_FRAME, now, 0 };
    l->mac_use = (struct sg_use) { now, 0 };
    return true;
}

static struct sg_learned_address *
find_address(struct sg_learner *l, const struct sg_prefix *p)
{
    for (size_t i = 0; i < l->n; i++) {
        if (sg_prefix_equals(&l->addresses[i].address, p)) {
            return &l->addresses[i];
        }
    }
    return NULL;
}

static void
insert_address(struct sg_learner *l, const struct sg_prefix *p,
               const struct sg_learned *how, uint32_t now)
{
    size_t i = 0;

    while (i < l->n && sg_prefix_compare(&l->addresses[i].address, p) < 0) {
        i++;
    }
    memmove(&l->addresses[i + 1], &l->addresses[i],
            (l->n - i) * sizeof l->addresses[0]);
    l->addresses[i] = (struct sg_learned_address) {
        .address = *p, .how = *how, .use = { now, 0 },
    };
    l->n++;
}

/* The port has 'a' already; a lease may make it last. */
static bool
renew(struct sg_learned_address *a, const struct sg_claim *c, uint32_t until,
      uint32_t now)
{
    a->use.when = now;
    if (c->source != SG_LEARN_DHCP
        || (a->how.source == SG_LEARN_DHCP && a->how.until == until)) {
        return false;
    }
    a->how.source = SG_LEARN_DHCP;
    a->how.until = until;
    return true;
}

static bool
learn_address(struct sg_learner *l, const struct sg_policy *policy,
              const struct sg_ports *ports, const struct sg_port *port,
              const struct sg_claim *c, uint32_t now, struct ds *said)
{
    struct sg_learned_address *known = find_address(l, &c->address);
    uint32_t until = (c->lease ? MIN((uint64_t) now + c->lease,
                                     UINT32_MAX - 1) : 0);
    struct sg_learned how = { c->source, now, until };

    if (known) {
        return renew(known, c, until, now);
    }

    char *why = NULL;
    char *holder = address_holder(policy, ports, port, &c->address, true);
    if (holder) {
        why = xasprintf("it is that of %s", holder);
    } else if (l->n >= SG_LEARN_MAX) {
        why = xasprintf("it has learned %d already", SG_LEARN_MAX);
    }
    free(holder);
    if (why) {
        struct ds what = DS_EMPTY_INITIALIZER;

        sg_prefix_format(&c->address, &what);
        refuse(l, port, ds_cstr(&what), sg_learn_source_name(c->source), why,
               said);
        ds_destroy(&what);
        free(why);
        return false;
    }
    insert_address(l, &c->address, &how, now);
    return true;
}

bool
sg_learn_claim(struct sg_learn *learn, const struct sg_policy *policy,
               struct sg_ports *ports, struct sg_port *port,
               const struct sg_claims *claims, uint32_t now, struct ds *said)
{
    struct sg_learner *l = get_learner(learn, port);
    bool learned = false;

    if (port->learns_mac && !l->has_mac) {
        if (!learn_mac(l, ports, port, claims->mac, now, said)) {
            return false;
        }
        learned = true;
        fill_port(l, port, l->paused_until);
    }
    if (!holds_mac(port, claims->mac, true)) {
        return learned;
    }
    for (size_t i = 0; port->learns_addresses && i < claims->n; i++) {
        struct sg_prefix own;

        /* The link-local address of its MAC needs no learning. */
        if (port->n_macs
            && sg_port_address(port, port->n_addresses, &own)
            && sg_prefix_equals(&own, &claims->list[i].address)) {
            continue;
        }
        learned |= learn_address(l, policy, ports, port, &claims->list[i],
                                 now, said);
        fill_port(l, port, l->paused_until);
    }
    return learned;
}

void
sg_learn_restore_mac(struct sg_learn *learn, const struct sg_port *port,
                     const struct eth_addr mac, const struct sg_learned *how,
                     uint32_t now)
{
    if (port->learns_mac && !eth_addr_is_multicast(mac)) {
        struct sg_learner *l = get_learner(learn, port);

        l->has_mac = true;
        l->mac = mac;
        l->mac_how = *how;
        l->mac_use = (struct sg_use) { now, 0 };
    }
}

void
sg_learn_restore_address(struct sg_learn *learn, const struct sg_port *port,
                         const struct sg_prefix *p,
                         const struct sg_learned *how, uint32_t now)
{
    if (port->learns_addresses && sg_prefix_is_host(p)) {
        struct sg_learner *l = get_learner(learn, port);

        if (l->n < SG_LEARN_MAX && !find_address(l, p)) {
            insert_address(l, p, how, now);
        }
    }
}

/* Ageing. */

static void
note_use(struct sg_use *use, uint64_t packets, uint32_t now)
{
    if (packets != use->packets) {
        use->packets = packets;
        use->when = now;
    }
}

void
sg_learn_note_use(struct sg_learn *learn, const struct sg_port *port,
                  const struct sg_prefix *address, uint64_t packets,
                  uint32_t now)
{
    struct sg_learner *l = sg_learn_find(learn, &port->uuid);
    struct sg_learned_address *a = l && address ? find_address(l, address)
                                   : NULL;

    if (a) {
        note_use(&a->use, packets, now);
    } else if (l && !address) {
        note_use(&l->mac_use, packets, now);
    }
}

static bool
is_idle(const struct sg_use *use, uint32_t idle, uint32_t now)
{
    return now > use->when && now - use->when >= idle;
}

static bool
is_over(const struct sg_learned_address *a, uint32_t idle, uint32_t now)
{
    return (a->how.until ? now >= a->how.until
            : is_idle(&a->use, idle, now));
}

bool
sg_learn_age(struct sg_learn *learn, uint32_t idle, uint32_t now)
{
    struct sg_learner *l;
    bool changed = false;

    HMAP_FOR_EACH (l, node, &learn->learners) {
        for (size_t i = l->n; i-- > 0;) {
            if (is_over(&l->addresses[i], idle, now)) {
                remove_address(l, i);
                changed = true;
            }
        }
        /* Addresses that live are those of a MAC. */
        if (l->has_mac && !l->n && is_idle(&l->mac_use, idle, now)) {
            l->has_mac = false;
            changed = true;
        }
        if (l->paused_until && now >= l->paused_until) {
            l->paused_until = 0;
            l->bucket.tokens = l->bucket.burst;
            changed = true;
        }
    }
    return changed;
}

uint32_t
sg_learn_next(const struct sg_learn *learn)
{
    const struct sg_learner *l;
    uint32_t next = UINT32_MAX;

    HMAP_FOR_EACH (l, node, &learn->learners) {
        for (size_t i = 0; i < l->n; i++) {
            if (l->addresses[i].how.until) {
                next = MIN(next, l->addresses[i].how.until);
            }
        }
        if (l->paused_until) {
            next = MIN(next, l->paused_until);
        }
    }
    return next;
}
