-- expect: recursion.lua:3: (stack overflow|the script was stopped because)
local function f()
  return 1 + f()
end
f()
