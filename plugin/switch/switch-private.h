/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SWITCH_SWITCH_PRIVATE_H
#define SG_SWITCH_SWITCH_PRIVATE_H 1

/* What the files of this folder share about a bridge.
 *
 *   switch.c    the state machine and the accessors
 *   link.c      connecting, again and again
 *   cork.c      a connection that gathers what it sends
 *   dump.c      reading all flows
 *   monitor.c   what others change
 *   foreign.c   flows of others that matter to us
 *   bundle.c    our changes
 *   taken.c     kinds of flows that the switch has taken
 *   noflood.c   the OpenFlow 1.0 connection: ports and their `no-flood' flag
 *   shown.c     frames that flows show us, and how much flows are used
 *   flush.c     connections to remove from conntrack
 *
 * Everything the switch sends on the main connection is handled in the order
 * in which it was sent.  That is what makes the installed set exact: a change
 * by somebody else is either part of a dump that came before it or is
 * reported after the dump, and before or after the reply to our own commit
 * just as the switch carried it out.
 *
 * No part may hold up the main loop: each works until 'deadline', then says
 * with 'more' that it wants to be called again at once. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/flow.h"
#include "openflow/openflow-common.h"
#include "openvswitch/hmap.h"
#include "openvswitch/types.h"
#include "switch/link.h"
#include "switch/switch.h"

struct ofp_header;
struct ofpbuf;
struct sg_bundle;
struct sg_noflood;

enum sg_switch_state {
    S_CONNECTING,               /* No connection. */
    S_DUMP,                     /* Reading the flows. */
    S_READY                     /* 'installed' is exact. */
};

/* Reading all flows (dump.c). */
struct sg_dump {
    ovs_be32 xid;               /* Of the request. */
    bool begun;                 /* Part of the answer has come. */
    bool stale;                 /* Others changed flows in its midst. */
    struct sg_flows ours;       /* Read so far: with our cookie. */
    struct sg_flows foreign;    /* Read so far: flows of others, the part
                                 * that sg_foreign_matters() wants. */
};

/* Flows of others in table 0 and in our tables (foreign.c). */
struct sg_foreign {
    struct sg_flows flows;
    size_t n_table0;            /* Those in table 0, */
    size_t n_bypassing;         /* and the part that wins over ours. */
};

/* What others change (monitor.c). */
struct sg_monitor {
    bool paused;                /* The switch keeps events back. */
    bool expected;              /* The next repair is no surprise. */
    ovs_be32 request_xid;       /* To recognize a refusal. */
    size_t n_repairs;           /* Flows of ours that others changed, */
    char *example;              /* and one of them, since the last log. */
};

/* Kinds of flows that the switch has taken on this connection (taken.c). */
struct sg_taken {
    struct hmap kinds;
};

/* A connection, or a zone, to remove from conntrack (flush.c). */
struct sg_flush;

struct sg_switch {
    /* Given. */
    char *bridge;                           /* Name, for the log. */
    uint16_t lowest_priority;               /* Of our flows in table 0. */
    bool (*is_our_table)(uint8_t table_id);

    /* The main connection. */
    struct sg_link link;
    unsigned int link_seqno;    /* Connection that 'state' is about. */
    enum ofp_version version;   /* As of S_DUMP; kept, because the rconn
                                 * may disconnect in any call. */
    enum sg_switch_state state;
    bool redump;                /* Dump again as soon as possible. */
    bool more;                  /* There is work left from this turn. */

    /* What the accessors tell. */
    unsigned int seqno;         /* Changes with anything of it. */
    unsigned int generation;    /* Changes when 'installed' was read anew. */
    struct sg_flows installed;  /* Exact in S_READY. */
    struct sg_foreign foreign;
    struct sg_switch_stats stats;

