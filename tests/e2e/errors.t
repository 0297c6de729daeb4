#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Ports that cannot be guarded are in error and closed, and touch no other
port (CONTRACT section 2)."""
from harness import Lab, frames, run, test

POLICY = '''
group "web" { ingress = { tcp { 80, from = any } } }
group "odd" { ingress = { all { from = any } } }
'''


def pair():
    """A port to break, and one that must not notice."""
    lab = Lab(POLICY)
    lab.guest('good', 'web')
    lab.guest('bad', 'web')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def expect_closed(lab, host):
    """Nothing in, nothing out, not even ARP."""
    client = lab.client
    for family in (4, 6):
        lab.expect_out(host, host.udp(client, 7, family), [], 'closed',
                       exactly=True)
        lab.deliver(client, host, client.tcp(host, 80, family), False,
                    'closed')
    lab.expect_out(host, frames.arp_request(host.mac, host.v4, client.v4), [],
                   'closed, ARP', exactly=True)
    request = frames.arp_request(client.mac, client.v4, host.v4)
    lab.expect_out(client, request, [], 'closed, ARP to it',
                   may=lab.guarded - {host.port})


def breaks(key, value, word):
    """A test: the external_id makes an error that mentions 'word'."""
    @test('%s=%s is an error of that port alone' % (key, value), lab=pair,
          fresh=True)
    def _(lab):
        lab.allow_log('bad')
        old = lab.ids(lab.bad)[key] if key in lab.ids(lab.bad) else None
        conn = lab.connect(lab.client, lab.good, 'tcp', 80)
        with lab.watch_flows() as watch:
            lab.set_ids(lab.bad, **{key.replace('-', '_'): value})
            mods = [e for e in watch.take() if 'in_port=1' in e
                    or 'in_port="good"' in e]
        lab.expect_state(lab.bad, 'error', word)
        expect_closed(lab, lab.bad)
        lab.equal(mods, [], 'flow mods of the other port')
        lab.expect_state(lab.good, 'active')
        conn.expect_alive('of the other port')
        lab.expect(lab.client, lab.good, 'tcp', 80, True)
        # Mended, it works again.
        lab.set_ids(lab.bad, **{key.replace('-', '_'): old})
        lab.expect_state(lab.bad, 'active')
        lab.expect(lab.client, lab.bad, 'tcp', 80, True)


breaks('sg-groups', 'nowhere', 'nowhere')
breaks('sg-groups', 'web nowhere', 'nowhere')
breaks('sg-addresses', '192.0.2.300', '192.0.2.300')
breaks('sg-addresses', '192.0.2.2 nonsense', 'nonsense')
breaks('sg-addresses', '192.0.2.0/33', '192.0.2.0/33')
breaks('attached-mac', '52:54:00:00:00', '52:54:00:00:00')
breaks('sg-port-security', 'maybe', 'maybe')


@test('a group that the policy no longer has', lab=pair, fresh=True)
def _(lab):
    lab.allow_log('bad')
    lab.set_ids(lab.bad, sg_groups='odd')
    lab.expect(lab.client, lab.bad, 'udp', 7, True)
    lab.reload(POLICY.replace('"odd"', '"new"'))
    lab.expect_state(lab.bad, 'error', 'odd')
    expect_closed(lab, lab.bad)
    lab.expect_state(lab.good, 'active')
    lab.reload(POLICY)
    lab.expect_state(lab.bad, 'active')
    lab.expect(lab.client, lab.bad, 'udp', 7, True)


@test('dot1q-tunnel', lab=pair, fresh=True)
def _(lab):
    lab.allow_log('bad')
    lab.sandbox.vsctl('set', 'Port', 'bad', 'vlan_mode=dot1q-tunnel', 'tag=5')
    lab.settle()
    lab.expect_state(lab.bad, 'error', 'dot1q-tunnel')
    expect_closed(lab, lab.bad)
    lab.expect(lab.client, lab.good, 'tcp', 80, True)


@test('two ports with one MAC: one of them is in error', lab=pair,
      fresh=True)
def _(lab):
    lab.allow_log('bad', 'good')
    old = lab.ids(lab.bad)['attached-mac']
    lab.set_ids(lab.bad, attached_mac=lab.good.mac)
    states = sorted((lab.state(lab.good), lab.state(lab.bad)))
    lab.equal(states, ['active', 'error'], 'states')
    lab.set_ids(lab.bad, attached_mac=old)
    for host in (lab.good, lab.bad):
        lab.expect_state(host, 'active')


@test('two ports may declare one address, as a virtual IP is', lab=pair,
      fresh=True)
def _(lab):
    lab.set_ids(lab.bad, sg_addresses=lab.good.v4)
    for host in (lab.good, lab.bad):
        lab.expect_state(host, 'active')


def insecure():
    lab = Lab(POLICY, bridges=())
    lab.sandbox.add_bridge('br0', secure=False)
    lab.sandbox.add_bridge('br1')
    lab.sandbox.add_bridge('br2', True, 'protocols=OpenFlow13,OpenFlow15')
    lab.sandbox.add_bridge('br3', True, 'protocols=OpenFlow10,OpenFlow13')
    for n, bridge in enumerate(('br0', 'br1', 'br2', 'br3')):
        lab.guest('vm%d' % n, 'web', bridge=bridge, number=n + 1)
        lab.trusted('up%d' % n, bridge=bridge)
    lab.remote('client', '198.18.0.9', '2001:db8:9::9', port='up1',
               bridge='br1')
    lab.remote('client0', '198.18.0.9', '2001:db8:9::9', port='up0')
    return lab.start()


@test('a bridge that cannot be guarded: the command that mends it',
      lab=insecure)
def _(lab):
    lab.allow_log('br0', 'br2', 'br3', 'vm0', 'vm2', 'vm3')
    lab.expect_state(lab.vm0, 'error', 'ovs-')
    lab.check('secure' in lab.ids(lab.vm0).get('sg-error', '') or
              'enable br0' in lab.ids(lab.vm0).get('sg-error', ''),
              lab.ids(lab.vm0))
    lab.expect_state(lab.vm2, 'error', 'OpenFlow10')
    lab.expect_state(lab.vm3, 'error', 'protocols')
    lab.expect_state(lab.vm1, 'active')
    lab.expect(lab.client, lab.vm1, 'tcp', 80, True)
    lab.expect(lab.client, lab.vm1, 'tcp', 81, False)
    # The agent mends nothing by itself.
    lab.equal(lab.sandbox.get('Bridge', 'br0', 'fail_mode'), [], 'fail_mode')
    lab.equal(sorted(lab.sandbox.get('Bridge', 'br2', 'protocols')),
              ['OpenFlow13', 'OpenFlow15'], 'protocols')


@test('once that is done, `wait\' returns soon', lab=insecure, fresh=True)
def _(lab):
    lab.allow_log('br0', 'br2', 'br3', 'vm0', 'vm2', 'vm3')
    for name in 'br2', 'br3':
        lab.sandbox.vsctl('set', 'Bridge', name, 'protocols='
                          'OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15')
    lab.agent.wait(4)
    for host in lab.vm2, lab.vm3:
        lab.expect_state(host, 'active')


@test('and nothing leaves a guarded port of it', lab=insecure)
def _(lab):
    lab.allow_log('br0', 'br2', 'br3', 'vm0', 'vm2', 'vm3')
    for family in (4, 6):
        frame = lab.vm0.udp(lab.client0, 7, family)
        lab.expect_out(lab.vm0, frame, [], 'a port in error is closed',
                       exactly=True)


def few_zones():
    # One is for the bridge, and one for all bridges.
    lab = Lab(POLICY, agent_options=['--zones=7-10'])
    for n in range(3):
        lab.guest('vm%d' % n, 'web')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('a port that no conntrack zone is left for, until there is one',
      lab=few_zones)
def _(lab):
    lab.allow_log('no conntrack zone')
    guests = {lab.state(h): h for h in (lab.vm0, lab.vm1, lab.vm2)}
    if not lab.check(set(guests) == {'active', 'error'}, guests):
        return
    lab.expect_state(guests['error'], 'error', '--zones')
    expect_closed(lab, guests['error'])
    lab.expect(lab.client, guests['active'], 'tcp', 80, True)
    lab.remove_port(guests['active'])
    lab.settle()
    lab.settle()        # Its zone is free now, and goes to another port.
    lab.expect_state(guests['error'], 'active')
    lab.expect(lab.client, guests['error'], 'tcp', 80, True)


@test('a policy that does not load at the start: trusted ports forward',
      lab=None)
def _():
    lab = Lab('group "web" {')
    try:
        lab.guest('vm', 'web')
        lab.guest('plain', 'default')
        lab.uplink()
        lab.trusted('srv')
        lab.remote('client', '198.18.0.9', '2001:db8:9::9')
        lab.remote('server', '192.0.2.200', '2001:db8::200', port='srv')
        lab.apply()
        lab.agent.start()
        lab.agent.wait()
        lab.sandbox.purge_megaflows()
        lab.allow_log('policy', 'vm')
        why = lab.agent.ctl('trace', 'plain', '198.18.0.9', 'tcp', '80')
        lab.check('no policy is loaded' in why.err, why)
        lab.expect(lab.plain, lab.client, 'tcp', 80, False)
        lab.expect_state(lab.vm, 'error', 'no policy is loaded')
        lab.expect(lab.client, lab.server, 'tcp', 80, True)
        lab.expect(lab.client, lab.vm, 'tcp', 80, False)
        lab.expect(lab.vm, lab.client, 'tcp', 80, False)
        lab.reload(POLICY)
        lab.expect(lab.client, lab.vm, 'tcp', 80, True)
        problems = lab.end_test()
    finally:
        problems_of_end = lab.stop()
    if problems + problems_of_end:
        from harness import Failure
        raise Failure('\n'.join(problems + problems_of_end))


@test('a bridge with an sg-enable that is neither true nor false', lab=pair,
      fresh=True)
def _(lab):
    lab.allow_log('sg-enable')
    lab.set_ids(lab.bad, sg_groups=None, iface_id='bad')
    lab.sandbox.vsctl('br-set-external-id', 'br0', 'sg-enable', 'ture')
    lab.settle()
    lab.check(lab.log().grep('WARN.*"ture"'), 'no warning in the log')
    why = lab.agent.must('show', 'bad')
    lab.check('"ture"' in why and 'ovs-sgctl enable br0' in why, why)
    lab.sandbox.vsctl('br-set-external-id', 'br0', 'sg-enable', 'true')
    lab.settle()
    lab.expect_state(lab.bad, 'active')


@test('a value of another key stays as it is', lab=pair)
def _(lab):
    lab.set_ids(lab.good, vendor_key='kept', settle=True)
    lab.set_ids(lab.good, sg_groups='odd')
    lab.equal(lab.ids(lab.good).get('vendor-key'), 'kept', 'vendor-key')
    lab.set_ids(lab.good, sg_groups='web')


run()
