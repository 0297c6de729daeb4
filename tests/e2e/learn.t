#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""MACs and addresses of guarded ports that declare none (issue 3, point 7)."""
import struct

from harness import Failure, Lab, frames, run, test, wait_until

POLICY = '''
  group "web" { ingress = { tcp { 80, from = group "app" } } }
  group "app" {}
  members "app" { "198.18.0.7" }
'''
GUEST = {'attached-mac': None, 'sg-addresses': None}
DHCP_SERVER = ('52:54:00:00:99:99', '198.18.0.1', 'fe80::9')
FOREIGN = '52:54:00:77:77:77'


def learning():
    lab = Lab(POLICY)
    lab.guest('web1', 'web', ids=GUEST)
    lab.guest('app1', 'app', ids=GUEST)
    lab.guest('fixed', 'app')
    lab.guest('mac', 'app', ids={'sg-addresses': None})
    lab.guest('address', 'app', ids={'attached-mac': None})
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def port(lab, host):
    """Of `list-ports', with what `show' says was learned."""
    found = next(p for p in lab.agent.json('list-ports')
                 if p['name'] == host.port)
    found['learned'] = [one['what'] for one in
                        lab.agent.json('show', host.port)['learned']]
    return found


def has(lab, host, *what):
    """All of 'what' is among the port's MACs and addresses."""
    p = port(lab, host)
    return set(what) <= set(p['macs'] + p['addresses'])


def wait_learned(lab, host, *what):
    if not wait_until(lambda: has(lab, host, *what), 20, 0.05):
        raise Failure('%s has not learned %s: %s'
                      % (host, what, lab.agent.json('show', host.port)))
    lab.settle()
    lab.sandbox.collect()                   # The frame that taught it.


def wait_forgotten(lab, host, *what):
    def gone():
        p = port(lab, host)
        return not set(what) & set(p['macs'] + p['addresses'])
    if not wait_until(gone, 20, 0.05):
        raise Failure('%s has not forgotten %s: %s'
                      % (host, what, port(lab, host)))
    lab.settle()


def wait_refused(lab, host, *words):
    def refused():
        r = lab.agent.json('show', host.port)['refused']
        return r and all(w in r['last'] for w in words)
    if not wait_until(refused, 20, 0.05):
        raise Failure('%s: no claim was refused because of %s: %s' % (
            host, words, lab.agent.json('show', host.port)['refused']))


def announce(lab, host, ip, mac=None):
    """Claims an address as a host does that takes it."""
    mac = mac or host.mac
    if frames.is_v6(ip):
        frame = frames.nd_solicit(mac, '::', ip, None)
    else:
        frame = frames.arp_request(mac, ip, ip)
    return lab.send(host, frame)


def take(lab, host, *ips):
    for ip in ips:
        announce(lab, host, ip)
        wait_learned(lab, host, host.mac, ip)


def advance(lab, seconds):
    lab.sandbox.purge_megaflows()           # Their counts are in.
    lab.sandbox.must(['ovs-appctl', '--timeout=10', '-t', lab.agent.socket,
                      'sg/learn-advance', str(seconds)])


def used(lab, host, what):
    return next((one['used'] for one in
                 lab.agent.json('show', host.port)['learned']
                 if one['what'] == what), None)


def ack(mac, ip, lease=None, broadcast=False):
    """A DHCPACK by the server behind the uplink."""
    message = frames.dhcp(2, mac, 5, yiaddr=ip)[:-1]
    if lease is not None:
        message += b'\x33\x04' + struct.pack('!I', lease)
    return frames.dhcp_frame(
        DHCP_SERVER[0], frames.BROADCAST if broadcast else mac,
        DHCP_SERVER[1], '255.255.255.255' if broadcast else ip, False,
        message + b'\xff')


def reply6(mac, ip, lease):
    """A DHCPv6 Reply with one address."""
    address = struct.pack('!HH16sII', 5, 24, frames.ip_bytes(ip), lease, lease)
    ia = struct.pack('!HHIII', 3, 12 + len(address), 1, 0, 0) + address
    return frames.udp_frame(DHCP_SERVER[0], mac, DHCP_SERVER[2],
                            frames.link_local(mac), 547, 546,
                            b'\x07\x00\x53\x47' + ia)


