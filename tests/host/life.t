#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""ovs-sg.so comes, goes and is told what to do, while the switch runs."""
import json
import os
import re
import shutil
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'e2e'))
from harness import (                                       # noqa: E402
    Failure, Lab, run, test, wait_until)
from harness.agent import program                             # noqa: E402
from harness.plugin import leftovers                          # noqa: E402
from harness.process import command                           # noqa: E402
from harness.tiers import three_tier                          # noqa: E402

# A process for `bind', a thread for `addresses'.
POLICY = '''
group "web" { ingress = { tcp { 80, from = addresses "known" } } }
addresses "known" { file = "%s", interval = 60 }
bind(function(port) return port.name == "bound" and { "web" } or nil end)
'''


def busy():
    """A lab whose plugin has all that it can have."""
    lab = Lab()
    path = lab.sandbox.path('known')
    with open(path, 'w') as f:
        f.write('198.18.0.9\n2001:db8:9::9\n')
    lab.write_policy(POLICY % path)
    lab.guest('web', groups='web')
    lab.guest('bound')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def status(lab, path=None):
    """plugin_status, for our path or another.  Debian's ovs-vsctl does not
    know it."""
    out = lab.sandbox.must(['ovsdb-client', '--format=json', 'dump',
                            'unix:' + lab.sandbox.path('db.sock'),
                            'Open_vSwitch', 'Open_vSwitch', 'plugin_status'])
    return dict(json.loads(out)['data'][0][0][1]).get(path or lab.agent.path)


def set_config(lab, **settings):
    lab.sandbox.vsctl('set', 'Open_vSwitch', '.', *(
        'other_config:%s=%s' % (key.replace('_', '-'), json.dumps(value))
        for key, value in settings.items()))


def process_has(lab):
    """Threads and open files of the switch."""
    folder = '/proc/%d/' % lab.sandbox.vswitchd.pid
    names = []
    for task in os.listdir(folder + 'task'):
        with open(folder + 'task/%s/comm' % task) as f:
            names.append(f.read().strip())
    return sorted(names), len(os.listdir(folder + 'fd'))


@test('it is loaded and unloaded: rules stay, nothing of it does', lab=busy,
      fresh=True)
def _(lab):
    lab.check(lab.sandbox.appctl('plugin/list').startswith(
        lab.agent.path + ': ovs-sg '), lab.sandbox.appctl('plugin/list'))
    wait_until(lambda: status(lab) == 'running')
    lab.equal(status(lab), 'running', 'plugin_status')
    conn = lab.connect(lab.client, lab.bound, 'tcp', 80)
    flows = lab.flows()
    threads, files = process_has(lab)

    lab.agent.unload()
    lab.failures += leftovers(lab.agent)
    lab.equal(lab.flows(), flows, 'flows')
    conn.expect_alive('unloaded')
    lab.expect(lab.client, lab.web, 'tcp', 81, False)
    without = process_has(lab)
    lab.check(len(without[0]) < len(threads), 'threads: %s, then %s'
              % (threads, without[0]))

    # As often as one likes.
    with lab.watch_flows() as watch:
        for _ in range(5):
            lab.agent.start()
            lab.agent.wait()
            lab.agent.unload()
        lab.equal(watch.take(), [], 'flow mods')
        lab.equal(process_has(lab)[0], without[0], 'threads')
    lab.check(process_has(lab)[1] <= without[1] + 2, 'files: %d, then %d'
              % (without[1], process_has(lab)[1]))
    conn.expect_alive('loaded and unloaded')
    lab.agent.start()
    lab.settle()


@test('it is replaced by plugin/reload', lab=busy, fresh=True)
def _(lab):
    conn = lab.connect(lab.client, lab.bound, 'tcp', 80)
    with lab.watch_flows() as watch:
        for _ in range(3):
            lab.sandbox.appctl('plugin/reload', lab.agent.path)
            lab.agent.wait()
            conn.expect_alive('replaced')
        lab.equal(watch.take(), [], 'flow mods')


def mapped(lab):
    """The numbers of the files named ovs-sg.so that the switch has mapped."""
    with open('/proc/%d/maps' % lab.sandbox.vswitchd.pid) as f:
        return {int(line.split()[4]) for line in f if '/ovs-sg.so' in line}


@test('another file in its place is taken by plugin/reload', lab=busy,
      fresh=True)
