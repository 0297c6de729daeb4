/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>
#undef NDEBUG

/* What a plan has become, change by change, against a plan of the same world
 * that is made from nothing: the same flows, numbers included, because both
 * ask one compiler for them.  And how much work changes are. */

#include "compile/compile.h"
#include "compile/flow.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "tap.h"
#include "util.h"
#include "world.h"

#define N_WORLDS 40
#define N_STEPS 25

static const char *const bridges[] = { "br0", "br1" };

/* A plan, and the flows that were made bit by bit. */
struct engine {
    struct sg_plan *plan;
    bool sliced;                /* It is brought up to date bit by bit. */
    struct sg_ports ports;      /* Copies of those of the last update. */
    struct sg_flows desired;
    struct sg_flows touched;    /* Since 'installed' was equal. */
    struct sg_flows installed;
};

static void
engine_init(struct engine *e, struct sg_compiler *c, const char *bridge)
{
    e->plan = sg_plan_new(c, bridge);
    e->sliced = false;
    sg_ports_init(&e->ports);
    sg_flows_init(&e->desired);
    sg_flows_init(&e->touched);
    sg_flows_init(&e->installed);
}

/* One step, and it is over: the time is. */
static struct sg_slice
smallest_slice(void)
{
    struct sg_slice slice = SG_SLICE_UNTIL(0);

    slice.n = 14;
    return slice;
}

/* Returns the number of slices. */
static size_t
dismantle(struct sg_plan *plan)
{
    for (size_t n = 1; ; n++) {
        struct sg_slice slice = smallest_slice();

        if (sg_plan_dismantle(plan, &slice)) {
            return n;
        }
    }
}

static void
engine_destroy(struct engine *e)
{
    if (e->sliced) {
        dismantle(e->plan);
    } else {
        sg_plan_destroy(e->plan);
    }
    sg_ports_destroy(&e->ports);
    sg_flows_destroy(&e->desired);
    sg_flows_destroy(&e->touched);
    sg_flows_destroy(&e->installed);
}

/* Notes what 'a' has and 'b' has not, or not in the same form. */
static void
find_changed_ports(const struct sg_ports *a, const struct sg_ports *b,
                   struct sset *names)
{
    const struct sg_port *port;

    HMAP_FOR_EACH (port, node, &a->ports) {
        const struct sg_port *other = sg_ports_find(b, port->name);

        if (!other || !sg_port_equal(port, other)) {
            sset_add(names, port->name);
        }
    }
}

static void
remember_ports(struct engine *e, const struct sg_ports *ports)
{
    const struct sg_port *port;

    sg_ports_destroy(&e->ports);
    sg_ports_init(&e->ports);
    HMAP_FOR_EACH (port, node, &ports->ports) {
        struct sg_port *copy = sg_port_clone(port);

        hmap_insert(&e->ports.ports, &copy->node, port->node.hash);
    }
}

/* At once, or in the smallest slices that there are. */
static void
engine_plan(struct engine *e, const struct world *w, const struct sset *names)
{
    if (!e->sliced) {
        sg_plan_update(e->plan, w->policy, &w->ports, names);
        return;
    }
    sg_plan_update_begin(e->plan, w->policy, &w->ports, names);
    for (;;) {
        struct sg_slice slice = smallest_slice();

        if (sg_plan_update_run(e->plan, &slice)) {
            return;
        }
    }
}

/* Tells the plan of just those ports that are not what they were. */
static void
engine_update(struct engine *e, const struct world *w)
{
    struct sset names = SSET_INITIALIZER(&names);
    struct sg_slice slice = SG_SLICE_WHOLE;

    find_changed_ports(&w->ports, &e->ports, &names);
    find_changed_ports(&e->ports, &w->ports, &names);
    memset(&e->plan->stats, 0, sizeof e->plan->stats);
    engine_plan(e, w, &names);
    remember_ports(e, &w->ports);
    sset_destroy(&names);
    sg_plan_emit_changes(e->plan, &e->desired, &e->touched, &slice);
}

