/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch/switch-private.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openflow/openflow.h"
#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofp-protocol.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/rconn.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_noflood);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 10);

/* Ports and their `no-flood' flag
 * -------------------------------
 *
 * A second connection, OpenFlow 1.0, keeps a copy of the switch's ports: port
 * descriptions once, then port status messages.  Wherever that copy differs
 * from what is wanted, port mods go out with a new request for the port
 * descriptions right behind them: the switch does not report a port mod to
 * the connection that sent it, and an answer read back is a confirmation that
 * cannot lie.
 *
 * If a flag is still missing then, the port mod is repeated after RETRY. */

#define RETRY 1000              /* msec */

/* OpenFlow cuts longer names. */
#define NAME_LEN (OFP_MAX_PORT_NAME_LEN - 1)

/* A port of the switch. */
struct of_port {
    struct hmap_node node;      /* In sg_noflood.ports or .incoming. */
    struct ofputil_phy_port desc;
};

/* A port whose flag we look after. */
struct flag {
    struct hmap_node node;      /* In sg_noflood.flags, by number. */
    struct hmap_node by_name;   /* In sg_noflood.flags_by_name. */
    struct ovs_list news;       /* In sg_noflood.news, or empty. */
    ofp_port_t ofport;
    char *name;
    bool wanted;                /* Else the flag is to be cleared, and then
                                 * this is forgotten. */
    bool missing;               /* There is the port, and it has not what is
                                 * wanted.  Counted in 'n_missing'. */
    bool confirmed;             /* Wanted, and the port has it. */
    bool round;                 /* Named in the current call of 'set'. */
};

struct sg_noflood {
    char *bridge;               /* Name, for the log. */
    struct sg_link link;
    unsigned int link_seqno;    /* Connection that the rest is about. */
    bool connected;
    bool known;                 /* 'ports' is complete. */
    struct hmap ports;          /* struct of_port. */
    struct hmap incoming;       /* struct of_port, being read. */
    ovs_be32 desc_xid;          /* Request under way, or 0. */
    struct hmap flags;          /* struct flag. */
    struct hmap flags_by_name;  /* The same. */
    size_t n_missing;           /* Flags that are missing. */
    struct ovs_list news;       /* Flags whose 'confirmed' has changed. */
    bool dirty;                 /* 'ports' or 'flags' have changed. */
    bool sent;                  /* Port mods went before the request. */
    long long int retry_at;     /* Time, msec, or 0. */
    bool more;                  /* There are messages left to read. */
    bool changed;               /* The accessors' answers have changed. */
};

static uint32_t
hash_ofport(ofp_port_t ofport)
{
    return hash_int((OVS_FORCE uint32_t) ofport, 0);
}

static struct of_port *
find_port(const struct hmap *ports, ofp_port_t ofport)
{
    struct of_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node, hash_ofport(ofport), ports) {
        if (port->desc.port_no == ofport) {
            return port;
        }
    }
    return NULL;
}

static void
remove_port(struct hmap *ports, ofp_port_t ofport)
{
    struct of_port *port = find_port(ports, ofport);

    if (port) {
        hmap_remove(ports, &port->node);
        free(port);
    }
}

static void
put_port(struct hmap *ports, const struct ofputil_phy_port *desc)
{
    struct of_port *port = xmalloc(sizeof *port);

    remove_port(ports, desc->port_no);
    port->desc = *desc;
    hmap_insert(ports, &port->node, hash_ofport(desc->port_no));
}

static void
clear_ports(struct hmap *ports)
{
    struct of_port *port;

    HMAP_FOR_EACH_POP (port, node, ports) {
        free(port);
    }
}

static struct flag *
find_flag(const struct sg_noflood *nf, ofp_port_t ofport, const char *name)
{
    struct flag *flag;

    HMAP_FOR_EACH_WITH_HASH (flag, node, hash_ofport(ofport), &nf->flags) {
        if (flag->ofport == ofport && (!name || !strcmp(flag->name, name))) {
            return flag;
        }
    }
    return NULL;
}

/* The port of the switch that 'flag' is about, or NULL if there is none now,
 * also if its number belongs to another interface. */
static const struct of_port *
port_of(const struct sg_noflood *nf, const struct flag *flag)
{
    const struct of_port *port = find_port(&nf->ports, flag->ofport);

    return (port && !strncmp(port->desc.name, flag->name, NAME_LEN)
            ? port : NULL);
}

static bool
has_flag(const struct of_port *port)
{
    return port->desc.config & OFPUTIL_PC_NO_FLOOD;
}

