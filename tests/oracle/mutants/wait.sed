# plugin/compile/static.c: first fragments do not wait to be the last ones.
s/(SG_T_(EG|IN)_CT, 160, "(ip|ipv6),ip_frag=first," NOT_YET, )WAIT\("(EG|IN)_CT"\)/\1"resubmit(,{\4_WHO}),resubmit(,{\4_NEW})"/
