# plugin/compile/static.c: multicast is judged, but not obeyed.
/SG_T_FLOOD_OUT, 100, "\$NUMBER=0", "drop"/d
