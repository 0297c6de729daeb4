/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_HOST_GATE_H
#define SG_HOST_GATE_H 1

/* No packet before the rules
 * ==========================
 *
 * Beside the switch, an agent hears of a port when this forwards already.
 * What comes from it is dropped by the first table until its flows are in, as
 * long as there are flows of ours on the bridge; but NORMAL floods to it until
 * the agent has set `no-flood'.  Inside the switch we are asked in time
 * (`struct ofproto_port_observer'):
 *
 *                     the switch
 *      port is new -----------------> HELD      no-recv, no-fwd, no-flood
 *                                       |
 *          the row in our copy of the database says what it is, and
 *                                       |
 *          it is trusted ---------------+-----> all three are taken back
 *          it is guarded, and its flows |
 *          are confirmed ---------------'-----> no-flood stays; from here on
 *                                               it is the core's
 *
 * When the switch tells of a port, our copy of the database may be older than
 * the switch's: it may not know the row, or know a row that is gone, of the
 * same name.  The row's number tells: the switch writes it after it has told
 * us.  A row that has the right number already is either still right, or
 * stale; then we wait until the switch and we have seen all that is in the
 * database (sg_ovsdb_sync_start()).
 *
 * Ports are held on bridges on which we can guard (sg_bridge_check()), and on
 * those of which nothing is known yet: when the switch starts, that is all of
 * them, for some milliseconds.  Flags that somebody else has set before stay.
 * Only those are taken back that were set here.
 *
 * Ports that exist when the plugin is loaded forward already, perhaps by the
 * flows of an ovs-sgd: they are not held.  Nothing is held as long as somebody
 * else is in charge.
 *
 * Thread: the main thread of ovs-vswitchd. */

struct sg_core;

struct sg_gate *sg_gate_create(struct sg_core *);
/* The settings have changed, and with them the core. */
void sg_gate_set_core(struct sg_gate *, struct sg_core *);
/* After the core has run. */
void sg_gate_run(struct sg_gate *);
/* Takes back what keeps ports closed that wait; `no-flood' stays on those that
 * are known to be guarded. */
void sg_gate_destroy(struct sg_gate *);

#endif /* host/gate.h */
