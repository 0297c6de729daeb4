#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What a change costs, counted in flow mods (DESIGN section 4)."""
import os
import re

from harness import Lab, run, test, wait_until
from harness.agent import TOP

POLICY = '''
group "srv" { ingress = { tcp { 80, from = group "cli" },
                          tcp { 22, from = group "ops" } } }
group "srv2" { ingress = { tcp { "80-81", from = group "cli" },
                           udp { 53, from = group "cli" } } }
group "cli" { ingress = {} }
group "ops" { ingress = {} }
members "cli" { %s }
members "ops" { "198.18.2.1" }
%s
'''
ONE = '"198.18.1.1"'


def tables():
    """Table numbers by name, from the source."""
    with open(os.path.join(TOP, 'plugin', 'compile', 'pipeline.h')) as f:
        return {m[0]: int(m[1]) for m in
                re.findall(r'SG_TABLE\((\w+),\s*(\d+)\)', f.read())}


TABLES = tables()
REVOCATION = ('EG_REVIEW', 'EG_REVIEWED', 'IN_REVIEW', 'IN_REVIEWED', 'EG_CT',
              'IN_CT')


def many():
    lab = Lab(POLICY % (ONE, ''))
    for n in range(1, 9):
        lab.guest('srv%d' % n, 'srv' if n % 2 else 'srv2')
    lab.guest('cli1', 'cli')
    lab.uplink()
    lab.remote('m1', '198.18.1.1', '2001:db8:9::1')
    lab.remote('m2', '198.18.1.2', '2001:db8:9::2')
    return lab.start()


def table_of(event):
    return int(re.search(r'table=(\d+)', event).group(1)) \
        if 'table=' in event else 0


def per_table(events):
    """{name of table: flow mods}, revocation flows under "revocation"."""
    names = {number: name for name, number in TABLES.items()}
    counts = {}
    for event in events:
        name = names.get(table_of(event), table_of(event))
        name = 'revocation' if name in REVOCATION else name
        counts[name] = counts.get(name, 0) + 1
    return counts


def show(events):
    return '\n'.join(events[:40])


@test('a remote member joins a class that exists: one flow mod per address',
      lab=many, fresh=True)
def _(lab):
    with lab.watch_flows() as watch:
        lab.reload(POLICY % (ONE + ', "198.18.1.2"', ''))
        events = watch.take()
    lab.equal(per_table(events), {'IN_CLASS': 1}, 'flow mods:\n' +
              show(events))
    lab.expect(lab.m2, lab.srv1, 'tcp', 80, True, family=4)


@test('ten join at once: ten flow mods', lab=many, fresh=True)
def _(lab):
    with lab.watch_flows() as watch:
        lab.reload(POLICY % (ONE + ''.join(', "198.18.1.%d"' % n
                                           for n in range(2, 12)), ''))
        events = watch.take()
    lab.equal(per_table(events), {'IN_CLASS': 10}, 'flow mods:\n' +
              show(events))


@test('a remote member leaves: one flow mod, revocation counted apart',
      lab=many, fresh=True)
def _(lab):
    lab.reload(POLICY % (ONE + ', "198.18.1.2"', ''))
    conn = lab.connect(lab.m2, lab.srv1, 'tcp', 80)
    with lab.watch_flows() as watch:
        lab.reload(POLICY % (ONE, ''))
        events = watch.take()
    counts = per_table(events)
    revocation = counts.pop('revocation', 0)
    lab.equal(counts, {'IN_CLASS': 1}, 'flow mods:\n' + show(events))
    # Two profiles hold rules that name the group.
    lab.check(revocation <= 20, '%d revocation flow mods:\n%s'
              % (revocation, show(events)))
    conn.expect_cut('m2 left')


@test('revocation flows go when no connection needs them', lab=many,
      fresh=True)
def _(lab):
    before = lab.flows()
    lab.reload(POLICY % (ONE + ', "198.18.1.2"', ''))
    lab.reload(POLICY % (ONE, ''))
    wait_until(lambda: lab.flows() == before, 15, 0.2)
    lab.equal(lab.flows(), before, 'flows')


@test('reloading an unchanged policy touches nothing', lab=many)
def _(lab):
    with lab.watch_flows() as watch:
        lab.reload()
        lab.equal(watch.take(), [], 'flow mods')
        lab.reload('-- A comment moves all lines.\n\n' + POLICY % (ONE, ''))
        lab.equal(watch.take(), [], 'flow mods after lines moved')


