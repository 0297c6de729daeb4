-- expect: the script was stopped because it used more than 16 MiB
local function eat()
  local s = "x"
  while true do s = s .. s end
end
while true do
  pcall(coroutine.wrap(eat))
end
