#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""`ovs-sgctl compile': the compiler without a switch."""
import json
import os
import re

from offline import TOP, Folder, command, equal, holds, run, sgctl, test

POLICY = '''group "web" { ingress = { tcp { 80, from = any } } }
group "db" {
  ingress = { tcp { 5432, from = group "web" } },
  egress = {},
}
members "web" { "192.0.2.10" }
'''


def port(name, groups, number, **more):
    ids = {'sg-groups': groups, 'attached-mac': '52:54:00:00:00:%02x' % number,
           'sg-addresses': '10.0.0.%d' % number}
    return dict({'name': name, 'bridge': 'br0', 'external_ids': ids}, **more)


PORTS = {'ports': [port('tap1', 'web', 1), port('tap2', 'db', 2),
                   port('tap3', 'gone', 3),
                   {'name': 'eth0', 'bridge': 'br0'}]}


def compile_(*args, policy=POLICY, ports=PORTS):
    folder = Folder()
    return sgctl(folder, 'compile', folder.write('p.lua', policy),
                 '--ports=' + folder.write('ports.json', json.dumps(ports)),
                 *args)


def stage(name, **more):
    result = compile_('--stage=' + name, **more)
    equal((result.status, result.err), (0, ''), result)
    return result.out


@test('every stage that the manual page names prints something')
def _():
    with open(os.path.join(TOP, 'man', 'ovs-sgctl.8')) as f:
        page = f.read()
    stages = re.search(r'fIstage\\fR is one of\n(.*?)\.RE', page, re.S)[1]
    names = re.findall(r'\\fB([a-z]+)\\fR', re.sub(r'^[^.].*', '', stages,
                                                   flags=re.M))
    holds({'policy', 'ports', 'profiles', 'classes', 'cells', 'fragments',
           'flows', 'counts'} <= set(names), names)
    for name in names:
        holds(stage(name).strip(), name)


@test('stage policy: identity, canonical text and place of each rule')
def _():
    lines = stage('policy').splitlines()
    (line,) = [text for text in lines if '5432' in text]
    holds(re.match(r'[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f-]{17} '
                   r'db ingress tcp 5432 .*web.*p\.lua:3$', line), line)


@test('stage ports: what became of each interface')
def _():
    lines = {line.split()[0]: line for line in stage('ports').splitlines()}
    holds(lines['tap1'].startswith('tap1 guarded '), lines)
    holds('groups=web' in lines['tap1'], lines)
    holds('addresses=10.0.0.1' in lines['tap1'], lines)
    holds(lines['eth0'].startswith('eth0 trusted '), lines)
    holds(lines['tap3'].startswith('tap3 error ') and '"gone"' in
          lines['tap3'], lines)


@test('every stage tells the networks of groups apart')
def _():
    policy = '''
network "blue" { group "web" { ingress = { tcp { 80, from = any } } } }
network "red" {
  group "web" {
    ingress = {
      tcp { 81, from = group "web" },
      tcp { 82, from = network "blue".group "web" },
    },
    egress = {},
  },
  members "web" { "192.0.2.9" },
}
'''
    ports = {'ports': [port('tap1', 'web', 1), port('tap2', 'web', 2),
                       port('tap3', 'web', 3)]}
    for n, network in enumerate(('blue', 'red', 'green')):
        ports['ports'][n]['external_ids']['sg-network'] = network

    def lines(name):
        return stage(name, policy=policy, ports=ports)
    for name, texts in (
            ('policy', ('blue/web ingress tcp 80 from any',
                        'red/web ingress tcp 81 from group web',
                        'red/web ingress tcp 82 from group blue/web')),
            ('ports', ('tap3 error ', 'not defined in network "green"')),
            ('profiles', ('blue/web', 'red/web')),
            ('fragments', ('ingress red/web group blue/web',
                           'ingress red/web group web',
                           'ingress blue/web any')),
            ('classes', (': ingress: group web\n',
                         ': ingress: group blue/web\n'))):
        out = lines(name)
        for text in texts:
            holds(text in out, (name, out))
    # Of red's members two, and of blue's one, and all of them in red.
    flows = [line for line in lines('flows').splitlines()
             if 'table=136,' in line]
    equal(sorted(re.search('nw_src=([0-9.]+)', f)[1] for f in flows),
          ['10.0.0.1', '10.0.0.2', '192.0.2.9'], flows)


@test('stage flows: our cookie on every flow, nothing at priority 0 of table 0')
def _():
    lines = stage('flows').splitlines()
    holds(len(lines) > 50, len(lines))
    for line in lines:
        holds(re.search(r'cookie=0x5347[0-9a-f]{12},', line), line)
        if 'table=0,' in line:
            holds(re.search(r'priority=[1-9]', line), line)