    /* Parts. */
    struct sg_dump dump;
    struct sg_monitor monitor;
    struct sg_bundle *bundle;   /* NULL: none under way. */
    struct sg_taken taken;
    char *error;                /* Why the last bundle was refused. */
    int backoff;                /* After that, msec; 0: not refused. */
    long long int retry_at;     /* End of the back-off; 0: not waiting. */
    struct sg_flush *flushes;   /* To be sent, or to be confirmed (flush.c). */
    size_t n_flushes, allocated_flushes;
    size_t n_flushes_sent;      /* Of them, on this connection. */
    ovs_be32 flush_xid;         /* Of the barrier behind those, or 0. */
    struct sg_noflood *noflood;
    struct ovs_list shown;      /* struct sg_shown. */
    size_t n_shown;
    ovs_be32 uses_xid;          /* Of the question under way, or 0. */
    void (*on_use)(void *aux, const struct sg_flow *, uint64_t packets);
    void *on_use_aux;
};

void sg_switch_send(struct sg_switch *, struct ofpbuf *);
ovs_be32 sg_switch_xid(const struct ofpbuf *);
bool sg_switch_is_ours(ovs_be64 cookie);

/* dump.c */
void sg_dump_init(struct sg_dump *);
void sg_dump_destroy(struct sg_dump *);
void sg_dump_start(struct sg_switch *);
void sg_dump_handle(struct sg_switch *, const struct ofp_header *);

/* monitor.c */
void sg_monitor_start(struct sg_switch *);
void sg_monitor_handle_update(struct sg_switch *, const struct ofp_header *);
bool sg_monitor_handle_error(struct sg_switch *, const struct ofp_header *);
void sg_monitor_run(struct sg_switch *);

/* foreign.c */
void sg_foreign_init(struct sg_foreign *);
void sg_foreign_destroy(struct sg_foreign *);
bool sg_foreign_matters(const struct sg_switch *, uint8_t table_id);
void sg_foreign_put(struct sg_switch *, struct sg_flow *, bool quiet);
bool sg_foreign_remove(struct sg_switch *, const struct sg_flow *identity);
void sg_foreign_replace(struct sg_switch *, struct sg_flows *);

/* bundle.c */
void sg_bundle_destroy(struct sg_bundle *);
bool sg_bundle_handle(struct sg_switch *, const struct ofp_header *);
bool sg_bundle_is_applying(const struct sg_switch *);
void sg_bundle_handle_own(struct sg_switch *, ovs_be32 xid);
void sg_bundle_retire(struct sg_switch *, struct sg_flow *installed);
void sg_bundle_run(struct sg_switch *, long long int deadline);
void sg_bundle_wait(struct sg_switch *);

/* taken.c */
void sg_taken_init(struct sg_taken *);
void sg_taken_destroy(struct sg_taken *);
void sg_taken_clear(struct sg_taken *);
bool sg_taken_has(const struct sg_taken *, const struct sg_flow *);
void sg_taken_add(struct sg_taken *, const struct sg_flow *);

/* noflood.c */
struct sg_noflood *sg_noflood_create(const char *bridge, const char *target);
void sg_noflood_destroy(struct sg_noflood *);
bool sg_noflood_set(struct sg_noflood *, const struct sg_switch_port *,
                    size_t n);
bool sg_noflood_want(struct sg_noflood *, const char *name, ofp_port_t);
char *sg_noflood_next_news(struct sg_noflood *);
bool sg_noflood_confirmed(const struct sg_noflood *, ofp_port_t);
bool sg_noflood_all_confirmed(const struct sg_noflood *);
const char *sg_noflood_port_name(const struct sg_noflood *, ofp_port_t);
bool sg_noflood_run(struct sg_noflood *, long long int deadline);
void sg_noflood_wait(struct sg_noflood *);
void sg_noflood_retry(struct sg_noflood *);

/* shown.c */
void sg_shown_start(struct sg_switch *);
void sg_shown_handle(struct sg_switch *, const struct ofp_header *);
void sg_shown_handle_config(struct sg_switch *, const struct ofp_header *);
bool sg_shown_handle_uses(struct sg_switch *, const struct ofp_header *);

/* flush.c */
void sg_flush_run(struct sg_switch *);
bool sg_flush_handle_barrier(struct sg_switch *, const struct ofp_header *);
void sg_flush_connection_lost(struct sg_switch *);
void sg_flush_destroy(struct sg_switch *);

#endif /* switch/switch-private.h */