/* Brings up to date what follows from the ports of now. */
static void
refresh_flag(struct sg_noflood *nf, struct flag *flag)
{
    const struct of_port *port = nf->known ? port_of(nf, flag) : NULL;
    bool missing = port && has_flag(port) != flag->wanted;
    bool confirmed = port && flag->wanted && !missing;

    nf->n_missing += missing - flag->missing;
    flag->missing = missing;
    if (confirmed != flag->confirmed) {
        flag->confirmed = confirmed;
        ovs_list_remove(&flag->news);
        ovs_list_push_back(&nf->news, &flag->news);
    }
}

static void
refresh_flags(struct sg_noflood *nf)
{
    struct flag *flag;

    HMAP_FOR_EACH (flag, node, &nf->flags) {
        refresh_flag(nf, flag);
    }
}

static void
refresh_flags_of(struct sg_noflood *nf, ofp_port_t ofport)
{
    struct flag *flag;

    HMAP_FOR_EACH_WITH_HASH (flag, node, hash_ofport(ofport), &nf->flags) {
        if (flag->ofport == ofport) {
            refresh_flag(nf, flag);
        }
    }
}

static void
create_flag(struct sg_noflood *nf, ofp_port_t ofport, const char *name)
{
    struct flag *flag = xzalloc(sizeof *flag);

    flag->ofport = ofport;
    flag->name = xstrdup(name);
    flag->wanted = flag->round = true;
    ovs_list_init(&flag->news);
    hmap_insert(&nf->flags, &flag->node, hash_ofport(ofport));
    hmap_insert(&nf->flags_by_name, &flag->by_name, hash_string(name, 0));
    refresh_flag(nf, flag);
}

static void
destroy_flag(struct sg_noflood *nf, struct flag *flag)
{
    nf->n_missing -= flag->missing;
    hmap_remove(&nf->flags, &flag->node);
    hmap_remove(&nf->flags_by_name, &flag->by_name);
    ovs_list_remove(&flag->news);
    free(flag->name);
    free(flag);
}

struct sg_noflood *
sg_noflood_create(const char *bridge, const char *target)
{
    struct sg_noflood *nf = xzalloc(sizeof *nf);
    char *name = xasprintf("%s (OpenFlow 1.0)", target);

    nf->bridge = xstrdup(bridge);
    sg_link_init(&nf->link, target, name, 1u << OFP10_VERSION);
    free(name);
    nf->link_seqno = rconn_get_connection_seqno(nf->link.rconn);
    hmap_init(&nf->ports);
    hmap_init(&nf->incoming);
    hmap_init(&nf->flags);
    hmap_init(&nf->flags_by_name);
    ovs_list_init(&nf->news);
    return nf;
}

void
sg_noflood_destroy(struct sg_noflood *nf)
{
    if (nf) {
        struct flag *flag;

        HMAP_FOR_EACH_SAFE (flag, node, &nf->flags) {
            destroy_flag(nf, flag);
        }
        clear_ports(&nf->incoming);
        clear_ports(&nf->ports);
        hmap_destroy(&nf->flags);
        hmap_destroy(&nf->flags_by_name);
        hmap_destroy(&nf->incoming);
        hmap_destroy(&nf->ports);
        sg_link_destroy(&nf->link);
        free(nf->bridge);
        free(nf);
    }
}

/* Returns true if it was not that way before. */
static bool
want_flag(struct sg_noflood *nf, struct flag *flag, bool wanted)
{
    bool changed = flag->wanted != wanted;

    flag->wanted = wanted;
    refresh_flag(nf, flag);
    nf->dirty |= changed;
    return changed;
}

/* Returns true if 'ports' are not the ones of the last call. */
bool
sg_noflood_set(struct sg_noflood *nf, const struct sg_switch_port *ports,
               size_t n)
{
    struct flag *flag;
    bool changed = false;

    HMAP_FOR_EACH (flag, node, &nf->flags) {
        flag->round = false;
    }
    for (size_t i = 0; i < n; i++) {
        flag = find_flag(nf, ports[i].ofport, ports[i].name);
        if (flag) {
            changed |= want_flag(nf, flag, true);
            flag->round = true;
        } else {
            create_flag(nf, ports[i].ofport, ports[i].name);
            changed = true;
        }
    }
    HMAP_FOR_EACH (flag, node, &nf->flags) {
        if (!flag->round) {
            changed |= want_flag(nf, flag, false);
        }
    }
    nf->dirty |= changed;
    return changed;
}

/* The same for the one interface 'name', which has 'ofport', or OFPP_NONE if
 * its flag is not wanted. */
