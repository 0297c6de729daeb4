#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Several bridges, VLANs and networks."""
from harness import Lab, Skip, frames, run, test, wait_until

POLICY = '''
group "srv" { ingress = { tcp { 80, from = group "cli" } } }
group "cli" { ingress = {} }
group "shut" { ingress = {}, egress = {} }
'''


def patched():
    """Two bridges joined by patch ports."""
    lab = Lab(POLICY, bridges=('br0', 'br1'))
    lab.sandbox.vsctl(
        'add-port', 'br0', 'p01', '--', 'set', 'Interface', 'p01',
        'type=patch', 'options:peer=p10', '--',
        'add-port', 'br1', 'p10', '--', 'set', 'Interface', 'p10',
        'type=patch', 'options:peer=p01')
    lab.guest('srv0', 'srv')
    lab.guest('cli0', 'cli')
    lab.guest('srv1', 'srv', bridge='br1')
    lab.guest('cli1', 'cli', bridge='br1')
    lab.guest('shut1', 'shut', bridge='br1')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('guests of two bridges meet through patch ports', lab=patched)
def _(lab):
    # The default network is the bridge: the other one's members are others.
    for host in (lab.cli0, lab.srv1):
        lab.set_ids(host, sg_network='one')
    lab.expect(lab.cli0, lab.srv1, 'tcp', 80, True)
    lab.expect(lab.cli0, lab.srv1, 'tcp', 81, False)
    lab.connect(lab.cli0, lab.srv1, 'tcp', 80).expect_alive('across bridges')
    lab.expect(lab.shut1, lab.client, 'udp', 7, False)
    lab.expect(lab.cli1, lab.client, 'udp', 7, True)
    lab.expect_out(lab.cli0, frames.arp_request(
        lab.cli0.mac, lab.cli0.v4, lab.srv1.v4), [lab.srv1], 'ARP across',
        may=lab.guarded)
    for host in (lab.cli0, lab.srv1):
        lab.set_ids(host, sg_network=None)


@test('a group resolves inside one network', lab=patched)
def _(lab):
    # cli0 is in "cli" of br0's network, srv1 in br1's.
    lab.expect(lab.cli0, lab.srv0, 'tcp', 80, True)
    lab.expect(lab.cli1, lab.srv1, 'tcp', 80, True)
    lab.expect(lab.cli0, lab.srv1, 'tcp', 80, False)
    lab.expect(lab.cli1, lab.srv0, 'tcp', 80, False)


@test('zones are different on all bridges of a datapath', lab=patched)
def _(lab):
    zones = [p['zone'] for p in lab.agent.json('list-ports')]
    lab.check(len(zones) == 5 and len(set(zones)) == 5, zones)


@test('a restart finds all bridges as they were', lab=patched)
def _(lab):
    with lab.watch_flows('br0') as one, lab.watch_flows('br1') as two:
        lab.agent.restart()
        lab.settle()
        # Reviews of the changes above may end meanwhile.
        lab.equal([mod for mod in one.take() + two.take()
                   if not ('DELETED' in mod and 'cookie=0x53479' in mod)],
                  [], 'flow mods')


@test('a bridge comes and goes', lab=patched, fresh=True)
def _(lab):
    lab.sandbox.add_bridge('br2')
    lab.guest('srv2', 'srv', bridge='br2')
    lab.trusted('up2', bridge='br2')
    far = lab.remote('far', '198.18.0.10', '2001:db8:9::a', port='up2',
                     bridge='br2')
    lab.settle()
    lab.expect_state(lab.srv2, 'active')
    lab.expect(far, lab.srv2, 'tcp', 80, False)
    lab.expect(lab.srv2, far, 'tcp', 80, True)
    lab.allow_log('br2')
    lab.sandbox.vsctl('del-br', 'br2')
    lab.settle()
    lab.expect(lab.cli0, lab.srv0, 'tcp', 80, True)
    lab.check('srv2' not in lab.agent.must('list-ports'), 'srv2 is listed')


