# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The oracle: what CONTRACT section 4 says a packet meets, as naively as it can
be said.  Written from the contract; it knows no tables, classes or zones.

Where the contract leaves the answer open, the oracle says so (Unspecified),
and the packet is not sent.  Left open are:

  - a cut connection that a later change allows again: it may live again or
    have to be opened anew.  (A question of UDP or ICMP passes either way, so
    that is expected; all else is not sent.)
  - a connection that rules of draining and of other groups allowed, when
    neither does any more: whose was it?
  - half-open ones of a draining group, when the rule is gone: is a question
    that nobody has answered a connection to be kept?
  - a draining connection of an address that the guest has lost, any
    connection of an address that was lost and came back, and packets to a
    lost address that rules let in as new ones
  - an ICMP error about no known connection (or one that was cut) where rules
    allow ICMP errors as such; and an answer to no known question where rules
    allow the answer's type as such
  - SCTP that rules allow by itself, or as an answer, though the connection was
    cut, drains, or never was: tracked or judged one by one
  - a DHCP answer that a guest sends to a question that its rules let in: an
    answer always passes, but a guest is no DHCP server
  - which trusted ports get a copy of a frame for a MAC that the switch has
    not learned, and which guarded ports overhear ARP requests and neighbour
    solicitations for others in their VLAN (never in another one)

Two bridges are like two hypervisors, between which nobody can take a packet
back: what the sender's egress rules let out to another bridge is a connection
for the sender's port also if the receiver's ingress rules refuse it there.

