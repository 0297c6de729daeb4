/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Admission of one interface: facts and policy in, a port out.  See port.h
 * for what that is, and CONTRACT section 2 for the rules. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "svec.h"
#include "util.h"

/* What may stand between the words of a value. */
#define SEPARATORS " ,\t\r\n"

/* Adds a sentence to what is wrong with 'port'.  Takes over 'sentence'; NULL
 * is no problem. */
static void
add_error(struct sg_port *port, char *sentence)
{
    if (sentence && port->error) {
        char *both = xasprintf("%s; %s", port->error, sentence);

        free(port->error);
        free(sentence);
        sentence = both;
    }
    if (sentence) {
        port->error = sentence;
    }
}

void
sg_split_words(const char *s, struct svec *words)
{
    while (s && *s) {
        size_t n = strcspn(s, SEPARATORS);

        if (n) {
            svec_add_nocopy(words, xmemdup0(s, n));
        }
        s += n + strspn(s + n, SEPARATORS);
    }
}

/* Is it guarded, and by which groups? */

static bool
has_id(const struct sg_iface *iface, const char *key)
{
    return smap_get(&iface->external_ids, key) != NULL;
}

/* The host's own way into the bridge, or a way to another bridge.  To close
 * one would cut off the host, or all that is behind it, so these stay
 * trusted whatever a key or a pattern says. */
static bool
is_plumbing(const struct sg_iface *iface)
{
    return (iface->ofport == SG_OFPORT_LOCAL
            || !strcmp(iface->name, iface->bridge->name)
            || !strcmp(iface->type, "patch"));
}

/* Asks the source's function.  A function that fails closes this port: it may
 * have been about to say that the port is guarded. */
static bool
function_bind_matches(const struct sg_bind *bind,
                      const struct sg_binder *binder,
                      const struct sg_iface *iface, struct sg_port *port,
                      struct svec *groups)
{
    enum sg_bind_answer answer = SG_BIND_NO;
    char *error;

    if (!binder || !binder->call) {
        return false;
    }
    error = binder->call(binder->aux, bind->function, iface, &answer,
                         groups);
    if (error) {
        add_error(port, error);
        return true;
    }
    port->pending |= answer == SG_BIND_PENDING;
    return answer != SG_BIND_NO;
}

/* Collects the groups of all bindings that match.  False if none does. */
static bool
apply_binds(const struct sg_policy *policy, const struct sg_binder *binder,
            const struct sg_iface *iface, struct sg_port *port,
            struct svec *groups)
{
    bool any = false;

    for (size_t i = 0; i < policy->n_binds; i++) {
        const struct sg_bind *bind = &policy->binds[i];

        if (bind->function >= 0) {
            any |= function_bind_matches(bind, binder, iface, port, groups);
        } else if (sg_bind_matches(bind, iface)) {
            any = true;
            for (size_t j = 0; j < bind->n_groups; j++) {
                svec_add(groups, bind->groups[j]);
            }
        }
    }
    return any;
}

/* Decides whether 'iface' is guarded; adds the names of its groups.  An
 * interface that carries `sg-groups', empty or not, has said what it wants:
 * no bindings. */
static bool
decide(const struct sg_policy *policy, const struct sg_binder *binder,
       const struct sg_iface *iface, struct sg_port *port,
       struct svec *groups)
{
    bool explicitly;

    if (!sg_bridge_may_manage(iface->bridge, &explicitly)) {
        return false;
    }
    if (is_plumbing(iface)) {
        if (has_id(iface, "sg-groups")) {
            add_error(port, xasprintf("%s joins the bridge to the host or to "
                                      "another bridge and cannot be guarded; "
                                      "it stays trusted: remove sg-groups",
                                      iface->name));
        }
        return false;
    }
    if (has_id(iface, "sg-groups")) {
        sg_split_words(smap_get(&iface->external_ids, "sg-groups"), groups);
        return true;
    }
    return (apply_binds(policy, binder, iface, port, groups)
            || (explicitly && has_id(iface, "iface-id")));
}

/* Groups. */

