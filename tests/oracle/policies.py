# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Random policies, and random changes of them.  Peers and ports are few and
overlap, so that one rule is another's neighbour, hole or shadow."""
import copy

from model import BUILTIN_DEFAULT, Group, Policy, Rule, family_of

GROUPS = ['web', 'app', 'db', 'ops', 'edge', 'slow']
# There is one of these in each network, with rules and members of its own.
SCOPED = ['edge']
NETWORKS = ['br0', 'br0.10', 'br0.20', 'br1', 'br1.10', 'br1.20', 'blue',
            'red', 'twins']
LISTS = ['office', 'partners']
PREFIXES = ['10.1.0.0/24', '10.1.0.0/28', '10.1.0.8/29', '10.1.0.16/28',
            '10.1.0.5', '10.1.1.0/24', '203.0.113.0/24', '203.0.113.0/25',
            '203.0.113.64/27', '203.0.113.77', '203.0.113.96/31',
            '198.51.100.0/22', '0.0.0.0/0', '0.0.0.0/1', '224.0.0.0/4',
            '239.1.0.0/16', '255.255.255.255',
            '2001:db8::/64', '2001:db8::/124', '2001:db8::10/125',
            '2001:db8:0:2::/64', '2001:db8:9::/48', '2001:db8:9:8000::/49',
            '2001:db8:9::77', '2001:db8:9::/127', '::/0', '2000::/3',
            'fe80::/10', 'ff02::/16', 'ff00::/8']
PORTS = [(22, 22), (80, 80), (81, 81), (83, 83), (85, 85), (443, 443), (8080, 8089), (8085, 8095),
         (1000, 2000), (1001, 1001), (1023, 1025), (12345, 12346), (7, 4099),
         (32768, 65535), (1, 65535), (65535, 65535), (1, 1), (5353, 5353),
         (53, 53)]
# Ranges with a hole of one port.
HOLES = [((81, 81), (83, 83)), ((83, 83), (85, 86)), ((1023, 1023), (1025, 1030)),
         ((443, 443), (445, 450))]
# Protocols without ports.
OTHERS = [47, 50, 89, 103, 112]


def random_policy(rng, features=()):
    all_groups = [Group(name, [], None, name == 'slow', network)
                  for name in GROUPS
                  for network in (NETWORKS if name in SCOPED else (None,))]
    # A network's own `default' in place of the one that is everywhere.
    all_groups.append(Group('default', [], None, False, 'red'))
    groups = {group.key: group for group in all_groups}
    for group in all_groups:
        group.ingress = _rules(rng, rng.randint(0, 6), 'ingress', features)
        group.egress = _random_egress(rng, features)
    groups['default'] = BUILTIN_DEFAULT
    return Policy(groups, {name: _prefixes(rng) for name in LISTS},
                  {key: _prefixes(rng)
                   for key in GROUPS + ['blue/web', 'red/db', 'red/edge']})


def _random_egress(rng, features):
    kind = rng.random()
    if kind < 0.4:
        return None
    if kind < 0.45:
        return []
    return _rules(rng, rng.randint(1, 7), 'egress', features)


def _rules(rng, n, direction, features):
    return [_rule(rng, direction, features) for _ in range(n)]


def _prefixes(rng):
    # Members are addresses of hosts.
    good = [p for p in PREFIXES if not p.startswith(('2001:db8::/', 'f', '0.',
                                                     '::', '2000', '2'*3))]
    return sorted(rng.sample(good, rng.choice((0, 1, 2, 3))))


