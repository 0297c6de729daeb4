# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Guests that are real: network namespaces with a kernel's own TCP, UDP, ARP
and ND, joined to the switch by veth pairs.

A namespace has no name; it lives as long as the process in it, which runs
peer.py and serves and connects as it is told.
"""
import json
import os
import select
import sys

from .process import Child, command
from .tap import Failure

PEER = os.path.join(os.path.dirname(__file__), 'peer.py')


def must(*argv):
    result = command(list(argv))
    if result.status != 0:
        raise Failure(str(result))
    return result.out


class Peer:
    """A peer.py that runs where the command 'argv' brings it."""

    def __init__(self, port, addresses, argv):
        self.port = port                # By this name it answers.
        self.addresses = [a.split('/')[0] for a in addresses]
        self.child = Child(argv + [sys.executable, PEER], pipes=True)
        self.buffer = b''
        self._receive()                 # It says that it is there.

    def _receive(self, timeout=20):
        source = self.child.process.stdout
        while b'\n' not in self.buffer:
            if not select.select([source], [], [], timeout)[0]:
                raise Failure('%s: no answer' % self.port)
            data = os.read(source.fileno(), 1 << 16)
            if not data:
                raise Failure('%s: peer.py has ended' % self.port)
            self.buffer += data
        line, self.buffer = self.buffer.split(b'\n', 1)
        return json.loads(line)

    def begin(self, **request):
        """Asks without waiting for the answer, which finish() gets."""
        os.write(self.child.process.stdin.fileno(),
                 json.dumps(request).encode() + b'\n')

    def finish(self):
        answer = self._receive()
        if 'error' in answer:
            raise Failure('%s: %s' % (self.port, answer['error']))
        return answer['result']

    def ask(self, **request):
        self.begin(**request)
        return self.finish()

    def serve(self, proto, *ports):
        """Answers on all its addresses with its name."""
        return self.ask(do='serve', proto=proto, ports=ports, name=self.port)

    def stop(self):
        self.child.kill()
        self.child.process.stdin.close()
        self.child.process.stdout.close()


class Namespace(Peer):
    """A host: one interface, eth0, whose other end is 'port' out here."""

    def __init__(self, port, mac, addresses, routes=()):
        """'addresses' with their prefix lengths; 'routes' as `ip route add'
        takes them, those for IPv6 with -6 in front."""
        super().__init__(port, addresses, ['unshare', '--net'])
        self._plug(mac, addresses, routes)

    def inside(self, *argv):
        return must('nsenter', '--net=/proc/%d/ns/net' % self.child.pid, *argv)

    def _plug(self, mac, addresses, routes):
        must('ip', 'link', 'add', self.port, 'type', 'veth', 'peer', 'name',
             'eth0', 'address', mac, 'netns', str(self.child.pid))
        # The userspace datapath does not finish checksums.
        must('ethtool', '-K', self.port, 'tx', 'off')
        self.inside('ethtool', '-K', 'eth0', 'tx', 'off')
        # An address is there at once, without detecting duplicates first.
        self.inside('sh', '-c', 'echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad;'
                 'echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad')
        lines = ['link set lo up', 'link set eth0 up']
        lines += ['address add %s dev eth0%s' % (
            a, ' nodad' if ':' in a else '') for a in addresses]
        must('ip', 'link', 'set', self.port, 'up')
        self._batch(lines)
        for route in routes:
            words = route.split()
            family = words.pop(0) if words[0] == '-6' else '-4'
            self.inside('ip', family, 'route', 'add', *words)

    def _batch(self, lines):
        result = command(['nsenter', '--net=/proc/%d/ns/net' % self.child.pid,
                          'ip', '-batch', '-'], text_in='\n'.join(lines))
        if result.status != 0:
            raise Failure(str(result))


def probe_all(probes, timeout):
    """'probes' maps a Namespace to its [(proto, address, port), ...]; all
    connect at the same time.  Returns {Namespace: [answer or None, ...]}."""
    for guest, targets in probes.items():
        guest.begin(do='probe', targets=targets, timeout=timeout)
    return {guest: guest.finish() for guest in probes}
