-- expect: the script was stopped after 2000000 instructions
local function spin()
  while true do end
end
while true do
  coroutine.resume(coroutine.create(spin))
  pcall(coroutine.wrap(spin))
end
