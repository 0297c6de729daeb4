#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Groups by `bind': by patterns and by functions."""
from harness import Lab, run, test

POLICY = '''
group "ssh" { ingress = { tcp { 22, from = any } } }
group "web" { ingress = { tcp { 80, from = any } } }
group "dns" { ingress = { udp { 53, from = any } } }
group "sip" { ingress = { udp { 5060, from = any } } }
group "shut" { ingress = {}, egress = {} }
bind { groups = "ssh", where = { name = "vm-*" } }
bind { groups = "web", where = { mac = "52:54:00:00:00:0[12]",
                                 bridge = "br*" } }
bind { groups = "dns", where = { address = { "192.0.2.2", "192.0.2.3" } } }
bind { groups = "sip", where = { tag = { 7, 8 }, type = "%s" } }
bind(function(port)
  local role = port.external_ids.role
  if role == "broken" then
    error("no role is called " .. role)
  elseif role == "odd" then
    return { 5 }
  elseif role then
    return role
  end
end)
'''


def bound():
    lab = Lab()
    lab.write_policy(POLICY % lab.sandbox.PORT_TYPE)
    lab.guest('vm-1')                           # ssh, web
    lab.guest('vm-2', ids={'role': 'shut'})     # ssh, web, dns, shut
    lab.guest('other')                          # dns
    lab.guest('vm-4', groups='shut')            # What it says itself.
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def groups(lab):
    return {p['name']: p['groups'] for p in lab.agent.json('list-ports')}


@test('where: each key, and all that match count together', lab=bound)
def _(lab):
    lab.equal(groups(lab), {'vm-1': ['ssh', 'web'],
                            'vm-2': ['dns', 'shut', 'ssh', 'web'],
                            'other': ['dns'], 'vm-4': ['shut']}, 'groups')
    for name, tcp22, tcp80, udp53 in (
            ('vm-1', True, True, False), ('vm-2', True, True, True),
            ('other', False, False, True), ('vm-4', False, False, False)):
        host = lab.hosts[name]
        lab.expect_state(host, 'active')
        lab.expect(lab.client, host, 'tcp', 22, tcp22)
        lab.expect(lab.client, host, 'tcp', 80, tcp80)
        lab.expect(lab.client, host, 'udp', 53, udp53)


@test('where is asked again when the interface changes', lab=bound,
      fresh=True)
def _(lab):
    host = lab.hosts['other']
    lab.expect(lab.client, host, 'udp', 53, True)
    lab.set_ids(host, sg_addresses='192.0.2.2 2001:db8::3')
    lab.expect(lab.client, host, 'udp', 53, True, family=6)
    lab.set_ids(host, sg_addresses='192.0.2.9 2001:db8::3')
    # No bind matches any more, so it is not guarded any more.
    lab.check('other' not in groups(lab), 'it is still listed')
    lab.sandbox.vsctl('set', 'Port', 'other', 'tag=8')
    lab.settle()
    lab.equal(groups(lab).get('other'), ['sip'], 'groups with a tag')


@test('a function that raises closes that port alone, and says why',
      lab=bound, fresh=True)
def _(lab):
    one, two = lab.hosts['vm-1'], lab.hosts['vm-2']
    conn = lab.connect(lab.client, two, 'tcp', 80)
    lab.allow_log('no role is called')
    lab.set_ids(one, role='broken')
    lab.expect_state(one, 'error', 'no role is called broken')
    lab.check('policy.lua:' in lab.ids(one)['sg-error'], lab.ids(one))
    lab.expect(lab.client, one, 'tcp', 22, False)
    lab.expect(one, lab.client, 'udp', 7, False)
    lab.expect_state(two, 'active')
    conn.expect_alive('of another port')
    lab.set_ids(one, role='dns')
    lab.expect_state(one, 'active')
    lab.expect(lab.client, one, 'tcp', 22, True)
    lab.expect(lab.client, one, 'udp', 53, True)


@test('a function that returns no names closes that port alone', lab=bound,
      fresh=True)
def _(lab):
    one = lab.hosts['vm-1']
    lab.set_ids(one, role='odd')
    lab.expect_state(one, 'error', 'the function returned a number')
    lab.expect(lab.client, one, 'tcp', 22, False)
    lab.expect(lab.client, lab.hosts['vm-2'], 'tcp', 22, True)
    lab.set_ids(one, role='nobody')
    lab.expect_state(one, 'error', 'group "nobody" is not defined')
    lab.set_ids(one, role=None)
    lab.expect_state(one, 'active')


@test('an interface that names its groups is not asked', lab=bound,
      fresh=True)
def _(lab):
    host = lab.hosts['vm-4']
    lab.set_ids(host, role='broken')
    lab.expect_state(host, 'active')
    lab.equal(groups(lab)['vm-4'], ['shut'], 'groups')
    lab.set_ids(host, sg_groups=None, role=None)
    lab.equal(groups(lab)['vm-4'], ['ssh'], 'groups by bind')
    lab.expect(lab.client, host, 'tcp', 22, True)


run()
