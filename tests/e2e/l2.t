#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What works before any rule (ARP, ND, DHCP), what needs one (broadcast,
multicast), and that no frame takes another way to a guarded port (CONTRACT
section 4, points 2 and 3)."""
from harness import Lab, frames, run, test

OTHER_MAC = '52:54:00:99:99:99'
POLICY = '''
group "closed" { ingress = {}, egress = {} }
group "http" { ingress = { tcp { 80, from = any } } }
group "casts" { ingress = { udp { 5353, from = any } } }
'''


def closed():
    lab = Lab(POLICY)
    lab.guest('a', 'closed')
    lab.guest('b', 'closed')
    lab.guest('http1', 'http')
    lab.guest('cast1', 'casts')
    lab.guest('cast2', 'casts')
    lab.guest('tagged', 'casts', tag=9)
    lab.uplink()
    lab.trusted('srv')
    lab.remote('gw', '192.0.2.254', '2001:db8::fe')
    lab.remote('server', '192.0.2.200', '2001:db8::200', port='srv')
    return lab.start()


@test('ARP between guests and with the outside, without any rule', lab=closed)
def _(lab):
    for x, y in ((lab.a, lab.b), (lab.gw, lab.a), (lab.server, lab.a)):
        lab.expect_out(x, frames.arp_request(x.mac, x.v4, y.v4), [y],
                       'request')
        lab.deliver(y, x, frames.arp_reply(y.mac, y.v4, x.mac, x.v4), True,
                    'reply')
    request = frames.arp_request(lab.a.mac, lab.a.v4, lab.gw.v4)
    lab.expect_out(lab.a, request, ['uplink', 'srv'], 'for the gateway',
                   may=lab.guarded - {'tagged'})
    lab.deliver(lab.gw, lab.a, frames.arp_reply(
        lab.gw.mac, lab.gw.v4, lab.a.mac, lab.a.v4), True, 'its reply')
    unicast = frames.arp_request(lab.gw.mac, lab.gw.v4, lab.a.v4,
                                 dst=lab.a.mac)
    lab.deliver(lab.gw, lab.a, unicast, True, 'a unicast request')


@test('ND between guests and with the outside, without any rule', lab=closed)
def _(lab):
    for x, y in ((lab.a, lab.b), (lab.gw, lab.a), (lab.server, lab.a)):
        lab.expect_out(x, frames.nd_solicit(x.mac, x.v6, y.v6), [y], 'NS')
        lab.deliver(y, x, frames.nd_advert(y.mac, y.v6, y.v6, x.v6, x.mac),
                    True, 'NA')
        unicast = frames.nd_solicit(x.mac, x.v6, y.v6, dst=y.v6,
                                    dst_mac=y.mac)
        lab.deliver(x, y, unicast, True, 'a unicast NS')
    solicit = frames.nd_solicit(lab.a.mac, lab.a.v6, lab.gw.v6)
    lab.expect_out(lab.a, solicit, ['uplink', 'srv'], 'for the gateway',
                   may=lab.guarded - {'tagged'})


@test('ND with link-local addresses', lab=closed)
def _(lab):
    a, b, gw = lab.a, lab.b, lab.gw
    for x, y in ((a, b), (gw, a)):
        # Every port may own a link-local address.
        lab.expect_out(x, frames.nd_solicit(x.mac, x.link_local,
                                            y.link_local), [y], 'NS',
                       may=lab.guarded - {'tagged'})
        lab.deliver(y, x, frames.nd_advert(y.mac, y.link_local, y.link_local,
                                           x.link_local, x.mac), True, 'NA')


@test('duplicate address detection', lab=closed)
def _(lab):
    a = lab.a
    for address in (a.v6, a.link_local):
        probe = frames.nd_solicit(a.mac, '::', address, None)
        lab.expect_out(a, probe, ['uplink', 'srv'], 'for its own address',
                       may=lab.guarded - {'tagged'})
    # Somebody outside probes for the address that a guest holds.
    probe = frames.nd_solicit(lab.gw.mac, '::', a.v6, None)
    lab.expect_out(lab.gw, probe, [a], 'asks the holder')
    defence = frames.nd_advert(a.mac, a.v6, a.v6, 'ff02::1',
                               frames.multicast_mac('ff02::1'))
    lab.expect_out(a, defence, ['uplink'], 'the answer', may=lab.guarded - {'tagged'})
    arp_probe = frames.arp_request(a.mac, '0.0.0.0', a.v4)
    lab.expect_out(a, arp_probe, ['uplink', 'srv'], 'an ARP probe',
                   may=lab.guarded - {'tagged'})


@test('a router is solicited, and its advertisements arrive', lab=closed)
def _(lab):
    for source in (lab.a.link_local, lab.a.v6, '::'):
        frame = frames.router_solicit(lab.a.mac, source)
        lab.expect_out(lab.a, frame, ['uplink', 'srv'], 'RS',
                       may=lab.guarded - {'tagged'})
    gw = lab.gw
    frame = frames.router_advert(gw.mac, gw.link_local)
    lab.expect_out(gw, frame, lab.guarded - {'tagged'}, 'RA')
    frame = frames.router_advert(gw.mac, gw.link_local, lab.a.v6, lab.a.mac)
    lab.deliver(gw, lab.a, frame, True, 'a unicast RA')


@test('a DHCP client asks, and is answered, broadcast and unicast',
      lab=closed)
def _(lab):
    a, gw = lab.a, lab.gw
    for kind in (1, 3):
        frame = frames.dhcp_frame(a.mac, frames.BROADCAST, '0.0.0.0',
                                  '255.255.255.255', True,
                                  frames.dhcp(1, a.mac, kind))
        lab.expect_out(a, frame, ['uplink', 'srv'], 'discover, request')
    renew = frames.dhcp_frame(a.mac, gw.mac, a.v4, gw.v4, True,
                              frames.dhcp(1, a.mac, 3))
    lab.deliver(a, gw, renew, True, 'renew')
    for kind in (2, 5):
        message = frames.dhcp(2, a.mac, kind, yiaddr=a.v4)
        frame = frames.dhcp_frame(gw.mac, frames.BROADCAST, gw.v4,
                                  '255.255.255.255', False, message)
        lab.expect_out(gw, frame, [a], 'a broadcast answer',
                       may=lab.guarded - {'tagged'})
        frame = frames.dhcp_frame(gw.mac, a.mac, gw.v4, a.v4, False, message)
        lab.deliver(gw, a, frame, True, 'a unicast answer')


@test('DHCPv6 asks, and is answered', lab=closed)
def _(lab):
    a, gw = lab.a, lab.gw
    for kind in (1, 3):
        frame = frames.dhcp6_frame(a.mac, frames.multicast_mac('ff02::1:2'),
                                   a.link_local, 'ff02::1:2', True, kind)
        lab.expect_out(a, frame, ['uplink', 'srv'], 'solicit, request')
    for kind in (2, 7):
        frame = frames.dhcp6_frame(gw.mac, a.mac, gw.link_local, a.link_local,
                                   False, kind)
        lab.deliver(gw, a, frame, True, 'advertise, reply')


@test('the DHCP and ND exceptions open nothing else', lab=closed)
def _(lab):
    a, gw = lab.a, lab.gw
    for sport, dport in ((68, 68), (67, 67), (4711, 67), (68, 4711),
                         (546, 547)):
        frame = frames.udp_frame(a.mac, gw.mac, a.v4, gw.v4, sport, dport)
        lab.deliver(a, gw, frame, False, 'udp %d > %d' % (sport, dport))
    for sport, dport in ((67, 69), (4711, 68), (68, 68), (67, 4711)):
        frame = frames.udp_frame(gw.mac, a.mac, gw.v4, a.v4, sport, dport)
        lab.deliver(gw, a, frame, False, 'udp %d > %d' % (sport, dport))
    for kind in (137, 139, 140, 127, 150):
        for x, y in ((a, gw), (gw, a)):
            body = frames.icmp6(x.v6, y.v6, kind, 0)
            lab.deliver(x, y, x.ip(y, frames.ICMP6, body, 6), False,
                        'icmp6 type %d' % kind)


@test('other ethertypes do not pass', lab=closed)
def _(lab):
    for ethertype in (0x88b5, 0x88cc, 0x8847, 0x86de, 0x05dc):
        for x, y in ((lab.a, lab.b), (lab.a, lab.gw), (lab.gw, lab.a)):
            # As MPLS it has one label, which is the last: 'y' is odd.
            frame = frames.eth(x.mac, y.mac, ethertype, b'y' * 50)
            lab.deliver(x, y, frame, False, 'ethertype %#x' % ethertype)


@test('broadcast and multicast reach guarded ports that a rule allows it to',
      lab=closed)
def _(lab):
    for sender in (lab.gw, lab.http1):
        for dst in ('255.255.255.255', '224.0.0.251', '239.1.2.3', 'ff02::fb',
                    'ff05::1234'):
            mac = frames.BROADCAST if dst.startswith('255') \
                else frames.multicast_mac(dst)
            src = sender.v6 if frames.is_v6(dst) else sender.v4
            for port, to in ((5353, {'cast1', 'cast2'}), (5354, set())):
                frame = frames.udp_frame(sender.mac, mac, src, dst, 4711, port)
                lab.expect_out(sender, frame, to | {'srv'},
                               '%s port %d' % (dst, port))


@test('a sender of multicast does not get its own frames', lab=closed)
def _(lab):
    src = lab.cast1
    frame = frames.udp_frame(src.mac, frames.multicast_mac('224.0.0.251'),
                             src.v4, '224.0.0.251', 5353, 5353)
    lab.expect_out(src, frame, {'cast2', 'uplink', 'srv'}, 'mDNS')


@test('egress holds for multicast, too', lab=closed)
def _(lab):
    frame = frames.udp_frame(lab.a.mac, frames.multicast_mac('224.0.0.251'),
                             lab.a.v4, '224.0.0.251', 5353, 5353)
    lab.expect_out(lab.a, frame, [], 'egress = {}', exactly=True)


@test('unicast reaches a guarded port for its declared MACs only', lab=closed)
def _(lab):
    gw, http1 = lab.gw, lab.http1
    for mac in (OTHER_MAC, frames.BROADCAST, '01:00:5e:00:00:01'):
        frame = frames.tcp_frame(gw.mac, mac, gw.v4, http1.v4, 4711, 80,
                                 frames.SYN, 1)
        lab.expect_out(gw, frame, [], 'to MAC ' + mac)


@test('unknown unicast is flooded to trusted ports only', lab=closed)
def _(lab):
    frame = frames.udp_frame(lab.gw.mac, OTHER_MAC, lab.gw.v4, '192.0.2.77',
                             1, 2)
    lab.expect_out(lab.gw, frame, ['srv'], 'from a trusted port',
                   exactly=True)
    frame = lab.http1.udp(lab.gw, 2)
    unknown = frames.mac_bytes(OTHER_MAC) + frame[6:]
    lab.expect_out(lab.http1, unknown, ['uplink', 'srv'],
                   'from a guarded port', exactly=True)


@test('NORMAL learns no MAC from a guarded port', lab=closed)
def _(lab):
    lab.expect(lab.http1, lab.gw, 'udp', 7, True)
    lab.expect(lab.cast1, lab.server, 'udp', 7, True)
    lab.deliver(lab.a, lab.gw, frames.arp_reply(
        lab.a.mac, lab.a.v4, lab.gw.mac, lab.gw.v4), True, 'ARP')
    learned = lab.sandbox.appctl('fdb/show', 'br0')
    for host in lab.hosts.values():
        if host.guarded:
            lab.check(host.mac not in learned,
                      '%s is in the MAC table:\n%s' % (host, learned))


@test('a MAC taken away from a port is nobody\'s', lab=closed, fresh=True)
def _(lab):
    old = lab.http1.mac
    lab.expect(lab.http1, lab.gw, 'udp', 7, True)
    lab.set_ids(lab.http1, attached_mac=OTHER_MAC)
    frame = frames.tcp_frame(lab.gw.mac, old, lab.gw.v4, lab.http1.v4, 4711,
                             80, frames.SYN, 1)
    lab.expect_out(lab.gw, frame, ['srv'], 'to the old MAC', exactly=True)
    lab.http1.mac = OTHER_MAC
    lab.expect(lab.gw, lab.http1, 'tcp', 80, True)


@test('a trusted host cannot take a guest\'s frames by its MAC', lab=closed)
def _(lab):
    # NORMAL learns the guest's MAC at srv, but is not asked.
    lab.send(lab.server, frames.arp_request(lab.http1.mac, '192.0.2.200',
                                            '192.0.2.201'))
    lab.expect(lab.gw, lab.http1, 'tcp', 80, True)


@test('IGMP and MLD snooping open no side door', lab=closed, fresh=True)
def _(lab):
    lab.sandbox.vsctl('set', 'Bridge', 'br0', 'mcast_snooping_enable=true')
    lab.settle()
    guest, gw = lab.http1, lab.gw
    lab.send(gw, frames.igmp_query(gw.mac, gw.v4))
    lab.send(guest, frames.igmp_report(guest.mac, guest.v4, '239.1.2.3'))
    lab.send(guest, frames.mld_report(guest.mac, guest.link_local,
                                      'ff05::1234'))
    lab.sandbox.purge_megaflows()
    for dst, src in (('239.1.2.3', gw.v4), ('ff05::1234', gw.v6)):
        for port, to in ((5353, {'cast1', 'cast2'}), (5354, set())):
            frame = frames.udp_frame(gw.mac, frames.multicast_mac(dst), src,
                                     dst, 4711, port)
            lab.expect_out(gw, frame, to, '%s port %d' % (dst, port))


@test('a guarded port floods to nobody after the switch renewed it',
      lab=closed, fresh=True)
def _(lab):
    lab.remove_port(lab.b)
    lab.guest('again', 'closed', number=2)
    lab.settle()
    frame = frames.udp_frame(lab.gw.mac, OTHER_MAC, lab.gw.v4, '192.0.2.77',
                             1, 2)
    lab.expect_out(lab.gw, frame, ['srv'], 'unknown unicast')
    lab.expect_out(lab.gw, frames.arp_request(
        lab.gw.mac, lab.gw.v4, lab.again.v4), [lab.again], 'ARP for it')


@test('VLANs: a guest meets only its own', lab=closed)
def _(lab):
    gw, guest = lab.gw, lab.tagged
    frame = frames.udp_frame(gw.mac, guest.mac, gw.v4, guest.v4, 5, 5353,
                             vlan=9)
    out = lab.expect_out(gw, frame, [guest], 'tagged 9')
    lab.check(out.get('tagged') == [frames.untagged(frame)],
              'it arrives without tag')
    lab.deliver(gw, guest, frames.untagged(frame), False, 'untagged')
    tagged8 = frames.udp_frame(gw.mac, guest.mac, gw.v4, guest.v4, 5, 5353,
                               vlan=8)
    lab.deliver(gw, guest, tagged8, False, 'tagged 8')
    out = lab.expect_out(guest, guest.udp(gw, 7), ['uplink'], 'its own frame')
    lab.equal([frames.vlans(f) for f in out.get('uplink', ())], [[9]],
              'tags at the uplink')
    arp = frames.arp_request(guest.mac, guest.v4, lab.a.v4)
    lab.expect_out(guest, arp, ['uplink'], 'ARP in VLAN 9')


def before():
    lab = Lab(POLICY, bridges=())
    lab.sandbox.add_bridge('br0', secure=False)
    lab.guest('a', 'http')
    lab.guest('b', 'http')
    lab.uplink()
    lab.remote('gw', '192.0.2.254', '2001:db8::fe')
    return lab


@test('what NORMAL learned before ports were guarded is forgotten',
      lab=before, fresh=True)
def _(lab):
    lab.allow_log('nowhere')
    lab.apply()
    lab.sandbox.wait_configured()
    for mac in (OTHER_MAC, lab.a.mac):
        lab.send(lab.a, frames.udp_frame(mac, lab.gw.mac, lab.a.v4,
                                         lab.gw.v4, 1, 2))
    lab.agent.start()
    lab.agent.must('enable', 'br0')
    lab.settle()
    lab.deliver(lab.gw, lab.a, frames.udp_frame(
        lab.gw.mac, OTHER_MAC, lab.gw.v4, lab.a.v4, 1, 2), False,
        'to a MAC that it had before')
    lab.set_ids(lab.a, sg_groups='nowhere')
    lab.deliver(lab.gw, lab.a, lab.gw.tcp(lab.a, 80), False,
                'to a port in error')


@test('the same for one port of a guarded bridge', lab=closed, fresh=True)
def _(lab):
    lab.trusted('late')
    lab.apply()
    lab.settle()
    frame = frames.udp_frame(OTHER_MAC, lab.gw.mac, '192.0.2.77', lab.gw.v4,
                             1, 2)
    lab.sandbox.feed('late', [frame])
    lab.sandbox.collect()
    lab.sandbox.set_ids('late', {'sg-groups': 'closed'})
    lab.guarded.add('late')
    lab.settle()
    out = lab.send(lab.gw, frames.udp_frame(lab.gw.mac, OTHER_MAC, lab.gw.v4,
                                            '192.0.2.77', 1, 2))
    lab.check('late' not in out, 'a frame went to the port by a MAC that '
              'was learned before')


run()
