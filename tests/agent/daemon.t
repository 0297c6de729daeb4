#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The options of ovs-sgd as a daemon: as everywhere in Open vSwitch."""
import functools
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'e2e'))

from harness import Failure, run, test, wait_until          # noqa: E402
from harness.agent import environment, program, sgctl       # noqa: E402
from harness.process import Child, at_exit, command         # noqa: E402
from harness.sandbox import SCHEMA, Sandbox                 # noqa: E402

POLICY = 'group "web" { ingress = { tcp { 80, from = any } } }\n'


def holds(condition, text):
    if not condition:
        raise Failure(str(text))


@functools.cache
def started():
    """One switch is enough for all tests, and for a namespace."""
    box = Sandbox('sgd').start()
    at_exit(box.stop)
    return box


def sandbox():
    with open(started().path('policy.lua'), 'w') as f:
        f.write(POLICY)
    return started()


def sgd(box, *args, cwd=None):
    """Runs ovs-sgd until it has ended or detached."""
    words = [program('ovs-sgd'), *args]
    if cwd:
        words = ['env', '-C', cwd] + words
    return command(words, 30, environment(box))


def pid_of(box, name='ovs-sgd.pid'):
    with open(box.path(name)) as f:
        return int(f.read())


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def stop(box, pid, target):
    result = command(['ovs-appctl', '-t', target, 'exit'], 10, box.env)
    holds(result.status == 0, result)
    holds(wait_until(lambda: not is_running(pid), 10), 'it did not end')


@test('--help and --version')
def _():
    result = sgd(None, '--help')
    for word in ('--policy', '--observe', '--midstream-grace',
                 '--switch-unixctl', '--unixctl', '--pidfile', '--detach',
                 '--log-file', '--private-key', 'db.sock'):
        holds(result.status == 0 and word in result.out, '%s: %s'
              % (word, result))
    result = sgd(None, '--version')
    holds(result.status == 0 and result.out.startswith('ovs-sgd '), result)


@test('what makes no sense is refused')
def _():
    for args, words in ((['--frobnicate'], 'frobnicate'),
                        (['unix:a', 'unix:b'], 'non-option argument'),
                        (['--policy='], 'path is empty'),
                        (['--midstream-grace=soon'], 'number of seconds'),
                        (['--midstream-grace=-1'], 'number of seconds'),
                        (['--zones=9-10'], 'three zones'),
                        (['--zones=-1-100'], 'three zones'),
                        (['--zones=4294967295-100'], 'three zones')):
        result = sgd(None, *args)
        holds(result.status == 1 and words in result.err, result)


@test('--detach with the defaults: OVS_RUNDIR, pidfile, control socket')
def _():
    box = sandbox()
    result = sgd(box, '--detach', '--pidfile', '--no-chdir',
                 '--log-file=' + box.path('sgd.log'), '-vconsole:off',
                 '--policy=' + box.path('policy.lua'))
    holds(result.status == 0, result)
    pid = pid_of(box)
    at_exit(lambda: is_running(pid) and os.kill(pid, signal.SIGKILL))
    holds(os.path.exists(box.path('ovs-sgd.%d.ctl' % pid)), 'no socket')
    for target in [], ['--target=ovs-sgd'], ['--target=%d' % pid]:
        result = sgctl(box, *target, 'list-groups')
        holds(result.status == 0 and 'web' in result.out, result)
    result = sgctl(box, 'wait', '--timeout=10')
    holds(result.status == 0, result)
    stop(box, pid, 'ovs-sgd')
    holds(not os.path.exists(box.path('ovs-sgd.pid')), 'the pidfile is left')
    holds(not os.path.exists(box.path('ovs-sgd.%d.ctl' % pid)),
          'the socket is left')


@test('the policy is found again after --detach, also by a relative path')
def _():
    box = sandbox()
    socket = box.path('here.ctl')
    result = sgd(box, '--detach', '--pidfile=' + box.path('x.pid'),
                 '--unixctl=' + socket, '-vconsole:off', '-vsyslog:off',
                 '--policy=policy.lua', cwd=box.dir)
    holds(result.status == 0, result)
    pid = pid_of(box, 'x.pid')
    at_exit(lambda: is_running(pid) and os.kill(pid, signal.SIGKILL))
    with open(box.path('policy.lua'), 'a') as f:
        f.write('group "more" { }\n')
    result = sgctl(box, '--target=' + socket, 'reload')
    holds(result.status == 0, result)
    result = sgctl(box, '--target=' + socket, 'list-groups')
    holds('more' in result.out, result)
    stop(box, pid, socket)


