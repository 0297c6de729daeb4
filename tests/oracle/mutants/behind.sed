# plugin/compile/static.c: a ct() in the midst of another bridge's outputs.
s/"clone\((ct\([^"]*\))\)"/"\1"/
