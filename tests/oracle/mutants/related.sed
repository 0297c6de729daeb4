# plugin/compile/static.c: errors about cut connections pass.
/SG_T_(EG|IN)_REVIEW, 110, "ct_state=\+rel\+trk,ct_mark=0x80000000\/0x80000000"/,+1d
