#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Policies that mean no good to the agent: whatever a script does, the agent
lives, the old policy stays in force, and other ports are served meanwhile."""
import concurrent.futures
import os
import signal

from harness import Lab, run, test, wait_until
from harness.agent import TOP, program
from harness.tap import Skip

GOOD = '''
group "web" { ingress = { tcp { 80, from = any } } }
group "ssh" { ingress = { tcp { 22, from = any } } }
'''

# %s is the group of ports with a role.
BIND = GOOD + '''
bind(function(port)
  local role = port.external_ids.role
  if role == "spin" then
    string.rep("", 1 << 60)
  end
  return role and "%s" or nil
end)
'''

SPIN = GOOD + 'string.rep("", 1 << 60)\n'


def make(policy, unguarded):
    """With 'unguarded', nothing inside of the script's process ends a loop in
    C."""
    lab = Lab(policy)
    if unguarded:
        lab.sandbox.env['OVS_SG_SCRIPT'] = program(
            'tests/script/unguarded-script')
    lab.guest('one', groups='web')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def guarded():
    return make(GOOD, False)


def unguarded():
    return make(GOOD, True)


def bound():
    return make(BIND % 'web', True)


def is_sanitized():
    with open(program('ovs-sgd'), 'rb') as f:
        return b'__asan_init' in f.read()


def children(lab):
    pid = lab.agent.child.pid
    with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
        return [int(word) for word in f.read().split()]


def only_child(lab):
    wait_until(lambda: len(children(lab)) == 1, 30)
    lab.equal(len(children(lab)), 1, 'processes of scripts')
    return children(lab)[0]


def expect_no_child(lab):
    wait_until(lambda: not children(lab), 30)
    lab.equal(children(lab), [], 'processes of scripts')


def expect_old_policy(lab):
    lab.expect(lab.client, lab.one, 'tcp', 80, True)
    lab.expect(lab.client, lab.one, 'tcp', 22, False)


@test('a policy that loops in C for ever: other ports go on, and it ends',
      lab=unguarded)
def _(lab):
    lab.write_policy(SPIN)
    reload = concurrent.futures.ThreadPoolExecutor().submit(
        lab.agent.ctl, 'reload', timeout=100)
    # So that it is us who have the processor, on a machine with one.
    os.setpriority(os.PRIO_PROCESS, only_child(lab), 19)
    two = lab.guest('two', groups='ssh')
    lab.apply()
    lab.wait_state(two, 'active', 60)
    lab.expect(lab.client, two, 'tcp', 22, True)
    lab.set_ids(two, settle=False, sg_groups='web')
    wait_until(lambda: lab.sandbox.purge_megaflows() or
               lab.agent.json('list-ports')[1]['groups'] == ['web'], 60)
    lab.check(not reload.done(), 'the load was over before')
    result = reload.result()
    lab.equal(result.status, 1, 'exit status of reload')
    lab.check('policy.lua: the script was stopped after'
              in result.out + result.err, str(result))
    expect_no_child(lab)
    lab.settle()
    expect_old_policy(lab)
    lab.expect(lab.client, two, 'tcp', 80, True)
    lab.reload(GOOD)


@test('a function that loops in C for ever closes that port alone',
      lab=bound, fresh=True)
def _(lab):
    before = only_child(lab)
    # It is asked about a port, and does not even begin to answer ...
    os.kill(before, signal.SIGSTOP)
    spin = lab.guest('spin', ids={'role': 'spin'})
    lab.apply()
    # ... while others that do not need it come and change,
    two = lab.guest('two', groups='ssh')
    lab.apply()
    lab.wait_state(two, 'active', 60)
    lab.expect(lab.client, two, 'tcp', 22, True)
    lab.expect(lab.client, spin, 'tcp', 80, False)
    # ... and one that does waits for its turn.
    three = lab.guest('three', ids={'role': 'good'})
    lab.apply()
    # What is on disk by now is not what was loaded.
    lab.write_policy(BIND % 'ssh')
    os.kill(before, signal.SIGCONT)
    lab.wait_state(spin, 'error', 60)
    lab.settle()
    lab.check('the script was' in lab.ids(spin)['sg-error'], lab.ids(spin))
    lab.expect_state(three, 'active')
    lab.expect(lab.client, three, 'tcp', 80, True)
    lab.expect(lab.client, three, 'tcp', 22, False)
    lab.expect(lab.client, spin, 'tcp', 80, False)
    lab.check(only_child(lab) != before, 'it is still the same process')
    expect_old_policy(lab)
    lab.set_ids(spin, role='good')
    lab.expect_state(spin, 'active')
    lab.expect(lab.client, spin, 'tcp', 80, True)


@test('the process of a script is killed: it comes back when it is needed',
      lab=bound, fresh=True)
def _(lab):
    before = only_child(lab)
    os.kill(before, signal.SIGKILL)
    two = lab.guest('two', ids={'role': 'good'})
    lab.settle()
    lab.expect_state(two, 'active')
    lab.check(only_child(lab) != before, 'it is still the same process')


@test('the agent is killed: its script dies with it', lab=bound, fresh=True)
def _(lab):
    pid = only_child(lab)
    lab.agent.kill()

    def state():
        try:
            with open('/proc/%d/stat' % pid) as f:
                return f.read().rpartition(')')[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return 'Z'                  # Gone before, or while we read.
    lab.check(wait_until(lambda: state() == 'Z', 30), 'it lives on: %s'
              % state())
    lab.agent.restart()
    lab.settle()


@test('what the process of a script has', lab=bound, fresh=True)
def _(lab):
    folder = '/proc/%d/' % only_child(lab)
    with open(folder + 'status') as f:
        status = dict(line.split(':\t', 1) for line in f)
    if is_sanitized():
        raise Skip('sanitizers need what is taken away')
    lab.equal(status['Seccomp'].strip(), '2', 'seccomp')
    lab.equal(status['NoNewPrivs'].strip(), '1', 'no_new_privs')
    lab.equal(int(status['CapEff'], 16), 0, 'capabilities')
    files = [os.readlink(folder + 'fd/' + fd)
             for fd in os.listdir(folder + 'fd')]
    for name in files:
        lab.check(name.startswith(('socket:', 'pipe:', '/dev/null')) or
                  name == lab.agent.child.output,
                  'it has %s open' % name)
    lab.equal(sum(name.startswith('socket:') for name in files), 1, 'sockets')


# Each script of tests/script/hostile ends in time (tests/script/hostile.t);
# these are of all kinds.
SCRIPTS = ('loop-in-pcall', 'loop-in-close', 'memory-in-coroutine', 'gc',
           'error-objects', 'recursion-in-words', 'many-errors',
           'library-tables', 'print-flood', 'require-flood')


@test('scripts of all kinds: the old policy stays, and other ports go on',
      lab=guarded, fresh=True)
def _(lab):
    agent = lab.agent.child.pid
    lab.allow_log('policy.lua:')
    for i, name in enumerate(SCRIPTS):
        path = os.path.join(TOP, 'tests', 'script', 'hostile', name + '.lua')
        with open(path) as f:
            lab.write_policy(f.read())
        reload = lab.agent.begin('reload')
        two = lab.guest('g%d' % i, groups='ssh')
        lab.apply()
        lab.wait_state(two, 'active', 60)
        reload.communicate(timeout=100)
        lab.equal(reload.returncode, 1, 'exit status of reload: ' + name)
        expect_no_child(lab)
        expect_old_policy(lab)
        lab.expect(lab.client, two, 'tcp', 22, True)
    lab.check(lab.agent.child.running and lab.agent.child.pid == agent,
              'the agent has ended')


@test('memory stays flat over many loads', lab=bound, fresh=True)
def _(lab):
    """$SG_RELOADS of them; `make reloads' asks for 10,000."""
    if is_sanitized():
        raise Skip('sanitizers keep what was freed; they look for leaks')
    def rss():
        with open('/proc/%d/status' % lab.agent.child.pid) as f:
            return int(dict(line.split(':\t', 1) for line in f)
                       ['VmRSS'].split()[0])
    warm, loads = 30, int(os.environ.get('SG_RELOADS', 200))
    for i in range(warm + loads):
        if i == warm:
            before = rss()
        lab.agent.must('reload')
    lab.settle()
    grown = rss() - before
    print('# %d reloads: from %d kB to %d kB' % (loads, before,
                                                 before + grown))
    lab.check(grown < 2048, 'the agent has grown by %d kB' % grown)
    only_child(lab)
    lab.expect(lab.client, lab.one, 'tcp', 80, True)


run()
