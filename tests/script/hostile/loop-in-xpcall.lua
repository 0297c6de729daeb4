-- expect: the script was stopped after 2000000 instructions
while true do
  xpcall(function()
    while true do end
  end, function()
    while true do end
  end)
end