/* Does what the switch would; returns the number of flow mods. */
static size_t
engine_install(struct engine *e)
{
    struct sg_slice slice = SG_SLICE_WHOLE;
    struct sg_diff diff = { .have_old = false };
    size_t n;

    sg_diff_run(&diff, &e->installed, &e->desired, &e->touched, &slice);
    n = diff.changes.n;
    for (size_t i = 0; i < n; i++) {
        const struct sg_change *change = &diff.changes.list[i];

        if (change->new) {
            sg_flows_put(&e->installed, change->new);
        } else {
            sg_flows_remove(&e->installed,
                            sg_flows_find(&e->installed, change->old));
        }
    }
    sg_diff_destroy(&diff);
    sg_flows_clear(&e->touched);
    return n;
}

static size_t
count_differences(const struct sg_flows *a, const struct sg_flows *b,
                  const char *what)
{
    struct sg_changes changes;
    size_t n;

    sg_changes_init(&changes);
    sg_flows_diff(a, b, &changes);
    n = changes.n;
    for (size_t i = 0; i < MIN(n, 5); i++) {
        const struct sg_change *change = &changes.list[i];
        struct ds s = DS_EMPTY_INITIALIZER;

        sg_flow_format(change->old ? change->old : change->new, &s);
        printf("# %s: %s %s\n", what, ds_cstr(&s),
               !change->new ? "is too much" : change->old ? "is other"
               : "is missing");
        ds_destroy(&s);
    }
    sg_changes_destroy(&changes);
    return n;
}

/* All flows of a plan that is made from nothing now. */
static size_t
compare_with_scratch(struct engine *e, struct sg_compiler *c,
                     const struct world *w, const char *bridge)
{
    struct sg_plan *plan = sg_plan_create(c, w->policy, &w->ports, bridge);
    struct sg_flows flows, again;
    size_t n;

    sg_flows_init(&flows);
    sg_flows_init(&again);
    sg_plan_emit(plan, &flows);
    n = count_differences(&e->desired, &flows, "desired");
    n += sg_flows_count(&e->desired) != sg_flows_count(&flows);
    n += count_differences(&e->installed, &flows, "installed");
    sg_plan_emit(e->plan, &again);
    n += count_differences(&again, &flows, "all");
    sg_plan_destroy(plan);
    sg_flows_destroy(&flows);
    sg_flows_destroy(&again);
    return n;
}

/* A change of some parts, at times of many. */
static void
change_world(struct world_seed *seed, struct dice *d)
{
    int n = dice_roll(d, 8) ? 1 + dice_roll(d, 2) : WORLD_PARTS;

    for (int i = 0; i < n; i++) {
        size_t part = dice_roll(d, WORLD_PARTS);

        seed->variants[part] = dice_roll(d, 3);
    }
}

/* The set that is there in every world has another value. */
static void
change_set(struct world *w, struct dice *d)
{
    struct sg_prefix p[3];
    size_t n = dice_roll(d, 4);

    for (size_t i = 0; i < n; i++) {
        dice_address(d, &p[i]);
    }
    n = sg_prefixes_sort_unique(p, n);
    sg_sets_put(&w->sets, "s", p, n);
}

/* What worlds do not have: ports that are not there, or have no number, or
 * another one, or learn. */
static void
change_ports(struct world *w, struct dice *d)
{
    struct sg_port *port;

    HMAP_FOR_EACH_SAFE (port, node, &w->ports.ports) {
        switch (dice_roll(d, 10)) {
        case 0:
            hmap_remove(&w->ports.ports, &port->node);
            sg_port_destroy(port);
            break;
        case 1:
            port->ofport = SG_OFPORT_NONE;
            break;
        case 2:
            port->ofport += 1000;
            break;
        case 3:
            port->learns_addresses = true;
            port->listens_addresses = dice_roll(d, 2);
            break;
        case 4:
            port->n_addresses = 0;
            break;
        default:
            break;
        }
    }
}

