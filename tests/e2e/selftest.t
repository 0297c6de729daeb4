#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The harness itself, on a plain switch with flows written by hand: what it
calls arrived did arrive, and the other way round."""
import time

from harness import Lab, Tcp, Udp, frames, run, test
from harness.process import PATIENCE

# Port 1 may open connections to TCP port 80 and UDP port 53 of port 2.
FLOWS = """
table=0,priority=10,arp actions=NORMAL
table=0,priority=10,icmp6,icmp_type=135 actions=NORMAL
table=0,priority=5,ip actions=ct(table=1,zone=7)
table=0,priority=5,ipv6 actions=ct(table=1,zone=7)
table=1,priority=20,ct_state=+inv+trk actions=drop
table=1,priority=10,ct_state=+est+trk actions=NORMAL
table=1,priority=10,ct_state=+rel+trk actions=NORMAL
table=1,priority=5,ct_state=+new+trk,tcp,in_port=1,tp_dst=80 actions=ct(commit,zone=7),NORMAL
table=1,priority=5,ct_state=+new+trk,tcp6,in_port=1,tp_dst=80 actions=ct(commit,zone=7),NORMAL
table=1,priority=5,ct_state=+new+trk,udp,in_port=1,tp_dst=53 actions=ct(commit,zone=7),NORMAL
table=1,priority=5,ct_state=+new+trk,udp6,in_port=1,tp_dst=53 actions=ct(commit,zone=7),NORMAL
"""


def plain():
    lab = Lab(agent=False)
    lab.guest('a')
    lab.guest('b')
    lab.start()
    path = lab.sandbox.path('flows')
    with open(path, 'w') as f:
        f.write(FLOWS)
    lab.sandbox.ofctl('add-flows', lab.sandbox.mgmt('br0'), path)
    for host in (lab.a, lab.b):         # Teach NORMAL who is where.
        lab.send(host, frames.arp_request(host.mac, host.v4, '192.0.2.99'))
    return lab


@test('ARP and ND go through', lab=plain)
def _(lab):
    a, b = lab.a, lab.b
    lab.expect_out(a, frames.arp_request(a.mac, a.v4, b.v4), [b], 'request')
    lab.expect_out(b, frames.arp_reply(b.mac, b.v4, a.mac, a.v4), [a], 'reply')
    lab.expect_out(a, frames.nd_solicit(a.mac, a.v6, b.v6), [b], 'solicit')


@test('a TCP connection, IPv4 and IPv6, in both directions', lab=plain)
def _(lab):
    for family in (4, 6):
        conn = lab.connect(lab.a, lab.b, 'tcp', 80, family)
        for _ in range(3):
            conn.expect_alive('established')


@test('UDP, its answers, and what is not allowed', lab=plain)
def _(lab):
    for family in (4, 6):
        lab.connect(lab.a, lab.b, 'udp', 53, family).expect_alive('open')
    lab.expect(lab.a, lab.b, 'udp', 54, False)
    lab.expect(lab.a, lab.b, 'icmp', None, False, family=4)
    lab.expect(lab.b, lab.a, 'tcp', 80, False)


@test('conntrack takes an ICMP error for what it is', lab=plain)
def _(lab):
    for family in (4, 6):
        conn = Udp(lab.a, lab.b, 53, family)
        conn.forward(True)
        error = conn.error_about(conn.forward_frame())
        lab.deliver(lab.b, lab.a, error, True, 'port unreachable')


@test('conntrack sees wrong checksums and stray segments', lab=plain)
def _(lab):
    good = lab.a.tcp(lab.b, 80)
    lab.deliver(lab.a, lab.b, good[:-1] + bytes([good[-1] ^ 1]), False,
                'a wrong checksum')
    stray = Tcp(lab.a, lab.b, 81)
    stray.forward(False, 'data without a connection')


@test('a failing check says what was sent, expected and seen', lab=plain)
def _(lab):
    lab.expect(lab.a, lab.b, 'tcp', 81, True, family=4)
    text, lab.failures = '\n'.join(lab.failures), []
    for word in ('did not arrive at b', 'sent at  a', '192.0.2.2.81 [SYN]',
                 'seen at  nowhere', 'bridge("br0")', 'Datapath actions'):
        lab.check(word in text, 'lacks "%s":\n%s' % (word, text))


@test('a frame at a third guarded port is a leak', lab=plain, fresh=True)
def _(lab):
    lab.guest('c')
    lab.apply()
    lab.sandbox.ofctl('add-flow', lab.sandbox.mgmt('br0'),
                      'priority=99,in_port=1,tcp,tp_dst=7 actions=flood')
    lab.expect(lab.a, lab.b, 'tcp', 7, True, family=4)
    text, lab.failures = '\n'.join(lab.failures), []
    lab.check('LEAKED to c' in text, 'not seen:\n' + text)


@test('flow changes are counted', lab=plain)
def _(lab):
    with lab.watch_flows() as watch:
        lab.sandbox.ofctl('add-flow', lab.sandbox.mgmt('br0'),
                          'table=9,priority=1,in_port=77 actions=drop')
        lab.equal(len(watch.take()), 1, 'one flow added')
        lab.sandbox.ofctl('del-flows', lab.sandbox.mgmt('br0'),
                          'table=9,in_port=77')
        events = watch.take()
        lab.check(len(events) == 1 and 'DELETED' in events[0], events)
        lab.equal(watch.take(), [], 'and nothing else')


@test('a switch that restarts has its ports, but no flows', lab=plain,
      fresh=True)
def _(lab):
    lab.sandbox.kill_vswitchd()
    lab.sandbox.start_vswitchd()
    lab.sandbox.wait_configured()
    lab.expect(lab.a, lab.b, 'tcp', 80, False, why='secure, without flows')


@test('1,000 packets a second and more', lab=plain, fresh=True)
def _(lab):
    conn = lab.connect(lab.a, lab.b, 'udp', 53)
    frame = conn.forward_frame()
    start = time.monotonic()
    arrived = 0
    for _ in range(50):
        lab.sandbox.feed('a', [frame] * 60)
        arrived += len(lab.sandbox.collect().get('b', ()))
    seconds = time.monotonic() - start
    lab.equal(arrived, 3000, 'all arrive')
    lab.check(seconds < 3 * PATIENCE, '3,000 packets took %.1f s' % seconds)


run()
