/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include <string.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "policy/policy.h"
#include "util.h"

void
sg_peer_clone(struct sg_peer *dst, const struct sg_peer *src)
{
    *dst = *src;
    dst->name = nullable_xstrdup(src->name);
    dst->network = nullable_xstrdup(src->network);
}

void
sg_peer_destroy(struct sg_peer *peer)
{
    free(peer->name);
    free(peer->network);
}

/* Groups of the network itself come before those of others. */
static int
compare_groups(const struct sg_peer *a, const struct sg_peer *b)
{
    int cmp = strcmp(a->network ? a->network : "",
                     b->network ? b->network : "");

    return cmp ? cmp : strcmp(a->name, b->name);
}

int
sg_peer_compare(const struct sg_peer *a, const struct sg_peer *b)
{
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    switch (a->type) {
    case SG_PEER_ANY:
        return 0;
    case SG_PEER_PREFIX:
        return sg_prefix_compare(&a->prefix, &b->prefix);
    case SG_PEER_GROUP:
        return compare_groups(a, b);
    case SG_PEER_PREFIX_LIST:
    case SG_PEER_ADDRESSES:
    default:
        return strcmp(a->name, b->name);
    }
}

bool
sg_peer_equals(const struct sg_peer *a, const struct sg_peer *b)
{
    return !sg_peer_compare(a, b);
}

uint32_t
sg_peer_hash(const struct sg_peer *peer, uint32_t basis)
{
    uint32_t hash = hash_int(peer->type, basis);

    if (peer->type == SG_PEER_PREFIX) {
        return sg_prefix_hash(&peer->prefix, hash);
    }
    if (peer->network) {
        hash = hash_string(peer->network, hash);
    }
    return peer->name ? hash_string(peer->name, hash) : hash;
}

void
sg_peer_format(const struct sg_peer *peer, struct ds *s)
{
    switch (peer->type) {
    case SG_PEER_ANY:
        ds_put_cstr(s, "any");
        break;
    case SG_PEER_PREFIX:
        sg_prefix_format(&peer->prefix, s);
        break;
    case SG_PEER_GROUP:
        ds_put_format(s, "group %s%s%s", peer->network ? peer->network : "",
                      peer->network ? "/" : "", peer->name);
        break;
    case SG_PEER_PREFIX_LIST:
        ds_put_format(s, "prefix_list %s", peer->name);
        break;
    case SG_PEER_ADDRESSES:
        ds_put_format(s, "addresses %s", peer->name);
        break;
    }
}
