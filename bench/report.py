# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The results of a run as a table: what was measured, beside the target."""


def rows(result):
    """(measure, value, target), all text."""
    cold = result['cold_start']
    yield 'flows', '%d' % cold['flows'], ''
    yield ('cold start', '%.2f s, %.2f x the floor of %.2f s' % (
        cold['seconds'], cold['to_floor'], result['floor_s']),
        '1 x the floor')
    yield ('  processor: agent to switch', '%.2f s to %.2f s' % (
        cold['agent_cpu_s'], cold['switch_cpu_s']), 'half')
    yield ('agent restart', '%.2f s, %.2f x dump and load (%.2f + %.2f s)' % (
        result['restart']['seconds'], result['restart']['to_floor'],
        result['restart']['dump_s'], result['restart']['load_s']),
        '1 x dump and load')
    yield '  flow mods', '%d' % result['restart']['flow_mods'], '0'
    yield ('memory of the agent', '%.1f MiB, %.1f at most' % (
        result['agent_memory_mib']['now'], result['agent_memory_mib']['most']),
        'under 64 MiB')
    yield 'idle', '%.2f %%' % result['idle_percent'], 'under 0.1 %'
    trip = result['round_trip']
    yield ('round trip of a flow mod', '%.3f ms, p99 %.3f' % (
        trip['median_ms'], trip['p99_ms']), '')
    for name, ways in result['changes'].items():
        for way, took in ways.items():
            yield ('%s: %s' % (name, way),
                   '%.1f ms, %.0f x a round trip; %d flow mods%s' % (
                       took['median_ms'], took['to_round_trip'],
                       took['flow_mods'], ' and %d of revocation'
                       % took['revocation'] if took['revocation'] else ''),
                   '2 x a round trip')


def text(result):
    lines = ['%s, scale %g: %d groups, %d rules, %d ports, %d remote members'
             % tuple(result[k] for k in ('scenario', 'scale', 'groups',
                                         'rules', 'ports', 'remote_members'))]
    table = list(rows(result))
    widths = [max(len(row[i]) for row in table) for i in (0, 1)]
    lines += ['  %-*s  %-*s  %s' % (widths[0], a, widths[1], b,
                                    'target: ' + c if c else '')
              for a, b, c in table]
    return '\n'.join(line.rstrip() for line in lines)
