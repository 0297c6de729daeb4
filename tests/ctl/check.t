#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""`ovs-sgctl check': every error of a policy's author is one line with place
and remedy, all of them in one go."""
import json
import os
import re

from offline import TOP, Folder, equal, holds, run, sgctl, test

# CONTRACT section 3.
with open(os.path.join(TOP, 'examples', 'three-tier.lua')) as f:
    EXAMPLE = f.read()

# Line by line, what an author can get wrong, and what the message must hold.
MISTAKES = [
    ('grup "x" { }', ['unknown word', 'grup', 'did you mean']),
    ('group "a" {', None),
    ('  ingress = {', None),
    ('    tcp { "http", from = any },', ['"http"', 'port']),
    ('    tcp { 0, from = any },', ['port 0', '1 to 65535']),
    ('    tcp { 65536, from = any },', ['port 65536', '1 to 65535']),
    ('    tcp { "90-80", from = any },', ['reversed', '"80-90"']),
    ('    tcp { 22, from = "203.0.113.0/33" },', ['0 to 32']),
    ('    tcp { 22, from = "300.0.0.1" },', ['"300.0.0.1"']),
    ('    tcp { 22, from = "10.0.0.1/8" },', ['10.0.0.0/8']),
    ('    tcp { 22, to = any },', ['"to"', 'write "from"']),
    ('    tcp { 22 },', ['no "from"', 'from = any']),
    ('    tcp { 22, from = group "wbe" },', ['"wbe" is not defined',
                                             'did you mean "web"?']),
    ('    tcp { 22, from = 7 },', ['number']),
    ('    tcp { 22, form = any, from = any },', ['form', 'did you mean']),
    ('    icmp { "echo-requst", from = any },', ['echo-request']),
    ('    ip { protocol = 256, from = any },', ['0 to 255']),
    ('    tcp { 22, from = any, family = "ipx" },', ['"ipx"', 'ipv4']),
    ('    "ssh",', None),       # Reported with the group.
    ('  },', None),
    ('}', None),
    ('group "web" { }', None),
    ('group "web" { }', ['"web" is defined twice', ':22']),
    ('group "a name" { }', ['"a name"', 'no name']),
    ('members "web" { "2001:db8::/129" }', ['0 to 128']),
    ('members "gone" { "192.0.2.1" }', ['"gone" is not defined']),
]


@test('the example of the contract is clean')
def _():
    folder = Folder()
    result = sgctl(folder, 'check', folder.write('example.lua', EXAMPLE))
    equal((result.status, result.out, result.err), (0, '', ''), result)


@test('every mistake is reported, each with place and remedy, in one go')
def _():
    folder = Folder()
    path = folder.write('bad.lua', ''.join(m[0] + '\n' for m in MISTAKES))
    result = sgctl(folder, 'check', path)
    equal(result.status, 1, result)
    equal(result.err, '', result)
    messages = {}
    for line in result.out.splitlines():
        place = re.match(re.escape(path) + r':(\d+): (.*)', line)
        holds(place, 'not FILE:LINE: message: ' + line)
        messages.setdefault(int(place[1]), []).append(place[2])
    for number, (text, parts) in enumerate(MISTAKES, 1):
        for part in parts or ():
            holds(any(part in m for m in messages.get(number, ())),
                  'line %d (%s) should say %s\n%s'
                  % (number, text.strip(), part, result))
    holds(any('where a rule belongs' in m for m in messages[2]),
          result)
    for number in messages:
        holds(MISTAKES[number - 1][1] or number == 2,
              'line %d should be fine\n%s' % (number, result))


@test('errors of several files come together, sorted by place')
def _():
    folder = Folder()
    folder.write('p/b.lua', 'group "y" { ingress = { tcp { 1 } } }\n')
    folder.write('p/a.lua', '\ngroup "x" { ingress = { tcp { 2 } } }\n')
    folder.write('p/not-a-policy.txt', 'nonsense')
    result = sgctl(folder, 'check', os.path.join(folder.path, 'p'))
    equal(result.status, 1, result)
    places = [line.split(': ')[0] for line in result.out.splitlines()]
    equal(places, [os.path.join(folder.path, 'p', name)
                   for name in ('a.lua:2', 'b.lua:1')], result)


@test('files refer to each other in any order')
def _():
    folder = Folder()
    one = folder.write('1.lua', 'group "x" { ingress = '
                       '{ tcp { 1, from = group "y" } } }')
    two = folder.write('2.lua', 'group "y" { ingress = '
                       '{ tcp { 1, from = group "x" } } }')
    for paths in (one, two), (two, one):
        result = sgctl(folder, 'check', *paths)
        equal((result.status, result.out), (0, ''), result)
    equal(sgctl(folder, 'check', one).status, 1)


@test('Lua that does not parse, or that raises, is an error with its place')
def _():
    folder = Folder()
    for text in ('group "x" {{\n', 'error("stop")\n',
                 'local x = nil; x.y = 1\n', '\n-- \0\n', '\n-- \udcff\n'):
        path = folder.write('x.lua', text)
        result = sgctl(folder, 'check', path)
        equal(result.status, 1, result)
        holds(re.match(re.escape(path) + r':\d+: ', result.out), result)


@test('a policy that never ends is stopped')
def _():
    folder = Folder()
    path = folder.write('x.lua', 'while true do pcall(function() end) end\n')
    result = sgctl(folder, 'check', path, timeout=60)
    equal(result.status, 1, result)
    holds(path in result.out, result)


@test('a folder without policies is told of')
def _():
    folder = Folder()
    folder.write('p/policy.d/web.lua', 'group "web" {}\n')
    result = sgctl(folder, 'check', os.path.join(folder.path, 'p'))
    equal((result.status, result.out), (0, ''), result)
    holds('warning: this folder holds no *.lua' in result.err, result)
    result = sgctl(folder, 'check', os.path.join(folder.path, 'p/policy.d'))
    equal((result.status, result.out, result.err), (0, '', ''), result)


@test('a path that is not there is an error')
def _():
    folder = Folder()
    result = sgctl(folder, 'check', os.path.join(folder.path, 'gone.lua'))
    equal(result.status, 1, result)
    holds('gone.lua: ' in result.out, result)


@test('warnings go to standard error and do not count')
def _():
    folder = Folder()
    path = folder.write('x.lua', 'group "x" { ingress = {\n'
                        '  tcp { 22, from = any },\n'
                        '  tcp { from = any },\n} }\n')
    result = sgctl(folder, 'check', path)
    equal((result.status, result.out), (0, ''), result)
    holds(result.err.startswith(path + ':2: warning: '), result)


@test('a rule that is shadowed by one out of a template is shown both chains')
def _():
    folder = Folder()
    path = folder.write('x.lua', 'local function ssh(peer)\n'
                        '  return tcp { 22, from = peer }\nend\n'
                        'group "x" { ingress = {\n  ssh(any),\n'
                        '  ssh "10.0.0.1",\n  tcp { 22, from = any },\n} }\n')
    result = sgctl(folder, 'check', path)
    equal(result.status, 0, result)
    equal(result.err.replace(path, 'x.lua').splitlines(), [
        'x.lua:2: warning: this rule allows nothing that the one at x.lua:2 '
        '(called from x.lua:5) does not allow already (called from x.lua:6)',
        'x.lua:7: warning: this is the same rule as the one at x.lua:2 '
        '(called from x.lua:5)'], result)


GROUPS = '''
group "web" { ingress = { tcp { 80, from = group "lb" } } }
group "lb" { ingress = { tcp { 80, from = { any, group "lb" } } } }
group "db" { ingress = { tcp { 1, from = group "web" },
                         tcp { 2, from = group "web" },
                         tcp { 3, from = { group "app", group "web" } } } }
group "app" { egress = {} }
group "spare" {}
group "batch" {}
members "batch" { "10.0.0.9" }
'''


def with_ports(policy, *ports):
    folder = Folder()
    path = folder.write('x.lua', policy)
    facts = folder.write('ports.json', json.dumps({'ports': [
        {'name': name, 'external_ids': {'sg-groups': groups, **ids}}
        for name, groups, ids in ports]}))
    result = sgctl(folder, 'check', path, '--ports=' + facts)
    equal((result.status, result.out), (0, ''), result)
    return result.err.replace(folder.path + '/', '').splitlines()


@test('with ports: groups that stand for nobody, where they are named first')
def _():
    no_members = 'x.lua:%d: warning: group %s has no members: no port is in ' \
                 'it and no "members" names it'
    unused = 'x.lua:%d: warning: group "%s" is not used: no port is in it ' \
             'and no rule names it'
    equal(with_ports(GROUPS, ('a', 'web', {}), ('b', 'db', {})),
          [no_members % (2, 'lb'), no_members % (6, 'app'),
           unused % (8, 'spare')])
    equal(with_ports(GROUPS, ('a', 'lb spare', {}), ('b', 'app,web', {})),
          [unused % (4, 'db')])


@test('with ports: a group of each network by itself')
def _():
    policy = '''
group "front" {}
network "blue" { group "web" { ingress = { tcp { 1, from = group "front" } } } }
network "red" { group "web" { ingress = {
  tcp { 1, from = network "blue".group "web" } } } }
'''
    blue, red = {'sg-network': 'blue'}, {'sg-network': 'red'}
    equal(with_ports(policy, ('a', 'web', red), ('b', 'front', red)),
          ['x.lua:3: warning: group front has no members: no port is in it '
           'and no "members" names it',
           'x.lua:5: warning: group blue/web has no members: no port is in it '
           'and no "members" names it'])
    equal(with_ports(policy, ('a', 'web', red), ('b', 'front web', blue)), [])
    equal(with_ports(policy, ('a', 'web', blue), ('b', 'front', blue)),
          ['x.lua:4: warning: group "red/web" is not used: no port is in it '
           'and no rule names it'])


@test('with ports: those that would be in error; a bad file fails')
def _():
    (line,) = with_ports('group "web" {}', ('a', 'web', {}), ('b', 'wbe', {}))
    holds(line.startswith('ports.json: warning: b would be in error: group '
                          '"wbe"'), line)
    folder = Folder()
    path = folder.write('x.lua', '')
    result = sgctl(folder, 'check', path, '--ports=/gone.json')
    equal(result.status, 1, result)
    holds('/gone.json' in result.err, result)


@test('as JSON, errors and warnings are one list')
def _():
    folder = Folder()
    path = folder.write('x.lua', 'group "x" { ingress = {\n'
                        '  tcp { 22, from = any },\n'
                        '  tcp { from = any },\n} }\n')
    result = sgctl(folder, '--format=json', 'check', path)
    equal(result.status, 0, result)
    (warning,) = json.loads(result.out)
    equal((warning['file'], warning['line'], warning['severity']),
          (path, 2, 'warning'), result)
    result = sgctl(folder, 'check', folder.write('y.lua', 'grup "x" { }'),
                   '--format=json')
    equal(result.status, 1, result)
    (error,) = json.loads(result.out)
    equal((error['line'], error['severity']), (1, 'error'), result)
    holds('grup' in error['message'], result)


run()
