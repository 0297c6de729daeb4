# plugin/compile/classify.c: a group of another network has its members in all.
s/&& port_is_in_network\(port, peer->network\)\)/\&\& port->n_endpoints)/
