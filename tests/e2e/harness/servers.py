# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Servers that a policy asks for addresses: dnsmasq and nginx, on 127.0.0.1 of
the test's own network namespace.  What they say can be changed at any time.

A name server that the host itself is to use, and https with a certificate that
it trusts, make a policy run as it is, with the names that are in it.
"""
import json
import os
import shutil
import signal
import socket

from .process import Child, command, wait_until
from .tap import Failure, Skip


def _program(name, package):
    path = shutil.which(name, path=os.environ['PATH'] + ':/usr/sbin')
    if not path:
        raise Skip('%s is not there: install the Debian package %s'
                   % (name, package))
    return path


def _accepts(port, host='127.0.0.1'):
    with socket.socket() as s:
        return s.connect_ex((host, port)) == 0


def use_name_server(sandbox, address):
    """This host asks 'address'.  Only where the file that says so is ours."""
    with open('/proc/self/mounts') as f:
        if not any(line.startswith('ovs-sg-test /run ') for line in f):
            raise Skip('/etc/resolv.conf is the host\'s: run the test with '
                       'build-aux/run-test')
    path = sandbox.path('resolv.conf')
    with open(path, 'w') as f:
        f.write('nameserver %s\n' % address)
    # That of an earlier lab may still be there, and its file gone.
    command(['umount', '--lazy', '/etc/resolv.conf'])
    result = command(['mount', '--bind', path, '/etc/resolv.conf'])
    if result.status != 0:
        raise Failure(str(result))


class DnsServer:
    """Answers for what it was told, and that there is no other name."""

    def __init__(self, sandbox, port=5353, ttl=1, host='127.0.0.1',
                 domain='example'):
        self.port = port
        self.host = host
        self.domain = domain
        self.address = '%s:%d' % (host, port)
        self.folder = sandbox.path('dns-%d' % port)
        os.mkdir(self.folder)
        self.hosts = os.path.join(self.folder, 'hosts')
        self.log = os.path.join(self.folder, 'log')
        self.argv = [
            _program('dnsmasq', 'dnsmasq-base'), '--keep-in-foreground',
            '--conf-file=/dev/null', '--pid-file=', '--user=root',
            '--group=root', '--port=%d' % port,
            '--listen-address=' + host, '--bind-interfaces', '--no-resolv',
            '--no-hosts', '--addn-hosts=' + self.hosts, '--log-queries',
            '--log-facility=' + self.log,
            '--local=/%s/' % domain, '--local-ttl=%d' % ttl]
        self.child = None
        self._write({})

    def _write(self, names):
        with open(self.hosts, 'w') as f:
            for name, addresses in names.items():
                f.writelines('%s %s\n' % (a, name) for a in addresses)

    def start(self):
        self.child = Child(self.argv, output=self.log + '.out')
        if not wait_until(lambda: _accepts(self.port, self.host), 20):
            raise Failure('dnsmasq does not start')
        return self

    def stop(self):
        self.child.kill()

    def set(self, **names):
        """All names there are, below the domain, with their addresses."""
        self.set_names({'%s.%s' % (name, self.domain): addresses
                        for name, addresses in names.items()})

    def set_names(self, names):
        """Likewise, with the domain."""
        self._write(names)
        if self.child and self.child.running:
            self.child.signal(signal.SIGHUP)

    def queries(self):
        """How often somebody asked for an IPv4 address."""
        with open(self.log) as f:
            return sum('query[A]' in line for line in f)


CONFIGURATION = '''
daemon off; master_process off; worker_processes 1; pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {tls}
        root {folder}/www;
        location /slow {{ limit_rate 1; }}
        location /moved {{ return 302 http://127.0.0.1/elsewhere; }}
    }}
}}
'''


class WebServer:
    """Serves files, with ETags; 'tls' is a (certificate, key) pair."""

    def __init__(self, sandbox, port=8080, tls=None):
        self.port = port
        self.url = '%s://127.0.0.1:%d' % ('https' if tls else 'http', port)
        self.folder = sandbox.path('web-%d' % port)
        os.makedirs(os.path.join(self.folder, 'www'))
        self.program = _program('nginx', 'nginx-light')
        self.configuration = os.path.join(self.folder, 'nginx.conf')
        with open(self.configuration, 'w') as f:
            f.write(CONFIGURATION.format(
                folder=self.folder, port=port,
                tls='' if not tls else 'ssl_certificate %s; '
                'ssl_certificate_key %s;' % tls))
        if tls:
            command(['sed', '-i', 's/listen [^;]*/& ssl/',
                     self.configuration])
        self.child = None

    def start(self):
        self.child = Child([self.program, '-c', self.configuration, '-p',
                            self.folder, '-e', self.folder + '/error.log'],
                           output=self.folder + '/out')
        wait_until(lambda: _accepts(self.port) or not self.child.running, 20)
        if not _accepts(self.port):
            raise Failure('nginx does not start:\n'
                          + open(self.folder + '/out').read())
        return self

    def stop(self):
        self.child.kill()

    def path(self, name):
        return os.path.join(self.folder, 'www', name)

    def set(self, name, content):
        """'content' is text, or goes out as JSON."""
        if not isinstance(content, str):
            content = json.dumps(content)
        with open(self.path(name) + '.new', 'w') as f:
            f.write(content)
        os.rename(self.path(name) + '.new', self.path(name))

    def count(self, status):
        """How many requests were answered with 'status'."""
        with open(self.folder + '/access.log') as f:
            return sum('" %d ' % status in line for line in f)


def certificate(sandbox, name='127.0.0.1', kind='IP'):
    """A (certificate, key) that signs itself, for the address or, with 'kind'
    "DNS", the name 'name'."""
    files = (sandbox.path(name + '.crt'), sandbox.path(name + '.key'))
    result = command(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days',
         '2', '-subj', '/CN=' + name, '-addext', 'subjectAltName=%s:%s' % (kind, name),
         '-out', files[0], '-keyout', files[1]], 60)
    if result.status != 0:
        raise Failure(str(result))
    return files
