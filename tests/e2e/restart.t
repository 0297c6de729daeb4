#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What holds when something dies or somebody interferes (CONTRACT section 4,
points 6 and 7)."""
import collections
import contextlib
import os
import re
import time

from harness import Lab, frames, run, test, wait_until
from harness.process import PATIENCE
from harness.tiers import example_policy, three_tier

# The agent and the switch say that the other one has gone.
GONE = (r'\.mgmt', r'db\.sock', r'onnect', r'\.ctl', r'transport error')


def matrix(lab, why):
    """A sample of all that is allowed and refused."""
    for source, target, port, allowed in (
            (lab.client, lab.web1, 80, True),
            (lab.client, lab.web1, 81, False),
            (lab.client, lab.app1, 8080, False),
            (lab.web1, lab.app1, 8080, True),
            (lab.app1, lab.web1, 8080, False),
            (lab.app1, lab.db1, 5432, True),
            (lab.web1, lab.db1, 5432, False),
            (lab.db1, lab.web1, 80, False),
            (lab.app1, lab.client, 99, True)):
        lab.expect(source, target, 'tcp', port, allowed,
                   why='%s: port %d' % (why, port))


def table_counts(lab):
    """How many flows are where; {table: n}."""
    return dict(collections.Counter(
        re.search(r'table=(\d+)', flow).group(1) if 'table=' in flow else '0'
        for flow in lab.flows()))


def expect_untouched(lab, watch, why):
    events = watch.take()
    lab.check(not events, '%s: %d flow mods:\n%s'
              % (why, len(events), '\n'.join(events[:20])))


# The agent.

@test('the agent dies: what was enforced stays enforced', lab=three_tier,
      fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    lab.agent.kill()
    conn.expect_alive('without agent')
    matrix(lab, 'without agent')
    lab.agent.start()
    lab.settle()
    conn.expect_alive('with a new agent')


@test('kill -9 and restart touch no flow and cut no connection',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    conns = [lab.connect(lab.web1, lab.app1, 'tcp', 8080, family)
             for family in (4, 6)]
    with lab.watch_flows() as watch:
        for _ in range(3):
            lab.agent.restart()
            lab.settle()
            expect_untouched(lab, watch, 'restart')
            for conn in conns:
                conn.expect_alive('after a restart')
    matrix(lab, 'after three restarts')


@test('a restart cuts no connection that only a later change would',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    # The number of the rule in conntrack must mean the same to the new agent.
    stay = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    gone = lab.connect(lab.client, lab.web1, 'tcp', 80)
    lab.agent.restart()
    lab.settle()
    lab.reload(example_policy().replace('{ 80, 443 }', '443'))
    stay.expect_alive('its rule stays')
    gone.expect_cut('its rule went after the restart')
    lab.expect(lab.client, lab.web1, 'tcp', 80, False)


@test('what changed while the agent was away is done when it is back',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    gone = lab.connect(lab.client, lab.web1, 'tcp', 80)
    gone2 = lab.connect(lab.web2, lab.app1, 'tcp', 8080)
    stay = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    lab.agent.kill()
    lab.write_policy(example_policy().replace('{ 80, 443 }', '443'))
    lab.set_ids(lab.web2, settle=False, sg_groups='app')
    lab.agent.start()
    lab.settle()
    stay.expect_alive('its rule stays')
    gone.expect_cut('its rule went')
    gone2.expect_cut('web2 left the group')
    lab.expect(lab.client, lab.web1, 'tcp', 80, False)
    lab.expect(lab.web2, lab.app1, 'tcp', 8080, False)


@test('table 0 is emptied while the agent is away: ports keep their zones',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    conns = [lab.connect(lab.web1, lab.app1, 'tcp', 8080, family)
             for family in (4, 6)]
    # With zones that a new agent would not give by itself.
    lab.remove_port(lab.bastion1)
    lab.settle()
    lab.agent.kill()
    lab.sandbox.ofctl('del-flows', lab.sandbox.mgmt('br0'),
                      'table=0,cookie=0x5347000000000000/0xffff000000000000')
    lab.agent.start()
    lab.settle()
    for conn in conns:
        conn.expect_alive('with a new agent')


def two_bridges():
    lab = Lab(TWO, bridges=('br0', 'br1'))
    lab.guest('one', 'a')
    for name in ('srv', 'cli'):
        lab.guest(name, 'b', bridge='br1')
    return lab.start()


TWO = '''
group "a" { ingress = { tcp { 1, from = any } } }
group "b" { ingress = { tcp { 80, from = group "b" }, udp { 53, from = any } } }
'''


@contextlib.contextmanager
def unreachable(lab, bridge):
    path = lab.sandbox.path(bridge + '.mgmt')
    os.rename(path, path + '.away')
    try:
        yield
    finally:
        os.rename(path + '.away', path)


@test('a bridge that can be reached only late keeps its numbers',
      lab=two_bridges, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    conns = [lab.connect(lab.cli, lab.srv, 'tcp', 80),
             lab.connect(lab.cli, lab.srv, 'udp', 53)]
    before = lab.flows('br1')
    lab.agent.kill()
    with unreachable(lab, 'br1'):
        # New numbers of all kinds are needed meanwhile.
        lab.write_policy(TWO + 'group "c" { ingress = { tcp { 9, from = '
                         'group "a" } }, egress = {} }')
        lab.guest('two', 'c a')
        lab.guest('three', 'c')
        lab.apply()
        lab.agent.start()
        lab.wait_state(lab.two, 'active', 30)
        lab.expect(lab.two, lab.one, 'tcp', 1, True)
        lab.expect(lab.one, lab.three, 'tcp', 9, True)
    lab.agent.wait(timeout=30)
    lab.equal(lab.flows('br1'), before, 'flows of the late bridge')
    zones = [p['zone'] for p in lab.agent.json('list-ports')]
    lab.check(len(zones) == len(set(zones)) == 5, zones)
    for conn in conns:
        conn.expect_alive('late')


@test('a rule that got another number while its bridge was away still cuts',
      lab=two_bridges, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    conn = lab.connect(lab.cli, lab.srv, 'udp', 53)
    lab.agent.kill()
    with unreachable(lab, 'br1'):
        lab.guest('two', 'a b')         # The same rule, on br0.
        lab.apply()
        lab.agent.start()
        lab.wait_state(lab.two, 'active', 30)
    lab.agent.wait(timeout=30)
    conn.expect_alive('late')
    lab.reload(TWO.replace(', udp { 53, from = any }', ''))
    conn.expect_cut('its rule went')


@test('kill -9 in the middle of a change: the end is that of a fresh start',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    changed = example_policy().replace('"8080-8089"', '"9000-9009"') + \
        'members "app" { "198.18.3.3" }\n'
    # What a fresh start with the changed policy makes.
    lab.agent.kill()
    lab.write_policy(changed)
    lab.sandbox.ofctl('del-flows', lab.sandbox.mgmt('br0'))
    lab.agent.start()
    lab.settle()
    expected = table_counts(lab)

    for delay in (0, 0.005, 0.01, 0.02, 0.05, 0.1):
        lab.reload(example_policy())
        stay = lab.connect(lab.app1, lab.db1, 'tcp', 5432)
        with lab.watch_flows() as watch:
            lab.write_policy(changed)
            command = lab.agent.begin('reload')
            time.sleep(delay)
            lab.agent.kill()
            command.wait()
            lab.agent.start()
            lab.settle()
            db = [e for e in watch.take() if re.search(
                r'table=0,.*in_port=("tap-db1"|6)\b', e)]
            lab.check(not db, 'flows of an unrelated port:\n%s'
                      % '\n'.join(db))
        stay.expect_alive('unrelated, killed after %s s' % delay)
        lab.expect(lab.web1, lab.app1, 'tcp', 9000, True)
        lab.expect(lab.web1, lab.app1, 'tcp', 8080, False)
        # Flows that look for connections to cut stay as long as there are
        # some.
        lab.sandbox.appctl('dpctl/flush-conntrack')
        wait_until(lambda: table_counts(lab) == expected, 15, 0.2)
        lab.equal(table_counts(lab), expected, 'flows per table, killed '
                  'after %s s' % delay)


@test('the agent ends in order: what was enforced stays enforced',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    before = lab.flows()
    lab.failures += lab.agent.stop()
    lab.equal(lab.flows(), before, 'flows')
    matrix(lab, 'after the agent\'s end')
    lab.agent.start()
    lab.settle()


def expect_idle(lab, why):
    """The agent sleeps: at most 5 % of a processor that is not emulated."""
    def ticks():
        with open('/proc/%d/stat' % lab.agent.child.pid) as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return int(fields[11]) + int(fields[12])
    before = ticks()
    time.sleep(1)
    used = (ticks() - before) / os.sysconf('SC_CLK_TCK')
    lab.check(used <= 0.05 * PATIENCE, '%s: %.2f s of processor time in 1 s'
              % (why, used))


@test('an idle agent sleeps', lab=three_tier)
def _(lab):
    expect_idle(lab, 'nothing to do')


@test('an idle agent sleeps also when the switch or the database is away',
      lab=three_tier, fresh=True, beside='its process is the switch')
def _(lab):
    lab.allow_log(*GONE)
    lab.sandbox.kill_vswitchd()
    time.sleep(0.5)
    expect_idle(lab, 'no switch')
    lab.sandbox.kill_ovsdb()
    time.sleep(0.5)
    expect_idle(lab, 'no switch and no database')
    lab.sandbox.start_ovsdb()
    time.sleep(0.5)
    expect_idle(lab, 'no switch')
    lab.sandbox.start_vswitchd()
    lab.sandbox.wait_configured()
    lab.settle()
    expect_idle(lab, 'all is back')
    matrix(lab, 'after all')


# The switch.

@test('the switch restarts: closed until the flows are back', lab=three_tier,
      fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    before = lab.flows()
    lab.agent.freeze()
    lab.sandbox.kill_vswitchd()
    lab.sandbox.start_vswitchd()
    lab.sandbox.wait_configured()
    for source, target, port in ((lab.client, lab.web1, 80),
                                 (lab.web1, lab.app1, 8080),
                                 (lab.app1, lab.client, 99)):
        for family in (4, 6):
            lab.expect_out(source, source.tcp(target, port, family), [],
                           'before the agent has seen the switch',
                           exactly=True)
    lab.agent.thaw()
    lab.settle()
    lab.equal(lab.flows(), before, 'flows')
    matrix(lab, 'after the switch restarted')
    frame = frames.udp_frame(lab.client.mac, '52:54:00:99:99:99',
                             lab.client.v4, '192.0.2.77', 1, 2)
    lab.expect_out(lab.client, frame, [], 'unknown unicast: no-flood is back')
    for host in (lab.web1, lab.db1):
        lab.expect_state(host, 'active')


@test('the switch restarts with the agent running', lab=three_tier,
      fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    for _ in range(3):
        lab.sandbox.kill_vswitchd()
        lab.sandbox.start_vswitchd()
        lab.sandbox.wait_configured()
        lab.settle()
        matrix(lab, 'after the switch restarted')


@test('switch and agent restart together', lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    lab.agent.kill()
    lab.sandbox.kill_vswitchd()
    lab.sandbox.start_vswitchd()
    lab.sandbox.wait_configured()
    lab.expect_out(lab.client, lab.client.tcp(lab.web1, 80), [],
                   'without agent', exactly=True)
    lab.agent.start()
    lab.settle()
    matrix(lab, 'after both restarted')


# The database.

@test('the database restarts: nothing is touched, and work goes on',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    with lab.watch_flows() as watch:
        # Meanwhile this switch stands still: its main thread, which serves
        # dummy ports and OpenFlow, waits for the database's lock.
        lab.sandbox.kill_ovsdb()
        time.sleep(0.5)
        lab.sandbox.start_ovsdb()
        lab.sandbox.wait_configured()
        lab.settle()
        expect_untouched(lab, watch, 'database restart')
    conn.expect_alive('with a new database server')
    lab.guest('web4', 'web')
    lab.settle()
    lab.expect(lab.client, lab.web4, 'tcp', 80, True)
    lab.expect_state(lab.web4, 'active')


@test('the agent starts without a database and waits for it', lab=three_tier,
      fresh=True, beside='without a database the switch starts no plugin')
def _(lab):
    lab.allow_log(*GONE)
    with lab.watch_flows() as watch:
        lab.agent.kill()
        lab.sandbox.kill_ovsdb()
        lab.agent.start()
        time.sleep(0.5)
        lab.sandbox.start_ovsdb()
        lab.sandbox.wait_configured()
        lab.settle()
        expect_untouched(lab, watch, 'the same database')
    matrix(lab, 'after all')


# Interference.

@test('flows that somebody deletes come back, and the log says so',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(r'ovs_sg|switch|repair|flow')
    before = lab.flows()
    mgmt = lab.sandbox.mgmt('br0')
    for match in ('table=0', 'tcp', ''):
        lab.sandbox.ofctl('-O', 'OpenFlow15', 'del-flows', mgmt, *(
            [match] if match else []))
        wait_until(lambda: lab.flows() == before, 5, 0.05)
        lab.equal(lab.flows(), before, 'flows after del-flows ' + match)
    lab.sandbox.purge_megaflows()
    matrix(lab, 'after the repair')
    lab.check(lab.log().grep(r'(?i)(someone|somebody|others?|behind|changed|'
                             r'deleted|repair)'), 'nothing in the log')


@test('flows that somebody alters are mended', lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(r'ovs_sg|switch|repair|flow')
    before = lab.flows()
    lab.sandbox.ofctl('-O', 'OpenFlow15', 'mod-flows',
                      lab.sandbox.mgmt('br0'), 'actions=drop')
    wait_until(lambda: lab.flows() == before, 5, 0.05)
    lab.equal(lab.flows(), before, 'flows')
    lab.sandbox.purge_megaflows()
    matrix(lab, 'after the repair')


@test('a flow that somebody adds with our cookie is removed', lab=three_tier,
      fresh=True)
def _(lab):
    lab.allow_log(r'ovs_sg|switch|repair|flow')
    before = lab.flows()
    lab.sandbox.ofctl('-O', 'OpenFlow15', 'add-flow',
                      lab.sandbox.mgmt('br0'),
                      'cookie=0x5347000000000bad,priority=40000,tcp,'
                      'actions=NORMAL')
    wait_until(lambda: lab.flows() == before, 5, 0.05)
    lab.equal(lab.flows(), before, 'flows')


@test('flows of others are left alone, and one that bypasses ours is told',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(r'bypass')
    mgmt = lab.sandbox.mgmt('br0')
    for flow in ('cookie=0x1234,priority=0,actions=drop',
                 'cookie=0x1234,table=60,priority=7,tcp,actions=drop',
                 'cookie=0x1234,priority=65000,udp,tp_dst=4711,actions=NORMAL'
                 ):
        lab.sandbox.ofctl('-O', 'OpenFlow15', 'add-flow', mgmt, flow)
    foreign = lab.sandbox.flows(ours=False)
    lab.equal(len(foreign), 3, 'flows of others')
    wait_until(lambda: lab.log().grep('bypass'), 5, 0.05)
    told = lab.log().grep('bypass')
    lab.check(told, 'nothing about a bypassing flow in the log')
    lab.check(not any('table=60' in line for line in told),
              'a flow that bypasses nothing is told: %s' % told)
    lab.reload(example_policy() + 'members "app" { "198.18.3.3" }\n')
    lab.set_ids(lab.web2, sg_groups='app')
    lab.agent.restart()
    lab.settle()
    lab.equal(lab.sandbox.flows(ours=False), foreign, 'flows of others')
    matrix(lab, 'beside flows of others')


# Ports.

@test('a port gets another number', lab=three_tier, fresh=True)
def _(lab):
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    lab.sandbox.vsctl('set', 'Interface', 'web1', 'ofport_request=77')
    wait_until(lambda: lab.sandbox.ofport('web1') == 77)
    lab.settle()
    lab.equal(lab.sandbox.ofport('web1'), 77, 'OpenFlow port')
    conn.expect_alive('by another number')
    matrix(lab, 'after another number')
    # Its old number goes to a port with other rights.
    lab.guest('late', 'db', number=2, ips=['192.0.2.66', '2001:db8::66'],
              mac='52:54:00:00:00:66')
    lab.settle()
    lab.equal(lab.sandbox.ofport('late'), 2, 'OpenFlow port')
    lab.expect(lab.late, lab.app1, 'tcp', 8080, False)
    lab.expect(lab.client, lab.late, 'tcp', 80, False)
    lab.expect(lab.app1, lab.late, 'tcp', 5432, True)
    matrix(lab, 'with a new owner of the old number')


@test('two ports change their numbers with each other', lab=three_tier,
      fresh=True)
def _(lab):
    lab.sandbox.vsctl('set', 'Interface', 'web1', 'ofport_request=4', '--',
                      'set', 'Interface', 'app1', 'ofport_request=2')
    wait_until(lambda: lab.sandbox.ofport('web1') == 4, 2)
    lab.settle()
    matrix(lab, 'numbers %s and %s' % (lab.sandbox.ofport('web1'),
                                       lab.sandbox.ofport('app1')))


@test('a number that a removed port had never serves its next owner',
      lab=three_tier, fresh=True)
def _(lab):
    lab.agent.freeze()
    lab.remove_port(lab.app1)
    lab.guest('heir', 'db', number=4, ips=['192.0.2.77', '2001:db8::77'],
              mac='52:54:00:00:00:77')
    lab.apply()
    heir = lab.heir
    lab.equal(lab.sandbox.ofport('heir'), 4, 'OpenFlow port')
    # With the heir's own addresses it cannot pass as app1 at least.
    lab.expect_out(heir, heir.tcp(lab.client, 99), [],
                   'while the agent does not know it', exactly=True)
    lab.agent.thaw()
    lab.settle()
    lab.expect(heir, lab.client, 'tcp', 99, False)
    lab.expect(lab.app2, heir, 'tcp', 5432, True)
    lab.expect(lab.web1, heir, 'tcp', 8080, False)


@test('a port is removed and added again', lab=three_tier, fresh=True)
def _(lab):
    for _ in range(3):
        lab.remove_port(lab.web1)
        lab.settle()
        lab.guest('web1', 'web', number=2)
        lab.settle()
        lab.expect_state(lab.web1, 'active')
        matrix(lab, 'after it was added again')


@test('a conntrack zone is not taken over with its connections',
      lab=three_tier, fresh=True)
def _(lab):
    # The heir has the addresses of the old guest, but not its rights.
    conn = lab.connect(lab.client, lab.web1, 'tcp', 80)
    lab.remove_port(lab.web1)
    lab.settle()
    lab.guest('web1', 'app', number=2)
    lab.settle()
    conn.server = lab.web1
    conn.next[lab.web1] = 500001
    conn.forward(False, 'to the next owner of address and zone')


@test('many ports come and go', lab=three_tier, fresh=True)
def _(lab):
    for n in range(20, 60):
        lab.guest('vm%d' % n, 'web', number=n)
    lab.settle()
    before = table_counts(lab)
    lab.expect(lab.client, lab.vm20, 'tcp', 80, True)
    lab.expect(lab.vm59, lab.app1, 'tcp', 8080, True)
    for n in range(20, 60, 2):
        lab.remove_port(getattr(lab, 'vm%d' % n))
    for n in range(20, 60, 2):
        lab.guest('vm%d' % n, 'web', number=n)
    lab.settle()
    lab.expect(lab.client, lab.vm20, 'tcp', 80, True)
    lab.expect(lab.vm58, lab.app1, 'tcp', 8080, True)
    lab.expect(lab.vm58, lab.vm59, 'udp', 80, False)
    wait_until(lambda: table_counts(lab) == before, 15, 0.2)
    lab.equal(table_counts(lab), before, 'flows per table')


# The policy's files.

@contextlib.contextmanager
def policy_moved(lab, how):
    """The policy's folder is away, unreadable or empty."""
    path = lab.folder
    if how != 'unreadable':
        os.rename(path, path + '.away')
    if how == 'empty':
        os.mkdir(path)
    if how == 'unreadable':
        os.rename(os.path.join(path, 'policy.lua'),
                  os.path.join(path, 'away'))
        os.mkdir(os.path.join(path, 'policy.lua'))
    try:
        yield
    finally:
        if how == 'unreadable':
            os.rmdir(os.path.join(path, 'policy.lua'))
            os.rename(os.path.join(path, 'away'),
                      os.path.join(path, 'policy.lua'))
        if how == 'empty':
            os.rmdir(path)
        if how != 'unreadable':
            os.rename(path + '.away', path)


