# plugin/compile/extents.c: a group of another network is that of the own one.
s/peer->network \? peer->network : np->network->name\);/np->network->name);/
