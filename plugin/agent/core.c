/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/core.h"
#include "agent/core-private.h"

#include "dirs.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "policy/addresses.h"
#include "ports/ports.h"
#include "resolve/resolver.h"
#include "script/process.h"
#include "sset.h"
#include "switch/control.h"
#include "switch/switch.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_core);

/* Conntrack zones, unless the operator gives others. */
#define ZONE_MIN 1
#define ZONE_MAX 65535

/* Neighbor caches keep an address for minutes without asking again. */
#define LEARN_IDLE 1800         /* Seconds. */

/* How long the first pass waits for the other bridges once one has said which
 * numbers are in use there (milliseconds). */
#define FIRST_PASS_PATIENCE 3000

/* How long a pass waits for sets of `addresses' that have no value at all,
 * from the load of the policy (milliseconds). */
#define ADDRESSES_PATIENCE 3000

/* When, in a turn, what can be done in slices is to stop (microseconds). */
#define SLICE 4000

/* In the run directory: the last values of `addresses' sets. */
#define ADDRESSES_FILE "ovs-sg.addresses"

const struct sg_endpoint *
sg_port_first_endpoint(const struct sg_port *port)
{
    return port->n_endpoints ? &port->endpoints[0] : NULL;
}

/* What is wanted no more is freed in slices, too. */

void
sg_core_discard_plan(struct sg_core *core, struct sg_plan *plan)
{
    if (plan) {
        if (core->n_discarded >= core->allocated_discarded) {
            core->discarded = x2nrealloc(core->discarded,
                                         &core->allocated_discarded,
                                         sizeof *core->discarded);
        }
        core->discarded[core->n_discarded++] = plan;
    }
}

/* Plans give up numbers, which is not to happen in the midst of a pass.  They
 * go before any flow does: their units know the flows that were made of
 * them. */
static bool
core_free_discarded(struct sg_core *core, struct sg_slice *slice)
{
    while (core->n_discarded) {
        if (core->passing
            || !sg_plan_dismantle(core->discarded[core->n_discarded - 1],
                                  slice)) {
            return false;
        }
        core->n_discarded--;
    }
    return sg_flows_free_discarded(slice);
}

/* Life. */

static struct sg_resolver *
create_resolver(void)
{
    char *file = xasprintf("%s/"ADDRESSES_FILE, ovs_rundir());
    struct sg_resolver *resolver = sg_resolver_create(file);

    free(file);
    return resolver;
}

struct sg_core *
sg_core_create(const struct sg_core_options *options)
{
    struct sg_core *core = xzalloc(sizeof *core);

    core->policy_paths = xmalloc(options->n_policy_paths
                                 * sizeof *core->policy_paths);
    for (size_t i = 0; i < options->n_policy_paths; i++) {
        core->policy_paths[i] = xstrdup(options->policy_paths[i]);
    }
    core->n_policy_paths = options->n_policy_paths;
    core->switch_unixctl = nullable_xstrdup(options->switch_unixctl);
    core->observe = options->observe;
    core->midstream_grace = options->midstream_grace;
    core->db = sg_ovsdb_create(options->database);
    core->db_seqno = sg_ovsdb_seqno(core->db);
    if (core->observe) {
        sg_ovsdb_observe(core->db);
    }
    core->loaded = sg_loaded_empty();
    sg_ports_init(&core->ports);
    sset_init(&core->restate);
    core->restate_all = true;
    sg_core_admission_init(core);
    core->resolver = create_resolver();
    ovs_list_init(&core->function_calls);
    core->ports.sets = sg_resolver_sets(core->resolver);
    core->compiler = sg_compiler_create(
        options->zone_min ? options->zone_min : ZONE_MIN,
        options->zone_max ? options->zone_max : ZONE_MAX);
    sg_compiler_set_default_limit(core->compiler, options->conntrack_limit);
    core->learn_idle = options->learn_idle ? options->learn_idle : LEARN_IDLE;
    sg_learn_init(&core->learn);
    sg_core_cuts_init(core);
    sg_core_limits_init(core);
    core->forget_control = sg_control_create(core->switch_unixctl);
    sg_core_stale_init(core, options->switch_is_sound);
    shash_init(&core->bridges);
    core->disabling = xmalloc(sizeof *core->disabling);
    sset_init(core->disabling);
    core->revoke_control = sg_control_create(core->switch_unixctl);
    core->next_dump = LLONG_MAX;
    ovs_list_init(&core->barriers);
    ovs_list_init(&core->admins);
    sg_core_reload_start(core);
    return core;
}

