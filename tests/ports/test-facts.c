/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Does the snapshot of facts follow the database, and does it change only
 * when it should? */

#include <config.h>

#include "ports-lab.h"

#include "packets.h"
#include "policy/port.h"
#include "sset.h"
#include "tap.h"
#include "util.h"
#include "uuid.h"

static struct sg_ovsdb *db;

static const struct sg_bridge *
bridge(const char *name)
{
    const struct sg_facts *facts = sg_ovsdb_facts(db);
    return facts ? shash_find_data(&facts->bridges, name) : NULL;
}

static const struct sg_iface *
iface(const char *name)
{
    const struct sg_facts *facts = sg_ovsdb_facts(db);
    return facts ? sg_facts_find_iface(facts, name) : NULL;
}

/* Takes in what is under way, and then regards nothing as changed. */
static unsigned int
calm(void)
{
    SETTLE(db);
    sg_ovsdb_clear_changed(db);
    return sg_ovsdb_seqno(db);
}

/* Exactly 'ifaces' and 'bridges' (separated by spaces) have changed. */
static void
changed_only(const char *ifaces, const char *bridges, const char *what)
{
    struct sset want_ifaces, want_bridges;
    sset_from_delimited_string(&want_ifaces, ifaces, " ");
    sset_from_delimited_string(&want_bridges, bridges, " ");

    ok(UNTIL(db, (sset_equals(&want_ifaces, sg_ovsdb_changed_ifaces(db))
                  && sset_equals(&want_bridges,
                                 sg_ovsdb_changed_bridges(db)))), "%s", what);
    SETTLE(db);
    if (!ok(sset_equals(&want_ifaces, sg_ovsdb_changed_ifaces(db))
            && sset_equals(&want_bridges, sg_ovsdb_changed_bridges(db)),
            "... and nothing else changes")) {
        const char *name;
        SSET_FOR_EACH (name, sg_ovsdb_changed_ifaces(db)) {
            printf("# changed: interface %s\n", name);
        }
        SSET_FOR_EACH (name, sg_ovsdb_changed_bridges(db)) {
            printf("# changed: bridge %s\n", name);
        }
    }
    sset_destroy(&want_ifaces);
    sset_destroy(&want_bridges);
    sg_ovsdb_clear_changed(db);
}

static bool
is_ovn(const char *name)
{
    return bridge(name)->manager == SG_MANAGER_OVN;
}

static bool
is_neutron(const char *name)
{
    return bridge(name)->manager == SG_MANAGER_NEUTRON;
}

#define UUID_TEXT "11b9f3ee-6b5c-4b0c-9f0b-5d8b0f6a3c01"

static void
test_beginning(void)
{
    db = sg_ovsdb_create(lab_remote());
    SETTLE(db);
    ok(!sg_ovsdb_facts(db), "no server: no facts");
    ok(!sg_ovsdb_is_alive(db), "no server: not alive");
    ok(!sg_ovsdb_has_lock(db), "no server: no lock");

    lab_start_server();
    ok(UNTIL(db, sg_ovsdb_facts(db)), "the server starts: facts");
    ok(UNTIL(db, sg_ovsdb_is_alive(db)), "alive");
    ok(UNTIL(db, sg_ovsdb_has_lock(db)), "lock");
    ok(hmap_is_empty(&sg_ovsdb_facts(db)->ifaces), "an empty database");
    vsctl("init");
}

