# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The least of OpenFlow 1.4 that a measurement needs: one flow mod and its
barrier on a connection that is there already, and a monitor that says when
which flow changed."""
import socket
import struct
import threading
import time

VERSION = 5                     # OpenFlow 1.4.
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = 0, 1, 2, 3
SET_CONFIG, PORT_STATUS = 9, 12
FLOW_MOD, MULTIPART_REQUEST, MULTIPART_REPLY = 14, 18, 19
BARRIER_REQUEST, BARRIER_REPLY = 20, 21
ADD, DELETE_STRICT = 0, 4
ANY = 0xffffffff
OXM_REG1 = 0x00010204           # NXM_NX_REG1, without a mask.
FLOW_MONITOR = 16
ADDED, REMOVED, MODIFIED = 1, 2, 3  # Events of a flow monitor.
WATCH = 1 << ADDED | 1 << REMOVED | 1 << MODIFIED
ALL_TABLES = 0xff
PORT_GONE = 1                   # Reason of a port status.
MATCH_ALL = struct.pack('!HHI', 1, 4, 0)


class Connection:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(path)
        self.xid = 0
        self.buffer = b''
        self._send(HELLO)
        self._receive(HELLO)

    def _send(self, kind, body=b''):
        self.xid += 1
        self.sock.sendall(struct.pack('!BBHI', VERSION, kind, 8 + len(body),
                                      self.xid) + body)

    def _messages(self):
        """Those that are there, of any kind."""
        while len(self.buffer) >= 8:
            _, kind, length, _ = struct.unpack('!BBHI', self.buffer[:8])
            if len(self.buffer) < length:
                return
            message, self.buffer = self.buffer[:length], self.buffer[length:]
            if kind == ECHO_REQUEST:
                self._send(ECHO_REPLY, message[8:])
            elif kind == ERROR:
                raise RuntimeError('OpenFlow error %s' % message.hex())
            else:
                yield kind, message

    def _read(self):
        data = self.sock.recv(1 << 18)
        if not data:
            raise RuntimeError('the switch closed the connection')
        self.buffer += data

    def _receive(self, wanted):
        while not any(kind == wanted for kind, _ in self._messages()):
            self._read()

    def flow_mod(self, command, table, value):
        """Adds or deletes a flow without actions that matches reg1=value in
        'table', and waits for the barrier's answer."""
        match = struct.pack('!HHII', 1, 12, OXM_REG1, value) + bytes(4)
        self._send(FLOW_MOD, struct.pack(
            '!QQBBHHHIIIHH', 0, 0, table, command, 0, 0, 1, ANY, ANY, ANY, 0,
            0) + match)
        self._send(BARRIER_REQUEST)
        self._receive(BARRIER_REPLY)

    def close(self):
        self.sock.close()


class Event:
    """A flow has been added, has gone or has changed."""

    def __init__(self, at, what, table):
        self.at = at                    # time.monotonic().
        self.what = what                # ADDED, REMOVED or MODIFIED.
        self.table = table


class FlowMonitor(Connection):
    """Sees what others do to the flow tables, with the time at which it was
    seen: the switch tells when the change is in force, and before it answers
    the barrier of the one who made it."""

    def __init__(self, path):
        super().__init__(path)
        self.events = []
        self.port_gone = None           # When a port last went.
        # Nothing is said of ports to whom wants no part of any packet.
        self._send(SET_CONFIG, struct.pack('!HH', 0, 1))
        self._send(MULTIPART_REQUEST, struct.pack('!HH4x', FLOW_MONITOR, 0) +
                   struct.pack('!IIIHBB', 1, ANY, ANY, WATCH, ALL_TABLES, 0) +
                   MATCH_ALL)
        self._receive(MULTIPART_REPLY)  # The flows so far: none was wanted.
        self.sock.settimeout(None)
        self.closing = False
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        while True:
            try:
                self._read()
            except (OSError, RuntimeError):
                if self.closing:
                    return
                raise
            now = time.monotonic()
            for kind, message in self._messages():
                if kind == MULTIPART_REPLY:
                    self.events += self._events(message[16:], now)
                elif kind == PORT_STATUS and message[8] == PORT_GONE:
                    self.port_gone = now

    @staticmethod
    def _events(body, now):
        while body:
            length, what, table = struct.unpack('!HHB', body[:5])
            yield Event(now, what, table)
            body = body[length:]

    def close(self):
        self.closing = True
        self.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        super().close()
