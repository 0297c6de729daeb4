# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What must not happen unseen: log lines and flow table changes."""
import re

from .process import Child, wait_until
from .tap import Failure
from .unixctl import Unixctl, UnixctlError


class LogWatch:
    """Finds unexpected warnings and errors in a log, and whatever a sanitizer
    or an abort prints."""

    BAD = re.compile(r'\|(WARN|ERR|EMER)\||Sanitizer|runtime error:'
                     r'|^==\d+==|assertion .* failed|^Traceback')

    def __init__(self, path):
        self.path = path
        self.position = 0
        self.lines = []                 # All that was read so far.

    def read(self):
        """The lines since the last call."""
        try:
            with open(self.path, errors='replace') as f:
                f.seek(self.position)
                text = f.read()
                self.position = f.tell()
        except FileNotFoundError:
            return []
        lines = text.splitlines()
        self.lines += lines
        return lines

    def unexpected(self, allowed):
        """New bad lines that no regular expression of 'allowed' matches."""
        return [line for line in self.read() if self.BAD.search(line)
                and not any(re.search(a, line) for a in allowed)]

    def grep(self, pattern):
        """All lines so far that match."""
        self.read()
        return [line for line in self.lines if re.search(pattern, line)]


class FlowWatch:
    """Counts the changes of a bridge's flow tables, whoever makes them, with
    `ovs-ofctl monitor BRIDGE watch:'."""

    number = 0

    def __init__(self, sandbox, bridge='br0'):
        FlowWatch.number += 1
        base = sandbox.path('watch%d' % FlowWatch.number)
        self.output = base + '.out'
        self.child = Child(
            ['ovs-ofctl', 'monitor', sandbox.mgmt(bridge), 'watch:!initial',
             '--unixctl=' + base + '.ctl'], sandbox.env, self.output)
        self.control = None

        def connected():
            try:
                self.control = Unixctl(base + '.ctl')
                return True
            except UnixctlError:
                return False
        if not wait_until(connected):
            raise Failure('ovs-ofctl monitor does not start')
        self.taken = 0
        self.take()

    def take(self):
        """The changes since the last call, as lines of text."""
        self.control.call('ofctl/barrier')
        with open(self.output) as f:
            events = [line.strip() for line in f if ' event=' in line]
        new, self.taken = events[self.taken:], len(events)
        return new

    def close(self):
        if self.control:
            self.control.close()
        self.child.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def in_table(events, table):
    return [e for e in events if re.search(r'\btable=%s\b' % table, e)]