static void
test_bridge(void)
{
    vsctl("add-br br0");
    ok(UNTIL(db, bridge("br0") && iface("br0")), "add-br");
    is_str(bridge("br0")->datapath_type, "system", "default datapath_type");
    is_str(bridge("br0")->fail_mode, "", "no fail_mode");
    ok(!bridge("br0")->n_protocols, "no protocols");
    ok(!is_ovn("br0"), "not OVN's");
    is_str(iface("br0")->type, "internal", "local port");
    ok(iface("br0")->bridge == bridge("br0"), "in its bridge");

    calm();
    vsctl("set bridge br0 datapath_type=netdev fail_mode=secure "
          "protocols=OpenFlow10,OpenFlow15 external_ids:sg-enable=true");
    changed_only("", "br0", "columns of the bridge");
    is_str(bridge("br0")->datapath_type, "netdev", "datapath_type");
    is_str(bridge("br0")->fail_mode, "secure", "fail_mode");
    ok(bridge("br0")->n_protocols == 2
       && !strcmp(bridge("br0")->protocols[0], "OpenFlow10")
       && !strcmp(bridge("br0")->protocols[1], "OpenFlow15"), "protocols");
    is_str(smap_get(&bridge("br0")->external_ids, "sg-enable"), "true",
       "external_ids");

    vsctl("clear bridge br0 fail_mode protocols");
    changed_only("", "br0", "columns of the bridge are cleared");
    is_str(bridge("br0")->fail_mode, "", "no fail_mode again");
    ok(!bridge("br0")->n_protocols, "no protocols again");
}

static void
test_port(void)
{
    calm();
    vsctl("add-port br0 p1 -- set interface p1 type=dummy");
    changed_only("p1", "", "add-port");
    is_str(iface("p1")->type, "dummy", "type");
    is_str(iface("p1")->port_name, "p1", "name of the port");
    is_str(iface("p1")->vlan_mode, "", "no vlan_mode");
    ok(iface("p1")->tag == -1 && !iface("p1")->n_trunks, "no VLANs");
    ok(iface("p1")->ofport == SG_OFPORT_NONE, "no ofport yet");
    ok(eth_addr_is_zero(iface("p1")->mac_in_use), "no MAC yet");

    vsctl("set interface p1 ofport=7 'mac_in_use=\"aa:55:aa:55:00:01\"'");
    changed_only("p1", "", "the switch made the port");
    ok(iface("p1")->ofport == 7, "ofport");
    ok(eth_addr_equals(iface("p1")->mac_in_use,
                       (struct eth_addr) ETH_ADDR_C(aa,55,aa,55,00,01)),
       "mac_in_use");
    vsctl("set interface p1 ofport=-1");
    changed_only("p1", "", "the switch cannot make the port");
    ok(iface("p1")->ofport == SG_OFPORT_NONE, "-1 is no ofport");

    vsctl("set port p1 tag=10 vlan_mode=native-tagged trunks=30,20");
    changed_only("p1", "", "columns of the port");
    ok(iface("p1")->tag == 10, "tag");
    is_str(iface("p1")->vlan_mode, "native-tagged", "vlan_mode");
    ok(iface("p1")->n_trunks == 2 && iface("p1")->trunks[0] == 20
       && iface("p1")->trunks[1] == 30, "trunks, sorted");
    vsctl("clear port p1 tag vlan_mode trunks");
    changed_only("p1", "", "columns of the port are cleared");
    ok(iface("p1")->tag == -1 && !iface("p1")->n_trunks, "no VLANs again");
}

static void
test_external_ids(void)
{
    unsigned int seqno = calm();
    vsctl("set interface p1 external_ids:sg-state=active "
          "external_ids:sg-error=none");
    SETTLE(db);
    ok(sg_ovsdb_seqno(db) == seqno, "sg-state and sg-error are no facts");
    vsctl("set interface p1 statistics:rx_packets=1 status:a=b "
          "options:x=y admin_state=up -- set port p1 other_config:a=b "
          "-- set bridge br0 other_config:a=b");
    SETTLE(db);
    ok(sg_ovsdb_seqno(db) == seqno, "nor are other columns");
    vsctl("set open . next_cfg=5 cur_cfg=4 other_config:a=b");
    SETTLE(db);
    ok(sg_ovsdb_seqno(db) == seqno, "nor is next_cfg");

    vsctl("set interface p1 external_ids:sg-groups=web");
    changed_only("p1", "", "another key");
    is_str(smap_get(&iface("p1")->external_ids, "sg-groups"), "web",
           "its value");
    ok(!smap_get(&iface("p1")->external_ids, "sg-state"),
       "our keys are left out");
    vsctl("set interface p1 external_ids:sg-groups=db");
    changed_only("p1", "", "another value");
    vsctl("remove interface p1 external_ids sg-groups sg-state sg-error");
    changed_only("p1", "", "the key goes");
    ok(smap_is_empty(&iface("p1")->external_ids), "it is gone");
}

