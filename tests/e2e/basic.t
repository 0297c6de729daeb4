#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The contract's example policy, packet by packet: who may open what, and that
answers and ICMP errors come back (CONTRACT section 4, point 1)."""
from harness import Lab, Udp, frames, run, test
from harness.tiers import three_tier


@test('every guarded port becomes active', lab=three_tier)
def _(lab):
    for host in lab.hosts.values():
        if host.guarded:
            lab.expect_state(host, 'active')
    lab.check('sg-state' not in lab.sandbox.get('Interface', 'uplink',
                                                'external_ids'),
              'the uplink is not guarded, but has an sg-state')


@test('everybody reaches the web servers on 80 and 443, and no other port',
      lab=three_tier)
def _(lab):
    for source in (lab.client, lab.office, lab.app1, lab.web2, lab.bastion1):
        for port in (80, 443):
            lab.expect(source, lab.web1, 'tcp', port, True)
        for port in (79, 81, 442, 444):
            lab.expect(source, lab.web1, 'tcp', port, False)


@test('an allowed port of TCP opens no other protocol', lab=three_tier)
def _(lab):
    for source in (lab.client, lab.app1):
        for proto in ('udp', 'sctp'):
            lab.expect(source, lab.web1, proto, 80, False)
        lab.expect(source, lab.web1, 'icmp', None, False)
        lab.expect(source, lab.web1, '47', None, False)


@test('SSH: from the office to the jump hosts, from there to all tiers',
      lab=three_tier)
def _(lab):
    lab.expect(lab.office, lab.bastion1, 'tcp', 22, True)
    lab.expect(lab.client, lab.bastion1, 'tcp', 22, False)
    for guest in (lab.web1, lab.app1, lab.db1, lab.db2):
        lab.expect(lab.bastion1, guest, 'tcp', 22, True)
        lab.expect(lab.bastion1, guest, 'tcp', 23, False)
        lab.expect(lab.office, guest, 'tcp', 22, False)
        lab.expect(guest, lab.bastion1, 'tcp', 22, False)


@test('web to app: the ends of the port range and their neighbours',
      lab=three_tier)
def _(lab):
    for source in (lab.web1, lab.web2, lab.web3):
        for port in (8080, 8083, 8089):
            lab.expect(source, lab.app1, 'tcp', port, True)
        for port in (8079, 8090, 80):
            lab.expect(source, lab.app1, 'tcp', port, False)
    for source in (lab.client, lab.app2, lab.bastion1, lab.office):
        lab.expect(source, lab.app1, 'tcp', 8080, False)


@test('app to db, for ports in db by sg-groups and by bind', lab=three_tier)
def _(lab):
    for guest in (lab.db1, lab.db2):
        for source in (lab.app1, lab.app2):
            lab.expect(source, guest, 'tcp', 5432, True)
            lab.expect(source, guest, 'tcp', 5433, False)
        for source in (lab.web1, lab.web3, lab.client):
            lab.expect(source, guest, 'tcp', 5432, False)


@test('egress: db sends backups and nothing else', lab=three_tier)
def _(lab):
    for guest in (lab.db1, lab.db2):
        lab.expect(guest, lab.backup, 'tcp', 443, True, family=4)
        lab.expect(guest, lab.backup, 'tcp', 80, False, family=4)
        lab.expect(guest, lab.backup, 'udp', 443, False, family=4)
        lab.expect(guest, lab.client, 'tcp', 443, False)
        # The receiver would let it in.
        lab.expect(guest, lab.web1, 'tcp', 80, False)


@test('without egress rules everything may leave', lab=three_tier)
def _(lab):
    for proto, port in (('tcp', 443), ('udp', 53), ('sctp', 5000),
                        ('icmp', None), ('47', None)):
        lab.expect(lab.app1, lab.client, proto, port, True)
    lab.expect(lab.app1, lab.app2, 'udp', 53, False)


@test('TCP connections work in both directions', lab=three_tier)
def _(lab):
    for client, server, port in ((lab.client, lab.web1, 80),
                                 (lab.web1, lab.app1, 8080),
                                 (lab.app1, lab.db1, 5432),
                                 (lab.app1, lab.client, 443),
                                 (lab.bastion1, lab.db2, 22)):
        for family in (4, 6):
            conn = lab.connect(client, server, 'tcp', port, family)
            conn.expect_alive('established')
            conn.expect_alive('still established')


@test('UDP and ping: the answers pass, also where nothing may enter',
      lab=three_tier)
def _(lab):
    for family in (4, 6):
        for proto, port in (('udp', 53), ('icmp', None)):
            conn = lab.connect(lab.app1, lab.client, proto, port, family)
            conn.expect_alive('established')


@test('what looks like an answer but is none does not pass', lab=three_tier)
def _(lab):
    for family in (4, 6):
        stray = lab.client.udp(lab.app1, 40000, family, sport=53)
        lab.deliver(lab.client, lab.app1, stray, False, 'no such query')
        conn = lab.connect(lab.app1, lab.client, 'udp', 53, family)
        other = lab.client.udp(lab.app1, conn.sport + 1, family, sport=53)
        lab.deliver(lab.client, lab.app1, other, False, 'another port')
        third = lab.office.udp(lab.app1, conn.sport, family, sport=53)
        lab.deliver(lab.office, lab.app1, third, False, 'another address')


@test('the source port is irrelevant', lab=three_tier)
def _(lab):
    for sport in (1, 22, 80, 65535):
        frame = lab.client.tcp(lab.web1, 80, sport=sport)
        lab.deliver(lab.client, lab.web1, frame, True, 'from port %d' % sport)
        frame = lab.client.tcp(lab.web1, 81, sport=sport)
        lab.deliver(lab.client, lab.web1, frame, False, 'from port %d' % sport)


@test('TCP begins with a SYN', lab=three_tier)
def _(lab):
    ack, rst, fin = frames.ACK, frames.RST, frames.FIN
    for flags in (ack, rst, fin | ack, frames.SYN | ack, frames.PSH | ack, 0):
        for family in (4, 6):
            for a, b, port in ((lab.client, lab.web1, 80),
                               (lab.app1, lab.client, 443),
                               (lab.web1, lab.app1, 8080)):
                frame = a.tcp(b, port, family, flags, ack=77)
                lab.deliver(a, b, frame, False, 'TCP flags %#x' % flags)


@test('a refused SYN stays refused when it is sent again', lab=three_tier)
def _(lab):
    for a, b, port in ((lab.client, lab.app1, 8080),
                       (lab.db1, lab.client, 443)):
        frame = a.tcp(b, port)
        for attempt in range(3):
            lab.deliver(a, b, frame, False, 'attempt %d' % attempt)
        # Nor did it open the way back.
        back = frames.tcp_frame(b.mac, a.mac, b.v4, a.v4, port,
                                int.from_bytes(frame[34:36], 'big'),
                                frames.SYN | frames.ACK, 1, 1001)
        lab.deliver(b, a, back, False, 'an answer to a refused SYN')


@test('a SYN sent again before its answer passes', lab=three_tier)
def _(lab):
    frame = lab.web1.tcp(lab.app1, 8080)
    for attempt in range(3):
        lab.deliver(lab.web1, lab.app1, frame, True, 'attempt %d' % attempt)


@test('ICMP errors about an allowed connection pass', lab=three_tier)
def _(lab):
    for family in (4, 6):
        # From the peer, and from a router on the way.
        for source in (lab.client, lab.office):
            conn = Udp(lab.app1, lab.client, 33434, family)
            conn.forward(True)
            lab.deliver(source, lab.app1,
                        conn.error_about(conn.forward_frame(), source), True,
                        'port unreachable from %s' % source)
        # From a guest to a host outside, and between guests.
        for client, server, port in ((lab.client, lab.web1, 80),
                                     (lab.web1, lab.app1, 8080)):
            syn = client.tcp(server, port, family)
            lab.deliver(client, server, syn, True, 'a SYN')
            error = frames.unreachable(server.mac, client.mac,
                                       server.address(family), syn)
            lab.deliver(server, client, error, True, 'port unreachable')


@test('ICMP errors about nothing do not pass', lab=three_tier)
def _(lab):
    for family in (4, 6):
        never_sent = lab.app1.udp(lab.client, 33434, family)
        error = frames.unreachable(lab.client.mac, lab.app1.mac,
                                   lab.client.address(family), never_sent)
        lab.deliver(lab.client, lab.app1, error, False,
                    'about what was never sent')


# Groups of a port.

UNION = '''
group "ping" { ingress = { icmp { "echo-request", from = any },
                           icmp6 { "echo-request", from = any } } }
group "dns" { ingress = { udp { 53, from = any } }, egress = {} }
group "narrow" { ingress = {}, egress = { udp { 9, to = any } } }
'''


def union():
    lab = Lab(UNION)
    lab.guest('both', 'ping,dns')
    lab.guest('spaces', 'ping dns')
    lab.guest('narrow', 'narrow')
    lab.guest('default1', '')
    lab.guest('default2', 'default')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('a port has the rules of all its groups', lab=union)
def _(lab):
    for guest in (lab.both, lab.spaces):
        lab.expect(lab.client, guest, 'udp', 53, True)
        lab.expect(lab.client, guest, 'icmp', None, True)
        lab.expect(lab.client, guest, 'tcp', 53, False)
        # `ping' has no egress, so everything may leave, whatever `dns' says.
        lab.expect(guest, lab.client, 'tcp', 99, True)
    lab.expect(lab.narrow, lab.client, 'udp', 9, True)
    lab.expect(lab.narrow, lab.client, 'udp', 10, False)


@test('one of two groups goes, its rules go', lab=union, fresh=True)
def _(lab):
    lab.set_ids(lab.both, sg_groups='dns')
    lab.expect(lab.client, lab.both, 'udp', 53, True)
    lab.expect(lab.client, lab.both, 'icmp', None, False)
    lab.expect(lab.both, lab.client, 'tcp', 99, False)


@test('the group default: all from its own members, nothing else', lab=union)
def _(lab):
    for proto, port in (('tcp', 7), ('udp', 7), ('sctp', 7), ('icmp', None),
                        ('47', None)):
        lab.expect(lab.default1, lab.default2, proto, port, True)
        lab.expect(lab.client, lab.default1, proto, port, False)
        lab.expect(lab.narrow, lab.default1, proto, port, False)
        lab.expect(lab.default1, lab.client, proto, port, True)


# What is not guarded.

def mixed():
    lab = Lab('group "web" { ingress = { tcp { 80, from = any } } }')
    lab.guest('web1', 'web')
    lab.uplink()
    lab.trusted('srv')
    lab.trusted('srv10', tag=10)
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    lab.remote('server', '192.0.2.200', '2001:db8::200', port='srv')
    lab.remote('server10', '192.0.2.210', '2001:db8::210', port='srv10')
    return lab.start()


@test('trusted ports forward to each other as before', lab=mixed)
def _(lab):
    for a, b in ((lab.client, lab.server), (lab.server, lab.client)):
        lab.expect_out(a, frames.arp_request(a.mac, a.v4, b.v4), [b], 'ARP',
                       may=lab.guarded)
        for proto in ('tcp', 'udp', 'icmp', '47', 'sctp'):
            lab.expect(a, b, proto, 4711, True)
        stray = a.tcp(b, 80, flags=frames.ACK)
        lab.deliver(a, b, stray, True, 'TCP without a connection')
        odd = frames.eth(a.mac, b.mac, 0x88b5, b'x' * 50)
        lab.deliver(a, b, odd, True, 'an unknown ethertype')


@test('trusted ports keep their VLANs', lab=mixed)
def _(lab):
    a, b = lab.client, lab.server10
    tagged = frames.udp_frame(a.mac, b.mac, a.v4, b.v4, 5, 6, vlan=10)
    out = lab.expect_out(a, tagged, [b], 'tagged 10')
    lab.check(out.get('srv10') == [frames.untagged(tagged)],
              'srv10 gets it with its tag')
    # A port without a tag is a trunk for Open vSwitch.
    out = lab.expect_out(b, frames.arp_request(b.mac, b.v4, a.v4),
                         ['uplink', 'srv'], 'from the access port',
                         exactly=True)
    lab.equal([frames.vlans(f) for fs in out.values() for f in fs],
              [[10], [10]], 'tags on the trunks')
    lab.expect_out(a, frames.udp_frame(a.mac, b.mac, a.v4, b.v4, 5, 6),
                   ['srv'], 'untagged, where nobody knows the address',
                   exactly=True)


@test('an access port reaches guarded ports of its VLAN only', lab=mixed)
def _(lab):
    lab.expect(lab.server, lab.web1, 'tcp', 80, True)
    lab.expect(lab.server10, lab.web1, 'tcp', 80, False)
    lab.expect(lab.web1, lab.server, 'udp', 7, True)
    lab.expect(lab.web1, lab.server10, 'udp', 7, False)


@test('a port that has just appeared sends nothing until it is known',
      lab=mixed, fresh=True)
def _(lab):
    lab.agent.freeze()
    lab.guest('web2', 'web')
    lab.trusted('srv2')
    newcomer = lab.remote('newcomer', '192.0.2.220', '2001:db8::220',
                          port='srv2')
    lab.apply()
    for host in (lab.web2, newcomer):
        for frame in (host.tcp(lab.web1, 80), host.udp(lab.client, 7),
                      frames.arp_request(host.mac, host.v4, lab.web1.v4)):
            lab.expect_out(host, frame, [], 'while nobody knows the port',
                           exactly=True)
    lab.agent.thaw()
    lab.settle()
    lab.expect(lab.web2, lab.web1, 'tcp', 80, True)
    lab.expect(newcomer, lab.web1, 'tcp', 80, True)
    lab.expect(lab.client, lab.web2, 'tcp', 80, True)


@test('iface-id guards a port, once the bridge has sg-enable=true', lab=mixed,
      fresh=True)
def _(lab):
    host = lab.guest('nova', ids={'iface-id': 'x'})
    lab.guarded.discard('nova')
    lab.settle()
    lab.check(lab.state(host) is None, 'guarded without sg-enable')
    lab.expect(lab.client, host, 'udp', 7, True)
    lab.sandbox.vsctl('set', 'Bridge', 'br0', 'external_ids:sg-enable=true')
    lab.settle()
    lab.guarded.add('nova')
    lab.expect_state(host, 'active')
    lab.expect(lab.client, host, 'udp', 7, False)
    lab.expect(host, lab.client, 'udp', 7, True)


def disabled():
    lab = Lab('group "web" { ingress = { tcp { 80, from = any } } }')
    lab.sandbox.vsctl('set', 'Bridge', 'br0', 'external_ids:sg-enable=false')
    lab.guest('web1', 'web')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    lab.sandbox.ofctl('add-flow', lab.sandbox.mgmt('br0'), 'actions=NORMAL')
    return lab.start()


@test('a bridge with sg-enable=false is left alone', lab=disabled)
def _(lab):
    lab.equal(lab.flows(), [], 'our flows')
    lab.check(lab.state(lab.web1) is None, 'sg-state is written')
    lab.expect(lab.client, lab.web1, 'udp', 7, True)
    lab.check('NO_FLOOD' not in lab.sandbox.ofctl(
        'show', lab.sandbox.mgmt('br0')), 'no-flood is set')


run()
