# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The exercise of examples/three-tier on whatever makes its guests: who
reaches whom, expected from the policy and observed, side by side.

A subclass makes the guests with add() and does with them what it wants to
show; what is not as expected is noted by differ() and said by result().
"""
import time

from .netns import probe_all

# Seconds until a probe counts as refused: the kernel sends a lost SYN again
# after 1 and after 3 seconds, and a matrix begins with a flood of them.
PATIENCE = 1.5
MATRIX_PATIENCE = 3.5
# What should be answered is asked again: the machine may be busy.
LONG_PATIENCE = 15

# What is tried, from everyone to everyone: letter, name, protocol, port.
SERVICES = [('S', 'ssh', 'tcp', 22), ('H', 'http', 'tcp', 80),
            ('Q', 'http/3', 'udp', 443), ('A', 'app', 'tcp', 8080),
            ('D', 'database', 'tcp', 5432)]

# What three-tier.lua says, in other words: (from, to): letters.
OUTSIDE = ('office', 'client')
INGRESS = {('office', 'bastion'): 'S', ('any', 'web'): 'HQ',
           ('bastion', 'web'): 'S', ('bastion', 'app'): 'S',
           ('bastion', 'db'): 'S', ('web', 'app'): 'A', ('app', 'db'): 'D'}


def service(letter):
    return next(s for s in SERVICES if s[0] == letter)


def say(text=''):
    print(text, flush=True)


def title(text):
    say('\n== ' + text)


class Guest:
    """A guest of the exercise; 'net' is its netns.Peer."""

    def __init__(self, name, tier, net):
        self.name = name
        self.tier = tier
        self.net = net


class Exercise:
    services = SERVICES                 # What is tried.

    def __init__(self):
        self.guests = []
        self.wrong = []
        self.ingress = dict(INGRESS)    # What the policy says now.

    def differ(self, text):
        """Notes that something is not as the policy says."""
        self.wrong.append(text)
        say('   WRONG: ' + text)

    def add(self, name, tier, net):
        """A guest, which answers to all services."""
        for _, _, proto, number in self.services:
            net.serve(proto, number)
        guest = Guest(name, tier, net)
        self.guests.append(guest)
        return guest

    def guest(self, name):
        return next(g for g in self.guests if g.name == name)

    # Who reaches whom.

    def expected(self, source, target):
        """The letters of the services that 'source' reaches on 'target'.  The
        database servers open no connections but for backups."""
        if source.tier == 'db':
            return ''
        if target.tier in OUTSIDE:
            return ''.join(s[0] for s in self.services)     # Not guarded.
        allowed = self.ingress.get((source.tier, target.tier), '') + \
            self.ingress.get(('any', target.tier), '')
        return ''.join(s[0] for s in self.services if s[0] in allowed)

    def matrix(self):
        title('Who reaches whom: expected from the policy, and observed')
        say('   ' + ', '.join('%s %s (%s/%d)' % s for s in self.services))
        say('   all: each of these; ".": none of them')
        start = time.monotonic()
        observed, disagree = self.observe()
        say('   %d connections were tried over IPv4 and IPv6 (%.1f s).\n'
            % (len(self.guests) * (len(self.guests) - 1)
               * len(self.services) * 2, time.monotonic() - start))
        self.print_matrix(observed)
        for text in disagree:
            self.differ(text)
        bad = [(a, b) for a in self.guests for b in self.guests
               if a is not b and observed[a, b] != self.expected(a, b)]
        for a, b in bad:
            self.differ('%s to %s: expected "%s", observed "%s"' % (
                a.name, b.name, self.expected(a, b), observed[a, b]))
        if not bad and not disagree:
            say('   Everything is as expected.')

    def observe(self):
        """{(from, to): letters} and sentences about what is odd."""
        plan = {a: [(b, s, ip) for b in self.guests if b is not a
                    for s in self.services for ip in b.net.addresses]
                for a in self.guests}
        answers = self.ask(plan)
        reached, odd = {}, []
        for a in self.guests:
            for (b, tried, ip), answer in zip(plan[a], answers[a]):
                if answer not in (None, b.net.port):
                    odd.append('%s asked %s, but %s answered' % (
                        a.name, b.name, answer))
                reached[a, b, tried[0], ':' in ip] = answer == b.net.port
        letters = {}
        for a, b, letter, _ in reached:
            both = reached[a, b, letter, False], reached[a, b, letter, True]
            letters.setdefault((a, b), '')
            if letter not in letters[a, b] and any(both):
                letters[a, b] += letter
            if both[0] != both[1]:
                odd.append('%s to %s, %s: IPv4 %s, IPv6 %s' % (
                    a.name, b.name, letter, *both))
        return letters, sorted(set(odd))

    def ask(self, plan):
        """{from: [(to, service, address), ...]} to {from: [answer, ...]}."""
        def round_of(tries, patience):
            answers = probe_all(
                {a.net: [(s[2], ip, s[3]) for _, s, ip in tries[a]]
                 for a in tries}, patience)
            return {a: answers[a.net] for a in tries}

        answers = round_of(plan, MATRIX_PATIENCE)
        late = {a: [i for i, (b, s, _) in enumerate(plan[a])
                    if answers[a][i] is None and s[0] in self.expected(a, b)]
                for a in plan}
        again = {a: [plan[a][i] for i in late[a]] for a in late if late[a]}
        for a, second in round_of(again, LONG_PATIENCE).items():
            for i, answer in zip(late[a], second):
                answers[a][i] = answer
        return answers

    def print_matrix(self, observed):
        short = {g: g.name[0] + g.name[-1] if g.name[-1].isdigit()
                 else g.name[:3] for g in self.guests}
        heads = ''.join('%-4s' % short[g] for g in self.guests)
        width = len(heads)
        say('   %-13s%-*s   %s' % ('', width, 'expected', 'observed'))
        say('   %-13s%s   %s' % ('from      to:', heads, heads))

        everything = ''.join(s[0] for s in self.services)

        def cell(text):
            return '%-4s' % ('all' if text == everything else text or '.')
        for a in self.guests:
            halves = []
            for value in (lambda b, a=a: self.expected(a, b),
                          lambda b, a=a: observed[a, b]):
                halves.append(''.join('%-4s' % '-' if a is b else
                                      cell(value(b)) for b in self.guests))
            name = a.name if a.tier in OUTSIDE else \
                '%-9s %s' % (a.name, short[a])
            say('   %-13s%s   %s' % (name, *halves))
        say()

    # Single connections.

    def expect_reach(self, what, source, target, letter, wanted):
        """Over IPv4 and IPv6."""
        _, _, proto, port = service(letter)
        answers = probe_all({source.net: [(proto, ip, port) for ip in
                                          target.net.addresses]},
                            LONG_PATIENCE if wanted else PATIENCE)
        seen = {a is not None for a in answers[source.net]}
        self.expect(what, seen.pop() if len(seen) == 1 else None, wanted)

    def expect(self, what, seen, wanted):
        words = {True: 'yes', False: 'no', None: 'only over one of IPv4, IPv6'}
        say('   %-58s expected %-4s observed %s' % (what, words[wanted],
                                                    words[seen]))
        if seen != wanted:
            self.differ(what)

    def hold(self, source, target, letter):
        """Opens a connection over each of IPv4 and IPv6, and returns what
        exchange() needs to use them."""
        held = []
        for ip in target.net.addresses:
            name = '%s to %s' % (source.name, ip)
            source.net.ask(do='hold', name=name, address=ip,
                           port=service(letter)[3], timeout=LONG_PATIENCE)
            held.append((source, name))
        return held

    def exchange(self, held, wanted):
        """Sends on open connections; 'wanted' says whether that works."""
        for source, name in held:
            patience = LONG_PATIENCE if wanted else PATIENCE
            source.net.begin(do='exchange', name=name, timeout=patience)
            self.expect('open connection of %s works' % name,
                        source.net.finish(), wanted)

    # The end.

    def result(self):
        """Says what was found; returns the exit status."""
        title('Result')
        if self.wrong:
            say('   %d differences:' % len(self.wrong))
            for text in self.wrong:
                say('   - ' + text)
            return 1
        say('   Everything that was observed is what the policy says.')
        return 0
