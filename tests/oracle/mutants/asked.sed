# plugin/compile/static.c: a guest's SCTP is never an answer.
s/#define OTHERS_ASKED "ct_label=4\/4"/#define OTHERS_ASKED "ct_label=8\/8"/
