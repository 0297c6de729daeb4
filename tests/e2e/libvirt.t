#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Ports as libvirt makes and removes them: its very ovs-vsctl commands (see
harness/libvirt.py), the policy of examples/libvirt, and what a live migration
does.  tests/libvirt has the same with a real libvirtd.

A hypervisor is a bridge here: br0 is the source of migrations, br1 the
target.  Addresses and members of one are not known on the other, as if each
had an agent of its own."""
import os
import re

from harness import Failure, Lab, frames, libvirt, run, test, wait_until
from harness.agent import TOP, sgctl
from harness.guest import Host, mac_of
from harness.kernel import default_sandbox
from harness.process import command, scratch
from harness.sandbox import Sandbox

EXAMPLE = os.path.join(TOP, 'examples', 'libvirt')
SAVER = '0f0e0d0c-0001-4a4a-8b8b-000000000042'
HOOK = [os.path.join(EXAMPLE, 'hooks', 'qemu')]


class Switch(Sandbox):
    """Where libvirt's ports, which have no type, are dummies."""
    SWITCH_OPTIONS = ['--enable-dummy=system', '--disable-system']


def example(name):
    with open(os.path.join(EXAMPLE, name)) as f:
        return f.read()


def vm_id(number):
    return '11111111-2222-4333-8444-%012d' % number


def iface_id(number):
    return 'f73d4cbe-e85b-4de4-8b05-%012d' % number


def libvirt_says(lab, words):
    """As libvirt does it: what is in $PATH, at the usual socket."""
    result = command(['ovs-vsctl', *words], env=lab.sandbox.env)
    if result.status != 0:
        raise Failure(str(result))
    return result.out


def plug(lab, port, number, bridge='br0', mac=None, **more):
    """What libvirt does before it lets a guest run."""
    _, *capture = lab.sandbox.make_device(port)
    words = libvirt.add_port(bridge, port, mac or mac_of(number),
                             iface_id(number),
                             more.pop('vm', vm_id(number)), **more)
    libvirt_says(lab, words)
    if capture:
        lab.sandbox.vsctl('set', 'Interface', port, *capture)
    lab.guarded.add(port)


def unplug(lab, port):
    libvirt_says(lab, libvirt.del_port(port))
    lab.sandbox.forget_port(port)
    lab.guarded.discard(port)


def start(lab, name, number, port=None, declare=True, mac=None, **more):
    """A guest that libvirt starts, with addresses as hooks/qemu declares
    them."""
    port = port or 'vnet%d' % number
    plug(lab, port, number, mac=mac, **more)
    ips = ['192.0.2.%d' % number, '2001:db8::%x' % number]
    if declare:
        lab.sandbox.set_ids(port, {'sg-addresses': ' '.join(ips)})
    lab.hosts[name] = Host(lab, name, port, mac or mac_of(number), ips, True,
                           more.get('bridge', 'br0'))
    return lab.hosts[name]


def hypervisors(*options, policy=None):
    lab = Lab(policy or example('libvirt.lua'), bridges=('br0', 'br1'),
              agent_options=options, sandbox=default_sandbox('e2e', Switch))
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    lab.remote('admin', '192.0.2.9', '2001:db8::9')
    lab.start()
    lab.sandbox.vsctl(
        'add-port', 'br0', 'cable0', '--', 'set', 'Interface', 'cable0',
        'type=patch', 'options:peer=cable1', '--',
        'add-port', 'br1', 'cable1', '--', 'set', 'Interface', 'cable1',
        'type=patch', 'options:peer=cable0')
    for bridge in ('br0', 'br1'):
        lab.agent.must('enable', bridge)
    lab.settle()
    return lab


def groups(lab, host):
    return next((sorted(p['groups']) for p in lab.agent.json('list-ports')
                 if p['name'] == host.port), None)


# What doc/libvirt.md shows.

def block(kind):
    """The first block of the page of this kind."""
    with open(os.path.join(TOP, 'doc', 'libvirt.md')) as f:
        return f.read().split('```%s\n' % kind)[1].split('```')[0]


