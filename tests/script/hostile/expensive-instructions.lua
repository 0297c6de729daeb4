-- args: --instructions=1000000000 --mib=64 --ms=500
-- expect: expensive-instructions.lua:[68]: the script was stopped after 500 ms
-- Each call copies all its arguments.
local t = {}
for i = 1, 90000 do t[i] = i end
local function nothing() end
local function pass(...)
  while true do nothing(...) end
end
pass(table.unpack(t))
