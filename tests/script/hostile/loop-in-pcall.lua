-- expect: loop-in-pcall.lua:[34]: the script was stopped after 2000000 instr
while true do
  pcall(function()
    while true do end
  end)
end
