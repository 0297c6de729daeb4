# plugin/compile/groups.c: connections of draining groups are cut.
s/entry->number \|= SG_MARK_DRAIN;/entry->number |= 0;/
