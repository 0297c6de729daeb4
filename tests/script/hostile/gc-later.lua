-- expect: gc-later.lua:5: finalizers \(__gc\) are not available
local mt = {}
setmetatable({}, mt)
mt.__gc = function() while true do end end
setmetatable({}, mt)
-- unguarded: the script was stopped after