@test('the order of statements and of ports makes no difference')
def _():
    lines = POLICY.splitlines()
    shuffled = '\n'.join(lines[1:5] + lines[5:] + lines[:1])
    numbered = [dict(p, ofport=n, uuid='%08d-0000-4000-8000-000000000000' % n)
                for n, p in enumerate(PORTS['ports'], 1)]
    one = stage('flows', ports={'ports': numbered})
    two = stage('flows', policy=shuffled, ports={'ports': numbered[::-1]})
    different = set(one.splitlines()) ^ set(two.splitlines())
    holds(not different, '\n'.join(sorted(different)[:10]))


@test('counts are those of the flows')
def _():
    total = re.search(r'^all +(\d+)', stage('counts'), re.M)
    equal(int(total[1]), len(stage('flows').splitlines()))


@test('--bridge picks one bridge; without, each has its heading')
def _():
    ports = {'ports': [port('tap1', 'web', 1),
                       port('tap2', 'db', 2, bridge='br1')]}
    both = stage('profiles', ports=ports)
    holds('# bridge br0\n' in both and '# bridge br1\n' in both, both)
    result = compile_('--stage=profiles', '--bridge=br1', ports=ports)
    holds('web' not in result.out and 'db' in result.out, result)
    result = compile_('--bridge=br9', ports=ports)
    equal(result.status, 1, result)
    holds('br9' in result.err, result)


@test('errors of the policy are printed, and nothing is compiled')
def _():
    result = compile_(policy='grup "x" { }')
    equal(result.status, 1, result)
    holds(re.fullmatch(r'.*p\.lua:1: .*\n', result.out), result)


@test('ports that cannot be read are told with their file')
def _():
    for ports in ['x'], {'ports': [{'bridge': 'br0'}]}, {'prots': []}, 'x':
        result = compile_(ports=ports)
        equal(result.status, 1, result)
        holds('ports.json: ' in result.err, result)
    folder = Folder()
    result = sgctl(folder, 'compile', folder.write('p.lua', POLICY),
                   '--ports=%s/gone' % folder.path)
    equal(result.status, 1, result)
    holds('/gone' in result.err, result)


def scenario(n_ports, n_members):
    """One group that names itself, and one that names it: the smallest thing
    in which a compiler that expands would multiply."""
    def rule(direction, remote, low=None):
        return {'direction': direction, 'ethertype': 'IPv4',
                'protocol': 'tcp' if low else 'any', 'port_min': low,
                'port_max': low, 'remote': remote}
    return {'name': 'mesh', 'scale': 1, 'seed': 1, 'groups': [
        {'name': 'a', 'description': 'a "quoted" name', 'rules': [
            rule('ingress', {'group': 'a'}), rule('egress', {'any': True})]},
        {'name': 'b', 'description': '', 'rules': [
            rule('ingress', {'group': 'a'}, low) for low in range(1, 6)]}],
        'ports': [{'name': 'vm%d' % i, 'mac': '02:00:00:00:00:%02x' % i,
                   'ips': ['10.0.0.%d' % i], 'groups': ['ab'[i % 2]]}
                  for i in range(1, n_ports + 1)],
        'remote_members': [{'name': 'rm%d' % i, 'mac': '', 'groups': ['a'],
                            'ips': ['10.1.%d.%d' % divmod(i, 256)]}
                           for i in range(n_members)]}


def count(n_ports, n_members):
    """Compiles a scenario; returns its counts."""
    folder = Folder()
    source = folder.write('s.json', json.dumps(scenario(n_ports, n_members)))
    made = command([os.path.join(TOP, 'bench', 'scenario_to_sg.py'), source,
                    os.path.join(folder.path, 'out')])
    equal(made.status, 0, made)
    result = sgctl(folder, 'compile', folder.path + '/out/policy.lua',
                   '--ports=%s/out/ports.json' % folder.path)
    equal(result.status, 0, result)
    return {name: int(n) for name, n in
            (line.split() for line in result.out.splitlines())}


@test('a remote member costs one flow, whatever the number of ports and rules')
def _():
    for n_ports in 2, 20:
        few, many = count(n_ports, 10), count(n_ports, 110)
        equal(many['all'] - few['all'], 100, (few, many))
        equal(many['class'] - few['class'], 100, (few, many))


@test('a port with a profile that exists costs at most 40 flows')
def _():
    few, many = count(20, 10), count(40, 10)
    holds(many['all'] - few['all'] <= 20 * 40, (few, many))
    equal((many['cell'], many['l4']), (few['cell'], few['l4']))


run()
