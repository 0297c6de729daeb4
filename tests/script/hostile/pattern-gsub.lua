-- expect: pattern-gsub.lua:3: the script was stopped after 2000000 instr
local s = ("x"):rep(60000)
pcall(string.gsub, s, "(.-)(.-)%1b", "")
print(s)
-- unguarded: the script was stopped after
