# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Ethernet frames: built byte by byte with right checksums (conntrack looks at
them), read back, and described in one line.

Addresses are text everywhere; frames are bytes.
"""
import functools
import ipaddress
import struct

BROADCAST = 'ff:ff:ff:ff:ff:ff'
ZERO_MAC = '00:00:00:00:00:00'

ETH_IPV4 = 0x0800
ETH_ARP = 0x0806
ETH_VLAN = 0x8100
ETH_RARP = 0x8035
ETH_IPV6 = 0x86dd

ICMP, IGMP, TCP, UDP, ICMP6, SCTP = 1, 2, 6, 17, 58, 132
PROTOCOLS = {'icmp': ICMP, 'igmp': IGMP, 'tcp': TCP, 'udp': UDP,
             'icmp6': ICMP6, 'sctp': SCTP}

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@functools.lru_cache(None)
def mac_bytes(mac):
    return bytes(int(part, 16) for part in mac.split(':'))


def mac_text(data):
    return ':'.join('%02x' % byte for byte in data)


@functools.lru_cache(None)
def ip_bytes(ip):
    return ipaddress.ip_address(ip).packed


def ip_text(data):
    return str(ipaddress.ip_address(data))


def is_v6(ip):
    return ':' in ip


def link_local(mac):
    """The IPv6 link-local address that belongs to 'mac'."""
    m = mac_bytes(mac)
    return ip_text(b'\xfe\x80' + bytes(6) + bytes([m[0] ^ 2]) + m[1:3] +
                   b'\xff\xfe' + m[3:])


def solicited_node(ip):
    return ip_text(ip_bytes('ff02::1:ff00:0')[:13] + ip_bytes(ip)[13:])


def multicast_mac(ip):
    data = ip_bytes(ip)
    if len(data) == 16:
        return mac_text(b'\x33\x33' + data[12:])
    return mac_text(b'\x01\x00\x5e' + bytes([data[1] & 0x7f]) + data[2:])


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def eth(src, dst, ethertype, payload, vlan=None):
    """'vlan' is a tag, or several, outermost first."""
    tags = b''
    for tag in [] if vlan is None else \
            vlan if isinstance(vlan, (list, tuple)) else [vlan]:
        tags += struct.pack('!HH', ETH_VLAN, tag)
    return (mac_bytes(dst) + mac_bytes(src) + tags +
            struct.pack('!H', ethertype) + payload)


def _pseudo(src, dst, proto, length):
    s, d = ip_bytes(src), ip_bytes(dst)
    if len(s) == 16:
        return s + d + struct.pack('!II', length, proto)
    return s + d + struct.pack('!BBH', 0, proto, length)


def ipv4(src, dst, proto, payload, ttl=64, ident=0, flags=0, offset=0):
    """'flags' is 1 for more fragments, 2 for don't fragment; 'offset' counts
    bytes."""
    def header(csum):
        return struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), ident,
                           flags << 13 | offset >> 3, ttl, proto, csum,
                           ip_bytes(src), ip_bytes(dst))
    return header(checksum(header(0))) + payload


def ipv6(src, dst, proto, payload, hops=64):
    return struct.pack('!IHBB16s16s', 6 << 28, len(payload), proto, hops,
                       ip_bytes(src), ip_bytes(dst)) + payload


def ip(src, dst, proto, payload, hops=64):
    """IPv4 or IPv6, as the addresses are."""
    if is_v6(src):
        return ipv6(src, dst, proto, payload, hops)
    return ipv4(src, dst, proto, payload, hops)


def ip_type(address):
    return ETH_IPV6 if is_v6(address) else ETH_IPV4


def udp(src, dst, sport, dport, data=b''):
    body = struct.pack('!HHHH', sport, dport, 8 + len(data), 0) + data
    csum = checksum(_pseudo(src, dst, UDP, len(body)) + body) or 0xffff
    return body[:6] + struct.pack('!H', csum) + body[8:]


def tcp(src, dst, sport, dport, flags, seq, ack=0, data=b''):
    head = struct.pack('!HHIIBBHHH', sport, dport, seq & 0xffffffff,
                       ack & 0xffffffff, 5 << 4, flags, 65000, 0, 0)
    csum = checksum(_pseudo(src, dst, TCP, 20 + len(data)) + head + data)
    return head[:16] + struct.pack('!H', csum) + head[18:] + data


@functools.lru_cache(None)
def _crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
        table.append(byte)
    return table


# Initiate tag, window, 10 streams each way, first number.
SCTP_INIT = struct.pack('!BBHIIHHI', 1, 0, 20, 1, 65536, 10, 10, 1)


def sctp(sport, dport, chunk=SCTP_INIT):
    """A packet with one chunk, by default an INIT, complete because the
    kernel's conntrack reads it."""
    head = struct.pack('!HHI', sport, dport, 0)
    crc = 0xffffffff
    for byte in head + bytes(4) + chunk:
        crc = crc >> 8 ^ _crc32c_table()[(crc ^ byte) & 0xff]
    return head + struct.pack('<I', crc ^ 0xffffffff) + chunk


