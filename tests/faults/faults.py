# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What goes wrong.

A fault has two halves: begin(), at a random moment of a change, and end(),
which brings back what it took away.  A fault says on the state of the world
what it excuses: that packets get lost, that connections are forgotten, that
NORMAL may flood to a new port, or that somebody opened a hole by hand (by
flows of his own, or by taking away a review; taking away others of ours opens
none).  All excuses end with `ovs-sgctl wait` at the end of the round.
"""
import os
import re
import signal
import time


class Fault:
    excuses_loss = False
    damages_flows = False               # What the agent remembers is in them;
    kills_agent = False                 # while it is away, only there.

    def __init__(self, c):
        self.c = c                      # The Campaign.
        self.rng = c.rng
        self.text = type(self).__name__

    def prepare(self):
        """Before the change begins."""

    def begin(self):
        """At a random moment of the change."""

    def end(self):
        """A random time later."""

    def __str__(self):
        return self.text


# Processes.

class AgentKilled(Fault):
    kills_agent = True

    def begin(self):
        self.c.agent.kill()


class AgentKilledTwice(Fault):
    """Also in the first moments of its successor."""
    kills_agent = True

    def begin(self):
        self.c.agent.kill()
        self.c.agent.start()
        time.sleep(self.rng.random() * 0.15)
        self.c.agent.kill()


class AgentStopped(Fault):
    def begin(self):
        self.c.agent.freeze()

    def end(self):
        self.c.agent.thaw()


class SwitchKilled(Fault):
    excuses_loss = True

    def begin(self):
        self.c.state.forget_connections()
        self.c.sandbox.kill_vswitchd()

    def end(self):
        if not self.c.sandbox.vswitchd.running:
            self.c.sandbox.start_vswitchd()
        self.c.state.forget_connections()


class SwitchKilledTwice(SwitchKilled):
    """Also while its flows come back."""

    def end(self):
        super().end()
        time.sleep(self.rng.random() * 0.3)
        self.c.sandbox.kill_vswitchd()
        super().end()


class SwitchStopped(Fault):
    def begin(self):
        self.c.sandbox.vswitchd.signal(signal.SIGSTOP)
        time.sleep(0.1 + self.rng.random() * 0.4)
        self.c.sandbox.vswitchd.signal(signal.SIGCONT)


class DatabaseKilled(Fault):
    def begin(self):
        self.c.state.no_database = True
        self.c.sandbox.kill_ovsdb()

    def end(self):
        if not self.c.sandbox.ovsdb.running:
            self.c.sandbox.start_ovsdb()


# Flows.

def opens(flow):
    """Does whoever takes this flow away open a hole until it is back?  Of all
    flows, only those do that lead what a change took away to a new judgment:
    established packets do not wait for it."""
    return 'cookie=0x53479' in flow


def twins(flows):
    """What refuses although a flow below would not is there twice: are both
    gone?"""
    seen = {(re.sub(r'priority=\d+,?', '', match_of(flow)),
             flow.split(' actions=')[1]) for flow in flows}
    return len(seen) < len(flows)


class FlowsDeleted(Fault):
    excuses_loss = True
    damages_flows = True

    def _delete(self, chosen):
        self.c.state.hole |= any(map(opens, chosen)) or twins(chosen)
        for flow in chosen:
            self.c.flow_mod('del-flows', match_of(flow), strict=True)

    def begin(self):
        flows = self.c.flows()
        kind = self.rng.randrange(4)
        if not flows or kind == 0:
            self.text += ' (all)'
            self.c.flow_mod('del-flows', None)
        elif kind == 1:
            flow = self.rng.choice(flows)
            self.text += ' (%s)' % match_of(flow)
            self._delete([flow])
        elif kind == 2:
            table = re.search(r'table=\d+|$', self.rng.choice(flows)).group()
            self.text += ' (%s)' % (table or 'table=0')
            self.c.flow_mod('del-flows', table or 'table=0')
        else:
            chosen = self.rng.sample(flows, min(len(flows), 10))
            self.text += ' (%d)' % len(chosen)
            self._delete(chosen)


class FlowsAltered(Fault):
    """Other actions, with our cookie or another one in its place."""
    excuses_loss = True
    damages_flows = True

    def begin(self):
        flows = self.c.flows()
        for flow in self.rng.sample(flows, min(len(flows), 5)):
            cookie = re.search(r'cookie=(\w+)', flow).group(1)
            if self.rng.random() < 0.3:
                cookie = '0x77'
            self.text += ' (%s)' % match_of(flow)
            self.c.flow_mod('add-flow', 'cookie=%s,%s,actions=drop' % (
                cookie, match_of(flow)))


class FlowsAdded(Fault):
    """Flows of nobody that carry our cookie."""
    excuses_loss = True
    damages_flows = True

    def begin(self):
        cookie = 'cookie=0x5347%012x' % self.rng.getrandbits(48)
        flow = self.rng.choice((
            'table=0,priority=40000,tcp,tp_dst=80,actions=drop',
            'table=0,priority=50000,in_port=2,actions=drop',
            'table=%d,priority=60000,actions=drop' % self.rng.randrange(1, 70),
            'table=0,priority=65000,tcp,tp_dst=23,actions=NORMAL',
            'table=0,priority=65000,in_port=6,actions=output:100',
            'table=%d,priority=60000,tcp,actions=output:2'
            % self.rng.randrange(1, 70)))
        self.text += ' (%s)' % flow
        if 'drop' not in flow:
            self.c.state.hole = True
        self.c.flow_mod('add-flow', cookie + ',' + flow)


class BundleRefused(Fault):
    """No table takes another flow."""

    def prepare(self):
        tables = {}
        for flow in self.c.flows():
            number = re.search(r'table=(\d+)', flow)
            number = int(number.group(1)) if number else 0
            tables[number] = tables.get(number, 0) + 1
        words = []
        for number, count in tables.items():
            words += ['--', '--id=@t%d' % number, 'create', 'Flow_Table',
                      'flow_limit=%d' % count, 'overflow_policy=refuse']
        self.c.vsctl('set', 'Bridge', 'br0', 'flow_tables={%s}' % ','.join(
            '%d=@t%d' % (n, n) for n in tables), *words)

    def end(self):
        self.c.later.append(['clear', 'Bridge', 'br0', 'flow_tables'])


class ConnectionsFlushed(Fault):
    """`dpctl/flush-conntrack'."""
    excuses_loss = True                 # Of answers on their way.

    def begin(self):
        self.c.state.forget_connections()
        if self.c.sandbox.vswitchd.running:
            self.c.sandbox.appctl('dpctl/flush-conntrack')
        self.c.state.forget_connections()


# Files.

class LogFull(Fault):
    """The agent runs with a log that takes nothing."""
    kills_agent = True

    def prepare(self):
        self.c.agent.kill()
        self.c.agent.options.append('--log-file=/dev/full')
        self.c.agent.start()

    def end(self):
        self.c.agent.options.remove('--log-file=/dev/full')
        self.c.agent.kill()             # The repair starts it again.


class PolicyBroken(Fault):
    """A file of the policy is nonsense, a folder, or a link to nowhere; now
    and then the agent starts with that."""
    kills_agent = True

    def begin(self):
        self.path = self.c.policy_path.replace('policy.lua', 'broken.lua')
        kind = self.rng.choice(('text', 'folder', 'link'))
        self.text += ' (%s)' % kind
        self._remove()
        if kind == 'text':
            with open(self.path, 'w') as f:
                f.write(self.rng.choice(('group "web" {', 'error("x")',
                                         'while true do end', '\0\1\2')))
        elif kind == 'folder':
            os.mkdir(self.path)
        else:
            os.symlink('/nowhere', self.path)
        if self.rng.random() < 0.5:
            self.text += ' and agent restarted'
            self.c.agent.kill()
            self.c.agent.start()
        else:
            self.c.background(self.c.agent.begin('reload'))

    def _remove(self):
        if os.path.isdir(self.path):
            os.rmdir(self.path)
        elif os.path.lexists(self.path):
            os.unlink(self.path)

    def end(self):
        self._remove()


# Ports.

class NumbersSwapped(Fault):
    """Two ports get each other's OpenFlow number.  Until the agent has seen
    it, what is allowed towards the one goes to the other."""
    excuses_loss = True

    def begin(self):
        a, b = self.rng.sample(['web2', 'app2', 'odd', 'db1'], 2)
        numbers = self.c.numbers
        numbers[a], numbers[b] = numbers[b], numbers[a]
        self.text += ' (%s, %s)' % (a, b)
        self.c.state.new_ports |= {a, b}
        self.c.begin_vsctl('set', 'Interface', a, 'ofport_request=%d'
                           % numbers[a], '--', 'set', 'Interface', b,
                           'ofport_request=%d' % numbers[b])


class PortsComeAndGo(Fault):
    """Other guests, all the time."""

    def begin(self):
        count = self.rng.choice((1, 5, 20))
        self.text += ' (%d)' % count
        names = ['vm%d' % n for n in range(count)]
        words = []
        for n, name in enumerate(names, 200):
            words += ['--', '--may-exist', 'add-port', 'br0', name, '--',
                      'set', 'Interface', name, 'type=dummy',
                      'external_ids:sg-groups=web',
                      'external_ids:attached-mac="52:54:00:01:00:%02x"'
                      % (n - 200), 'external_ids:sg-addresses=192.0.2.%d' % n]
        self.names = names
        self.c.begin_vsctl(*words[1:])

    def end(self):
        words = []
        for name in self.names:
            words += ['--', '--if-exists', 'del-port', name]
        self.c.later.append(words[1:])


FAULTS = [AgentKilled, AgentKilled, AgentKilledTwice, AgentStopped,
          SwitchKilled, SwitchKilledTwice, SwitchStopped, DatabaseKilled,
          FlowsDeleted, FlowsDeleted, FlowsAltered, FlowsAdded, BundleRefused,
          ConnectionsFlushed, LogFull, PolicyBroken, NumbersSwapped,
          PortsComeAndGo]


def match_of(flow):
    """Table, priority and match of a flow as dump-flows prints it."""
    words = flow.split(' actions=')[0]
    words = re.sub(r'cookie=\w+,\s*', '', words)
    words = re.sub(r'\b(send_flow_rem|check_overlap|reset_counts)\b,?', '',
                   words)
    return words.replace(' ', '')
