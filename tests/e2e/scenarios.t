#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Scenarios that users of security groups know, from Neutron's firewall tests
and OVN's ACL tests.  doc/contract-tests.md says where the others are."""
import itertools

from harness import Lab, frames, run, test

EVERYONE = '"198.18.0.9", "2001:db8:9::9"'


def group(name, ingress='', egress=None):
    return 'group "%s" { ingress = { %s }%s }\n' % (
        name, ingress, '' if egress is None else ', egress = { %s }' % egress)


def policy(ingress='', egress=None, more=''):
    """Guest vm is in "vm", which has these rules; peer may do all."""
    return (group('vm', ingress, egress) + group('peer', 'all { from = any }')
            + group('friends', '') + more)


def one():
    lab = Lab(policy())
    lab.guest('vm', 'vm')
    lab.guest('peer', 'peer')
    lab.guest('friend', 'friends')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def both_ways(lab, proto, port, into, out, why=None):
    """From the other guest and from outside."""
    for other in (lab.peer, lab.client):
        lab.expect(other, lab.vm, proto, port, into, why=why)
        lab.expect(lab.vm, other, proto, port, out, why=why)


# Rules.

@test('ingress of ICMP: off, on, and off again', lab=one, fresh=True)
def _(lab):
    on = ('icmp { "echo-request", from = any }, '
          'icmp6 { "echo-request", from = any }')
    for rules, allowed in (('', False), (on, True), ('', False)):
        lab.reload(policy(rules))
        both_ways(lab, 'icmp', None, allowed, True)
        lab.expect(lab.client, lab.vm, 'udp', 7, False)


@test('one protocol and direction is opened, the others stay closed',
      lab=one, fresh=True)
def _(lab):
    for proto, other in (('tcp', 'udp'), ('udp', 'tcp')):
        lab.reload(policy('%s { 4000, from = any }' % proto, ''))
        both_ways(lab, proto, 4000, True, False)
        both_ways(lab, other, 4000, False, False)
        lab.reload(policy('', '%s { 4000, to = any }' % proto))
        both_ways(lab, proto, 4000, False, True)
        both_ways(lab, other, 4000, False, False)


@test('ports 12345-12346, and their neighbours', lab=one, fresh=True)
def _(lab):
    for proto in ('tcp', 'udp'):
        lab.reload(policy('%s { "12345-12346", from = any }' % proto,
                          '%s { "12345-12346", to = any }' % proto))
        for port in range(12344, 12348):
            allowed = port in (12345, 12346)
            both_ways(lab, proto, port, allowed, allowed)


@test('a remote group is let in, with its protocol, and not the other way',
      lab=one, fresh=True)
def _(lab):
    lab.reload(policy('tcp { 4000, from = group "friends" }', '')
               + 'members "friends" { %s }' % EVERYONE)
    for friend in (lab.friend, lab.client):
        lab.expect(friend, lab.vm, 'tcp', 4000, True)
        lab.expect(friend, lab.vm, 'tcp', 4001, False)
        lab.expect(friend, lab.vm, 'udp', 4000, False)
        lab.expect(friend, lab.vm, 'icmp', None, False)
        lab.expect(lab.vm, friend, 'tcp', 4000, False)
        lab.connect(friend, lab.vm, 'tcp', 4000).expect_alive('its answers')
    lab.expect(lab.peer, lab.vm, 'tcp', 4000, False, why='no friend')


@test('a connection between guests needs the egress of one and the ingress '
      'of the other', lab=one, fresh=True)
def _(lab):
    yes = 'tcp { 4000, %s = any }'
    for out, into in itertools.product((False, True), repeat=2):
        lab.reload(policy('', yes % 'to' if out else '')
                   .replace('group "friends" { ingress = {',
                            'group "friends" { ingress = { '
                            + (yes % 'from' if into else '')))
        lab.expect(lab.vm, lab.friend, 'tcp', 4000, out and into)


@test('protocols without ports: their answers pass, and no other protocol',
      lab=one, fresh=True)
