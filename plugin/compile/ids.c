/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/ids.h"

#include <string.h>

#include "compile/pipeline.h"
#include "hash.h"
#include "util.h"

/* This part of all numbers is a gap (sg_ids_leave_gap()): many more than are
 * given between two starts, and so few that hundreds of starts have room. */
#define GAPS 512

struct sg_id_hint {
    struct hmap_node identity_node; /* In sg_ids.hints. */
    struct hmap_node id_node;       /* In sg_ids.hinted_ids. */
    uint64_t identity;
    uint32_t id;
};

uint64_t
sg_identity(const char *key)
{
    size_t n = strlen(key);
    uint64_t hi = hash_bytes(key, n, 0x5347);
    uint64_t lo = hash_bytes(key, n, 0x6f7673);

    return (hi << 32 | lo) & SG_COOKIE_ID_MASK;
}

void
sg_ids_init(struct sg_ids *ids, uint32_t min, uint32_t max)
{
    ids->min = ids->next = min;
    ids->max = max;
    ids->gap = false;
    ovs_list_init(&ids->idle);
    ovs_list_init(&ids->fresh);
    shash_init(&ids->by_key);
    hmap_init(&ids->by_id);
    hmap_init(&ids->by_identity);
    hmap_init(&ids->hints);
    hmap_init(&ids->hinted_ids);
}

static void
sg_ids_forget(struct sg_ids *ids, struct sg_id *id)
{
    hmap_remove(&ids->by_id, &id->id_node);
    hmap_remove(&ids->by_identity, &id->identity_node);
    ovs_list_remove(&id->idle_node);
    ovs_list_remove(&id->fresh_node);
    shash_find_and_delete(&ids->by_key, id->key);
    free(id);
}

static void
sg_ids_clear_hints(struct sg_ids *ids)
{
    struct sg_id_hint *hint;

    HMAP_FOR_EACH_POP (hint, identity_node, &ids->hints) {
        hmap_remove(&ids->hinted_ids, &hint->id_node);
        free(hint);
    }
}

void
sg_ids_destroy(struct sg_ids *ids)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &ids->by_key) {
        sg_ids_forget(ids, node->data);
    }
    sg_ids_clear_hints(ids);
    shash_destroy(&ids->by_key);
    hmap_destroy(&ids->by_id);
    hmap_destroy(&ids->by_identity);
    hmap_destroy(&ids->hints);
    hmap_destroy(&ids->hinted_ids);
}

const struct sg_id *
sg_ids_find(const struct sg_ids *ids, const char *key)
{
    return shash_find_data(&ids->by_key, key);
}

const struct sg_id *
sg_ids_by_id(const struct sg_ids *ids, uint32_t number)
{
    const struct sg_id *id;

    HMAP_FOR_EACH_WITH_HASH (id, id_node, hash_int(number, 0), &ids->by_id) {
        if (id->id == number) {
            return id;
        }
    }
    return NULL;
}

const struct sg_id *
sg_ids_by_identity(const struct sg_ids *ids, uint64_t identity)
{
    const struct sg_id *id;

    HMAP_FOR_EACH_WITH_HASH (id, identity_node, hash_uint64(identity),
                             &ids->by_identity) {
        if (id->identity == identity) {
            return id;
        }
    }
    return NULL;
}

static const struct sg_id_hint *
sg_ids_hint_by_identity(const struct sg_ids *ids, uint64_t identity)
{
    const struct sg_id_hint *hint;

    HMAP_FOR_EACH_WITH_HASH (hint, identity_node, hash_uint64(identity),
                             &ids->hints) {
        if (hint->identity == identity) {
            return hint;
        }
    }
    return NULL;
}

static const struct sg_id_hint *
sg_ids_hint_by_id(const struct sg_ids *ids, uint32_t id)
{
    const struct sg_id_hint *hint;

    HMAP_FOR_EACH_WITH_HASH (hint, id_node, hash_int(id, 0),
                             &ids->hinted_ids) {
        if (hint->id == id) {
            return hint;
        }
    }
    return NULL;
}