def _(lab):
    conn = lab.connect(lab.client, lab.bound, 'tcp', 80)
    built = lab.agent.path
    lab.agent.unload()
    path = lab.agent.path = lab.sandbox.path('ovs-sg.so')
    shutil.copy(built, path)
    with lab.watch_flows() as watch:
        lab.agent.start()
        for _ in range(3):
            old = os.stat(path).st_ino
            shutil.copy(built, path + '.new')
            os.rename(path + '.new', path)
            lab.equal(mapped(lab), {old}, 'files, before')
            lab.sandbox.appctl('plugin/reload', path)
            lab.agent.wait()
            lab.equal(mapped(lab), {os.stat(path).st_ino}, 'files')
            conn.expect_alive('another file')
        lab.equal(watch.take(), [], 'flow mods')


@test('memory stays flat over many reloads of the plugin', lab=busy,
      fresh=True)
def _(lab):
    def rss():
        with open('/proc/%d/status' % lab.sandbox.vswitchd.pid) as f:
            return int(dict(line.split(':\t', 1) for line in f)
                       ['VmRSS'].split()[0])
    for n in range(40):
        if n == 15:
            before = rss()
        lab.sandbox.appctl('plugin/reload', lab.agent.path)
        lab.agent.wait()
    grown = rss() - before
    print('# 25 reloads of the plugin: %d kB more' % grown)
    lab.check(grown < 2048, 'the switch has grown by %d kB' % grown)


@test('commands that are not answered yet are, when it is unloaded', lab=busy,
      fresh=True)
def _(lab):
    # A bridge that cannot be reached keeps `wait' waiting.
    path = lab.sandbox.path('br0.mgmt')
    lab.sandbox.vsctl('del-port', 'web')
    os.rename(path, path + '.away')
    lab.sandbox.appctl('plugin/reload', lab.agent.path)
    waiting = lab.agent.begin('wait', '--timeout=60')
    time.sleep(0.3)
    lab.check(waiting.poll() is None, 'wait has ended before')
    lab.agent.unload()
    lab.equal(waiting.wait(10), 1, 'exit status of wait')
    lab.failures += leftovers(lab.agent)
    os.rename(path + '.away', path)
    lab.agent.start()
    lab.settle()


@test('without the plugin ovs-sgctl says what is missing', lab=busy,
      fresh=True)
def _(lab):
    lab.agent.unload()
    result = lab.agent.ctl('list-ports')
    lab.equal(result.status, 1, 'exit status')
    lab.check('cannot reach ovs-sgd' in result.err and 'part of the switch' in
              result.err, result.err)
    lab.agent.start()
    lab.settle()


WRONG = (('sg_zones', '7', 'range'), ('sg_learn_idle', '5', '60 seconds'),
         ('sg_midstream_grace', 'soon', 'number of seconds'),
         ('sg_conntrack_limit', '0', '1 or more'),
         ('sg_observe', 'yes', 'neither true nor false'),
         ('sg_policy', 'etc/x.lua', 'no absolute path'))


@test('a setting that is wrong: the last good ones stay in force',
      lab=three_tier, fresh=True)
def _(lab):
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    with lab.watch_flows() as watch:
        for key, value, why in WRONG:
            lab.allow_log(r'other_config:%s: ' % key.replace('_', '-'))
            lab.log().read()
            before = len(lab.log().lines)
            set_config(lab, **{key: value})
            lab.check(wait_until(lambda: any(
                why in line and 'stay in force' in line
                for line in lab.log().grep('sg_plugin.*ERR')[0:]
                if line in lab.log().lines[before:]), 5),
                '%s=%s: nothing in the log' % (key, value))
            lab.settle()
            if key == 'sg_policy':
                set_config(lab, sg_policy=lab.folder)
            else:
                lab.sandbox.vsctl('remove', 'Open_vSwitch', '.',
                                  'other_config', key.replace('_', '-'))
        lab.settle()
        lab.equal(watch.take(), [], 'flow mods')
    conn.expect_alive('settings')
    lab.equal(status(lab), 'running', 'plugin_status')


@test('a setting that is right is in force at once', lab=three_tier,
      fresh=True)
def _(lab):
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    other = lab.sandbox.path('other.lua')
    shutil.copy(os.path.join(lab.folder, 'policy.lua'), other)
    with open(other, 'a') as f:
        f.write('members "web" { "198.18.0.9" }\n')
    lab.expect(lab.client, lab.app1, 'tcp', 8080, False, family=4)
    set_config(lab, sg_policy=other)
    lab.settle()
    conn.expect_alive('another policy')
    lab.expect(lab.client, lab.app1, 'tcp', 8080, True, family=4)
    # Two, and one setting that there is not.
    lab.allow_log('sg-polcy')
    set_config(lab, sg_policy=lab.folder, sg_polcy='x')
    lab.settle()
    lab.expect(lab.client, lab.app1, 'tcp', 8080, False, family=4)
    conn.expect_alive('the first policy again')
    lab.check(wait_until(lambda: lab.log().grep(
        'sg-polcy is no setting'), 5), 'a setting that there is not')


