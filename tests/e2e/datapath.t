#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What a packet costs the datapath, in numbers that no machine changes: how
often it passes, and how wide the datapath's own flows (megaflows) are."""
import re

from harness import Lab, run, test

POLICY = '''
group "srv" {
  ingress = {
    tcp { { 80, "8080-8089" }, from = any },
    udp { { 53, 5000 }, from = any },
    icmp { "echo-request", from = any }, icmp6 { "echo-request", from = any },
  },
}
group "cli" {}
'''
PROTOCOLS = ('tcp', 80), ('udp', 53), ('icmp', None)


def bridge():
    lab = Lab(POLICY)
    lab.guest('srv', 'srv')
    lab.guest('cli', 'cli')
    lab.guest('full', 'srv', ids={'sg-conntrack-limit': '1000'})
    lab.uplink()
    for i in range(8):              # Behind one router.
        lab.remote('far%d' % i, '%d.18.%d.9' % (23 * i + 9, i),
                   '2001:db8:%d::9' % (i + 9), mac='52:54:00:00:0f:00')
    # However slow the machine is, megaflows stay until they are counted.
    lab.sandbox.vsctl('set', 'Open_vSwitch', '.',
                      'other_config:max-idle=600000')
    return lab.start()


def passes(lab, act):
    """How often each frame that act() sends enters the datapath, on the
    average."""
    lookups, frames = lab.sandbox.lookups()
    act()
    lookups_then, frames_then = lab.sandbox.lookups()
    return (lookups_then - lookups) / (frames_then - frames)


def first_frames(sender, receiver, proto, port, family):
    """Sends, of so many connections; all must arrive."""
    lab = sender.lab
    lab.sandbox.collect()
    sent = [sender.first_frame(receiver, proto, port, family)
            for _ in range(20)]
    lab.sandbox.feed(sender.port, sent)
    # The kernel's datapath lets others overtake the one that it does not know.
    arrived = lab.sandbox.collect()
    lab.equal({port: sorted(list_) for port, list_ in arrived.items()},
              {receiver.port: sorted(sent)}, 'what arrived')


def expect_passes(lab, first, later, *ways):
    """Of the first frame of a connection and of later ones, both directions,
    for each (client, server) of 'ways'."""
    for client, server in ways:
        for family in (4, 6):
            for proto, port in PROTOCOLS:
                proto = 'icmp6' if proto == 'icmp' and family == 6 else proto
                what = '%s over IPv%d from %s to %s: passes of ' % (
                    proto, family, client, server)
                lab.equal(passes(lab, lambda: first_frames(
                    client, server, proto, port, family)), first,
                          what + 'first frames')
                conn = lab.connect(client, server, proto, port, family)
                lab.equal(passes(lab, lambda: conn.expect_alive('it is open')),
                          later, what + 'later frames')


@test('a packet passes once for each conntrack zone, and once more, also if '
      'it is the first of its connection', lab=bridge)
def _(lab):
    expect_passes(lab, 3, 3, (lab.cli, lab.srv))
    expect_passes(lab, 2, 2, (lab.far1, lab.srv))
    lab.equal(passes(lab, lambda: first_frames(
        lab.srv, lab.far1, 'tcp', 80, 4)), 2, 'passes of what leaves')


@test('only where a zone has a limit do first packets wait for the commit',
      lab=bridge)
def _(lab):
    expect_passes(lab, 4, 3, (lab.cli, lab.full), (lab.full, lab.srv))
    expect_passes(lab, 3, 2, (lab.far1, lab.full))


def megaflows(lab, what=''):
    """Those for IP packets that match 'what', without counters."""
    out = lab.sandbox.appctl('dpctl/dump-flows', '--names')
    return {re.sub(r', packets:.*actions:', ' actions:', line)
            for line in out.splitlines()
            if re.search(r'eth_type\(0x(0800|86dd)\)', line)
            and what in line}


def match_of(megaflow):
    return megaflow.partition(' actions:')[0]


def mask_of(megaflow):
    """Its match without the values."""
    match = re.sub(r'[-+](?=[a-z])', '*', match_of(megaflow))
    return re.sub(r'(?<=[(=])[^(),=/*]+(?=[,)/])', '', match)


