# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Continuous traffic, in a thread of its own.

Each step sends one frame, or opens or uses one connection, and judges at once
what came out of every port.  A frame that the state of the world
(world.State) cannot allow must not arrive; one that it must allow must arrive,
unless `state.loss` says that packets may be lost now.
"""
import itertools
import random
import threading
import time
import traceback

from harness import frames
from harness.guest import Echo, Host, Tcp, Udp, mac_of
from harness.unixctl import Unixctl, UnixctlError

import world

REMEMBER = 4000                 # Frames that may still come out late.
PATIENCE = 0.3                  # Seconds until a frame is lost.
MAX_FAILURES = 30               # That are kept in words.


# Source ports, for ever: those of probes never meet a long-lived connection.
probe_ports = itertools.cycle(range(20000, 65000))
session_ports = itertools.cycle(range(1024, 20000))
counter = itertools.count(1)


class CountedUdp(Udp):
    """No two datagrams are the same, so that a late one is known."""

    def _frame(self, a, b, ports):
        return frames.udp_frame(a.mac, b.mac, a.address(self.family),
                                b.address(self.family), *ports,
                                b'%d' % next(counter))

    def forward_frame(self):
        return self._frame(self.client, self.server, (self.sport, self.port))

    def reply_frame(self):
        return self._frame(self.server, self.client, (self.port, self.sport))


class CountedEcho(Echo):
    def _frame(self, a, b, reply):
        data = frames.echo(a.address(self.family), b.address(self.family),
                           self.sport, next(counter) & 0xffff, reply)
        return a.ip(b, frames.ICMP6 if self.family == 6 else frames.ICMP,
                    data, self.family)


CONNECTIONS = {'tcp': Tcp, 'udp': CountedUdp, 'icmp': CountedEcho}


class Gone(Exception):
    """The switch did not take the frame: it, or the port, is away."""


class Switch:
    """The control socket of whatever ovs-vswitchd runs now.  Nobody else
    sends packets, so counting them is enough to know when they are
    through."""

    def __init__(self, sandbox, state):
        self.sandbox = sandbox
        self.state = state
        self.control = None
        self.expected = 0

    def _call(self, *args):
        try:
            if not self.control:
                self.control = Unixctl(self.sandbox.path(
                    'ovs-vswitchd.%d.ctl' % self.sandbox.vswitchd.pid))
                self.expected = self._received()
            return self.control.call(*args)
        except UnixctlError as error:
            if 'no such dummy' not in str(error):
                self.close()
            raise Gone(str(error)) from error

    def _received(self):
        return int(self._call('coverage/read-counter', 'netdev_received'))

    def feed(self, port, frame):
        self._call('netdev-dummy/receive', port, frame.hex())
        self.expected += 1
        # A switch whose database is away neither forwards between dummy ports
        # nor loses what it has been given.  A port that goes does.
        end = time.monotonic() + (30 if self.state.no_database else 1)
        while self._received() < self.expected:
            if time.monotonic() > end:
                self.expected = self._received()
                raise Gone('not processed')
            time.sleep(0.002 if self.state.no_database else 0)

    def trace(self, port, frame, new):
        states = ['--ct-next', 'trk,new' if new else 'trk,est'] * 2
        return (self._call('ofproto/trace', *states, 'br0', 'in_port=' + port,
                           frame.hex()) +
                self._call('dpctl/dump-flows'))

    def close(self):
        if self.control:
            self.control.close()
            self.control = None


class Session:
    """A long-lived connection for a Talk."""

    def __init__(self, talk, connection):
        self.talk = talk
        self.connection = connection
        self.doubt = False              # It may have been cut.


class Traffic:
    def __init__(self, sandbox, state, seed):
        self.sandbox = sandbox
        self.state = state
        self.rng = random.Random(seed)
        self.switch = Switch(sandbox, state)
        self.hosts = {}
        self.guarded = set(world.GUESTS)
        self.always, self.never, self.some = world.talks()
        self.sessions = {}              # Talk -> Session.
        self.sent = {}                  # Frame -> (port, may arrive there).
        self.current = None             # The Session that sends.
        self.failures = []              # Sentences.
        self.counts = dict.fromkeys((
            'packets', 'arrived', 'refused', 'undecided', 'unsent',
            'forbidden', 'lost', 'broken', 'opened', 'holes'), 0)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._main, daemon=True)
        self._make_hosts()

    def _make_hosts(self):
        def add(name, port, mac, ips):
            self.hosts[name] = Host(self, name, port, mac, ips,
                                    port in self.guarded)
        for number, name in enumerate(world.GUESTS, 1):
            add(name, name, mac_of(number),
                ['192.0.2.%d' % number, '2001:db8::%x' % number])
        add('second', 'app2', self.hosts['app2'].mac, [world.SECOND])
        add('client', 'uplink', mac_of(0xf01), world.CLIENT)
        add('partner', 'uplink', mac_of(0xf02), world.PARTNER)

    # The thread.

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(30)
        self.switch.close()

    def _main(self):
        while not self.stopping.is_set():
            try:
                self.step()
            except Gone:
                self.counts['unsent'] += 1
                time.sleep(0.005)
            except Exception:
                self._fail('broken', 'the test: ' + traceback.format_exc())
                time.sleep(0.1)

    def _fail(self, kind, text):
        self.counts[kind] += 1
        if len(self.failures) < MAX_FAILURES:
            self.failures.append('%s %s: %s' % (
                time.strftime('%H:%M:%S', time.gmtime()), kind, text))

    def step(self):
        kind = self.rng.random()
        self.current = None
        if kind < 0.5:
            self._use(self.rng.choice(self.always + self.some))
        elif kind < 0.9:
            self._probe(self.rng.choice(self.never + self.some * 2 +
                                        self.always))
        else:
            self._cheat()

    # Sending.

    def _collect(self, frame, port):
        """Reads what came out; returns how often 'frame' left 'port'."""
        copies = 0
        for name, pcap in list(self.sandbox.pcaps.items()):
            for out in pcap.read():
                out = frames.untagged(out)
                if name == port and out == frame:
                    copies += 1
                else:
                    self._judge_stray(name, out)
        return copies

    def _judge_stray(self, port, frame):
        """A frame came out where it was not expected, or too late."""
        wanted, may = self.sent.get(frame, (None, False))
        if (wanted == port and may) or port not in self.guarded and \
           wanted != port:
            return
        self._forbidden(port, 'at %s: %s' % (port, frames.describe(frame)))

    def _forbidden(self, port, text):
        if self.state.hole or port in self.state.new_ports:
            self.counts['holes'] += 1
        else:
            self._fail('forbidden', text)

    def _send(self, sender, port, frame, may):
        """Sends from a host; 'may' tells whether the frame may come out of
        'port'.  Returns whether it did."""
        plain = frames.untagged(frame)
        # A segment may be sent again when it must not arrive any more.
        self.sent[plain] = (port, may or self.sent.get(plain, (0, 0))[1])
        if len(self.sent) > REMEMBER:
            del self.sent[next(iter(self.sent))]
        self.switch.feed(sender.port, frame)
        self.counts['packets'] += 1
        return self._collect(plain, port)

    def _wait_for(self, frame, port):
        """Has it only been late?"""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self._collect(frames.untagged(frame), port):
                return True
            time.sleep(0.01)
        return False

    def deliver(self, sender, receiver, frame, _expected, why, _ct):
        """What a Connection calls: judges one frame."""
        allowed, loss = self._expectation(), self.state.loss
        arrived = self._send(sender, receiver.port, frame, True in allowed)
        if not arrived and False not in allowed and not loss:
            arrived = self._wait_for(frame, receiver.port)
        allowed |= self._expectation()
        loss |= self.state.loss
        self._count(arrived, receiver.port, frame, allowed, loss,
                    why + ', ' + frames.describe(frame))
        return bool(arrived)

    def _expectation(self):
        talk, session = self.current
        allowed = self.state.verdicts(talk)
        if session and session.doubt and True in allowed:
            allowed = allowed | {False}
        return allowed

    def _count(self, arrived, port, frame, allowed, loss, text):
        if len(allowed) > 1:
            self.counts['undecided'] += 1
        elif arrived:
            self.counts['arrived'] += 1
        else:
            self.counts['refused'] += 1
        if arrived and True not in allowed:
            self._forbidden(port, text)
        elif not arrived and False not in allowed and not loss:
            self._fail('broken' if self.current[1] in self.sessions.values()
                       else 'lost',
                       text + self._once_more(port, frame))

    def _once_more(self, port, frame):
        """Was it lost for good?  For the report only."""
        sender = next(h.port for h in self.hosts.values()
                      if frames.mac_bytes(h.mac) == frame[6:12])
        try:
            self.switch.feed(sender, frame)
            again = self._collect(frames.untagged(frame), port)
            return '\n  sent again it %s; trace:\n%s' % (
                'arrives' if again else 'is lost, too',
                self.switch.trace(sender, frame, not self.current[1]))
        except Gone as gone:
            return '\n  cannot be sent again: %s' % gone

    # The three kinds of steps.

    def _probe(self, talk):
        """The first frame of a new connection."""
        self.current = (talk, None)
        sender, receiver = self.hosts[talk.sender], self.hosts[talk.receiver]
        session = CONNECTIONS[talk.proto](sender, receiver, talk.port,
                                          talk.family, next(probe_ports))
        frame = session.syn_frame() if talk.proto == 'tcp' else \
            session.forward_frame()
        self.deliver(sender, receiver, frame, None, 'new: %s' % talk, ())

    def _use(self, talk):
        session = self.sessions.get(talk)
        if session is None:
            self._open(talk)
            return
        self.current = (talk, session)
        connection, version = session.connection, self.state.version
        first, second = ((connection.forward, connection.reply)
                         if self.rng.random() < 0.5 else
                         (connection.reply, connection.forward))
        if first(None) and second(None):
            self.state.trust(session, version)
        elif self.state.verdicts(talk) == {True} and not self.state.loss:
            self._drop(session)         # Cut, or broken: begin anew.

    def _open(self, talk):
        make = CONNECTIONS[talk.proto]
        connection = make(self.hosts[talk.sender], self.hosts[talk.receiver],
                          talk.port, talk.family, next(session_ports))
        # Noted before it opens, so that a change meanwhile, or the loss of all
        # connections, casts doubt on it.
        session = Session(talk, connection)
        with self.state.lock:
            self.state.connections.append(session)
        self.current = (talk, session)
        if connection.open(None):
            self.sessions[talk] = session
            self.counts['opened'] += 1
        else:
            self._drop(session)

    def _drop(self, session):
        with self.state.lock:
            if session in self.state.connections:
                self.state.connections.remove(session)
        self.sessions.pop(session.talk, None)

    def _cheat(self):
        """Frames that no policy allows."""
        sender, frame, port = self.rng.choice((
            self._stolen_address, self._stolen_mac, self._broadcast,
            self._unknown_unicast, self._midstream, self._arp_spoof))()
        arrived = self._send(sender, port, frame, False)
        self.counts['refused'] += not arrived
        if arrived:
            self._forbidden(port, 'a cheat at %s: %s'
                            % (port, frames.describe(frame)))

    def _stolen_address(self):
        h = self.hosts
        family = self.rng.choice((4, 6))
        frame = frames.tcp_frame(h['odd'].mac, h['app1'].mac,
                                 h['web1'].address(family),
                                 h['app1'].address(family), next(probe_ports), 8080,
                                 frames.SYN, 1)
        return h['odd'], frame, 'app1'

    def _stolen_mac(self):
        h = self.hosts
        frame = frames.udp_frame(h['app1'].mac, h['client'].mac, h['app1'].v4,
                                 h['client'].v4, next(probe_ports), 53, b'x')
        return h['odd'], frame, 'uplink'

    def _broadcast(self):
        client = self.hosts['client']
        frame = frames.udp_frame(client.mac, frames.BROADCAST, client.v4,
                                 '255.255.255.255', next(probe_ports), 999, b'x')
        return client, frame, 'flood'

    def _unknown_unicast(self):
        client = self.hosts['client']
        frame = frames.udp_frame(client.mac, '52:54:00:99:99:99', client.v4,
                                 '192.0.2.99', next(probe_ports), 999, b'x')
        return client, frame, 'flood'

    def _midstream(self):
        h = self.hosts
        frame = h['client'].tcp(h['web1'], 80, flags=frames.ACK, ack=7,
                                sport=next(probe_ports))
        return h['client'], frame, 'web1'

    def _arp_spoof(self):
        h = self.hosts
        frame = frames.arp_reply(h['odd'].mac, h['web1'].v4, h['client'].mac,
                                 h['client'].v4)
        return h['odd'], frame, 'uplink'
