# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A hypervisor made of namespaces: its own network, files and host name, with
Open vSwitch, the agent and libvirtd at their usual places, so that libvirt
finds the switch as it does on a real one.

Nothing of the host's libvirt is seen or touched.  The userspace datapath
serves the guests' taps; guests are QEMU's without KVM.
"""
import json
import os
import uuid

from harness.agent import environment, program
from harness.netns import must
from harness.process import Child, command, scratch, wait_until
from harness.sandbox import SCHEMA
from harness.tap import Failure, note

# Where each hypervisor has files of its own.
PRIVATE = ['/run/openvswitch', '/run/libvirt', '/etc/libvirt',
           '/etc/openvswitch', '/var/lib/libvirt', '/var/cache/libvirt',
           '/var/log/libvirt', '/var/log/openvswitch']

# No other user, no cgroups, no device namespaces: there is no systemd here.
QEMU_CONF = '''
user = "root"
group = "root"
security_driver = "none"
remember_owner = 0
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
'''

LIBVIRTD_CONF = '''
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_dir = "%s"
host_uuid = "%s"
log_outputs = "3:file:%s"
'''

# Writes its words down, and is ovs-vsctl then.
WRAPPER = '''#!/usr/bin/python3
import json, os, sys
with open(%r, 'a') as f:
    f.write(json.dumps(sys.argv[1:]) + '\\n')
os.execv('/usr/bin/ovs-vsctl', sys.argv)
'''

# libvirtd looks this user up before it reads that it is not to use it.
USER = '''
for name in passwd group; do
    cp /etc/$name {0}/$name && mount --bind {0}/$name /etc/$name || exit
done
grep -q ^libvirt-qemu: /etc/passwd ||
    echo libvirt-qemu:x:64055:64055::/nonexistent:/bin/false >>/etc/passwd
grep -q ^libvirt-qemu: /etc/group || echo libvirt-qemu:x:64055: >>/etc/group
'''


class Hypervisor:
    def __init__(self, name):
        self.name = name
        self.dir = scratch(name)
        self.calls_seen = 0
        self.agent = None
        self.holder = Child(['unshare', '--net', '--mount', '--uts',
                             'sleep', '100000'])
        if not wait_until(self._has_namespaces):
            raise Failure('%s: no namespaces' % name)
        self.sh('hostname %s; ip link set lo up' % name)
        for folder in PRIVATE:
            self.sh('mkdir -p {0} && mount -t tmpfs sg-test {0}'.format(
                folder))
        self.sh(USER.format(self.dir))
        self.env = dict(environment(None), PATH='%s:%s' % (
            self.path('bin'), os.environ['PATH']))

    def _has_namespaces(self):
        def link(pid):
            return os.readlink('/proc/%s/ns/uts' % pid)
        return link(self.holder.pid) != link('self')

    def path(self, name):
        return os.path.join(self.dir, name)

    # Commands in there.

    def _inside(self, argv):
        return ['nsenter', '--target=%d' % self.holder.pid, '--net',
                '--mount', '--uts', *argv]

    def try_(self, *argv, timeout=60):
        note('%s# %s' % (self.name, ' '.join(argv)))
        return command(self._inside(argv), timeout, self.env)

    def run(self, *argv, timeout=60):
        result = self.try_(*argv, timeout=timeout)
        if result.status != 0:
            raise Failure('%s: %s' % (self.name, result))
        return result.out

    def sh(self, text):
        must(*self._inside(['sh', '-c', text]))

    def write(self, path, text, mode=0o644):
        """A file as it sees it."""
        result = command(self._inside(['sh', '-c', 'mkdir -p "${0%%/*}" && '
                                       'cat >"$0" && chmod %o "$0"' % mode,
                                       path]), text_in=text)
        if result.status != 0:
            raise Failure(str(result))

    def _daemon(self, *argv):
        name = os.path.basename(argv[0])
        return Child(self._inside(argv), self.env, self.path(name + '.out'))

    def vsctl(self, *args):
        return self.run('/usr/bin/ovs-vsctl', '--timeout=15', *args)

    def external_ids(self, port):
        """None if there is no such port."""
        out = self.vsctl('--if-exists', '--format=json',
                         '--columns=external_ids', 'list', 'Interface', port)
        data = json.loads(out)['data'] if out.strip() else []
        return dict(data[0][0][1]) if data else None

    # The switch.

    def start_switch(self):
        self.run('ovsdb-tool', 'create', '/etc/openvswitch/conf.db', SCHEMA)
        self._daemon('ovsdb-server', '/etc/openvswitch/conf.db',
                     '--remote=punix:/run/openvswitch/db.sock',
                     '--log-file', '-vconsole:off', '--pidfile')
        wait_until(lambda: self.try_('test', '-S', '/run/openvswitch/db.sock')
                   .status == 0)
        self.vsctl('--no-wait', 'init', '--', 'set', 'Open_vSwitch', '.',
                   'other_config:max-revalidator=100')
        self._daemon('ovs-vswitchd', '--disable-system', '--log-file',
                     '-vconsole:off', '--pidfile')
        # Secure from the beginning: `enable' of a bridge that is not makes the
        # switch empty it, and the agent, which may be faster, says so.
        self.vsctl('add-br', 'br0', '--', 'set', 'Bridge', 'br0',
                   'datapath_type=netdev', 'fail_mode=secure')

    # The agent, as its unit starts it.

    def start_agent(self, *options):
        self.agent = self._daemon(program('ovs-sgd'), '--log-file',
                                  '--pidfile', '-vconsole:off',
                                  '--policy=/etc/libvirt/policy', *options)
        wait_until(lambda: self.try_(program('ovs-sgctl'), 'wait',
                                     '--timeout=20').status == 0, 20, 0.1)
        self.ctl('wait', '--timeout=20')

    def stop_agent(self):
        self.agent.stop()

    def ctl(self, *args):
        return self.run(program('ovs-sgctl'), *args)

    def port(self, name):
        """Of list-ports; None if there is none."""
        ports = json.loads(self.ctl('--format=json', 'list-ports'))
        return next((p for p in ports if p['name'] == name), None)

    # libvirt.

    @property
    def uri(self):
        return 'qemu+unix:///system?socket=' + self.path('libvirt-sock')

    def start_libvirtd(self, hook=None):
        self.write('/etc/libvirt/qemu.conf', QEMU_CONF)
        self.write('/etc/libvirt/libvirtd.conf', LIBVIRTD_CONF % (
            self.dir, uuid.uuid4(), self.path('libvirtd.log')))
        if hook:
            self.write('/etc/libvirt/hooks/qemu', hook, 0o755)
        os.mkdir(self.path('bin'))
        self.write(self.path('bin/ovs-vsctl'),
                   WRAPPER % self.path('calls'), 0o755)
        self._daemon('/usr/sbin/libvirtd', '-p', self.path('libvirtd.pid'))
        if not wait_until(lambda: self.try_('virsh', '-c', self.uri,
                                            'version').status == 0, 30, 0.2):
            raise Failure('%s: libvirtd does not start' % self.name)

    def virsh(self, *args, timeout=120):
        return self.run('virsh', '-q', '-c', self.uri, *args, timeout=timeout)

    def define(self, xml, what=''):
        """'what' is empty for a domain, "net-" for a network."""
        self.write(self.path('define.xml'), xml)
        self.virsh(what + 'define', self.path('define.xml'))

    def calls(self):
        """What libvirt has told ovs-vsctl since the last call of this."""
        try:
            with open(self.path('calls')) as f:
                calls = [json.loads(line) for line in f]
        except FileNotFoundError:
            calls = []
        new, self.calls_seen = calls[self.calls_seen:], len(calls)
        return new
