# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Before figures are taken: does the bridge do what its policy says, with the
very flows that are measured?

What is allowed and refused among the guests, for every variant; and for ours
that a guest sends only with its own addresses, and that a rule that goes ends
the connections it allowed.
"""
from harness.netns import probe_all
from measure import say
from model import allowed

# Web reaches app at 8080-8090; 8080 itself is the traffic generator's.
TRIED = [('tcp', 22), ('tcp', 80), ('tcp', 443), ('tcp', 8081), ('udp', 8081),
         ('tcp', 5432), ('tcp', 9999), ('udp', 53)]
LONG_PATIENCE = 15              # For what should be answered.
FOREIGN = '10.0.0.9/8', '02:00:0a:ff:ff:ff'     # Nobody's.


class Wrong(Exception):
    """The figures would mean nothing."""


def answered(guest, targets, patience):
    return [answer is not None for answer in probe_all(
        {guest: targets}, patience)[guest]]


def matrix(variant, patience):
    """Everyone tries everything with everyone; returns (tried, allowed)."""
    tries = [(a, b, family, proto, port) for a in variant.roles
             for b in variant.roles if a != b for family in (0, 1)
             for proto, port in TRIED]
    expected = [variant.name == 'plain' or allowed(
        variant.scenario, variant.roles[a], variant.roles[b], proto, port,
        family) for a, b, family, proto, port in tries]

    def observe(which, seconds):
        plan = {}
        for each in which:
            a, b, family, proto, port = tries[each]
            plan.setdefault(variant.guests[a], []).append(
                (proto, variant.guests[b].addresses[family], port))
        answers = {g: iter(found) for g, found in
                   probe_all(plan, seconds).items()}
        return {each: next(answers[variant.guests[tries[each][0]]])
                is not None for each in which}
    seen = observe(range(len(tries)), patience)
    # What should be answered is asked again: the machine may be busy.
    late = [i for i in seen if expected[i] and not seen[i]]
    if late:
        seen.update(observe(late, LONG_PATIENCE))
    bad = [tries[i] for i in seen if seen[i] != expected[i]]
    if bad:
        raise Wrong('%s: not what the policy says: %s' % (variant.name, bad))
    return len(tries), sum(expected)


def reaches(variant, wanted, patience):
    web, app = (variant.guests[role] for role in ('web', 'app'))
    return all(seen == wanted for seen in answered(
        web, [('tcp', app.addresses[0], 8081), ('udp', app.addresses[0],
                                                8081)],
        LONG_PATIENCE if wanted else patience))


def spoofing(variant, patience):
    """Web takes an address, then a MAC, that is not its own."""
    port = variant.roles['web']
    address, mac = port['ips'][0] + '/8', port['mac']
    settings = [(['address', 'replace', '%s', 'dev', 'eth0'],
                 ['address', 'del', '%s', 'dev', 'eth0'],
                 FOREIGN[0], address),
                (['link', 'set', 'eth0', 'address', '%s'], None,
                 FOREIGN[1], mac)]
    for put, take, foreign, own in settings:
        def ip(words, value):
            variant.run('web', 'ip', *(word if word != '%s' else value
                                       for word in words))
        if take:
            ip(take, own)
        ip(put, foreign)
        if not reaches(variant, False, patience):
            raise Wrong('%s: web is heard as %s' % (variant.name, foreign))
        if take:
            ip(take, foreign)
        ip(put, own)
        if not reaches(variant, True, patience):
            raise Wrong('%s: web is not heard as itself' % variant.name)


def revocation(traffic, variant, patience):
    """The rules that let web in go, with a connection open, and come back."""
    web, app = (variant.guests[role] for role in ('web', 'app'))
    web.ask(do='hold', name='held', address=app.addresses[0], port=8081,
            timeout=LONG_PATIENCE)

    def works(seconds):
        return web.ask(do='exchange', name='held', timeout=seconds)
    if not works(LONG_PATIENCE):
        raise Wrong('%s: an open connection is not served' % variant.name)
    traffic.reload(dict(traffic.scenario, groups=[
        dict(g, rules=[r for r in g['rules'] if g['name'] != 'app'
                       or r['remote'] != {'group': 'web'}])
        for g in traffic.scenario['groups']]))
    if works(patience) or not reaches(variant, False, patience):
        raise Wrong('%s: a connection outlives its rule' % variant.name)
    traffic.reload(traffic.scenario)
    if not reaches(variant, True, patience):
        raise Wrong('%s: a rule that is back allows nothing' % variant.name)


def check(traffic, patience):
    """Returns sentences about what was found right.  What should not be
    answered is given 'patience' seconds."""
    said = []
    for variant in traffic.variants:
        say('%s: is the policy in force?', variant.name)
        for guest in variant.guests.values():
            for proto, port in TRIED:
                guest.serve(proto, port)
        said.append('%s: %d connections tried, %d allowed, all as the policy '
                    'says' % (variant.name, *matrix(variant, patience)))
        if variant.name == 'ours':
            spoofing(variant, patience)
            revocation(traffic, variant, patience)
            said.append('ours: foreign addresses refused, revoked '
                        'connections stopped')
    return said