def use(lab, ports, *clients):
    for client in clients:
        for family in (4, 6):
            for port in ports:
                lab.connect(client, lab.srv, 'tcp', port,
                            family).expect_alive('it is open')


@test('established packets match no address of others and no port, and many '
      'connections take no more megaflows than one', lab=bridge)
def _(lab):
    far = [getattr(lab, 'far%d' % i) for i in range(8)]
    lab.sandbox.purge_megaflows()
    use(lab, [80], lab.cli, lab.far0)
    few = megaflows(lab, '+est')
    lab.check(few, 'no megaflow')
    use(lab, [80, *range(8080, 8090)], lab.cli, *far)
    lab.equal(len(megaflows(lab, '+est')), len(few), 'megaflows')
    for flow in megaflows(lab, '+est') | megaflows(lab, 'recirc_id(0)'):
        match = match_of(flow)
        for host in lab.cli, lab.srv:
            if 'in_port(%s)' % host in match:
                for ip in host.ips:
                    match = match.replace('src=%s,' % ip, '')
        lab.check(not re.search(r'ipv[46]\([^)]*(src|dst)=|_port=|tp_|'
                                r'(tcp|udp|sctp)\(', match), flow)


def expect_one_mask(lab, host, what, proto):
    """For those megaflows of a port for TCP or UDP that match 'what'."""
    flows = megaflows(lab, 'in_port(%s)' % host)
    masks = {mask_of(flow) for flow in flows
             if re.search(what, flow) and re.search(
                 r'proto=%d[,)]' % proto, flow)}
    lab.check(len(masks) == 1, 'for %s of %s there are the masks:\n%s' % (
        what, host, '\n'.join(sorted(masks))))


@test('established packets of a guest have one mask in both zones, which is '
      'that of new TCP, too', lab=bridge)
def _(lab):
    lab.sandbox.purge_megaflows()
    for family in (4, 6):
        for proto, port in ('tcp', 80), ('udp', 53):
            lab.connect(lab.cli, lab.srv, proto, port,
                        family).expect_alive('it is open')
    for guest in lab.cli, lab.srv:
        for version in 'ipv4', 'ipv6':
            for proto in (6, 17):
                expect_one_mask(lab, guest, r'\+est.*' + version, proto)
            expect_one_mask(lab, guest, r'trk\).*%s.*actions:ct\(' % version,
                            6)


@test('datagrams that nobody has answered have one mask in both zones, which '
      'is that of answered ones', lab=bridge)
def _(lab):
    lab.sandbox.purge_megaflows()
    for family in (4, 6):
        frame = lab.cli.udp(lab.srv, 5000, family)
        for _ in range(5):              # Each meets what the last one left.
            lab.sandbox.feed(lab.cli.port, [frame])
        lab.connect(lab.cli, lab.srv, 'udp', 5000,
                    family).expect_alive('it is open')
    for version in 'ipv4', 'ipv6':
        for state in (r'\+new.*ct_mark\(0x2.*', r'\+est.*', r'ct_mark\(0x2.*'):
            expect_one_mask(lab, lab.cli, state + version, 17)


@test('as many megaflows, whatever ports UDP comes from', lab=bridge)
def _(lab):
    def send(sport):
        for family in (4, 6):
            for client in lab.cli, lab.far0:
                lab.deliver(client, lab.srv, client.udp(
                    lab.srv, 5000, family, sport), True, 'a rule allows it')
    lab.sandbox.purge_megaflows()
    send(1 << 15)
    few = megaflows(lab, '+new')
    lab.check(few, 'no megaflow')
    for bit in range(15):
        send(1 << bit)
    lab.equal(len(megaflows(lab, '+new')), len(few), 'megaflows')


@test('many UDP ports that a guest sends to take few megaflows', lab=bridge)
def _(lab):
    lab.sandbox.purge_megaflows()
    for family in (4, 6):
        for port in range(20000, 20100):
            lab.expect(lab.cli, lab.far0, 'udp', port, True, family=family)
    lab.check(len(megaflows(lab)) < 20, '%d megaflows' % len(megaflows(lab)))


run()
