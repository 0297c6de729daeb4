#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""examples/mininet: the exercise with its prompt, on a terminal, and what it
leaves behind."""
import importlib.util
import os
import pty
import select
import signal
import socket
import sys
import time

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'e2e'))

from harness import Failure, Skip, process, run, test, wait_until  # noqa: E402
from harness.netns import must                                # noqa: E402

SCRIPT = os.path.join(TOP, 'examples', 'mininet', 'three_tier.py')
PROMPT = 'mininet> '
CTRL_C = '\3'


class Terminal:
    """The lab on a terminal of its own."""

    def __init__(self, *options):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(SCRIPT, [SCRIPT, *options])
        self.text = ''              # All that was printed and not yet asked.
        self.status = None
        process.at_exit(self.kill)

    def kill(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)

    def _read(self, end):
        """More text; False at its end."""
        left = end - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            raise Failure('this was printed, and then nothing more:\n'
                          + self.text)
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:             # The other end is closed.
            return False
        self.text += data.decode(errors='replace').replace('\r', '')
        return bool(data)

    def until(self, words, patience=120):
        """What is printed before 'words'."""
        end = time.monotonic() + patience
        while words not in self.text:
            if not self._read(end):
                raise Failure('ended without "%s":\n%s' % (words, self.text))
        before, self.text = self.text.split(words, 1)
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def ask(self, line):
        """Types a line at the prompt; what that prints."""
        self.type(line + '\n')
        return self.until(PROMPT)

    def end(self, patience=60):
        """The exit status, and the rest of what was printed."""
        end = time.monotonic() + patience
        while self._read(end):
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status, self.text


class HostSwitch:
    """Where the machine's switch would be: notes whether somebody asks it."""

    def __init__(self):
        with open('/proc/self/mounts') as f:
            if not any(line.startswith('ovs-sg-test /run ') for line in f):
                raise Skip('/run is the host\'s: run the test with '
                           'build-aux/run-test')
        os.makedirs('/run/openvswitch')
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind('/run/openvswitch/db.sock')
        self.sock.listen()
        self.sock.setblocking(False)

    def was_asked(self):
        try:
            self.sock.accept()
            return True
        except BlockingIOError:
            return False


def what_there_is():
    """All that could be left behind: processes, interfaces, files."""
    return (sorted(pid for pid in os.listdir('/proc') if pid.isdigit()),
            must('ip', '-o', 'link'),
            sorted(os.listdir(os.environ.get('TMPDIR', '/tmp'))))


def runs(command):
    """Is there a process with this command line?"""
    return process.command(['pgrep', '-fx', command]).status == 0


def check_nothing_left(before):
    wait_until(lambda: what_there_is() == before, 60)
    after = what_there_is()
    if after != before:
        raise Failure('before:\n%s\nafter:\n%s' % (before, after))


def need_mininet():
    if not importlib.util.find_spec('mininet'):
        raise Skip('install the Debian package mininet')
    sys.path.append(os.path.dirname(SCRIPT))
    importlib.import_module('guarded').check_namespaces()


def contains(text, *words):
    for each in words:
        if each not in text:
            raise Failure('no "%s" in:\n%s' % (each, text))


@test('the exercise shows what is expected, and nothing stays of it')
def _():
    need_mininet()
    before = what_there_is()
    host_switch = HostSwitch()
    lab = Terminal('--cli')
    contains(lab.until(PROMPT), 'The policy changes while',
             'Everything that was observed is what the policy says.')
    contains(lab.ask('try office db1 tcp 5432'), 'answered (db1)', 'allow: ')
    contains(lab.ask('try web1 db1 tcp 5432'), 'no answer', 'deny: ')
    contains(lab.ask('try web1 db3 tcp 5432'), 'no host "db3"', 'bastion1')
    contains(lab.ask('groups web1 appp'), 'did you mean "app"')
    contains(lab.ask('iperf web1 db1'), 'the policy refuses that', 'no rule')
    contains(lab.ask('groups web1 app'), 'web1 is in app now')
    contains(lab.ask('try web1 db1 tcp 5432'), 'answered (db1)', 'allow: ')
    policy = lab.ask('py net.agent.policies[0]').split()[-1]
    lab.ask("sh sed -i s/5432/5433/ " + policy)
    contains(lab.ask('reload'), 'in force')
    contains(lab.ask('matrix'), 'Everything is as expected.')
    contains(lab.ask('try web1 db1 tcp 5432'), 'no answer', 'deny: ')
    contains(lab.ask('sh ovs-vsctl get Interface s1-eth2 external_ids'),
             'sg-groups=app')
    lab.ask('app1 setsid -f sleep 1001')    # Nobody's child, no signal for it.
    lab.type('app1 sleep 1002\n')
    wait_until(lambda: runs('sleep 1001') and runs('sleep 1002'), 60)
    lab.type(CTRL_C)
    lab.until(PROMPT)
    if runs('sleep 1002') or not runs('sleep 1001'):
        raise Failure('Ctrl-C ended the wrong thing')
    lab.type('exit\n')
    status, text = lab.end()
    if status != 0:
        raise Failure('exit status %d:\n%s' % (status, text))
    if host_switch.was_asked():
        raise Failure('somebody has asked the switch of the machine')
    check_nothing_left(before)


@test('nothing stays of one that is interrupted')
def _():
    need_mininet()
    before = what_there_is()
    lab = Terminal()
    lab.until('all ports are active')
    lab.type(CTRL_C)
    status, text = lab.end()
    if status != 128 + signal.SIGINT:
        raise Failure('exit status %d:\n%s' % (status, text))
    check_nothing_left(before)


run()
