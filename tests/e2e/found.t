#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the oracle (tests/oracle) has found, each reduced to a directed test."""
import time

from harness import Lab, run, test

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


run()
