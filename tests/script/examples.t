#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Each example is clean, says in a README what it is, and passes its policy
test; and the test is worth something: it fails when a rule is taken out of the
policy."""
import glob
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'ctl'))

from offline import (TOP, Failure, Folder, equal, holds, run,   # noqa: E402
                     sgctl, test)

SOURCE = os.environ.get('SG_SRCDIR', TOP)
# A folder without any policy of its own (mininet) is no example of one.
EXAMPLES = sorted({os.path.join(os.path.dirname(path), '') for path in
                   glob.glob(os.path.join(SOURCE, 'examples', '*', '*.lua'))})


def policy_of(folder):
    name = os.path.basename(folder.rstrip('/'))
    return os.path.join(folder, name + '.lua')


def without_rules(line):
    """What remains of a line of a policy if its rules are taken out; None if
    it has none."""
    if re.match(r'\s+(?!group)[\w.]+(\(.*\)|( \{.*\}))?,$', line):
        return ''
    sides = re.match(r'(\s+(?:in|e)gress +=) \{ .+ \},$', line)
    return sides and sides[1] + ' {},'


def holds_after(copy, line, text):
    """Does the test of the example in 'copy' pass when line 'line' of the
    policy is 'text'?  None if the policy does not load then."""
    path = policy_of(copy)
    with open(path) as f:
        before = f.read()
    lines = before.splitlines()
    lines[line] = text
    with open(path, 'w') as f:
        f.write('\n'.join(lines) + '\n')
    result = sgctl(Folder(), 'test', os.path.join(copy, 'test.lua'))
    with open(path, 'w') as f:
        f.write(before)
    return None if 'did not load' in result.out else result.status == 0


@test('there are examples')
def _():
    holds(len(EXAMPLES) >= 5, EXAMPLES)


for example in EXAMPLES:
    name = os.path.relpath(example, SOURCE)

    @test('%s: the policy is clean and its test passes' % name)
    def _(example=example):
        holds(os.path.exists(os.path.join(example, 'README.md')), 'no README')
        result = sgctl(Folder(), 'check', policy_of(example))
        equal((result.status, result.out, result.err), (0, '', ''), result)
        result = sgctl(Folder(), 'test', os.path.join(example, 'test.lua'))
        holds(result.status == 0 and result.out.count('\nok ') > 5, result)

    @test('%s: the test fails without any rule of the policy' % name)
    def _(example=example):
        copy = os.path.join(Folder().path, os.path.basename(example[:-1]))
        # The tree may be read-only, as in distcheck.
        shutil.copytree(example, copy, copy_function=shutil.copyfile)
        for folder, _, _ in os.walk(copy):
            os.chmod(folder, 0o755)
        with open(policy_of(copy)) as f:
            lines = f.read().splitlines()
        taken = 0
        for number, line in enumerate(lines):
            rest = without_rules(line)
            passes = (None if rest is None
                      else holds_after(copy, number, rest))
            if passes:
                raise Failure('line %d, %s, may go and nobody notices'
                              % (number + 1, line.strip()))
            taken += passes is False
        holds(taken > 1, 'only %d lines could be taken out' % taken)


run()
