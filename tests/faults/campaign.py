# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Rounds of changes and faults under continuous traffic.

A round changes some toggles of the world, lets one or more faults happen at
random moments of it, repairs what the faults took away, and says `ovs-sgctl
wait`.  From then on exactly what was asked for is in force: all ports are
active, traffic is judged without excuses, and a fresh agent changes no flow.
"""
import json
import os
import random
import re
import time

import faults
import world
from harness.agent import Agent
from harness.process import Child, command, wait_until
from harness.sandbox import Sandbox
from harness.tap import Failure
from traffic import Traffic

REVIEW = 'cookie=0x53479'               # Flows that look for connections to
                                        # cut go when there are none left.
# What the agent may say when something is away, damaged or refused.
EXPECTED = (r'connect', r'\.mgmt', r'db\.sock', r'\.ctl', r'transport error',
            r'somebody else changed', r'bypass', r'timeval', r'refused',
            r'policy', r'replacing flow', r'receive error', r'send error',
            r'belongs to the security groups', r'Broken pipe',
            # More of `somebody else changed'.
            r'sg_monitor\|WARN\|Dropped \d+ log messages')


class Campaign:
    def __init__(self, seed, out=print):
        self.seed = seed
        self.out = out
        self.rng = random.Random(seed)
        self.rounds = 0
        self.failures = []
        self.used = {}                  # Fault's name -> how often.
        self.jobs = []                  # Commands in the background.
        self.later = []                 # ovs-vsctl words for the repair.
        self.sandbox = Sandbox('faults').start()
        self.state = world.State()
        self.wanted = dict.fromkeys(world.TOGGLES, False)
        self.wanted['extra'] = True
        self.numbers = {name: number for number, name
                        in enumerate(world.GUESTS, 1)}
        self.policy_path = os.path.join(self.sandbox.path('policy.d'),
                                        'policy.lua')
        os.mkdir(self.sandbox.path('policy.d'))
        self.agent = Agent(self.sandbox, os.path.dirname(self.policy_path))
        self.traffic = Traffic(self.sandbox, self.state, seed)

    def start(self):
        self._write_policy()
        self.sandbox.add_bridge('br0')
        self.vsctl(*self.sandbox.port_command('br0', 'uplink', None, 100)[1:])
        for name in world.GUESTS:
            self.vsctl(*self._port_words(name))
        self.agent.start()
        self._settle()
        self.traffic.start()

    def stop(self):
        self.traffic.stop()
        self.failures += self.agent.stop()
        self.failures += self.sandbox.stop()

    # What faults use.

    def vsctl(self, *words):
        self.sandbox.vsctl('--no-wait', *words)

    def begin_vsctl(self, *words):
        """Without waiting, and until it succeeds."""
        self.background(Child(
            ['ovs-vsctl', '--no-wait', '--retry', '--timeout=20',
             '--db=unix:' + self.sandbox.path('db.sock'), *words],
            self.sandbox.env).process)

    def background(self, process_):
        self.jobs.append(process_)

    def flows(self):
        """Ours, as text; none if the switch is away, or if it waits for its
        database: then it serves no OpenFlow."""
        if self.state.no_database:
            return []
        try:
            return self.sandbox.flows()
        except Failure:
            return []

    def flow_mod(self, verb, flow, strict=False):
        """As an operator would; the switch may be away."""
        if self.state.no_database:
            return
        command(['ovs-ofctl', '--timeout=5', '-O', 'OpenFlow15',
                 *(['--strict'] if strict else []), verb,
                 self.sandbox.mgmt('br0'), *([flow] if flow else [])], 10,
                self.sandbox.env)

    # Changes.

    def _write_policy(self):
        temporary = self.policy_path + '.new'
        with open(temporary, 'w') as f:
            f.write(world.policy({n for n in world.POLICY_TOGGLES
                                  if self.wanted[n]}))
        os.rename(temporary, self.policy_path)

    def _port_words(self, name):
        """The ovs-vsctl words that make a guest's port as it should be."""
        host = self.traffic.hosts[name]
        groups, ips = world.GUESTS[name], host.ips
        if name == 'odd' and self.wanted['member']:
            groups = 'web spare'
        if name == 'app2' and self.wanted['address']:
            ips = ips + [world.SECOND]
        words = self.sandbox.port_command('br0', name, {
            'attached-mac': host.mac, 'sg-addresses': ' '.join(ips),
            'sg-groups': groups}, self.numbers[name])
        return ['--may-exist'] + words[1:]

    def _database_words(self):
        """All of the database that toggles decide."""
        words = self._port_words('odd') + ['--'] + self._port_words('app2')
        if self.wanted['extra']:
            return words + ['--'] + self._port_words('extra')
        return words + ['--', '--if-exists', 'del-port', 'extra']

    def _begin_change(self):
        """Some toggles; returns their names."""
        names = self.rng.sample(world.TOGGLES, self.rng.choice((1, 1, 2, 3)))
        for name in names:
            self.wanted[name] = not self.wanted[name]
            self.state.widen(name, self.wanted[name])
        if 'extra' in names:
            self.state.new_ports |= {'extra'}
        if set(names) & set(world.DATABASE_TOGGLES):
            self.begin_vsctl(*self._database_words())
        if set(names) & set(world.POLICY_TOGGLES):
            self._write_policy()
            self.background(self.agent.begin('reload'))
        return names

    def _repair(self):
        """Brings everything back that faults took, and asks again for all
        that was asked for."""
        for job in self.jobs:
            if not wait_until(lambda: job.poll() is not None, 25):
                job.kill()
        self.jobs = []
        if not self.agent.child.running:
            self.agent.start()
        self._write_policy()
        self.vsctl(*self._database_words())
        for words in self.later:
            self.vsctl(*words)
        self.later = []
        self.agent.must('reload')

    def _forget(self, chosen):
        """Connections that nobody can be asked to judge any more: those that
        came in by a hole live on, as they would for any firewall, and what an
        agent has to know of the others may have gone with flows that somebody
        took away while there was no agent.  An operator would do the same."""
        lost = any(f.damages_flows for f in chosen) and \
            any(f.kills_agent for f in chosen)
        if lost or self.state.hole:
            self.agent.wait(timeout=40)
            self.state.loss = True
            self.state.forget_connections()
            self.sandbox.appctl('dpctl/flush-conntrack')
            self.state.forget_connections()

    def _settle(self):
        self.agent.wait(timeout=40)
        self.sandbox.purge_megaflows()
        self.state.narrow(self.wanted)

    # A round.

    def _choose_faults(self):
        kinds = self.rng.choices(faults.FAULTS, k=self.rng.choice((1, 1, 2, 3)))
        chosen = [kind(self) for kind in dict.fromkeys(kinds)]
        for fault in chosen:
            name = type(fault).__name__
            self.used[name] = self.used.get(name, 0) + 1
        return chosen

    def _pause(self, longest):
        # Short ones more often: that is where things happen.
        time.sleep(longest * self.rng.random() ** 2)

    def _faults_happen(self, chosen):
        for fault in chosen:
            fault.prepare()
        names = self._begin_change()
        for fault in chosen:
            self._pause(0.15)
            self.state.loss |= fault.excuses_loss
            fault.begin()
        if self.rng.random() < 0.3:     # A second change meanwhile.
            names += self._begin_change()
        self._pause(0.6)
        for fault in reversed(chosen):
            fault.end()
        return names

    def round(self):
        self.rounds += 1
        chosen = self._choose_faults()
        before = len(self.traffic.failures)
        problem, names = None, ['?']
        try:
            names = self._faults_happen(chosen)
            self._repair()
            self._forget(chosen)
            self._settle()
            self._check_ports()
            self._check_fresh_start()
        except Failure as failure:
            problem = failure
        what = 'round %d: %s; changed %s' % (
            self.rounds, ', '.join(map(str, chosen)), ' '.join(names))
        self.out(time.strftime('%H:%M:%S ', time.gmtime()) + what)
        if problem:
            self.failures.append('%s\n%s' % (what, problem))
        time.sleep(0.15)                # Traffic without excuses.
        for text in self.traffic.failures[before:]:
            self.failures.append('%s\n  %s' % (what, text))

    # Checks.

    def _check_ports(self):
        ports = json.loads(self.agent.must('--format=json', 'list-ports'))
        bad = ['%s is %s: %s' % (p['name'], p['state'], p['error'])
               for p in ports if p['state'] != 'active']
        expected = {n for n in world.GUESTS
                    if n != 'extra' or self.wanted['extra']}
        if bad or {p['name'] for p in ports} != expected:
            raise Failure('ports: %s; %s' % (
                ' '.join(p['name'] for p in ports), '; '.join(bad)))

    def _check_fresh_start(self):
        before = self.sandbox.flows()
        self.agent.restart()
        self._settle()
        after = self.sandbox.flows()
        gone = [f for f in set(before) - set(after) if REVIEW not in f]
        new = sorted(set(after) - set(before))
        if gone or new:
            raise Failure('a fresh agent changes %d flows:\n%s' % (
                len(gone) + len(new), '\n'.join(
                    ['- ' + f for f in sorted(gone)[:10]] +
                    ['+ ' + f for f in new[:10]])))

    def log_failures(self):
        """Lines in the agent's log that nothing explains."""
        bad = re.compile(r'\|(WARN|ERR|EMER)\||Sanitizer|runtime error:'
                         r'|assertion .* failed')
        lines = []
        for name in ('ovs-sgd.log', 'ovs-sgd.out'):
            try:
                with open(self.sandbox.path(name), errors='replace') as f:
                    lines += [line.rstrip() for line in f if bad.search(line)]
            except FileNotFoundError:
                pass
        return [line for line in lines
                if not any(re.search(e, line) for e in EXPECTED)]

    def summary(self):
        counts = self.traffic.counts
        return 'seed %d, %d rounds, %d packets, %d forbidden packets ' \
            'passed, %d lost, %d broken connections' % (
                self.seed, self.rounds, counts['packets'],
                counts['forbidden'], counts['lost'], counts['broken'])
