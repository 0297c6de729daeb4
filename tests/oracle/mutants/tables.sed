# plugin/compile/emit-rules.c: two tables are swapped.
s/\{ SG_T_IN_PROFILE, SG_T_IN_CLASS/{ SG_T_EG_PROFILE, SG_T_IN_CLASS/
t
s/\{ SG_T_EG_PROFILE, SG_T_EG_CLASS/{ SG_T_IN_PROFILE, SG_T_EG_CLASS/
