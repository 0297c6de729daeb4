# plugin/compile/l4.c: ranges with a port between them are merged.
s/return atom->lo <= entry->hi \+ 1;/return atom->lo <= entry->hi + 2;/
