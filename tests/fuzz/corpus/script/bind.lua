members "web" { "192.0.2.10", "2001:db8::10" }
local l = prefix_list "l" { "10.0.0.0/8", { "2001:db8::/32" } }
local function t(p) return { tcp { "1-2", from = p }, icmp { "echo-request", from = any } } end
group "web" { ingress = { t(l), t(group "web"), ip { protocol = 47, from = any } }, egress = {} }
bind { groups = { "web" }, where = { name = "tap*", external_ids = { k = "v" } } }
bind(function(port)
  if string.find(port.name, "^t.-%d$") then return { "web" } end
end)
for i = 1, 3 do group("g" .. i) { revocation = "drain" } end
