#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""ovs-sgctl's commands against a real agent and switch: CONTRACT section 1."""
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'e2e'))

from harness import run, test, wait_until           # noqa: E402
from harness.tiers import example_policy, three_tier    # noqa: E402

PORT_KEYS = {'name', 'bridge', 'ofport', 'network', 'zone', 'macs',
             'addresses', 'groups', 'state', 'error'}
SIDE_KEYS = {'allowed', 'group', 'rule', 'file', 'line'}


def line_of(text):
    """The line of the example policy that holds 'text'."""
    for number, line in enumerate(example_policy().splitlines(), 1):
        if text in line:
            return number
    raise ValueError(text)


def place_of(lab, text):
    return '%s/policy.lua:%d' % (lab.folder, line_of(text))


def change_unseen(lab):
    """A change in the database that a stopped switch does not answer."""
    lab.sandbox.vsctl('--no-wait', 'set', 'Interface', 'web2',
                      'external_ids:sg-groups=app')


def fails(lab, *args, saying=()):
    result = lab.agent.ctl(*args)
    lab.check(result.status == 1, result)
    for part in [saying] if isinstance(saying, str) else saying:
        lab.check(part in result.err, '%r is missing\n%s' % (part, result))


@test('list-ports: the guarded ports, in the form of the contract',
      lab=three_tier)
def _(lab):
    ports = {p['name']: p for p in lab.agent.json('list-ports')}
    lab.equal(sorted(ports), sorted(lab.guarded), 'names')
    for port in ports.values():
        lab.equal(set(port), PORT_KEYS, 'keys')
        lab.equal((port['state'], port['error']), ('active', None), 'state')
        lab.check(isinstance(port['zone'], int) and port['zone'] > 0, port)
    lab.equal(len({p['zone'] for p in ports.values()}), len(ports), 'zones')
    web1 = ports['web1']
    lab.equal((web1['bridge'], web1['ofport'], web1['network']),
              ('br0', 2, 'br0'), 'where')
    lab.equal((web1['macs'], web1['addresses'], web1['groups']),
              (['52:54:00:00:00:02'], ['192.0.2.2', '2001:db8::2'], ['web']),
              'who')


@test('list-groups: counts and places', lab=three_tier)
def _(lab):
    groups = {g['name']: g for g in lab.agent.json('list-groups')}
    lab.equal(sorted(groups), ['app', 'bastion', 'db', 'default', 'web'],
              'names')
    web = groups['web']
    lab.equal((web['ports'], web['members']), (2, 6), 'ports and members')
    lab.equal(web['rules']['egress'], 1, 'egress rules')
    lab.equal('%s:%d' % (web['file'], web['line']),
              place_of(lab, 'group "web" {'), 'place')
    lab.check(place_of(lab, 'group "web" {') in lab.agent.must('list-groups'),
              'the table')


@test('trace: both sides, each with its rule and line', lab=three_tier)
def _(lab):
    trace = lab.agent.json('trace', 'web1', 'app1', 'tcp', '8080')
    lab.equal(set(trace), {'verdict', 'egress', 'ingress'}, 'keys')
    lab.equal(trace['verdict'], 'allow', 'verdict')
    for side in 'egress', 'ingress':
        lab.equal(set(trace[side]), SIDE_KEYS, 'keys')
        lab.equal(trace[side]['allowed'], True, side)
    lab.equal((trace['ingress']['group'], trace['ingress']['line']),
              ('app', line_of('"8080-8089"')), 'ingress')
    lab.check(place_of(lab, '"8080-8089"') in lab.agent.must(
        'trace', 'web1', 'app1', 'tcp', '8080'), 'the words')


@test('trace: a refusal is an answer', lab=three_tier)
def _(lab):
    refused = {'allowed': False, 'group': None, 'rule': None, 'file': None,
               'line': None}
    trace = lab.agent.json('trace', '198.18.0.9', '192.0.2.4', 'tcp', '8080')
    lab.equal(trace, {'verdict': 'deny', 'egress': None, 'ingress': refused},
              'from outside')
    trace = lab.agent.json('trace', 'tap-db1', 'app1', 'tcp', '8080')
    lab.equal(trace, {'verdict': 'deny', 'egress': refused,
                      'ingress': refused}, 'both sides refuse')
    words = lab.agent.must('trace', 'tap-db1', 'app1', 'tcp', '8080')
    lab.equal(words.count('no rule'), 2, words)


