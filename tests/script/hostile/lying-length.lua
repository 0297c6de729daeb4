-- expect: lying-length.lua:4: bad argument #1 to 'remove' \(a table without
local lie = setmetatable({}, { __len = function() return math.maxinteger end,
                               __index = rawlen })
table.remove(lie, 1)