def icmp(kind, code, rest=bytes(4), data=b''):
    body = struct.pack('!BBH', kind, code, 0) + rest + data
    return body[:2] + struct.pack('!H', checksum(body)) + body[4:]


def icmp6(src, dst, kind, code, rest=bytes(4), data=b''):
    body = struct.pack('!BBH', kind, code, 0) + rest + data
    csum = checksum(_pseudo(src, dst, ICMP6, len(body)) + body)
    return body[:2] + struct.pack('!H', csum) + body[4:]


def echo(src, dst, ident, seq, reply=False, data=b'12345678'):
    rest = struct.pack('!HH', ident, seq)
    if is_v6(src):
        return icmp6(src, dst, 129 if reply else 128, 0, rest, data)
    return icmp(0 if reply else 8, 0, rest, data)


def arp(op, sha, spa, tha, tpa):
    """'op' is 1 for a request, 2 for an answer; the payload only."""
    return struct.pack('!HHBBH6s4s6s4s', 1, ETH_IPV4, 6, 4, op, mac_bytes(sha),
                       ip_bytes(spa), mac_bytes(tha), ip_bytes(tpa))


def arp_request(mac, spa, tpa, sha=None, dst=BROADCAST):
    return eth(mac, dst, ETH_ARP, arp(1, sha or mac, spa, ZERO_MAC, tpa))


def arp_reply(mac, spa, dst_mac, tpa, sha=None):
    return eth(mac, dst_mac, ETH_ARP, arp(2, sha or mac, spa, dst_mac, tpa))


def rarp(mac):
    return eth(mac, BROADCAST, ETH_RARP,
               arp(3, mac, '0.0.0.0', mac, '0.0.0.0'))


def nd_option(kind, mac):
    return struct.pack('!BB6s', kind, 1, mac_bytes(mac)) if mac else b''


def nd_solicit(mac, src, target, option='', dst=None, dst_mac=None):
    """'option' is the source link-layer address; '' means 'mac', None none
    (as for duplicate address detection)."""
    dst = dst or solicited_node(target)
    body = icmp6(src, dst, 135, 0, bytes(4), ip_bytes(target) +
                 nd_option(1, mac if option == '' else option))
    return eth(mac, dst_mac or multicast_mac(dst), ETH_IPV6,
               ipv6(src, dst, ICMP6, body, 255))


def nd_advert(mac, src, target, dst, dst_mac, option=''):
    """'option' is the target link-layer address; '' means 'mac'."""
    body = icmp6(src, dst, 136, 0, struct.pack('!I', 0x60000000),
                 ip_bytes(target) +
                 nd_option(2, mac if option == '' else option))
    return eth(mac, dst_mac, ETH_IPV6, ipv6(src, dst, ICMP6, body, 255))


def router_solicit(mac, src):
    option = b'' if src == '::' else nd_option(1, mac)
    body = icmp6(src, 'ff02::2', 133, 0, bytes(4), option)
    return eth(mac, multicast_mac('ff02::2'), ETH_IPV6,
               ipv6(src, 'ff02::2', ICMP6, body, 255))


def router_advert(mac, src, dst='ff02::1', dst_mac=None):
    body = icmp6(src, dst, 134, 0, struct.pack('!BBH', 64, 0, 1800),
                 bytes(8) + nd_option(1, mac))
    return eth(mac, dst_mac or multicast_mac(dst), ETH_IPV6,
               ipv6(src, dst, ICMP6, body, 255))


