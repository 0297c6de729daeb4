/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* DNS: the A and the AAAA records of one name
 * ===========================================
 *
 * A round asks one name server after the other until one has answered for
 * both families, at least twice in all, and each for its part of the time
 * allowed.  Every attempt has an `evdns_base' of its own: so it has a source
 * port of its own, sees what resolv.conf says now, and no memory of servers
 * that were away is in the way of those that are back.
 *
 * "There is no such record" is an answer for one family, if there are records
 * of the other.  If there are none at all it is an error: a zone that got
 * lost must not take away what worked, unless the author says so
 * (`on_error = "empty"'). */

#include <config.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <event2/dns.h>

#include "openvswitch/dynamic-string.h"
#include "policy/policy.h"
#include "resolve/asker.h"
#include "svec.h"
#include "util.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define MIN_ATTEMPTS 2
#define MAX_ATTEMPTS 6

struct dns_round {
    struct sg_asker *asker;     /* NULL once it is cancelled. */
    struct sg_thread *thread;
    struct svec servers;        /* As evdns takes them. */
    size_t attempts;            /* In all. */
    size_t attempt;             /* The present one, from 0. */
    struct evdns_base *dns;     /* Of the present attempt. */
    uint8_t asked;              /* Families with a callback to come. */
    uint8_t good;               /* Families that were answered. */
    int errors[2];              /* DNS_ERR_*, of IPv4 and of IPv6. */
    struct sg_prefix *prefixes;
    size_t n;
    int ttl;                    /* The least one. */
};

static void ask_server(struct dns_round *);

/* Name servers. */

static void
add_server(const struct sockaddr *sa, struct svec *servers)
{
    const struct sockaddr_in6 *sin6 = (const void *) sa;
    const struct sockaddr_in *sin = (const void *) sa;
    char ip[INET6_ADDRSTRLEN];

    if (sa->sa_family == AF_INET
        && inet_ntop(AF_INET, &sin->sin_addr, ip, sizeof ip)) {
        svec_add_nocopy(servers, xasprintf("%s:%d", ip,
                                           ntohs(sin->sin_port)));
    } else if (sa->sa_family == AF_INET6
               && inet_ntop(AF_INET6, &sin6->sin6_addr, ip, sizeof ip)) {
        svec_add_nocopy(servers, xasprintf("[%s]:%d", ip,
                                           ntohs(sin6->sin6_port)));
    }
}

/* evdns reads the file, and is asked what it found. */
static void
read_resolv_conf(struct sg_thread *thread, struct svec *servers)
{
    struct evdns_base *dns = evdns_base_new(thread->base, 0);

    evdns_base_resolv_conf_parse(dns, DNS_OPTION_NAMESERVERS, RESOLV_CONF);
    for (int i = 0; i < evdns_base_count_nameservers(dns); i++) {
        struct sockaddr_storage ss;

        if (evdns_base_get_nameserver_addr(dns, i, (struct sockaddr *) &ss,
                                           sizeof ss) > 0) {
            add_server((struct sockaddr *) &ss, servers);
        }
    }
    evdns_base_free(dns, 0);
}

static void
find_servers(struct sg_thread *thread, const struct sg_addresses *q,
             struct svec *servers)
{
    svec_init(servers);
    for (size_t i = 0; i < q->n_nameservers; i++) {
        svec_add(servers, q->nameservers[i]);
    }
    if (!q->n_nameservers) {
        read_resolv_conf(thread, servers);
    }
}

/* Answers. */

static void
discard_dns(void *dns)
{
    evdns_base_free(dns, 1);
}

static void
round_destroy(struct dns_round *round)
{
    svec_destroy(&round->servers);
    free(round->prefixes);
    free(round);
}

static const char *
dns_error(int error)
{
    switch (error) {
    case DNS_ERR_NOTEXIST:
        return "there is no such name";
    case DNS_ERR_NODATA:
        return "the name has no addresses";
    case DNS_ERR_TIMEOUT:
        return "no name server gave an answer in time";
    case DNS_ERR_REFUSED:
        return "the name server refuses to answer";
    case DNS_ERR_TRUNCATED:
        return "the answer is too long, or is none";
    default:
        return evdns_err_to_string(error);
    }
}

/* An error that is an answer: there are no records of this family. */
static bool
says_none(int error)
{
    return error == DNS_ERR_NODATA || error == DNS_ERR_NOTEXIST;
}

static char *
round_error(const struct dns_round *round)
{
    const char *name = round->asker->question->targets[0];
    int error = round->errors[0] ? round->errors[0] : round->errors[1];

    if (!round->servers.n) {
        return xasprintf("%s: "RESOLV_CONF" names no name server", name);
    }
    if (round->good == SG_IP_ANY) {
        return round->n ? NULL : xasprintf("%s: %s", name, dns_error(error));
    }
    return xasprintf("%s: %s%s", name, dns_error(error),
                     round->good == SG_IPV4 ? " (for IPv6)"
                     : round->good == SG_IPV6 ? " (for IPv4)" : "");
}

