# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Guests that are virtual machines: Debian's cloud kernel, busybox, and a
serial console over which they are told what to do (`init')."""
import glob
import os
import select
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.join(HERE, '..', '..')
sys.path[:0] = [os.path.join(TOP, 'tests', 'e2e'),
                os.path.join(TOP, 'build-aux')]

from harness.netns import must                                # noqa: E402
from harness.process import Child                             # noqa: E402
from harness.tap import Failure                               # noqa: E402
from initramfs import Image                                   # noqa: E402

BOOT_PATIENCE = 120
MEMORY = 160                    # Megabytes.


def make_image(kernel, path):
    """What all guests boot from."""
    image = Image()
    image.file('/bin/busybox', os.path.join(kernel, 'bin', 'busybox'))
    for name in ('init', 'serve', 'dhcp'):
        image.file('/' + name, os.path.join(HERE, name))
    image.modules(kernel, 'virtio_pci', 'virtio_net')
    image.write(path)


class Machine:
    """A running guest; `port' is its tap device and the name that it answers
    by.  It has what the exercise needs of a netns.Peer."""

    def __init__(self, port, mac, accel, kernel, image):
        self.port = port
        self.addresses = []
        self.buffer = ''
        self.held = []                  # Names of open connections.
        self.pending = None             # Turns the answer into a result.
        must('ip', 'tuntap', 'add', 'dev', port, 'mode', 'tap')
        must('ip', 'link', 'set', port, 'up')
        # Without vnet_hdr the guest finishes its checksums itself: the
        # userspace datapath would not.
        self.child = Child(
            ['qemu-system-x86_64', '-accel', accel, '-cpu', 'max', '-smp', '1',
             '-m', str(MEMORY), '-display', 'none', '-nodefaults',
             '-no-reboot', '-kernel',
             glob.glob(os.path.join(kernel, 'boot', 'vmlinuz-*'))[0],
             '-initrd', image, '-append', 'console=ttyS0 quiet panic=-1',
             '-serial', 'stdio', '-netdev', 'tap,id=n,ifname=%s,script=no,'
             'downscript=no,vnet_hdr=off' % port,
             '-device', 'virtio-net-pci,netdev=n,romfile=,mac=' + mac],
            pipes=True)

    # The console.

    def tell(self, line):
        os.write(self.child.process.stdin.fileno(), line.encode() + b'\n')

    def answer(self, timeout):
        """The next answer."""
        source = self.child.process.stdout
        while True:
            while '\n' in self.buffer:
                line, self.buffer = self.buffer.split('\n', 1)
                if line.startswith('=>'):
                    return line[2:].strip()
            if not select.select([source], [], [], timeout)[0]:
                raise Failure('%s does not answer: %s' % (self.port,
                                                          self.buffer))
            data = os.read(source.fileno(), 1 << 16)
            if not data:
                raise Failure('%s has ended' % self.port)
            self.buffer += data.decode(errors='replace').replace('\r', '')

    def boot(self, ports):
        """Begins to get addresses and to serve."""
        self.answer(BOOT_PATIENCE)
        self.tell('boot %s %s' % (self.port, ' '.join(map(str, ports))))

    def booted(self):
        self.addresses = sorted(self.answer(BOOT_PATIENCE).split(),
                                key=lambda a: ':' in a)

    # What netns.Peer has.

    def serve(self, proto, *ports):
        pass                            # boot() did.

    def begin(self, **request):
        getattr(self, 'begin_' + request.pop('do'))(**request)

    def finish(self):
        turn, patience = self.pending
        return turn(self.answer(patience))

    def ask(self, **request):
        self.begin(**request)
        return self.finish()

    def begin_probe(self, targets, timeout):
        def turn(text):
            return [None if a == '-' else a for a in text.split()]
        self.tell('probe %d %s' % (timeout + 1, ' '.join(
            '%s,%d' % (ip, port) for _, ip, port in targets)))
        self.pending = turn, timeout + 120

    def begin_hold(self, name, address, port, timeout):
        self.held.append(name)
        self.tell('hold %d %s %d' % (self.held.index(name), address, port))
        self.pending = 'yes'.__eq__, timeout + 60

    def begin_exchange(self, name, timeout):
        self.tell('exchange %d %d' % (self.held.index(name), timeout + 1))
        self.pending = 'yes'.__eq__, timeout + 60
