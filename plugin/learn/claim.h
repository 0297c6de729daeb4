/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_LEARN_CLAIM_H
#define SG_LEARN_CLAIM_H 1

/* What a frame says about who has which address
 * =============================================
 *
 * A *claim* is "this MAC has this address".  Frames that claim something:
 *
 *   ARP            sender of a request, an answer, or an announcement; a probe
 *                  (RFC 5227: sender 0.0.0.0) claims nothing yet.
 *   neighbor       the target of an advertisement; the source of a
 *   discovery      solicitation.  Duplicate address detection, whose source is
 *                  "::", claims its target: it is how a host says that it is
 *                  about to take an address, and often the only frame that
 *                  does (RFC 6620 binds on it, too).
 *   DHCP           the address that a server acknowledges, and for how long.
 *                  Whether the server may be believed is not asked here: the
 *                  caller passes what came from a trusted port.
 *
 * The frames are a guest's making, so nothing in them is taken for granted:
 * link-layer addresses inside must be that of the frame, and addresses that no
 * host can have (multicast, loopback, unspecified, and IPv4 in disguise, which
 * the rest of this program would take for IPv4) are no claims. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/types.h"
#include "policy/port.h"
#include "policy/prefix.h"

#define SG_MAX_CLAIMS 8         /* Of one frame; DHCPv6 may give several. */

struct sg_claim {
    struct sg_prefix address;
    enum sg_learn_source source;
    uint32_t lease;             /* Seconds; 0: without end, or not said. */
};

struct sg_claims {
    struct eth_addr mac;        /* Whose they are. */
    struct sg_claim list[SG_MAX_CLAIMS];
    size_t n;
};

/* Reads a frame that a guest sent.  Returns false if its source cannot be a
 * guest's MAC; a frame that claims no address has 'n' of zero. */
bool sg_claims_from_guest(const void *frame, size_t size,
                          struct sg_claims *);

/* Reads a DHCP answer on its way to a guest.  Returns false if it gives
 * nothing to anybody. */
bool sg_claims_from_dhcp(const void *frame, size_t size, struct sg_claims *);

#endif /* learn/claim.h */
