# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The ports: two bridges joined by patch ports, guarded ports in some VLANs and
networks, and trusted ports with hosts behind them.

    br0                                   br1
     uplink   carries all VLANs            srv10   access port of VLAN 10
     g0, g1 ... guarded                    ext     carries all VLANs
     p0 ------------------- patch -------- p1
"""
import dataclasses

from model import Port

BRIDGES = ('br0', 'br1')
VLANS = (0, 10, 20)
GATEWAY = '52:54:00:00:fe:%02x'         # The host behind 'uplink' in a VLAN.
SERVER = '52:54:00:00:fd:0a'            # Behind srv10.
EXTERN = '52:54:00:00:fc:%02x'          # Behind ext.


@dataclasses.dataclass
class Trusted:
    name: str
    bridge: str
    tag: int = None             # None: carries all VLANs.

    def vlan_of(self, tags):
        return self.tag if self.tag is not None else tags[0] if tags else 0

    def tags_of(self, vlan):
        return (vlan,) if self.tag is None and vlan else ()


@dataclasses.dataclass(frozen=True)
class Host:
    """One that sends and receives: in a guest, or behind a trusted port."""
    iface: str
    vlan: int
    tags: tuple
    mac: str
    ip: str
    endpoint: object = None     # Guarded ones only.

    def __str__(self):
        return '%s (%s)' % (self.iface, self.ip)


class World:
    def __init__(self, ports):
        self.ports = {port.name: port for port in ports}
        self.trusted = {t.name: t for t in (
            Trusted('uplink', 'br0'), Trusted('ext', 'br1'),
            Trusted('srv10', 'br1', 10))}

    def bridge_of(self, iface):
        return (self.trusted.get(iface) or self.ports[iface]).bridge

    def endpoints(self):
        return [e for port in self.ports.values() for e in port.endpoints]

    def endpoints_in(self, vlan):
        return [e for e in self.endpoints() if e.vlan == vlan]

    def endpoint_of(self, vlan, mac):
        """Whose MAC is it?"""
        for e in self.endpoints_in(vlan):
            if mac in e.port.macs:
                return e
        return None

    def trusted_in(self, vlan):
        return {t.name for t in self.trusted.values()
                if t.tag in (None, vlan)}

    def trusted_of(self, vlan, mac):
        """The trusted port behind which 'mac' is."""
        if mac == GATEWAY % vlan:
            return 'uplink'
        if mac == EXTERN % vlan:
            return 'ext'
        return 'srv10' if (vlan, mac) == (10, SERVER) else None

    def tags_at(self, iface, vlan):
        """The tags that a frame of 'vlan' carries when it leaves 'iface'."""
        if iface in self.trusted:
            return self.trusted[iface].tags_of(vlan)
        return (vlan,) if self.ports[iface].trunks else ()

    # Hosts.

    def remote(self, vlan, ip, where='uplink'):
        mac = {'uplink': GATEWAY % vlan, 'ext': EXTERN % vlan,
               'srv10': SERVER}[where]
        return Host(where, vlan, self.trusted[where].tags_of(vlan), mac, ip)

    @staticmethod
    def guest(endpoint, ip, mac=None):
        return Host(endpoint.port.name, endpoint.vlan,
                    (endpoint.vlan,) if endpoint.tagged else (),
                    mac or endpoint.port.macs[0], ip, endpoint)

    # In the switch.

    def deploy(self, sandbox):
        # A secure bridge on which nothing is guarded is nobody's business, and
        # forwards nothing: so both are enabled.
        for bridge in BRIDGES:
            sandbox.add_bridge(bridge, True, 'external_ids:sg-enable=true')
        words = []
        for name, peer, bridge in (('p0', 'p1', 'br0'), ('p1', 'p0', 'br1')):
            words += ['--', 'add-port', bridge, name, '--', 'set',
                      'Interface', name, 'type=patch', 'options:peer=' + peer]
        for t in self.trusted.values():
            words += sandbox.port_command(t.bridge, t.name, tag=t.tag)
        for port in self.ports.values():
            settings = ['trunks=%s' % ','.join(map(str, port.trunks)),
                        'vlan_mode=trunk'] if port.trunks else []
            if settings:
                settings = ['--', 'set', 'Port', port.name] + settings
            words += sandbox.port_command(port.bridge, port.name, ids(port),
                                          tag=port.tag or None)
            words += settings
        sandbox.vsctl(*words[1:])


def ids(port):
    """A port's external_ids."""
    out = {'attached-mac': ' '.join(port.macs),
           'sg-addresses': ' '.join(port.addresses),
           'sg-groups': ' '.join(port.groups)}
    if port.network:
        out['sg-network'] = port.network
    if not port.security:
        out['sg-port-security'] = 'false'
    return out


def random_world(rng, groups, n=None):
    """'groups' are names that ports may have."""
    ports = []
    taken = set()                       # (network, address)
    for i in range(n or rng.randint(8, 12)):
        ports.append(_random_port(rng, i, groups, taken))
    # The same MAC, and the same addresses, in another VLAN and network.
    twin = Port('twin', 'br1', list(ports[0].macs), list(ports[0].addresses),
                rng.sample(groups, 1), tag=20, network='twins')
    if not ports[0].trunks and ports[0].tag != 20:
        ports.append(twin)
    return World(ports)


def _random_port(rng, i, groups, taken):
    trunks = (10, 20) if i == 3 else ()
    tag = 0 if trunks else rng.choice((0, 0, 10, 20))
    port = Port('g%d' % i, rng.choice(BRIDGES),
                ['52:54:00:00:00:%02x' % (i + 1)], [],
                rng.sample(groups, rng.choice((1, 1, 2, 2, 3))), tag, trunks,
                rng.choice((None, None, 'blue', 'red')), rng.random() > 0.1)
    if rng.random() < 0.1:
        port.groups = []
    if rng.random() < 0.2:
        port.macs.append('52:54:00:00:01:%02x' % (i + 1))
    port.addresses = random_addresses(rng, i, port, taken)
    return port


def random_addresses(rng, i, port, taken):
    """Addresses of which nobody else in the port's networks has any."""
    while True:
        n = rng.randint(1, 30)
        v4 = ['10.1.0.%d' % n]
        v6 = ['2001:db8::%x' % n]
        if rng.random() < 0.2:
            v4.append('10.1.1.%d/29' % (8 * i))
        if rng.random() < 0.2:
            v6.append('2001:db8:0:%x::/64' % (i + 1))
        out = rng.choice((v4 + v6, v4 + v6, v4 + v6, v4, v6))
        claims = {(e.network, a) for e in port.endpoints for a in out}
        if not claims & taken:
            taken |= claims
            return out
