#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Links between pages lead somewhere, to a heading too, and files of this tree
that a page names are there."""
import glob
import os
import re

SOURCE = os.environ.get('SG_SRCDIR') or os.path.realpath(os.path.join(
    os.path.dirname(os.path.realpath(__file__)), '..', '..'))

FOLDERS = ('', 'bench', 'doc', 'examples', 'examples/*', 'ovs-patches',
           'tests/*')
LINK = re.compile(r'\]\(([^)\s]+)\)')
NAMED = re.compile(r'`((?:bench|build-aux|doc|examples|lua|man|ovs-patches'
                   r'|plugin|tests)/[\w./-]+)`')

# Commands that look like files, and a page about files of Open vSwitch's tree.
COMMANDS = {'plugin/list', 'plugin/reload'}
ELSEWHERE = {'ovs-patches/README.md'}


def pages():
    for folder in FOLDERS:
        for path in glob.glob(os.path.join(SOURCE, folder, '*.md')):
            yield os.path.relpath(path, SOURCE)


def prose_of(page):
    with open(os.path.join(SOURCE, page)) as f:
        return re.sub(r'^```.*?^```', '', f.read(), flags=re.M | re.S)


def anchor_of(heading):
    """As GitHub makes it."""
    return re.sub(r'[^\w\- ]', '', heading.strip().lower()).replace(' ', '-')


def anchors_of(page):
    return {anchor_of(heading)
            for heading in re.findall(r'^#+ (.*)', prose_of(page), re.M)}


def is_there(page, link):
    path, _, anchor = link.partition('#')
    target = os.path.normpath(
        os.path.join(os.path.dirname(page), path) if path else page)
    if not os.path.exists(os.path.join(SOURCE, target)):
        return False
    return not anchor or anchor in anchors_of(target)


def is_file(name):
    """Of this tree; a program that is built is there as its source."""
    return any(os.path.exists(os.path.join(SOURCE, path))
               for path in (name, name + '.c'))


def wrong_of(page):
    prose = prose_of(page)
    wrong = [link for link in LINK.findall(prose)
             if ':' not in link and not is_there(page, link)]
    if page not in ELSEWHERE:
        wrong += [name for name in NAMED.findall(prose)
                  if name not in COMMANDS and '/build/' not in name
                  and not is_file(name)]
    return wrong


checked = sorted(set(pages()))
print('1..%d' % len(checked))
for number, page in enumerate(checked, 1):
    wrong = wrong_of(page)
    print('%s %d - %s: links and names of files' % (
        'not ok' if wrong else 'ok', number, page))
    for what in wrong:
        print('# %s: there is no %s' % (page, what))
