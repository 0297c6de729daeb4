-- expect: rep.lua:3: string.rep would make more than 1048576 bytes
pcall(string.rep, "x", 1e18, "")
local s = ("").rep("", 1e18)
-- unguarded: the script was stopped after