@test('doc/libvirt.md shows what libvirt says, and a policy that loads')
def _():
    words = block('text').replace('\\\n', ' ').split()
    expected = ['ovs-vsctl', *libvirt.add_port(
        'br0', 'vnet0', '52:54:00:00:00:01',
        'f73d4cbe-e85b-4de4-8b05-75ce9cd85b55',
        '11111111-2222-4333-8444-555555555551', 'web',
        libvirt.vlan_words([20])), 'ovs-vsctl', *libvirt.del_port('vnet0')]
    if words != expected:
        raise Failure('the page shows %s' % words)
    path = os.path.join(scratch('doc'), 'shown.lua')
    with open(path, 'w') as f:
        f.write(block('lua') + 'group "db" {}\ngroup "backup" {}\n')
    result = sgctl(None, 'check', path)
    if result.status or result.out:
        raise Failure(str(result))


# Groups.

@test('groups by port-profile, attached-mac and vm-id', lab=hypervisors)
def _(lab):
    start(lab, 'web', 17, profile='web')
    start(lab, 'both', 18, profile='web,ssh')
    start(lab, 'db', 34, mac='52:54:00:db:00:01')
    start(lab, 'saver', 36, vm=SAVER)
    start(lab, 'plain', 37)
    lab.settle()
    lab.equal({h.name: groups(lab, h) for h in lab.hosts.values()
               if h.guarded},
              {'web': ['web'], 'both': ['ssh', 'web'], 'db': ['db'],
               'saver': ['backup'], 'plain': ['default']}, 'groups')
    for to, port, source, allowed in (
            ('web', 80, 'client', True), ('web', 22, 'admin', False),
            ('both', 80, 'client', True), ('both', 22, 'admin', True),
            ('both', 22, 'client', False), ('db', 5432, 'web', True),
            ('db', 5432, 'saver', False), ('plain', 80, 'client', False)):
        lab.expect(lab.hosts[source], lab.hosts[to], 'tcp', port, allowed,
                   family=4)


@test('a profile that is no group closes its port alone', lab=hypervisors,
      fresh=True)
def _(lab):
    good = start(lab, 'good', 17, profile='web')
    bad = start(lab, 'bad', 18, profile='wbe')
    lab.settle()
    lab.expect_state(bad, 'error', 'group "wbe" is not defined')
    lab.expect_state(bad, 'error', 'did you mean "web"?')
    lab.expect_state(good, 'active')
    lab.expect(lab.client, good, 'tcp', 80, True)
    lab.expect(lab.client, bad, 'tcp', 80, False)
    lab.expect(bad, lab.client, 'tcp', 80, False)


@test('a stopped guest leaves nothing; started again it is what it was',
      lab=hypervisors, fresh=True)
def _(lab):
    web = start(lab, 'web', 17, profile='web')
    lab.settle()
    lab.set_ids(web, sg_groups='ssh')       # By hand: as long as it runs.
    lab.expect(lab.client, web, 'tcp', 80, False)
    lab.expect(lab.admin, web, 'tcp', 22, True, family=4)
    old = lab.connect(lab.admin, web, 'tcp', 22)
    unplug(lab, 'vnet17')
    lab.settle()
    lab.equal(groups(lab, web), None, 'groups of a guest that has stopped')
    again = start(lab, 'web', 17, port='vnet99', profile='web')
    lab.settle()
    lab.equal(groups(lab, again), ['web'], 'groups')
    lab.expect(lab.client, again, 'tcp', 80, True)
    lab.expect(lab.admin, again, 'tcp', 22, False, family=4)
    old.server = again
    old.next[again] = 500010
    old.expect_cut('of the time before')


# After a crash of the host the rows are still in the database.
@test('a row that was left is overwritten, key by key', lab=hypervisors,
      fresh=True)
def _(lab):
    host = start(lab, 'web', 17, port='vnet0', profile='web')
    lab.set_ids(host, sg_groups='ssh')
    plug(lab, 'vnet0', 18, profile='web,ssh')
    lab.settle()
    ids = lab.ids(host)
    lab.equal((ids['attached-mac'], ids['vm-id'], ids['port-profile']),
              (mac_of(18), vm_id(18), 'web,ssh'), 'what libvirt sets')
    lab.equal(ids['sg-groups'], 'ssh', 'what it does not know')
    plug(lab, 'vnet0', 19)
    lab.equal(lab.ids(host)['port-profile'], 'web,ssh', 'of a guest without')
    # The remedy of doc/libvirt.md.
    lab.sandbox.vsctl('--if-exists', 'del-port', 'vnet0')
    plug(lab, 'vnet0', 19)
    lab.settle()
    lab.equal(groups(lab, host), ['default'], 'groups after del-port')


@test('VLANs: access, trunk with a native VLAN, and another by update-device',
      lab=hypervisors, fresh=True)
