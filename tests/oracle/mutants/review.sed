# plugin/compile/review.c: what a guest sends is not judged again.
/^emit_number/,/^}/s/emit_review_flow\(e, SG_T_EG_CT, SG_T_EG_REVIEW\);//
