/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* What each pass made, for people: `ovs-sgctl compile --stage=STAGE'. */

#include "compile/compile.h"

#include "compile/flow.h"
#include "compile/pipeline.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static void
format_profiles(const struct sg_plan *plan, struct ds *s)
{
    const struct shash_node **nodes = shash_sort(&plan->profiles);
    const struct sg_plan_endpoint **eps = sg_plan_endpoints(plan);

    for (size_t i = 0; i < shash_count(&plan->profiles); i++) {
        const struct sg_plan_profile *profile = nodes[i]->data;

        ds_put_format(s, "%"PRIu32": %s\n", profile->id,
                      strchr(profile->key, ' ') + 1);
        for (size_t j = 0; j < hmap_count(&plan->endpoints); j++) {
            const struct sg_plan_endpoint *ep = eps[j];

            if (ep->profile == profile) {
                ds_put_format(s, "    port %s network %s zone %"PRIu16"\n",
                              ep->port->name, ep->network->name, ep->zone);
            }
        }
    }
    free(eps);
    free(nodes);
}

static void
format_networks(const struct sg_plan *plan, struct ds *s)
{
    const struct shash_node **nodes = shash_sort(&plan->networks);

    for (size_t i = 0; i < shash_count(&plan->networks); i++) {
        const struct sg_plan_network *net = nodes[i]->data;

        ds_put_format(s, "%"PRIu32": %s\n", net->id, net->name);
        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            size_t n;
            const struct sg_address **list = sg_plan_addresses(net, dir, &n);

            for (size_t j = 0; j < n; j++) {
                const struct sg_address *a = list[j];

                ds_put_format(s, "    %s ", sg_direction_name(dir));
                sg_prefix_format(&a->prefix, s);
                if (a->class) {
                    ds_put_format(s, " class %"PRIu32"\n", a->class->id);
                } else {
                    ds_put_cstr(s, " as the prefix around it\n");
                }
            }
            free(list);
        }
    }
    free(nodes);
}

static void
format_classes(const struct sg_plan *plan, struct ds *s)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        const struct shash_node **nodes = shash_sort(&plan->classes[dir]);

        for (size_t i = 0; i < shash_count(&plan->classes[dir]); i++) {
            const struct sg_class *class = nodes[i]->data;

            ds_put_format(s, "%"PRIu32": %s\n", class->id, class->key);
        }
        free(nodes);
    }
}

static void
format_fragment(const struct sg_fragment *frag, struct ds *s)
{
    ds_put_format(s, "%"PRIu32": %s\n", frag->id, frag->key);
    for (size_t i = 0; i < frag->n_entries; i++) {
        const struct sg_entry *entry = &frag->entries[i];

        ds_put_format(s, "    %"PRIu32": ", entry->number);
        sg_entry_format(entry, s);
        ds_put_cstr(s, entry->named ? " (named)" : "");
        for (size_t j = 0; j < entry->n_rules; j++) {
            ds_put_cstr(s, j ? ", " : " <- ");
            sg_rule_format_place(entry->rules[j], s);
        }
        ds_put_char(s, '\n');
    }
}

static void
format_fragments(const struct sg_plan *plan, struct ds *s)
{
    const struct shash_node **nodes = shash_sort(&plan->groups);

    for (size_t i = 0; i < shash_count(&plan->groups); i++) {
        const struct sg_plan_group *pg = nodes[i]->data;

        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            for (size_t j = 0; j < pg->n_fragments[dir]; j++) {
                format_fragment(pg->fragments[dir][j], s);
            }
        }
    }
    free(nodes);
}

static void
format_cells(const struct sg_plan *plan, struct ds *s)
{
    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        const struct sg_cell *cell;

        HMAP_FOR_EACH (cell, node, &plan->cells[dir]) {
            if (!cell->n_fragments) {
                continue;       /* It has no flow. */
            }
            ds_put_format(s, "(profile %"PRIu32", class %"PRIu32") %s ->",
                          cell->profile->id, cell->class->id,
                          sg_direction_name(dir));
            for (size_t i = 0; i < cell->n_fragments; i++) {
                ds_put_format(s, " %"PRIu32, cell->fragments[i]->id);
            }
            ds_put_char(s, '\n');
        }
    }
}

static void
format_flows(const struct sg_plan *plan, struct ds *s)
{
    struct sg_flows flows;

    sg_flows_init(&flows);
    sg_plan_emit(plan, &flows);
    sg_flows_format(&flows, s);
    sg_flows_destroy(&flows);
}

static void
format_counts(const struct sg_plan *plan, struct ds *s)
{
    size_t counts[256] = { 0 };
    const struct sg_flow *flow;
    struct sg_flows flows;

    sg_flows_init(&flows);
    sg_plan_emit(plan, &flows);
    HMAP_FOR_EACH (flow, node, &flows.flows) {
        counts[flow->table_id]++;
    }
    for (int i = 0; i < 256; i++) {
        if (counts[i]) {
            ds_put_format(s, "%-14s %zu\n", sg_table_name(i), counts[i]);
        }
    }
    ds_put_format(s, "%-14s %zu\n", "class", counts[SG_T_IN_CLASS]
                                             + counts[SG_T_EG_CLASS]);
    ds_put_format(s, "%-14s %zu\n", "cell", counts[SG_T_IN_CELL]
                                            + counts[SG_T_EG_CELL]);
    ds_put_format(s, "%-14s %zu\n", "l4", counts[SG_T_IN_L4]
                                          + counts[SG_T_EG_L4]);
    ds_put_format(s, "%-14s %zu\n", "all", sg_flows_count(&flows));
    sg_flows_destroy(&flows);
}

static const struct {
    const char *name;
    void (*format)(const struct sg_plan *, struct ds *);
} formats[] = {
    { "profiles", format_profiles },
    { "networks", format_networks },
    { "classes", format_classes },
    { "fragments", format_fragments },
    { "cells", format_cells },
    { "flows", format_flows },
    { "counts", format_counts },
};

const char *const sg_plan_stages[] = {
    "profiles", "networks", "classes", "fragments", "cells", "flows",
    "counts", NULL
};

bool
sg_plan_format(const struct sg_plan *plan, const char *stage, struct ds *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (!strcmp(stage, formats[i].name)) {
            formats[i].format(plan, s);
            return true;
        }
    }
    return false;
}
