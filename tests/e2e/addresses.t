#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""`addresses': sets from DNS, web servers and files, as they change, fail and
come back under traffic."""
import os
import re
import time

from harness import Lab, run, test, wait_until
from harness.servers import DnsServer, WebServer, certificate

PATIENCE = 60

# That the sources fail is what these tests are about.
FAILS = (r'sg_addresses\|WARN\|addresses "',)
GONE = (r'\.mgmt', r'db\.sock', r'onnect', r'\.ctl', r'transport error')


def prefixes(lab, name):
    return lab.agent.json('show', 'addresses:' + name)['prefixes']


def wait_prefixes(lab, name, expected):
    """Until the set has this value, in the switch, too."""
    expected = sorted(expected)
    wait_until(lambda: sorted(prefixes(lab, name)) == expected, PATIENCE, 0.1)
    lab.equal(sorted(prefixes(lab, name)), expected,
              'addresses "%s": %s' % (name, lab.agent.json('show', name)))
    lab.settle()


def wait_status(lab, name, key, pattern):
    """Until member 'key' of `show' matches; returns all of it."""
    def status():
        seen = lab.agent.json('show', 'addresses:' + name)
        return re.search(pattern, seen[key] or '') and seen
    seen = wait_until(status, PATIENCE, 0.1)
    lab.check(seen, '%s is no "%s": %s'
              % (key, pattern, lab.agent.json('show', name)))
    return seen


def remotes(lab):
    lab.guest('web1', 'web')
    lab.guest('web2', 'web')
    lab.uplink()
    for n in range(1, 5):
        lab.remote('r%d' % n, '198.18.1.%d' % n, '2001:db8:9::%d' % n)
    return lab


# DNS.

DNS = '''
addresses "crm" { dns = { "crm.example"%s }, nameservers = "%s", min_ttl = 1,
                  max_ttl = 1, timeout = 2%s }
group "web" { ingress = {}, egress = { tcp { 443, to = addresses "crm" } } }
'''


def dns_policy(lab, more='', options=''):
    return DNS % (more, lab.dns.address, options)


def with_dns():
    lab = Lab()
    lab.dns = DnsServer(lab.sandbox).start()
    lab.dns.set(crm=['198.18.1.1', '2001:db8:9::1'])
    lab.write_policy(dns_policy(lab))
    return remotes(lab).start()


@test('DNS: what the name stands for, A and AAAA, and nothing else',
      lab=with_dns)
def _(lab):
    wait_prefixes(lab, 'crm', ['198.18.1.1', '2001:db8:9::1'])
    lab.expect(lab.web1, lab.r1, 'tcp', 443, True)
    lab.expect(lab.web1, lab.r1, 'tcp', 444, False)
    lab.expect(lab.web1, lab.r2, 'tcp', 443, False)
    trace = lab.agent.json('trace', 'web1', '198.18.1.1', 'tcp', '443')
    lab.equal(trace['verdict'], 'allow', 'trace')


@test('DNS: a record changes under traffic: one connection is cut, one is not',
      lab=with_dns, fresh=True)
def _(lab):
    lab.dns.set(crm=['198.18.1.1', '198.18.1.2'])
    wait_prefixes(lab, 'crm', ['198.18.1.1', '198.18.1.2'])
    stays = lab.connect(lab.web1, lab.r1, 'tcp', 443)
    goes = lab.connect(lab.web1, lab.r2, 'tcp', 443)
    lab.dns.set(crm=['198.18.1.1', '198.18.1.3'])
    wait_prefixes(lab, 'crm', ['198.18.1.1', '198.18.1.3'])
    stays.expect_alive('its address is still there')
    goes.expect_cut('its address is not')
    lab.expect(lab.web1, lab.r3, 'tcp', 443, True, family=4)


@test('DNS: the server fails: the last good value stays; it comes back',
      lab=with_dns, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    conn = lab.connect(lab.web1, lab.r1, 'tcp', 443)
    lab.dns.stop()
    seen = wait_status(lab, 'crm', 'error', 'crm.example: no name server')
    lab.equal(seen['prefixes'], ['198.18.1.1', '2001:db8:9::1'], 'prefixes')
    lab.expect_state(lab.web1, 'active')
    lab.settle()
    conn.expect_alive('without a name server')
    lab.expect(lab.web2, lab.r1, 'tcp', 443, True)
    lab.reload()
    conn.expect_alive('after a reload')
    text = lab.agent.must('list-addresses')
    lab.check('no name server' in text, text)
    lab.dns.set(crm=['198.18.1.2'])
    lab.dns.start()
    wait_prefixes(lab, 'crm', ['198.18.1.2'])
    conn.expect_cut('another address')
    lab.equal(lab.agent.json('show', 'crm')['error'], None, 'error')


@test('DNS: a name that is lost does not take away what worked',
      lab=with_dns, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    lab.dns.set(other=['198.18.1.2'])
    seen = wait_status(lab, 'crm', 'error', 'there is no such name')
    lab.equal(len(seen['prefixes']), 2, 'prefixes')
    lab.expect(lab.web1, lab.r1, 'tcp', 443, True)
    lab.reload(dns_policy(lab, options=', on_error = "empty"'))
    wait_prefixes(lab, 'crm', [])
    lab.expect(lab.web1, lab.r1, 'tcp', 443, False)
    lab.expect_state(lab.web1, 'active')


@test('one address more or less costs one flow mod', lab=with_dns, fresh=True)
def _(lab):
    with lab.watch_flows() as watch:
        lab.dns.set(crm=['198.18.1.1', '2001:db8:9::1', '198.18.1.2'])
        wait_prefixes(lab, 'crm', ['198.18.1.1', '2001:db8:9::1',
                                   '198.18.1.2'])
        events = watch.take()
    lab.equal(len(events), 1, 'flow mods:\n%s' % '\n'.join(events))
    with lab.watch_flows() as watch:
        lab.dns.set(crm=['198.18.1.1', '2001:db8:9::1'])
        wait_prefixes(lab, 'crm', ['198.18.1.1', '2001:db8:9::1'])
        # Reviews have a priority of their own, and go by themselves.
        events = [e for e in watch.take()
                  if 'table=107' not in e and 'table=131' not in e]
    lab.equal(len(events), 1, 'flow mods:\n%s' % '\n'.join(events))


@test('a refresh that changes nothing touches nothing', lab=with_dns)
def _(lab):
    wait_prefixes(lab, 'crm', ['198.18.1.1', '2001:db8:9::1'])
    with lab.watch_flows() as watch:
        before = lab.dns.queries()
        lab.check(wait_until(lambda: lab.dns.queries() > before + 2, PATIENCE,
                             0.1), 'nobody asks again')
        lab.settle()
        lab.equal(watch.take(), [], 'flow mods')


@test('a reload keeps the values, and drops those of names that are gone',
      lab=with_dns, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    first = ['198.18.1.1', '2001:db8:9::1']
    lab.dns.set(crm=first, crm2=['198.18.1.2'])
    lab.reload(dns_policy(lab, ', "crm2.example"'))
    wait_prefixes(lab, 'crm', first + ['198.18.1.2'])
    conn = lab.connect(lab.web1, lab.r1, 'tcp', 443)
    second = lab.connect(lab.web1, lab.r2, 'tcp', 443)
    lab.dns.stop()
    with lab.watch_flows() as watch:
        lab.reload('-- A comment.\n' + dns_policy(lab, ', "crm2.example"'))
        lab.equal(watch.take(), [], 'flow mods of an unchanged policy')
    lab.reload(dns_policy(lab, options=', interval = 1'))
    lab.equal(prefixes(lab, 'crm'), first, 'without crm2')
    conn.expect_alive('its name is still asked for')
    second.expect_cut('its name is not')


@test('an agent that restarts without a name server cuts nothing',
      lab=with_dns, fresh=True)
def _(lab):
    lab.allow_log(*FAILS, *GONE)
    # In the file, too.
    wait_until(lambda: os.path.exists(lab.sandbox.path('ovs-sg.addresses')),
               PATIENCE)
    conn = lab.connect(lab.web1, lab.r1, 'tcp', 443)
    lab.dns.stop()
    with lab.watch_flows() as watch:
        lab.agent.restart()
        lab.settle()
        lab.equal(watch.take(), [], 'flow mods')
    conn.expect_alive('after a restart')
    lab.expect(lab.web2, lab.r1, 'tcp', 443, True)
    seen = lab.agent.json('show', 'crm')
    lab.check(seen['age'] is not None and seen['error'], seen)
    lab.dns.start()
    lab.dns.set(crm=['198.18.1.2'])
    wait_prefixes(lab, 'crm', ['198.18.1.2'])
    conn.expect_cut('another address')


@test('an agent that restarts and has lost its file asks before it cuts',
      lab=with_dns, fresh=True)
def _(lab):
    lab.allow_log(*GONE)
    conn = lab.connect(lab.web1, lab.r1, 'tcp', 443)
    lab.agent.kill()
    path = lab.sandbox.path('ovs-sg.addresses')
    for damage in (None, '[{"set": 5}, 6]', '{nonsense'):
        if damage is None:
            os.unlink(path)
        else:
            with open(path, 'w') as f:
                f.write(damage)
        lab.allow_log(r'ovs-sg.addresses: the last values')
        with lab.watch_flows() as watch:
            lab.agent.start()
            lab.settle()
            lab.equal(watch.take(), [], 'flow mods')
        conn.expect_alive('after a restart')
        lab.agent.kill()
    lab.agent.start()
    lab.settle()


# HTTP.

HTTP = '''
addresses "inventory" { http = "%s", interval = 1, timeout = 3%s }
group "web" { ingress = { tcp { 80, from = group "clients" } } }
group "clients" {}
members "clients" { "198.18.1.4", addresses "inventory" }
'''


def hosts(*numbers):
    return {'hosts': [{'name': 'h%d' % n, 'ip': '198.18.1.%d' % n}
                      for n in numbers]}


def http_policy(lab, options='', path='/hosts.json'):
    return HTTP % (lab.web.url + path, options)


JSON = ', path = "hosts", field = "ip"'


def with_web():
    lab = Lab()
    lab.web = WebServer(lab.sandbox).start()
    lab.web.set('hosts.json', hosts(1, 2))
    lab.write_policy(http_policy(lab, JSON))
    return remotes(lab).start()


@test('HTTP: an inventory in JSON feeds a group, and changes under traffic',
      lab=with_web, fresh=True)
def _(lab):
    wait_prefixes(lab, 'inventory', ['198.18.1.1', '198.18.1.2'])
    stays = lab.connect(lab.r1, lab.web1, 'tcp', 80)
    goes = lab.connect(lab.r2, lab.web1, 'tcp', 80)
    lab.expect(lab.r4, lab.web1, 'tcp', 80, True, family=4)
    lab.expect(lab.r3, lab.web1, 'tcp', 80, False, family=4)
    lab.web.set('hosts.json', hosts(1, 3))
    wait_prefixes(lab, 'inventory', ['198.18.1.1', '198.18.1.3'])
    stays.expect_alive('still in the inventory')
    goes.expect_cut('no longer in the inventory')
    lab.expect(lab.r3, lab.web1, 'tcp', 80, True, family=4)
    members = lab.agent.json('show', 'clients')['members']
    lab.equal(sorted((m['address'], m.get('set')) for m in members),
              [('198.18.1.1', 'inventory'), ('198.18.1.3', 'inventory'),
               ('198.18.1.4', None)], 'members')


@test('HTTP: what has not changed is not sent again', lab=with_web)
def _(lab):
    before = lab.web.count(304)
    lab.check(wait_until(lambda: lab.web.count(304) > before + 1, PATIENCE,
                         0.1), 'no answer 304')
    lab.equal(lab.agent.json('show', 'inventory')['error'], None, 'error')


@test('HTTP: errors, bad bodies and a dead server change nothing',
      lab=with_web, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    conn = lab.connect(lab.r1, lab.web1, 'tcp', 80)

    def still(pattern):
        seen = wait_status(lab, 'inventory', 'error', pattern)
        lab.equal(len(seen['prefixes']), 2, pattern)
        lab.settle()
        conn.expect_alive(pattern)

    lab.web.set('hosts.json', '{"hosts": [{"ip": "198.18.1.300"}]}')
    still('element 1: "198.18.1.300" is no address')
    lab.web.set('hosts.json', '{"hosts": [')
    still('is no JSON')
    lab.web.set('hosts.json', '{"hosts": [{"ip": "198.18.1.9", "x": "%s"}]}'
                % ('x' * 2000000))
    still('more than 1048576 bytes')
    os.unlink(lab.web.path('hosts.json'))
    still('the server answers 404')
    lab.web.stop()
    still('cannot be reached')
    lab.web.start()
    lab.web.set('hosts.json', hosts(2))
    wait_prefixes(lab, 'inventory', ['198.18.1.2'])
    conn.expect_cut('another inventory')


@test('HTTP: a redirect is not followed; a server that is slow is left',
      lab=with_web, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    lab.web.set('slow', 'x' * 1000)
    lab.reload(http_policy(lab, path='/moved'))
    wait_status(lab, 'inventory', 'error', '302 and wants us to go to '
                'http://127.0.0.1/elsewhere')
    # The old value was held until the new source said something.
    wait_prefixes(lab, 'inventory', [])
    lab.reload(http_policy(lab, path='/slow'))
    wait_status(lab, 'inventory', 'error', 'no answer within 3 seconds')
    lab.expect_state(lab.web1, 'active')


@test('max_change refuses a refresh, until the operator accepts it',
      lab=with_web, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    lab.reload(http_policy(lab, JSON + ', max_change = "50%"'))
    wait_prefixes(lab, 'inventory', ['198.18.1.1', '198.18.1.2'])
    conn = lab.connect(lab.r1, lab.web1, 'tcp', 80)
    lab.web.set('hosts.json', {'hosts': []})
    seen = wait_status(lab, 'inventory', 'refused', 'changes 2 of 2 addresses')
    lab.equal(len(seen['prefixes']), 2, 'prefixes')
    lab.settle()
    conn.expect_alive('the empty answer was refused')
    lab.check('refresh inventory --force' in lab.agent.must('show',
                                                            'inventory'),
              'the remedy is not shown')
    lab.agent.must('refresh', 'inventory')
    lab.settle()
    lab.equal(len(prefixes(lab, 'inventory')), 2, 'prefixes')
    lab.agent.must('refresh', 'inventory', '--force')
    wait_prefixes(lab, 'inventory', [])
    conn.expect_cut('accepted')
    lab.equal(lab.agent.json('show', 'inventory')['refused'], None, 'refused')
    result = lab.agent.ctl('refresh', 'inventry')
    lab.check(result.status == 1 and 'no addresses "inventry"' in result.err,
              str(result))


@test('who raises max_change gets what was refused', lab=with_web,
      fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    lab.reload(http_policy(lab, JSON + ', max_change = "50%"'))
    wait_prefixes(lab, 'inventory', ['198.18.1.1', '198.18.1.2'])
    lab.web.set('hosts.json', {'hosts': []})
    wait_status(lab, 'inventory', 'refused', 'changes 2 of 2 addresses')
    lab.reload(http_policy(lab, JSON + ', max_change = "100%"'))
    wait_prefixes(lab, 'inventory', [])


@test('HTTPS: the certificate decides', lab=with_web, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    files = certificate(lab.sandbox)
    secure = WebServer(lab.sandbox, 8443, files).start()
    secure.set('hosts.json', hosts(3))
    url = secure.url + '/hosts.json'
    lab.reload(HTTP % (url, JSON))
    wait_status(lab, 'inventory', 'error', 'certificate .* not accepted')
    lab.equal(prefixes(lab, 'inventory'), [], 'prefixes')
    lab.reload(HTTP % (url, JSON + ', ca = "%s"' % files[0]))
    wait_prefixes(lab, 'inventory', ['198.18.1.3'])
    lab.reload(HTTP % (url.replace('127.0.0.1', 'localhost'), JSON +
                       ', ca = "%s"' % files[0]))
    wait_status(lab, 'inventory', 'error', 'ostname mismatch')


# Files.

FILE = '''
addresses "list" { file = "%s", interval = 86400 }
group "web" { ingress = { tcp { 80, from = addresses "list" } } }
'''


def replace(path, text):
    with open(path + '.new', 'w') as f:
        f.write(text)
    os.rename(path + '.new', path)


def with_file():
    lab = Lab()
    lab.folder2 = lab.sandbox.path('lists')
    os.mkdir(lab.folder2)
    lab.list = os.path.join(lab.folder2, 'list')
    replace(lab.list, '198.18.1.1  # one\n\n')
    lab.write_policy(FILE % lab.list)
    return remotes(lab).start()


@test('files: replaced by rename, rewritten, deleted, unreadable, back again',
      lab=with_file, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    wait_prefixes(lab, 'list', ['198.18.1.1'])
    conn = lab.connect(lab.r1, lab.web1, 'tcp', 80)
    replace(lab.list, '198.18.1.1\n198.18.1.2')
    wait_prefixes(lab, 'list', ['198.18.1.1', '198.18.1.2'])
    with open(lab.list, 'a') as f:
        f.write('\n198.18.1.3\n')
    wait_prefixes(lab, 'list', ['198.18.1.1', '198.18.1.2', '198.18.1.3'])
    replace(lab.list, '198.18.1.1\nweb1.example\n')
    wait_status(lab, 'list', 'error', 'line 2: "web1.example" is no address')
    os.unlink(lab.list)
    seen = wait_status(lab, 'list', 'error', 'cannot be opened: No such file')
    lab.equal(len(seen['prefixes']), 3, 'prefixes')
    os.mkdir(lab.list)
    wait_status(lab, 'list', 'error', 'is no regular file')
    os.rmdir(lab.list)
    conn.expect_alive('through all of that')
    replace(lab.list, '198.18.1.2\n')
    wait_prefixes(lab, 'list', ['198.18.1.2'])
    conn.expect_cut('another list')


@test('files: behind a link that is replaced, in a folder that comes later',
      lab=with_file, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    for version, address in ('1', '198.18.1.1'), ('2', '198.18.1.2'):
        os.mkdir(os.path.join(lab.folder2, version))
        replace(os.path.join(lab.folder2, version, 'list'), address)
    data = os.path.join(lab.folder2, 'data')
    os.unlink(lab.list)
    os.symlink('1', data)
    os.symlink('data/list', lab.list)
    wait_prefixes(lab, 'list', ['198.18.1.1'])
    os.symlink('2', data + '.new')
    os.rename(data + '.new', data)
    wait_prefixes(lab, 'list', ['198.18.1.2'])
    replace(os.path.join(lab.folder2, '2', 'list'), '198.18.1.3')
    wait_prefixes(lab, 'list', ['198.18.1.3'])

    later = lab.sandbox.path('later')
    lab.reload(FILE % os.path.join(later, 'list'))
    wait_status(lab, 'list', 'error', 'cannot be opened')
    os.mkdir(later)
    replace(os.path.join(later, 'list'), '198.18.1.4')
    wait_prefixes(lab, 'list', ['198.18.1.4'])



# Functions.

FUNCTION = '''
local function numbers(first, last)
  local list = {}
  for i = first, last do list[#list + 1] = "198.18.1." .. i end
  return list
end
addresses "made" { interval = 1, resolve = function() %s end }
group "web" { ingress = { tcp { 80, from = addresses "made" } } }
'''


def with_function():
    return remotes(Lab(FUNCTION % 'return { numbers(1, 2), "198.18.1.9" }')
                   ).start()


@test('a function: its list, another one, its errors and its end',
      lab=with_function, fresh=True)
def _(lab):
    lab.allow_log(*FAILS)
    wait_prefixes(lab, 'made', ['198.18.1.1', '198.18.1.2', '198.18.1.9'])
    stays = lab.connect(lab.r2, lab.web1, 'tcp', 80)
    goes = lab.connect(lab.r1, lab.web1, 'tcp', 80)
    lab.reload(FUNCTION % 'return numbers(2, 3)')
    wait_prefixes(lab, 'made', ['198.18.1.2', '198.18.1.3'])
    stays.expect_alive('still in the list')
    goes.expect_cut('no longer in it')
    for body, error in (('error("no idea")', 'no idea'),
                        ('return 5', 'returned a number; it must return'),
                        ('return { x = 1 }', 'a table that is no list'),
                        ('return { "web1" }', '"web1" is no address'),
                        ('while true do end', 'instructions|time')):
        lab.reload(FUNCTION % body)
        seen = wait_status(lab, 'made', 'error', error)
        lab.check(seen and len(seen['prefixes']) == 2, (body, seen))
        lab.expect_state(lab.web1, 'active')
        stays.expect_alive(body)
    lab.reload(FUNCTION % 'return {}')
    wait_prefixes(lab, 'made', [])
    stays.expect_cut('an empty list')



def cpu_time(pid):
    """Seconds of processor time of a process."""
    with open('/proc/%d/stat' % pid) as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def watched():
    lab = Lab(agent_options=['--observe'])
    lab.list = lab.sandbox.path('list')
    replace(lab.list, '198.18.1.1')
    lab.write_policy(FILE % lab.list)
    lab = remotes(lab)
    lab.apply()
    lab.agent.start()
    lab.agent.wait(30)
    return lab


@test('an agent that only looks follows the sets, keeps no file, and sleeps',
      lab=watched)
def _(lab):
    for address in '198.18.1.2', '198.18.1.3':
        replace(lab.list, address)
        lab.check(wait_until(lambda: prefixes(lab, 'list') == [address],
                             PATIENCE, 0.1), address)
    before = cpu_time(lab.agent.child.pid)
    time.sleep(3)
    spent = cpu_time(lab.agent.child.pid) - before
    lab.check(spent < 1, '%.2f s of processor time in 3 s' % spent)
    lab.check(not os.path.exists(lab.sandbox.path('ovs-sg.addresses')),
              'it has written the file of another agent')


run()