@test('a second agent with the same pidfile does not start')
def _():
    box = sandbox()
    options = ('--detach', '--pidfile', '--no-chdir', '-vconsole:off',
               '-vsyslog:off', '--policy=' + box.path('policy.lua'))
    holds(sgd(box, *options).status == 0, 'the first')
    pid = pid_of(box)
    at_exit(lambda: is_running(pid) and os.kill(pid, signal.SIGKILL))
    holds(sgd(box, *options).status != 0, 'the second')
    holds(pid_of(box) == pid and is_running(pid), 'the first one suffered')
    stop(box, pid, 'ovs-sgd')


@test('--policy may be repeated')
def _():
    box = sandbox()
    with open(box.path('more.lua'), 'w') as f:
        f.write('group "more" { ingress = { tcp { 1, from = group "web" } } }')
    result = sgd(box, '--detach', '--pidfile', '--no-chdir', '-vconsole:off',
                 '-vsyslog:off', '--policy=' + box.path('more.lua'),
                 '--policy=' + box.path('policy.lua'))
    holds(result.status == 0, result)
    pid = pid_of(box)
    at_exit(lambda: is_running(pid) and os.kill(pid, signal.SIGKILL))
    result = sgctl(box, 'list-groups')
    holds('more' in result.out and 'web' in result.out, result)
    stop(box, pid, 'ovs-sgd')


@test('--observe: ports and traces, but nothing in the switch')
def _():
    box = sandbox()
    box.add_bridge('br0')
    box.vsctl('add-port', 'br0', 'p1', '--', 'set', 'Interface', 'p1',
              'type=dummy', 'external_ids:sg-groups=web',
              'external_ids:attached-mac="52:54:00:00:00:01"',
              'external_ids:sg-addresses=192.0.2.1')
    result = sgd(box, '--detach', '--pidfile', '--no-chdir', '-vconsole:off',
                 '-vsyslog:off', '--observe',
                 '--policy=' + box.path('policy.lua'))
    holds(result.status == 0, result)
    pid = pid_of(box)
    at_exit(lambda: is_running(pid) and os.kill(pid, signal.SIGKILL))
    result = sgctl(box, 'wait', '--timeout=10')
    holds(result.status == 0, result)
    result = sgctl(box, 'list-ports')
    holds('p1' in result.out and 'web' in result.out, result)
    result = sgctl(box, '--format=json', 'trace', '198.51.100.1', 'p1', 'tcp',
                   '80')
    holds('"verdict":"allow"' in result.out, result)
    holds(not box.flows('br0'), box.flows('br0'))
    holds('sg-state' not in box.get('Interface', 'p1', 'external_ids'),
          'sg-state was written')
    stop(box, pid, 'ovs-sgd')


def make_certificate(box):
    """A key and a certificate that signs itself, and so is its own CA."""
    key, certificate = box.path('key.pem'), box.path('cert.pem')
    made = command(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes',
                    '-days', '2', '-subj', '/CN=test', '-keyout', key, '-out',
                    certificate], 60)
    holds(made.status == 0, made)
    return ['--private-key=' + key, '--certificate=' + certificate,
            '--ca-cert=' + certificate]


@test('an SSL database, with --private-key, --certificate and --ca-cert')
def _():
    box = sandbox()
    options = make_certificate(box)
    database = box.path('ssl.db')
    made = command(['ovsdb-tool', 'create', database, SCHEMA])
    holds(made.status == 0, made)
    Child(['ovsdb-server', database, '--remote=pssl:6640:127.0.0.1',
           '--unixctl=' + box.path('ssl.ctl'), *options], box.env)
    log = box.path('ssl.log')
    result = sgd(box, '--detach', '--pidfile', '--no-chdir', '-vconsole:off',
                 '-vsyslog:off', '--log-file=' + log, *options,
                 '--policy=' + box.path('policy.lua'), 'ssl:127.0.0.1:6640')
    holds(result.status == 0, result)
    pid = pid_of(box)
    at_exit(lambda: is_running(pid) and os.kill(pid, signal.SIGKILL))

    def connected():
        with open(log) as f:
            return 'ssl:127.0.0.1:6640: connected' in f.read()
    holds(wait_until(connected, 15), 'no connection; see ' + log)
    stop(box, pid, 'ovs-sgd')


run()
