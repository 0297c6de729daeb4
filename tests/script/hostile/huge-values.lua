-- expect: huge-values.lua:4: .*a string of 100000 bytes
-- expect: huge-values.lua:5: the name of a group must be
local s = ("x"):rep(100000)
group "a" { description = s, ingress = { tcp { s, from = s, family = s } } }
group(s) { [s] = s, ingress = { [s] = s } }
group "a\0b" {}
