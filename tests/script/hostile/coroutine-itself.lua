-- expect: false .*:7: cannot resume non-suspended coroutine, false .*:12: cannot resume non-suspended coroutine, and on
-- A coroutine that calls itself, and one that is called by whom it called:
-- each goes on.
local itself, caller, called, first, second

itself = coroutine.wrap(function()
  local ok, e = pcall(function() itself("an argument") end)
  first = tostring(ok) .. " " .. tostring(e)
  return "on"
end)
called = coroutine.wrap(function()
  local ok, e = pcall(function() caller("an argument") end)
  second = tostring(ok) .. " " .. tostring(e)
end)
caller = coroutine.wrap(function()
  called()
  return "and "
end)
local on = itself()
error(caller() and first .. ", " .. second .. ", and " .. on)
