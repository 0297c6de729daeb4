#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A real libvirtd and real guests, on two hypervisors made of namespaces: the
words that libvirt says to ovs-vsctl, the example's groups, and a live
migration.  To be run by check-libvirt, which makes the guests."""
import os
import re
import sys
import threading

TREE = os.environ['SG_SRCDIR']
sys.path[:0] = [os.path.join(TREE, 'tests', 'e2e'),
                os.path.join(TREE, 'tests', 'libvirt')]

from harness import Failure, libvirt, run, test, wait_until  # noqa: E402
from harness.netns import Peer, must                    # noqa: E402
from hypervisor import Hypervisor                       # noqa: E402

GUEST = os.environ['SG_GUEST']
VM = '11111111-2222-4333-8444-55555555555%d'
LONG = 15                       # Guests run at a tenth of their speed.
SHORT = 3


def example(name):
    with open(os.path.join(TREE, 'examples', 'libvirt', name)) as f:
        return f.read()


def interface(mac, profile=None, more='', iface_id=None, model='virtio'):
    words = ''.join(" %s='%s'" % pair for pair in (
        ('interfaceid', iface_id), ('profileid', profile)) if pair[1])
    return '''<interface type='bridge'>
      <source bridge='br0'/><mac address='%s'/>
      <virtualport type='openvswitch'><parameters%s/></virtualport>
      <model type='%s'/>%s</interface>''' % (mac, words, model, more)


# The userspace datapath does not finish the checksums that a guest leaves to
# its host; the kernel's does.
CHECKSUMS = '''<driver name='qemu'><host csum='off' gso='off' tso4='off'
    tso6='off' ecn='off' ufo='off'/><guest csum='off' tso4='off' tso6='off'
    ecn='off' ufo='off'/></driver>'''


def domain(number, interfaces, addresses=(), metadata=''):
    """A diskless guest with our kernel."""
    return '''<domain type='qemu'>
  <name>vm%d</name><uuid>%s</uuid>
  <metadata>%s</metadata>
  <memory unit='MiB'>128</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>
    <kernel>%s/kernel</kernel><initrd>%s/initramfs</initrd>
    <cmdline>console=ttyS0 quiet sg.addresses=%s</cmdline></os>
  <on_crash>destroy</on_crash>
  <devices>%s
    <serial type='file'><source path='/var/log/libvirt/vm%d.serial'/></serial>
  </devices></domain>''' % (number, VM % number, metadata, GUEST, GUEST,
                            ','.join(addresses), interfaces, number)


def declared(mac, *addresses):
    return ("<sg:addresses xmlns:sg='urn:ovs-sg:libvirt' mac='%s'>%s"
            '</sg:addresses>' % (mac, ' '.join(addresses)))


class Lab:
    """hv1 with a client outside, hv2; a cable for guests' packets and one for
    migration between the two."""

    def __init__(self, *options):
        self.failures = []
        self.hosts = [Hypervisor('hv1'), Hypervisor('hv2')]
        self.hv1, self.hv2 = self.hosts
        self._cable('uplink')
        self._cable('mgmt', '10.255.0.%d/24')
        for host in self.hosts:
            host.start_switch()
            host.vsctl('add-port', 'br0', 'uplink')
            host.write('/etc/libvirt/policy/libvirt.lua',
                       example('libvirt.lua'))
            host.start_libvirtd(example('hooks/qemu'))
        self.start_agents(*options)
        for host in self.hosts:
            host.ctl('enable', 'br0')
            host.define(example('network.xml'), 'net-')
            host.virsh('net-start', 'guests')
        self.client = self._client('192.0.2.9/24', '2001:db8::9/64')

    def start_agents(self, *options):
        for host in self.hosts:
            host.start_agent(*options)

    def restart_agents(self, *options):
        for host in self.hosts:
            host.stop_agent()
        self.start_agents(*options)

    def _cable(self, name, address=None):
        pids = [str(host.holder.pid) for host in self.hosts]
        must('ip', 'link', 'add', name, 'netns', pids[0], 'type', 'veth',
             'peer', 'name', name, 'netns', pids[1])
        for number, host in enumerate(self.hosts, 1):
            if address:
                host.run('ip', 'address', 'add', address % number, 'dev', name)
            host.run('ethtool', '-K', name, 'tx', 'off')
            host.run('ip', 'link', 'set', name, 'up')

    def _client(self, *addresses):
        """At a port of hv1 that libvirt did not make."""
        client = Peer('client', addresses, ['unshare', '--net'])
        must('ip', 'link', 'add', 'client', 'netns', str(self.hv1.holder.pid),
             'type', 'veth', 'peer', 'name', 'eth0', 'netns',
             str(client.child.pid))
        inside = ['nsenter', '--net=/proc/%d/ns/net' % client.child.pid]
        must(*inside, 'ethtool', '-K', 'eth0', 'tx', 'off')
        must(*inside, 'ip', 'link', 'set', 'eth0', 'up')
        for each in addresses:
            must(*inside, 'ip', 'address', 'add', each, 'dev', 'eth0',
                 *(['nodad'] if ':' in each else []))
        self.hv1.run('ethtool', '-K', 'client', 'tx', 'off')
        self.hv1.run('ip', 'link', 'set', 'client', 'up')
        self.hv1.vsctl('add-port', 'br0', 'client')
        return client

    # What tests do.

    def check(self, condition, text):
        if not condition:
            self.failures.append(str(text))
        return bool(condition)

    def equal(self, seen, expected, what):
        return self.check(seen == expected, '%s:\n  seen     %s\n  expected %s'
                          % (what, seen, expected))

    def boot(self, number):
        """Until it serves."""
        serial = '/var/log/libvirt/vm%d.serial' % number
        self.hv1.virsh('start', 'vm%d' % number)
        if not wait_until(lambda: 'guest is up' in self.hv1.try_(
                'cat', serial).out, LONG * 4, 0.2):
            raise Failure('vm%d does not boot: %s' % (
                number, self.hv1.try_('tail', '-n', '20', serial)))

    def answers(self, address, port, timeout):
        return self.client.ask(do='probe', timeout=timeout, targets=[
            ['tcp', address, port]])[0] is not None

    def expect(self, address, port, allowed):
        self.check(self.answers(address, port, LONG if allowed else SHORT)
                   == allowed, 'the client %s %s port %d' % (
                       'does not reach' if allowed else 'reaches', address,
                       port))

    def hold(self, address, port):
        self.client.ask(do='hold', name=address, address=address, port=port,
                        timeout=LONG)

    def exchange(self, address, timeout=LONG):
        return self.client.ask(do='exchange', name=address, timeout=timeout)

    def migrate(self, number, to):
        source = self.hosts[2 - to]
        target = self.hosts[to - 1]
        source.virsh('migrate', '--live', 'vm%d' % number, target.uri,
                     '--migrateuri', 'tcp://10.255.0.%d' % to)

    def clear(self):
        for host in self.hosts:
            for name in host.virsh('list', '--all', '--name').split():
                host.try_('virsh', '-q', '-c', host.uri, 'destroy', name)
                host.try_('virsh', '-q', '-c', host.uri, 'undefine', name)
            host.ctl('wait', '--timeout=20')
            host.calls()

    # Used by tap.

    def begin_test(self):
        self.failures = []
        self.clear()

    def end_test(self):
        problems = self.failures
        for host in self.hosts:
            with open(host.path('ovs-sgd.out')) as f:
                problems += [line for line in f if '|INFO|' not in line]
            problems += re.findall(r'.*\|(?:WARN|ERR)\|.*', host.run(
                'cat', '/var/log/openvswitch/ovs-sgd.log'))
        return problems

    def stop(self):
        self.clear()
        for host in self.hosts:
            host.stop_agent()
        return []

    def how_to_look_around(self):
        return '\n'.join('nsenter -t %d -n -m -u    # %s; virsh -c \'%s\'' % (
            host.holder.pid, host.name, host.uri) for host in self.hosts)


def lab():
    return Lab()


def lab_with_grace():
    return Lab('--midstream-grace=60')


# What libvirt says.

@test('libvirt says to ovs-vsctl what harness/libvirt.py says', lab=lab)
def _(lab):
    ids = ['f73d4cbe-e85b-4de4-8b05-75ce9cd85b5%d' % n for n in range(4)]
    macs = ['52:54:00:00:0a:0%d' % n for n in range(4)]
    trunk = ("<vlan trunk='yes'><tag id='10' nativeMode='untagged'/>"
             "<tag id='20'/><tag id='30'/></vlan>")
    lab.hv1.define(domain(9, ''.join((
        interface(macs[0], None, iface_id=ids[0]),
        interface(macs[1].upper(), 'web', iface_id=ids[1]),
        interface(macs[2], 'web,ssh', "<vlan><tag id='20'/></vlan>", ids[2]),
        interface(macs[3], None, trunk, ids[3])))))
    lab.hv1.virsh('start', '--paused', 'vm9')
    vm = VM % 9
    lab.equal(lab.hv1.calls(), [
        libvirt.add_port('br0', 'vnet0', macs[0], ids[0], vm),
        libvirt.add_port('br0', 'vnet1', macs[1], ids[1], vm, 'web'),
        libvirt.add_port('br0', 'vnet2', macs[2], ids[2], vm, 'web,ssh',
                         libvirt.vlan_words([20])),
        libvirt.add_port('br0', 'vnet3', macs[3], ids[3], vm, None,
                         libvirt.vlan_words([10, 20, 30], True, 10))],
        'a start')
    lab.hv1.virsh('destroy', 'vm9')
    lab.equal(lab.hv1.calls(), [libvirt.del_port('vnet%d' % n)
                                for n in range(4)], 'a stop')


@test('groups come back with the guest; what was set by hand does not',
      lab=lab)
def _(lab):
    hv = lab.hv1
    hv.define(domain(4, interface('52:54:00:db:00:01', 'ssh')))
    for _ in range(2):
        hv.virsh('start', '--paused', 'vm4')
        name = re.search(r'vnet\d+', hv.virsh('domiflist', 'vm4'))[0]
        hv.ctl('wait', '--timeout=20')
        port = hv.port(name)
        lab.equal(port and (sorted(port['groups']), port['macs'],
                            port['state']),
                  (['db', 'ssh'], ['52:54:00:db:00:01'], 'active'), 'the port')
        lab.check('sg-addresses' not in hv.external_ids(name), 'addresses')
        hv.vsctl('set', 'Interface', name,
                 'external_ids:sg-addresses=192.0.2.99')
        hv.virsh('destroy', 'vm4')
        lab.equal(hv.external_ids(name), None, 'the row of a stopped guest')
        hv.ctl('wait', '--timeout=20')
        lab.equal(hv.port(name), None, 'the port of a stopped guest')


@test('rows that a crash of the host has left: what doc/libvirt.md does',
      lab=lab)
def _(lab):
    hv = lab.hv1
    hv.define(domain(4, interface('52:54:00:db:00:01', 'ssh')))
    hv.virsh('start', '--paused', 'vm4')
    alive = ports_of(hv)
    hv.try_('/usr/bin/ovs-vsctl', *libvirt.add_port(
        'br0', 'vnet77', '52:54:00:00:00:77', VM % 7, VM % 7, 'web'))
    lab.check('vnet77' in ports_of(hv), 'there is no row without a device')
    with open(os.path.join(TREE, 'doc', 'libvirt.md')) as f:
        remedy = re.search(r'^ +for port in.*?^ +done$', f.read(),
                           re.M | re.S)[0]
    hv.run('sh', '-c', remedy)
    lab.equal(ports_of(hv), alive, 'ports after the remedy')


# Guests that run.

MAC = '52:54:00:00:00:01'
V4, V6 = '192.0.2.17', '2001:db8::17'


def web_server(addresses=True):
    return domain(1, '''<interface type='network'>
        <source network='guests' portgroup='web'/><mac address='%s'/>
        <model type='virtio'/>%s</interface>''' % (MAC, CHECKSUMS),
                  (V4 + '/24', V6 + '/64'),
                  declared(MAC, V4, V6) if addresses else '')


@test('a guest that runs: by its portgroup, with addresses of its metadata',
      lab=lab)
def _(lab):
    lab.hv1.define(web_server())
    lab.boot(1)
    name = re.search(r'vnet\d+', lab.hv1.virsh('domiflist', 'vm1'))[0]
    port = lab.hv1.port(name)
    lab.equal(port and (port['groups'], sorted(port['addresses'])),
              (['web'], [V4, V6]), 'the port')
    lab.expect(V4, 80, True)
    lab.expect(V4, 22, False)


def ports_of(host):
    out = host.vsctl('--columns=name', '--bare', 'list', 'Interface').split()
    return [name for name in out if name.startswith('vnet')]


class Watch(threading.Thread):
    """Looks, during a migration, for a port at the target while the guest
    still runs at the source."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab = lab
        self.seen = None            # (a port, the source's state)
        self.over = threading.Event()

    def run(self):
        while not self.seen and not self.over.wait(0.02):
            names = ports_of(self.lab.hv2)
            if names:
                self.seen = names[0], self.lab.hv1.try_(
                    'virsh', '-q', '-c', self.lab.hv1.uri, 'domstate',
                    'vm1').out.strip()


