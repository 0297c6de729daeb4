#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""`make bench', small and once: that it runs, and that what it counts (not
how long it takes) is as promised."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'e2e'))

from harness import process, run, test                  # noqa: E402
from harness.agent import TOP                           # noqa: E402
from harness.tap import Failure                         # noqa: E402

BENCH = os.path.join(TOP, 'bench', 'bench')
PARTS = 'control', 'ovn', 'traffic', 'growth'


def bench(*args):
    """Returns what it prints, and its results."""
    out = process.scratch('bench')
    done = process.command([sys.executable, BENCH, '--quick', '--without-ovn',
                            '--out', out, *args], timeout=240)
    if done.status != 0:
        raise Failure(str(done))
    with open(os.path.join(out, 'results.json')) as f:
        return done.out, json.load(f)


def equal(seen, expected, what):
    if seen != expected:
        raise Failure('%s: seen %s, expected %s' % (what, seen, expected))


@test('bench measures, and says beside the promises what it has measured')
def _():
    text, results = bench('mesh')
    for part in PARTS:
        if part not in results:
            raise Failure('no results of part %s' % part)
    for words in ('The promises:', 'OVN was left out: ', 'passes a packet',
                  'cold start, to the floor', 'small UDP'):
        if words not in text:
            raise Failure('"%s" is missing in:\n%s' % (words, text))
    result = results['control']['mesh-0.05']
    equal('all as the policy says' in result['directed'], True,
          'packets were sent through the flows')
    changes = result['changes']
    for way in 'join', 'leave':
        equal(changes['remote member, in a file'][way]['flow_mods'], 1,
              'flow mods for a member that may %s' % way)
    equal(result['restart']['flow_mods'], 0, 'flow mods of a restart')
    traffic = results['traffic']['three-tier']['variants']['ours']
    many = traffic['profile']['connections, 16 at a time']['established']
    equal((many['megaflows'] > 0, many['with_ports'], many['with_addresses']),
          (True, 0, 0), 'megaflows of established connections (some, with '
          'ports, with addresses)')


@test('bench fails on what it does not know')
def _():
    done = process.command([sys.executable, BENCH, 'everything'])
    equal(done.status, 2, 'exit status')
    equal('everything: use control' in done.err, True, 'it says what to use')


run()
