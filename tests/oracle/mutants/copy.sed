# plugin/compile/static.c: a packet goes on itself behind its commit.
s/"clone\(ct\(commit/"ct(commit/
s/(NXM_NX_CT_MARK\[\]\)\))\),resubmit/\1,resubmit/
