-- args: --mib=2
-- expect: the script was stopped because it used more than 2 MiB
local list = {}
while true do
  list[#list + 1] = tcp { 80, from = any }
end
