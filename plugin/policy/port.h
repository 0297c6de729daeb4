/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_PORT_H
#define SG_POLICY_PORT_H 1

/* Ports: facts from the switch's database, and what the policy makes of them
 * ==========================================================================
 *
 * *Facts* (struct sg_bridge, struct sg_iface) are what the Open_vSwitch
 * database says, untouched.  plugin/ports/ reads them from OVSDB;
 * `ovs-sgctl compile --ports=FILE' reads them from a file.
 *
 * *Admission* turns one interface's facts and a policy into a `struct
 * sg_port': guarded or trusted, its groups, addresses and networks, or a
 * sentence that says why it cannot be guarded (then it is closed, and no
 * other port is touched).  It is pure, and for one port at a time.
 *
 * A guarded port has one *endpoint* per VLAN it carries (an access port has
 * one): the unit of conntrack zone, network and profile.
 *
 * A port that declares no addresses, or no MAC, comes out of admission with
 * n_addresses or n_macs of zero; plugin/learn/ fills in what was learned. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "openvswitch/types.h"
#include "openvswitch/uuid.h"
#include "policy/prefix.h"
#include "simap.h"
#include "smap.h"

struct json;
struct sg_bind;
struct sg_policy;
struct sg_sets;
struct sset;
struct svec;

/* Facts. */

/* Who else has its flows on a bridge. */
enum sg_manager {
    SG_MANAGER_NONE,
    SG_MANAGER_OVN,             /* ovn-controller. */
    SG_MANAGER_NEUTRON          /* neutron-openvswitch-agent. */
};

struct sg_bridge {
    char *name;
    char *datapath_type;        /* "system", "netdev", ...; never "". */
    char *fail_mode;            /* "" if unset. */
    char **protocols;           /* Bridge.protocols; none: the defaults. */
    size_t n_protocols;
    struct smap external_ids;
    enum sg_manager manager;    /* Hands off, unless nobody's. */
    struct uuid uuid;           /* Of the Bridge row. */
};

#define SG_OFPORT_NONE -1
#define SG_OFPORT_LOCAL 65534

struct sg_iface {
    struct hmap_node node;      /* In sg_facts.ifaces, by name. */
    struct uuid uuid;           /* Of the Interface row: the identity. */
    char *name;
    char *port_name;            /* Of the Port row it belongs to. */
    struct sg_bridge *bridge;
    char *type;                 /* "", "internal", "dummy", "patch", ... */
    int64_t ofport;             /* SG_OFPORT_NONE until the switch gives it
                                 * one; 65534 for the local port. */
    struct smap external_ids;
    struct eth_addr mac_in_use;
    /* Of the Port row. */
    int tag;                    /* Access or native VLAN; -1 if unset. */
    char *vlan_mode;            /* "" if unset. */
    uint16_t *trunks;           /* Sorted. */
    size_t n_trunks;
    bool bonded;                /* Its Port row holds other interfaces too. */
};

/* Everything the database says that we care for: a snapshot. */
struct sg_facts {
    struct shash bridges;       /* name -> struct sg_bridge *. */
    struct hmap ifaces;         /* struct sg_iface. */
};

void sg_facts_init(struct sg_facts *);
void sg_facts_destroy(struct sg_facts *);
struct sg_bridge *sg_facts_add_bridge(struct sg_facts *, const char *name);
struct sg_iface *sg_facts_add_iface(struct sg_facts *, const char *name,
                                    struct sg_bridge *);
struct sg_iface *sg_facts_find_iface(const struct sg_facts *,
                                     const char *name);     /* Or NULL. */
/* Remove and free.  A bridge goes after its interfaces. */
void sg_facts_remove_iface(struct sg_facts *, struct sg_iface *);
void sg_facts_remove_bridge(struct sg_facts *, struct sg_bridge *);
/* Sets 'bonded' of all interfaces, by their bridge and 'port_name'. */
void sg_facts_mark_bonds(struct sg_facts *);

