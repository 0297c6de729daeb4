/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ports/ovsdb-private.h"

#include "coverage.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "util.h"
#include "uuid.h"
#include "vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(sg_facts);
COVERAGE_DEFINE(sg_iface_compared);

/* How the snapshot follows the database
 * -------------------------------------
 *
 * The IDL's change tracking tells which rows came, went or changed.
 *
 *   - Interfaces whose row, or whose port's row, was touched are compared
 *     with their facts.
 *
 *   - If the tree itself changed (a row came or went, or anything in a
 *     Bridge, a Port or in Open_vSwitch that we look at), it is walked to find
 *     the interfaces that hang in another place now, and those that are gone.
 *     That is one pass over pointers, as the IDL has made one, too, when a
 *     bridge's ports changed; no interface is compared for it.  The bridges
 *     are.  A reconnection ends up here: the IDL then deletes all and inserts
 *     all anew.
 *
 * The comparison decides what is a change, never the database's notification.
 * Hence what we write ourselves goes unnoticed. */

/* Columns that the facts are made of.  Also the only ones that are tracked;
 * statistics and the like are not even fetched. */

#define MAX_COLUMNS 8

struct fact_table {
    const struct ovsdb_idl_table_class *table;
    /* A change here means walking the tree; NULL-terminated. */
    const struct ovsdb_idl_column *tree[MAX_COLUMNS];
    /* A change here concerns its row only; NULL-terminated. */
    const struct ovsdb_idl_column *own[MAX_COLUMNS];
};

static const struct fact_table fact_tables[] = {
    { &ovsrec_table_open_vswitch,
      { &ovsrec_open_vswitch_col_bridges,
        &ovsrec_open_vswitch_col_external_ids },
      { NULL } },
    { &ovsrec_table_bridge,
      { &ovsrec_bridge_col_name,
        &ovsrec_bridge_col_ports,
        &ovsrec_bridge_col_datapath_type,
        &ovsrec_bridge_col_fail_mode,
        &ovsrec_bridge_col_protocols,
        &ovsrec_bridge_col_external_ids },
      { NULL } },
    { &ovsrec_table_port,
      { &ovsrec_port_col_name,
        &ovsrec_port_col_interfaces,
        &ovsrec_port_col_tag,
        &ovsrec_port_col_trunks,
        &ovsrec_port_col_vlan_mode,
        &ovsrec_port_col_other_config },
      { NULL } },
    { &ovsrec_table_interface,
      { &ovsrec_interface_col_options },    /* They may say whose it is. */
      { &ovsrec_interface_col_name,
        &ovsrec_interface_col_type,
        &ovsrec_interface_col_ofport,
        &ovsrec_interface_col_external_ids,
        &ovsrec_interface_col_mac_in_use } },
};

static void
track_columns(struct ovsdb_idl *idl,
              const struct ovsdb_idl_column *const columns[])
{
    for (size_t i = 0; columns[i]; i++) {
        ovsdb_idl_track_add_column(idl, columns[i]);
    }
}

void
sg_rows_add_columns(struct ovsdb_idl *idl)
{
    for (size_t i = 0; i < ARRAY_SIZE(fact_tables); i++) {
        track_columns(idl, fact_tables[i].tree);
        track_columns(idl, fact_tables[i].own);
    }
    /* For sync.c.  Not tracked: they change with every ovs-vsctl. */
    ovsdb_idl_add_column(idl, &ovsrec_open_vswitch_col_next_cfg);
    ovsdb_idl_add_column(idl, &ovsrec_open_vswitch_col_cur_cfg);
    /* For sg_ovsdb_other_config(). */
    ovsdb_idl_add_column(idl, &ovsrec_open_vswitch_col_other_config);
}

/* An Interface row and where it hangs in the tree.  The IDL knows no way up,
 * and its look-up by UUID may find rows that are only about to go; these are
 * the rows that count, valid until the IDL's next run. */
struct iface_place {
    struct hmap_node node;      /* In sg_ovsdb.rows, by 'uuid'. */
    struct ovs_list touched;    /* In sg_ovsdb.touched, or empty. */
    struct uuid uuid;
    const struct ovsrec_interface *row;
    const struct ovsrec_port *port;
    const struct ovsrec_bridge *br;
    struct sg_iface *iface;     /* What is known of it, or NULL. */
    unsigned int walk;          /* The last one that came by. */
};

static struct iface_place *
find_place(const struct sg_ovsdb *db, const struct uuid *uuid)
{
    struct iface_place *place;
    HMAP_FOR_EACH_WITH_HASH (place, node, uuid_hash(uuid), &db->rows) {
        if (uuid_equals(&place->uuid, uuid)) {
            return place;
        }
    }
    return NULL;
}

static struct iface_place *
add_place(struct sg_ovsdb *db, const struct uuid *uuid)
{
    struct iface_place *place = xzalloc(sizeof *place);

    place->uuid = *uuid;
    ovs_list_init(&place->touched);
    hmap_insert(&db->rows, &place->node, uuid_hash(uuid));
    return place;
}

