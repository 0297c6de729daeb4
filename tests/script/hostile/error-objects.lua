-- expect: error-objects.lua:6: error\(\) was called with a table instead of
pcall(error)
pcall(error, nil)
pcall(error, {})
xpcall(error, function(e) error(e) end, {})
error(setmetatable({}, { __tostring = function() while true do end end }))
