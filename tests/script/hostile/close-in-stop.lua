-- expect: the script was stopped after 2000000 instructions
local hook = setmetatable({}, { __close = function()
  -- Must not get a second life.
  for _ = 1, 1e9 do end
  group "survivor" {}
end })
local co = coroutine.wrap(function()
  local x <close> = hook
  while true do coroutine.yield() end
end)
local y <close> = hook
while true do pcall(co) end
