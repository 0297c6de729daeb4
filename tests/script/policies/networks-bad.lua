group "all" {}
local web = group "web" {}
network "blue" { web, group "all" {} }          -- "all" is everywhere
network "red" { web }                           -- claimed by blue
network "blue" { group "web" {} }               -- twice
network "blue" { group "app" { ingress = { tcp { from = group "db" } } } }
network "red" { group "db" { ingress = { tcp { from = group "wbe" } } } }
network "red" { group "web" }                   -- a reference
network "red" { prefix_list "p" { "192.0.2.1" } }
network "red" { bind { groups = "db", where = { name = "x" } } }
network "red" { tcp { 80, from = any } }
network "red" { name = 5, any, 5, network "blue" }
network "red" { nil, group "nil" {} }
network "red" "blue"
network "red"
network(5)
network "no name" { group "no-name" {} }
network "green" { members "db" { "192.0.2.1" } }
group "a" { ingress = { tcp { 80, from = network "red".group "dbs" } } }
group "b" { ingress = { tcp { 80, from = network "red" } } }
group "c" { ingress = { tcp { 80, from = network "-".group "db" } } }
network "red".group "e" {}
members(network "red".group "db") { "192.0.2.1" }
bind { groups = { network "red".group "db" }, where = { name = "x" } }
local x = network "red".groups
local y = network "red".group(5)
network "red" { function() end, unknown_word }
group "db" {}                                   -- red has one
local lost = members "db"
network "red" { lost }
local function forgets(name)
  group(name) {}
  members(name) {}
end
network "blue" { forgets "f1", group "f2" {}, forgets "f3" }
