-- expect: coroutine-dead.lua:5: cannot resume dead coroutine
local co = coroutine.wrap(function() end)
co()
pcall(co)
co()
