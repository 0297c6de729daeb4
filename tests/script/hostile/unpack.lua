-- expect: unpack.lua:2: more than 100000 elements in one call
table.unpack({}, 1, 1e15)
