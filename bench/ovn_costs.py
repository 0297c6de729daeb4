# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What OVN costs on a scenario: the same changes as in control.py, by the
same clock, to the last flow that the switch sees."""
import time

from changes import Changes
from harness.sandbox import Sandbox
from measure import cpu_seconds, memory_mib, n_flows, say
from model import referenced_group
from ovn import PATIENCE, Ovn, OvsdbError, acl, port_group
from ovsdb import (a_map, a_set, add_port, delete_port, insert, mutate, named,
                   uuid)

BRIDGE = 'br-ovn'


class OvnCosts:
    def __init__(self, scenario, repeat, budget):
        self.scenario = scenario
        self.repeat = repeat
        self.budget = budget
        self.sandbox = Sandbox('ovn').start()
        self.ovn = Ovn(self.sandbox, scenario, BRIDGE).start()
        self.result = {'scenario': scenario['name'],
                       'scale': scenario['scale']}

    def pids(self):
        return dict(self.ovn.pids(), switch=self.sandbox.vswitchd.pid)

    def add_interfaces(self, ports):
        for start in range(0, len(ports), 100):
            words = []
            for port in ports[start:start + 100]:
                words += ['--', 'add-port', BRIDGE, port['name'], '--', 'set',
                          'Interface', port['name'], 'type=dummy',
                          'external_ids:iface-id=' + port['name']]
            self.sandbox.vsctl(*words[1:])

    def load(self):
        self.ovn.load_topology(self.add_interfaces)
        before = {name: cpu_seconds(pid) for name, pid in self.pids().items()}
        self.ovn.load_policy()
        self.result['cold_start'] = {
            'seconds': round(self.ovn.installed, 3),
            'cpu_s': {name: round(cpu_seconds(pid) - before[name], 2)
                      for name, pid in self.pids().items()}}
        self.result['flows'] = n_flows(self.sandbox, BRIDGE)
        self.result['memory_mib'] = {
            name: round(memory_mib(pid)[0], 1)
            for name, pid in self.pids().items()}

    # Changes; each returns when the hypervisor says that its flows are in.

    def change_member(self):
        group = referenced_group(self.scenario)
        member = next(m for m in self.scenario['remote_members']
                      if group in m['groups'])

        def change(how):
            self.ovn.commit(mutate(
                'Port_Group', ('name', port_group(group)), 'ports', how,
                a_set([uuid(self.ovn.ports[member['name']])])))

        def leave():
            change('delete')

        def join():
            change('insert')
        self.changes.repeated('remote member', leave, join)

    def change_rule(self):
        group = self.scenario['ports'][0]['groups'][0]
        rule = {'direction': 'ingress', 'ethertype': 'IPv4',
                'protocol': 'tcp', 'port_min': 2000, 'port_max': 2000,
                'remote': {'group': referenced_group(self.scenario)}}
        made = []

        def add():
            made.append(self.ovn.commit(
                insert('ACL', acl(group, rule), 'a'),
                mutate('Port_Group', ('name', port_group(group)), 'acls',
                       'insert', a_set([named('a')])))[0]['uuid'])

        def remove():
            self.ovn.commit(mutate(
                'Port_Group', ('name', port_group(group)), 'acls', 'delete',
                a_set([made.pop()])))
        self.changes.repeated('rule', add, remove)

    def change_port(self):
        """The port of the switch is added after what OVN must know of it; the
        clock starts before both."""
        guest = {'name': 'newport', 'mac': '02:00:0c:00:00:01',
                 'ips': ['10.32.0.1']}
        addresses = ' '.join([guest['mac']] + guest['ips'])
        groups = [port_group(g)
                  for g in self.scenario['ports'][0]['groups']] + ['pg_drop']
        conf = self.ovn.conf
        conf.monitor('Interface', 'name', 'external_ids')
        made = []

        def installed(row):
            return row.get('name') == guest['name'] and \
                dict(row['external_ids'][1]).get('ovn-installed') == 'true'

        def up():
            made.append(self.ovn.north.transact(
                insert('Logical_Switch_Port', {
                    'name': guest['name'], 'addresses': addresses,
                    'port_security': addresses}, 'p'),
                mutate('Logical_Switch', ('name', 'net'), 'ports', 'insert',
                       a_set([named('p')])),
                *(mutate('Port_Group', ('name', group), 'ports', 'insert',
                         a_set([named('p')])) for group in groups))[0]['uuid'])
            conf.updates.clear()
            conf.transact(*add_port(BRIDGE, guest['name'], {
                'type': 'dummy',
                'external_ids': a_map({'iface-id': guest['name']})}))
            if not conf.wait('Interface', installed, PATIENCE):
                raise OvsdbError('OVN does not say ovn-installed')

        def down():
            conf.transact(delete_port(conf, BRIDGE, guest['name']))
            self.ovn.commit(mutate('Logical_Switch', ('name', 'net'), 'ports',
                                   'delete', a_set([made.pop()])))
        self.changes.repeated('port', up, down)

    def restart(self):
        self.ovn.stop_controller()
        begin = time.monotonic()
        self.ovn.start_controller()
        self.ovn.commit()
        self.result['restart'] = {
            'seconds': round(time.monotonic() - begin, 3)}

    def run(self):
        say('OVN, %s, scale %s: load', self.scenario['name'],
            self.scenario['scale'])
        self.load()
        say('  %d flows in %.1f s', self.result['flows'],
            self.result['cold_start']['seconds'])
        self.changes = Changes(self.sandbox, BRIDGE, self.repeat, self.pids,
                               budget=self.budget)
        self.change_member()
        self.change_rule()
        self.change_port()
        self.changes.close()
        self.result['changes'] = self.changes.results
        self.restart()
        return self.result

    def stop(self):
        self.ovn.stop()
        self.sandbox.stop()
