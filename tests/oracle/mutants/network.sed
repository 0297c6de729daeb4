# plugin/compile/extents.c: members count in all networks.
s/^( +)port->endpoints\[i\]\.network, delta\);$/\1NULL, delta);/
