-- expect: recursion-in-c.lua:15: too deep: 
-- Recursion through C: callbacks of gsub and sort, nested pcall, metamethods
-- and coroutines.
local function deep(n)
  local kind = n % 4
  if kind == 0 then
    return (("x"):gsub("x", function() return deep(n + 1) end))
  elseif kind == 1 then
    return select(2, assert(pcall(deep, n + 1)))
  elseif kind == 2 then
    return tostring(setmetatable({}, { __tostring = function() return deep(n + 1) end }))
  end
  return coroutine.wrap(deep)(n + 1)
end
error("too deep: " .. tostring(select(2, pcall(deep, 0))))
