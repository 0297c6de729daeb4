# plugin/compile/static.c: the SYN of the far end is judged, not taken for an answer.
s/("\*_CT", 106, "tcp6\?,ip_frag=no,)(ct_state)/\1tcp_flags=-syn,\2/
