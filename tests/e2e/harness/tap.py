# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Tests as functions, results as TAP.

    @test("replies pass", lab=three_tier)
    def _(lab):
        lab.expect_open(lab.web1, lab.app1, "tcp", 8080)

    run()

`lab` names a factory.  Tests that follow each other with the same factory
share one lab, because starting a switch costs half a second; a lab in which a
test failed, or that a test asked for with fresh=True, is not used again.

Checks are soft: they note what is wrong on the lab and go on, so that one run
shows every wrong cell of a matrix.  What makes the rest of a test meaningless
raises Failure.

    ./basic.t             all tests of the file
    ./basic.t -l          lists them
    ./basic.t -k REGEX    those whose name matches
    ./basic.t --keep      leaves the switch running after the first failure
                           until Enter, and says how to look around
    ./basic.t -v          says what is done, and how long it takes
"""
import argparse
import os
import re
import sys
import time
import traceback

from . import process


class Failure(Exception):
    """A check that failed, with everything needed to understand it."""


class Skip(Exception):
    """The machine cannot run this; the text says what is missing."""


_tests = []
verbose = False


def test(name, lab=None, fresh=False, beside=None):
    """Registers a test; see the head of this file.  'beside' is the reason
    why it makes no sense if the agent runs inside the switch."""
    def register(function):
        if beside and os.environ.get('SG_HOST') == 'ovs-sg.so':
            def skipped(*_):
                raise Skip('not inside the switch: ' + beside)
            _tests.append((name, skipped, None, False))
        else:
            _tests.append((name, function, lab, fresh))
        return function
    return register


def diag(text):
    """Prints lines that TAP readers pass over."""
    for line in str(text).rstrip('\n').split('\n'):
        print('# ' + line)
    sys.stdout.flush()


def note(text):
    """A diagnostic for -v only."""
    if verbose:
        diag(text)


def _options():
    parser = argparse.ArgumentParser()
    parser.add_argument('-k', metavar='REGEX', help='only tests that match')
    parser.add_argument('-l', action='store_true', help='list the tests')
    parser.add_argument('-v', action='store_true', help='say what is done')
    parser.add_argument('--keep', action='store_true',
                        help='wait for Enter after the first failure')
    return parser.parse_args()


class _Labs:
    """Hands out labs and takes them down."""

    def __init__(self):
        self.factory = None
        self.lab = None

    def get(self, factory, fresh):
        if factory is None:
            return None
        if self.lab is None or fresh or factory is not self.factory:
            self.drop()
            self.factory = factory
            try:
                self.lab = factory()
            except BaseException:
                process.clean_up()      # Half a lab would disturb the next.
                raise
        self.lab.begin_test()
        return self.lab

    def drop(self):
        """Returns what was wrong with taking the lab down."""
        lab, self.lab = self.lab, None
        return lab.stop() if lab else []


def _run_one(labs, function, factory, fresh):
    """Returns the failures of one test."""
    failures = []
    try:
        lab = labs.get(factory, fresh)
        if lab is None:
            function()
        else:
            function(lab)
    except Failure as failure:
        failures.append(str(failure))
    except Skip:
        raise
    except Exception:
        failures.append(traceback.format_exc())
    if labs.lab:
        failures = labs.lab.end_test() + failures
    return failures


def _wait_for_enter(labs):
    if labs.lab:
        diag(labs.lab.how_to_look_around())
    print('# Enter ends this.', flush=True)
    sys.stdin.readline()


def _report(number, name, failures, seconds):
    print('%s %d - %s' % ('not ok' if failures else 'ok', number, name),
          flush=True)
    note('%.2f s' % seconds)
    for failure in failures:
        diag(failure)


def run():
    """Runs the tests of the file that was started; does not return."""
    global verbose
    options = _options()
    verbose = options.v
    chosen = [t for t in _tests if not options.k or re.search(options.k, t[0])]
    if options.l:
        print('\n'.join(t[0] for t in chosen))
        sys.exit(0)

    process.clean_up_on_exit()
    print('1..%d' % len(chosen), flush=True)
    labs = _Labs()
    bad = 0
    for number, (name, function, factory, fresh) in enumerate(chosen, 1):
        start = time.monotonic()
        try:
            failures = _run_one(labs, function, factory, fresh)
        except Skip as skip:
            print('ok %d - %s # SKIP %s' % (number, name, skip), flush=True)
            continue
        if failures and options.keep:
            _report(number, name, failures, time.monotonic() - start)
            _wait_for_enter(labs)
            break
        following = chosen[number] if number < len(chosen) else None
        if failures or fresh or not following or following[3] \
           or following[2] is not factory:
            failures = failures + labs.drop()
        _report(number, name, failures, time.monotonic() - start)
        bad += bool(failures)
    labs.drop()
    sys.exit(1 if bad else 0)
