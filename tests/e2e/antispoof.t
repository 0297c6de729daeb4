#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A guarded port sends only with its own MAC and addresses, and is neither
DHCP server nor router (CONTRACT section 4, point 2)."""
from harness import Lab, frames, run, test

OPEN = 'group "open" { ingress = { all { from = any } } }'

OTHER_MAC = '52:54:00:99:99:99'
OTHER_V4 = '192.0.2.99'
OTHER_V6 = '2001:db8::99'


def opened():
    """Everything is allowed, so only anti-spoofing can refuse."""
    lab = Lab(OPEN)
    lab.guest('vm', 'open')
    lab.guest('peer', 'open')
    lab.guest('pairs', 'open', ids={
        'attached-mac': '52:54:00:00:00:03 52:54:00:00:00:33',
        'sg-addresses': '192.0.2.3, 10.1.0.0/16 2001:db8::3 2001:db8:1::/64'})
    lab.guest('lax', 'open', ids={'sg-port-security': 'false'})
    lab.guest('acc', 'open', tag=7)
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def udp(src_mac, src, to, dport=7):
    return frames.udp_frame(src_mac, to.mac, src,
                            to.v6 if frames.is_v6(src) else to.v4, 4711, dport)


@test('with its own MAC and addresses it may send', lab=opened)
def _(lab):
    for to in (lab.client, lab.peer):
        for address in lab.vm.ips:
            lab.deliver(lab.vm, to, udp(lab.vm.mac, address, to), True,
                        'its own')


@test('another source MAC is dropped', lab=opened)
def _(lab):
    for to in (lab.client, lab.peer):
        for mac in (OTHER_MAC, lab.peer.mac, lab.client.mac):
            for address in lab.vm.ips:
                lab.expect_out(lab.vm, udp(mac, address, to), [],
                               'source MAC ' + mac, exactly=True)
    odd = frames.eth(OTHER_MAC, lab.client.mac, 0x88b5, b'x' * 50)
    lab.expect_out(lab.vm, odd, [], 'and with an unknown ethertype',
                   exactly=True)


@test('another source address is dropped, IPv4 and IPv6', lab=opened)
def _(lab):
    for to in (lab.client, lab.peer):
        for address in (OTHER_V4, OTHER_V6, lab.peer.v4, lab.peer.v6,
                        lab.client.v4, lab.client.v6, '192.0.2.0',
                        '127.0.0.1', '2001:db8::', 'fe80::99'):
            lab.expect_out(lab.vm, udp(lab.vm.mac, address, to), [],
                           'source ' + address, exactly=True)


@test('unspecified, broadcast and multicast sources are dropped', lab=opened)
def _(lab):
    for address in ('0.0.0.0', '255.255.255.255', '224.0.0.1', '::',
                    'ff02::1'):
        lab.expect_out(lab.vm, udp(lab.vm.mac, address, lab.client), [],
                       'source ' + address, exactly=True)


@test('several MACs, prefixes and addresses, as declared', lab=opened)
def _(lab):
    good = ('192.0.2.3', '10.1.0.1', '10.1.255.254', '2001:db8::3',
            '2001:db8:1::77')
    bad = ('192.0.2.1', '10.2.0.1', '10.0.255.255', '2001:db8::33',
           '2001:db8:2::1')
    for mac in ('52:54:00:00:00:03', '52:54:00:00:00:33'):
        for address in good:
            lab.deliver(lab.pairs, lab.client, udp(mac, address, lab.client),
                        True, '%s from %s' % (address, mac))
        for address in bad:
            lab.expect_out(lab.pairs, udp(mac, address, lab.client), [],
                           '%s from %s' % (address, mac), exactly=True)


@test('ARP: sender hardware and protocol address', lab=opened)
def _(lab):
    vm, peer = lab.vm, lab.peer
    wrong = {
        'spa of nobody': frames.arp_request(vm.mac, OTHER_V4, peer.v4),
        'spa of the peer': frames.arp_request(vm.mac, peer.v4,
                                              lab.client.v4),
        'sha of nobody': frames.arp_request(vm.mac, vm.v4, peer.v4,
                                            sha=OTHER_MAC),
        'eth source': frames.arp_request(OTHER_MAC, vm.v4, peer.v4,
                                         sha=vm.mac),
        'reply, spa of the client': frames.arp_reply(
            vm.mac, lab.client.v4, peer.mac, peer.v4),
        'reply, sha of the client': frames.arp_reply(
            vm.mac, vm.v4, peer.mac, peer.v4, sha=lab.client.mac),
        'gratuitous, for the peer': frames.arp_request(vm.mac, peer.v4,
                                                       peer.v4),
    }
    for why, frame in wrong.items():
        lab.expect_out(vm, frame, [], why, exactly=True)
    lab.expect_out(vm, frames.arp_request(vm.mac, vm.v4, peer.v4), [peer],
                   'its own', may=[lab.lax])


@test('ND: NA target and its link-layer option', lab=opened)
def _(lab):
    vm, peer = lab.vm, lab.peer
    wrong = {
        'target of nobody': frames.nd_advert(vm.mac, vm.v6, OTHER_V6,
                                             peer.v6, peer.mac),
        'target of the peer': frames.nd_advert(vm.mac, vm.v6, peer.v6,
                                               lab.client.v6, lab.client.mac),
        'option of another': frames.nd_advert(vm.mac, vm.v6, vm.v6, peer.v6,
                                              peer.mac, OTHER_MAC),
        'source of another': frames.nd_advert(vm.mac, peer.v6, vm.v6,
                                              lab.client.v6, lab.client.mac),
        'to all nodes, target of the peer': frames.nd_advert(
            vm.mac, vm.v6, peer.v6, 'ff02::1',
            frames.multicast_mac('ff02::1')),
    }
    for why, frame in wrong.items():
        lab.expect_out(vm, frame, [], 'NA: ' + why, exactly=True)
    good = frames.nd_advert(vm.mac, vm.v6, vm.v6, peer.v6, peer.mac)
    lab.deliver(vm, peer, good, True, 'its own')


@test('ND: NS source and its link-layer option', lab=opened)
def _(lab):
    vm, peer = lab.vm, lab.peer
    wrong = {
        'source of another': frames.nd_solicit(vm.mac, OTHER_V6, peer.v6),
        'option of another': frames.nd_solicit(vm.mac, vm.v6, peer.v6,
                                               OTHER_MAC),
        'eth source': frames.nd_solicit(OTHER_MAC, vm.v6, peer.v6),
    }
    for why, frame in wrong.items():
        lab.expect_out(vm, frame, [], 'NS: ' + why, exactly=True)
    for frame in (frames.nd_solicit(vm.mac, vm.v6, peer.v6),
                  frames.nd_solicit(vm.mac, vm.link_local, peer.v6)):
        lab.expect_out(vm, frame, [peer], 'its own', may=[lab.lax])


@test('a guest is no DHCP server', lab=opened)
def _(lab):
    vm, peer = lab.vm, lab.peer
    for kind in (2, 5):
        offer = frames.dhcp(2, peer.mac, kind, yiaddr='192.0.2.66')
        for dst_mac, dst in ((frames.BROADCAST, '255.255.255.255'),
                             (peer.mac, peer.v4)):
            frame = frames.dhcp_frame(vm.mac, dst_mac, vm.v4, dst, False,
                                      offer)
            lab.expect_out(vm, frame, [], 'DHCP from a guest', exactly=True)
    for kind in (2, 7):
        frame = frames.dhcp6_frame(vm.mac, peer.mac, vm.link_local,
                                   peer.link_local, False, kind)
        lab.expect_out(vm, frame, [], 'DHCPv6 from a guest', exactly=True)


@test('a guest sends no router advertisements', lab=opened)
def _(lab):
    vm, peer = lab.vm, lab.peer
    for src in (vm.link_local, vm.v6):
        lab.expect_out(vm, frames.router_advert(vm.mac, src), [], 'RA',
                       exactly=True)
        lab.expect_out(vm, frames.router_advert(vm.mac, src, peer.v6,
                                                peer.mac), [],
                       'unicast RA', exactly=True)


@test('egress rules that name them make a DHCP server and a router',
      lab=opened, fresh=True)
def _(lab):
    lab.reload('''
      group "open" { ingress = { all { from = any } } }
      group "server" {
        ingress = { all { from = any } },
        egress = { udp { 68, to = any }, udp { 546, to = any },
                   icmp6 { type = 134, to = any } } }
    ''')
    lab.set_ids(lab.vm, sg_groups='server')
    vm, client = lab.vm, lab.client
    offer = frames.dhcp(2, client.mac, 2, yiaddr='192.0.2.66')
    frame = frames.dhcp_frame(vm.mac, client.mac, vm.v4, client.v4, False,
                              offer)
    lab.deliver(vm, client, frame, True, 'DHCP offer')
    frame = frames.dhcp6_frame(vm.mac, client.mac, vm.v6, client.v6, False, 2)
    lab.deliver(vm, client, frame, True, 'DHCPv6 advertise')
    ra = frames.router_advert(vm.mac, vm.v6, client.v6, client.mac)
    lab.deliver(vm, client, ra, True, 'RA')


@test('all, whole port ranges and no egress do not count as naming them',
      lab=opened, fresh=True)
def _(lab):
    vm, client = lab.vm, lab.client
    offer = frames.dhcp_frame(
        vm.mac, client.mac, vm.v4, client.v4, False,
        frames.dhcp(2, client.mac, 2, yiaddr='192.0.2.66'))
    ra = frames.router_advert(vm.mac, vm.v6, client.v6, client.mac)
    for egress in ('all { to = any }', 'udp { to = any }, icmp6 { to = any }',
                   'udp { "1-65535", to = any }'):
        lab.reload('group "open" { ingress = { all { from = any } }, '
                   'egress = { %s } }' % egress)
        lab.deliver(vm, client, offer, False, 'DHCP by ' + egress)
        lab.deliver(vm, client, ra, False, 'RA by ' + egress)


@test('tagged frames are dropped', lab=opened)
def _(lab):
    client = lab.client
    for vm in (lab.vm, lab.acc):
        for tags in (5, 7, [5, 6], [7, 7]):
            frame = frames.udp_frame(vm.mac, client.mac, vm.v4, client.v4,
                                     4711, 7, vlan=tags)
            lab.expect_out(vm, frame, [], 'VLAN tags %s' % tags, exactly=True)
            frame = frames.eth(vm.mac, frames.BROADCAST, frames.ETH_ARP,
                               frames.arp(1, vm.mac, vm.v4, frames.ZERO_MAC,
                                          client.v4), tags)
            lab.expect_out(vm, frame, [], 'ARP with VLAN tags %s' % tags,
                           exactly=True)


@test('sg-port-security=false: any source, but still the rules', lab=opened,
      fresh=True)
def _(lab):
    for mac in (lab.lax.mac, OTHER_MAC):
        for address in (lab.lax.v4, OTHER_V4, OTHER_V6):
            lab.deliver(lab.lax, lab.client, udp(mac, address, lab.client),
                        True, '%s from %s' % (address, mac))
    lab.expect_out(lab.lax, frames.arp_request(OTHER_MAC, OTHER_V4,
                                               lab.peer.v4), [lab.peer],
                   'ARP of others', may=[lab.vm, lab.pairs])
    lab.reload('group "open" { egress = { tcp { to = any } } }')
    lab.deliver(lab.lax, lab.client, udp(lab.lax.mac, lab.lax.v4, lab.client),
                False, 'no egress rule')
    lab.expect(lab.lax, lab.client, 'tcp', 7, True)
    lab.expect(lab.client, lab.lax, 'tcp', 7, False)


@test('a changed address is in force at once', lab=opened, fresh=True)
def _(lab):
    vm, client = lab.vm, lab.client
    lab.set_ids(vm, sg_addresses='192.0.2.50')
    for address, ok in (('192.0.2.50', True), (vm.v4, False),
                        (vm.v6, False)):
        lab.deliver(vm, client, udp(vm.mac, address, client), ok,
                    'source ' + address)
    lab.set_ids(vm, attached_mac=OTHER_MAC)
    lab.deliver(vm, client, udp(vm.mac, '192.0.2.50', client), False,
                'the old MAC')
    lab.deliver(vm, client, udp(OTHER_MAC, '192.0.2.50', client), True,
                'the new MAC')


run()