@test('trace: the line is that of the constructor, also in a template',
      lab=three_tier)
def _(lab):
    trace = lab.agent.json('trace', 'bastion1', 'tap-db1', 'tcp', '22')
    lab.equal(trace['ingress']['line'], line_of('return tcp { 22'), 'line')


@test('trace: questions that have no answer', lab=three_tier)
def _(lab):
    fails(lab, 'trace', 'nobody', 'app1', 'tcp', '80', saying='nobody')
    fails(lab, 'trace', 'web1', 'app1', 'tpc', '80', saying='tpc')
    fails(lab, 'trace', 'web1', 'app1', 'tcp', '65536', saying='65536')
    fails(lab, 'trace', '198.18.0.9', '198.18.0.8', 'tcp', '80',
          saying='guarded')


@test('show: each kind of thing', lab=three_tier)
def _(lab):
    for name, kind in ('web', 'group'), ('web1', 'port'), ('br0', 'bridge'), \
            ('office', 'prefix_list'), ('uplink', 'port'), \
            ('port:br0', 'port'):
        lab.equal(lab.agent.json('show', name)['kind'], kind, name)
    web = lab.agent.json('show', 'web')
    lab.check({'address': '192.0.2.2', 'network': 'br0', 'port': 'web1',
               'file': None, 'line': None} in web['members'], web)
    lab.check(any(m['address'] == '192.0.2.10' and m['port'] is None
                  and m['line'] for m in web['members']), web)
    lab.equal(lab.agent.json('show', 'tap-db1')['groups_from'], 'bind',
              'where the groups of tap-db1 come from')
    lab.equal(lab.agent.json('show', 'web1')['groups_from'],
              'external_ids:sg-groups', 'where those of web1 come from')
    fails(lab, 'show', 'wbe', saying='did you mean web?')
    shown = lab.agent.must('show', 'br0').split('\n')
    lab.equal(shown[:3], ['bridge: br0', 'connected to the switch: yes',
                          'all in force: yes'], 'show br0')
    lab.check(any(re.match(r'flows: \d\d\d', line) for line in shown), shown)


@test('show: a rule by its UUID', lab=three_tier)
def _(lab):
    for rule in lab.agent.json('show', 'app')['rules']:
        lab.equal(lab.agent.json('show', rule['id']), rule, rule['text'])
        lab.check('cookie: %s\n' % rule['cookie']
                  in lab.agent.must('show', rule['id']), rule['text'])
    # It leads back to the rule, and is that of the rule's flows.
    rule = next(r for r in lab.agent.json('show', 'app')['rules']
                if r['ports'] == ['8080-8089'])
    lab.equal([r['text'] for r in lab.agent.json(
        'show', rule['cookie'])['rules']], [rule['text']], 'by its cookie')
    lab.check(any(rule['cookie'] in str(f) for f in lab.flows()),
              'no flow has %s' % rule['cookie'])
    fails(lab, 'show', '00000000-0000-5000-8000-000000000000',
          saying='no rule')


@test('show: every cookie in the switch leads back to what it is for',
      lab=three_tier)
def _(lab):
    cookies = {re.search('cookie=(0x[0-9a-f]+)', str(f))[1]
               for f in lab.flows()}
    places = set()
    for cookie in sorted(cookies):
        answer = lab.agent.json('show', cookie)
        lab.equal(int(answer['cookie'], 16), int(cookie, 16), 'cookie')
        places |= {(r['file'], r['line']) for r in answer.get('rules', ())}
    lab.check(('%s/policy.lua' % lab.folder, line_of('"8080-8089"'))
              in places, sorted(places))
    fails(lab, 'show', '0x1234', saying='0x5347')
    fails(lab, 'show', '0x5347100000000000', saying='nothing in force')
    fails(lab, 'show', '0xsoup', saying='not a cookie')


@test('list-ports: a port in error says why', lab=three_tier, fresh=True)
def _(lab):
    lab.set_ids(lab.web2, sg_groups='wbe')
    (port,) = [p for p in lab.agent.json('list-ports') if p['name'] == 'web2']
    lab.equal((port['state'], port['zone']), ('error', None), 'state')
    lab.check('"wbe"' in port['error'], port)
    lab.check('"wbe"' in lab.agent.must('list-ports'), 'the table')
    result = lab.agent.ctl('trace', 'web2', 'app1', 'tcp', '8080')
    lab.check(result.status == 0 and 'web2 is in error' in result.err, result)


