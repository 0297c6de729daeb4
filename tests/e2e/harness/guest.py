# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Hosts made of frames, and connections that play both their ends.

A Host is a guest on a port of its own, or one of many hosts behind a trusted
port.  Nothing here decides what is right: sending returns whether the frame
arrived, and the expect_... functions note on the lab what should have been.
"""
import itertools
import struct

from . import frames
from .frames import ACK, PSH, RST, SYN

_ports = itertools.count(20000)         # Source ports: each connection's own.


def next_port():
    return next(_ports)


class Host:
    def __init__(self, lab, name, port, mac, ips, guarded, bridge='br0'):
        self.lab = lab
        self.name = name
        self.port = port                # Name of the interface.
        self.mac = mac
        self.ips = list(ips)
        self.guarded = guarded
        self.bridge = bridge

    def __str__(self):
        return self.name

    def address(self, family):
        """The first address of the family, 4 or 6; None without one."""
        for ip in self.ips:
            if frames.is_v6(ip) == (family == 6):
                return ip
        return None

    @property
    def v4(self):
        return self.address(4)

    @property
    def v6(self):
        return self.address(6)

    @property
    def link_local(self):
        return frames.link_local(self.mac)

    def send(self, frame):
        """Returns what left through which port: {name: [frame, ...]}."""
        return self.lab.send(self, frame)

    # First frames of new connections to another host.

    def ip(self, to, proto, payload, family=4):
        return frames.ip_frame(self.mac, to.mac, self.address(family),
                               to.address(family), proto, payload)

    def tcp(self, to, dport, family=4, flags=SYN, sport=None, seq=1000, ack=0):
        return frames.tcp_frame(self.mac, to.mac, self.address(family),
                                to.address(family), sport or next_port(),
                                dport, flags, seq, ack)

    def udp(self, to, dport, family=4, sport=None, data=b'hello'):
        return frames.udp_frame(self.mac, to.mac, self.address(family),
                                to.address(family), sport or next_port(),
                                dport, data)

    def sctp(self, to, dport, family=4, sport=None):
        return self.ip(to, frames.SCTP,
                       frames.sctp(sport or next_port(), dport), family)

    def echo(self, to, family=4):
        src, dst = self.address(family), to.address(family)
        return self.ip(to, frames.ICMP6 if family == 6 else frames.ICMP,
                       frames.echo(src, dst, next_port(), 1), family)

    def first_frame(self, to, proto, port=None, family=4):
        """The first frame of a new connection of protocol 'proto'."""
        if proto in ('icmp', 'icmp6'):
            return self.echo(to, family)
        if proto in ('tcp', 'udp', 'sctp'):
            return getattr(self, proto)(to, port, family)
        return self.ip(to, int(proto), b'\0' * 16, family)


class Connection:
    """Between 'client' and 'server'; subclasses make the frames."""

    proto = None

    def __init__(self, client, server, port=None, family=4, sport=None):
        self.lab = client.lab
        self.client = client
        self.server = server
        self.port = port
        self.sport = sport or next_port()
        self.family = family
        self.answered = False

    def __str__(self):
        return '%s%s connection %s.%d > %s%s' % (
            self.proto, 6 if self.family == 6 else '', self.client, self.sport,
            self.server, '' if self.port is None else '.%d' % self.port)

    def _deliver(self, sender, receiver, frame, expected, why):
        return self.lab.deliver(sender, receiver, frame, expected,
                                '%s: %s' % (self, why),
                                self._ct_states(sender))

    def _ct_states(self, sender):
        """For the trace: what conntrack should think of the frame."""
        if sender is self.server:
            return ('trk,est,rpl',) * 3
        return ('trk,est',) * 3 if self.answered else ('trk,new',) * 3

    # What tests call.  They return whether the frame arrived.

    def forward(self, expected=None, why='a frame of the client'):
        """Sends from client to server; with 'expected' (True or False) it is
        a check."""
        return self._deliver(self.client, self.server, self.forward_frame(),
                             expected, why)

    def reply(self, expected=None, why='a frame of the server'):
        arrived = self._deliver(self.server, self.client, self.reply_frame(),
                                expected, why)
        self.answered |= arrived
        return arrived

    def open(self, expected=None, why='opening'):
        """First frame and, if that arrives, its answer."""
        if not self.forward(expected, why):
            return False
        return self.reply(expected, why + ', the answer')

    def expect_alive(self, why):
        self.forward(True, why)
        self.reply(True, why)

    def expect_cut(self, why):
        """Both directions."""
        self.reply(False, why)
        self.forward(False, why)

    def error_about(self, frame, source=None):
        """The ICMP error by which 'source' (default: the server) answers
        'frame' of the client."""
        source = source or self.server
        return frames.unreachable(source.mac, self.client.mac,
                                  source.address(self.family), frame)


class Udp(Connection):
    proto = 'udp'

    def forward_frame(self):
        return self.client.udp(self.server, self.port, self.family, self.sport)

    def reply_frame(self):
        c, s = self.client, self.server
        return frames.udp_frame(s.mac, c.mac, s.address(self.family),
                                c.address(self.family), self.port, self.sport,
                                b'answer')


class Echo(Connection):
    proto = 'icmp'

    def _frame(self, a, b, reply):
        src, dst = a.address(self.family), b.address(self.family)
        return a.ip(b, frames.ICMP6 if self.family == 6 else frames.ICMP,
                    frames.echo(src, dst, self.sport, 1, reply), self.family)

    def forward_frame(self):
        return self._frame(self.client, self.server, False)

    def reply_frame(self):
        return self._frame(self.server, self.client, True)


class Tcp(Connection):
    """Keeps sequence numbers as conntrack wants to see them: a side counts
    its bytes as sent only when they arrived, so what was lost is sent
    again."""

    proto = 'tcp'

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.next = {self.client: 1000, self.server: 500000}

    def _frame(self, sender, flags, data=b''):
        receiver = self.server if sender is self.client else self.client
        ports = (self.sport, self.port) if sender is self.client \
            else (self.port, self.sport)
        return frames.tcp_frame(
            sender.mac, receiver.mac, sender.address(self.family),
            receiver.address(self.family), *ports, flags, self.next[sender],
            self.next[receiver] if flags & ACK else 0, data)

    def _step(self, sender, flags, length, expected, why, data=b''):
        receiver = self.server if sender is self.client else self.client
        arrived = self._deliver(sender, receiver,
                                self._frame(sender, flags, data), expected,
                                why)
        if arrived:
            self.next[sender] += length
            self.answered |= sender is self.server
        return arrived

    def syn_frame(self):
        return self._frame(self.client, SYN)

    def syn(self, expected=None, why='SYN'):
        """A SYN is not counted: sent again, it is the same."""
        return self._step(self.client, SYN, 0, expected, why)

    def open(self, expected=None, why='opening'):
        if not self.syn(expected, why + ', SYN'):
            return False
        self.next[self.client] += 1
        return (self._step(self.server, SYN | ACK, 1, expected,
                           why + ', SYN+ACK') and
                self._step(self.client, ACK, 0, expected, why + ', ACK'))

    def forward(self, expected=None, why='data of the client'):
        return self._step(self.client, PSH | ACK, 5, expected, why, b'hello')

    def reply(self, expected=None, why='data of the server'):
        return self._step(self.server, PSH | ACK, 6, expected, why, b'answer')

    def reset(self, expected=None, why='RST of the client'):
        return self._step(self.client, RST | ACK, 0, expected, why)


CONNECTIONS = {'tcp': Tcp, 'udp': Udp, 'icmp': Echo, 'icmp6': Echo}


def mac_of(number):
    """The MAC of guest number N."""
    return frames.mac_text(b'\x52\x54\x00' + struct.pack('!I', number)[1:])
