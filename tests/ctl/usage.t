#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The command line of ovs-sgctl: what makes no sense exits with 2."""
from offline import Folder, equal, holds, run, sgctl, test

COMMANDS = ('check compile test reload wait trace enable disable list-groups '
            'list-ports list-addresses refresh show').split()


def refused(*args, saying):
    result = sgctl(Folder(), *args)
    equal(result.status, 2, result)
    equal(result.out, '', result)
    holds(saying in result.err, result)


@test('a command is needed')
def _():
    refused(saying='a command is missing')


@test('an unknown command is refused, with a suggestion')
def _():
    refused('chek', 'x', saying="did you mean 'check'?")
    refused('frobnicate', saying="unknown command 'frobnicate'")


@test('an unknown option is refused')
def _():
    refused('--frobnicate', 'check', 'x', saying='--frobnicate')


@test('arguments that are missing or too many are refused')
def _():
    refused('check', saying='check PATH...')
    refused('compile', saying='compile PATH...')
    refused('trace', 'a', 'b', saying='trace FROM TO PROTO [PORT]')
    refused('trace', 'a', 'b', 'tcp', '1', '2', saying='fewer arguments')
    refused('enable', saying='enable BRIDGE')
    refused('show', saying='show NAME')
    for name in 'reload', 'wait', 'list-groups', 'list-ports':
        refused(name, 'x', saying='fewer arguments')


@test('options are refused where they mean nothing')
def _():
    refused('test', '--ports=f', 'x', saying='takes no option --ports')
    refused('check', '--timeout=5', 'x', saying='takes no option --timeout')
    refused('wait', '--stage=flows', saying='takes no option --stage')
    refused('--format=json', 'compile', 'x', saying='--format')


@test('values of options are checked')
def _():
    refused('--format=xml', 'list-ports', saying='table and json')
    for value in '0', '-1', 'soon', '':
        refused('wait', '--timeout=' + value, saying='not a number of seconds')
    refused('compile', '--stage=soup', 'x', saying='the stages are policy, ')


@test('--help names every command and fits a screen')
def _():
    result = sgctl(Folder(), '--help')
    equal(result.status, 0, result)
    for name in COMMANDS:
        holds('\n  %s ' % name in result.out, '%s: %s' % (name, result))
    lines = result.out.split('\n')
    holds(len(lines) <= 24 and max(map(len, lines)) < 80, result)


@test('--version tells ours and that of the library')
def _():
    result = sgctl(Folder(), '--version')
    equal(result.status, 0, result)
    holds(result.out.startswith('ovs-sgctl '), result)
    holds('Open vSwitch Library' in result.out, result)


run()
