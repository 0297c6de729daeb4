# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A lasting connection to a daemon's control socket: what ovs-appctl does,
without starting a process for each command."""
import json
import socket


class UnixctlError(Exception):
    """The daemon refused the command, or is gone."""


def accepts(path):
    """Is somebody there?  (A socket's file appears before it listens.)"""
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
        return True
    except OSError:
        return False


class Unixctl:
    def __init__(self, path, timeout=15):
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        try:
            self.sock.connect(path)
        except OSError as error:
            self.sock.close()
            raise UnixctlError('%s: %s' % (path, error)) from error
        self.buffer = ''
        self.decoder = json.JSONDecoder()
        self.number = 0

    def call(self, method, *args):
        """Returns the text of the answer; raises UnixctlError."""
        self.number += 1
        request = {'method': method, 'params': [str(a) for a in args],
                   'id': self.number}
        try:
            self.sock.sendall(json.dumps(request).encode())
            answer = self._receive()
        except OSError as error:
            raise UnixctlError('%s: %s: %s' % (self.path, method, error)) \
                from error
        if answer.get('error'):
            raise UnixctlError('%s: %s' % (method, answer['error']))
        return answer['result']

    def _receive(self):
        while True:
            try:
                answer, end = self.decoder.raw_decode(self.buffer)
                self.buffer = self.buffer[end:].lstrip()
                return answer
            except ValueError:
                pass
            data = self.sock.recv(1 << 18)
            if not data:
                raise OSError('the daemon closed the connection')
            self.buffer += data.decode(errors='replace')

    def close(self):
        self.sock.close()
