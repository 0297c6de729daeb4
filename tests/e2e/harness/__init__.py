# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The harness of the end-to-end tests: see lab.py and tap.py."""
from . import frames
from .guest import Echo, Host, Tcp, Udp, next_port
from .lab import Lab
from .process import wait_until
from .tap import Failure, Skip, diag, note, run, test

__all__ = ['frames', 'Echo', 'Host', 'Tcp', 'Udp', 'next_port', 'Lab',
           'wait_until', 'Failure', 'Skip', 'diag', 'note', 'run', 'test']
