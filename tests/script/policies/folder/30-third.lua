group "third" { ingress = { tcp { 80, from = group "frist" } },
                ingres = { tcp { 80, from = group "second" } } }
group "third" {}
local x = nil
x.y = 1
