# plugin/compile/emit-rules.c: the shortest prefix wins.
s/1 \+ sg_prefix_text_len\(&address->prefix\)/200 - sg_prefix_text_len(\&address->prefix)/
