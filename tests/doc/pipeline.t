#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""doc/pipeline.md lists the tables, registers, bits of the mark, priorities
and kinds of cookie that plugin/compile/ has, with the same names and numbers."""
import os
import re
import sys

SOURCE = os.environ.get('SG_SRCDIR') or os.path.realpath(os.path.join(
    os.path.dirname(os.path.realpath(__file__)), '..', '..'))


def read(path):
    with open(os.path.join(SOURCE, path)) as f:
        return f.read()


HEADER = read('plugin/compile/pipeline.h')
NAMES = read('plugin/compile/pipeline.c')
PAGE = read('doc/pipeline.md')


def macros(name):
    """{(name, number)} of an X-macro's list."""
    return {(n, int(v)) for n, v in re.findall(
        r'^ +%s\((\w+), +(\d+)\)' % name, HEADER, re.M)}


def kinds():
    """{(name for people, number)}"""
    body = re.search(r'enum sg_cookie_kind \{(.*?)\n\};', HEADER, re.S)
    order = re.findall(r'^ +(SG_COOKIE_\w+),', body.group(1), re.M)
    names = dict(re.findall(r'\[(SG_COOKIE_\w+)\] = "([^"]+)"', NAMES))
    return {(names[kind], n) for n, kind in enumerate(order)}


def rows(title):
    """{(name, number)} of the table below a heading, whose first columns are
    number and name."""
    section = re.search(r'^## %s\n(.*?)(?=^## |\Z)' % title, PAGE,
                        re.S | re.M)
    return {(name, int(number, 0)) for number, name in re.findall(
        r'^\| +(\d+|0x\w+) +\| +`?([\w -]+?)`? +\|',
        section.group(1) if section else '', re.M)}


def priorities():
    return {(n, int(v)) for n, v in re.findall(
        r'^#define (SG_PRIO_\w+) +(\d+)', HEADER, re.M)}


def marks():
    return {(n, int(v, 0)) for n, v in re.findall(
        r'^#define (SG_MARK_\w+) +UINT32_C\((\w+)\)', HEADER, re.M)}


CHECKS = (('Tables', macros('SG_TABLE')), ('Registers', macros('SG_REGISTER')),
          ('Connection mark', marks()), ('Cookies', kinds()),
          ('Priorities in table 0', priorities()))

print('1..%d' % len(CHECKS))
bad = 0
for i, (title, code) in enumerate(CHECKS, 1):
    page = rows(title)
    good = bool(code) and page == code
    bad += not good
    print('%sok %d - doc/pipeline.md, %s: as in pipeline.h'
          % ('' if good else 'not ', i, title.lower()))
    if not good:
        print('# only in the code: %s' % sorted(code - page))
        print('# only in the page: %s' % sorted(page - code))
sys.exit(1 if bad else 0)
