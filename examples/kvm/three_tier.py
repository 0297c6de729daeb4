#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The three-tier exercise with virtual machines, shown and checked.

Six guests boot Debian's cloud kernel under QEMU, get their addresses from a
DHCP server and from router advertisements, and the agent learns them there:
the ports declare a MAC and groups, as libvirt would, and no address.  An
office, a client and the DHCP server are hosts outside.  All is on a private
Open vSwitch in a network namespace.  Ends with status 0 if everything that was
observed is what the policy says.

    examples/kvm/start
"""
import os
import sys

from vm import Machine, make_image

from harness import process, tap
from harness.agent import TOP, Agent
from harness.exercise import SERVICES, Exercise, say, title
from harness.guest import mac_of
from harness.netns import Namespace
from harness.process import Child
from harness.sandbox import Sandbox

POLICY = os.path.join(TOP, 'examples', 'three-tier', 'three-tier.lua')
GUESTS = [('bastion1', 'bastion'), ('web1', 'web'), ('web2', 'web'),
          ('app1', 'app'), ('app2', 'app'), ('db1', 'db')]
OUTSIDE = [('office', '203.0.113.5', '2001:db8:ff1::5'),
           ('client', '198.18.0.9', '2001:db8:9::9')]
ROUTER = ('192.0.2.1/24', '2001:db8::1/64')


class Lab(Exercise):
    # Busybox serves no UDP.
    services = [s for s in SERVICES if s[2] == 'tcp']

    def __init__(self, accel, kernel):
        super().__init__()
        self.accel = accel
        self.kernel = kernel
        self.outside = 0                # Hosts outside, so far.

    # Set-up.

    def start(self):
        title('A private Open vSwitch, and ovs-sgd with the policy')
        self.switch = Sandbox('kvm').start()
        self.switch.add_bridge('br0')
        self.agent = Agent(self.switch, POLICY).start()
        say('   ovs-sgd enforces %s' % os.path.relpath(POLICY, TOP))
        for name, *ips in OUTSIDE:
            self.add(name, name, self.plug(name, ips))
            say('   %-9s %s, %s   not guarded' % (name, *ips))
        self.add_dhcp()

        title('Guests boot (%s)' % self.accel)
        image = self.switch.path('initrd')
        make_image(self.kernel, image)
        machines = [self.add_machine(n, name, tier, image)
                    for n, (name, tier) in enumerate(GUESTS, 11)]
        for machine in machines:
            machine.boot([s[3] for s in self.services])
        for machine, (name, tier) in zip(machines, GUESTS):
            machine.booted()
            self.add(name, tier, machine)
            say('   %-9s %s' % (name, ', '.join(machine.addresses)))
        self.agent.wait()
        self.show_learned()

    def plug(self, name, ips):
        """A host outside."""
        self.outside += 1
        host = Namespace(name, mac_of(200 + self.outside),
                         [ip if '/' in ip else '%s/%d' % (
                             ip, 128 if ':' in ip else 32) for ip in ips],
                         () if '/' in ips[0] else
                         ('default dev eth0', '-6 default dev eth0'))
        # The router below is for the guests.
        host.inside('sh', '-c',
                    'echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra')
        self.switch.vsctl('add-port', 'br0', name)
        return host

    def add_dhcp(self):
        """A trusted host, whose answers may reach the guests."""
        host = self.plug('dhcp', ROUTER)
        leases = self.switch.path('leases')
        Child(['nsenter', '--net=/proc/%d/ns/net' % host.child.pid, 'dnsmasq',
               '--keep-in-foreground', '--conf-file=/dev/null', '--port=0',
               '--interface=eth0', '--user=root', '--pid-file=',
               '--dhcp-leasefile=' + leases, '--no-ping',
               '--dhcp-authoritative', '--dhcp-option=3',
               '--dhcp-range=192.0.2.100,192.0.2.150,1h',
               '--enable-ra', '--ra-param=eth0,10,0',
               '--dhcp-range=2001:db8::,ra-only,64'],
              output=self.switch.path('dnsmasq.log'))
        say('   dhcp      %s, %s   not guarded' % ROUTER)

    def add_machine(self, number, name, tier, image):
        port = 'tap-' + name
        machine = Machine(port, mac_of(number), self.accel, self.kernel, image)
        words = ['add-port', 'br0', port, '--', 'set', 'Interface', port,
                 'external_ids:attached-mac="%s"' % mac_of(number)]
        if tier != 'db':                # In "db" by the name of its port.
            words.append('external_ids:sg-groups=' + tier)
        self.switch.vsctl(*words)
        return machine

    def show_learned(self):
        title('What the agent has learned')
        say('   $ ovs-sgctl list-ports')
        for line in self.agent.must('list-ports').splitlines():
            say('   ' + line.rstrip())
        ports = {p['name']: p for p in self.agent.json('list-ports')}
        for guest in self.guests:
            learned = ports.get(guest.net.port, {}).get('addresses')
            missing = set(guest.net.addresses) - set(learned or ())
            if learned is not None and missing:
                self.differ('%s has %s, which the agent has not learned' % (
                    guest.name, ', '.join(sorted(missing))))

    # What changes.

    def change_groups(self):
        title('app2 leaves the app tier in the middle of a connection')
        app1, app2, db = (self.guest(n) for n in ('app1', 'app2', 'db1'))
        goes = self.hold(app2, db, 'D')
        stays = self.hold(app1, db, 'D')
        self.exchange(goes + stays, True)
        say('   $ ovs-vsctl set Interface tap-app2 '
            'external_ids:sg-groups=default')
        self.switch.set_ids('tap-app2', {'sg-groups': 'default'})
        self.agent.wait()
        app2.tier = 'default'
        self.exchange(goes, False)
        self.exchange(stays, True)


def run(lab):
    lab.start()
    lab.matrix()
    lab.change_groups()
    lab.matrix()
    return lab.result()


def main():
    process.clean_up_on_exit()
    try:
        return run(Lab(*sys.argv[1:3]))
    except (tap.Failure, tap.Skip) as error:
        print('three_tier.py: %s' % error, file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
