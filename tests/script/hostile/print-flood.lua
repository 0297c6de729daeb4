-- expect: the script was stopped
-- Lines for the log without end, and a warning now and then.
local n = 0
while true do
  n = n + 1
  print(("x"):rep(500), n)
  if n % 100 == 0 then
    warn(n)
  end
end
