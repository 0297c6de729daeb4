/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_AGENT_CORE_H
#define SG_AGENT_CORE_H 1

/* The core: everything between the policy files, the database and the switch
 * ==========================================================================
 *
 * The two hosts, ovs-sgd and ovs-sg.so, are thin: they create a core, call
 * sg_core_run() and sg_core_wait() in their main loop, and register the
 * commands of unixctl.h.
 *
 *   Lua files --> script --> policy ---.
 *                                       >-- admission --> ports --.
 *   OVSDB -----> ports/ --> facts -----'                           \
 *                    ^                        policy, ports --> compiler
 *                    |                                              |
 *                    '--- sg-state, sg-error <--- switch <--- desired flows
 *
 * Nothing in here blocks.  The core's view is consistent between two calls
 * of sg_core_run(): the accessors below describe the last turn. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ds;
struct json;
struct sg_core;
struct sg_observation;
struct sg_facts;
struct sg_ovsdb;
struct sg_policy;
struct sg_resolver;
struct sg_port;
struct sg_ports;
struct sg_turns;

struct sg_core_options {
    const char *const *policy_paths;    /* Files and folders, in order. */
    size_t n_policy_paths;
    const char *database;               /* OVSDB remote. */
    const char *switch_unixctl;         /* NULL: the usual one. */
    bool switch_is_sound;               /* Its userspace datapath misses no
                                         * change, whatever its version says:
                                         * see stale.c. */
    bool observe;                       /* Install nothing. */
    int midstream_grace;                /* Seconds. */
    int learn_idle;                     /* Seconds without use after which
                                         * a learned address is forgotten;
                                         * 0: the usual half hour. */
    uint16_t zone_min, zone_max;        /* Conntrack zones; 0: all. */
    uint32_t conntrack_limit;           /* Connections per guarded port that
                                         * gives no limit; 0: no limit. */
};

struct sg_core *sg_core_create(const struct sg_core_options *);
void sg_core_run(struct sg_core *);
void sg_core_wait(struct sg_core *);
/* Leaves everything that is in force in force. */
void sg_core_destroy(struct sg_core *);

/* What is in force.  Never NULL; valid until the next run. */
const struct sg_policy *sg_core_policy(const struct sg_core *);
const struct sg_ports *sg_core_ports(const struct sg_core *);
const struct sg_facts *sg_core_facts(const struct sg_core *);   /* Or NULL. */
struct sg_ovsdb *sg_core_ovsdb(struct sg_core *);
bool sg_core_only_observes(const struct sg_core *);     /* See above. */
bool sg_core_stands_by(const struct sg_core *);     /* For another agent. */
const struct sg_resolver *sg_core_resolver(const struct sg_core *);
/* How long its turns are (turns.h). */
struct sg_turns *sg_core_turns(struct sg_core *);

/* Asks the sources of the `addresses' set 'name' now; with 'force', what they
 * answer is taken whatever its `max_change' says.  NULL, or a sentence that
 * the caller frees. */
char *sg_core_refresh(struct sg_core *, const char *name, bool force)
    __attribute__((warn_unused_result));

/* Begins to load the policy again, and returns the number of the load; the
 * first one is that of the core's creation. */
unsigned int sg_core_reload_start(struct sg_core *);
/* Is the load over?  If it has failed, the policy of before stays; else the
 * new one is in place (the flows follow: see sg_core_barrier_start()). */
bool sg_core_reload_finished(const struct sg_core *, unsigned int load);
/* The errors and the warnings of the last load that is over, a line each, or
 * NULL. */
const char *sg_core_policy_errors(const struct sg_core *);
const char *sg_core_policy_warnings(const struct sg_core *);

/* Connections of 'port' that were cut since the agent started (cuts.c says
 * what is counted), and of all ports of a bridge, or in a group, now. */
unsigned long long int sg_core_cuts(const struct sg_core *,
                                    const struct sg_port *);
unsigned long long int sg_core_bridge_cuts(const struct sg_core *,
                                           const char *bridge);
unsigned long long int sg_core_group_cuts(const struct sg_core *,
                                          const char *group);
/* What 'port' has learned, and who claims what it may not have, for `show':
 * an array, and an object or JSON null. */
