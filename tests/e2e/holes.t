#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Whoever deletes one of our flows by hand opens nothing, also before the
agent puts it back (CONTRACT section 4, point 6).

With the agent stopped, each flow is taken away by itself, and a number of
frames that are refused for different reasons must still be."""
import itertools
import re

from harness import Lab, frames, run, test
from harness.frames import ACK, RST, SYN
from harness.process import wait_until

POLICY = '''
group "srv" {
  ingress = { tcp { 80, from = any }, sctp { 80, from = any },
              udp { { 53%s }, from = any } },
}
group "shut" { ingress = {}, egress = {} }
group "tagged" { ingress = { udp { 53, from = any } } }
'''
REVIEW = 'cookie=0x53479'
OTHERS = 6              # Flows of policy and ports tried, of each table.
WRONG_MAC, WRONG_V4, WRONG_V6 = ('52:54:00:99:99:99', '192.0.2.99',
                                 '2001:db8::99')


def guarded():
    lab = Lab(POLICY % ', 5000')
    lab.guest('srv', 'srv')
    lab.guest('cli', 'srv')
    lab.guest('shut', 'shut')
    lab.guest('full', 'srv', ids={'sg-conntrack-limit': '1'})
    lab.guest('trunk', 'tagged', port=('trunks=10',))
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


class Probes:
    """Frames that must not pass, by the port at which they are sent."""

    def __init__(self, lab):
        self.lab = lab
        self.frames = {}                # Port -> [frame, ...].
        self.why = {}                   # Frame -> text.
        self.anywhere = set()           # Those that may go nowhere at all.
        self.large = []                 # To be sent in fragments.
        self.idents = itertools.count(1)

    def add(self, sender, frame, why, anywhere=False):
        self.frames.setdefault(sender.port, []).append(frame)
        self.why[frames.untagged(frame)] = why
        if anywhere:
            self.anywhere.add(frames.untagged(frame))

    def add_large(self, sender, frame, why, anywhere=False):
        self.large.append((sender, frame, why, anywhere))

    def _cut(self):
        """Adds fragments of all that is large.  Those of last time may still
        wait in the switch, so these are of other datagrams."""
        for sender, frame, why, anywhere in self.large:
            for part in frames.fragments(frame, 1280, next(self.idents)):
                self.add(sender, part, why, anywhere)

    def leaks(self):
        """Sends all; returns what passed, as sentences."""
        self.lab.sandbox.collect()
        whole = {port: list(list_) for port, list_ in self.frames.items()}
        self._cut()
        for port, list_ in self.frames.items():
            self.lab.sandbox.feed(port, list_)
        self.frames = whole
        found = set()
        for port, list_ in self.lab.sandbox.collect().items():
            for frame in map(frames.untagged, list_):
                if frame in self.why and (port in self.lab.guarded or
                                          frame in self.anywhere):
                    found.add('%s at %s' % (self.why[frame], port))
        return found


def to_a_guest(lab, probes):
    client, srv = lab.client, lab.srv
    for sender in (client, lab.cli):
        for family in (4, 6):
            for port in (22, 81):
                probes.add(sender, sender.tcp(srv, port, family), 'a SYN')
            for flags in (ACK, RST, SYN | ACK):
                probes.add(sender, sender.tcp(srv, 80, family, flags, ack=7),
                           'mid-stream TCP')
            probes.add(sender, sender.udp(srv, 54, family), 'a datagram')
            probes.add(sender, sender.echo(srv, family), 'a ping')
            probes.add(sender, sender.sctp(srv, 22, family, 30000),
                       'another port of an SCTP pair')
    good = client.tcp(srv, 80)
    probes.add(client, good[:-1] + bytes([good[-1] ^ 1]), 'a bad checksum')
    for family in (4, 6):
        for sender in (client, lab.cli):
            probes.add_large(sender, sender.udp(srv, 54, family,
                                                data=bytes(2000)),
                             'a fragment')


def to_all(lab, probes):
    client = lab.client
    for ip in ('255.255.255.255', '224.0.0.251'):
        mac = frames.BROADCAST if ip[0] == '2' and ip[1] == '5' \
            else frames.multicast_mac(ip)
        probes.add(client, frames.udp_frame(client.mac, mac, client.v4, ip,
                                            4711, 999), 'multicast')
        probes.add(client, frames.tcp_frame(client.mac, mac, client.v4, ip,
                                            4711, 80, ACK, 1, 1),
                   'multicast TCP')
        probes.add(lab.cli, frames.tcp_frame(lab.cli.mac, mac, lab.cli.v4, ip,
                                             4712, 80, ACK, 1, 1),
                   'multicast TCP of a guest', True)
        probes.add(lab.shut, frames.udp_frame(lab.shut.mac, mac, lab.shut.v4,
                                              ip, 4711, 53),
                   'multicast without a rule', True)
    for family, ip in ((4, '224.0.0.251'), (6, 'ff02::fb')):
        for sender, port in ((client, 999), (lab.cli, 999), (lab.shut, 53)):
            probes.add_large(sender, frames.udp_frame(
                sender.mac, frames.multicast_mac(ip), sender.address(family),
                ip, 4711, port, bytes(2000)), 'multicast in fragments',
                sender is lab.shut)


def from_a_shut_guest(lab, probes):
    shut = lab.shut
    for to in (lab.client, lab.srv):
        for family in (4, 6):
            for frame in (shut.tcp(to, 80, family),
                          shut.tcp(to, 80, family, ACK, ack=7),
                          shut.udp(to, 53, family), shut.echo(to, family),
                          shut.sctp(to, 80, family)):
                probes.add(shut, frame, 'not allowed to leave', True)
    for family in (4, 6):
        probes.add_large(shut, shut.udp(lab.client, 53, family,
                                        data=bytes(2000)),
                         'a fragment not allowed to leave', True)


def spoofed(lab, probes):
    cli, client = lab.cli, lab.client

    def add(frame, why):
        probes.add(cli, frame, why, True)
    for to in (client, lab.srv):
        add(frames.udp_frame(WRONG_MAC, to.mac, cli.v4, to.v4, 1, 53),
            'another MAC')
        add(frames.udp_frame(cli.mac, to.mac, WRONG_V4, to.v4, 1, 53),
            'another IPv4 address')
        add(frames.udp_frame(cli.mac, to.mac, WRONG_V6, to.v6, 1, 53),
            'another IPv6 address')
        add(frames.udp_frame(cli.mac, to.mac, cli.v4, to.v4, 1, 53, vlan=7),
            'another VLAN')
        add(frames.arp_reply(cli.mac, WRONG_V4, to.mac, to.v4),
            'ARP of another')
        add(frames.arp_reply(cli.mac, cli.v4, to.mac, to.v4, WRONG_MAC),
            'ARP with another MAC')
        add(frames.nd_advert(cli.mac, cli.v6, WRONG_V6, to.v6, to.mac),
            'an advertisement for another')
        add(frames.nd_advert(cli.mac, cli.v6, cli.v6, to.v6, to.mac,
                             WRONG_MAC), 'an advertisement of another MAC')
        add(frames.nd_solicit(cli.mac, cli.v6, to.v6, WRONG_MAC, to.v6,
                              to.mac), 'a solicitation of another MAC')
        add(frames.router_advert(cli.mac, cli.link_local, to.v6, to.mac),
            'a router advertisement')
        for src, dst, ports in ((cli.v4, to.v4, (67, 68)),
                                (cli.v6, to.v6, (547, 546))):
            add(frames.udp_frame(cli.mac, to.mac, src, dst, *ports),
                'an answer of a DHCP server')
    add(frames.nd_solicit(cli.mac, cli.v6, lab.srv.v6, WRONG_MAC),
        'a solicitation of another MAC')
    add(frames.nd_advert(cli.mac, cli.v6, WRONG_V6, 'ff02::1',
                         '33:33:00:00:00:01'), 'an advertisement for another')
    add(frames.router_advert(cli.mac, cli.link_local),
        'a router advertisement to all')
    add(frames.udp_frame(cli.mac, frames.BROADCAST, cli.v4,
                         '255.255.255.255', 67, 68), 'a DHCP server to all')


def known_connections(lab, probes):
    """What comes of connections: cut ones, errors about them, and what a full
    zone has no room for.  Before the agent is stopped."""
    client, srv = lab.client, lab.srv
    for family in (4, 6):
        lab.deliver(client, srv, client.sctp(srv, 80, family, 30000), True)
        lab.deliver(srv, client, srv.sctp(client, 30000, family, 80), True)
        lab.deliver(lab.cli, srv, lab.cli.sctp(srv, 80, family, 30000), True)
        lab.deliver(srv, lab.cli, srv.sctp(lab.cli, 30000, family, 80), True)
    cut = [lab.connect(client, srv, 'udp', 5000, family) for family in (4, 6)]
    lab.connect(client, lab.full, 'tcp', 80)     # Lasts longest.
    lab.reload(POLICY % '')
    for connection in cut:
        connection.expect_cut('its rule has gone')
        probes.add(client, connection.forward_frame(), 'a cut connection')
        probes.add(srv, connection.reply_frame(), 'an answer, cut', True)
        probes.add(srv, connection.error_about(connection.forward_frame()),
                   'an error about a cut connection', True)
    probes.add(client, client.udp(lab.full, 53), 'over the limit')


def of_nobody(lab, probes):
    """A port that the agent has never seen, and a foreign flow that would
    forward for it."""
    lab.sandbox.ofctl('add-flow', lab.sandbox.mgmt('br0'),
                      'cookie=0x77,table=0,priority=0,actions=NORMAL')
    lab.sandbox.vsctl('--no-wait', *lab.sandbox.port_command(
        'br0', 'new', {'sg-groups': 'shut'}, 50)[1:])
    lab.check(wait_until(lambda: lab.sandbox.ofport('new') == 50, 10),
              'no port')
    frame = frames.udp_frame(WRONG_MAC, lab.client.mac, WRONG_V4,
                             lab.client.v4, 1, 53)
    probes.frames['new'] = [frame]
    probes.why[frame] = 'of a port nobody knows'
    probes.anywhere.add(frame)


def chosen(flows):
    """All fixed ones, and some of the others of each table."""
    seen = {}
    for flow in flows:
        table = re.search(r'table=\d+|$', flow).group()
        seen[table] = seen.get(table, 0) + ('cookie=0x53470' not in flow)
        if 'cookie=0x53470' in flow or seen[table] <= OTHERS:
            yield flow


def match_of(flow):
    return re.sub(r'^cookie=\w+,\s*', '', flow.split(' actions=')[0])


def without(lab, flow, tick):
    """Calls tick() while 'flow' is away."""
    ofctl = ['-O', 'OpenFlow15', '--strict', 'del-flows',
             lab.sandbox.mgmt('br0'), match_of(flow).replace(' ', '')]
    lab.sandbox.ofctl(*ofctl)
    lab.sandbox.purge_megaflows()
    try:
        return tick()
    finally:
        lab.sandbox.ofctl('-O', 'OpenFlow15', 'add-flow',
                          lab.sandbox.mgmt('br0'), flow)


def prepared(lab):
    """The probes; the agent is stopped, and no review is left."""
    probes = Probes(lab)
    known_connections(lab, probes)
    lab.check(wait_until(lambda: not any(REVIEW in f for f in lab.flows()),
                         60), 'reviews do not end')
    for fill in (to_a_guest, to_all, from_a_shut_guest, spoofed):
        fill(lab, probes)
    lab.agent.freeze()
    if lab.sandbox.DATAPATH == 'netdev':    # The kernel counts their bytes.
        lab.sandbox.appctl('dpctl/ipf-set-max-nfrags', '5000')
    of_nobody(lab, probes)
    return probes


def wrong_tags(lab):
    """What is for the VLAN of a trunk must not come out without its tag."""
    client, trunk = lab.client, lab.trunk
    frame = frames.udp_frame(client.mac, trunk.mac, client.v4, trunk.v4, 4711,
                             53, vlan=10)
    lab.sandbox.feed(client.port, [frame])
    return {'the frame of a VLAN at %s without its tag' % trunk.port
            for out in lab.sandbox.collect().get(trunk.port, ())
            if out == frames.untagged(frame)}


@test('no flow that is deleted by hand opens anything', lab=guarded,
      fresh=True)
def _(lab):
    # The agent is stopped for long, on a busy machine for more than a minute.
    lab.allow_log('somebody else', 'connection', 'log messages',
                  'failed to put', 'no response to inactivity probe')
    probes = prepared(lab)
    before = lab.flows()
    lab.equal(probes.leaks() | wrong_tags(lab), set(), 'with all flows')
    tried = list(chosen(before))
    for flow in tried:
        leaks = without(lab, flow,
                        lambda: probes.leaks() | wrong_tags(lab))
        lab.check(not leaks, 'without\n    %s\n  passed: %s' % (
            flow, '; '.join(sorted(leaks))))
    tables = {re.search(r'table=\d+|$', flow).group() for flow in before}
    lab.equal({re.search(r'table=\d+|$', flow).group() for flow in tried},
              tables, 'tables')
    lab.equal(lab.flows(), before, 'the flows in the end')
    lab.agent.thaw()


run()