def hook_says(port):
    """What hooks/qemu runs, too, before the guest does."""
    return [[libvirt.TIMEOUT, '--', 'set', 'Interface', port,
             'external_ids:sg-addresses="%s %s"' % (V4, V6)]]


def migration(lab, hook=hook_says):
    """vm1 moves to hv2 with an open connection; returns whether that lives,
    and the name of the port there."""
    lab.boot(1)
    old = ports_of(lab.hv1)
    lab.hold(V4, 80)
    lab.check(lab.exchange(V4), 'the connection does not work before')
    lab.hv1.vsctl('set', 'Interface', old[0], 'external_ids:PortData=mine')
    lab.hv1.calls()
    watch = Watch(lab)
    watch.start()
    lab.migrate(1, 2)
    watch.over.set()
    watch.join()
    new = ports_of(lab.hv2)
    lab.check(len(new) == 1, 'ports of the target: %s' % new)
    lab.equal(watch.seen, (new[0], 'running'),
              'the port appears while the guest still runs at the source')
    for host in lab.hosts:
        host.ctl('wait', '--timeout=20')
    lab.equal(lab.hv1.calls(), [libvirt.get_port_data(old[0]),
                                libvirt.del_port(old[0])], 'of the source')
    target = lab.hv2.calls()
    lab.equal(target[1:], hook(new[0]) +
              [libvirt.set_port_data(new[0], 'mine')],
              'of the target, behind add-port')
    lab.equal(target[0][:6], libvirt.add_port('br0', new[0], MAC, '', '')[:6],
              'of the target, add-port')
    lab.equal((lab.hv1.port(old[0]), ports_of(lab.hv1)), (None, []),
              'the source has not forgotten')
    port = lab.hv2.port(new[0])
    lab.equal(port and (port['groups'], port['macs'], port['state']),
              (['web'], [MAC], 'active'), 'the port of the target')
    return lab.exchange(V4), new[0]


@test('migration: without a time of grace, TCP connections end; new ones open',
      lab=lab)
def _(lab):
    lab.hv1.define(web_server())
    lives, _ = migration(lab)
    lab.check(not lives, 'the connection lives without a time of grace')
    lab.expect(V4, 80, True)
    lab.expect(V4, 22, False)


@test('migration: with a time of grace, TCP connections go on',
      lab=lab_with_grace)
def _(lab):
    lab.hv1.define(web_server())
    lives, _ = migration(lab)
    lab.check(lives, 'the connection does not live')
    lab.expect(V4, 80, True)
    lab.expect(V4, 22, False)
    lab.migrate(1, 1)
    lab.check(lab.exchange(V4), 'the connection does not live on its way back')


@test('migration: addresses that were learned are learned again at once',
      lab=lab_with_grace)
def _(lab):
    lab.hv1.define(web_server(addresses=False))
    lives, name = migration(lab, lambda port: [])
    lab.check(lives, 'the connection does not live')
    lab.check(wait_until(lambda: V4 in lab.hv2.port(name)['addresses'], LONG,
                         0.2), 'the target learns %s' % lab.hv2.port(name))


run()
