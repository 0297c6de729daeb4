#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Every test that the pages below name is there, and every line of a table in
doc/contract-tests.md names one.

    restart.t: "the agent dies: ...", "and another one"; basic.t: "..."

Names of files without a folder are in tests/e2e/."""
import ast
import functools
import os
import re
import sys

SOURCE = os.environ.get('SG_SRCDIR') or os.path.realpath(os.path.join(
    os.path.dirname(os.path.realpath(__file__)), '..', '..'))

PAGES = ('doc/contract-tests.md', 'doc/architecture.md',
         'ovs-patches/README.md')

# A file, and the names behind it.  A name ends at a quote that is followed by
# what may follow a name: names hold quotes themselves.
FILE = re.compile(r'`?([\w/-]+\.t)`?: (?=")')
NAME = re.compile(r'"(.+?)"(?=, "|; | ?\||$)')

# Rows that need no test of their own.
ELSEWHERE = {'the tests above try both families'}


def read(path):
    with open(os.path.join(SOURCE, path)) as f:
        return f.read()


def text_of(node):
    """A string constant; of a formatted one what is sure, as a regular
    expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return re.sub('%[a-z]', '.*', text_of(node.left) or '')
    return None


@functools.lru_cache(maxsize=None)
def names_of(path):
    """The names of the tests in a file, as regular expressions."""
    names = []
    for node in ast.walk(ast.parse(read(path))):
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                and node.func.id == 'test' and node.args):
            names.append(text_of(node.args[0]) or '')
    return names


def is_there(path, name):
    if name.startswith('...'):
        return any(known.endswith(re.escape(name[3:]))
                   for known in names_of(path))
    return any(re.fullmatch(known, name) for known in names_of(path))


def references(line):
    """(file, name) of each test that a line names."""
    found = []
    marks = list(FILE.finditer(line))
    for i, mark in enumerate(marks):
        end = marks[i + 1].start() if i + 1 < len(marks) else len(line)
        path = mark.group(1)
        path = path if '/' in path else 'tests/e2e/' + path
        found += [(path, name)
                  for name in NAME.findall(line[mark.end():end])]
    return found


def rows(page):
    return [line for line in read(page).split('\n')
            if line.startswith('| ') and not line.startswith('|--')]


def problems_of(page):
    problems, count = [], 0
    for line in rows(page):
        found = references(line)
        count += len(found)
        for path, name in found:
            if not os.path.exists(os.path.join(SOURCE, path)):
                problems.append('there is no file %s' % path)
            elif not is_there(path, name):
                problems.append('%s has no test "%s"' % (path, name))
    return problems, count


def rows_without_test(page):
    cells = [line.strip('| ').split(' | ') for line in rows(page)]
    return [row[0] for row in cells
            if row[-1] not in ELSEWHERE and row[-1] != 'tests'
            and not references('| '.join(row))]


def main():
    results = []
    for page in PAGES:
        problems, count = problems_of(page)
        results.append(('the %d tests that %s names are there'
                        % (count, page), problems if count
                        else ['it names none']))
    results.append(('every line of %s names a test' % PAGES[0],
                    rows_without_test(PAGES[0])))
    print('1..%d' % len(results))
    for n, (title, problems) in enumerate(results, 1):
        print('%sok %d - %s' % ('not ' if problems else '', n, title))
        for problem in problems:
            print('# ' + problem)
    return any(problems for _, problems in results)


sys.exit(main())
