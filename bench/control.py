# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the agent costs: a cold start, a restart, changes, memory, idling.

Everything is measured on a private switch with dummy ports, in one run, beside
two floors that the switch alone sets: the time of `ovs-ofctl --bundle
add-flows' for the same flows on an empty bridge, and the round trip of one
flow mod with its barrier.
"""
import os
import time

from changes import PATIENCE, QUIET, Changes
from measure import (cpu_seconds, median, memory_mib, n_flows, say, summary,
                     timed)
from model import referenced_group
from openflow import FlowMonitor
from ovsdb import Ovsdb, a_map, a_set, add_port, delete_port, mutate
from scenario_to_sg import remote_addresses
from world import BRIDGE, World, revocation_tables

LONGEST_LINE = 30000            # ovs-ofctl takes no longer ones from a file.


class Control:
    """One scenario at one scale."""

    def __init__(self, scenario, repeat):
        self.scenario = scenario
        self.repeat = repeat
        self.world = World(scenario)
        self.sandbox = self.world.sandbox
        self.agent = self.world.agent
        self.result = {
            'scenario': scenario['name'], 'scale': scenario['scale'],
            'groups': len(scenario['groups']),
            'rules': sum(len(g['rules']) for g in scenario['groups']),
            'ports': len(scenario['ports']),
            'remote_members': len(scenario['remote_members'])}

    # The agent as a whole.

    def cold_start(self):
        switch = self.sandbox.vswitchd.pid
        before = cpu_seconds(switch)
        seconds, _ = timed(self.world.start_agent)
        agent = self.agent.child.pid
        self.result['longest_turn'] = {
            'cold start': self.world.longest_turn()}
        self.result['flows'] = n_flows(self.sandbox, BRIDGE)
        self.result['cold_start'] = {
            'seconds': round(seconds, 3),
            'agent_cpu_s': round(cpu_seconds(agent), 2),
            'switch_cpu_s': round(cpu_seconds(switch) - before, 2)}
        now, most = memory_mib(agent)
        self.result['agent_memory_mib'] = {'now': round(now, 1),
                                           'most': round(most, 1)}

    def floor(self):
        """The same flows, put on an empty bridge by ovs-ofctl."""
        dump = self.sandbox.path('floor.txt')
        flows = self.sandbox.must(
            ['ovs-ofctl', '-O', 'OpenFlow15', '--no-stats', 'dump-flows',
             self.sandbox.mgmt(BRIDGE)], 300).splitlines()
        with open(dump, 'w') as f:
            f.writelines(line + '\n' for line in flows
                         if 'actions=' in line and len(line) < LONGEST_LINE)
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
        load = [self.world.check_seconds() for _ in range(3)]
        events = FlowMonitor(self.sandbox.path(BRIDGE + '.mgmt'))
        times = []
        for _ in range(3):
            self.agent.kill()
            times.append(timed(self.world.start_agent)[0])
        self.result['longest_turn']['restart'] = self.world.longest_turn()
        time.sleep(QUIET)
        floor = median(dump) + median(load)
        self.result['load_s'] = round(median(load), 3)
        self.result['restart'] = {
            'seconds': round(median(times), 3),
            'dump_s': round(median(dump), 3),
            'to_floor': round(median(times) / floor, 2),
            'flow_mods': len(events.events)}
        events.close()

    # Changes.

    def database_round_trip(self):
        """Of a row that changes, until another client knows it."""
        reader = Ovsdb(self.sandbox.path('db.sock'), 'Open_vSwitch')
        reader.monitor('Bridge', 'external_ids')
        times = []
        for i in range(50):
            begin = time.monotonic()
            self.set_ids('Bridge', BRIDGE, bench=str(i))
            reader.wait('Bridge', lambda row: True, PATIENCE)
            times.append(time.monotonic() - begin)
        reader.close()
        self.result['database_round_trip'] = summary(times)

    def set_ids(self, table, name, **ids):
        keys = [key.replace('_', '-') for key in ids]
        self.database.transact(
            mutate(table, ('name', name), 'external_ids', 'delete',
                   a_set(keys)),
            mutate(table, ('name', name), 'external_ids', 'insert',
                   a_map(dict(zip(keys, ids.values())))))

    def a_member(self):
        name = referenced_group(self.scenario)
        return name, next(m for m in self.scenario['remote_members']
                          if name in m['groups'])

    def change_member_by_file(self):
        """The members of the group are what a file says, and the agent has
        just been told to look at it."""
        name, member = self.a_member()
        path = self.sandbox.path('members')
        addresses = remote_addresses(self.scenario)[name]
        less = [a for a in addresses if a not in member['ips']]

        def become(list_):
            with open(path + '.new', 'w') as f:
                f.write('\n'.join(list_) + '\n')
            os.rename(path + '.new', path)
            begin = time.monotonic()
            self.world.control.call('sg/refresh', 'remote')
            return begin

        def leave():
            return become(less)

        def join():
            return become(addresses)
        with open(path, 'w') as f:
            f.write('\n'.join(addresses) + '\n')
        self.world.write_policy(self.scenario, {name: path})
        self.world.reload()
        self.world.control.call('sg/wait')
        self.changes.repeated('remote member, in a file', leave, join)
        self.world.write_policy(self.scenario)
        self.world.reload()
        self.world.control.call('sg/wait')
        time.sleep(QUIET)

    def reload(self, scenario):
        self.world.write_policy(scenario)
        begin = time.monotonic()
        self.world.reload()
        self.changes.loaded = time.monotonic()
        return begin

    def change_member_by_reload(self):
        name, member = self.a_member()
        less = dict(self.scenario, remote_members=[
            m if m is not member
            else dict(m, groups=[g for g in m['groups'] if g != name])
            for m in self.scenario['remote_members']])

        def leave():
            return self.reload(less)

        def join():
            return self.reload(self.scenario)
        self.changes.repeated('remote member, in the policy', leave, join)

    def change_port_groups(self):
        """A local port is in the group, and in that alone, or in its own."""
        name = referenced_group(self.scenario)
        port = next((p for p in reversed(self.scenario['ports'])
                     if name not in p['groups']), None)
        if not port:
            return

        def join():
            self.set_ids('Interface', port['name'], sg_groups=name)

        def leave():
            self.set_ids('Interface', port['name'],
                         sg_groups=' '.join(port['groups']))
        self.changes.repeated('local port changes its group', join, leave)

    def change_rule(self):
        """The group of the first port gets a rule that says something new, if
        possible about a group that it names already: else the classes of all
        addresses there change with it."""
        first = self.scenario['ports'][0]['groups'][0]
        holders = sum(first in p['groups'] for p in self.scenario['ports'])
        rules = next(g['rules'] for g in self.scenario['groups']
                     if g['name'] == first)
        remote = next((r['remote'] for r in rules if 'group' in r['remote']
                       and r['direction'] == 'ingress'),
                      {'group': referenced_group(self.scenario)})
        if any(r['remote'] == remote and r['protocol'] in ('any', 'tcp')
               and (r['port_min'] is None
                    or r['port_min'] <= 2000 <= r['port_max'])
               for r in rules):
            remote = {'cidr': '198.51.100.0/24'}
        rule = {'direction': 'ingress', 'ethertype': 'IPv4',
                'protocol': 'tcp', 'port_min': 2000, 'port_max': 2000,
                'remote': remote}
        more = dict(self.scenario, groups=[
            dict(g, rules=g['rules'] + [rule]) if g['name'] == first else g
            for g in self.scenario['groups']])

        def add():
            return self.reload(more)

        def remove():
            return self.reload(self.scenario)
        self.changes.repeated('rule, in the policy', add, remove,
                              ports=holders)

    def change_port(self):
        """Begins when the switch has given the port its number, which is the
        event that the agent can act on; the end of a port begins when its row
        is gone, which is when the switch begins to remove it, too, and reads
        no flow mod before it has done so."""
        port = dict(self.scenario['ports'][0], name='newport',
                    mac='02:00:0c:00:00:01', ips=['10.32.0.1'])
        reader = Ovsdb(self.sandbox.path('db.sock'), 'Open_vSwitch')
        reader.monitor('Interface', 'name', 'ofport')

        def up():
            self.database.transact(*add_port(BRIDGE, port['name'], {
                'type': 'dummy', 'external_ids': a_map(self.world.ids(port))}))
            reader.wait('Interface', lambda row: row.get('name') == 'newport'
                        and isinstance(row['ofport'], int), PATIENCE)
            return time.monotonic()

        def down():
            self.database.transact(delete_port(self.database, BRIDGE,
                                               port['name']))
            reader.wait('Interface', lambda row: not row, PATIENCE)
            begin = time.monotonic()
            self.changes.round_trip_of_port(begin)
            return begin
        self.changes.repeated('port of a known profile', up, down,
                              groups=len(port['groups']))
        reader.close()

    def measure_changes(self):
        self.database = Ovsdb(self.sandbox.path('db.sock'), 'Open_vSwitch')
        self.database_round_trip()
        self.changes = Changes(self.sandbox, BRIDGE, self.repeat, lambda: {
            'agent': self.agent.child.pid,
            'switch': self.sandbox.vswitchd.pid}, revocation_tables())
        self.change_member_by_file()
        self.change_member_by_reload()
        self.change_rule()
        self.change_port_groups()
        self.change_port()
        self.changes.close()
        self.result['longest_turn']['changes'] = self.world.longest_turn()
        self.result['changes'] = self.changes.results
        self.result['round_trip'] = summary(self.changes.trips)
        self.database.close()

    # All of it.

    def run(self, idle):
        say('%s, scale %s: cold start', self.scenario['name'],
            self.scenario['scale'])
        self.cold_start()
        say('packets')
        self.result['directed'] = self.world.check()
        say('floor')
        self.floor()
        say('idle')
        self.idle(idle)
        say('restart')
        self.restart()
        say('changes')
        self.measure_changes()
        self.world.check()
        return self.result

    def stop(self):
        self.world.stop()
