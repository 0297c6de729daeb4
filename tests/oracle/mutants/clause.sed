# plugin/compile/emit-rules.c: a rule's ICMP code is forgotten.
s/if \(entry->code >= 0\) \{/if (false) {/