Left out of generation, for the same reason: unicast frames with IP addresses
that are not the receiver's, multicast TCP, MLD, ICMPv6 redirects, ICMP that
conntrack does not know (invalid, or not, depends on it), ethertypes other than
IP and ARP, priority tags, TCP flags that make no sense together, DHCP from or
to unusual ports, addresses that two ports of one network declare, and guests
that have the same address (in two networks) and talk to each other.
"""
import collections
import dataclasses

import model
from harness import frames
from model import ICMP, ICMP6, SCTP, TCP, UDP
from packet import ANSWERS, QUESTIONS, Tuple

SYN, ACK = 2, 16
ND = ('ns', 'na', 'rs', 'ra')


class Unspecified(Exception):
    """The contract leaves it open; the text says what."""


class Dropped(Exception):
    """The packet ends here; the text says why."""


@dataclasses.dataclass
class Entry:
    """A connection, as one guarded port has it."""
    opening: Tuple              # The packet that began it.
    direction: str              # 'egress': the guest began it.
    holders: set                # Groups that have allowed it so far.
    status: str = 'alive'       # or 'cut', 'open' (unspecified)
    answered: bool = False
    kept: bool = False          # Only because its groups drain.


@dataclasses.dataclass
class Expected:
    must: dict                  # {interface: how often}
    may: set                    # Interfaces that may get a copy.
    why: str

    def __str__(self):
        return '%s (%s)' % (', '.join(sorted(self.must)) or 'nowhere',
                            self.why)


def _carry_out(actions):
    while actions:
        actions.pop()()


def is_multicast(mac):
    return bool(int(mac[:2], 16) & 1)


class Oracle:
    def __init__(self, world, policy):
        self.world = world              # Ports, hosts: see world.py.
        self.policy = policy
        self.table = collections.defaultdict(dict)  # Endpoint -> key -> Entry

    # What may pass as a first packet.

    def allowing(self, endpoint, direction, t):
        remote = t.dst if direction == 'egress' else t.src
        spec = model.Spec(remote, t.proto, t.dport, t.code)
        return model.allowing(self.policy, self.world.ports.values(),
                              endpoint, direction, spec)

    # Changes.

    def changed(self, policy=None):
        """The policy or the ports have changed: what only the old state
        allowed is cut (point 4)."""
        self.policy = policy or self.policy
        for endpoint, entries in self.table.items():
            for entry in entries.values():
                self._review(endpoint, entry)

    def _review(self, endpoint, e):
        own = e.opening.src if e.direction == 'egress' else e.opening.dst
        if endpoint.port.security and not self._owns(endpoint, own):
            # Its own address is gone.
            e.status = 'open' if e.status == 'open' or self._drains(e) != {
                False} else 'lost'
            return
        if e.status == 'lost':
            e.status = 'open'
        if e.status != 'alive':
            return
        now = self.allowing(endpoint, e.direction, e.opening)
        e.kept = not now
        if now:
            e.holders |= now
        elif self._drains(e) == {False}:
            e.status = 'cut'
        elif self._drains(e) != {True}:
            e.status = 'open'

    def _drains(self, entry):
        return {self.policy.groups[name].drain for name in entry.holders}

    @staticmethod
    def _owns(endpoint, ip):
        return endpoint.port.owns(ip) or \
            ip in map(frames.link_local, endpoint.port.macs)

    # Anti-spoofing (point 2).

    def _check_source(self, endpoint, p):
        port = endpoint.port
        if not port.security:
            return
        if p.smac not in port.macs:
            raise Dropped('source MAC of another')
        if p.kind == 'rarp':
            good = p.sender_mac in port.macs
        elif p.kind in ('arp', 'arp-reply'):
            good = p.sender_mac in port.macs and (
                port.owns(p.sender_ip) or
                (p.sender_ip == '0.0.0.0' and p.kind == 'arp'))
        elif p.kind in ND:
            good = self._check_nd(endpoint, p)
        else:
            good = self._owns(endpoint, p.tuple.src) or (
                p.tuple.src == '0.0.0.0' and _is_dhcp_client(p.tuple))
        if not good:
            raise Dropped('spoofed')

    def _check_nd(self, endpoint, p):
        macs = endpoint.port.macs
        if p.sender_mac and p.sender_mac not in macs:
            return False
        if p.kind == 'na' and not self._owns(endpoint, p.target_ip):
            return False
        if p.sender_ip == '::':
            return p.kind == 'rs' or (p.kind == 'ns' and not p.sender_mac and
                                      self._owns(endpoint, p.target_ip))
        return self._owns(endpoint, p.sender_ip)

    # One guarded port, one direction.

    def _pass_port(self, endpoint, direction, p, actions):
        """Raises Dropped or Unspecified, or returns why the packet passes.
        What is to be remembered once it has passed everything goes to
        'actions'."""
        if p.kind in ('arp', 'arp-reply', 'rarp', 'ns', 'na', 'rs'):
            return 'needs no rule'
        t = p.tuple
        if p.kind == 'ra' and direction == 'ingress':
            return 'needs no rule'
        if t.proto == UDP and self._dhcp(endpoint, direction, t):
            return 'DHCP needs no rule'
        if p.kind == 'ra' or is_multicast(p.dmac):
            return self._pass_rules(endpoint, direction, t)
        if p.bad_checksum:
            raise Dropped('invalid')
        if p.about:
            return self._pass_error(endpoint, direction, p)
        entry = self.table[endpoint].get(t.key())
        if t.proto == SCTP:
            self._check_sctp(endpoint, direction, entry, t)
        if entry:
            return self._pass_known(endpoint, direction, entry, p, actions)
        return self._pass_new(endpoint, direction, p, actions)

    def _dhcp(self, endpoint, direction, t):
        client, server = (546, 547) if ':' in t.src else (68, 67)
        asks = (t.sport, t.dport) == (client, server)
        answers = (t.sport, t.dport) == (server, client)
        if direction == 'egress' and answers and \
           t.key() in self.table[endpoint]:
            raise Unspecified('a DHCP answer to a question')
        return asks if direction == 'egress' else answers

    def _pass_rules(self, endpoint, direction, t):
        groups = self.allowing(endpoint, direction, t)
        if not groups:
            raise Dropped('no %s rule of %s' % (direction,
                                                endpoint.port.name))
        return 'by group %s' % ', '.join(sorted(groups))

    def _check_sctp(self, endpoint, direction, entry, t):
        """Conntrack may not know SCTP.  Then every packet is judged by itself,
        answers with ports swapped: what rules allow that way may pass."""
        if entry and entry.status == 'alive' and not entry.kept:
            return
        other = 'ingress' if direction == 'egress' else 'egress'
        if entry and self.allowing(endpoint, direction, t) or \
           self.allowing(endpoint, other, t.reversed()) or \
           entry and entry.kept:
            raise Unspecified('SCTP that may or may not be tracked')

    def _pass_error(self, endpoint, direction, p):
        entry = self.table[endpoint].get(p.about.key())
        if entry and entry.status == 'alive':
            self._check_draining(entry)
            return 'about an allowed connection'
        if entry and entry.status == 'open':
            raise Unspecified('error about a connection that may live')
        if entry and entry.status == 'cut' and \
           self.allowing(endpoint, entry.direction, entry.opening):
            raise Unspecified('error about a connection that may live again')
        if self.allowing(endpoint, direction, p.tuple):
            raise Unspecified('an error that rules allow as such')
        raise Dropped('error about no allowed connection')

    def _pass_known(self, endpoint, direction, entry, p, actions):
        t, forward = p.tuple, direction == entry.direction
        if entry.status == 'open':
            raise Unspecified('see the head of the file')
        if entry.status == 'lost':
            if self.allowing(endpoint, direction, t):
                raise Unspecified('as a new one it might pass')
            raise Dropped('the address is not the port\'s any more')
        if entry.status == 'cut':
            if not self.allowing(endpoint, entry.direction, entry.opening):
                raise Dropped('cut')
            if not forward or t.proto == TCP:
                raise Unspecified('cut, and allowed again')
            actions.append(lambda: self._revive(endpoint, entry))
        self._check_draining(entry)
        if not forward and p.flags & (SYN | ACK) != SYN:
            actions.append(lambda: setattr(entry, 'answered', True))
        return 'known connection' + (', draining' if entry.kept else '')

    @staticmethod
    def _check_draining(entry):
        if entry.kept and not entry.answered:
            raise Unspecified('half-open, and draining')

    def _revive(self, endpoint, entry):
        entry.status = 'alive'
        entry.holders = self.allowing(endpoint, entry.direction,
                                      entry.opening)

    def _pass_new(self, endpoint, direction, p, actions):
        t = p.tuple
        if t.proto == TCP and p.flags & (SYN | ACK) != SYN:
            raise Dropped('TCP of no connection')
        groups = self.allowing(endpoint, direction, t)
        if t.proto in (ICMP, ICMP6) and (t.proto, t.dport) not in QUESTIONS:
            if groups:
                raise Unspecified('an answer that rules allow as such')
            raise Dropped('answer to no question')
        if not groups:
            raise Dropped('no %s rule of %s' % (direction,
                                                endpoint.port.name))
        entry = Entry(t, direction, groups)
        actions.append(lambda: self.table[endpoint].__setitem__(t.key(),
                                                                entry))
        return 'new, by group %s' % ', '.join(sorted(groups))

    # The whole way.

    def expect(self, p):
        """Where 'p' must arrive.  Remembers what it changes."""
        actions, reasons = [], []
        may = set()
        try:
            vlan, sender = self._enter(p)
            if sender:
                reasons.append(self._pass_port(sender, 'egress', p, actions))
            if is_multicast(p.dmac):
                return self._multicast(p, vlan, sender)
            receiver = self.world.endpoint_of(vlan, p.dmac)
            may = self._overhearing(p, vlan, receiver)
            if receiver:
                self._check_port(receiver, 'ingress', p)
                if may:
                    _carry_out(actions)         # It leaves the bridge.
                reasons.append(self._pass_port(receiver, 'ingress', p,
                                               actions))
        except Dropped as dropped:
            return Expected({}, may, str(dropped))
        _carry_out(actions)
        return self._unicast(p, vlan, may, receiver, '; '.join(reasons))

    def _check_port(self, endpoint, direction, p):
        """Raises Unspecified if it is that."""
        try:
            self._pass_port(endpoint, direction, p, [])
        except Dropped:
            pass

    def _enter(self, p):
        """The VLAN, and the endpoint if the port is guarded."""
        port = self.world.ports.get(p.iface)
        if port is None:
            return self.world.trusted[p.iface].vlan_of(p.tags), None
        for e in port.endpoints:
            if p.tags == ((e.vlan,) if e.tagged else ()):
                self._check_source(e, p)
                return e.vlan, e
        raise Dropped('wrong VLAN tags')

    def _overhearing(self, p, vlan, receiver):
        """Trusted ports that may get a copy of a unicast frame: on the way to
        another bridge NORMAL may flood it."""
        if receiver and receiver.port.bridge == self.world.bridge_of(p.iface):
            return set()
        return self.world.trusted_in(vlan)

    def _unicast(self, p, vlan, may, receiver, why):
        copies = p.fragments or 1
        if receiver:
            return Expected({receiver.port.name: copies}, may, why)
        host = self.world.trusted_of(vlan, p.dmac)
        return Expected({host: copies} if host not in (None, p.iface) else {},
                        may, why)

    def _multicast(self, p, vlan, sender):
        copies = p.fragments or 1
        must = {name: copies for name in self.world.trusted_in(vlan)
                if name != p.iface}
        may = set()
        for endpoint in self.world.endpoints_in(vlan):
            if endpoint is sender:
                continue
            try:
                if p.kind in ('arp', 'ns'):
                    if endpoint.port.declares(p.target_ip):
                        must[endpoint.port.name] = 1
                    else:
                        may.add(endpoint.port.name)
                elif p.kind in ('rs', 'rarp'):
                    may.add(endpoint.port.name)
                else:
                    self._pass_port(endpoint, 'ingress', p, [])
                    must[endpoint.port.name] = copies
            except Dropped:
                pass
        return Expected(must, may, 'multicast')


def _is_dhcp_client(t):
    return (t.proto, t.sport, t.dport, t.dst) == (UDP, 68, 67,
                                                  '255.255.255.255')