@test('the policy is away at a reload: the old one stays in force',
      lab=three_tier, fresh=True)
def _(lab):
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    for how in ('away', 'unreadable', 'empty'):
        with policy_moved(lab, how), lab.watch_flows() as watch:
            result = lab.agent.ctl('reload')
            lab.check(result.status == 1 and 'policy.d' in result.out,
                      '%s: %s' % (how, result))
            lab.settle()
            expect_untouched(lab, watch, how)
            matrix(lab, how)
    conn.expect_alive('without files')
    lab.write_policy('')
    lab.agent.must('reload')
    lab.settle()
    lab.expect_state(lab.web1, 'error', 'web')
    conn.expect_cut('an empty file is a policy without rules')


@test('the policy is away at a restart: what was in force stays so',
      lab=three_tier, fresh=True)
def _(lab):
    lab.allow_log(*GONE, 'policy')
    conn = lab.connect(lab.web1, lab.app1, 'tcp', 8080)
    for how in ('away', 'unreadable'):
        with policy_moved(lab, how), lab.watch_flows() as watch:
            lab.agent.restart()
            lab.settle()
            expect_untouched(lab, watch, how)
            matrix(lab, how)
        with policy_moved(lab, 'empty'):
            lab.check(lab.agent.ctl('reload').status == 1, 'empty folder')
        lab.reload()
        matrix(lab, 'again')
    conn.expect_alive('without files')