@test('writing the same values into the database touches nothing', lab=many)
def _(lab):
    with lab.watch_flows() as watch:
        lab.set_ids(lab.srv1, sg_groups='srv')
        lab.set_ids(lab.srv1, foreign_key='x')
        lab.sandbox.vsctl('set', 'Bridge', 'br0', 'external_ids:a=b')
        lab.settle()
        lab.equal(watch.take(), [], 'flow mods')


@test('a port whose profile exists touches its own flows only', lab=many,
      fresh=True)
def _(lab):
    with lab.watch_flows() as watch:
        lab.guest('new', 'srv', number=50)
        lab.settle()
        events = watch.take()
    counts = per_table(events)
    for name in ('EG_L4', 'IN_L4', 'EG_CELL', 'IN_CELL', 'EG_PROFILE',
                 'IN_PROFILE'):
        lab.check(name not in counts, '%d flow mods in %s:\n%s'
                  % (counts.get(name, 0), name, show(events)))
    lab.check(len(events) <= 60, '%d flow mods:\n%s' % (len(events),
                                                        show(events)))
    others = [e for e in events if re.search(
        r'in_port="?srv\d|in_port=[1-9]\b', e)]
    lab.equal(others, [], 'flow mods of other ports')


@test('a port that is a member of a class that exists: its addresses only',
      lab=many, fresh=True)
def _(lab):
    with lab.watch_flows() as watch:
        lab.guest('cli2', 'cli', number=51)
        lab.settle()
        events = watch.take()
    counts = per_table(events)
    lab.equal(counts.get('IN_CLASS'), 2, 'class flows, one per address:\n'
              + show(events))
    for name in ('EG_L4', 'IN_L4', 'IN_CELL', 'EG_CELL'):
        lab.check(name not in counts, '%s in %s' % (name, counts))
    lab.expect(lab.cli2, lab.srv1, 'tcp', 80, True)


@test('a rule added to a pair that exists costs its L4 flows', lab=many,
      fresh=True)
def _(lab):
    with lab.watch_flows() as watch:
        lab.reload((POLICY % (ONE, '')).replace(
            'tcp { 80, from = group "cli" },',
            'tcp { 80, from = group "cli" }, tcp { 90, from = group "cli" },'))
        events = watch.take()
    lab.equal(set(per_table(events)), {'IN_L4'}, 'tables:\n' + show(events))
    lab.check(len(events) <= 2, '%d flow mods:\n%s' % (len(events),
                                                       show(events)))
    lab.expect(lab.m1, lab.srv1, 'tcp', 90, True, family=4)


@test('a class that is new costs its address and its cells', lab=many,
      fresh=True)
def _(lab):
    with lab.watch_flows() as watch:
        lab.reload(POLICY % (ONE, 'members "ops" { "198.18.1.1" }'))
        events = watch.take()
    counts = per_table(events)
    counts.pop('revocation', None)
    lab.check(counts.get('IN_CLASS') == 1 and sum(counts.values()) <= 8 and
              set(counts) <= {'IN_CLASS', 'IN_CELL'},
              'flow mods: %s\n%s' % (counts, show(events)))


@test('a port has at most 40 flows of its own', lab=many, fresh=True)
def _(lab):
    before = len(lab.flows())
    for n in range(60, 70):
        lab.guest('more%d' % n, 'srv', number=n)
    lab.settle()
    per_port = (len(lab.flows()) - before) / 10
    lab.check(per_port <= 40, '%.1f flows per port' % per_port)


@test('what comes and goes leaves no flow behind', lab=many, fresh=True)
def _(lab):
    before = lab.flows()
    lab.guest('new', 'srv2', number=50)
    lab.settle()
    lab.reload(POLICY % (ONE + ', "198.18.3.3"', 'group "x" { ingress = '
                                                 '{ tcp { 1, from = any } } }'))
    lab.set_ids(lab.srv1, sg_groups='srv x')
    lab.set_ids(lab.srv1, sg_groups='srv')
    lab.remove_port(lab.new)
    lab.reload(POLICY % (ONE, ''))
    wait_until(lambda: lab.flows() == before, 15, 0.2)
    lab.equal(lab.flows(), before, 'flows')


run()
