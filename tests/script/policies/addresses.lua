-- Sets of addresses that change by themselves: what is recorded.

local crm = addresses "crm" {
  dns = { "crm.example.net", "crm2.example.net" },
  nameservers = "192.0.2.53", min_ttl = 5, max_ttl = 600,
}
addresses "inventory" {
  http = "http://inventory.example/hosts", format = "json",
  path = "hosts", field = "ip", interval = 30, max_change = "50%",
}
addresses "list" { file = "/etc/list", on_error = "empty" }

group "web" {
  ingress = { tcp { 80, from = { addresses "inventory", crm } } },
  egress = { tcp { 443, to = addresses "list" } },
}
members "web" { "192.0.2.1", crm }
members "web" (addresses "inventory")

-- And what is wrong.
addresses "empty" {}
addresses "text" "x"
addresses(80)
addresses "more" { file = "/x", "192.0.2.1" }
addresses "odd" { file = "/x", [true] = 1 }
addresses "typo" { fiel = "/x" }
addresses "hole" { dns = { "a", nil, "b" } }
addresses "words" { dns = tcp }
addresses "call" { resolve = "f" }
addresses "call2" { resolve = function() return {} end }
group "g" { ingress = { tcp { 80, from = addresses "cmr" } } }
members "web" { addresses "invetory" }
prefix_list "p" { crm }
addresses "call3" { resolve = 1 }