@test('without any policy there is the group default', lab=three_tier,
      fresh=True)
def _(lab):
    lab.allow_log(*GONE, 'policy')
    lab.agent.kill()
    os.unlink(os.path.join(lab.folder, 'policy.lua'))
    lab.set_ids(lab.web1, settle=False, sg_groups='')
    lab.set_ids(lab.web2, settle=False, sg_groups='')
    lab.agent.start()
    lab.settle()
    lab.agent.must('reload')
    lab.expect(lab.web1, lab.web2, 'tcp', 1, True)
    lab.expect(lab.client, lab.web1, 'tcp', 80, False)
    lab.expect_state(lab.app1, 'error', 'app')


# Reviews and a policy that does not load.

SERVICES = '''
group "srv" { ingress = { %s } }
group "default" { ingress = { tcp { 80, from = %s } } }
'''
ALL = 'tcp { { 80, 81 }, from = any }, udp { { 80, 81 }, from = any }'
ONE = 'tcp { 81, from = any }, udp { 81, from = any }'


def services():
    lab = Lab(SERVICES % (ALL, 'any'))
    lab.guest('cli', 'srv')
    lab.guest('srv', 'srv')
    lab.guest('plain', '')
    lab.uplink()
    lab.remote('far', '198.18.0.9', '2001:db8:9::9')
    return lab.start()


