/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/l4.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "compile/ids.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* What one rule contributes: a candidate that is merged with others. */
struct atom {
    int32_t lo, hi;             /* -1...-1: everything of the protocol. */
    int16_t code;
    const struct sg_rule *rule;
};

struct atoms {
    struct atom *list;
    size_t n, allocated;
};

static void
atoms_add(struct atoms *atoms, int32_t lo, int32_t hi, int16_t code,
          const struct sg_rule *rule)
{
    if (atoms->n >= atoms->allocated) {
        atoms->list = x2nrealloc(atoms->list, &atoms->allocated,
                                 sizeof *atoms->list);
    }
    atoms->list[atoms->n++] = (struct atom) { lo, hi, code, rule };
}

static int
compare_peers(const void *a, const void *b)
{
    return sg_peer_compare(a, b);
}

/* There may be tens of thousands, and a fragment for each. */
static bool
has_peer(const struct sg_rule *rule, const struct sg_peer *peer)
{
    return bsearch(peer, rule->peers, rule->n_peers, sizeof *rule->peers,
                   compare_peers) != NULL;
}

/* The families of addresses that 'peer' can stand for. */
static uint8_t
peer_families(const struct sg_peer *peer)
{
    return (peer->type != SG_PEER_PREFIX ? SG_IP_ANY
            : sg_prefix_is_ipv4(&peer->prefix) ? SG_IPV4
            : SG_IPV6);
}

static bool
is_icmp(int proto)
{
    return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

static void
entry_set_key(const struct sg_fragment *frag, struct sg_entry *entry)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "%s: ", frag->key);
    sg_entry_format(entry, &s);
    if (entry->named) {
        ds_put_cstr(&s, " named");
    }
    if (frag->group->drain) {
        ds_put_cstr(&s, " drain");
    }
    entry->key = ds_steal_cstr(&s);
    entry->identity = sg_identity(entry->key);
}

static struct sg_entry *
fragment_add_entry(struct sg_fragment *frag, uint8_t families, int16_t proto,
                   int32_t lo, int32_t hi, int16_t code)
{
    frag->entries = xrealloc(frag->entries,
                             (frag->n_entries + 1) * sizeof *frag->entries);

    struct sg_entry *entry = &frag->entries[frag->n_entries++];
    *entry = (struct sg_entry) {
        .families = families, .proto = proto,
        .lo = lo, .hi = hi, .code = code,
    };
    return entry;
}

static void
entry_add_rule(struct sg_entry *entry, const struct sg_rule *rule)
{
    for (size_t i = 0; i < entry->n_rules; i++) {
        if (entry->rules[i] == rule) {
            return;
        }
    }
    entry->rules = xrealloc(entry->rules,
                            (entry->n_rules + 1) * sizeof *entry->rules);
    entry->rules[entry->n_rules++] = rule;
}

static int
compare_atoms(const void *a_, const void *b_)
{
    const struct atom *a = a_, *b = b_;

    return (a->lo != b->lo ? (a->lo < b->lo ? -1 : 1)
            : a->hi != b->hi ? (a->hi > b->hi ? -1 : 1)
            : a->code != b->code ? (a->code < b->code ? -1 : 1)
            : 0);
}

/* Can 'atom' be said by 'entry', widened or not?  Ports merge when they
 * overlap or touch; an ICMP type swallows its codes; "everything" (-1, which
 * sorts first) swallows the rest of the protocol. */
static bool
entry_takes(const struct sg_entry *entry, const struct atom *atom)
{
    if (entry->lo < 0) {
        return true;
    } else if (is_icmp(entry->proto)) {
        return entry->lo == atom->lo && (entry->code < 0
                                         || entry->code == atom->code);
    } else {
        return atom->lo <= entry->hi + 1;
    }
}

/* A range of all ports is the same as none: one flow without ports. */
static bool
is_everything(int32_t lo, int32_t hi)
{
    return lo == 0 && hi == UINT16_MAX;
}

static void
fragment_merge(struct sg_fragment *frag, uint8_t family, int proto,
               struct atoms *atoms)
{
    struct sg_entry *entry = NULL;

