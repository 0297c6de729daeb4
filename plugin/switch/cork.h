/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SWITCH_CORK_H
#define SG_SWITCH_CORK_H 1

/* An OpenFlow connection that gathers what it sends
 * =================================================
 *
 * The vconns of Open vSwitch make a system call for each message, and that
 * wakes the switch, which has other things to do, for each of them.  The flows
 * of a policy are thousands of messages.  This one keeps them until there are
 * some kilobytes, or until it is run: by rconn_run(), which is to be called at
 * the end of each turn.  It reads what there is at once, too, and not a header
 * and then the rest. */

#include <stdint.h>

struct vconn;

/* As vconn_open(). */
int sg_cork_open(const char *target, uint32_t versions, struct vconn **);

#endif /* switch/cork.h */
