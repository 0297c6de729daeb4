# plugin/compile/emit-floods.c: the votes of one profile are another's.
/^emit_voted/,/^}/s/while \(n-- > 0\) \{/for (size_t k = 0; k < n; k++) {/
/^emit_voted/,/^}/s/floods\[n\]/floods[k]/