@test('a port moves to another bridge', lab=patched, fresh=True)
def _(lab):
    host = lab.cli1
    lab.remove_port(host)
    lab.guest('cli1', 'cli', bridge='br0', number=4)
    lab.settle()
    lab.expect(lab.cli1, lab.srv0, 'tcp', 80, True)
    lab.expect(lab.cli1, lab.srv1, 'tcp', 80, False)


def alone():
    lab = Lab(POLICY)
    lab.guest('srv0', 'srv')
    lab.guest('cli0', 'cli')
    return lab.start()


@test('a bridge gets a datapath of another type', lab=alone, fresh=True)
def _(lab):
    if lab.sandbox.DATAPATH != 'netdev':
        raise Skip('it is only followed into the kernel what becomes of frames')
    # The switch takes all flows away.
    lab.allow_log('somebody else changed', 'onnect', r'\.mgmt')
    lab.sandbox.vsctl('set', 'Bridge', 'br0', 'datapath_type=dummy')
    lab.settle()
    lab.expect_state(lab.srv0, 'active')
    conn = lab.connect(lab.cli0, lab.srv0, 'tcp', 80)
    lab.set_ids(lab.cli0, sg_groups='shut')
    conn.expect_cut('cli0 has left its group')
    # That no connection needs them is told by the table of that datapath.
    lab.check(wait_until(lambda: not lab.agent.json('show', 'br0')['reviews'],
                         60, 0.1), 'the reviews do not end')


def with_ovn():
    lab = Lab(POLICY, bridges=('br0', 'br-int'))
    lab.sandbox.vsctl('set', 'Open_vSwitch', '.',
                      'external_ids:ovn-bridge=br-int',
                      'external_ids:ovn-remote=unix:/nowhere',
                      'external_ids:system-id=hv1')
    lab.sandbox.ofctl('add-flow', lab.sandbox.mgmt('br-int'),
                      'cookie=0x77,table=0,priority=100,actions=NORMAL')
    lab.guest('vm', 'shut', bridge='br-int',
              ids={'iface-id': 'an-ovn-port'})
    lab.guest('srv0', 'srv')
    lab.trusted('up', bridge='br-int')
    lab.remote('far', '198.18.0.10', '2001:db8:9::a', port='up',
               bridge='br-int')
    return lab.start()


@test('a bridge that OVN manages is never touched', lab=with_ovn)
def _(lab):
    lab.equal(lab.flows('br-int'), [], 'our flows')
    lab.equal(len(lab.sandbox.flows('br-int', ours=False)), 1, 'its flows')
    lab.check('NO_FLOOD' not in lab.sandbox.ofctl(
        'show', lab.sandbox.mgmt('br-int')), 'no-flood is set')
    lab.check(lab.state(lab.vm) != 'active', 'sg-state is active')
    lab.expect(lab.vm, lab.far, 'udp', 7, True)
    lab.expect_state(lab.srv0, 'active')
    result = lab.agent.ctl('enable', 'br-int')
    lab.check(result.status == 1 and 'OVN' in result.err, str(result))
    lab.equal(lab.sandbox.get('Bridge', 'br-int', 'external_ids').get(
        'sg-enable'), None, 'sg-enable of OVN\'s bridge')


NETWORK = '6a0d4f61-2f5a-4f0e-9a34-3c2a8c9b6f11'


