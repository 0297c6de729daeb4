-- expect: cyclic-lists.lua:6: .*nests too deep|stopped after
local t = {}
t[1], t[2] = t, t
local p = {}
p[1] = p
group "a" { ingress = { tcp { 80, from = p }, tcp { p, from = any } } }
group "b" { ingress = t }
