-- 1: a string
bind(function(port)
  if port.name:match "^tap%-db" then
    return "db"
  end
end)
-- 2: a list, with handles
bind(function(port) return { "web", group "db", { "all" } } end)
-- 3: all fields
bind(function(port)
  local ids = {}
  for key, v in pairs(port.external_ids) do
    ids[#ids + 1] = key .. "=" .. v
  end
  print(port.name, port.bridge, port.type, port.ofport, port.tag,
        port.vlan_mode, port.trunks and table.concat(port.trunks, ","), port.mac,
        port.macs[2], #port.addresses, port.external_ids.nothing,
        table.concat(ids, ","))
  return {}
end)
-- 4: a field that there is not
bind(function(port)
  return port.nmae
end)
-- 5: what is no name
bind(function() return { "a", 5 } end)
bind(function() return tcp end)
-- 7: an error, through a template
local function fail(port)
  error("cannot decide about " .. port.name)
end
bind(function(port) local x = fail(port) return x end)
-- 8: writing
bind(function(port) port.name = "x" end)
bind(function(port) port.external_ids.x = "x" end)
-- 10: words
bind(function() return tcp { 80, from = any } end)
bind(function() group "late" {} end)
bind(function() bind(function() end) end)
bind(function() local x = unknown_word return x end)
bind(function() leak = 1 end)
bind(function() members "web" { "192.0.2.1" } end)
-- 16: no end
bind(function() while true do pcall(function() while true do end end) end end)
local kept = coroutine.wrap(function()
  while true do while true do end end
end)
bind(function() kept() end)
bind(function() kept() end)
-- 19: memory
bind(function() local s = "x" while true do s = s .. s end end)
-- 20: still alive
bind(function(port) return port.bridge == "br0" and "fine" or nil end)
bind(function() return "a\0b" end)
group "web" {}
group "db" {}
