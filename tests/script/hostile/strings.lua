-- expect: strings.lua:6: attempt to index a boolean value
-- expect: log: INFO: strings.lua:5: false abc nil
-- The metatable of strings, by which every string in the state could be
-- changed, is out of reach.
print(getmetatable(""), ("abc"):lower(), rawget(string, "rep"))
getmetatable("").__index = function() return "owned" end