static void
finish(struct dns_round *round)
{
    struct sg_asker *asker = round->asker;
    const struct sg_addresses *q = asker->question;
    char *error = round_error(round);
    uint8_t families = round->good == SG_IP_ANY && error ? 0 : round->good;
    struct sg_prefix *prefixes = round->prefixes;
    size_t n = round->n;
    int ttl = MIN(MAX(round->ttl, q->min_ttl), q->max_ttl);

    /* "None" for one family means little while the other is not known. */
    if (!n && families != SG_IP_ANY) {
        families = 0;
    }
    n = n ? sg_prefixes_sort_unique(prefixes, n) : 0;
    round->prefixes = NULL;
    round_destroy(round);
    sg_asker_answer(asker, families, prefixes, n, error, ttl);
}

static void
take_addresses(struct dns_round *round, uint8_t family, int count,
               const void *addresses)
{
    round->prefixes = xrealloc(round->prefixes,
                               (round->n + count) * sizeof *round->prefixes);
    for (int i = 0; i < count; i++) {
        struct sg_prefix *p = &round->prefixes[round->n++];

        if (family == SG_IPV4) {
            ovs_be32 ip;

            memcpy(&ip, (const char *) addresses + i * 4, sizeof ip);
            sg_prefix_from_ipv4(ip, 32, p);
        } else {
            struct in6_addr ip6;

            memcpy(&ip6, (const char *) addresses + i * 16, sizeof ip6);
            sg_prefix_from_ipv6(&ip6, 128, p);
        }
    }
}

static void
take_answer(struct dns_round *round, uint8_t family, int error, int count,
            int ttl, const void *addresses)
{
    int *last = &round->errors[family == SG_IPV6];

    round->asked &= ~family;
    *last = error;
    if (!error || says_none(error)) {
        round->good |= family;
    }
    /* "None" may not say how long (RFC 2308: an answer without SOA): then it
     * is as long as there are addresses of the other family. */
    if (!error || (says_none(error) && ttl > 0)) {
        round->ttl = MIN(round->ttl, ttl);
    }
    if (!error && count > 0) {
        take_addresses(round, family, count, addresses);
    }
    if (round->asked) {
        return;
    }

    /* We are in a callback of it. */
    if (round->dns) {
        sg_thread_discard(round->thread, discard_dns, round->dns);
        round->dns = NULL;
    }
    round->attempt++;
    if (!round->asker) {
        round_destroy(round);
    } else if (round->good == SG_IP_ANY
               || round->attempt >= round->attempts) {
        finish(round);
    } else {
        ask_server(round);
    }
}

static void
on_ipv4(int error, char type OVS_UNUSED, int count, int ttl, void *addresses,
        void *round)
{
    take_answer(round, SG_IPV4, error, count, ttl, addresses);
}

static void
on_ipv6(int error, char type OVS_UNUSED, int count, int ttl, void *addresses,
        void *round)
{
    take_answer(round, SG_IPV6, error, count, ttl, addresses);
}

/* Asking. */

static void
set_options(struct evdns_base *dns, double seconds)
{
    char *timeout = xasprintf("%.3f", seconds);

    evdns_base_set_option(dns, "timeout:", timeout);
    evdns_base_set_option(dns, "attempts:", "1");
    evdns_base_set_option(dns, "max-timeouts:", "1");
    free(timeout);
}

/* Asks the next server for the families that are not known yet. */
static void
ask_server(struct dns_round *round)
{
    const struct sg_addresses *q = round->asker->question;
    const char *server = round->servers.names[round->attempt
                                              % round->servers.n];
    uint8_t want = SG_IP_ANY & ~round->good;
    uint8_t failed = 0;

    round->dns = evdns_base_new(round->thread->base, 0);
    set_options(round->dns, (double) q->timeout / round->attempts);
    bool ok = !evdns_base_nameserver_ip_add(round->dns, server);
    /* No callback comes before we are back in the event loop. */
    round->asked = want;
    if (want & SG_IPV4
        && !(ok && evdns_base_resolve_ipv4(round->dns, q->targets[0],
                                           DNS_QUERY_NO_SEARCH, on_ipv4,
                                           round))) {
        failed |= SG_IPV4;
    }
    if (want & SG_IPV6
        && !(ok && evdns_base_resolve_ipv6(round->dns, q->targets[0],
                                           DNS_QUERY_NO_SEARCH, on_ipv6,
                                           round))) {
        failed |= SG_IPV6;
    }
    /* The last of these may be the end of the round. */
    for (uint8_t family = SG_IPV4; family <= SG_IPV6; family <<= 1) {
        if (failed & family) {
            take_answer(round, family, DNS_ERR_UNKNOWN, 0, 0, NULL);
        }
    }
}

static void
dns_ask(struct sg_asker *asker)
{
    struct dns_round *round = xzalloc(sizeof *round);

    round->asker = asker;
    round->thread = asker->thread;
    round->ttl = INT_MAX;
    find_servers(asker->thread, asker->question, &round->servers);
    round->attempts = MIN(MAX(round->servers.n, MIN_ATTEMPTS), MAX_ATTEMPTS);
    if (!round->servers.n) {
        finish(round);
        return;
    }
    asker->round = round;
    ask_server(round);
}

/* The callbacks are called nevertheless, and free the round. */
static void
dns_cancel(struct sg_asker *asker)
{
    struct dns_round *round = asker->round;

    asker->round = NULL;
    round->asker = NULL;
    if (round->dns) {
        struct evdns_base *dns = round->dns;

        round->dns = NULL;
        evdns_base_free(dns, 1);
    }
}

const struct sg_source_class sg_dns_source = { dns_ask, dns_cancel, NULL };
