-- expect: globals.lua:5: "print" is a word of the language
-- expect: globals.lua:6: "group" is a word of the language
-- expect: globals.lua:7: "new" would be a global variable
-- expect: globals.lua:9: "_G" is not available
print = function() end
group = nil
new = 1
assert(not pcall(setmetatable, _ENV, {}))
local g = _G.x
assert(getmetatable(_ENV) == false and next(_ENV) == nil)
local _ENV = { tcp = tcp }
x = 1
