# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Results as text."""
from datapath import PROFILED, TESTS, profile_of


def columns(rows):
    """Lines of aligned columns."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [('  ' + '  '.join(cell.ljust(width) for cell, width
                              in zip(row, widths))).rstrip() for row in rows]


def text_of_change(took):
    cpu = ', '.join('%s %.1f' % item for item in took['cpu_ms'].items())
    return '%s%.1f ms, %.1f x a round trip; %d flow mods%s; CPU ms: %s' % (
        'load %.1f ms, then ' % took['load_ms'] if 'load_ms' in took else '',
        took['median_ms'], took['to_round_trip'], took['flow_mods'],
        ' and %d temporary ones' % took['temporary'] if took['temporary']
        else '', cpu)


def text_of_turns(turns):
    return '; '.join('%s %s' % (when, 'not told' if not turn else
                                '%.1f ms (%s %.1f ms)' % (
                                    turn['ms'], turn['part'],
                                    turn['part_ms']))
                     for when, turn in turns.items())


def control(result):
    """One scenario at one scale."""
    cold, restart = result['cold_start'], result['restart']
    rows = [
        ('flows', '%d' % result['flows']),
        ('packets', result['directed']),
        ('cold start', '%.2f s, %.2f x the floor of %.2f s; CPU: agent %.2f s,'
         ' switch %.2f s' % (cold['seconds'], cold['to_floor'],
                             result['floor_s'], cold['agent_cpu_s'],
                             cold['switch_cpu_s'])),
        ('agent restart', '%.2f s, %.2f x dump and load (%.2f + %.2f s); %d '
         'flow mods' % (restart['seconds'], restart['to_floor'],
                        restart['dump_s'], result['load_s'],
                        restart['flow_mods'])),
        ('memory of the agent', '%.1f MiB, %.1f at most' % (
            result['agent_memory_mib']['now'],
            result['agent_memory_mib']['most'])),
        ('longest turn of the agent', text_of_turns(result['longest_turn'])),
        ('idle', '%.2f %% of a processor' % result['idle_percent']),
        ('round trip of a flow mod', '%.3f ms, p99 %.3f' % (
            result['round_trip']['median_ms'],
            result['round_trip']['p99_ms'])),
        ('round trip of the database', '%.3f ms' %
         result['database_round_trip']['median_ms'])]
    rows += [('%s: %s' % (name, way), text_of_change(took))
             for name, ways in result['changes'].items()
             for way, took in ways.items()]
    return '\n'.join(['%s, scale %g: %d groups, %d rules, %d ports, %d remote '
                      'members' % tuple(result[k] for k in (
                          'scenario', 'scale', 'groups', 'rules', 'ports',
                          'remote_members'))] + columns(rows))


def peer(name, result):
    """OVN, or Neutron's driver, on a scenario."""
    cold = result['cold_start']
    rows = [('flows', '%d' % result['flows']),
            ('policy, from commit to flows', '%.2f s; CPU s: %s' % (
                cold['seconds'], ', '.join('%s %.2f' % item for item
                                           in cold['cpu_s'].items()))),
            ('memory, MiB', ', '.join('%s %.0f' % item for item
                                      in result['memory_mib'].items()))]
    if 'restart' in result:
        rows.append(('restart of its agent', '%.2f s'
                     % result['restart']['seconds']))
    rows += [('%s: %s' % (name, way), text_of_change(took))
             for name, ways in result['changes'].items()
             for way, took in ways.items()]
    return '\n'.join(['%s, %s, scale %g' % (name, result['scenario'],
                                            result['scale'])]
                     + columns(rows))


def traffic(result):
    variants = result['variants']
    yield 'Traffic between two guests of one host, three-tier, %d ports; ' \
        'medians of %d rounds of %g s' % (
            result['ports'], result['rounds'], result['seconds'])
    for sentence in result['directed']:
        yield '  before: ' + sentence
    for name, why in result['skipped'].items():
        yield '  without %s: %s' % (name, why)
    yield '  %-32s%s%s' % ('', ''.join('%10s' % n for n in variants),
                           ''.join('%12s' % (n + '/plain')
                                   for n in list(variants)[1:]))

    def row(text, key, name):
        cells = [v[key][name] for v in variants.values()]
        return '  %-32s%s%s' % (
            text, ''.join('%10.4g' % c['median'] for c in cells),
            ''.join('%12.3f' % c['ratio'] for c in cells[1:]))

    def profile(text, values):
        return '  %-32s%s' % (text, ''.join('%10.4g' % v for v in values))
    for name, _, _, unit, _ in TESTS:
        yield row('%s, %s' % (name, unit), 'rates', name)
    yield '  Processor time of the switch, microseconds a packet:'
    for name, _, _, _, _ in TESTS:
        yield row('  ' + name, 'cpu_us_per_packet', name)
    for test in PROFILED:
        yield '  %s:' % test
        for what, values in profile_of(test, variants):
            yield profile('  ' + what, values)
    yield '  A new flow, without megaflows:'
    for key, text in (('upcalls_per_packet', 'upcalls'),
                      ('us_per_packet', 'processor time, us'),
                      ('us_per_upcall', 'that for an upcall, us')):
        yield profile('  ' + text, [v['profile']['new flows'][key]
                                    for v in variants.values()])