static void
destroy_place(struct sg_ovsdb *db, struct iface_place *place)
{
    hmap_remove(&db->rows, &place->node);
    ovs_list_remove(&place->touched);
    free(place);
}

/* What hangs at 'place', if anything, is to be compared. */
static void
touch(struct sg_ovsdb *db, struct iface_place *place)
{
    if (place && ovs_list_is_empty(&place->touched)) {
        ovs_list_push_back(&db->touched, &place->touched);
    }
}

const struct ovsrec_interface *
sg_rows_find_row(const struct sg_ovsdb *db, const struct uuid *uuid)
{
    const struct iface_place *place = find_place(db, uuid);
    return place ? place->row : NULL;
}

void
sg_rows_init(struct sg_ovsdb *db)
{
    sg_facts_init(&db->facts);
    hmap_init(&db->rows);
    ovs_list_init(&db->touched);
    sset_init(&db->changed_ifaces);
    sset_init(&db->changed_bridges);
}

void
sg_rows_destroy(struct sg_ovsdb *db)
{
    struct iface_place *place;

    sset_destroy(&db->changed_bridges);
    sset_destroy(&db->changed_ifaces);
    HMAP_FOR_EACH_SAFE (place, node, &db->rows) {
        destroy_place(db, place);
    }
    hmap_destroy(&db->rows);
    sg_facts_destroy(&db->facts);
}

unsigned int
sg_ovsdb_seqno(const struct sg_ovsdb *db)
{
    return db->seqno;
}

const struct sg_facts *
sg_ovsdb_facts(const struct sg_ovsdb *db)
{
    return db->have_facts ? &db->facts : NULL;
}

const struct smap *
sg_ovsdb_other_config(const struct sg_ovsdb *db)
{
    const struct ovsrec_open_vswitch *row
        = db->have_facts ? ovsrec_open_vswitch_first(db->idl) : NULL;

    return row ? &row->other_config : NULL;
}

const struct sset *
sg_ovsdb_changed_ifaces(const struct sg_ovsdb *db)
{
    return &db->changed_ifaces;
}

const struct sset *
sg_ovsdb_changed_bridges(const struct sg_ovsdb *db)
{
    return &db->changed_bridges;
}

void
sg_ovsdb_clear_changed(struct sg_ovsdb *db)
{
    sset_clear(&db->changed_ifaces);
    sset_clear(&db->changed_bridges);
}

static void
iface_changed(struct sg_ovsdb *db, const char *name)
{
    sset_add(&db->changed_ifaces, name);
    db->seqno++;
}

static void
bridge_changed(struct sg_ovsdb *db, const char *name)
{
    sset_add(&db->changed_bridges, name);
    db->seqno++;
}

/* The walk. */

/* Comes by an Interface row, and touches it if its place is another one.
 *
 * The schema does not keep a port or an interface from being in two places.
 * The switch warns and takes one of them; so do we, or its facts would swing
 * between the two for ever. */
static void
visit(struct sg_ovsdb *db, const struct ovsrec_bridge *br,
      const struct ovsrec_port *port, const struct ovsrec_interface *row)
{
    struct iface_place *place = find_place(db, &row->header_.uuid);

    if (!place) {
        place = add_place(db, &row->header_.uuid);
    } else if (place->walk == db->walk) {
        return;
    }
    if (place->row != row || place->port != port || place->br != br) {
        place->row = row;
        place->port = port;
        place->br = br;
        touch(db, place);
    }
    place->walk = db->walk;
}

static void
visit_all(struct sg_ovsdb *db)
{
    const struct ovsrec_bridge *br;

    db->walk++;
    OVSREC_BRIDGE_FOR_EACH (br, db->idl) {
        for (size_t i = 0; i < br->n_ports; i++) {
            const struct ovsrec_port *port = br->ports[i];
            for (size_t j = 0; j < port->n_interfaces; j++) {
                visit(db, br, port, port->interfaces[j]);
            }
        }
    }
}

static void
remove_iface(struct sg_ovsdb *db, struct iface_place *place)
{
    if (place->iface) {
        iface_changed(db, place->iface->name);
        sg_facts_remove_iface(&db->facts, place->iface);
        place->iface = NULL;
    }
}

/* Removes what is not in the database any more.  This comes before anything
 * is added, because a row of the same name may have taken its place; and
 * interfaces go before the bridge that they point to. */
static void
remove_gone_ifaces(struct sg_ovsdb *db)
{
    struct iface_place *place;

    HMAP_FOR_EACH_SAFE (place, node, &db->rows) {
        if (place->walk != db->walk) {
            remove_iface(db, place);
            destroy_place(db, place);
        }
    }
}

/* They may hang in another one by now. */
static void
remove_ifaces_of(struct sg_ovsdb *db, const struct sg_bridge *bridge)
{
    struct iface_place *place;

    HMAP_FOR_EACH (place, node, &db->rows) {
        if (place->iface && place->iface->bridge == bridge) {
            remove_iface(db, place);
            touch(db, place);
        }
    }
}