    if (!atoms->n) {
        return;
    }
    qsort(atoms->list, atoms->n, sizeof *atoms->list, compare_atoms);
    for (size_t i = 0; i < atoms->n; i++) {
        const struct atom *atom = &atoms->list[i];

        if (!entry || !entry_takes(entry, atom)) {
            entry = fragment_add_entry(frag, family, proto,
                                       atom->lo, atom->hi, atom->code);
        } else if (entry->lo >= 0) {
            entry->hi = MAX(entry->hi, atom->hi);
            if (is_everything(entry->lo, entry->hi)) {
                entry->lo = entry->hi = -1;
            }
        }
        entry_add_rule(entry, atom->rule);
    }
}

/* All rules of 'frag' for all protocols.  Returns the families for which
 * there are such rules: other rules of these families have nothing to add. */
static uint8_t
fragment_add_all(struct sg_fragment *frag)
{
    uint8_t families = 0;

    for (size_t i = 0; i < frag->group->n_rules[frag->dir]; i++) {
        const struct sg_rule *rule = frag->group->rules[frag->dir][i];

        if (rule->proto < 0 && has_peer(rule, frag->peer)) {
            families |= rule->families;
        }
    }
    if (!families) {
        return 0;
    }

    struct sg_entry *entry = fragment_add_entry(frag, families, -1,
                                                -1, -1, -1);
    for (size_t i = 0; i < frag->group->n_rules[frag->dir]; i++) {
        const struct sg_rule *rule = frag->group->rules[frag->dir][i];

        if (rule->proto < 0 && has_peer(rule, frag->peer)) {
            entry_add_rule(entry, rule);
        }
    }
    return families;
}

static void
rule_to_atoms(const struct sg_rule *rule, struct atoms *atoms)
{
    for (size_t i = 0; i < rule->n_ranges; i++) {
        bool all = is_everything(rule->ranges[i].lo, rule->ranges[i].hi);

        atoms_add(atoms, all ? -1 : rule->ranges[i].lo,
                  all ? -1 : rule->ranges[i].hi, -1, rule);
    }
    for (size_t i = 0; i < rule->n_icmps; i++) {
        atoms_add(atoms, rule->icmps[i].type, rule->icmps[i].type,
                  rule->icmps[i].code, rule);
    }
    if (!rule->n_ranges && !rule->n_icmps) {
        atoms_add(atoms, -1, -1, -1, rule);
    }
}

static void
fragment_add_proto(struct sg_fragment *frag, uint8_t family, int proto)
{
    struct atoms atoms = { NULL, 0, 0 };

    for (size_t i = 0; i < frag->group->n_rules[frag->dir]; i++) {
        const struct sg_rule *rule = frag->group->rules[frag->dir][i];

        if (rule->proto == proto && rule->families & family
            && has_peer(rule, frag->peer)) {
            rule_to_atoms(rule, &atoms);
        }
    }
    fragment_merge(frag, family, proto, &atoms);
    free(atoms.list);
}

/* The protocols that rules of 'frag' name, as a bitmap. */
static void
fragment_protocols(const struct sg_fragment *frag, bool protos[256])
{
    for (size_t i = 0; i < frag->group->n_rules[frag->dir]; i++) {
        const struct sg_rule *rule = frag->group->rules[frag->dir][i];

        if (rule->proto >= 0 && rule->proto < 256
            && has_peer(rule, frag->peer)) {
            protos[rule->proto] = true;
        }
    }
}

/* What a guest may do only if an egress rule says so by name (CONTRACT
 * section 4, point 2) gets entries of its own, beside those that cover the
 * same by the way. */
