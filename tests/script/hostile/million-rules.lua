-- expect: million-rules.lua:7: the script was stopped
-- args: --instructions=20000000 --mib=64
-- A policy that is far too large: what there is of it when the budget ends is
-- more than enough, too.
local rules = {}
for i = 1, 1000000 do
  rules[i] = tcp { i % 65535 + 1, from = "192.0.2.1", description = "rule " .. i }
end
group "all" { ingress = rules }
