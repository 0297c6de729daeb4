-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Web servers behind a load balancer: everybody reaches the balancer, nobody
-- but the balancer reaches the servers.

local services = require "sg.services"
local patterns = require "sg.patterns"
local site = require "site.common"

local farm = patterns.load_balancer {
  balancer = group "balancer",
  targets = group "web",
  listen = { services.http, services.https, services.http3 },
  forward = services.tcp("8080-8083", "web servers behind the balancer"),
  health = services.tcp(9000, "health check"),
}

local cache = patterns.tier_to_tier {
  from = group "web",
  to = group "cache",
  service = { services.redis, services.memcached },
}

group "balancer" {
  ingress = { farm.balancer.ingress, site.operated },
  egress = { farm.balancer.egress, site.housekeeping },
  revocation = "drain",         -- A deployment ends no download.
}

group "web" {
  ingress = { farm.targets, site.operated },
  egress = { cache.from, site.housekeeping },
}

group "cache" {
  ingress = {
    cache.to,
    patterns.among(group "cache", services.tcp(16379, "Redis cluster bus")),
    site.operated,
  },
  egress = {
    tcp { 16379, to = group "cache", description = "Redis cluster bus" },
    site.housekeeping,
  },
}