def _rule(rng, direction, features):
    word = rng.choices(['tcp', 'udp', 'icmp', 'icmp6', 'ip', 'all', 'sctp'],
                       [8, 7, 2, 2, 2, 2, 2 * ('sctp' in features)])[0]
    family = {'icmp': 'ipv4', 'icmp6': 'ipv6'}.get(word)
    if not family and rng.random() < 0.2:
        family = rng.choice(('ipv4', 'ipv6'))
    rule = Rule(word, _peers(rng, family), family=family)
    if word in ('icmp', 'icmp6') and rng.random() < 0.5:
        rule.family = None
    if word in ('tcp', 'udp', 'sctp') and rng.random() < 0.85:
        rule.ports = tuple(sorted(set(
            rng.choice(PORTS) for _ in range(rng.choice((1, 1, 1, 2, 3))))))
        if rng.random() < 0.15:
            rule.ports = rng.choice(HOLES)
    if word == 'icmp' and rng.random() < 0.8:
        rule.icmp = (rng.choice(((8, None), (8, 0), (8, 1), (13, None),
                                 (13, 0), (3, None), (0, None))),)
    if word == 'icmp6' and rng.random() < 0.8:
        rule.icmp = (rng.choice(((128, None), (128, 0), (128, 1), (1, 4),
                                 (129, 0))),)
    if word == 'ip':
        rule.number = rng.choice(OTHERS + [6, 17, 1, 58])
    if direction == 'egress' and rng.random() < 0.1:
        return _named(rng)
    return rule


def _named(rng):
    """Makes the guest a DHCP server or a router."""
    word, ports, icmp, family = rng.choice((
        ('udp', ((68, 68),), (), 'ipv4'), ('udp', ((546, 546),), (), 'ipv6'),
        ('icmp6', (), ((134, None),), 'ipv6')))
    return Rule(word, _peers(rng, family), ports, icmp)


def _peers(rng, family):
    """Peers that can have addresses of 'family' (None: of any)."""
    prefixes = [p for p in PREFIXES if family in (None, family_of(p))]
    peers = set()
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        peers.add(rng.choices(
            [('any',), ('prefix', rng.choice(prefixes)),
             ('group', rng.choice(GROUPS + ['default'])),
             ('list', rng.choice(LISTS)),
             ('group', rng.choice(GROUPS), rng.choice(('blue', 'br0')))],
            [3, 4, 5, 2, 1])[0])
    return tuple(sorted(peers))


def mutate(rng, policy, features=()):
    """A changed copy, and what was done."""
    new = copy.deepcopy(policy)
    new.groups['default'] = BUILTIN_DEFAULT
    what = rng.choices([_remove_rule, _add_rule, _change_members,
                        _change_list, _new_group, _change_all],
                       [6, 3, 4, 2, 2, 1])[0]
    return new, what(rng, new, features)


def _pick_key(rng, policy):
    """Of some group, but those in one network alone count as one."""
    name = rng.choice(GROUPS)
    return rng.choice([key for key, group in policy.groups.items()
                       if group.name == name])


def _pick_rules(rng, policy):
    group = policy.groups[_pick_key(rng, policy)]
    direction = rng.choice(('ingress', 'ingress', 'egress'))
    return group, direction, getattr(group, direction)


def _remove_rule(rng, policy, _features):
    group, direction, rules = _pick_rules(rng, policy)
    if not rules:
        setattr(group, direction, [])
        return 'no %s rules in %s' % (direction, group.key)
    gone = rules.pop(rng.randrange(len(rules)))
    return 'removed from %s of %s: %s' % (direction, group.key,
                                          gone.lua('peer'))


def _add_rule(rng, policy, features):
    group, direction, rules = _pick_rules(rng, policy)
    rule = _rule(rng, direction, features)
    if rules is None:
        group.egress = rules = []
    rules.insert(rng.randint(0, len(rules)), rule)
    return 'added to %s of %s: %s' % (direction, group.key, rule.lua('peer'))


def _change_members(rng, policy, _features):
    key = rng.choice(list(policy.members))
    policy.members[key] = _prefixes(rng)
    return 'members of %s: %s' % (key, policy.members[key])


def _change_list(rng, policy, _features):
    name = rng.choice(LISTS)
    policy.lists[name] = _prefixes(rng)
    return 'prefix_list %s: %s' % (name, policy.lists[name])


def _new_group(rng, policy, features):
    key = _pick_key(rng, policy)
    policy.groups[key] = random_policy(rng, features).groups[key]
    return 'all rules of %s' % key


def _change_all(rng, policy, features):
    other = random_policy(rng, features)
    policy.groups, policy.lists, policy.members = (
        other.groups, other.lists, other.members)
    return 'everything'
