-- Licensed under the Apache License, Version 2.0; see LICENSE.

policy "inventory.lua"

ports {
  vault = { groups = "backup", addresses = { "10.0.0.1", "2001:db8:1::1" } },
  api1 = { groups = "api", addresses = { "10.0.0.2", "2001:db8:1::2" } },
}

-- Before the inventory has answered.
refused { from = "192.0.2.10", to = "vault", tcp = 8140 }
refused { from = "192.0.2.10", to = "api1", tcp = 443 }

addresses "agents" { "192.0.2.10", "192.0.2.11", "2001:db8::10" }
addresses "partners" { "198.51.100.0/28" }
addresses "desks" { "203.0.113.5", "2001:db8:ff1::5" }

allowed { from = { "192.0.2.10", "192.0.2.11", "2001:db8::10" },
          to = "vault", tcp = 8140 }
refused { from = { "192.0.2.12", "198.51.100.1" }, to = "vault", tcp = 8140 }
refused { from = "192.0.2.10", to = "vault", tcp = { 22, 443 } }
refused { from = "vault", to = "192.0.2.10", tcp = { 22, 8140 } }

allowed { from = { "198.51.100.1", "203.0.113.5", "2001:db8:ff1::5" },
          to = "api1", tcp = 443 }
refused { from = { "198.51.100.16", "192.0.2.10", "203.0.113.6" },
          to = "api1", tcp = 443 }

-- An agent is taken out of the inventory.
addresses "agents" { "192.0.2.11" }
refused { from = "192.0.2.10", to = "vault", tcp = 8140 }
allowed { from = "192.0.2.11", to = "vault", tcp = 8140 }
