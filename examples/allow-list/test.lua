-- Licensed under the Apache License, Version 2.0; see LICENSE.

policy "allow-list.lua"

ports {
  build = { groups = "locked", addresses = { "10.0.0.1", "2001:db8:1::1" } },
  shop = { groups = { "locked", "shop" },
           addresses = { "10.0.0.2", "2001:db8:1::2" } },
}

local PACKAGES <const> = { "198.51.100.10", "2001:db8:9::10" }
local PAYMENTS <const> = { "203.0.113.20", "2001:db8:8::20" }
local BOTH <const> = { "build", "shop" }

-- Nothing has been resolved yet: names stand for no address.
refused { from = BOTH, to = { PACKAGES, PAYMENTS }, tcp = { 80, 443 } }
allowed { from = BOTH, to = { "192.0.2.53", "2001:db8::53" },
          tcp = 53, udp = 53 }

addresses "packages" { PACKAGES }
addresses "payments" { PAYMENTS }

allowed { from = BOTH, to = PACKAGES, tcp = { 80, 443 } }
allowed { from = "shop", to = PAYMENTS, tcp = 443 }
refused { from = "build", to = PAYMENTS, tcp = 443 }
refused { from = "shop", to = PAYMENTS, tcp = 80 }
refused { from = BOTH, to = { "198.51.100.11", "2001:db8:9::11" },
          tcp = { 80, 443 } }

-- The name moves.
addresses "packages" { "198.51.100.11" }
allowed { from = BOTH, to = "198.51.100.11", tcp = 443 }
refused { from = BOTH, to = PACKAGES, tcp = 443 }

allowed { from = { "198.51.100.7", "2001:db8:2::7" }, to = "shop", tcp = 443 }
refused { from = { "198.51.100.7", "2001:db8:2::7" }, to = "build",
          tcp = 443 }