void
sg_core_destroy(struct sg_core *core)
{
    struct sg_slice whole = SG_SLICE_WHOLE;
    struct shash_node *node;

    if (!core) {
        return;
    }
    SHASH_FOR_EACH (node, &core->bridges) {
        sg_core_bridge_destroy(node->data);
    }
    shash_destroy(&core->bridges);
    sg_learn_destroy(&core->learn);
    sg_core_cuts_destroy(core);
    sg_core_limits_destroy(core);
    sg_control_destroy(core->forget_control);
    sg_core_stale_destroy(core);
    free(core->forgetting);
    sg_control_destroy(core->revoke_control);
    free(core->conntrack_type);
    sset_destroy(core->disabling);
    free(core->disabling);
    core->passing = false;
    core_free_discarded(core, &whole);
    free(core->discarded);
    sg_compiler_destroy(core->compiler);
    sg_ports_destroy(&core->ports);
    sset_destroy(&core->restate);
    sg_core_admission_destroy(core);
    sg_loaded_destroy(core->loading);
    sg_core_functions_cancel(core);
    sg_resolver_destroy(core->resolver);
    sg_loaded_destroy(core->loaded);
    sg_ovsdb_destroy(core->db);
    for (size_t i = 0; i < core->n_policy_paths; i++) {
        free(core->policy_paths[i]);
    }
    free(core->policy_paths);
    free(core->switch_unixctl);
    free(core->policy_errors);
    free(core->policy_warnings);
    free(core);
    sg_process_finish();
}

/* Which bridges do we look after? */

static bool
core_has_guarded(const struct sg_core *core, const char *bridge)
{
    return simap_get(&core->ports.n_guarded, bridge) > 0;
}

/* A secure bridge is connected to even if nothing is guarded there now: it
 * may hold flows of ours that forward.  On one that is not, guarded ports are
 * in error, and closed. */
static bool
core_wants_bridge(const struct sg_core *core, const struct sg_bridge *bridge)
{
    bool explicitly;
    char *problem;

    if (!sg_bridge_may_manage(bridge, &explicitly)
        || sset_contains(core->disabling, bridge->name)) {
        return false;
    }
    problem = sg_bridge_check(bridge);
    free(problem);
    return (!problem || (sg_bridge_may_close(bridge)
                         && core_has_guarded(core, bridge->name)));
}

/* A bridge that we are not to touch any more is stripped of what is ours.
 * That may be there for trusted ports alone, if the last guest is gone: who
 * comes later would find no flow. */
static void
core_leave_bridge(struct sg_core *core, struct sg_core_bridge *b,
                  bool exists)
{
    if (exists && (b->wanted || b->ours_there) && !b->leaving
        && !core->observe) {
        b->leaving = true;
        core->dirty = true;
    }
    if (!exists || !b->leaving || sg_core_bridge_is_stripped(b)) {
        shash_find_and_delete(&core->bridges, b->name);
        sg_core_bridge_destroy(b);
        core->restate_all = true;
    }
}

