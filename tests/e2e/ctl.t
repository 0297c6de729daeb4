#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""ovs-sgctl: every command, its exit status and its JSON (CONTRACT section
1)."""
import json
import os
import re
import signal
import time

from harness import Lab, frames, next_port, run, test, wait_until
from harness.agent import Agent, program, sgctl
from harness.process import PATIENCE, Child
from harness.tiers import EXAMPLE, example_policy, three_tier
from harness.unixctl import accepts

BAD = '''group "web" {
  ingress = { tcp { 80, to = any },
              tcp { 90000, from = any },
              tcp { "90-80", from = any },
              tcp { 22 },
              tcp { 23, from = "300.1.2.3" },
              udp { 53, from = group "wbe" } },
}
group "web" { ingress = {} }
'''


def line_of(text, nth=1):
    """The number of the nth line of the example that contains 'text'."""
    lines = [n for n, line in enumerate(example_policy().splitlines(), 1)
             if text in line]
    return lines[nth - 1]


def write(lab, name, text):
    path = lab.sandbox.path(name)
    with open(path, 'w') as f:
        f.write(text)
    return path


def expect_status(lab, result, status, *words):
    """The exit status, and what must be in the output."""
    lab.check(result.status == status, 'expected exit status %s:\n%s'
              % (status, result))
    for word in words:
        lab.check(word in result.out + result.err, 'expected "%s" in:\n%s'
                  % (word, result))


# Offline.

@test('check: a clean policy', lab=three_tier)
def _(lab):
    expect_status(lab, sgctl(lab.sandbox, 'check', EXAMPLE), 0)
    expect_status(lab, sgctl(lab.sandbox, 'check', lab.folder), 0)


@test('check: every error with its place, all at once', lab=three_tier)
def _(lab):
    path = write(lab, 'bad.lua', BAD)
    result = sgctl(lab.sandbox, 'check', path)
    expect_status(lab, result, 1, 'did you mean')
    text = result.out + result.err
    found = {int(n) for n in re.findall(re.escape(path) + r':(\d+): \S', text)}
    for line in (2, 3, 4, 5, 6, 7, 9):
        lab.check(line in found, 'nothing about line %d in:\n%s' % (line,
                                                                    text))
    for line in text.strip().splitlines():
        lab.check(re.match(r'\S+:\d+: \S', line), 'not FILE:LINE: message: '
                  + line)


@test('check: several paths see each other\'s groups', lab=three_tier)
def _(lab):
    one = write(lab, 'one.lua', 'group "a" { ingress = { tcp { 1, from = '
                                'group "b" } } }\n')
    two = write(lab, 'two.lua', 'group "b" { ingress = {} }\n')
    expect_status(lab, sgctl(lab.sandbox, 'check', one, two), 0)
    expect_status(lab, sgctl(lab.sandbox, 'check', one), 1, one + ':1: ',
                  '"b"')


@test('check: syntax errors and missing files', lab=three_tier)
def _(lab):
    path = write(lab, 'syntax.lua', 'group "a" {\n  ingress = {{\n')
    expect_status(lab, sgctl(lab.sandbox, 'check', path), 1, path + ':')
    missing = lab.sandbox.path('missing.lua')
    expect_status(lab, sgctl(lab.sandbox, 'check', missing), 1, missing)


@test('usage errors', lab=three_tier)
def _(lab):
    for args in (['check'], ['no-such-command'], [], ['check', '--nonsense'],
                 ['--format=xml', 'list-ports'], ['trace', 'a', 'b']):
        result = sgctl(lab.sandbox, *args)
        lab.check(result.status == 2 if args[:1] == ['check']
                  else result.status not in (0, None),
                  'exit status of a usage error:\n%s' % result)
        lab.check(result.err, 'no message:\n%s' % result)


@test('--help and --version', lab=three_tier)
def _(lab):
    expect_status(lab, sgctl(lab.sandbox, '--version'), 0, 'ovs-sgctl')
    expect_status(lab, sgctl(lab.sandbox, '--help'), 0, 'check', 'reload',
                  'wait', 'trace', 'enable', 'disable', 'list-groups',
                  'list-ports', 'show', '--timeout')


# The agent.

@test('--target, and no agent there', lab=three_tier)
def _(lab):
    expect_status(lab, lab.agent.ctl('--target=' + lab.agent.socket,
                                     'list-ports'), 0, 'web1')
    for command in ('list-ports', 'reload', 'wait'):
        result = lab.agent.ctl('--target=/nowhere/x.ctl', command)
        expect_status(lab, result, 1, '/nowhere/x.ctl')


@test('reload: the new policy is in force', lab=three_tier, fresh=True)
def _(lab):
    lab.write_policy(example_policy().replace('{ 80, 443 }', '81'))
    lab.expect(lab.client, lab.web1, 'tcp', 80, True)
    expect_status(lab, lab.agent.ctl('reload'), 0)
    lab.settle()
    lab.expect(lab.client, lab.web1, 'tcp', 80, False)
    lab.expect(lab.client, lab.web1, 'tcp', 81, True)


@test('reload: on an error the old policy stays, and nothing is touched',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(r'policy')
    with lab.watch_flows() as watch:
        lab.write_policy(BAD)
        result = lab.agent.ctl('reload')
        expect_status(lab, result, 1, 'policy.lua:2: ', 'policy.lua:9: ')
        lab.settle()
        lab.equal(watch.take(), [], 'flow mods')
    lab.expect(lab.client, lab.web1, 'tcp', 80, True)
    lab.expect(lab.web1, lab.app1, 'tcp', 8080, True)
    lab.expect_state(lab.web1, 'active')
    # A port that comes now is judged by the old policy.
    lab.guest('web4', 'web')
    lab.settle()
    lab.expect(lab.client, lab.web4, 'tcp', 80, True)
    lab.write_policy(example_policy())
    expect_status(lab, lab.agent.ctl('reload'), 0)


@test('wait: returns when everything is in force', lab=three_tier, fresh=True)
def _(lab):
    for n in range(5):
        lab.set_ids(lab.web2, settle=False,
                    sg_groups='app' if n % 2 else 'web')
        lab.settle()
        lab.expect(lab.web1, lab.web2, 'tcp', 8080, n % 2 == 1)
    lab.set_ids(lab.web2, settle=False, sg_groups='no-such-group')
    expect_status(lab, lab.agent.ctl('wait', '--timeout=5'), 0)
    lab.expect_state(lab.web2, 'error', 'no-such-group')


@test('wait: gives up after its time-out', lab=three_tier, fresh=True,
      beside='there, a switch that stands still answers nobody')
def _(lab):
    lab.allow_log(r'inactivity|no response|connection|onnect',
                  r'Unreasonably long .* poll interval')
    lab.sandbox.vswitchd.signal(signal.SIGSTOP)
    lab.write_policy(example_policy().replace('{ 80, 443 }', '81'))
    lab.agent.must('reload')
    start = time.monotonic()
    result = lab.agent.ctl('wait', '--timeout=1')
    seconds = time.monotonic() - start
    lab.sandbox.vswitchd.signal(signal.SIGCONT)
    expect_status(lab, result, 1)
    lab.check(0.5 < seconds < 4 * PATIENCE, 'it took %.1f s' % seconds)
    lab.settle()
    lab.agent.freeze()
    start = time.monotonic()
    result = lab.agent.ctl('wait', '--timeout=1')
    seconds = time.monotonic() - start
    lab.agent.thaw()
    expect_status(lab, result, 1)
    lab.check(0.5 < seconds < 8 * PATIENCE,
              'with a stopped agent: %.1f s' % seconds)


@test('wait: of a database that is away, says where it was',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(r'inactivity|no response|connection|onnect')
    lab.sandbox.kill_ovsdb()
    late = lab.agent.ctl('wait', '--timeout=1')
    lab.sandbox.start_ovsdb()
    lab.agent.wait(30)
    expect_status(lab, late, 1, 'unix:' + lab.sandbox.path('db.sock'))


@test('wait, trace: of an agent that is not in charge, say so', lab=three_tier)
def _(lab):
    second = Agent(lab.sandbox, lab.folder, options=[
        '--pidfile=' + lab.sandbox.path('second.pid'),
        '--log-file=' + lab.sandbox.path('second.log')]).start()
    expect_status(lab, sgctl(lab.sandbox, '--target=' + second.socket, 'wait',
                             '--timeout=1'), 1, 'another agent is in charge')
    result = sgctl(lab.sandbox, '--target=' + second.socket, 'trace', 'web1',
                   'app1', 'tcp', '8080')
    expect_status(lab, result, 0, 'allow', 'another agent is in charge')
    lab.check('pending' not in result.err, result)
    lab.equal(second.stop(), [], 'the end of the second agent')


@test('wait: of an agent in another run directory, says where it looks',
      lab=three_tier, fresh=True, beside='there, it is that of the switch')
def _(lab):
    lab.agent.kill()
    elsewhere = lab.sandbox.path('elsewhere')
    os.mkdir(elsewhere)
    control = os.path.join(elsewhere, 'ctl')
    lost = Child([
        program('ovs-sgd'), 'unix:' + lab.sandbox.path('db.sock'),
        '--policy=' + lab.folder, '--unixctl=' + control, '-vconsole:off'],
        dict(lab.sandbox.env, OVS_RUNDIR=elsewhere))
    wait_until(lambda: accepts(control), 30)
    result = sgctl(lab.sandbox, '--target=' + control, 'wait', '--timeout=1')
    lost.kill()
    lab.agent.start()
    lab.agent.wait()
    expect_status(lab, result, 1, elsewhere + '/br0.mgmt', 'OVS_RUNDIR')


# Trace.

def side(allowed, group=None, rule=None, text=None, nth=1):
    return {'allowed': allowed, 'group': group, 'rule': rule, 'text': text,
            'nth': nth}


def expect_trace(lab, args, verdict, egress, ingress):
    answer = lab.agent.json('trace', *args)
    what = 'trace ' + ' '.join(args)
    lab.equal(answer.get('verdict'), verdict, what + ': verdict')
    for name, expected in (('egress', egress), ('ingress', ingress)):
        seen = answer.get(name)
        if expected is None or seen is None:
            lab.equal(seen, expected, '%s: %s' % (what, name))
            continue
        lab.check({'allowed', 'group', 'rule', 'file', 'line'} <= set(seen),
                  '%s: %s lacks keys: %s' % (what, name, seen))
        lab.equal(seen.get('allowed'), expected['allowed'],
                  '%s: %s' % (what, name))
        if expected['text']:
            lab.equal((seen.get('group'), seen.get('line')),
                      (expected['group'], line_of(expected['text'],
                                                  expected['nth'])),
                      '%s: %s: group and line' % (what, name))
            lab.check(str(seen.get('file')).endswith('policy.lua'),
                      '%s: %s: file is %s' % (what, name, seen.get('file')))
            lab.check(seen.get('rule'), '%s: %s: no rule' % (what, name))
        if not expected['allowed']:
            lab.equal([seen.get(k) for k in ('group', 'rule', 'file',
                                             'line')], [None] * 4,
                      '%s: %s: nothing allows it' % (what, name))


@test('trace: allowed and refused, with the rule and its line',
      lab=three_tier)
def _(lab):
    web = '{ 80, 443 }, from = any'
    expect_trace(lab, ['198.18.0.9', 'web1', 'tcp', '80'], 'allow', None,
                 side(True, 'web', text=web))
    expect_trace(lab, ['198.18.0.9', 'web1', 'tcp', '81'], 'deny', None,
                 side(False))
    expect_trace(lab, ['web1', 'app1', 'tcp', '8083'], 'allow', side(True),
                 side(True, 'app', text='8080-8089'))
    expect_trace(lab, ['app1', 'tap-db1', 'tcp', '5432'], 'allow', side(True),
                 side(True, 'db', text='5432'))
    expect_trace(lab, ['tap-db1', 'web1', 'tcp', '80'], 'deny', side(False),
                 side(True, 'web', text=web))
    expect_trace(lab, ['tap-db1', '198.51.100.7', 'tcp', '443'], 'allow',
                 side(True, 'db', text='198.51.100.0/24'), None)


@test('trace: the line of a rule from a template is its constructor\'s',
      lab=three_tier)
def _(lab):
    for guest, group in (('web1', 'web'), ('app1', 'app'), ('tap-db1', 'db')):
        expect_trace(lab, ['bastion1', guest, 'tcp', '22'], 'allow',
                     side(True), side(True, group,
                                      text='return tcp { 22, from = peer'))


@test('trace: by address, IPv4 and IPv6', lab=three_tier)
def _(lab):
    for v in (4, 6):
        web, app = lab.web1.address(v), lab.app1.address(v)
        expect_trace(lab, [web, app, 'tcp', '8080'], 'allow', side(True),
                     side(True, 'app', text='8080-8089'))
        expect_trace(lab, [app, web, 'tcp', '8080'], 'deny', side(True),
                     side(False))
        # A member that is no port.
        expect_trace(lab, [lab.web3.address(v), 'app1', 'tcp', '8080'],
                     'allow', None, side(True, 'app', text='8080-8089'))
        expect_trace(lab, [lab.client.address(v), 'app1', 'tcp', '8080'],
                     'deny', None, side(False))


@test('trace: protocols by name and number', lab=three_tier)
def _(lab):
    for proto in ('tcp', '6'):
        expect_trace(lab, ['198.18.0.9', 'web1', proto, '80'], 'allow', None,
                     side(True))
    for proto in ('udp', 'sctp', '17', '132'):
        expect_trace(lab, ['198.18.0.9', 'web1', proto, '80'], 'deny', None,
                     side(False))
    for args in (['icmp', '8'], ['icmp'], ['1'], ['47']):
        expect_trace(lab, ['198.18.0.9', 'web1'] + args, 'deny', None,
                     side(False))
    expect_trace(lab, ['web1', '198.18.0.9', 'icmp', '8'], 'allow',
                 side(True), None)
    expect_trace(lab, ['web1', '2001:db8:9::9', 'icmp6', '128'], 'allow',
                 side(True), None)


@test('trace: the table says why', lab=three_tier)
def _(lab):
    result = lab.agent.ctl('trace', 'web1', 'app1', 'tcp', '8080')
    expect_status(lab, result, 0, 'allow', 'policy.lua:%d'
                  % line_of('8080-8089'))
    result = lab.agent.ctl('trace', '198.18.0.9', 'app1', 'tcp', '8080')
    expect_status(lab, result, 0, 'deny', 'no rule')


@test('trace: what cannot be answered', lab=three_tier, fresh=True)
def _(lab):
    lab.guest('twin', 'web', tag=7, number=30, ips=['192.0.2.2'],
              mac='52:54:00:00:00:30')
    lab.settle()
    for args in (['no-such-port', 'web1', 'tcp', '80'],
                 ['web1', 'no-such-port', 'tcp', '80'],
                 ['web1', 'app1', 'nonsense', '80'],
                 ['web1', 'app1', 'tcp', '99999'],
                 ['198.18.0.9', '192.0.2.2', 'tcp', '80'],
                 ['192.0.2.3', '2001:db8::4', 'tcp', '80']):
        result = lab.agent.ctl('trace', *args)
        lab.check(result.status == 1 and result.err,
                  'expected a message and exit status 1:\n%s' % result)
    expect_status(lab, lab.agent.ctl('trace', '192.0.2.2', '192.0.2.4', 'tcp',
                                     '80'), 1, 'network')
    # Named by its port, it is one host.
    expect_trace(lab, ['198.18.0.9', 'twin', 'tcp', '80'], 'allow', None,
                 side(True))


@test('trace: an interface that is not guarded, where no address matters',
      lab=three_tier)
def _(lab):
    expect_trace(lab, ['uplink', 'web1', 'tcp', '80'], 'allow', None,
                 side(True, 'web'))
    expect_trace(lab, ['web1', 'uplink', 'udp', '53'], 'allow',
                 side(True, 'web'), None)
    expect_trace(lab, ['uplink', 'web1', 'tcp', '81'], 'deny', None,
                 side(False))
    expect_status(lab, lab.agent.ctl('trace', 'uplink', 'app1', 'tcp',
                                     '8080'), 1, 'name an address instead')


@test('trace agrees with the packets', lab=three_tier)
def _(lab):
    for a in (lab.client, lab.web1, lab.app1, lab.db1, lab.bastion1):
        for b in (lab.web2, lab.app2, lab.db2):
            for port in (22, 80, 8080, 5432):
                answer = lab.agent.json(
                    'trace', a.port if a.guarded else a.v4, b.port, 'tcp',
                    str(port))
                lab.expect(a, b, 'tcp', port, answer['verdict'] == 'allow',
                           why='trace says %s' % answer['verdict'])


@test('trace agrees with the packets, also of link-local addresses',
      lab=three_tier)
def _(lab):
    for a in (lab.web1, lab.app1, lab.db1):
        for b in (lab.web2, lab.app2, lab.db2):
            for port in (80, 8080):
                src, dst = a.link_local, b.link_local
                verdict = lab.agent.json('trace', src, dst, 'tcp',
                                         str(port))['verdict']
                frame = frames.tcp_frame(a.mac, b.mac, src, dst, next_port(),
                                         port, frames.SYN, 1)
                lab.deliver(a, b, frame, verdict == 'allow',
                            'trace says %s' % verdict)


@test('trace: says what rules do not decide', lab=three_tier, fresh=True)
def _(lab):
    db, web, client = lab.db1, lab.web1, lab.client
    expect_status(lab, lab.agent.ctl('trace', db.port, 'web1', 'icmp6', '135'),
                  0, 'deny', 'neighbor discovery')
    lab.expect_out(db, frames.nd_solicit(db.mac, db.v6, web.v6), [web],
                   'neighbor discovery', may=lab.guarded)
    ask = frames.udp_frame(db.mac, client.mac, db.v4, client.v4, 68, 67)
    expect_status(lab, lab.agent.ctl('trace', db.port, client.v4, 'udp', '67'),
                  0, 'deny', 'DHCP')
    lab.deliver(db, client, ask, True, 'DHCP')
    for kind, begins in ((8, True), (0, False), (5, False)):
        result = lab.agent.ctl('trace', 'web1', client.v4, 'icmp', str(kind))
        expect_status(lab, result, 0, 'allow')
        lab.check(begins != ('no connection begins' in result.err), result)
        frame = web.ip(client, frames.ICMP, frames.icmp(kind, 0))
        lab.deliver(web, client, frame, begins, 'ICMP type %d' % kind)


# What is in force.

@test('list-ports: JSON', lab=three_tier)
def _(lab):
    ports = {p['name']: p for p in lab.agent.json('list-ports')}
    lab.equal(sorted(ports), sorted(h.port for h in lab.hosts.values()
                                    if h.guarded), 'names')
    zones = [p['zone'] for p in ports.values()]
    lab.check(len(set(zones)) == len(zones) and all(
        isinstance(z, int) and 0 < z < 65536 for z in zones),
        'zones are not different: %s' % zones)
    port = ports['web1']
    lab.equal({k: port.get(k) for k in ('bridge', 'ofport', 'macs', 'groups',
                                        'state', 'error')},
              {'bridge': 'br0', 'ofport': 2, 'macs': [lab.web1.mac],
               'groups': ['web'], 'state': 'active', 'error': None}, 'web1')
    lab.equal(sorted(port['addresses']), sorted(lab.web1.ips), 'addresses')
    lab.check(isinstance(port['network'], str) and port['network'],
              'network is %s' % port['network'])
    lab.equal(ports['tap-db1']['groups'], ['db'], 'groups by bind')


@test('list-groups and show, as table and as JSON', lab=three_tier)
def _(lab):
    out = lab.agent.must('list-groups')
    for word in ('bastion', 'web', 'app', 'db', 'default'):
        lab.check(word in out, 'no %s in:\n%s' % (word, out))
    groups = lab.agent.json('list-groups')
    lab.check({'bastion', 'web', 'app', 'db'} <= {g['name'] for g in groups},
              groups)
    for name, words in (('web', ('policy.lua:', '80', '443', '192.0.2.10',
                                 'web1', 'HTTP(S) from everywhere')),
                        ('web1', ('web', lab.web1.mac, lab.web1.v4, 'active')),
                        ('office', ('203.0.113.0/24',))):
        out = lab.agent.must('show', name)
        for word in words:
            lab.check(word in out, 'show %s: no "%s" in:\n%s' % (name, word,
                                                                 out))
        text = json.dumps(lab.agent.json('show', name))
        lab.check(words[-1] in text, 'show %s: no "%s" in %s'
                  % (name, words[-1], text))
    result = lab.agent.ctl('show', 'no-such-thing')
    expect_status(lab, result, 1, 'no-such-thing')


@test('show COOKIE: from each flow to what it is for', lab=three_tier)
def _(lab):
    cookies = {re.search(r'cookie=(0x5347[0-9a-f]+)', flow).group(1)
               for flow in lab.flows()}
    rules = ports = 0
    for cookie in sorted(cookies):
        answer = lab.agent.json('show', cookie)
        text = json.dumps(answer)
        rules += answer.get('kind') == 'rule' and '"line"' in text
        ports += '"web1"' in text
        result = lab.agent.ctl('show', cookie)
        lab.check(result.status == 0 and result.out, str(result))
    lab.check(rules >= 5, 'only %d cookies of %d lead to rules'
              % (rules, len(cookies)))
    lab.check(ports >= 1, 'no cookie leads to web1')
    expect_status(lab, lab.agent.ctl('show', '0x1234'), 1)


# Bridges.

def open_bridge():
    lab = Lab(example_policy(), bridges=())
    lab.sandbox.add_bridge('br0', secure=False)
    lab.guest('web1', 'web')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('enable: makes the bridge safe, and says what it changes',
      lab=open_bridge, fresh=True)
def _(lab):
    lab.allow_log('somebody else')      # fail_mode=secure flushes.
    lab.expect_state(lab.web1, 'error', 'ovs-')
    result = lab.agent.ctl('enable', 'br0')
    expect_status(lab, result, 0, 'sg-enable', 'fail_mode')
    lab.settle()
    lab.equal(lab.sandbox.get('Bridge', 'br0', 'fail_mode'), 'secure',
              'fail_mode')
    lab.equal(lab.sandbox.get('Bridge', 'br0', 'external_ids').get(
        'sg-enable'), 'true', 'sg-enable')
    lab.expect_state(lab.web1, 'active')
    lab.expect(lab.client, lab.web1, 'tcp', 80, True)
    lab.expect(lab.client, lab.web1, 'tcp', 81, False)
    expect_status(lab, lab.agent.ctl('enable', 'br0'), 0)
    expect_status(lab, lab.agent.ctl('enable', 'no-such-bridge'), 1,
                  'no-such-bridge')


@test('disable: all of ours goes, the ports forward as before',
      lab=open_bridge, fresh=True)
def _(lab):
    lab.allow_log('somebody else')      # fail_mode=secure flushes.
    lab.agent.must('enable', 'br0')
    lab.settle()
    lab.expect(lab.client, lab.web1, 'tcp', 81, False)
    expect_status(lab, lab.agent.ctl('disable', 'br0'), 0)
    lab.settle()
    lab.equal(lab.flows(), [], 'our flows')
    lab.check('NO_FLOOD' not in lab.sandbox.ofctl(
        'show', lab.sandbox.mgmt('br0')), 'no-flood is still set')
    for key in ('sg-state', 'sg-error'):
        lab.check(key not in lab.ids(lab.web1), key + ' is still there')
    lab.expect(lab.client, lab.web1, 'tcp', 81, True)
    lab.expect(lab.web1, lab.client, 'udp', 81, True)
    broadcast = frames.arp_request(lab.client.mac, lab.client.v4, lab.web1.v4)
    lab.expect_out(lab.client, broadcast, [lab.web1], 'a broadcast')
    expect_status(lab, lab.agent.ctl('disable', 'no-such-bridge'), 1,
                  'no-such-bridge')
    # And back.
    lab.agent.must('enable', 'br0')
    lab.settle()
    lab.expect(lab.client, lab.web1, 'tcp', 81, False)
    lab.expect(lab.client, lab.web1, 'tcp', 80, True)


@test('the switch has followed when disable and enable answer',
      lab=open_bridge, fresh=True)
def _(lab):
    lab.allow_log('somebody else')      # fail_mode=secure flushes.
    lab.apply()
    for _ in range(5):
        lab.agent.must('enable', 'br0')
        lab.check('priority=0 actions=NORMAL' not in lab.sandbox.ofctl(
            'dump-flows', lab.sandbox.mgmt('br0')), 'the bridge is open')
        lab.agent.must('disable', 'br0')
        lab.expect(lab.client, lab.web1, 'tcp', 81, True)


@test('disable survives a restart of the agent', lab=open_bridge, fresh=True)
def _(lab):
    lab.allow_log('somebody else')      # fail_mode=secure flushes.
    lab.agent.must('enable', 'br0')
    lab.agent.must('disable', 'br0')
    lab.agent.restart()
    lab.settle()
    lab.equal(lab.flows(), [], 'our flows')
    lab.expect(lab.client, lab.web1, 'tcp', 81, True)


@test('what disable has taken back stays so if the agent ends at once',
      lab=open_bridge, fresh=True)
def _(lab):
    lab.allow_log('somebody else')      # fail_mode=secure flushes.
    for _ in range(5):
        lab.agent.must('enable', 'br0')
        lab.settle()
        lab.agent.must('disable', 'br0')
        lab.agent.kill()
        lab.check('sg-state' not in lab.ids(lab.web1),
                  'sg-state is still there: %s' % lab.ids(lab.web1))
        lab.agent.start()


@test('disable takes off what an agent that was killed has left',
      lab=open_bridge, fresh=True)
def _(lab):
    lab.allow_log('somebody else')      # fail_mode=secure flushes.
    lab.agent.must('enable', 'br0')
    lab.settle()
    lab.agent.kill()
    lab.sandbox.vsctl('br-set-external-id', 'br0', 'sg-enable', 'false')
    lab.agent.start()
    lab.settle()
    lab.agent.must('disable', 'br0')
    lab.equal(lab.flows(), [], 'our flows')
    lab.check('NO_FLOOD' not in lab.sandbox.ofctl(
        'show', lab.sandbox.mgmt('br0')), 'no-flood is still set')
    lab.expect(lab.client, lab.web1, 'tcp', 81, True)
    expect_status(lab, lab.agent.ctl('disable', 'br0'), 0, 'nothing')


@test('disable while the switch is down: done in the database, and answered',
      lab=open_bridge, fresh=True, beside='the agent is down, too')
def _(lab):
    lab.allow_log('somebody else', 'onnect', r'\.mgmt', 'conntrack',
                  'unixctl', 'No such file', 'NORMAL may know')
    lab.agent.must('enable', 'br0')
    lab.settle()
    lab.sandbox.kill_vswitchd()
    result = lab.agent.ctl('--timeout=%d' % (15 * PATIENCE), 'disable', 'br0',
                           timeout=20 * PATIENCE)
    expect_status(lab, result, 0, 'sg-enable=false', 'has not followed')
    lab.sandbox.start_vswitchd()
    lab.settle()
    lab.equal(lab.flows(), [], 'our flows')
    lab.expect(lab.client, lab.web1, 'tcp', 81, True)


# Options of the agent.

def observing():
    lab = Lab(example_policy(), agent_options=['--observe'])
    lab.guest('web1', 'web')
    lab.guest('app1', 'app')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    lab.sandbox.ofctl('add-flow', lab.sandbox.mgmt('br0'), 'actions=NORMAL')
    lab.guarded.clear()             # NORMAL floods to them.
    return lab.start()


@test('--observe: compiles, reports and traces, but installs nothing',
      lab=observing)
def _(lab):
    lab.allow_log('bypass')
    lab.equal(lab.flows(), [], 'our flows')
    lab.check('NO_FLOOD' not in lab.sandbox.ofctl(
        'show', lab.sandbox.mgmt('br0')), 'no-flood is set')
    lab.expect(lab.client, lab.app1, 'tcp', 8080, True)
    expect_trace(lab, ['web1', 'app1', 'tcp', '8080'], 'allow', side(True),
                 side(True))
    expect_trace(lab, ['198.18.0.9', 'app1', 'tcp', '8080'], 'deny', None,
                 side(False))
    lab.check('web1' in lab.agent.must('list-ports'), 'no web1')
    expect_status(lab, lab.agent.ctl('reload'), 0)


@test('ovs-sgd follows the OVS daemons', lab=None,
      beside='this is about the process')
def _():
    from harness.agent import environment, program
    from harness.process import command
    from harness import Failure
    for option, words in (('--version', ('ovs-sgd',)),
                          ('--help', ('--policy', '--observe', '--unixctl',
                                      '--switch-unixctl', '--pidfile',
                                      '--detach', '--private-key',
                                      '--midstream-grace', '--log-file'))):
        result = command([program('ovs-sgd'), option], 10, environment(None))
        if result.status != 0 or any(w not in result.out for w in words):
            raise Failure('expected exit status 0 and %s:\n%s'
                          % (words, result))


@test('ovs-sgd --detach, with paths of its own', lab=three_tier, fresh=True,
      beside='this is about the process')
def _(lab):
    from harness.agent import environment, program
    from harness.process import at_exit, command
    lab.agent.kill()
    path = lab.sandbox.path
    result = command([program('ovs-sgd'), 'unix:' + path('db.sock'),
                      '--policy=' + lab.folder, '--pidfile=' + path('my.pid'),
                      '--unixctl=' + path('my.ctl'), '--detach', '--no-chdir',
                      '--log-file=' + path('my.log'), '-vconsole:off',
                      '--switch-unixctl=' + path(
                          'ovs-vswitchd.%d.ctl' % lab.sandbox.vswitchd.pid)],
                     20, environment(lab.sandbox))
    lab.check(result.status == 0, str(result))
    with open(path('my.pid')) as f:
        pid = int(f.read())

    def stop():
        lab.agent.ctl('--target=' + path('my.ctl'), 'list-ports')
        command(['ovs-appctl', '-t', path('my.ctl'), 'exit'])
    at_exit(stop)
    expect_status(lab, lab.agent.ctl('--target=' + path('my.ctl'), 'wait',
                                     '--timeout=10'), 0)
    lab.expect(lab.client, lab.web1, 'tcp', 80, True)
    stop()
    with_pid = '/proc/%d/exe' % pid
    import os
    lab.check(wait_until(lambda: not os.path.exists(with_pid), 5),
              'exit does not end it')
    lab.agent.start()


run()