@test('reload: all or nothing', lab=three_tier, fresh=True)
def _(lab):
    before = lab.agent.json('list-groups')
    lab.write_policy('group "web" { ingress = { tcp { 22 } } }\n'
                     'grup "x" { }\n')
    result = lab.agent.ctl('reload')
    lab.equal(result.status, 1, 'status')
    for line in 1, 2:
        lab.check('%s/policy.lua:%d: ' % (lab.folder, line) in result.out,
                  result)
    lab.check('stays in force' in result.err, result)
    lab.equal(lab.agent.json('list-groups'), before, 'groups in force')
    lab.expect(lab.client, lab.web1, 'tcp', 80, True)
    lab.allow_log('policy')
    lab.write_policy(example_policy().replace('"8080-8089"', '9000'))
    lab.agent.must('reload')
    lab.agent.must('wait', '--timeout=10')
    lab.expect(lab.web1, lab.app1, 'tcp', 8080, False)
    lab.expect(lab.web1, lab.app1, 'tcp', 9000, True)


@test('wait: says what it waits for when time is up', lab=three_tier,
      fresh=True)
def _(lab):
    lab.agent.must('wait', '--timeout=10')
    lab.sandbox.vswitchd.signal(signal.SIGSTOP)
    try:
        change_unseen(lab)
        start = time.monotonic()
        fails(lab, 'wait', '--timeout=1', saying='timed out: ')
        lab.check(0.9 < time.monotonic() - start < 4, 'it took %.1f s'
                  % (time.monotonic() - start))
    finally:
        lab.sandbox.vswitchd.signal(signal.SIGCONT)
    lab.agent.must('wait', '--timeout=10')
    lab.expect(lab.web1, lab.web2, 'tcp', 8080, True)


@test('wait: several at once; one that is killed does no harm', lab=three_tier,
      fresh=True)
def _(lab):
    lab.sandbox.vswitchd.signal(signal.SIGSTOP)
    try:
        change_unseen(lab)
        waits = [lab.agent.begin('wait', '--timeout=20') for _ in range(5)]
        time.sleep(0.3)
        # Nobody hears the answer.
        lab.allow_log('jsonrpc.*(Broken pipe|Connection reset by peer)')
        waits.pop().kill()
    finally:
        lab.sandbox.vswitchd.signal(signal.SIGCONT)
    for each in waits:
        wait_until(lambda: each.poll() is not None, 20)
        lab.equal(each.returncode, 0, 'exit status')
    lab.agent.must('list-ports')


@test('enable and disable: say what changes, and change it', lab=three_tier,
      fresh=True)
def _(lab):
    out = lab.agent.must('disable', 'br0')
    lab.check('sg-enable=false' in out, out)
    lab.equal([f for f in lab.flows() if 'cookie=0x5347' in str(f)], [],
              'flows of ours')
    lab.equal(lab.agent.json('list-ports'), [], 'guarded ports')
    lab.check('sg-state' not in lab.ids(lab.web1), 'sg-state is left')
    lab.guarded.clear()
    lab.expect(lab.client, lab.app1, 'tcp', 5555, True)

    out = lab.agent.must('enable', 'br0')
    lab.check('sg-enable=true' in out and 'fail_mode' in out, out)
    lab.agent.wait()
    lab.equal({p['state'] for p in lab.agent.json('list-ports')}, {'active'},
              'states')
    lab.guarded.update(p['name'] for p in lab.agent.json('list-ports'))
    lab.sandbox.purge_megaflows()
    lab.expect(lab.client, lab.app1, 'tcp', 5555, False)
    lab.expect(lab.client, lab.web1, 'tcp', 80, True)
    for command in 'enable', 'disable':
        fails(lab, command, 'br9', saying='br9')


@test('an agent that ends answers those who wait', lab=three_tier, fresh=True)
def _(lab):
    lab.sandbox.vswitchd.signal(signal.SIGSTOP)
    try:
        change_unseen(lab)
        lab.allow_log('rconn.*connection dropped')
        waiting = lab.agent.begin('wait')
        time.sleep(0.3)
        lab.check(not lab.agent.stop(), 'the agent ended in order')
        wait_until(lambda: waiting.poll() is not None, 10)
        lab.equal(waiting.returncode, 1, 'exit status')
    finally:
        lab.sandbox.vswitchd.signal(signal.SIGCONT)
    lab.agent.start()
    lab.agent.wait()


run()