def _(lab):
    access = start(lab, 'access', 17, profile='web',
                   vlan=libvirt.vlan_words([20]))
    trunk = start(lab, 'trunk', 18, profile='web',
                  vlan=libvirt.vlan_words([10, 20], True, 10))
    tagged = start(lab, 'tagged', 19, profile='web',
                   vlan=libvirt.vlan_words([10, 20], True, 10, 'tagged'))
    lab.settle()
    for host in (access, trunk, tagged):
        lab.expect_state(host, 'active')

    def reaches(host, vlan):
        """A SYN of the client, tagged on the uplink."""
        frame = lab.client.tcp(host, 80)
        frame = frame[:12] + b'\x81\x00' + vlan.to_bytes(2, 'big') + frame[12:]
        return lab.deliver(lab.client, host, frame)

    def seen(host):
        return [vlan for vlan in (10, 20, 30) if reaches(host, vlan)]

    lab.equal((seen(access), seen(trunk), seen(tagged)),
              ([20], [10, 20], [10, 20]), 'VLANs')
    libvirt_says(lab, libvirt.update_vlan('vnet17', libvirt.vlan_words([30])))
    lab.settle()
    lab.equal(seen(access), [30], 'VLAN after update-device')
    libvirt_says(lab, libvirt.update_vlan('vnet18'))
    lab.settle()
    lab.expect_state(trunk, 'active')
    lab.equal(seen(trunk), [], 'without any VLAN')
    lab.expect(lab.client, trunk, 'tcp', 80, True)


# The hook that declares addresses.

def hook(lab, xml, *words):
    return command(HOOK + list(words), env=lab.sandbox.env, text_in=xml)


def running(xml, *ports):
    """The XML that libvirt gives to hooks: each interface has a target."""
    names = iter(ports)
    return re.sub(r'</interface>', lambda m: "<target dev='%s'/>%s" % (
        next(names), m[0]), xml)


@test('hooks/qemu declares what the domain XML says', lab=hypervisors,
      fresh=True)
def _(lab):
    xml = running(example('domain.xml'), 'vnet1', 'vnet2')
    lab.check("dev='vnet2'" in xml, 'the example has no two interfaces')
    plug(lab, 'vnet1', 1, profile='web')
    plug(lab, 'vnet2', 2, profile='ssh')

    def addresses():
        return [lab.sandbox.get('Interface', port, 'external_ids')
                .get('sg-addresses') for port in ('vnet1', 'vnet2')]

    for words in (('prepare', 'begin'), ('started', 'begin'),
                  ('release', 'end')):
        result = hook(lab, xml, 'web1', *words, '-')
        lab.equal((result.status, addresses()), (0, [None, None]), words)
    result = hook(lab, xml, 'web1', 'start', 'begin', '-')
    lab.equal((result.status, result.err, addresses()),
              (0, '', ['192.0.2.17 2001:db8::17', None]), 'start begin')
    lab.settle()
    lab.equal(lab.sandbox.get('Interface', 'vnet1', 'external_ids')
              ['sg-state'], 'active', 'sg-state')

    # Failures keep the guest from starting.
    result = hook(lab, xml.replace("00:01'>192", "00:0f'>192"), 'web1',
                  'start', 'begin', '-')
    lab.check(result.status != 0 and '52:54:00:00:00:0f' in result.err, result)
    result = hook(lab, running(example('domain.xml'), 'vnet8', 'vnet9'),
                  'web1', 'start', 'begin', '-')
    lab.check(result.status != 0 and 'vnet8' in result.err, result)


# Live migration.

def arrives(lab, host, port, declare=True, **more):
    """The target gets ready, and the guest still runs at the source."""
    plug(lab, port, int(host.ips[0].split('.')[3]), bridge='br1',
         mac=host.mac, **more)
    if declare:
        lab.sandbox.set_ids(port, {'sg-addresses': ' '.join(host.ips)})
    libvirt_says(lab, libvirt.set_port_data(port, 'x'))
    lab.settle()


def moves(lab, host, port):
    """The guest goes on at the target, QEMU announces it, and the source takes
    its port away."""
    old = host.port
    host.port, host.bridge = port, 'br1'
    lab.expect_out(host, frames.rarp(host.mac), ['uplink'],
                   'the announcement', may=lab.guarded)
    libvirt_says(lab, libvirt.get_port_data(old))
    unplug(lab, old)
    lab.settle()


def with_grace():
    return hypervisors('--midstream-grace=60')


