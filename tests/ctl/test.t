#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""`ovs-sgctl test': what a policy test says is held against the policy, and
whatever keeps it from being so is a failure with its place."""
import re

from offline import Folder, equal, holds, run, sgctl, test

POLICY = '''
group "web" { ingress = { tcp { { 80, 443 }, from = any } } }
group "db" { ingress = { tcp { 5432, from = group "web" },
                         icmp { "echo-request", from = any },
                         ip { protocol = 47, from = group "web" } },
             egress = {} }
bind { groups = { "db" }, where = { name = "tap-db*" } }
bind(function(port)
  if port.tag == 7 then return { "web", "db" } end
  if port.tag == 8 then error("no groups for VLAN 8") end
end)
'''

PORTS = '''
policy "../policy.lua"
ports {
  web1 = { groups = "web", addresses = { "192.0.2.10", "2001:db8::10" } },
  ["tap-db1"] = { addresses = { "192.0.2.20", "2001:db8::20" } },
  web6 = { groups = "web", addresses = "2001:db8::11" },
  uplink = {},
}
'''


def run_test(text, *more, policy=POLICY):
    """Runs 'text', and files 'more', as tests below the policy."""
    folder = Folder()
    folder.write('policy.lua', policy)
    paths = [folder.write('tests/%d.lua' % i, t)
             for i, t in enumerate((text,) + more)]
    result = sgctl(folder, 'test', *paths)
    result.out = result.out.replace(folder.path + '/', '')
    points = [m[1] is None for m in
              re.finditer(r'^(not )?ok \d+ - ', result.out, re.M)]
    plan = re.findall(r'^1\.\.(\d+)$', result.out, re.M)
    equal(plan, [str(len(points))], result)
    equal(result.status, 0 if points and all(points) else 1, result)
    return result


def expect_good(text, n_points, **options):
    result = run_test(PORTS + text, **options)
    equal((result.status, result.out.count('ok ')), (0, n_points + 1), result)
    return result


def expect_bad(text, *parts, before=PORTS):
    """'text' makes one point, which fails and says 'parts'."""
    result = run_test(before + text)
    bad = re.findall(r'^not ok .*\n(?:#.*\n)*', result.out, re.M)
    equal(len(bad), 1, result)
    for part in parts:
        holds(part in bad[0], 'no %r in:\n%s' % (part, result.out))
    return result


@test('what is so passes')
def _():
    result = expect_good('''
      allowed { from = "web1", to = "tap-db1", tcp = 5432 }
      refused { from = "web1", to = "tap-db1", tcp = { 22, "5430-5431" } }
      refused { from = "tap-db1", to = "web1", tcp = { 80, 443 } }
      allowed { from = { "198.51.100.1", "2001:db8:9::1" }, to = "web1",
                tcp = 443, description = "everybody" }
      allowed { from = "198.51.100.1", to = "tap-db1", icmp = 8 }
      allowed { from = "198.51.100.1", to = "tap-db1",
                icmp = { "echo-request" } }
      refused { from = "web1", to = "tap-db1", icmp = 13,
                icmp6 = "echo-request", udp = 5432, sctp = 5432 }
      allowed { from = "web1", to = "tap-db1", ip = 47 }
      refused { from = "web1", to = "tap-db1", ip = { 46, 48 } }
      allowed { from = "192.0.2.10", to = "192.0.2.20", tcp = 5432 }''', 10)
    equal(result.out.splitlines()[:3], [
        'ok 1 - tests/0.lua:2: ../policy.lua loads',
        'ok 2 - tests/0.lua:10: web1 -> tap-db1 tcp 5432 allowed',
        'ok 3 - tests/0.lua:11: web1 -> tap-db1 tcp 22, tcp 5430, tcp 5431 '
        'refused'], result)
    holds('ok 5 - tests/0.lua:13: everybody: 198.51.100.1, 2001:db8:9::1 -> '
          'web1 tcp 443 allowed\n' in result.out, result)


@test('what is not so fails, and says which rule or that there is none')
def _():
    expect_bad('refused { from = "web1", to = "tap-db1", tcp = 5432 }',
               'not ok 2 - tests/0.lua:9: web1 -> tap-db1 tcp 5432 refused',
               '# allow: web1 (192.0.2.10) -> tap-db1 (192.0.2.20) tcp 5432',
               '# allow: web1 (2001:db8::10) -> tap-db1 (2001:db8::20)',
               '#   ingress: db ingress tcp 5432 from group web (', ':3)')
    expect_bad('allowed { from = "web1", to = "tap-db1", tcp = 22 }',
               '# deny: web1', '#   ingress: no rule')


@test('one wrong connection among right ones fails')
def _():
    expect_bad('refused { from = { "tap-db1", "web1" }, to = "tap-db1", '
               'tcp = "5400-5500" }', 'tcp 5432', ' and 98 more refused')
    expect_bad('allowed { from = "web1", to = "tap-db1", tcp = 5432, '
               'udp = 1 }', 'deny')
    result = expect_bad('allowed { from = "web1", to = "tap-db1", '
                        'tcp = "1-100" }', '# and 97 more')
    equal(result.out.count('# deny'), 6, result)


@test('families: each that both sides have, or the one that is named')
def _():
    four = 'policy "../policy.lua" ports { a = { groups = "x", ' \
           'addresses = { "10.0.0.1", "2001:db8::1" } } } '
    only = 'group "x" { ingress = { tcp { 1, from = any, family = "ipv4" } } }'
    world = '{ from = { "10.0.0.9" }, to = "a", tcp = 1 }'
    six = '{ from = "2001:db8::9", to = "a", tcp = 1 }'
    both = 'ports { b = { groups = "x", addresses = { "10.0.0.2", ' \
           '"2001:db8::2" } } } '
    result = run_test(four + 'allowed' + world + 'refused' + six + both
                      + 'allowed { from = "b", to = "a", tcp = 1, family = '
                      '"ipv4" } refused { from = "b", to = "a", tcp = 1, '
                      'family = "ipv6" }', policy=only)
    equal(result.status, 0, result)
    for word in 'allowed', 'refused':
        result = run_test(four + both + word + ' { from = "b", to = "a", '
                          'tcp = 1 }', policy=only)
        equal(result.status, 1, result)
    expect_bad('refused { from = "web6", to = "tap-db1", tcp = 1, '
               'family = "ipv4" }', 'IPv4')


@test('pairs without a common family are left out, but nobody else is')
def _():
    expect_good('''
      refused { from = { "198.51.100.1", "2001:db8:9::1" }, tcp = 22,
                to = { "web1", "web6" } }
      allowed { from = { "198.51.100.1", "2001:db8:9::1" }, to = "web1",
                tcp = { 80, 443 } }''', 2)
    expect_bad('refused { from = { "198.51.100.1", "web1" }, to = "web6", '
               'tcp = 22 }', '198.51.100.1 and web6 do not both')
    expect_bad('refused { from = "web1", to = "web6", tcp = 22, icmp = 8 }',
               'IPv4')


@test('a port that is not known, not guarded or in error fails every test')
def _():
    expect_bad('refused { from = "web9", to = "tap-db1", tcp = 1 }',
               '"web9" is neither')
    expect_bad('refused { from = "uplink", to = "tap-db1", tcp = 1 }',
               'uplink is not guarded')
    expect_bad('ports { x = { groups = "wbe", addresses = "192.0.2.9" } }\n'
               'refused { from = "x", to = "tap-db1", tcp = 1 }',
               'x is in error', 'wbe')
    expect_bad('ports { x = { tag = 8, addresses = "192.0.2.9" } }\n'
               'refused { from = "x", to = "tap-db1", tcp = 1 }',
               'no groups for VLAN 8')


@test('groups: which groups a port is in, by sg-groups and by bind')
def _():
    expect_good('''
      ports { v7 = { tag = 7 },
              v8 = { external_ids = { ["sg-groups"] = "web, db" } } }
      groups { web1 = "web", ["tap-db1"] = { "db" }, uplink = false,
               v7 = { "web", "db" }, v8 = { "db", "web" } }''', 5)
    expect_bad('groups { web1 = { "db" } }', 'it is in: web')
    expect_bad('groups { web1 = { } }', 'it is in: web')
    expect_bad('groups { web1 = false }', 'it is guarded')
    expect_bad('groups { uplink = "web" }', 'it is not guarded')
    expect_bad('groups { gone = "web" }', 'no port')
    expect_bad('ports { v8 = { tag = 8 } } groups { v8 = "web" }',
               'no groups for VLAN 8')


@test('ports and members count from where they stand; a port may be replaced')
def _():
    expect_good('''
      refused { from = "198.51.100.1", to = "tap-db1", tcp = 5432 }
      members "web" { "198.51.100.1", "2001:db8:1::/48" }
      allowed { from = "198.51.100.1", to = "tap-db1", tcp = 5432 }
      allowed { from = "2001:db8:1::1", to = "tap-db1", tcp = 5432 }
      ports { web1 = { groups = "db", addresses = "192.0.2.10" } }
      refused { from = "web1", to = "tap-db1", tcp = 5432 }
      policy "../policy.lua"
      ports { ["tap-db1"] = { addresses = "192.0.2.20" } }
      refused { from = "198.51.100.1", to = "tap-db1", tcp = 5432 }''', 6)
    result = run_test(PORTS + 'members "wbe" { "198.51.100.1" }')
    equal(result.status, 1, result)
    holds('"wbe" is not defined' in result.out, result)


@test('addresses: a test gives the value, which is empty before')
def _():
    policy = POLICY + '''
      addresses "crm" { dns = "crm.example.net", interval = 60 }
      addresses "inventory" { file = "/etc/inventory" }
      group "office" { egress = { tcp { 443, to = addresses "crm" } } }
      members "web" { addresses "inventory" }
    '''
    expect_good('''
      ports { pc = { groups = "office", addresses = { "10.0.0.1",
                                                      "2001:db8:1::1" } } }
      refused { from = "pc", to = "198.51.100.1", tcp = 443 }
      refused { from = "198.51.100.8", to = "tap-db1", tcp = 5432 }
      addresses "crm" { "198.51.100.1", "2001:db8:9::/64" }
      addresses "inventory" { "198.51.100.8" }
      allowed { from = "pc", to = { "198.51.100.1", "2001:db8:9::9" },
                tcp = 443 }
      refused { from = "pc", to = "198.51.100.2", tcp = 443 }
      allowed { from = "198.51.100.8", to = "tap-db1", tcp = 5432 }
      addresses "crm" { "198.51.100.2" }
      refused { from = "pc", to = "198.51.100.1", tcp = 443 }
      allowed { from = "pc", to = "198.51.100.2", tcp = 443 }
      addresses "crm" { }
      refused { from = "pc", to = "198.51.100.2", tcp = 443 }
    ''', 8, policy=policy)
    for text, part in (('addresses "crn" { }', 'did you mean "crm"?'),
                       ('addresses "crm" { "10.0.0.1/8" }', '10.0.0.0/8')):
        result = run_test(PORTS + text, policy=policy)
        holds('not ok 2 ' in result.out and part in result.out, result)


@test('members of one network')
def _():
    expect_good('''
      ports { ["tap-db-a"] = { network = "a", addresses = "10.0.0.2" },
              ["tap-db-b"] = { network = "b", addresses = "10.0.0.3" } }
      members "web" { network = "a", "10.0.0.9" }
      allowed { from = "10.0.0.9", to = "tap-db-a", tcp = 5432 }
      refused { from = "10.0.0.9", to = "tap-db-b", tcp = 5432 }''', 2)


@test('networks: the same address twice is two hosts, named by their ports')
def _():
    expect_good('''
      ports { a = { groups = "web", network = "a", addresses = "10.0.0.1" },
              ["tap-db-a"] = { network = "a", addresses = "10.0.0.2" },
              b = { groups = "web", network = "b", addresses = "10.0.0.1" },
              ["tap-db-b"] = { network = "b", addresses = "10.0.0.2" } }
      allowed { from = "a", to = "tap-db-a", tcp = 5432 }
      allowed { from = "b", to = "tap-db-b", tcp = 5432 }''', 2)
    expect_bad('''
      ports { a = { groups = "web", network = "a", addresses = "10.0.0.1" },
              b = { groups = "web", network = "b", addresses = "10.0.0.1" } }
      refused { from = "10.0.0.1", to = "tap-db1", tcp = 5432 }''',
               'two networks')


@test('a policy that does not load fails, with its errors')
def _():
    result = run_test('policy { "../policy.lua", "../gone.lua" }\n'
                      'refused { from = "a", to = "b", tcp = 1 }')
    equal(result.status, 1, result)
    holds('not ok 1 - tests/0.lua:1: ../policy.lua, ../gone.lua load\n'
          in result.out and 'gone.lua: cannot be read' in result.out, result)
    holds('not ok 2' in result.out and 'did not load' in result.out, result)
    result = run_test('policy "../policy.lua"', policy='\ngrup "x" {}\n')
    holds('policy.lua:2: unknown word "grup"' in result.out, result)


@test('warnings of the policy are shown and do not fail')
def _():
    result = run_test('policy "../policy.lua"',
                      policy='prefix_list "unused" { "10.0.0.0/8" }')
    equal(result.status, 0, result)
    holds('# ' in result.out and 'policy.lua:1: warning: ' in result.out,
          result)


@test('without a policy nothing passes')
def _():
    expect_bad('refused { from = "10.0.0.1", to = "10.0.0.2", tcp = 1 }',
               'no policy is named', before='')
    result = run_test('-- nothing\n')
    equal(result.status, 1, result)
    holds('tests something' in result.out, result)


MISTAKES = [
    ('alowed { }', ['unknown word "alowed"; did you mean "allowed"?']),
    ('group "x" { }', ['"group" is not available']),
    ('allowed { from = "a", tcp = 1 }', ['has no "to"']),
    ('allowed { from = "a", to = "b" }', ['says no protocol']),
    ('allowed { from = "a", to = "b", tcp = 0 }', ['1 to 65535', '(0)']),
    ('allowed { from = "a", to = "b", tcp = "9-1" }', ['"9-1"']),
    ('allowed { from = "a", to = "b", tcp = "1-65535" }', ['more than']),
    ('allowed { from = "a", to = "b", ip = 256 }', ['0 to 255']),
    ('allowed { from = "a", to = "b", tpc = 1, tcp = 1 }',
     ['no key "tpc"; did you mean "tcp"?']),
    ('allowed { from = 7, to = "b", tcp = 1 }', ['from of allowed', '(7)']),
    ('allowed { from = "a", to = "b", tcp = 1, family = "ipx" }', ['"ipv6"']),
    ('allowed "a"', ['one table']),
    ('ports { { groups = "web" } }', ['port without a name']),
    ('ports { a = "web" }', ['port "a"', 'a table']),
    ('ports { a = { group = "web" } }', ['did you mean "groups"?']),
    ('policy { }', ['names no file']),
    ('members "web"', ['lacks its list']),
    ('addresses(7) { "10.0.0.1" }', ['a string', '(7)']),
    ('members "web" "db"', ['one table']),
    ('groups { { "web" } }', ['without the name of a port']),
    ('x = 1', ['global variable']),
]


@test('every mistake in a test file is reported, and nothing is run')
def _():
    result = run_test(''.join(text + '\n' for text, _ in MISTAKES))
    equal(result.out.splitlines()[0],
          'not ok 1 - tests/0.lua: can be read', result)
    for number, (text, parts) in enumerate(MISTAKES, 1):
        lines = re.findall(r'^# tests/0.lua:%d: (.*)$' % number, result.out,
                           re.M)
        equal(len(lines), 1, '%s\n%s' % (text, result))
        for part in parts:
            holds(part in lines[0], 'no %r: %s' % (part, lines[0]))
    result = run_test('allowed {{\n')
    holds('# tests/0.lua:' in result.out, result)
    result = run_test('while true do end')
    holds('stopped' in result.out, result)


@test('table-driven: the place is that of the word, and the callers follow')
def _():
    result = run_test(PORTS + '''
      local function open(from, to, port)
        allowed { from = from, to = to, tcp = port }
      end
      for _, port in ipairs { 5432, 22 } do
        open("web1", "tap-db1", port)
      end''')
    equal(result.status, 1, result)
    holds('ok 2 - tests/0.lua:11: web1 -> tap-db1 tcp 5432 ' in result.out,
          result)
    holds('not ok 3 - tests/0.lua:11: ' in result.out
          and '# called from tests/0.lua:14\n' in result.out.replace(
              ', called', ', x'), result)


@test('a word whose place cannot be known works')
def _():
    folder = Folder()
    policy = folder.write('policy.lua', POLICY)
    path = folder.write('tests/a.lua', 'coroutine.wrap(policy)("%s")\n'
                        'coroutine.wrap(refused) { from = "10.0.0.1", '
                        'to = "10.0.0.2", tcp = 1 }\n' % policy)
    result = sgctl(folder, 'test', path)
    equal(result.status, 1, result)
    holds(result.out.startswith('ok 1 - ') and 'not ok 2 - ' in result.out,
          result)


@test('test files may share modules')
def _():
    folder = Folder()
    folder.write('policy.lua', POLICY)
    folder.write('tests/site/world.lua', 'return { "198.51.100.1" }')
    path = folder.write('tests/a.lua', PORTS + 'local world = require '
                        '"site.world" refused { from = world, to = "tap-db1", '
                        'tcp = 5432 }')
    result = sgctl(folder, 'test', path)
    equal((result.status, result.out.count('ok ')), (0, 2), result)


@test('several files, and folders, are one TAP stream')
def _():
    one = 'policy "../policy.lua"\n'
    result = run_test(one, one, PORTS + 'refused { from = "198.51.100.1", '
                      'to = "web1", tcp = 80 }', one)
    holds('ok 5 - tests/3.lua:1' in result.out and 'not ok 4 ' in result.out,
          result)
    folder = Folder()
    folder.write('policy.lua', POLICY)
    for name in 'b', 'a':
        folder.write('tests/%s.lua' % name, one)
    result = sgctl(folder, 'test', folder.path + '/tests')
    equal(result.status, 0, result)
    equal(re.findall(r'/(\w).lua:1', result.out), ['a', 'b'], result)
    result = sgctl(folder, 'test', folder.path + '/gone')
    equal(result.status, 1, result)


@test('usage errors exit with 2')
def _():
    folder = Folder()
    equal(sgctl(folder, 'test').status, 2)
    equal(sgctl(folder, '--format=json', 'test', 'x.lua').status, 2)


run()
