# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A small OVSDB client (RFC 7047) without a replica of the database: what
loads in bulk and waits for a column needs no more, and costs no more."""
import json
import select
import socket
import time


class OvsdbError(Exception):
    pass


class Ovsdb:
    def __init__(self, path, database):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.database = database
        self.buffer = b''
        self.number = 0
        self.updates = []               # Parameters of update notifications.

    def close(self):
        self.sock.close()

    # Messages.

    def _send(self, message):
        self.sock.sendall(json.dumps(message).encode())

    def _take(self):
        """A message of those that have come, or None."""
        # Every message ends with a brace; a long one is not looked at before.
        if not self.buffer.endswith(b'}') and len(self.buffer) > 1 << 16:
            return None
        try:
            text = self.buffer.decode()
            message, end = json.JSONDecoder().raw_decode(text)
        except ValueError:
            return None
        self.buffer = text[end:].encode()
        return message

    def _receive(self, end):
        """The next message, or None at the time 'end'."""
        while True:
            message = self._take() if self.buffer else None
            if message is not None:
                return message
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            data = self.sock.recv(1 << 20)
            if not data:
                raise OvsdbError('%s: the server has gone' % self.database)
            self.buffer += data

    def _notice(self, message):
        if message.get('method') == 'echo':
            self._send({'id': message['id'], 'result': message['params'],
                        'error': None})
        elif message.get('method') == 'update':
            self.updates.append(message['params'][1])

    def call(self, method, params, timeout=300):
        self.number += 1
        self._send({'method': method, 'params': params, 'id': self.number})
        end = time.monotonic() + timeout
        while True:
            message = self._receive(end)
            if message is None:
                raise OvsdbError('%s: no answer to "%s" within %d s'
                                 % (self.database, method, timeout))
            if message.get('id') == self.number and 'method' not in message:
                if message.get('error'):
                    raise OvsdbError(str(message['error']))
                return message['result']
            self._notice(message)

    # Requests.

    def transact(self, *operations):
        results = self.call('transact', [self.database, *operations])
        for result in results:
            if result and result.get('error'):
                raise OvsdbError('%s: %s' % (self.database, result))
        return results

    def select(self, table, columns, where=()):
        return self.transact({'op': 'select', 'table': table,
                              'where': list(where),
                              'columns': columns})[0]['rows']

    def monitor(self, table, *columns):
        """From now on wait() sees changes of these columns."""
        self.call('monitor', [self.database, table,
                              {table: {'columns': list(columns)}}])

    def wait(self, table, wanted, timeout):
        """Until a row of 'table' changes so that wanted(row) is true; true at
        once, false at the time-out."""
        end = time.monotonic() + timeout
        while True:
            while self.updates:
                for row in self.updates.pop(0).get(table, {}).values():
                    if wanted(row.get('new', {})):
                        return True
            message = self._receive(end)
            if message is None:
                return False
            self._notice(message)


# Values and operations.

def a_set(values):
    return ['set', list(values)]


def a_map(items):
    return ['map', [list(item) for item in items.items()]]


def as_dict(value):
    return dict(value[1])


def uuid(text):
    return ['uuid', text]


def named(name):
    return ['named-uuid', name]


def insert(table, row, name=None):
    operation = {'op': 'insert', 'table': table, 'row': row}
    return dict(operation, **{'uuid-name': name}) if name else operation


def mutate(table, where, column, how, value):
    """'where' is a (column, value), or nothing for every row."""
    return {'op': 'mutate', 'table': table,
            'where': [[where[0], '==', where[1]]] if where else [],
            'mutations': [[column, how, value]]}


def update(table, where, row):
    return {'op': 'update', 'table': table,
            'where': [[where[0], '==', where[1]]] if where else [],
            'row': row}


def add_port(bridge, name, interface):
    """The operations that add a port with one interface."""
    return [insert('Interface', dict(interface, name=name), 'i'),
            insert('Port', {'name': name, 'interfaces': named('i')}, 'p'),
            mutate('Bridge', ('name', bridge), 'ports', 'insert',
                   a_set([named('p')]))]


def delete_port(database, bridge, name):
    """The operation that removes it."""
    row = database.select('Port', ['_uuid'], [['name', '==', name]])[0]
    return mutate('Bridge', ('name', bridge), 'ports', 'delete',
                  a_set([row['_uuid']]))
