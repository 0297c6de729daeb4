# plugin/compile/static.c: TCP may begin without SYN, to a guest.
s/("\*_NEW", 90, "tcp6\?", )"drop"/\1"<drop|resubmit(,{IN_PROFILE}),resubmit(,{IN_VERDICT})>"/
