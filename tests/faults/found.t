#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the campaign of faults found, and what an operator might do who does
not like us: each as a test of its own."""
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'e2e')]

from harness import Lab, frames, run, test, wait_until   # noqa: E402
from harness.agent import environment, program          # noqa: E402
from harness.process import Child, command              # noqa: E402
from harness.tiers import example_policy, three_tier    # noqa: E402
from harness.unixctl import accepts                     # noqa: E402


def refuse_more_flows(lab):
    """No table of the bridge takes another flow."""
    tables = {}
    for flow in lab.flows():
        words = [w for w in flow.split(', ') if w.startswith('table=')]
        number = int(words[0][6:]) if words else 0
        tables[number] = tables.get(number, 0) + 1
    words = []
    for number, count in tables.items():
        words += ['--', '--id=@t%d' % number, 'create', 'Flow_Table',
                  'flow_limit=%d' % count, 'overflow_policy=refuse']
    lab.sandbox.vsctl('set', 'Bridge', 'br0', 'flow_tables={%s}' % ','.join(
        '%d=@t%d' % (n, n) for n in tables), *words)


def accept_flows(lab):
    lab.sandbox.vsctl('clear', 'Bridge', 'br0', 'flow_tables')


def expect_same(lab, before, why):
    """The flows of before, apart from those that look for connections to cut
    and go when there are none left."""
    now, before = ({f for f in flows if 'cookie=0x53479' not in f}
                   for flows in (lab.flows(), before))
    lab.check(now == before, '%s:\n%s' % (why, '\n'.join(
        ['- ' + f for f in sorted(before - now)[:9]] +
        ['+ ' + f for f in sorted(now - before)[:9]])))


# Refused bundles.

@test('a refused change changes nothing, and is done once it can be',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log('refused a change')
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    before = lab.flows()
    refuse_more_flows(lab)
    lab.write_policy(example_policy().replace(
        '{ 80, 443 }', '{ 80, 443, 1000, 2000 }'))
    lab.agent.must('reload')
    lab.agent.wait()
    expect_same(lab, before, 'flows after the refused change')
    conn.expect_alive('after a refused change')
    lab.expect(lab.client, lab.web1, 'tcp', 1000, False)
    accept_flows(lab)
    # Not in 30 seconds, when it might be tried again anyway.
    lab.settle()
    lab.expect(lab.client, lab.web1, 'tcp', 1000, True)
    lab.expect_state(lab.web1, 'active')
    conn.expect_alive('after the change')


@test('an address that went, comes back by a refused change, and goes again',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log('refused a change', 'may have missed the last change',
                  'NORMAL may know')
    # An agent that never knows whether a connection still needs its review.
    lab.agent.kill()
    lab.agent.options.append('--switch-unixctl='
                             + lab.sandbox.path('nobody.ctl'))
    lab.agent.start()
    lab.settle()
    conn = lab.connect(lab.web1, lab.client, 'udp', 99)
    mine = lab.ids(lab.web1)['sg-addresses']
    lab.set_ids(lab.web1, sg_addresses='192.0.2.99')
    conn.reply(False, 'the address has gone')
    refuse_more_flows(lab)
    lab.set_ids(lab.web1, sg_addresses=mine)
    lab.set_ids(lab.web1, sg_addresses='192.0.2.99')
    conn.reply(False, 'it never was back')
    # And once more, in the time before a refused change is tried again.
    lab.set_ids(lab.app1, sg_groups='app db')
    for addresses in mine, '192.0.2.99':
        lab.set_ids(lab.web1, settle=False, sg_addresses=addresses)
        time.sleep(0.2)
    accept_flows(lab)
    lab.settle()
    conn.reply(False, 'it never was back')


@test('a port whose flows the switch refuses is closed, says so, and is mended',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log('refused a change')
    refuse_more_flows(lab)
    lab.guest('late', 'web')
    lab.settle()
    lab.expect_state(lab.late, 'error', 'refused')
    lab.expect_state(lab.web1, 'active')
    lab.expect_out(lab.late, lab.late.tcp(lab.app1, 8080), [], 'no flows',
                   exactly=True)
    accept_flows(lab)
    lab.settle()
    lab.expect_state(lab.late, 'active')
    lab.expect(lab.client, lab.late, 'tcp', 80, True)


@test('a port that was trusted, and whose flows the switch refuses', fresh=True,
      lab=three_tier)
def _(lab):
    lab.allow_log('refused a change')
    lab.trusted('more')
    lab.settle()
    refuse_more_flows(lab)
    lab.sandbox.vsctl('set', 'Interface', 'more', 'external_ids:sg-groups=web')
    lab.settle()            # It is in error, which is nothing to wait for.
    accept_flows(lab)
    lab.settle()
    lab.equal(lab.sandbox.get('Interface', 'more', 'external_ids').get(
        'sg-state'), 'active', 'sg-state')


# The database.

@test('an agent that waits long for the database cuts no connection',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log('onnect', r'db\.sock', r'\.mgmt')
    conns = [lab.connect(lab.web1, lab.app1, 'tcp', 8080, 6),
             lab.connect(lab.client, lab.web2, 'tcp', 80)]
    # With numbers that a new agent would not give by itself.
    lab.reload('group "a" { ingress = { tcp { 1, from = any } } }' +
               example_policy())
    lab.remove_port(lab.bastion1)
    lab.settle()
    before = lab.flows()
    for _ in range(3):              # The switch asks ever more seldom.
        lab.sandbox.kill_ovsdb()
        time.sleep(0.2)
        lab.sandbox.start_ovsdb()
        lab.agent.wait(timeout=20)
    lab.sandbox.kill_ovsdb()
    lab.agent.restart()
    time.sleep(3.5)
    lab.sandbox.start_ovsdb()
    lab.agent.wait(timeout=20)
    expect_same(lab, before, 'flows')
    for conn in conns:
        conn.expect_alive('after the database was away')


# The policy's files.

@test('an agent that starts without a policy, and gets one later, cuts no '
      'connection', lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log('policy', 'onnect')
    conns = [lab.connect(lab.web1, lab.app1, 'tcp', 8080, 6),
             lab.connect(lab.client, lab.web2, 'tcp', 80),
             lab.connect(lab.app2, lab.client, 'udp', 99)]
    before = lab.flows()
    lab.write_policy('group "web" {')
    lab.agent.restart()
    lab.settle()
    expect_same(lab, before, 'flows without a policy')
    # A second pass of the compiler.
    lab.trusted('other')
    lab.settle()
    for conn in conns:
        conn.expect_alive('without a policy')
    lab.sandbox.vsctl('del-port', 'other')
    lab.reload(example_policy())
    expect_same(lab, before, 'flows with the policy')
    for conn in conns:
        conn.expect_alive('with the policy')


# The bridge.

def recreate_bridge(lab):
    """All of br0 in one transaction: away, and there again."""
    words = ['del-br', 'br0', '--', 'add-br', 'br0', '--', 'set', 'Bridge',
             'br0', 'datapath_type=netdev', 'fail_mode=secure']
    for host in [h for h in lab.hosts.values() if h.guarded]:
        ids = {k: v for k, v in lab.ids(host).items()
               if k not in ('sg-state', 'sg-error')}
        words += lab.sandbox.port_command('br0', host.port, ids,
                                          lab.sandbox.ofport(host.port))
    words += lab.sandbox.port_command('br0', 'uplink', None, 100)
    lab.sandbox.vsctl(*words)


@test('the bridge is deleted and made again under its name', lab=three_tier,
      fresh=True)
def _(lab):
    lab.allow_log('onnect', r'\.mgmt', 'transport error', 'policy')
    recreate_bridge(lab)
    lab.settle()
    for host in (lab.web1, lab.app1, lab.db1):
        lab.expect_state(host, 'active')
    lab.expect(lab.web1, lab.app1, 'tcp', 8080, True)
    lab.expect(lab.client, lab.web1, 'tcp', 80, True)
    lab.expect(lab.client, lab.app1, 'tcp', 8080, False)
    lab.expect(lab.web1, lab.db1, 'tcp', 5432, False)
    # Nobody floods to a guarded port.
    frame = lab.client.udp(lab.web1, 7)
    unknown = bytes.fromhex('525400999999') + frame[6:]
    lab.expect_out(lab.client, unknown, [], 'unknown unicast')
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    before = lab.flows()
    lab.agent.restart()
    lab.settle()
    expect_same(lab, before, 'flows after a restart')
    conn.expect_alive('on the new bridge')


@test('fail_mode and protocols are changed, and changed back', lab=three_tier,
      fresh=True)
def _(lab):
    lab.allow_log('onnect', r'\.mgmt', 'transport error', 'negotiat',
                  'version', 'somebody else', 'Broken pipe')
    for bad, good, word in (
            (('clear', 'Bridge', 'br0', 'fail_mode'),
             ('set', 'Bridge', 'br0', 'fail_mode=secure'), 'fail_mode'),
            (('set', 'Bridge', 'br0', 'protocols=OpenFlow13'),
             ('clear', 'Bridge', 'br0', 'protocols'), 'protocols')):
        lab.sandbox.vsctl(*bad)
        lab.settle()
        lab.expect_state(lab.web1, 'error', word)
        # The protocols keep the agent out: what was in force stays so.
        lab.expect(lab.web1, lab.client, 'udp', 99, word == 'protocols')
        lab.expect(lab.client, lab.app1, 'tcp', 8080, False)
        lab.sandbox.vsctl(*good)
        lab.settle()
        lab.expect_state(lab.web1, 'active')
        lab.expect(lab.web1, lab.app1, 'tcp', 8080, True)
        lab.expect(lab.client, lab.app1, 'tcp', 8080, False)
        # There and back before everybody has looked.  Whether connections
        # live on depends on who has; new ones must open.
        lab.sandbox.vsctl('--no-wait', *bad)
        lab.sandbox.vsctl('--no-wait', *good)
        lab.settle()
        lab.expect_state(lab.web1, 'active')
        lab.connect(lab.web1, lab.app1, 'tcp', 8080).expect_alive(word)
        lab.expect(lab.client, lab.app1, 'tcp', 8080, False)


# Ports.

def apart():
    lab = Lab(example_policy(), bridges=('br0', 'br1'))
    lab.guest('web1', 'web')
    lab.guest('app1', 'app')
    lab.guest('app9', 'app', bridge='br1', number=9)
    lab.guest('other', 'db', bridge='br1', number=8)
    return lab.start()


@test('a port moves to another bridge, and back', lab=apart, fresh=True)
def _(lab):
    ids = {k: v for k, v in lab.ids(lab.web1).items()
           if k not in ('sg-state', 'sg-error')}
    for here, there, peer, left in (('br0', 'br1', lab.app9, lab.app1),
                                    ('br1', 'br0', lab.app1, lab.app9)):
        conn = lab.connect(lab.web1, left, 'tcp', 8080)
        zones = {p['name']: p['zone'] for p in lab.agent.json('list-ports')}
        lab.sandbox.vsctl('del-port', here, 'web1', *lab.sandbox.port_command(
            there, 'web1', ids, 30))
        lab.web1.bridge = there
        lab.settle()
        lab.expect_state(lab.web1, 'active')
        lab.check(not [f for f in lab.flows(here) if '52:54:00:00:00:01' in f],
                  'old flows on ' + here)
        lab.expect(lab.web1, peer, 'tcp', 8080, True)
        lab.expect(peer, lab.web1, 'tcp', 22, False)
        zone = {p['name']: p['zone'] for p in lab.agent.json('list-ports')}
        lab.check(len(set(zone.values())) == len(zone), zone)
        lab.check(all(zone[n] == zones[n] for n in zone if n != 'web1'),
                  'others got other zones: %s' % zone)
        # Its connections stay behind, also where its new zone is an old one.
        lab.deliver(lab.web1, peer, lab.web1.tcp(
            peer, 8080, flags=frames.ACK, ack=7, sport=conn.sport), False,
            'of no connection here')


@test('200 ports come in one transaction, and go', lab=three_tier, fresh=True)
def _(lab):
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    before = lab.flows()
    words = []
    for n in range(200):
        words += ['--', 'add-port', 'br0', 'vm%d' % n, '--', 'set',
                  'Interface', 'vm%d' % n, 'type=dummy',
                  'external_ids:sg-groups=web',
                  'external_ids:attached-mac="52:54:00:01:00:%02x"' % n,
                  'external_ids:sg-addresses="192.0.3.%d"' % n]
    lab.sandbox.vsctl(*words[1:])
    lab.agent.wait(timeout=60)
    states = [p['state'] for p in lab.agent.json('list-ports')]
    lab.equal((len(states), set(states)), (207, {'active'}), 'ports')
    conn.expect_alive('among 200 others')
    words = []
    for n in range(200):
        words += ['--', 'del-port', 'vm%d' % n]
    lab.sandbox.vsctl(*words[1:])
    lab.agent.wait(timeout=60)
    conn.expect_alive('alone again')
    expect_same(lab, before, 'flows')


# The database.

@test('ports come, go and change while the agent cannot reach the database',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log('onnect', r'db\.sock', r'\.mgmt')
    stay = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    gone = lab.connect(lab.web2, lab.app2, 'tcp', 8080)
    lab.sandbox.kill_ovsdb()
    time.sleep(10)                  # All ask for it seldomer and seldomer.
    lab.agent.freeze()              # It comes back to all of this at once.
    lab.sandbox.start_ovsdb()
    lab.set_ids(lab.web2, settle=False, sg_groups='db')
    lab.remove_port(lab.db2)
    lab.guest('late', 'app', number=20)
    lab.apply()
    stay.expect_alive('not touched')
    lab.agent.thaw()
    lab.agent.wait(timeout=30)
    lab.sandbox.purge_megaflows()
    stay.expect_alive('the database is back')
    gone.expect_cut('web2 left its group')
    lab.expect_state(lab.late, 'active')
    lab.expect(lab.web1, lab.late, 'tcp', 8080, True)
    lab.expect(lab.web2, lab.late, 'tcp', 8080, False)


# Two agents.

class Second:
    """An agent beside the first one, which has the database's lock."""

    def __init__(self, lab):
        self.socket = lab.sandbox.path('second.ctl')
        self.child = Child(
            [program('ovs-sgd'), 'unix:' + lab.sandbox.path('db.sock'),
             '--policy=' + lab.agent.policies[0], '--unixctl=' + self.socket,
             '--log-file=' + lab.sandbox.path('second.log'), '-vconsole:off'],
            environment(lab.sandbox), lab.sandbox.path('second.out'))

    def ask(self, *words):
        return command([program('ovs-sgctl'), '--target=' + self.socket,
                        '--timeout=20', *words], 30)

    def turns(self):
        return json.loads(command(['ovs-appctl', '-t', self.socket,
                                   'sg/turns']).out)['turns']