def connect_all(lab):
    return [lab.connect(source, lab.srv, proto, 80)
            for proto in ('tcp', 'udp') for source in (lab.far, lab.cli)
            for _ in range(2)]


def expect_all_cut(conns, why):
    for n, conn in enumerate(conns):
        if n % 2:
            conn.reply(False, why + ': the answer is first')
            conn.forward(False, why + ': the question is second')
        else:
            conn.forward(False, why + ': the question is first')
            conn.reply(False, why + ': the answer is second')


def zone_of(lab, name):
    return next(p['zone'] for p in lab.agent.json('list-ports')
                if p['name'] == name)


def restart_without_policy(lab):
    """The agent is there again, has no policy, and has had the time to look
    at the connections."""
    lab.write_policy('group "srv" {')
    lab.agent.start()
    lab.settle()
    time.sleep(1.5)


@test('killed in the midst of a change, and then no policy loads: what was '
      'revoked stays so', lab=services, fresh=True)
def _(lab):
    lab.allow_log(*GONE, 'policy')
    conns = connect_all(lab)
    lab.write_policy(SERVICES % (ONE, 'any'))
    lab.agent.begin('reload')
    # The flows of reviews are there: so is the change.
    wait_until(lambda: any('cookie=0x53479' in f for f in lab.flows()), 5, 0)
    lab.agent.kill()
    restart_without_policy(lab)
    lab.check(lab.agent.json('show', 'br0')['reviews'], 'no review is left')
    lab.reload(SERVICES % (ONE, 'any'))
    expect_all_cut(conns, 'its rule went before')


