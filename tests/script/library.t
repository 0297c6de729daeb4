#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The library in lua/sg/: its services have the ports that the registry gives
them, its patterns make the rules that they promise, and what is wrong in a call
is said with the place of the call."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'ctl'))

from offline import TOP, Folder, equal, holds, run, sgctl, test  # noqa: E402

SOURCE = os.environ.get('SG_SRCDIR', TOP)
PREAMBLE = ('local services = require "sg.services" '
            'local patterns = require "sg.patterns" ')


def rules(text, warnings=False):
    """The rules of a policy, as text, without the groups' implicit ones."""
    folder = Folder()
    path = folder.write('x.lua', PREAMBLE + text)
    result = sgctl(folder, 'compile', '--stage=policy', path)
    equal(result.status, 0, result)
    holds(warnings or not result.err, result)
    found = re.findall(r'^\S+ (.*?)(?:  # (.*))?$', result.out, re.M)
    return [rule for rule, place in found
            if not rule.startswith('default ')]


def errors(text):
    """The errors of a policy, with lines of 'text', which begins in line 2."""
    folder = Folder()
    path = folder.write('x.lua', PREAMBLE + '\n' + text)
    result = sgctl(folder, 'check', path)
    equal(result.status, 1, result)
    return result.out.replace(path, 'x.lua').splitlines()


def service_names():
    """(name, the comment before it) of all services."""
    with open(os.path.join(SOURCE, 'lua/sg/services.lua')) as f:
        return re.findall(r'^(?:-- (.*)\.\n)?function services\.(\w+)\(t\)$',
                          f.read(), re.M)


def registry():
    """name -> {(protocol, port)}, out of /etc/services."""
    names = {}
    with open('/etc/services') as f:
        for line in f:
            words = line.split('#')[0].split()
            for name in words[:1] + words[2:]:
                port, proto = words[1].split('/')
                names.setdefault(name, set()).add((proto, int(port)))
    return names


@test('services have the ports of /etc/services, where it knows them')
def _():
    registered, checked = registry(), 0
    for comment, name in service_names():
        names = [name.replace('_', '-')] + re.split('[,:;] ', comment)
        known = set().union(*(registered.get(n, ()) for n in names))
        if name == 'ping' or comment == 'Customary' or not known:
            continue
        made = rules('group "x" { ingress = { services.%s { from = any } }, '
                     'egress = {} }' % name)
        pairs = {(proto, int(port)) for proto, ports in
                 (re.fullmatch(r'x ingress (\w+) ([\d,-]+) from any', r)
                  .groups() for r in made)
                 for port in re.split('[,-]', ports)}
        # It has few numbers for both protocols, though IANA has.
        holds(pairs & known and {port for _, port in pairs}
              <= {port for _, port in known}, '%s: %s' % (name, made))
        checked += 1
    holds(checked > 30, 'only %d were checked' % checked)


@test('every service makes rules for ingress and for egress')
def _():
    for _, name in service_names():
        made = rules('group "x" { ingress = { services.%s { from = "10.0.0.1"'
                     ' } }, egress = { services.%s { to = any, family = '
                     '"ipv4" } } }' % (name, name))
        holds(any(' ingress ' in r and 'from 10.0.0.1' in r for r in made)
              and any(' egress ' in r and 'to any' in r for r in made),
              '%s: %s' % (name, made))


@test('a service takes other ports, and what a rule takes')
def _():
    equal(rules('group "x" { ingress = { services.ssh { 2222, from = any, '
                'family = "ipv6" } }, egress = {} }'),
          ['x ingress tcp 2222 ipv6 from any'])
    equal(rules('group "x" { ingress = { services.tcp({ 1, "5-6" }, "mine") '
                '{ from = any }, services.sctp(9) { from = any }, '
                'services.udp(7) { 8, from = any } }, egress = {} }'),
          ['x ingress sctp 9 from any', 'x ingress tcp 1,5-6 from any',
           'x ingress udp 8 from any'])


@test('a call does not change the table that it is given')
def _():
    equal(rules('local t = { from = any } group "x" { ingress = { '
                'services.ssh(t), services.http(t) }, egress = {} }'),
          ['x ingress tcp 22 from any', 'x ingress tcp 80 from any'])


@test('whatever a service is called with, it never allows other ports')
def _():
    for table in ('setmetatable({ from = any }, {})',
                  'setmetatable({ from = any }, { __index = { 1 } })'):
        equal(rules('group "x" { ingress = { services.ssh(%s) }, egress = {} }'
                    % table), ['x ingress tcp 22 from any'])
    for table in ('setmetatable({ from = any }, { __metatable = false })',
                  'setmetatable({ 22 }, { __metatable = false })',
                  'any', 'group "x"', '{ false, from = any }', '{ {}, from = '
                  'any }', 'nil', '{ nil, 2, from = any }'):
        for service in 'ssh', 'rdp', 'ping', 'tcp(1)':
            errors('group "x" { ingress = { services.%s(%s) } }'
                   % (service, table))


