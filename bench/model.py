# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What a scenario says about a connection, in the fewest words: the
measurements are held to it before they count."""
import ipaddress


def _is_v6(address):
    return ':' in address


def _matches(rule, direction, peer, address, protocol, port):
    """Is a connection to 'port' with the guest 'peer' one of the rule's?"""
    remote = rule['remote']
    if rule['direction'] != direction or \
       (rule['ethertype'] == 'IPv6') != _is_v6(address) or \
       rule['protocol'] not in ('any', protocol):
        return False
    if rule['port_min'] is not None and \
       not rule['port_min'] <= port <= rule['port_max']:
        return False
    if 'group' in remote:
        return remote['group'] in peer['groups']
    return 'cidr' not in remote or \
        ipaddress.ip_address(address) in ipaddress.ip_network(remote['cidr'])


def _permits(scenario, guest, *args):
    return any(_matches(rule, *args) for group in scenario['groups']
               if group['name'] in guest['groups'] for rule in group['rules'])


def allowed(scenario, source, target, protocol, port, family=0, local=True):
    """May 'source' open this connection to 'target'?  'family' is the index of
    the address.  Unless both are 'local', the rules of the source, which is on
    another hypervisor, are not asked."""
    return (not local or _permits(scenario, source, 'egress', target,
                                  target['ips'][family], protocol, port)) and \
        _permits(scenario, target, 'ingress', source, source['ips'][family],
                 protocol, port)


def referenced_group(scenario):
    """Of the groups with remote members, the one that most rules of local
    ports name."""
    there = {group for member in scenario['remote_members']
             for group in member['groups']}
    here = {group for port in scenario['ports'] for group in port['groups']}
    names = [rule['remote']['group'] for group in scenario['groups']
             if group['name'] in here for rule in group['rules']
             if rule['remote'].get('group') in there]
    return max(sorted(set(names)), key=names.count)