@test('a second agent sleeps until the first one has ended', lab=three_tier,
      fresh=True)
def _(lab):
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    before = lab.flows()
    second = Second(lab)
    wait_until(lambda: accepts(second.socket), 30)
    result = second.ask('reload')
    lab.check(result.status == 0, result)
    lab.set_ids(lab.web2, sg_groups='db')       # It hears of that, too.
    lab.set_ids(lab.web2, sg_groups='web')
    turns = second.turns()
    time.sleep(1)
    turns = second.turns() - turns
    lab.check(turns < 1000, '%d turns of its main loop for nothing' % turns)
    lab.agent.kill()
    lab.sandbox.vsctl('set', 'Interface', 'web2', 'external_ids:sg-groups=db')
    result = second.ask('wait')
    lab.check(result.status == 0, result)
    lab.expect(lab.client, lab.web2, 'tcp', 80, False)
    conn.expect_alive('under the second one')
    second.child.kill()
    lab.agent.start()
    lab.set_ids(lab.web2, sg_groups='web')
    expect_same(lab, before, 'flows')


# The disk.

@test('the disk is full for the log', lab=three_tier, fresh=True)
def _(lab):
    lab.agent.kill()
    lab.agent.options.append('--log-file=/dev/full')
    lab.agent.start()
    lab.settle()
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    lab.write_policy('group "web" {')
    lab.check(lab.agent.ctl('reload').status == 1, 'a bad policy loads')
    lab.reload(example_policy().replace('{ 80, 443 }', '443'))
    lab.expect(lab.client, lab.web1, 'tcp', 80, False)
    lab.expect(lab.client, lab.web1, 'tcp', 443, True)
    conn.expect_alive('with a full disk')
    lab.agent.options.pop()


run()