@test('a port that learns is active, and nothing waits for its guest',
      lab=learning)
def _(lab):
    for host in (lab.web1, lab.mac, lab.address):
        lab.expect_state(host, 'active')
    seen = port(lab, lab.web1)
    lab.equal((seen['macs'], seen['addresses'], seen['learned']),
              ([], [], []), 'before the first frame')


@test('until an address is learned, nothing but ARP, ND and DHCP passes',
      lab=learning)
def _(lab):
    web1, client, mac = lab.web1, lab.client, lab.mac
    for host in (web1, mac):
        for frame in (host.tcp(client, 80), host.udp(client, 53),
                      host.tcp(client, 80, 6), host.echo(client)):
            lab.deliver(host, client, frame, False, 'no address yet')
    wait_learned(lab, web1, web1.mac)       # That was its first frame.
    lab.equal(port(lab, web1)['addresses'], [], 'IP packets teach no address')
    lab.expect(client, mac, 'tcp', 80, False)
    lab.expect(mac, client, 'tcp', 80, False)
    probe = frames.arp_request(mac.mac, '0.0.0.0', '192.0.2.200')
    lab.expect_out(mac, probe, ['uplink'], 'ARP probe',
                   may=lab.guarded)
    lab.equal(port(lab, mac)['addresses'], [], 'a probe claims nothing')
    discover = frames.dhcp_frame(mac.mac, frames.BROADCAST, '0.0.0.0',
                                 '255.255.255.255', True,
                                 frames.dhcp(1, mac.mac, 1))
    lab.expect_out(mac, discover, ['uplink'], 'DHCP discover',
                   exactly=True)


@test('the first frame teaches the MAC, goes on its way, and the second MAC '
      'is refused', lab=learning, fresh=True)
def _(lab):
    host, client = lab.address, lab.client
    frame = host.tcp(client, 80)
    lab.send(host, frame)
    wait_learned(lab, host, host.mac)
    lab.equal(port(lab, host)['learned'], [host.mac], 'what is learned')
    lab.expect(host, client, 'tcp', 80, True)
    other = frames.tcp_frame(FOREIGN, client.mac, host.v4, client.v4, 4711,
                             80, frames.SYN, 1)
    lab.deliver(host, client, other, False, 'another MAC')
    lab.settle()
    lab.equal(port(lab, host)['macs'], [host.mac], 'one MAC it is')
    one = lab.agent.json('show', host.port)['learned'][0]
    lab.equal((one['what'], one['from'], one['until']),
              (host.mac, 'first frame', None), 'how it was learned')


@test('the frame that teaches arrives', lab=learning, fresh=True)
def _(lab):
    host = lab.web1
    frame = frames.arp_request(host.mac, host.v4, '192.0.2.254')
    got = set(lab.send(host, frame))

    def arrived():
        got.update(lab.sandbox.collect())
        return 'uplink' in got
    lab.check(wait_until(arrived, 20, 0.05), 'the first ARP request is lost')


@test('ARP: request, answer and announcement teach; members follow',
      lab=learning, fresh=True)
def _(lab):
    web1, app1 = lab.web1, lab.app1
    take(lab, web1, web1.v4)
    lab.send(app1, frames.arp_request(app1.mac, app1.v4, web1.v4))
    wait_learned(lab, app1, app1.mac, app1.v4)
    lab.send(lab.mac, frames.arp_reply(lab.mac.mac, lab.mac.v4, web1.mac,
                                       web1.v4))
    wait_learned(lab, lab.mac, lab.mac.v4)
    lab.expect(app1, web1, 'tcp', 80, True, 4)
    lab.expect(lab.mac, web1, 'tcp', 80, True, 4)
    lab.expect(app1, web1, 'tcp', 81, False, 4)
    lab.expect(web1, app1, 'tcp', 80, False, 4)
    lab.equal(lab.agent.json('trace', 'app1', 'web1', 'tcp', '80')['verdict'],
              'allow', 'trace')