def dhcp(op, mac, kind, xid=0x5347, yiaddr='0.0.0.0', broadcast=True):
    """A DHCPv4 message; op 1 from a client, 2 from a server; 'kind' is the
    message type (1 discover, 2 offer, 3 request, 5 ack)."""
    return (struct.pack('!BBBBIHH4s4s4s4s16s', op, 1, 6, 0, xid, 0,
                        0x8000 if broadcast else 0, bytes(4), ip_bytes(yiaddr),
                        bytes(4), bytes(4), mac_bytes(mac) + bytes(10)) +
            bytes(192) + b'\x63\x82\x53\x63' + bytes([53, 1, kind, 255]))


def dhcp_frame(src_mac, dst_mac, src, dst, from_client, message):
    ports = (68, 67) if from_client else (67, 68)
    return udp_frame(src_mac, dst_mac, src, dst, *ports, data=message)


def dhcp6_frame(src_mac, dst_mac, src, dst, from_client, kind, xid=0x5347):
    ports = (546, 547) if from_client else (547, 546)
    return udp_frame(src_mac, dst_mac, src, dst, *ports,
                     data=bytes([kind]) + xid.to_bytes(3, 'big'))


def igmp_report(mac, src, group):
    body = struct.pack('!BBH4s', 0x16, 0, 0, ip_bytes(group))
    body = body[:2] + struct.pack('!H', checksum(body)) + body[4:]
    return eth(mac, multicast_mac(group), ETH_IPV4,
               ipv4(src, group, IGMP, body, 1))


def igmp_query(mac, src):
    body = struct.pack('!BBH4s', 0x11, 100, 0, bytes(4))
    body = body[:2] + struct.pack('!H', checksum(body)) + body[4:]
    return eth(mac, multicast_mac('224.0.0.1'), ETH_IPV4,
               ipv4(src, '224.0.0.1', IGMP, body, 1))


def mld_report(mac, src, group):
    """MLDv1, with the router-alert option that it must have."""
    body = icmp6(src, group, 131, 0, bytes(4), ip_bytes(group))
    hop_by_hop = bytes([ICMP6, 0, 5, 2, 0, 0, 1, 0])
    return eth(mac, multicast_mac(group), ETH_IPV6,
               ipv6(src, group, 0, hop_by_hop + body, 1))


def ip_frame(src_mac, dst_mac, src, dst, proto, payload, vlan=None, hops=64):
    return eth(src_mac, dst_mac, ip_type(src),
               ip(src, dst, proto, payload, hops), vlan)


def udp_frame(src_mac, dst_mac, src, dst, sport, dport, data=b'', vlan=None):
    return ip_frame(src_mac, dst_mac, src, dst, UDP,
                    udp(src, dst, sport, dport, data), vlan)


def tcp_frame(src_mac, dst_mac, src, dst, sport, dport, flags, seq, ack=0,
              data=b'', vlan=None):
    return ip_frame(src_mac, dst_mac, src, dst, TCP,
                    tcp(src, dst, sport, dport, flags, seq, ack, data), vlan)


def unreachable(src_mac, dst_mac, src, about):
    """An ICMP error (port unreachable) about frame 'about', sent by 'src' to
    the sender of 'about'."""
    packet = untagged(about)[14:]
    if is_v6(src):
        to = ip_text(packet[8:24])
        body = icmp6(src, to, 1, 4, bytes(4), packet[:200])
        return ip_frame(src_mac, dst_mac, src, to, ICMP6, body)
    to = ip_text(packet[12:16])
    return ip_frame(src_mac, dst_mac, src, to, ICMP,
                    icmp(3, 3, bytes(4), packet[:28]))


