# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Stands between the agent and a socket of the switch.

What goes one way can be kept back for a while: the order in which the two hear
of each other is then the test's."""
import os
import socket
import threading


class Relay:
    def __init__(self, path, target):
        """Listens at 'path' for what is at 'target'."""
        self.target = target
        self.free = {'requests': threading.Event(),
                     'answers': threading.Event()}
        self.kept = b''                 # What has been kept back so far.
        for event in self.free.values():
            event.set()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        _start(self._accept)

    @classmethod
    def in_front_of(cls, path):
        """Takes the place of what is at 'path'."""
        os.rename(path, path + '.behind')
        return cls(path, path + '.behind')

    def keep_back(self, what):
        """'requests' or 'answers', from now on."""
        self.kept = b''
        self.free[what].clear()

    def let_go(self):
        for event in self.free.values():
            event.set()

    def _accept(self):
        while True:
            near = self.listener.accept()[0]
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(self.target)
            except OSError:
                near.close()
                continue
            _start(self._pump, near, far, self.free['requests'])
            _start(self._pump, far, near, self.free['answers'])

    def _pump(self, source, sink, free):
        try:
            while data := source.recv(1 << 16):
                if not free.is_set():
                    self.kept += data
                    free.wait()
                sink.sendall(data)
        except OSError:
            pass
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def _start(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()