def with_neutron():
    """What neutron-openvswitch-agent makes of a compute node's bridges."""
    lab = Lab(POLICY, bridges=('br0', 'br-int', 'br-ex'))
    words = []
    for bridge, name, peer in (('br-int', 'int-br-ex', 'phy-br-ex'),
                               ('br-ex', 'phy-br-ex', 'int-br-ex')):
        words += ['--', 'add-port', bridge, name, '--', 'set', 'Interface',
                  name, 'type=patch', 'options:peer=' + peer]
    lab.sandbox.vsctl(*words[1:])
    for bridge in ('br-int', 'br-ex'):
        lab.sandbox.vsctl('set', 'Bridge', bridge,
                          'other_config:disable-in-band=true',
                          'other_config:mac-table-size=50000')
        lab.sandbox.ofctl('add-flow', lab.sandbox.mgmt(bridge),
                          'cookie=0x8f0e1d2c3b4a5968,table=0,priority=3,'
                          'actions=NORMAL')
    lab.guest('vm', 'shut', bridge='br-int', tag=1,
              ids={'iface-id': '7c1b2f0a-51f4-4d0b-8f0e-0d9c7a6b5e43',
                   'iface-status': 'active'},
              port=['other_config:net_uuid="%s"' % NETWORK,
                    'other_config:network_type=vlan',
                    'other_config:physical_network=physnet1',
                    'other_config:segmentation_id="101"',
                    'other_config:tag="1"'])
    lab.guest('srv0', 'srv')
    lab.guest('ex', 'shut', bridge='br-ex', tag=2)
    lab.trusted('up', bridge='br-int', tag=1)
    lab.remote('far', '198.18.0.10', '2001:db8:9::a', port='up',
               bridge='br-int')
    return lab.start()


@test('bridges that Neutron manages are never touched', lab=with_neutron)
def _(lab):
    for bridge in ('br-int', 'br-ex'):
        lab.equal(lab.flows(bridge), [], 'our flows')
        lab.equal(len(lab.sandbox.flows(bridge, ours=False)), 1, 'its flows')
        lab.check('NO_FLOOD' not in lab.sandbox.ofctl(
            'show', lab.sandbox.mgmt(bridge)), 'no-flood is set')
        result = lab.agent.ctl('enable', bridge)
        lab.check(result.status == 1 and 'Neutron' in result.err, str(result))
        lab.equal(lab.sandbox.get('Bridge', bridge, 'external_ids').get(
            'sg-enable'), None, 'sg-enable of Neutron\'s bridge')
    lab.check(lab.state(lab.vm) != 'active', 'sg-state is active')
    lab.expect(lab.vm, lab.far, 'udp', 7, True)
    lab.expect_state(lab.srv0, 'active')


def vlans():
    """The same addresses in two VLANs."""
    lab = Lab(POLICY)
    for tag in (5, 6):
        for n, name in ((1, 'srv'), (2, 'cli'), (3, 'shut')):
            lab.guest('%s%d' % (name, tag), name, tag=tag,
                      number=tag * 10 + n,
                      ips=['192.0.2.%d' % n, '2001:db8::%d' % n])
    lab.uplink()
    return lab.start()


@test('the same addresses in two VLANs are different hosts', lab=vlans)
def _(lab):
    for tag in (5, 6):
        srv, cli, shut = (getattr(lab, name + str(tag))
                          for name in ('srv', 'cli', 'shut'))
        for host in (srv, cli, shut):
            lab.expect_state(host, 'active')
        lab.expect(cli, srv, 'tcp', 80, True)
        lab.expect(shut, srv, 'tcp', 80, False)
        lab.connect(cli, srv, 'tcp', 80).expect_alive('in VLAN %d' % tag)
        lab.expect_out(cli, frames.arp_request(cli.mac, cli.v4, srv.v4),
                       [srv], 'ARP in its VLAN')
    lab.expect(lab.cli5, lab.srv6, 'tcp', 80, False)


@test('a membership in one VLAN is none in the other', lab=vlans, fresh=True)
def _(lab):
    lab.set_ids(lab.cli6, sg_groups='srv')
    lab.expect(lab.cli5, lab.srv5, 'tcp', 80, True)
    lab.expect(lab.cli6, lab.srv6, 'tcp', 80, False)


