#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A thousand guarded ports with a thousand different sets of groups on one
bridge: broadcast and multicast reach those whose rules allow it, and a packet
never asks more of the datapath than the kernel's queue of deferred actions
(10) has room for."""
import re

from harness import Lab, frames, run, test
from harness.guest import mac_of
from harness.tap import diag

PORTS = 1000
QUEUE = 10
SHARED = ['shared%d' % n for n in range(11)]


def policy():
    """Port N has a group of its own, and some that it shares with others."""
    parts = ['group "%s" { ingress = { udp { %d, from = "10.0.0.0/8" }, '
             'udp { %d, from = any } } }' % (name, 1000 + n, 2000 + n)
             for n, name in enumerate(SHARED)]
    parts += ['group "own%d" { ingress = { udp { %s, from = any } } }'
              % (n, '5353' if n % 2 else '5354') for n in range(PORTS)]
    return '\n'.join(parts)


def groups_of(n):
    return ' '.join(['own%d' % n] + [name for bit, name in enumerate(SHARED)
                                     if n >> bit & 1])


def address(n):
    return '10.1.%d.%d' % (n >> 8, n & 255)


def crowd():
    """Of most ports what leaves is only counted."""
    lab = Lab(policy())
    for n in range(PORTS):
        lab._words += ['--', 'add-port', 'br0', 'p%d' % n, '--', 'set',
                       'Interface', 'p%d' % n,
                       *lab.sandbox.make_device('p%d' % n, keep=False),
                       'ofport_request=%d' % (n + 1),
                       'external_ids:sg-groups="%s"' % groups_of(n),
                       'external_ids:attached-mac="%s"' % mac_of(n + 1),
                       'external_ids:sg-addresses="%s"' % address(n)]
    lab.trusted('uplink', ofport=5000)
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    lab.apply()
    lab.agent.start()
    lab.agent.wait(timeout=120)
    lab.sandbox.purge_megaflows()
    return lab


def receivers(lab, port, frame):
    before = lab.sandbox.sent('br0')
    lab.sandbox.feed(port, [frame])
    after = lab.sandbox.sent('br0')
    return {name: after[name] - before[name] for name in after
            if after[name] != before[name] and name.startswith('p')}


def multicast(mac, ip, dport):
    return frames.udp_frame(mac, frames.multicast_mac('224.0.0.251'), ip,
                            '224.0.0.251', 4711, dport)


@test('multicast reaches each of a thousand profiles that allows it, once',
      lab=crowd)
def _(lab):
    client = lab.client
    for dport, wanted in ((5353, lambda n: n % 2), (5354, lambda n: not n % 2),
                          (2003, lambda n: n >> 3 & 1), (999, lambda n: 0)):
        expected = {'p%d' % n: 1 for n in range(PORTS) if wanted(n)}
        for name, mac, ip in (('uplink', client.mac, client.v4),
                              ('p7', mac_of(8), address(7))):
            seen = receivers(lab, name, multicast(mac, ip, dport))
            wrong = {port for port in seen.keys() | expected.keys()
                     if port != name and
                     seen.get(port) != expected.get(port)}
            lab.check(name not in seen and not wrong,
                      'port %d from %s: %d get it, %d should; wrong: %s' % (
                          dport, name, len(seen), len(expected),
                          sorted(wrong)[:10]))


def deferred(lab, port, frame):
    """What the datapath may have to put off for a frame: each recirculation
    and each clone, of all its ways, at worst at the same time."""
    lab.sandbox.purge_megaflows()
    lab.sandbox.feed(port, [frame])
    actions = re.findall(r'actions:(.*)$',
                         lab.sandbox.appctl('dpctl/dump-flows'), re.M)
    return sum(len(re.findall(r'\b(?:recirc|clone|sample)\(', line))
               for line in actions)


@test('no packet fills the queue of deferred actions of a kernel', lab=crowd)
def _(lab):
    client = lab.client
    guest = (mac_of(8), address(7))
    for least, what, port, frame in (
            (2, 'multicast of the uplink', 'uplink',
             multicast(client.mac, client.v4, 5353)),
            (2, 'multicast of a guest', 'p7', multicast(*guest, 5353)),
            (2, 'a broadcast', 'p7', frames.udp_frame(
                guest[0], frames.BROADCAST, guest[1], '255.255.255.255', 1,
                5353)),
            (0, 'a request for an address', 'p7', frames.arp_request(
                *guest, '10.9.9.9')),
            (4, 'a datagram to a guest', 'p7', frames.udp_frame(
                guest[0], mac_of(10), guest[1], address(9), 1, 5353)),
            (2, 'a datagram from outside', 'uplink', frames.udp_frame(
                client.mac, mac_of(10), client.v4, address(9), 1, 5353))):
        count = deferred(lab, port, frame)
        diag('%s: %d' % (what, count))
        lab.check(least <= count < QUEUE, '%s: %d' % (what, count))


run()
