# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A private switch with the ports of a scenario, and the agent with its
policy."""
import json
import os
import random
import re

import scenario_to_sg
from harness.agent import TOP, sgctl
from harness.lab import Lab
from harness.unixctl import Unixctl, UnixctlError
from measure import timed
from model import allowed
from switch_control import SwitchControl

BRIDGE = 'br-int'
SAMPLE = 12                     # Local ports that packets are sent to.
CHECKS = 60                     # Connections that are tried.
TRIED = [('tcp', 22), ('tcp', 443), ('tcp', 8085), ('tcp', 5432),
         ('tcp', 33000), ('tcp', 1500), ('udp', 53), ('udp', 1500),
         ('icmp', None)]

# Flows here are temporary: they end connections that are not allowed any more.
REVOCATION = ('EG_REVIEW', 'EG_REVIEWED', 'IN_REVIEW', 'IN_REVIEWED', 'EG_CT',
              'IN_CT')


def revocation_tables():
    with open(os.path.join(TOP, 'plugin', 'compile', 'pipeline.h')) as f:
        return {int(number) for name, number in re.findall(
            r'SG_TABLE\((\w+),\s*(\d+)\)', f.read()) if name in REVOCATION}


class Wrong(Exception):
    """The figures would mean nothing."""


class World:
    def __init__(self, scenario):
        self.scenario = scenario
        self.lab = Lab(bridges=())
        self.sandbox = self.lab.sandbox
        self.agent = self.lab.agent
        self.switch_control = SwitchControl(
            self.sandbox.path('switch.ctl'), lambda: self.sandbox.path(
                'ovs-vswitchd.%d.ctl' % self.sandbox.vswitchd.pid))
        self.agent.options.append('--switch-unixctl='
                                  + self.switch_control.path)
        self.policy = os.path.join(self.lab.folder, 'policy.lua')
        self.sandbox.add_bridge(BRIDGE)
        self.write_policy(scenario)
        self.add_ports()
        self.control = None

    # The policy.

    def write_policy(self, scenario, files=()):
        self.lab.write_policy('\n'.join(scenario_to_sg.policy(
            scenario, files)) + '\n')

    def reload(self):
        """Until the new policy is loaded; its flows follow."""
        self.control.call('sg/reload')

    def check_seconds(self):
        """How long the policy takes to be read, in a process of its own."""
        seconds, result = timed(sgctl, self.sandbox, 'check', self.policy)
        if result.status != 0:
            raise Wrong(str(result))
        return seconds

    # The ports.

    @staticmethod
    def ids(port):
        ids = {'sg-groups': ' '.join(port['groups']),
               'attached-mac': port['mac'],
               'sg-addresses': ' '.join(port['ips'])}
        if 'network' in port:
            ids['sg-network'] = port['network']
        return ids

    def add_ports(self):
        """Some as guests of the lab, which sees what comes out of them."""
        ports = self.scenario['ports']
        step = max(1, len(ports) // SAMPLE)
        self.sample = ports[::step][:SAMPLE]
        names = {port['name'] for port in self.sample}
        for port in self.sample:
            self.lab.guest(port['name'], ids=self.ids(port), bridge=BRIDGE,
                           mac=port['mac'], ips=port['ips'])
        self.lab.trusted('uplink', bridge=BRIDGE)
        self.lab.apply()
        words = [['--', 'add-port', BRIDGE, port['name'], '--', 'set',
                  'Interface', port['name'], 'type=dummy',
                  *('external_ids:%s=%s' % (k, json.dumps(v))
                    for k, v in self.ids(port).items())]
                 for port in ports if port['name'] not in names]
        for start in range(0, len(words), 100):
            self.sandbox.vsctl(*sum(words[start:start + 100], [])[1:])

    # The agent.

    def start_agent(self):
        """Until all is in force."""
        self.agent.start()
        self.converge()

    def converge(self):
        """Until flows, port states and limits are in force; the datapath's
        cache may not have followed yet (see switch_control.py)."""
        if self.control:
            self.control.close()
        self.control = Unixctl(self.agent.socket, timeout=300)
        self.control.call('sg/wait')

    def longest_turn(self):
        """How long the agent's loop was kept at most since the last call, and
        by what (milliseconds of processor time); None if the agent does not
        say."""
        try:
            turns = json.loads(self.control.call('sg/turns', 'clear'))['cpu']
        except UnixctlError:
            return None
        part = max(turns['parts'], key=turns['parts'].get)
        return {'ms': turns['longest_us'] / 1e3, 'part': part,
                'part_ms': turns['parts'][part] / 1e3}

    # Is it in force?

    def check(self):
        """Sends packets through the flows that are measured; returns what was
        seen to be right, or raises Wrong."""
        lab, rng = self.lab, random.Random(1)
        lab.begin_test()
        self.sandbox.purge_megaflows()
        remote = rng.sample(self.scenario['remote_members'],
                            min(SAMPLE, len(self.scenario['remote_members'])))
        for member in remote:
            if member['name'] not in lab.hosts:
                lab.remote(member['name'], *member['ips'], bridge=BRIDGE,
                           mac=member['mac'])
        n_tried = n_allowed = 0
        while n_tried < CHECKS:
            local = rng.random() < .5
            source = rng.choice(self.sample if local else remote)
            targets = [p for p in self.sample if p != source
                       and p.get('network') == source.get(
                           'network', p.get('network'))]
            if not targets:             # Alone in its network.
                continue
            target = rng.choice(targets)
            n_tried += 1
            proto, port = rng.choice(TRIED)
            wanted = allowed(self.scenario, source, target, proto, port,
                             local=local)
            n_allowed += wanted
            lab.expect(lab.hosts[source['name']], lab.hosts[target['name']],
                       proto, port, wanted, family=4)
        self.check_spoofing()
        if lab.failures:
            raise Wrong('the flows do not do what the policy says:\n'
                        + '\n'.join(lab.failures))
        return ('%d connections tried, %d allowed, all as the policy says; '
                'foreign addresses refused' % (CHECKS, n_allowed))

    def check_spoofing(self):
        """A guest with the address, then with the MAC, of another."""
        hosts = [self.lab.hosts[port['name']] for port in self.sample[:3]]
        own, other, target = hosts
        for mac, ip in ((own.mac, other.ips[0]), (other.mac, own.ips[0])):
            thief = type(own)(self.lab, '%s as %s %s' % (own, mac, ip),
                              own.port, mac, [ip], True, BRIDGE)
            for proto, port in TRIED:
                self.lab.expect(thief, target, proto, port, False, family=4,
                                why='the address is foreign')

    def stop(self):
        if self.control:
            self.control.close()
        self.switch_control.close()
        self.lab.stop()
