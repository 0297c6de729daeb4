# plugin/compile/emit-rules.c: addresses are matched one bit short.
s/side->match_peer\(e, &address->prefix\);/struct sg_prefix p = address->prefix; p.plen--; side->match_peer(e, \&p);/
