# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A policy and the ports it guards, as CONTRACT sections 2 and 3 describe them,
and the question they answer: which groups allow this?

Nothing here knows how the compiler or the agent work.
"""
import dataclasses
import functools
import ipaddress

TCP, UDP, ICMP, ICMP6, SCTP = 6, 17, 1, 58, 132
NUMBERS = {'tcp': TCP, 'udp': UDP, 'sctp': SCTP, 'icmp': ICMP, 'icmp6': ICMP6}


@functools.lru_cache(None)
def address(text):
    return ipaddress.ip_address(text)


@functools.lru_cache(None)
def prefix(text):
    return ipaddress.ip_network(text)


@functools.lru_cache(None)
def contains(net, ip):
    """Is address 'ip' in prefix 'net'?  Both are text."""
    net, ip = prefix(net), address(ip)
    return net.version == ip.version and ip in net


def family_of(ip):
    return 'ipv6' if ':' in ip else 'ipv4'


@dataclasses.dataclass(frozen=True)
class Spec:
    """A first packet, as a rule sees it: the other side's address, and what it
    wants."""
    remote: str
    proto: int
    port: int = 0               # Destination port, or ICMP type.
    code: int = 0               # ICMP code.


@dataclasses.dataclass
class Rule:
    word: str                   # tcp, udp, sctp, icmp, icmp6, ip or all.
    peers: tuple                # ('any',), ('prefix', P), ('group', G), ...
    ports: tuple = ()           # (lo, hi), ...; none: all.
    icmp: tuple = ()            # (type, code or None), ...; none: all.
    number: int = 0             # For 'ip'.
    family: str = None

    def lua(self, side):
        """Lua text; 'side' is "from" or "to"."""
        words = []
        if self.ports:
            texts = [str(lo) if lo == hi else '"%d-%d"' % (lo, hi)
                     for lo, hi in self.ports]
            words.append(texts[0] if len(texts) == 1
                         else '{ %s }' % ', '.join(texts))
        for kind, code in self.icmp:
            words.append('type = %d' % kind)
            if code is not None:
                words.append('code = %d' % code)
        if self.word == 'ip':
            words.append('protocol = %d' % self.number)
        peers = [_peer_lua(p) for p in self.peers]
        words.append('%s = %s' % (side, peers[0] if len(peers) == 1
                                  else '{ %s }' % ', '.join(peers)))
        if self.family:
            words.append('family = "%s"' % self.family)
        return '%s { %s }' % (self.word, ', '.join(words))

    def names(self, spec):
        """Does the rule name what 'spec' wants, as a DHCP server and a router
        must be named (section 4, point 2)?"""
        if self.word == 'udp':
            return (spec.port, spec.port) in self.ports
        return self.word == 'icmp6' and bool(self.icmp)

    def wants(self, spec):
        """Is it about this protocol and port?"""
        if self.family and self.family != family_of(spec.remote):
            return False
        if self.word == 'all':
            return True
        if self.word == 'ip':
            return self.number == spec.proto
        if NUMBERS[self.word] != spec.proto:
            return False
        if self.word in ('icmp', 'icmp6'):
            return not self.icmp or any(
                kind == spec.port and code in (None, spec.code)
                for kind, code in self.icmp)
        return not self.ports or any(lo <= spec.port <= hi
                                     for lo, hi in self.ports)


def _peer_lua(peer):
    if peer[0] == 'any':
        return 'any'
    if peer[0] == 'prefix':
        return '"%s"' % peer[1]
    text = '%s "%s"' % ('group' if peer[0] == 'group' else 'prefix_list',
                        peer[1])
    return 'network "%s".%s' % (peer[2], text) if len(peer) > 2 else text


def key_of(name, network):
    return '%s/%s' % (network, name) if network else name


@dataclasses.dataclass
class Group:
    name: str
    ingress: list
    egress: list = None         # None: everything may leave.
    drain: bool = False
    network: str = None         # The only one where it is.

    @property
    def key(self):
        return key_of(self.name, self.network)

    def rules(self, direction):
        if direction == 'ingress':
            return self.ingress
        return [ALL_TO_ANY] if self.egress is None else self.egress

    def lua(self):
        lines = ['group "%s" {' % self.name]
        for word, side, rules in (('ingress', 'from', self.ingress),
                                  ('egress', 'to', self.egress)):
            if rules is not None:
                lines.append('  %s = {' % word)
                lines += ['    %s,' % rule.lua(side) for rule in rules]
                lines.append('  },')
        if self.drain:
            lines.append('  revocation = "drain",')
        return '\n'.join(lines + ['}'])


ALL_TO_ANY = Rule('all', (('any',),))


@dataclasses.dataclass
class Policy:
    groups: dict                # Its key -> Group.
    lists: dict                 # Name of a prefix_list -> [prefix, ...].
    members: dict               # Key of a group -> [prefix, ...]: "web", or
                                # "blue/web" for those that are so in blue.

    def find(self, name, network):
        """The group that is called 'name' in 'network'."""
        return (self.groups.get(key_of(name, network))
                or self.groups[name])

    def lua(self):
        parts = [_in_network(g.network, g.lua())
                 for g in self.groups.values() if g is not BUILTIN_DEFAULT]
        parts += [_list_lua('prefix_list', name, prefixes)
                  for name, prefixes in self.lists.items()]
        for key, prefixes in self.members.items():
            network, _, name = key.rpartition('/')
            if prefixes:
                parts.append(_in_network(network, _list_lua('members', name,
                                                            prefixes)))
        return '\n'.join(parts) + '\n'


def _list_lua(word, name, prefixes):
    return '%s "%s" { %s }' % (word, name,
                               ', '.join('"%s"' % p for p in prefixes))


def _in_network(network, text):
    return 'network "%s" { %s }' % (network, text) if network else text


BUILTIN_DEFAULT = Group('default',
                        [Rule('all', (('group', 'default'),))])


@dataclasses.dataclass(eq=False)
class Endpoint:
    """A guarded port in one VLAN."""
    port: object
    vlan: int
    tagged: bool
    network: str


@dataclasses.dataclass(eq=False)
class Port:
    """A guarded interface."""
    name: str
    bridge: str
    macs: list
    addresses: list             # Addresses and prefixes.
    groups: list                # Empty: `default'.
    tag: int = 0
    trunks: tuple = ()
    network: str = None         # sg-network
    security: bool = True       # sg-port-security
    endpoints: list = None

    def __post_init__(self):
        self.endpoints = [
            Endpoint(self, vlan, bool(self.trunks), self.network or
                     (self.bridge + '.%d' % vlan if vlan else self.bridge))
            for vlan in (self.trunks or (self.tag,))]

    def owns(self, ip):
        return any(contains(a, ip) for a in self.addresses)

    def declares(self, ip):
        """Is 'ip' written out in its addresses?"""
        return ip in self.addresses

    def __str__(self):
        return ('%s on %s%s%s: groups %s, MAC %s, addresses %s%s%s' % (
            self.name, self.bridge,
            ' tag %d' % self.tag if self.tag else '',
            ' trunk %s' % (self.trunks,) if self.trunks else '',
            ','.join(self.groups) or '(default)', ' '.join(self.macs),
            ' '.join(self.addresses),
            ', network %s' % self.network if self.network else '',
            '' if self.security else ', no port security'))


def is_member(policy, ports, network, group, ip):
    """Is 'ip', in 'network', a member of 'group'?"""
    for key in (group, key_of(group, network)):
        if any(contains(p, ip) for p in policy.members.get(key, ())):
            return True
    return any(group in (port.groups or ['default']) and port.owns(ip)
               for port in ports
               if any(e.network == network for e in port.endpoints))


def _peer_is(policy, ports, network, peer, ip):
    if peer[0] == 'any':
        return True
    if peer[0] == 'prefix':
        return contains(peer[1], ip)
    if peer[0] == 'list':
        return any(contains(p, ip) for p in policy.lists[peer[1]])
    return is_member(policy, ports, peer[2] if len(peer) > 2 else network,
                     peer[1], ip)


def must_be_named(spec):
    """What a guest may send only by an egress rule that names it."""
    return (spec.proto == UDP and
            spec.port == (546 if ':' in spec.remote else 68)) or \
        (spec.proto == ICMP6 and spec.port == 134)


def allowing(policy, ports, endpoint, direction, spec):
    """The keys of the groups of 'endpoint' that allow 'spec' in
    'direction'."""
    named = direction == 'egress' and must_be_named(spec)
    groups = [policy.find(name, endpoint.network)
              for name in endpoint.port.groups or ['default']]
    return {group.key for group in groups
            for rule in group.rules(direction)
            if rule.wants(spec) and (not named or rule.names(spec))
            and any(_peer_is(policy, ports, endpoint.network, peer,
                             spec.remote) for peer in rule.peers)}
