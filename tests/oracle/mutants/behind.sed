# plugin/compile/static.c: what follows a ct() of another bridge is done to
# what comes out of it.
s/"clone\((ct\([^"]*\))\)"/"\1"/
