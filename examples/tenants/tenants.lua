-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Two tenants who know nothing of each other.  Both use 10.0.0.0/24, both have
-- groups called "web" and "db", and each means its own.
--
-- Which tenant a port belongs to is said by its network:
--
--     ovs-vsctl set Interface tap1 external_ids:sg-network=blue
--                                  external_ids:sg-groups=web

local services = require "sg.services"
local patterns = require "sg.patterns"

-- The provider's: in every network.
group "operated" {
  description = "may be administrated by the provider",
  ingress = { services.ssh { from = "192.0.2.22" } },
  egress = {},
}

-- What a tenant orders: a web server in front of a database, which others
-- may use by 'contracts'.
local function shop(port, contracts)
  local data = patterns.tier_to_tier {
    from = group "web",
    to = group "db",
    service = services.postgres,
  }
  return {
    group "web" {
      ingress = { tcp { port, from = any } },
      egress = { data.from },
    },
    group "db" { ingress = { data.to, contracts }, egress = {} },
  }
end

-- Red reads blue's database for a report.  Both sides say so; "db" alone would
-- be red's own.
network "blue" {
  shop(443, { services.postgres { from = network "red".group "report" } }),
}

network "red" {
  shop(8443, {}),
  group "report" {
    egress = { services.postgres { to = network "blue".group "db" } },
  },
}
