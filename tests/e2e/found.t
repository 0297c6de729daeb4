#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the oracle (tests/oracle) has found, each reduced to a directed test."""
import time

from harness import Host, Lab, frames, run, test, wait_until

POLICY = '''
group "open" { ingress = { all { from = any } } }
'''


def opened():
    lab = Lab(POLICY)
    lab.guest('vm', 'open')
    lab.guest('other', 'open')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('a guest that pings loses its addresses, and the switch lives',
      lab=opened, fresh=True)
def _(lab):
    pings = [lab.connect(lab.vm, lab.client, 'icmp', family=family)
             for family in (4, 6)]
    other = lab.connect(lab.client, lab.other, 'icmp', family=6)
    lab.set_ids(lab.vm, sg_addresses='192.0.2.77')
    # After half a second the agent removes connections from the table.
    time.sleep(1.5)
    lab.check(lab.sandbox.vswitchd.running, 'ovs-vswitchd has ended')
    for ping in pings:
        ping.reply(False, 'the address is gone')
    other.expect_alive('not concerned')


NOTHING = 'group "srv" { ingress = {} }'
RULE = 'group "srv" { ingress = { udp { %s, from = any } } }'


def numbered():
    lab = Lab(NOTHING)
    lab.guest('srv', 'srv')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('the number of a rule that went is not given to another after a restart',
      lab=numbered, fresh=True)
def _(lab):
    lab.reload(RULE % 53)
    gone = lab.connect(lab.client, lab.srv, 'udp', 53)
    lab.reload(NOTHING)
    lab.agent.restart()
    lab.settle()
    lab.reload(RULE % 54)
    # An error about a connection of a number under review does not pass.
    new = lab.connect(lab.client, lab.srv, 'udp', 54)
    question = lab.client.first_frame(lab.srv, 'udp', 54, 4)
    lab.deliver(lab.client, lab.srv, question, True, 'allowed by the new rule')
    error = frames.unreachable(lab.srv.mac, lab.client.mac, lab.srv.v4,
                               question)
    lab.deliver(lab.srv, lab.client, error, True, 'about an allowed one')
    gone.reply(False, 'its rule is gone')
    new.expect_alive('not concerned')


LLA = 'group "srv" { ingress = {}, egress = { tcp { %s, to = any } } }'


def link_local():
    lab = Lab(LLA % 80)
    vm = lab.guest('vm', 'srv')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    lab._add(Host(lab, 'll', vm.port, vm.mac, [vm.link_local], True,
                  vm.bridge))
    return lab.start()


@test('TCP of a link-local address is not lost when its rule is replaced',
      lab=link_local, fresh=True)
def _(lab):
    stay = lab.connect(lab.ll, lab.client, 'tcp', 80, 6)
    lab.reload(LLA % '"80-81"')
    # The agent looks through the connection table after half a second.
    time.sleep(1.5)
    stay.expect_alive('allowed by the wider rule')


FRIENDS = '''
group "friends" {}
group "srv" { ingress = { udp { %s, from = group "friends" } } }
%s
'''
CLIENTS = 'members "friends" { "198.18.0.9", "2001:db8:9::9" }'
ROUTERS = {4: '198.18.7.7', 6: '2001:db8:77::7'}


def with_friends():
    lab = Lab(FRIENDS % (53, CLIENTS))
    lab.guest('srv', 'srv')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def expect_errors(lab, connection, expected, why):
    """From a router about an answer, and from the server about a question."""
    about = connection.reply_frame()
    error = frames.unreachable(lab.client.mac, lab.srv.mac,
                               ROUTERS[connection.family], about)
    if lab.sandbox.DATAPATH == 'system' and not expected:
        # All that the switch knows there is the connection's number, until
        # the agent has taken the connection out of the table.
        wait_until(lambda: not lab.deliver(lab.client, lab.srv, error), 5, 0.1)
    lab.deliver(lab.client, lab.srv, error, expected, 'to it, ' + why)
    error = connection.error_about(connection.forward_frame())
    lab.deliver(lab.srv, lab.client, error, expected, 'from it, ' + why)


def at_rest(lab):
    """Connections over both families that nothing comes along for."""
    return [lab.connect(lab.client, lab.srv, 'udp', 53, family)
            for family in (4, 6)]


@test('errors about a connection at rest: of a member that went',
      lab=with_friends, fresh=True)
def _(lab):
    rest = at_rest(lab)
    for connection in rest:
        expect_errors(lab, connection, True, 'allowed')
    lab.reload(FRIENDS % (53, ''))
    for connection in rest:
        expect_errors(lab, connection, False, 'its member has gone')


@test('errors about a connection at rest: of a port that left its group',
      lab=with_friends, fresh=True)
def _(lab):
    rest = at_rest(lab)
    lab.set_ids(lab.srv, sg_groups='friends')
    for connection in rest:
        expect_errors(lab, connection, False, 'the port has left the group')


@test('errors about a connection at rest: allowed by another rule now',
      lab=with_friends, fresh=True)
def _(lab):
    rest = at_rest(lab)
    lab.reload(FRIENDS % ('"53-54"', CLIENTS))
    for connection in rest:
        if lab.sandbox.DATAPATH == 'system':
            # There the number that went says nothing of another rule.  What
            # an error is about has just passed, and with it the new number.
            connection.reply(True, 'by another rule')
        expect_errors(lab, connection, True, 'by another rule')