/* Reads facts from JSON, for `ovs-sgctl compile --ports' and the tests:
 *
 *   { "bridges": { "br0": { "fail_mode": "secure",
 *                           "datapath_type": "system",
 *                           "protocols": ["OpenFlow10", ...],
 *                           "ovn": false, "neutron": false,
 *                           "uuid": "...",
 *                           "external_ids": {...} } },          (optional)
 *     "ports": [ { "name": "tap1", "bridge": "br0", "ofport": 1, "tag": 10,
 *                  "vlan_mode": "access", "trunks": [10], "type": "",
 *                  "port": "bond0", "mac_in_use": "...", "uuid": "...",
 *                  "external_ids": { "sg-groups": "web", ... } } ] }
 *
 * Only "name" is needed.  Bridges are fail_mode=secure unless said otherwise,
 * ports are on br0; absent ofports and UUIDs are numbered in order.
 * Returns NULL, or a sentence that the caller frees. */
char *sg_facts_from_json(const struct json *, struct sg_facts *)
    __attribute__((warn_unused_result));

/* Admission. */

struct sg_endpoint {
    uint16_t vlan;              /* 0: untagged, no VLAN. */
    bool tagged;                /* The guest itself sends the tag, and is
                                 * sent it. */
    bool native;                /* 'tagged', and yet frames that the guest
                                 * sends untagged belong here as well
                                 * (vlan_mode=native-tagged). */
    char *network;              /* sg-network, or "BRIDGE" or "BRIDGE.TAG". */
};

/* What told us a MAC or an address that its port does not declare. */
enum sg_learn_source {
    SG_LEARN_NONE,              /* It was declared. */
    SG_LEARN_FRAME,             /* The first frame: a MAC. */
    SG_LEARN_ARP,
    SG_LEARN_ND,
    SG_LEARN_DHCP
};

struct sg_learned {
    enum sg_learn_source source;
    uint32_t since;             /* Seconds since 1970. */
    uint32_t until;             /* End of the lease; 0: as long as used. */
};

struct sg_port {
    struct hmap_node node;      /* In sg_ports.ports, by name. */
    /* Copies of what matters downstream, so that a port outlives facts. */
    struct uuid uuid;
    char *name;
    char *bridge;
    int64_t ofport;             /* SG_OFPORT_NONE: not there yet. */
    int tag;                    /* VLAN facts, for trusted ports too. */
    char *vlan_mode;
    uint16_t *trunks;
    size_t n_trunks;

    bool guarded;
    bool pending;               /* A function of the policy has not answered
                                 * yet: guarded, and closed; 'error' says
                                 * so. */
    char *error;                /* Guarded, but cannot be: why and what to
                                 * do.  NULL if all is well.  (Also set, with
                                 * 'guarded' false, on a local or patch port
                                 * that carries `sg-groups': to close one
                                 * would cut off the host, so it stays
                                 * trusted and says so.) */
    bool conflict;              /* 'error' is that another port has its MAC:
                                 * it goes when that one does. */
    bool port_security;
    uint32_t conntrack_limit;   /* sg-conntrack-limit; 0: not given. */
    char **groups;              /* Sorted, unique; guarded: at least one. */
    size_t n_groups;
    struct eth_addr *macs;
    size_t n_macs;
    struct sg_prefix *addresses;    /* Sorted, unique. */
    size_t n_addresses;
    bool learns_mac;            /* It declares none, and has port security. */
    bool learns_addresses;
    bool listens_mac;           /* Its frames are to be shown to the agent */
    bool listens_addresses;     /* for it. */
    struct sg_learned mac_learned;          /* Of macs[0], if learned. */
    struct sg_learned *addresses_learned;   /* Of each, or NULL. */
    struct sg_endpoint *endpoints;  /* Guarded: at least one, unless error. */
    size_t n_endpoints;
};

/* Is one of the port's groups called so? */
bool sg_port_has_group(const struct sg_port *, const char *group);
bool sg_port_has_any_group(const struct sg_port *, const struct sset *groups);
/* The addresses that are the guest's own, one by one: those that it declared,
 * then the link-local ones that it gives itself (RFC 4291 section 2.5.6), one
 * per MAC.  Returns false if there is no number 'i'. */
bool sg_port_address(const struct sg_port *, size_t i, struct sg_prefix *);
/* Is all of 'prefix' the guest's own? */
bool sg_port_owns(const struct sg_port *, const struct sg_prefix *prefix);

