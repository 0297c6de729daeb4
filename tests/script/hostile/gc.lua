-- expect: gc.lua:2: finalizers \(__gc\) are not available in policy files
setmetatable({}, { __gc = function() while true do end end })
-- unguarded: the script was stopped after
