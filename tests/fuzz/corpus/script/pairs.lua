-- `pairs' visits keys in order: a policy is the same each time.
local t = { z = 1, a = 2, [10] = 3, [1.5] = 4, [true] = 5, m = 6, [2] = 7 }
local order = {}
for key in pairs(t) do
  order[#order + 1] = tostring(key)
end
group "a" { description = table.concat(order, " ") }
for key, v in pairs(t) do
  t[key] = nil
  assert(v)
end
assert(next(t) == nil)
for _ in pairs(any) do error "a handle has no fields" end
for key in pairs(setmetatable({}, { __pairs = function()
  return next, { x = 1 }, nil
end })) do
  assert(key == "x")
end