@test('ARP that lies about its MAC teaches nothing', lab=learning, fresh=True)
def _(lab):
    host = lab.mac
    lab.expect_out(host, frames.arp_request(host.mac, host.v4, '192.0.2.9',
                                            sha=FOREIGN), [], 'sha',
                   exactly=True)
    lab.expect_out(host, frames.arp_request(FOREIGN, host.v4, '192.0.2.9'),
                   [], 'source MAC', exactly=True)
    for ip in ('224.0.0.1', '127.0.0.1', '255.255.255.255'):
        announce(lab, host, ip)
    announce(lab, host, host.v4)            # Comes behind those.
    wait_learned(lab, host, host.v4)
    lab.equal(port(lab, host)['addresses'], [host.v4], 'addresses')


@test('ND: duplicate address detection, solicitations and advertisements '
      'teach', lab=learning, fresh=True)
def _(lab):
    web1, app1, mac = lab.web1, lab.app1, lab.mac
    take(lab, web1, web1.v6)
    lab.send(app1, frames.nd_solicit(app1.mac, app1.v6, web1.v6))
    wait_learned(lab, app1, app1.mac, app1.v6)
    lab.send(mac, frames.nd_advert(mac.mac, mac.link_local, mac.v6, web1.v6,
                                   web1.mac))
    wait_learned(lab, mac, mac.v6)
    lab.expect(app1, web1, 'tcp', 80, True, 6)
    lab.expect(mac, web1, 'tcp', 80, True, 6)
    lab.send(mac, frames.nd_advert(mac.mac, mac.v6, '::ffff:198.18.0.7',
                                   web1.v6, web1.mac))
    take(lab, mac, '2001:db8::77')
    lab.equal(port(lab, mac)['addresses'], [mac.v6, '2001:db8::77'],
              'IPv4 in disguise is not learned')


@test('DHCP: what a trusted server acknowledges, for as long as it says',
      lab=learning, fresh=True)
def _(lab):
    web1, client = lab.web1, lab.client
    lab.send(web1, frames.dhcp_frame(
        web1.mac, frames.BROADCAST, '0.0.0.0', '255.255.255.255', True,
        frames.dhcp(1, web1.mac, 1)))
    wait_learned(lab, web1, web1.mac)
    lab.send(client, ack(web1.mac, '192.0.2.50', 3600))
    wait_learned(lab, web1, '192.0.2.50')
    lab.send(client, ack(web1.mac, '192.0.2.51', 7200, True))
    wait_learned(lab, web1, '192.0.2.51')
    lab.send(client, reply6(web1.mac, '2001:db8::50', 7200))
    wait_learned(lab, web1, '2001:db8::50')
    advance(lab, 3700)
    wait_forgotten(lab, web1, '192.0.2.50')
    lab.send(client, ack(web1.mac, '192.0.2.51', 9000))     # A renewal.
    wait_until(lambda: len({o['until'] for o in lab.agent.json(
        'show', 'web1')['learned']}) == 3, 20, 0.05)
    advance(lab, 3700)
    wait_forgotten(lab, web1, '2001:db8::50')
    lab.check(has(lab, web1, '192.0.2.51'), 'the renewed lease has ended')


@test('DHCP: a guest acknowledges nothing, and answers for others teach '
      'nothing', lab=learning, fresh=True)
def _(lab):
    mac, fixed, client = lab.mac, lab.fixed, lab.client
    offer = frames.dhcp_frame(fixed.mac, mac.mac, fixed.v4, '192.0.2.60',
                              False, frames.dhcp(2, mac.mac, 5,
                                                 yiaddr='192.0.2.60'))
    lab.deliver(fixed, mac, offer, False, 'a guest is no server')
    lab.send(client, frames.dhcp_frame(
        DHCP_SERVER[0], mac.mac, DHCP_SERVER[1], '192.0.2.61', False,
        frames.dhcp(2, mac.mac, 2, yiaddr='192.0.2.61')))   # An offer.
    lab.send(client, ack(FOREIGN, '192.0.2.62', 60, True))
    lab.send(client, ack(mac.mac, mac.v4, 600))
    wait_learned(lab, mac, mac.v4)
    lab.equal(port(lab, mac)['addresses'], [mac.v4], 'addresses')


@test('an address that is declared, learned or listed elsewhere stays there, '
      'and the claim is logged', lab=learning, fresh=True)