void
sg_ids_hint(struct sg_ids *ids, uint64_t identity, uint32_t id)
{
    if (id < ids->min || id > ids->max
        || sg_ids_hint_by_identity(ids, identity)
        || sg_ids_hint_by_id(ids, id)) {
        return;
    }

    struct sg_id_hint *hint = xmalloc(sizeof *hint);
    hint->identity = identity;
    hint->id = id;
    hmap_insert(&ids->hints, &hint->identity_node, hash_uint64(identity));
    hmap_insert(&ids->hinted_ids, &hint->id_node, hash_int(id, 0));
    sg_ids_skip(ids, id);
}

/* New numbers come behind the recovered ones, as they would have if we had
 * never stopped. */
void
sg_ids_skip(struct sg_ids *ids, uint32_t id)
{
    if (id >= ids->next && id <= ids->max) {
        ids->next = id == ids->max ? ids->min : id + 1;
    }
}

void
sg_ids_leave_gap(struct sg_ids *ids)
{
    ids->gap = true;
}

/* When all hints are known. */
static void
sg_ids_skip_gap(struct sg_ids *ids)
{
    uint32_t size = (ids->max - ids->min) / GAPS;

    if (ids->gap) {
        ids->gap = false;
        ids->next = (ids->max - ids->next > size ? ids->next + size
                     : ids->min);
    }
}

void
sg_ids_leave_room(struct sg_ids *ids)
{
    ids->next += (ids->max - ids->next) / 2;
}

/* A number that nothing has and no installed flow claims. */
static bool
sg_ids_choose(struct sg_ids *ids, uint64_t identity, uint32_t *numberp)
{
    const struct sg_id_hint *hint = sg_ids_hint_by_identity(ids, identity);

    if (hint && !sg_ids_by_id(ids, hint->id)) {
        *numberp = hint->id;
        return true;
    }
    sg_ids_skip_gap(ids);
    for (uint64_t i = 0; i <= (uint64_t) ids->max - ids->min; i++) {
        uint32_t number = ids->next;

        ids->next = number == ids->max ? ids->min : number + 1;
        if (!sg_ids_by_id(ids, number) && !sg_ids_hint_by_id(ids, number)) {
            *numberp = number;
            return true;
        }
    }
    return false;
}

static struct sg_id *
sg_ids_add(struct sg_ids *ids, const char *key)
{
    uint64_t identity = sg_identity(key);
    const struct sg_id_hint *hint;
    struct sg_id *id;
    uint32_t number;

    if (!sg_ids_choose(ids, identity, &number)) {
        return NULL;
    }
    hint = sg_ids_hint_by_identity(ids, identity);
    id = xzalloc(sizeof *id);
    id->identity = identity;
    id->id = number;
    id->fresh = !hint || hint->id != number;
    id->key = shash_add(&ids->by_key, key, id)->name;
    ovs_list_init(&id->idle_node);
    ovs_list_init(&id->fresh_node);
    if (id->fresh) {
        ovs_list_push_back(&ids->fresh, &id->fresh_node);
    }
    hmap_insert(&ids->by_id, &id->id_node, hash_int(number, 0));
    hmap_insert(&ids->by_identity, &id->identity_node,
                hash_uint64(identity));
    return id;
}

const struct sg_id *
sg_ids_get(struct sg_ids *ids, const char *key)
{
    struct sg_id *id = shash_find_data(&ids->by_key, key);

    if (!id) {
        id = sg_ids_add(ids, key);
    }
    if (id && !id->refs++) {
        ovs_list_remove(&id->idle_node);
        ovs_list_init(&id->idle_node);
    }
    return id;
}

void
sg_ids_put(struct sg_ids *ids, uint32_t number)
{
    struct sg_id *id = CONST_CAST(struct sg_id *, sg_ids_by_id(ids, number));

    ovs_assert(id && id->refs);
    if (!--id->refs) {
        ovs_list_push_back(&ids->idle, &id->idle_node);
    }
}

void
sg_ids_begin(struct sg_ids *ids)
{
    struct sg_id *id;

    LIST_FOR_EACH_POP (id, fresh_node, &ids->fresh) {
        ovs_list_init(&id->fresh_node);
        id->fresh = false;
    }
}

void
sg_ids_end(struct sg_ids *ids)
{
    struct sg_id *id;

    LIST_FOR_EACH_SAFE (id, idle_node, &ids->idle) {
        sg_ids_forget(ids, id);
    }
    sg_ids_clear_hints(ids);
}
