-- Wrong words and wrong arguments: everything here is an error, and all of
-- them are reported by one load.
tpc { 80, from = any }
local web = gruop "web"
group "a" { ingress = { tcp { 80, from = anny } } }
tcp(80)
tcp "80"
tcp { 80, from = any } { 81 }
group(5)
group { ingress = {} }
group("b", {})
group "c" "d"
group
  "e" (7)
prefix_list(any)
prefix_list "office" "192.0.2.0/24"
members { "192.0.2.1" }
members "web"
members "web" "192.0.2.1"
members(group "web") { "192.0.2.1" }
bind(5)
bind(tcp)
bind { groups = "db", where = "tap*" }
bind { groups = "db", where = { nmae = "tap*" } }
bind { groups = "db", where = { "tap*" } }
bind { groups = "db", where = { external_ids = "x" } }
bind { "db", groups = "db", where = { name = "x" } }
any { 80 }
io.write("x")
require "site.absent"
load("x")
addresses(5)
network "blue" { }
x = 5
tcp = 5
string.rep = nil
string.repp("x", 3)
math.random(3)
any.name = 3
local g = group "web"
g.colour = "red"
local c = g.colour
print(unknown_thing.field.other(1, 2) .. "x", unknown_sum + 1, -unknown_minus)
if unknown_number < 3 then print "no" end
for _, v in ipairs(unknown_list) do print(v) end
for v in unknown_iterator() do print(v) end
allowed { from = "web1", to = "db1", tcp = 1 }
