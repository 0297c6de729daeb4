# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The private Open vSwitch on the kernel's datapath, for a machine whose
kernel has the module: `tests/kvm/run' boots one.  SG_DATAPATH=system makes
the tests use it.

A port is a tap device, whose other end is the file that this process holds.
The kernel forwards a frame within the write() that brings it, as far as it
knows the flow.  What it does not know it hands to a thread of ovs-vswitchd,
which forwards the frame and installs the flow.  Those threads do not say when
they are done, so after each feed() a marker goes the same way: a frame on a
bridge of its own whose flow always takes the slow path.  Process and switch
are bound to one processor, and each processor has one queue to the switch, so
a marker that comes out has everything before it dealt with.  A frame that the
switch has forwarded may be unknown once more, behind a ct(); so markers are
sent until the kernel counts no miss between two of them.

Each lab has its own network namespace and so its own datapath and its own
connections.
"""
import collections
import fcntl
import itertools
import os
import re
import socket
import struct
import threading

from . import frames
from .process import wait_until
from .sandbox import Sandbox
from .tap import Failure, Skip
from .unixctl import accepts

TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1
# The numbers of markers; each is another frame.
MARKERS = itertools.count()
# Where the agent keeps off and tests do not look.
MARKER_BRIDGE = 'sg-marker'


class Tap:
    """A network device and, to read what leaves through it, its other end."""

    def __init__(self, name):
        # Held while 'fd' is written to or closed: floods are threads.
        self.lock = threading.Lock()
        self.fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK
                          | os.O_CLOEXEC)
        request = struct.pack('16sH22x', name.encode(), IFF_TAP | IFF_NO_PI)
        try:
            fcntl.ioctl(self.fd, TUNSETIFF, request)
            _set_up(name)
        except OSError as error:
            os.close(self.fd)
            raise Failure('no tap device %s: %s' % (name, error)) from error

    def write(self, frame):
        with self.lock:
            try:
                if self.fd is not None:
                    os.write(self.fd, frame)
            except OSError:
                pass                    # Too short for a frame: lost.

    def read(self):
        """The frames that came since the last call."""
        out = []
        while True:
            try:
                out.append(os.read(self.fd, 65536))
            except BlockingIOError:
                return out

    def close(self):
        with self.lock:
            if self.fd is not None:
                os.close(self.fd)
                self.fd = None

    forget = close


def _set_up(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack('16sH22x', name.encode(), 0)
        flags, = struct.unpack_from('H', fcntl.ioctl(sock, SIOCGIFFLAGS,
                                                     request), 16)
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack(
            '16sH22x', name.encode(), flags | IFF_UP))


class KernelSandbox(Sandbox):
    DATAPATH = 'system'
    PORT_TYPE = 'system'
    SWITCH_OPTIONS = ['--enable-dummy']         # For `debug_slow'.

    def __init__(self, name='ovs', patched=None):
        if not os.path.exists('/sys/module/openvswitch'):
            raise Skip('the kernel has no openvswitch module')
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        super().__init__(name, patched)
        # Devices that come up must not talk by themselves.
        with open('/proc/sys/net/ipv6/conf/default/disable_ipv6', 'w') as f:
            f.write('1')
        self.marked = False             # Is the markers' bridge there?
        self.sent_markers = 0
        self.counts = collections.Counter()     # What sent() returns.
        self.markers = [Tap('sg-in'), Tap('sg-out')]

    def start(self):
        super().start()
        self.vsctl(*self._marker_words())
        self.marked = True
        self.ready()
        return self

    def _marker_words(self):
        words = ['add-br', MARKER_BRIDGE, '--', 'set', 'Bridge', MARKER_BRIDGE,
                 'datapath_type=system', 'fail_mode=secure',
                 'external_ids:sg-enable=false']
        for number, name in enumerate(('sg-in', 'sg-out'), 1):
            words += ['--', 'add-port', MARKER_BRIDGE, name, '--', 'set',
                      'Interface', name, 'ofport_request=%d' % number]
        return words

    def ready(self):
        """The switch forgets flows when it restarts."""
        self.injected = 0
        if self.marked:
            path = self.path(MARKER_BRIDGE + '.mgmt')
            wait_until(lambda: accepts(path), 20)
            self.ofctl('add-flow', 'unix:' + path,
                       'in_port=1,actions=debug_slow,output:2')

    def make_device(self, name, keep=True):
        if name in self.pcaps:
            self.pcaps[name].close()
        self.pcaps[name] = Tap(name)
        return ['type=' + self.PORT_TYPE]

    # Packets.

    def feed(self, port, list_):
        for frame in list_:
            self.pcaps[port].write(frame)
        self.injected += len(list_)
        self._wait_processed()

    def flood(self, port, list_):
        def give():
            tap = self.pcaps.get(port)
            if not tap:
                return 0
            for frame in list_:
                tap.write(frame)
            return len(list_)
        return give

    def sent(self, bridge):
        # A tap device counts only what was read from it.
        self.counts.update({name: len(list_)
                            for name, list_ in self.collect().items()})
        return {name: self.counts[name] for name in self.pcaps}

    def lookups(self):
        hits, misses = (int(number) for number in re.search(
            r'hit:(\d+) missed:(\d+)', self.appctl('dpctl/show')).groups())
        return hits + misses - self.sent_markers, self.injected

    def _misses(self):
        return int(re.search(r'missed:(\d+)', self.appctl('dpctl/show'))
                   .group(1))

    def _wait_processed(self):
        if not self.vswitchd.running:
            return                      # The kernel alone is done already.
        before = self._misses()
        while True:
            self._send_marker()
            now = self._misses()
            if now == before:
                return
            before = now

    def _send_marker(self):
        """Returns when it is through.  One may be lost, as the kernel's queue of
        frames for the switch has an end: then it is sent again."""
        into, out = self.markers
        marker = frames.eth('02:5e:00:00:00:01', '02:5e:00:00:00:02', 0x88b5,
                            struct.pack('!Q38x', next(MARKERS)))
        for _ in range(5):
            into.write(marker)
            self.sent_markers += 1
            if wait_until(lambda: marker in out.read(), 2, 0.0005):
                return
        raise Failure('the switch does not answer to a marker')

    def stop(self):
        problems = super().stop()
        for tap in self.markers:
            tap.close()
        return problems


def default_sandbox(name, netdev=Sandbox):
    """The sandbox that $SG_DATAPATH asks for: "netdev" (the default), the
    userspace datapath, which is a 'netdev', or "system"."""
    kind = os.environ.get('SG_DATAPATH', 'netdev')
    return {'netdev': netdev, 'system': KernelSandbox}[kind](name)
