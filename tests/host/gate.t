#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A new port is closed until its flows are in (plugin/host/gate.h)."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                '..', 'e2e'))
from harness import (                                       # noqa: E402
    Failure, Lab, frames, run, test, wait_until)
from harness.agent import Agent                               # noqa: E402

# A function is asked about each interface, in a process that can be stopped.
POLICY = '''
group "web" { ingress = { tcp { 80, from = any } } }
bind(function(port) return port.name == "bound" and { "web" } or nil end)
'''
HELD = {'NO_RECV', 'NO_FLOOD', 'NO_FWD'}


def asked():
    lab = Lab(POLICY)
    lab.guest('one', groups='web')
    lab.uplink()
    lab.remote('client', '198.18.0.9', '2001:db8:9::9')
    lab.start()
    lab.sandbox.appctl('vlog/set', 'sg_gate:file:dbg')
    return lab


def flags(lab, port, bridge='br0'):
    """Of those that concern the gate."""
    out = lab.sandbox.ofctl('show', lab.sandbox.mgmt(bridge))
    found = re.search(r'\(%s\):.*?config: +(.*?)\n' % port, out, re.S)
    return set(found.group(1).split()) & HELD if found else None


def script(lab):
    pid = lab.sandbox.vswitchd.pid
    with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
        return int(f.read().split()[0])


def flood(lab):
    """A frame that NORMAL floods."""
    return frames.udp_frame(lab.client.mac, frames.BROADCAST, lab.client.v4,
                            '255.255.255.255', 1, 7)


@test('a port is held until it is known, and then let go', lab=asked,
      fresh=True)
def _(lab):
    pid = script(lab)
    os.kill(pid, signal.SIGSTOP)
    lab.guest('bound')
    lab.trusted('host')
    lab.guest('named', groups='web')
    lab.apply()
    for port in 'bound', 'host':
        lab.equal(flags(lab, port), HELD, 'what is not known: ' + port)
    lab.expect_out(lab.client, flood(lab), [], 'to what is not known',
                   exactly=True)
    lab.expect_out(lab.bound, lab.bound.udp(lab.client, 7), [],
                   'from what is not known', exactly=True)
    # This one needs no function.
    lab.wait_state(lab.named, 'active')
    lab.check(wait_until(lambda: flags(lab, 'named') == {'NO_FLOOD'}, 5),
              'named: %s' % flags(lab, 'named'))
    os.kill(pid, signal.SIGCONT)
    lab.settle()
    lab.equal(flags(lab, 'bound'), {'NO_FLOOD'}, 'guarded')
    lab.equal(flags(lab, 'host'), set(), 'trusted')
    lab.expect(lab.client, lab.bound, 'tcp', 80, True)
    lab.expect_out(lab.client, flood(lab), ['host'], 'to the trusted port')


@test('a port that comes again, as something else, is held again', lab=asked,
      fresh=True)
def _(lab):
    for _ in range(5):
        lab.sandbox.vsctl('add-port', 'br0', 'x', '--', 'set', 'Interface',
                          'x', 'type=dummy', 'ofport_request=9')
        lab.settle()
        lab.equal(flags(lab, 'x'), set(), 'trusted')
        lab.sandbox.vsctl('del-port', 'x', '--', 'add-port', 'br0', 'x', '--',
                          'set', 'Interface', 'x', 'type=dummy',
                          'ofport_request=9', 'external_ids:sg-groups=web')
        lab.settle()
        lab.equal(flags(lab, 'x'), {'NO_FLOOD'}, 'guarded')
        lab.sandbox.vsctl('del-port', 'x')
    lab.check(lab.log().grep('port x is held'), 'it was never held')


@test('ports of a bridge that is none of our business are not touched',
      lab=asked, fresh=True)
def _(lab):
    lab.sandbox.add_bridge('br1', True, 'external_ids:sg-enable=false')
    lab.sandbox.add_bridge('br2', False)
    lab.settle()
    for bridge in 'br1', 'br2':
        lab.sandbox.vsctl('add-port', bridge, bridge + '-p', '--', 'set',
                          'Interface', bridge + '-p', 'type=dummy')
        # Until the function has answered, the core does not let NORMAL flood
        # to it; that is not the gate.  Of a bridge that it does not look after
        # nobody waits until it has taken that back.
        lab.settle()
        lab.check(wait_until(lambda: flags(lab, bridge + '-p', bridge)
                             == set()),
                  'a port of %s has flags' % bridge)
        lab.check(not lab.log().grep('port %s-p is held' % bridge),
                  'a port of %s was held' % bridge)


@test('flags that somebody else has set stay', lab=asked, fresh=True)
def _(lab):
    lab.trusted('quiet')
    lab.settle()
    lab.sandbox.ofctl('mod-port', lab.sandbox.mgmt('br0'), 'quiet',
                      'no-flood')
    lab.trusted('other')
    lab.settle()
    lab.equal(flags(lab, 'quiet'), {'NO_FLOOD'}, 'quiet')


@test('unloading lets go of what waits', lab=asked, fresh=True)
def _(lab):
    os.kill(script(lab), signal.SIGSTOP)
    lab.trusted('host')
    lab.guest('named', groups='web')
    lab.apply()
    lab.equal(flags(lab, 'host'), HELD, 'host')
    lab.wait_state(lab.named, 'active')
    lab.agent.unload()
    lab.equal(flags(lab, 'host'), set(), 'host')
    lab.equal(flags(lab, 'named'), {'NO_FLOOD'}, 'named')
    lab.agent.start()
    lab.settle()


@test('as long as an ovs-sgd is in charge, nothing is held', lab=asked,
      fresh=True)
def _(lab):
    lab.allow_log('another agent holds', 'onnect')
    lab.agent.unload()
    beside = Agent(lab.sandbox, lab.folder).start()
    lab.settle()
    lab.agent.start()
    lab.check(wait_until(lambda: lab.log().grep('another agent holds'), 5),
              'the plugin does not wait')
    lab.sandbox.appctl('vlog/set', 'sg_gate:file:dbg')
    lab.guest('two', groups='web')
    lab.apply()
    lab.wait_state(lab.two, 'active')
    lab.check(not lab.log().grep('port two is held'), 'it was held')
    lab.equal(flags(lab, 'two'), {'NO_FLOOD'}, 'two')
    lab.equal(beside.stop(), [], 'the end of ovs-sgd')
    lab.settle()


@test('the switch restarts: all is closed until the flows are in', lab=asked,
      fresh=True)
def _(lab):
    lab.allow_log(r'\.mgmt', 'onnect')
    lab.trusted('host')
    lab.settle()
    for _ in range(5):
        lab.sandbox.kill_vswitchd()
        lab.sandbox.start_vswitchd()
        seen = []

        def closed():
            """A frame each, until the rules are in."""
            try:
                out = lab.send(lab.client, flood(lab))
                seen.extend(set(out) & lab.guarded)
                out = lab.send(lab.one, frames.udp_frame(
                    '52:54:00:99:99:99', lab.client.mac, lab.one.v4,
                    lab.client.v4, 1, 7))
                seen.extend(out)
            except Failure:
                return False            # The port is not there yet.
            return lab.state(lab.one) == 'active' and lab.flows()
        lab.check(wait_until(closed, 20, 0), 'no flows')
        lab.equal(seen, [], 'seen at')
        lab.settle()
        lab.equal(flags(lab, 'one'), {'NO_FLOOD'}, 'one')
        lab.equal(flags(lab, 'host'), set(), 'host')


run()