struct sg_core_bridge *
sg_core_get_bridge(struct sg_core *core, const struct sg_bridge *bridge)
{
    struct sg_core_bridge *b = shash_find_data(&core->bridges, bridge->name);

    if (b) {
        sg_core_bridge_set_datapath(b, bridge->datapath_type);
    } else {
        b = sg_core_bridge_create(core, bridge->name, bridge->datapath_type);
        shash_add(&core->bridges, bridge->name, b);
        core->restate_all = true;
    }
    return b;
}

static void
core_want_bridge(struct sg_core *core, const struct sg_bridge *bridge)
{
    struct sg_core_bridge *b = sg_core_get_bridge(core, bridge);
    bool explicitly, wanted;

    sg_bridge_may_manage(bridge, &explicitly);
    wanted = explicitly || core_has_guarded(core, b->name);
    core->dirty |= wanted != b->wanted || b->leaving;
    b->wanted = wanted;
    b->leaving = false;
}

static void
core_update_bridges(struct sg_core *core, const struct sg_facts *facts)
{
    struct shash_node *node;
    bool leaving = false;

    SHASH_FOR_EACH (node, &facts->bridges) {
        if (core_wants_bridge(core, node->data)) {
            core_want_bridge(core, node->data);
        }
    }
    SHASH_FOR_EACH_SAFE (node, &core->bridges) {
        const struct sg_bridge *bridge = shash_find_data(&facts->bridges,
                                                         node->name);
        struct sg_core_bridge *b = node->data;

        b->barred = bridge && !sg_bridge_may_close(bridge);
        if (!bridge || !core_wants_bridge(core, bridge)) {
            leaving = true;
            core_leave_bridge(core, b, bridge != NULL);
        }
    }
    /* One that is being left is looked at until it is gone. */
    core->bridges_stale = leaving;
}

/* A pass. */

static bool
core_knows_all_bridges(const struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        if (!b->known) {
            return false;
        }
    }
    return true;
}

/* A set that has never had a value is most likely to have one in a moment.
 * Without it the pass would cut what is allowed: by flows that an earlier
 * agent left, or by what the set has replaced. */
static bool
core_lacks_addresses(const struct sg_core *core)
{
    return (!sg_resolver_has_values(core->resolver)
            && time_msec() < core->loaded_at + ADDRESSES_PATIENCE);
}

/* A bundle is on its way, or flows are being read: what is installed is about
 * to be another thing. */
static bool
core_is_sending(const struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        if (b->committing || b->learning) {
            return true;
        }
    }
    return false;
}

/* Numbers that a plan gives up may be wanted, so a pass waits until it is
 * gone.
 *
 * Numbers that some bridge uses must not be given to others: the first pass
 * waits until all have said which they are.  One that never does must not
 * keep the others closed for ever; but as long as none does, as when the
 * switch itself waits for the database, nothing is gained by a pass. */
static bool
core_may_compile(const struct sg_core *core)
{
    if (!core->had_facts || core->n_discarded || core_lacks_addresses(core)
        || sg_core_is_admitting(core) || core_is_sending(core)) {
        return false;
    } else if (core->pass) {
        return true;
    } else if (!sg_core_loads_settled(core)) {
        return false;
    }
    return (core_knows_all_bridges(core)
            || (core->learned
                && time_msec() - core->learned >= FIRST_PASS_PATIENCE));
}

static void
core_begin_pass(struct sg_core *core)
{
    struct shash_node *node;

    core->dirty = false;
    if (!core->pass++ && !core_knows_all_bridges(core)) {
        sg_compiler_leave_room(core->compiler);
    }
    sg_core_learn_recover(core);
    sset_swap(&core->changed, &core->passed);
    core->pass_all = core->changed_all;
    core->changed_all = false;
    sg_compiler_begin(core->compiler);
    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        /* The numbers of others are learned before any are given there. */
        if (b->known) {
            sg_core_bridge_pass_begin(b);
        }
    }
    core->passing = true;
}

