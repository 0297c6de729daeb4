#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the documentation shows is what happens.

A page's blocks "```console tested" are run from top to bottom in one shell,
against a private switch.  A line that begins with "$ " is a command, which
goes on in lines that begin with "> " or that follow a backslash; what comes
then is what it prints.  Blanks are not counted, and "..." stands for anything,
in a line or, alone, for any number of lines.

The switch has a bridge br0 with the ports that most pages speak of.  A page that
makes everything itself gets a bare switch; one about running guests gets some,
who talk all the time."""
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'e2e'))

from harness import Failure, diag, run, test             # noqa: E402
from harness.agent import TOP, environment, program      # noqa: E402
from harness.netns import Namespace                      # noqa: E402
from harness.process import command                      # noqa: E402
from harness.sandbox import Sandbox                      # noqa: E402

SOURCE = os.environ.get('SG_SRCDIR', TOP)
PORTS = ('tap-web1', 'tap-app1', 'tap-db1', 'uplink')
VM_WEB = '5d8ae40c-92a5-4b5f-8d0e-31b7c6b1f7a1'
VM_DB = 'c3f3a9d2-7e1b-4c55-9a57-0f6d2e8b4c10'
MARK = '--sg-shown--'


def read(page):
    with open(os.path.join(SOURCE, page)) as f:
        return f.read()


class Step:
    def __init__(self, line):
        self.line = line            # Of the page.
        self.command = ''
        self.output = []            # Lines, as shown.


def steps_of(text):
    """The commands of a page's tested blocks."""
    steps, inside, more = [], False, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith('```'):
            inside, more = line == '```console tested', False
        elif inside and (more or line.startswith(('$ ', '> '))):
            if line.startswith('$ '):
                steps.append(Step(number))
            steps[-1].command += (line if more else line[2:]) + '\n'
            more = line.endswith('\\')
        elif inside:
            steps[-1].output.append(line)
    return steps


def pattern_of(lines):
    """A regular expression for the lines."""
    out = ''
    for line in lines:
        words = ' '.join(line.split())
        if words == '...':
            out += r'(?:.*\n)*?'
        else:
            out += '.*'.join(re.escape(part)
                             for part in words.split('...')) + r'\n'
    return out


def plain(text):
    return ''.join(' '.join(line.split()) + '\n'
                   for line in text.splitlines())


def bare_switch():
    return Sandbox('shown').start()


class Guests:
    """Namespaces behind ports as libvirt makes them, and a host outside, all of
    which talk."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.ending = False
        self.web = self.plug('vnet0', 10, VM_WEB)
        self.db = self.plug('vnet1', 20, VM_DB)
        self.outside = self.plug('uplink', 1)
        self.web.serve('tcp', 80, 22)
        self.db.serve('tcp', 5432, 22)
        self.thread = threading.Thread(target=self.talk)
        self.thread.start()

    def plug(self, port, number, vm_id=None):
        mac = '52:54:00:00:00:%02x' % number
        peer = Namespace(port, mac, ['192.0.2.%d/24' % number])
        words = ['add-port', 'br0', port]
        if vm_id:
            words += ['--', 'set', 'Interface', port] + [
                'external_ids:%s="%s"' % (key, value) for key, value in (
                    ('iface-id', vm_id[::-1]), ('iface-status', 'active'),
                    ('attached-mac', mac), ('vm-id', vm_id))]
        self.sandbox.vsctl(*words)
        return peer

    def talk(self):
        while not self.ending:
            self.outside.begin(do='probe', timeout=0.5, targets=[
                ('tcp', '192.0.2.10', 80), ('tcp', '192.0.2.10', 22)])
            self.web.begin(do='probe', timeout=0.5,
                           targets=[('tcp', '192.0.2.20', 5432)])
            self.outside.finish()
            self.web.finish()

    def stop(self):
        self.ending = True
        self.thread.join()
        for peer in (self.web, self.db, self.outside):
            peer.stop()


def running_guests():
    sandbox = Sandbox('shown').start()
    sandbox.add_bridge('br0', secure=False)
    sandbox.guests = Guests(sandbox)
    return sandbox


def taps():
    sandbox = Sandbox('shown').start()
    sandbox.add_bridge('br0', secure=False)
    words = []
    for number, name in enumerate(PORTS, 1):
        words += ['--', 'add-port', 'br0', name, '--', 'set', 'Interface',
                  name, 'type=dummy', 'ofport_request=%d' % number]
    sandbox.vsctl(*words[1:])
    return sandbox


def run_steps(sandbox, steps):
    """Returns what each command printed, and its status."""
    # Into a file: a daemon that detaches would keep a pipe open.
    log = sandbox.path('shown.out')
    script = 'exec </dev/null >%s 2>&1\n' % log
    for step in steps:
        script += '%secho "%s $?"\n' % (step.command, MARK)
    env = environment(sandbox)
    env['PATH'] = os.path.dirname(program('ovs-sgd')) + ':' + env['PATH']
    result = command(['bash', '-c', 'cd %s\n%s' % (SOURCE, script)], 150, env)
    command(['ovs-appctl', '--timeout=5', '-t', 'ovs-sgd', 'exit'], 10, env)
    with open(log) as f:
        text = f.read()
    if result.status != 0:
        raise Failure('%s\nprinted so far:\n%s' % (result, text))
    return re.findall(r'((?:.*\n)*?)%s (\d+)\n' % MARK, text)


def expect_shown(page, start_switch):
    steps = steps_of(read(page))
    if not steps:
        raise Failure('%s has no tested block' % page)
    sandbox = start_switch()
    try:
        seen = run_steps(sandbox, steps)
    finally:
        if getattr(sandbox, 'guests', None):
            sandbox.guests.stop()
        problems = sandbox.stop()
    wrong = 0
    for step, (output, status) in zip(steps, seen):
        if not re.fullmatch(pattern_of(step.output), plain(output)):
            wrong += 1
            diag('%s:%d: %sprints (status %s):\n%s' % (
                page, step.line, step.command, status, output))
    if wrong or len(seen) != len(steps) or problems:
        raise Failure('%d of %d commands do not print what %s shows; %s'
                      % (wrong + len(steps) - len(seen), len(steps), page,
                         '; '.join(problems) or 'see above'))


for shown, switch in (('README.md', taps),
                      ('doc/architecture.md', taps),
                      ('doc/first-day.md', running_guests),
                      ('doc/operations.md', taps),
                      ('doc/tutorial.md', bare_switch)):
    @test('%s: the commands print what it shows' % shown)
    def _(page=shown, start=switch):
        expect_shown(page, start)


@test('README.md: the policy is the one in examples/')
def _():
    blocks = re.findall(r'^```lua\n(.*?)^```', read('README.md'), re.S | re.M)
    if read('examples/three-tier.lua') not in blocks:
        raise Failure('README.md shows another policy than '
                      'examples/three-tier.lua')


run()