@test('settings that are wrong at the start: disabled, with the reason',
      lab=three_tier, fresh=True)
def _(lab):
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    lab.agent.unload()
    for key, value, why in WRONG:
        lab.allow_log(r'other_config:%s: ' % key.replace('_', '-'))
        set_config(lab, **{key: value, 'plugins': lab.agent.path})
        name = key.replace('_', '-')
        lab.check(wait_until(lambda: why in (status(lab) or ''), 5),
                  'plugin_status: %s' % status(lab))
        lab.check(status(lab).startswith('disabled: other_config:' + name),
                  'plugin_status: %s' % status(lab))
        lab.check(why in lab.agent.status(), lab.agent.status())
        lab.failures += leftovers(lab.agent)
        lab.sandbox.vsctl('remove', 'Open_vSwitch', '.', 'other_config',
                          'plugins', '--', 'remove', 'Open_vSwitch', '.',
                          'other_config', name)
    conn.expect_alive('disabled: what was enforced stays enforced')
    lab.expect(lab.client, lab.app1, 'tcp', 8080, False)
    lab.agent.start()
    lab.settle()


@test('a second copy, under another path, is refused', lab=three_tier,
      fresh=True)
def _(lab):
    copy = lab.sandbox.path('copy.so')
    shutil.copy(lab.agent.path, copy)
    lab.allow_log('loaded ovs-sg.so already')
    set_config(lab, plugins='%s %s' % (lab.agent.path, copy))
    listed = lab.sandbox.appctl('plugin/list')
    lab.check('copy.so: disabled: this ovs-vswitchd has loaded' in listed,
              listed)
    lab.equal(lab.agent.status().rpartition(' ')[2], 'running', 'the first')
    set_config(lab, plugins=lab.agent.path)
    lab.settle()
    lab.expect(lab.web1, lab.app1, 'tcp', 8080, True)


def place_of(path, symbol):
    """Where in the file the data of a symbol is."""
    value, section = re.search(
        r'(\w+) +\d+ +OBJECT +GLOBAL +DEFAULT +(\d+) %s\n' % symbol,
        command(['readelf', '--dyn-syms', '-W', path]).out).groups()
    address, offset = re.search(
        r'\[ *%s\] \S+ +\S+ +(\w+) (\w+)' % section,
        command(['readelf', '-S', '-W', path]).out).groups()
    return int(value, 16) - int(address, 16) + int(offset, 16)


def expect_refused(lab, path, why):
    """What was enforced stays so, and the reason is in the database."""
    lab.allow_log(why)
    lab.agent.unload()
    set_config(lab, plugins=path)
    listed = lab.sandbox.appctl('plugin/list')
    lab.check('disabled: ' + why in listed, listed)
    lab.check(wait_until(lambda: (status(lab, path) or '').startswith(
        'disabled: ' + why), 5), 'plugin_status: %s' % status(lab, path))
    lab.expect(lab.web1, lab.app1, 'tcp', 8080, True)
    lab.expect(lab.client, lab.app1, 'tcp', 8080, False)
    lab.agent.start()
    lab.settle()


@test('one for another Open vSwitch is refused, and the switch runs',
      lab=three_tier, fresh=True)
def _(lab):
    with open(lab.agent.path, 'rb') as f:
        code = f.read()
    lab.check(code.count(b'3.1.0\0') == 1, 'where is the version?')
    path = lab.sandbox.path('old.so')
    with open(path, 'wb') as f:
        f.write(code.replace(b'3.1.0\0', b'3.0.9\0'))
    expect_refused(lab, path, 'built for Open vSwitch 3.0.9')


@test('one for another version of the interface is refused, and the switch '
      'runs', lab=three_tier, fresh=True)
def _(lab):
    with open(lab.agent.path, 'rb') as f:
        code = bytearray(f.read())
    at = place_of(lab.agent.path, 'ovs_plugin')
    lab.equal(struct.unpack_from('=I', code, at)[0], 1, 'interface version')
    struct.pack_into('=I', code, at, 2)
    path = lab.sandbox.path('new.so')
    with open(path, 'wb') as f:
        f.write(code)
    expect_refused(lab, path, 'built for version 2 of the plugin interface')


@test('it brings nothing that is the switch\'s', lab=None)
def _():
    out = command(['nm', '-D', '--defined-only', program('ovs-sg.so')]).out
    names = [line.split()[-1] for line in out.splitlines()]
    if names != ['ovs_plugin']:
        raise Failure('it exports %s' % names)
    out = command(['nm', program('ovs-sg.so')]).out
    for name in ('ovsdb_idl_run', 'vlog', 'poll_block', 'ofproto_lookup'):
        if ' U %s\n' % name not in out:
            raise Failure('%s is not that of the switch' % name)


run()
