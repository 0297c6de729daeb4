# plugin/compile/static.c: the cut bit is ignored.
s/ct_mark=0x20000000\/0xa0000000/ct_mark=0x20000000\/0x20000000/
/SG_T_(EG|IN)_CT, 120, "ct_state=\+est\+trk,ct_mark=0x80000000\/0x80000000"/,+1d