static bool
bridge_exists(const struct sg_ovsdb *db, const struct sg_bridge *bridge)
{
    const struct ovsrec_bridge *br;
    OVSREC_BRIDGE_FOR_EACH (br, db->idl) {
        if (uuid_equals(&br->header_.uuid, &bridge->uuid)) {
            return true;
        }
    }
    return false;
}

static void
remove_gone_bridges(struct sg_ovsdb *db)
{
    struct shash_node *node;
    SHASH_FOR_EACH_SAFE (node, &db->facts.bridges) {
        struct sg_bridge *bridge = node->data;
        if (!bridge_exists(db, bridge)) {
            remove_ifaces_of(db, bridge);
            bridge_changed(db, bridge->name);
            sg_facts_remove_bridge(&db->facts, bridge);
        }
    }
}

static void
compare_bridge(struct sg_ovsdb *db, const struct ovsrec_bridge *row)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(db->idl);
    struct sg_bridge *bridge = shash_find_data(&db->facts.bridges, row->name);
    bool changed = !bridge;

    if (!bridge) {
        bridge = sg_facts_add_bridge(&db->facts, row->name);
    }
    changed |= sg_row_to_bridge(bridge, ovs, row);
    if (changed) {
        bridge_changed(db, bridge->name);
    }
}

static void
walk(struct sg_ovsdb *db)
{
    const struct ovsrec_bridge *br;

    visit_all(db);
    remove_gone_ifaces(db);
    remove_gone_bridges(db);
    OVSREC_BRIDGE_FOR_EACH (br, db->idl) {
        compare_bridge(db, br);
    }
}

static void
compare_iface(struct sg_ovsdb *db, struct iface_place *place)
{
    struct sg_bridge *bridge = shash_find_data(&db->facts.bridges,
                                               place->br->name);
    bool changed = !place->iface || place->iface->bridge != bridge;

    COVERAGE_INC(sg_iface_compared);
    if (!place->iface) {
        place->iface = sg_facts_add_iface(&db->facts, place->row->name,
                                          bridge);
    }
    place->iface->bridge = bridge;
    changed |= sg_row_port_to_iface(place->iface, place->port);
    changed |= sg_row_to_iface(place->iface, place->row);
    if (changed) {
        iface_changed(db, place->iface->name);
    }
}

static void
compare_touched(struct sg_ovsdb *db)
{
    struct iface_place *place;

    LIST_FOR_EACH_POP (place, touched, &db->touched) {
        ovs_list_init(&place->touched);
        compare_iface(db, place);
    }
}

/* What did the IDL see?
 *
 * It also tracks every row that refers to a changed one, up to the root; so a
 * row's being tracked does not mean that it changed. */

static bool
row_changes_tree(const struct ovsdb_idl_row *row,
                 const struct ovsdb_idl_column *const columns[])
{
    if (ovsdb_idl_row_get_seqno(row, OVSDB_IDL_CHANGE_INSERT)
        || ovsdb_idl_row_get_seqno(row, OVSDB_IDL_CHANGE_DELETE)) {
        return true;
    }
    for (size_t i = 0; columns[i]; i++) {
        if (ovsdb_idl_track_is_updated(row, columns[i])) {
            return true;
        }
    }
    return false;
}

static bool
tree_changed(const struct sg_ovsdb *db)
{
    for (size_t i = 0; i < ARRAY_SIZE(fact_tables); i++) {
        const struct fact_table *t = &fact_tables[i];
        const struct ovsdb_idl_row *row;

        for (row = ovsdb_idl_track_get_first(db->idl, t->table); row;
             row = ovsdb_idl_track_get_next(row)) {
            if (row_changes_tree(row, t->tree)) {
                return true;
            }
        }
    }
    return false;
}

/* Touches what changed by itself, or by its port. */
static void
touch_tracked(struct sg_ovsdb *db)
{
    const struct ovsrec_interface *row;
    const struct ovsrec_port *port;

    OVSREC_INTERFACE_FOR_EACH_TRACKED (row, db->idl) {
        touch(db, find_place(db, &row->header_.uuid));
    }
    OVSREC_PORT_FOR_EACH_TRACKED (port, db->idl) {
        for (size_t i = 0; !ovsrec_port_is_deleted(port)
                           && i < port->n_interfaces; i++) {
            touch(db, find_place(db, &port->interfaces[i]->header_.uuid));
        }
    }
}

void
sg_rows_run(struct sg_ovsdb *db)
{
    if (!ovsdb_idl_has_ever_connected(db->idl)) {
        return;
    }

    const struct ovsrec_interface *row;
    OVSREC_INTERFACE_FOR_EACH_TRACKED (row, db->idl) {
        sg_states_row_changed(&db->states, &row->header_.uuid);
    }

    if (!db->have_facts || tree_changed(db)) {
        walk(db);
    }
    touch_tracked(db);
    compare_touched(db);
    if (!db->have_facts) {
        db->have_facts = true;
        db->seqno++;
        VLOG_DBG("the contents of the database are in");
    }
    ovsdb_idl_track_clear(db->idl);
}
