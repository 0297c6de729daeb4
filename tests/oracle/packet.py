# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Packets: what they mean, for the oracle, and their bytes, for the switch."""
import dataclasses
import struct

from harness import frames
from model import ICMP, ICMP6, SCTP, TCP, UDP

MAGIC = b'\xf5oracle\xa7'

# Conntrack starts a connection with these ICMP messages, and knows the answer.
QUESTIONS = {(ICMP, 8): 0, (ICMP, 13): 14, (ICMP6, 128): 129}
ANSWERS = {(proto, answer): kind
           for (proto, kind), answer in QUESTIONS.items()}


@dataclasses.dataclass(frozen=True)
class Tuple:
    """A packet's addresses and ports.  For ICMP 'sport' is the identifier and
    'dport' the type; other protocols have no ports."""
    src: str
    dst: str
    proto: int
    sport: int = 0
    dport: int = 0
    code: int = 0

    def reversed(self):
        if self.proto in (ICMP, ICMP6):
            kind = (self.proto, self.dport)
            return Tuple(self.dst, self.src, self.proto, self.sport,
                         QUESTIONS.get(kind, ANSWERS.get(kind)), self.code)
        return Tuple(self.dst, self.src, self.proto, self.dport, self.sport)

    def key(self):
        """The same for both directions of a connection."""
        if self.proto in (ICMP, ICMP6):
            question = ANSWERS.get((self.proto, self.dport), self.dport)
            return (self.proto, frozenset((self.src, self.dst)), self.sport,
                    question)
        return (self.proto, frozenset(((self.src, self.sport),
                                       (self.dst, self.dport))))

    def __str__(self):
        return 'proto %d %s.%d > %s.%d' % (self.proto, self.src, self.sport,
                                           self.dst, self.dport)


@dataclasses.dataclass(eq=False)
class Packet:
    iface: str                  # Where it enters the switch.
    tags: tuple                 # VLAN tags it carries there.
    smac: str
    dmac: str
    kind: str                   # 'ip', 'arp', 'rarp', 'ns', 'na', 'ra', 'rs'
    tuple: Tuple = None         # Of IP packets.
    flags: int = 0              # Of TCP.
    seq: int = 0
    ack: int = 0
    about: Tuple = None         # For an ICMP error: of the packet it quotes.
    bad_checksum: bool = False
    fragments: int = 0          # How many; 0: not fragmented.
    sender_ip: str = None       # ARP, ND: sender's address
    sender_mac: str = None      # ... link-layer address or option,
    target_ip: str = None       # and target.
    origin: object = None       # The generator's conversation.
    labels: frozenset = frozenset()     # For the statistics.
    number: int = 0             # Unique; in the frame's bytes, too.

    def build(self):
        """The frames: one, or as many as there are fragments."""
        ident = MAGIC + struct.pack('!I', self.number)
        if self.fragments:
            return self._fragmented(ident)
        frame = _BUILDERS[self.kind](self)
        if self.bad_checksum:
            # The last byte of a header checksum of TCP.
            at = 14 + (40 if ':' in self.tuple.src else 20) + 17
            frame = frame[:at] + bytes([frame[at] ^ 0x55]) + frame[at + 1:]
        return [self._tagged(frame + ident)]

    def _tagged(self, frame):
        tags = b''.join(struct.pack('!HH', 0x8100, t) for t in self.tags)
        return frame[:12] + tags + frame[12:]

    def _fragmented(self, ident):
        # Packets of less than 1,280 bytes (1,200 in IPv4) that are not the
        # last are invalid to conntrack.
        size = 1240
        data = b''.join(ident + bytes(size - len(ident))
                        for _ in range(self.fragments))
        frame = _ip_frame(self, data[:-600])
        return [self._tagged(f) for f in _cut(frame, size, self.number)]

    def __str__(self):
        frame = self.build()[0]
        return '#%d at %s%s: %s%s%s' % (
            self.number, self.iface,
            ''.join(' vlan %d' % t for t in self.tags),
            frames.describe(frames.untagged(frame)),
            ' about (%s)' % self.about if self.about else '',
            ' in %d fragments' % self.fragments if self.fragments else '')


