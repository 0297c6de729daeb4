-- What authors write, as the document has it.
local ports <const> = { 80, 443 }

local function pair(peer)
  return { tcp { ports, from = peer }, { udp { 443, from = peer } } }
end

local lists = {}
for _, name in ipairs { "one", "two" } do
  lists[#lists + 1] = prefix_list(name) { "192.0.2.0/24", { "2001:db8::/32" } }
end

group "web" {
  description = "web",
  revocation = "drain",
  ingress = {
    pair(any),
    pair { group "web", lists, "198.51.100.1" },
    icmp { type = 8, code = 0, from = any },
    icmp { "echo-request", from = any, family = "ipv4" },
    icmp6 { "echo-request", from = any },
    ip { protocol = 47, from = any },
    sctp { "1-10", 12.0, from = any, description = "tést" },
    all { from = group "web" },
  },
  egress = {},
}
local all_egress = all { to = any }
group "a" { egress = all_egress }
group "b" { egress = { all_egress } }
members "web" { "192.0.2.1", { "192.0.2.2" } }
members(group "a") {}
bind { "a", where = { name = "x*" } }
bind { groups = group "a", where = { external_ids = { id = "x*", b = "y" } } }
bind { groups = { "a", group "b" }, where = { name = "tap" } }
bind(function(port) return port.name end)
bind {
  groups = "b",
  where = { bridge = { "br-*", "int?" }, type = "", tag = { 10, 20 },
            mac = "52:54:*", address = "192.0.2.0/24" },
}
