-- expect: the script was stopped after 2000000 instructions
local function count(...)
  while true do select("#", ...) end
end
count(table.unpack({}, 1, 1000))
