/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "learn/table.h"

#include <string.h>

#include "coverage.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "sset.h"
#include "util.h"
#include "uuid.h"

COVERAGE_DEFINE(sg_learned_judged);

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

/* A port that has all addresses (/0: a router) holds none. */
static bool
holds_address(const struct sg_port *port, const struct sg_prefix *p)
{
    struct sg_prefix own;

    for (size_t i = 0; sg_port_address(port, i, &own); i++) {
        if (sg_prefix_text_len(&own) && sg_prefix_contains(&own, p)) {
            return true;
        }
    }
    return false;
}

static bool
holds_mac(const struct sg_port *port, const struct eth_addr mac)
{
    for (size_t i = 0; i < port->n_macs; i++) {
        if (eth_addr_equals(port->macs[i], mac)) {
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
    return here && sg_prefixes_contain(m->prefixes, m->n, p);
}

/* The members that the policy gives 'p' to, so that 'port' cannot have it. */
static const struct sg_members *
members_with(const struct sg_policy *policy, const struct sg_port *port,
             const struct sg_prefix *p)
{
    for (size_t i = 0; i < policy->n_members; i++) {
        const struct sg_members *m = &policy->members[i];

        if (!sg_port_has_group(port, m->group) && is_member_in(m, port, p)) {
            return m;
        }
    }
    return NULL;
}

/* Who has 'p', so that 'port' cannot?  Words that the caller frees, or
 * NULL. */
static char *
address_holder(const struct sg_policy *policy, const struct sg_ports *ports,
               const struct sg_port *port, const struct sg_prefix *p)
{
    const struct sg_members *m;
    const struct sg_port *other;

    HMAP_FOR_EACH (other, node, &ports->ports) {
        if (other != port && other->guarded && !other->error
            && share_network(other, port) && holds_address(other, p)) {
            return xstrdup(other->name);
        }
    }
    m = members_with(policy, port, p);
    return m ? xasprintf("the policy (members of \"%s\")", m->group) : NULL;
}

static const struct sg_port *
mac_holder(const struct sg_ports *ports, const struct sg_port *port,
           const struct eth_addr mac)
{
    const struct sg_port *other;

    HMAP_FOR_EACH (other, node, &ports->ports) {
        if (other != port && other->guarded && !other->error
            && (share_vlan(other, port) || share_network(other, port))
            && holds_mac(other, mac)) {
            return other;
        }
    }
    return NULL;
}

/* What ports declare, to be looked up: there may be a thousand that do, and a
 * thousand that learn. */

struct declaration {
    struct hmap_node node;      /* In declared.macs, .hosts or .prefixes. */
    const struct sg_port *port;
    struct eth_addr mac;        /* One of these two. */
    struct sg_prefix address;
};

struct declared {
    struct hmap macs;           /* struct declaration, by 'mac'. */
    struct hmap hosts;          /* Addresses, by 'address'. */
    struct hmap prefixes;       /* Prefixes, in no order. */
};

static uint32_t
mac_hash(const struct eth_addr mac)
{
    return hash_bytes(&mac, sizeof mac, 0);
}

static struct declaration *
add_declaration(struct hmap *map, const struct sg_port *port, uint32_t hash)
{
    struct declaration *d = xzalloc(sizeof *d);

    d->port = port;
    hmap_insert(map, &d->node, hash);
    return d;
}

static void
declared_add(struct declared *declared, const struct sg_port *port)
{
    struct sg_prefix own;

    if (!port->guarded || port->error) {
        return;
    }
    for (size_t i = 0; i < port->n_macs && !port->learns_mac; i++) {
        add_declaration(&declared->macs, port,
                        mac_hash(port->macs[i]))->mac = port->macs[i];
    }
    for (size_t i = 0; sg_port_address(port, i, &own); i++) {
        bool learned = (i < port->n_addresses ? port->learns_addresses
                        : port->learns_mac);

        if (!learned && sg_prefix_text_len(&own)) {
            bool host = sg_prefix_is_host(&own);

            add_declaration(host ? &declared->hosts : &declared->prefixes,
                            port, sg_prefix_hash(&own, 0))->address = own;
        }
    }
}

/* Of the ports in 'names'; NULL: of all. */
static void
declared_init(struct declared *declared, const struct sg_ports *ports,
              const struct sset *names)
{
    const struct sg_port *port;
    const char *name;

    hmap_init(&declared->macs);
    hmap_init(&declared->hosts);
    hmap_init(&declared->prefixes);
    if (!names) {
        HMAP_FOR_EACH (port, node, &ports->ports) {
            declared_add(declared, port);
        }
        return;
    }
    SSET_FOR_EACH (name, names) {
        port = sg_ports_find(ports, name);
        if (port) {
            declared_add(declared, port);
        }
    }
}

static void
clear_declarations(struct hmap *map)
{
    struct declaration *d;

    HMAP_FOR_EACH_POP (d, node, map) {
        free(d);
    }
    hmap_destroy(map);
}

static void
declared_destroy(struct declared *declared)
{
    clear_declarations(&declared->macs);
    clear_declarations(&declared->hosts);
    clear_declarations(&declared->prefixes);
}

static bool
declared_is_empty(const struct declared *declared)
{
    return (hmap_is_empty(&declared->macs) && hmap_is_empty(&declared->hosts)
            && hmap_is_empty(&declared->prefixes));
}

/* Is 'mac' that of another than 'port'? */
static bool
mac_is_declared(const struct declared *declared, const struct sg_port *port,
                const struct eth_addr mac)
{
    const struct declaration *d;

    HMAP_FOR_EACH_WITH_HASH (d, node, mac_hash(mac), &declared->macs) {
        if (d->port != port && eth_addr_equals(d->mac, mac)
            && (share_vlan(d->port, port) || share_network(d->port, port))) {
            return true;
        }
    }
    return false;
}

static bool
address_is_declared(const struct declared *declared,
                    const struct sg_port *port, const struct sg_prefix *p)
{
    const struct declaration *d;

    HMAP_FOR_EACH_WITH_HASH (d, node, sg_prefix_hash(p, 0),
                             &declared->hosts) {
        if (d->port != port && sg_prefix_equals(&d->address, p)
            && share_network(d->port, port)) {
            return true;
        }
    }
    HMAP_FOR_EACH (d, node, &declared->prefixes) {
        if (d->port != port && sg_prefix_contains(&d->address, p)
            && share_network(d->port, port)) {
            return true;
        }
    }
    return false;
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

/* Takes from 'l', which is that of 'port', what others declare. */
static bool
yield_to(struct sg_learner *l, const struct sg_port *port,
         const struct declared *declared)
{
    bool lost = false;

    COVERAGE_INC(sg_learned_judged);
    if (l->has_mac && mac_is_declared(declared, port, l->mac)) {
        l->has_mac = false;
        lost = true;
    }
    for (size_t i = l->n; i-- > 0;) {
        if (address_is_declared(declared, port, &l->addresses[i].address)) {
            remove_address(l, i);
            lost = true;
        }
    }
    return lost;
}

/* Drops what the port declares now, and what by the word of the operator
 * belongs to somebody else. */
static void
check_learner(struct sg_learner *l, const struct sg_policy *policy,
              const struct sg_port *port, const struct declared *declared)
{
    if (!port->learns_mac) {
        l->has_mac = false;
    }
    if (!port->learns_addresses) {
        l->n = 0;
    }
    yield_to(l, port, declared);
    for (size_t i = l->n; i-- > 0;) {
        if (members_with(policy, port, &l->addresses[i].address)) {
            remove_address(l, i);
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

static void
note_changed(struct sset *changed, const struct sg_port *port)
{
    if (changed) {
        sset_add(changed, port->name);
    }
}

/* 'port' was not admitted again, but others were, who declare something. */
static void
yield_to_admitted(struct sg_learner *l, struct sg_port *port,
                  const struct declared *admitted, struct sset *changed)
{
    if (port && yield_to(l, port, admitted) && !port->error) {
        fill_port(l, port, l->paused_until);
        note_changed(changed, port);
    }
}

/* Those whose ports are in 'admitted'; NULL: all. */
static void
check_admitted(struct sg_learn *learn, const struct sg_policy *policy,
               struct sg_ports *ports, const struct sset *admitted)
{
    struct declared all;
    bool looked = false;
    struct sg_learner *l;

    HMAP_FOR_EACH_SAFE (l, node, &learn->learners) {
        const struct sg_port *port;

        if (admitted && !sset_contains(admitted, l->name)) {
            continue;
        }
        port = sg_ports_find(ports, l->name);
        if (!is_learner_of(l, port)) {
            forget(learn, l);
        } else if (!port->error) {
            if (!looked) {
                declared_init(&all, ports, NULL);
                looked = true;
            }
            check_learner(l, policy, port, &all);
        }
    }
    if (looked) {
        declared_destroy(&all);
    }
}

/* Those whose ports are not. */
static void
check_others(struct sg_learn *learn, struct sg_ports *ports,
             const struct sset *admitted, struct sset *changed)
{
    struct declared declared;
    struct sg_learner *l;

    declared_init(&declared, ports, admitted);
    if (!declared_is_empty(&declared)) {
        HMAP_FOR_EACH (l, node, &learn->learners) {
            if (!sset_contains(admitted, l->name)) {
                yield_to_admitted(l, sg_ports_find(ports, l->name), &declared,
                                  changed);
            }
        }
    }
    declared_destroy(&declared);
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

    check_admitted(learn, policy, ports, admitted);
    if (!admitted) {
        fill_all(learn, ports, changed);
        return;
    }
    check_others(learn, ports, admitted, changed);
    SSET_FOR_EACH (name, admitted) {
        struct sg_port *port = sg_ports_find(ports, name);

        if (port) {
            fill(learn, port);
        }
    }
}

void
sg_learn_refresh(struct sg_learn *learn, struct sg_ports *ports,
                 struct sset *changed)
{
    struct sg_learner *l;

    HMAP_FOR_EACH (l, node, &learn->learners) {
        struct sg_port *port = l->stale ? sg_ports_find(ports, l->name) : NULL;

        l->stale = false;
        if (port && uuid_equals(&port->uuid, &l->uuid)) {
            fill(learn, port);
            note_changed(changed, port);
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
        *paused = l->stale = true;
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
    const struct sg_port *holder = mac_holder(ports, port, mac);

    if (holder) {
        char *what = xasprintf("MAC "ETH_ADDR_FMT, ETH_ADDR_ARGS(mac));
        char *why = xasprintf("it is that of %s", holder->name);

        refuse(l, port, what, sg_learn_source_name(SG_LEARN_FRAME), why,
               said);
        free(why);
        free(what);
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
    char *holder = address_holder(policy, ports, port, &c->address);
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
    if (!holds_mac(port, claims->mac)) {
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

/* Also if the clock was set back: nobody would wait for that time again. */
static bool
pause_is_over(const struct sg_learner *l, uint32_t now)
{
    return now >= l->paused_until || l->paused_until - now > SG_LEARN_PAUSE;
}

/* The same for one port; true if that has changed anything. */
static bool
age(struct sg_learner *l, uint32_t idle, uint32_t now)
{
    bool changed = false;

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
    if (l->paused_until && pause_is_over(l, now)) {
        l->paused_until = 0;
        l->bucket.tokens = l->bucket.burst;
        changed = true;
    }
    return changed;
}

bool
sg_learn_age(struct sg_learn *learn, uint32_t idle, uint32_t now)
{
    struct sg_learner *l;
    bool changed = false;

    HMAP_FOR_EACH (l, node, &learn->learners) {
        if (age(l, idle, now)) {
            l->stale = changed = true;
        }
    }
    return changed;
}

uint32_t
sg_learn_next(const struct sg_learn *learn, uint32_t now)
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
            next = MIN(next, pause_is_over(l, now) ? now : l->paused_until);
        }
    }
    return next;
}
