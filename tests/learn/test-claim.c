/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* What frames claim. */

#include <config.h>

#include <stdlib.h>

#include "frames.h"
#include "learn/table.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "tap.h"
#include "util.h"

static size_t
from_hex(const char *hex, uint8_t **frame)
{
    size_t n = strlen(hex) / 2;

    *frame = xmalloc(n);
    for (size_t i = 0; i < n; i++) {
        bool ok;

        (*frame)[i] = hexits_value(hex + 2 * i, 2, &ok);
        ovs_assert(ok);
    }
    return n;
}

/* "52:54:00:00:00:01 192.0.2.1 ARP, ...", "52:..." or "no". */
static void
check(const char *what, const char *hex, bool dhcp, const char *expected)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct sg_claims claims;
    uint8_t *frame;
    size_t n = from_hex(hex, &frame);

    if (dhcp ? sg_claims_from_dhcp(frame, n, &claims)
        : sg_claims_from_guest(frame, n, &claims)) {
        ds_put_format(&s, ETH_ADDR_FMT, ETH_ADDR_ARGS(claims.mac));
        for (size_t i = 0; i < claims.n; i++) {
            const struct sg_claim *c = &claims.list[i];

            ds_put_cstr(&s, i ? ", " : " ");
            sg_prefix_format(&c->address, &s);
            ds_put_format(&s, " %s", sg_learn_source_name(c->source));
            if (c->lease) {
                ds_put_format(&s, " %"PRIu32, c->lease);
            }
        }
    } else {
        ds_put_cstr(&s, "no");
    }
    is_str(ds_cstr(&s), expected, "%s", what);
    ds_destroy(&s);

    /* However short a frame is, nothing behind its end is read. */
    for (size_t i = 0; i <= n; i++) {
        uint8_t *cut = xmemdup(frame, MAX(i, 1));

        sg_claims_from_guest(cut, i, &claims);
        sg_claims_from_dhcp(cut, i, &claims);
        free(cut);
    }
    free(frame);
}

#define MAC "52:54:00:00:00:01"
#define GUEST(FRAME, EXPECTED) check(#FRAME, FRAME, false, EXPECTED)
#define DHCP(FRAME, EXPECTED) check("DHCP: " #FRAME, FRAME, true, EXPECTED)

int
main(void)
{
    GUEST(arp_request, MAC " 192.0.2.1 ARP");
    GUEST(arp_reply, MAC " 192.0.2.1 ARP");
    GUEST(arp_tagged, MAC " 192.0.2.1 ARP");
    GUEST(arp_probe, MAC);
    GUEST(arp_sha, MAC);
    GUEST(arp_multicast, MAC);
    GUEST(multicast_source, "no");
    GUEST(dad, MAC " 2001:db8::1 neighbor discovery");
    GUEST(solicit, MAC " 2001:db8::1 neighbor discovery");
    GUEST(solicit_option, MAC);
    GUEST(solicit_routed, MAC);
    GUEST(advert, MAC " 2001:db8::1 neighbor discovery");
    GUEST(advert_option, MAC);
    GUEST(advert_disguise, MAC);
    GUEST(udp, MAC);
    GUEST(ack, "52:54:00:00:99:99");

    DHCP(ack, MAC " 192.0.2.50 DHCP 3600");
    DHCP(ack_forever, MAC " 192.0.2.50 DHCP");
    DHCP(ack_nothing, MAC " 192.0.2.50 DHCP");
    DHCP(ack_cut, MAC " 192.0.2.50 DHCP");
    DHCP(ack_op, "no");
    DHCP(offer, "no");
    DHCP(udp, "no");
    DHCP(arp_request, "no");
    DHCP(reply6, MAC " 2001:db8::50 DHCP 3600, 2001:db8::51 DHCP 3600");
    DHCP(reply6_zero, "no");
    DHCP(advertise6, "no");
    DHCP(reply6_many, MAC " 2001:db8::50 DHCP 3600, "
         "2001:db8::51 DHCP 3600, 2001:db8::52 DHCP 3600, "
         "2001:db8::53 DHCP 3600, 2001:db8::54 DHCP 3600, "
         "2001:db8::55 DHCP 3600, 2001:db8::56 DHCP 3600, "
         "2001:db8::57 DHCP 3600");
    return done_testing();
}
