#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Connections that are silent while the policy changes more than once: each
packet after that gets the verdict of the policy of then."""
import time

from harness import Lab, Skip, run, test, wait_until
from harness.host import inside
from harness.relay import Relay

POLICY = '''
group "srv" { ingress = { udp { 5000, from = group "cli" }, %s } }
group "srv2" { ingress = { udp { 5000, from = any } } }
group "cli" {}
%s
'''
MEMBER = 'members "cli" { "198.18.0.9", "2001:db8:9::9" }'
PREFIX = 'udp { 5000, from = { "198.18.0.0/16", "2001:db8:9::/48" } }'


def make():
    lab = Lab(POLICY % ('', MEMBER))
    lab.guest('srv1', 'srv')
    lab.uplink()
    lab.remote('friend', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def connections(lab):
    return [lab.connect(lab.friend, lab.srv1, 'udp', 5000, family)
            for family in (4, 6) for _ in range(2)]


def expect_cut(conns):
    for i, conn in enumerate(conns):
        if i % 2:
            conn.reply(False, 'the answer is first')
            conn.forward(False, 'the question is second')
        else:
            conn.forward(False, 'the question is first')
            conn.reply(False, 'the answer is second')


@test('its member leaves, a prefix allows it, the prefix goes', lab=make,
      fresh=True)
def _(lab):
    conns = connections(lab)
    lab.reload(POLICY % (PREFIX, MEMBER))
    lab.reload(POLICY % (PREFIX, ''))
    time.sleep(4)               # Time enough for a review to end too early.
    lab.reload(POLICY % ('', ''))
    expect_cut(conns)


@test('the same, but it was not silent: it lives in between', lab=make,
      fresh=True)
def _(lab):
    conns = connections(lab)
    lab.reload(POLICY % (PREFIX, MEMBER))
    lab.reload(POLICY % (PREFIX, ''))
    for conn in conns:
        conn.expect_alive('the prefix allows it')
    time.sleep(4)
    lab.reload(POLICY % ('', ''))
    expect_cut(conns)


@test('its port changes the group, both allow it, the second one goes',
      lab=make, fresh=True)
def _(lab):
    conns = connections(lab)
    lab.set_ids(lab.srv1, sg_groups='srv srv2')
    lab.set_ids(lab.srv1, sg_groups='srv2')
    time.sleep(4)
    lab.set_ids(lab.srv1, sg_groups='cli')
    expect_cut(conns)


@test('its rule goes and comes back, and then goes', lab=make, fresh=True)
def _(lab):
    conns = connections(lab)
    lab.reload(POLICY.replace('5000', '5001') % ('', MEMBER))
    lab.reload(POLICY % ('', MEMBER))
    for conn in conns[:2]:
        conn.expect_alive('allowed again')
    time.sleep(4)
    lab.reload(POLICY.replace('5000', '5001') % ('', MEMBER))
    expect_cut(conns)


@test('it begins after the table was read and before its rule has gone',
      lab=make, fresh=True, beside='the relays are between it and the switch')
def _(lab):
    # That the switch is slow to commit, and to answer: each by itself is
    # what happens with many flows, or many connections.
    lab.allow_log(r'\.mgmt', 'onnect')
    lab.agent.kill()
    mgmt = Relay.in_front_of(lab.sandbox.path('br0.mgmt'))
    control = Relay(lab.sandbox.path('relay.ctl'), lab.sandbox.control.path)
    lab.agent.options.append('--switch-unixctl='
                             + lab.sandbox.path('relay.ctl'))
    lab.write_policy(POLICY % ('udp { 6000, from = any }', MEMBER))
    lab.agent.start()
    lab.settle()
    lab.connect(lab.friend, lab.srv1, 'udp', 6000)
    mgmt.keep_back('requests')
    control.keep_back('answers')
    lab.write_policy(POLICY.replace('5000', '5001')
                     % ('udp { 6000, from = any }', MEMBER))
    lab.agent.must('reload')
    wait_until(lambda: b'orig=' in control.kept, 2)
    conns = connections(lab)
    mgmt.let_go()
    wait_until(lambda: lab.agent.json('show', 'br0')['in_force'], 5, 0.05)
    control.let_go()
    lab.settle()
    expect_cut(conns)


@test('it begins by the flows of the datapath of before, that are slow to go',
      lab=make, fresh=True)
def _(lab):
    if not inside() and lab.sandbox.DATAPATH == 'netdev':
        raise Skip('all flows of this datapath are purged')
    connections(lab)
    lab.sandbox.appctl('dpctl/flush-conntrack')
    # As with very many of them.
    lab.sandbox.appctl('revalidator/pause')
    lab.write_policy(POLICY.replace('5000', '5001') % ('', MEMBER))
    lab.agent.must('reload')
    wait_until(lambda: lab.agent.json('show', 'br0')['reviews'], 2, 0.05)
    wait_until(lambda: not lab.agent.json('show', 'br0')['reviews'], 4)
    conns = connections(lab)
    lab.sandbox.appctl('revalidator/resume')
    lab.settle()
    expect_cut(conns)


run()
