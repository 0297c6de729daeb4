-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Servers that open no connections but to a few services outside, which have
-- names, and whose addresses change without anybody telling us.

local services = require "sg.services"

local resolvers = prefix_list "resolvers" { "192.0.2.53", "2001:db8::53" }

-- Asked again when the time to live of an answer ends.  An answer stays in
-- force when no server answers, and one that would exchange more than half of
-- the addresses at once is not believed.
local packages = addresses "packages" {
  dns = { "deb.example.net", "security.example.net" },
  max_change = "50%",
}

local payments = addresses "payments" {
  dns = "api.payments.example.com",
  nameservers = { "192.0.2.53", "2001:db8::53" },
  min_ttl = 30,
  max_ttl = 3600,
}

group "locked" {
  description = "reaches its name servers and its packages",
  egress = {
    services.dns { to = resolvers },
    services.https { to = packages },
    services.http { to = packages },
  },
}

group "shop" {
  description = "may charge a card",
  ingress = { services.https { from = any } },
  egress = { services.https { to = payments } },
}
