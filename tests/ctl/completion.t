#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""bash's completion of ovs-sgctl, in a real bash: commands, options, files,
and the groups, ports, bridges and sets of addresses of now."""
import os
import re

from offline import TOP, Failure, command, equal, holds, run, test

from harness import Lab
from harness.agent import environment, program

SOURCE = os.environ.get('SG_SRCDIR', TOP)
LIBRARY = '/usr/share/bash-completion/bash_completion'

# Presses Tab behind $words, as far as they go.  The names of the programs are
# those of the build.
SCRIPT = '''
. %s || exit 1
. %s || exit 1
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
compopt() { :; }
$(complete -p ovs-sgctl | sed 's/.* -F \\([^ ]*\\).*/\\1/')
printf '%%s\\n' "${COMPREPLY[@]}"
''' % (LIBRARY, os.path.join(SOURCE, 'debian', 'ovs-sgctl.bash'))

POLICY = '''
group "web" { ingress = { tcp { 80, from = addresses "office" } } }
group "db" {}
addresses "office" { file = "office.list" }
'''


def running():
    lab = Lab(POLICY)
    lab.write_policy('198.51.100.1', 'office.list')
    lab.guest('vm1', 'web')
    lab.guest('vm2', 'db')
    lab.uplink()
    return lab.start()


def complete(lab, *words):
    env = environment(lab and lab.sandbox)
    folders = {os.path.dirname(program(name))
               for name in ('ovs-sgctl', 'ovs-sgd')}
    env['PATH'] = ':'.join([*folders, env['PATH']])
    result = command(['bash', '-c', SCRIPT, 'bash', 'ovs-sgctl', *words],
                     env=env)
    if result.status or result.err:
        raise Failure(str(result))
    return sorted(result.out.split())


@test('commands')
def _():
    equal(complete(None, 'list-'), ['list-addresses', 'list-groups',
                                    'list-ports'])
    equal(complete(None, 'en'), ['enable'])
    everything = complete(None, '')
    text = command([program('ovs-sgctl'), '--help']).out
    equal(everything, sorted(re.findall(r'^  ([a-z-]+)  ', text, re.M)))


@test('options: all that there are, and values of --format')
def _():
    text = command([program('ovs-sgctl'), '--=x']).err
    there = set(re.findall(r"'(--[a-z-]+)'", text))
    # Nobody types those of logging.
    there -= {'--verbose', '--log-file', '--syslog-method', '--syslog-target'}
    told = {word.split('=')[0] for word in complete(None, '--')}
    equal(told, there)
    equal(complete(None, '--format=j'), ['--format=json'])
    equal(complete(None, '-f', 't'), ['table'])


@test('files, behind the commands that read some')
def _():
    for name in ('check', 'compile', 'test'):
        holds(os.path.join(SOURCE, 'examples', 'three-tier.lua') in complete(
            None, name, os.path.join(SOURCE, 'examples', 'three-tier.l')),
              name)


@test('names of now: groups, ports, bridges, addresses', lab=running)
def _(lab):
    lab.equal(complete(lab, 'show', 'w'), ['web'], 'groups')
    lab.equal(complete(lab, 'show', 'vm'), ['vm1', 'vm2'], 'ports')
    lab.equal(complete(lab, 'show', 'off'), ['office'], 'addresses')
    lab.equal(complete(lab, 'refresh', ''), ['office'], 'addresses')
    for name in ('enable', 'disable', 'observe'):
        lab.equal(complete(lab, name, ''), ['br0'], 'bridges')
    lab.equal(complete(lab, 'trace', 'vm1', 'v'), ['vm1', 'vm2'], 'to a port')
    lab.equal(complete(lab, 'trace', 'vm1', 'vm2', 'icmp'), ['icmp', 'icmp6'],
              'protocols')
    lab.equal(complete(lab, '--timeout=5', 'trace', 'vm1'), ['vm1'],
              'behind an option')
    lab.guest('vm3', 'db')
    lab.settle()
    lab.equal(complete(lab, 'trace', 'vm'), ['vm1', 'vm2', 'vm3'],
              'a port that came')


@test('without an agent it is silent')
def _():
    equal(complete(None, 'show', 'w'), [])


run()
