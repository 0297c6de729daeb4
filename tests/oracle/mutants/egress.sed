# plugin/compile/static.c: egress is judged, but not obeyed.
s/(SG_T_EG_VERDICT, 100, )ALLOWED/\1""/