/* Is there a port that no conntrack zone was left for? */
static bool
core_lacks_zones(const struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        const struct sg_core_bridge *b = node->data;

        if (b->plan && !sset_is_empty(&b->plan->incomplete)) {
            return true;
        }
    }
    return false;
}

static void
core_end_pass(struct sg_core *core)
{
    /* What was given up can be had from the next pass on. */
    bool freed = !ovs_list_is_empty(&core->compiler->zones.idle);
    const char *name;

    /* Without a policy nothing asks for the numbers that the installed flows
     * of guarded ports carry.  They must not be forgotten: the policy that
     * loads at last has to find its connections by them. */
    if (core->have_policy) {
        sg_compiler_end(core->compiler);
    }
    SSET_FOR_EACH (name, &core->passed) {
        sset_add(&core->restate, name);
    }
    core->restate_all |= core->pass_all;
    sset_clear(&core->passed);
    core->passing = false;
    core->dirty |= freed && core_lacks_zones(core);
}

static void
core_pass(struct sg_core *core, struct sg_slice *slice)
{
    struct shash_node *node;

    if (!core->passing && core->dirty && core_may_compile(core)) {
        core_begin_pass(core);
    }
    if (!core->passing) {
        return;
    }
    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        if (b->due && !sg_core_bridge_pass(core, b, slice)) {
            return;
        }
    }
    core_end_pass(core);
}

/* The turn. */

static void
core_follow_database(struct sg_core *core)
{
    sg_ovsdb_run(core->db);

    const struct sg_facts *facts = sg_ovsdb_facts(core->db);
    if (!facts) {
        return;
    }
    if (!core->had_facts || core->db_seqno != sg_ovsdb_seqno(core->db)) {
        core->had_facts = true;
        core->db_seqno = sg_ovsdb_seqno(core->db);
        sg_core_admit_rows(core, facts);
    }
}

static void
core_run_bridges(struct sg_core *core, struct sg_slice *slice)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        sg_core_bridge_run(core, node->data, slice);
    }
}

/* What a pass has found goes out when all of it is over. */
static void
core_apply(struct sg_core *core, struct sg_slice *slice)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        if (!core->observe && !core->passing && b->desired_pass) {
            sg_core_bridge_apply(core, b, slice);
            sg_core_learn_release(b);
        }
    }
}

static bool
core_may_act(const struct sg_core *core)
{
    return core->observe || sg_ovsdb_has_lock(core->db);
}

/* What an agent does that may act. */
static void
core_act(struct sg_core *core, struct sg_slice *slice)
{
    core_run_bridges(core, slice);
    sg_turn_part(&core->turns, SG_PART_SWITCH);
    if (!core->passing) {
        sg_core_learn_run(core);
    }
    sg_turn_part(&core->turns, SG_PART_LEARN);
    core_pass(core, slice);
    sg_turn_part(&core->turns, SG_PART_PASS);
    core_apply(core, slice);
    sg_turn_part(&core->turns, SG_PART_APPLY);
    sg_core_stale_run(core);
    sg_core_revoke_run(core, slice);
    sg_core_grace_run(core);
    sg_core_limits_run(core);
    sg_core_forget_run(core);
    sg_turn_part(&core->turns, SG_PART_CONTROL);
    sg_core_states_run(core);
    sg_turn_part(&core->turns, SG_PART_STATES);
}

