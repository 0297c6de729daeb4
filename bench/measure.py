# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Times, processes, the machine, and what comes of them."""
import os
import re
import statistics
import subprocess
import sys
import time

TICKS = os.sysconf('SC_CLK_TCK')


def say(text, *args):
    """Progress, on standard error."""
    sys.stderr.write('%s %s\n' % (time.strftime('%H:%M:%S'),
                                  text % args if args else text))
    sys.stderr.flush()


def timed(function, *args):
    """How long it takes (seconds), and what it returns."""
    begin = time.monotonic()
    result = function(*args)
    return time.monotonic() - begin, result


def cpu_seconds(pid):
    """User and system time of all threads of a process, and of the children
    that it has waited for."""
    with open('/proc/%d/stat' % pid) as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return sum(map(int, fields[11:15])) / TICKS


def cpu_ns(pid):
    """The time that all threads of a process have run, exactly; without what
    its children did."""
    total = 0
    folder = '/proc/%d/task' % pid
    for thread in os.listdir(folder):
        try:
            with open('%s/%s/schedstat' % (folder, thread)) as f:
                total += int(f.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def memory_mib(pid):
    """Resident set of a process and of its children, in MiB: what it is, and
    the most it was."""
    now = most = 0
    for each in [pid] + children(pid):
        try:
            with open('/proc/%d/status' % each) as f:
                for line in f:
                    if line.startswith('VmRSS'):
                        now += int(line.split()[1])
                    elif line.startswith('VmHWM'):
                        most += int(line.split()[1])
        except FileNotFoundError:
            pass
    return now / 1024, most / 1024


def children(pid):
    try:
        with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
            return [int(word) for word in f.read().split()]
    except FileNotFoundError:
        return []


def n_flows(sandbox, bridge):
    """All of a bridge's."""
    out = sandbox.must(['ovs-ofctl', '--timeout=60', 'dump-aggregate',
                        sandbox.mgmt(bridge)], 60)
    return int(re.search(r'flow_count=(\d+)', out).group(1))


def median(values):
    return statistics.median(values) if values else None


def summary(seconds):
    """A list of durations, in milliseconds."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {'n': len(ordered),
            'median_ms': round(median(ordered) * 1e3, 3),
            'p99_ms': round(ordered[min(last, round(.99 * last))] * 1e3, 3),
            'max_ms': round(ordered[-1] * 1e3, 3)}


def version(program):
    """What the program says it is, or None."""
    try:
        out = subprocess.run([program, '--version'], capture_output=True,
                             text=True, check=False).stdout
    except FileNotFoundError:
        return None
    return re.sub(r'\(.*?\) *', '', out.splitlines()[0]) if out else None


def machine():
    with open('/proc/cpuinfo') as f:
        models = re.findall(r'^model name\s*: (.*)', f.read(), re.M)
    return {'processor': models[0] if models else os.uname().machine,
            'processors': os.cpu_count(), 'kernel': os.uname().release,
            'open_vswitch': version('ovs-vswitchd'),
            'ovn': version('ovn-controller')}
