# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The results as Markdown, put into a page.

What is between the lines `<!-- bench NAME -->' and `<!-- end -->' is replaced
by the table of that name; the rest of the page is left alone.
"""
import re

import report
from datapath import PROFILED, TESTS, profile_of


def markdown(rows, left=1):
    """A table; the first row is the head."""
    rows = [[str(cell) for cell in row] for row in rows]
    yield '| %s |' % ' | '.join(rows[0])
    yield '|%s|' % '|'.join('---' if i < left else '--:'
                            for i in range(len(rows[0])))
    for row in rows[1:]:
        yield '| %s |' % ' | '.join(row)


def count(number):
    return format(number, ',')


def largest_ones(results):
    """{scenario: its result at the largest scale}."""
    return {name: report.largest(results['control'], name)
            for name in report.SHARE
            if report.largest(results['control'], name)}


def promises(results):
    return markdown(report.promises(results))


def scenarios(results):
    rows = [('scenario', 'local ports', 'remote members', 'flows',
             'cold start', 'floor', 'CPU of the agent', 'of the switch',
             'restart', 'dump and load', 'memory')]
    for name, r in largest_ones(results).items():
        cold = r['cold_start']
        rows.append((name, count(r['ports']), count(r['remote_members']),
                     count(r['flows']), '%.2f s' % cold['seconds'],
                     '%.2f s' % r['floor_s'], '%.2f s' % cold['agent_cpu_s'],
                     '%.2f s' % cold['switch_cpu_s'],
                     '%.2f s' % r['restart']['seconds'],
                     '%.2f s' % (r['restart']['dump_s'] + r['load_s']),
                     '%.0f MiB' % r['agent_memory_mib']['most']))
    return markdown(rows)


def peer_flows(results):
    rows = [('scenario, scale', 'ours', 'OVN', 'ours to OVN')]
    for key, peer in results.get('ovn', {}).items():
        ours = results['control'].get(key)
        if key != 'skipped' and ours:
            rows.append((key.replace('-1', ', 1').replace('-0.1', ', 0.1'),
                         count(ours['flows']), count(peer['flows']),
                         '%.2f' % (ours['flows'] / peer['flows'])))
    return markdown(rows)


def change_cells(took):
    load = ' after a load of %.0f ms' % took['load_ms'] \
        if 'load_ms' in took else ''
    return ('%.1f ms%s' % (took['median_ms'], load),
            '%.1f' % took['to_round_trip'], took['flow_mods'],
            took['temporary'], '%.1f ms' % took['cpu_ms']['agent'])


def changes(results):
    rows = [('scenario', 'change', '', 'until the last flow',
             'to a round trip', 'flow mods', 'temporary', 'CPU of the agent')]
    for name, r in largest_ones(results).items():
        rows += [(name, change, way, *change_cells(took))
                 for change, ways in r['changes'].items()
                 for way, took in ways.items()]
    return markdown(rows, 3)


def peer_changes(results, peer='ovn'):
    rows = [('scenario, scale', 'change', '', 'until the last flow',
             'flow mods', 'CPU of all processes')]
    for key, r in results.get(peer, {}).items():
        if key != 'skipped':
            rows += [(key, change, way, '%.0f ms' % took['median_ms'],
                      count(took['flow_mods']),
                      '%.0f ms' % sum(took['cpu_ms'].values()))
                     for change, ways in r['changes'].items()
                     for way, took in ways.items()]
    return markdown(rows, 3)


def neutron_changes(results):
    return peer_changes(results, 'neutron')


def traffic(results):
    variants = results['traffic']['three-tier']['variants']
    others = list(variants)[1:]
    rows = [('', *variants, *('%s to plain' % name for name in others))]
    for name, _, _, unit, _ in TESTS:
        for key, what in (('rates', unit), ('cpu_us_per_packet',
                                            'CPU us a packet')):
            cells = [v[key][name] for v in variants.values()]
            rows.append(('%s, %s' % (name, what),
                         *('%.3g' % c['median'] if c['median'] < 1000
                           else count(round(c['median'])) for c in cells),
                         *('%.2f' % c['ratio'] for c in cells[1:])))
    for test in PROFILED:
        for what, values in profile_of(test, variants):
            rows.append(('%s: %s' % (test, what),
                         *('%.3g' % value for value in values),
                         *('' for _ in others)))
    for key, text in (('upcalls_per_packet', 'upcalls'),
                      ('us_per_packet', 'CPU us')):
        rows.append(('a new flow, without megaflows: ' + text, *(
            '%.3g' % v['profile']['new flows'][key]
            for v in variants.values()), *('' for _ in others)))
    return markdown(rows)


def growth(results):
    rows = report.growth_rows(results['growth']['all'])
    return markdown(rows)


def machine(results):
    """One sentence."""
    last = max(results['measured'].values(), key=lambda m: m['at'])
    loads = [m['load'] for m in results['measured'].values()]
    yield '%s, %d processors, Linux %s; %s%s; measured until %s, with a ' \
        'load of %.0f to %.0f from others.' % (
            last['processor'], last['processors'], last['kernel'],
            last['open_vswitch'], ', ' + last['ovn'] if last['ovn'] else '',
            last['at'], min(loads), max(loads))


TABLES = {'promises': promises, 'scenarios': scenarios,
          'peer flows': peer_flows, 'changes': changes,
          'peer changes': peer_changes, 'neutron changes': neutron_changes,
          'traffic': traffic, 'growth': growth, 'machine': machine}


def fill(path, results):
    with open(path) as f:
        page = f.read()

    def table(match):
        lines = TABLES[match.group(1)](results)
        return '<!-- bench %s -->\n%s\n<!-- end -->' % (
            match.group(1), '\n'.join(lines))
    page = re.sub(r'<!-- bench ([\w ]+) -->\n.*?<!-- end -->', table, page,
                  flags=re.S)
    with open(path, 'w') as f:
        f.write(page)