def _(lab):
    lab.reload(policy('ip { protocol = 47, from = any }', ''))
    for family in (4, 6):
        gre = lab.client.first_frame(lab.vm, '47', family=family)
        lab.deliver(lab.client, lab.vm, gre, True, 'GRE')
        answer = lab.vm.first_frame(lab.client, '47', family=family)
        lab.deliver(lab.vm, lab.client, answer, True, 'its answer',
                    ct=('trk,est,rpl',) * 3)
        for number in ('50', '4'):
            lab.expect(lab.client, lab.vm, number, None, False,
                       family=family)
            lab.expect(lab.vm, lab.client, number, None, False,
                       family=family)
    lab.expect(lab.vm, lab.peer, '47', None, False, why='no answer')


@test('invalid packets never pass', lab=one, fresh=True)
def _(lab):
    lab.reload(policy('all { from = any }', 'all { to = any }'))

    def broken(frame):
        return frame[:-1] + bytes([frame[-1] ^ 1])
    for family in (4, 6):
        for frm, to in ((lab.client, lab.vm), (lab.vm, lab.client),
                        (lab.vm, lab.peer), (lab.peer, lab.vm)):
            for what in ('tcp', 'udp'):
                frame = getattr(frm, what)(to, 4000, family)
                lab.deliver(frm, to, broken(frame), False,
                            'a wrong checksum')
            conn = lab.connect(frm, to, 'udp', 4000, family)
            lab.deliver(frm, to, broken(conn.forward_frame()), False,
                        'a wrong checksum in a connection')
            conn.expect_alive('after it')


# What a guest may send without a rule.

@test('spoofed DHCP: requests with the MAC or the address of another',
      lab=one)
def _(lab):
    vm, peer = lab.vm, lab.peer

    def request(mac, src, chaddr):
        return frames.dhcp_frame(mac, frames.BROADCAST, src,
                                 '255.255.255.255', True,
                                 frames.dhcp(1, chaddr, 1))
    lab.expect_out(vm, request(vm.mac, '0.0.0.0', vm.mac),
                   ['uplink'], 'its own', may=lab.guarded)
    for why, frame in (('MAC', request(peer.mac, '0.0.0.0', peer.mac)),
                       ('address', request(vm.mac, peer.v4, vm.mac))):
        lab.expect_out(vm, frame, [], 'another ' + why, exactly=True)
    for mac, src in ((peer.mac, peer.link_local), (vm.mac, peer.link_local),
                     (vm.mac, peer.v6)):
        frame = frames.dhcp6_frame(mac, frames.multicast_mac('ff02::1:2'),
                                   src, 'ff02::1:2', True, 1)
        lab.expect_out(vm, frame, [], 'DHCPv6 as another', exactly=True)


@test('RARP after a migration, and MLD: only as oneself', lab=one)
def _(lab):
    vm, peer = lab.vm, lab.peer
    lab.expect_out(vm, frames.rarp(vm.mac), ['uplink'], 'RARP',
                   may=lab.guarded)
    lab.expect_out(vm, frames.rarp(peer.mac), [], 'RARP of another',
                   exactly=True)
    for mac, src, allowed in ((vm.mac, vm.link_local, True),
                              (peer.mac, vm.link_local, False),
                              (vm.mac, peer.link_local, False)):
        lab.expect_out(vm, frames.mld_report(mac, src, 'ff02::fb'),
                       ['uplink'] if allowed else [], 'MLD from %s' % src,
                       exactly=True, may=lab.guarded)


# Changes.

@test('a member joins and leaves while a ping runs', lab=one, fresh=True)
def _(lab):
    text = policy('icmp { "echo-request", from = group "friends" }, '
                  'icmp6 { "echo-request", from = group "friends" }, '
                  'tcp { 4000, from = group "friends" }')
    lab.reload(text)
    pings = [lab.connect(lab.friend, lab.vm, 'icmp', family=family)
             for family in (4, 6)]
    mine = {}
    for n in range(3):
        def tick():
            for ping in pings:
                ping.expect_alive('another member comes or goes')
        for members, allowed in ((EVERYONE, True), ('', False)):
            lab.write_policy(text + 'members "friends" { %s }' % members)
            lab.during(['reload'], tick)
            lab.during(['wait', '--timeout=20'], tick)
            lab.sandbox.purge_megaflows()
            lab.expect(lab.client, lab.vm, 'icmp', None, allowed)
            if allowed:
                mine = [lab.connect(lab.client, lab.vm, 'icmp', family=f)
                        for f in (4, 6)]
            else:
                for ping in mine:
                    ping.expect_cut('it left')


