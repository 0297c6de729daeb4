#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What Neutron's Open vSwitch firewall driver costs on a scenario.

    neutron_costs.py SCENARIO.json RESULT.json [--repeat N] [--budget SECONDS]

Its OVSFirewallDriver runs in this process, on a private switch with dummy
ports, and is called as the agent calls it: the rules and members of each group
and then, within one defer_apply(), each port; for a change the group, and each
local port that it concerns.  There is no server, no message bus and no polling
loop of 2 seconds, and no conntrack entry is deleted, so this is a lower bound
of what its users wait for.
"""
import argparse
import json
import os
import sys
import time
from unittest import mock

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'tests', 'e2e')]

from changes import Changes                             # noqa: E402
from harness import process                             # noqa: E402
from harness.sandbox import Sandbox                     # noqa: E402
from measure import cpu_seconds, memory_mib, n_flows, say  # noqa: E402
from model import referenced_group                      # noqa: E402

BRIDGE = 'br-neutron'
# What Neutron's agent notes of a port, for its driver to find.
NOTES = {'tag': '1', 'network_type': 'vxlan', 'segmentation_id': '100',
         'physical_network': 'none'}


def configure(sandbox):
    """Neutron's options, and no privileges to gain: we have them."""
    from neutron.common import config
    from neutron.conf.agent import common, ovs_conf, ovsdb_api
    from neutron.conf.agent import securitygroups_rpc
    from neutron.conf.plugins.ml2.drivers import ovs_conf as ml2
    from neutron import privileged
    from oslo_config import cfg
    config.register_common_config_options()
    securitygroups_rpc.register_securitygroups_opts()
    common.register_root_helper(cfg.CONF)
    ovs_conf.register_ovs_agent_opts(cfg.CONF)
    ovsdb_api.register_ovsdb_api_opts()
    ml2.register_ovs_agent_opts(cfg.CONF)
    cfg.CONF([], project='neutron', default_config_files=[])
    cfg.CONF.set_override('ovsdb_connection',
                          'unix:' + sandbox.path('db.sock'), group='OVS')
    for context in ('default', 'ovs_vsctl_cmd', 'namespace_cmd',
                    'conntrack_cmd', 'link_cmd'):
        getattr(privileged, context).set_client_mode(False)


def make_driver(sandbox):
    from neutron.agent.common import ovs_lib
    from neutron.agent.linux.openvswitch_firewall import firewall
    from neutron.plugins.ml2.drivers.openvswitch.agent.openflow import \
        br_cookie

    class Bridge(br_cookie.OVSBridgeCookieMixin, ovs_lib.OVSBridge):
        pass

    def execute(cmd, process_input=None, **_):
        """ovs-ofctl with the socket of our switch."""
        target = sandbox.mgmt(BRIDGE)
        done = process.command([target if word == BRIDGE else str(word)
                                for word in cmd], 480, sandbox.env,
                               process_input or '')
        if done.status != 0:
            raise RuntimeError(str(done))
        return done.out
    # There are no entries in the kernel's table to delete.
    mock.patch.object(firewall.ip_conntrack, 'OvsIpConntrackManager',
                      mock.Mock()).start()
    mock.patch.object(ovs_lib.utils, 'execute', execute).start()
    return firewall.OVSFirewallDriver(Bridge(BRIDGE, datapath_type='netdev'))


def port_fields(port):
    return {'admin_state_up': True, 'device': port['name'],
            'device_owner': 'compute:nova', 'fixed_ips': port['ips'],
            'mac_address': port['mac'], 'port_security_enabled': True,
            'security_groups': port['groups'], 'status': 'ACTIVE',
            'network_id': 'net'}


def rule_fields(rule):
    fields = {'ethertype': rule['ethertype'], 'direction': rule['direction']}
    if rule['protocol'] != 'any':
        fields['protocol'] = rule['protocol'] if (
            rule['protocol'], rule['ethertype']) != ('icmp', 'IPv6') \
            else 'ipv6-icmp'
    if rule['port_min'] is not None:
        fields['port_range_min'] = rule['port_min']
        fields['port_range_max'] = rule['port_max']
    if 'cidr' in rule['remote']:
        fields['source_ip_prefix' if rule['direction'] == 'ingress'
               else 'dest_ip_prefix'] = rule['remote']['cidr']
    elif 'group' in rule['remote']:
        fields['remote_group_id'] = rule['remote']['group']
    return fields


