# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Runs inside a guest: serves TCP and UDP, and connects where it is told.

Reads requests from standard input, a JSON object a line, and answers each with
one line: {"result": ...} or {"error": "..."}.  Ends with its input.
"""
import errno
import json
import os
import selectors
import socket
import sys
import time

selector = selectors.DefaultSelector()
held = {}                       # Open connections by the name of the holder.


def family(address):
    return socket.AF_INET6 if ':' in address else socket.AF_INET


# Serving: every datum is answered with the server's name.

def serve(request):
    for port in request['ports']:
        for fam, any_address in ((socket.AF_INET, '0.0.0.0'),
                                 (socket.AF_INET6, '::')):
            tcp = request['proto'] == 'tcp'
            sock = socket.socket(fam, socket.SOCK_STREAM if tcp
                                 else socket.SOCK_DGRAM)
            if fam == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((any_address, port))
            if tcp:
                sock.listen(64)
            sock.setblocking(False)
            name = request['name'].encode()
            selector.register(sock, selectors.EVENT_READ,
                              (accept if tcp else answer_datagram, name))
    return True


def accept(sock, name):
    try:
        conn, _ = sock.accept()
    except OSError:             # Events may be old: see serve_others().
        return
    conn.setblocking(False)
    selector.register(conn, selectors.EVENT_READ, (answer_stream, name))


def answer_stream(conn, name):
    try:
        data = conn.recv(4096)
        if data:
            conn.sendall(name)
            return
    except BlockingIOError:
        return
    except OSError:
        pass
    if conn.fileno() >= 0:
        selector.unregister(conn)
        conn.close()


def answer_datagram(sock, name):
    try:
        _, peer = sock.recvfrom(4096)
        sock.sendto(name, peer)
    except OSError:
        pass


RESEND = 0.5                    # Seconds until a datagram is sent again.


# Probing: many at a time, each until it is answered or the time is over.

class Probe:
    def __init__(self, proto, address, port):
        self.proto = proto
        self.answer = None
        self.done = False
        self.sock = socket.socket(
            family(address),
            socket.SOCK_STREAM if proto == 'tcp' else socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        try:
            self.sock.connect((address, port))
        except BlockingIOError:
            pass
        except OSError:
            self.finish()
            return
        self.events = selectors.EVENT_WRITE
        self.sent = None            # When a datagram was sent last.

    def finish(self):
        self.done = True
        self.sock.close()

    def send(self):
        self.sent = time.monotonic()
        self.sock.send(b'hello')

    def send_again(self):
        """Datagrams get lost."""
        if self.proto == 'udp' and self.sent and \
           time.monotonic() > self.sent + RESEND:
            try:
                self.send()
            except OSError:
                pass

    def step(self):
        """Something can be written or read."""
        try:
            if self.events == selectors.EVENT_WRITE:
                error = self.sock.getsockopt(socket.SOL_SOCKET,
                                             socket.SO_ERROR)
                if error:
                    if error == errno.ECONNREFUSED:
                        self.answer = 'refused'
                    return self.finish()
                self.send()
                self.events = selectors.EVENT_READ
                return None
            self.answer = self.sock.recv(4096).decode()
        except ConnectionRefusedError:      # By an ICMP error, or an RST.
            self.answer = 'refused'
        except OSError:
            pass
        return self.finish()


def advance(waiting, each):
    waiting.unregister(each.sock)
    each.step()
    if not each.done:
        waiting.register(each.sock, each.events, each)


def probe(request):
    probes = [Probe(*target) for target in request['targets']]
    waiting = selectors.DefaultSelector()
    for each in probes:
        if not each.done:
            waiting.register(each.sock, each.events, each)
    waiting.register(selector.fileno(), selectors.EVENT_READ, None)
    end = time.monotonic() + request['timeout']
    while len(waiting.get_map()) > 1 and time.monotonic() < end:
        for key, _ in waiting.select(min(RESEND, max(
                0, end - time.monotonic()))):
            if key.data:
                advance(waiting, key.data)
            else:
                serve_others()
        for each in probes:
            if not each.done:
                each.send_again()
    waiting.close()
    for each in probes:
        if not each.done:
            each.finish()
    return [each.answer for each in probes]


# Holding a connection open.

def hold(request):
    sock = socket.socket(family(request['address']), socket.SOCK_STREAM)
    sock.settimeout(request['timeout'])
    sock.connect((request['address'], request['port']))
    held[request['name']] = sock
    return True


def echo(request):
    """Sends much on a new connection; true if as many answers come as the
    server gives, at least one."""
    data = b'x' * request['bytes']
    with socket.socket(family(request['address']),
                       socket.SOCK_STREAM) as sock:
        sock.settimeout(request['timeout'])
        sock.connect((request['address'], request['port']))
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answers = b''
        while True:
            part = sock.recv(65536)
            if not part:
                return bool(answers)
            answers += part


def exchange(request):
    """Sends on a held connection; true if it is answered in time."""
    sock = held[request['name']]
    sock.settimeout(request['timeout'])
    try:
        sock.sendall(b'hello')
        return bool(sock.recv(4096))
    except OSError:
        return False


REQUESTS = {'serve': serve, 'probe': probe, 'hold': hold,
            'echo': echo,
            'exchange': exchange}


def serve_others():
    """Keeps this guest's servers alive while it probes."""
    for key, _ in selector.select(0):
        if key.data:
            key.data[0](key.fileobj, key.data[1])


def answer_requests(state):
    data = os.read(0, 1 << 16)
    if not data:
        sys.exit(0)
    state['buffer'] += data
    while b'\n' in state['buffer']:
        line, state['buffer'] = state['buffer'].split(b'\n', 1)
        request = json.loads(line)
        try:
            say(result=REQUESTS[request['do']](request))
        except OSError as error:
            say(error=str(error))


def say(**message):
    sys.stdout.write(json.dumps(message) + '\n')
    sys.stdout.flush()


def main():
    state = {'buffer': b''}
    selector.register(0, selectors.EVENT_READ, None)
    say(result='ready')
    while True:
        for key, _ in selector.select():
            if key.data is None:
                answer_requests(state)
            else:
                key.data[0](key.fileobj, key.data[1])


if __name__ == '__main__':
    main()
