-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Who may reach what is written down in an inventory, which a web server
-- gives out as JSON:
--
--     { "hosts": [ { "address": "192.0.2.10", "name": "agent1" }, ... ] }

local services = require "sg.services"

local agents = addresses "agents" {
  http = "https://inventory.example.net/role/backup-agent",
  path = "hosts",
  field = "address",
  format = "json",
  interval = 60,
  max_change = "30%",           -- An inventory that lost its mind changes
                                -- nothing.
}

-- The same service gives out a list of lines, one address each.
local partners = addresses "partners" {
  http = "https://inventory.example.net/partners.txt",
  format = "lines",
  interval = 300,
  on_error = "empty",           -- In doubt, no partner.
}

group "backup" {
  description = "takes backups from what the inventory calls an agent",
  ingress = { services.tcp(8140, "backup") { from = agents } },
  egress = {},
}

group "api" {
  ingress = { services.https { from = { partners, group "office" } } },
}

-- Members that are no ports of this host come from the inventory as well.
group "office" {}
members "office" {
  addresses "desks" {
    http = "https://inventory.example.net/role/desk",
    path = "hosts",
    field = "address",
    interval = 60,
  },
}
