#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What tests/kvm/run and examples/kvm/start are made of, without a machine:
initial file systems, what runs in them, and what is wrong with arguments."""
import contextlib
import glob
import os
import re
import shutil
import stat
import sys

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
sys.path[:0] = [os.path.join(TOP, 'tests', 'e2e'),
                os.path.join(TOP, 'build-aux'),
                os.path.join(TOP, 'examples', 'kvm')]

from harness import Failure, Skip, run, test                  # noqa: E402
from harness.agent import program, sgctl                      # noqa: E402
from harness.process import command, scratch, wait_until      # noqa: E402
from initramfs import Image                                   # noqa: E402
import three_tier                                             # noqa: E402
import vm                                                     # noqa: E402

KVM, EXAMPLE = (os.path.join(TOP, *names) for names in (
    ('tests', 'kvm'), ('examples', 'kvm')))
POLICY = os.path.join(TOP, 'examples', 'three-tier')


def equal(seen, expected, what):
    if seen != expected:
        raise Failure('%s:\n  seen     %s\n  expected %s' % (what, seen,
                                                            expected))


def must(argv, **options):
    result = command(argv, 60, **options)
    if result.status != 0:
        raise Failure(str(result))
    return result.out


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def a_kernel():
    """A folder as build-aux/vm.sh unpacks one, with modules that need each
    other as Debian's do; openvswitch first needs what is last of all."""
    folder = scratch('kernel')
    for name, needs in (('openvswitch', 'nsh,nf-nat,nf_conntrack'),
                        ('nf_nat', 'nf_conntrack'), ('tun', ''),
                        ('nf_conntrack', 'nf_defrag_ipv6'), ('nsh', ''),
                        ('nf_defrag_ipv6', ''), ('veth', '')):
        write('%s/lib/modules/6.1/net/%s.ko' % (
            folder, name.replace('_', '-') if name == 'nf_nat' else name),
              '\0license=GPL\0depends=%s\0name=%s\0' % (needs, name))
    write(folder + '/bin/busybox', '#!/bin/sh\n', 0o755)
    write(folder + '/boot/vmlinuz-6.1', '')
    return folder


def unpack(archive, folder):
    """What the kernel makes of a "newc" archive, of the kinds that are in
    there."""
    with open(archive, 'rb') as f:
        data = f.read()
    at = 0

    def take(length):
        nonlocal at
        at += length
        return data[at - length:at]
    while True:
        equal(take(6), b'070701', 'magic at %d' % (at - 6))
        fields = [int(take(8), 16) for _ in range(13)]
        name = take(fields[11])[:-1].decode()
        at += -at % 4
        content = take(fields[6])
        at += -at % 4
        if name == 'TRAILER!!!':
            equal(at, len(data), 'the end')
            return
        make(os.path.join(folder, name), fields[1], fields[5], content)


def make(path, mode, mtime, content):
    # Each in a folder that is there before it.
    if stat.S_ISDIR(mode):
        os.mkdir(path)
    elif stat.S_ISLNK(mode):
        os.symlink(content.decode(), path)
    else:
        with open(path, 'xb') as f:
            f.write(content)
        os.chmod(path, stat.S_IMODE(mode))
        os.utime(path, (mtime, mtime))


def unpacked(archive):
    folder = scratch('root')
    unpack(archive, folder)
    return folder


def lines(path):
    with open(path) as f:
        return f.read().splitlines()


# The archives.

@test('a module comes behind all that it needs, and once')
def _():
    image = Image()
    image.modules(a_kernel(), 'openvswitch', 'tun', 'built_in')
    image.write(scratch('image') + '/initrd')
    root = unpacked(glob.glob(os.environ['TMPDIR'] + '/sg-image-*/initrd')[0])
    order = [os.path.basename(m)[:-3] for m in lines(root + '/modules')]
    equal(sorted(order), sorted(['nsh', 'nf_conntrack', 'nf_defrag_ipv6',
                                 'nf_nat', 'openvswitch', 'tun']), 'modules')
    for late, early in (('openvswitch', 'nf_nat'), ('openvswitch', 'nsh'),
                        ('nf_nat', 'nf_conntrack'),
                        ('nf_conntrack', 'nf_defrag_ipv6')):
        if order.index(late) < order.index(early):
            raise Failure('%s is before %s: %s' % (late, early, order))
    for path in lines(root + '/modules'):
        os.stat(root + path)


def tests_image(job):
    """The root of the machine in which tests run."""
    folder = scratch('image')
    write(folder + '/job', job)
    build = os.path.dirname(program('ovs-sgd'))
    must([KVM + '/image', a_kernel(), folder + '/initrd', folder + '/job'],
         env=dict(os.environ, SG_BUILDDIR=build))
    return unpacked(folder + '/initrd')


def under_test():
    """The programs of ours that end-to-end tests start, without the host that
    is not in the machine."""
    found = set()
    for path in glob.glob(TOP + '/tests/e2e/**/*', recursive=True):
        if path.endswith(('.t', '.py')):
            with open(path) as f:
                found |= set(re.findall(r"\bprogram\(\s*'([\w./-]+)'\)",
                                        f.read()))
    return found - {'ovs-sg.so'}