EGRESS = 'group "srv" { ingress = {}, egress = { udp { %s, to = any } } }'


def sending():
    lab = Lab(EGRESS % 53)
    lab.guest('vm', 'srv')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('connections of an address that went stay cut when their rule goes, too',
      lab=sending, fresh=True)
def _(lab):
    gone = lab.connect(lab.vm, lab.client, 'udp', 53)
    lab.set_ids(lab.vm, sg_addresses='192.0.2.77')
    lab.reload(EGRESS % '"53-54"')
    time.sleep(3)
    gone.reply(False, 'the address is gone')


def unsecured():
    lab = Lab(EGRESS.replace('udp', 'tcp') % 80)
    lab.guest('vm', 'srv', ids={'sg-port-security': 'false'})
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('without port security a connection may outlive its address and its '
      'rule', lab=unsecured, fresh=True)
def _(lab):
    kept = lab.connect(lab.vm, lab.client, 'tcp', 80)
    lab.set_ids(lab.vm, sg_addresses='192.0.2.77')
    lab.reload(EGRESS.replace('udp', 'tcp') % '"80-81"')
    time.sleep(3)                       # The agent reads the connections.
    kept.expect_alive('another rule allows it')


@test('a port that takes the address of its peer ends their connections',
      lab=sending, fresh=True)
def _(lab):
    for when in ('at once', 'and another rule would allow them'):
        ends = [lab.connect(lab.vm, lab.client, 'udp', 53, family)
                for family in (4, 6)]
        lab.set_ids(lab.vm, sg_addresses='198.18.0.9 2001:db8:9::9')
        if when != 'at once':
            lab.reload(EGRESS % '"53-54"')
        # The agent looks through the connection table after half a second.
        time.sleep(1.5)
        for connection in ends:
            connection.reply(False, when)
        lab.reload(EGRESS % 53)
        lab.set_ids(lab.vm, sg_addresses='192.0.2.1 2001:db8::1')


MOVED = '''
group "a" { ingress = {}, egress = { udp { 53, to = any } } }
group "b" { ingress = {}, egress = { tcp { 80, to = any }, %s } }
'''


def moved():
    lab = Lab(MOVED % '')
    lab.guest('vm', 'b')
    lab.guest('other', 'b')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('the number of a rule that a port left behind is not given to another '
      'after a restart', lab=moved, fresh=True)
def _(lab):
    lab.set_ids(lab.vm, sg_groups='a')
    gone = lab.connect(lab.vm, lab.client, 'udp', 53)
    # The last number that was given goes with its last port, but stays in the
    # policy.
    lab.set_ids(lab.vm, sg_groups='b')
    lab.agent.restart()
    lab.reload(MOVED % 'udp { 54, to = any }')
    # The agent looks through the connection table after half a second.
    time.sleep(1.5)
    gone.reply(False, 'its group was left')


FRAGMENTS = 'group "open" { ingress = {} }'


def in_fragments():
    lab = Lab(FRAGMENTS)
    lab.guest('vm', 'open')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


@test('a connection that began in fragments is cut when its address goes',
      lab=in_fragments, fresh=True)
def _(lab):
    vm, client = lab.vm, lab.client

    def send(sender, receiver, ports, expected, why):
        whole = frames.udp_frame(sender.mac, receiver.mac, sender.v4,
                                 receiver.v4, *ports, data=bytes(2000))
        for part in frames.fragments(whole, 1208):
            lab.sandbox.feed(sender.port, [part])
        seen = len(lab.sandbox.collect().get(receiver.port, ()))
        lab.equal(seen, 2 if expected else 0, 'fragments, ' + why)

    send(vm, client, (4711, 53), True, 'a question')
    send(client, vm, (53, 4711), True, 'its answer')
    lab.set_ids(vm, sg_addresses='192.0.2.77')
    send(client, vm, (53, 4711), False, 'an answer to an address that went')


def opened_both():
    lab = opened()
    lab.reload('group "open" { ingress = { udp { 53, from = any } } }')
    return lab


@test('fragments that wait for others never go another way', lab=opened_both,
      fresh=True)
def _(lab):
    for number in range(40):
        whole = frames.udp_frame(lab.vm.mac, lab.client.mac, lab.vm.v4,
                                 '198.18.0.%d' % (100 + number), 4711, 53,
                                 data=bytes(2000))
        lab.send(lab.vm, frames.fragments(whole, 1208)[0])
    # Conntrack gives up after 15 s, and hands one to each packet it sees.
    time.sleep(16)
    for _ in range(15):
        question = lab.client.first_frame(lab.other, 'udp', 53, 4)
        out = lab.send(lab.client, question)
        lab.equal({name: len(list_) for name, list_ in out.items()},
                  {'other': 1}, 'what leaves')
    for sport in range(5353, 5368):
        hello = frames.udp_frame(lab.other.mac, '01:00:5e:00:00:fb',
                                 lab.other.v4, '224.0.0.251', sport, 5353)
        out = lab.send(lab.other, hello)
        lab.equal(out, {'uplink': [hello]}, 'what leaves beside multicast')


run()