def _(lab):
    web1, app1, fixed = lab.web1, lab.app1, lab.fixed
    take(lab, app1, app1.v4, app1.v6)
    take(lab, web1, web1.v4)
    for ip, holder in ((fixed.v4, 'fixed'), (fixed.v6, 'fixed'),
                       (app1.v4, 'app1'), (app1.v6, 'app1'),
                       ('198.18.0.7', 'members of "app"')):
        announce(lab, web1, ip)
        wait_refused(lab, web1, ip, holder)
    lab.equal(port(lab, web1)['addresses'], [web1.v4], 'addresses')
    lab.check(wait_until(lambda: 'web1: not learned: %s (ARP): it is that of '
                         'fixed' % fixed.v4 in open(
                             lab.sandbox.path(lab.agent.log)).read(), 20,
                         0.05), 'the claim is not in the log')
    lab.deliver(web1, lab.client, frames.udp_frame(
        web1.mac, lab.client.mac, fixed.v4, lab.client.v4, 1, 7), False,
        'a refused address')
    out = lab.agent.must('show', 'web1')
    lab.check('claims refused' in out, 'show does not tell:\n' + out)


@test('a MAC that another port has is refused', lab=learning, fresh=True)
def _(lab):
    announce(lab, lab.web1, '192.0.2.77', lab.fixed.mac)
    wait_refused(lab, lab.web1, lab.fixed.mac, 'fixed')
    lab.equal(port(lab, lab.web1)['macs'], [], 'MACs')
    take(lab, lab.web1, lab.web1.v4)


@test('sixteen addresses, and no more', lab=learning, fresh=True)
def _(lab):
    mac = lab.mac
    for i in range(20):
        announce(lab, mac, '192.0.2.%d' % (100 + i))
    wait_learned(lab, mac, *('192.0.2.%d' % (100 + i) for i in range(16)))
    lab.equal(len(port(lab, mac)['addresses']), 16, 'addresses')
    lab.check(not any('controller' in f and 'arp' in f and
                      'reg0=0x%x' % port(lab, mac)['zone'] in f
                      for f in lab.flows()), 'it still listens')


@test('a flood of claims: the port is not listened to for a while',
      lab=learning, fresh=True)
def _(lab):
    mac = lab.mac
    taken = [frames.arp_request(mac.mac, lab.fixed.v4, lab.fixed.v4)] * 150

    def paused():
        lab.sandbox.feed(mac.port, taken)
        lab.sandbox.collect()
        return 'mac: it claims too many addresses' in open(
            lab.sandbox.path(lab.agent.log)).read()
    lab.check(wait_until(paused, 20, 0.05), 'it is not held back')
    lab.settle()
    zone = 'reg0=0x%x' % port(lab, mac)['zone']
    lab.check(not any('controller' in f and zone + ' ' in f + ' ' and
                      'arp' in f for f in lab.flows()), 'it still listens')
    take(lab, lab.web1, lab.web1.v4)        # Others are not touched.
    advance(lab, 11)
    lab.check(wait_until(lambda: any(
        'controller' in f and 'arp' in f and zone in f
        for f in lab.flows()), 20, 0.05), 'the pause does not end')
    take(lab, mac, mac.v4)


@test('what is not used is forgotten, what is used stays', lab=learning,
      fresh=True)
def _(lab):
    mac, client = lab.mac, lab.client
    take(lab, mac, mac.v4, '192.0.2.99')
    for _ in range(3):
        before = used(lab, mac, mac.v4)
        lab.expect(mac, client, 'tcp', 80, True, 4)
        advance(lab, 800)
        lab.check(wait_until(lambda: used(lab, mac, mac.v4) != before, 20,
                             0.05), 'its use is not seen')
    wait_forgotten(lab, mac, '192.0.2.99')
    lab.check(has(lab, mac, mac.v4), 'it was used')
    advance(lab, 1801)
    wait_forgotten(lab, mac, mac.v4)
    lab.expect(mac, client, 'tcp', 80, False, 4)


@test('an address that goes takes its connections with it', lab=learning,
      fresh=True)
def _(lab):
    web1, app1, client = lab.web1, lab.app1, lab.client
    take(lab, web1, web1.v4)
    lab.send(web1, frames.arp_request(web1.mac, web1.v4, client.v4))
    take(lab, app1, app1.v4)
    alive = lab.connect(app1, web1, 'tcp', 80)
    lab.settle()
    alive.expect_alive('while both are known')
    # The operator's word is stronger than what was learned.
    lab.set_ids(lab.fixed, sg_addresses='%s %s' % (lab.fixed.v4, app1.v4))
    lab.equal(port(lab, app1)['addresses'], [], 'the declared one wins')
    alive.expect_cut('the address was lost')


