-- expect: lying-index.lua:4: bad argument #1 to 'concat' \(a table without
local lie = setmetatable({}, { __index = rawlen })
pcall(table.unpack, lie, 1, 1e6)
table.concat(lie, "", 1, math.maxinteger)
