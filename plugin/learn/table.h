/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_LEARN_TABLE_H
#define SG_LEARN_TABLE_H 1

/* What was learned
 * ================
 *
 * A port that declares no MAC (`attached-mac') gets one from the first frame
 * that it sends; one that declares no addresses (`sg-addresses') gets those
 * that it claims (claim.h).  Both become part of its `struct sg_port', so
 * everything downstream, from anti-spoofing to the membership in groups, is
 * the same as if they had been declared.
 *
 *   packet-in --> claims --> sg_learn_claim() --> table
 *                                                   |
 *   facts --> admission --> ports --> sg_learn_fill(): ports, completed
 *
 * Bounds.  One MAC a port: that is what "the first frame" means, and a guest
 * that needs several can declare them.  SG_LEARN_MAX addresses a port.  A port
 * with all it may have *listens* no more: the flows that show its frames to
 * the agent go.  So they do for SG_LEARN_PAUSE seconds if it claims too much
 * in too short a time; a guest cannot keep the agent busy.
 *
 * Conflicts.  Who holds an address or MAC first keeps it; the claim of another
 * is refused, counted, and said.  What the operator wrote is stronger than
 * what a guest said: an address or a MAC that a port declares, or an address
 * that the policy gives to a group (`members') which the port is not in,
 * cannot be learned, and is forgotten if it was.  A port that declares all
 * addresses (/0: a router) holds none of them that way.  Addresses conflict
 * inside a network, MACs inside a network or a VLAN of a bridge; a port on
 * several is judged in all of them.
 *
 * Ageing.  What DHCP gave lasts as long as the lease.  The rest, and the MAC,
 * goes after a time in which no packet used it.  Everything goes with the
 * port, when the switch has the port no more, and when its networks change.
 *
 * No I/O; 'now' is in seconds since 1970, whoever keeps that clock. */

#include <stdbool.h>
#include <stdint.h>

#include "learn/claim.h"
#include "openvswitch/hmap.h"
#include "openvswitch/token-bucket.h"
#include "openvswitch/uuid.h"
#include "policy/policy.h"
#include "policy/port.h"

struct ds;
struct sset;

#define SG_LEARN_MAX 16         /* Addresses a port. */
#define SG_LEARN_BURST 64       /* Frames at once, */
#define SG_LEARN_RATE 2         /* and then a second, */
#define SG_LEARN_PAUSE 10       /* or silence for so many seconds. */

/* When something was last in use. */
struct sg_use {
    uint32_t when;
    uint64_t packets;           /* Counted by its flows, by then. */
};

struct sg_learned_address {
    struct sg_prefix address;
    struct sg_learned how;
    struct sg_use use;
};

/* What a port has learned. */
struct sg_learner {
    struct hmap_node node;      /* In sg_learn.learners, by 'uuid'. */
    struct uuid uuid;           /* Of the Interface row, */
    char *name;                 /* and its name. */
    char *where;                /* Bridge, VLANs and networks. */

    bool has_mac;
    struct eth_addr mac;
    struct sg_learned mac_how;
    struct sg_use mac_use;
    struct sg_learned_address addresses[SG_LEARN_MAX];  /* Sorted. */
    size_t n;

    unsigned int n_refused;     /* Claims, */
    char *refused;              /* and the last one, in words; or NULL. */
    struct token_bucket bucket; /* Of frames. */
    uint32_t paused_until;      /* 0: it is not. */
    bool stale;                 /* Its port does not show what has changed:
                                 * sg_learn_refresh(). */
};

struct sg_learn {
    struct hmap learners;       /* struct sg_learner. */
};

void sg_learn_init(struct sg_learn *);
void sg_learn_destroy(struct sg_learn *);
/* What the port of this Interface row has learned, or NULL. */
struct sg_learner *sg_learn_find(const struct sg_learn *,
                                 const struct uuid *);

/* Completes those of 'ports' that are in 'admitted' (NULL: all), because
 * admission has made them again or something was learned or forgotten, and
 * forgets what is no more.  The names of other ports that have lost something
 * by that go to 'changed' (may be NULL); if 'admitted' is NULL, those of all
 * that say something else than before. */
void sg_learn_fill(struct sg_learn *, const struct sg_policy *,
                   struct sg_ports *, const struct sset *admitted,
                   struct sset *changed);

/* Completes again the ports that have lost something by age, or whose pause
 * has begun or ended; their names go to 'changed'.  Nobody is judged again. */
void sg_learn_refresh(struct sg_learn *, struct sg_ports *,
                      struct sset *changed);

/* May one more frame of 'port' be looked at?  If not, it does not listen for
 * some time, and sg_learn_refresh() is due; '*paused' says that it begins
 * now. */
bool sg_learn_may_look(struct sg_learn *, const struct sg_port *,
                       uint32_t now, bool *paused);

/* Takes in the claims of a frame of 'port', or of a DHCP server for it.
 * Returns true if that taught anything, which is in 'port' then; a line for
 * each claim that was refused goes to 'said'. */
bool sg_learn_claim(struct sg_learn *, const struct sg_policy *,
                    struct sg_ports *, struct sg_port *port,
                    const struct sg_claims *, uint32_t now, struct ds *said);

/* Puts back what the flows of an earlier agent say was learned. */
void sg_learn_restore_mac(struct sg_learn *, const struct sg_port *,
                          const struct eth_addr mac,
                          const struct sg_learned *, uint32_t now);
void sg_learn_restore_address(struct sg_learn *, const struct sg_port *,
                              const struct sg_prefix *,
                              const struct sg_learned *, uint32_t now);

/* The flows of a MAC or an address of 'port' have counted 'packets' by now;
 * 'address' NULL: the MAC. */
void sg_learn_note_use(struct sg_learn *, const struct sg_port *,
                       const struct sg_prefix *address, uint64_t packets,
                       uint32_t now);

/* Forgets leases that have ended, and what was not used for 'idle' seconds;
 * ends pauses.  True if sg_learn_refresh() is due. */
bool sg_learn_age(struct sg_learn *, uint32_t idle, uint32_t now);
/* When sg_learn_age() has something to do by the clock alone: the end of a
 * lease or a pause; UINT32_MAX if there is none. */
uint32_t sg_learn_next(const struct sg_learn *, uint32_t now);

const char *sg_learn_source_name(enum sg_learn_source);

#endif /* learn/table.h */
