/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ctl/sample.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dp-packet.h"
#include "flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "packets.h"
#include "socket-util.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

/* All of a packet: flow_extract() believes no header that says more than is
 * there.  Those that a network device is to cut up are large. */
#define MAX_PACKET (ETH_HEADER_LEN + 4 * VLAN_HEADER_LEN + 65535)
#define MAX_TALKS 20000         /* Enough to see; a scan shall not fill us. */

struct tap {                    /* An interface that is looked at. */
    const char *name;
    int fd;
};

/* What one line of the answer counts. */
struct talk {
    struct json *json;
    unsigned int packets;
};

/* Returns a socket that gets the packets of 'name', or -errno. */
static int
open_tap(const char *name)
{
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = if_nametoindex(name),
    };
    int fd, error;

    if (!address.sll_ifindex) {
        return -ENODEV;
    }
    /* Bound before it gets anything: without a protocol it gets nothing. */
    fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0) {
        return -errno;
    }
    error = (bind(fd, (struct sockaddr *) &address, sizeof address)
             ? errno : set_nonblocking(fd));
    if (error) {
        close(fd);
        return -error;
    }
    return fd;
}

static void
add_trouble(struct svec *troubles, const char *name, int error)
{
    svec_add_nocopy(troubles,
                    error == ENODEV
                    ? xasprintf("%s is no interface of the kernel here: its "
                                "packets cannot be looked at", name)
                    : xasprintf("%s: its packets cannot be looked at (%s)%s",
                                name, ovs_strerror(error),
                                error == EPERM ? "; run ovs-sgctl as root"
                                : ""));
}

/* Adds to 'object' what 'flow' says of protocol and ports. */
static void
put_layer4(struct json *object, const struct flow *flow)
{
    bool icmp = (flow->nw_proto == IPPROTO_ICMP
                 || flow->nw_proto == IPPROTO_ICMPV6);
    bool ports = (flow->nw_proto == IPPROTO_TCP
                  || flow->nw_proto == IPPROTO_UDP
                  || flow->nw_proto == IPPROTO_SCTP);

    json_object_put(object, "proto", json_integer_create(flow->nw_proto));
    if (flow->nw_frag & FLOW_NW_FRAG_LATER) {
        return;
    }
    if (icmp) {
        json_object_put(object, "dport",
                        json_integer_create(ntohs(flow->tp_src)));
        json_object_put(object, "code",
                        json_integer_create(ntohs(flow->tp_dst)));
    } else if (ports) {
        json_object_put(object, "sport",
                        json_integer_create(ntohs(flow->tp_src)));
        json_object_put(object, "dport",
                        json_integer_create(ntohs(flow->tp_dst)));
    }
}

static void
put_mac(struct json *object, const char *name, struct eth_addr mac)
{
    json_object_put(object, name, json_string_create_nocopy(
                        xasprintf(ETH_ADDR_FMT, ETH_ADDR_ARGS(mac))));
}

static void
put_ip(struct json *object, const char *name, const struct flow *flow,
       ovs_be32 ipv4, const struct in6_addr *ipv6)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        ds_put_format(&s, IP_FMT, IP_ARGS(ipv4));
    } else {
        ipv6_format_addr(ipv6, &s);
    }
    json_object_put(object, name,
                    json_string_create_nocopy(ds_steal_cstr(&s)));
}

static struct json *
sighting_create(const struct tap *tap, bool sent, const struct flow *flow)
{
    struct json *object = json_object_create();
    uint16_t flags = ntohs(flow->tcp_flags);

    json_object_put_string(object, sent ? "from" : "to", tap->name);
    put_mac(object, "src_mac", flow->dl_src);
    put_mac(object, "dst_mac", flow->dl_dst);
    put_ip(object, "src", flow, flow->nw_src, &flow->ipv6_src);
    put_ip(object, "dst", flow, flow->nw_dst, &flow->ipv6_dst);
    put_layer4(object, flow);
    if (flow->nw_proto == IPPROTO_TCP && flags & TCP_SYN
        && !(flags & TCP_ACK)) {
        json_object_put(object, "began", json_boolean_create(true));
    }
    return object;
}

/* Counts a packet that the guest behind 'tap' has 'sent', or gets. */
static void
note_packet(struct shash *talks, const struct tap *tap, bool sent,
            struct dp_packet *packet)
{
    struct json *sighting;
    struct talk *talk;
    struct flow flow;
    char *key;

    flow_extract(packet, &flow);
    if (flow.dl_type != htons(ETH_TYPE_IP)
        && flow.dl_type != htons(ETH_TYPE_IPV6)) {
        return;
    }
    sighting = sighting_create(tap, sent, &flow);
    key = json_to_string(sighting, JSSF_SORT);
    talk = shash_find_data(talks, key);
    if (!talk && shash_count(talks) < MAX_TALKS) {
        talk = xzalloc(sizeof *talk);
        talk->json = sighting;
        sighting = NULL;
        shash_add(talks, key, talk);
    }
    if (talk) {
        talk->packets++;
    }
    json_destroy(sighting);
    free(key);
}

/* Reads what is there; some, so that the others have their turn. */
static void
read_tap(struct shash *talks, const struct tap *tap)
{
    for (int i = 0; i < 256; i++) {
        struct sockaddr_ll from;
        socklen_t from_len = sizeof from;
        static uint8_t buffer[MAX_PACKET];
        struct dp_packet packet;
        ssize_t n = recvfrom(tap->fd, buffer, sizeof buffer, MSG_DONTWAIT,
                             (struct sockaddr *) &from, &from_len);

        if (n < 0) {
            return;
        }
        dp_packet_use_const(&packet, buffer, n);
        /* What the host sends on a guest's interface goes to the guest. */
        note_packet(talks, tap, from.sll_pkttype != PACKET_OUTGOING, &packet);
        dp_packet_uninit(&packet);
    }
}

static void
look(struct shash *talks, const struct tap taps[], size_t n,
     unsigned int seconds)
{
    long long int end = time_msec() + seconds * 1000LL;

    while (time_msec() < end) {
        for (size_t i = 0; i < n; i++) {
            read_tap(talks, &taps[i]);
            poll_fd_wait(taps[i].fd, POLLIN);
        }
        poll_timer_wait_until(end);
        poll_block();
    }
}

static struct json *
talks_to_json(struct shash *talks)
{
    const struct shash_node **sorted = shash_sort(talks);
    struct json *list = json_array_create_empty();

    for (size_t i = 0; i < shash_count(talks); i++) {
        struct talk *talk = sorted[i]->data;

        json_object_put(talk->json, "packets",
                        json_integer_create(talk->packets));
        json_array_add(list, talk->json);
    }
    free(sorted);
    shash_destroy_free_data(talks);
    return list;
}

struct json *
sample_packets(const struct svec *names, unsigned int seconds,
               struct svec *troubles)
{
    struct shash talks = SHASH_INITIALIZER(&talks);
    struct tap *taps = xmalloc(MAX(names->n, 1) * sizeof *taps);
    size_t n = 0;

    for (size_t i = 0; i < names->n; i++) {
        int fd = open_tap(names->names[i]);

        if (fd < 0) {
            add_trouble(troubles, names->names[i], -fd);
        } else {
            taps[n++] = (struct tap) { names->names[i], fd };
        }
    }
    if (n) {
        look(&talks, taps, n, seconds);
    }
    for (size_t i = 0; i < n; i++) {
        close(taps[i].fd);
    }
    free(taps);
    return talks_to_json(&talks);
}