/* The group that is called 'name' in some other network than 'network'. */
static const struct sg_group *
group_elsewhere(const struct sg_policy *policy, const char *name)
{
    const struct sg_group *group, *first = NULL;

    HMAP_FOR_EACH (group, node, &policy->groups) {
        if (!strcmp(group->name, name)
            && (!first || strcmp(group->key, first->key) < 0)) {
            first = group;
        }
    }
    return first;
}

static char *
unknown_group(const struct sg_policy *policy, const char *name,
              const char *network)
{
    const struct sg_group *elsewhere = group_elsewhere(policy, name);
    size_t n = 0;
    const char **names = xcalloc(hmap_count(&policy->groups) + 1,
                                 sizeof *names);
    const struct sg_group *group;
    const char *guess;
    char *error;

    HMAP_FOR_EACH (group, node, &policy->groups) {
        if (sg_group_is_in(policy, group, network)) {
            names[n++] = group->name;
        }
    }
    guess = sg_did_you_mean(name, names, n);
    error = (elsewhere
             ? xasprintf("group \"%s\" is not defined in network \"%s\" but "
                         "in \"%s\"; see external_ids:sg-network of the "
                         "interface", name, network, elsewhere->network)
             : guess
             ? xasprintf("group \"%s\" is not defined by the policy; did you "
                         "mean \"%s\"?", name, guess)
             : xasprintf("group \"%s\" is not defined by the policy", name));
    free(names);
    return error;
}

/* Checks that 'name' is a group in each network of 'port'. */
static char *
check_group(const struct sg_policy *policy, const struct sg_port *port,
            const char *name)
{
    char *error = sg_check_name("group", name);

    for (size_t i = 0; i < port->n_endpoints && !error; i++) {
        const char *network = port->endpoints[i].network;

        if (!sg_policy_group(policy, name, network)) {
            error = (policy->none
                     ? xasprintf("group \"%s\" is not known, because no "
                                 "policy is loaded; run `ovs-sgctl reload' "
                                 "to see why", name)
                     : unknown_group(policy, name, network));
        }
    }
    return error;
}

/* Needs the endpoints. */
static void
admit_groups(const struct sg_policy *policy, struct svec *groups,
             struct sg_port *port)
{
    if (svec_is_empty(groups)) {
        svec_add(groups, "default");
    }
    svec_sort_unique(groups);
    port->groups = xcalloc(groups->n, sizeof *port->groups);
    for (size_t i = 0; i < groups->n; i++) {
        const char *name = groups->names[i];

        add_error(port, check_group(policy, port, name));
        port->groups[port->n_groups++] = xstrdup(name);
    }
}

/* MACs and addresses. */

static char *
parse_mac(const char *word, struct eth_addr *mac)
{
    if (!eth_addr_from_string(word, mac)) {
        return xasprintf("attached-mac: \"%s\" is no MAC; write for example "
                         "00:16:3e:00:00:01", word);
    }
    if (eth_addr_is_zero(*mac) || eth_addr_is_multicast(*mac)) {
        return xasprintf("attached-mac: %s is no MAC that a guest can have "
                         "(it is zero, broadcast or multicast)", word);
    }
    return NULL;
}

static bool
has_mac(const struct sg_port *port, struct eth_addr mac)
{
    for (size_t i = 0; i < port->n_macs; i++) {
        if (eth_addr_equals(port->macs[i], mac)) {
            return true;
        }
    }
    return false;
}

static void
admit_macs(const struct sg_iface *iface, struct sg_port *port)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;

    sg_split_words(smap_get(&iface->external_ids, "attached-mac"), &words);
    port->macs = xcalloc(MAX(words.n, 1), sizeof *port->macs);
    for (size_t i = 0; i < words.n; i++) {
        struct eth_addr mac;
        char *error = parse_mac(words.names[i], &mac);

        add_error(port, error);
        if (!error && !has_mac(port, mac)) {
            port->macs[port->n_macs++] = mac;
        }
    }
    svec_destroy(&words);
}

/* Addresses that are nobody's: a guest that had one could answer for others,
 * or for everyone. */