@test('of two rules for one remote group that overlap one goes', lab=one,
      fresh=True)
def _(lab):
    wide = 'tcp { "4000-4010", from = group "friends" }'
    narrow = 'tcp { "4005-4020", from = group "friends" }'
    both = policy(wide + ', ' + narrow)
    for left, alive, cut in ((wide, (4000, 4005, 4010), (4011, 4020)),
                             (narrow, (4005, 4010, 4020), (4000, 4004))):
        lab.reload(both)
        conns = {port: lab.connect(lab.friend, lab.vm, 'tcp', port)
                 for port in alive + cut}
        lab.reload(policy(left))
        for port in alive:
            conns[port].expect_alive('%d is still allowed' % port)
            lab.expect(lab.friend, lab.vm, 'tcp', port, True)
        for port in cut:
            conns[port].expect_cut('%d is not' % port)
            lab.expect(lab.friend, lab.vm, 'tcp', port, False)


@test('a group that ports have and rules name is removed while in use',
      lab=one, fresh=True)
def _(lab):
    lab.reload(policy('tcp { 4000, from = group "friends" }, '
                      'tcp { 4001, from = any }'))
    gone = lab.connect(lab.friend, lab.vm, 'tcp', 4000)
    stay = lab.connect(lab.peer, lab.vm, 'tcp', 4001)
    lab.allow_log('friend')
    # Not while a rule names it.
    lab.write_policy(policy('tcp { 4000, from = group "friends" }').replace(
        group('friends', ''), ''))
    result = lab.agent.ctl('reload')
    lab.check(result.status == 1
              and 'group "friends" is not defined' in result.out + result.err,
              str(result))
    gone.expect_alive('the old policy stays')
    lab.reload(policy('tcp { 4001, from = any }').replace(
        group('friends', ''), ''))
    lab.expect_state(lab.friend, 'error', 'group "friends" is not defined')
    gone.expect_cut('its group is gone')
    lab.expect(lab.friend, lab.vm, 'tcp', 4001, False)
    lab.expect(lab.peer, lab.friend, 'tcp', 4001, False)
    stay.expect_alive('of another port')


@test('no packet sees half a change: what both policies refuse never passes',
      lab=one, fresh=True)
def _(lab):
    # Rules of the one with members of the other would let these in.
    peers = ('"198.18.0.9", "2001:db8:9::9"', '"198.18.7.7"')
    policies = [policy('tcp { %d, from = group "friends" }' % port)
                + 'members "friends" { %s }' % who
                for port, who in zip((4000, 4001), peers)]
    lab.set_ids(lab.friend, sg_groups='default')
    stranger = lab.remote('stranger', '198.18.7.7')
    lab.reload(policies[0])
    count = 0

    def tick():
        lab.expect(lab.client, lab.vm, 'tcp', 4001, False, why='half of it')
        lab.expect(stranger, lab.vm, 'tcp', 4000, False, family=4,
                   why='half of it')
    for n in range(6):
        lab.write_policy(policies[(n + 1) % 2])
        count += lab.during(['reload'], tick)
        count += lab.during(['wait', '--timeout=20'], tick)
    lab.check(count > 50, 'only %d times' % count)
    lab.expect(lab.client, lab.vm, 'tcp', 4000, True)


# What is on the bridge.

@test('all that is installed has the cookie, and none priority 0 in table 0',
      lab=one, fresh=True)
def _(lab):
    mgmt = lab.sandbox.mgmt('br0')
    text = lab.sandbox.ofctl('-O', 'OpenFlow15', 'dump-flows', mgmt)
    flows = [line for line in text.split('\n') if 'cookie=' in line]
    lab.check(len(flows) > 100, 'only %d flows' % len(flows))
    for line in flows:
        lab.check('cookie=0x5347' in line, line)
        if 'table=0,' in line:
            lab.check('priority=0,' not in line and 'priority=' in line, line)
    lab.equal(lab.sandbox.ofctl('-O', 'OpenFlow15', 'dump-groups',
                                mgmt).count('group_id'), 0, 'groups')


run()
