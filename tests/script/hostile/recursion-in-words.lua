-- expect: recursion-in-words.lua:[0-9]+: .*(overflow|stopped because it used)
local t = {}
local function f()
  return { tcp { 80, from = f() } }
end
f()
