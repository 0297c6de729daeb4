# plugin/compile/static.c: the cut bit is ignored.
s/ct_mark=0x20000000\/0xa0000000/ct_mark=0x20000000\/0x20000000/
/"\*_CT", 120, ESTABLISHED NOT_NOW/d
