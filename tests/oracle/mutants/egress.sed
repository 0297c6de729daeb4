# plugin/compile/static.c: egress is judged, but not obeyed.
s/("EG_VERDICT", 100, )ALLOWED/\1""/
