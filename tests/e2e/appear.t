#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A port comes and goes in a flood of packets: from it none passes before its
rules are in; towards it, inside the switch none does, and beside the switch
those that NORMAL floods before the agent has seen the port (CONTRACT section
4, point 6).

$SG_ROUNDS says how often; `make appear' asks for 500.
"""
import os
import threading
import time

from harness import Lab, frames, run, test, wait_until
from harness.host import inside

ROUNDS = int(os.environ.get('SG_ROUNDS', 20))
POLICY = '''
group "mute" { ingress = {}, egress = {} }
group "web" { ingress = { tcp { 80, from = any } } }
'''
# Of the port that comes and goes.
NAME, MAC, IP = 'comes', '52:54:00:00:00:77', '192.0.2.77'


def two_guests():
    lab = Lab(POLICY)
    lab.guest('web', groups='web')
    lab.uplink()
    lab.trusted('other')
    lab.remote('client', '198.18.0.9')
    return lab.start()


class Flood(threading.Thread):
    """Gives frames to a port as fast as the switch takes them, whether the
    port is there or not."""

    def __init__(self, lab, port, list_):
        super().__init__(daemon=True)
        self.give = lab.sandbox.flood(port, list_)
        self.sent = 0
        self.goes_on = True

    def run(self):
        while self.goes_on:
            self.sent += self.give()
            time.sleep(0.0005)

    def stop(self):
        self.goes_on = False
        self.join()


def from_it(lab):
    """What it may not send: whatever it is."""
    return [frames.udp_frame(MAC, lab.client.mac, IP, lab.client.v4, 5000, 7),
            frames.udp_frame(MAC, lab.web.mac, IP, lab.web.v4, 5000, 7),
            frames.tcp_frame(MAC, lab.web.mac, IP, lab.web.v4, 5000, 80,
                             frames.SYN, 1000),
            frames.udp_frame(MAC, frames.BROADCAST, IP, '255.255.255.255',
                             5000, 7)]


def to_it(lab):
    """What NORMAL floods."""
    return [frames.udp_frame(lab.client.mac, MAC, lab.client.v4, IP, 1, 5001),
            frames.udp_frame(lab.client.mac, frames.BROADCAST, lab.client.v4,
                             '255.255.255.255', 1, 5001)]


def median(numbers):
    return sorted(numbers)[len(numbers) // 2]


@test('a port comes and goes in a flood of packets', lab=two_guests,
      fresh=True)
def _(lab):
    lab.allow_log('overflow|receive queue|ukey installation fails')
    floods = [Flood(lab, NAME, from_it(lab)), Flood(lab, 'uplink',
                                                    to_it(lab))]
    lab.sandbox.collect()
    for each in floods:
        each.start()
    leaked, flooded, times = 0, 0, []
    for _ in range(ROUNDS):
        words = lab.sandbox.port_command(
            'br0', NAME, {'sg-groups': 'mute', 'attached-mac': MAC,
                          'sg-addresses': IP}, 9)
        start = time.monotonic()
        lab.sandbox.vsctl(*words[1:])
        wait_until(lambda: lab.sandbox.get(
            'Interface', NAME, 'external_ids').get('sg-state') == 'active',
            20, 0.005)
        times.append(time.monotonic() - start)
        time.sleep(0.02)
        out = lab.sandbox.collect()
        lab.sandbox.vsctl('del-port', NAME)
        flooded += len(out.pop(NAME, ()))
        leaked += sum(frames.mac_text(f[6:12]) == MAC
                      for each in out.values() for f in each)
        lab.sandbox.forget_port(NAME)
    for each in floods:
        each.stop()
    lab.sandbox.injected += sum(each.sent for each in floods)
    print('# %d times, in %d frames from it and %d towards it: %d passed from '
          'it, %d reached it; add-port to active: %.0f ms (median, with '
          'ovs-vsctl), %.0f ms at most'
          % (ROUNDS, floods[0].sent, floods[1].sent, leaked, flooded,
             1000 * median(times), 1000 * max(times)))
    lab.check(floods[0].sent > ROUNDS and floods[1].sent > ROUNDS,
              'there was no flood')
    lab.equal(leaked, 0, 'frames that passed from it')
    if inside():
        lab.equal(flooded, 0, 'frames that reached it')


run()
