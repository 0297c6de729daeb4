# Licensed under the Apache License, Version 2.0; see LICENSE.
"""OVN on one hypervisor, with a scenario as its policy.

One logical switch; local ports are logical ports bound to interfaces of the
hypervisor's bridge, remote members are logical ports bound to a second
chassis that exists in the database alone.  Security groups are what Neutron's
ML2/OVN driver makes of them: a Port_Group each, with its rules as
allow-related ACLs at priority 1002, above one Port_Group with all ports that
drops what is left; port security is on.

Waiting is what `ovn-nbctl --wait=hv' does, spoken straight to the databases,
so that no client's copy of them is in the way.
"""
import shutil
import time

from harness.process import Child, wait_until
from harness.unixctl import Unixctl, accepts
from ovsdb import (Ovsdb, OvsdbError, a_map, a_set, insert, mutate, named,
                   update, uuid)

PROGRAMS = 'ovn-northd', 'ovn-controller'
SCHEMAS = '/usr/share/ovn/ovn-%s.ovsschema'
PATIENCE = 480                  # Seconds for any one step.
# A logical switch holds at most 32,767 ports; with more than this, remote
# members are on further switches, which the hypervisor need not know.
MAX_ON_ONE_SWITCH = 16000
DROPS = 'pg_drop'


def missing(unwanted=False):
    """Why OVN cannot be measured here, or None."""
    if unwanted:
        return 'it was not asked for'
    for program in PROGRAMS:
        if not shutil.which(program):
            return '%s is not installed (Debian: ovn-central, ovn-host)' \
                % program
    return None


def port_group(group):
    return 'pg_' + group.replace('-', '_')


def acl_match(group, rule):
    ingress = rule['direction'] == 'ingress'
    version = '4' if rule['ethertype'] == 'IPv4' else '6'
    terms = ['%s == @%s' % ('outport' if ingress else 'inport',
                            port_group(group)), 'ip' + version]
    remote = rule['remote']
    field = 'ip%s.%s' % (version, 'src' if ingress else 'dst')
    if 'cidr' in remote:
        terms.append('%s == %s' % (field, remote['cidr']))
    elif 'group' in remote:
        terms.append('%s == $%s_ip%s' % (field, port_group(remote['group']),
                                         version))
    protocol, low, high = (rule[k] for k in ('protocol', 'port_min',
                                             'port_max'))
    if protocol == 'icmp':
        terms.append('icmp' + version)
    elif protocol != 'any':
        terms.append(protocol)
        if low is not None:
            terms.append('%s.dst >= %d && %s.dst <= %d' % (
                protocol, low, protocol, high) if low != high
                else '%s.dst == %d' % (protocol, low))
    return ' && '.join(terms)


def acl(group, rule):
    return {'direction': 'to-lport' if rule['direction'] == 'ingress'
            else 'from-lport', 'priority': 1002, 'action': 'allow-related',
            'match': acl_match(group, rule)}


def logical_port(guest):
    addresses = ' '.join([guest['mac']] + guest['ips'])
    return {'name': guest['name'], 'addresses': addresses,
            'port_security': addresses}