@contextlib.contextmanager
def entered(root):
    """Gives 'root' what the machine's init gives it, as far as programs need
    it to start: sanitizers look into /proc."""
    for name, minor in (('null', 3), ('urandom', 9)):
        os.mknod('%s/dev/%s' % (root, name), stat.S_IFCHR | 0o666,
                 os.makedev(1, minor))
    must(['mount', '-t', 'proc', 'proc', root + '/proc'])
    try:
        yield lambda *argv, **settings: must(['chroot', root, *argv], env={
            'PATH': '/usr/sbin:/usr/bin', 'PYTHONDONTWRITEBYTECODE': '1',
            **settings})
    finally:
        must(['umount', root + '/proc'])


@test('in the machine of the tests all programs and all tests can start')
def _():
    if os.geteuid():
        raise Skip('chroot needs root')
    root = tests_image('tests/e2e/basic.t\n')
    equal(lines(root + '/job'), ['tests/e2e/basic.t'], 'job')
    equal(os.access(root + '/init', os.X_OK), True, 'init is a program')
    settings = dict(word.split('=', 1) for line in lines(root + '/settings')
                    for word in line.split()[1:])
    build = settings['SG_BUILDDIR']
    tests = glob.glob(TOP + '/tests/e2e/*.t')
    equal(len(tests) > 20, True, 'tests')
    equal(len(under_test()) > 2, True, 'programs under test')
    equal([name for name in under_test()
           if not os.access('%s%s/%s' % (root, build, name), os.X_OK)], [],
          'programs that are not in the machine')
    with entered(root) as inside:
        for name in ('ovs-vswitchd', 'ovsdb-server', 'ovs-vsctl', 'ovs-ofctl',
                     'ovs-appctl', 'nsenter', 'setpriv', 'mount', 'umount',
                     'dnsmasq', 'ethtool',
                     build + '/ovs-sgd', build + '/ovs-sgctl'):
            inside(name, '--version')
        inside('ip', '-V')
        inside('openssl', 'req', '-x509', '-newkey', 'ed25519', '-nodes',
               '-subj', '/CN=a', '-keyout', '/tmp/key', '-out', '/tmp/cert')
        inside('nginx', '-v')
        inside('python3', '-c', 'import ssl, ctypes, json, sqlite3, pwd; '
               'pwd.getpwnam("nobody")')         # Whom nginx serves as.
        inside(build + '/ovs-sgctl', 'check', POLICY + '/three-tier.lua',
               OVS_SG_SCRIPT=build + '/ovs-sg-script',
               OVS_SG_LUADIR=settings['OVS_SG_LUADIR'])
        for path in tests:
            equal(inside(path, '-l'), must([path, '-l']), path)


@test('there are tests of the names that are chosen')
def _():
    chosen = [line for line in lines(KVM + '/chosen')
              if line and not line.startswith('#')]
    equal(len(chosen) > 4, True, 'files')
    for line in chosen:
        if not must(['bash', '-c', 'cd "$1" && %s -l' % line, 'bash', TOP]):
            raise Failure('nothing for ' + line)


@test('a guest of the example has what its init calls')
def _():
    folder = scratch('image')
    kernel = a_kernel()
    write(kernel + '/lib/modules/6.1/virtio_net.ko',
          '\0depends=net_failover\0')
    write(kernel + '/lib/modules/6.1/net_failover.ko', '\0depends=\0')
    vm.make_image(kernel, folder + '/initrd')
    root = unpacked(folder + '/initrd')
    for name in ('init', 'serve', 'dhcp', 'bin/busybox'):
        equal(os.access(os.path.join(root, name), os.X_OK), True,
              '%s is a program' % name)
    equal(lines(root + '/modules'), ['/lib/modules/net_failover.ko',
                                     '/lib/modules/virtio_net.ko'], 'modules')


@test('the shell programs of the machines are well-formed')
def _():
    for path in (KVM + '/init', EXAMPLE + '/init', EXAMPLE + '/serve',
                 EXAMPLE + '/dhcp'):
        must(['sh', '-n', path])
    for path in (KVM + '/run', EXAMPLE + '/start',
                 TOP + '/build-aux/vm.sh'):
        must(['bash', '-n', path])


# The machine.

def vm_sh(script, qemu, **env):
    """Runs 'script' behind build-aux/vm.sh, with a QEMU of our own."""
    folder = scratch('qemu')
    write(folder + '/qemu-system-x86_64', '#!/bin/bash\n' + qemu, 0o755)
    return must(['bash', '-c', '. "%s/build-aux/lib.sh"; '
                 '. "%s/build-aux/vm.sh"; %s' % (TOP, TOP, script)],
                env=dict(os.environ, PATH=folder + ':' + os.environ['PATH'],
                         **env))