static void
fragment_add_named(struct sg_fragment *frag)
{
    static const struct {
        enum sg_named name;
        uint8_t family, proto;
        int32_t value;
    } named[] = {
        { SG_NAMED_DHCP_SERVER, SG_IPV4, IPPROTO_UDP, 68 },
        { SG_NAMED_DHCPV6_SERVER, SG_IPV6, IPPROTO_UDP, 546 },
        { SG_NAMED_ROUTER_ADVERT, SG_IPV6, IPPROTO_ICMPV6, 134 },
    };

    if (frag->dir != SG_EGRESS) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
        struct sg_entry *entry = NULL;

        for (size_t j = 0; j < frag->group->n_rules[SG_EGRESS]; j++) {
            const struct sg_rule *rule = frag->group->rules[SG_EGRESS][j];

            if (rule->names & named[i].name
                && rule->families & peer_families(frag->peer)
                   & named[i].family
                && has_peer(rule, frag->peer)) {
                if (!entry) {
                    entry = fragment_add_entry(frag, named[i].family,
                                               named[i].proto,
                                               named[i].value,
                                               named[i].value, -1);
                    entry->named = true;
                }
                entry_add_rule(entry, rule);
            }
        }
    }
}

struct sg_fragment *
sg_fragment_create(enum sg_direction dir, const struct sg_group *group,
                   const struct sg_peer *peer)
{
    struct sg_fragment *frag = xzalloc(sizeof *frag);
    bool protos[256] = { false };

    frag->dir = dir;
    frag->group = group;
    frag->peer = peer;

    struct ds key = DS_EMPTY_INITIALIZER;
    ds_put_format(&key, "%s %s ", sg_direction_name(dir), group->key);
    sg_peer_format(peer, &key);
    frag->key = ds_steal_cstr(&key);
    frag->identity = sg_identity(frag->key);

    uint8_t all = fragment_add_all(frag);
    fragment_protocols(frag, protos);
    for (uint8_t family = SG_IPV4; family <= SG_IPV6; family <<= 1) {
        bool wanted = peer_families(peer) & family & ~all;

        for (int proto = 0; proto < 256 && wanted; proto++) {
            if (protos[proto]) {
                fragment_add_proto(frag, family, proto);
            }
        }
    }
    fragment_add_named(frag);

    for (size_t i = 0; i < frag->n_entries; i++) {
        entry_set_key(frag, &frag->entries[i]);
    }
    if (!frag->n_entries) {
        sg_fragment_destroy(frag);
        return NULL;
    }
    return frag;
}

void
sg_fragment_destroy(struct sg_fragment *frag)
{
    if (frag) {
        for (size_t i = 0; i < frag->n_entries; i++) {
            free(frag->entries[i].key);
            free(frag->entries[i].rules);
        }
        free(frag->entries);
        free(frag->key);
        free(frag);
    }
}

static const char *
proto_name(int proto)
{
    switch (proto) {
    case IPPROTO_ICMP:
        return "icmp";
    case IPPROTO_TCP:
        return "tcp";
    case IPPROTO_UDP:
        return "udp";
    case IPPROTO_ICMPV6:
        return "icmp6";
    case IPPROTO_SCTP:
        return "sctp";
    default:
        return NULL;
    }
}

void
sg_entry_format(const struct sg_entry *entry, struct ds *s)
{
    if (entry->proto < 0) {
        ds_put_cstr(s, "all");
    } else if (proto_name(entry->proto)) {
        ds_put_cstr(s, proto_name(entry->proto));
    } else {
        ds_put_format(s, "protocol %d", entry->proto);
    }
    if (entry->lo >= 0) {
        ds_put_format(s, is_icmp(entry->proto) ? " type %d" : " %d",
                      entry->lo);
        if (entry->hi != entry->lo) {
            ds_put_format(s, "-%d", entry->hi);
        }
        if (entry->code >= 0) {
            ds_put_format(s, " code %d", entry->code);
        }
    }
    if (entry->families != SG_IP_ANY) {
        ds_put_cstr(s, entry->families == SG_IPV4 ? " (ipv4)" : " (ipv6)");
    }
}

size_t
sg_range_to_masks(uint16_t lo_, uint16_t hi, struct sg_port_mask masks[],
                  size_t max)
{
    uint32_t lo = lo_;
    size_t n = 0;

    while (lo <= hi) {
        /* The largest aligned block that begins at 'lo' and fits. */
        uint32_t size = lo ? lo & -lo : 1u << 16;

        while (lo + size - 1 > hi) {
            size >>= 1;
        }
        if (n < max) {
            masks[n].value = lo;
            masks[n].mask = ~(size - 1);
        }
        n++;
        lo += size;
    }
    return n;
}
