# plugin/compile/emit-endpoints.c: a MAC is the same in all VLANs.
/^emit_l2/,/^}/s/emit_match_reg\(e, SG_R_VLAN, vlan_of\(ep\)\);//
