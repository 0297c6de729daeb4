# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The tenant of the contract's example, examples/three-tier: two guests per
tier, an uplink, and who lives behind it."""
import os

from .agent import TOP
from .lab import Lab

EXAMPLE = os.path.join(TOP, 'examples', 'three-tier', 'three-tier.lua')


def example_policy():
    with open(EXAMPLE) as f:
        return f.read()


def three_tier(**options):
    lab = Lab(example_policy(), **options)
    lab.guest('bastion1', 'bastion')
    lab.guest('web1', 'web')
    lab.guest('web2', 'web')
    lab.guest('app1', 'app')
    lab.guest('app2', 'app')
    lab.guest('db1', iface='tap-db1')       # In its group by `bind'.
    lab.guest('db2', 'db')
    lab.uplink()
    lab.remote('office', '203.0.113.5', '2001:db8:ff1::5')
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    lab.remote('backup', '198.51.100.7')
    lab.remote('web3', '192.0.2.10', '2001:db8::10')    # By `members'.
    return lab.start()