static bool
is_nobodys(const struct sg_prefix *p)
{
    if (sg_prefix_is_ipv4(p)) {
        ovs_be32 ip = sg_prefix_ipv4(p);

        return (ip_is_multicast(ip) || ip == htonl(INADDR_BROADCAST)
                || (!ip && sg_prefix_is_host(p)));
    }
    return (IN6_IS_ADDR_MULTICAST(&p->addr)
            || (IN6_IS_ADDR_UNSPECIFIED(&p->addr) && sg_prefix_is_host(p)));
}

static void
admit_addresses(const struct sg_iface *iface, struct sg_port *port)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;

    sg_split_words(smap_get(&iface->external_ids, "sg-addresses"), &words);
    port->addresses = xcalloc(MAX(words.n, 1), sizeof *port->addresses);
    for (size_t i = 0; i < words.n; i++) {
        struct sg_prefix *p = &port->addresses[port->n_addresses];
        char *error = sg_prefix_parse(words.names[i], p);

        if (error) {
            add_error(port, xasprintf("sg-addresses: %s", error));
            free(error);
        } else if (is_nobodys(p)) {
            add_error(port, xasprintf("sg-addresses: %s is no address that a "
                                      "guest can have (it is unspecified, "
                                      "broadcast or multicast)",
                                      words.names[i]));
        } else {
            port->n_addresses++;
        }
    }
    port->n_addresses = sg_prefixes_sort_unique(port->addresses,
                                                port->n_addresses);
    svec_destroy(&words);
}

static void
admit_port_security(const struct sg_iface *iface, struct sg_port *port)
{
    const char *s = smap_get_def(&iface->external_ids, "sg-port-security",
                                 "true");

    port->port_security = strcmp(s, "false");
    if (port->port_security && strcmp(s, "true")) {
        add_error(port, xasprintf("sg-port-security is \"%s\"; it must be "
                                  "true or false", s));
    }
}

/* The key has no way to say "no limit": 0 would be a guest without any
 * connection. */
static void
admit_conntrack_limit(const struct sg_iface *iface, struct sg_port *port)
{
    const char *s = smap_get(&iface->external_ids, "sg-conntrack-limit");

    if (s && (!str_to_uint(s, 10, &port->conntrack_limit)
              || !port->conntrack_limit)) {
        port->conntrack_limit = 0;
        add_error(port, xasprintf("sg-conntrack-limit is \"%s\"; it must be "
                                  "a number of connections, 1 or more", s));
    }
}

/* Endpoints. */

/* Checks `sg-network'.  Returns NULL if the interface does not give a (good)
 * one. */
static const char *
admit_network(const struct sg_iface *iface, struct sg_port *port)
{
    const char *network = smap_get(&iface->external_ids, "sg-network");
    char *error = network ? sg_check_name("network", network) : NULL;

    if (error) {
        add_error(port, xasprintf("sg-network: %s", error));
        free(error);
        return NULL;
    }
    return network;
}

static void
add_endpoint(const struct sg_iface *iface, const char *network, int vlan,
             bool tagged, bool native, struct sg_port *port)
{
    struct sg_endpoint *e;

    for (size_t i = 0; i < port->n_endpoints; i++) {
        if (port->endpoints[i].vlan == vlan) {
            return;             /* The native VLAN is among the trunks. */
        }
    }
    port->endpoints = xrealloc(port->endpoints, (port->n_endpoints + 1)
                                                * sizeof *port->endpoints);
    e = &port->endpoints[port->n_endpoints++];
    e->vlan = vlan;
    e->tagged = tagged;
    e->native = native;
    e->network = (network ? xstrdup(network)
                  : vlan ? xasprintf("%s.%d", iface->bridge->name, vlan)
                  : xstrdup(iface->bridge->name));
}

/* A port that carries tags.  An empty `trunks' means all VLANs to the switch,
 * 4,096 endpoints to us: the operator has to say which. */
static void
admit_trunk(const struct sg_iface *iface, const char *network, bool native,
            struct sg_port *port)
{
    int tag = MAX(iface->tag, 0);

