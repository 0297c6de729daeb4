#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the campaign of faults found, and what an operator might do who does
not like us: each as a test of its own."""
import os
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'e2e')]

from harness import run, test                       # noqa: E402
from harness.tiers import example_policy, three_tier    # noqa: E402


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
    now, before = set(lab.flows()), set(before)
    lost = [f for f in before - now if 'cookie=0x53479' not in f]
    lab.check(not lost and not now - before, '%s:\n%s' % (why, '\n'.join(
        ['- ' + f for f in sorted(lost)[:9]] +
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


run()