static size_t
live(uint32_t number)
{
    struct world_seed seed = world_seed(number);
    struct dice d = { number + 1 };
    struct sg_compiler *c = test_compiler();
    struct engine engines[ARRAY_SIZE(bridges)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(bridges); i++) {
        engine_init(&engines[i], c, bridges[i]);
    }
    for (int step = 0; step < N_STEPS && !n; step++) {
        struct world w;

        world_random(&w, &seed);
        change_set(&w, &d);
        change_ports(&w, &d);
        engines[0].sliced = dice_roll(&d, 2);
        sg_compiler_begin(c);
        for (size_t i = 0; i < ARRAY_SIZE(bridges); i++) {
            engine_update(&engines[i], &w);
        }
        sg_compiler_end(c);
        for (size_t i = 0; i < ARRAY_SIZE(bridges); i++) {
            if (dice_roll(&d, 4)) {
                engine_install(&engines[i]);
            } else {
                engine_update(&engines[i], &w);
                engine_install(&engines[i]);
            }
            n += compare_with_scratch(&engines[i], c, &w, bridges[i]);
        }
        if (n) {
            printf("# world %"PRIu32", step %d\n", number, step);
        }
        world_destroy(&w);
        change_world(&seed, &d);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bridges); i++) {
        engine_destroy(&engines[i]);
    }
    sg_compiler_begin(c);
    sg_compiler_end(c);
    n += (shash_count(&c->zones.by_key) + shash_count(&c->numbers.by_key)
          + shash_count(&c->classes.by_key)
          + shash_count(&c->profiles.by_key)
          + shash_count(&c->fragments.by_key)
          + shash_count(&c->networks.by_key));
    sg_compiler_destroy(c);
    return n;
}

static void
test_random(void)
{
    size_t n = 0;

    for (uint32_t i = 0; i < N_WORLDS && !n; i++) {
        n += live(i);
    }
    is_int(n, 0, "%d worlds of %d steps: as from nothing after each", N_WORLDS,
           N_STEPS);
}

/* Work. */

/* Many members and ports; 'member' is one more member, 'rule' one more
 * rule, 'port' one more port. */
static void
big_world(struct world *w, bool member, bool rule, bool port)
{
    struct ds policy = DS_EMPTY_INITIALIZER, facts = DS_EMPTY_INITIALIZER;

    ds_put_format(&policy,
                  "{'groups':[{'name':'web','ingress':["
                  "{'word':'tcp','values':[80],'from':[{'group':'big'}]}%s]},"
                  "{'name':'db','ingress':["
                  "{'word':'tcp','values':[5432],'from':[{'group':'web'}]}]},"
                  "{'name':'big'}],"
                  "'members':[{'group':'big','entries':['192.0.2.1'",
                  rule ? ",{'word':'tcp','values':[443],"
                         "'from':[{'group':'big'}]}" : "");
    for (int i = 0; i < 2000; i++) {
        ds_put_format(&policy, ",'10.1.%d.%d'", i / 250, 1 + i % 250);
    }
    ds_put_format(&policy, "%s]}]}", member ? ",'10.2.0.1'" : "");
    ds_put_cstr(&facts, "{'ports':[");
    for (int i = 0; i < 100 + port; i++) {
        ds_put_format(&facts, "%s{'name':'p%d','ofport':%d,'external_ids':{"
                      "'sg-groups':'%s','attached-mac':'02:00:00:00:00:%02x',"
                      "'sg-addresses':'10.0.0.%d'}}", i ? "," : "", i, i + 1,
                      i % 2 ? "db" : "web", i, i + 1);
    }
    ds_put_cstr(&facts, "]}");
    world_init(w, ds_cstr(&policy), ds_cstr(&facts));
    ds_destroy(&policy);
    ds_destroy(&facts);
}

static void
step(struct engine *e, struct sg_compiler *c, bool member, bool rule,
     bool port)
{
    struct world w;

    big_world(&w, member, rule, port);
    sg_compiler_begin(c);
    engine_update(e, &w);
    sg_compiler_end(c);
    world_destroy(&w);
}

