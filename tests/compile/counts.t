#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""How many flows the scenarios of bench/ need: classes, cells and L4 together,
and what a port costs beside them."""
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(TOP, 'tests', 'ctl'), os.path.join(TOP, 'bench')]

import scenario as scenarios                                # noqa: E402
import scenario_to_sg                                       # noqa: E402
from offline import Folder, equal, holds, run, sgctl, test  # noqa: E402

# What a prototype needed for the same.
AT_MOST = {'three-tier': 1627, 'dense': 68865, 'big-group': 50022,
           'mesh': 20207}
PER_PORT = 40


def compile_(scenario):
    """Compiles a scenario; returns the counts by name."""
    folder = Folder()
    policy = ''.join(line + '\n' for line in scenario_to_sg.policy(scenario))
    ports = scenario_to_sg.ports(scenario, 'br-int')
    result = sgctl(folder, 'compile', folder.write('p.lua', policy),
                   '--ports=' + folder.write('ports.json', json.dumps(ports)),
                   '--stage=counts')
    equal(result.status, 0, result)
    return {name: int(count) for name, count in
            (line.split() for line in result.out.splitlines())}


def judging(counts):
    return counts['class'] + counts['cell'] + counts['l4']


def check(name):
    scenario = scenarios.generate(name)
    counts = compile_(scenario)
    needed = judging(counts)
    print('# %s: class %d, cell %d, L4 %d: %d of at most %d' % (
        name, counts['class'], counts['cell'], counts['l4'], needed,
        AT_MOST[name]))
    holds(needed <= AT_MOST[name], needed)

    # Half of the ports, to see what the other half costs beside classes.
    half = len(scenario['ports']) // 2
    fewer = compile_(dict(scenario, ports=scenario['ports'][half:]))
    others = [c['all'] - judging(c) for c in (counts, fewer)]
    per_port = (others[0] - others[1]) / half
    print('# %s: %.1f flows a port' % (name, per_port))
    holds(per_port <= PER_PORT, per_port)


@test('three-tier: a small tenant, IPv4 and IPv6')
def three_tier():
    check('three-tier')


@test('dense: 100 groups, 1,000 ports, 10,000 others')
def dense():
    check('dense')


@test('big-group: 50,000 members')
def big_group():
    check('big-group')


@test('mesh: a group of 20,000 that names itself')
def mesh():
    check('mesh')


@test('the same seed gives the same scenario, another one another')
def seeds():
    same = [scenarios.generate('dense', scale=0.1, seed=s) for s in (1, 1, 2)]
    equal(same[0], same[1])
    holds(same[0]['ports'] != same[2]['ports'], 'seeds make no difference')


run()