def growth_rows(results):
    """A row for each size, below a head."""
    rows = [('with', 'flows', 'cold start', 'floor', 'member', 'rule', 'port',
             'flow mods', 'memory')]
    for dimension, sizes in results.items():
        for size, result in sizes:
            changes = result['changes']
            ways = [changes['remote member, in a file']['join'],
                    changes['rule, in the policy']['add'],
                    changes['port of a known profile']['up']]
            rows.append((
                '%d %s' % (size, dimension), result['flows'],
                '%.2f s' % result['cold_start']['seconds'],
                '%.2f s' % result['floor_s'],
                *('%.1f ms' % way['median_ms'] for way in ways),
                ' '.join('%d' % way['flow_mods'] for way in ways),
                '%.1f MiB' % result['agent_memory_mib']['most']))
    return rows


def growth(results):
    return columns(growth_rows(results))


# The promises.

LARGEST = 'big-group'           # 50,000 members.
SHARE = {'mesh': .5, 'big-group': .5, 'three-tier': 1 / 3, 'dense': 1 / 3}


def largest(results, scenario):
    """The result of the scenario at the largest scale."""
    found = [r for r in results.values() if r['scenario'] == scenario]
    return max(found, key=lambda r: r['scale']) if found else None


def promise(what, value, target, form='%.2f'):
    """A row of the table, whose value must not exceed the target."""
    return (what, ('under ' if target else '') + form % target, form % value,
            'yes' if value <= target else 'NO')


def flows_promises(results):
    ovn = {k: r for k, r in results.get('ovn', {}).items()
           if k != 'skipped'}
    for key, peer in ovn.items():
        ours = results['control'].get(key)
        if ours:
            yield promise('flows, %s: %d, OVN %d' % (
                key, ours['flows'], peer['flows']),
                ours['flows'] / peer['flows'], SHARE[ours['scenario']])


# The scenario of each change: members of the largest group, a rule of a group
# of 200 local ports, a port in five groups.
LATENCY = [('big-group', 'remote member, in a file', 'join'),
           ('big-group', 'remote member, in a file', 'leave'),
           ('mesh', 'rule, in the policy', 'add'),
           ('dense', 'port of a known profile', 'up')]


def latency_promises(results):
    for name, change, way in LATENCY:
        result = largest(results['control'], name)
        if result and change in result['changes']:
            took = result['changes'][change][way]
            yield promise('%s x %g: %s: %s, %d flow mods, %.1f ms%s, to a '
                          'round trip of %.2f ms' % (
                              name, result['scale'], change, way,
                              took['flow_mods'], took['median_ms'],
                              ' after the load' if 'load_ms' in took else '',
                              took['round_trip_ms']),
                          took['to_round_trip'], 2, '%.1f')


def agent_promises(results):
    for name in SHARE:
        result = largest(results['control'], name)
        if not result:
            continue
        cold = result['cold_start']
        where = '%s x %g' % (name, result['scale'])
        yield promise('%s: cold start, to the floor of %.2f s' % (
            where, result['floor_s']), cold['to_floor'], 1)
        yield promise('%s: agent CPU, to that of the switch' % where,
                      cold['agent_cpu_s'] / max(.01, cold['switch_cpu_s']),
                      .5)
        for when, turn in result['longest_turn'].items():
            if turn:
                yield promise('%s: longest turn of the agent, %s, ms' % (
                    where, when), turn['ms'], 10, '%.1f')
    result = largest(results['control'], LARGEST)
    if result:
        where = '%s x %g' % (LARGEST, result['scale'])
        restart = result['restart']
        yield promise('%s: restart: flow mods' % where, restart['flow_mods'],
                      0, '%d')
        yield promise('%s: restart, to dump and load (%.2f s)' % (
            where, restart['dump_s'] + result['load_s']),
            restart['to_floor'], 1)
        yield promise('%s: memory of the agent, MiB' % where,
                      result['agent_memory_mib']['most'], 64, '%.0f')
        yield promise('%s: idle, %% of a processor' % where,
                      result['idle_percent'], .1)


def traffic_promises(result):
    ours = result['variants'].get('ours')
    other = result['variants'].get('ovn')
    if not ours:
        return
    for name, _, _, _, _ in TESTS:
        mine = ours['rates'][name]['ratio']
        theirs = other['rates'][name]['ratio'] if other else None
        yield ('%s, to plain forwarding' % name, 'above OVN\'s %s' % (
            '%.3f' % theirs if other else '(not measured)'), '%.3f' % mine,
            '-' if not other else 'yes' if mine > theirs else 'NO')
    many = ours['profile'][PROFILED[1]]
    yield promise('established: megaflows with ports',
                  many['established']['with_ports'], 0, '%d')
    yield promise('established: megaflows with addresses',
                  many['established']['with_addresses'], 0, '%d')
    if 'megaflows_then' in many:        # Not in results of before it was.
        yield promise('megaflows, after twice as many connections',
                      many['megaflows_then'], many['megaflows'], '%d')
    yield ('passes a packet, megaflows', 'stated', '%g, %d' % (
        many['passes'], many['megaflows']), 'OVN: %g, %d' % (
            other['profile'][PROFILED[1]]['passes'],
            other['profile'][PROFILED[1]]['megaflows']) if other else '-')


def promises(results):
    """Rows: what was promised beside what was measured."""
    rows = [('measure', 'target', 'measured', 'holds')]
    if 'control' in results:
        rows += flows_promises(results)
        rows += agent_promises(results)
        rows += latency_promises(results)
    if 'traffic' in results:
        rows += traffic_promises(results['traffic']['three-tier'])
    return rows


def table(results):
    why = results.get('ovn', {}).get('skipped')
    return ['The promises:'] + columns(promises(results)) + (
        ['OVN was left out: ' + why] if why else [])
