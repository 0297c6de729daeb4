# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the agent costs: a cold start, a restart, changes, memory, idling.

Everything is measured on a private switch with dummy ports, in one run, beside
two floors that the switch alone sets: the time of `ovs-ofctl --bundle
add-flows' for the same flows on an empty bridge, and the round trip of one
flow mod with its barrier.
"""
import json
import os
import re
import threading
import time

import scenario_to_sg
from harness.agent import Agent, sgctl
from harness.sandbox import Sandbox
from harness.unixctl import Unixctl
from harness.watch import FlowWatch
from measure import (cpu_seconds, median, memory_mib, say, summary, timed)
from openflow import ADD, DELETE_STRICT, Connection

BRIDGE = 'br-int'
QUIET = .1                      # No flow mod for so long: the change is done.
REVIEW_TABLES = '107|131'       # EG_CT and IN_CT (doc/pipeline.md).


class FlowEvents(FlowWatch):
    """Flow mods as the switch reports them, with the time they came at."""

    def __init__(self, sandbox):
        super().__init__(sandbox, BRIDGE)
        self.events = []                # (time, line)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        with open(self.output) as f:
            while True:
                line = f.readline()
                if not line.endswith('\n'):
                    time.sleep(.0001)
                elif ' event=' in line:
                    self.events.append((time.monotonic(), line))

    def of(self, change, patience=30):
        """Makes a change; returns when it was all there (seconds after its
        begin), and the flow mods it took: (for good, revocation)."""
        del self.events[:]
        begin = time.monotonic()
        change()
        while not self.events and time.monotonic() - begin < patience:
            time.sleep(.0005)
        while self.events and time.monotonic() - self.events[-1][0] < QUIET:
            time.sleep(.01)
        if not self.events:
            raise RuntimeError('a change changed no flow')
        events = list(self.events)
        review = [at for at, line in events
                  if re.search(r'\btable=(%s)\b' % REVIEW_TABLES, line)]
        return events[-1][0] - begin, (len(events) - len(review), len(review))


class Control:
    """One scenario at one scale."""

    def __init__(self, scenario, repeat):
        self.scenario = scenario
        self.repeat = repeat
        self.sandbox = Sandbox('bench').start()
        self.result = {
            'scenario': scenario['name'], 'scale': scenario['scale'],
            'groups': len(scenario['groups']),
            'rules': sum(len(g['rules']) for g in scenario['groups']),
            'ports': len(scenario['ports']),
            'remote_members': len(scenario['remote_members'])}
        self.policy = self.sandbox.path('policy.lua')
        self.agent = Agent(self.sandbox, self.policy)

    # Set-up.

    def write_policy(self, scenario=None):
        with open(self.policy + '.new', 'w') as f:
            for line in scenario_to_sg.policy(scenario or self.scenario):
                f.write(line + '\n')
        os.rename(self.policy + '.new', self.policy)

    def port_words(self, port):
        ids = {'sg-groups': ' '.join(port['groups']),
               'attached-mac': port['mac'],
               'sg-addresses': ' '.join(port['ips'])}
        return ['--', 'add-port', BRIDGE, port['name'], '--', 'set',
                'Interface', port['name'], 'type=dummy',
                *('external_ids:%s=%s' % (k, json.dumps(v))
                  for k, v in ids.items())]

    def add_ports(self):
        self.sandbox.add_bridge(BRIDGE, True)
        ports = self.scenario['ports']
        for i in range(0, len(ports), 100):
            self.sandbox.vsctl(*sum(map(self.port_words, ports[i:i + 100]),
                                    [])[1:])

    # The agent as a whole.

    def converge(self):
        """Until all is in force; the agent runs."""
        self.control = Unixctl(self.sandbox.path(
            'ovs-sgd.%d.ctl' % self.agent.child.pid), timeout=300)
        self.control.call('sg/wait')

    def start_agent(self):
        self.agent.start()
        self.converge()

    def cold_start(self):
        switch = self.sandbox.vswitchd.pid
        before = cpu_seconds(switch)
        seconds, _ = timed(self.start_agent)
        agent = self.agent.child.pid
        flows = len(self.sandbox.flows(BRIDGE))
        self.result['cold_start'] = {
            'seconds': round(seconds, 3), 'flows': flows,
            'agent_cpu_s': round(cpu_seconds(agent), 2),
            'switch_cpu_s': round(cpu_seconds(switch) - before, 2)}
        now, most = memory_mib(agent)
        self.result['agent_memory_mib'] = {'now': round(now, 1),
                                           'most': round(most, 1)}

    def floor(self):
        """The same flows, put on an empty bridge by ovs-ofctl."""
        dump = self.sandbox.path('floor.txt')
        with open(dump, 'w') as f:
            f.write(''.join(line + '\n' for line in self.sandbox.must(
                ['ovs-ofctl', '-O', 'OpenFlow15', '--no-stats', 'dump-flows',
                 self.sandbox.mgmt(BRIDGE)], 300).splitlines()
                            if 'actions=' in line and len(line) < 30000))
        times = []
        for _ in range(3):
            self.sandbox.add_bridge('br-floor', True)
            times.append(timed(self.sandbox.must, [
                'ovs-ofctl', '-O', 'OpenFlow15', '--bundle', 'add-flows',
                self.sandbox.mgmt('br-floor'), dump], 300)[0])
            self.sandbox.vsctl('del-br', 'br-floor')
        self.result['floor_s'] = round(median(times), 3)
        self.result['cold_start']['to_floor'] = round(
            self.result['cold_start']['seconds'] / median(times), 2)

    def idle(self, seconds):
        agent = self.agent.child.pid
        before = cpu_seconds(agent)
        time.sleep(seconds)
        self.result['idle_percent'] = round(
            (cpu_seconds(agent) - before) / seconds * 100, 3)

    def restart(self):
        """After kill -9: what it touches, and how long until all is known to
        be in force, beside the time for a dump and for reading the policy."""
        dump = [timed(self.sandbox.must, [
            'ovs-ofctl', '-O', 'OpenFlow15', 'dump-flows',
            self.sandbox.mgmt(BRIDGE)], 300)[0] for _ in range(3)]
        load = [timed(sgctl, self.sandbox, 'check', self.policy)[0]
                for _ in range(3)]
        events = FlowEvents(self.sandbox)
        times = []
        for _ in range(3):
            self.agent.kill()
            times.append(timed(self.start_agent)[0])
        time.sleep(QUIET)
        floor = median(dump) + median(load)
        self.result['restart'] = {
            'seconds': round(median(times), 3), 'dump_s': round(median(dump),
                                                                3),
            'load_s': round(median(load), 3),
            'to_floor': round(median(times) / floor, 2),
            'flow_mods': len(events.events)}
        events.close()

    # Changes.

    def round_trip(self):
        connection = Connection(self.sandbox.path(BRIDGE + '.mgmt'))
        times = []
        for i in range(200):
            for command in ADD, DELETE_STRICT:
                times.append(timed(connection.flow_mod, command, 200,
                                   i + 1)[0])
        connection.close()
        self.result['round_trip'] = summary(times)

    def reload(self, scenario):
        self.write_policy(scenario)
        self.control.call('sg/reload')

    def repeated(self, name, there, back):
        """Both changes, 'repeat' times each."""
        for change in there, back:
            change.times, change.mods = [], (0, 0)
        for _ in range(self.repeat):
            for change in there, back:
                seconds, mods = self.events.of(change)
                change.times.append(seconds)
                change.mods = mods
        base = self.result['round_trip']['median_ms']
        self.result.setdefault('changes', {})[name] = {
            change.__name__: dict(
                summary(change.times), flow_mods=change.mods[0],
                revocation=change.mods[1],
                to_round_trip=round(median(change.times) * 1e3 / base, 1))
            for change in (there, back)}

    def referenced_group(self):
        names = [rule['remote']['group'] for group in self.scenario['groups']
                 for rule in group['rules'] if 'group' in rule['remote']]
        return max(sorted(set(names)), key=names.count)

    def change_member(self):
        name = self.referenced_group()
        member = next(m for m in self.scenario['remote_members']
                      if name in m['groups'])
        less = dict(self.scenario, remote_members=[
            m if m is not member
            else dict(m, groups=[g for g in m['groups'] if g != name])
            for m in self.scenario['remote_members']])

        def leave():
            self.reload(less)

        def join():
            self.reload(self.scenario)
        self.repeated('remote member, by reload', leave, join)

    def change_rule(self):
        first = self.scenario['ports'][0]['groups'][0]
        rule = {'direction': 'ingress', 'ethertype': 'IPv4',
                'protocol': 'tcp', 'port_min': 2000, 'port_max': 2000,
                'remote': {'group': self.referenced_group()}}
        more = dict(self.scenario, groups=[
            dict(g, rules=g['rules'] + [rule]) if g['name'] == first else g
            for g in self.scenario['groups']])

        def add():
            self.reload(more)

        def remove():
            self.reload(self.scenario)
        self.repeated('rule by group, by reload', add, remove)

    def change_port(self):
        port = {'name': 'newport', 'mac': '02:00:0c:00:00:01',
                'ips': ['10.32.0.1'],
                'groups': self.scenario['ports'][0]['groups']}

        def up():
            self.sandbox.vsctl('--no-wait', *self.port_words(port)[1:])

        def down():
            self.sandbox.vsctl('--no-wait', 'del-port', port['name'])
        self.repeated('port of a known profile', up, down)

    # All of it.

    def run(self, idle):
        self.write_policy()
        self.add_ports()
        say('%s, scale %s: cold start', self.scenario['name'],
            self.scenario['scale'])
        self.cold_start()
        say('floor')
        self.floor()
        say('idle')
        self.idle(idle)
        say('restart')
        self.restart()
        say('changes')
        self.round_trip()
        self.events = FlowEvents(self.sandbox)
        self.change_member()
        self.change_rule()
        self.change_port()
        self.events.close()
        self.control.close()
        return self.result

    def stop(self):
        self.agent.stop()
        self.sandbox.stop()