bool
sg_noflood_want(struct sg_noflood *nf, const char *name, ofp_port_t ofport)
{
    bool changed = false, found = false;
    struct flag *flag;

    HMAP_FOR_EACH_WITH_HASH (flag, by_name, hash_string(name, 0),
                             &nf->flags_by_name) {
        if (!strcmp(flag->name, name)) {
            found |= flag->ofport == ofport;
            changed |= want_flag(nf, flag, flag->ofport == ofport);
        }
    }
    if (!found && ofport != OFPP_NONE) {
        create_flag(nf, ofport, name);
        changed = nf->dirty = true;
    }
    return changed;
}

/* The name of an interface for which sg_noflood_confirmed() says something
 * else than before, or NULL; the caller frees it. */
char *
sg_noflood_next_news(struct sg_noflood *nf)
{
    struct flag *flag;

    if (ovs_list_is_empty(&nf->news)) {
        return NULL;
    }
    flag = CONTAINER_OF(ovs_list_pop_front(&nf->news), struct flag, news);
    ovs_list_init(&flag->news);
    return xstrdup(flag->name);
}

bool
sg_noflood_confirmed(const struct sg_noflood *nf, ofp_port_t ofport)
{
    const struct flag *flag;

    HMAP_FOR_EACH_WITH_HASH (flag, node, hash_ofport(ofport), &nf->flags) {
        if (flag->ofport == ofport && flag->confirmed) {
            return true;
        }
    }
    return false;
}

/* Port mods whose outcome is still to be read may be of what was wanted
 * before. */
bool
sg_noflood_all_confirmed(const struct sg_noflood *nf)
{
    return nf->known && !nf->n_missing && !(nf->sent && nf->desc_xid);
}

const char *
sg_noflood_port_name(const struct sg_noflood *nf, ofp_port_t ofport)
{
    const struct of_port *port = find_port(&nf->ports, ofport);

    return port ? port->desc.name : NULL;
}

static ovs_be32
send_message(struct sg_noflood *nf, struct ofpbuf *msg)
{
    ovs_be32 xid = sg_switch_xid(msg);

    rconn_send(nf->link.rconn, msg, NULL);
    return xid;
}

/* Asks for port status messages, and for nothing else. */
static void
send_async_config(struct sg_noflood *nf)
{
    struct ofputil_async_cfg config = OFPUTIL_ASYNC_CFG_INIT;

    config.primary[OAM_PORT_STATUS] = config.secondary[OAM_PORT_STATUS]
        = (1u << OFPPR_ADD) | (1u << OFPPR_DELETE) | (1u << OFPPR_MODIFY);
    send_message(nf, ofputil_encode_set_async_config(
                         &config, 1u << OAM_PORT_STATUS, OFP10_VERSION));
}

static void
send_desc_request(struct sg_noflood *nf)
{
    clear_ports(&nf->incoming);
    nf->desc_xid = send_message(nf, ofputil_encode_port_desc_stats_request(
                                        OFP10_VERSION, OFPP_ANY));
}

static void
send_port_mod(struct sg_noflood *nf, const struct of_port *port, bool set)
{
    struct ofputil_port_mod pm = {
        .port_no = port->desc.port_no,
        .hw_addr = port->desc.hw_addr,  /* The switch compares it. */
        .config = set ? OFPUTIL_PC_NO_FLOOD : 0,
        .mask = OFPUTIL_PC_NO_FLOOD,
    };

    send_message(nf, ofputil_encode_port_mod(&pm, OFPUTIL_P_OF10_STD));
}

/* Sends port mods where 'ports' differs from 'flags'. */
static void
reconcile(struct sg_noflood *nf)
{
    struct flag *flag;

    nf->dirty = nf->sent = false;
    nf->retry_at = 0;
    HMAP_FOR_EACH_SAFE (flag, node, &nf->flags) {
        const struct of_port *port = port_of(nf, flag);

        if (port && has_flag(port) != flag->wanted) {
            send_port_mod(nf, port, flag->wanted);
            nf->sent = true;
        } else if (!flag->wanted) {
            destroy_flag(nf, flag);
        }
    }
    if (nf->sent) {
        send_desc_request(nf);
    }
}

/* All port descriptions have come. */
static void
finish_desc(struct sg_noflood *nf)
{
    hmap_swap(&nf->ports, &nf->incoming);
    clear_ports(&nf->incoming);
    nf->desc_xid = 0;
    nf->known = nf->changed = nf->dirty = true;
    refresh_flags(nf);
    if (nf->sent && !sg_noflood_all_confirmed(nf)) {
        VLOG_INFO_RL(&rl, "%s: a port did not take the no-flood flag yet; "
                     "trying again", nf->bridge);
        nf->dirty = false;
        nf->retry_at = time_msec() + RETRY;
    }
}

