# plugin/compile/static.c: errors about cut connections pass.
s/(SG_T_EG_CT, 90, "ct_state=\+rel\+trk", "resubmit\(,)\{EG_REVIEW\}/\1{L2}/
s/(SG_T_IN_CT, 90, "ct_state=\+rel\+trk", "resubmit\(,)\{IN_REVIEW\}/\1{COMMIT_SRC}/