@test('ping is of the families of its peers')
def _():
    def ping(peer):
        return [r[len('x ingress '):] for r in rules(
            'local l = prefix_list "l" { "10.0.0.0/8" } '
            'group "x" { ingress = { services.ping { %s } }, egress = {}, }'
            % peer, warnings=True)]
    v4, v6 = 'icmp 8', 'icmp6 128'
    for peer, protos in (
            ('from = any', [v4, v6]), ('from = "10.0.0.1"', [v4]),
            ('from = "2001:db8::1"', [v6]),
            ('from = { "10.0.0.1", { "2001:db8::1" } }', [v4, v6]),
            ('from = l', [v4, v6]), ('from = any, family = "ipv4"', [v4]),
            ('from = any, family = "ipv6"', [v6])):
        made = ping(peer)
        equal([' '.join(r.split()[:2]) for r in made], protos,
              '%s: %s' % (peer, made))


@test('errors have the place of the call')
def _():
    for text, *parts in (
            ('group "x" { ingress = { services.ssh { } } }',
             'no "from"', 'called from x.lua:2)'),
            ('group "x" { ingress = { services.ssh { from = any, form = 1 } '
             '} }', 'did you mean "from"?', 'called from x.lua:2)'),
            ('group "x" { ingress = { services.ping { } } }', 'no "from"'),
            ('group "x" { ingress = { services.ping { from = "10.0.0.1", '
             'family = "ipv6" } } }', 'called from x.lua:2)'),
            ('group "x" { ingress = { services.shh { from = any } } }',
             'x.lua:2: ', 'did you mean "ssh"?'),
            ('group "x" { ingress = { services.ssh "any" } }',
             'a string', 'called from x.lua:2)'),
            ('group "x" { ingress = { services.ssh(group "x") } }',
             'group "x"', 'called from x.lua:2)'),
            ('patterns.bastion { bastion = group "x" }',
             'x.lua:2: ', 'patterns.bastion needs "from"'),
            ('patterns.tier_to_tier { form = 1 }',
             'x.lua:2: ', 'no key "form"'),
            ('patterns.egress { htps = any }', 'x.lua:2: ', '"htps"'),
            ('patterns.egress { tcp = any }', 'x.lua:2: ', '"tcp"'),
            ('patterns.egress(any)', 'x.lua:2: ', 'one table'),
            ('patterns.monitored { from = any, service = "ssh" }',
             'function of sg.services, not a string', 'x.lua:2')):
        said = errors(text + '\ngroup "x" { }' if 'group "x" {' not in text
                      else text)
        for part in parts:
            holds(part in said[0], '%s\n%s' % (text, said))
    # A mistake that was reported already is not reported again.
    equal(len(errors('group "x" { ingress = { services.ping(anny),\n'
                     'services.dns(anny),\nservices.ssh { from = anny } } }')),
          3)


@test('the library cannot be changed')
def _():
    said = errors('services.ssh = nil\n'
                  'local other = require "sg.services"\n'
                  'group "x" { ingress = { other.shh { from = any } } }\n')
    holds('did you mean "ssh"?' in said[-1], said)


@test('patterns: tier_to_tier')
def _():
    equal(rules('local p = patterns.tier_to_tier { from = group "a", '
                'to = group "b", service = { services.postgres, '
                'services.tcp(1) } } group "a" { egress = { p.from } } '
                'group "b" { ingress = { p.to }, egress = {} }'),
          ['a egress tcp 1 to group b', 'a egress tcp 5432 to group b',
           'b ingress tcp 1 from group a', 'b ingress tcp 5432 from group a'])


@test('patterns: bastion')
def _():
    equal(rules('local p = patterns.bastion { bastion = group "j", '
                'from = "192.0.2.1", targets = { group "a", group "b" } } '
                'group "j" { ingress = p.bastion.ingress, egress = '
                'p.bastion.egress } group "a" { ingress = p.targets, '
                'egress = {} } group "b" { egress = {} }'),
          ['a ingress tcp 22 from group j',
           'j egress tcp 22 to group a,group b',
           'j ingress tcp 22 from 192.0.2.1'])


@test('patterns: load_balancer')
def _():
    equal(rules('local p = patterns.load_balancer { balancer = group "l", '
                'targets = group "w", listen = services.https, forward = '
                'services.http, health = services.tcp(9000) } '
                'group "l" { ingress = p.balancer.ingress, egress = '
                'p.balancer.egress } group "w" { ingress = p.targets, '
                'egress = {} }'),
          ['l egress tcp 80 to group w', 'l egress tcp 9000 to group w',
           'l ingress tcp 443 from any', 'w ingress tcp 80 from group l',
           'w ingress tcp 9000 from group l'])
    equal(rules('local p = patterns.load_balancer { balancer = group "l", '
                'targets = group "l", from = "10.0.0.1", listen = '
                'services.https, forward = services.http } '
                'group "l" { ingress = p.balancer.ingress, egress = '
                '{ p.balancer.egress, p.targets[2] } }', warnings=True),
          ['l egress tcp 80 to group l', 'l ingress tcp 443 from 10.0.0.1'])


@test('patterns: among, monitored, egress')
def _():
    equal(rules('group "c" { ingress = { patterns.among(group "c") }, '
                'egress = patterns.egress { https = any, dns = "10.0.0.1" } }'
                'group "d" { ingress = { patterns.among(group "d", '
                'services.etcd), patterns.monitored { from = "10.0.0.9" } }, '
                'egress = {} }'),
          ['c egress tcp 443 to any', 'c egress tcp 53 to 10.0.0.1',
           'c egress udp 53 to 10.0.0.1', 'c ingress all from group c',
           'd ingress icmp 8 from 10.0.0.9', 'd ingress tcp 2379 from group d',
           'd ingress tcp 9100 from 10.0.0.9'])


run()