@test('a restart of the agent touches no flow and forgets nothing',
      lab=learning, fresh=True)
def _(lab):
    web1, app1 = lab.web1, lab.app1
    take(lab, web1, web1.v4, web1.v6)
    take(lab, app1, app1.v4)
    lab.send(lab.client, ack(app1.mac, '192.0.2.70', 3600))
    wait_learned(lab, app1, '192.0.2.70')
    before = lab.agent.json('list-ports')
    how = [[(o['what'], o['from'], o['since'], o['until']) for o in
            lab.agent.json('show', h.port)['learned']] for h in (web1, app1)]
    alive = lab.connect(app1, web1, 'tcp', 80)
    lab.agent.kill()
    with lab.watch_flows() as watch:
        lab.agent.start()
        lab.settle()
        lab.equal(watch.take(), [], 'flow mods')
    lab.equal(lab.agent.json('list-ports'), before, 'list-ports')
    lab.equal([[(o['what'], o['from'], o['since'], o['until']) for o in
                lab.agent.json('show', h.port)['learned']]
               for h in (web1, app1)], how, 'how it was learned')
    alive.expect_alive('after the restart')


@test('what was declared is not taken for learned after a restart',
      lab=learning, fresh=True)
def _(lab):
    fixed = lab.fixed
    lab.agent.kill()
    lab.set_ids(fixed, settle=False, sg_addresses=None)
    lab.agent.start()
    lab.settle()
    lab.equal(port(lab, fixed)['addresses'], [], 'addresses')
    lab.expect(fixed, lab.client, 'tcp', 80, False)


@test('a port that is removed and added again begins anew', lab=learning,
      fresh=True)
def _(lab):
    web1 = lab.web1
    take(lab, web1, web1.v4)
    number = lab.sandbox.ofport('web1')
    lab.remove_port(web1)
    lab.settle()
    again = lab.guest('web1', 'web', ids=GUEST, number=number, mac=FOREIGN)
    lab.settle()
    seen = port(lab, again)
    lab.equal((seen['macs'], seen['addresses']), ([], []), 'learned')
    take(lab, again, web1.v4)
    lab.equal(port(lab, again)['macs'], [FOREIGN], 'the new MAC')


@test('what is declared later replaces what was learned', lab=learning,
      fresh=True)
def _(lab):
    web1, client = lab.web1, lab.client
    take(lab, web1, web1.v4)
    lab.set_ids(web1, sg_addresses='192.0.2.40')
    seen = port(lab, web1)
    lab.equal((seen['macs'], seen['addresses'], seen['learned']),
              ([web1.mac], ['192.0.2.40'], [web1.mac]), 'declared')
    lab.expect(web1, client, 'tcp', 80, False, 4)
    lab.set_ids(web1, sg_addresses=None)
    lab.equal(port(lab, web1)['addresses'], [], 'and taken back')
    take(lab, web1, web1.v4)


@test('with sg-port-security=false nothing is learned', lab=learning,
      fresh=True)
def _(lab):
    lab.set_ids(lab.web1, **{'sg-port-security': 'false'})
    announce(lab, lab.web1, lab.web1.v4)
    lab.settle()
    seen = port(lab, lab.web1)
    lab.equal((seen['macs'], seen['addresses']), ([], []), 'learned')


@test('an observing agent learns nothing and installs nothing',
      lab=lambda: learning_with('--observe'))
def _(lab):
    announce(lab, lab.web1, lab.web1.v4)
    lab.equal(lab.flows(), [], 'flows')
    lab.equal(port(lab, lab.web1)['addresses'], [], 'learned')


def learning_with(*options):
    lab = Lab(POLICY, agent_options=options)
    lab.guest('web1', 'web', ids=GUEST)
    lab.apply()
    lab.agent.start()
    # There is no `wait' for an agent that does nothing.
    if not wait_until(lambda: lab.agent.json('list-ports'), 20, 0.05):
        raise Failure('the agent does not see the port')
    return lab


run()
