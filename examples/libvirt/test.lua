-- Licensed under the Apache License, Version 2.0; see LICENSE.

policy "libvirt.lua"

-- A port as libvirt makes it.
local function vnet(mac, address, vm, profile)
  return {
    mac = mac,
    addresses = address,
    external_ids = {
      ["iface-id"] = "f73d4cbe-e85b-4de4-8b05-75ce9cd85b55",
      ["iface-status"] = "active",
      ["port-profile"] = profile,
      ["vm-id"] = vm,
    },
  }
end

local VM = "11111111-2222-4333-8444-55555555555"
local SAVER = "0f0e0d0c-0001-4a4a-8b8b-000000000042"

ports {
  vnet0 = vnet("52:54:00:00:00:01", "192.0.2.17", VM .. "1", "web"),
  vnet1 = vnet("52:54:00:00:00:02", "192.0.2.18", VM .. "2", "web,ssh"),
  vnet2 = vnet("52:54:00:00:00:03", "192.0.2.33", VM .. "3", "ssh"),
  vnet3 = vnet("52:54:00:db:00:01", "192.0.2.34", VM .. "4"),
  vnet4 = vnet("52:54:00:DB:00:02", "192.0.2.35", VM .. "5", "ssh"),
  vnet5 = vnet("52:54:00:00:00:06", "192.0.2.36", SAVER),
  vnet6 = vnet("52:54:00:00:00:07", "192.0.2.37", SAVER, "ssh"),
  uplink = {},
}

groups {
  vnet0 = "web",
  vnet1 = { "web", "ssh" },
  vnet2 = "ssh",
  vnet3 = "db",
  vnet4 = { "db", "ssh" },      -- However the MAC is written.
  vnet5 = "backup",
  vnet6 = { "backup", "ssh" },
  uplink = false,
}

-- From outside.
allowed { from = "203.0.113.9", to = { "vnet0", "vnet1" }, tcp = { 80, 443 } }
refused { from = "203.0.113.9", to = { "vnet2", "vnet3" }, tcp = { 80, 443 } }
allowed { from = "192.0.2.9", to = { "vnet1", "vnet2", "vnet4", "vnet6" },
          tcp = 22 }
refused { from = "192.0.2.9", to = { "vnet0", "vnet3", "vnet5" }, tcp = 22 }
refused { from = "203.0.113.9", to = "vnet1", tcp = 22 }

-- The database: from web servers here, and from those of other hypervisors.
allowed { from = { "vnet0", "vnet1", "192.0.2.30" }, to = "vnet3",
          tcp = 5432 }
refused { from = { "vnet2", "vnet5", "192.0.2.40" }, to = "vnet3",
          tcp = 5432 }
refused { from = "vnet3", to = "203.0.113.9", tcp = 443 }

-- The backups.
allowed { from = { "vnet5", "vnet6" }, to = "198.51.100.7", tcp = 873 }
refused { from = "vnet5", to = "203.0.113.9", tcp = { 80, 873 } }
allowed { from = "vnet6", to = "203.0.113.9", tcp = 80,
          description = "ssh says nothing about egress: all may leave" }
