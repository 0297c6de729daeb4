/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_AGENT_CORE_PRIVATE_H
#define SG_AGENT_CORE_PRIVATE_H 1

/* What the files of the core share.
 *
 *   core.c      the turn: who is asked what, in which order
 *   admission.c which interfaces are admitted again
 *   states.c    `sg-state'
 *   inputs.c    what the first table lets in
 *   loaded.c    the policy files
 *   modeler.c   the policy that they make
 *   bridge.c    one bridge: what is there, and bringing the two together
 *   bridge-pass.c   what is wanted there
 *   compare.c   what is wanted against what a plan from nothing wants
 *   forget.c    what NORMAL has learned of ports before they were guarded
 *   functions.c functions of the policy that give addresses
 *   grace.c     endpoints whose TCP connections may go on mid-stream
 *   limits.c    how many connections a guest may have
 *   learn.c     MACs and addresses of ports that declare none
 *   cuts.c      how many connections were cut
 *   revoke.c    when connections under review have all been seen to
 *   barrier.c   `wait'
 *   admin.c     `enable' and `disable'
 *   observe.c   what they would bring
 *   explain.c   from a cookie back to the rule
 *
 * A *pass* compiles the policy and the ports for every bridge.  Passes are
 * numbered; a bridge remembers the last one that is in force there.  A pass
 * may take several turns of the main loop: meanwhile policy, ports and values
 * of `addresses' sets stay as they are, and what comes in waits. */

#include "agent/core.h"
#include "agent/inputs.h"
#include "agent/turns.h"
#include "compile/compile.h"
#include "compile/flow.h"
#include "compile/review.h"
#include "learn/table.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "script/answers.h"
#include "sset.h"

struct sg_conn;
struct sg_control;
struct sg_modeler;
struct sg_resolver;
struct sg_script;
struct sg_switch;

/* How far a policy is; see loaded.c. */
enum sg_loaded_state {
    SG_LOADED_SCRIPT,           /* Its files are being loaded. */
    SG_LOADED_MODEL,            /* What they say becomes a policy. */
    SG_LOADED_ASK,              /* Its functions are being asked. */
    SG_LOADED_READY,            /* It can come, or is, in force. */
    SG_LOADED_FAILED            /* There are errors. */
};

/* A policy and the script that answers its `bind' functions. */
struct sg_loaded {
    enum sg_loaded_state state;
    struct sg_modeler *modeler; /* At work, or NULL. */
    struct sg_policy *policy;   /* NULL before that has ended. */
    struct sg_script *script;   /* NULL for the empty policy. */
    struct sg_answers answers;
    struct sg_binder binder;    /* To 'answers'. */
    long long int asked;        /* When the functions were. */
    char *errors;               /* Lines, or NULL. */
    char *warnings;             /* The same. */
};

/* loaded.c */
/* Begins to load 'n' files and folders. */
struct sg_loaded *sg_loaded_start(const char *const paths[], size_t n);
/* What is in force before anything has loaded. */
struct sg_loaded *sg_loaded_empty(void);
/* Goes on until 'state' is READY or FAILED.  Functions are asked about the
 * interfaces in the facts, NULL: about none. */
void sg_loaded_run(struct sg_loaded *, const struct sg_facts *);
void sg_loaded_wait(struct sg_loaded *);
void sg_loaded_destroy(struct sg_loaded *);         /* NULL is fine. */

/* Loads what was asked for, and puts it into force. */
void sg_core_loads_run(struct sg_core *);
void sg_core_loads_wait(struct sg_core *);
/* Is there a policy, or the certainty that there is none, and does it know
 * the ports? */
bool sg_core_loads_settled(const struct sg_core *);

/* What NORMAL on a bridge has learned of ports that are guarded now. */
enum sg_forget {
    SG_FORGET_NOTHING,
    SG_FORGET_DUE,              /* Once the flows are in force. */
    SG_FORGET_MACS,             /* The switch was told to. */
    SG_FORGET_GROUPS            /* The same. */
};

/* Megaflows that may have missed a change: see stale.c. */
struct sg_stale {
    struct sg_control *control;
    enum sg_stale_question {
        SG_STALE_NONE,
        SG_STALE_VERSION,
        SG_STALE_WAIT,
        SG_STALE_PURGE
    } question;                 /* Under way. */
    enum sg_stale_version {
        SG_STALE_UNKNOWN,       /* To be asked for, */
        SG_STALE_AFFECTED,
        SG_STALE_SOUND          /* It always changes the one it means. */
    } version;                  /* Of the switch. */
    bool always_sound;          /* And no other can take its place. */
    bool due;                   /* The tables have changed since the last. */
    bool failed;                /* There is no way to ask. */
    long long int since;        /* When the first WAIT was asked, */
    long long int waiting;      /* the last one, and */
    long long int asked;        /* PURGE (time_msec()). */
    long long int purged;       /* 'waiting' of the last PURGE. */
    long long int next, retry;  /* No sooner than then; `wait' looks at the
                                 * second only. */

