-- expect: the script was stopped because it said or asked too much
-- Modules without end: each is looked for on disk.
for i = 1, 100000 do
  require("m" .. i)
end
