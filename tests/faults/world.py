# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The world of the campaign: who is there, what can change, who may talk to
whom and when.

What can change is a set of *toggles*, each of which is on or off.  A `Talk`
says for which settings of the toggles one host may open a connection to
another; it is written down by hand, next to the policy, and knows nothing of
rules and flows.  While a change is on its way a toggle may be both, and so may
the verdict.
"""
import itertools
import threading

CLIENT = ('198.18.0.9', '2001:db8:9::9')
PARTNER = ('198.51.100.7', '2001:db8:51::7')
SECOND = '192.0.2.204'                  # app2's other address.

# name -> groups; the numbers are the OpenFlow ports.
GUESTS = {'web1': 'web', 'web2': 'web', 'app1': 'app', 'app2': 'app',
          'db1': 'db', 'odd': 'spare', 'extra': 'web'}

# Those in the policy, and those in the database.
POLICY_TOGGLES = ('rule', 'udp', 'partner', 'egress')
DATABASE_TOGGLES = ('member', 'address', 'extra')
TOGGLES = POLICY_TOGGLES + DATABASE_TOGGLES


def policy(on):
    """The policy's text, for the toggles in 'on'."""
    return '''
group "web" { ingress = { tcp { 80, from = any }, icmp { from = any },
                          icmp6 { from = any },
                          tcp { 443, from = group "partners" }%s } }
group "app" { ingress = { tcp { 8080, from = group "web" }%s } }
group "db" { ingress = { tcp { 5432, from = group "app" } },
             egress = { %s } }
group "partners" {}
group "spare" { ingress = {} }
%s
''' % (', tcp { 81, from = any }' if 'rule' in on else '',
       ', udp { 5000, from = group "web" }' if 'udp' in on else '',
       'tcp { 443, to = "198.18.0.0/15" }' if 'egress' in on else '',
       'members "partners" { "%s", "%s" }' % PARTNER
       if 'partner' in on else '')


class Talk:
    """A connection that 'sender' may open if when(on) is true; 'when' depends
    on the toggles in 'on' only."""

    def __init__(self, sender, receiver, proto, port=None, family=4,
                 on=(), when=None):
        self.sender = sender
        self.receiver = receiver
        self.proto = proto
        self.port = port
        self.family = family
        self.on = on
        self.when = when or (lambda *values: all(values))

    def __str__(self):
        return '%s%s %s > %s%s' % (
            self.proto, '6' if self.family == 6 else '', self.sender,
            self.receiver, '' if self.port is None else ':%d' % self.port)


def _never(*_values):
    return False


def _both(*args, **kw):
    return [Talk(*args, family=family, **kw) for family in (4, 6)]


def talks():
    always = (
        _both('client', 'web1', 'tcp', 80) +
        _both('client', 'web2', 'icmp') +
        _both('web1', 'app1', 'tcp', 8080) +
        _both('app1', 'db1', 'tcp', 5432) +
        _both('app2', 'client', 'udp', 53) +
        [Talk('web2', 'app2', 'tcp', 8080), Talk('app1', 'web2', 'tcp', 80),
         Talk('odd', 'web2', 'tcp', 80), Talk('odd', 'client', 'udp', 123)])
    never = [t for args in (
        ('client', 'web1', 'tcp', 23), ('client', 'app1', 'tcp', 8080),
        ('client', 'db1', 'tcp', 5432), ('web1', 'db1', 'tcp', 5432),
        ('app1', 'app2', 'tcp', 8080), ('db1', 'web1', 'tcp', 80),
        ('client', 'odd', 'udp', 53), ('client', 'odd', 'tcp', 22),
        ('db1', 'client', 'tcp', 25), ('web1', 'app1', 'udp', 53),
        ('app1', 'db1', 'udp', 5432), ('partner', 'app1', 'tcp', 443),
        ('client', 'extra', 'tcp', 22)) for t in _both(*args, when=_never)]
    some = (
        _both('client', 'web1', 'tcp', 81, on=('rule',)) +
        _both('app1', 'web2', 'tcp', 81, on=('rule',)) +
        _both('web1', 'app1', 'udp', 5000, on=('udp',)) +
        _both('odd', 'app2', 'udp', 5000, on=('udp', 'member')) +
        _both('partner', 'web1', 'tcp', 443, on=('partner',)) +
        _both('partner', 'web2', 'tcp', 443, on=('partner',)) +
        _both('db1', 'client', 'tcp', 443, on=('egress',),
              when=lambda on: on)[:1] +
        _both('odd', 'app1', 'tcp', 8080, on=('member',)) +
        _both('client', 'odd', 'tcp', 80, on=('member',)) +
        _both('client', 'extra', 'tcp', 80, on=('extra',)) +
        _both('extra', 'app1', 'tcp', 8080, on=('extra',)) +
        [Talk('second', 'client', 'udp', 99, on=('address',)),
         Talk('second', 'web1', 'tcp', 80, on=('address',))])
    return always, never, some


class State:
    """What may be in force now.  Shared by the thread that changes things
    and the one that sends packets: hold 'lock'."""

    def __init__(self):
        self.lock = threading.RLock()
        self.values = {name: {False} for name in TOGGLES}
        self.values['extra'] = {True}
        self.connections = []           # Open ones; see traffic.py.
        self.loss = True                # Packets may be lost now.
        self.new_ports = set()          # That NORMAL may still flood to.
        self.no_database = False        # The database server is away.
        self.hole = False               # An operator let everything through.
        self.version = 0                # Changes with everything above.

    def verdicts(self, talk):
        """Whether it may be allowed now: a set of truth values."""
        with self.lock:
            choices = [self.values[name] for name in talk.on]
            return {bool(talk.when(*values))
                    for values in itertools.product(*choices)}

    def is_on(self, name):
        """What was asked for last; only if nothing is on its way."""
        (value,) = self.values[name]
        return value

    def widen(self, name, value):
        """'name' is about to become 'value'."""
        with self.lock:
            self.values[name] = self.values[name] | {value}
            self._doubt()

    def narrow(self, wanted):
        """All that 'wanted' says, and nothing else, is in force."""
        with self.lock:
            self.values = {name: {value} for name, value in wanted.items()}
            self._doubt()
            self.loss = self.hole = self.no_database = False
            self.new_ports = set()

    def forget_connections(self):
        """The switch has lost its connection table."""
        with self.lock:
            self.version += 1
            for connection in self.connections:
                connection.doubt = True

    def trust(self, connection, version):
        """'connection' lives; what happened since 'version' excepted."""
        with self.lock:
            if version == self.version and not self.loss and \
               self.verdicts(connection.talk) == {True}:
                connection.doubt = False

    def _doubt(self):
        self.version += 1
        for connection in self.connections:
            if False in self.verdicts(connection.talk):
                connection.doubt = True
