-- expect: the script was stopped after 2000000 instructions
-- None of them runs long enough for a hook of its own to look.
local function nest(depth)
  for _ = 1, 50 do
    if depth > 0 then
      coroutine.wrap(nest)(depth - 1)
    end
  end
end
nest(20)
