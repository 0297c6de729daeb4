-- expect: sort-lying.lua:(9|10): (invalid order function for sorting|the script was stopped)
-- Comparators that contradict themselves, on tables that lie about their
-- length.
local function never() return true end
local t = {}
for i = 1, 20000 do
  t[i] = i % 7
end
table.sort(t, never)
table.sort(setmetatable({}, { __len = function() return 1 << 40 end }), never)
error "it came to an end"
