-- expect: the script was stopped after 2000000 instructions
local t = {}
for i = 1, 1000 do t[i] = -i end
while true do
  table.sort(t, function(a, b) return a < b end)
  pcall(table.sort, t, function() return true end)
end
