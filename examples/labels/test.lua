-- Licensed under the Apache License, Version 2.0; see LICENSE.

policy "labels.lua"

-- A pod as the orchestrator makes it.
local function pod(labels, address)
  return { addresses = address, external_ids = { labels = labels } }
end

ports {
  web1 = pod("app=shop,tier=web,env=prod", "10.0.0.1"),
  web2 = pod("app=shop,tier=web,env=test", "10.0.0.2"),
  blog = pod("app=blog,tier=web,env=prod", "10.0.0.3"),
  db1 = pod("app=shop,tier=db,env=prod,scrape=yes", "10.0.0.4"),
  other = pod("", "10.0.0.5"),
  uplink = {},
}

groups {
  web1 = { "pod", "shop-web", "prod" },
  web2 = { "pod", "shop-web" },
  blog = { "pod", "prod" },
  db1 = { "pod", "shop-db", "prod", "scraped" },
  other = "pod",
  uplink = false,
}

allowed { from = "198.51.100.7", to = { "web1", "web2" }, tcp = 8080 }
refused { from = "198.51.100.7", to = { "blog", "other" }, tcp = 8080 }
allowed { from = { "web1", "web2" }, to = "db1", tcp = 5432 }
refused { from = { "blog", "other" }, to = "db1", tcp = 5432 }
allowed { from = "192.0.2.9", to = "db1", tcp = 9100 }
refused { from = "192.0.2.9", to = "web1", tcp = 9100 }

-- Out.
allowed { from = { "web1", "blog", "db1" }, to = "203.0.113.8", tcp = 443 }
refused { from = { "web2", "other" }, to = "203.0.113.8", tcp = 443 }
allowed { from = { "web2", "other" }, to = "192.0.2.53", udp = 53 }

-- A pod whose labels change is another one at once.
ports { blog = pod("app=shop,tier=web", "10.0.0.3") }
groups { blog = { "pod", "shop-web" } }
allowed { from = "blog", to = "db1", tcp = 5432 }
refused { from = "blog", to = "203.0.113.8", tcp = 443 }