@test('a port gets another tag', lab=vlans, fresh=True)
def _(lab):
    lab.sandbox.vsctl('set', 'Port', 'shut6', 'tag=7')
    lab.settle()
    lab.sandbox.vsctl('set', 'Port', 'cli5', 'tag=7')
    lab.settle()
    lab.expect(lab.cli5, lab.srv5, 'tcp', 80, False)
    arp = frames.arp_request(lab.cli5.mac, lab.cli5.v4, '192.0.2.99')
    out = lab.expect_out(lab.cli5, arp, ['uplink'], 'ARP in the new VLAN',
                         may=['shut6'])
    lab.equal([frames.vlans(f) for f in out.get('uplink', ())], [[7]],
              'tags at the uplink')
    lab.sandbox.vsctl('set', 'Port', 'cli5', 'tag=5')
    lab.settle()
    lab.expect(lab.cli5, lab.srv5, 'tcp', 80, True)


@test('VLANs of one sg-network share addresses and groups', lab=vlans,
      fresh=True)
def _(lab):
    lab.set_ids(lab.shut6, sg_groups='srv', sg_addresses='192.0.2.77',
                sg_network='one', settle=False)
    lab.set_ids(lab.cli5, sg_network='one')
    # Sent by a router from VLAN 5 to VLAN 6: the address is a member.
    frame = frames.tcp_frame('52:54:00:99:00:01', lab.shut6.mac, lab.cli5.v4,
                             '192.0.2.77', 4711, 80, frames.SYN, 1, vlan=6)
    router = lab.remote('router', '192.0.2.254')
    lab.deliver(router, lab.shut6, frame, True, 'a member of the network')
    frame = frames.tcp_frame('52:54:00:99:00:01', lab.srv6.mac, lab.cli5.v4,
                             lab.srv6.v4, 4711, 80, frames.SYN, 1, vlan=6)
    lab.set_ids(lab.cli6, sg_groups='shut')
    lab.deliver(router, lab.srv6, frame, False, 'no member of this network')


@test('a trunk port: its VLANs, with their tags', lab=vlans, fresh=True)
def _(lab):
    lab.guest('multi', 'srv', number=90, ips=['192.0.2.90', '2001:db8::90'],
              port=['trunks=5,6', 'vlan_mode=trunk'])
    lab.settle()
    lab.expect_state(lab.multi, 'active')
    for cli in (lab.cli5, lab.cli6):
        tag = int(cli.name[-1])
        frame = cli.tcp(lab.multi, 80)
        out = lab.send(cli, frame)
        lab.equal([frames.vlans(f) for f in out.get('multi', ())], [[tag]],
                  'tags at the trunk port')
        lab.expect(lab.multi, cli, 'tcp', 80, False)    # Not tagged.
    tagged = frames.udp_frame(lab.multi.mac, lab.cli5.mac, lab.multi.v4,
                              '198.18.0.1', 5, 7, vlan=7)
    lab.expect_out(lab.multi, tagged, [], 'a VLAN that it does not carry',
                   exactly=True)
    for tag in (5, 6):
        frame = frames.udp_frame(lab.multi.mac, '52:54:00:99:00:01',
                                 lab.multi.v4, '198.18.0.1', 5, 7, vlan=tag)
        out = lab.expect_out(lab.multi, frame, ['uplink'], 'VLAN %d' % tag)
        lab.equal([frames.vlans(f) for f in out.get('uplink', ())], [[tag]],
                  'tags at the uplink')


def single():
    lab = Lab(POLICY)
    lab.guest('srv', 'srv')
    lab.uplink()
    return lab.start()


@test('sg-enable=false when no guest is left: all of ours goes',
      lab=single, fresh=True)
def _(lab):
    lab.remove_port(lab.srv)
    lab.settle()
    lab.check(lab.flows(), 'trusted ports forward by flows of ours')
    lab.sandbox.vsctl('br-set-external-id', 'br0', 'sg-enable', 'false')
    lab.settle()
    lab.equal(lab.flows(), [], 'our flows')


run()
