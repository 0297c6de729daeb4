# plugin/compile/l4.c: masks of port ranges are one bit short.
s/masks\[n\]\.mask = ~\(size - 1\);/masks[n].mask = ~(size * 2 - 1);/