static void
test_tree(void)
{
    vsctl("add-br br1");
    calm();
    struct uuid uuid = iface("p1")->uuid;
    vsctl("del-port p1 -- add-port br0 p1");
    changed_only("p1", "", "a row of the same name takes its place");
    ok(iface("p1") && !uuid_equals(&uuid, &iface("p1")->uuid), "new UUID");

    uuid = iface("p1")->uuid;
    char *port = xstrdup(vsget("get port p1 _uuid"));
    vsctl("remove bridge br0 ports %s -- add bridge br1 ports %s", port, port);
    changed_only("p1", "", "a port moves to another bridge");
    ok(uuid_equals(&uuid, &iface("p1")->uuid), "same UUID");
    is_str(iface("p1")->bridge->name, "br1", "other bridge");

    vsctl("-- del-br br1 -- add-br br1 -- add bridge br1 ports %s", port);
    changed_only("p1 br1", "br1", "the bridge is replaced under the port");
    ok(iface("p1")->bridge == bridge("br1"), "and it is in the new one");

    vsctl("add bridge br0 ports %s", port);
    unsigned int seqno = calm();
    vsctl("set port br0 tag=1 -- set port br1 tag=1");
    changed_only("br0 br1", "", "a port in two bridges does not swing");
    ok(sg_ovsdb_seqno(db) - seqno == 2, "between them");
    vsctl("remove bridge br0 ports %s", port);
    ok(UNTIL(db, !strcmp(iface("p1")->bridge->name, "br1")), "until it has "
       "one");
    free(port);

    calm();
    vsctl("add-bond br0 bond0 b1 b2 tag=5");
    changed_only("b1 b2", "", "a bond");
    is_str(iface("b1")->port_name, "bond0", "its port's name");
    ok(iface("b2")->tag == 5, "its port's tag");
    vsctl("del-br br1 -- del-port bond0");
    changed_only("p1 br1 b1 b2", "br1", "del-br and del-port");
    ok(!iface("p1") && !iface("b1") && !bridge("br1"), "all gone");
}

/* What neutron-openvswitch-agent writes when it sets up its bridges, and when
 * it binds a port. */
static void
test_neutron(void)
{
    vsctl("add-br br-int -- add-br br-tun -- add-br br-ex -- add-br br-x "
          "-- set bridge br-int fail_mode=secure "
          "protocols=OpenFlow10,OpenFlow13,OpenFlow14 "
          "other_config:mac-table-size=50000 "
          "other_config:disable-in-band=true");
    calm();
    ok(!is_neutron("br-int"), "nothing of these is Neutron's alone");
    vsctl("add-port br-int int-br-ex -- set interface int-br-ex type=patch "
          "options:peer=nonexistent-peer");
    calm();
    ok(!is_neutron("br-int"), "nor a patch port that is not paired yet");
    vsctl("set interface int-br-ex options:peer=phy-br-ex");
    changed_only("", "br-int", "int-X whose peer is phy-X");
    ok(is_neutron("br-int"), "is Neutron's");
    vsctl("add-port br-ex phy-br-ex -- set interface phy-br-ex type=patch "
          "options:peer=int-br-ex "
          "-- add-port br-tun patch-int -- set interface patch-int type=patch "
          "options:peer=patch-tun");
    calm();
    ok(is_neutron("br-ex") && is_neutron("br-tun"),
       "so are the physical and the tunnel bridge");
    ok(!is_neutron("br-x") && !is_neutron("br0"), "and no others");

    vsctl("del-port br-int int-br-ex -- add-port br-int qvo1 tag=1");
    changed_only("int-br-ex qvo1", "br-int", "without that port");
    ok(!is_neutron("br-int"), "nobody's again");
    vsctl("set port qvo1 other_config:net_uuid=" UUID_TEXT " "
          "other_config:network_type=vxlan other_config:tag=1 "
          "other_config:physical_network=None "
          "other_config:segmentation_id=42");
    changed_only("", "br-int", "a port that the agent has bound");
    ok(is_neutron("br-int"), "makes it Neutron's");
    vsctl("del-br br-int -- del-br br-tun -- del-br br-ex -- del-br br-x");
}