struct json *sg_core_learned(const struct sg_core *, const struct sg_port *);
struct json *sg_core_refused(const struct sg_core *, const struct sg_port *);
/* Moves the clock by which learned addresses age (for tests), and looks which
 * are still in use. */
void sg_core_learn_advance(struct sg_core *, uint32_t seconds);

/* Appends a line for each flow by which what plans have come to, change by
 * change, is not what plans made from nothing come to.  There must be none.
 * Takes as long as a first compilation (for tests, and for support).  Returns
 * false if that cannot be told now, because a pass is under way or due. */
bool sg_core_compare(struct sg_core *, struct ds *);

/* `wait': the barrier is reached once all that was in OVSDB and in the policy
 * when it was started is in force. */
struct sg_barrier *sg_core_barrier_start(struct sg_core *);
bool sg_core_barrier_reached(struct sg_core *, struct sg_barrier *);
void sg_core_barrier_destroy(struct sg_core *, struct sg_barrier *);
/* In words, what the barrier still waits for (for the time-out message). */
void sg_core_barrier_explain(struct sg_core *, struct sg_barrier *,
                             struct ds *);

enum sg_port_state {
    SG_PORT_PENDING,            /* Its flows are not confirmed yet: closed. */
    SG_PORT_ACTIVE,             /* Confirmed by the switch. */
    SG_PORT_ERROR               /* Cannot be guarded: closed. */
};
const char *sg_port_state_name(enum sg_port_state);

/* State of a guarded port; '*error' is a sentence or NULL, '*zone' the
 * conntrack zone of its first endpoint or 0. */
enum sg_port_state sg_core_port_state(const struct sg_core *,
                                      const struct sg_port *,
                                      const char **error, uint16_t *zone);

/* Are the ports those of the facts, and have they been judged by a policy (or
 * by the certainty that there is none)? */
bool sg_core_ports_are_current(const struct sg_core *);
/* Is what the last pass wants confirmed by the switch on 'bridge', and no
 * other pass due? */
bool sg_core_bridge_is_in_force(const struct sg_core *, const char *bridge);

/* What a flow with 'cookie' was made for, as JSON:
 *   {"cookie":"0x5347...","kind":"rule","rules":[{...}]}
 * (a rule as in unixctl.c's `show') or with kind port, class, profile, ...
 * and what they stand for.  NULL if the cookie is not of ours. */
struct json *sg_core_explain_cookie(const struct sg_core *, uint64_t cookie);

/* The state of each bridge we look after, for `show BRIDGE': an object. */
struct json *sg_core_bridge_to_json(const struct sg_core *, const char *name);

/* `observe': what would be guarded if 'bridge' (NULL: each that we may touch)
 * were enabled, and what of the traffic that is seen now would be refused.
 * 'seen' is NULL or a list as in policy/seen.h.  Changes nothing.  Returns
 * NULL, or a sentence that the caller frees. */
char *sg_core_observe_start(const struct sg_core *, const char *bridge,
                            const struct json *seen, struct sg_observation **)
    __attribute__((warn_unused_result));
/* True once finished: either '*answer', described in ovs-sgctl(8), or '*error'
 * is not NULL.  Then destroys the handle. */
bool sg_core_observe_finish(struct sg_core *, struct sg_observation *,
                            struct json **answer, char **error);
void sg_core_observe_wait(const struct sg_observation *);
void sg_core_observe_cancel(struct sg_observation *);

/* `disable': stops managing 'bridge' now and takes our flows and flags off.
 * Progress: NULL while under way, then "" or the error (caller frees).  The
 * database part is ports/'s; the core calls it when the flows are off. */
struct sg_admin *sg_core_disable_start(struct sg_core *, const char *bridge);
struct sg_admin *sg_core_enable_start(struct sg_core *, const char *bridge);
/* True once finished: '*error' is NULL or a sentence, '*report' the lines that
 * say what was changed; the caller frees both.  Then destroys the handle. */
bool sg_core_admin_finish(struct sg_core *, struct sg_admin *,
                          char **report, char **error);
void sg_core_admin_cancel(struct sg_core *, struct sg_admin *);

#endif /* agent/core.h */
