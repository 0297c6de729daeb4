-- expect: the script was stopped after 2000000 instructions
for _ in function() return 1 end do end
