# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Makes the initial file system of a small virtual machine from what is
installed on this one: programs with the libraries they need, folders, kernel
modules with those they depend on.

    image = Image()
    image.program('/usr/bin/python3', '/usr/sbin/ovs-vswitchd')
    image.tree('/srv/lua', '/home/me/ovs-sg/lua')
    image.modules('/cache/kernel', 'openvswitch', 'tun')
    image.text('/init', '#!/bin/sh ...', 0o755)
    image.write('/cache/initrd')

The archive is what the kernel unpacks ("newc" cpio), not compressed: QEMU
copies it into the machine's memory in a moment, and an emulated processor
would take long to decompress it.  Everything in it belongs to root, so nobody
needs to be root to make one.  Times are kept, or Python would not take the
compiled modules that lie beside its own.

Modules are listed in /modules, one path a line, each behind those that it
needs, for `insmod'.
"""
import functools
import os
import re
import stat
import subprocess

SKIPPED = re.compile(r'/(test|tests|idlelib|lib2to3|ensurepip|pydoc_data)$')


class Image:
    def __init__(self):
        self.entries = {}       # Path without first '/': (mode, time, source).
        for folder in ('dev', 'proc', 'sys', 'run', 'tmp', 'root'):
            self.folder(folder)
        # Debian has these links, and libraries lie behind them.
        for name in ('bin', 'sbin', 'lib', 'lib64'):
            self.folder('usr/' + name)
            self.link('/' + name, 'usr/' + name)
        self._modules = []

    # What goes in.  Of two entries with one path the later one counts.

    def folder(self, path):
        path = path.strip('/')
        if path and path not in self.entries:
            self.folder(os.path.dirname(path))
            self.entries[path] = (stat.S_IFDIR | 0o755, 0, b'')

    def text(self, path, text, mode=0o644):
        self._add(path, stat.S_IFREG | mode, 0, text.encode())

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, 0, target.encode())

    def file(self, path, source=None):
        """A file, or what a link leads to."""
        source = source or path
        found = os.stat(source)
        self._add(path, found.st_mode, found.st_mtime, source)

    def tree(self, path, source=None):
        """A folder and what is in it; links stay links."""
        source = source or path
        self.folder(path)
        for entry in sorted(os.scandir(source), key=lambda e: e.name):
            inner = os.path.join(path, entry.name)
            if entry.is_symlink():
                self.link(inner, os.readlink(entry.path))
            elif entry.is_dir():
                if not SKIPPED.search(entry.path):
                    self.tree(inner, entry.path)
            elif entry.is_file():
                self.file(inner, entry.path)

    def program(self, *paths):
        """Programs, or libraries, with all libraries they are linked to."""
        for path in paths:
            self.file(path)
            for library in _libraries(path):
                self.file(library)

    def modules(self, kernel, *names):
        """Modules of the kernel whose package was unpacked in 'kernel'."""
        known = _known_modules(kernel)
        for name in names:
            self._module(known, name)
        self.text('modules', ''.join(m + '\n' for m in self._modules))

    def _module(self, known, name):
        path = '/lib/modules/%s.ko' % name
        if name not in known or path in self._modules:
            return              # Built in, or there.
        for other in _depends(known[name]):
            self._module(known, other)
        self.file(path, known[name])
        self._modules.append(path)

    def _add(self, path, mode, time, source):
        path = _usr(path.strip('/'))
        self.folder(os.path.dirname(path))
        self.entries[path] = (mode, int(time), source)

    # The archive.

    def write(self, path):
        with open(path + '.new', 'wb') as out:
            # A folder sorts before what is in it.
            for number, name in enumerate(sorted(self.entries), 1):
                _write_entry(out, number, name, *self.entries[name])
            _write_entry(out, 0, 'TRAILER!!!', 0, 0, b'')
        os.rename(path + '.new', path)


def _usr(path):
    """The path behind the links of the root folder."""
    return 'usr/' + path if re.match('(bin|sbin|lib|lib64)/', path) else path


def _write_entry(out, number, name, mode, time, source):
    data = source
    if isinstance(source, str):
        with open(source, 'rb') as f:
            data = f.read()
    fields = (number, mode, 0, 0, 1, time, len(data), 0, 0, 0, 0,
              len(name.encode()) + 1, 0)
    head = b'070701' + b''.join(b'%08x' % f for f in fields) + \
        name.encode() + b'\0'
    for part in (head, data):
        out.write(part + bytes(-len(part) % 4))


@functools.lru_cache(None)
def _libraries(path):
    out = subprocess.run(['ldd', path], capture_output=True, text=True,
                         check=False).stdout
    return re.findall(r'(/\S+) \(0x', out)


@functools.lru_cache(None)
def _known_modules(kernel):
    """{name: path} of all modules."""
    known = {}
    for folder, _, names in os.walk(os.path.join(kernel, 'lib/modules')):
        for name in names:
            if name.endswith('.ko'):
                known[name[:-3].replace('-', '_')] = os.path.join(folder, name)
    return known


def _depends(path):
    """The modules that the one in 'path' says it needs."""
    with open(path, 'rb') as f:
        found = re.search(rb'\0depends=([^\0]*)\0', f.read())
    names = found.group(1).decode() if found else ''
    return [n.replace('-', '_') for n in names.split(',') if n]
