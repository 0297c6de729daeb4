-- Legal, but surely not meant.
local r = tcp { 80, from = any }
group "lonely" { ingress = { tcp { 81, from = group "lonely" } } }
