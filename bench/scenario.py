#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Makes a policy-neutral scenario (see README.md for its form).

    scenario.py NAME [--scale FACTOR] [--seed NUMBER]

NAME is one of

    three-tier  a small tenant: 4 groups, IPv4 and IPv6, 60 ports, 500 others
    dense       100 groups with 20 rules, half of them by group; 1,000 ports in
                5 groups each, 50 combinations of them; 10,000 others
    big-group   5 rules that name one group of 50,000
    mesh        one group that names itself: 200 ports, 20,000 others

The same name, scale and seed give the same bytes.
"""

import argparse
import ipaddress
import json
import random
import sys

FAMILIES = 'IPv4', 'IPv6'


def address(text):
    return int(ipaddress.ip_address(text))


FIRST_LOCAL = address('10.0.0.16'), address('fd00:0:0:1::10')
REMOTE = address('10.64.0.0'), address('fd00:0:0:2::')  # A /10; a /64.
SUBNET_BITS = 12
SUBNET_MEMBERS = 2456   # Of 4,096: what guests that come and go leave behind.


def rule(direction, protocol, ports=(None, None), ethertype='IPv4', **remote):
    """'remote' is cidr=... or group=...; without it the peer is anybody."""
    return {'direction': direction, 'ethertype': ethertype,
            'protocol': protocol, 'port_min': ports[0], 'port_max': ports[1],
            'remote': remote or {'any': True}}


def dual(*args, **remote):
    """A rule for each family."""
    return [rule(*args, ethertype=family, **remote) for family in FAMILIES]


def one(port):
    return port, port


def group(name, description, *rules):
    return {'name': name, 'description': description, 'rules': list(rules)}


class Guests:
    """Gives guests their names, MACs and addresses.  Those of this hypervisor
    are numbered; the others are spread over shuffled subnets, so that their
    addresses do not collapse into a few prefixes."""

    def __init__(self, rng, dual_stack=False):
        self.rng = rng
        self.dual_stack = dual_stack
        self.n_local = self.n_remote = 0
        self.subnets = list(range(1 << 10))
        self.rng.shuffle(self.subnets)
        self.free = iter(())

    @staticmethod
    def guest(kind, number, addresses, groups):
        mac = '02:00:0%s:%02x:%02x:%02x' % (
            'a' if kind == 'vm' else 'b',
            number >> 16 & 255, number >> 8 & 255, number & 255)
        return {'name': '%s%05d' % (kind, number), 'mac': mac,
                'ips': [str(ipaddress.ip_address(a)) for a in addresses],
                'groups': groups}

    def local(self, groups):
        number = self.n_local
        self.n_local += 1
        addresses = [first + number for first in FIRST_LOCAL]
        guest = self.guest('vm', number, addresses[:1 + self.dual_stack],
                           groups)
        return dict(guest, local=True)

    def next_subnet(self):
        first = REMOTE[0] + (self.subnets.pop() << SUBNET_BITS)
        hosts = self.rng.sample(range(4, 4095), SUBNET_MEMBERS)
        return iter(sorted(first + host for host in hosts))

    def remote(self, groups):
        number = self.n_remote
        self.n_remote += 1
        ipv4 = next(self.free, None)
        if ipv4 is None:
            self.free = self.next_subnet()
            ipv4 = next(self.free)
        addresses = [ipv4]
        if self.dual_stack:
            addresses.append(REMOTE[1] + (self.rng.getrandbits(40) << 16)
                             + number)
        return self.guest('rm', number, addresses, groups)


class Scenario:
    """What a scenario is made with: chance, and its scale."""

    def __init__(self, name, scale, seed):
        self.rng = random.Random('%s/%d' % (name, seed))
        self.scale = scale

    def count(self, number, least):
        return max(least, int(round(number * self.scale)))

    def populate(self, n_ports, n_remote, choose, dual_stack=False):
        """'n_ports' and 'n_remote' are (at scale 1, at least);
        'choose(i)' gives the groups of a guest."""
        guests = Guests(self.rng, dual_stack)
        return ([guests.local(choose(i))
                 for i in range(self.count(*n_ports))],
                [guests.remote(choose(i))
                 for i in range(self.count(*n_remote))])


def three_tier(s):
    ssh = dual('ingress', 'tcp', one(22), group='bastion')
    out = dual('egress', 'any')
    groups = [
        group('bastion', 'jump hosts',
              rule('ingress', 'tcp', one(22), cidr='203.0.113.0/24'),
              rule('ingress', 'tcp', one(22), 'IPv6',
                   cidr='2001:db8:113::/48'),
              *dual('ingress', 'icmp'), *out),
        group('web', 'public web servers',
              *dual('ingress', 'tcp', one(80)),
              *dual('ingress', 'tcp', one(443)),
              *ssh, *dual('ingress', 'icmp'), *out),
        group('app', 'application servers',
              *dual('ingress', 'tcp', (8080, 8090), group='web'),
              *ssh, *dual('ingress', 'icmp', group='web'), *out),
        group('db', 'databases',
              *dual('ingress', 'tcp', one(3306), group='app'),
              *dual('ingress', 'tcp', one(5432), group='app'),
              *dual('ingress', 'tcp', (7000, 7001), group='db'),
              *ssh,
              rule('egress', 'any', cidr='10.0.0.0/8'),
              *dual('egress', 'any', group='app')),
    ]
    tiers = ['bastion'] * 2 + ['web'] * 24 + ['app'] * 24 + ['db'] * 10
    return (groups, *s.populate((60, 8), (500, 8), lambda i: [tiers[i % 60]],
                                dual_stack=True))


DENSE_SERVICES = [
    ('tcp', one(22)), ('tcp', one(80)), ('tcp', one(443)),
    ('tcp', (8080, 8090)), ('tcp', (1000, 1999)), ('tcp', (32768, 60999)),
    ('tcp', one(5432)), ('tcp', (9000, 9100)), ('tcp', (1, 65535)),
    ('udp', one(53)), ('udp', (1000, 1999)), ('udp', (32768, 60999)),
    ('udp', (4789, 4790)), ('icmp', (None, None)), ('any', (None, None)),
]
DENSE_LENGTHS = [8, 12, 16, 20, 22, 24, 24, 28, 32]


def dense_prefix(rng):
    length = rng.choice(DENSE_LENGTHS)
    return str(ipaddress.ip_network(
        (address('10.0.0.0') | rng.getrandbits(24), length), strict=False))


def dense_rule(rng, names, i):
    direction = 'ingress' if i % 4 else 'egress'
    protocol, ports = rng.choice(DENSE_SERVICES)
    if i % 2:
        return rule(direction, protocol, ports, group=rng.choice(names))
    return rule(direction, protocol, ports, cidr=dense_prefix(rng))


def dense_unique(rng, rules):
    """Puts a rule that is there twice on a port of its own."""
    seen = []
    for r in rules:
        while r in seen:
            if r['port_min'] is None:
                r['protocol'] = 'tcp'
            r['port_min'] = r['port_max'] = rng.randint(1024, 65535)
        seen.append(r)
    return seen


def dense(s):
    names = ['sg%03d' % i for i in range(s.count(100, 10))]
    groups = [
        group(name, 'service ' + name,
              *dense_unique(s.rng, [dense_rule(s.rng, names, i)
                                    for i in range(20)]))
        for name in names]
    combinations = [sorted(s.rng.sample(names, 5)) for _ in range(50)]
    return (groups, *s.populate((1000, 10), (10000, 50),
                                lambda i: s.rng.choice(combinations)))


def big_group(s):
    services = (('tcp', one(443)), ('tcp', (8000, 8999)), ('udp', one(53)),
                ('icmp', (None, None)), ('tcp', (32768, 60999)))
    groups = [
        group('svc', 'the service',
              *(rule('ingress', *service, group='clients')
                for service in services),
              rule('egress', 'any')),
        group('clients', 'everything that may call it',
              rule('egress', 'any')),
    ]
    guests = Guests(s.rng)
    return (groups,
            [guests.local(['svc']) for _ in range(s.count(100, 5))],
            [guests.remote(['clients']) for _ in range(s.count(50000, 50))])


def mesh(s):
    groups = [group('default', 'default group',
                    rule('ingress', 'any', group='default'),
                    rule('egress', 'any'))]
    return (groups, *s.populate((200, 5), (20000, 50),
                                lambda i: ['default']))


SCENARIOS = {'three-tier': three_tier, 'dense': dense,
             'big-group': big_group, 'mesh': mesh}


def generate(name, scale=1.0, seed=1):
    groups, ports, remote = SCENARIOS[name](Scenario(name, scale, seed))
    return {'name': name, 'scale': scale, 'seed': seed, 'groups': groups,
            'ports': ports, 'remote_members': remote}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('name', choices=SCENARIOS)
    parser.add_argument('--scale', type=float, default=1.0)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    json.dump(generate(args.name, args.scale, args.seed), sys.stdout,
              separators=(',', ':'), sort_keys=True)
    sys.stdout.write('\n')


if __name__ == '__main__':
    main()
