# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Where the agent runs.

$SG_HOST says it for all tests: `ovs-sgd' (the default), a process beside
Debian's switch, or `ovs-sg.so', a plugin inside the switch of ovs-patches/.
The latter is found in $SG_OVS_PLUGIN_TREE, which `make check' sets, or where
build-aux/build-ovs has put it.
"""
import os
import subprocess

from .tap import Skip

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__),
                                    '..', '..', '..'))
BESIDE, INSIDE = 'ovs-sgd', 'ovs-sg.so'


def inside():
    """Does the agent run inside the switch?"""
    host = os.environ.get('SG_HOST', BESIDE)
    if host not in (BESIDE, INSIDE):
        raise ValueError('SG_HOST is %s, neither %s nor %s'
                         % (host, BESIDE, INSIDE))
    return host == INSIDE


def patched_tree():
    """The folder of the patched Open vSwitch."""
    tree = os.environ.get('SG_OVS_PLUGIN_TREE')
    if not tree:
        tree = subprocess.run(
            [os.path.join(TOP, 'build-aux', 'build-ovs'), '--patched',
             '--print'], capture_output=True, text=True,
            check=False).stdout.strip()
    if not tree:
        raise Skip('the patched switch is not built: run build-aux/build-ovs '
                   '--patched, and configure --with-ovs-plugin')
    return tree


def switch_files(patched):
    """The program and the database schema of a switch."""
    if patched:
        folder = os.path.join(patched_tree(), 'vswitchd')
        return (os.path.join(folder, 'ovs-vswitchd'),
                os.path.join(folder, 'vswitch.ovsschema'))
    return 'ovs-vswitchd', '/usr/share/openvswitch/vswitch.ovsschema'
