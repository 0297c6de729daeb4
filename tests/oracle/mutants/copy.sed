# plugin/compile/static.c: a packet goes on itself behind its commit.
s/"clone\(ct\(commit,(zone=\$(SRC|DST)\[0\.\.15\],")$/"ct(commit,\1/
s/(NXM_NX_CT_MARK\[\]\)\))\),resubmit/\1,resubmit/
