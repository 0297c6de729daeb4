#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The default run of the campaign of faults; see campaign.py.

$SG_FAULTS_ROUNDS and $SG_FAULTS_SEED ask for another one."""
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'e2e')]

from campaign import Campaign                       # noqa: E402
from harness import process                         # noqa: E402
from harness.tap import Skip, diag                  # noqa: E402

ROUNDS = int(os.environ.get('SG_FAULTS_ROUNDS', 10))
# One choice of faults, so that two runs of the suite can be compared; the
# campaign takes others.
SEED = int(os.environ.get('SG_FAULTS_SEED', 11))


def tap(number, good, text):
    print('%s %d - %s' % ('ok' if good else 'not ok', number, text),
          flush=True)
    return good


def run():
    campaign = Campaign(SEED, diag)
    campaign.start()
    for _ in range(ROUNDS):
        campaign.round()
    campaign.failures += campaign.log_failures()
    campaign.stop()
    return campaign


def main():
    process.clean_up_on_exit()
    print('1..4', flush=True)
    try:
        campaign = run()
    except Skip as skip:
        for number in range(1, 5):
            print('ok %d # SKIP %s' % (number, skip))
        return
    diag(campaign.summary())
    diag('this one again: tests/faults/run --rounds %d --seed %d'
         % (ROUNDS, SEED))
    for failure in campaign.failures[:20]:
        diag(failure)
    counts = campaign.traffic.counts
    good = [tap(1, not counts['forbidden'], 'no forbidden packet passes'),
            tap(2, not counts['broken'] + counts['lost'],
                'no connection that all states allow breaks'),
            tap(3, counts['packets'] > 100 * ROUNDS, 'there was traffic'),
            tap(4, not campaign.failures, 'after each round ports, flows and '
                'logs are as they should be')]
    sys.exit(0 if all(good) else 1)


main()
