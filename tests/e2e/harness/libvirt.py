# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The ovs-vsctl commands that libvirt runs, word by word.

That these are the words is checked against a real libvirtd by
tests/libvirt/real.t (`make check-libvirt'); here they serve tests that have
none.  libvirt 9.0 of Debian 12; the words have not changed since 2013, but for
ifname= (6.x) and the commands about one port's VLANs.
"""
TIMEOUT = '--timeout=5'


def vlan_words(tags=(), trunk=False, native=None, mode='untagged'):
    """<vlan trunk='yes'><tag id='10' nativeMode='untagged'/>...</vlan>"""
    words = []
    if native is not None:
        words += ['vlan_mode=native-' + mode, 'tag=%d' % native]
    if trunk:
        words.append('trunk=' + ','.join(map(str, tags)))
    elif tags:
        words.append('tag=%d' % tags[0])
    return words


def add_port(bridge, name, mac, iface_id, vm_id, profile=None, vlan=()):
    """When a guest starts, comes by migration, or gets an interface.  The
    words are libvirt's, the quotes too, which ovs-vsctl reads as its own."""
    ids = ['attached-mac="%s"' % mac, 'iface-id="%s"' % iface_id,
           'vm-id="%s"' % vm_id]
    if profile:
        ids += ['port-profile="%s"' % profile, 'ifname="%s"' % name]
    ids.append('iface-status=active')
    words = [TIMEOUT, '--', '--may-exist', 'add-port', bridge, name, *vlan]
    for each in ids:
        words += ['--', 'set', 'Interface', name, 'external-ids:' + each]
    return words


def del_port(name):
    """When the guest stops, leaves, or loses the interface."""
    return [TIMEOUT, '--', '--if-exists', 'del-port', name]


def get_port_data(name):
    """At the source of a migration."""
    return [TIMEOUT, '--if-exists', 'get', 'Interface', name,
            'external_ids:PortData']


def set_port_data(name, value):
    """At the target, before the guest runs there."""
    return [TIMEOUT, 'set', 'Interface', name, 'external_ids:PortData='
            + value]


def update_vlan(name, vlan=()):
    """virsh update-device, with another <vlan>."""
    words = [TIMEOUT]
    for column in ('tag', 'trunk', 'vlan_mode'):
        words += ['--', '--if-exists', 'clear', 'Port', name, column]
    if vlan:
        words += ['--', '--if-exists', 'set', 'Port', name, *vlan]
    return words
