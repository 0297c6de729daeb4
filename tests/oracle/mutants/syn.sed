# plugin/compile/static.c: TCP may begin without SYN, to a guest.
s/(SG_T_IN_NEW, 90, "tcp6?", )"drop"/\1"resubmit(,{IN_PROFILE}),resubmit(,{IN_VERDICT})"/