static void
test_work(void)
{
    struct sg_compiler *c = test_compiler();
    struct sg_plan_stats *stats;
    struct engine e;

    engine_init(&e, c, "br0");
    stats = &e.plan->stats;
    step(&e, c, false, false, false);
    engine_install(&e);
    step(&e, c, false, false, false);
    is_int(stats->ports + stats->addresses + stats->cells + stats->units, 0,
           "a policy that says the same is no work");
    is_int(engine_install(&e), 0, "... and no flow mod");

    step(&e, c, true, false, false);
    is_int(stats->addresses, 1, "a member: one address");
    is_int(stats->units, 1, "... whose flows are made");
    is_int(stats->looked_at + stats->cells, 0, "... no port, no cell");
    is_int(engine_install(&e), 1, "... one flow mod");

    step(&e, c, true, true, false);
    is_int(stats->units, 1, "a rule: one fragment");
    is_int(stats->looked_at + stats->addresses + stats->cells, 0,
           "... and nothing else");
    is_int(engine_install(&e), 2, "... one flow mod for each family");

    step(&e, c, true, true, true);
    is_int(stats->ports, 1, "a port: one port");
    is_int(stats->looked_at, 1, "... no other is looked at");
    is_int(stats->addresses, 1, "... its address, where a rule names it");
    is_int(stats->cells, 0, "... no cell");
    is_int(stats->units, 6, "... itself, its address, who owns it and its "
           "link-local one, and two lists");

    engine_install(&e);
    step(&e, c, false, false, false);
    is_int(stats->addresses, 2, "all of it back: two addresses");
    engine_install(&e);
    engine_destroy(&e);
    sg_compiler_destroy(c);
}

/* Ends. */

static bool
holds_any(const struct sg_ids *ids)
{
    return hmap_count(&ids->by_id) != ovs_list_size(&ids->idle);
}

static void
test_dismantle(void)
{
    struct sg_compiler *c = test_compiler();
    struct engine e;

    engine_init(&e, c, "br0");
    step(&e, c, false, false, false);
    ok(holds_any(&c->zones) && holds_any(&c->profiles)
       && holds_any(&c->classes), "a plan holds numbers");
    ok(dismantle(e.plan) > 2000, "it is taken apart in slices");
    ok(!holds_any(&c->zones) && !holds_any(&c->profiles)
       && !holds_any(&c->classes) && !holds_any(&c->networks)
       && !holds_any(&c->numbers), "... and then holds none");
    e.plan = NULL;
    engine_destroy(&e);
    sg_compiler_destroy(c);
}

/* Returns the number of slices. */
static size_t
free_discarded(void)
{
    for (size_t n = 1; ; n++) {
        struct sg_slice slice = smallest_slice();

        if (sg_flows_free_discarded(&slice)) {
            return n;
        }
    }
}

static void
test_discard(void)
{
    struct sg_compiler *c = test_compiler();
    struct sg_slice whole = SG_SLICE_WHOLE;
    struct engine e;
    size_t n;

    engine_init(&e, c, "br0");
    step(&e, c, false, false, false);
    n = sg_flows_count(&e.desired);
    engine_install(&e);
    sg_flows_discard(&e.desired);
    ok(n > 2000 && !sg_flows_count(&e.desired), "discarded at once");
    sg_flows_discard(&e.desired);   /* There is nothing to be freed. */
    sg_plan_destroy(e.plan);    /* It goes before its flows. */
    e.plan = NULL;
    ok(free_discarded() > 1000, "... freed in slices");
    ok(sg_flows_free_discarded(&whole), "... all of it");
    is_int(sg_flows_count(&e.installed), n, "a copy is as it was");
    engine_destroy(&e);
    sg_compiler_destroy(c);
}

int
main(void)
{
    test_random();
    test_work();
    test_dismantle();
    test_discard();
    return done_testing();
}
