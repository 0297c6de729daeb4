-- Licensed under the Apache License, Version 2.0; see LICENSE.

policy "tenants.lua"

-- The same addresses, group by group, in either network.
for _, tenant in ipairs { "blue", "red" } do
  ports {
    [tenant .. "-web"] = { network = tenant, groups = { "web", "operated" },
                           addresses = "10.0.0.1" },
    [tenant .. "-db"] = { network = tenant, groups = "db",
                          addresses = "10.0.0.2" },
  }
end

for _, tenant in ipairs { "blue", "red" } do
  allowed { from = tenant .. "-web", to = tenant .. "-db", tcp = 5432 }
  refused { from = tenant .. "-db", to = tenant .. "-web",
            tcp = { 443, 8443 } }
  allowed { from = "192.0.2.22", to = tenant .. "-web", tcp = 22 }
  refused { from = "192.0.2.22", to = tenant .. "-db", tcp = 22 }
end

-- Each has its own port.
allowed { from = "198.51.100.7", to = "blue-web", tcp = 443 }
refused { from = "198.51.100.7", to = "blue-web", tcp = 8443 }
allowed { from = "198.51.100.7", to = "red-web", tcp = 8443 }
refused { from = "198.51.100.7", to = "red-web", tcp = 443 }

-- An address that only the other tenant has is a stranger's.
ports { ["red-web2"] = { network = "red", groups = "web",
                         addresses = "10.0.0.9" } }
refused { from = "10.0.0.9", to = "blue-db", tcp = 5432 }
allowed { from = "red-web2", to = "red-db", tcp = 5432 }

-- The report: across the networks, and no further than that.
ports { ["red-report"] = { network = "red", groups = "report",
                           addresses = "10.0.0.8" } }
allowed { from = "red-report", to = "blue-db", tcp = 5432 }
refused { from = "red-report", to = { "blue-db", "blue-web" },
          tcp = { 22, 443 } }
refused { from = "red-report", to = "red-db", tcp = 22 }
