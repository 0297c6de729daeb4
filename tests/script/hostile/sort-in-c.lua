-- expect: the script was stopped after 2000000 instructions
local t = {}
for i = 1, 10000 do t[i] = (i * 7919) % 10007 end
while true do
  table.sort(t)
end
