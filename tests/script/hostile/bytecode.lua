-- expect: "load" is not available
-- expect: the library string has no field "dump"
local f = load(string.dump(function() end), "x", "b")
