# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Results as JSON in a directory: RESULTS.json holds {part: {key: result}},
with where and when each was measured."""
import fcntl
import json
import os
import time


class Results:
    def __init__(self, directory, machine):
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.path = os.path.join(directory, 'results.json')
        self.machine = machine

    def all(self):
        try:
            with open(self.path) as f:
                return json.load(f)
        except FileNotFoundError:
            return {}

    def put(self, part, key, result):
        """Also if several parts are measured at the same time."""
        with open(os.path.join(self.directory, '.lock'), 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._put(part, key, result)

    def _put(self, part, key, result):
        everything = self.all()
        everything.setdefault(part, {})[key] = result
        everything.setdefault('measured', {})['%s %s' % (part, key)] = dict(
            self.machine, at=time.strftime('%Y-%m-%d %H:%M:%S UTC',
                                           time.gmtime()),
            load=os.getloadavg()[0])
        with open(self.path + '.new', 'w') as f:
            json.dump(everything, f, indent=1)
            f.write('\n')
        os.rename(self.path + '.new', self.path)
