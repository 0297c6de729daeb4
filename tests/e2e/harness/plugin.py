# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The agent inside the switch: ovs-sg.so, told by the database what ovs-sgd is
told by options.

It cannot be killed or stopped alone.  Where a test does that to the process,
so that the switch goes on without an agent, the plugin is unloaded.
"""
import json
import os
import signal

from .agent import Agent, program
from .tap import Failure

SETTINGS = ('policy', 'observe', 'midstream-grace', 'conntrack-limit',
            'learn-idle', 'switch-unixctl', 'zones')


class Plugin(Agent):
    log = 'ovs-vswitchd.log'

    def __init__(self, sandbox, *policies, options=()):
        super().__init__(sandbox, *policies, options=options)
        self.path = program('ovs-sg.so')

    @property
    def child(self):
        """The process that it is in."""
        return self.sandbox.vswitchd

    @child.setter
    def child(self, value):
        pass

    @property
    def socket(self):
        return self.sandbox.path('ovs-vswitchd.%d.ctl' % self.child.pid)

    def settings(self):
        """What other_config is to say: {key: value}."""
        found = {'policy': ' '.join(self.policies)}
        for option in self.options:
            name, _, value = option[2:].partition('=')
            if name == 'policy':
                found[name] += ' ' + value
            elif name in SETTINGS:
                found[name] = value or 'true'
        return {'sg-' + name: value for name, value in found.items() if value}

    def start(self):
        if self.sandbox.switch_env != self.sandbox.env:
            self.sandbox.kill_vswitchd()
            self.sandbox.start_vswitchd()
            self.sandbox.wait_configured()
        clear = [word for name in SETTINGS for word in (
            '--', 'remove', 'Open_vSwitch', '.', 'other_config', 'sg-' + name)]
        self.sandbox.vsctl(
            *clear[1:], '--', 'set', 'Open_vSwitch', '.',
            'other_config:plugins=' + json.dumps(self.path),
            *('other_config:%s=%s' % (key, json.dumps(value))
              for key, value in self.settings().items()))
        if not self.status().endswith(', running'):
            raise Failure('ovs-sg.so does not start: %s\n%s' % (
                self.status(), self._last_words()))
        return self

    def status(self):
        """What `plugin/list' says of it, or nothing."""
        for line in self.sandbox.appctl('plugin/list').splitlines():
            path, _, state = line.partition(': ')
            if path == self.path:
                return state
        return ''

    def unload(self):
        self.sandbox.vsctl('remove', 'Open_vSwitch', '.', 'other_config',
                           'plugins')
        if self.status():
            raise Failure('ovs-sg.so is still there: ' + self.status())

    def kill(self):
        if self.child.running:
            self.unload()

    freeze = kill

    def thaw(self):
        self.start()

    def stop(self):
        """Unloads it, if the switch runs; returns sentences about what is
        left of it."""
        if not self.child or not self.child.running:
            return []
        self.child.signal(signal.SIGCONT)
        self.kill()
        return leftovers(self)


def leftovers(agent):
    """Sentences about what an unloaded plugin has left in the switch."""
    found = []
    with open('/proc/%d/maps' % agent.child.pid) as f:
        if os.path.basename(agent.path) in f.read():
            found.append('ovs-sg.so is still mapped')
    commands = agent.sandbox.appctl('list-commands')
    if ' sg/' in commands:
        found.append('commands are left:\n' + commands)
    with open('/proc/%d/task/%d/children' % (agent.child.pid,
                                             agent.child.pid)) as f:
        children = f.read().split()
    if children:
        found.append('child processes are left: %s' % children)
    return found
