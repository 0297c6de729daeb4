# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the tests of ovs-sgctl share: files to load, and soft checks."""
import os
import sys
import types

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, 'tests', 'e2e'))

from harness import Failure, run, test                      # noqa: E402
from harness.agent import program, sgctl as call            # noqa: E402
from harness.process import at_exit, command, scratch       # noqa: E402

__all__ = ['TOP', 'Failure', 'Folder', 'at_exit', 'command', 'equal', 'holds',
           'program', 'run', 'scratch', 'sgctl', 'test']


class Folder:
    """A folder that goes away with the test, and is its run directory."""

    def __init__(self):
        self.path = scratch('ctl')
        self.env = dict(os.environ, OVS_RUNDIR=self.path)

    def write(self, name, text):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', errors='surrogateescape') as f:
            f.write(text)
        return path


def sgctl(folder, *args, **options):
    return call(types.SimpleNamespace(env=folder.env), *args, **options)


def holds(condition, text):
    if not condition:
        raise Failure(str(text))


def equal(got, expected, where=''):
    holds(got == expected, 'expected %r, got %r\n%s' % (expected, got, where))
