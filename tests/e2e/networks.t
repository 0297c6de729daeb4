#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Networks: two tenants on one bridge, with the same addresses and groups of
the same names, and other rules."""
from harness import Lab, frames, run, test

POLICY = '''
network "blue" {
  group "web" { ingress = { tcp { 80, from = group "cli" } } },
  group "cli" { ingress = {} },
  members "cli" { "192.0.2.50" },
}
network "red" {
  group "web" {
    ingress = {
      tcp { 81, from = group "cli" },
      tcp { 82, from = CROSS },
      tcp { 83, from = group "far" },
    },
  },
  group "cli" { ingress = {}, egress = { tcp { to = group "web" } } },
}
group "far" { ingress = { tcp { 84, from = group "cli" } } }
members "far" { "198.18.0.9", "2001:db8:9::9" }
members "cli" { "198.18.0.20", "2001:db8:9::20" }
'''
CROSS = 'network "blue".group "cli"'
ROUTER = '52:54:00:99:00:01'


def policy(cross=CROSS):
    return POLICY.replace('CROSS', cross)


def tenants():
    lab = Lab(policy())
    for network, tag in (('blue', 5), ('red', 6)):
        for n, group in enumerate(('web', 'cli', 'far'), 1):
            lab.guest('%s-%s' % (network, group), group, tag=tag,
                      number=tag * 10 + n, ids={'sg-network': network},
                      ips=['192.0.2.%d' % n, '2001:db8::%d' % n])
    # Somebody whom only blue knows.
    lab.guest('blue-own', 'cli', tag=5, number=59, ips=['192.0.2.9'],
              ids={'sg-network': 'blue'})
    lab.uplink()
    lab.remote('outside', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def host(lab, name):
    return lab.hosts[name]


def routed(lab, receiver, src, port, allowed, why):
    """What a router sends into the VLAN of 'receiver', from 'src'."""
    vlan = 5 if receiver.name.startswith('blue') else 6
    frame = frames.tcp_frame(ROUTER, receiver.mac, src, receiver.v4, 4711,
                             port, frames.SYN, 1, vlan=vlan)
    lab.deliver(lab.outside, receiver, frame, allowed, why)


@test('groups of one name in two networks have their own rules', lab=tenants)
def _(lab):
    for network, port, other in (('blue', 80, 81), ('red', 81, 80)):
        cli, web = host(lab, network + '-cli'), host(lab, network + '-web')
        for each in (cli, web):
            lab.expect_state(each, 'active')
        lab.expect(cli, web, 'tcp', port, True)
        lab.expect(cli, web, 'tcp', other, False)
        lab.expect(web, cli, 'tcp', port, False)
        lab.connect(cli, web, 'tcp', port).expect_alive('in ' + network)


@test('the egress rules, too, are those of the network', lab=tenants)
def _(lab):
    lab.expect(host(lab, 'blue-cli'), lab.outside, 'udp', 7, True)
    lab.expect(host(lab, 'red-cli'), lab.outside, 'udp', 7, False)


@test('members of a network are none in another', lab=tenants)
def _(lab):
    blue, red = host(lab, 'blue-web'), host(lab, 'red-web')
    routed(lab, blue, '192.0.2.50', 80, True, 'of the block')
    routed(lab, red, '192.0.2.50', 81, False, 'of the other block')
    routed(lab, blue, '192.0.2.9', 80, True, 'a port of this network')
    routed(lab, red, '192.0.2.9', 81, False, 'a port of the other network')


@test('members outside of a block are members in every network', lab=tenants)
def _(lab):
    for name, port in (('blue-web', 80), ('red-web', 81)):
        routed(lab, host(lab, name), '198.18.0.20', port, True, name)
    routed(lab, host(lab, 'red-web'), '198.18.0.9', 83, True, 'of far')


@test('a group outside of a block has the members of each network',
      lab=tenants)
def _(lab):
    for name, src, allowed in (('blue-far', '192.0.2.9', True),
                               ('red-far', '192.0.2.9', False),
                               ('blue-far', '192.0.2.2', True),
                               ('red-far', '192.0.2.2', True)):
        routed(lab, host(lab, name), src, 84, allowed, name)


@test('a group of another network counts only where that is written',
      lab=tenants)
def _(lab):
    red = host(lab, 'red-web')
    routed(lab, red, '192.0.2.9', 82, True, 'a port of blue')
    routed(lab, red, '192.0.2.50', 82, True, 'a member of blue')
    routed(lab, red, '198.18.0.20', 82, True, 'a member everywhere')
    routed(lab, red, '192.0.2.1', 82, False, 'no "cli" of blue')
    routed(lab, host(lab, 'blue-web'), '192.0.2.9', 82, False,
           'a rule of red')


@test('a guest that leaves the named group of the other network is cut',
      lab=tenants, fresh=True)
def _(lab):
    red = host(lab, 'red-web')
    routed(lab, red, '192.0.2.9', 82, True, 'before')
    lab.set_ids(host(lab, 'blue-own'), sg_groups='far')
    routed(lab, red, '192.0.2.9', 82, False, 'afterwards')
    lab.set_ids(host(lab, 'blue-own'), sg_groups='cli')
    routed(lab, red, '192.0.2.9', 82, True, 'again')
    lab.reload(policy('group "cli"'))
    routed(lab, red, '192.0.2.9', 82, False, 'no longer written')


@test('a rule of one network goes: its connections are cut, no others',
      lab=tenants, fresh=True)
def _(lab):
    def connect(network, port):
        cli, web = host(lab, network + '-cli'), host(lab, network + '-web')
        return [lab.connect(cli, web, 'tcp', port, family)
                for family in (4, 6)]
    gone, stay = connect('blue', 80), connect('red', 81)
    lab.reload(policy().replace('tcp { 80, from = group "cli" }', ''))
    for conn in stay:
        conn.expect_alive('of the other network')
    for conn in gone:
        conn.expect_cut('its rule went')


@test('a group that becomes that of a network loses no packet', lab=tenants,
      fresh=True)
def _(lab):
    far, web = host(lab, 'red-far'), host(lab, 'red-web')
    lab.reload(policy().replace('members "far" {', 'members "far" { '
                                '"192.0.2.0/24", "2001:db8::/64",'))
    conns = [lab.connect(far, web, 'tcp', 83, family) for family in (4, 6)]
    inside = policy().replace('group "far" {', '''
network "blue" { group "far" {} }
network "red" { group "far" {''').replace('from = group "cli" } } }\nmembers',
                                        'from = group "cli" } } } }\nmembers')
    inside = inside.replace('members "far" {', 'members "far" { '
                            '"192.0.2.0/24", "2001:db8::/64",')
    lab.write_policy(inside)
    lab.during(['reload'], lambda: [c.expect_alive('during it')
                                    for c in conns])
    lab.settle()
    for conn in conns:
        conn.expect_alive('after it')
    lab.equal([g['network'] for g in lab.agent.json('list-groups')
               if g['name'] == 'far'], ['blue', 'red'], 'networks of far')


@test('what changes in one network touches no flow of another', lab=tenants,
      fresh=True)
def _(lab):
    with lab.watch_flows() as watch:
        lab.reload(policy().replace('192.0.2.50', '192.0.2.51'))
        events = [e for e in watch.take() if 'table=136' in e]
        # One goes and one comes, for each network whose rules name "cli" of
        # blue: blue itself and red, where it is written.
        lab.equal(len(events), 4, 'flow mods of classes: %s' % events)
        lab.reload(policy('group "cli"'))
        watch.take()
        lab.reload(policy('group "cli"').replace('192.0.2.50', '192.0.2.52'))
        events = [e for e in watch.take() if 'table=136' in e]
        lab.equal(len(events), 2, 'flow mods of classes: %s' % events)


@test('a port whose group its network lacks is in error, and closed',
      lab=tenants, fresh=True)
def _(lab):
    web = host(lab, 'red-web')
    lab.set_ids(web, sg_network='green')
    lab.expect_state(web, 'error', 'is not defined in network "green" but in '
                     '"blue"; see external_ids:sg-network')
    lab.expect(host(lab, 'red-cli'), web, 'tcp', 81, False)
    lab.expect(web, host(lab, 'red-far'), 'tcp', 84, False)
    lab.expect(host(lab, 'blue-cli'), host(lab, 'blue-web'), 'tcp', 80, True)
    lab.set_ids(web, sg_network='red')
    lab.expect(host(lab, 'red-cli'), web, 'tcp', 81, True)


@test('a network without a block needs none', lab=tenants, fresh=True)
def _(lab):
    far = host(lab, 'red-far')
    lab.set_ids(far, sg_network='green')
    lab.expect_state(far, 'active')
    routed(lab, far, '198.18.0.20', 84, True, 'a member of every network')
    routed(lab, far, '192.0.2.2', 84, False, 'a member of blue and red')


@test('a trunk: each VLAN has the group of its own network', lab=tenants,
      fresh=True)
def _(lab):
    text = policy()
    for network in ('blue', 'red'):
        text = text.replace('network "%s"' % network, 'network "br0.%s"'
                            % (5 if network == 'blue' else 6))
    lab.reload(text)
    for name in list(lab.hosts):
        if '-' in name:
            lab.set_ids(host(lab, name), sg_network=None, settle=False)
    lab.guest('trunk', 'web', number=90, ips=['192.0.2.90'],
              port=['trunks=5,6', 'vlan_mode=trunk'])
    lab.settle()
    lab.expect_state(lab.trunk, 'active')
    for name, port, other in (('blue-cli', 80, 81), ('red-cli', 81, 80)):
        cli = host(lab, name)
        lab.expect_out(cli, cli.tcp(lab.trunk, port), [lab.trunk], 'its own')
        lab.expect_out(cli, cli.tcp(lab.trunk, other), [], 'the other\'s')
    rules = {r['text'] for r in lab.agent.json('show', 'trunk')['rules']}
    lab.check({'br0.5/web ingress tcp 80 from group cli',
               'br0.6/web ingress tcp 81 from group cli'} <= rules, rules)


@test('trace, list-groups and show tell networks apart', lab=tenants)
def _(lab):
    for network, port, line in (('blue', 80, 3), ('red', 81, 10)):
        answer = lab.agent.json('trace', network + '-cli', network + '-web',
                                'tcp', str(port))
        side = answer['ingress']
        lab.equal((answer['verdict'], side['group'], side['rule'],
                   side['line']),
                  ('allow', 'web', '%s/web ingress tcp %d from group cli'
                   % (network, port), line), 'trace in ' + network)
        lab.equal(lab.agent.json('trace', network + '-cli', network + '-web',
                                 'tcp', str(161 - port))['verdict'], 'deny',
                  'trace of the other rule')
    lab.equal([(g['network'], g['name'], g['ports'])
               for g in lab.agent.json('list-groups')],
              [('blue', 'cli', 2), ('red', 'cli', 1), (None, 'default', 0),
               (None, 'far', 2), ('blue', 'web', 1), ('red', 'web', 1)],
              'list-groups')
    shown = lab.agent.json('show', 'blue/cli')
    lab.equal(sorted(m['address'] for m in shown['members']),
              ['192.0.2.2', '192.0.2.50', '192.0.2.9', '198.18.0.20',
               '2001:db8:9::20', '2001:db8::2'], 'members of blue/cli')
    lab.equal(shown['ports'], ['blue-cli', 'blue-own'], 'its ports')
    lab.check('\ngroup: red/web\n' in '\n' + lab.agent.must('show', 'red/web'),
              'show red/web')
    result = lab.agent.ctl('show', 'web')
    lab.check(result.status == 1
              and 'write blue/web or red/web' in result.err, str(result))
    rules = lab.agent.json('show', 'red-web')['rules']
    lab.equal({r['network'] for r in rules}, {'red'}, 'rules of a port')


run()
