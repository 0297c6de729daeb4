-- Licensed under the Apache License, Version 2.0; see LICENSE.

policy "bastion.lua"

ports {
  jump = { groups = "bastion", addresses = { "10.0.0.1", "2001:db8:1::1" } },
  server = { groups = "linux", addresses = { "10.0.0.2", "2001:db8:1::2" } },
  desktop = { groups = "windows", addresses = "10.0.0.3" },
}

local OFFICE <const> = { "203.0.113.7", "2001:db8:ff1::7" }
local ELSEWHERE <const> = { "198.51.100.7", "2001:db8:2::7" }

allowed { from = OFFICE, to = "jump", tcp = 22 }
refused { from = ELSEWHERE, to = "jump", tcp = 22 }
refused { from = OFFICE, to = "jump", tcp = { 21, 23, 3389 } }

-- Behind the jump hosts.
allowed { from = "jump", to = { "server", "desktop" }, tcp = 22 }
allowed { from = "jump", to = "desktop", tcp = 3389, udp = 3389 }
refused { from = "jump", to = "server", tcp = 3389 }
for _, target in ipairs { "server", "desktop" } do
  refused { from = "203.0.113.7", to = target, tcp = { 22, 3389 },
            description = "nobody goes around the jump host" }
end

-- A jump host is no way out.
refused { from = "jump", to = ELSEWHERE, tcp = { 22, 80, 443 } }
allowed { from = "jump", to = "192.0.2.53", udp = 53, tcp = 53 }
allowed { from = "server", to = ELSEWHERE, tcp = 443 }