    struct sg_control *first;   /* Asks for the first purge after a change. */
    bool first_due;
    long long int first_asked;  /* Both as above. */
    long long int first_next;
};

/* An endpoint in its time of grace (`--midstream-grace'). */
struct sg_grace {
    uint16_t zone;
    long long int until;        /* time_msec(). */
};

/* A bridge that we look after, or did. */
struct sg_core_bridge {
    struct sg_core *core;       /* It belongs to. */
    char *name;
    char *datapath_type;
    struct sg_switch *sw;       /* Always there. */
    unsigned int seqno;         /* Of 'sw', when we last looked. */
    unsigned int generation;    /* Of 'sw', when we last learned from it. */
    bool learning;              /* Installed flows are being looked through, */
    struct hmap_position learned;   /* up to here. */
    bool known;                 /* They were, since it was created. */
    bool wanted;                /* Guarded ports, sg-enable, or our flows. */
    bool leaving;               /* To be stripped of all that is ours. */
    bool barred;                /* Its protocols are in the way of it. */
    bool ours_there;            /* Flows of ours were seen here. */

    struct sg_plan *plan;       /* Of the last pass, or NULL. */
    struct sg_flows desired;    /* By the last pass, reviews included. */
    struct sg_flows touched;    /* Where desired and installed may differ, */
    bool compare_all;           /* unless they may differ anywhere. */
    struct sg_diff diff;        /* What differs, */
    bool diffed;                /* once all of it is known; */
    unsigned int diff_generation;   /* of which flows in 'sw'. */
    bool diffing;               /* It is found out outside of a pass. */
    bool due;                   /* A pass is under way, and has not done with
                                 * this bridge: see bridge-pass.c. */
    size_t step;                /* Where it is. */
    bool flag_all;              /* It looks at all ports. */
    struct sg_noting *noting;   /* How far 'diff' is noted, or NULL. */
    enum sg_holding {
        SG_HOLD_NOTHING,        /* There is nothing in 'desired'. */
        SG_HOLD_TRUSTED,        /* Forwarding, and what is installed. */
        SG_HOLD_ALL             /* What the plan wants. */
    } holding;
    struct sg_reviews reviews;
    bool dumped;                /* They were in force when the connection table
                                 * was asked for (revoke.c), and are yet to be
                                 * compared with what it holds: */
    size_t n_reviewed;          /* these many of its connections were, */
    size_t n_unended;           /* and these many reviews may end. */
    size_t n_removed;           /* Connections, by that. */
    struct sg_unit grace_unit;  /* The flows of 'graces'. */
    bool committing;            /* A bundle of ours is under way. */
    unsigned long long int n_committed; /* Bundles, before that one. */
    unsigned int committed_pass;    /* Whose flows it brings. */
    bool had_error;             /* The switch had refused something. */
    bool restate;               /* The states of all its ports may differ. */
    uint16_t *flush;            /* Zones to flush before the next commit. */
    size_t n_flush, allocated_flush;

    struct sg_grace *graces;    /* Endpoints that may join mid-stream. */
    size_t n_graces, allocated_graces;
    bool away;                  /* The connection to the switch was lost, */
    bool emptied;               /* and it came back without flows. */

    unsigned int desired_pass;  /* The pass that made 'desired'. */
    unsigned int applied_pass;  /* The last one that is in force here. */
    bool unsent;                /* 'desired' never was, and the flows were not
                                 * read anew since it was made. */
    bool check;                 /* Compare desired with installed. */
    enum sg_forget forget;      /* See forget.c. */
    bool recovered;             /* What the flows say was learned is. */
    struct ovs_list held;       /* Frames that learn.c holds back. */
    struct sg_inputs inputs;    /* As the switch has confirmed them. */
};

struct sg_core {
    /* As given. */
    char **policy_paths;
    size_t n_policy_paths;
    char *switch_unixctl;
    bool observe;
    int midstream_grace;

    struct sg_turns turns;
    struct sg_ovsdb *db;
    unsigned int db_seqno;
    bool had_facts;
    long long int learned;      /* When a bridge became known; 0: none is. */

