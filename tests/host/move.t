#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A live system moves from ovs-sgd to ovs-sg.so, and back: the switch stays,
the agent changes.  No packet of an allowed connection is lost meanwhile, and none
passes that is not allowed."""
import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'e2e'))
from harness import run, test, wait_until                     # noqa: E402
from harness.agent import Agent                               # noqa: E402
from harness.tiers import three_tier                          # noqa: E402

GONE = (r'\.mgmt', r'db\.sock', r'onnect', r'\.ctl',
        r'another agent holds the lock')


def ports_state(lab):
    return {h.port: lab.ids(h).get('sg-state') for h in lab.hosts.values()
            if h.guarded}


class Traffic:
    """What must pass and what must not, tried again and again."""

    def __init__(self, lab):
        self.lab = lab
        self.conns = [lab.connect(lab.web1, lab.app1, 'tcp', 8080, family)
                      for family in (4, 6)]
        self.conns += [lab.connect(lab.client, lab.web1, 'udp', 443)]
        self.rounds = 0

    def tick(self):
        self.rounds += 1
        for conn in self.conns:
            conn.expect_alive('moving')
        for source, target, port in ((self.lab.client, self.lab.app1, 8080),
                                     (self.lab.web1, self.lab.db1, 5432),
                                     (self.lab.client, self.lab.web1, 81)):
            self.lab.expect(source, target, 'tcp', port, False,
                            why='moving: port %d' % port)

    def until(self, condition, what):
        """Goes on until condition(), and a while longer."""
        def step():
            self.tick()
            return condition()
        self.lab.check(wait_until(step, 20, 0), 'no end of: ' + what)
        for _ in range(20):
            self.tick()


@contextlib.contextmanager
def untouched(lab, why):
    with lab.watch_flows() as watch:
        yield
        lab.equal(watch.take(), [], why + ': flow mods')


def in_charge(agent, lab):
    """Does it have the lock?"""
    path = lab.sandbox.path(agent.log)
    with open(path, errors='replace') as f:
        lines = [line for line in f if 'the lock "ovs_sg"' in line]
    return lines and 'got the lock' in lines[-1]


@test('from ovs-sgd to the plugin, and back: nothing is lost, nothing leaks',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    plugin = lab.agent
    plugin.unload()
    beside = Agent(lab.sandbox, lab.folder).start()
    lab.settle()
    traffic = Traffic(lab)
    before = lab.flows()
    for _ in range(3):
        with untouched(lab, 'to the plugin'):
            plugin.start()
            traffic.until(lambda: lab.log().grep('another agent holds'),
                          'the plugin waits')
            lab.equal(beside.stop(), [], 'the end of ovs-sgd')
            traffic.until(lambda: in_charge(plugin, lab),
                          'the plugin is in charge')
            lab.agent.wait()
        # It is in charge: it acts.
        lab.set_ids(lab.web2, sg_groups='app')
        lab.expect(lab.web1, lab.web2, 'tcp', 8080, True)
        lab.set_ids(lab.web2, sg_groups='web')
        lab.expect(lab.web1, lab.web2, 'tcp', 8080, False)
        lab.sandbox.appctl('dpctl/flush-conntrack', 'zone=%d' % next(
            p['zone'] for p in lab.agent.json('list-ports')
            if p['name'] == 'web2'))
        wait_until(lambda: lab.flows() == before, 15, 0.1)
        with untouched(lab, 'to ovs-sgd'):
            beside.start()
            plugin.unload()
            traffic.until(lambda: in_charge(beside, lab),
                          'ovs-sgd is in charge')
            lab.agent.wait()
        lab.equal(lab.flows(), before, 'flows')
    print('# %d rounds of traffic' % traffic.rounds)
    lab.equal(set(ports_state(lab).values()), {'active'}, 'states')
    lab.equal(beside.stop(), [], 'the end of ovs-sgd')
    plugin.start()
    lab.settle()


run()
