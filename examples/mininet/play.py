# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Mininet's prompt, with words for what is special here: `help' lists them."""
import json
import signal

from mininet.cli import CLI
from mininet.log import output

from harness.exercise import PATIENCE, SERVICES, Exercise
from harness.netns import probe_all
from harness.tap import Failure
from harness.unixctl import Unixctl, UnixctlError

WELCOME = '''
== Yours now.  For example:

   try web1 db1 tcp 5432      connects, and says why that works or does not
   sh ovs-sgctl list-ports    or list-groups, or show web
   groups app2 default        puts app2 into another group
   sh nano %s
   reload                     and the policy that you have edited is in force
   matrix                     who reaches whom now
   pingall                    none but the two outside: no rule allows a ping
   app1 bash                  a shell there; everything else is Mininet's
   exit
'''


class Asked(Exercise):
    """The exercise with the guests of another, in which the agent is asked
    what the policy says: the operator may have changed it."""

    def __init__(self, lab):
        super().__init__()
        self.guests = lab.guests
        agent = lab.net.agent
        self.net = lab.net
        self.control = Unixctl(agent.sandbox.path(
            'ovs-sgd.%d.ctl' % agent.child.pid))
        self.known = {}

    def expected(self, source, target):
        if (source, target) not in self.known:
            self.known[source, target] = ''.join(
                letter for letter, _, proto, port in SERVICES
                if self.allowed(source, target, proto, port))
        return self.known[source, target]

    def allowed(self, source, target, proto, port):
        if not any(guarded(self.net[g.name]) for g in (source, target)):
            return True
        answer = self.control.call(
            'sg/trace', *(end_of(self.net, g.name) for g in (source, target)),
            proto, port)
        return json.loads(answer)['trace']['verdict'] == 'allow'


def guarded(host):
    return host.params.get('groups') is not None


def end_of(net, name):
    """How ovs-sgctl trace calls a host."""
    host = net[name]
    return net.port(host) if guarded(host) else host.addresses()[0]


class PlayCli(CLI):
    """Mininet's prompt."""

    readlineInited = True           # Leaves no history in the user's home.

    def __init__(self, lab):
        self.lab = lab
        super().__init__(lab.net)

    @classmethod
    def play(cls, lab):
        """Returns when the user has had enough."""
        output(WELCOME % lab.policy)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            cls(lab)
        finally:
            signal.signal(signal.SIGINT, before)

    def onecmd(self, line):
        """What goes wrong is said, and the prompt comes again."""
        try:
            return super().onecmd(line)
        except (Failure, UnixctlError) as failure:
            output('%s\n' % failure)
            return None

    def unknown_host(self, names):
        """Says which of 'names' is none; returns whether there is one."""
        hosts = [host.name for host in self.mn.hosts]
        for name in names:
            if name not in hosts:
                output('there is no host "%s"; there are %s\n' % (
                    name, ', '.join(hosts)))
                return True
        return False

    def do_try(self, line):
        """Connect, and say why that works or does not.
           Usage: try FROM TO tcp|udp PORT"""
        words = line.split()
        if len(words) != 4 or words[2] not in ('tcp', 'udp') or \
           not words[3].isdigit():
            output('usage: try FROM TO tcp|udp PORT\n')
            return
        if self.unknown_host(words[:2]):
            return
        source, target = (self.lab.guest(name).net for name in words[:2])
        proto, port = words[2], int(words[3])
        answers = probe_all({source: [(proto, ip, port) for ip in
                                      target.addresses]}, PATIENCE)[source]
        for ip, answer in zip(target.addresses, answers):
            output('%s: %s\n' % (ip, 'no answer' if answer is None else
                                 'answered (%s)' % answer))
        output(self.lab.net.agent.must('trace', end_of(self.mn, words[0]),
                                       end_of(self.mn, words[1]), proto,
                                       words[3]))

    def do_matrix(self, _line):
        "Show who reaches whom: what the agent answers, and what is observed."
        Asked(self.lab).matrix()

    def do_groups(self, line):
        """Put a host into other groups.
           Usage: groups HOST GROUP..."""
        words = line.split()
        if not words:
            output('usage: groups HOST GROUP...\n')
            return
        if self.unknown_host(words[:1]):
            return
        error = self.mn.set_groups(self.mn[words[0]], words[1:])
        output('%s\n' % (error or '%s is in %s now' % (
            words[0], ', '.join(words[1:]) or 'default')))

    def do_reload(self, _line):
        "Put the policy file, as it is now, in force."
        result = self.lab.net.agent.ctl('reload')
        output(result.out + result.err)
        if result.status == 0:
            self.lab.net.agent.wait()
            output('in force\n')

    # Mininet's own wait ten seconds for each answer that does not come, and
    # for ever for a server that nobody reaches.

    def do_pingall(self, line):
        """Ping between all hosts.
           Usage: pingall [SECONDS to wait for an answer, 1]"""
        super().do_pingall(line or '1')

    def may_measure(self, line, proto):
        """Whether 'line', two hosts or none, can be measured; says why not."""
        names = line.split() or [self.mn.hosts[0].name,
                                 self.mn.hosts[-1].name]
        if len(names) != 2 or self.unknown_host(names):
            return len(names) != 2          # Mininet has its own words.
        answer = self.lab.net.agent.must(
            'trace', *(end_of(self.mn, name) for name in names), proto,
            '5001')
        if answer.startswith('deny'):
            output('iperf uses %s port 5001, and the policy refuses that:\n%s'
                   % (proto, answer))
        return not answer.startswith('deny')

    def do_iperf(self, line):
        "Measure TCP between two hosts, if the policy lets iperf through."
        if self.may_measure(line, 'tcp'):
            super().do_iperf(line)

    def do_iperfudp(self, line):
        "Measure UDP between two hosts, if the policy lets iperf through."
        words = line.split()
        # Its server is asked over TCP whether it is there.
        if self.may_measure(' '.join(words[1:]), 'tcp') and \
           self.may_measure(' '.join(words[1:]), 'udp'):
            super().do_iperfudp(line)
