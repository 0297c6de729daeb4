#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What conntrack cannot do by itself: fragments get the verdict of their
datagram, and SCTP ports are judged exactly (CONTRACT section 4, point 1)."""
import time

from harness import Lab, frames, run, test

POLICY = '''
group "srv" {
  ingress = {
    udp { 5000, from = any },
    icmp { "echo-reply", from = "198.18.0.9" },
    sctp { 80, from = any },
  },
}
group "cli" {}
group "quiet" { ingress = { sctp { 80, from = any } }, egress = {} }
group "ping" { ingress = { icmp { "echo-request", from = any } } }
'''
SIZE = 1440             # Userspace conntrack wants at least 1,200 bytes.


def two():
    lab = Lab(POLICY)
    lab.guest('srv1', 'srv')
    lab.guest('cli1', 'cli')
    lab.guest('quiet1', 'quiet')
    lab.guest('ping1', 'ping')
    lab.uplink()
    lab.remote('friend', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


IDENT = [100]


def cut(frame):
    IDENT[0] += 1
    return frames.fragments(frame, SIZE, IDENT[0])


def known(lab, part):
    """By what a fragment is known again.  The kernel cuts what it has put
    together as it came, but chooses a new identification for IPv6."""
    if lab.sandbox.DATAPATH == 'system' and part[12:14] == b'\x86\xdd':
        return part[:58] + bytes(4) + part[62:]
    return part


def expect_datagram(lab, sender, receiver, frame, allowed, why, order=1):
    """All fragments arrive, or none; and none anywhere else."""
    parts = cut(frame)
    expected = [known(lab, part) for part in parts]
    got = []
    for part in parts[::order]:
        for port, seen in lab.send(sender, part).items():
            if port == receiver.port:
                got += [k for k in (known(lab, f) for f in seen)
                        if k in expected]
            else:
                lab.check(port not in lab.guarded, '%s: leaked to %s'
                          % (why, port))
    lab.check(len(set(got)) == (len(parts) if allowed else 0),
              '%s: %d of %d fragments arrived, expected %s'
              % (why, len(set(got)), len(parts),
                 'all' if allowed else 'none'))


def big(sender, receiver, port, family, sport=None):
    return sender.udp(receiver, port, family, sport=sport, data=b'x' * 3500)


def big_answer(server, client, port, family, sport):
    return frames.udp_frame(server.mac, client.mac, server.address(family),
                            client.address(family), port, sport, b'y' * 3500)


def expect_all(lab, server, sport, allowed, why, answers=True):
    """For each client, family and order a connection of fragments, known by
    'sport'."""
    ways = [(client, family, order) for client in (lab.friend, lab.cli1)
            for family in (4, 6) for order in (1, -1)]
    for at, (client, family, order) in enumerate(ways, sport):
        text = '%s: ipv%d of %s, order %d' % (why, family, client, order)
        expect_datagram(lab, client, server,
                        big(client, server, 5000, family, at), allowed, text,
                        order)
        if answers:
            expect_datagram(lab, server, client,
                            big_answer(server, client, 5000, family, at),
                            allowed, text + ', answer', order)


@test('UDP datagrams in fragments: allowed and refused, in any order',
      lab=two)
def _(lab):
    for family in (4, 6):
        for sender in (lab.cli1, lab.friend):
            for order in (1, -1):
                why = 'ipv%d from %s, order %d' % (family, sender, order)
                expect_datagram(lab, sender, lab.srv1,
                                big(sender, lab.srv1, 5000, family), True,
                                why + ', allowed', order)
                expect_datagram(lab, sender, lab.srv1,
                                big(sender, lab.srv1, 5001, family), False,
                                why + ', refused', order)


@test('a sender whose egress forbids it sends no fragment', lab=two)
def _(lab):
    for family in (4, 6):
        for to in (lab.srv1, lab.friend):
            frame = big(lab.quiet1, to, 5000, family)
            for part in cut(frame):
                out = lab.send(lab.quiet1, part)
                lab.check(not out, 'ipv%d to %s: %s' % (family, to,
                                                        sorted(out)))


@test('answers in fragments pass, and the connection gets its number',
      lab=two)
def _(lab):
    for family in (4, 6):
        for client in (lab.cli1, lab.friend):
            why = 'ipv%d of %s' % (family, client)
            sport = 40000 + family
            expect_datagram(lab, client, lab.srv1,
                            big(client, lab.srv1, 5000, family, sport), True,
                            why)
            answer = big_answer(lab.srv1, client, 5000, family, sport)
            expect_datagram(lab, lab.srv1, client, answer, True,
                            why + ', answer')
            expect_datagram(lab, client, lab.srv1,
                            big(client, lab.srv1, 5000, family, sport), True,
                            why + ', more')
            lab.deliver(client, lab.srv1,
                        client.udp(lab.srv1, 5000, family, sport), True,
                        why + ', a whole one')
    lab.check(',mark=0' not in lab.sandbox.conntrack(),
              'a connection is left without its number')


@test('fragments that begin a connection are cut with their rule', lab=two,
      fresh=True)
def _(lab):
    frame = big(lab.friend, lab.srv1, 5000, 4, 40400)
    expect_datagram(lab, lab.friend, lab.srv1, frame, True, 'allowed')
    answer = big_answer(lab.srv1, lab.friend, 5000, 4, 40400)
    expect_datagram(lab, lab.srv1, lab.friend, answer, True, 'its answer')
    lab.reload(POLICY.replace('5000', '5999'))
    expect_datagram(lab, lab.srv1, lab.friend, answer, False, 'answer, cut')
    expect_datagram(lab, lab.friend, lab.srv1, frame, False, 'cut')


@test('fragments of which only some meet a review are not lost', lab=two,
      fresh=True)
def _(lab):
    mgmt = lab.sandbox.mgmt('br0')
    expect_all(lab, lab.srv1, 40500, True, 'before')
    expect_all(lab, lab.srv1, 40600, True, 'before, unanswered', answers=False)
    lab.allow_log('of somebody else is in table')
    # Like the flows of a review (review.c), but only for some fragments: as
    # megaflows of before make it when one begins or ends.
    for kind in ('first', 'later'):
        for proto in ('ip', 'ipv6'):
            for table in (107, 131):
                lab.sandbox.ofctl(
                    'add-flow', mgmt, 'table=%d,priority=111,%s,ip_frag=%s,'
                    'ct_state=-rel-inv+trk,actions=resubmit(,%d)'
                    % (table, proto, kind, table + 1))
        lab.sandbox.purge_megaflows()
        expect_all(lab, lab.srv1, 40500, True, 'only the ' + kind)
        expect_all(lab, lab.srv1, 40600, True,
                   'only the %s, unanswered' % kind, answers=False)
        lab.sandbox.ofctl('del-flows', mgmt, 'cookie=0/-1')
        lab.sandbox.purge_megaflows()
    expect_all(lab, lab.srv1, 40500, True, 'after')


@test('the type of a fragmented ping is judged, not taken for 0', lab=two,
      fresh=True)
def _(lab):
    ping = frames.ip_frame(lab.friend.mac, lab.srv1.mac, lab.friend.v4,
                           lab.srv1.v4, frames.ICMP, frames.echo(
                               lab.friend.v4, lab.srv1.v4, 7, 1,
                               data=b'p' * 3500))
    expect_datagram(lab, lab.friend, lab.srv1, ping, False,
                    'an echo request where only replies may come')
    ping = frames.ip_frame(lab.friend.mac, lab.ping1.mac, lab.friend.v4,
                           lab.ping1.v4, frames.ICMP, frames.echo(
                               lab.friend.v4, lab.ping1.v4, 8, 1,
                               data=b'p' * 3500))
    expect_datagram(lab, lab.friend, lab.ping1, ping, True, 'a big ping')


# Multicast is judged for each receiver, by the ports of its first fragment.

MULTICAST = '''
group "five" { ingress = { udp { 5000, from = any } } }
group "range" {
  ingress = { udp { "4096-6143", from = { "198.18.0.0/15", "192.0.2.0/24",
                                          "2001:db8::/32" } } },
}
group "six" { ingress = { udp { 6000, from = any } } }
group "all" { ingress = { udp { from = any } } }
group "ping" { ingress = { icmp { "echo-request", from = any },
                           icmp6 { "echo-request", from = any } } }
group "pong" { ingress = { icmp { "echo-reply", from = any },
                           icmp6 { "echo-reply", from = any } } }
group "says" { egress = { udp { 5000, to = any }, udp { 6000, to = any },
                          icmp { "echo-request", to = any },
                          icmp6 { "echo-request", to = any } } }
'''
RECEIVERS = ('five', 'range', 'six', 'all', 'ping', 'pong')


def multicast():
    lab = Lab(MULTICAST)
    for name in RECEIVERS:
        lab.guest(name + '1', name)
        lab.guest(name + '2', name)
    lab.guest('says1', 'says')
    lab.uplink()
    lab.trusted('other', ofport=101)
    lab.remote('friend', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def expect_multicast(lab, sender, payload, receivers, trusted=True):
    """A large datagram arrives at 'receivers' and the trusted ports, all of
    its fragments once; or none of them."""
    for family in (4, 6):
        src, dst = sender.address(family), ('224.0.0.251' if family == 4
                                            else 'ff02::fb')
        proto, data = payload(src, dst)
        frame = frames.ip_frame(sender.mac, frames.multicast_mac(dst), src,
                                dst, proto, data)
        wanted = {name + n for name in receivers for n in '12'}
        if trusted:
            wanted |= {'uplink', 'other'} - {sender.port}
        for order in (1, -1):
            parts = cut(frame)
            seen = {}
            for part in parts[::order]:
                for port, out in lab.send(sender, part).items():
                    seen.setdefault(port, []).extend(out)
            for port in wanted | set(seen):
                got = sorted(known(lab, f) for f in seen.get(port, []))
                lab.check(got == (sorted(known(lab, p) for p in parts)
                                  if port in wanted else []),
                          'ipv%d of %s, order %d: %d fragments at %s' % (
                              family, sender, order, len(got), port))


def datagram(port):
    return lambda src, dst: (frames.UDP, frames.udp(src, dst, 4711, port,
                                                    b'm' * 3500))


def large_ping(src, dst):
    return (frames.ICMP6 if ':' in src else frames.ICMP,
            frames.echo(src, dst, 7, 1, data=b'p' * 3500))


@test('multicast in fragments gets the verdict of its datagram', lab=multicast)
def _(lab):
    expect_multicast(lab, lab.friend, datagram(5000), ('five', 'range', 'all'))
    expect_multicast(lab, lab.friend, datagram(6000), ('six', 'range', 'all'))
    expect_multicast(lab, lab.friend, datagram(6144), ('all',))
    expect_multicast(lab, lab.friend, large_ping, ('ping',))
    expect_multicast(lab, lab.says1, datagram(5000), ('five', 'all', 'range'))
    expect_multicast(lab, lab.says1, datagram(6000), ('six', 'all', 'range'))
    expect_multicast(lab, lab.says1, large_ping, ('ping',))


@test('multicast in fragments that egress forbids goes nowhere',
      lab=multicast)
def _(lab):
    expect_multicast(lab, lab.says1, datagram(6001), (), trusted=False)
    expect_multicast(lab, lab.says1, datagram(0xffff), (), trusted=False)


def two_bridges():
    lab = Lab(MULTICAST, bridges=('br0', 'br1'))
    for bridge, n in (('br0', '1'), ('br1', '2')):
        for name in RECEIVERS:
            lab.guest(name + n, name, bridge)
        lab.guest('says' + n, 'says', bridge)
    lab.uplink()
    lab.trusted('other', bridge='br1', ofport=101)
    for name, peer, bridge in (('p0', 'p1', 'br0'), ('p1', 'p0', 'br1')):
        lab._words += ['--', 'add-port', bridge, name, '--', 'set',
                       'Interface', name, 'type=patch', 'options:peer=' + peer]
    lab.remote('friend', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('fragments over a patch port: multicast, and from guest to guest',
      lab=two_bridges)
def _(lab):
    for sender in (lab.friend, lab.says1, lab.says2):
        expect_multicast(lab, sender, datagram(5000),
                         ('five', 'all', 'range'))
        expect_multicast(lab, sender, datagram(6000), ('six', 'all', 'range'))
    expect_multicast(lab, lab.says1, datagram(6001), (), trusted=False)
    for family in (4, 6):
        for sender, receiver in ((lab.says1, lab.five2),
                                 (lab.says2, lab.five1),
                                 (lab.friend, lab.five2)):
            for order in (1, -1):
                why = 'ipv%d, %s to %s, order %d' % (family, sender, receiver,
                                                     order)
                expect_datagram(lab, sender, receiver,
                                big(sender, receiver, 5000, family), True,
                                why, order)
                expect_datagram(lab, sender, receiver,
                                big(sender, receiver, 6000, family), False,
                                why + ', refused', order)


# Datagrams that nobody answers: for Open vSwitch each of them is new.

ONE_WAY = '''
group "srv" { ingress = { udp { %s, from = any }, udp { 53, from = any } } }
group "keep" { ingress = { udp { %s, from = any } }, revocation = "drain" }
group "cli" {}
'''


def one_way():
    lab = Lab(ONE_WAY % ('5000', '5000'))
    lab.guest('srv1', 'srv')
    lab.guest('keep1', 'keep')
    lab.guest('cli1', 'cli')
    lab.uplink()
    lab.remote('friend', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('one-way datagrams: judged and committed once', lab=one_way)
def _(lab):
    for family in (4, 6):
        frame = lab.cli1.udp(lab.srv1, 5000, family, 30100 + family)
        lab.deliver(lab.cli1, lab.srv1, frame, True, 'the first')
        lab.sandbox.purge_megaflows()
        lab.deliver(lab.cli1, lab.srv1, frame, True, 'the second')
        flows = [line for line in lab.sandbox.appctl(
            'dpctl/dump-flows').splitlines() if 'ct(commit' in line]
        lab.equal(flows, [], 'what commits again')


@test('one-way datagrams: fragments among them', lab=one_way)
def _(lab):
    for family in (4, 6):
        sport = 30150 + family
        frame = lab.friend.udp(lab.srv1, 5000, family, sport)
        lab.deliver(lab.friend, lab.srv1, frame, True, 'the first')
        large = big(lab.friend, lab.srv1, 5000, family, sport)
        expect_datagram(lab, lab.friend, lab.srv1, large, True, 'fragments')
        lab.deliver(lab.friend, lab.srv1, frame, True, 'one more')


@test('fragments that begin a connection drain with it', lab=one_way,
      fresh=True)
def _(lab):
    expect_all(lab, lab.keep1, 30600, True, 'allowed')
    expect_all(lab, lab.keep1, 30700, True, 'allowed, unanswered',
               answers=False)
    lab.reload(ONE_WAY % ('5000', '5999'))
    for _ in range(2):
        expect_all(lab, lab.keep1, 30600, True, 'draining')
        expect_all(lab, lab.keep1, 30700, True, 'draining, unanswered',
                   answers=False)
    expect_all(lab, lab.keep1, 30800, False, 'too late', answers=False)


@test('one-way datagrams: revoked at once, and back at once', lab=one_way,
      fresh=True)
def _(lab):
    for family in (4, 6):
        frame = lab.friend.udp(lab.srv1, 5000, family, 30200 + family)
        other = lab.friend.udp(lab.srv1, 53, family, 30300 + family)
        for each in frame, other:
            lab.deliver(lab.friend, lab.srv1, each, True, 'allowed')
            lab.deliver(lab.friend, lab.srv1, each, True, 'again')
        lab.reload(ONE_WAY % ('5999', '5000'))
        for _ in range(3):
            lab.deliver(lab.friend, lab.srv1, frame, False, 'its rule is gone')
            lab.deliver(lab.friend, lab.srv1, other, True, 'its rule stays')
        lab.reload(ONE_WAY % ('5000', '5000'))
        lab.deliver(lab.friend, lab.srv1, frame, True, 'its rule is back')


@test('one-way datagrams: another rule takes over', lab=one_way, fresh=True)
def _(lab):
    frame = lab.friend.udp(lab.srv1, 5000, sport=30400)
    lab.deliver(lab.friend, lab.srv1, frame, True, 'allowed')
    lab.reload(ONE_WAY % ('"4000-6000"', '5000'))
    lab.deliver(lab.friend, lab.srv1, frame, True, 'by another rule')
    lab.reload(ONE_WAY % ('"4000-4999"', '5000'))
    lab.deliver(lab.friend, lab.srv1, frame, False, 'by none')


@test('one-way datagrams: the sender leaves its group', lab=one_way,
      fresh=True)
def _(lab):
    frame = lab.cli1.udp(lab.srv1, 5000, sport=30500)
    lab.deliver(lab.cli1, lab.srv1, frame, True, 'allowed')
    text = ONE_WAY % ('5000', '5000') + 'group "mute" { egress = {} }\n'
    lab.reload(text)
    lab.deliver(lab.cli1, lab.srv1, frame, True, 'still allowed')
    lab.set_ids(lab.cli1, sg_groups='mute')
    lab.deliver(lab.cli1, lab.srv1, frame, False, 'mute')


@test('one-way datagrams: drain', lab=one_way, fresh=True)
def _(lab):
    frame = lab.friend.udp(lab.keep1, 5000, sport=30600)
    lab.deliver(lab.friend, lab.keep1, frame, True, 'allowed')
    lab.reload(ONE_WAY % ('5000', '5999'))
    lab.deliver(lab.friend, lab.keep1, frame, True, 'it drains')
    lab.deliver(lab.friend, lab.keep1,
                lab.friend.udp(lab.keep1, 5000, sport=30601), False,
                'a new one')


@test('SCTP: one allowed port opens no other', lab=two)
def _(lab):
    for family in (4, 6):
        for client in (lab.friend, lab.cli1):
            for server in (lab.srv1, lab.quiet1):
                lab.deliver(client, server,
                            client.sctp(server, 80, family, 30000), True,
                            'allowed')
                back = server.sctp(client, 30000, family, 80)
                lab.deliver(server, client, back, True, 'its answer')
                lab.deliver(client, server,
                            client.sctp(server, 80, family, 30000), True,
                            'allowed, established')
                for port in (22, 79, 81):
                    lab.deliver(client, server,
                                client.sctp(server, port, family, 30000),
                                False, 'another port, from the same')
                    lab.deliver(client, server,
                                client.sctp(server, port, family, 30001),
                                False, 'another port')


@test('SCTP: a guest that may not send answers only', lab=two)
def _(lab):
    for family in (4, 6):
        client, server = lab.friend, lab.quiet1
        lab.deliver(client, server, client.sctp(server, 80, family, 31000),
                    True, 'allowed')
        lab.deliver(server, client, server.sctp(client, 31000, family, 80),
                    True, 'its answer')
        for sport, dport in ((81, 31000), (22, 80)):
            lab.deliver(server, client,
                        server.sctp(client, dport, family, sport), False,
                        'no answer to anything')


@test('SCTP: revoked at once, whoever sends next', lab=two, fresh=True)
def _(lab):
    client, server = lab.friend, lab.quiet1
    there = client.sctp(server, 80, 4, 32000)
    back = server.sctp(client, 32000, 4, 80)
    lab.deliver(client, server, there, True, 'allowed')
    lab.deliver(server, client, back, True, 'its answer')
    lab.reload(POLICY.replace('sctp { 80', 'sctp { 8080'))
    lab.deliver(server, client, back, False, 'answer after the change')
    lab.deliver(client, server, there, False, 'question after the change')


# Conntrack has one entry for all of SCTP between two addresses.

BOTH_ENDS = '''
group "left" {
  ingress = { sctp { 100, from = any } },
  egress = { sctp { 200, to = any } },
}
group "right" {
  ingress = { sctp { 200, from = any } },
  egress = { sctp { 100, to = any } },
}
'''


def both_ends():
    lab = Lab(BOTH_ENDS)
    lab.guest('left1', 'left')
    lab.guest('right1', 'right')
    lab.uplink()
    lab.remote('friend', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('SCTP: two associations of one pair, begun at different ends',
      lab=both_ends)
def _(lab):
    for family in (4, 6):
        for left, right in ((lab.left1, lab.right1), (lab.left1, lab.friend),
                            (lab.friend, lab.right1)):
            why = 'ipv%d, %s and %s' % (family, left, right)
            older = left.sctp(right, 200, family, 3000)
            its_answer = right.sctp(left, 3000, family, 200)
            younger = right.sctp(left, 100, family, 4000)
            answer = left.sctp(right, 4000, family, 100)

            lab.deliver(left, right, older, True, why + ': the older one')
            lab.deliver(right, left, its_answer, True, why + ', answered')
            lab.deliver(left, right, answer, False,
                        why + ': an answer, but nobody has asked')
            for _ in range(2):
                lab.deliver(right, left, younger, True, why + ', the younger')
                lab.deliver(left, right, answer, True, why + ', its answer')
                lab.deliver(left, right, older, True, why + ', older again')
                lab.deliver(right, left, its_answer, True, why + ', answer')
            for sport, dport in ((3000, 201), (101, 4000), (3000, 4000)):
                lab.deliver(left, right,
                            left.sctp(right, dport, family, sport), False,
                            why + ': neither question nor answer')
            for sport, dport in ((4000, 101), (201, 3000), (4000, 3000)):
                lab.deliver(right, left,
                            right.sctp(left, dport, family, sport), False,
                            why + ': neither, the other way')


def graceful(seconds):
    lab = Lab(POLICY.replace('udp { 5000', 'tcp { 5000, from = any }, '
                             'udp { 5000'),
              agent_options=['--midstream-grace=%d' % seconds])
    lab.guest('srv1', 'srv')
    lab.uplink()
    lab.remote('friend', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def short_grace():
    return graceful(4)


def long_grace():
    return graceful(60)


def midstream(lab, port, sport, seq):
    return lab.friend.tcp(lab.srv1, port, 4, frames.ACK, sport, seq, 77)


def wait_for_end_of_grace(lab):
    for _ in range(200):
        if not any(f.startswith('cookie=0x5347a') for f in lab.flows()):
            break
        time.sleep(0.1)
    else:
        lab.check(False, 'the flows of the grace stay')
    lab.agent.wait()


@test('mid-stream TCP: for a time after a port became active',
      lab=long_grace)
def _(lab):
    lab.deliver(lab.friend, lab.srv1, midstream(lab, 5000, 33000, 500), True,
                'allowed by a rule, in the time of grace')
    lab.deliver(lab.friend, lab.srv1, midstream(lab, 5001, 33001, 500), False,
                'not allowed by any rule')


@test('mid-stream TCP: no longer, and not because the agent restarts',
      lab=short_grace)
def _(lab):
    wait_for_end_of_grace(lab)
    lab.deliver(lab.friend, lab.srv1, midstream(lab, 5000, 33002, 500), False,
                'after the time of grace')
    lab.agent.restart()
    lab.agent.wait()
    lab.deliver(lab.friend, lab.srv1, midstream(lab, 5000, 33100, 500), False,
                'after a restart of the agent')


@test('mid-stream TCP: what was let in goes on after the time of grace',
      lab=short_grace, fresh=True)
def _(lab):
    sent = []
    for family in (4, 6):
        for a, b in ((lab.friend, lab.srv1), (lab.srv1, lab.friend)):
            frame = a.tcp(b, 5000, family, frames.ACK, 33000, 500, 77)
            if lab.deliver(a, b, frame):            # Else it was too late.
                sent.append((a, b, frame))
    wait_for_end_of_grace(lab)
    for a, b, frame in sent:
        # One that nobody has answered yet the kernel still calls new.
        lab.deliver(a, b, frame, True, 'it goes on')


@test('mid-stream TCP: for a time after the switch restarted',
      lab=long_grace)
def _(lab):
    lab.allow_log('connection dropped')
    lab.sandbox.kill_vswitchd()
    lab.sandbox.start_vswitchd()
    lab.settle()
    lab.deliver(lab.friend, lab.srv1, midstream(lab, 5000, 33200, 500), True,
                'after a restart of the switch')


def limited():
    lab = Lab(POLICY, agent_options=['--zones=700-800'])
    lab.guest('srv1', 'srv', ids={'sg-conntrack-limit': '3'})
    lab.guest('srv2', 'srv')
    lab.uplink()
    lab.remote('friend', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def fill(lab, count):
    """Opens 'count' connections; all must open."""
    return [lab.connect(lab.friend, lab.srv1, 'udp', 5000)
            for _ in range(count)]


def expect_full(lab, conns):
    """No more, of any kind and in either direction; the others live."""
    lab.expect(lab.friend, lab.srv1, 'udp', 5000, False)
    lab.expect(lab.srv1, lab.friend, 'tcp', 80, False)
    expect_datagram(lab, lab.friend, lab.srv1,
                    big(lab.friend, lab.srv1, 5000, 4), False,
                    'in fragments, over the limit')
    for conn in conns:
        conn.expect_alive('below the limit')
    lab.expect(lab.friend, lab.srv2, 'udp', 5000, True)


@test('sg-conntrack-limit: no new connection over it', lab=limited,
      fresh=True)
def _(lab):
    expect_full(lab, fill(lab, 3))
    zones = {p['zone'] for p in lab.agent.json('list-ports')}
    lab.check(all(700 <= z <= 800 for z in zones), 'zones are %s' % zones)


@test('sg-conntrack-limit: raised, it lets more in', lab=limited, fresh=True)
def _(lab):
    conns = fill(lab, 3)
    lab.set_ids(lab.srv1, sg_conntrack_limit='4')
    expect_full(lab, conns + fill(lab, 1))
    lab.set_ids(lab.srv1, sg_conntrack_limit=None)
    fill(lab, 3)


@test('sg-conntrack-limit: put back after the switch restarted', lab=limited,
      fresh=True)
def _(lab):
    lab.allow_log('connection dropped')
    lab.sandbox.kill_vswitchd()
    lab.sandbox.start_vswitchd()
    lab.settle()
    expect_full(lab, fill(lab, 3))


@test('sg-conntrack-limit: a bad value is an error of that port alone',
      lab=limited, fresh=True)
def _(lab):
    for value in ('0', 'many', '-1'):
        lab.set_ids(lab.srv1, sg_conntrack_limit=value)
        lab.expect_state(lab.srv1, 'error', 'sg-conntrack-limit')
        lab.expect_state(lab.srv2, 'active')


run()
