-- Licensed under the Apache License, Version 2.0; see LICENSE.

policy "three-tier.lua"

ports {
  jump = { groups = "bastion", addresses = { "10.0.0.1", "2001:db8:1::1" } },
  web1 = { groups = "web", addresses = { "10.0.0.2", "2001:db8:1::2" } },
  app1 = { groups = "app", addresses = { "10.0.0.3", "2001:db8:1::3" } },
  -- In "db" by its name.
  ["tap-db1"] = { addresses = { "10.0.0.4", "2001:db8:1::4" } },
}

groups { ["tap-db1"] = "db" }

local OFFICE <const> = { "203.0.113.5", "2001:db8:ff1::5" }
local WORLD <const> = { "198.51.100.7", "2001:db8:9::9" }
local TIERS <const> = { "web1", "app1", "tap-db1" }

-- Who may reach which port of whom; nobody else may.
for _, try in ipairs {
  { "jump", 22, OFFICE },
  { "web1", 22, "jump" },
  { "web1", { 80, 443 }, { WORLD, OFFICE, "jump", "app1" } },
  { "app1", 22, "jump" },
  { "app1", { 8080, 8089 }, "web1" },
  { "tap-db1", 22, "jump" },
  { "tap-db1", 5432, "app1" },
} do
  allowed { from = try[3], to = try[1], tcp = try[2] }
end

refused { from = WORLD, to = "jump", tcp = 22 }
refused { from = { WORLD, OFFICE }, to = TIERS, tcp = 22 }
refused { from = WORLD, to = "web1", tcp = { 79, 81, 442, 444, 8080 } }
refused { from = { WORLD, OFFICE, "jump" }, to = "app1",
          tcp = { 8079, "8080-8089", 8090 } }
refused { from = "web1", to = "app1", tcp = { 8079, 8090 } }
refused { from = { WORLD, OFFICE, "jump", "web1" }, to = "tap-db1",
          tcp = 5432 }
allowed { from = WORLD, to = "web1", udp = 443 }
refused { from = WORLD, to = "web1", udp = 80 }

-- Databases send their backups, and open nothing else.
allowed { from = "tap-db1", to = "198.51.100.9", tcp = 443 }
refused { from = "tap-db1", to = { "198.51.100.9", "203.0.113.5" },
          tcp = { 22, 80 } }
refused { from = "tap-db1", to = { "web1", "app1", "jump" },
          tcp = { 22, 80, 443, 8080 } }

-- A web server that is no port here.
allowed { from = "192.0.2.10", to = "app1", tcp = 8080 }
refused { from = "192.0.2.11", to = "app1", tcp = 8080 }
