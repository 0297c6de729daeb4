/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SWITCH_SWITCH_H
#define SG_SWITCH_SWITCH_H 1

/* One bridge of the switch
 * ========================
 *
 * A `struct sg_switch' speaks OpenFlow to one bridge.  It knows which of our
 * flows are installed there, carries out changes, each as one atomic bundle,
 * and says when they are in force.  It knows nothing of groups and rules.
 *
 *      .----------------- connection lost -----------------.
 *      v                                                   |
 *   CONNECTING ---> DUMP --------------------> READY ------+
 *                   ^  |                         |         |
 *                   |  '-- connection lost ------|---------'
 *                   '----------------------------'
 *                    the switch could not report
 *                    all that others changed
 *
 * There are two connections to the bridge's management socket:
 *
 *   - OpenFlow 1.5 (1.4 if that is all there is) for everything but
 *   - OpenFlow 1.0, for the `no-flood' flag of ports, which exists nowhere
 *     else in a form that Open vSwitch obeys.
 *
 * Both are non-blocking, so that the same code can run inside ovs-vswitchd.
 *
 * Changes
 * -------
 *
 * In state READY the owner compares sg_switch_installed() with what it wants
 * and calls sg_switch_commit() with the difference.  While a bundle is under
 * way sg_switch_busy() is true and nothing else can be committed.  When the
 * barrier after the bundle has been answered, the installed set is updated
 * and busy ends.  If the switch refuses the bundle, nothing has changed:
 * sg_switch_error() gives the reason and sg_switch_busy() stays true until a
 * back-off (1 s, doubling to 30 s) has passed.
 *
 * Others
 * ------
 *
 * Flows without our cookie are never touched.  Those in table 0 that win over
 * ours are said in the log once each, also flows of others in our tables.  If
 * flows with our cookie are changed by anyone else, a flow monitor notices,
 * that is said in the log, sg_switch_generation() changes, and
 * sg_switch_installed() shows the damage, which the owner repairs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/list.h"
#include "openvswitch/types.h"

struct sg_changes;
struct sg_flow;
struct sg_flows;

/* Connects to the bridge called 'bridge' at 'target', an OpenFlow vconn name
 * such as "unix:/run/openvswitch/br0.mgmt".  Flows of others in table 0 with
 * a priority of at least 'lowest_priority', or in a table for which
 * 'is_our_table' is true, are reported as foreign.  */
struct sg_switch *sg_switch_create(const char *bridge, const char *target,
                                   uint16_t lowest_priority,
                                   bool (*is_our_table)(uint8_t table_id));
void sg_switch_destroy(struct sg_switch *);         /* NULL is fine. */

/* Must be called in each turn of the main loop, and before it sleeps. */
void sg_switch_run(struct sg_switch *);
void sg_switch_wait(struct sg_switch *);

/* Changes whenever something the accessors below tell has changed, but for
 * the numbers of foreign flows, which concern nobody but the operator: on a
 * bridge with a controller they may change all the time. */
unsigned int sg_switch_seqno(const struct sg_switch *);

/* The flows with our cookie that are in the switch, or NULL if that is not
 * known now (any state but READY). */
const struct sg_flows *sg_switch_installed(const struct sg_switch *);
/* Changes each time the installed flows were read anew or changed by others:
 * what the owner has derived from them must be derived again. */
unsigned int sg_switch_generation(const struct sg_switch *);
/* Number of flows of others in table 0 (any priority), and the part of them
 * that wins over ours. */
size_t sg_switch_n_foreign(const struct sg_switch *);
size_t sg_switch_n_bypassing(const struct sg_switch *);
/* Those in our tables: they, too, can let pass what ours do not. */
size_t sg_switch_n_misplaced(const struct sg_switch *);

/* Sends 'changes' as one atomic, ordered bundle (a change alone as it is) with
 * a barrier behind it.  Copies nothing: flows that are new must stay as they
 * are as long as sg_switch_busy(), or until the switch is destroyed.  Only in
 * state READY and while not busy.  An empty set of changes does nothing. */
