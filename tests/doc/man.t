#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The manual pages are clean, and say what there is: options, commands, keys
and exit statuses; and so does --help, on one screen.  The words of the policy
language are held to ovs-sg-policy(5) by tests/script/words.t."""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'e2e'))

from harness import Failure, Skip, run, test            # noqa: E402
from harness.agent import TOP, program                  # noqa: E402
from harness.process import command                     # noqa: E402

SOURCE = os.environ.get('SG_SRCDIR', TOP)
PROGRAMS = {'ovs-sgd': 'ovs-sgd.8', 'ovs-sgctl': 'ovs-sgctl.8'}
PAGES = [*PROGRAMS.values(), 'ovs-sg-policy.5']
SCREEN = (24, 80)
OPTION = re.compile(r'(?<![\w-])--([a-z][a-z-]*)')


def read(*path):
    with open(os.path.join(SOURCE, *path)) as f:
        return f.read()


def plain(page):
    """A page's source without what is for the formatter."""
    text = re.sub(r'^\.\\".*\n', '', read('man', page), flags=re.M)
    text = re.sub(r'\\f[BIR]|\\:', '', text).replace('\\-', '-')
    return text.replace('""', '"')


def same(told, there, what):
    told, there = set(told), set(there)
    if told != there or not there:
        raise Failure('%s: told and not there: %s; there and not told: %s' % (
            what, sorted(told - there), sorted(there - told)))


def help_of(name):
    result = command([program(name), '--help'],
                     env=dict(os.environ, OVS_RUNDIR='/var/run/openvswitch'))
    if result.status != 0 or result.err:
        raise Failure(str(result))
    return result.out


def options_of(name):
    """All that the program takes: getopt_long() lists what could be meant by
    an option without a name."""
    result = command([program(name), '--=x'])
    names = re.findall(r"'--([a-z-]+)'", result.err)
    if len(names) < 10:
        raise Failure(str(result))
    return names


def man(page, *options, width=80):
    path = os.path.join(SOURCE, 'man', page)
    result = command(['man', *options, '-l', path],
                     env=dict(os.environ, MANWIDTH=str(width), TERM='dumb',
                              LC_ALL='C.UTF-8'))
    if 'minimized' in result.out or result.status != 0:
        raise Skip('man cannot format here: %s' % result)
    return result


for each in PAGES:
    @test('%s: no warnings, whatever the width' % each)
    def _(page=each):
        for width in (60, 80, 132):
            result = man(page, '--warnings', width=width)
            if result.err:
                raise Failure('%d columns: %s' % (width, result.err))

    @test('%s: the sections that people look for' % each)
    def _(page=each):
        # apropos(1) and the index of a system's pages are made of this line.
        text = plain(page)
        if not re.search(r'^\.SH NAME\n%s - \S.*\n' % page[:-2], text, re.M):
            raise Failure('no NAME that whatis(1) can read')
        wanted = ['DESCRIPTION', 'SEE ALSO']
        if page.endswith('.8'):
            wanted += ['SYNOPSIS', 'OPTIONS', 'EXIT STATUS', 'ENVIRONMENT']
        if page == 'ovs-sgd.8':
            wanted += ['FILES', 'SIGNALS']
        there = re.findall(r'^\.SH "?([A-Z ]+)"?$', text, re.M)
        if not set(wanted) <= set(there):
            raise Failure('sections are missing: %s'
                          % sorted(set(wanted) - set(there)))
        for name, section in re.findall(r'^\.BR (ovs-sg[\w-]*) \((\d)\)', text,
                                        re.M):
            if not os.path.exists(os.path.join(SOURCE, 'man', '%s.%s' % (
                    name, section))):
                raise Failure('there is no %s(%s)' % (name, section))


for each in PROGRAMS:
    @test('%s --help: every option, on one screen' % each)
    def _(name=each):
        text = help_of(name)
        lines = text.splitlines()
        if len(lines) > SCREEN[0] or max(map(len, lines)) >= SCREEN[1]:
            raise Failure('%d lines, up to %d columns:\n%s' % (
                len(lines), max(map(len, lines)), text))
        same(OPTION.findall(text), options_of(name), 'options')

    @test('%s: every option, and no other' % PROGRAMS[each])
    def _(name=each):
        # Where an option is explained, not where a sentence speaks of it.
        own = ''.join(re.findall(r'^\.(?:IP|IQ) (?:.*\\\n)*.*',
                                 plain(PROGRAMS[name]), re.M))
        same(OPTION.findall(own), options_of(name), 'options')


@test('ovs-sgctl.8 and --help: every command, and no other')
def _():
    there = re.findall(r'^    { "([a-z-]+)", ',
                       read('plugin', 'ctl', 'ovs-sgctl.c'), re.M)
    lines = help_of('ovs-sgctl').split('Commands:\n')[1].split('Options:')[0]
    same(re.findall(r'^  ([a-z-]+)', lines, re.M), there, '--help')
    section = plain('ovs-sgctl.8').split('.SH COMMANDS')[1].split('.SH ')[0]
    section = re.sub(r'^\.RS$.*?^\.RE$', '', section, flags=re.M | re.S)
    same(re.findall(r'^\.IP "([a-z-]+)', section, re.M), there, 'the page')


@test('ovs-sgd.8: every key of external_ids')
def _():
    there = set()
    for path in glob.glob(os.path.join(SOURCE, 'plugin', '*', '*.[ch]')):
        there |= set(re.findall(r'"(sg-[a-z-]+)"', read(path)))
    same(re.findall(r'\b(sg-(?!policy)[a-z-]+)\b',
                    plain('ovs-sgd.8').replace('ovs-sg', '')), there, 'keys')


@test('ovs-sgd.8: every variable of the environment')
def _():
    there = set()
    for path in glob.glob(os.path.join(SOURCE, 'plugin', '*', '*.c')):
        there |= set(re.findall(r'getenv\("(\w+)"\)', read(path)))
    section = plain('ovs-sgd.8').split('.SH ENVIRONMENT')[1].split('.SH ')[0]
    told = set(re.findall(r'^\.I[PQ] "(\w+)"', section, re.M))
    # Those of libopenvswitch and of OpenSSL are told, too.
    same({name for name in told if name.startswith('OVS_SG_')}, there, 'names')
    if not {'OVS_RUNDIR', 'OVS_LOGDIR'} <= told:
        raise Failure('told are %s' % sorted(told))


run()