class Neutron:
    def __init__(self, scenario, repeat, budget):
        self.scenario = scenario
        self.repeat = repeat
        self.budget = budget
        self.sandbox = Sandbox('neutron').start()
        os.environ.update(self.sandbox.env)
        self.sandbox.add_bridge(BRIDGE)
        self.add_ports(scenario['ports'])
        configure(self.sandbox)
        self.driver = make_driver(self.sandbox)
        self.groups = {g['name']: g for g in scenario['groups']}
        self.members = {name: [] for name in self.groups}
        for guest in scenario['ports'] + scenario['remote_members']:
            for group in guest['groups']:
                self.members[group].append(guest)

    def add_ports(self, ports):
        for start in range(0, len(ports), 100):
            words = []
            for port in ports[start:start + 100]:
                words += ['--', 'add-port', BRIDGE, port['name'], 'tag=1',
                          *('other_config:%s=%s' % item
                            for item in NOTES.items()), '--', 'set',
                          'Interface', port['name'], 'type=dummy',
                          'external_ids:iface-id=' + port['name'],
                          'external_ids:attached-mac="%s"' % port['mac'],
                          'external_ids:iface-status=active']
            self.sandbox.vsctl(*words[1:])

    # What the server would tell.

    def set_rules(self, name, *more):
        self.driver.update_security_group_rules(name, [
            rule_fields(r) for r in [*self.groups[name]['rules'], *more]])

    def set_members(self, name, without=None, *more):
        addresses = {'IPv4': [], 'IPv6': []}
        for guest in [*self.members[name], *more]:
            if guest is not without:
                for ip in guest['ips']:
                    addresses['IPv6' if ':' in ip else 'IPv4'].append(
                        (ip, guest['mac']))
        self.driver.update_security_group_members(name, addresses)

    def refilter(self, concerns):
        with self.driver.defer_apply():
            for port in self.scenario['ports']:
                if concerns(port):
                    self.driver.update_port_filter(port_fields(port))

    # What is measured.

    def load(self):
        me, switch = os.getpid(), self.sandbox.vswitchd.pid
        before = cpu_seconds(me), cpu_seconds(switch)
        begin = time.monotonic()
        with self.driver.defer_apply():
            for name in self.groups:
                self.set_rules(name)
                self.set_members(name)
            for port in self.scenario['ports']:
                self.driver.prepare_port_filter(port_fields(port))
        return {'cold_start': {
            'seconds': round(time.monotonic() - begin, 3), 'cpu_s': {
                'driver': round(cpu_seconds(me) - before[0], 2),
                'switch': round(cpu_seconds(switch) - before[1], 2)}},
            'flows': n_flows(self.sandbox, BRIDGE),
            'memory_mib': {'driver': round(memory_mib(me)[0], 1)}}

    def change_member(self):
        group = referenced_group(self.scenario)
        member = next(m for m in self.scenario['remote_members']
                      if group in m['groups'])
        users = {name for name, g in self.groups.items()
                 if any(r['remote'] == {'group': group} for r in g['rules'])}

        def concerned(port):
            return users & set(port['groups'])

        def leave():
            self.set_members(group, member)
            self.refilter(concerned)

        def join():
            self.set_members(group)
            self.refilter(concerned)
        self.changes.repeated('remote member', leave, join)

    def change_rule(self):
        group = self.scenario['ports'][0]['groups'][0]
        rule = {'direction': 'ingress', 'ethertype': 'IPv4',
                'protocol': 'tcp', 'port_min': 2000, 'port_max': 2000,
                'remote': {'cidr': '198.51.100.0/24'}}

        def add():
            self.set_rules(group, rule)
            self.refilter(lambda port: group in port['groups'])

        def remove():
            self.set_rules(group)
            self.refilter(lambda port: group in port['groups'])
        self.changes.repeated('rule', add, remove)

    def change_port(self):
        port = dict(self.scenario['ports'][0], name='newport',
                    mac='02:00:0c:00:00:01', ips=['10.32.0.1'])

        def up():
            self.add_ports([port])
            for group in port['groups']:
                self.set_members(group, None, port)
            with self.driver.defer_apply():
                self.driver.prepare_port_filter(port_fields(port))

        def down():
            with self.driver.defer_apply():
                self.driver.remove_port_filter(port_fields(port))
            self.sandbox.vsctl('del-port', port['name'])
        self.changes.repeated('port', up, down)

    def run(self):
        result = {'scenario': self.scenario['name'],
                  'scale': self.scenario['scale'], **self.load()}
        say('  %d flows in %.1f s', result['flows'],
            result['cold_start']['seconds'])
        self.changes = Changes(self.sandbox, BRIDGE, self.repeat, lambda: {
            'driver': os.getpid(), 'switch': self.sandbox.vswitchd.pid},
            budget=self.budget)
        self.change_member()
        self.change_rule()
        self.change_port()
        self.changes.close()
        result['changes'] = self.changes.results
        return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('scenario')
    parser.add_argument('result')
    parser.add_argument('--repeat', type=int, default=5)
    parser.add_argument('--budget', type=float, default=60)
    args = parser.parse_args()
    process.clean_up_on_exit()
    with open(args.scenario) as f:
        neutron = Neutron(json.load(f), args.repeat, args.budget)
    result = neutron.run()
    with open(args.result, 'w') as f:
        json.dump(result, f)
    process.clean_up()
    os._exit(0)                 # The driver's threads do not end.


if __name__ == '__main__':
    main()
