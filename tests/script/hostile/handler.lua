-- expect: handler.lua:4: boom
xpcall(function() error "x" end, function(e) return error(e) end)
pcall(pcall, error)
coroutine.wrap(function() error("boom") end)()
