#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What a change costs the agent, counted in what it looks at: never all ports,
whatever the change is.  (What it costs the switch is in flowmods.t, what the
compiler does in tests/compile/test-incremental.c.)"""
import json
import os
import signal
import time

from harness import Failure, Lab, frames, run, test, wait_until
from harness.unixctl import Unixctl

N = 40                          # Ports: what is in proportion to them shows.
POLICY = '''
group "srv" { ingress = { tcp { 80, from = group "cli" } } }
group "cli" { ingress = {} }
members "cli" { "198.18.1.1"%s }
%s
'''
COUNTERS = ('sg_port_admitted', 'sg_plan_port_looked_at',
            'sg_state_looked_at', 'sg_input_read', 'sg_limit_looked_at',
            'sg_iface_compared')
REVIEWED = 'sg_review_looked_at'
LATE = 'sg_policy_listed_late'
JUDGED = 'sg_learned_judged'


def many():
    lab = Lab(POLICY % ('', ''))
    for n in range(1, N + 1):
        lab.guest('srv%d' % n, 'srv' if n % 2 else 'cli')
    lab.uplink()
    return lab.start()


MEMBERS = ''.join(', "198.18.%d.%d"' % (2 + n // 200, 1 + n % 200)
                  for n in range(20 * N))


class Work:
    """What the agent did between 'with' and its end, and until all of it was
    in force."""

    def __init__(self, lab):
        self.lab = lab
        self.ctl = Unixctl(lab.agent.socket)

    def read(self):
        def one(name):
            return int(self.ctl.call('coverage/read-counter', name))
        return {name: one(name) for name in (*COUNTERS, REVIEWED, LATE, JUDGED)}

    def __enter__(self):
        self.lab.settle()
        self.before = self.read()
        return self

    def __exit__(self, *error):
        if not error[0]:
            self.lab.settle()
            self.done = {name: value - self.before[name]
                         for name, value in self.read().items()}
        self.ctl.close()

    def at_most(self, **bounds):
        for name, most in bounds.items():
            done = self.done['sg_' + name]
            self.lab.check(done <= most, '%s: %d, not %d at most: %s'
                           % (name, done, most, self.done))


@test('the counters count: the start looked at all ports', lab=many)
def _(lab):
    counts = Work(lab).read()
    for name in COUNTERS:
        lab.check(counts[name] >= N, '%s: %s' % (name, counts))


@test('a row: one port is admitted, planned and told its state', lab=many)
def _(lab):
    with Work(lab) as work:
        lab.set_ids(lab.srv1, sg_groups='cli')
    work.at_most(port_admitted=2, plan_port_looked_at=2, state_looked_at=8,
                 input_read=4, limit_looked_at=4, iface_compared=5)
    lab.check(work.done['sg_port_admitted'] >= 1, 'it was: %s' % work.done)


@test('a row that is not about us: it is admitted, and that is all', lab=many)
def _(lab):
    with Work(lab) as work:
        lab.set_ids(lab.srv2, foreign_key='x')
    work.at_most(port_admitted=2, plan_port_looked_at=2, state_looked_at=4,
                 input_read=0, limit_looked_at=0)


@test('a port comes and goes: itself', lab=many, fresh=True)
def _(lab):
    with Work(lab) as work:
        lab.guest('new', 'srv', number=90)
    work.at_most(port_admitted=5, plan_port_looked_at=5, state_looked_at=20,
                 input_read=12, limit_looked_at=8, iface_compared=10)
    with Work(lab) as work:
        lab.remove_port(lab.new)
    work.at_most(port_admitted=5, plan_port_looked_at=5, state_looked_at=20,
                 input_read=12, limit_looked_at=8, iface_compared=10)


@test('a reload with one member more: no port', lab=many, fresh=True)
def _(lab):
    with Work(lab) as work:
        lab.reload(POLICY % (', "198.18.1.2"', ''))
    work.at_most(port_admitted=0, plan_port_looked_at=0, state_looked_at=0,
                 input_read=0, limit_looked_at=0)


@test('a reload with a rule more: no port', lab=many, fresh=True)
def _(lab):
    with Work(lab) as work:
        lab.reload((POLICY % ('', '')).replace(
            'tcp { 80,', 'tcp { 90, from = group "cli" }, tcp { 80,'))
    work.at_most(port_admitted=0, plan_port_looked_at=0, state_looked_at=0,
                 input_read=0, limit_looked_at=0)


@test('a reload with a rule less: what the others say is known already',
      lab=many, fresh=True)
def _(lab):
    with Work(lab) as work:
        lab.reload((POLICY % ('', '')).replace('tcp { 80,', 'tcp { 81,'))
    work.at_most(port_admitted=0, plan_port_looked_at=0, policy_listed_late=0)


@test('a reload with a group more: the ports that name it', lab=many,
      fresh=True)
def _(lab):
    lab.allow_log('')
    lab.set_ids(lab.srv1, sg_groups='later')
    lab.expect_state(lab.srv1, 'error', 'is not defined')
    with Work(lab) as work:
        lab.reload(POLICY % ('', 'group "later" {}'))
    work.at_most(port_admitted=2, state_looked_at=8, input_read=4)
    lab.expect_state(lab.srv1, 'active')


@test('hundreds of addresses lose their class: a connection meets its own',
      lab=many, fresh=True)
def _(lab):
    lab.reload(POLICY % (MEMBERS, ''))
    conns = []
    for n in range(1, 9):
        client = lab.remote('member%d' % n, '198.18.2.%d' % n)
        conns += [lab.connect(client, lab.srv1, 'tcp', 80),
                  lab.connect(client, lab.srv3, 'tcp', 80)]
    with Work(lab) as work:
        lab.reload(POLICY % ('', ''))
        if not wait_until(lambda: not lab.agent.json('show', 'br0')['reviews'],
                          20):
            raise Failure('the reviews do not end')
    lab.check(work.done[REVIEWED] >= len(conns),
              'it was looked at them: %s' % work.done)
    # The table is read a few times until all has ended.
    work.at_most(review_looked_at=8 * len(conns))
    for conn in conns:
        conn.reply(False, 'the member has gone')
        conn.forward(False, 'the member has gone')


def learners():
    lab = Lab(POLICY % ('', ''))
    for n in range(1, N + 1):
        lab.guest('srv%d' % n, 'srv', ids={'attached-mac': None,
                                           'sg-addresses': None})
    lab.uplink()
    lab.start()
    for n in range(1, N + 1):
        host = lab.hosts['srv%d' % n]
        ip = host.address(4)
        lab.send(host, frames.arp_request(host.mac, ip, ip))
    if not wait_until(lambda: n_learned(lab) == N, 30, 0.1):
        raise Failure('only %d have learned' % n_learned(lab))
    return lab


def n_learned(lab):
    return sum(bool(p['addresses']) for p in lab.agent.json('list-ports'))


@test('a port learns an address, others keep theirs: no other is judged',
      lab=learners, fresh=True)
def _(lab):
    host = lab.srv1
    with Work(lab) as work:
        lab.send(host, frames.arp_request(host.mac, '192.0.2.99',
                                          '192.0.2.99'))
        if not wait_until(lambda: '192.0.2.99' in str(
                lab.agent.json('list-ports')), 20, 0.05):
            raise Failure('it has not learned')
    work.at_most(learned_judged=0, port_admitted=0, plan_port_looked_at=2)
    with Work(lab) as work:
        lab.set_ids(lab.srv2, foreign_key='x')
    work.at_most(learned_judged=2, port_admitted=2)
    with Work(lab) as work:
        lab.reload(POLICY % (', "192.0.2.99"', ''))
    lab.check(N <= work.done[JUDGED] <= 2 * N + 2, 'all are: %s' % work.done)
    lab.check('192.0.2.99' not in str(lab.agent.json('list-ports')),
              'a member of another group keeps its address')


@test('nothing happens: nothing is looked at', lab=many)
def _(lab):
    with Work(lab) as work:
        lab.settle()
        lab.settle()
    work.at_most(port_admitted=0, plan_port_looked_at=0, state_looked_at=0,
                 input_read=0, limit_looked_at=0)


def two_bridges():
    lab = Lab(POLICY % ('', ''), bridges=('br0', 'br1'))
    lab.guest('srv1', 'srv', bridge='br1')
    lab.guest('cli1', 'cli', bridge='br1')
    return lab.start()


def turns_in_a_second(lab):
    ctl = Unixctl(lab.agent.socket)
    before = json.loads(ctl.call('sg/turns'))['turns']
    time.sleep(1)
    turns = json.loads(ctl.call('sg/turns'))['turns'] - before
    ctl.close()
    return turns


@test('reviews go with their bridge: the main loop sleeps', lab=two_bridges,
      fresh=True)
def _(lab):
    lab.connect(lab.cli1, lab.srv1, 'tcp', 80)
    lab.set_ids(lab.cli1, sg_groups='srv')
    lab.check(lab.agent.json('show', 'br1')['reviews'], 'no review')
    lab.allow_log('br1')
    lab.sandbox.vsctl('del-br', 'br1')
    lab.settle()
    time.sleep(1)               # The table would have been read by now.
    turns = turns_in_a_second(lab)
    lab.check(turns < 1000, '%d turns for nothing' % turns)


@test('reviews end while one change follows the other', lab=two_bridges,
      fresh=True)
def _(lab):
    for n in range(30):
        lab.write_policy(POLICY.replace('80', str(81 + n)) % ('', ''))
        lab.agent.must('reload')
        time.sleep(0.2)
    reviews = lab.agent.json('show', 'br1')['reviews']
    lab.check(reviews < 20, 'after 30 changes %d are left' % reviews)


def with_grace():
    lab = Lab(POLICY % ('', ''), agent_options=['--midstream-grace=2'])
    lab.guest('srv1', 'srv')
    lab.guest('cli1', 'cli')
    return lab.start()


@test('a time of grace ends while the switch does not answer: the main loop '
      'sleeps', lab=with_grace, fresh=True,
      beside='there, a switch that stands still answers nobody')
def _(lab):
    lab.allow_log('')
    lab.remove_port(lab.cli1)
    lab.settle()
    lab.guest('new', 'srv', number=90)      # Its grace begins.
    lab.settle()
    os.kill(lab.sandbox.vswitchd.pid, signal.SIGSTOP)
    try:
        lab.sandbox.vsctl('--no-wait', 'set', 'Interface', 'srv1',
                          'external_ids:sg-groups=cli')
        time.sleep(2.5)                     # It has ended.
        turns = turns_in_a_second(lab)
    finally:
        os.kill(lab.sandbox.vswitchd.pid, signal.SIGCONT)
    lab.settle()
    lab.check(turns < 1000, '%d turns for nothing' % turns)


run()
