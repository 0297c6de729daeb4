#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Turns a policy-neutral scenario into a policy and ports for ovs-sg.

    scenario_to_sg.py SCENARIO.json DIRECTORY [--bridge NAME]

The scenario names no mechanism (see bench/README.md for its form), so the
same file can be given to other implementations of security groups.  Writes

    DIRECTORY/policy.lua   for `ovs-sgctl check', `compile' and ovs-sgd
    DIRECTORY/ports.json   for `ovs-sgctl compile --ports=FILE'

Rules there say "nothing may leave" by having no egress rule, so a group
without one becomes `egress = {}'.
"""

import argparse
import json
import os
import sys

FAMILIES = {'IPv4': 'ipv4', 'IPv6': 'ipv6'}


def lua_string(text):
    """A Lua string: printable ASCII as it is, all else by its bytes."""
    return '"%s"' % ''.join(
        chr(b) if 32 <= b < 127 and b not in b'"\\' else '\\%03d' % b
        for b in text.encode())


def peer(remote):
    if 'group' in remote:
        return 'group %s' % lua_string(remote['group'])
    return lua_string(remote['cidr']) if 'cidr' in remote else 'any'


def word(rule):
    """The constructor; ICMP is another protocol in each family."""
    if rule['protocol'] == 'icmp':
        return 'icmp6' if rule['ethertype'] == 'IPv6' else 'icmp'
    return {'any': 'all'}.get(rule['protocol'], rule['protocol'])


def rule_to_lua(rule):
    fields = []
    low, high = rule['port_min'], rule['port_max']
    if low is not None:
        fields.append(str(low) if low == high else '"%d-%d"' % (low, high))
    side = 'from' if rule['direction'] == 'ingress' else 'to'
    fields.append('%s = %s' % (side, peer(rule['remote'])))
    if 'cidr' not in rule['remote'] and rule['protocol'] != 'icmp':
        fields.append('family = "%s"' % FAMILIES[rule['ethertype']])
    return '%s { %s }' % (word(rule), ', '.join(fields))


def group_to_lua(group):
    yield 'group %s {' % lua_string(group['name'])
    yield '  description = %s,' % lua_string(group['description'])
    for direction in 'ingress', 'egress':
        yield '  %s = {' % direction
        for rule in group['rules']:
            if rule['direction'] == direction:
                yield '    %s,' % rule_to_lua(rule)
        yield '  },'
    yield '}'


def remote_addresses(scenario):
    """{group: [address, ...]} of members on other hypervisors."""
    members = {}
    for remote in scenario['remote_members']:
        for group in remote['groups']:
            members.setdefault(group, []).extend(remote['ips'])
    return members


def members_to_lua(scenario, files):
    for group, addresses in sorted(remote_addresses(scenario).items()):
        yield 'members %s {' % lua_string(group)
        if group in files:
            yield '  addresses "remote" { file = %s },' % lua_string(
                files[group])
            addresses = ()
        for address in addresses:
            yield '  %s,' % lua_string(address)
        yield '}'


def policy(scenario, files=()):
    """'files' has the groups whose members are read from a file while the
    agent runs, with its path."""
    yield '-- scenario %s, scale %s, seed %s' % (
        scenario['name'], scenario['scale'], scenario['seed'])
    for group in scenario['groups']:
        yield ''
        yield from group_to_lua(group)
    yield ''
    yield from members_to_lua(scenario, files)


def ports(scenario, bridge):
    return {
        'bridges': {bridge: {'fail_mode': 'secure',
                             'external_ids': {'sg-enable': 'true'}}},
        'ports': [{'name': port['name'], 'bridge': bridge, 'ofport': i,
                   'external_ids': {
                       'sg-groups': ' '.join(port['groups']),
                       'attached-mac': port['mac'],
                       'sg-addresses': ' '.join(port['ips'])}}
                  for i, port in enumerate(scenario['ports'], start=1)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('scenario', help='file, or - for standard input')
    parser.add_argument('directory', help='where to write to; is created')
    parser.add_argument('--bridge', default='br-int')
    args = parser.parse_args()

    with (sys.stdin if args.scenario == '-' else open(args.scenario)) as f:
        scenario = json.load(f)
    os.makedirs(args.directory, exist_ok=True)
    with open(os.path.join(args.directory, 'policy.lua'), 'w') as f:
        f.writelines(line + '\n' for line in policy(scenario))
    with open(os.path.join(args.directory, 'ports.json'), 'w') as f:
        json.dump(ports(scenario, args.bridge), f, indent=1)
        f.write('\n')


if __name__ == '__main__':
    main()
