# Licensed under the Apache License, Version 2.0; see LICENSE.
"""How long a change takes until its last flow is in the switch, and how many
flow mods it takes, whoever makes them.

Before every change goes the bare round trip of one flow mod with its barrier,
so that both have met the same machine.
"""
import statistics
import time

from measure import cpu_ns, median, say, summary
from openflow import ADD, ADDED, DELETE_STRICT, Connection, FlowMonitor

QUIET = .15                     # No flow mod for so long: the change is done.
PATIENCE = 60
PROBE_TABLE = 200               # Where nobody has flows.


class Took:
    """What one change took."""

    def __init__(self, begin, loaded, trip, events, temporary, cpu):
        kept = [e for e in events if e.table not in temporary]
        # Temporary flows leave when nothing needs them any more, later.
        added = [e for e in events if e.table in temporary and e.what == ADDED]
        self.flow_mods = len(kept)
        self.temporary = len(added)
        # The event may have been seen only after it was answered.
        self.seconds = max(0, max(e.at for e in kept + added) - begin)
        self.load = loaded - begin if loaded else 0
        self.trip = trip                # None: see round_trip().
        self.cpu = cpu                  # {process: milliseconds}.


class Changes:
    """'pids' are processes, by name, whose time counts.  Flows in the tables
    'temporary' are counted apart."""

    def __init__(self, sandbox, bridge, repeat, pids, temporary=(),
                 budget=None):
        path = sandbox.path(bridge + '.mgmt')
        self.monitor = FlowMonitor(path)
        self.connection = Connection(path)
        self.repeat = repeat
        self.pids = pids
        self.temporary = temporary
        self.budget = budget            # Seconds for one repeated().
        self.results = {}
        self.trips = []
        self.loaded = None              # See took().
        self.trip = None                # The same.

    def close(self):
        self.monitor.close()
        self.connection.close()

    def _of_interest(self):
        return [e for e in list(self.monitor.events) if e.table != PROBE_TABLE
                and (e.what == ADDED or e.table not in self.temporary)]

    def _quiet(self, event=0):
        """Until nothing has changed for a while, nor since 'event': of a port
        the first flow may come long before the switch has its number."""
        while self.monitor.events and time.monotonic() - max(
                self.monitor.events[-1].at, event) < QUIET:
            time.sleep(.01)

    def round_trip(self):
        """Seconds, for one flow mod with its barrier."""
        times = []
        for command in ADD, DELETE_STRICT:
            begin = time.monotonic()
            self.connection.flow_mod(command, PROBE_TABLE, 1)
            times.append(time.monotonic() - begin)
            time.sleep(.01)
        return times

    def round_trip_of_port(self, begin):
        """For a change() that removed a port: what to compare with, as the
        switch reads nothing before it has done so, is a bare round trip that
        begins as soon as it says so, beside what is measured."""
        end = time.monotonic() + PATIENCE
        while self.monitor.port_gone is None:
            if time.monotonic() > end:
                raise RuntimeError('the switch does not remove the port')
            time.sleep(.0001)
        self.connection.flow_mod(ADD, PROBE_TABLE, 1)
        self.trip = time.monotonic() - begin
        self.connection.flow_mod(DELETE_STRICT, PROBE_TABLE, 1)

    def took(self, change):
        """Makes a change, and waits until it is there.  change() returns the
        time of its event, or None: that is the call.  Where a policy must be
        read first, it puts the time when that was done into 'self.loaded'."""
        cpu = {name: cpu_ns(pid) for name, pid in self.pids().items()}
        del self.monitor.events[:]
        self.loaded = self.trip = self.monitor.port_gone = None
        begin = time.monotonic()
        begin = change() or begin
        end = time.monotonic() + PATIENCE
        while not self._of_interest():
            if time.monotonic() > end:
                raise RuntimeError('a change changed no flow')
            time.sleep(.001)
        self._quiet(begin)
        return Took(begin, self.loaded, self.trip,
                    [e for e in self.monitor.events if e.table != PROBE_TABLE],
                    self.temporary,
                    {name: (cpu_ns(pid) - cpu[name]) / 1e6
                     for name, pid in self.pids().items() if name in cpu})

    def repeated(self, name, there, back, **more):
        """Both changes, as often as the budget allows."""
        taken = {there: [], back: []}
        trips = []
        begin = time.monotonic()
        for _ in range(self.repeat):
            for change in taken:
                self._quiet()
                trips += self.round_trip()
                taken[change].append(self.took(change))
            if self.budget and time.monotonic() - begin > self.budget:
                break
        self.trips += trips
        self.results[name] = {
            change.__name__: self._summary(took, median(trips), more)
            for change, took in taken.items()}
        say('  %s: %s', name, ', '.join('%s %.1f ms, %d flow mods' % (
            way, seen['median_ms'], seen['flow_mods'])
            for way, seen in self.results[name].items()))

    def _summary(self, took, trip, more):
        seconds = [each.seconds for each in took]
        trip = median([t.trip for t in took if t.trip]) or trip
        more = dict(more)
        if any(each.load for each in took):
            more['load_ms'] = round(median([t.load for t in took]) * 1e3, 3)
            # What is left may be nothing: the answer may come last.
            seconds = [max(0, t.seconds - t.load) for t in took]
        return dict(
            summary(seconds), **more,
            flow_mods=statistics.median_low([t.flow_mods for t in took]),
            temporary=statistics.median_low([t.temporary for t in took]),
            round_trip_ms=round(trip * 1e3, 3),
            to_round_trip=round(median(seconds) / trip, 1),
            cpu_ms={name: round(median([each.cpu.get(name, 0)
                                        for each in took]), 2)
                    for name in self.pids()})
