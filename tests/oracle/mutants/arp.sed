# plugin/compile/emit-endpoints.c: any sender address in ARP.
/match_set_nw_src_masked\(&e->match, sg_prefix_ipv4\(p\)/,+1d
