#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Flows of the datapath that overlap: each follows a change, whatever the
switch makes of it (plugin/agent/stale.c)."""
from harness import Lab, Skip, run, test, wait_until

POLICY = '''
group "srv" {
  ingress = { udp { 53, from = { %s } }, udp { 54, from = { %s } } },
}
'''
NARROW = '"198.51.100.0/24", "2001:db8:64:100::/64"'
WIDE = '"198.51.0.0/16", "2001:db8:64::/48"'
FARS = '"198.51.7.0/24", "2001:db8:64:7::/64"'
OTHERS = '"100.64.0.0/16", "2001:db8:100::/48"'
NOBODY = '"192.0.2.1"'


def overlapping():
    lab = Lab(POLICY % (OTHERS, NOBODY))
    lab.guest('srv', 'srv')
    lab.uplink()
    for name, v4, v6 in (('near', '198.51.100.9', '2001:db8:64:100::9'),
                         ('far', '198.51.7.9', '2001:db8:64:7::9'),
                         ('other', '100.64.0.9', '2001:db8:100::9')):
        lab.remote(name, v4, v6, mac='52:54:00:00:0f:00')
    return lab.start()


def change(lab, *prefixes, other_port=NOBODY):
    lab.reload(POLICY % (', '.join(prefixes), other_port))


def expect_first(lab, family, clients, passed):
    """The first packets of 'clients': 'passed' is whose arrive."""
    arrived = []
    for name in clients:
        client = getattr(lab, name)
        lab.sandbox.collect()
        lab.sandbox.feed(client.port, [
            client.first_frame(lab.srv, 'udp', 53, family)])
        if lab.sandbox.collect().get(lab.srv.port):
            arrived.append(name)
    lab.equal(arrived, passed, 'whose packet passes over IPv%d' % family)


@test('what was allowed by a prefix that became wider and went, is refused',
      lab=overlapping)
def _(lab):
    for family in (4, 6):
        change(lab, NARROW, OTHERS)
        # The first one makes room for what is as wide as the third.
        expect_first(lab, family, ['other', 'near'], ['other', 'near'])
        change(lab, WIDE, OTHERS)
        expect_first(lab, family, ['far'], ['far'])
        change(lab, OTHERS)
        # The wide megaflow gives way, and the narrow one is met.
        change(lab, FARS, OTHERS)
        expect_first(lab, family, ['near', 'far', 'other'], ['far', 'other'])


@test('what was refused, and is allowed by a prefix, passes', lab=overlapping)
def _(lab):
    for family in (4, 6):
        change(lab, OTHERS, other_port=NARROW)
        expect_first(lab, family, ['other', 'near'], ['other'])
        change(lab, OTHERS, other_port=WIDE)
        expect_first(lab, family, ['far'], [])
        change(lab, WIDE, OTHERS)
        change(lab, NARROW, OTHERS)
        expect_first(lab, family, ['near', 'far', 'other'], ['near', 'other'])


def megaflows(lab):
    return lab.sandbox.appctl('dpctl/dump-flows').splitlines()


@test('what may have missed a change goes at once, and `wait\' waits for more',
      lab=overlapping, fresh=True, beside='that switch needs no purge')
def _(lab):
    if lab.sandbox.DATAPATH != 'netdev':
        raise Skip('this datapath needs no purge')
    change(lab, OTHERS)
    # Rounds that nothing asks for: a minute apart from now on.  (On a busy
    # machine the last purge may have kept off this one for seconds.)
    lab.sandbox.vsctl('set', 'Open_vSwitch', '.',
                      'other_config:max-revalidator=60000')
    lab.sandbox.appctl('revalidator/wait')
    expect_first(lab, 4, ['other'], ['other'])
    lab.check(megaflows(lab), 'there is no megaflow')
    lab.write_policy(POLICY % (FARS + ', ' + OTHERS, NOBODY))
    lab.agent.must('reload')
    lab.check(wait_until(lambda: not megaflows(lab), 30),
              'a megaflow waits for the revalidators: %s' % megaflows(lab))
    lab.check(lab.agent.ctl('wait', '--timeout=1').status,
              '`wait\' is content with the first purge')
    lab.sandbox.vsctl('set', 'Open_vSwitch', '.',
                      'other_config:max-revalidator=100')


@test('an agent that the switch does not answer says so, and `wait\' ends',
      lab=overlapping, fresh=True, beside='that switch needs no purge')
def _(lab):
    if lab.sandbox.DATAPATH != 'netdev':
        raise Skip('this datapath needs no purge')
    lab.allow_log('NORMAL may know', 'may have missed the last change')
    lab.agent.kill()
    lab.agent.options.append('--switch-unixctl='
                             + lab.sandbox.path('nobody.ctl'))
    lab.agent.start()
    change(lab, FARS, OTHERS)
    lab.check(wait_until(lambda: lab.log().grep('may have missed the last '
                                                'change'), 10),
              'it says nothing of it')


run()
