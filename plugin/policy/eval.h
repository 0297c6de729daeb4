/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_EVAL_H
#define SG_POLICY_EVAL_H 1

/* Asking the policy, without any switch
 * =====================================
 *
 * sg_eval() is the meaning of the rules, said directly: it walks them and
 * compares.  `trace' and `ovs-sgctl test' use it; so does the clean-up of
 * revoked connections.  It shares no code with the compiler, which makes it
 * worth comparing with. */

#include "policy/policy.h"
#include "policy/port.h"

struct ds;
struct json;

struct sg_flowspec {            /* A new connection, seen from a port. */
    struct sg_prefix remote;    /* A single address. */
    int proto;                  /* 0...255. */
    int port;                   /* Destination port; ICMP type; -1 unknown:
                                 * matches only rules for all ports. */
    int code;                   /* ICMP code; -1 unknown. */
};

/* Is 'address' (or all of it, for a prefix) a member of 'group' in 'network',
 * as a guarded port's address or by a `members' statement? */
bool sg_is_member(const struct sg_policy *, const struct sg_ports *,
                  const char *group, const char *network,
                  const struct sg_prefix *address);

/* Does 'peer' contain 'address', seen from 'network'? */
bool sg_peer_contains(const struct sg_policy *, const struct sg_ports *,
                      const struct sg_peer *, const char *network,
                      const struct sg_prefix *address);

/* The first rule (of the port's groups in the order of their names, then as
 * written) that lets the connection through, or NULL.  An explicitly named
 * DHCP server or router advertisement (enum sg_named) counts as CONTRACT
 * section 4, point 2 says. */
const struct sg_rule *sg_eval(const struct sg_policy *,
                              const struct sg_ports *,
                              const struct sg_port *,
                              const struct sg_endpoint *,
                              enum sg_direction, const struct sg_flowspec *);

/* The same of a packet of which not everything is known, as of those behind a
 * wide flow of the datapath. */
enum sg_chance {
    SG_NEVER,                   /* No rule lets it through, whatever it is. */
    SG_PERHAPS,                 /* That depends on what is not known. */
    SG_ALWAYS                   /* One does, whatever it is. */
};

/* Of a connection with somebody whose address is not known: of 'flow->remote'
 * only the family counts.  With SG_ALWAYS, '*rule' is what allows it. */
enum sg_chance sg_eval_anybody(const struct sg_policy *,
                               const struct sg_port *,
                               const struct sg_endpoint *,
                               enum sg_direction, const struct sg_flowspec *,
                               const struct sg_rule **rule);

struct sg_partspec {
    uint8_t family;             /* SG_IPV4 or SG_IPV6. */
    const struct sg_prefix *remote;     /* A single address; NULL: unknown. */
    int proto, port, code;      /* As in struct sg_flowspec; -1: unknown. */
};

/* With everything known it is what sg_eval() says, never SG_PERHAPS.  '*rule',
 * if not NULL, is what allows it. */
enum sg_chance sg_eval_chance(const struct sg_policy *,
                              const struct sg_ports *,
                              const struct sg_port *,
                              const struct sg_endpoint *,
                              enum sg_direction, const struct sg_partspec *,
                              const struct sg_rule **rule);

/* One side of a trace.  'port' NULL: that side is not guarded here. */
struct sg_trace_side {
    const struct sg_port *port;
    const struct sg_endpoint *endpoint;
    const struct sg_port *trusted;  /* Named instead of an address: 'address'
                                     * is any of its family.  Or NULL. */
    struct sg_prefix address;
    const struct sg_rule *rule; /* What allows it; NULL: nothing. */
};

struct sg_trace {
    struct sg_trace_side from, to;      /* Egress of from, ingress of to. */
    int proto, type_or_port, code;      /* As in struct sg_flowspec. */
    bool allowed;
};

/* Answers `trace FROM TO PROTO [PORT]', the words as the operator typed them
 * ('port' NULL if absent).  Returns NULL, or a sentence that says why it
 * cannot be answered (an unknown interface, an address known in two networks,
 * ...), which the caller frees.  '*trace' points into 'policy' and 'ports'.
 *
 * FROM and TO are interface names or addresses.  An address that no guarded
 * port has is somebody outside.  An interface that is not guarded stands for
 * everybody outside, so it is answered only if that depends on no address.  A
 * guarded one speaks with its first address of the family that fits the other
 * side, IPv4 if both do.  A port in error is closed: no rule allows anything
 * there.  'port' is the ICMP type (a number, TYPE/CODE or a name) for icmp and
 * icmp6. */
char *sg_trace(const struct sg_policy *, const struct sg_ports *,
               const char *from, const char *to, const char *proto,
               const char *port, struct sg_trace *)
    __attribute__((warn_unused_result));

/* The same question, asked family by family: in which families, SG_IPV4 and
 * SG_IPV6, can FROM and TO speak PROTO at all; and the answer for the first of
 * 'families' in which they can.  An interface that is not guarded has none. */
char *sg_trace_families(const struct sg_ports *, const char *from,
                        const char *to, const char *proto, uint8_t *families)
    __attribute__((warn_unused_result));
char *sg_trace_family(const struct sg_policy *, const struct sg_ports *,
                      const char *from, const char *to, const char *proto,
                      const char *port, uint8_t families, struct sg_trace *)
    __attribute__((warn_unused_result));

/* The answer as CONTRACT section 1 gives it in JSON, and in words. */
struct json *sg_trace_to_json(const struct sg_trace *);
void sg_trace_format(const struct sg_trace *, struct ds *);

/* A sentence if packets are treated otherwise than the rules say: they need
 * none, or are no connection.  NULL: they are not. */
const char *sg_trace_exception(const struct sg_trace *);

#endif /* policy/eval.h */
