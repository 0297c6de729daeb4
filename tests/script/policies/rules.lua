-- Rules that are wrong.
group "web" {
  description = "web",
  ingres = { tcp { 80, from = any } },
  ingress = {
    tcp { 80, form = any },
    tcp { 80 },
    tcp { 80, to = any },
    tcp { 70000, from = any },
    tcp { "90-80", from = any },
    tcp { 80.5, from = any },
    tcp { "http", from = any },
    tcp { 80, from = "192.0.2.1/24" },
    tcp { 80, from = "192.0.2.300" },
    tcp { 80, from = 5 },
    tcp { 80, from = group },
    tcp { 80, from = tcp { 80, from = any } },
    tcp { group "db", from = any },
    tcp { 80, from = group "dbb" },
    tcp { 80, from = { group "db", "203.0.113.0/24", prefix_list "offce" } },
    icmp { "echo-reqest", from = any },
    icmp { type = 300, from = any },
    ip { protocol = 300, from = any },
    ip { from = any },
    all { from = any, family = "ipv5" },
    tcp { 0 / 0, from = any },
    tcp { 1 / 0, from = any },
    tcp { "\xff", from = any },
    tcp { { { { 80 } } }, from = any },
    tcp { print, from = any },
    "80",
    80,
    { from = any },
    { { tcp { 81, from = any } } },
    group "db",
    function() end,
  },
  egress = "all",
}
group "db" { tcp { 5432, from = group "web" } }
group "-x" { ingress = {} }
group "a b" { ingress = {} }
group "db" { ingress = {} }
group "e" { ingress = {}, revocation = "maybe", description = 5 }
prefix_list "office" { "203.0.113.0/24", 5, any, { "2001:db8::/48" } }
prefix_list "office" { key = "x" }
members "wbe" { "192.0.2.1", "x" }
bind { groups = { "db", 5 }, where = { name = 5 } }
bind { groups = { "dbx" }, where = { external_ids = { ["port-profile"] = "x*" } } }
bind { where = { name = "x" } }
bind { groups = "db" }
bind { groups = "db", where = { tag = "ten", mac = 5, address = { "x" } } }
bind { groups = "db", where = { vlan_tagged = 5, name = {} } }