static void
handle_desc(struct sg_noflood *nf, const struct ofp_header *oh)
{
    struct ofpbuf msg = ofpbuf_const_initializer(oh, ntohs(oh->length));
    struct ofputil_phy_port desc;

    if (oh->xid != nf->desc_xid) {
        return;
    }
    ofpraw_pull_assert(&msg);
    while (!ofputil_pull_phy_port(oh->version, &msg, &desc)) {
        put_port(&nf->incoming, &desc);
    }
    if (!ofpmp_more(oh)) {
        finish_desc(nf);
    }
}

/* True if 'desc' says nothing new that concerns us (a link went up or down,
 * for example). */
static bool
is_known(const struct sg_noflood *nf, const struct ofputil_phy_port *desc)
{
    const struct of_port *port = find_port(&nf->ports, desc->port_no);

    return (port && !strcmp(port->desc.name, desc->name)
            && eth_addr_equals(port->desc.hw_addr, desc->hw_addr)
            && !((port->desc.config ^ desc->config) & OFPUTIL_PC_NO_FLOOD));
}

static void
handle_status(struct sg_noflood *nf, const struct ofp_header *oh)
{
    struct ofputil_port_status ps;

    if (ofputil_decode_port_status(oh, &ps)) {
        return;
    }
    if (ps.reason == OFPPR_DELETE) {
        remove_port(&nf->ports, ps.desc.port_no);
    } else if (!is_known(nf, &ps.desc)) {
        put_port(&nf->ports, &ps.desc);
    } else {
        return;
    }
    refresh_flags_of(nf, ps.desc.port_no);
    nf->changed = nf->dirty = true;
}

static void
handle_message(struct sg_noflood *nf, const struct ofp_header *oh)
{
    enum ofptype type;

    if (ofptype_decode(&type, oh)) {
        return;
    }
    switch ((int) type) {
    case OFPTYPE_ECHO_REQUEST:
        send_message(nf, ofputil_encode_echo_reply(oh));
        break;
    case OFPTYPE_PORT_DESC_STATS_REPLY:
        handle_desc(nf, oh);
        break;
    case OFPTYPE_PORT_STATUS:
        handle_status(nf, oh);
        break;
    case OFPTYPE_ERROR:
        /* The port has just gone: the next descriptions will tell. */
        VLOG_DBG_RL(&rl, "%s: port mod refused (%s)", nf->bridge,
                    ofperr_to_string(ofperr_decode_msg(oh, NULL)));
        break;
    default:
        break;                  /* Nothing else concerns us. */
    }
}

static void
connection_lost(struct sg_noflood *nf)
{
    clear_ports(&nf->ports);
    clear_ports(&nf->incoming);
    nf->connected = nf->known = nf->sent = false;
    nf->desc_xid = 0;
    nf->retry_at = 0;
    nf->changed = true;
    refresh_flags(nf);
}

static void
check_connection(struct sg_noflood *nf)
{
    unsigned int seqno = rconn_get_connection_seqno(nf->link.rconn);

    if (seqno != nf->link_seqno) {
        nf->link_seqno = seqno;
        connection_lost(nf);
    }
    if (!nf->connected && rconn_is_connected(nf->link.rconn)) {
        nf->connected = true;
        send_async_config(nf);  /* First, so that nothing is missed. */
        send_desc_request(nf);
    }
}

static void
receive(struct sg_noflood *nf, long long int deadline)
{
    struct ofpbuf *msg;

    while (!nf->more && (msg = rconn_recv(nf->link.rconn))) {
        handle_message(nf, msg->data);
        ofpbuf_delete(msg);
        nf->more = time_usec() >= deadline;
    }
}

/* Returns true if the answer of any accessor may have changed. */
bool
sg_noflood_run(struct sg_noflood *nf, long long int deadline)
{
    nf->changed = nf->more = false;
    sg_link_run(&nf->link);
    check_connection(nf);
    receive(nf, deadline);
    check_connection(nf);
    if (nf->retry_at && time_msec() >= nf->retry_at) {
        nf->dirty = true;
    }
    if (nf->known && !nf->desc_xid && nf->dirty) {
        reconcile(nf);
    }
    sg_link_flush(&nf->link);
    return nf->changed;
}

void
sg_noflood_wait(struct sg_noflood *nf)
{
    if (nf->more) {
        poll_immediate_wake();
    }
    if (nf->retry_at) {
        poll_timer_wait_until(nf->retry_at);
    }
    sg_link_wait(&nf->link);
}

void
sg_noflood_retry(struct sg_noflood *nf)
{
    sg_link_retry(&nf->link);
}