void
sg_core_run(struct sg_core *core)
{
    struct sg_slice slice = SG_SLICE_UNTIL(time_usec() + SLICE);

    sg_turn_begin(&core->turns);
    if (!core->passing) {
        core->dirty |= sg_resolver_run(core->resolver);
    }
    if (!core->observe && sg_ovsdb_has_lock(core->db)) {
        sg_resolver_save(core->resolver);
    }
    sg_turn_part(&core->turns, SG_PART_RESOLVER);
    core_follow_database(core);
    sg_turn_part(&core->turns, SG_PART_DATABASE);
    sg_core_loads_run(core);
    if (!core->passing) {
        core->dirty |= sg_core_functions_run(core);
    }
    sg_turn_part(&core->turns, SG_PART_POLICY);
    sg_core_admission_run(core, &slice);
    if (core->bridges_stale && !core->passing && sg_ovsdb_facts(core->db)) {
        core_update_bridges(core, sg_ovsdb_facts(core->db));
    }
    sg_turn_part(&core->turns, SG_PART_ADMISSION);
    if (core_may_act(core)) {
        core_act(core, &slice);
    } else if (core->passing) {
        core_pass(core, &slice);    /* The rest of one; nothing goes out. */
    }
    core->freeing = !core_free_discarded(core, &slice);
    sg_turn_part(&core->turns, SG_PART_FREE);
    sg_turn_end(&core->turns);
}

/* Until a pass that is due can begin. */
static void
core_pass_wait(const struct sg_core *core)
{
    if (core_may_compile(core)) {
        poll_immediate_wake();
    } else if (core_lacks_addresses(core)) {
        poll_timer_wait_until(core->loaded_at + ADDRESSES_PATIENCE);
    } else if (!core->pass && sg_core_loads_settled(core) && core->learned) {
        poll_timer_wait_until(core->learned + FIRST_PASS_PATIENCE);
    }
}

/* What core_act() is to be called for. */
static void
core_act_wait(struct sg_core *core)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        sg_core_bridge_wait(node->data);
    }
    sg_core_revoke_wait(core);
    sg_core_grace_wait(core);
    sg_core_limits_wait(core);
    sg_core_learn_wait(core);
    sg_core_forget_wait(core);
    sg_core_stale_wait(core);
    if (core->dirty && core->had_facts && !core->passing) {
        core_pass_wait(core);
    }
}

void
sg_core_wait(struct sg_core *core)
{
    sg_ovsdb_wait(core->db);
    sg_core_loads_wait(core);
    sg_resolver_wait(core->resolver);
    if (!core->observe && sg_ovsdb_has_lock(core->db)) {
        sg_resolver_save_wait(core->resolver);
    }
    if (core_may_act(core)) {
        core_act_wait(core);
    }
    if (core->passing || core->freeing || (core->had_facts && core->loads_done
                          && sg_core_is_admitting(core))) {
        poll_immediate_wake();
    }
}

/* Accessors. */

const struct sg_policy *
sg_core_policy(const struct sg_core *core)
{
    return core->loaded->policy;
}

const struct sg_ports *
sg_core_ports(const struct sg_core *core)
{
    return &core->ports;
}

const struct sg_facts *
sg_core_facts(const struct sg_core *core)
{
    return sg_ovsdb_facts(core->db);
}

bool
sg_core_only_observes(const struct sg_core *core)
{
    return core->observe;
}

bool
sg_core_stands_by(const struct sg_core *core)
{
    return sg_ovsdb_is_alive(core->db) && !sg_ovsdb_has_lock(core->db);
}

struct sg_ovsdb *
sg_core_ovsdb(struct sg_core *core)
{
    return core->db;
}

const struct sg_resolver *
sg_core_resolver(const struct sg_core *core)
{
    return core->resolver;
}

bool
sg_core_ports_are_current(const struct sg_core *core)
{
    return core->loads_done && !sg_core_is_admitting(core);
}

bool
sg_core_bridge_is_in_force(const struct sg_core *core, const char *bridge)
{
    const struct sg_core_bridge *b = shash_find_data(&core->bridges, bridge);

    return b && core->pass && b->applied_pass == core->pass && !core->dirty;
}

struct sg_turns *
sg_core_turns(struct sg_core *core)
{
    return &core->turns;
}

char *
sg_core_refresh(struct sg_core *core, const char *name, bool force)
{
    return (sg_resolver_refresh(core->resolver, name, force) ? NULL
            : xasprintf("the policy in force has no addresses \"%s\"", name));
}