def fragments(frame, size, ident=0x5347):
    """Cuts an IP frame into fragments of 'size' bytes of payload (a multiple
    of 8) each."""
    v6 = frame[12:14] == struct.pack('!H', ETH_IPV6)
    start = 54 if v6 else 34
    header, payload = frame[14:start], frame[start:]
    out = []
    for at in range(0, len(payload), size):
        part = payload[at:at + size]
        more = int(at + size < len(payload))
        if v6:
            # RFC 8200 section 4.5.
            packet = (header[:4] + struct.pack('!H', len(part) + 8) + b'\x2c' +
                      header[7:] + struct.pack('!BBHI', header[6], 0,
                                               at | more, ident) + part)
        else:
            packet = ipv4(ip_text(header[12:16]), ip_text(header[16:20]),
                          header[9], part, ident=ident, flags=more, offset=at)
        out.append(frame[:14] + packet)
    return out


def vlans(frame):
    """The tags of a frame, outermost first."""
    tags = []
    while frame[12 + 4 * len(tags):14 + 4 * len(tags)] == b'\x81\x00':
        at = 14 + 4 * len(tags)
        tags.append(struct.unpack('!H', frame[at:at + 2])[0] & 0xfff)
    return tags


def untagged(frame):
    return frame[:12] + frame[12 + 4 * len(vlans(frame)):]


# -- descriptions ---------------------------------------------------------------

_ICMP_NAMES = {(4, 8): 'echo request', (4, 0): 'echo reply',
               (4, 3): 'unreachable', (6, 128): 'echo request',
               (6, 129): 'echo reply', (6, 1): 'unreachable',
               (6, 133): 'router solicitation', (6, 134): 'router advert',
               (6, 135): 'neighbour solicitation',
               (6, 136): 'neighbour advert', (6, 131): 'MLD report'}


def _describe_l4(proto, src, dst, body):
    if proto in (TCP, UDP, SCTP) and len(body) >= 8:
        sport, dport = struct.unpack('!HH', body[:4])
        name = {TCP: 'tcp', UDP: 'udp', SCTP: 'sctp'}[proto]
        text = '%s %s.%d > %s.%d' % (name, src, sport, dst, dport)
        if proto == TCP and len(body) >= 20:
            names = [n for bit, n in ((SYN, 'SYN'), (FIN, 'FIN'), (RST, 'RST'),
                                      (PSH, 'PSH'), (ACK, 'ACK'))
                     if body[13] & bit]
            text += ' [%s] seq %d ack %d' % (
                (' '.join(names),) + struct.unpack('!II', body[4:12]))
        return text
    if proto in (ICMP, ICMP6) and body:
        name = _ICMP_NAMES.get((4 if proto == ICMP else 6, body[0]),
                               'type %d' % body[0])
        return '%s %s > %s %s' % ('icmp' if proto == ICMP else 'icmp6',
                                  src, dst, name)
    return 'ip %s > %s protocol %d' % (src, dst, proto)


def _describe_l3(ethertype, packet):
    if ethertype == ETH_ARP and len(packet) >= 28:
        _, _, _, _, op, sha, spa, _, tpa = struct.unpack('!HHBBH6s4s6s4s',
                                                         packet[:28])
        return 'arp %s sha %s spa %s tpa %s' % (
            {1: 'request', 2: 'reply'}.get(op, op), mac_text(sha),
            ip_text(spa), ip_text(tpa))
    if ethertype == ETH_IPV4 and len(packet) >= 20:
        fragment = struct.unpack('!H', packet[6:8])[0] & 0x3fff
        text = _describe_l4(packet[9], ip_text(packet[12:16]),
                            ip_text(packet[16:20]),
                            b'' if fragment & 0x1fff else packet[20:])
        return text + (' fragment at %d' % ((fragment & 0x1fff) * 8)
                       if fragment else '')
    if ethertype == ETH_IPV6 and len(packet) >= 40:
        proto, body = packet[6], packet[40:]
        if proto == 0:
            proto, body = body[0], body[8 * (body[1] + 1):]
        return _describe_l4(proto, ip_text(packet[8:24]),
                            ip_text(packet[24:40]), body)
    return 'ethertype 0x%04x' % ethertype


def describe(frame):
    """One line for people."""
    tags = vlans(frame)
    plain = untagged(frame)
    ethertype = struct.unpack('!H', plain[12:14])[0]
    return '%s > %s%s %s' % (mac_text(plain[6:12]), mac_text(plain[:6]),
                             ''.join(' vlan %d' % t for t in tags),
                             _describe_l3(ethertype, plain[14:]))
