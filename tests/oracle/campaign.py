# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The differential test: the same packets to the switch and to the oracle.

A seed makes one *episode*: a world of ports, a policy, and a number of steps.
Each step changes something (a rule, a member, a port's groups or addresses)
and sends waves of packets, first of the connections that were there before.
"""
import collections
import os
import random
import re
import time

import policies
import world as worlds
from contract import Expected, Oracle, Unspecified
from harness import frames
from harness.agent import Agent, sgctl
from harness.lab import SWITCH_NOISE
from harness.sandbox import Sandbox
from harness.tap import Failure
from harness.watch import FlowWatch, LogWatch
from packet import number_of
from traffic import Traffic

LABELS = ('allowed', 'refused', 'reply', 'error', 'fragment', 'after')
LAYER = 64                      # Frames a port at a time.
STEPS = 8                       # Of an episode.
SIZE = 320                      # About 3/4 of a step's packets.
# Parts of the contract that a pipeline may do without for a while.
FEATURES = tuple(os.environ.get('SG_ORACLE_FEATURES',
                                'fragments sctp').split())
# What the switch says of an agent that is killed in the middle of a sentence.
KILLED = (r'send error: Broken pipe', r'receive error: Connection reset',
          r'connection dropped \((Broken pipe|Connection reset by peer)\)')
REVIEW_COOKIE = 'cookie=0x53479'        # Temporary flows; see flows_of().


class Mismatch(Exception):
    """What the switch did is not what the contract says."""


class Stats:
    def __init__(self):
        self.packets = self.policies = self.worlds = self.restarts = 0
        self.leaked = self.mismatches = self.changes = self.compared = 0
        self.skipped = self.scratch = 0
        self.labels = collections.Counter()

    def add(self, other):
        for name, value in vars(other).items():
            if name == 'labels':
                self.labels.update(value)
            else:
                setattr(self, name, getattr(self, name) + value)

    def shares(self):
        return ', '.join('%s %.1f %%' % (
            label, 100.0 * self.labels[label] / max(self.packets, 1))
            for label in LABELS)

    def rare(self):
        """Labels of less than a tenth of the packets."""
        return [label for label in LABELS
                if self.labels[label] * 10 < self.packets and
                (label != 'fragment' or 'fragments' in FEATURES)]

    def __str__(self):
        return ('%d packets, %d policies, %d changes, %d worlds, %d restarts '
                'of the agent, flows compared with those from nothing %d '
                'times and with those installed %d times, %d mismatches, %d '
                'frames leaked, %d packets not sent as the contract is open'
                % (self.packets, self.policies, self.changes, self.worlds,
                   self.restarts, self.scratch, self.compared,
                   self.mismatches, self.leaked, self.skipped))


class Episode:
    def __init__(self, seed, features=()):
        self.seed = seed
        self.rng = random.Random(seed)
        self.features = features
        self.stats = Stats()
        self.failures = []
        self.changes = []

    # Life.

    def run(self, steps, size):
        self.world = worlds.random_world(self.rng, policies.GROUPS)
        self.policy = policies.random_policy(self.rng, self.features)
        self.sandbox = Sandbox('oracle').start()
        try:
            self._start()
            for step in range(steps):
                self.traffic.step = step
                if step:
                    self._change()
                self._step(size)
                self._compare_flows()
                if len(self.failures) > 3:
                    break
            self.failures += self.agent.stop() + self._read_logs()
        except Failure as failure:
            self._fail('seed %d: %s\n%s' % (self.seed, failure,
                                            self._last_words()))
        finally:
            self.failures += self.sandbox.stop()
        return self

    def _read_logs(self):
        """Warnings and errors, of which there must be none."""
        return ['seed %d: in %s: %s' % (self.seed, name, line)
                for name, noise in (('ovs-sgd.log', ()), ('ovs-sgd.out', ()),
                                    ('ovs-vswitchd.log', SWITCH_NOISE + KILLED),
                                    ('ovs-vswitchd.out', SWITCH_NOISE))
                for line in LogWatch(self.sandbox.path(name)).unexpected(
                    noise)[:5]]

    def _last_words(self):
        out = []
        for name in ('ovs-vswitchd.out', 'ovs-vswitchd.log', 'ovs-sgd.log'):
            try:
                with open(self.sandbox.path(name), errors='replace') as f:
                    out += ['  end of %s:' % name] + [
                        '    ' + line.rstrip() for line in
                        f.readlines()[-8:]]
            except FileNotFoundError:
                pass
        return '\n'.join(out)

    def _start(self):
        self.folder = self.sandbox.path('policy.d')
        os.mkdir(self.folder)
        self._write_policy()
        checked = sgctl(self.sandbox, 'check', self.folder)
        if checked.status:
            raise Failure('%s\n%s' % (checked, self.policy.lua()))
        self.world.deploy(self.sandbox)
        self.agent = Agent(self.sandbox, self.folder).start()
        self.agent.wait(20)
        self._check_states()
        self.oracle = Oracle(self.world, self.policy)
        self.traffic = Traffic(self.rng, self.world, self.oracle,
                               self.features)
        self.stats.worlds += 1
        self.stats.policies += 1

    def _check_states(self):
        for port in self.agent.json('list-ports'):
            if port['state'] != 'active':
                raise Failure('%s is %s: %s' % (port['name'], port['state'],
                                                port['error']))

    def _write_policy(self):
        with open(os.path.join(self.folder, 'policy.lua'), 'w') as f:
            f.write(self.policy.lua())

    # Changes.

    def _change(self):
        what = self.rng.choices([self._change_policy, self._change_groups,
                                 self._change_addresses], [6, 3, 1])[0]
        text = what()
        self.changes.append(text)
        self.stats.changes += 1
        self.oracle.changed(self.policy)
        # Sometimes the temporary flows of a revocation get the time to go.
        if self.rng.random() < 0.15:
            time.sleep(1.5)
        if self.rng.random() < 0.15:
            self._restart_agent()

    def _change_policy(self):
        self.policy, what = policies.mutate(self.rng, self.policy,
                                            self.features)
        self._write_policy()
        self.agent.must('reload')
        self.agent.wait(20)
        self.stats.policies += 1
        return what

    def _change_groups(self):
        port = self.rng.choice(list(self.world.ports.values()))
        port.groups = self.rng.sample(policies.GROUPS,
                                      self.rng.choice((1, 1, 2, 3)))
        self._set_ids(port)
        return '%s: groups %s' % (port.name, port.groups)

    def _change_addresses(self):
        port = self.rng.choice(list(self.world.ports.values()))
        taken = {(e.network, a) for e in self.world.endpoints()
                 for a in e.port.addresses if e.port is not port}
        port.addresses = worlds.random_addresses(
            self.rng, self.rng.randint(0, 12), port, taken)
        self._set_ids(port)
        return '%s: addresses %s' % (port.name, port.addresses)

    def _set_ids(self, port):
        self.sandbox.set_ids(port.name, worlds.ids(port))
        self.agent.wait(20)

    def _restart_agent(self):
        self._untouched('a restart of the agent', self.agent.restart)
        self.stats.restarts += 1

    # Comparing flows.

    def flows_of(self):
        """All flows of ours, but those of revocation, which end when no
        connection needs them."""
        return {b: [f for f in self.sandbox.flows(b)
                    if REVIEW_COOKIE not in f] for b in worlds.BRIDGES}

    def _untouched(self, what, act):
        """Carries out act(), which must neither change the flows nor write the
        same once more."""
        before = self.flows_of()
        watches = [FlowWatch(self.sandbox, b) for b in worlds.BRIDGES]
        act()
        self.agent.wait(20)
        events = [e for w in watches for e in w.take()
                  if REVIEW_COOKIE not in e]
        for watch in watches:
            watch.close()
        after = self.flows_of()
        self.stats.compared += 1
        if events or before != after:
            self._fail('seed %d, step %d: %s touches flows:\n  %s' % (
                self.seed, self.traffic.step, what,
                '\n  '.join(events[:20])))

    def _compare_flows(self):
        """What is wanted after so many changes is what a compilation from
        nothing comes to, at every step.  And what is installed is what would
        be installed anew: now and then, a reload touches nothing, nor does an
        agent that starts afresh."""
        differences = self.agent.differences()
        self.stats.scratch += 1
        if differences:
            self._fail('seed %d, step %d: not as from nothing, after %s:\n%s'
                       % (self.seed, self.traffic.step, self.changes[-1:],
                          differences))
        if self.rng.random() < 0.25:
            self._untouched('a reload of the same policy',
                            lambda: self.agent.must('reload'))

    # Packets.

    def _step(self, size):
        t, rng = self.traffic, self.rng
        if t.step:
            t.prune(size * 3 // 8)
            old = list(t.connections)
            for _ in range(2):
                self._send(t.wave(t.later, old))
        self._send(t.opening_wave(size // 4))
        self._send(t.wave(lambda c: 'cross' if c.crossing and c.open else None,
                          [c for c in t.connections if c.born == t.step]))
        self._send(t.wave(lambda c: 'forward' if c.open and rng.random() < 0.15
                          else None if rng.random() < 0.1 else 'reply',
                          [c for c in t.connections if c.born == t.step]))
        self._send(t.wave(lambda c: t.later(c) if rng.random() < 0.4
                          else 'error' if c.proto in (1, 6, 17, 58) else None,
                          [c for c in t.connections if c.born == t.step]))
        self._send(t.strays(size // 6))

    def _send(self, packets):
        """Feeds a wave and compares what comes out."""
        sent = {}
        queues = collections.defaultdict(list)
        for p in packets:
            try:
                expected = self.oracle.expect(p)
            except Unspecified:
                self.stats.skipped += 1
                if p.origin:
                    p.origin.done = 'error' not in p.labels
                continue
            if 'lossy' in p.labels:
                expected = Expected({}, expected.may | set(expected.must),
                                    expected.why)
            sent[p.number] = (p, expected)
            queues[p.iface] += p.build()
            if expected.must:
                self.traffic.passed(p)
            self._count(p, expected)
            if p.origin:
                p.origin.history.append('step %d: %s\n      expected at %s'
                                        % (self.traffic.step, p, expected))
        self._feed(queues)
        self._compare(sent)
        self._check_datapath()

    def _check_datapath(self):
        """Nothing is done behind a ct() but to come back from it: fragments
        that expired in it go the same way, unjudged."""
        for line in self.sandbox.appctl('dpctl/dump-flows').splitlines():
            actions = line.partition('actions:')[2]
            if re.search(r'\bct(\([^()]*\))?,(?!recirc\(\w+\)(\)|$))',
                         actions):
                self._fail('acts behind a ct(): ' + line)

    def _count(self, p, expected):
        self.stats.packets += p.fragments or 1
        for label in p.labels & set(LABELS):
            self.stats.labels[label] += p.fragments or 1
        self.stats.labels['allowed' if expected.must else 'refused'] += \
            p.fragments or 1

    def _feed(self, queues):
        """All ports at once, a layer at a time."""
        while any(queues.values()):
            for iface, queue in queues.items():
                part, queues[iface] = queue[:LAYER], queue[LAYER:]
                if part:
                    self.sandbox.appctl('netdev-dummy/receive', iface,
                                        *(f.hex() for f in part))
                    self.sandbox.injected += len(part)
            self.sandbox._wait_processed()

    def _compare(self, sent):
        seen = collections.defaultdict(collections.Counter)
        for iface, out in self.sandbox.collect().items():
            for frame in out:
                number = number_of(frame)
                if number not in sent:
                    self._fail('a frame from nowhere leaves %s: %s' % (
                        iface, frames.describe(frame)))
                    self.stats.leaked += 1
                    continue
                seen[number][iface] += 1
                self._check_frame(sent[number][0], iface, frame)
        for number, (p, expected) in sent.items():
            self._check(p, expected, seen[number])

    def _check_frame(self, p, iface, frame):
        """It leaves as it came, but for its tag."""
        if not any(frames.untagged(f) == frames.untagged(frame)
                   for f in p.build()):
            self._fail('%s leaves %s changed: %s' % (
                p, iface, frames.describe(frame)))

    def _check(self, p, expected, seen):
        must = collections.Counter(expected.must)
        copies = p.fragments or 1
        extra = {i for i, n in seen.items()
                 if n > (must[i] or copies * (i in expected.may))}
        missing = {i for i, n in must.items() if seen[i] < n}
        if not extra and not missing:
            return
        self.stats.mismatches += 1
        self.stats.leaked += sum(
            seen[i] for i in extra if i in self.world.ports)
        if p.origin:
            p.origin.done = True
        self._fail(self._report(p, expected, seen, extra, missing))

    def _fail(self, text):
        self.failures.append(text)

    def _report(self, p, expected, seen, extra, missing):
        bridge = self.world.bridge_of(p.iface)
        lines = ['seed %d, step %d: %s' % (
            self.seed, self.traffic.step, '; '.join(
                (['MUST NOT leave ' + ', '.join(sorted(extra))]
                 if extra else []) +
                (['must leave ' + ', '.join(sorted(missing))]
                 if missing else []))),
            '  packet   %s' % p, '  expected %s' % expected,
            '  seen     %s' % (dict(seen) or 'nowhere'),
            '  last change: %s' % (self.changes[-1] if self.changes
                                   else 'none')]
        if p.origin:
            lines += ['  history:'] + ['    ' + h for h in p.origin.history]
            lines += ['  conntrack:'] + self._conntrack(p.origin.opening)
        if len(self.failures) < 2:
            lines += self._details(p, bridge)
        return '\n'.join(lines)

    def _conntrack(self, t):
        return ['    ' + line for line in self.sandbox.conntrack().split('\n')
                if '=%s,' % t.src in line and '=%s,' % t.dst in line and
                (not t.sport or '=%d' % t.sport in line)]

    def _details(self, p, bridge):
        lines = ['  ports:'] + ['    %s' % port for port in
                                self.world.ports.values()]
        lines += ['  changes:'] + ['    %d: %s' % item for item in
                                   enumerate(self.changes, 1)]
        lines += ['  policy:'] + ['    ' + line for line in
                                  self.policy.lua().split('\n')]
        lines += ['  revocation:'] + [
            '    %s: %s' % (b, f) for b in worlds.BRIDGES
            for f in self.sandbox.flows(b) if REVIEW_COOKIE in f]
        lines += ['  trace:'] + ['    ' + line for line in self.sandbox.trace(
            bridge, p.iface, p.build()[0]).split('\n')]
        return lines


def run(seed, packets, bad=1, progress=None):
    """Episodes from 'seed' on until 'packets' were sent, or 'bad' of them have
    failed.  Returns their statistics, their failures and the last seed."""
    total, failures, failed = Stats(), [], 0
    while True:
        episode = Episode(seed, FEATURES).run(STEPS, SIZE)
        total.add(episode.stats)
        failures += episode.failures
        failed += bool(episode.failures)
        if progress:
            progress(seed, episode)
        if total.packets >= packets or failed >= bad:
            return total, failures, seed
        seed += 1