@test('what is revoked by the policy that loads at last is cut', lab=services,
      fresh=True)
def _(lab):
    lab.allow_log(*GONE, 'policy')
    conns = connect_all(lab)
    lab.agent.kill()
    restart_without_policy(lab)
    for conn in conns[::2]:
        conn.expect_alive('without a policy')
    lab.reload(SERVICES % (ONE, 'any'))
    expect_all_cut(conns, 'its rule goes now')


@test('without a policy no connection under review is cut', lab=services,
      fresh=True)
def _(lab):
    lab.allow_log(*GONE, 'policy')
    # The group `default' is there also without a policy, but does not allow
    # it then.
    conns = [lab.connect(lab.far, lab.plain, 'tcp', 80, family)
             for family in (4, 6)]
    lab.reload(SERVICES % (ALL, '{ "198.18.0.0/16", "2001:db8:9::/48" }'))
    lab.check(lab.agent.json('show', 'br0')['reviews'], 'no review')
    lab.agent.kill()
    restart_without_policy(lab)
    for conn in conns:
        conn.expect_alive('what was enforced allows it')


@test('a zone that is given out without a policy is not taken over with its '
      'connections', lab=services, fresh=True)
def _(lab):
    lab.allow_log(*GONE, 'policy')
    lab.guest('last', 'srv', number=4)
    lab.settle()
    tcp, udp = [lab.connect(lab.far, lab.last, proto, 80)
                for proto in ('tcp', 'udp')]
    zone = zone_of(lab, 'last')
    lab.remove_port(lab.last)
    lab.settle()
    lab.agent.kill()
    restart_without_policy(lab)
    # The same addresses, but in the group that is there without a policy.
    lab.guest('last', '', number=4)
    lab.settle()
    lab.equal(zone_of(lab, 'last'), zone, 'zone')
    lab.reload(SERVICES % (ALL, 'any'))
    lab.equal(zone_of(lab, 'last'), zone, 'zone')
    tcp.server = udp.server = lab.last
    tcp.next[lab.last] = 500001
    for conn in (tcp, udp):
        conn.forward(False, 'to the next owner of address and zone')


run()