    if (!iface->n_trunks) {
        add_error(port, xasprintf("a guarded trunk must say its VLANs; run: "
                                  "ovs-vsctl set port %s trunks=VLAN,...",
                                  iface->port_name));
        return;
    }
    if (native) {
        bool tagged = tag && !strcmp(iface->vlan_mode, "native-tagged");

        add_endpoint(iface, network, tag, tagged, tagged, port);
    }
    for (size_t i = 0; i < iface->n_trunks; i++) {
        int vlan = iface->trunks[i];

        /* With a native VLAN, untagged frames are never VLAN 0. */
        if (vlan || !native || !tag) {
            add_endpoint(iface, network, vlan, vlan != 0, false, port);
        }
    }
}

/* The same reading of tag, trunks and vlan_mode as in the switch's
 * port_configure(); but a plain port (no tag, no trunks, no mode), which is a
 * trunk of everything there, gets no tagged frames here. */
static void
admit_endpoints(const struct sg_iface *iface, struct sg_port *port)
{
    const char *network = admit_network(iface, port);
    const char *mode = iface->vlan_mode;

    if (!mode[0] && iface->tag < 0 && iface->n_trunks) {
        mode = "trunk";
    }
    if (!mode[0] || !strcmp(mode, "access")) {
        add_endpoint(iface, network, MAX(iface->tag, 0), false, false, port);
    } else if (!strcmp(mode, "trunk")) {
        admit_trunk(iface, network, false, port);
    } else if (!strcmp(mode, "native-tagged")
               || !strcmp(mode, "native-untagged")) {
        admit_trunk(iface, network, true, port);
    } else {
        add_error(port, xasprintf("vlan_mode=%s cannot be guarded; use an "
                                  "access port or a trunk", mode));
    }
}

static void
admit_guarded(const struct sg_policy *policy, const struct sg_iface *iface,
              struct svec *groups, struct sg_port *port)
{
    add_error(port, sg_bridge_check(iface->bridge));
    if (iface->bonded) {
        add_error(port, xasprintf("%s is one of several interfaces of the "
                                  "bond %s, which cannot be guarded",
                                  iface->name, iface->port_name));
    }
    admit_port_security(iface, port);
    admit_conntrack_limit(iface, port);
    admit_macs(iface, port);
    admit_addresses(iface, port);
    admit_endpoints(iface, port);
    admit_groups(policy, groups, port);
    /* Without port security, what it sends proves nothing. */
    port->learns_mac = port->port_security && !port->n_macs;
    port->learns_addresses = port->port_security && !port->n_addresses;
    port->listens_mac = port->learns_mac;
    port->listens_addresses = port->learns_addresses;
}

static struct sg_port *
port_create(const struct sg_iface *iface)
{
    struct sg_port *port = xzalloc(sizeof *port);

    port->uuid = iface->uuid;
    port->name = xstrdup(iface->name);
    port->bridge = xstrdup(iface->bridge->name);
    port->ofport = iface->ofport;
    port->tag = iface->tag;
    port->vlan_mode = xstrdup(iface->vlan_mode);
    if (iface->n_trunks) {
        port->trunks = xmemdup(iface->trunks,
                               iface->n_trunks * sizeof *iface->trunks);
        port->n_trunks = iface->n_trunks;
    }
    port->port_security = true;
    return port;
}

struct sg_port *
sg_port_admit(const struct sg_policy *policy, const struct sg_binder *binder,
              const struct sg_iface *iface)
{
    struct svec groups = SVEC_EMPTY_INITIALIZER;
    struct sg_port *port = port_create(iface);

    port->guarded = decide(policy, binder, iface, port, &groups);
    if (port->pending) {
        free(port->error);
        port->error = xstrdup("a function of the policy has not said yet "
                              "which groups it is in");
    } else if (port->guarded) {
        admit_guarded(policy, iface, &groups, port);
    }
    svec_destroy(&groups);
    return port;
}

void
sg_port_destroy(struct sg_port *port)
{
    if (!port) {
        return;
    }
    for (size_t i = 0; i < port->n_groups; i++) {
        free(port->groups[i]);
    }
    for (size_t i = 0; i < port->n_endpoints; i++) {
        free(port->endpoints[i].network);
    }
    free(port->groups);
    free(port->endpoints);
    free(port->macs);
    free(port->addresses);
    free(port->addresses_learned);
    free(port->name);
    free(port->bridge);
    free(port->vlan_mode);
    free(port->trunks);
    free(port->error);
    free(port);
}
