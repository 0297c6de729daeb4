# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Mininet with security groups.

    from guarded import GuardedNet, begin

    begin()
    net = GuardedNet('policy.lua')
    s1 = net.addSwitch('s1')
    web1 = net.addHost('web1', ip='192.0.2.13/24', ip6='2001:db8::13/64',
                       groups=['web'])
    net.addLink(web1, s1)
    net.start()                 # Returns when web1 is guarded.
    CLI(net)
    net.stop()

A host with `groups', even none ([]), is guarded; one without is trusted, as an
uplink is.  Everything runs in namespaces of this process: the switch, which is
Debian's with the userspace datapath, its database, the agent, the hosts.  A
switch that the machine runs is never asked, and nothing stays.
"""
import os
import shlex
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'tests', 'e2e'))

from harness import process                                   # noqa: E402
from harness.agent import Agent, environment, program         # noqa: E402
from harness.netns import Peer                                # noqa: E402
from harness.sandbox import Sandbox, ids_words                # noqa: E402
from harness.tap import Skip                                  # noqa: E402
from mininet.link import TCULink                              # noqa: E402
from mininet.net import Mininet                               # noqa: E402
from mininet.node import Host, OVSSwitch                      # noqa: E402
from mininet.util import errFail                              # noqa: E402

# Mininet would raise limits of the whole machine.
Mininet.inited = True


def begin():
    """To be called first.  From here on everything is private, and goes when
    this process goes, also after Ctrl-C."""
    try:
        process.private_processes()
    except OSError as error:
        raise Skip('needs the right to make namespaces (root): %s'
                   % error) from error
    process.clean_up_on_exit()
    check_namespaces()


def check_namespaces():
    """Mininet would wait for ever where it cannot make any; and who enters
    one finds the root of the machine, not that of a chroot."""
    here = os.path.dirname(os.path.abspath(__file__))
    for argv in (['mnexec', '-n', 'true'],
                 ['mnexec', '-a', str(os.getpid()), 'test', '-d', here]):
        result = process.command(argv)
        if result.status != 0:
            raise Skip('Mininet cannot make a host here (a chroot, maybe): %s'
                       % result)


class GuardedHost(Host):
    """A host that may have an IPv6 address, `ip6', and `groups'."""

    def config(self, ip6=None, **params):
        result = super().config(**params)
        if ip6:
            # Usable at once, without detecting duplicates first.
            self.cmd('ip -6 address add', ip6, 'dev', self.defaultIntf(),
                     'nodad')
        return result

    def addresses(self):
        """Without their prefix lengths."""
        return [self.params[key].split('/')[0] for key in ('ip', 'ip6')
                if self.params.get(key)]

    def external_ids(self):
        """What the database says of the port that leads here."""
        groups = self.params.get('groups')
        if groups is None:
            return {}
        return {'sg-groups': ' '.join(groups), 'attached-mac': self.MAC(),
                'sg-addresses': ' '.join(self.addresses())}

    def peer(self):
        """Starts, in the host, who serves and connects as it is told."""
        return Peer(self.name, self.addresses(),
                    ['mnexec', '-a', str(self.pid)])


def host_behind(intf):
    """The host at the other end of a switch's port, or None."""
    ends = (intf.link.intf1, intf.link.intf2)
    node = ends[ends[0] is intf].node
    return node if isinstance(node, GuardedHost) else None


class GuardedSwitch(OVSSwitch):
    """A bridge of the private switch whose ports say what they need to be
    guarded."""

    def __init__(self, name, **params):
        super().__init__(name, datapath='user', **params)

    def vsctl(self, *args, **kwargs):
        """Not in the node's shell, whose terminal cuts long lines."""
        if self.batch:
            return super().vsctl(*args, **kwargs)
        words = ' '.join(str(arg) for arg in args)
        return errFail('ovs-vsctl --timeout=15 ' + words, shell=True)[0]

    def intfOpts(self, intf):
        host = host_behind(intf)
        ids = ids_words(host.external_ids()) if host else []
        return ' '.join([super().intfOpts(intf)] +
                        [shlex.quote(word) for word in ids])

    def attach(self, intf):
        """A port that comes while the switch runs."""
        self.vsctl('add-port', self, intf, self.intfOpts(intf))
        self.cmd('ip link set', intf, 'up')


class GuardedNet(Mininet):
    """A network whose switches ovs-sgd guards; `agent' is that."""

    def __init__(self, policy, **options):
        self.sandbox = Sandbox('mininet').start()
        # By this all of Mininet finds the private switch, and ovs-sgctl the
        # agent.
        os.environ.update(environment(self.sandbox))
        os.environ['PATH'] = '%s:%s' % (
            os.path.dirname(program('ovs-sgctl')), os.environ['PATH'])
        self.agent = Agent(self.sandbox, policy)
        super().__init__(**dict(
            {'switch': GuardedSwitch, 'host': GuardedHost, 'controller': None,
             # Without checksum offload, which this datapath cannot do.
             'link': TCULink}, **options))

    def start(self):
        super().start()
        self.agent.start()
        self.agent.wait()

    def stop(self):
        """Returns sentences about what did not end well."""
        problems = self.agent.stop()
        super().stop()
        return problems + self.sandbox.stop()

    def port(self, host):
        """The name of the switch's port that leads to a host."""
        link = host.defaultIntf().link
        return (link.intf2 if link.intf1.node is host else link.intf1).name

    def set_groups(self, host, groups):
        """Puts a running host into other groups.  Returns what is wrong with
        them, or None."""
        port = self.port(host)
        host.params['groups'] = groups
        self.sandbox.set_ids(port, {'sg-groups': ' '.join(groups)})
        self.agent.wait()
        return self.sandbox.get('Interface', port,
                                'external_ids').get('sg-error')
