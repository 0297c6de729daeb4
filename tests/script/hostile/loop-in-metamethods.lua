-- expect: the script was stopped after 2000000 instructions
local t = setmetatable({}, { __index = function() while true do end end,
                             __tostring = function() while true do end end })
pcall(tostring, t)
print(pcall(function() return t.x end))
group "a" { ingress = t, description = t.y }
