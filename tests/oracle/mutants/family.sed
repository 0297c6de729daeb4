# plugin/compile/emit-rules.c: a rule for all of one family is for both.
s/if \(entry->families != SG_IP_ANY\)/if (entry->families != SG_IP_ANY \&\& entry->proto >= 0)/
