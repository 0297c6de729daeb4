-- expect: pattern.lua:2: the script was stopped after 2000000 instructions
local where = ("x"):rep(60000):find(".-.-.-b")
-- unguarded: the script was stopped after
