# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The switch's control socket as the agent sees it, without waiting for
revalidators.

`ovs-sgctl wait' returns when also the datapath's cache follows the flow
tables, which takes two rounds of the revalidators: up to half a second by
default, whatever the agent does.  `ovs-ofctl add-flows', which is the floor
here, waits for the flow tables alone.  So that both clocks stop at the same
thing, `revalidator/wait' is answered at once; all else goes to the switch.
"""
import json
import os
import socket
import threading

from harness.unixctl import Unixctl, UnixctlError


class SwitchControl:
    def __init__(self, path, switch):
        """Listens on 'path'; switch() is the path of the real socket."""
        self.switch = switch
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        self.path = path
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,),
                             daemon=True).start()

    def _answer(self, request):
        answer = {'id': request['id'], 'result': '', 'error': None}
        if request['method'] == 'revalidator/wait':
            return answer
        try:
            control = Unixctl(self.switch(), timeout=60)
            try:
                answer['result'] = control.call(request['method'],
                                                *request['params'])
            finally:
                control.close()
        except UnixctlError as error:
            answer.update(result=None, error=str(error))
        return answer

    def _serve(self, client):
        text = ''
        try:
            while True:
                data = client.recv(1 << 16)
                if not data:
                    break
                text += data.decode()
                while text:
                    try:
                        request, end = json.JSONDecoder().raw_decode(text)
                    except ValueError:
                        break
                    text = text[end:].lstrip()
                    client.sendall(json.dumps(self._answer(request)).encode())
        except OSError:
            pass
        client.close()

    def close(self):
        self.listener.close()
        os.unlink(self.path)
