-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Label selectors, as Kubernetes has them: pods carry labels, and groups
-- choose their members by labels, not by names.
--
-- The orchestrator writes a pod's labels into external_ids of its interface:
--
--     ovs-vsctl set Interface pod1 external_ids:labels="app=shop,tier=web"

local labels = require "site.labels"

-- A group for each selector: the port is in all that fit.
local select = {
  ["shop-web"] = { app = "shop", tier = "web" },
  ["shop-db"] = { app = "shop", tier = "db" },
  ["prod"] = { env = "prod" },
  ["scraped"] = { scrape = labels.ANY },
}

bind(function(port)
  local text = port.external_ids.labels
  if not text then
    return nil                  -- No pod.
  end
  local groups = { "pod" }      -- What all pods have in common.
  local set = labels.parse(text)
  for name, selector in pairs(select) do
    if labels.match(selector, set) then
      groups[#groups + 1] = name
    end
  end
  return groups
end)

group "pod" {
  description = "every pod: nothing in, and out only to the name servers",
  egress = { udp { 53, to = "192.0.2.53" }, tcp { 53, to = "192.0.2.53" } },
}

group "shop-web" {
  description = "app=shop, tier=web",
  ingress = { tcp { 8080, from = any } },
  egress = { tcp { 5432, to = group "shop-db" } },
}

group "shop-db" {
  description = "app=shop, tier=db",
  ingress = { tcp { 5432, from = group "shop-web" } },
  egress = {},
}

group "prod" {
  description = "env=prod",
  egress = { tcp { 443, to = "203.0.113.8", description = "payments" } },
}

group "scraped" {
  description = "any value of scrape",
  ingress = { tcp { 9100, from = "192.0.2.9" } },
  egress = {},
}
