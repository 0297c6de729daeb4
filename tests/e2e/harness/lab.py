# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A lab: a switch, an agent with a policy, guests, and the checks.

    lab = Lab(policy='group "web" { ... }')
    web1 = lab.guest("web1", groups="web")
    lab.uplink()
    client = lab.remote("client", "198.51.100.9", "2001:db8:9::9")
    lab.start()
    lab.expect(client, web1, "tcp", 80, True)

Guests and remote hosts are attributes of the lab, too: lab.web1.  Guest number
N (in order of creation) has MAC 52:54:00:00:00:N, the addresses 192.0.2.N and
2001:db8::N, and OpenFlow port N.
"""
import os

from . import frames
from .agent import make_agent
from .guest import CONNECTIONS, Host, mac_of
from .host import inside
from .kernel import default_sandbox
from .process import wait_until
from .tap import Failure
from .watch import FlowWatch, LogWatch

# Failures told with traces; those after them in a test get one line.
MAX_DETAILED = 2

# A busy machine, or a process that a test has stopped for a while.
BUSY = (r'timeval.*(Unreasonably long|context switches|faults|disk)',
        r'ovs_rcu.*blocked')

# What the switch complains about, however well it is treated.
SWITCH_NOISE = BUSY + (
    r'dpif_netlink|netlink',
    r'netdev_linux.*(ethtool|ioctl|No such device)',
    r'unlinking .* failed',
    r'\|sg-marker<->',                  # accepts() hangs up.
    # Over a zone's limit the kernel refuses the commit, and the packet.
    r'execute ct\(commit.* failed \(Cannot allocate memory\)',
    # revalidator/purge races with revalidators, and with packets that make the
    # same flow again (their actions are carried out all the same).
    r'failed to (flow_get|flow_del|put.modify.) .*No such file',
    # A megaflow is taken away whose port has just been removed: nobody is left
    # to count its last packets for.
    r'xlate_key failed \(No such device\)',
    r'Failed to acquire udpif_key', r'ukey installation fails',
    r'dpif(_upcall)?[(|].*Dropped \d+ log messages',
    # An agent that ends before the switch has answered it.
    r'jsonrpc.*unix#.*error: (Broken pipe|Connection reset)',
)
# Nobody reads what it has to say about a device once the agent has ended.
NOBODY_THERE = r'rconn\|WARN\|\S+<->unix#\d+: connection dropped \(Broken pipe'
if inside():
    # A plugin that is unloaded may not have read what it was sent.
    SWITCH_NOISE += (r'rconn.*connection dropped',)


class Lab:
    def __init__(self, policy='', bridges=('br0',), agent_options=(),
                 agent=True, sandbox=None):
        self.sandbox = (sandbox or default_sandbox('e2e')).start()
        self.hosts = {}                 # By name.
        self.guarded = set()            # Names of guarded interfaces.
        self.failures = []
        self.allowed = []               # Regular expressions for log lines.
        self.folder = self.sandbox.path('policy.d')
        os.mkdir(self.folder)
        self.write_policy(policy)
        self.agent = make_agent(self.sandbox, self.folder,
                                options=agent_options) if agent else None
        self.logs = [(LogWatch(self.sandbox.path(name)), noise)
                     for name, noise in (('ovs-sgd.log', BUSY),
                                         ('ovs-sgd.out', ()),
                                         ('ovs-vswitchd.out', SWITCH_NOISE),
                                         ('ovs-vswitchd.log', SWITCH_NOISE))]
        self._trusted = 0               # Ports made by trusted().
        self._words = []                # ovs-vsctl words not yet carried out.
        for bridge in bridges:
            self.sandbox.add_bridge(bridge)

    # Construction.

    def __getattr__(self, name):
        try:
            return self.__dict__['hosts'][name]
        except KeyError:
            raise AttributeError('no host "%s" in this lab' % name) from None

    def guest(self, name, groups=None, bridge='br0', tag=None, ids=None,
              number=None, ips=None, mac=None, port=(), iface=None):
        """A guarded port with one host.  'groups' None: no sg-groups; 'ids'
        adds external_ids, or takes a default away with None; 'iface' is the
        interface's name, else the host's."""
        number = number or 1 + sum(h.guarded for h in self.hosts.values())
        mac = mac or mac_of(number)
        ips = ips if ips is not None else ['192.0.2.%d' % number,
                                           '2001:db8::%x' % number]
        all_ids = {'attached-mac': mac, 'sg-addresses': ' '.join(ips)}
        if groups is not None:
            all_ids['sg-groups'] = groups
        all_ids.update(ids or {})
        all_ids = {k: v for k, v in all_ids.items() if v is not None}
        iface = iface or name
        self._words += self.sandbox.port_command(bridge, iface, all_ids,
                                                 number, tag, port)
        self.guarded.add(iface)
        return self._add(Host(self, name, iface, mac, ips, True, bridge))

    def trusted(self, name, tag=None, bridge='br0', port=(), ofport=None):
        """A port that nobody guards, such as an uplink."""
        # Not by chance the number that a guest will ask for.
        self._trusted += 1
        ofport = ofport or 200 + self._trusted
        self._words += self.sandbox.port_command(bridge, name, None, ofport,
                                                 tag, port)

    def uplink(self, name='uplink', **kw):
        self.trusted(name, ofport=100, **kw)

    def remote(self, name, *ips, port='uplink', mac=None, bridge='br0'):
        """A host behind a trusted port."""
        number = 0xf00 + len(self.hosts)
        return self._add(Host(self, name, port, mac or mac_of(number), ips,
                              False, bridge))

    def _add(self, host):
        self.hosts[host.name] = host
        return host

    def apply(self):
        """Makes the ports that were asked for."""
        if self._words:
            words, self._words = self._words, []
            self.sandbox.vsctl(*words[1:])

    def start(self):
        self.apply()
        if self.agent:
            self.agent.start()
            self.settle()
        return self

    def write_policy(self, text, name='policy.lua'):
        with open(os.path.join(self.folder, name), 'w') as f:
            f.write(text)

    # Changes.

    def settle(self):
        """Until the switch does what database and policy say."""
        self.apply()
        self.agent.wait()

    def reload(self, text=None):
        """A new policy, in force when this returns."""
        if text is not None:
            self.write_policy(text)
        self.agent.must('reload')
        self.settle()

    def set_ids(self, host, settle=True, **ids):
        """Changes external_ids; sg_groups="x" stands for sg-groups."""
        self.sandbox.set_ids(host.port, {k.replace('_', '-'): v
                                         for k, v in ids.items()})
        if settle:
            self.settle()

    def remove_port(self, host):
        self.sandbox.vsctl('del-port', host.port)
        self.sandbox.forget_port(host.port)
        self.guarded.discard(host.port)
        self.hosts.pop(host.name, None)

    def during(self, argv, tick):
        """Runs ovs-sgctl ARGV and calls tick() all the time until it has
        ended, and some times more; returns how often."""
        command = self.agent.begin(*argv)
        count = extra = 0
        while extra < 20:
            extra += command.poll() is not None
            tick()
            count += 1
        self.check(command.returncode == 0, 'ovs-sgctl %s fails' % (argv,))
        return count

    # State.

    def ids(self, host):
        return self.sandbox.get('Interface', host.port, 'external_ids')

    def state(self, host):
        return self.ids(host).get('sg-state')

    def expect_state(self, host, state, error=None):
        """sg-state now, and a word that sg-error must contain."""
        port, ids = host.port, self.ids(host)
        self.check(ids.get('sg-state') == state,
                   '%s: sg-state is "%s", expected "%s" (sg-error: %s)'
                   % (port, ids.get('sg-state'), state, ids.get('sg-error')))
        if error is None:
            self.check('sg-error' not in ids, '%s: unexpected sg-error "%s"'
                       % (port, ids.get('sg-error')))
        else:
            self.check(error in ids.get('sg-error', ''),
                       '%s: sg-error is "%s", which does not mention "%s"'
                       % (port, ids.get('sg-error'), error))

    def wait_state(self, host, state, timeout=10):
        if not wait_until(lambda: self.state(host) == state, timeout, 0.05):
            raise Failure('%s: no sg-state "%s" after %d s: %s'
                          % (host.port, state, timeout, self.ids(host)))

    def watch_flows(self, bridge='br0'):
        return FlowWatch(self.sandbox, bridge)

    def flows(self, bridge='br0'):
        return self.sandbox.flows(bridge)

    # Checks.

    def check(self, condition, text):
        """Notes 'text' as a failure unless 'condition'."""
        if not condition:
            self.failures.append(str(text))
        return bool(condition)

    def equal(self, seen, expected, what):
        return self.check(seen == expected, '%s:\n  seen     %s\n  expected %s'
                          % (what, seen, expected))

    def send(self, host, frame):
        self.sandbox.feed(host.port, [frame])
        return self.sandbox.collect()

    def deliver(self, sender, receiver, frame, expected=None, why='',
                ct=('trk,new',) * 3):
        """Sends 'frame'; returns whether it arrived at 'receiver'.  With
        'expected' that is a check.  Always a check: that no guarded port
        other than the receiver's got anything."""
        out = self.send(sender, frame)
        arrived = _copies(out, receiver.port, frame)
        leaks = sorted((set(out) & self.guarded) - {receiver.port})
        if leaks:
            self._fail('LEAKED to %s' % ', '.join(leaks), sender, frame,
                       receiver.name, out, why, ct)
        if arrived > 1:
            self._fail('arrived %d times' % arrived, sender, frame,
                       receiver.name, out, why, ct)
        if expected is not None and bool(arrived) != expected:
            self._fail('did not arrive at %s' % receiver if expected else
                       'must not arrive at %s' % receiver, sender, frame,
                       receiver.name if expected else 'nowhere', out, why, ct)
        return bool(arrived)

    def expect_out(self, sender, frame, ports, why, exactly=False, may=()):
        """Sends 'frame'; exactly the guarded ports among 'ports' get it, once,
        and each trusted one among them; with 'exactly' no other trusted port.
        Ports in 'may' do not matter."""
        ports = {getattr(p, 'port', p) for p in ports}
        may = {getattr(p, 'port', p) for p in may} - ports - {sender.port}
        out = self.send(sender, frame)
        got = {name for name in out if exactly or name in ports
               or name in self.guarded} - may
        if got != ports or any(_copies(out, p, frame) != 1 for p in ports):
            self._fail('went to the wrong ports', sender, frame,
                       ', '.join(sorted(ports)) or 'nowhere', out, why)
        return out

    def expect(self, sender, receiver, proto, port=None, allowed=True,
               family=None, why=None):
        """The first frame of a new connection arrives, or does not, for IPv4
        and IPv6 or only 'family'."""
        for each in [family] if family else [4, 6]:
            frame = sender.first_frame(receiver, proto, port, each)
            self.deliver(sender, receiver, frame, allowed,
                         why or 'a new %s connection%s is %s' % (
                             proto, '' if port is None else ' to port %s'
                             % port, 'allowed' if allowed else 'refused'))

    def connect(self, client, server, proto, port=None, family=4):
        """A connection that must open, with its answer."""
        connection = CONNECTIONS[proto](client, server, port, family)
        if not connection.open(True):
            raise Failure('%s does not open' % connection)
        return connection

    def _fail(self, what, sender, frame, expected, out, why, ct=()):
        text = '%s > %s: %s' % (sender, why, what)
        if len(self.failures) < MAX_DETAILED:
            seen = ['%s: %s' % (name, frames.describe(f))
                    for name, list_ in sorted(out.items()) for f in list_]
            text += '\n'.join([
                '', '  sent at  %s: %s' % (sender.port,
                                           frames.describe(frame)),
                '           ' + frame.hex(), '  expected %s' % expected,
                '  seen at  ' + ('\n           '.join(seen) or 'nowhere'),
                '  trace (conntrack states %s):' % (', '.join(ct) or 'new'),
                _indent(self.sandbox.trace(sender.bridge, sender.port, frame,
                                           ct)),
                '  conntrack:', _indent(self._connections_of(frame))])
        self.failures.append(text)

    def _connections_of(self, frame):
        words = frames.describe(frame).split()
        hosts = [w.rsplit('.', 1)[0] if w.count('.') in (1, 4) else w
                 for w in words if w.count('.') or w.count(':') > 1]
        return '\n'.join(line for line in self.sandbox.conntrack().split('\n')
                         if sum(('=' + h + ',') in line for h in hosts) > 1)

    # Used by tap.

    def allow_log(self, *patterns):
        """Log lines that this test provokes."""
        self.allowed += patterns

    def begin_test(self):
        self.failures = []
        self.allowed = []

    def _log_failures(self):
        out = []
        for log, noise in self.logs:
            lines = log.unexpected(list(noise) + self.allowed)
            if lines:
                out.append('unexpected in %s:\n  %s' % (
                    os.path.basename(log.path), '\n  '.join(lines[:20])))
        return out

    def log(self):
        """The LogWatch of the agent's log."""
        return next(log for log, _ in self.logs
                    if os.path.basename(log.path) == self.agent.log)

    def end_test(self):
        """All that went wrong since begin_test()."""
        problems = self.failures + self._log_failures()
        for child in (self.agent and self.agent.child, self.sandbox.vswitchd):
            if child and not child.running:
                problems.append('%s has ended with status %s' % (
                    child.argv[0], child.process.returncode))
        return problems

    def stop(self):
        problems = self._log_failures()
        problems += self.agent.stop() if self.agent else []
        problems += self.sandbox.stop()
        self.allow_log(NOBODY_THERE)
        return problems + self._log_failures()

    def how_to_look_around(self):
        return ('export OVS_RUNDIR=%s; nsenter -t %d -n\n'
                'ovs-vsctl show; ovs-ofctl dump-flows br0; '
                'ovs-sgctl list-ports' % (self.sandbox.dir, os.getpid()))


def _copies(out, port, frame):
    """How often 'frame' left through 'port', whatever its tags."""
    plain = frames.untagged(frame)
    return sum(frames.untagged(f) == plain for f in out.get(port, ()))


def _indent(text):
    return '\n'.join('    ' + line for line in text.strip().split('\n'))
