-- expect: loop.lua:2: the script was stopped after 2000000 instructions
while true do
end
