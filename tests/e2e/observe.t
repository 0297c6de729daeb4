#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The first day: what would be guarded and refused, before anything is."""
import subprocess
import threading

from harness import Lab, run, test
from harness.netns import Namespace
from harness.relay import Relay

POLICY = '''
group "web" { ingress = { tcp { 80, from = any } }, egress = {} }
bind { groups = { "web" }, where = { name = "web*" } }
'''


def open_bridge(options=('--observe',)):
    """Guests as they were before: forwarded by NORMAL, and more than a flow
    each behind somebody's own ct()."""
    lab = Lab(POLICY, bridges=(), agent_options=options)
    lab.sandbox.add_bridge('br0', secure=False)
    lab.guest('vm1', ids={'iface-id': 'one'})
    lab.guest('vm2', ids={'iface-id': 'two', 'sg-addresses': None,
                          'attached-mac': None})
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def observe(lab, *args):
    return lab.agent.json('observe', *args)


def talks(answer, verdict):
    return sorted('%s%s > %s%s %s %s' % (
        f['from'] or '', '=' + f['from_address'] if f['from_address'] else '',
        f['to'] or '', '=' + f['to_address'] if f['to_address'] else '',
        f['protocol'], f['port'])
        for f in answer['flows'] if f['verdict'] == verdict)


def say_all(lab):
    for _ in range(2):      # NORMAL learns, and then makes flows anew.
        lab.send(lab.client, lab.client.tcp(lab.vm1, 22))
        lab.send(lab.vm1, lab.vm1.tcp(lab.client, 443))
        lab.send(lab.client, lab.client.tcp(lab.vm2, 22))


@test('under NORMAL: who talks is seen, and that no more is',
      lab=open_bridge)
def _(lab):
    say_all(lab)
    answer = observe(lab)
    lab.equal([(p['name'], p['groups'], p['enforced'])
               for p in answer['ports']],
              [('vm1', ['default'], False), ('vm2', ['default'], False)],
              'ports that would be guarded')
    lab.check('declares no address' in answer['ports'][1]['remark'],
              answer['ports'][1])
    lab.equal(talks(answer, 'deny') + talks(answer, 'allow'), [], 'verdicts')
    lab.check('uplink > vm1 None None' in talks(answer, 'unknown'),
              answer['flows'])
    text = lab.agent.must('observe')
    for words in ('would be', 'cannot be told', '--sample=10'):
        lab.check(words in text, text)


@test('what others track is judged by the rules', lab=open_bridge,
      fresh=True)
def _(lab):
    for flow in ('table=0,priority=1,ip,actions=ct(table=1)',
                 'table=1,ip,actions=ct(commit),NORMAL'):
        lab.sandbox.ofctl('add-flow', lab.sandbox.mgmt('br0'), flow)
    say_all(lab)
    answer = observe(lab, 'br0')
    seen = [f for f in answer['flows'] if f['seen_in'] == 'connection table']
    lab.equal(sorted((f['from'] or '', f['to'] or '', f['port'], f['verdict'])
                     for f in seen),
              [('', 'vm1', 22, 'deny'), ('vm1', '', 443, 'allow')],
              'connections')
    deny = next(f for f in seen if f['verdict'] == 'deny')
    lab.equal(deny['why'], 'ingress of vm1 (default): no rule', 'why')


@test('looking changes nothing', lab=open_bridge, fresh=True)
def _(lab):
    before = (lab.sandbox.get('Bridge', 'br0', 'external_ids'),
              lab.ids(lab.vm1), lab.sandbox.flows('br0', ours=False))
    say_all(lab)
    observe(lab)
    lab.agent.must('enable', 'br0', '--dry-run')
    result = lab.agent.ctl('enable', 'br0')
    lab.check(result.status == 1 and '--observe' in result.err, result)
    lab.equal((lab.sandbox.get('Bridge', 'br0', 'external_ids'),
               lab.ids(lab.vm1), lab.sandbox.flows('br0', ours=False)),
              before, 'bridge, interface and flows')
    lab.equal(lab.flows(), [], 'our flows')
    lab.expect(lab.client, lab.vm1, 'tcp', 22, True)


@test('trace says that nothing is in force', lab=open_bridge)
def _(lab):
    lab.set_ids(lab.vm1, sg_groups='default')
    result = lab.agent.ctl('trace', 'vm1', '198.18.0.9', 'tcp', '443')
    lab.check(result.status == 0 and 'this agent only observes' in result.err
              and 'closed' not in result.err, result)


