#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The default run of the differential test; see campaign.py.

$SG_ORACLE_PACKETS and $SG_ORACLE_SEED ask for another one."""
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'e2e')]

import campaign                                     # noqa: E402
from harness import process                         # noqa: E402
from harness.tap import Skip, diag                  # noqa: E402

PACKETS = int(os.environ.get('SG_ORACLE_PACKETS', 30000))
SEED = int(os.environ.get('SG_ORACLE_SEED', 1))


def tap(number, good, text):
    print('%s %d - %s' % ('ok' if good else 'not ok', number, text),
          flush=True)
    return good


def main():
    process.clean_up_on_exit()
    print('1..4', flush=True)
    try:
        total, failures, last = campaign.run(SEED, PACKETS)
    except Skip as skip:
        for number in range(1, 5):
            print('ok %d # SKIP %s' % (number, skip))
        return
    diag('seeds %d to %d; any alone: tests/oracle/run --seed N' % (SEED,
                                                                   last))
    diag(total)
    diag(total.shares())
    for failure in failures[:10]:
        diag(failure)
    rare = [label for label in total.rare()]
    good = [tap(1, total.packets >= PACKETS and not total.mismatches,
                'the switch does to %d packets what the contract says'
                % total.packets),
            tap(2, not total.leaked, 'no frame leaks to another port'),
            tap(3, not failures, 'nothing else went wrong: flows after a '
                'reload or a restart, logs, daemons'),
            tap(4, not rare, 'no kind of packet is rare%s' % (
                ': ' + ', '.join(rare) if rare else ''))]
    sys.exit(0 if all(good) else 1)


main()