void sg_switch_commit(struct sg_switch *, const struct sg_changes *changes);
bool sg_switch_busy(const struct sg_switch *);
/* Why the last bundle was refused; NULL if it was not. */
const char *sg_switch_error(const struct sg_switch *);
/* True from a refusal to the end of the back-off.  sg_switch_retry() brings
 * that about at once, and an attempt to connect: whoever asks may have mended
 * the reason. */
bool sg_switch_is_backing_off(const struct sg_switch *);
void sg_switch_retry(struct sg_switch *);

/* The switch is about to remove flows for a reason that we know (it does when
 * fail_mode changes): the next repair is not worth a warning. */
void sg_switch_expect_flush(struct sg_switch *);

/* Ports.  The desired `no-flood' flags, by OpenFlow port number: sets the
 * flag on every port in the array (sorted) and clears it on ports that an
 * earlier call named.  Kept up when ports come back and when the switch
 * restarts.  The names are the interfaces' (a port whose number now belongs to
 * another interface is not touched until they agree). */
struct sg_switch_port {
    ofp_port_t ofport;
    const char *name;
};
void sg_switch_set_no_flood(struct sg_switch *,
                            const struct sg_switch_port *, size_t n);
/* The same for the one interface 'name', which has number 'ofport' and no
 * other; OFPP_NONE: its flag is to be cleared. */
void sg_switch_want_no_flood(struct sg_switch *, const char *name,
                             ofp_port_t ofport);
/* The name of an interface whose flag has been confirmed, or is confirmed no
 * more, since it was last told; NULL if there is none.  The caller frees
 * it. */
char *sg_switch_next_no_flood_news(struct sg_switch *);
/* True if the switch has confirmed the flag (for this port; for all that are
 * wanted and that exist, and also that it is off where it was cleared). */
bool sg_switch_no_flood_confirmed(const struct sg_switch *, ofp_port_t);
bool sg_switch_no_flood_all_confirmed(const struct sg_switch *);
/* The name of the interface that has 'ofport' in the switch now (from the
 * port descriptions and status messages), or NULL.  OpenFlow gives only the
 * first 15 bytes of a name; compare no more. */
const char *sg_switch_port_name(const struct sg_switch *, ofp_port_t);

/* Conntrack, over OpenFlow (NXT_CT_FLUSH_ZONE, NXT_CT_FLUSH), ordered before
 * any bundle that is committed later.  A zone is flushed, whatever becomes of
 * the connection. */
void sg_switch_flush_zone(struct sg_switch *, uint16_t zone);
/* Removes one connection, in its original direction, of 'zone'. */
struct sg_conn;                 /* switch/control.h */
void sg_switch_flush_conn(struct sg_switch *, const struct sg_conn *);

/* Frames that flows of ours with a `controller' action show us (emit_show()),
 * oldest first; whoever takes one destroys it.  Some may be lost. */
struct sg_shown {
    struct ovs_list node;       /* In sg_switch.shown. */
    uint64_t cookie;            /* Of the flow. */
    uint8_t table_id;
    ofp_port_t ofport;          /* Where it came in. */
    uint32_t vlan;              /* SG_R_VLAN, as it was there. */
    bool whole;                 /* 'frame' is not cut short. */
    size_t size;
    uint8_t *frame;             /* As it was there. */
};
struct sg_shown *sg_switch_next_shown(struct sg_switch *);
void sg_shown_destroy(struct sg_shown *);
/* Lets it come in once more, to be judged by the flows of now. */
void sg_switch_send_frame(struct sg_switch *, const struct sg_shown *);

/* Asks how many packets the flows with 'cookie' (under 'mask') have counted.
 * The answer goes to the callback, a flow at a time; a NULL flow ends it.  A
 * lost connection loses the answer. */
void sg_switch_set_on_use(struct sg_switch *,
                          void (*cb)(void *aux, const struct sg_flow *,
                                     uint64_t packets),
                          void *aux);
void sg_switch_ask_uses(struct sg_switch *, uint64_t cookie, uint64_t mask);

/* For tests and `ovs-sgctl show': counters since creation. */
struct sg_switch_stats {
    unsigned long long int bundles, flow_mods, refused, repairs;
    unsigned long long int at_once;     /* Bundles that were not waited with:
                                         * see bundle.c. */
};
void sg_switch_get_stats(const struct sg_switch *, struct sg_switch_stats *);

#endif /* switch/switch.h */
