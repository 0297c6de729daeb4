# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A private Open vSwitch: database and switch in a folder of their own.

This one has the userspace datapath; kernel.py has the same with the kernel's,
and default_sandbox() says which of them the tests shall use.

Packets go in through `netdev-dummy/receive' and come out in the pcap files of
the dummy ports.  The userspace datapath serves dummy ports in the switch's
main thread, one packet per port and turn, and answers control commands in the
same thread after it, so a packet is through as soon as the counter
`netdev_received' has counted it.
"""
import json
import os
import re
import shutil

from . import host, process
from .process import PATIENCE, Child, command, wait_until
from .tap import Failure, Skip, note
from .unixctl import Unixctl, UnixctlError, accepts

SCHEMA = host.switch_files(False)[1]
MAX_QUEUE = 64                  # A dummy port drops what exceeds 100.


class Pcap:
    """Reads what is appended to a capture file."""

    def __init__(self, path):
        self.path = path
        self.file = None

    def read(self):
        """The frames that came since the last call."""
        if self.file is None:
            try:
                self.file = open(self.path, 'rb')
            except FileNotFoundError:
                return []
            self.file.seek(24)          # The file's header.
        frames = []
        while True:
            at = self.file.tell()
            header = self.file.read(16)
            length = int.from_bytes(header[8:12], 'little')
            frame = self.file.read(length)
            if len(header) < 16 or len(frame) < length:
                self.file.seek(at)
                return frames
            frames.append(frame)

    def close(self):
        if self.file:
            self.file.close()

    def forget(self):
        self.close()
        if os.path.exists(self.path):
            os.unlink(self.path)        # Else the next one would go on.


class Sandbox:
    DATAPATH = 'netdev'                 # datapath_type of the bridges.
    PORT_TYPE = 'dummy'                 # type of their ports.
    SWITCH_OPTIONS = ['--enable-dummy', '--disable-system']

    def __init__(self, name='ovs', patched=None):
        """'patched': with the switch that can load plugins; by default if the
        agent is to run inside the switch."""
        self.program, self.schema = host.switch_files(
            host.inside() if patched is None else patched)
        try:
            process.private_network()
        except OSError as error:
            raise Skip('needs a network namespace of its own: %s'
                       % error) from error
        self.dir = process.scratch(name)
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir,
                        OVS_DBDIR=self.dir, OVS_SYSCONFDIR=self.dir)
        self.switch_env = None          # What the switch has of 'env'.
        self.ovsdb = self.vswitchd = self.control = None
        self.pcaps = {}                 # Port name -> Pcap.
        self.injected = 0               # Frames, since the switch started.
        self.received_before = 0        # `netdev_received' at that time.

    def path(self, name):
        return os.path.join(self.dir, name)

    # Life.

    def start(self):
        self.must(['ovsdb-tool', 'create', self.path('conf.db'),
                   self.schema])
        self.start_ovsdb()
        # `ovs-sgctl wait' waits for the revalidators, which by default sleep
        # for half a second.
        self.vsctl('--no-wait', 'init', '--', 'set', 'Open_vSwitch', '.',
                   'other_config:max-revalidator=100')
        self.start_vswitchd()
        return self

    def start_ovsdb(self):
        self.ovsdb = Child(
            ['ovsdb-server', self.path('conf.db'),
             '--remote=punix:' + self.path('db.sock'), '--pidfile',
             '--log-file=' + self.path('ovsdb-server.log'), '-vconsole:off'],
            self.env, self.path('ovsdb-server.out'))
        if not wait_until(lambda: accepts(self.path('db.sock'))):
            raise Failure('ovsdb-server does not start')

    def start_vswitchd(self):
        self.vswitchd = Child(
            [self.program, 'unix:' + self.path('db.sock'), '--pidfile',
             *self.SWITCH_OPTIONS,
             '--log-file=' + self.path('ovs-vswitchd.log'), '-vconsole:off'],
            self.env, self.path('ovs-vswitchd.out'))
        if not wait_until(self._connect, 20):
            raise Failure('ovs-vswitchd does not start')
        self.switch_env = dict(self.env)
        self.ready()

    def ready(self):
        """Called when the switch has started."""
        self.injected = 0
        self.received_before = self._received()

    def _connect(self):
        """True once the switch has read its configuration."""
        path = self.path('ovs-vswitchd.%d.ctl' % self.vswitchd.pid)
        try:
            if self.control:
                self.control.close()
            self.control = Unixctl(path)
            return True
        except UnixctlError:
            self.control = None
            return False

    def kill_vswitchd(self):
        """Without warning, as a crash would."""
        self.vswitchd.kill()

    def wait_configured(self):
        """Until the switch has done what the database says."""
        self.vsctl('set', 'Open_vSwitch', '.', 'external_ids:sg-test=%d'
                   % self.vswitchd.pid)

    def kill_ovsdb(self):
        self.ovsdb.kill()
        try:
            os.unlink(self.path('db.sock'))
        except FileNotFoundError:
            pass

    def stop(self):
        """Returns sentences about daemons that did not end well."""
        problems = []
        for name, child in (('ovs-vswitchd', self.vswitchd),
                            ('ovsdb-server', self.ovsdb)):
            if child is None:
                continue
            if not child.running and child.process.returncode not in (0, -9):
                problems.append('%s had ended with status %s' % (
                    name, child.process.returncode))
            child.kill()
        for pcap in self.pcaps.values():
            pcap.close()
        if self.control:
            self.control.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        return problems

    # Commands.

    def must(self, argv, timeout=20):
        result = command(argv, timeout, self.env)
        if result.status != 0:
            raise Failure(str(result))
        return result.out

    def vsctl(self, *args):
        note('ovs-vsctl ' + ' '.join(args))
        return self.must(['ovs-vsctl', '--timeout=%d' % (15 * PATIENCE),
                          '--db=unix:' + self.path('db.sock'), *args])

    def ofctl(self, *args):
        return self.must(['ovs-ofctl', '--timeout=%d' % (15 * PATIENCE),
                          *args])

    def mgmt(self, bridge):
        """The OpenFlow target of a bridge."""
        return 'unix:' + self.path(bridge + '.mgmt')

    def flows(self, bridge='br0', ours=True):
        """Flows, as text without counters; those with our cookie, or those of
        others."""
        out = self.ofctl('-O', 'OpenFlow15', '--no-stats', 'dump-flows',
                         self.mgmt(bridge))
        return sorted(line.strip() for line in out.splitlines()
                      if 'actions=' in line and
                      bool(re.search(r'cookie=0x5347[0-9a-f]{12},', line))
                      == ours)

    def appctl(self, *args):
        """A command to the switch, over the connection that stays open."""
        try:
            return self.control.call(*args)
        except UnixctlError as error:
            raise Failure('ovs-appctl %s: %s' % (' '.join(map(str, args)),
                                                 error)) from error

    # The database.

    def get(self, table, record, column):
        """A column's value, as Python data: maps become dicts and sets
        lists."""
        out = self.vsctl('--format=json', '--columns=' + column, 'list', table,
                         record)
        return _from_ovsdb(json.loads(out)['data'][0][0])

    def ofport(self, name):
        return self.get('Interface', name, 'ofport')

    def add_bridge(self, bridge='br0', secure=True, *settings):
        self.vsctl('add-br', bridge, '--', 'set', 'Bridge', bridge,
                   'datapath_type=' + self.DATAPATH,
                   *(['fail_mode=secure'] if secure else []), *settings)

    def port_command(self, bridge, name, ids=None, ofport=None, tag=None,
                     port=()):
        """The ovs-vsctl words that add a port; 'port' are further settings of
        its Port row."""
        words = ['--', 'add-port', bridge, name]
        if tag is not None:
            words.append('tag=%d' % tag)
        words += list(port)
        words += ['--', 'set', 'Interface', name, *self.make_device(name)]
        if ofport:
            words.append('ofport_request=%d' % ofport)
        return words + ids_words(ids or {})

    def make_device(self, name, keep=True):
        """Makes what a port is made of; returns the settings of its Interface
        row, with its type first.  Without 'keep' the frames that leave are
        only counted, by sent()."""
        settings = ['type=' + self.PORT_TYPE]
        if keep:
            capture = self.path(name + '.pcap')
            # One that is there is in use, maybe by another thread.
            self.pcaps.setdefault(name, Pcap(capture))
            settings.append('options:tx_pcap=' + capture)
        return settings

    def set_ids(self, name, ids):
        """Changes external_ids of an interface; None removes a key."""
        words = []
        for key, value in ids.items():
            if value is None:
                words += ['--', 'remove', 'Interface', name, 'external_ids',
                          key]
        settings = ids_words({k: v for k, v in ids.items() if v is not None})
        if settings:
            words += ['--', 'set', 'Interface', name] + settings
        self.vsctl(*words)

    # Packets.

    def _received(self):
        return int(self.appctl('coverage/read-counter', 'netdev_received'))

    def _wait_processed(self):
        expected = self.received_before + self.injected
        if not wait_until(lambda: self._received() >= expected, 5, 0):
            raise Failure('the switch has not processed the packets: '
                          'it counts %d, expected %d'
                          % (self._received(), expected))

    def feed(self, port, frames):
        """Gives frames to a port, in order, and waits until the switch has
        done with them."""
        for at in range(0, len(frames), MAX_QUEUE):
            part = frames[at:at + MAX_QUEUE]
            self.appctl('netdev-dummy/receive', port,
                        *(frame.hex() for frame in part))
            self.injected += len(part)
            self._wait_processed()

    def collect(self):
        """What left through each port since the last call, as
        {name: [frame, ...]} without the silent ones."""
        out = {}
        for name, pcap in self.pcaps.items():
            frames = pcap.read()
            if frames:
                out[name] = frames
        return out

    def sent(self, bridge):
        """How many frames have left each port of a bridge, {name: number}."""
        out = self.ofctl('--names', 'dump-ports', self.mgmt(bridge))
        return {name: int(count) for name, count in re.findall(
            r'port +"?([\w-]+)"?:.*?tx pkts=(\d+)', out, re.S)}

    def flood(self, port, list_):
        """A function that gives frames to a port, whether it is there or not,
        and does not wait for the switch; it may be called by another thread.
        It returns how many there were, to be added to `injected' in the end.
        """
        control = Unixctl(self.control.path)
        words = [port] + [frame.hex() for frame in list_]

        def give():
            try:
                control.call('netdev-dummy/receive', *words)
            except UnixctlError as error:
                if 'no dummy' not in str(error) and 'no such' not in \
                   str(error):
                    raise
                return 0
            return len(list_)
        return give

    def lookups(self):
        """How often frames have been looked up in the datapath: once each, and
        once more for each recirculation; and how many frames there were."""
        text = self.appctl('dpif-netdev/pmd-stats-show')
        received, again = (int(re.search(what + r': (\d+)', text).group(1))
                           for what in ('packets received',
                                        'packet recirculations'))
        return received + again, received

    def forget_port(self, name):
        self.pcaps.pop(name).forget()

    def purge_megaflows(self):
        """Makes sure that the datapath's cache shows the flow tables of now
        and not of some milliseconds ago."""
        self.appctl('revalidator/purge')

    def trace(self, bridge, port, frame, ct=()):
        """`ofproto/trace' of a frame as it enters; 'ct' are the states that
        each conntrack lookup shall find, for example "trk,est"."""
        args = []
        for state in ct:
            args += ['--ct-next', state]
        try:
            return self.control.call('ofproto/trace', *args, bridge,
                                     'in_port=%s' % port, frame.hex())
        except UnixctlError as error:
            return 'cannot trace: %s' % error

    def conntrack(self):
        """The connections, a line each."""
        try:
            return self.control.call('dpctl/dump-conntrack')
        except UnixctlError as error:
            return 'cannot dump: %s' % error


def ids_words(ids):
    """external_ids as arguments of `ovs-vsctl set'."""
    return ['external_ids:%s=%s' % (key, json.dumps(str(value)))
            for key, value in ids.items()]


def _from_ovsdb(value):
    if isinstance(value, list) and len(value) == 2:
        kind, inner = value
        if kind == 'map':
            return {k: _from_ovsdb(v) for k, v in inner}
        if kind == 'set':
            return [_from_ovsdb(v) for v in inner]
        if kind == 'uuid':
            return inner
    return value
