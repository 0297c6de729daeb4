# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What policy costs packets: the same guests and the same traffic on bridges
of one switch, interleaved.

  plain   one NORMAL flow: no policy, the limit
  ours    the three-tier scenario, by the agent
  ovn     the same, by OVN

Network namespaces on veths are the web, app and db guests; all other ports
are dummies.  The main thread of ovs-vswitchd polls the veths.  Before
anything is measured, the bridges are held to what the policy says (see
directed.py).
"""
import json
import os
import re

import directed
import ovn as ovn_module
import scenario as scenario_module
import scenario_to_sg
from harness.agent import Agent, program
from harness.netns import Namespace, must
from harness.process import Child, command, wait_until
from harness.sandbox import Sandbox
from measure import cpu_ns, median, n_flows, say

PORT = '8080'                   # Web reaches app there, by TCP and UDP.
ZONES = '--zones=32768-65534'  # Conntrack is the datapath's: not OVN's.
ROLES = 'web', 'app', 'db'
OFF = [word for feature in ('tx', 'sg', 'tso', 'gso', 'gro')
       for word in (feature, 'off')]
SYSCTLS = {'ipv4/ip_local_port_range': '10000 65000', 'ipv4/tcp_tw_reuse': '1'}

# Name, what `tgen' is told before and after the address, unit of the result
# and how many of that are one of what tgen counts.
TESTS = [('TCP, one stream', 'bulk', None, 'Gbit/s', 8e-9),
         ('requests, 1 stream', 'rr', 1, '/s', 1),
         ('requests, 32 streams', 'rr', 32, '/s', 1),
         ('connections, one by one', 'crr', 1, '/s', 1),
         ('connections, 16 at a time', 'crr', 16, '/s', 1),
         ('small UDP', 'udp', 18, 'kpps', 1e-3)]
PROFILED = 'requests, 32 streams', 'connections, 16 at a time', 'small UDP'
PROFILE = {'passes': 'passes a packet', 'megaflows': 'megaflows',
           'megaflows_then': 'megaflows, after twice as many',
           'subtables': 'subtables a hit'}

STATS = {'packets received': 'packets',
         'avg. datapath passes per packet': 'passes',
         'avg. subtable lookups per megaflow hit': 'subtables',
         'miss with success upcall': 'upcalls'}


def the_scenario():
    """Three-tier, in which web reaches app by UDP, too."""
    result = scenario_module.generate('three-tier')
    app = next(g for g in result['groups'] if g['name'] == 'app')
    app['rules'].append(scenario_module.rule('ingress', 'udp', (8080, 8090),
                                             group='web'))
    return result


class Variant:
    """A bridge of the switch with guests on it."""

    def __init__(self, name, bridge, scenario):
        self.name = name
        self.bridge = bridge
        self.tag = name[:2] + '-'       # Begins the names of its interfaces.
        self.scenario = scenario
        # A port of each tier.
        self.roles = {role: next(p for p in scenario['ports']
                                 if p['groups'] == [role]) for role in ROLES}
        self.guests = {}                # Role -> Namespace.
        self.rates = {}                 # Test -> [result of each round].
        self.costs = {}                 # Test -> [CPU us a packet], too.
        self.profile = {}               # Test -> {...}.

    def add_guests(self):
        for role, port in self.roles.items():
            guest = Namespace(self.tag + port['name'], port['mac'],
                              [a + ('/64' if ':' in a else '/8')
                               for a in port['ips']])
            self.guests[role] = guest
            must('ethtool', '-K', guest.port, *OFF)
            self.run(role, 'ethtool', '-K', 'eth0', *OFF)
            for key, value in SYSCTLS.items():
                self.run(role, 'sh', '-c', 'echo "%s" >/proc/sys/net/%s'
                         % (value, key))

    def interfaces(self, ports, ids):
        """The ovs-vsctl words that add ports; ids(port) gives external_ids.
        What is no guest here is a dummy."""
        real = {guest.port for guest in self.guests.values()}
        for port in ports:
            name = self.tag + port['name']
            yield ['--', 'add-port', self.bridge, name, '--', 'set',
                   'Interface', name, *([] if name in real
                                        else ['type=dummy'])] + [
                'external_ids:%s=%s' % (k, json.dumps(v))
                for k, v in ids(port).items()]

    def inside(self, role):
        return ['nsenter', '--net=/proc/%d/ns/net'
                % self.guests[role].child.pid]

    def run(self, role, *argv, timeout=90):
        result = command(self.inside(role) + list(argv), timeout)
        if result.status != 0:
            raise RuntimeError('%s: %s' % (self.name, result))
        return result.out

    def note(self, test, rate, cost):
        self.rates.setdefault(test, []).append(rate)
        self.costs.setdefault(test, []).append(cost)

    def serve(self, tgen):
        Child(self.inside('app') + [tgen, 'serve', PORT])
        ask = self.inside('app') + [tgen, 'rr', '127.0.0.1', PORT, '.01', '1']
        if not wait_until(lambda: command(ask).status == 0):
            raise RuntimeError('tgen does not serve')


class Traffic:
    def __init__(self, seconds, rounds, names=None, without_ovn=False):
        self.seconds = seconds
        self.rounds = rounds
        self.without_ovn = without_ovn
        self.scenario = the_scenario()
        self.tgen = program('bench/tgen')
        self.sandbox = Sandbox('traffic').start()
        self.agent = self.ovn = None
        self.skipped = {}               # Variant -> why.
        self.variants = []
        makers = {'plain': self.make_plain, 'ours': self.make_ours,
                  'ovn': self.make_ovn}
        for name, make in makers.items():
            if name == 'plain' or not names or name in names:
                make()

    # The bridges.

    def _variant(self, name, bridge):
        variant = Variant(name, bridge, self.scenario)
        variant.add_guests()
        self.variants.append(variant)
        return variant

    def _plug(self, variant, ports, ids):
        words = list(variant.interfaces(ports, ids))
        for start in range(0, len(words), 100):
            self.sandbox.vsctl(*sum(words[start:start + 100], [])[1:])

    def make_plain(self):
        say('a bridge without policy')
        plain = self._variant('plain', 'br-plain')
        self.sandbox.add_bridge('br-plain')
        self._plug(plain, plain.roles.values(),
                   lambda port: {'iface-id': port['name']})
        self.sandbox.ofctl('add-flow', self.sandbox.mgmt('br-plain'),
                           'actions=NORMAL')

    def make_ours(self):
        say('a bridge guarded by the agent')
        ours = self._variant('ours', 'br-int')
        self.sandbox.add_bridge('br-int')
        self._plug(ours, self.scenario['ports'], lambda port: {
            'sg-groups': ' '.join(port['groups']),
            'attached-mac': port['mac'],
            'sg-addresses': ' '.join(port['ips'])})
        self.write_policy(self.scenario)
        self.agent = Agent(self.sandbox, self.sandbox.path('policy.lua'),
                           options=[ZONES])
        self.agent.start()
        self.agent.wait(60)

    def write_policy(self, scenario):
        path = self.sandbox.path('policy.lua')
        with open(path + '.new', 'w') as f:
            f.writelines(line + '\n' for line in scenario_to_sg.policy(
                scenario))
        os.rename(path + '.new', path)

    def reload(self, scenario):
        self.write_policy(scenario)
        self.agent.must('reload')
        self.agent.wait(60)

    def make_ovn(self):
        why = ovn_module.missing(self.without_ovn)
        if why:
            self.skipped['ovn'] = why
            say('OVN is left out: %s', why)
            return
        say('a bridge guarded by OVN')
        variant = self._variant('ovn', 'br-ovn')
        self.ovn = ovn_module.Ovn(self.sandbox, self.scenario,
                                  'br-ovn').start()
        ovn_module.without_zero_snat(self.ovn)
        self.ovn.load_topology(lambda ports: self._plug(
            variant, ports, lambda port: {'iface-id': port['name']}))
        self.ovn.load_policy()

    # Measuring.

    def one(self, variant, kind, number):
        if not self.sandbox.vswitchd.running:
            raise RuntimeError('ovs-vswitchd has ended')
        app = variant.guests['app'].addresses[0]
        return float(variant.run(
            'web', self.tgen, kind, app, PORT, str(self.seconds),
            *([] if number is None else [str(number)])))

    def measure_rates(self):
        for number in range(self.rounds):
            order = self.variants[::-1 if number % 2 else 1]
            for name, kind, argument, unit, scale in TESTS:
                for variant in order:
                    seen = self.observe(lambda v=variant, k=kind, a=argument:
                                        self.one(v, k, a))
                    variant.note(name, seen['result'] * scale,
                                 seen['us_per_packet'])
                say('round %d of %d: %s: %s', number + 1, self.rounds, name,
                    ', '.join('%s %.4g %s' % (v.name, v.rates[name][-1], unit)
                              for v in self.variants))

    def stats(self):
        text = self.sandbox.appctl('dpif-netdev/pmd-stats-show')
        return {key: float(found.group(1)) for name, key in STATS.items()
                for found in [re.search(re.escape(name) + r':\s*([\d.]+)',
                                        text)] if found}

    def observe(self, work):
        """What the datapath does during work()."""
        self.sandbox.appctl('dpif-netdev/pmd-stats-clear')
        before = cpu_ns(self.sandbox.vswitchd.pid)
        result = work()
        cpu = (cpu_ns(self.sandbox.vswitchd.pid) - before) / 1e9
        seen = self.stats()
        return dict(seen, result=result, cpu=cpu, us_per_packet=round(
            cpu * 1e6 / max(1, seen['packets']), 2))

    def measure_profiles(self):
        say('passes, megaflows and subtables')
        for variant in self.variants:
            for name, kind, argument, _, _ in TESTS:
                if name not in PROFILED:
                    continue
                self.sandbox.appctl('dpctl/del-flows')
                seen = self.observe(lambda v=variant, k=kind, a=argument:
                                    self.one(v, k, a))
                flows = self.megaflows(variant)
                seen['megaflows'] = flows.count('actions:')
                seen['established'] = established(flows)
                if kind == 'crr':
                    # As many connections again, before megaflows expire.
                    self.one(variant, kind, argument)
                    seen['megaflows_then'] = self.megaflows(variant).count(
                        'actions:')
                variant.profile[name] = seen

    def megaflows(self, variant):
        return self.sandbox.appctl('dpif/dump-flows', variant.bridge)

    def measure_set_up(self, number):
        """Every datagram is a new flow: without megaflows, each pass of it
        asks the flow tables."""
        say('flow set-up')
        self.sandbox.appctl('upcall/disable-megaflows')
        for _ in range(self.rounds):
            for variant in self.variants:
                app = variant.guests['app'].addresses[0]
                seen = self.observe(lambda v=variant, a=app: v.run(
                    'web', self.tgen, 'new', a, PORT, str(number)))
                variant.profile.setdefault('new flows', []).append(
                    {'upcalls_per_packet': seen['upcalls'] / number,
                     'us_per_packet': seen['cpu'] * 1e6 / number,
                     'us_per_upcall': seen['cpu'] * 1e6
                     / max(1, seen['upcalls'])})
        self.sandbox.appctl('upcall/enable-megaflows')
        for variant in self.variants:
            all_ = variant.profile['new flows']
            variant.profile['new flows'] = {
                key: round(median([each[key] for each in all_]), 2)
                for key in all_[0]}

    def run(self, patience=2):
        directed_result = directed.check(self, patience)
        for variant in self.variants:
            variant.serve(self.tgen)
        self.measure_rates()
        self.measure_profiles()
        self.measure_set_up(min(2000, int(3000 * self.seconds)))
        return self.result(directed_result)

    def result(self, directed_result):
        plain = self.variants[0]
        out = {'scenario': 'three-tier', 'ports': len(self.scenario['ports']),
               'rounds': self.rounds, 'seconds': self.seconds,
               'directed': directed_result, 'skipped': self.skipped,
               'variants': {}}
        for variant in self.variants:
            out['variants'][variant.name] = {
                'flows': n_flows(self.sandbox, variant.bridge),
                'rates': {name: with_ratio(rates, plain.rates[name])
                          for name, rates in variant.rates.items()},
                'cpu_us_per_packet': {
                    name: with_ratio(costs, plain.costs[name])
                    for name, costs in variant.costs.items()},
                'profile': variant.profile}
        return out

    def stop(self):
        if self.agent:
            self.agent.stop()
        if self.ovn:
            self.ovn.stop()
        for variant in self.variants:
            for guest in variant.guests.values():
                guest.stop()
        self.sandbox.stop()


def profile_of(test, variants):
    """Of a test in results: (what it is, [its value of each variant])."""
    for key, what in PROFILE.items():
        values = [v['profile'][test].get(key) for v in variants.values()]
        if None not in values:
            yield what, values


def established(flows):
    """Of the megaflows for packets of established connections: how many there
    are, and how many look at ports, or at addresses."""
    lines = [line for line in flows.splitlines()
             if re.search(r'ct_state\([^)]*\+est', line)]
    return {'megaflows': len(lines),
            'with_ports': sum(bool(re.search(
                r'(tcp|udp)\([^)]*(src|dst)=', line)) for line in lines),
            'with_addresses': sum(bool(re.search(
                r'ipv[46]\([^)]*(src|dst)=', line)) for line in lines),
            'text': lines[:20]}


def with_ratio(values, plain):
    """The ratio is the median of those within each round; 0 without any."""
    ratios = [a / b for a, b in zip(values, plain) if b]
    return {'median': round(median(values), 3),
            'all': [round(value, 3) for value in values],
            'ratio': round(median(ratios) or 0, 3)}