static void
test_ovn(void)
{
    vsctl("add-br br-int -- add-br ovn1");
    calm();
    ok(!is_ovn("br-int"), "br-int alone is not OVN's");
    vsctl("set open . external_ids:ovn-remote=tcp:192.0.2.1:6642");
    changed_only("", "br-int", "ovn-remote makes it OVN's");
    ok(is_ovn("br-int") && !is_ovn("br0"), "and only that");
    vsctl("set open . external_ids:ovn-bridge=ovn1");
    changed_only("", "br-int ovn1", "ovn-bridge names another");
    ok(is_ovn("ovn1") && !is_ovn("br-int"), "that one it is");

    vsctl("remove open . external_ids ovn-bridge ovn-remote "
          "-- set open . external_ids:system-id=hv1 "
          "external_ids:ovn-remote-hv1=tcp:192.0.2.1:6642 "
          "external_ids:ovn-bridge-hv1=br-int");
    changed_only("", "br-int ovn1", "keys with the system-id");
    ok(is_ovn("br-int") && !is_ovn("ovn1"), "count as well");
    vsctl("remove open . external_ids ovn-remote-hv1 ovn-bridge-hv1 "
          "-- br-set-external-id ovn1 ct-zone-lp1 3");
    changed_only("", "br-int ovn1", "conntrack zones in the bridge");
    ok(is_ovn("ovn1") && !is_ovn("br-int"), "show OVN, too");
    vsctl("del-br br-int -- del-br ovn1");
}

static void
test_restart(void)
{
    vsctl("add-port br0 p1 tag=1 -- add-port br0 p2 -- add-port br0 p3 "
          "-- set interface p1 external_ids:sg-groups=web");
    unsigned int seqno = calm();

    lab_stop_server();
    ok(UNTIL(db, !sg_ovsdb_is_alive(db)), "the server dies: not alive");
    ok(iface("p1") && iface("p1")->tag == 1, "the facts stay");
    ok(sg_ovsdb_has_lock(db), "we go on as the one who acts");
    lab_start_server();
    ok(UNTIL(db, sg_ovsdb_is_alive(db)), "the server comes back: alive");
    SETTLE(db);
    ok(sg_ovsdb_seqno(db) == seqno, "nothing has changed");
    ok(sset_is_empty(sg_ovsdb_changed_ifaces(db)), "no interface");

    lab_stop_server();
    ok(UNTIL(db, !sg_ovsdb_is_alive(db)), "the server dies again");
    lab_start_server();
    vsctl("del-port p2 -- set port p1 tag=2 -- add-port br0 p4");
    changed_only("p1 p2 p4", "", "changes of the time without us are seen");
    ok(iface("p1")->tag == 2 && !iface("p2") && iface("p4"), "as they are");
    ok(UNTIL(db, sg_ovsdb_has_lock(db)), "lock");
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    lab_create(argv[0]);
    test_beginning();
    test_bridge();
    test_port();
    test_external_ids();
    test_tree();
    test_ovn();
    test_neutron();
    test_restart();
    sg_ovsdb_destroy(db);
    lab_destroy();
    return done_testing();
}
