-- expect: memory-table.lua:[0-9]+: the script was stopped because it used more
local t = {}
local i = 0
while true do
  i = i + 1
  t[i] = { i, i, i, i, i, i, i, i, i, i }
end
