#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The same with a kernel's own TCP, UDP, ARP and ND in namespaces, against
errors that the frames of the other tests and the agent might share."""
import socket

from harness import Lab, process, run, test
from harness.guest import mac_of
from harness.netns import Namespace, must, probe_all

POLICY = '''
group "web" { ingress = { tcp { 80, from = any }, udp { 53, from = any } } }
group "cli" { ingress = {} }
group "db" { ingress = { tcp { 5432, from = group "cli" } }, egress = {} }
'''
PATIENCE = 1.5


def plug(lab, number, name, groups=None):
    """A guest in a namespace, as an attribute of the lab; groups None: a
    trusted port."""
    ips = ['192.0.2.%d' % number, '2001:db8::%d' % number]
    net = Namespace(name, mac_of(number), [ips[0] + '/24', ips[1] + '/64'])
    words = ['add-port', 'br0', name]
    if groups is not None:
        words += ['--', 'set', 'Interface', name,
                  'external_ids:sg-groups=' + groups,
                  'external_ids:attached-mac="%s"' % mac_of(number),
                  'external_ids:sg-addresses="%s"' % ' '.join(ips)]
    lab.sandbox.vsctl(*words)
    for port in (80, 81, 5432):
        net.serve('tcp', port)
    net.serve('udp', 53)
    lab.nets[name] = net
    return net


def real():
    lab = Lab(POLICY)
    lab.nets = {}
    plug(lab, 1, 'web1', 'web')
    plug(lab, 2, 'cli1', 'cli')
    plug(lab, 3, 'db1', 'db')
    plug(lab, 4, 'ext')
    # The host itself is on the bridge, by its local port.
    with open('/proc/sys/net/ipv6/conf/br0/disable_ipv6', 'w') as f:
        f.write('0')
    must('ip', 'address', 'add', '192.0.2.254/24', 'dev', 'br0')
    must('ip', 'address', 'add', '2001:db8::254/64', 'dev', 'br0', 'nodad')
    must('ip', 'link', 'set', 'br0', 'up')
    return lab.start()


def expect(lab, rows):
    """'rows' are (from, to, proto, port, reached); all at once."""
    plan = {}
    for source, target, proto, port, reached in rows:
        for ip in lab.nets[target].addresses:
            plan.setdefault(source, []).append(
                ((proto, ip, port), target if reached else None))
    answers = probe_all({lab.nets[s]: [t for t, _ in targets]
                         for s, targets in plan.items()}, PATIENCE)
    for source, targets in plan.items():
        for (target, wanted), seen in zip(targets,
                                          answers[lab.nets[source]]):
            lab.equal(seen, wanted, '%s > %s %s port %s: who answers'
                      % ((source,) + target))


@test('who reaches whom, TCP and UDP, IPv4 and IPv6', lab=real)
def _(lab):
    expect(lab, [('ext', 'web1', 'tcp', 80, True),
                 ('ext', 'web1', 'tcp', 81, False),
                 ('ext', 'web1', 'udp', 53, True),
                 ('ext', 'cli1', 'tcp', 80, False),
                 ('ext', 'cli1', 'udp', 53, False),
                 ('ext', 'db1', 'tcp', 5432, False),
                 ('cli1', 'db1', 'tcp', 5432, True),
                 ('cli1', 'db1', 'tcp', 80, False),
                 ('cli1', 'web1', 'tcp', 80, True),
                 ('cli1', 'ext', 'tcp', 81, True),
                 ('cli1', 'ext', 'udp', 53, True),
                 ('web1', 'db1', 'tcp', 5432, False),
                 ('db1', 'ext', 'tcp', 80, False),
                 ('db1', 'web1', 'tcp', 80, False)])


@test('an ICMP error makes the sender\'s kernel say "refused"', lab=real)
def _(lab):
    targets = [('udp', ip, 9) for ip in lab.nets['ext'].addresses]
    answers = probe_all({lab.nets['cli1']: targets}, PATIENCE)
    lab.equal(answers[lab.nets['cli1']], ['refused', 'refused'],
              'nobody serves udp port 9 at ext')


@test('the host itself: out by its local port, in by the rules', lab=real)
def _(lab):
    for ip in lab.nets['web1'].addresses:
        for port, reached in ((80, True), (81, False)):
            try:
                socket.create_connection((ip, port), PATIENCE).close()
                seen = True
            except OSError:
                seen = False
            lab.equal(seen, reached, 'the host > %s port %d' % (ip, port))
    with socket.create_server(('192.0.2.254', 7777)):
        for name, wanted in (('cli1', True), ('db1', False)):
            net = lab.nets[name]
            try:
                seen = net.ask(do='hold', name='host', address='192.0.2.254',
                               port=7777, timeout=PATIENCE)
            except Exception:
                seen = False
            lab.equal(seen, wanted, '%s > the host' % name)


@test('much data goes through', lab=real)
def _(lab):
    for ip in lab.nets['web1'].addresses:
        for name in ('ext', 'cli1'):
            lab.check(lab.nets[name].ask(do='echo', address=ip, port=80,
                                         bytes=1 << 18, timeout=20),
                      '%s > %s: no answer' % (name, ip))


@test('an open connection is cut when a group goes, others live', lab=real)
def _(lab):
    cli, ext = lab.nets['cli1'], lab.nets['ext']
    held = []
    for ip in lab.nets['db1'].addresses:
        cli.ask(do='hold', name='db ' + ip, address=ip, port=5432, timeout=5)
        held.append((cli, 'db ' + ip, False))
    for ip in lab.nets['web1'].addresses:
        for net in (cli, ext):
            net.ask(do='hold', name='web ' + ip, address=ip, port=80,
                    timeout=5)
            held.append((net, 'web ' + ip, True))
    for net, name, _ in held:
        lab.check(net.ask(do='exchange', name=name, timeout=PATIENCE),
                  '%s, %s: dead before' % (net.port, name))
    lab.sandbox.vsctl('set', 'Interface', 'cli1', 'external_ids:sg-groups=""')
    lab.settle()
    for net, name, alive in held:
        lab.equal(net.ask(do='exchange', name=name, timeout=PATIENCE), alive,
                  '%s, %s' % (net.port, name))
    lab.sandbox.vsctl('set', 'Interface', 'cli1', 'external_ids:sg-groups=cli')
    lab.settle()


@test('ping', lab=real)
def _(lab):
    def ping(name, ip):
        return process.command(
            ['nsenter', '--net=/proc/%d/ns/net' % lab.nets[name].child.pid,
             'ping', '-n', '-c', '1', '-W', '1', ip]).status == 0
    if process.command(['which', 'ping']).status != 0:
        return
    for ip in lab.nets['ext'].addresses:
        lab.check(ping('cli1', ip), 'cli1 > %s' % ip)
        lab.check(not ping('db1', ip), 'db1 > %s' % ip)
    for ip in lab.nets['cli1'].addresses:
        lab.check(not ping('ext', ip), 'ext > %s' % ip)


run()
