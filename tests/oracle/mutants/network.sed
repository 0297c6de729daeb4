# plugin/compile/classify.c: members count in all networks.
s/if \(!strcmp\(port->endpoints\[i\]\.network, network\)\)/if (network)/