/* Who is who now.  Together with a policy it answers every question. */
struct sg_ports {
    struct hmap ports;          /* struct sg_port, by name. */
    struct hmap claims;         /* struct mac_claim (ports.c). */
    struct simap n_guarded;     /* Bridge -> number of guarded ports. */
    const struct sg_sets *sets; /* Values of the `addresses' sets; somebody
                                 * else's.  NULL: all are empty. */
};

/* How a policy source answers a `bind(function(port) ... end)': stores the
 * answer and, with SG_BIND_YES, fills 'groups', and returns NULL; or returns
 * a sentence (with the place in the script) that the caller frees. */
enum sg_bind_answer {
    SG_BIND_NO,                 /* The function returned nil: not mine. */
    SG_BIND_YES,
    SG_BIND_PENDING             /* There is no answer yet. */
};
typedef char *sg_bind_function(void *aux, int function,
                               const struct sg_iface *,
                               enum sg_bind_answer *, struct svec *groups);

struct sg_binder {
    sg_bind_function *call;     /* NULL: functions match nothing. */
    void *aux;
};

/* Does a bind by patterns say anything about this interface? (bind.c) */
bool sg_bind_matches(const struct sg_bind *, const struct sg_iface *);
/* Splits the value of one of our keys, which may be NULL, into words. */
void sg_split_words(const char *, struct svec *words);

void sg_ports_init(struct sg_ports *);
void sg_ports_destroy(struct sg_ports *);
/* NULL if there is none. */
struct sg_port *sg_ports_find(const struct sg_ports *, const char *name);

/* Judges one interface.  Never fails: a bad value makes a port that is
 * guarded and has an error.  The port, which keeps nothing of the others, is
 * the caller's. */
struct sg_port *sg_port_admit(const struct sg_policy *,
                              const struct sg_binder *,
                              const struct sg_iface *);
void sg_port_destroy(struct sg_port *);
/* A copy that is in no sg_ports; and whether two ports say the same. */
struct sg_port *sg_port_clone(const struct sg_port *);
bool sg_port_equal(const struct sg_port *, const struct sg_port *);
/* Are these the same names, in the same order? */
bool sg_names_equal(char *const *a, size_t n_a, char *const *b, size_t n_b);

/* All ports together.
 *
 * What only shows between ports: two guarded ones must not have one MAC in one
 * VLAN of a bridge.  One that the switch has keeps it, then the one whose row
 * UUID is lower; the other is in error.  (Addresses may be shared, as virtual
 * ones are.)  An admission judges again those that claim a MAC together, and
 * no others; in whichever order ports come and change, the end is the same. */

/* Admits the interface 'name' of 'facts', or lets its port go if there is none
 * any more.  The names of all ports that may say something else by that go to
 * 'changed', unless that is NULL. */
void sg_ports_admit(struct sg_ports *, const struct sg_policy *,
                    const struct sg_binder *, const struct sg_facts *,
                    const char *name, struct sset *changed);
/* Admits everything in 'facts'.  'ports' is emptied first. */
void sg_ports_admit_all(struct sg_ports *, const struct sg_policy *,
                        const struct sg_binder *, const struct sg_facts *);
/* Takes 'port', which is one of them, for guarded, whatever was said. */
void sg_ports_guard(struct sg_ports *, struct sg_port *port);

/* Is anything of ours wanted on 'bridge'?  True unless somebody else's or
 * sg-enable=false; '*explicitly' is true for sg-enable=true. */
bool sg_bridge_may_manage(const struct sg_bridge *, bool *explicitly);
/* What is wrong with the value of sg-enable, or NULL; the caller frees it. */
char *sg_bridge_check_enable(const struct sg_bridge *);
/* Why a bridge that is somebody else's is left alone, and what to do instead;
 * NULL for one that is nobody's.  The caller frees it. */
char *sg_bridge_refuse(const struct sg_bridge *);
/* Why an interface that is not guarded is not; the caller frees it. */
char *sg_iface_explain_trusted(const struct sg_iface *);
/* NULL if guarded ports can be enforced there, or why not and the command
 * that mends it (CONTRACT section 2); the caller frees it. */
char *sg_bridge_check(const struct sg_bridge *);
/* True if only fail_mode is in the way: then guarded ports can at least be
 * closed until the switch restarts. */
bool sg_bridge_may_close(const struct sg_bridge *);

#endif /* policy/port.h */
