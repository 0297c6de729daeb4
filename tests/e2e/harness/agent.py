# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The agent, ovs-sgd, and the operator's command, ovs-sgctl."""
import json
import os
import shlex
import shutil
import signal

from . import host
from .host import TOP
from .process import PATIENCE, Child, command, wait_until
from .tap import Failure, Skip, note
from .unixctl import Unixctl, UnixctlError, accepts


def program(name):
    """The path of a program under test: below $SG_BUILDDIR, which run-test
    and `make check' set, below the checkout, or in $PATH."""
    for folder in (os.environ.get('SG_BUILDDIR'), TOP):
        path = os.path.join(folder or '', name)
        if folder and os.access(path, os.X_OK):
            return path
    path = shutil.which(name)
    if not path:
        raise Skip('%s is not built (set SG_BUILDDIR)' % name)
    return path


def environment(sandbox):
    """What the programs need to run uninstalled: the Lua side of this
    checkout."""
    return dict(sandbox.env if sandbox else os.environ,
                OVS_SG_LUADIR=os.path.join(TOP, 'lua'))


def sgctl(sandbox, *args, timeout=20):
    """Runs ovs-sgctl; without a sandbox only offline commands make sense."""
    note('ovs-sgctl ' + ' '.join(args))
    return command([program('ovs-sgctl'), *args], timeout,
                   environment(sandbox))


def make_agent(sandbox, *policies, options=()):
    """The agent of the host that this run is about (host.py)."""
    if not host.inside():
        return Agent(sandbox, *policies, options=options)
    from .plugin import Plugin
    return Plugin(sandbox, *policies, options=options)


class Agent:
    """The process beside the switch; plugin.Plugin is the other host."""

    log = 'ovs-sgd.log'             # In the sandbox.

    def __init__(self, sandbox, *policies, options=()):
        self.sandbox = sandbox
        self.policies = list(policies)
        self.options = list(options)
        self.child = None

    def start(self):
        """$SG_WRAPPER, for example "valgrind -q", goes in front."""
        self.child = Child(
            shlex.split(os.environ.get('SG_WRAPPER', '')) +
            [program('ovs-sgd'), 'unix:' + self.sandbox.path('db.sock'),
             *('--policy=' + p for p in self.policies), '--pidfile',
             '--log-file=' + self.sandbox.path('ovs-sgd.log'),
             '-vconsole:off', *self.options],
            environment(self.sandbox), self.sandbox.path('ovs-sgd.out'))
        wait_until(lambda: accepts(self.socket) or not self.child.running, 30)
        if not accepts(self.socket):
            raise Failure('ovs-sgd does not start:\n' + self._last_words())
        return self

    @property
    def socket(self):
        """The control socket that knows the agent's commands."""
        return self.sandbox.path('ovs-sgd.%d.ctl' % self.child.pid)

    def _last_words(self):
        text = ''
        for name in ('ovs-sgd.out', self.log):
            try:
                with open(self.sandbox.path(name), errors='replace') as f:
                    text += ''.join(f.readlines()[-20:])
            except FileNotFoundError:
                pass
        return text

    # Commands.

    def ctl(self, *args, timeout=20):
        """Runs ovs-sgctl and returns its Result, whatever that is."""
        return sgctl(self.sandbox, *args, timeout=timeout)

    def begin(self, *args):
        """Starts ovs-sgctl and returns its Popen."""
        note('ovs-sgctl ' + ' '.join(args))
        return Child([program('ovs-sgctl'), *args],
                     environment(self.sandbox)).process

    def must(self, *args, timeout=20):
        """Runs ovs-sgctl, which must succeed; returns its output."""
        result = self.ctl(*args, timeout=timeout)
        if result.status != 0:
            raise Failure(str(result))
        return result.out

    def json(self, *args):
        out = self.must('--format=json', *args)
        try:
            return json.loads(out)
        except ValueError as error:
            raise Failure('ovs-sgctl --format=json %s prints no JSON (%s):\n%s'
                          % (' '.join(args), error, out)) from error

    def wait(self, timeout=10):
        """Until all that was asked for is in force."""
        result = self.ctl('wait', '--timeout=%d' % (timeout * PATIENCE),
                          timeout=timeout + 10)
        if result.status != 0:
            raise Failure('%s\n%s\nthe agent\'s log ends with:\n%s' % (
                result, self.ctl('list-ports'), self._last_words()))

    def differences(self):
        """Flows by which what is wanted, brought up to date by changes, is not
        what a compilation from nothing comes to; a text, '' for none."""
        control = Unixctl(self.sandbox.path('ovs-sgd.%d.ctl'
                                            % self.child.pid))
        found = []

        def ask():
            try:
                found.append(control.call('sg/compare'))
            except UnixctlError as error:
                if 'try again in a moment' not in str(error):
                    raise
            return bool(found)
        try:
            if not wait_until(ask, 10):
                raise Failure('the agent has made one pass after another')
            return found[0]
        finally:
            control.close()

    # Accidents.

    def kill(self):
        """Without warning."""
        self.child.kill()

    def freeze(self):
        self.child.signal(signal.SIGSTOP)

    def thaw(self):
        self.child.signal(signal.SIGCONT)

    def restart(self):
        self.kill()
        return self.start()

    def stop(self):
        """In order, so that a leak checker can speak; returns sentences about
        what went wrong."""
        if not self.child:
            return []
        if not self.child.running:
            status = self.child.process.returncode
            return [] if status == -signal.SIGKILL else [
                'ovs-sgd had ended with status %s:\n%s'
                % (status, self._last_words())]
        self.thaw()
        command(['ovs-appctl', '--timeout=5', '-t', self.socket, 'exit'], 10,
                self.sandbox.env)
        status = self.child.join(10)
        return [] if status == 0 else ['ovs-sgd ended with status %s:\n%s' % (
            status, self._last_words())]
