# plugin/compile/static.c: a packet goes on itself behind its commit.
s/^(#define COMMIT\(SET\) )"clone\((.*)\)"$/\1"\2"/
