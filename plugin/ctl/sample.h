/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_SAMPLE_H
#define SG_CTL_SAMPLE_H 1

/* Headers of packets at interfaces
 * ================================
 *
 * Under NORMAL the switch does not look above the Ethernet header, so nothing
 * in it knows addresses and ports.  Where that matters, `observe --sample'
 * looks at the packets themselves: a packet socket on each interface, as
 * tcpdump(8) has it.  It needs the capability for that (CAP_NET_RAW), and an
 * interface of the kernel: a vhost-user port has none.  Nothing is changed,
 * and no packet is held up; under load the kernel leaves some out.
 *
 * Thread: any; blocks. */

struct json;
struct svec;

/* Looks at the interfaces 'names' for 'seconds'.  Returns what was seen, in
 * the form of policy/seen.h; sentences about interfaces that cannot be looked
 * at go to 'troubles'. */
struct json *sample_packets(const struct svec *names, unsigned int seconds,
                            struct svec *troubles);

#endif /* ctl/sample.h */