def migration(lab):
    """A connection of each kind from outside and to a guest that stays."""
    web = start(lab, 'web', 17, profile='web')
    db = start(lab, 'db', 34, mac='52:54:00:db:00:01')
    lab.settle()
    conns = [lab.connect(lab.client, web, 'tcp', 80, family)
             for family in (4, 6)] + [lab.connect(web, db, 'tcp', 5432)]
    arrives(lab, web, 'vnet40', profile='web')
    for conn in conns:
        conn.expect_alive('while the target gets ready')
    moves(lab, web, 'vnet40')
    return web, conns


@test('migration: without a time of grace, TCP connections end',
      lab=hypervisors, fresh=True)
def _(lab):
    web, conns = migration(lab)
    for conn in conns:
        conn.expect_cut('no grace')
    lab.expect(lab.client, web, 'tcp', 80, True)
    lab.expect(lab.client, web, 'tcp', 22, False)


@test('migration: with a time of grace, TCP goes on, whoever sends first',
      lab=with_grace, fresh=True)
def _(lab):
    web, conns = migration(lab)
    conns[0].reply(True, 'the guest sends first')
    conns[0].forward(True, 'and is answered')
    for conn in conns[1:]:
        conn.expect_alive('with grace')
    # What no rule allows gets no grace.
    frame = lab.client.tcp(web, 22, 4, frames.ACK, None, 500, 77)
    lab.deliver(lab.client, web, frame, False, 'mid-stream to a closed port')


@test('migration: the source forgets', lab=with_grace, fresh=True)
def _(lab):
    web, _ = migration(lab)
    lab.equal([p['name'] for p in lab.agent.json('list-ports')
               if p['bridge'] == 'br0'], ['vnet34'], 'ports of the source')
    mine = frames.mac_bytes(web.mac).hex(':')
    lab.check(not [f for f in lab.flows('br0') if mine in f],
              'the source has flows of the MAC that has moved')
    other = start(lab, 'other', 17, port='vnet41', profile='web')
    lab.settle()
    lab.expect_state(other, 'active')       # The MAC is free there.


def without_members():
    return hypervisors('--midstream-grace=60', policy=re.sub(
        r'members "web" .*', '', example('libvirt.lua')))


@test('migration: who is to remain a member elsewhere has to be listed',
      lab=without_members, fresh=True)
def _(lab):
    web, conns = migration(lab)
    for conn in conns[:2]:
        conn.expect_alive('rules that name no group')
    conns[2].expect_cut('it is no member at the source any more')
    lab.expect(web, lab.db, 'tcp', 5432, False, family=4)


# Addresses that nobody declares.

def announce(host, ip):
    """What Linux sends of virtio's own accord, and others some time."""
    if frames.is_v6(ip):
        return frames.eth(
            host.mac, frames.multicast_mac('ff02::1'), frames.ETH_IPV6,
            frames.ipv6(ip, 'ff02::1', frames.ICMP6, frames.icmp6(
                ip, 'ff02::1', 136, 0, b'\x20\0\0\0', frames.ip_bytes(ip) +
                b'\x02\x01' + frames.mac_bytes(host.mac)), hops=255))
    return frames.eth(host.mac, frames.BROADCAST, frames.ETH_ARP,
                      frames.arp(1, host.mac, ip, frames.ZERO_MAC, ip))


def learned(lab, host):
    return sorted(next(p for p in lab.agent.json('list-ports')
                       if p['name'] == host.port)['addresses'])


def teach(lab, host, *ips):
    for ip in ips:
        lab.send(host, announce(host, ip))
    if not wait_until(lambda: set(ips) <= set(learned(lab, host)), 20, 0.05):
        raise Failure('%s learns %s' % (host.port, learned(lab, host)))
    lab.settle()
    lab.sandbox.collect()


@test('migration: learned addresses are learned again; until then the guest '
      'is not heard', lab=with_grace, fresh=True)
def _(lab):
    web = start(lab, 'web', 17, declare=False, profile='web')
    lab.settle()
    teach(lab, web, *web.ips)
    conns = [lab.connect(lab.client, web, 'tcp', 80, family)
             for family in (4, 6)]
    arrives(lab, web, 'vnet40', declare=False, profile='web')
    moves(lab, web, 'vnet40')
    lab.equal(learned(lab, web), [], 'RARP names no address')
    for conn in conns:
        conn.forward(True, 'its MAC is known, and rules and grace allow it')
        conn.reply(False, 'before the guest has announced its addresses')
    teach(lab, web, *web.ips)
    for conn in conns:
        conn.expect_alive('behind the announcement')


run()
