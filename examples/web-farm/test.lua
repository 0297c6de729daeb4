-- Licensed under the Apache License, Version 2.0; see LICENSE.

policy "web-farm.lua"

ports {
  lb = { groups = "balancer", addresses = { "10.0.0.1", "2001:db8:1::1" } },
  web1 = { groups = "web", addresses = { "10.0.0.11", "2001:db8:1::11" } },
  web2 = { groups = "web", addresses = { "10.0.0.12", "2001:db8:1::12" } },
  cache1 = { groups = "cache", addresses = { "10.0.0.21" } },
  cache2 = { groups = "cache", addresses = { "10.0.0.22" } },
}

local WORLD <const> = { "198.51.100.7", "2001:db8:2::7" }
local WEB <const> = { "web1", "web2" }
local CACHE <const> = { "cache1", "cache2" }
local ALL <const> = { "lb", WEB, CACHE }

allowed { from = WORLD, to = "lb", tcp = { 80, 443 }, udp = 443 }
refused { from = WORLD, to = "lb", tcp = { 22, 8080, 9000 }, udp = 80 }
refused { from = WORLD, to = WEB, tcp = { 80, 443, "8080-8083", 9000 },
          description = "nobody goes around the balancer" }

allowed { from = "lb", to = WEB, tcp = { "8080-8083", 9000 } }
refused { from = "lb", to = WEB, tcp = { 80, 8079, 8084 } }
refused { from = "web1", to = "web2", tcp = 8080 }

allowed { from = WEB, to = CACHE, tcp = { 6379, 11211 } }
refused { from = "lb", to = CACHE, tcp = { 6379, 11211 } }
allowed { from = "cache1", to = "cache2", tcp = 16379 }

-- From site/common.lua, for all of them.
allowed { from = "192.0.2.9", to = ALL, tcp = 9100, icmp = "echo-request" }
allowed { from = "192.0.2.22", to = ALL, tcp = 22 }
refused { from = WORLD, to = ALL, tcp = { 22, 9100 },
          icmp = "echo-request" }
allowed { from = ALL, to = "192.0.2.53", tcp = 53, udp = 53 }
refused { from = ALL, to = "198.51.100.7", tcp = { 25, 80, 443 } }