class Ovn:
    def __init__(self, sandbox, scenario, bridge='br-ovn'):
        self.sandbox = sandbox
        self.scenario = scenario
        self.bridge = bridge
        self.env = dict(sandbox.env, OVN_RUNDIR=sandbox.dir,
                        OVN_DBDIR=sandbox.dir, OVN_LOGDIR=sandbox.dir)
        self.daemons = {}               # Name -> Child.
        self.turn = 0                   # The last nb_cfg.
        self.ports = {}                 # Logical_Switch_Port: name -> uuid.
        self.installed = None           # Seconds of the last commit(), see it.

    # Life.

    def start(self):
        self.north = self._database('nb', 'OVN_Northbound')
        self.south = self._database('sb', 'OVN_Southbound')
        self.conf = Ovsdb(self.sandbox.path('db.sock'), 'Open_vSwitch')
        self.north.transact(insert('NB_Global', {'options': a_map(
            {'northd_probe_interval': '0'})}))
        self.north.monitor('NB_Global', 'hv_cfg', 'sb_cfg')
        self.south.monitor('Chassis_Private', 'nb_cfg')
        self._daemon('ovn-northd', '--ovnnb-db=' + self._remote('nb'),
                     '--ovnsb-db=' + self._remote('sb'))
        settings = {'system-id': 'hv1', 'ovn-remote': self._remote('sb'),
                    'ovn-encap-type': 'geneve', 'ovn-encap-ip': '127.0.0.1',
                    'ovn-bridge': self.bridge,
                    'ovn-bridge-datapath-type': 'netdev',
                    'ovn-remote-probe-interval': '0',
                    'ovn-openflow-probe-interval': '0'}
        self.sandbox.vsctl('set', 'Open_vSwitch', '.',
                           *('external_ids:%s=%s' % item
                             for item in settings.items()))
        self.sandbox.add_bridge(self.bridge)
        self.start_controller()
        return self

    def _remote(self, name):
        return 'unix:' + self.sandbox.path(name + '.sock')

    def _daemon(self, program, *args):
        self.daemons[program] = Child(
            [program, *args, '-vconsole:off', '--pidfile',
             '--log-file=' + self.sandbox.path(program + '.log')],
            self.env, self.sandbox.path(program + '.out'))

    def _database(self, name, database):
        path = self.sandbox.path(name + '.db')
        socket = self.sandbox.path(name + '.sock')
        self.sandbox.must(['ovsdb-tool', 'create', path, SCHEMAS % name])
        child = Child(
            ['ovsdb-server', path, '--remote=punix:' + socket,
             '--unixctl=' + self.sandbox.path(name + '.ctl'),
             '--log-file=' + self.sandbox.path(name + '.log'),
             '--pidfile=' + self.sandbox.path(name + '.pid'),
             '-vconsole:off'], self.env, self.sandbox.path(name + '.out'))
        self.daemons['ovsdb-' + name] = child
        if not wait_until(lambda: accepts(socket)):
            raise OvsdbError('ovsdb-server for %s does not start' % name)
        return Ovsdb(socket, database)

    def start_controller(self):
        self._daemon('ovn-controller',
                     'unix:' + self.sandbox.path('db.sock'))

    def stop_controller(self):
        """So that it leaves its flows, as an upgrade does."""
        child = self.daemons['ovn-controller']
        control = Unixctl(self.sandbox.path('ovn-controller.%d.ctl'
                                            % child.pid), 60)
        control.call('exit', '--restart')
        control.close()
        child.join(60)

    def stop(self):
        for each in (self.north, self.south, self.conf):
            each.close()
        for child in reversed(list(self.daemons.values())):
            child.kill()

    def pids(self):
        return {name: child.pid for name, child in self.daemons.items()}

    # Committing and waiting.

    def commit(self, *operations, level='hv', timeout=PATIENCE):
        """Changes the northbound database and waits until that has reached
        the southbound one ('sb') or the hypervisor's flows ('hv').  Returns
        what the operations gave.  'self.installed' is then how long it took
        until the hypervisor said that its flows are installed, and
        'self.seconds' until that was known in the northbound database."""
        self.turn += 1
        turn = self.turn
        begin = time.monotonic()
        results = self.north.transact(
            *operations, update('NB_Global', None, {'nb_cfg': turn}))
        if level == 'hv':
            if not self.south.wait('Chassis_Private', lambda row:
                                   row.get('nb_cfg', -1) >= turn, timeout):
                raise OvsdbError('OVN has not installed its flows after %d s'
                                 % timeout)
            self.installed = time.monotonic() - begin
        if not self.north.wait('NB_Global', lambda row:
                               row.get(level + '_cfg', -1) >= turn, timeout):
            raise OvsdbError('OVN has not finished after %d s' % timeout)
        self.seconds = time.monotonic() - begin
        return results

    # The topology.

    def _add_logical_ports(self, switch, guests):
        for start in range(0, len(guests), 1000):
            part = guests[start:start + 1000]
            names = ['p%d' % i for i in range(len(part))]
            results = self.north.transact(
                *(insert('Logical_Switch_Port', logical_port(guest), name)
                  for guest, name in zip(part, names)),
                mutate('Logical_Switch', ('name', switch), 'ports', 'insert',
                       a_set(map(named, names))))
            for guest, result in zip(part, results):
                self.ports[guest['name']] = result['uuid'][1]

    def load_topology(self, add_interfaces):
        """add_interfaces(ports) plugs the local ports into the bridge, with
        their names as iface-id."""
        local = self.scenario['ports']
        remote = self.scenario['remote_members']
        switches = [('net', local)]
        if len(local) + len(remote) <= MAX_ON_ONE_SWITCH:
            switches = [('net', local + remote)]
        else:
            switches += [('net%d' % i, remote[i:i + 10000])
                         for i in range(0, len(remote), 10000)]
        for name, guests in switches:
            self.north.transact(insert('Logical_Switch', {'name': name}))
            self._add_logical_ports(name, guests)
        add_interfaces(local)
        self.commit(level='sb')
        self._bind_remote()
        self.commit()

    def _bind_remote(self):
        """To the second chassis."""
        results = self.south.transact(
            insert('Encap', {'type': 'geneve', 'ip': '192.0.2.2',
                             'chassis_name': 'hv2'}, 'e'),
            insert('Chassis', {'name': 'hv2', 'hostname': 'hv2',
                               'encaps': named('e')}))
        chassis = {'chassis': results[1]['uuid']}
        names = {m['name'] for m in self.scenario['remote_members']}
        rows = [row['_uuid'] for row in self.south.select(
            'Port_Binding', ['_uuid', 'logical_port'])
            if row['logical_port'] in names]
        for start in range(0, len(rows), 5000):
            self.south.transact(*(update('Port_Binding', ('_uuid', each),
                                         chassis)
                                  for each in rows[start:start + 5000]))

    # The policy.

    def policy(self):
        """The operations that make all of it."""
        members = {}
        for guest in (self.scenario['ports']
                      + self.scenario['remote_members']):
            for group in guest['groups']:
                members.setdefault(group, []).append(
                    uuid(self.ports[guest['name']]))
        operations = []
        n = 0
        for group in self.scenario['groups']:
            acls = []
            for rule in group['rules']:
                acls.append(named('a%d' % n))
                operations.append(insert('ACL', acl(group['name'], rule),
                                         'a%d' % n))
                n += 1
            operations.append(insert('Port_Group', {
                'name': port_group(group['name']), 'acls': a_set(acls),
                'ports': a_set(members.get(group['name'], ()))}))
        for direction, side in (('to-lport', 'outport'),
                                ('from-lport', 'inport')):
            operations.append(insert('ACL', {
                'direction': direction, 'priority': 1001, 'action': 'drop',
                'match': '%s == @%s && ip' % (side, DROPS)}, side))
        operations.append(insert('Port_Group', {
            'name': DROPS, 'acls': a_set([named('outport'), named('inport')]),
            'ports': a_set(map(uuid, self.ports.values()))}))
        return operations

    def load_policy(self):
        self.commit(*self.policy())


def without_zero_snat(ovn):
    """OVN adds nat(src) to every commit where the datapath has "all-zero
    SNAT".  The second entry that this makes for each connection runs into an
    assertion of Open vSwitch 3.1.0's userspace conntrack
    (conn_update_state: conn_type == CT_CONN_TYPE_DEFAULT) after some thousand
    short connections, so it is kept from it.  To be called before policy is
    loaded."""
    def capabilities():
        rows = ovn.conf.select('Datapath', ['capabilities'])
        return rows and rows[0]['capabilities'][1]
    wait_until(capabilities)
    ovn.conf.transact(
        mutate('Datapath', None, 'capabilities', 'delete',
               a_set(['ct_zero_snat'])),
        mutate('Datapath', None, 'capabilities', 'insert',
               a_map({'ct_zero_snat': 'false'})))