@test("the switch's own flows stay as they are", lab=open_bridge, fresh=True)
def _(lab):
    # An agent that changes flows has them made anew (tests/e2e/stale.t), and
    # asks the switch's version before.
    lab.agent.kill()
    lab.sandbox.vsctl('br-set-external-id', 'br0', 'sg-enable', 'true')
    control = Relay(lab.sandbox.path('relay.ctl'), lab.sandbox.control.path)
    control.keep_back('requests')
    lab.agent.options.append('--switch-unixctl='
                             + lab.sandbox.path('relay.ctl'))
    lab.agent.start()
    late = lab.agent.ctl('wait', '--timeout=1')
    lab.check('has not been revalidated' in late.err, late)
    lab.check(b'revalidator/wait' in control.kept
              and b'version' not in control.kept, control.kept)
    control.let_go()
    lab.agent.wait()


def enabling():
    return open_bridge(())


@test('enable warns first of what it cuts', lab=enabling, fresh=True)
def _(lab):
    lab.allow_log('somebody else')      # fail_mode=secure flushes.
    for flow in ('table=0,priority=1,ip,actions=ct(table=1)',
                 'table=1,ip,actions=ct(commit),NORMAL'):
        lab.sandbox.ofctl('add-flow', lab.sandbox.mgmt('br0'), flow)
    say_all(lab)
    dry = lab.agent.ctl('enable', 'br0', '--dry-run')
    lab.check(dry.status == 0, dry)
    lab.check('--midstream-grace=60' in dry.err, dry.err)
    for words in ('vm1 will be guarded, in default',
                  'will be cut: 198.18.0.9 -> vm1 (192.0.2.1) tcp 22 '
                  '(ingress of vm1 (default): no rule)',
                  'vm2 will be guarded, in default; declares no MAC'):
        lab.check('warning: br0: ' + words in dry.err, dry.err)
    lab.check('443' not in dry.err, dry.err)
    lab.equal(dry.out, '', 'changes of a dry run')
    lab.equal(lab.sandbox.get('Bridge', 'br0', 'fail_mode'), [], 'fail_mode')
    result = lab.agent.ctl('enable', 'br0')
    lab.check(result.status == 0 and 'sg-enable=true' in result.out, result)
    lab.equal(result.err, dry.err, 'the warnings')
    lab.settle()
    lab.expect(lab.client, lab.vm1, 'tcp', 22, False)
    again = lab.agent.ctl('enable', 'br0')
    lab.check('vm1' not in again.err, again.err)


@test('groups without enable: the trap is told', lab=open_bridge, fresh=True)
def _(lab):
    lab.set_ids(lab.vm1, sg_groups='web', settle=False)
    lab.agent.wait()
    notes = ' '.join(observe(lab)['notes'])
    lab.check('1 ports of br0 have groups' in notes, notes)
    lab.sandbox.vsctl('br-set-external-id', 'br0', 'sg-enable', 'false')
    lab.agent.wait()
    notes = ' '.join(observe(lab, 'br0')['notes'])
    lab.check('have groups' not in notes, notes)


@test('why a port or a bridge is not guarded', lab=open_bridge, fresh=True)
def _(lab):
    def why(name, key='why'):
        return lab.agent.json('show', name).get(key) or ''
    lab.check('iface-id counts only after `ovs-sgctl enable br0\'' in
              why('vm1'), why('vm1'))
    lab.check('no sg-groups' in why('uplink'), why('uplink'))
    lab.check('nothing is guarded there' in why('br0', 'untouched'),
              lab.agent.json('show', 'br0'))
    lab.sandbox.vsctl('br-set-external-id', 'br0', 'sg-enable', 'false')
    lab.agent.wait()
    lab.check('sg-enable=false' in why('vm1'), why('vm1'))
    lab.sandbox.vsctl('br-set-external-id', 'br0', 'ct-zone-lp1', '3')
    lab.agent.wait()
    for text in (why('vm1'), why('br0', 'untouched')):
        lab.check('managed by OVN' in text, text)
    nothing = lab.agent.ctl('list-ports')
    lab.check(nothing.out == '' and 'no interface is guarded' in nothing.err,
              nothing)


@test('whose bridge it is, is said', lab=open_bridge, fresh=True)
def _(lab):
    lab.sandbox.vsctl(
        'add-br', 'br-int', '--', 'set', 'Bridge', 'br-int',
        'datapath_type=' + lab.sandbox.DATAPATH,
        'external_ids:ct-zone-lp1=3', '--',
        'add-br', 'off', '--', 'set', 'Bridge', 'off',
        'datapath_type=' + lab.sandbox.DATAPATH,
        'external_ids:sg-enable=false')
    lab.agent.wait()
    refused = {b['name']: b['refused'] for b in observe(lab)['bridges']}
    lab.equal(refused['br0'], None, 'br0')
    lab.check('OVN' in refused['br-int'], refused)
    lab.check('sg-enable=false' in refused['off'], refused)
    lab.equal(observe(lab, 'off')['bridges'][0]['refused'], None, 'by name')
    result = lab.agent.ctl('observe', 'nowhere')
    lab.check(result.status == 1 and 'no bridge "nowhere"' in result.err,
              result)


