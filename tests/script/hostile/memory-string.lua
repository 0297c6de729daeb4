-- expect: memory-string.lua:4: the script was stopped because it used more than 16 MiB
local s = "x"
while true do
  s = s .. s
end
