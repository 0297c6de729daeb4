# plugin/compile/review.c: what goes to a lost address is let through.
s/#define OWN_PRIORITY 140/#define OWN_PRIORITY 90/