@test('QEMU is told what to boot, and is ended when the time is over')
def _():
    words = vm_sh('sg_vm_accel=tcg sg_vm_image=/k; '
                  'sg_vm_boot 60 /i "a b" -m 77', 'printf "%s\\n" "$@"'
                  ).splitlines()
    for option, value in (('-accel', 'tcg'), ('-kernel', '/k'),
                          ('-initrd', '/i'), ('-m', '77'),
                          ('-append', 'console=ttyS0 quiet panic=-1 a b')):
        equal(words[words.index(option) + 1], value, option)
    equal('-no-reboot' in words, True, 'a panic is the end')
    equal(vm_sh('sg_vm_accel=tcg sg_vm_image=/k; '
                'sg_vm_boot 0.1 /i ""; echo $?', 'exec sleep 60'), '124\n',
          'status when the time is over')


@test('a run that is interrupted leaves no machine behind')
def _():
    vm_sh('trap "trap - TERM; sg_end_step; exit 0" TERM; export SG_RUN=$$; '
          'sg_vm_accel=tcg sg_vm_image=/k; '
          'sg_run "$TMPDIR/log" a sg_vm_boot 60 /i ""; exit 1',
          'echo $$ >"$TMPDIR/qemu.pid"; kill "$SG_RUN"; exec sleep 60')
    pid, = lines(os.environ['TMPDIR'] + '/qemu.pid')
    if not wait_until(lambda: not os.path.exists('/proc/%s/exe' % pid), 5):
        raise Failure('QEMU runs')


@test('KVM is used only if a guest says something with it')
def _():
    probe = 'sg_vm_image=/k; sg_vm_probe "$TMPDIR/accel"; cat "$TMPDIR/accel"'
    equal(vm_sh(probe, 'exit 0'), 'tcg\n', 'a guest that stands still')
    if os.access('/dev/kvm', os.W_OK):
        equal(vm_sh(probe, 'echo "[0.0] Linux version 6.1"'), 'kvm\n',
              'a guest that boots')


@test('what is in the cache is unpacked once, and whole')
def _():
    kernel = a_kernel()
    ask = 'sg_vm_kernel=%s; sg_vm_unpacked && echo yes || echo no' % kernel
    equal(vm_sh(ask, ''), 'yes\n', 'kernel and busybox')
    os.unlink(kernel + '/boot/vmlinuz-6.1')
    equal(vm_sh(ask, ''), 'no\n', 'without a kernel')
    shutil.rmtree(kernel)
    equal(vm_sh(ask, ''), 'no\n', 'nothing')


# What the console said.

BEGIN = '## begin tests/e2e/a.t\n1..2\nok 1 - one\n'


@test('results are counted, and no end is a failure')
def _():
    folder = scratch('log')
    for text, expected in (
            (BEGIN + 'ok 2 - two\n## end a.t 0, 9.1 s\n## done\n', '2 0 0'),
            (BEGIN + 'ok 2 - two # SKIP no\n## end a.t 0, 9 s\n## done\n',
             '1 0 1'),
            (BEGIN + 'not ok 2 - two\n## end a.t 1, 9 s\n## done\n', '1 1 0'),
            (BEGIN + 'Bail out! late\n## end a.t 124, 9 s\n## done\n',
             '1 1 0'),
            (BEGIN + '## end a.t 1, 9 s\n## done\n', '1 1 0'),
            (BEGIN + '## end a.t 0, 9 s\n', '1 1 0'),
            (BEGIN, '1 1 0'),
            (BEGIN + 'ok 2 - two\n## end a.t 0, 9 s\n## kernel trouble\n'
             '## done\n', '2 1 0'),
            ('', '0 1 0')):
        for end in ('\n', '\r\n'):
            path = write(folder + '/log', text.replace('\n', end))
            equal(must([KVM + '/count', path]), expected + '\n', text)


# Arguments, and the policy of the example.

@test('wrong arguments are refused before anything is set up')
def _():
    for path, arguments, words in (
            (KVM + '/run', ['basic'], 'is no end-to-end test'),
            (KVM + '/run', ['tests/e2e/nothing.t'], 'there is no tests/e2e/'),
            (KVM + '/run', ['all', '-k', 'x'], 'leave out "-k x"'),
            (KVM + '/run', ['-k', 'x'], 'is no end-to-end test'),
            (EXAMPLE + '/start', ['--fast'], 'takes no "--fast"')):
        result = command([path, *arguments])
        if result.status != 1 or words not in result.err or result.out:
            raise Failure(str(result))
    for path, words in ((KVM + '/run', 'tests/kvm/run all'),
                        (EXAMPLE + '/start', 'Usage: examples/kvm/start')):
        result = command([path, '--help'])
        if result.status != 0 or words not in result.out or result.err:
            raise Failure(str(result))


@test('the policy of the example is right, and knows the tiers of its guests')
def _():
    for words in (['check', POLICY + '/three-tier.lua'],
                  ['test', POLICY + '/test.lua']):
        result = sgctl(None, *words)
        if result.status != 0:
            raise Failure(str(result))
    with open(POLICY + '/three-tier.lua') as f:
        policy = f.read()
    tiers = {tier for _, tier in three_tier.GUESTS}
    equal(len(tiers), 4, 'tiers')
    for tier in tiers:
        equal('group "%s"' % tier in policy, True, 'the tier ' + tier)


run()
