#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Changes while connections are open (CONTRACT section 4, points 4 and 5).

What only the old state allowed stops at once in both directions, whichever
side sends next; so each case is tried with connections of which the server
sends first after the change, and others of which the client does.  All other
connections lose no packet."""
import contextlib
import itertools
import time

from harness import Failure, Lab, frames, run, test, wait_until
from harness.tiers import three_tier

# TCP, UDP and ping are allowed by one rule each.
OPEN = ['tcp { 80, from = %s }', 'udp { 53, from = %s }',
        'icmp { "echo-request", from = %s }',
        'icmp6 { "echo-request", from = %s }']
KINDS = [('tcp', 80, 4), ('tcp', 80, 6), ('udp', 53, 4), ('udp', 53, 6),
         ('icmp', None, 4), ('icmp', None, 6)]
FRIEND = '"198.18.0.9", "2001:db8:9::9"'


def rules(peer):
    return ', '.join(OPEN) % ((peer,) * len(OPEN))


def policy(ingress, members=FRIEND, egress='', cli_egress='', more=''):
    """Group srv has 'ingress'; friend is a member of cli, by 'members'."""
    return '''
      group "srv" { ingress = { %s } %s }
      group "cli" { ingress = {} %s }
      group "other" { ingress = { %s } }
      %s
      %s
    ''' % (ingress, egress and ', egress = { %s }' % egress,
           cli_egress and ', egress = { %s }' % cli_egress, rules('any'),
           'members "cli" { %s }' % members if members else '', more)


CLI = 'group "cli"'
BY_GROUP = policy(rules(CLI))
BY_PREFIX = policy(rules('{ "198.18.0.0/16", "2001:db8:9::/48", '
                         '"192.0.2.0/24", "2001:db8::/64" }'))
NOTHING = policy('')


def make(text):
    """Two servers, two local clients, one remote client (friend) and a third
    party with open doors."""
    lab = Lab(text)
    lab.guest('srv1', 'srv')
    lab.guest('srv2', 'srv')
    lab.guest('cli1', 'cli')
    lab.guest('cli2', 'cli')
    lab.guest('other', 'other')
    lab.uplink()
    lab.remote('friend', '198.18.0.9', '2001:db8:9::9')
    lab.remote('stranger', '198.18.7.7', '2001:db8:7::7')
    return lab.start()


def by_group():
    return make(BY_GROUP)


def by_prefix():
    return make(BY_PREFIX)


def open_all(lab, client, server, kinds=KINDS):
    """Two connections of each kind."""
    return [lab.connect(client, server, *kind)
            for kind in kinds for _ in range(2)]


def expect_cut(connections, why):
    """Every first one begins with answers, every second with questions."""
    for conn, first in zip(connections, itertools.cycle('rf')):
        order = (conn.reply, conn.forward) if first == 'r' \
            else (conn.forward, conn.reply)
        for send in order * 2:
            send(False, why + (', server first' if first == 'r'
                               else ', client first'))


def expect_alive(connections, why):
    for conn in connections:
        conn.expect_alive(why)


# Rules.

@test('a rule is added: new connections pass at once', lab=by_group,
      fresh=True)
def _(lab):
    lab.expect(lab.cli1, lab.srv1, 'tcp', 81, False)
    lab.reload(policy(rules(CLI) + ', tcp { 81, from = %s }' % CLI))
    for client in (lab.cli1, lab.friend):
        lab.expect(client, lab.srv1, 'tcp', 81, True)
        lab.expect(client, lab.srv1, 'tcp', 82, False)


@test('the rules go: connections from outside are cut', lab=by_group,
      fresh=True)
def _(lab):
    gone = open_all(lab, lab.friend, lab.srv1)
    lab.reload(NOTHING)
    expect_cut(gone, 'rules removed')
    for proto, port, family in KINDS:
        lab.expect(lab.friend, lab.srv1, proto, port, False, family)


@test('the rules go: connections between guests are cut', lab=by_group,
      fresh=True)
def _(lab):
    gone = open_all(lab, lab.cli1, lab.srv1)
    lab.reload(NOTHING)
    expect_cut(gone, 'rules removed')


@test('rules that name prefixes go', lab=by_prefix, fresh=True)
def _(lab):
    gone = open_all(lab, lab.friend, lab.srv1) + \
        open_all(lab, lab.cli1, lab.srv2)
    lab.reload(NOTHING)
    expect_cut(gone, 'rules removed')


@test('the egress rules go: connections to the outside are cut', lab=by_group,
      fresh=True)
def _(lab):
    lab.reload(policy('', cli_egress=rules('any').replace('from', 'to')))
    gone = open_all(lab, lab.cli1, lab.friend)
    between = open_all(lab, lab.cli1, lab.other)
    lab.reload(policy('', cli_egress='tcp { 4711, to = any }'))
    expect_cut(gone, 'egress rules removed')
    expect_cut(between, 'egress rules removed, between guests')


@test('one rule of several goes: only its connections are cut', lab=by_group,
      fresh=True)
def _(lab):
    tcp = [k for k in KINDS if k[0] == 'tcp']
    rest = [k for k in KINDS if k[0] != 'tcp']
    pairs = ((lab.friend, lab.srv1), (lab.cli1, lab.srv1))
    gone = [c for p in pairs for c in open_all(lab, *p, kinds=tcp)]
    stay = [c for p in pairs for c in open_all(lab, *p, kinds=rest)]
    lab.reload(policy(', '.join(r % CLI for r in OPEN if 'tcp' not in r)))
    expect_alive(stay, 'their rules stay')
    expect_cut(gone, 'the rule for tcp 80 removed')
    expect_alive(stay, 'their rules stay')


@test('one of two overlapping rules goes: no packet is lost', lab=by_group,
      fresh=True)
def _(lab):
    both = rules(CLI) + ', ' + rules('{ "198.18.0.0/16", "2001:db8:9::/48", '
                                     '"192.0.2.0/24", "2001:db8::/64" }')
    lab.reload(policy(both))
    stay = open_all(lab, lab.friend, lab.srv1) + \
        open_all(lab, lab.cli1, lab.srv1)
    for text, why in ((BY_GROUP, 'the rules by prefix go'),
                      (policy(both), 'they come back'),
                      (BY_PREFIX, 'the rules by group go')):
        lab.reload(text)
        expect_alive(stay, why)


@test('a rule is replaced by one that allows the same and more', lab=by_group,
      fresh=True)
def _(lab):
    stay = open_all(lab, lab.friend, lab.srv1) + \
        open_all(lab, lab.cli1, lab.srv1)
    lab.reload(policy('all { from = %s }' % CLI))
    expect_alive(stay, 'allowed by the wider rule')
    lab.reload(BY_GROUP)
    expect_alive(stay, 'allowed by the narrow rules again')


@test('other connections of the same ports never notice', lab=by_group,
      fresh=True)
def _(lab):
    gone = open_all(lab, lab.friend, lab.srv1)
    stay = open_all(lab, lab.friend, lab.other) + \
        open_all(lab, lab.srv1, lab.other) + \
        open_all(lab, lab.srv1, lab.stranger)
    lab.reload(NOTHING)
    expect_alive(stay, 'not concerned')
    expect_cut(gone, 'rules removed')


# Members.

@test('a member joins: it may connect at once', lab=by_group, fresh=True)
def _(lab):
    lab.expect(lab.stranger, lab.srv1, 'tcp', 80, False)
    lab.reload(policy(rules(CLI), FRIEND + ', "198.18.7.7", "2001:db8:7::7"'))
    lab.expect(lab.stranger, lab.srv1, 'tcp', 80, True)
    lab.expect(lab.friend, lab.srv1, 'tcp', 80, True)


@test('a member leaves: its connections are cut, others are not',
      lab=by_group, fresh=True)
def _(lab):
    gone = open_all(lab, lab.friend, lab.srv1) + \
        open_all(lab, lab.friend, lab.srv2)
    stay = open_all(lab, lab.cli1, lab.srv1) + \
        open_all(lab, lab.friend, lab.other) + \
        open_all(lab, lab.srv1, lab.friend)
    lab.reload(policy(rules(CLI), ''))
    expect_cut(gone, 'friend left the group')
    expect_alive(stay, 'not concerned')


@test('a member leaves whom another rule still lets in', lab=by_group,
      fresh=True)
def _(lab):
    lab.reload(policy(rules(CLI) + ', ' + rules(FRIEND.join('{}'))))
    stay = open_all(lab, lab.friend, lab.srv1)
    lab.reload(policy(rules(CLI) + ', ' + rules(FRIEND.join('{}')), ''))
    expect_alive(stay, 'the rule by address remains')


@test('a guest leaves the group by which it was let in', lab=by_group,
      fresh=True)
def _(lab):
    gone = open_all(lab, lab.cli1, lab.srv1)
    stay = open_all(lab, lab.cli2, lab.srv1) + \
        open_all(lab, lab.cli1, lab.other)
    lab.set_ids(lab.cli1, sg_groups='other')
    expect_cut(gone, 'cli1 left the group')
    expect_alive(stay, 'not concerned')


@test('a guest leaves the group that let others in', lab=by_group, fresh=True)
def _(lab):
    gone = open_all(lab, lab.cli1, lab.srv1) + \
        open_all(lab, lab.friend, lab.srv1)
    stay = open_all(lab, lab.srv1, lab.stranger) + \
        open_all(lab, lab.cli1, lab.srv2)
    lab.set_ids(lab.srv1, sg_groups='cli')
    expect_cut(gone, 'srv1 left the group')
    expect_alive(stay, 'not concerned')


@test('a guest loses an address', lab=by_group, fresh=True)
def _(lab):
    v4 = [k for k in KINDS if k[2] == 4]
    v6 = [k for k in KINDS if k[2] == 6]
    gone = open_all(lab, lab.cli1, lab.srv1, v4) + \
        open_all(lab, lab.cli1, lab.stranger, v4)
    stay = open_all(lab, lab.cli1, lab.srv1, v6) + \
        open_all(lab, lab.cli1, lab.stranger, v6)
    lab.set_ids(lab.cli1, sg_addresses=lab.cli1.v6)
    expect_alive(stay, 'IPv6 stays')
    for conn in gone:
        conn.forward(False, 'the IPv4 address is no longer its own')
    for conn in gone:
        if conn.server is lab.srv1:
            conn.reply(False, 'the address left the group')


@test('a port goes away: what it had opened is cut', lab=by_group, fresh=True)
def _(lab):
    gone = open_all(lab, lab.cli1, lab.srv1)
    stay = open_all(lab, lab.cli2, lab.srv1)
    cli1 = lab.cli1
    lab.sandbox.vsctl('del-port', 'cli1')
    lab.settle()
    expect_alive(stay, 'not concerned')
    # Its frames, now from outside: the address is no longer a member.
    cli1.port = 'uplink'
    lab.guarded.discard('cli1')
    for conn in gone:
        conn.forward(False, 'cli1 is no longer a member')


# Afterwards.

@test('new connections with the old ports are refused, too', lab=by_group,
      fresh=True)
def _(lab):
    gone = open_all(lab, lab.friend, lab.srv1)
    lab.reload(NOTHING)
    expect_cut(gone, 'rules removed')
    for conn in gone:
        again = type(conn)(conn.client, conn.server, conn.port, conn.family,
                           conn.sport)
        again.open(False, 'opened again')


@test('allowed again: connections live again, or open anew', lab=by_group,
      fresh=True)
def _(lab):
    cut = open_all(lab, lab.friend, lab.srv1) + \
        open_all(lab, lab.cli1, lab.srv1)
    lab.reload(NOTHING)
    expect_cut(cut, 'rules removed')
    lab.reload(BY_GROUP)
    for conn in cut:
        if conn.forward() and conn.reply():
            continue
        again = type(conn)(conn.client, conn.server, conn.port, conn.family,
                           conn.sport)
        again.open(True, 'with the same ports, once more allowed')


@test('a quiet connection that was cut stays cut', lab=by_group, fresh=True)
def _(lab):
    gone = open_all(lab, lab.friend, lab.srv1) + \
        open_all(lab, lab.cli1, lab.srv1)
    before = len(lab.flows())
    lab.reload(NOTHING)
    # The flows that look for such connections may go when none is left.
    time.sleep(4)
    lab.sandbox.purge_megaflows()
    expect_cut(gone, 'cut 4 s ago')
    lab.check(len(lab.flows()) < before + 50, 'more flows than before: %d'
              % len(lab.flows()))


@test('revocation = "drain": connections live on, new ones are refused',
      lab=by_group, fresh=True)
def _(lab):
    drain = 'group "srv" { revocation = "drain", ingress = { %s } }' \
            'group "cli" { ingress = {} } members "cli" { %s }' \
            'group "other" { ingress = {} }'
    lab.reload(drain % (rules(CLI), FRIEND))
    stay = open_all(lab, lab.friend, lab.srv1) + \
        open_all(lab, lab.cli1, lab.srv1)
    lab.reload(drain % ('', FRIEND))
    expect_alive(stay, 'drained')
    for proto, port, family in KINDS:
        lab.expect(lab.friend, lab.srv1, proto, port, False, family)
        lab.expect(lab.cli1, lab.srv1, proto, port, False, family)
    expect_alive(stay, 'still drained')


@test('drain holds for members that leave, too', lab=by_group, fresh=True)
def _(lab):
    drain = 'group "srv" { revocation = "drain", ingress = { %s } }' \
            'group "cli" { ingress = {} } members "cli" { %s }' \
            'group "other" { ingress = {} }'
    lab.reload(drain % (rules(CLI), FRIEND))
    stay = open_all(lab, lab.friend, lab.srv1)
    lab.reload(drain % (rules(CLI), '"198.18.0.10"'))
    expect_alive(stay, 'drained')
    lab.expect(lab.friend, lab.srv1, 'tcp', 80, False)


# While it happens.

@test('no packet is lost while unrelated rules come and go', lab=by_group,
      fresh=True)
def _(lab):
    conns = open_all(lab, lab.friend, lab.srv1) + \
        open_all(lab, lab.cli1, lab.srv1) + \
        open_all(lab, lab.srv1, lab.stranger)
    turn = itertools.cycle(conns)
    packets = 0
    for n in range(6):
        lab.write_policy(policy(rules(CLI) + ', tcp { %d, from = any }'
                                % (900 + n % 2),
                                members=FRIEND + ', "198.19.0.%d"' % n))
        packets += lab.during(['reload'], lambda: next(turn).expect_alive(
            'during a change'))
        packets += lab.during(['wait', '--timeout=10'],
                              lambda: next(turn).expect_alive('after it'))
    lab.check(packets > 100, 'only %d packets' % packets)


@test('new connections that both policies allow never fail', lab=by_group,
      fresh=True)
def _(lab):
    def tick():
        for client in (lab.friend, lab.cli1):
            frame = client.tcp(lab.srv1, 80)
            lab.deliver(client, lab.srv1, frame, True, 'during a change')
            refused = client.tcp(lab.srv1, 79)
            lab.deliver(client, lab.srv1, refused, False, 'during a change')
    for text in (policy(rules('any')), BY_GROUP, BY_PREFIX, BY_GROUP):
        lab.write_policy(text)
        lab.during(['reload'], tick)
        lab.during(['wait', '--timeout=10'], tick)


@test('reloading the same policy cuts nothing', lab=by_group)
def _(lab):
    stay = open_all(lab, lab.friend, lab.srv1)
    for _ in range(3):
        lab.reload()
        expect_alive(stay, 'nothing has changed')


@test('prefix lists change', lab=by_group, fresh=True)
def _(lab):
    text = 'prefix_list "pl" { %s }'
    both = ['"198.18.0.0/24", "2001:db8:9::/48"',
            '"198.18.7.0/24", "2001:db8:7::/48"']
    by_list = rules('prefix_list "pl"')
    lab.reload(policy(by_list, '', more=text % ', '.join(both)))
    gone = open_all(lab, lab.friend, lab.srv1)
    stay = open_all(lab, lab.stranger, lab.srv1)
    lab.reload(policy(by_list, '', more=text % both[1]))
    expect_cut(gone, 'its prefix left the list')
    expect_alive(stay, 'its prefix is still there')
    lab.reload(policy(by_list, '', more=text % ', '.join(both)))
    lab.expect(lab.friend, lab.srv1, 'tcp', 80, True)


@test('a connection both of whose ends are judged is cut by either',
      lab=by_group, fresh=True)
def _(lab):
    out = rules('any').replace('from', 'to')
    lab.reload(policy(rules(CLI), cli_egress=out))
    gone = open_all(lab, lab.cli1, lab.srv1)
    lab.reload(policy(rules(CLI), cli_egress='tcp { 4711, to = any }'))
    expect_cut(gone, 'the sender\'s egress went')
    lab.reload(policy(rules(CLI), cli_egress=out))
    gone = open_all(lab, lab.cli1, lab.srv1)
    lab.reload(policy('', cli_egress=out))
    expect_cut(gone, 'the receiver\'s ingress went')


@test('ICMP errors about a connection that was cut do not pass', lab=by_group,
      fresh=True)
def _(lab):
    udp = [k for k in KINDS if k[0] == 'udp']
    gone = open_all(lab, lab.friend, lab.srv1, udp)
    lab.reload(NOTHING)
    for conn in gone:
        error = frames.unreachable(lab.friend.mac, lab.srv1.mac,
                                   lab.friend.address(conn.family),
                                   conn.reply_frame())
        lab.deliver(lab.friend, lab.srv1, error, False, 'about what was cut')


# A change under way.

@contextlib.contextmanager
def slow_datapath(lab):
    """As if the revalidators were slow: the datapath keeps what it has learned
    of the flow tables, and learns anew what it has not."""
    lab.sandbox.appctl('revalidator/pause')
    try:
        yield
    finally:
        lab.sandbox.appctl('revalidator/resume')


def change_groups(lab, host, groups):
    """Returns when the flows are in the tables; the datapath may not know it
    (so no `ovs-sgctl wait')."""
    before = lab.flows()
    lab.set_ids(host, settle=False, sg_groups=groups)
    if not wait_until(lambda: lab.flows() != before, 20):
        raise Failure('no flow has changed')


@test('what both states allow passes also if a change meets it half way',
      lab=three_tier, fresh=True)
def _(lab):
    for proto, port, who, target, groups in (
            ('tcp', 8080, lab.web1, lab.app1, 'web'),
            ('tcp', 8080, lab.app1, lab.app1, 'app'),
            ('udp', 99, lab.web1, lab.client, 'web')):
        conn = lab.connect(lab.web1, target, proto, port)
        for change in (groups + ' default', groups):
            lab.settle()
            # The datapath learns the ways to the first ct() only, and one of
            # those behind it.
            conn.forward(True, 'before ' + change)
            with slow_datapath(lab):
                change_groups(lab, who, change)
                lab.expect(lab.web1, target, proto, port, True, 4)
                conn.reply(True, change)
                conn.forward(True, change)
        lab.settle()
        conn.expect_alive('after all')


@test('show counts the connections that were cut, each once',
      lab=lambda: make(BY_GROUP), fresh=True)
def _(lab):
    def cuts(name):
        return lab.agent.json('show', name)['cut']
    lab.equal(cuts('srv1'), 0, 'before anything was cut')
    gone = [lab.connect(lab.friend, lab.srv1, 'tcp', 80),
            lab.connect(lab.friend, lab.srv1, 'udp', 53),
            lab.connect(lab.friend, lab.srv1, 'udp', 53)]
    lab.connect(lab.friend, lab.srv2, 'tcp', 80)
    stays = lab.connect(lab.stranger, lab.other, 'udp', 53)
    lab.reload(NOTHING)
    expect_cut(gone, 'rules removed')
    if not wait_until(lambda: cuts('srv1') >= 3 and cuts('srv2') >= 1, 40,
                      0.1):
        raise Failure('counted: %s' % lab.agent.must('show', 'srv1'))
    if not wait_until(lambda: not lab.agent.json('show', 'br0')['reviews'],
                      60, 0.1):
        raise Failure('the reviews do not end')
    lab.equal([cuts(n) for n in ('srv1', 'srv2', 'port:other', 'srv', 'br0')],
              [3, 1, 0, 4, 4], 'cut at ports, in the group, on the bridge')
    lab.check(any(l.split() == ['connections', 'cut:', '3'] for l in
                  lab.agent.must('show', 'srv1').splitlines()),
              'show does not tell')
    stays.expect_alive('of another group')


run()