def number_of(frame):
    """The number in a frame's bytes, or None."""
    at = frame.rfind(MAGIC)
    if at < 0 or len(frame) < at + 12:
        return None
    return struct.unpack('!I', frame[at + 8:at + 12])[0]


def _cut(frame, size, ident):
    """Fragments of 'size' bytes of payload, IPv4 or IPv6."""
    v6 = frame[12:14] == b'\x86\xdd'
    head = 54 if v6 else 34
    payload = frame[head:]
    out = []
    for at in range(0, len(payload), size):
        part = payload[at:at + size]
        more = at + size < len(payload)
        if v6:
            ext = struct.pack('!BBHI', frame[20], 0, at | more, ident)
            out.append(frame[:18] + struct.pack('!H', len(part) + 8) +
                       b'\x2c' + frame[21:54] + ext + part)
        else:
            out.append(frame[:14] + frames.ipv4(
                frames.ip_text(frame[26:30]), frames.ip_text(frame[30:34]),
                frame[23], part, ident=ident & 0xffff, flags=int(more),
                offset=at))
    return out


def _payload(t, flags=0, seq=0, ack=0, data=b'', number=0):
    if t.proto == TCP:
        return frames.tcp(t.src, t.dst, t.sport, t.dport, flags, seq, ack,
                          data)
    if t.proto == UDP:
        return frames.udp(t.src, t.dst, t.sport, t.dport, data or b'data')
    if t.proto == SCTP:
        return frames.sctp(t.sport, t.dport)
    if t.proto in (ICMP, ICMP6):
        rest = struct.pack('!HH', t.sport, number & 0xffff)
        if t.proto == ICMP6:
            return frames.icmp6(t.src, t.dst, t.dport, t.code, rest,
                                data or b'12345678')
        return frames.icmp(t.dport, t.code, rest, data or b'123456789012')
    return data or b'payload of some protocol'


def _error(p):
    """An ICMP error of p.tuple.dport (type) that quotes p.about."""
    a = p.about
    inner = _payload(a, 0x10, p.seq, p.ack)
    quoted = frames.ip(a.src, a.dst, a.proto, inner)
    if p.tuple.proto == ICMP6:
        return frames.icmp6(p.tuple.src, p.tuple.dst, p.tuple.dport,
                            p.tuple.code, bytes(4), quoted)
    return frames.icmp(p.tuple.dport, p.tuple.code, bytes(4), quoted)


def _ip_frame(p, data=b''):
    t = p.tuple
    body = _error(p) if p.about else _payload(t, p.flags, p.seq, p.ack, data,
                                              p.number)
    return frames.ip_frame(p.smac, p.dmac, t.src, t.dst, t.proto, body)


def _arp(p):
    return frames.eth(p.smac, p.dmac, frames.ETH_ARP, frames.arp(
        1 if p.kind == 'arp' else 2, p.sender_mac, p.sender_ip,
        frames.ZERO_MAC if p.kind == 'arp' else p.dmac, p.target_ip))


def _ns(p):
    multicast = p.dmac.startswith('33:33')
    return frames.nd_solicit(
        p.smac, p.sender_ip, p.target_ip, p.sender_mac,
        None if multicast else p.target_ip, p.dmac)


def _na(p):
    return frames.nd_advert(p.smac, p.sender_ip, p.target_ip, p.tuple.dst,
                            p.dmac, p.sender_mac)


_BUILDERS = {
    'ip': _ip_frame, 'arp': _arp, 'arp-reply': _arp, 'ns': _ns, 'na': _na,
    'rarp': lambda p: frames.eth(p.smac, p.dmac, frames.ETH_RARP, frames.arp(
        3, p.sender_mac, '0.0.0.0', p.sender_mac, '0.0.0.0')),
    'rs': lambda p: frames.router_solicit(p.smac, p.sender_ip),
    'ra': lambda p: frames.router_advert(p.smac, p.sender_ip, p.tuple.dst,
                                         p.dmac),
}
