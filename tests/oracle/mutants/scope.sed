# plugin/compile/groups.c: a group of one network alone is that of another, too.
s/^( +)endpoint->network\);$/\1"blue");/
