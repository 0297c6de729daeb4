#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""How long the agent keeps its main loop, which is the switch's if it is a
plugin: the longest turn (`ovs-appctl sg/turns') while 50,000 flows are made and
installed, and while scripts are loaded that mean no good.

10 ms are promised, of a processor that has nothing else to do.  So the numbers
are printed, and what is tested holds on any machine: that what is much work is
done in slices, and that nobody waits for a script.

$SG_SCRIPTS=all takes each script of tests/script/hostile/."""
import json
import os
import time

from harness import Lab, run, test
from harness.agent import TOP
from harness.unixctl import Unixctl

MEMBERS = 25000                 # One flow each, for either direction.
PARTS = 5                       # At least so many turns for the work.
SMALL = '''
group "srv" { ingress = { tcp { 80, from = group "cli" } },
              egress = { tcp { 80, to = group "cli" } } }
group "cli" { ingress = {} }
'''
HOSTILE = os.path.join(TOP, 'tests', 'script', 'hostile')
# The first one runs until it is stopped.
SCRIPTS = ('loop-in-pcall', 'memory-in-coroutine', 'gc', 'error-objects',
           'many-errors', 'print-flood', 'require-flood', 'huge-values')


def members():
    """Not next to each other, or they would become prefixes."""
    return '"%s"' % '", "'.join(
        '10.%d.%d.%d' % (n >> 15, n >> 7 & 255, n << 1 & 255)
        for n in range(MEMBERS))


def lab_of(policy):
    lab = Lab(policy)
    lab.guest('srv', groups='srv')
    lab.uplink()
    lab.remote('client', '10.0.0.2', '2001:db8:9::9')
    return lab.start()


def small():
    return lab_of(SMALL)


class Turns:
    """Those between `with' and its end."""

    def __init__(self, lab, what):
        self.lab, self.what = lab, what

    def processor(self):
        """Seconds that the thread of the main loop has had."""
        pid = self.lab.agent.child.pid
        with open('/proc/%d/task/%d/schedstat' % (pid, pid)) as f:
            return int(f.read().split()[0]) / 1e9

    def call(self, *args):
        control = Unixctl(self.lab.agent.socket, timeout=60)
        try:
            return control.call('sg/turns', *args)
        finally:
            control.close()

    def __enter__(self):
        self.call('clear')
        self.cpu, self.clock = self.processor(), time.monotonic()
        return self

    def __exit__(self, *error):
        self.clock = time.monotonic() - self.clock
        self.cpu = self.processor() - self.cpu
        turns = json.loads(self.call())
        cpu = turns['cpu']
        part = max(cpu['parts'], key=cpu['parts'].get)
        self.longest_cpu = cpu['longest_us'] / 1e6
        self.longest_clock = turns['longest_us'] / 1e6
        print('# %s: %d turns; the longest %.1f ms of processor time (%s: '
              '%.1f), %.1f ms by the clock; in all %.0f and %.0f ms'
              % (self.what, turns['turns'], self.longest_cpu * 1e3, part,
                 cpu['parts'][part] / 1e3, self.longest_clock * 1e3,
                 self.cpu * 1e3, self.clock * 1e3))

    def check_sliced(self):
        self.lab.check(PARTS * self.longest_cpu <= self.cpu,
                       '%s: %.1f ms of %.1f ms in one turn' % (
                           self.what, self.longest_cpu * 1e3, self.cpu * 1e3))


def check_flows(lab):
    n = len(lab.flows())
    lab.check(n >= 2 * MEMBERS, '%d flows only' % n)
    lab.expect(lab.client, lab.srv, 'tcp', 80, True, family=4)
    lab.expect(lab.client, lab.srv, 'tcp', 81, False, family=4)


@test('50,000 flows are made by a reload, and taken away', lab=small,
      fresh=True)
def _(lab):
    for policy, what in ((SMALL + 'members "cli" { %s }' % members(),
                          'they are made'), (SMALL, 'they go')):
        lab.write_policy(policy)
        with Turns(lab, what) as turns:
            lab.agent.must('reload', timeout=100)
            lab.agent.wait(timeout=100)
        turns.check_sliced()
        if policy != SMALL:
            check_flows(lab)
    lab.expect(lab.client, lab.srv, 'tcp', 80, False, family=4)


@test('50,000 flows are made by a start', lab=small, fresh=True)
def _(lab):
    lab.agent.stop()
    lab.sandbox.must(['ovs-ofctl', 'del-flows', lab.sandbox.mgmt('br0')])
    lab.write_policy(SMALL + 'members "cli" { %s }' % members())
    lab.agent.start()
    with Turns(lab, 'a start') as turns:
        lab.agent.wait(timeout=100)
    turns.check_sliced()
    check_flows(lab)


def scripts():
    if os.environ.get('SG_SCRIPTS') == 'all':
        return sorted(name[:-4] for name in os.listdir(HOSTILE))
    return SCRIPTS


@test('hostile scripts are loaded: nobody waits for them', lab=small,
      fresh=True)
def _(lab):
    lab.allow_log('policy.lua:')
    for name in scripts():
        with open(os.path.join(HOSTILE, name + '.lua')) as f:
            lab.write_policy(f.read())
        with Turns(lab, name) as turns:
            lab.agent.ctl('reload', timeout=100)
        if name == SCRIPTS[0]:
            lab.check(PARTS * turns.longest_clock <= turns.clock,
                      '%s: %.1f ms in one turn' % (
                          name, turns.longest_clock * 1e3))


run()
