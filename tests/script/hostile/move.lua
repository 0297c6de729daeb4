-- expect: move.lua:3: more than 100000 elements in one call
pcall(table.move, {}, 1, 1e15, 2)
table.move({}, 1, math.maxinteger - 1, 2)
-- unguarded: the script was stopped after
