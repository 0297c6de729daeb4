# plugin/compile/emit-floods.c: multicast is judged, but not obeyed.
/match_set_reg_masked\(&e->match, SG_R_NUMBER/,+1d
