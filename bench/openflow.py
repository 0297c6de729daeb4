# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The least of OpenFlow 1.3 that a measurement needs: one flow mod and its
barrier on a connection that is there already."""
import socket
import struct

VERSION = 4                     # OpenFlow 1.3.
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = 0, 1, 2, 3
FLOW_MOD, BARRIER_REQUEST, BARRIER_REPLY = 14, 20, 21
ADD, DELETE_STRICT = 0, 4
ANY = 0xffffffff
OXM_REG1 = 0x00010204           # NXM_NX_REG1, without a mask.


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

    def _receive(self, kind):
        while True:
            while len(self.buffer) >= 8:
                _, got, length, _ = struct.unpack('!BBHI', self.buffer[:8])
                if len(self.buffer) < length:
                    break
                message, self.buffer = (self.buffer[:length],
                                        self.buffer[length:])
                if got == ECHO_REQUEST:
                    self._send(ECHO_REPLY, message[8:])
                elif got == ERROR:
                    raise RuntimeError('OpenFlow error %s' % message.hex())
                elif got == kind:
                    return
            data = self.sock.recv(1 << 16)
            if not data:
                raise RuntimeError('the switch closed the connection')
            self.buffer += data

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
