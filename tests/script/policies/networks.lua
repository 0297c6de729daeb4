-- Blocks claim what they hold; references, and what is outside, they do not.
local function tier(name, peer)
  return group(name) { ingress = { tcp { 80, from = peer } } }
end

local function tenant(clients)
  return {
    group "lb" { ingress = { tcp { 443, from = clients } } },
    tier("web", group "lb"),
    members "lb" { "192.0.2.1" },
  }
end

group "monitoring" { ingress = { tcp { 9100, from = group "web" } } }
network "blue" { tenant("198.51.100.0/24"), members "monitoring" { "::1" } }
network "red" {
  tenant(any),
  group "db" {
    ingress = { tcp { 5432, from = { group "web",
                                     network "blue".group "web" } } },
  },
}
network "red" { group "default" {} }
network "green" {}
members "web" { "192.0.2.2" }           -- in blue and in red
local blue = network "blue"
assert(blue.name == "blue" and blue.group "web".name == "web")
assert(blue.group "web" == network "blue".group "web")
assert(blue.group "web" ~= network "red".group "web")
assert(blue.group "web" ~= group "web")
assert(tostring(blue.group "web") == 'network "blue".group "web"')
