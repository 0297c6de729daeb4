#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A live system moves from ovs-sgd to ovs-sg.so, and back: the switch stays,
the agent changes.  No packet of an allowed connection is lost meanwhile, and none
passes that is not allowed."""
import contextlib
import os
import sys
import threading
import time

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


class Steady(threading.Thread):
    """Sends frames between `with' and its end, while that waits for something:
    those of a connection must all arrive, the others must not."""

    def __init__(self, lab, conn):
        super().__init__(daemon=True)
        self.lab = lab
        self.good = [(conn.client, conn.server, conn.forward_frame()),
                     (conn.server, conn.client, conn.reply_frame())]
        self.bad = [(source, target, source.udp(target, 9))
                    for source, target in ((lab.client, lab.web1),
                                           (lab.web1, lab.db1))]
        self.give = [lab.sandbox.flood(source.port, [frame])
                     for source, _, frame in self.good + self.bad]
        self.sent = 0                   # Each of the frames.
        self.goes_on = True

    def run(self):
        while self.goes_on:
            for give in self.give:
                give()
            self.sent += 1
            time.sleep(.001)

    def __enter__(self):
        self.lab.sandbox.collect()
        self.start()
        return self

    def __exit__(self, *error):
        self.goes_on = False
        self.join()
        self.lab.sandbox.injected += self.sent * len(self.give)
        if not error[0]:
            # Another one that must not arrive, to wait for.
            self.lab.sandbox.feed(self.bad[0][0].port, [self.bad[0][2]])
            self.check(self.lab.sandbox.collect())

    def check(self, out):
        self.lab.check(self.sent, 'nothing was sent')
        for frames, wanted in (self.good, self.sent), (self.bad, 0):
            for source, target, frame in frames:
                self.lab.equal(
                    out.get(target.port, []).count(frame), wanted,
                    'of %d frames from %s, what reached %s' % (
                        self.sent, source, target))


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
    sent = 0
    before = lab.flows()
    for _ in range(3):
        with untouched(lab, 'to the plugin'):
            with Steady(lab, traffic.conns[2]) as steady:
                plugin.start()
            sent += steady.sent
            traffic.until(lambda: lab.log().grep('another agent holds'),
                          'the plugin waits')
            with Steady(lab, traffic.conns[2]) as steady:
                lab.equal(beside.stop(), [], 'the end of ovs-sgd')
            sent += steady.sent
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
            with Steady(lab, traffic.conns[2]) as steady:
                beside.start()
                plugin.unload()
            sent += steady.sent
            traffic.until(lambda: in_charge(beside, lab),
                          'ovs-sgd is in charge')
            lab.agent.wait()
        lab.equal(lab.flows(), before, 'flows')
    print('# %d rounds of traffic, and %d more frames of a connection and as '
          'many others' % (traffic.rounds, 2 * sent))
    lab.equal(set(ports_state(lab).values()), {'active'}, 'states')
    lab.equal(beside.stop(), [], 'the end of ovs-sgd')
    plugin.start()
    lab.settle()


run()
