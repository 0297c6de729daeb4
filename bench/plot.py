# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Curves of the results, drawn by gnuplot as SVG."""
import os
import re
import shutil
import subprocess

from measure import say

LABELS = {'ports': 'local ports', 'members': 'remote members',
          'rules': 'rules of a group', 'groups': 'groups',
          'networks': 'networks'}
CHANGES = [('remote member, in a file', 'join', 'a member joins'),
           ('rule, in the policy', 'add', 'a rule is added'),
           ('port of a known profile', 'up', 'a port appears')]


def write(path, rows):
    with open(path, 'w') as f:
        f.writelines(' '.join(map(str, row)) + '\n' for row in rows)


def gnuplot(directory, name, size, commands):
    path = os.path.join(directory, name + '.svg')
    script = ['set terminal svg size %d,%d font "sans,11" background "white"'
              % size, 'set output "%s"' % path, 'set grid lc rgb "#dddddd"',
              'set key top left reverse Left samplen 2', 'set border 3',
              'set tics nomirror', 'unset mxtics', 'unset mytics',
              'set format x "%g"', 'set format y "%g"'] + commands
    subprocess.run(['gnuplot'], input='\n'.join(script), text=True, check=True)
    shrink(path)
    return path


def shrink(path):
    """Takes out the many groups that hold nothing."""
    with open(path) as f:
        text = f.read()
    n = 1
    while n:
        text, n = re.subn(r'<g\b[^>]*>\s*</g>\s*', '', text)
    with open(path, 'w') as f:
        f.write(re.sub(r'\s*\n\s*', '\n', text))


def draw_growth(directory, results):
    """Flows above, latencies below, a column for each dimension."""
    commands = ['set multiplot layout 2,%d' % len(results), 'set logscale x']
    for dimension, sizes in results.items():
        path = os.path.join(directory, 'growth-%s.dat' % dimension)
        write(path, [(size, r['flows'], *(
            max(.01, r['changes'][change][way]['median_ms'])
            for change, way, _ in CHANGES)) for size, r in sizes])
        commands += ['set xlabel "%s"' % LABELS[dimension],
                     'set title "flows"', 'set yrange [0:*]',
                     'plot "%s" u 1:2 w lp pt 7 ps .5 notitle' % path]
    for number, dimension in enumerate(results):
        path = os.path.join(directory, 'growth-%s.dat' % dimension)
        commands += ['set xlabel "%s"' % LABELS[dimension],
                     'set title "milliseconds"', 'set logscale y',
                     'set yrange [.1:1000]',
                     'unset key' if number else 'set key', 'plot ' + ', '.join(
                         '"%s" u 1:%d w lp pt 7 ps .5 title "%s"' % (
                             path, 3 + i, label)
                         for i, (_, _, label) in enumerate(CHANGES))]
    return gnuplot(directory, 'growth', (230 * len(results), 460), commands)


def draw_scale(directory, results):
    """Cold start beside its floor, and what it takes in flows and memory, over
    the scale of each scenario."""
    names = sorted({r['scenario'] for r in results.values()})
    for name in names:
        write(os.path.join(directory, 'scale-%s.dat' % name), sorted(
            (r['flows'], r['cold_start']['seconds'], r['floor_s'],
             r['agent_memory_mib']['most']) for r in results.values()
            if r['scenario'] == name))

    def curves(column, title):
        return ', '.join('"%s/scale-%s.dat" u 1:%s w lp pt 7 ps .5 title "%s"'
                         % (directory, name, column, title % name)
                         for name in names)
    commands = ['set multiplot layout 1,2', 'set logscale xy',
                'set xlabel "flows"', 'set title "cold start to the floor"',
                'unset logscale y', 'set yrange [0:*]',
                'plot %s, 1 lc rgb "black" dt 2 notitle' % curves(
                    '($2/$3)', '%s'),
                'set title "memory of the agent, MiB"',
                'plot %s' % curves('4', '%s')]
    return gnuplot(directory, 'scale', (800, 320), commands)


def draw(results):
    """Returns the paths of the pictures."""
    if not shutil.which('gnuplot'):
        say('no curves: gnuplot is not installed (Debian: gnuplot-nox)')
        return []
    everything = results.all()
    paths = []
    if 'growth' in everything:
        paths.append(draw_growth(results.directory,
                                 everything['growth']['all']))
    if 'control' in everything:
        paths.append(draw_scale(results.directory, everything['control']))
    return paths