    struct sg_loaded *loaded;   /* The policy in force. */
    bool have_policy;           /* False: 'loaded' is the empty one, because
                                 * no policy has loaded since we started. */
    char *policy_errors;        /* Of the last load, or NULL. */
    char *policy_warnings;      /* The same. */
    struct sg_loaded *loading;  /* A load under way, or NULL. */
    unsigned int loads_asked;   /* Number of the last one asked for. */
    unsigned int load_serves;   /* The last one that 'loading' is for. */
    unsigned int loads_done;    /* The last one that is over. */
    long long int first_ask;    /* When the ports were first admitted. */
    struct sg_resolver *resolver;   /* Values of `addresses' sets. */
    long long int loaded_at;    /* When the policy was loaded. */
    struct ovs_list function_calls;     /* See functions.c. */
    struct sg_ports ports;
    struct sset admit;          /* Interfaces to be admitted again, */
    bool admit_whole;           /* among them all that there are. */
    struct sset admitted;       /* Ports that may differ by that; when 'admit'
                                 * is empty they go to */
    struct sset changed;        /* ports that the next pass must look at. */
    bool changed_all;           /* It must look at all of them. */
    bool bridges_stale;         /* We may have to look after others. */
    struct sset restate;        /* Ports whose state may be another. */
    bool restate_all;           /* That of all of them. */
    bool could_write;           /* The database was there for states. */
    bool dirty;                 /* A pass is due. */
    bool passing;               /* One is under way, */
    struct sset passed;         /* about these ports, */
    bool pass_all;              /* or all of them. */
    unsigned int pass;          /* Number of the last pass. */

    struct sg_compiler *compiler;
    struct sg_plan **discarded; /* Plans that are being taken apart. */
    size_t n_discarded, allocated_discarded;
    bool freeing;               /* They, or flows, are not free yet. */
    struct shash bridges;       /* name -> struct sg_core_bridge. */
    struct sset *disabling;     /* Bridges that `disable' is at. */

    struct sg_control *revoke_control;  /* For revoke.c. */
    char *conntrack_type;       /* Datapath type that was asked. */
    long long int dump_asked;   /* When a dump was asked for; 0: none is. */
    bool dump_waits;            /* It waits for the datapath. */
    bool dump_reading;          /* It is being read, */
    bool dump_ended;            /* and some review has ended by it. */
    long long int next_dump;    /* When to ask again. */
    long long int dump_interval;

    struct sg_control *forget_control;  /* For forget.c. */
    char *forgetting;           /* The bridge that it is asked about. */

    struct sg_stale stale;      /* For stale.c. */

    struct hmap cuts;           /* struct cuts, for cuts.c. */
    struct hmap cut_conns;      /* struct counted, the same. */

    struct sg_learn learn;      /* For learn.c. */
    bool learn_changed;         /* A pass is due for it. */
    bool learn_check;           /* All of it is to be judged again. */
    uint32_t learn_idle;        /* See sg_core_options. */
    uint32_t learn_advance;     /* How much its clock is ahead. */
    uint32_t next_look;         /* At what is in use; 0: no need. */

    struct hmap limits;         /* struct limit: those the switch knows. */
    struct sg_control *limits_control;  /* Tells it others. */
    long long int limits_retry; /* After a failure, when to try again. */

    struct ovs_list barriers;   /* struct sg_barrier. */
    struct ovs_list admins;     /* struct sg_admin. */
};

/* bridge.c */
struct sg_core_bridge *sg_core_bridge_create(struct sg_core *,
                                             const char *name,
                                             const char *datapath_type);
void sg_core_bridge_destroy(struct sg_core_bridge *);
/* The bridge has a datapath of 'type', which may be another one than before
 * and then knows nothing of us. */
void sg_core_bridge_set_datapath(struct sg_core_bridge *, const char *type);
/* Runs the switch side. */
void sg_core_bridge_run(struct sg_core *, struct sg_core_bridge *,
                        struct sg_slice *);
void sg_core_bridge_wait(struct sg_core_bridge *);
/* Sends what differs, if that is possible now. */
void sg_core_bridge_apply(struct sg_core *, struct sg_core_bridge *,
                          struct sg_slice *);

/* bridge-pass.c: the part of a pass that is this bridge's; true when it is
 * over. */
void sg_core_bridge_pass_begin(struct sg_core_bridge *);
bool sg_core_bridge_pass(struct sg_core *, struct sg_core_bridge *,
                         struct sg_slice *);
/* Finds what differs; true once 'diff' has it. */
bool sg_core_bridge_diff(struct sg_core_bridge *,
                         const struct sg_flows *installed, struct sg_slice *);
/* Forgets what was found, and how much of it was noted. */
void sg_core_bridge_drop_diff(struct sg_core_bridge *);
void sg_core_bridge_flag_all(const struct sg_core *, struct sg_core_bridge *);
/* Where to note what is done to 'desired'; NULL if all is compared. */
struct sg_flows *sg_core_bridge_touched(struct sg_core_bridge *);
/* Nothing of ours is left there. */
bool sg_core_bridge_is_stripped(const struct sg_core_bridge *);

