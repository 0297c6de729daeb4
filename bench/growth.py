# Licensed under the Apache License, Version 2.0; see LICENSE.
"""How costs grow: with the ports of the hypervisor, remote members, rules of a
group, groups, and networks, each on its own."""
import random

from control import Control
from measure import say
from scenario import Guests, group, rule

BASE = {'ports': 50, 'members': 1000, 'rules': 10, 'groups': 10,
        'networks': 1}
SWEEPS = {'ports': [10, 50, 200, 1000],
          'members': [100, 1000, 10000, 50000],
          'rules': [2, 10, 50],
          'groups': [2, 10, 50, 200],
          'networks': [1, 2, 5, 10]}
QUICK = {'ports': [4], 'networks': [2]}
QUICK_BASE = dict(BASE, ports=6, members=20, groups=3, rules=4)


def generate(ports, members, rules, groups, networks):
    """Each group has rules by its neighbour and by prefix, in turns; a guest
    is in one group, and the ports of each group take turns in the networks."""
    guests = Guests(random.Random(1))
    names = ['g%d' % i for i in range(groups)]
    made = [group(name, 'a group', rule('egress', 'any'), *(
        rule('ingress', 'tcp', (1000 + r, 1000 + r),
             **({'group': names[(i + 1) % groups]} if r % 2 == 0
                else {'cidr': '10.%d.%d.0/24' % (200 + r % 50, i % 256)}))
        for r in range(rules))) for i, name in enumerate(names)]
    local = [dict(guests.local([names[i % groups]]),
                  network='n%d' % ((i + i // groups) % networks))
             for i in range(ports)]
    remote = [guests.remote([names[i % groups]]) for i in range(members)]
    return {'name': 'growth', 'scale': 1, 'seed': 1, 'groups': made,
            'ports': local, 'remote_members': remote}


def measure(size, repeat):
    control = Control(generate(**size), repeat)
    try:
        control.cold_start()
        control.result['directed'] = control.world.check()
        control.floor()
        control.measure_changes()
    finally:
        control.stop()
    return control.result


def run(repeat, quick, results):
    """Puts {dimension: [[size, result], ...]} into 'results', and yields
    after each size."""
    base = QUICK_BASE if quick else BASE
    for dimension, sizes in (QUICK if quick else SWEEPS).items():
        for size in sizes:
            say('growth: %d %s', size, dimension)
            results.setdefault(dimension, []).append(
                [size, measure(dict(base, **{dimension: size}), repeat)])
            yield
