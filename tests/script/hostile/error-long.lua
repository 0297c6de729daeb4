-- expect: error-long.lua:2: (x ){250}$
error(("x\n"):rep(10000))
