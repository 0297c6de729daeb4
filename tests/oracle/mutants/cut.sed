# plugin/compile/static.c: the cut bit is ignored.
/SG_T_(EG|IN)_CT, 120, "ct_state=\+trk,ct_mark=0x80000000\/0x80000000"/,+1d