/* admission.c */
void sg_core_admission_init(struct sg_core *);
void sg_core_admission_destroy(struct sg_core *);
/* These say who is to be admitted again. */
void sg_core_admit_all(struct sg_core *);
void sg_core_admit_rows(struct sg_core *, const struct sg_facts *);
void sg_core_admit_by_policy(struct sg_core *, const struct sg_policy *old);
void sg_core_admission_run(struct sg_core *, struct sg_slice *);
bool sg_core_is_admitting(const struct sg_core *);
/* Ports are not what they were, admission or not. */
void sg_core_ports_changed(struct sg_core *, const struct sset *names);

/* states.c */
/* Writes the states of ports that may have another one than before. */
void sg_core_states_run(struct sg_core *);

/* forget.c */
/* Looks, before a pass changes them, whether installed flows let a port
 * forward that is guarded now, of those in 'names' (NULL: all). */
void sg_core_forget_note(const struct sg_core *, struct sg_core_bridge *,
                         const struct sset *names);
void sg_core_forget_run(struct sg_core *);
void sg_core_forget_wait(struct sg_core *);
/* Is there nothing to forget, nor being forgotten, as far as that can be? */
bool sg_core_forget_done(const struct sg_core *);

/* functions.c */
/* Returns true if a value of an `addresses' set has changed. */
bool sg_core_functions_run(struct sg_core *);
/* Before the script that was asked is destroyed. */
void sg_core_functions_cancel(struct sg_core *);

/* grace.c */
/* Before its flows are made: endpoints that are new here, or that the switch
 * has forgotten, begin their grace. */
void sg_core_grace_begin(struct sg_core *, struct sg_core_bridge *);
void sg_core_grace_emit(struct sg_core_bridge *);
/* Marks the core dirty when some grace has ended. */
void sg_core_grace_run(struct sg_core *);
void sg_core_grace_wait(struct sg_core *);

/* learn.c */
void sg_core_learn_add_bridge(struct sg_core *, struct sg_core_bridge *);
void sg_core_learn_drop_frames(struct sg_core_bridge *);
/* Frames whose teaching is in force go on their way. */
void sg_core_learn_release(struct sg_core_bridge *);
/* Takes what installed flows say was learned, once per bridge. */
void sg_core_learn_recover(struct sg_core *);
/* Completes the ports in 'admitted', or all if that is NULL. */
void sg_core_learn_fill(struct sg_core *, const struct sset *admitted);
void sg_core_learn_run(struct sg_core *);
void sg_core_learn_wait(struct sg_core *);

/* limits.c */
void sg_core_limits_init(struct sg_core *);
void sg_core_limits_destroy(struct sg_core *);
/* The switch has come back and knows no limits. */
void sg_core_limits_forget(struct sg_core *);
void sg_core_limits_run(struct sg_core *);
void sg_core_limits_wait(struct sg_core *);
/* Does the switch know all limits? */
bool sg_core_limits_synced(const struct sg_core *);

/* revoke.c */
void sg_core_revoke_run(struct sg_core *, struct sg_slice *);
void sg_core_revoke_wait(struct sg_core *);
void sg_core_revoke_soon(struct sg_core *);     /* Something was revoked. */

/* stale.c */
void sg_core_stale_init(struct sg_core *, bool switch_is_sound);
void sg_core_stale_destroy(struct sg_core *);
void sg_core_stale_note(struct sg_core *, const char *datapath_type);
void sg_core_stale_forget(struct sg_core *);
void sg_core_stale_run(struct sg_core *);
void sg_core_stale_wait(struct sg_core *);
/* Is none due, nor under way, or none possible? */
bool sg_core_stale_done(const struct sg_core *);
bool sg_core_stale_followed(const struct sg_core *, long long int since);
/* Once it is done, is no datapath flow older than the last change? */
bool sg_core_stale_purged_all(const struct sg_core *);

/* cuts.c */
void sg_core_cuts_init(struct sg_core *);
void sg_core_cuts_destroy(struct sg_core *);
/* Around the connections of one dump. */
void sg_core_cuts_begin(struct sg_core *);
void sg_core_cuts_count(struct sg_core *, const struct sg_port *,
                        const struct sg_conn *);
void sg_core_cuts_end(struct sg_core *);

/* core.c */
/* The one that is 'bridge' in the database; made, and connected to, if there
 * is none.  One that we do not want is left again by the next turn. */
struct sg_core_bridge *sg_core_get_bridge(struct sg_core *,
                                          const struct sg_bridge *bridge);
/* Frees 'plan', in slices.  NULL is fine. */
void sg_core_discard_plan(struct sg_core *, struct sg_plan *plan);
/* NULL if it has none. */
const struct sg_endpoint *sg_port_first_endpoint(const struct sg_port *);

#endif /* agent/core-private.h */
