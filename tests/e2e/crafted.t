#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Frames that no honest host sends: each of them once went where it should
not, or had an effect that it should not have."""
from harness import Lab, frames, run, test

OTHER_MAC = '52:54:00:99:99:99'
POLICY = '''
group "open" { ingress = { all { from = any } } }
group "out" {
  ingress = { udp { 5000, from = any }, tcp { 443, from = any },
              sctp { 80, from = any } },
  egress = { %s },
}
group "mute" { egress = { tcp { 443, to = any } } }
'''
EGRESS = 'udp { 5000, to = any }, tcp { 443, to = any }, sctp { 9, to = any }'


def opened():
    lab = Lab(POLICY % EGRESS)
    lab.guest('vm', 'open')
    lab.guest('peer', 'open')
    lab.guest('router', 'open', ids={'sg-addresses': '0.0.0.0/0 ::/0'})
    lab.guest('lax', 'open', ids={'sg-port-security': 'false'})
    lab.guest('out1', 'out')
    lab.guest('mute1', 'mute')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


# Of an option that comes twice Open vSwitch takes none, and Linux the first.

def solicit(host, target, options):
    dst = frames.solicited_node(target)
    body = frames.icmp6(host.v6, dst, 135, 0, bytes(4),
                        frames.ip_bytes(target) + options)
    return frames.eth(host.mac, frames.multicast_mac(dst), frames.ETH_IPV6,
                      frames.ipv6(host.v6, dst, frames.ICMP6, body, 255))


def advertise(host, to, options):
    body = frames.icmp6(host.v6, to.v6, 136, 0, bytes(4),
                        frames.ip_bytes(host.v6) + options)
    return frames.eth(host.mac, to.mac, frames.ETH_IPV6,
                      frames.ipv6(host.v6, to.v6, frames.ICMP6, body, 255))


@test('ND with an option twice is dropped, whoever\'s MAC is in it',
      lab=opened)
def _(lab):
    for vm in (lab.vm, lab.router):
        for macs in ((OTHER_MAC, OTHER_MAC), (OTHER_MAC, vm.mac),
                     (vm.mac, OTHER_MAC)):
            twice = [b''.join(frames.nd_option(kind, mac) for mac in macs)
                     for kind in (1, 2)]
            lab.expect_out(vm, solicit(vm, lab.peer.v6, twice[0]), [],
                           'NS of %s, %s' % (vm, macs), exactly=True)
            lab.expect_out(vm, advertise(vm, lab.peer, twice[1]), [],
                           'NA of %s, %s' % (vm, macs), exactly=True)
    lax = lab.lax
    twice = frames.nd_option(1, OTHER_MAC) * 2
    lab.expect_out(lax, solicit(lax, lab.peer.v6, twice), ['uplink'],
                   'without port security', may=lab.guarded)


def arp(host, dst_mac, ethertype, *fields):
    return frames.eth(host.mac, dst_mac, ethertype, frames.arp(*fields))


@test('ARP and RARP that give an address to nobody, or somebody else\'s, are '
      'dropped', lab=opened)
def _(lab):
    vm, peer, zero = lab.vm, lab.peer, '0.0.0.0'
    for why, ethertype, fields in (
            ('ARP answer for no address', frames.ETH_ARP,
             (2, vm.mac, zero, peer.mac, peer.v4)),
            ('RARP answer', frames.ETH_RARP,
             (4, vm.mac, vm.v4, OTHER_MAC, '192.0.2.66')),
            ('RARP answer without sender', frames.ETH_RARP,
             (4, vm.mac, zero, OTHER_MAC, '192.0.2.66')),
            ('ARP request as RARP', frames.ETH_RARP,
             (1, vm.mac, peer.v4, frames.ZERO_MAC, '192.0.2.66')),
            ('RARP with another address', frames.ETH_RARP,
             (3, vm.mac, peer.v4, vm.mac, zero))):
        for dst in (peer.mac, frames.BROADCAST):
            lab.expect_out(vm, arp(vm, dst, ethertype, *fields), [], why,
                           exactly=True)
    lab.expect_out(vm, frames.rarp(vm.mac), ['uplink'], 'its own RARP')


# What a guest sends to its own MAC meets egress and ingress in one zone.

def to_itself(guest, to, proto, payload):
    return frames.ip_frame(guest.mac, guest.mac, guest.v4, to.v4, proto,
                           payload)


@test('a frame to its sender leaves no connection', lab=opened, fresh=True)
def _(lab):
    guest, client = lab.out1, lab.client
    before = lab.sandbox.conntrack()
    for payload in (
            (frames.UDP, frames.udp(guest.v4, client.v4, 4000, 5000, b'x')),
            (frames.TCP, frames.tcp(guest.v4, client.v4, 4000, 443,
                                    frames.SYN, 1)),
            (frames.SCTP, frames.sctp(4000, 9))):
        lab.expect_out(guest, to_itself(guest, client, *payload), [],
                       'to itself', exactly=True)
    lab.expect_out(guest, frames.arp_request(guest.mac, guest.v4, guest.v4,
                                             dst=guest.mac), [], 'ARP',
                   exactly=True)
    lab.equal(lab.sandbox.conntrack(), before, 'connections')


@test('a frame to its sender does not outwit a revocation', lab=opened,
      fresh=True)
def _(lab):
    guest, client = lab.out1, lab.client
    lab.send(guest, to_itself(guest, client, frames.UDP, frames.udp(
        guest.v4, client.v4, 4000, 5000, b'x')))
    there = guest.udp(client, 5000, sport=4000)
    lab.deliver(guest, client, there, True, 'allowed')
    lab.reload(POLICY % 'tcp { 443, to = any }')
    lab.deliver(guest, client, there, False, 'revoked')


# In userspace the SYN of the far end is "new", like that of this one, and the
# port that rules are asked about is that of the connection.  The far end
# chooses 0 to begin with, so that what comes then is in the window.

def syn_back(guest, client):
    return client.tcp(guest, 4000, sport=443, seq=0)


def syn_ack(guest, client):
    return client.tcp(guest, 4000, sport=443, seq=0, ack=1001,
                      flags=frames.SYN | frames.ACK)


def ack(guest, client):
    return guest.tcp(client, 443, sport=4000, seq=1001, ack=1,
                     flags=frames.ACK)


@test('TCP of which both ends begin: the far end\'s SYN is an answer',
      lab=opened, fresh=True)
def _(lab):
    client = lab.client
    for guest in (lab.mute1, lab.out1):
        lab.deliver(guest, client, guest.tcp(client, 443, sport=4000), True,
                    'SYN')
        for frame in (syn_back(guest, client), syn_ack(guest, client)):
            lab.deliver(client, guest, frame, True, 'its answer')
        lab.deliver(guest, client, ack(guest, client), True, 'ACK')


@test('TCP of which both ends begin is revoked by the rule of the first',
      lab=opened, fresh=True)
def _(lab):
    guest, client = lab.out1, lab.client
    lab.deliver(guest, client, guest.tcp(client, 443, sport=4000), True, 'SYN')
    lab.deliver(client, guest, syn_back(guest, client), True, 'SYN back')
    lab.deliver(client, guest, syn_ack(guest, client), True, 'SYN and ACK')
    lab.reload(POLICY % 'udp { 5000, to = any }')
    lab.deliver(guest, client, ack(guest, client), False, 'revoked')
    lab.deliver(client, guest, syn_ack(guest, client), False, 'revoked, too')


@test('a SYN of the far end does not bring back what was revoked',
      lab=opened, fresh=True)
def _(lab):
    guest, client = lab.out1, lab.client
    lab.deliver(guest, client, guest.tcp(client, 443, sport=4000), True, 'SYN')
    lab.reload(POLICY % 'udp { 5000, to = any }')
    for _ in range(2):
        lab.send(client, syn_back(guest, client))
        lab.deliver(client, guest, syn_ack(guest, client), False, 'answer')
        lab.deliver(guest, client, ack(guest, client), False, 'ACK')


# Two guests in two VLANs may have the same address, and fragments of the same
# datagram number.

SAME = ('10.0.0.1', '2001:db8::a')


def two_vlans():
    lab = Lab('group "casts" { ingress = { udp { 5353, from = any } } }')
    for tag in (10, 20):
        for name, ips in (('one', SAME), ('two', ['10.0.0.2'])):
            lab.guest('%s%d' % (name, tag), 'casts', tag=tag, ips=ips,
                      ids={'sg-network': 'net%d' % tag})
    lab.uplink()
    return lab.start()


def multicast(host, v6, ident):
    src, dst = (SAME[1], 'ff02::fb') if v6 else (SAME[0], '239.1.1.1')
    frame = frames.udp_frame(host.mac, frames.multicast_mac(dst), src, dst,
                             5353, 5353, b'x' * 2000)
    return frames.fragments(frame, 1440, ident)


@test('fragments of two VLANs make no datagram', lab=two_vlans)
def _(lab):
    for v6 in (False, True):
        for ident, (x, y) in enumerate(((0, 1), (1, 0)), 100):
            for host, at in ((lab.one10, x), (lab.one20, y)):
                lab.expect_out(host, multicast(host, v6, ident)[at], [],
                               'one of each', exactly=True)
        for host in (lab.one10, lab.one20):
            parts = multicast(host, v6, 200)
            lab.expect_out(host, parts[0], [], 'the first', exactly=True)
            out = lab.send(host, parts[1])
            lab.equal(sorted(out), ['two' + host.name[3:], 'uplink'],
                      'a whole one of ' + host.name)


run()
