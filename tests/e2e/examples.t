#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The examples whose addresses come from name servers and web servers, as they
are, with real ones: examples/allow-list and examples/inventory."""
import os

from harness import Lab, run, test, wait_until
from harness.agent import TOP
from harness.process import command
from harness.servers import (DnsServer, WebServer, certificate,
                             use_name_server)

PATIENCE = 60
RESOLVER = '192.0.2.53'
INVENTORY = 'inventory.example.net'
FAILS = (r'sg_addresses\|WARN\|addresses "',)


def example(name):
    with open(os.path.join(TOP, 'examples', name, name + '.lua')) as f:
        return f.read()


def resolver(lab):
    """The name server that the examples name, and that this host uses."""
    command(['ip', 'address', 'add', RESOLVER + '/32', 'dev', 'lo'])
    command(['ip', 'address', 'add', '2001:db8::53/128', 'dev', 'lo'])
    use_name_server(lab.sandbox, RESOLVER)
    lab.dns = DnsServer(lab.sandbox, 53, host=RESOLVER, domain='example.net')


def refresh(lab, name, expected):
    """Asks now, and not when the time has come, until the set has this."""
    def same():
        lab.agent.must('refresh', name)
        lab.agent.wait(60)
        return sorted(lab.agent.json('show', 'addresses:' + name)
                      ['prefixes']) == sorted(expected)
    lab.check(wait_until(same, PATIENCE, 0.2), '%s is not %s: %s' % (
        name, expected, lab.agent.json('show', 'addresses:' + name)))
    lab.settle()


# The allow-list.

NAMES = {'deb.example.net': ['198.51.100.10', '2001:db8:9::10'],
         'security.example.net': ['198.51.100.12'],
         'api.payments.example.com': ['203.0.113.20']}


def allow_list():
    lab = Lab(example('allow-list'))
    resolver(lab)
    lab.dns.set_names(NAMES)
    lab.dns.start()
    lab.guest('build', 'locked')
    lab.guest('shop', 'locked shop')
    lab.uplink()
    lab.remote('deb', '198.51.100.10', '2001:db8:9::10')
    lab.remote('mirror', '198.51.100.11')
    lab.remote('security', '198.51.100.12')
    lab.remote('payments', '203.0.113.20')
    return lab.start()


@test('allow-list: names, their failure, and their move under traffic',
      lab=allow_list)
def _(lab):
    lab.allow_log(*FAILS)
    lab.expect(lab.build, lab.deb, 'tcp', 443, True)
    lab.expect(lab.build, lab.security, 'tcp', 80, True, family=4)
    lab.expect(lab.build, lab.mirror, 'tcp', 443, False, family=4)
    lab.expect(lab.shop, lab.payments, 'tcp', 443, True, family=4)
    lab.expect(lab.build, lab.payments, 'tcp', 443, False, family=4)
    goes = lab.connect(lab.build, lab.deb, 'tcp', 443)
    stays = lab.connect(lab.build, lab.security, 'tcp', 443)

    lab.dns.stop()
    lab.agent.must('refresh', 'packages')
    lab.agent.wait(60)
    seen = lab.agent.json('show', 'packages')
    lab.check(seen['error'] and len(seen['prefixes']) == 3, seen)
    goes.expect_alive('without a name server')
    lab.expect(lab.shop, lab.deb, 'tcp', 443, True)

    lab.dns.set_names({**NAMES, 'deb.example.net': ['198.51.100.11',
                                                    '2001:db8:9::10']})
    lab.dns.start()
    # One goes, one comes: more than half of three.
    lab.agent.must('refresh', 'packages')
    lab.check(wait_until(lambda: lab.agent.json('show', 'packages')['refused'],
                         PATIENCE, 0.2), 'max_change refuses nothing: %s'
              % lab.agent.json('show', 'packages'))
    goes.expect_alive('refused')
    lab.agent.must('refresh', 'packages', '--force')
    lab.agent.wait(60)
    refresh(lab, 'packages', ['198.51.100.11', '198.51.100.12',
                              '2001:db8:9::10'])
    goes.expect_cut('the name has moved')
    stays.expect_alive('this one has not')
    lab.expect(lab.build, lab.mirror, 'tcp', 443, True, family=4)


# The inventory.

def hosts(*addresses):
    return {'hosts': [{'address': a, 'name': 'h%d' % n}
                      for n, a in enumerate(addresses)]}


AGENTS = ['198.18.1.%d' % n for n in range(1, 9)]


def inventory():
    lab = Lab(example('inventory'))
    resolver(lab)
    lab.dns.set_names({INVENTORY: ['127.0.0.1']})
    lab.dns.start()
    files = certificate(lab.sandbox, INVENTORY, 'DNS')
    # As if it were among the certificates of the system.
    lab.sandbox.env['SSL_CERT_FILE'] = files[0]
    lab.web = WebServer(lab.sandbox, 443, files).start()
    os.mkdir(lab.web.path('role'))
    lab.web.set('role/backup-agent', hosts(*AGENTS))
    lab.web.set('role/desk', hosts('198.18.2.1'))
    lab.web.set('partners.txt', '198.18.3.1  # one\n198.18.3.0/28\n')
    lab.guest('backup', 'backup')
    lab.guest('api', 'api')
    lab.uplink()
    lab.remote('agent1', '198.18.1.1')
    lab.remote('agent9', '198.18.1.9')
    lab.remote('desk', '198.18.2.1')
    lab.remote('partner', '198.18.3.1')
    return lab.start()


@test('inventory: its hosts, its failure, and its changes under traffic',
      lab=inventory)
def _(lab):
    lab.allow_log(*FAILS)
    lab.expect(lab.agent1, lab.backup, 'tcp', 8140, True, family=4)
    lab.expect(lab.agent9, lab.backup, 'tcp', 8140, False, family=4)
    lab.expect(lab.desk, lab.api, 'tcp', 443, True, family=4)
    lab.expect(lab.partner, lab.api, 'tcp', 443, True, family=4)
    agent = lab.connect(lab.agent1, lab.backup, 'tcp', 8140)
    partner = lab.connect(lab.partner, lab.api, 'tcp', 443)

    lab.web.stop()
    for name in 'agents', 'partners':
        lab.agent.must('refresh', name)
    lab.agent.wait(60)
    lab.settle()
    agent.expect_alive('the last inventory stays')
    partner.expect_cut('in doubt, no partner')

    lab.web.set('role/backup-agent', hosts())
    lab.web.start()
    refresh(lab, 'partners', ['198.18.3.0/28', '198.18.3.1'])
    lab.expect(lab.partner, lab.api, 'tcp', 443, True, family=4)
    refresh(lab, 'agents', AGENTS)
    lab.check('more than max_change' in
              lab.agent.json('show', 'agents')['refused'], 'max_change')
    agent.expect_alive('an inventory that lost its mind changes nothing')
    lab.web.set('role/backup-agent', hosts(*AGENTS[1:], '198.18.1.9'))
    refresh(lab, 'agents', AGENTS[1:] + ['198.18.1.9'])
    agent.expect_cut('another inventory')
    lab.expect(lab.agent9, lab.backup, 'tcp', 8140, True, family=4)


run()
