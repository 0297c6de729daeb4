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
    for i in range(8):
        lab.remote('far%d' % i, '198.18.%d.9' % i, '2001:db8:%d::9' % (i + 9))
    return lab.start()


def passes(lab, act):
    """How often each frame that act() sends enters the datapath, on the
    average."""
    lab.sandbox.appctl('dpif-netdev/pmd-stats-clear')
    act()
    text = lab.sandbox.appctl('dpif-netdev/pmd-stats-show')
    received, again = (int(re.search(what + r': (\d+)', text).group(1))
                       for what in ('packets received',
                                    'packet recirculations'))
    return 1 + again / received


def first_frames(sender, receiver, proto, port, family):
    """Sends, of so many connections; all must arrive."""
    lab = sender.lab
    lab.sandbox.collect()
    sent = [sender.first_frame(receiver, proto, port, family)
            for _ in range(20)]
    lab.sandbox.feed(sender.port, sent)
    lab.equal(lab.sandbox.collect(), {receiver.port: sent}, 'what arrived')


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


run()
