# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Random traffic: connections that live through changes, and single packets.

Packets come in waves.  In a wave no two belong to the same connection, so the
order in which the switch takes them from different ports does not matter.
"""
import itertools
import time

from contract import SYN, ACK, Unspecified
from harness import frames
from model import ICMP, ICMP6, SCTP, TCP, UDP, family_of, prefix
from packet import Packet, Tuple
import policies

RST, PSH = 4, 8
TTL = 18                # Conntrack forgets an unanswered datagram in 30 s.


class Connection:
    def __init__(self, client, server, opening, born):
        self.client, self.server = client, server
        self.opening = opening
        self.born = born                # The step.
        self.used = time.monotonic()
        self.history = []
        self.open = False               # The first packet has passed.
        self.answered = False           # So has an answer.
        self.done = False               # Not to be used again.

    @property
    def proto(self):
        return self.opening.proto

    @property
    def crossing(self):
        """TCP that both ends begin at once."""
        return self.proto == TCP and self.opening.sport % 8 == 0

    @property
    def first(self):
        """The server's first sequence number: 0 is in the window that
        userspace conntrack has for a SYN that crosses the client's."""
        return 0 if self.crossing else 5000


class Traffic:
    def __init__(self, rng, world, oracle, features):
        self.rng, self.world, self.oracle = rng, world, oracle
        self.features = features
        self.ports = itertools.count(20000)
        self.numbers = itertools.count(1)
        self.connections = []
        self.pairs = set()              # Used by protocols without ports.
        self.step = 0

    # Choosing who and what.

    def host(self, vlan=None):
        rng = self.rng
        if vlan is None:
            vlan = rng.choice((0, 0, 10, 10, 20))
        if rng.random() < 0.35 or not self.world.endpoints_in(vlan):
            return self.world.remote(vlan, self._remote_ip(), rng.choice(
                ['uplink', 'uplink', 'ext'] + ['srv10'] * (vlan == 10)))
        return self.guest(rng.choice(self.world.endpoints_in(vlan)))

    def guest(self, endpoint, family=None):
        """A host of the endpoint: one of its addresses, or link-local."""
        rng, port = self.rng, endpoint.port
        mac = rng.choice(port.macs)
        ips = [self._inside(a) for a in port.addresses]
        if rng.random() < 0.15:
            ips = [frames.link_local(mac)]
        ips = [ip for ip in ips if family in (None, family_of(ip))]
        return self.world.guest(endpoint, rng.choice(ips), mac) \
            if ips else None

    def _inside(self, text):
        """An address of the prefix, rather at its edges."""
        net = prefix(text)
        if net.num_addresses == 1:
            return str(net.network_address)
        at = self.rng.choice((1, net.num_addresses - 2,
                              self.rng.randrange(1, net.num_addresses - 1)))
        return str(net[at])

    def _remote_ip(self):
        """At the edges of what policies name, inside and outside."""
        while True:
            net = prefix(self.rng.choice(policies.PREFIXES))
            size = net.num_addresses
            at = self.rng.choice((0, size - 1, -1, size,
                                  self.rng.randrange(size)))
            value = int(net.network_address) + at
            if not 0 < value < 1 << net.max_prefixlen:
                continue
            ip = str(type(net.network_address)(value))
            if _is_unicast(ip) and not any(
                    e.port.owns(ip) for e in self.world.endpoints()):
                return ip

    def _pair(self):
        """Two hosts that can talk: one VLAN, one family, not one port."""
        while True:
            a = self.host()
            b = self.host(a.vlan)
            if a.iface == b.iface or not (a.endpoint or b.endpoint):
                continue
            if family_of(a.ip) == family_of(b.ip) and a.ip != b.ip:
                return a, b

    def _wanted(self, a, b):
        """A rule that might be about this pair, or None."""
        choices = []
        for host, direction in ((a, 'egress'), (b, 'ingress')):
            if host.endpoint:
                for name in host.endpoint.port.groups or ['default']:
                    choices += self.oracle.policy.find(
                        name, host.endpoint.network).rules(direction)
        return self.rng.choice(choices) if choices else None

    def _service(self, a, b):
        """(protocol, port or type) that a rule names, nearly, or any."""
        rng = self.rng
        rule = self._wanted(a, b) if rng.random() < 0.75 else None
        v6 = ':' in a.ip
        proto = rng.choice((TCP, TCP, TCP, UDP, UDP, UDP, 1,
                            rng.choice(policies.OTHERS)))
        port = rng.choice((22, 53, 80, 443, 8080, 12345, rng.randint(1, 9000)))
        if rule and rule.word in ('tcp', 'udp', 'sctp'):
            proto = {'tcp': TCP, 'udp': UDP, 'sctp': SCTP}[rule.word]
            if rule.ports:
                lo, hi = rng.choice(rule.ports)
                port = rng.choice((lo, hi, lo - 1, hi + 1,
                                   rng.randint(lo, hi)))
        elif rule and rule.word in ('icmp', 'icmp6'):
            proto = 1
        elif rule and rule.word == 'ip':
            proto = rule.number
        if proto in (ICMP, ICMP6):
            return (ICMP6, 128) if v6 else (ICMP, rng.choice((8, 8, 8, 13)))
        if proto == SCTP and 'sctp' not in self.features:
            proto = UDP
        if not 0 < port < 65536 or port in (67, 68, 546, 547):
            port = 9
        return proto, port

    def _pair_again(self):
        """Two hosts that have talked SCTP already, either way round: conntrack
        may have one entry for all of it."""
        known = [c for c in self.connections if c.proto == SCTP and
                 self._is_at_home(c.client) and self._is_at_home(c.server)]
        if not known or self.rng.random() > 0.1:
            return None
        conn = self.rng.choice(known)
        return self.rng.choice(((conn.client, conn.server),
                                (conn.server, conn.client)))

    def _is_at_home(self, host):
        """Is the address still this host's, and nobody else's?"""
        if host.endpoint:
            return host.endpoint.port.owns(host.ip) or \
                host.ip == frames.link_local(host.mac)
        return not any(e.port.owns(host.ip) for e in self.world.endpoints())

    def new_connection(self):
        while True:
            a, b = self._pair_again() or self._pair()
            proto, port = self._service(a, b)
            sport = next(self.ports)
            if proto in (ICMP, ICMP6):
                opening = Tuple(a.ip, b.ip, proto, sport, port)
            elif proto in (TCP, UDP, SCTP):
                opening = Tuple(a.ip, b.ip, proto, sport, port)
            else:
                opening = Tuple(a.ip, b.ip, proto)
                pair = (opening.key(), a.vlan)
                if pair in self.pairs:
                    continue
                self.pairs.add(pair)
            return Connection(a, b, opening, self.step)

    # Packets of connections.

    def _packet(self, sender, receiver, t, conn=None, labels=(), **more):
        labels = frozenset(labels)
        if conn and conn.born < self.step:
            labels |= {'after'}
        return Packet(sender.iface, sender.tags, sender.mac, receiver.mac,
                      'ip', t, origin=conn, labels=labels,
                      number=next(self.numbers), **more)

    def forward(self, conn, fragments=0):
        """The next packet of the client: the first, again the first, or
        more."""
        flags, seq, ack = SYN, 1000, 0
        if conn.proto == TCP and conn.answered:
            flags, seq, ack = ACK, 1001, conn.first + 1
        label = ['fragment'] if fragments else []
        return self._packet(conn.client, conn.server, conn.opening, conn,
                            label + ['forward'], flags=flags, seq=seq,
                            ack=ack, fragments=fragments)

    def reply(self, conn, fragments=0):
        flags, seq, ack = SYN | ACK, conn.first, 1001
        if conn.answered:
            flags, seq = ACK, conn.first + 1
        label = ['fragment'] if fragments else []
        return self._packet(conn.server, conn.client,
                            conn.opening.reversed(), conn, label + ['reply'],
                            flags=flags, seq=seq, ack=ack,
                            fragments=fragments)

    def cross(self, conn):
        """The server's SYN, which it sent before it saw the client's.  After
        a change its connection may be under review; then it may be lost."""
        return self._packet(conn.server, conn.client,
                            conn.opening.reversed(), conn,
                            ['lossy'] if self.step else [], flags=SYN,
                            seq=conn.first)

    def error(self, conn, about_forward):
        """An ICMP error about a packet of the connection."""
        about = conn.opening if about_forward else conn.opening.reversed()
        sender, to = (conn.server, conn.client) if about_forward \
            else (conn.client, conn.server)
        src = about.dst
        if not sender.endpoint and self.rng.random() < 0.3:
            src = self._router(':' in src)
        kind, code = self.rng.choice(
            ((1, 4), (1, 0), (3, 0)) if ':' in src
            else ((3, 3), (3, 1), (11, 0)))
        t = Tuple(src, about.src, ICMP6 if ':' in src else ICMP, 0, kind,
                  code)
        seq, ack = (1000, 0) if about_forward else (conn.first, 1001)
        if conn.answered:
            seq, ack = (1001, conn.first + 1) if about_forward \
                else (conn.first + 1, 1001)
        return self._packet(sender, to, t, conn, ['error'], about=about,
                            seq=seq, ack=ack)

    def _router(self, v6):
        while True:
            ip = self._remote_ip()
            if (':' in ip) == v6:
                return ip

    def _cuttable(self, conn):
        """May its next packet be sent in fragments?"""
        return ('fragments' in self.features and
                conn.proto in (UDP, ICMP, ICMP6) and
                self.rng.random() < 0.35)

    def packet_of(self, conn, kind):
        n = self.rng.choice((2, 2, 3)) \
            if kind in ('forward', 'reply') and self._cuttable(conn) else 0
        if kind == 'forward':
            return self.forward(conn, n)
        if kind == 'reply':
            return self.reply(conn, n)
        if kind == 'cross':
            return self.cross(conn)
        return self.error(conn, kind == 'error')

    # Waves.

    def opening_wave(self, n):
        fresh = [self.new_connection() for _ in range(n)]
        self.connections += fresh
        return [self.packet_of(conn, 'forward') for conn in fresh]

    def wave(self, choose, connections=None):
        """A packet for each connection for which choose() names a kind."""
        now = time.monotonic()
        out = []
        for conn in self.connections if connections is None else connections:
            if conn.done or now - conn.used > TTL:
                conn.done = True
                continue
            kind = choose(conn)
            if kind:
                out.append(self.packet_of(conn, kind))
        return out

    def later(self, conn):
        """Kinds that make sense for a connection now."""
        if conn.proto == TCP and conn.open and not conn.answered:
            return self.rng.choice(('reply', 'reply', 'error', 'forward'))
        kinds = ['reply', 'forward', 'error', 'reply']
        if conn.proto not in (TCP, UDP, ICMP, ICMP6):
            kinds = ['reply', 'forward']
        elif conn.answered:
            kinds.append('error-back')
        return self.rng.choice(kinds)

    def prune(self, keep):
        """Forgets all but 'keep' connections, those that passed first."""
        alive = [c for c in self.connections if not c.done]
        self.rng.shuffle(alive)
        alive.sort(key=lambda c: not c.open)
        self.connections = alive[:keep]

    def passed(self, packet):
        """What the oracle expects has become the connection's state."""
        conn = packet.origin
        if conn is None:
            return
        conn.used = time.monotonic()
        if 'forward' in packet.labels:
            conn.open = True
        elif 'reply' in packet.labels:
            conn.answered = conn.open
            if not conn.open:
                # The answer to a refused question opened a connection the
                # other way round.
                conn.done = True

    # Single packets.

    def strays(self, n):
        kinds = [self.spoofed, self.arp, self.neighbour, self.router,
                 self.dhcp, self.multicast, self.multicast, self.mid_stream,
                 self.unknown_mac, self.tagged, self.rarp, self.invalid,
                 self.stray_answer]
        out = []
        while len(out) < n:
            p = self.rng.choice(kinds)()
            if p:
                out.append(p)
        return out

    def _stray(self, sender, mac, t=None, kind='ip', **more):
        more.setdefault('smac', sender.mac)
        more.setdefault('tags', sender.tags)
        return Packet(sender.iface, dmac=mac, kind=kind, tuple=t,
                      number=next(self.numbers), **more)

    def _guest(self, family=None):
        endpoints = self.world.endpoints()
        while True:
            guest = self.guest(self.rng.choice(endpoints), family)
            if guest:
                return guest

    def spoofed(self):
        """A good packet, but with the MAC or the address of another."""
        conn = self.new_connection()
        if not conn.client.endpoint:
            return None
        p = self.forward(conn)
        if self.rng.random() < 0.4:
            p.smac = self.rng.choice(('52:54:00:99:99:99', _near(p.smac),
                                      self._other_mac(conn.client)))
        else:
            other = self._guest(family_of(p.tuple.src)).ip \
                if self.rng.random() < 0.5 else self._router(
                    ':' in p.tuple.src)
            if other == p.tuple.dst or (conn.client.endpoint.port.owns(other)):
                return None
            p.tuple = Tuple(other, p.tuple.dst, p.tuple.proto, p.tuple.sport,
                            p.tuple.dport)
        if not conn.client.endpoint.port.security and \
           (p.smac != conn.client.mac):
            return None         # NORMAL on the other bridge would learn it.
        p.origin = None
        return p

    def _other_mac(self, host):
        macs = [e.port.macs[0] for e in self.world.endpoints_in(host.vlan)
                if e.port is not host.endpoint.port]
        return self.rng.choice(macs) if macs else '52:54:00:99:99:98'

    def arp(self):
        rng = self.rng
        a = self._guest('ipv4') if rng.random() < 0.7 else \
            self.world.remote(rng.choice((0, 10, 20)), self._router(False))
        secure = a.endpoint and a.endpoint.port.security
        b = self._guest('ipv4')
        sender, mac = a.ip, a.mac
        if secure and rng.random() < 0.4:
            if rng.random() < 0.5:
                sender = rng.choice((self._router(False), b.ip))
            else:
                mac = rng.choice((_near(mac), '52:54:00:99:99:99'))
        elif rng.random() < 0.1:
            sender = '0.0.0.0'
        target = rng.choice((b.ip, self._router(False)))
        if target == sender:
            return None
        kind, dmac = rng.choice((('arp', frames.BROADCAST),
                                 ('arp', b.mac), ('arp-reply', b.mac)))
        if kind == 'arp-reply' and sender == '0.0.0.0':
            return None
        if dmac == b.mac and (b.vlan != a.vlan or b.iface == a.iface):
            return None
        return self._stray(a, dmac, kind=kind, sender_ip=sender,
                           sender_mac=mac, target_ip=target)

    def rarp(self):
        a = self._guest()
        mac = self.rng.choice((a.mac, a.mac, '52:54:00:99:99:99'))
        if not a.endpoint.port.security:
            mac = a.mac
        return self._stray(a, frames.BROADCAST, kind='rarp', sender_mac=mac)

    def neighbour(self):
        rng = self.rng
        a = self._guest('ipv6') if rng.random() < 0.7 else \
            self.world.remote(rng.choice((0, 10, 20)), self._router(True))
        b = self._guest('ipv6')
        option, sender, target = a.mac, a.ip, b.ip
        kind = rng.choice(('ns', 'na'))
        if kind == 'na':
            target = a.ip
        wrong = rng.random()
        if wrong < 0.15:
            option = rng.choice((_near(a.mac), '52:54:00:99:99:99'))
        elif wrong < 0.3:
            sender = rng.choice((b.ip, self._router(True)))
        elif wrong < 0.45 and kind == 'na':
            target = rng.choice((b.ip, self._router(True)))
        elif wrong < 0.6:
            option = None
            if kind == 'ns' and rng.random() < 0.7:
                sender, target = '::', rng.choice((a.ip, b.ip))
        if not a.endpoint or not a.endpoint.port.security:
            if sender in ('::', b.ip):
                return None
        if b.vlan == a.vlan and b.iface != a.iface and sender != '::' and \
           rng.random() < 0.5 and (kind == 'na' or target == b.ip):
            dst, dmac = b.ip, b.mac
        elif kind == 'na':
            dst, dmac = 'ff02::1', '33:33:00:00:00:01'
        else:
            dst = frames.solicited_node(target)
            dmac = frames.multicast_mac(dst)
        return self._stray(a, dmac, Tuple(sender, dst, ICMP6, 0,
                                          135 if kind == 'ns' else 136), kind,
                           sender_ip=sender, sender_mac=option,
                           target_ip=target)

    def router(self):
        rng = self.rng
        if rng.random() < 0.3:
            a = self._guest('ipv6')
            return self._stray(a, '33:33:00:00:00:02', Tuple(
                a.ip, 'ff02::2', ICMP6, 0, 133), 'rs', sender_ip=a.ip,
                sender_mac=a.mac)
        a = self._guest('ipv6') if rng.random() < 0.7 else \
            self.world.remote(rng.choice((0, 10, 20)), 'fe80::1')
        dst, dmac = 'ff02::1', '33:33:00:00:00:01'
        b = self._guest('ipv6')
        if b.vlan == a.vlan and b.iface != a.iface and rng.random() < 0.5:
            dst, dmac = b.ip, b.mac
        return self._stray(a, dmac, Tuple(a.ip, dst, ICMP6, 0, 134), 'ra',
                           sender_ip=a.ip, sender_mac=a.mac)

    def dhcp(self):
        rng = self.rng
        family = rng.choice(('ipv4', 'ipv6'))
        v6 = family == 'ipv6'
        client, server = (546, 547) if v6 else (68, 67)
        a = self._guest(family) if rng.random() < 0.7 else \
            self.world.remote(rng.choice((0, 10, 20)), self._router(v6))
        asks = rng.random() < 0.5
        sport, dport = (client, server) if asks else (server, client)
        b = self._guest(family)
        if b.vlan == a.vlan and b.iface != a.iface and rng.random() < 0.5:
            dst, dmac = b.ip, b.mac
        elif v6:
            if not asks:
                return None
            dst, dmac = 'ff02::1:2', '33:33:00:01:00:02'
        else:
            dst, dmac = '255.255.255.255', frames.BROADCAST
        src = a.ip
        if asks and dmac == frames.BROADCAST and rng.random() < 0.5:
            src = '0.0.0.0'
        key = (src, dst)
        if key in self.pairs:
            return None         # A question that rules let in is tracked.
        self.pairs |= {key, (dst, src)}
        return self._stray(a, dmac, Tuple(src, dst, UDP, sport, dport))

    def multicast(self):
        """Broadcast and multicast IP; ports as rules name them."""
        rng = self.rng
        a = self.host()
        proto, port = self._service(a, a)
        if proto in (TCP, SCTP):
            proto = UDP
        if proto == UDP and rng.random() < 0.4:
            port = rng.choice((5353, 53))
        if ':' in a.ip:
            dst = rng.choice(('ff02::fb', 'ff05::1:3', 'ff0e::42'))
        else:
            dst = rng.choice(('224.0.0.251', '239.1.2.3', '239.2.2.3',
                              '255.255.255.255'))
        dmac = frames.BROADCAST if dst == '255.255.255.255' \
            else frames.multicast_mac(dst)
        if proto not in (UDP, ICMP, ICMP6):
            return self._stray(a, dmac, Tuple(a.ip, dst, proto))
        cut = 'fragments' in self.features and rng.random() < 0.5
        return self._stray(a, dmac,
                           Tuple(a.ip, dst, proto, next(self.ports), port),
                           fragments=rng.choice((2, 3)) if cut else 0,
                           labels=frozenset(['fragment'] if cut else []))

    def mid_stream(self):
        """TCP that does not begin with a SYN."""
        conn = self.new_connection()
        if conn.proto != TCP:
            return None
        p = self.forward(conn)
        p.flags = self.rng.choice((ACK, RST, 1 | ACK, SYN | ACK, PSH | ACK))
        p.seq, p.ack, p.origin = 77, 88, None
        return p

    def stray_answer(self):
        """An answer to a question that nobody asked."""
        conn = self.new_connection()
        if conn.proto not in (ICMP, ICMP6):
            return None
        p = self.reply(conn)
        p.origin = None
        return p

    def invalid(self):
        conn = self.new_connection()
        if conn.proto != TCP:
            return None
        p = self.forward(conn)
        p.bad_checksum, p.origin = True, None
        return p

    def unknown_mac(self):
        """Unicast to a MAC that nobody has here."""
        conn = self.new_connection()
        p = self.forward(conn)
        p.dmac = self.rng.choice(('52:54:00:99:99:97', _near(p.dmac)))
        p.origin = None
        if self.world.endpoint_of(conn.client.vlan, p.dmac) or \
           (conn.proto not in (TCP, UDP, ICMP, ICMP6)):
            return None
        return p

    def tagged(self):
        """In a VLAN where the sender has no business."""
        conn = self.new_connection()
        if not conn.client.endpoint:
            return None
        p = self.forward(conn)
        tag = self.rng.choice((10, 20, 30))
        p.tags = p.tags + (tag,) if self.rng.random() < 0.3 else (tag,)
        p.origin = None
        port = conn.client.endpoint.port
        if port.trunks and p.tags[0] in port.trunks:
            return None
        return p


def _near(mac):
    """A MAC that differs in one bit."""
    return mac[:-2] + '%02x' % (int(mac[-2:], 16) ^ 0x40)


def _is_unicast(ip):
    first = prefix(ip).network_address
    return not (first.is_multicast or first.is_unspecified or
                first.is_loopback or first.is_link_local or
                (first.version == 4 and int(first) >= 0xe0000000) or
                (first.version == 6 and int(first) < 1 << 64) or
                (first.version == 4 and int(first) < 1 << 24))


__all__ = ['Traffic', 'Connection', 'Unspecified']
