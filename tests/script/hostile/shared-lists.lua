-- expect: the script was stopped|more than 5000000 values
local t = { "192.0.2.1" }
for _ = 1, 18 do
  t = { t, t, t, t, t, t, t, t }
end
group "a" { ingress = { tcp { 80, from = t } } }
