# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Processes and folders that never outlive the test.

Daemons are children in the foreground, never detached, with the kernel told to
kill them when this process dies, so even kill -9 of a test leaves nothing
behind but its folder in TMPDIR.  Whatever else must go away is registered with
at_exit() and also goes after Ctrl-C or SIGTERM.
"""
import atexit
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

# Everything may take so many times as long, in an emulated machine say.
PATIENCE = int(os.environ.get('SG_PATIENCE', '1'))

_clean_ups = []                 # Functions, run in reverse order.


def at_exit(function):
    """Runs 'function' when the test ends, however it ends."""
    _clean_ups.append(function)
    return function


def forget(function):
    """Takes back at_exit(), when the thing has gone in the normal way."""
    if function in _clean_ups:
        _clean_ups.remove(function)


def clean_up():
    """Runs, and forgets, all that at_exit() was told."""
    while _clean_ups:
        try:
            _clean_ups.pop()()
        except Exception as error:      # The others must still run.
            sys.stderr.write('clean-up: %s\n' % error)


def _interrupted(signo, _frame):
    # timeout(1) and impatient people signal twice, and cleaning up must not
    # be cut short.
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    clean_up()
    os._exit(128 + signo)


def clean_up_on_exit():
    """To be called once, early."""
    atexit.register(clean_up)
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, _interrupted)


def private_network():
    """Moves this process, and so all it starts from now on, into a network
    namespace of its own: two userspace datapaths in one namespace would fight
    over the device ovs-netdev, and what one leaves would meet the next.
    Raises OSError where that is not allowed."""
    uid, gid = os.geteuid(), os.getegid()
    _unshare(CLONE_NEWNET | (CLONE_NEWUSER if uid else 0))
    if uid:
        for name, text in (('setgroups', 'deny'), ('uid_map', '0 %d 1' % uid),
                           ('gid_map', '0 %d 1' % gid)):
            with open('/proc/self/' + name, 'w') as f:
                f.write(text)
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)


def private_processes():
    """Goes on as the first process of a process namespace: when it ends, for
    any reason, the kernel ends all that it has started, also what is no Child.
    The process that was called stays, passes signals on, and ends as the other
    does.  Raises OSError where that is not allowed."""
    _unshare(CLONE_NEWPID | CLONE_NEWNS)
    child = os.fork()
    if child:
        _stand_for(child)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for argv in (['mount', '--make-private', '/proc'],
                 ['mount', '-t', 'proc', 'proc', '/proc']):
        subprocess.run(argv, check=True)


def _stand_for(child):
    """Does not return."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # A terminal tells both.
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda signo, _: os.kill(child, signo))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(status if status >= 0 else 128 - status)


def _unshare(flags):
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        raise OSError(ctypes.get_errno(), 'unshare')


def scratch(prefix):
    """A new folder that goes away with the test."""
    path = tempfile.mkdtemp(prefix='sg-%s-' % prefix)
    at_exit(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


class Child:
    """A process in a process group of its own that dies with the test."""

    def __init__(self, argv, env=None, output=None, pipes=False):
        """'output' is a file for standard output and error; 'pipes' makes
        pipes of standard input and output."""
        sink = open(output, 'ab') if output else subprocess.DEVNULL
        self.argv = argv
        self.output = output
        self.process = subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL'] + argv, env=env,
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else sink,
            stderr=None if pipes else sink, start_new_session=True)
        if output:
            sink.close()
        at_exit(self.kill)

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process.poll() is None

    def signal(self, signo):
        if self.running:
            os.kill(self.pid, signo)

    def _signal_group(self, signo):
        try:
            os.killpg(self.pid, signo)
        except ProcessLookupError:
            pass

    def kill(self):
        """At once and with all its descendants in the group."""
        if self.running:
            self._signal_group(signal.SIGKILL)
            self.process.wait()
        forget(self.kill)

    def stop(self, patience=3):
        """Politely; returns the exit status, as Popen counts it."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.join(patience)

    def join(self, patience):
        """Waits for the end, then kills; returns the exit status."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            status = None
        self.kill()
        return self.process.returncode if status is None else status


class Result:
    """What a command that has ended left."""

    def __init__(self, argv, status, out, err):
        self.argv = argv
        self.status = status
        self.out = out
        self.err = err

    def __str__(self):
        return '$ %s\nexit status %s\n%s%s' % (
            ' '.join(self.argv), self.status, self.out, self.err)


def command(argv, timeout=15, env=None, text_in=None):
    """Runs a command to its end."""
    try:
        done = subprocess.run(argv, env=env, timeout=timeout * PATIENCE,
                              input=text_in if text_in is not None else '',
                              capture_output=True, text=True)
    except subprocess.TimeoutExpired as late:
        return Result(argv, 'none: killed after %s s' % timeout,
                      (late.stdout or b'').decode(errors='replace'),
                      (late.stderr or b'').decode(errors='replace'))
    return Result(argv, done.returncode, done.stdout, done.stderr)


def wait_until(condition, timeout=10, interval=0.01):
    """Returns the first true value of condition(), or what it was last."""
    end = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(interval)
