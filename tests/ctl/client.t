#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""ovs-sgctl and agents that are not there, that misbehave, or that answer as
they should: all played by a socket of this test."""
import contextlib
import fcntl
import json
import os
import socket
import threading
import time

from offline import (Folder, at_exit, command, equal, holds, program, run,
                     sgctl, test)

UNKNOWN = '"%s" is not a valid command (use "list-commands" to see a list of '\
          'valid commands)\n'


class FakeAgent:
    """Answers unixctl requests with answer(method, params), which returns
    (result, error), or None to say nothing."""

    def __init__(self, folder, answer, name='agent.ctl'):
        self.path = os.path.join(folder.path, name)
        self.answer = answer
        self.calls = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        at_exit(self.listener.close)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,),
                             daemon=True).start()

    def _serve(self, connection):
        text = ''
        while True:
            data = connection.recv(1 << 16)
            if not data:
                return
            text += data.decode()
            try:
                request = json.loads(text)
            except ValueError:
                continue
            self.calls.append((request['method'], request['params']))
            answer = self.answer(request['method'], request['params'])
            if answer == 'hang up':
                connection.close()
                return
            if answer:
                connection.sendall(json.dumps(
                    {'id': request['id'], 'result': answer[0],
                     'error': answer[1]}).encode())
            text = ''


@contextlib.contextmanager
def pidfile(folder, name):
    """The pidfile of a daemon that runs: it holds a lock."""
    with open(os.path.join(folder.path, name + '.pid'), 'w') as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        f.write('%d\n' % os.getpid())
        f.flush()
        yield


def says(value):
    return lambda method, params: (json.dumps(value) + '\n', None)


def refuses(text):
    return lambda method, params: (None, text + '\n')


def ask(answer, *args, **options):
    """Runs ovs-sgctl against a fake agent; returns its Result."""
    folder = Folder()
    agent = FakeAgent(folder, answer)
    result = sgctl(folder, '--target=' + agent.path, *args, **options)
    result.calls = agent.calls
    return result


def fails(result, *parts):
    equal(result.status, 1, result)
    for part in parts:
        holds(part in result.err, '%r is missing\n%s' % (part, result))


@test('without an agent, the message says what to do')
def _():
    folder = Folder()
    for args in ('list-ports',), ('wait', '--timeout=5'), ('show', 'x'):
        fails(sgctl(folder, *args), 'cannot reach ovs-sgd', 'Is it running?',
              '--target', folder.path + '/ovs-sgd.pid')
    fails(sgctl(folder, '--target=/nowhere/ctl', 'reload'),
          'cannot reach the agent at /nowhere/ctl', 'Is it running?')
    fails(sgctl(folder, '--target=12345', 'reload'),
          folder.path + '/ovs-sgd.12345.ctl')


@test('without ovs-sgd it is the switch that is asked')
def _():
    for answer, stale in ((says([]), False), (says([]), True), (None, False)):
        folder = Folder()
        answer = answer or (lambda method, params: (None, UNKNOWN % method))
        agent = FakeAgent(folder, answer, 'ovs-vswitchd.%d.ctl' % os.getpid())
        if stale:
            folder.write('ovs-sgd.pid', '1\n')
        with pidfile(folder, 'ovs-vswitchd'):
            result = sgctl(folder, 'list-ports')
        equal(len(agent.calls), 1, result)
        if result.status:
            fails(result, 'cannot reach ovs-sgd', 'is no agent')


@test('a stale pidfile is told from a running agent')
def _():
    folder = Folder()
    folder.write('ovs-sgd.pid', '1\n')
    fails(sgctl(folder, 'list-ports'), 'not running any more')


@test('what only root may reach is told from what does not run')
def _():
    folder = Folder()
    FakeAgent(folder, says([]))
    pid = folder.write('ovs-sgd.pid', '1\n')
    # Permissions do not count for root, unless it does without that.
    sgctl = ['setpriv', '--bounding-set=-dac_override,-dac_read_search']
    sgctl = (sgctl if os.geteuid() == 0 else []) + [program('ovs-sgctl')]
    for path in pid, folder.path + '/agent.ctl':
        os.chmod(path, 0)
    for target in [], ['--target=' + folder.path + '/agent.ctl']:
        result = command(sgctl + target + ['list-ports'], 20, folder.env)
        fails(result, 'Permission denied', 'root')
        holds('unning' not in result.err, result)


@test('--target takes a path, a process ID, and a relative path')
def _():
    folder = Folder()
    agent = FakeAgent(folder, says([]), 'ovs-sgd.4711.ctl')
    for target in agent.path, '4711', os.path.relpath(agent.path):
        equal(sgctl(folder, '--target=' + target, 'list-ports').status, 0)
    equal(len(agent.calls), 3)


@test('an agent that says nothing is given up after --timeout')
def _():
    start = time.monotonic()
    result = ask(lambda method, params: None, 'list-ports', '--timeout=1')
    fails(result, 'no answer in time')
    holds(0.9 < time.monotonic() - start < 5, result)


@test('an agent that goes away is noticed')
def _():
    fails(ask(lambda method, params: 'hang up', 'list-ports'),
          'the agent went away')


@test('a daemon that is no agent is told')
def _():
    fails(ask(lambda method, params: (None, UNKNOWN % method), 'list-ports'),
          'is no agent')


@test('an answer that is no JSON is told')
def _():
    for text in 'hello', '', '5':
        fails(ask(lambda method, params: (text, None), 'list-ports'),
              'cannot be understood')


@test('the refusal of the agent is printed and fails')
def _():
    fails(ask(refuses('no group is called x'), 'show', 'x'),
          'ovs-sgctl: no group is called x\n')


@test('arguments reach the agent as they are')
def _():
    result = ask(says({'trace': {}, 'words': '', 'notes': []}),
                 'trace', 'tap 1', '10.0.0.1', 'tcp', '80')
    equal(result.calls, [('sg/trace', ['tap 1', '10.0.0.1', 'tcp', '80'])])
    equal(ask(says({'changes': []}), 'enable', 'br0').calls,
          [('sg/observe', ['br0']), ('sg/enable', ['br0'])])
    equal(ask(says({}), 'wait').calls, [('sg/wait', [])])
    equal(ask(says({}), 'wait', '--timeout=7').calls, [('sg/wait', ['7'])])


@test('reload prints the errors on standard output')
def _():
    result = ask(refuses('a.lua:1: bad\nb.lua:2: worse'), 'reload')
    equal(result.out, 'a.lua:1: bad\nb.lua:2: worse\n', result)
    fails(result, 'the old one stays in force')


@test('reload prints the warnings on standard error')
def _():
    result = ask(says({'groups': 1, 'rules': 2,
                       'warnings': ['a.lua:1: warning: odd']}), 'reload')
    equal((result.status, result.out, result.err),
          (0, '', 'a.lua:1: warning: odd\n'), result)


@test('trace: words, or the JSON of the contract; notes apart')
def _():
    trace = {'verdict': 'deny', 'egress': None,
             'ingress': {'allowed': False, 'group': None, 'rule': None,
                         'file': None, 'line': None}}
    answer = says({'trace': trace, 'words': 'deny\n', 'notes': ['tap is odd']})
    result = ask(answer, 'trace', 'a', 'b', 'tcp', '80')
    equal((result.status, result.out, result.err),
          (0, 'deny\n', 'note: tap is odd\n'), result)
    result = ask(answer, '--format=json', 'trace', 'a', 'b', 'tcp', '80')
    equal(json.loads(result.out), trace, result)


@test('enable and disable say what changed')
def _():
    for command in 'enable', 'disable':
        result = ask(says({'changes': ['this', 'that']}), command, 'br0')
        equal((result.status, result.out), (0, 'this\nthat\n'), result)
        result = ask(says({'changes': []}), command, 'br0')
        equal(result.out, 'nothing to change\n', result)


@test('list-ports: a table for people')
def _():
    ports = [{'name': 'tap1', 'bridge': 'br0', 'ofport': 1, 'network': 'br0',
              'zone': None, 'macs': ['52:54:00:00:00:01'],
              'addresses': ['10.0.0.1', '10.0.0.2'], 'groups': ['web'],
              'state': 'error', 'error': 'why'}]
    result = ask(says(ports), 'list-ports')
    equal(result.status, 0, result)
    head, _line, row = result.out.splitlines()
    equal(head.split(), ['port', 'bridge', 'ofport', 'network', 'zone',
                         'state', 'groups', 'macs', 'addresses', 'error'])
    equal(row.split(), ['tap1', 'br0', '1', 'br0', 'error', 'web',
                        '52:54:00:00:00:01', '10.0.0.1,', '10.0.0.2', 'why'])
    result = ask(says(ports), '--format=json', 'list-ports')
    equal(json.loads(result.out), ports, result)


@test('show: rules with the line they were written at')
def _():
    rule = {'kind': 'rule', 'id': '0-0', 'text': 'web ingress tcp 80',
            'group': 'web', 'direction': 'ingress', 'protocol': 'tcp',
            'ports': ['80'], 'icmp': [], 'family': None, 'peers': ['any'],
            'description': 'HTTP', 'file': 'web.lua', 'line': 7,
            'chain': 'called from site.lua:3', 'implicit': False}
    for thing in (rule,
                  {'kind': 'group', 'name': 'web', 'rules': [rule],
                   'members': []},
                  {'kind': 'rule', 'cookie': '0x5347100000000001',
                   'rules': [rule]}):
        result = ask(says(thing), 'show', 'x')
        equal(result.status, 0, result)
        holds('web.lua:7, called from site.lua:3' in result.out, result)


run()
