-- expect: bind-in-load.lua:[0-9]+: the script was stopped
-- args: --instructions=200000 --mib=16
-- A function for `bind' that is called while it is defined, for ever.
local function asked(port)
  return asked and bind(asked) or port
end
while true do
  bind(function() return asked() end)
end
