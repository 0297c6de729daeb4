-- expect: error-nil.lua:2: error\(\) was called with a nil instead of
error()