def real_guests(*options):
    lab = Lab(POLICY, bridges=(), agent_options=options or ('--observe',))
    lab.sandbox.add_bridge('br0', secure=False)
    lab.peers = []
    for n, name in ((1, 'web1'), (2, 'vm2'), (3, 'out')):
        mac = '52:54:00:00:01:%02x' % n
        peer = Namespace(name, mac, ['192.0.2.%d/24' % (100 + n)])
        lab.peers.append(peer)
        ids = {} if name == 'out' else {'iface-id': name,
                                        'attached-mac': mac}
        lab.sandbox.vsctl('add-port', 'br0', name, '--', 'set', 'Interface',
                          name, 'type=system', *('external_ids:%s="%s"' % i
                                                 for i in ids.items()))
    if options:
        lab.sandbox.vsctl('br-set-external-id', 'br0', 'sg-enable', 'false')
    lab.start()
    return lab


@test('--sample: addresses and ports, from the packets themselves',
      lab=real_guests, fresh=True)
def _(lab):
    web1, vm2, out = lab.peers
    web1.serve('tcp', 80, 22)
    out.serve('tcp', 443)
    answers = []
    looking = threading.Thread(target=lambda: answers.append(
        observe(lab, '--sample=3')))
    looking.start()
    # A packet is looked at as a whole, however large.
    ping = subprocess.Popen(
        ['nsenter', '--net=/proc/%d/ns/net' % out.child.pid, 'ping', '-q',
         '-i', '0.2', '-w', '20', '-s', '1000', '192.0.2.101'],
        stdout=subprocess.DEVNULL)
    while looking.is_alive():       # Whenever it looks, there is traffic.
        out.begin(do='probe', timeout=1, targets=[
            ('tcp', '192.0.2.101', 80), ('tcp', '192.0.2.101', 22)])
        vm2.begin(do='probe', timeout=1,
                  targets=[('tcp', '192.0.2.103', 443)])
        lab.check(all(out.finish()), 'out reaches web1')
        lab.check(all(vm2.finish()), 'vm2 reaches out')
    ping.kill()
    ping.wait()
    answer, = answers
    lab.equal([(p['name'], p['groups'], p['addresses'])
               for p in answer['ports']],
              [('vm2', ['default'], ['192.0.2.102']),
               ('web1', ['web'], ['192.0.2.101'])], 'learned of the packets')
    lab.check('=192.0.2.103 > web1=192.0.2.101 tcp 80' in
              talks(answer, 'allow'), talks(answer, 'allow'))
    lab.check('vm2=192.0.2.102 > =192.0.2.103 tcp 443' in
              talks(answer, 'allow'), talks(answer, 'allow'))
    lab.check('=192.0.2.103 > web1=192.0.2.101 tcp 22' in
              talks(answer, 'deny'), talks(answer, 'deny'))
    lab.check(any('=192.0.2.103 > web1=192.0.2.101 icmp' in t
                  for t in talks(answer, 'deny')), talks(answer, 'deny'))


def graceful():
    return real_guests('--midstream-grace=60')


@test('enable with a time of grace: open connections go on, by the rules',
      lab=graceful, fresh=True)
def _(lab):
    lab.allow_log('somebody else')      # fail_mode=secure flushes.
    web1, vm2, out = lab.peers
    web1.serve('tcp', 80, 22)
    vm2.serve('tcp', 22)
    for n, port in ((101, 80), (101, 22), (102, 22)):
        out.ask(do='hold', name='%d:%d' % (n, port), timeout=5, port=port,
                address='192.0.2.%d' % n)
    for n, name in ((101, 'web1'), (102, 'vm2')):
        lab.sandbox.vsctl('set', 'Interface', name,
                          'external_ids:sg-addresses=192.0.2.%d' % n)
    result = lab.agent.ctl('enable', 'br0')
    lab.check('--midstream-grace' not in result.err, result)
    lab.settle()
    for name, works in (('101:80', True), ('101:22', False),
                        ('102:22', False)):
        lab.equal(bool(out.ask(do='exchange', name=name, timeout=2)), works,
                  name)


run()
