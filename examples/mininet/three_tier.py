#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The three-tier exercise in Mininet, shown and checked.

Web servers that everybody may reach, application servers that the web servers
use, a database that the application servers use, and a jump host; an office
and a client outside.  Shows who reaches whom, expected and observed, changes
the policy while it runs, and shows it again.  Ends with status 0 if everything
that was observed is what the policy says.

    examples/mininet/start          builds what is needed, shows, cleans up
    examples/mininet/start --cli    shows, then gives you Mininet's prompt
"""
import argparse
import difflib
import os
import shutil
import sys

try:
    from guarded import GuardedNet, begin
except ImportError as missing:
    sys.exit('%s: install the Debian package mininet' % missing)
from play import PlayCli

from harness import process
from harness.agent import TOP
from harness.exercise import Exercise, say, title
from harness.tap import Failure, Skip

POLICY = os.path.join(TOP, 'examples', 'three-tier', 'three-tier.lua')

GUESTS = [('bastion1', 'bastion'), ('web1', 'web'), ('web2', 'web'),
          ('app1', 'app'), ('app2', 'app'), ('db1', 'db')]
OUTSIDE = [('office', '203.0.113.5', '2001:db8:ff1::5'),
           ('client', '198.18.0.9', '2001:db8:9::9')]

# What is changed while it runs, in the policy...
OLD = '''\
  ingress = { tcp { 5432, from = group "app" }, ssh_from(group "bastion") },
'''
NEW = '''\
  ingress = { tcp { 5432, from = { group "app", office } } },
'''
# ...and in what is expected of it: who reaches the database by what.
CHANGE = {('bastion', 'db'): '', ('office', 'db'): 'D'}


class Lab(Exercise):
    """The exercise; its guests are Mininet's hosts."""

    def __init__(self):
        super().__init__()
        self.policy = os.path.join(process.scratch('policy'),
                                   os.path.basename(POLICY))
        shutil.copy(POLICY, self.policy)
        title('A private Open vSwitch, and Mininet with it')
        self.net = GuardedNet(self.policy)
        self.switch = self.net.addSwitch('s1')

    # Set-up.

    def start(self):
        for number, (name, tier) in enumerate(GUESTS, 11):
            self.add_host(name, '192.0.2.%d' % number,
                          '2001:db8::%d' % number, [tier])
        for name, ip, ip6 in OUTSIDE:
            self.add_host(name, ip, ip6, None)
        self.net.build()
        for host in self.net.hosts:
            # Everybody is on one wire; the other route is Mininet's to make.
            host.cmd('ip -6 route add default dev', host.defaultIntf())
        self.net.start()
        for name, tier in GUESTS + [(o[0], o[0]) for o in OUTSIDE]:
            self.add(name, tier, self.net[name].peer())
        say('   all ports are active; ovs-sgd enforces a copy of %s'
            % os.path.relpath(POLICY, TOP))

    def add_host(self, name, ip, ip6, groups):
        host = self.net.addHost(name, ip=ip + '/32', ip6=ip6 + '/128',
                                defaultRoute='dev %s-eth0' % name,
                                groups=groups)
        self.net.addLink(host, self.switch)
        what = 'groups=' + ','.join(groups) if groups else 'not guarded'
        say('   %-9s %s, %s   %s' % (name, ip, ip6, what))

    # What changes.

    def change_policy(self):
        """Nobody logs in to the database any more; the office queries it."""
        title('The policy changes while connections are open')
        bastion, app, db = (self.guest(n) for n in ('bastion1', 'app1', 'db1'))
        goes = self.hold(bastion, db, 'S')
        stays = self.hold(app, db, 'D')
        self.exchange(goes + stays, True)
        self.edit_policy()
        say('   $ ovs-sgctl reload')
        self.net.agent.must('reload')
        self.net.agent.wait()
        self.ingress.update(CHANGE)
        self.exchange(goes, False)
        self.exchange(stays, True)

    def edit_policy(self):
        with open(self.policy) as f:
            before = f.read()
        if OLD not in before:
            raise Failure('%s has no line\n%s' % (self.policy, OLD))
        after = before.replace(OLD, NEW)
        with open(self.policy, 'w') as f:
            f.write(after)
        # Without the three lines that name files and numbers.
        for line in list(difflib.unified_diff(
                before.splitlines(), after.splitlines(), n=1))[3:]:
            say('   ' + line)

    def run(self):
        self.start()
        self.matrix()
        self.change_policy()
        self.matrix()
        return self.result()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n\n', 1)[0])
    parser.add_argument('--cli', action='store_true',
                        help='then give me a prompt to play at')
    options = parser.parse_args()
    begin()
    lab = Lab()
    status = lab.run()
    if options.cli:
        PlayCli.play(lab)
    for problem in lab.net.stop():
        say('WRONG: ' + problem)
        status = 1
    return status


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (Failure, Skip) as failure:
        say('The lab cannot go on:\n%s' % failure)
        sys.exit(1)
